"""How improbable a silence is for a source's own rhythm: an inhomogeneous quasi-Poisson model over the hours of its week.

The rate at each hour of the local week is the source's own mean there. Events come in clumps, so that their counts spread more than
Poisson's: the dispersion is measured (Pearson's, by hour and by day, whichever is larger, never below one) and weakens the claim. A silence in
which L records were expected has probability exp(-L / dispersion); it is improbable when that is below one in so many, divided by the
number of silences that there were. What a silence takes from its own history is left out when the rate is measured.

All in integers: thousandths of records. Only the logarithm of the bound is not, and it is rounded.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache

HOUR = 3600
WEEK = 168
MOST = 200_000  # hours that are remembered: more than twenty years
_EPOCH = date(1970, 1, 1).toordinal()
Offsets = tuple[tuple[int, int], ...]  # from when, seconds east of UTC


def local_hours(offsets: Offsets, at: int) -> int:
    """Seconds to add to a time to have the local one."""
    place = bisect_right(offsets, (at, 1 << 40)) - 1
    return offsets[max(0, place)][1]


@lru_cache(maxsize=8)
def _known(offsets: Offsets) -> dict[int, tuple[int, int]]:
    """Hour since the epoch → its place in the local week and the number of the local day, as far as asked for: the same for every source."""
    return {}


def _numbers(dates: frozenset[str]) -> frozenset[int]:
    """Dates as days since 1970; what is no date is none."""
    found = set()
    for text in dates:
        try:
            day = date.fromisoformat(text)
        except ValueError:
            continue
        if day.isoformat() == text:
            found.add(day.toordinal() - _EPOCH)
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Silence:
    """expected: records that would have come, in thousandths; strength: the same over the dispersion; needed: what would be improbable."""

    start: int
    end: int
    expected: int
    strength: int
    needed: int

    @property
    def improbable(self) -> bool:
        return self.strength > self.needed


class Rhythm:
    """Of one source. start: number of its first hour since the epoch; hours: records in each; holidays: local dates on which nothing is expected."""

    def __init__(self, start: int, hours: list[int], offsets: Offsets, holidays: frozenset[str] = frozenset()) -> None:
        self._start = start
        self._hours = hours
        self._offsets = offsets
        self._holidays = _numbers(holidays)
        self._places = _known(offsets)

    @cached_property
    def _slots(self) -> list[tuple[int, int]]:
        """Per hour: its place in the local week, -1 for one of a holiday; and the number of the local day."""
        return [self._slot(self._start + number) for number in range(len(self._hours))]

    def _slot(self, hour: int) -> tuple[int, int]:
        found = self._places.get(hour)
        if found is None:
            if len(self._places) >= MOST:
                self._places.clear()
            local = hour * HOUR + local_hours(self._offsets, hour * HOUR)
            found = self._places[hour] = (local // HOUR % WEEK, local // (24 * HOUR))
        return (-1, found[1]) if found[1] in self._holidays else found

    @property
    def days(self) -> int:
        """How long the history is."""
        return len(self._hours) // 24

    def _measure(self, start: int, end: int) -> tuple[list[int], list[int], int]:
        """Records and hours at each place of the week, and the dispersion in thousandths; hours from start to end left out."""
        low, high = start // HOUR - self._start, -(-end // HOUR) - self._start
        used = [
            number
            for number in range(1, len(self._hours) - 1)  # the first and last hour are cut
            if not low <= number < high and self._slots[number][0] >= 0
        ]
        sums, counts = [0] * WEEK, [0] * WEEK
        for number in used:
            place = self._slots[number][0]
            sums[place] += self._hours[number]
            counts[place] += 1
        return sums, counts, self._dispersion(used, sums, counts)

    def _dispersion(self, used: list[int], sums: list[int], counts: list[int]) -> int:
        rates = [1000 * total // count if count else 0 for total, count in zip(sums, counts, strict=True)]
        spread = hours = 0
        days: dict[int, list[int]] = {}
        for number in used:
            place, day = self._slots[number]
            rate = rates[place]
            if not rate:
                continue
            here = self._hours[number] * 1000
            spread += (here - rate) ** 2 // rate
            hours += 1
            both = days.setdefault(day, [0, 0])
            both[0] += here
            both[1] += rate
        free = hours - sum(1 for rate in rates if rate)
        by_hour = spread // free if free > 0 else 0
        by_day = sum((seen - wanted) ** 2 // wanted for seen, wanted in days.values())
        by_day = by_day // (len(days) - 7) if len(days) > 7 else 0
        return max(1000, by_hour, by_day)

    def judge(self, start: int, end: int, *, one_in: int, silences: int) -> Silence:
        """A silence between two records."""
        sums, counts, dispersion = self._measure(start, end)
        expected = 0
        at = start
        while at < end:
            upto = min(end, at - at % HOUR + HOUR)
            place, _day = self._slot(at // HOUR)
            if place >= 0 and counts[place]:
                expected += 1000 * (upto - at) * sums[place] // (counts[place] * HOUR)
            at = upto
        return Silence(start, end, expected, 1000 * expected // dispersion, needed(one_in, silences))

    def rough(self, start: int, end: int) -> int:
        """Thousandths of records expected, the silence itself counted in: enough to order silences by."""
        sums, counts, _ = self._whole
        total = 0
        for hour in range(start // HOUR, min(end // HOUR + 1, start // HOUR + 24 * 400)):
            place = self._slot(hour)[0]
            if place >= 0 and counts[place]:
                total += 1000 * (min(end, (hour + 1) * HOUR) - max(start, hour * HOUR)) * sums[place] // (counts[place] * HOUR)
        return total

    @cached_property
    def _whole(self) -> tuple[list[int], list[int], int]:
        return self._measure(0, 0)

    def blind(self, *, one_in: int, silences: int) -> int:
        """Hours for which, from the worst hour of the week on, a silence would not be improbable; -1 if never within a year."""
        sums, counts, dispersion = self._whole
        rates = [1000 * total // count if count else 0 for total, count in zip(sums, counts, strict=True)]
        want = needed(one_in, silences) * dispersion // 1000
        week = sum(rates)
        if week == 0 or want // week >= 52:
            return -1
        weeks, rest = divmod(want, week)
        worst = 0
        for begin in range(WEEK):
            total = length = 0
            while total <= rest and length < WEEK:
                total += rates[(begin + length) % WEEK]
                length += 1
            worst = max(worst, length)
        return int(weeks * WEEK + worst)


def needed(one_in: int, silences: int) -> int:
    """Thousandths of expected records, over the dispersion, from which a silence is improbable among so many."""
    return round(1000 * (math.log(max(2, one_in)) + math.log(max(1, silences))))
