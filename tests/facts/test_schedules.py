"""Schedules of access as minutes of the local week."""

from __future__ import annotations

import pytest

from sovaudit.facts.schedules import DAY, WEEK, minutes


def of(day: int, start: str, end: str) -> tuple[int, int]:
    low, high = ([int(part) for part in text.split(":")] for text in (start, end))
    return day * DAY + low[0] * 60 + low[1], day * DAY + high[0] * 60 + high[1]


@pytest.mark.parametrize(
    ("days", "start", "end", "wanted"),
    [
        ("mon", "08:00", "18:00", [of(0, "8:00", "18:00")]),
        ("Mon-Wed", "8:00", "18:00:00", [of(day, "8:00", "18:00") for day in (0, 1, 2)]),
        ("sat,sun", "8h", "12h30", [of(5, "8:00", "12:30"), of(6, "8:00", "12:30")]),
        ("lun - ven", "08:00", "18:00", [of(day, "8:00", "18:00") for day in range(5)]),
        ("lundi au vendredi", "08:00", "18:00", [of(day, "8:00", "18:00") for day in range(5)]),
        ("1-5", None, None, [of(day, "0:00", "24:00") for day in range(5)]),
        ("fri-mon", "00:00", "24:00", [of(day, "0:00", "24:00") for day in (0, 4, 5, 6)]),
        ("", "09:00", "10:00", [of(day, "9:00", "10:00") for day in range(7)]),
        ("daily", "", "", [of(day, "0:00", "24:00") for day in range(7)]),
        ("weekend", "09:00", "10:00", [of(5, "9:00", "10:00"), of(6, "9:00", "10:00")]),
        ("tue", "00:00", "23:59", [of(1, "0:00", "24:00")]),
        ("tue", "22:00", "06:00", [of(1, "22:00", "30:00")]),
        ("sun", "22:00", "06:00", [(6 * DAY + 22 * 60, WEEK), (0, 360)]),
        ("wed", "07:00", "07:00", [of(2, "7:00", "31:00")]),
        ("sun", "00:00", "00:00", [(6 * DAY, WEEK)]),
    ],
)
def test_what_can_be_read(days: str, start: str | None, end: str | None, wanted: list[tuple[int, int]]) -> None:
    assert sorted(minutes(days, start, end) or []) == sorted(wanted)


@pytest.mark.parametrize(
    ("days", "start", "end"),
    [("someday", "08:00", "18:00"), ("mon-tue-wed", None, None), ("8", None, None), ("mon", "25:00", "26:00"), ("mon", "8:75", "9:00"),
     ("mon", "24:00", "6:00"), ("mon", "morning", "noon"), ("mon,", "08:00", "18:00"), ("-", None, None)],
)  # fmt: skip
def test_what_cannot(days: str, start: str | None, end: str | None) -> None:
    assert minutes(days, start, end) is None
