"""Every change of the configuration of logging is recorded.

Whoever wants to act unseen turns the recording off first.

Judged for /etc/audit, and for what the installed logging daemons read: /etc/rsyslog.conf and /etc/rsyslog.d, /etc/syslog-ng,
/etc/systemd/journald.conf, and /etc/systemd/journald.conf.d where it exists. Each passes when each way to change it leaves a record, by
anybody who can log in and by a service that nobody logged in to, through both entries of the kernel; for a folder that includes new files
in it.

The rules are read by meaning: /etc/audit/rules.d as augenrules merges it (or the file that the unit hands to `auditctl -R`), then line by
line as auditctl takes them, up to the first line that it refuses, and then as the kernel applies them: the first rule that matches decides.
A mounted image is judged by its files; a running host by its files, for the next boot, and by the rules in its kernel, for now: both must
hold. auditd must be started at boot, must accept its own configuration and must write to disk; on a running host it must run.

It fails when one such act leaves no record. Unknown when a rule depends on what was not seen. Rules that are changed in the kernel alone
are recorded by the kernel itself; logrotate and the daemons' units are not judged here.

Remedy: add `-w PATH -p wa -k logging` for each of these paths to a file in /etc/audit/rules.d.
"""

from sovaudit.authoring import Host, Outcomes, check, failed, passed, unknown


@check("log-completeness.log-config-changes", severity="high", since="0.1")
def log_config_changes(host: Host) -> Outcomes:
    for change in host.audit.logging():
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
