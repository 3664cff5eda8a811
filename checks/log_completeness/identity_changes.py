"""Every change of accounts and groups is recorded.

Who adds an account, or a line to /etc/shadow, can come back later as somebody else; without a record nobody learns when, and who it was.

Judged per file: /etc/passwd, /etc/shadow, /etc/group, /etc/gshadow, and /etc/security/opasswd where old passwords are kept. A file passes
when each way to change it leaves a record, through the 64-bit and the 32-bit entry of the kernel: opening it for writing, truncating it,
putting another file in its place, removing it, and changing its owner or mode; by anybody who can log in, with and without a setuid
program, and by a service that nobody logged in to. `-w FILE -p wa` does all that, and so does the same on /etc; a rule for one arch, for
reading, for failures or for some login ids does not.

The rules are read by meaning: /etc/audit/rules.d as augenrules merges it (or the file that the unit hands to `auditctl -R`), then line by
line as auditctl takes them, up to the first line that it refuses, and then as the kernel applies them: the first rule that matches decides.
A mounted image is judged by its files; a running host by its files, for the next boot, and by the rules in its kernel, for now: both must
hold. auditd must be started at boot, must accept its own configuration and must write to disk; on a running host it must run.

It fails when one such act leaves no record; what and whose it is stands beside the finding. Unknown when a rule depends on what was not
seen. Out of reach: writing through a hard link below a watched folder only, bind mounts over the file, io_uring, and machines other than
x86-64. The rules of this check were compared with a running kernel, call by call.

Remedy: add `-w /etc/passwd -p wa -k identity`, and the same for the other files, to a file in /etc/audit/rules.d whose name ends in
`.rules`; load it with `augenrules --load`.
"""

from sovaudit.authoring import Host, Outcomes, check, failed, passed, unknown


@check("log-completeness.identity-changes", severity="high", since="0.1")
def identity_changes(host: Host) -> Outcomes:
    for change in host.audit.identity():
        if change.yes:
            yield passed("every change of {what} is recorded", subject=change.name, because=change.because, what=change.name)
        elif change.yes is False:
            yield failed(
                "a change of {what} leaves no record: {why}",
                subject=change.name, seen=change.seen, because=change.because, what=change.name, why=change.why,
            )  # fmt: skip
        else:
            yield unknown(
                "whether every change of {what} is recorded is not known: {why}",
                subject=change.name, seen=change.seen, because=change.because, gaps=change.gaps, what=change.name, why=change.why,
                settle="Collect as root: /etc/audit, and what auditctl lists.",
            )  # fmt: skip
