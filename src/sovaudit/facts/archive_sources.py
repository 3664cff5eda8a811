"""Which declared sources an archive holds: names as registers and records write them, short or in full."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sovaudit.facts.log_archive import Declared, LogArchive, Source, line, moment
from sovaudit.model.finding import Line

HOUR = 3600
# what the register's column `log` may say → formats that are it
LOGS = {
    "syslog": ("syslog",),
    "audit": ("audit",),
    "journal": ("journal-export", "journal-json"),
    "windows": ("windows-json", "windows-csv"),
    "samba": ("samba",),
    "accesslog": ("accesslog",),
}


@dataclass(frozen=True, slots=True)
class Held:
    """One declared source. state: `held`, `stale`, `absent`, `ended` (the register says so), `unclear`."""

    declared: Declared
    subject: str
    state: str
    why: str
    because: tuple[Line, ...] = ()


def held(archive: LogArchive, max_age_hours: int) -> Iterator[Held]:
    """One answer per row of the register. Raises Unseen."""
    formats: dict[str, set[str]] = {}
    for file in archive.files:
        formats.setdefault(file.chain, set()).add(file.format)
    known: dict[str, list[Source]] = {}
    for source in archive.sources:
        known.setdefault(source.name.casefold().rstrip("."), []).append(source)
    declared = {row.source.casefold().rstrip(".") for row in archive.register}
    stale = int(archive.taken_at.timestamp()) - archive.last > max_age_hours * HOUR
    rows = [(row.source.casefold(), row.log.casefold()) for row in archive.register]
    for row in archive.register:
        twice = rows.count((row.source.casefold(), row.log.casefold())) > 1 if len(rows) < 2000 else False
        subject = (f"{row.source} {row.log}" if row.log else row.source) + (f" (line {row.line})" if twice else "")
        where = (line("register", f"line {row.line}: {row.source} {row.log}".rstrip()),)
        if row.until and row.until < datetime.fromtimestamp(archive.last, UTC).date().isoformat():
            yield Held(row, subject, "ended", f"the register ends it on {row.until}", where)
            continue
        if row.log and row.log.casefold() not in LOGS:
            yield Held(row, subject, "unclear", f"the register names an unknown kind of log, {row.log}", where)
            continue
        names = _names(row.source.casefold().rstrip("."), known, declared)
        if len(names) > 1:
            yield Held(row, subject, "unclear", f"it could be {' or '.join(names[:5])}", where)
            continue
        wanted = LOGS.get(row.log.casefold())
        found = [one for name in names for one in known[name] if wanted is None or formats.get(one.chain, set()) & set(wanted)]
        if not found:
            yield Held(row, subject, "absent", "there is no record of it", where)
            continue
        newest = max(found, key=lambda one: one.last)
        seen = (*where, *(line(one.chain, f"{one.records} records, {moment(one.first)} to {moment(one.last)}") for one in found))
        if archive.last - newest.last > max_age_hours * HOUR:
            yield Held(row, subject, "stale", f"its newest record is of {moment(newest.last)}", seen)
        elif stale:
            yield Held(row, subject, "unclear", f"the archive itself ends at {moment(archive.last)}", seen)
        else:
            yield Held(row, subject, "held", f"its newest record is of {moment(newest.last)}", seen)


def _names(wanted: str, known: dict[str, list[Source]], declared: set[str]) -> list[str]:
    """Names of the archive that a declared name can mean: itself, or, where nothing else is declared so, its short or full form."""
    if wanted in known:
        return [wanted]
    if "." not in wanted:
        return sorted(name for name in known if name.split(".")[0] == wanted and name not in declared)
    short = wanted.split(".")[0]
    others = [name for name in declared if name != wanted and name.split(".")[0] == short]
    return [short] if short in known and not others else []
