"""A host's own log against the collector's copy of it, record by record: time to the second, program, process and digest of the message.

A relay changes bytes (`sshd[1003]:` loses its colon in RFC 5424, stamps change their form), so that lines cannot be compared; these can.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sovaudit.facts.files import Unseen
from sovaudit.facts.log_archive import LogArchive, Record, line, moment, short
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line


@dataclass
class Compared:
    """One host's own copy. only_here, only_there: records that the other side lacks, oldest first. upto: nothing newer was compared."""

    host: str
    subject: str
    same: int = 0
    only_here: list[Record] = field(default_factory=list)
    only_there: list[Record] = field(default_factory=list)
    since: int = 0
    upto: int = 0
    doubt: str = ""
    gaps: tuple[Gap, ...] = ()

    @property
    def because(self) -> list[Line]:
        rows = [(record, "only on the host") for record in self.only_here] + [
            (record, "only at the collector") for record in self.only_there
        ]
        return [line(self.host, f"{_named(record)}: {where}") for record, where in sorted(rows)]


def _named(record: Record) -> str:
    when, program, process, digest = record
    return f"{moment(when)} {program or '-'}{f'[{process}]' if process else ''} {digest}"


def compare(archives: Sequence[LogArchive], *, delay_minutes: int, programs: frozenset[str]) -> Iterator[Compared]:
    """One answer per archive that is a host's own copy (`host=`), against all that are not."""
    collected = collectors(archives)
    for archive in archives:
        if host := str(archive.head.get("host", "")):
            yield _compare(host, archive, collected, delay_minutes * 60, programs)


def collectors(archives: Sequence[LogArchive]) -> list[LogArchive]:
    """Those that are no host's own copy. Raises Unseen."""
    return [archive for archive in archives if not archive.head.get("host", "")]


def _compare(host: str, own: LogArchive, collected: Sequence[LogArchive], delay: int, programs: frozenset[str]) -> Compared:
    found = Compared(host, host)
    if not collected:
        found.doubt = "no collector's archive stands beside it"
        return found
    try:
        here = records_of(own, host, programs)
        there: Counter[Record] = Counter()
        for archive in collected:
            there |= records_of(archive, host, programs)
        windows = [window(archive) for archive in (own, *collected)]
    except Unseen as unseen:
        found.doubt, found.gaps = f"{unseen.gap.item} was not seen", (unseen.gap,)
        return found
    unread = [f"{name}: {why}" for archive in (own, *collected) for name, _, why in archive.unread]
    found.since = max(windows[0][0], min(since for since, _ in windows[1:]))
    found.upto = min(windows[0][1], max(upto for _, upto in windows[1:])) - delay
    here, there = _within(here, found), _within(there, found)
    found.same = (here & there).total()
    found.only_here = sorted((here - there).elements())
    # a relay that is unsure whether a record arrived sends it again: one that stands there more often was not removed here
    found.only_there = sorted(record for record in there if record not in here)
    if windows[0][1] - max(upto for _, upto in windows[1:]) > delay:
        found.doubt = f"the collector's copy ends at {moment(found.upto + delay)}, before the host's"
    elif unread and (found.only_here or found.only_there):
        found.doubt = f"a file was not wholly read, {unread[0]}"
    elif not here and not there:
        found.doubt = "there is no record that both could hold"
    elif not found.same and here and there:
        found.doubt = "no record agrees: their stamps may be of different zones, or of reception"
    return found


def records_of(archive: LogArchive, host: str, programs: frozenset[str]) -> Counter[Record]:
    """The records of a host that an archive holds, by their number. Raises Unseen."""
    found = archive.records_by_host.get(short(host), Counter())
    return Counter({record: count for record, count in found.items() if record[1] in programs}) if programs else Counter(found)


def window(archive: LogArchive) -> tuple[int, int]:
    """First and last second of which records were noted. Raises Unseen."""
    noted = archive.head.get("noted") or [0, 0]
    return max(int(archive.head["first"]), int(noted[0])), min(archive.last, int(noted[1]) - 1)


def _within(records: Counter[Record], found: Compared) -> Counter[Record]:
    return Counter({record: count for record, count in records.items() if found.since <= record[0] <= found.upto})
