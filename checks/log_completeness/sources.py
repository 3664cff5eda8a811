"""Every source that must be collected is collected.

A host that was forgotten, or that stopped sending, leaves no gap in an archive: it is simply not there. Only a list of what must be there
shows it.

Judged per row of the register, a CSV file with the columns `source` and, where known, `log` (syslog, audit, journal, windows, samba,
accesslog), `since` and `until` (dates): `logs:DIR?register=FILE`. A source passes when the archive holds records of it, of that kind
where one is named, the newest no more than `max_age_hours` older than the archive's newest of all. It fails when there are none, or none
since. A short name and its full form are the same where only one host can be meant. A row whose `until` has passed is not applicable, nor
is a host's own copy (`host=`).

Unknown without a register, when a name could be several hosts, when a file was not wholly read that might hold what is missing, and when
the whole archive ends more than `max_age_hours` before it was collected. Sources that nobody declared are not judged.

Remedy: let the source send its logs to the collector, or take it out of the register.
"""

from sovaudit.authoring import LogArchive, Outcomes, Unseen, check, failed, not_applicable, passed, unknown
from sovaudit.facts.archive_sources import held

EXTRACT = ("logs/sources", "logs/register")


@check("log-completeness.sources", severity="high", since="0.2")
def sources(archive: LogArchive, *, max_age_hours: int = 24) -> Outcomes:
    if archive.head.get("host"):
        yield not_applicable("this is the log of one host, not an archive of many")
        return
    try:
        _ = archive.register
    except Unseen as unseen:
        yield unknown(
            "no register says which sources must be collected",
            gaps=[unseen.gap],
            settle="Name a readable register: logs:DIR?register=FILE.",
        )
        return
    unread = archive.unread
    for one in held(archive, max_age_hours):
        name, why = one.declared.source, one.why
        if one.state == "held":
            yield passed("{source} is collected: {why}", subject=one.subject, source=name, why=why, because=one.because, evidence=EXTRACT)
        elif one.state == "ended":
            yield not_applicable(
                "{source} need not be collected: {why}", subject=one.subject, source=name, why=why, because=one.because, evidence=EXTRACT
            )
        elif one.state == "unclear" or unread:
            yield unknown(
                "whether {source} is collected cannot be told: {why}", subject=one.subject, source=name, why=why, because=one.because,
                evidence=EXTRACT, settle="Mend the register, show what was not read, and collect the archive as it is today.",
            )  # fmt: skip
        else:
            yield failed(
                "{source} is not collected: {why}", subject=one.subject, source=name, why=why, because=one.because, evidence=EXTRACT
            )
