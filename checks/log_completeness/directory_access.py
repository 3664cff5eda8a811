"""Each bind to the directory is recorded, refused ones too, and the records are kept.

Who tried which name and when is what an inquiry begins with; a record of successes alone hides the guessing.

OpenLDAP: slapo-accesslog on the database (or on all) with `bind` among `olcAccessLogOps` and without `olcAccessLogSuccess: TRUE`, kept as long as
`olcAccessLogPurge` says, for ever without it; or `stats` in `olcLogLevel`, which goes to the syslog of the server's host. 389-DS and FreeIPA: the
access log and its rotation. AD keeps them in the event log of its controllers.
Passes: one of them records binds and keeps them for `months` months (six months: 182 days). Fails: none records all of them, or none keeps them.
Unknown: the settings were not seen, or it is the server's host that keeps them: audit that host (log-completeness.auth-events, .retention).
Out of reach: a log that is full or was emptied; binds to the configuration database.

Remedy: OpenLDAP: `olcAccessLogOps: writes session`, `olcAccessLogSuccess: FALSE`, `olcAccessLogPurge: 200+00:00 1+00:00`; 389-DS:
`dsconf … config replace nsslapd-accesslog-logging-enabled=on`, and a rotation that keeps them; AD: audit logon events, and collect them.
"""

from sovaudit.authoring import Directory, Outcomes, check, failed, passed, unknown
from sovaudit.facts.directories.recording import kept


@check("log-completeness.directory-access", severity="high", since="0.2")
def directory_access(directory: Directory, *, months: int = 6) -> Outcomes:
    days = months * 30 + months * 4375 // 10000
    found = kept(directory.recording("access"), days)
    subject, because = "binds", found.because
    if found.yes:
        text = "{source} records binds and keeps them for {days} days"
        yield passed(text, subject=subject, because=because, source=found.source, days=days)
    elif found.yes is None:
        settle = "the right to read the settings of logs, and an audit of the server's host"
        text = "whether binds are recorded and kept was not seen"
        yield unknown(text, subject=subject, because=because, gaps=found.gaps, settle=settle)
    elif found.short is not None:
        text = "{source} records binds and keeps them for {kept} days only"
        yield failed(text, subject=subject, because=because, seen=str(found.short), source=found.source, kept=found.short)
    else:
        why = found.text or "no log is set up"
        yield failed("nothing records each bind ({why})", subject=subject, because=because, why=why)
