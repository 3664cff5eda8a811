"""Each change in the directory is recorded, and the records are kept.

Rights are given and taken here, for every system that asks the directory; without a record nobody can say by whom.

OpenLDAP: slapo-accesslog on the database (or on all) with `add`, `delete`, `modify` and `modrdn` among `olcAccessLogOps`, kept as long as
`olcAccessLogPurge` says, for ever without it; slapo-auditlog, or `stats` in `olcLogLevel`, which both go to files of the server's host. 389-DS and
FreeIPA: the audit log and its rotation, off by default. AD keeps them in the event log of its controllers.
Passes: one of them records every kind of change and keeps it for `months` months (six months: 182 days). Fails: none does, or none keeps it.
Unknown: the settings were not seen, or it is the server's host that keeps them: audit that host (log-completeness.auth-events, .retention).
Out of reach: a log that is full or was emptied; changes of the configuration database; files written past the server.

Remedy: OpenLDAP: `olcAccessLogOps: writes session`, `olcAccessLogPurge: 200+00:00 1+00:00`; 389-DS:
`dsconf … config replace nsslapd-auditlog-logging-enabled=on`, and a rotation that keeps it; AD: audit changes of directory objects, and collect them.
"""

from sovaudit.authoring import Directory, Outcomes, check, failed, passed, unknown
from sovaudit.facts.directories.recording import kept


@check("log-completeness.directory-changes", severity="high", since="0.2")
def directory_changes(directory: Directory, *, months: int = 6) -> Outcomes:
    days = months * 30 + months * 4375 // 10000
    found = kept(directory.recording("changes"), days)
    subject, because = "changes", found.because
    if found.yes:
        text = "{source} records changes and keeps them for {days} days"
        yield passed(text, subject=subject, because=because, source=found.source, days=days)
    elif found.yes is None:
        settle = "the right to read the settings of logs, and an audit of the server's host"
        text = "whether changes are recorded and kept was not seen"
        yield unknown(text, subject=subject, because=because, gaps=found.gaps, settle=settle)
    elif found.short is not None:
        text = "{source} records changes and keeps them for {kept} days only"
        yield failed(text, subject=subject, because=because, seen=str(found.short), source=found.source, kept=found.short)
    else:
        why = found.text or "no log is set up"
        yield failed("nothing records every change ({why})", subject=subject, because=because, why=why)
