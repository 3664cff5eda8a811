"""Every change of who may become root is recorded.

A line in sudoers makes an administrator of anybody. The change itself must leave a record that names its author.

Judged for /etc/sudoers and for /etc/sudoers.d: each passes when each way to change it leaves a record, by anybody who can log in and by a
service that nobody logged in to, through both entries of the kernel. For the folder that includes a new file in it and a change of one
that is there, so that a watch on each present file is not enough.

The rules are read by meaning: /etc/audit/rules.d as augenrules merges it (or the file that the unit hands to `auditctl -R`), then line by
line as auditctl takes them, up to the first line that it refuses, and then as the kernel applies them: the first rule that matches decides.
A mounted image is judged by its files; a running host by its files, for the next boot, and by the rules in its kernel, for now: both must
hold. auditd must be started at boot, must accept its own configuration and must write to disk; on a running host it must run.

It fails when one such act leaves no record. Not applicable where sudo is not installed and neither path exists. Unknown when a rule
depends on what was not seen. Files that sudoers includes from elsewhere, and groups that it names, are not judged here.

Remedy: add `-w /etc/sudoers -p wa -k privilege` and `-w /etc/sudoers.d/ -p wa -k privilege` to a file in /etc/audit/rules.d.
"""

from sovaudit.authoring import Host, Outcomes, check, failed, not_applicable, passed, unknown


@check("log-completeness.privilege-changes", severity="high", since="0.1")
def privilege_changes(host: Host) -> Outcomes:
    found = host.audit.privilege()
    for change in found:
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
    if not found:
        yield not_applicable("sudo is not installed")
