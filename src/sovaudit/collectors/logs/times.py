"""Stamps to seconds since the epoch.

A stamp without a zone is read in the archive's own; where the clock was put back, an hour stands twice, and the order of the lines tells
which: the nearer to what was read before. A stamp without a year has the latest one that does not lie after the anchor.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

MONTHS = {name: number for number, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}
_ISO = re.compile(rb"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,]\d{1,9})?(Z|z|[+-]\d\d:?(?:\d\d)?)?")
_DAY = 86400
KNOWN = 100_000  # stamps remembered
Spec = tuple[int, int, int, int, int, int]


class Clock:
    """Reads the stamps of one file, in the order of its lines. anchor: no record is later than a day after it."""

    def __init__(self, zone: str, anchor: int) -> None:
        self._zone = ZoneInfo(zone or "UTC")
        self._anchor = anchor + _DAY
        self._year = datetime.fromtimestamp(min(max(self._anchor, 0), 1 << 33), UTC).year
        self._minutes: dict[bytes, tuple[int, int] | None] = {}
        self.last = 0
        self.yearless = self.zoneless = self.twice = 0
        self.known: dict[bytes, int] = {}  # stamps that need no second look
        self.minutes: dict[bytes, int] = {}  # minutes of stamps without year and zone that can be read in one way only

    def keep(self, stamp: bytes, at: int) -> int:
        """Remember a stamp's meaning for the fast path."""
        if len(self.known) >= KNOWN:
            self.known.clear()
        self.known[stamp] = at
        self.last = at
        return at

    def bsd(self, stamp: bytes) -> int | None:
        """`Nov  5 17:42:32`: no year, no zone."""
        found = self._minutes.get(stamp[:12], (0, -1))
        if found == (0, -1):
            if len(self._minutes) >= KNOWN:
                self._minutes.clear()
                self.minutes.clear()
            found = self._minutes[stamp[:12]] = self._bsd_minute(stamp)
            if found is not None and found[0] == found[1]:
                self.minutes[stamp[:12]] = found[0]
        second = stamp[13:15]
        if found is None or stamp[12:13] != b":" or not second.isdigit() or second > b"60" or len(second) != 2:
            return None
        self.yearless += 1
        return self._choose(stamp, found[0] + int(second), found[1] + int(second))

    def _bsd_minute(self, stamp: bytes) -> tuple[int, int] | None:
        month, day, hour, minute = MONTHS.get(stamp[:3], 0), stamp[4:6].strip(), stamp[7:9], stamp[10:12]
        if not month or stamp[3:4] != b" " or stamp[6:7] != b" " or stamp[9:10] != b":":
            return None
        if not (day.isdigit() and hour.isdigit() and minute.isdigit()):
            return None
        for year in range(self._year, self._year - 9, -1):
            found = self._local((year, month, int(day), int(hour), int(minute), 0))
            if found is not None and found[0] <= self._anchor:
                return found
        return None

    def of(self, year: int, month: int, day: int, hour: int, minute: int, second: int, stamp: bytes = b"") -> int | None:
        """A time of the archive's own zone; None if there is no such day or hour."""
        found = self._local((year, month, day, hour, minute, min(second, 59)))
        return None if found is None else self._choose(stamp, *found)

    def iso(self, stamp: bytes) -> int | None:
        """`2026-11-25T17:42:32.123+01:00`, also without fraction or zone, or with a blank."""
        match = _ISO.fullmatch(stamp)
        if match is None:
            return None
        year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
        if match[7] is None:
            return self.of(year, month, day, hour, minute, second)
        try:
            at = int(datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC).timestamp())
        except ValueError:
            return None
        if match[7] not in (b"Z", b"z"):
            digits = match[7][1:].replace(b":", b"").ljust(4, b"0")
            away = int(digits[:2]) * 3600 + int(digits[2:]) * 60
            at += away if match[7][:1] == b"-" else -away
        self.last = at
        return at

    def _local(self, parts: Spec) -> tuple[int, int] | None:
        try:
            first = datetime(*parts, tzinfo=self._zone)
            if not 1970 <= first.year < 2200:
                return None
            return int(first.timestamp()), int(first.replace(fold=1).timestamp())
        except (ValueError, OverflowError):
            return None

    def _choose(self, stamp: bytes, first: int, second: int) -> int:
        """Of the two readings of a local time, the nearer to the last; of one that never was, the later clock's."""
        self.zoneless += 1
        if first == second:
            return self.keep(stamp, first) if stamp else self._note(first)
        if second < first:  # the clock was put forward over it: nobody wrote this in good faith
            return self._note(first)
        self.twice += 1
        return self._note(second if self.last and abs(second - self.last) < abs(first - self.last) else first)

    def _note(self, at: int) -> int:
        self.last = at
        return at


def changes(zone: str, first: int, last: int) -> list[list[int]]:
    """The zone's offsets from UTC between two times, as [from, seconds] rows; the first row holds from the beginning."""
    there = ZoneInfo(zone or "UTC")

    def offset(at: int) -> int:
        return int((datetime.fromtimestamp(at, there).utcoffset() or timedelta()).total_seconds())

    rows = [[first, offset(first)]]
    for day in range(first, last, _DAY):
        after = min(day + _DAY, last)
        if offset(after) == rows[-1][1]:
            continue
        low, high = day, after
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset(middle) == rows[-1][1] else (low, middle)
        rows.append([high, offset(after)])
    return rows
