"""The journal survives a reboot.

A journal in memory is empty after every boot, so whoever can reboot the host, or crash it, erases the record of how.

Passes when journald is in force and keeps its journal on disk: `Storage=persistent`, or `auto` with the folder /var/log/journal, which
is not in memory, and the unit that flushes to disk is not masked. Drop-ins count in systemd's order (later file names win, /etc hides
/run and /usr; at a line that it cannot read journald gives up the file and all later ones). Where journald is not in force, it passes
when rsyslog certainly writes the security events to files on disk.

Fails when journald is in force and keeps its journal in memory or not at all, also because a file or a link to nothing stands in the
folder's place. Records that rsyslog writes to files as well do not mend
that: they hold what rsyslog was told to keep, without the journal's trusted fields; `log-completeness.auth-events` judges them.

Unknown when the configuration or the folder was not seen.

Remedy: set `Storage=persistent` in /etc/systemd/journald.conf.d/, or create /var/log/journal.
"""

from sovaudit.authoring import Host, Outcomes, check, failed, passed, unknown


@check("log-completeness.persistent", severity="high", since="0.1")
def persistent(host: Host) -> Outcomes:
    journal = host.logs.in_journal()
    if journal.yes:
        yield passed("the journal is kept on disk", subject="journal", because=journal.because)
    elif journal.yes is None:
        yield unknown(
            "whether the journal survives a reboot was not seen",
            subject="journal", gaps=journal.gaps, because=journal.because, settle="Collect journald.conf with its drop-ins, and /var/log.",
        )  # fmt: skip
    elif not host.logs.journal_wanted:
        files = host.logs.all_in_files()
        if files.yes:
            yield passed("no journal is kept, and files on disk hold every security event", subject="journal", because=files.because)
        elif files.yes is False:
            yield failed(
                "no journal is kept, and files do not hold every security event: {why}",
                subject="journal",
                why=files.why,
                because=files.because,
            )
        else:
            yield unknown(
                "no journal is kept, and whether files hold every security event is not known", subject="journal", gaps=files.gaps
            )
    else:
        yield failed("the journal does not survive a reboot: {why}", subject="journal", why=journal.why, because=journal.because)
