"""What is kept of each source while its records pass by, and how the parts of a chain of files join.

Per source: how many records each hour, the longest silences, steps of its clock, starts and ends, what it says of losses. Its size
depends on sources and hours, not on the size of the log.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from sovaudit.collectors.logs.numbers import Numbers

HOUR = 3600
WEEK_HOURS = 168
SILENCE = 60  # seconds; shorter ones are not looked at
STEP = 120  # seconds by which a clock is put back, not a record late
LONGEST = 2  # silences kept for each hour of the week in which they began
MAX_MARKS = 400
MAX_SOURCES = 20_000
Mark = tuple[int, str, int, str]  # when, kind, how many, whose


class Tally:
    """One source in one chain. last: time of the record before, a step of the clock aside. late: most seconds by which one came late."""

    __slots__ = (
        "chain",
        "first",
        "high",
        "hour_end",
        "hours",
        "kinds",
        "last",
        "late",
        "low",
        "marks",
        "marks_left",
        "name",
        "pending",
        "shortest",
        "silences",
        "steps",
    )

    def __init__(self, name: str, chain: str, at: int) -> None:
        self.name, self.chain = name, chain
        self.first = self.last = self.low = self.high = at
        self.pending = 0
        self.hour_end = at - at % HOUR + HOUR
        self.hours: dict[int, int] = {}
        self.silences: dict[int, list[tuple[int, int]]] = {}
        self.shortest: dict[int, int] = {}  # of those kept, where as many are kept as may be
        self.steps: list[tuple[int, int]] = []
        self.late = 0
        self.marks: list[Mark] = []
        self.marks_left = 0
        self.kinds: Counter[str] = Counter()

    def at(self, when: int) -> None:
        """One record, in the order of the file."""
        gone = when - self.last
        if 0 <= gone < SILENCE and when < self.hour_end:
            self.last = when
            self.pending += 1
            return
        self.turn(when)

    def turn(self, when: int) -> None:
        """One record that is not just the next one of the same hour."""
        gone = when - self.last
        if gone < 0:
            self._back(when, -gone)
            return
        if gone >= SILENCE:
            self.silence(self.last, when)
        if when < self.hour_end:
            self.last = when
            self.pending += 1
            return
        self.flush()
        self.last = when
        self.pending = 1
        self.hour_end = when - when % HOUR + HOUR

    def _back(self, when: int, back: int) -> None:
        self.flush()
        self.low = min(self.low, when)
        hour = when // HOUR
        if back <= STEP:
            self.hours[hour] = self.hours.get(hour, 0) + 1
            self.late = max(self.late, back)
            return
        if len(self.steps) < MAX_MARKS:
            self.steps.append((self.last, when))
        else:
            self.marks_left += 1
        self.last = when
        self.pending = 1
        self.hour_end = when - when % HOUR + HOUR

    def flush(self) -> None:
        """Book the records counted since."""
        if self.pending:
            hour = self.hour_end // HOUR - 1
            self.hours[hour] = self.hours.get(hour, 0) + self.pending
            self.pending = 0
        if self.last > self.high:
            self.high = self.last

    def silence(self, start: int, end: int) -> None:
        place = start // HOUR % WEEK_HOURS
        if end - start <= self.shortest.get(place, 0):
            return
        kept = self.silences.setdefault(place, [])
        if len(kept) < LONGEST:
            kept.append((start, end))
        else:
            kept[kept.index(min(kept, key=_length))] = (start, end)
        if len(kept) == LONGEST:
            self.shortest[place] = min(map(_length, kept))

    def mark(self, when: int, kind: str, count: int = 1, whose: str = "") -> None:
        if len(self.marks) < MAX_MARKS:
            self.marks.append((when, kind, count, whose[:100]))
        else:
            self.marks_left += 1

    def join(self, after: Tally) -> None:
        """Take in what follows in the same chain."""
        self.flush()
        after.flush()
        gone = after.first - self.last
        if gone < -STEP:
            self.steps.append((self.last, after.first))
        elif gone >= SILENCE:
            self.silence(self.last, after.first)
        elif gone < 0:
            self.late = max(self.late, -gone)
        for hour, count in after.hours.items():
            self.hours[hour] = self.hours.get(hour, 0) + count
        for kept in after.silences.values():
            for start, end in kept:
                self.silence(start, end)
        self.steps = [*self.steps, *after.steps]
        self.marks_left += after.marks_left + max(0, len(self.steps) - MAX_MARKS)
        del self.steps[MAX_MARKS:]
        for mark in after.marks:
            self.mark(*mark)
        self.late = max(self.late, after.late)
        self.low, self.high = min(self.low, after.low), max(self.high, after.high)
        self.last = after.last if gone < -STEP else max(self.last, after.last)
        self.kinds += after.kinds


def _length(silence: tuple[int, int]) -> int:
    return silence[1] - silence[0]


@dataclass(slots=True)
class Part:
    """What reading one file, or a piece of one, gave.

    troubles: reason → count of lines or events that it befell. numbers: (source, scheme, key) → its numbering. records: rows of single
    records, None where they are not noted.
    """

    file: int = -1
    format: str = ""
    sha256: str = ""
    packing: str = ""
    year_from: str = ""
    bytes: int = 0
    lines: int = 0
    records: int = 0
    troubles: Counter[str] = field(default_factory=Counter)
    tallies: dict[str, Tally] = field(default_factory=dict)
    numbers: dict[tuple[str, str, str], Numbers] = field(default_factory=dict)
    noted: dict[str, list[tuple[int, str, str, str]]] = field(default_factory=dict)
    noted_count: int = 0
    noted_left: int = 0
    error: str = ""

    def numbering(self, source: str, scheme: str, key: str) -> Numbers:
        found = self.numbers.get((source, scheme, key))
        if found is None:
            found = self.numbers[(source, scheme, key)] = Numbers()
        return found
