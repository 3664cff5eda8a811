"""A log archive: which files and sources it holds, from when to when, what is numbered in it, and what was not read.

Everything comes from the extract in the evidence (docs/evidence-format.md); the logs themselves are elsewhere.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, TypeVar

from sovaudit.facts.files import Unseen
from sovaudit.facts.silence import Offsets, Rhythm, local_hours
from sovaudit.model.evidence import Evidence, Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

HOUR = 3600
Record = tuple[int, str, str, str]  # time, program, process, digest
MAX_HOURS = 24 * 366 * 100
_T = TypeVar("_T")
# What befell a file so that records of it may be missing from the extract.
UNREAD = (
    "broken-packing", "bytes-after-end", "cut-short", "grows-too-much", "journal-binary", "list-too-long", "timeout", "too-many-sources",
    "unrecognised", "windows-binary",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LogFile:
    """One file of the archive. troubles: reason → how many lines or events. first, last: seconds since the epoch, 0 if it holds no record."""

    name: str
    chain: str
    size: int
    format: str
    lines: int
    records: int
    first: int
    last: int
    troubles: dict[str, int]
    error: str = ""
    year_from: str = ""

    @property
    def unread(self) -> str:
        """Why records of it may be missing, "" if none are."""
        bad = [reason for reason in UNREAD if self.troubles.get(reason)]
        lost = sum(self.troubles.get(reason, 0) for reason in ("no-stamp", "no-such-time", "not-json", "no-field", "day-or-month"))
        if self.error:
            return self.error
        if bad:
            return ", ".join(bad)
        return "most lines have no time that we understand" if lost > self.records else ""


@dataclass(frozen=True, slots=True)
class Mark:
    """What a source said of itself at a time: a boot, a shutdown, losses (`count` records, `whose`)."""

    at: int
    kind: str
    count: int
    whose: str


@dataclass(frozen=True)
class Source:
    """One source in one chain of files. Times are seconds since the epoch; hours: number of the first hour since the epoch, and counts."""

    name: str
    chain: str
    subject: str
    first: int
    last: int
    records: int
    start: int
    packed: tuple[int, ...]
    silences: tuple[tuple[int, int], ...]
    steps: tuple[tuple[int, int], ...]
    marks: tuple[Mark, ...]
    more: bool
    offsets: Offsets = field(repr=False, default=((0, 0),))

    @cached_property
    def hours(self) -> list[int]:
        found: list[int] = []
        for count in self.packed:
            if count < 0:
                found.extend([0] * -count)
            else:
                found.append(count)
        return found

    def rhythm(self, holidays: frozenset[str]) -> Rhythm:
        return Rhythm(self.start, self.hours, self.offsets, holidays)

    def records_between(self, start: int, end: int) -> int:
        """Records in the whole hours that lie between two times."""
        low, high = -(-start // HOUR) - self.start, end // HOUR - self.start
        return sum(self.hours[max(0, low) : max(0, high)])


@dataclass(frozen=True, slots=True)
class Numbering:
    """Numbers that should follow one another: of a journal, of an audit trail since a start of auditd, of a Windows event log.

    holes: first and last missing number, and the times of the records beside them.
    """

    source: str
    scheme: str
    key: str
    low: int
    high: int
    start: int
    end: int
    missing: int
    holes: tuple[tuple[int, int, int, int], ...]
    more: bool


@dataclass(frozen=True, slots=True)
class Declared:
    """A source that the register names. since, until: dates, "" where open."""

    source: str
    log: str
    since: str
    until: str
    line: int


class LogArchive:
    """Facts about one archive. Each may raise Unseen."""

    kinds = ("logs",)

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self._gaps = {gap.item: gap for gap in evidence.gaps}

    @property
    def taken_at(self) -> datetime:
        """Raises Unseen."""
        if self.evidence.taken_at is None:
            raise Unseen(Gap("taken_at", Reason.ABSENT))
        return self.evidence.taken_at

    def _artifact(self, name: str) -> bytes:
        data = self.evidence.artifacts.get(name)
        if data is None:
            raise Unseen(self._gaps.get(name, Gap(name, Reason.ABSENT)))
        return data

    def _rows(self, name: str, made: Callable[[dict[str, Any]], _T]) -> tuple[_T, ...]:
        """One document per line. Raises Unseen for what is not there or not of the shape."""
        try:
            return tuple(made(json.loads(line)) for line in self._artifact(name).split(b"\n") if line)
        except (ValueError, KeyError, TypeError, RecursionError, IndexError, AttributeError) as error:
            raise Unseen(Gap(name, Reason.AMBIGUOUS, "not of the shape we write")) from error

    @cached_property
    def head(self) -> dict[str, Any]:
        """What was asked of the collector, the first and last time in the archive, and its zone. Raises Unseen."""
        (found,) = self._rows("logs/archive", dict) or ({},)
        try:
            _time(found["first"]), _time(found["last"])
        except (KeyError, TypeError, ValueError) as error:
            raise Unseen(Gap("logs/archive", Reason.AMBIGUOUS, "not of the shape we write")) from error
        return found

    @property
    def last(self) -> int:
        """Time of the newest record of all. Raises Unseen."""
        return int(self.head["last"])

    @cached_property
    def files(self) -> tuple[LogFile, ...]:
        """Chain by chain, oldest first. Raises Unseen."""
        return self._rows("logs/files", _file)

    @cached_property
    def unread(self) -> tuple[tuple[str, str, str], ...]:
        """Name, chain and reason of what was not read, or not wholly; the chain of a file that was not opened is unknown: "". Raises Unseen."""
        named = {file.name: (file.name, file.chain, file.unread) for file in self.files if file.unread}
        for gap in self.evidence.gaps:
            name = gap.item.removeprefix("logs:")
            if gap.item.startswith("logs:") and name not in named:
                named[name] = (name, "", gap.detail or gap.reason.value)
        return tuple(named[name] for name in sorted(named))

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """Raises Unseen."""
        offsets: Offsets = tuple((int(at), int(seconds)) for at, seconds in self.head.get("offsets", [])) or ((0, 0),)
        raw = self._rows("logs/sources", dict)
        try:
            seen: dict[str, int] = {}
            for row in raw:
                seen[str(row["name"]).casefold()] = seen.get(str(row["name"]).casefold(), 0) + 1
            return tuple(_source(row, offsets, alone=seen[str(row["name"]).casefold()] == 1) for row in raw)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise Unseen(Gap("logs/sources", Reason.AMBIGUOUS, "not of the shape we write")) from error

    @cached_property
    def numberings(self) -> tuple[Numbering, ...]:
        """In the order in which they began. Raises Unseen."""
        return self._rows("logs/numbers", _numbering)

    @cached_property
    def register(self) -> tuple[Declared, ...]:
        """Raises Unseen where none was given."""
        found = self._rows("logs/register", _declared)
        if not found:
            raise Unseen(Gap("logs/register", Reason.AMBIGUOUS, "it names no source"))
        return found

    @cached_property
    def records(self) -> tuple[tuple[str, int, str, str, str], ...]:
        """Source, time, program, process and digest of each record that was noted. Raises Unseen."""
        found = []
        for line in self._artifact("logs/records").decode("utf-8", "replace").splitlines():
            cells = line.split("\t")
            if len(cells) != 5 or not cells[1].isdigit():
                raise Unseen(Gap("logs/records", Reason.AMBIGUOUS, "not of the shape we write"))
            found.append((cells[0], int(cells[1]), cells[2], cells[3], cells[4]))
        return tuple(found)

    @cached_property
    def records_by_host(self) -> dict[str, dict[str, Counter[Record]]]:
        """Host without its domain → as it is written → its records, by their number. Raises Unseen."""
        found: dict[str, Counter[Record]] = {}
        for source, *record in self.records:
            found.setdefault(source, Counter())[tuple(record)] += 1  # type: ignore[index]
        hosts: dict[str, dict[str, Counter[Record]]] = {}
        for source, records in found.items():
            hosts.setdefault(short(source), {}).setdefault(full(source), Counter()).update(records)
        return hosts

    @cached_property
    def names(self) -> dict[str, frozenset[str]]:
        """Its sources: without their domains → as they are written. Raises Unseen."""
        found: dict[str, set[str]] = {}
        for source in self.sources:
            found.setdefault(short(source.name), set()).add(full(source.name))
        return {name: frozenset(each) for name, each in found.items()}

    def by_host(self) -> Iterator[tuple[str, list[Source]]]:
        """Sources of one name, whatever the chain, in order of their names. Raises Unseen."""
        found: dict[str, list[Source]] = {}
        for source in self.sources:
            found.setdefault(source.name.casefold(), []).append(source)
        for name in sorted(found):
            yield found[name][0].name, found[name]

    def local_month(self, source: Source, at: int) -> str:
        return datetime.fromtimestamp(at + local_hours(source.offsets, at), UTC).strftime("%Y-%m")


def _time(value: Any) -> int:
    """Seconds since the epoch. Raises ValueError, TypeError for what no log was written at."""
    if not isinstance(value, int) or not 0 <= value < 1 << 34:
        raise ValueError("no time")
    return value


def full(name: str) -> str:
    """A host's name as names are compared."""
    return name.casefold().rstrip(".")


def short(name: str) -> str:
    """The same without its domain."""
    name = full(name)
    return name if name.replace(".", "").isdigit() or ":" in name else name.split(".")[0]


def moment(at: int) -> str:
    """A time as text, in UTC."""
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return str(at)


def line(place: str, text: str) -> Line:
    return Line(place, 0, text)


def _file(row: dict[str, Any]) -> LogFile:
    troubles = {str(key): int(value) for key, value in row["troubles"].items()}
    return LogFile(
        str(row["name"]), str(row["chain"]), int(row["size"]), str(row["format"]), int(row["lines"]), int(row["records"]), int(row["first"]),
        int(row["last"]), troubles, str(row.get("error", "")), str(row.get("year_from", "")),
    )  # fmt: skip


def _source(row: dict[str, Any], offsets: Offsets, *, alone: bool) -> Source:
    name, chain = str(row["name"]), str(row["chain"])
    hours = tuple(int(count) for count in row["hours"])
    if sum(max(1, -count) for count in hours) > MAX_HOURS:
        raise ValueError("too long")
    return Source(
        name=name,
        chain=chain,
        subject=name if alone or chain == name else f"{name} in {chain}",
        first=_time(row["first"]),
        last=_time(row["last"]),
        records=int(row["records"]),
        start=_time(row["from"]) if row["from"] < MAX_HOURS * 10 else _time(-1),
        packed=hours,
        silences=tuple((_time(start), _time(end)) for start, end in row["silences"]),
        steps=tuple((_time(start), _time(end)) for start, end in row["steps"]),
        marks=tuple(Mark(_time(at), str(kind), int(count), str(whose)) for at, kind, count, whose in row["marks"]),
        more=bool(row.get("marks_left")),
        offsets=offsets,
    )


def _numbering(row: dict[str, Any]) -> Numbering:
    return Numbering(
        source=str(row["source"]),
        scheme=str(row["scheme"]),
        key=str(row["key"]),
        low=int(row["low"]),
        high=int(row["high"]),
        start=_time(row["from"]),
        end=_time(row["to"]),
        missing=int(row["missing"]),
        holes=tuple((int(one[0]), int(one[1]), int(one[2]), int(one[3])) for one in row["holes"]),
        more=bool(row["more"]),
    )


def _declared(row: dict[str, Any]) -> Declared:
    return Declared(str(row["source"]), str(row["log"]), str(row["since"]), str(row["until"]), int(row["line"]))
