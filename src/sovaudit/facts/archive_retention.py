"""How far back an archive goes, host by host: what is really there, and what shows that more was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sovaudit.facts.files import Unseen
from sovaudit.facts.log_archive import LogArchive, Source, line, moment
from sovaudit.facts.log_retention import Kept
from sovaudit.model.evidence import Gap
from sovaudit.model.verdict import Reason

DAY = 86400


def kept(archive: LogArchive, months: int) -> tuple[Kept, ...]:
    """Each host, and whether its records go back so many calendar months from the newest of the archive. Raises Unseen."""
    wanted = months_before(archive.last, months)
    doubtful = {chain: f"{name}: {why}" for name, chain, why in archive.unread if chain}
    lost = _numbered_before(archive)
    since = _since(archive)
    return tuple(_kept(archive, name, sources, wanted, doubtful, lost, since) for name, sources in archive.by_host())


def _kept(
    archive: LogArchive,
    name: str,
    sources: list[Source],
    wanted: int,
    doubtful: dict[str, str],
    lost: dict[str, str],
    since: dict[str, str],
) -> Kept:
    oldest = min(source.first for source in sources)
    because = tuple(line(source.chain, f"{source.records} records, {moment(source.first)} to {moment(source.last)}") for source in sources)
    holes = empty_months(archive, sources, max(oldest, wanted))
    why = f"its oldest record is of {moment(oldest)[:10]}"
    doubt = next((doubtful[source.chain] for source in sources if source.chain in doubtful), "")
    gap = (Gap("logs/files", Reason.AMBIGUOUS, doubt),) if doubt else ()
    if oldest <= wanted and not holes:
        return Kept(name, True, why, because)
    if doubt:
        return Kept(name, None, "a file of it was not wholly read", because, gap)
    if holes:
        return Kept(name, False, f"there is no record of {', '.join(holes[:12])}", because)
    began = since.get(name.casefold(), "")
    if began and _day(began) + 2 * DAY < oldest:
        return Kept(name, False, f"{why}, and it is collected since {began}", because)
    if name.casefold() in lost:
        return Kept(name, False, f"{why}, and {lost[name.casefold()]}", because)
    return Kept(name, None, f"{why}, and nobody says since when it writes", because, (Gap("logs/register", Reason.ABSENT),))


def _numbered_before(archive: LogArchive) -> dict[str, str]:
    """Sources whose numbering shows that records older than the oldest were there."""
    return {
        one.source.casefold(): f"{one.low - 1} older records ({one.scheme}) were there"
        for one in archive.numberings
        if one.scheme in ("journal", "windows") and one.low > 1
    }


def _since(archive: LogArchive) -> dict[str, str]:
    try:
        return {one.source.casefold(): one.since for one in archive.register if one.since}
    except Unseen:
        return {}


def _day(text: str) -> int:
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    except ValueError:
        return 1 << 40


def months_before(at: int, months: int) -> int:
    """So many calendar months before a time: the same day, or the last of a shorter month."""
    then = datetime.fromtimestamp(min(max(at, 0), 1 << 34), UTC)
    year, month = divmod(then.year * 12 + then.month - 1 - months, 12)
    if year < 1970:
        return 0
    day = then.day
    while True:
        try:
            return int(then.replace(year=year, month=month + 1, day=day).timestamp())
        except ValueError:
            day -= 1


def empty_months(archive: LogArchive, sources: list[Source], begin: int) -> list[str]:
    """Calendar months, local ones, wholly between a time and the archive's last record in which none of the sources wrote."""
    full: set[str] = set()
    for source in sources:
        at = 0
        for count in source.packed:
            if count < 0:
                at -= count
                continue
            full.add(archive.local_month(source, (source.start + at) * 3600))
            at += 1
    offsets = sources[0]
    found: list[str] = []
    first, last = archive.local_month(offsets, begin), archive.local_month(offsets, archive.last)
    day = datetime.fromisoformat(f"{first}-01").replace(tzinfo=UTC)
    while len(found) < 1200:
        day = (day + timedelta(days=32)).replace(day=1)
        month = day.strftime("%Y-%m")
        if month >= last:
            break
        if month not in full:
            found.append(month)
    return found
