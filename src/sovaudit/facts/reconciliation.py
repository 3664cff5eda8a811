"""A host's own log against the collector's copy of it, record by record: time to the second, program, process and digest of the message.

A relay changes bytes (`sshd[1003]:` loses its colon in RFC 5424, stamps change their form), so that lines cannot be compared; these can.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sovaudit.facts.files import Unseen
from sovaudit.facts.log_archive import LogArchive, Record, full, line, moment, short
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line

SEVERAL = "other hosts go by its name, too"
_DAY = 86_400
JOURNAL_SLACK = 2  # seconds between what journald and another daemon call the time of one record


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
            others = [str(other.head.get("host", "")) for other in archives if other.head.get("host", "") != host]
            yield _compare(host, archive, collected, delay_minutes * 60, programs, others)


def collectors(archives: Sequence[LogArchive]) -> list[LogArchive]:
    """Those that are no host's own copy. Raises Unseen."""
    return [archive for archive in archives if not archive.head.get("host", "")]


def _compare(
    host: str, own: LogArchive, collected: Sequence[LogArchive], delay: int, programs: frozenset[str], others: Sequence[str]
) -> Compared:
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
        several = contested(host, others, collected)
    except Unseen as unseen:
        found.doubt, found.gaps = f"{unseen.gap.item} was not seen", (unseen.gap,)
        return found
    unread = [f"{name}: {why}" for archive in (own, *collected) for name, _, why in archive.unread]
    found.since = max(windows[0][0], min(since for since, _ in windows[1:]))
    found.upto = min(windows[0][1], max(upto for _, upto in windows[1:])) - delay
    slack = JOURNAL_SLACK if _of_journal(own) != all(_of_journal(archive) for archive in collected) else 0
    inside = _within(here, found, 0)
    missing(found, inside.elements(), there, slack)
    not_before(found, collected)
    found.only_there = extra(_within(there, found, slack), here, slack)
    here, there = inside, _within(there, found, 0)
    if several:
        found.doubt = SEVERAL
    elif windows[0][1] - max(upto for _, upto in windows[1:]) > delay:
        found.doubt = f"the collector's copy ends at {moment(found.upto + delay)}, before the host's"
    elif unread and (found.only_here or found.only_there):
        found.doubt = f"a file was not wholly read, {unread[0]}"
    elif not here and not there:
        found.doubt = "there is no record that both could hold"
    elif not found.same and here and there:
        found.doubt = "no record agrees: their stamps may be of different zones, or of reception"
    return found


Key = tuple[str, ...]


def _part(record: Record, slack: int) -> Key:
    """What else than time and message must agree. What journald knows as process the program itself need not have said."""
    return record[1:2] if slack else record[1:3]


def _times(records: Iterable[Record], slack: int) -> dict[Key, list[int]]:
    """Program, process and digest → when, in order."""
    found: dict[Key, list[int]] = {}
    for record in sorted(records):
        found.setdefault((*_part(record, slack), record[3]), []).append(record[0])
    return found


class _Pairing:
    """Pairs times of one key with the nearest that is left, both in order."""

    def __init__(self, times: dict[Key, list[int]], slack: int) -> None:
        self._times, self._slack = times, slack
        self._at: dict[Key, int] = {}

    def take(self, key: Key, at: int) -> int | None:
        times, place = self._times.get(key, []), self._at.get(key, 0)
        while place < len(times) and times[place] < at - self._slack:
            place += 1
        taken = place < len(times) and times[place] <= at + self._slack
        self._at[key] = place + taken
        return times[place] if taken else None


def missing(found: Compared, inside: Iterable[Record], there: Counter[Record], slack: int) -> None:
    """Count what both hold, and name what of these records the collector lacks; one without a digest agrees with any of its time and process."""
    pairing = _Pairing(_times(there.elements(), slack), slack)
    taken: Counter[tuple[Key, int]] = Counter()
    without: list[Record] = []
    for record in sorted(inside):
        key = (*_part(record, slack), record[3])
        if record[3] == "-":
            without.append(record)
        elif (match := pairing.take(key, record[0])) is None:
            found.only_here.append(record)
        else:
            found.same += 1
            taken[key, match] += 1
    if without:
        left: dict[Key, list[int]] = {}
        for record, count in sorted(there.items()):
            part = _part(record, slack)
            used = min(count, taken[(*part, record[3]), record[0]])
            taken[(*part, record[3]), record[0]] -= used
            left.setdefault(part, []).extend([record[0]] * (count - used))
        pairing = _Pairing(left, slack)
        for record in without:
            if pairing.take(_part(record, slack), record[0]) is None:
                found.only_here.append(record)
            else:
                found.same += 1
    found.only_here.sort()


def not_before(found: Compared, archives: Sequence[LogArchive]) -> None:
    """Nothing is missing of what was written up to the day on which, by the register, the host began to be collected."""
    begun: list[int] = []
    for archive in archives:
        try:
            days = [row.since for row in archive.register if short(row.source) == short(found.host)]
            begun += [int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) + _DAY if day else 0 for day in days]
        except (Unseen, ValueError):
            continue
    since = min(begun, default=0)
    kept = [record for record in found.only_here if record[0] >= since]
    if len(kept) != len(found.only_here):
        found.only_here, found.since = kept, max(found.since, since)


def extra(records: Iterable[Record], here: Iterable[Record], slack: int) -> list[Record]:
    """What of the collector's records the host has not, however often: a relay that is unsure whether one arrived sends it again."""
    times = _times(here, slack)

    def known(key: Key, at: int) -> bool:
        near = times.get(key, [])
        place = bisect_left(near, at - slack)
        return place < len(near) and near[place] <= at + slack

    return sorted(record for record in records if not any(known((*_part(record, slack), digest), record[0]) for digest in (record[3], "-")))


def records_of(archive: LogArchive, host: str, programs: frozenset[str]) -> Counter[Record]:
    """The records of a host that an archive holds, by their number: under its name, with its domain or without. Raises Unseen."""
    found: Counter[Record] = Counter()
    for name, records in archive.records_by_host.get(short(host), {}).items():
        if full(host) in (name, short(host)) or name == short(host):
            found.update(records)
    return Counter({record: count for record, count in found.items() if record[1] in programs}) if programs else found


def contested(host: str, others: Iterable[str], archives: Sequence[LogArchive]) -> bool:
    """Whether what stands under a host's name may be of another of that name, in another domain. Raises Unseen."""
    written = {name for archive in archives for name in archive.names.get(short(host), frozenset())}
    rivals = {name for name in (full(other) for other in others) if short(name) == short(host)}
    domains = written - {short(host)}
    if full(host) == short(host):
        return len(domains) > 1 or bool(rivals)
    return short(host) in written and bool((domains | rivals) - {full(host)})


def window(archive: LogArchive) -> tuple[int, int]:
    """First and last second of which records were noted. Raises Unseen."""
    noted = archive.head.get("noted") or [0, 0]
    return max(int(archive.head["first"]), int(noted[0])), min(archive.last, int(noted[1]) - 1)


def _within(records: Counter[Record], found: Compared, slack: int) -> Counter[Record]:
    return Counter({record: count for record, count in records.items() if found.since + slack <= record[0] <= found.upto - slack})


def _of_journal(archive: LogArchive) -> bool:
    return any(file.format.startswith("journal") for file in archive.files)
