"""The audit configuration cannot be changed silently, and a full disk does not silence it.

Records that an intruder can switch off, or that end when the disk is full, are missing exactly where they are needed.

`immutable` passes when the last switch that auditctl reaches is `-e 2`: the kernel then refuses every change until the next boot. On a
running host the kernel must say so too. augenrules puts the last `-e` of its files at the end; a line that auditctl refuses before it
leaves the rules open. `files` passes when nobody but root can write to anything in /etc/audit. `failure` passes unless the kernel is told to
lose records in silence (`-f 0`).

auditd.conf is judged key by key, as auditd reads it; defaults count where a key is missing. `disk_full_action` passes with an action in
`full` (halt, single): the host stops rather than go on without records; `rotate` would drop the oldest. `disk_error_action` passes with one
in `error` (those, and syslog). `space_left_action` and `admin_space_left_action` pass with one in `low`: somebody is told, or the host
stops; `suspend` and `ignore` fail. `max_log_file_action` passes with one in `large` (keep_logs, ignore, syslog: nothing is dropped);
`rotate` drops the oldest log after `num_logs`, however young. `exec` is unknown unless it is in the list: what the program does is not seen.

All fail when auditd refuses its configuration. Not applicable where auditd is not installed: other checks say that nothing is recorded.
Unknown when rules, files or the kernel's state were not seen.

Remedy: end the rules with `-e 2`, and set `disk_full_action = halt`, `admin_space_left_action = single`, `space_left_action = email` and
`max_log_file_action = keep_logs` in /etc/audit/auditd.conf.
"""

from sovaudit.authoring import Host, Outcomes, check, failed, not_applicable, passed, unknown
from sovaudit.facts import audit_protection

STOPS = ("halt", "single")
TELLS = ("syslog", "email", "rotate", "halt", "single")


@check("log-completeness.audit-protected", severity="high", since="0.1")
def audit_protected(
    host: Host,
    *,
    full: tuple[str, ...] = STOPS,
    error: tuple[str, ...] = ("syslog", "halt", "single"),
    low: tuple[str, ...] = TELLS,
    large: tuple[str, ...] = ("keep_logs", "ignore", "syslog"),
) -> Outcomes:
    daemon = host.audit.daemon
    if not daemon.installed:
        yield not_applicable("auditd is not installed")
        return
    for subject, answer in (
        ("immutable", audit_protection.immutable(host)),
        ("files", audit_protection.files(host)),
        ("failure", audit_protection.failure(host)),
    ):
        if answer.yes:
            yield passed("{why}", subject=subject, because=answer.because, why=answer.why)
        elif answer.yes is False:
            yield failed("auditing can be silenced: {why}", subject=subject, because=answer.because, why=answer.why)
        else:
            yield unknown(
                "whether auditing can be silenced is not known: {why}",
                subject=subject, because=answer.because, gaps=answer.gaps, why=answer.why, settle="Collect as root.",
            )  # fmt: skip
    conf = daemon.conf
    for key, good in (
        ("disk_full_action", full),
        ("disk_error_action", error),
        ("space_left_action", low),
        ("admin_space_left_action", low),
        ("max_log_file_action", large),
    ):
        value, line = conf.value(key), conf.line(key)
        if conf.broken is not None:
            yield failed("auditd refuses its configuration, {key} included", subject=key, because=[conf.broken[0]], key=key)
        elif value in good:
            yield passed("{key} is {value}", subject=key, because=[line], key=key, value=value)
        elif value == "exec":
            yield unknown(
                "{key} runs a program whose effect was not seen", subject=key, because=[line], key=key, settle="Read the program."
            )
        else:
            yield failed("{key} is {value}: records end or are dropped", subject=key, because=[line], key=key, value=value)
