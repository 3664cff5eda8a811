"""Every change of the clock by a person is recorded.

Whoever sets the clock back can write records of a time that suits them.

Judged per system call that sets it: adjtimex, clock_adjtime, clock_settime, settimeofday and, of 32-bit programs only, stime. Each passes
when anybody who can log in leaves a record when they use it as root, through the 64-bit and the 32-bit entry of the kernel. A rule without
`-F arch` names numbers of the 64-bit entry only. `-F a0=0` (the host's own clock) is no restriction. Time services need no record of
their own: rules that leave out chrony's account or an unset login id pass.

The rules are read by meaning: /etc/audit/rules.d as augenrules merges it (or the file that the unit hands to `auditctl -R`), then line by
line as auditctl takes them, up to the first line that it refuses, and then as the kernel applies them: the first rule that matches decides.
A mounted image is judged by its files; a running host by its files, for the next boot, and by the rules in its kernel, for now: both must
hold. auditd must be started at boot, must accept its own configuration and must write to disk; on a running host it must run.

It fails when one such call leaves no record, clock_adjtime included, which modern C libraries use for adjtimex. Unknown when a rule depends
on what was not seen. The calls of 32-bit programs that were made for times after 2038 (clock_settime64, clock_adjtime64) are not asked for.

Remedy: add `-a always,exit -F arch=b64 -S adjtimex,clock_adjtime,clock_settime,settimeofday -k time`, and the same with `arch=b32` and
`stime`.
"""

from sovaudit.authoring import Host, Outcomes, check, failed, passed, unknown


@check("log-completeness.time-changes", severity="medium", since="0.1")
def time_changes(host: Host) -> Outcomes:
    for change in host.audit.clock():
        if change.yes:
            yield passed("every use of {what} is recorded", subject=change.name, because=change.because, what=change.name)
        elif change.yes is False:
            yield failed(
                "a use of {what} leaves no record: {why}",
                subject=change.name, seen=change.seen, because=change.because, what=change.name, why=change.why,
            )  # fmt: skip
        else:
            yield unknown(
                "whether every use of {what} is recorded is not known: {why}",
                subject=change.name, seen=change.seen, because=change.because, gaps=change.gaps, what=change.name, why=change.why,
                settle="Collect as root: /etc/audit, and what auditctl lists.",
            )  # fmt: skip
