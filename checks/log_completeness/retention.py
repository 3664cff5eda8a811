"""Logs of security events are kept for long enough.

An intrusion is often found months later; a record that was rotated away by then proves nothing. Six months are the default here;
operators under a stricter law set `months`.

Judged per log that holds security events: each file that rsyslog writes them to, and `journal` where it is kept on disk.

A file passes when logrotate certainly keeps it that long: `rotate` times its period, cut by `maxage`. Months are counted by the
calendar against `monthly` and `yearly`, and as 30.4375 days each, rounded down, against days and weeks (6 months: 182 days, so `weekly`
with `rotate 26` is enough and 25 is not). A file that is never rotated is kept for ever. It fails when even the schedule keeps less. A
rotation by size (`size`, `maxsize`, or no period at all) guarantees no time: unknown, unless the oldest record there is old enough. The
journal has no guarantee of time either: a `MaxRetentionSec` that is too short fails; otherwise it passes when its oldest entry is old
enough, and is unknown when not. A young record on its own is no failure, as the host may be younger than its logs must be.

Where its timer or its folder of cron starts logrotate more rarely than a stanza's period, the days between two runs count instead: `hourly` under
Debian's timer rotates once a day.

What a collector keeps does not count here. Removal by other means (cron jobs, tmpfiles.d) is out of reach.

In an archive, each host is judged by what is really there: it passes when the oldest record is so many calendar months older than the
newest of the archive, and each calendar month in between holds records of it. A month without any fails, and so does a host that the
register (`since`) says was collected before its oldest record, or whose numbers (journal, Windows event log) show that older
records were there. A host that is merely young is unknown, as nobody says since when it writes; so is one with a file that was not wholly read.

Remedy: set `rotate` and the period in /etc/logrotate.d, by time and not by size; let the archive keep what it has got.
"""

from sovaudit.authoring import Host, LogArchive, Outcomes, check, failed, not_applicable, passed, unknown
from sovaudit.facts import archive_retention


@check("log-completeness.retention", severity="medium", since="0.1")
def retention(place: Host | LogArchive, *, months: int = 6) -> Outcomes:
    kept = place.logs.retained(months) if isinstance(place, Host) else archive_retention.kept(place, months)
    for log in kept:
        if log.yes:
            yield passed(
                "{log} is kept for {months} months: {why}", subject=log.name, log=log.name, months=months, why=log.why, because=log.because
            )
        elif log.yes is False:
            yield failed(
                "{log} is kept for less than {months} months: {why}",
                subject=log.name,
                log=log.name,
                months=months,
                why=log.why,
                because=log.because,
            )
        else:
            yield unknown(
                "whether {log} is kept for {months} months is not certain: {why}",
                subject=log.name, log=log.name, months=months, why=log.why, because=log.because, gaps=log.gaps,
                settle="Say in the register since when it is collected, or judge again once its oldest record is that old."
                if isinstance(place, LogArchive)
                else "Rotate by time, or collect again once the oldest record is that old.",
            )  # fmt: skip
    if not kept:
        if isinstance(place, LogArchive):
            yield unknown("the archive holds no record", settle="Name the folder that holds the logs.")
        elif place.logs.events:
            yield failed("no log on disk holds security events, so nothing is kept")
        else:
            yield not_applicable("neither sshd, login, sudo nor su is installed")
