"""Schedules of access as minutes of the local week."""

from __future__ import annotations

import pytest

from sovaudit.facts.schedules import DAY, WEEK, dates, number, stretches


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
        ("sun", "22:00", "06:00", [of(6, "22:00", "30:00")]),
        ("wed", "07:00", "07:00", [of(2, "7:00", "31:00")]),
        ("sun", "00:00", "00:00", [(6 * DAY, WEEK)]),
    ],
)
def test_what_can_be_read(days: str, start: str | None, end: str | None, wanted: list[tuple[int, int]]) -> None:
    assert sorted(stretches(days, start, end) or []) == sorted(wanted)


@pytest.mark.parametrize(
    ("days", "start", "end"),
    [("someday", "08:00", "18:00"), ("mon-tue-wed", None, None), ("8", None, None), ("mon", "25:00", "26:00"), ("mon", "8:75", "9:00"),
     ("mon", "24:00", "6:00"), ("mon", "morning", "noon"), ("mon,", "08:00", "18:00"), ("-", None, None)],
)  # fmt: skip
def test_what_cannot(days: str, start: str | None, end: str | None) -> None:
    assert stretches(days, start, end) is None


@pytest.mark.parametrize(
    ("text", "days", "holidays"),
    [
        (None, [], 0), ("", [], 0), ("2026-01-11", ["2026-01-11"], 0), ("2026-01-11,2026-01-12", ["2026-01-11", "2026-01-12"], 0),
        (" 2026-01-11 ;  2026-01-12", ["2026-01-11", "2026-01-12"], 0), ("2026-01-30..2026-02-01", ["2026-01-30", "2026-01-31", "2026-02-01"], 0),
        ("2026-01-11 .. 2026-01-12 2026-05-01", ["2026-01-11", "2026-01-12", "2026-05-01"], 0), ("2026-01-11..2026-01-11", ["2026-01-11"], 0),
        ("holidays", [], 1), ("Public Holidays, 2026-01-11", ["2026-01-11"], 1), ("jours fériés", [], 1), ("Férié;2026-01-11", ["2026-01-11"], 1),
    ],
)  # fmt: skip
def test_dates(text: str | None, days: list[str], holidays: int) -> None:
    assert dates(text) == (frozenset(map(number, days)), holidays)


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-30",
        "11/01/2026",
        "2026-01-12..2026-01-11",
        "2026-01-11..",
        "..2026-01-11",
        "holidaysx",
        "jan",
        "1000-01-01..2026-01-01",
        "2026-01-11-12",
    ],
)
def test_dates_that_cannot_be_read(text: str) -> None:
    assert dates(text) is None
