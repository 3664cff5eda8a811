"""Each sudo command line is recorded.

Who becomes root through sudo is accountable for what he runs only if each command line, and each one that was refused, leaves a trace.

Judged per account that may run something through sudo, for what it is allowed and for what it is refused, and `others` for the refusals
of everybody else. An account passes when all of these certainly leave a record that stays: through syslog (`syslog`, with
`syslog_goodpri` for what is allowed and `syslog_badpri` for what is refused) in a file that rsyslog writes or in a journal that is kept
on disk; in sudo's own `logfile`; in an I/O log (what is allowed only); or at one of `log_servers` that is not this host. `Defaults` count
in sudo's order with their scope: everybody, host, user, target, and last the command.

Fails when something is not recorded: `!log_allowed`, `!log_denied`, `!syslog` without anything in its place, priority `none`, also when
only for one user, target or command; or when the logging daemon drops the message, as `log-completeness.auth-events` explains. Who may
read or change the record is judged there and by `log-completeness.tamper`. Unknown when rules or settings were not seen, for example
those of a directory. Not applicable when sudo is not installed or serves nobody. What a shell started by sudo runs is out of reach here
(`log_subcmds`, the audit system).

Remedy: remove `!syslog`, `!log_allowed` and `!log_denied` from sudoers, and let `authpriv` reach a file.
"""

from sovaudit.authoring import Host, Outcomes, check, failed, not_applicable, passed, unknown


@check("log-completeness.sudo", severity="high", since="0.1")
def sudo(host: Host) -> Outcomes:
    if host.sudo.installed is False or host.sudo.broken:
        yield not_applicable("sudo runs nothing here", because=host.sudo.because)
        return
    asked = False
    for name, found in host.logs.sudo_records():
        asked = True
        if found.yes:
            yield passed(
                "each command line of {name} through sudo is recorded",
                subject=name,
                name=name,
                seen=", ".join(found.places),
                because=found.because,
            )
        elif found.yes is False and found.what == "allowed":
            yield failed(
                "what {name} runs through sudo is not recorded: {why}", subject=name, name=name, why=found.why, because=found.because
            )
        elif found.yes is False:
            yield failed("what sudo refuses {name} is not recorded: {why}", subject=name, name=name, why=found.why, because=found.because)
        else:
            yield unknown(
                "whether sudo records {name} is not known: {why}",
                subject=name, name=name, why=found.why, because=found.because, gaps=found.gaps,
                settle="Collect sudoers with all that it includes, and the logging configuration in full.",
            )  # fmt: skip
    if not asked:
        yield not_applicable("no account could run sudo")
