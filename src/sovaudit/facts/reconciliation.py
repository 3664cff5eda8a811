"""A host's own log against the collector's copy of it, record by record: time to the second, program, process and digest of the message.

A relay changes bytes (`sshd[1003]:` loses its colon in RFC 5424, stamps change their form), so that lines cannot be compared; these can.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sovaudit.facts.files import Unseen
from sovaudit.facts.log_archive import LogArchive, line, moment
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line

Record = tuple[int, str, str, str]  # time, program, process, digest


@dataclass
class Compared:
    """One host's own copy. only_here, only_there: records that the other side lacks, oldest first. upto: nothing newer was compared."""

    host: str
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
    own: list[tuple[str, LogArchive]] = []
    collected: list[LogArchive] = []
    for archive in archives:
        host = str(archive.head.get("host", ""))
        if host:
            own.append((host, archive))
        else:
            collected.append(archive)
    for host, archive in own:
        yield _compare(host, archive, collected, delay_minutes * 60, programs)


def _compare(host: str, own: LogArchive, collected: Sequence[LogArchive], delay: int, programs: frozenset[str]) -> Compared:
    found = Compared(host)
    if not collected:
        found.doubt = "no collector's archive stands beside it"
        return found
    try:
        here = _records(own, host, programs)
        there: Counter[Record] = Counter()
        for archive in collected:
            there |= _records(archive, host, programs)
        window = [_window(archive) for archive in (own, *collected)]
    except Unseen as unseen:
        found.doubt, found.gaps = f"{unseen.gap.item} was not seen", (unseen.gap,)
        return found
    unread = [f"{name}: {why}" for archive in (own, *collected) for name, _, why in archive.unread]
    found.since = max(window[0][0], min(since for since, _ in window[1:]))
    found.upto = min(window[0][1], max(upto for _, upto in window[1:])) - delay
    here, there = _within(here, found), _within(there, found)
    found.same = (here & there).total()
    found.only_here = sorted((here - there).elements())
    # a relay that is unsure whether a record arrived sends it again: one that stands there more often was not removed here
    found.only_there = sorted(record for record in there if record not in here)
    if window[0][1] - max(upto for _, upto in window[1:]) > delay:
        found.doubt = f"the collector's copy ends at {moment(found.upto + delay)}, before the host's"
    elif unread and (found.only_here or found.only_there):
        found.doubt = f"a file was not wholly read, {unread[0]}"
    elif not here and not there:
        found.doubt = "there is no record that both could hold"
    elif not found.same and here and there:
        found.doubt = "no record agrees: their stamps may be of different zones, or of reception"
    return found


def _records(archive: LogArchive, host: str, programs: frozenset[str]) -> Counter[Record]:
    name = _short(host)
    return Counter(row[1:] for row in archive.records if _short(row[0]) == name and (not programs or row[2] in programs))


def _short(name: str) -> str:
    name = name.casefold().rstrip(".")
    return name if name.replace(".", "").isdigit() or ":" in name else name.split(".")[0]


def _window(archive: LogArchive) -> tuple[int, int]:
    """First and last second of which records were noted. Raises Unseen."""
    noted = archive.head.get("noted") or [0, 0]
    return max(int(archive.head["first"]), int(noted[0])), min(archive.last, int(noted[1]) - 1)


def _within(records: Counter[Record], found: Compared) -> Counter[Record]:
    return Counter({record: count for record, count in records.items() if found.since <= record[0] <= found.upto})
