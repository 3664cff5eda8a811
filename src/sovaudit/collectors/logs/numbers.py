"""Numbers that should follow one another, as runs: what is missing between two runs was not there to read.

A few machine words per run, whatever the size of the log; numbers may come late and repeat.
"""

from __future__ import annotations

from bisect import bisect_right

MAX_RUNS = 20_000
Run = list[int]  # first number, last number, time of the first, time of the last


class Numbers:
    """more: too many runs to hold all; those that came later are missing."""

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self.count = self.repeats = 0
        self.more = False

    def add(self, number: int, at: int) -> None:
        runs = self.runs
        if runs:
            last = runs[-1]
            if number == last[1] + 1:
                last[1], last[3] = number, at
                self.count += 1
                return
            if number <= last[1]:
                self._late(number, at)
                return
        if len(runs) >= MAX_RUNS:
            self.more = True
            return
        runs.append([number, number, at, at])
        self.count += 1

    def _late(self, number: int, at: int) -> None:
        runs = self.runs
        place = bisect_right(runs, number, key=lambda run: run[0]) - 1
        if place >= 0 and number <= runs[place][1]:
            self.repeats += 1
            return
        self.count += 1
        before = place >= 0 and runs[place][1] + 1 == number
        after = place + 1 < len(runs) and runs[place + 1][0] - 1 == number
        if before and after:
            runs[place][1], runs[place][3] = runs[place + 1][1], runs[place + 1][3]
            del runs[place + 1]
        elif before:
            runs[place][1], runs[place][3] = number, at
        elif after:
            runs[place + 1][0], runs[place + 1][2] = number, at
        elif len(runs) < MAX_RUNS:
            runs.insert(place + 1, [number, number, at, at])
        else:
            self.count -= 1
            self.more = True

    def merge(self, other: Numbers) -> None:
        """Take in the runs of another part of the same numbering."""
        self.repeats += other.repeats
        self.more = self.more or other.more
        joined: list[Run] = []
        for run in sorted([*self.runs, *other.runs]):
            if joined and run[0] <= joined[-1][1] + 1:
                last = joined[-1]
                self.repeats += max(0, min(run[1], last[1]) - run[0] + 1)
                if run[1] > last[1]:
                    last[1], last[3] = run[1], run[3]
            else:
                joined.append(list(run))
        self.runs = joined[:MAX_RUNS]
        self.more = self.more or len(joined) > MAX_RUNS
        self.count = sum(run[1] - run[0] + 1 for run in self.runs)
