"""Parts, joined in order, as the artifacts that verdicts are recomputed from (docs/evidence-format.md). Integers and strings only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from sovaudit import canon
from sovaudit.collectors.logs.numbers import Numbers
from sovaudit.collectors.logs.reading import MAX_NOTED
from sovaudit.collectors.logs.tally import Part, Tally
from sovaudit.collectors.logs.walk import LogFile

MAX_HOLES = 1000  # of one numbering
LONGEST_OF_MANY = 40  # silences kept of a source where there are very many sources
MANY = 1000
MAX_TALLIES = 100_000


class Archive:
    """Takes the parts in the order of the files; a chain's parts continue each other."""

    def __init__(self, files: list[LogFile]) -> None:
        self._files = files
        self.rows: list[dict[str, Any]] = []
        self.tallies: dict[tuple[str, str], Tally] = {}
        self.numbers: dict[tuple[str, str, str], Numbers] = {}
        self._open: dict[tuple[str, str], tuple[str, str, str]] = {}  # source and chain → the audit numbering that may go on
        self.noted: dict[tuple[str, int, str, str, str], Counter[str]] = {}  # record → chain → how often
        self.noted_left = 0
        self._seen: dict[tuple[str, str, int], tuple[int, int, int, int]] = {}
        self.first = self.last = 0

    def add(self, number: int, parts: list[Part], sha256: str) -> None:
        """All parts of one file."""
        file = self._files[number]
        troubles: Counter[str] = Counter()
        low = high = 0
        for part in parts:
            troubles += part.troubles
            for tally in part.tallies.values():
                tally.flush()
                low, high = min(low or tally.low, tally.low), max(high, tally.high)
        # beside a rotated log its packed copy may lie, or the other way round: one of them counts
        what = (sum(part.lines for part in parts), sum(part.records for part in parts), low, high)
        twice = bool(file.number or file.date) and self._seen.get((file.chain, file.date, file.number)) == what
        self._seen[(file.chain, file.date, file.number)] = what
        if twice:
            troubles["same-as-another"] = 1
        for part in () if twice else parts:
            for name, tally in part.tallies.items():
                known = self.tallies.get((tally.chain, name))
                if known is None and len(self.tallies) >= MAX_TALLIES:
                    troubles["too-many-sources"] += 1
                elif known is None:
                    self.tallies[(tally.chain, name)] = tally
                else:
                    known.join(tally)
            for key, numbers in part.numbers.items():
                self._number(file.chain, key, numbers)
            for source, noted in part.noted.items():
                if len(self.noted) + len(noted) > MAX_NOTED:
                    self.noted_left += len(noted)
                    continue
                for record in noted:
                    self.noted.setdefault((source, *record), Counter())[file.chain] += 1
            self.noted_left += part.noted_left
        if troubles["no-zone"]:
            troubles["no-zone"] = 1
        self.first, self.last = min(self.first or low, low) if low else self.first, max(self.last, high)
        row: dict[str, Any] = {
            "name": file.name,
            "chain": file.chain,
            "size": file.size,
            "sha256": sha256,
            "format": next((part.format for part in parts if part.format), ""),
            "packing": parts[0].packing,
            "lines": sum(part.lines for part in parts),
            "records": sum(part.records for part in parts),
            "first": low,
            "last": high,
            "troubles": dict(sorted(troubles.items())),
        }
        for word, value in (
            ("year_from", next((part.year_from for part in parts if part.year_from), "")),
            ("error", next((part.error for part in parts if part.error), "")),
        ):
            if value:
                row[word] = value
        self.rows.append(row)

    def _number(self, chain: str, key: tuple[str, str, str], numbers: Numbers) -> None:
        source, scheme, name = key
        if scheme != "audit":
            known = self.numbers.get(key)
            if known is None:
                self.numbers[key] = numbers
            else:
                known.merge(numbers)
            return
        # the first numbering of a file goes on where that of the file before ended
        before = self._open.get((source, chain))
        runs = self.numbers[before].runs if before is not None else []
        if before is not None and name.endswith(".0") and numbers.runs and runs and numbers.runs[0][0] + 5000 > runs[-1][1]:
            self.numbers[before].merge(numbers)
            return
        self.numbers[key] = numbers
        self._open[(source, chain)] = key

    def artifacts(self, frame: dict[str, Any]) -> dict[str, bytes]:
        """frame: what was asked, and the zone."""
        head = {**frame, "first": self.first, "last": self.last}
        many = len(self.tallies) > MANY
        return {
            "logs/archive": canon.canonical(head),
            "logs/files": rows(self.rows),
            "logs/sources": rows(_source(tally, many) for _, tally in sorted(self.tallies.items())),
            "logs/numbers": rows(
                _numbering(number, key, numbers) for number, (key, numbers) in enumerate(self.numbers.items()) if numbers.runs
            ),
        }

    def records(self) -> bytes:
        """`source time program process digest` per record noted, tab-separated, sorted.

        A daemon writes one record to several files: it stands as often as in the chain that holds it most often.
        """
        return b"".join(("\t".join(map(str, row)).encode() + b"\n") * max(self.noted[row].values()) for row in sorted(self.noted))


def rows(documents: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(canon.canonical(document) + b"\n" for document in documents)


def _source(tally: Tally, many: bool) -> dict[str, Any]:
    silences = sorted((silence for kept in tally.silences.values() for silence in kept), key=lambda one: (one[0] - one[1], one))
    if many:
        silences = silences[:LONGEST_OF_MANY]
    first = min(tally.hours) if tally.hours else 0
    return {
        "name": tally.name,
        "chain": tally.chain,
        "first": tally.low,
        "last": tally.high,
        "records": sum(tally.hours.values()),
        "from": first,
        "hours": packed_hours(tally.hours),
        "silences": [list(silence) for silence in sorted(silences)],
        "steps": [list(step) for step in tally.steps],
        "late": tally.late,
        "marks": [list(mark) for mark in sorted(tally.marks)],
        "marks_left": tally.marks_left,
    }


def packed_hours(hours: dict[int, int]) -> list[int]:
    """Counts hour by hour from the first; a negative number stands for so many hours with none."""
    found: list[int] = []
    at = min(hours, default=0)
    for hour in sorted(hours):
        if hour > at:
            found.append(at - hour)
        found.append(hours[hour])
        at = hour + 1
    return found


def _numbering(order: int, key: tuple[str, str, str], numbers: Numbers) -> dict[str, Any]:
    source, scheme, name = key
    runs = numbers.runs
    holes = [[a[1] + 1, b[0] - 1, a[3], b[2]] for a, b in pairwise(runs)]
    return {
        "order": order,
        "source": source,
        "scheme": scheme,
        "key": name,
        "low": runs[0][0] if runs else 0,
        "high": runs[-1][1] if runs else 0,
        "from": runs[0][2] if runs else 0,
        "to": runs[-1][3] if runs else 0,
        "count": numbers.count,
        "missing": sum(hole[1] - hole[0] + 1 for hole in holes),
        "holes": holes[:MAX_HOLES],
        "repeats": numbers.repeats,
        "more": numbers.more,
    }
