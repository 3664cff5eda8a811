"""Logins, failed logins and privilege changes land in a protected log.

Whoever got in, failed to, or became root leaves a record only if the message reaches a log that lasts and that nobody but
administrators can read or change. A filter above the right line, a facility too few or a socket that nobody reads loses it without any
error.

Judged per event (`ssh-login`, `ssh-failure`, `login`, `sudo`, `su`; only those whose program is installed): the messages which that
program writes are sent, in thought, through the whole configuration. An event passes when each of its messages certainly lands in at
least one of

- the journal, where journald is in force and keeps messages of that severity on disk;
- a file that rsyslog certainly writes: not writable and not readable by everybody, nor by an account that is a person's, in folders
  that only the system can change, and not on a file system in memory. For a file that does not exist yet the mode with which rsyslog
  would make it counts;
- sudo's own log file.

It fails when a message certainly lands in none of these: also when only a journal in memory takes it, when the program is told not to
log (sshd's LogLevel below INFO for any address or account, sudo's `!syslog`), or when no logging daemon is in force. It is unknown when
that depends on something that was not seen, or on a logging daemon that is not modelled (syslog-ng, BusyBox). Rate limits are not
judged.

Units of systemd count: what rsyslog's own unit lets it write (`ProtectSystem=`, `ReadOnlyPaths=`, `User=` …), what sshd's has journald
drop (`LogLevelMax=`), and that a boot starts them at all: masks, targets that are not reached, a unit with two commands.

Remedy: let `auth,authpriv.*` reach a file of mode 0640 in /var/log, above any `stop`, or keep the journal on disk
(`Storage=persistent`).
"""

from sovaudit.authoring import Host, Outcomes, check, failed, not_applicable, passed, unknown


@check("log-completeness.auth-events", severity="high", since="0.1")
def auth_events(host: Host) -> Outcomes:
    for event in host.logs.events:
        answer = host.logs.lands(event)
        if answer.yes:
            yield passed(
                "{event} is recorded: {how}",
                subject=event.name,
                event=event.name,
                how=answer.why,
                seen=", ".join(answer.places),
                because=answer.because,
            )
        elif answer.yes is False:
            yield failed(
                "{event} leaves no protected record: {why}", subject=event.name, event=event.name, why=answer.why, because=answer.because
            )
        else:
            yield unknown(
                "whether {event} is recorded is not known: {why}",
                subject=event.name, event=event.name, why=answer.why, because=answer.because, gaps=answer.gaps,
                settle="Collect the logging configuration in full, and the modes of the log files.",
            )  # fmt: skip
    if not host.logs.events:
        yield not_applicable("neither sshd, login, sudo nor su is installed")
