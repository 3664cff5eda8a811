"""What administrators do is recorded, and by whom.

An account of root's power that nobody can read afterwards is no account. Each program that an administrator runs must leave a record that
names the person who logged in.

`commands` passes when the execution of a program as root leaves a record for everybody who can log in, through the 64-bit and the 32-bit
entry of the kernel, with its arguments. Login ids are those of the accounts that can log in, root's own where it can, and 1000 for accounts
yet to be made. A rule that records only the step to root (`-C uid!=euid`, a watch on sudo) says nothing of what follows in a root shell, and
fails. So does pam_tty_audit alone: it records keys, not programs that are run without a terminal.

Each program that lets somebody in (`sshd`, `login`, `cron`, `atd`, display managers; only those installed) passes when its session
stack, or its account stack, certainly runs pam_loginuid, which names the person in every later record. `su` and `sudo` pass when theirs
does not: there it would put root in the person's place.

The rules are read by meaning: /etc/audit/rules.d as augenrules merges it (or the file that the unit hands to `auditctl -R`), then line by
line as auditctl takes them, up to the first line that it refuses, and then as the kernel applies them: the first rule that matches decides.
A mounted image is judged by its files; a running host by its files, for the next boot, and by the rules in its kernel, for now: both must
hold. auditd must be started at boot, must accept its own configuration and must write to disk; on a running host it must run.

Unknown when a rule depends on what was not seen. Out of reach: what an editor or interpreter does without running another program.

Remedy: add `-a always,exit -F arch=b64 -S execve -F euid=0 -F auid!=unset -k root`, the same with `arch=b32`, and
`session required pam_loginuid.so` in the PAM files of what lets people in.
"""

from sovaudit.authoring import Host, Outcomes, check, failed, passed, unknown
from sovaudit.facts.audit_loginuid import login_ids


@check("log-completeness.privileged-actions", severity="high", since="0.1")
def privileged_actions(host: Host) -> Outcomes:
    found = host.audit.commands()
    if found.yes:
        yield passed("commands run as root are recorded", subject="commands", because=found.because)
    elif found.yes is False:
        yield failed(
            "a command run as root leaves no record: {why}", subject="commands", seen=found.seen, because=found.because, why=found.why
        )
    else:
        yield unknown(
            "whether commands run as root are recorded is not known: {why}",
            subject="commands", seen=found.seen, because=found.because, gaps=found.gaps, why=found.why,
            settle="Collect as root: /etc/audit, and what auditctl lists.",
        )  # fmt: skip
    for each in login_ids(host):
        if each.yes:
            yield passed("{service} keeps the login id of the person", subject=each.service, because=each.because, service=each.service)
        elif each.yes is False:
            yield failed(
                "after {service}, records do not name the person: {why}",
                subject=each.service, because=each.because, service=each.service, why=each.why,
            )  # fmt: skip
        else:
            yield unknown(
                "whether records name the person after {service} is not known: {why}",
                subject=each.service, because=each.because, gaps=each.gaps, service=each.service, why=each.why,
                settle="Collect /etc/pam.d in full.",
            )  # fmt: skip
