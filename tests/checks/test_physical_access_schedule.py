"""physical-access.schedule: people come in when they are entitled to."""

from __future__ import annotations

from typing import Any

import pytest
from sovaudit.content.checks.physical_access.schedule import schedule

from sovaudit.testing import badges_with, run, verdicts
from tests.badge_hall import DOORS, go

CARDS = [{"credential": "B1", "subject": "anna"}, {"credential": "B2", "subject": "badr"}]
HOURS = [{"schedule": "office", "days": "mon-fri", "time_from": "08:00", "time_to": "18:00"}]
ROOM = {"subject": "anna", "area": "room", "schedule": "office"}


def at(when: str, reader: str = "room-in", who: str = "B1") -> dict[str, Any]:
    return {**go("00:00", reader, who), "event_time": when}


def said(*rows: dict[str, Any], rights: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, str]:
    tables = {"doors": DOORS, "credentials": CARDS, "rights": [ROOM] if rights is None else rights, "schedules": HOURS, **more}
    return verdicts(run(schedule, badges_with(rows, **tables), None))


@pytest.mark.parametrize(
    ("when", "verdict"),
    [
        ("2026-03-02 08:00", "pass"),  # a Monday
        ("2026-03-02 07:59:59.999", "fail"),
        ("2026-03-02 17:59:59.999", "pass"),
        ("2026-03-02 18:00", "fail"),
        ("2026-03-06 12:00", "pass"),
        ("2026-03-07 12:00", "fail"),
        ("2026-03-08 12:00", "fail"),
    ],
)
def test_the_edges_of_office_hours(when: str, verdict: str) -> None:
    assert said(at(when)) == {"room": verdict}


@pytest.mark.parametrize(
    ("when", "verdict"),
    [
        ("2026-04-01 07:00", "pass"),  # 08:00 in Casablanca
        ("2026-04-01 06:59:59", "fail"),
        ("2026-04-01 17:00", "fail"),
        ("2026-03-02 07:00", "fail"),  # Ramadan: 07:00
        ("2026-03-02 08:00", "pass"),
        ("2026-03-02 17:59", "pass"),
    ],
)
def test_the_clock_is_the_doors_own(when: str, verdict: str) -> None:
    assert said(at(when), zone="Africa/Casablanca") == {"room": verdict}


def test_without_a_zone_nothing_is_said() -> None:
    assert said(at("2026-03-02 12:00"), zone=None) == {"": "unknown"}


def test_over_midnight() -> None:
    night = [{"schedule": "office", "days": "sun", "time_from": "22:00", "time_to": "06:00"}]
    assert said(at("2026-03-02 05:59"), schedules=night) == {"room": "pass"}  # Monday, early
    assert said(at("2026-03-02 06:00"), schedules=night) == {"room": "fail"}
    assert said(at("2026-03-01 22:00"), schedules=night) == {"room": "pass"}
    assert said(at("2026-03-01 05:00"), schedules=night) == {"room": "fail"}


def test_another_right_may_be_wider() -> None:
    late = at("2026-03-02 22:00")
    assert said(late, rights=[ROOM, {"subject": "anna", "area": "room"}]) == {"room": "pass"}
    assert said(late, rights=[ROOM, {"subject": "anna", "access_point": "room-in"}]) == {"room": "pass"}
    assert said(late, rights=[ROOM, {"subject": "anna", "area": "cage"}]) == {"room": "fail"}
    assert said(late, rights=[ROOM, {"subject": "anna", "area": "room", "valid_to": "2026-03-01"}]) == {"room": "fail"}


def test_who_is_bound_by_none() -> None:
    late = "2026-03-02 22:00"
    assert said(at(late, who="B2"), rights=[ROOM, {"subject": "badr", "area": "room"}]) == {"room": "pass"}
    assert said(at(late, who="B2")) == {"room": "pass"}  # no right at all: that is zone-rights
    assert said(at(late, "room-out")) == {"room": "pass"}
    assert said(at(late), rights=[{**ROOM, "schedule": None}]) == {"": "not_applicable"}
    assert said(at(late), rights=[{"subject": "anna", "area": "room"}]) == {"": "unknown"}  # a table without that column


def test_a_reader_has_a_schedule() -> None:
    rights = [{"subject": "anna", "access_point": "room-in", "schedule": "office"}]
    assert said(at("2026-03-02 22:00"), rights=rights) == {"room-in": "fail"}
    assert said(at("2026-03-02 12:00"), rights=rights) == {"room-in": "pass"}
    both = [ROOM, {**ROOM, "area": None, "access_point": "room-in"}, {**ROOM, "area": None, "access_point": "room-out"}]
    assert said(at("2026-03-02 22:00"), rights=both) == {"room": "fail", "room-in": "fail", "room-out": "pass"}


def test_a_schedule_that_cannot_be_read() -> None:
    assert said(at("2026-03-02 22:00"), schedules=[]) == {"room": "unknown"}
    assert said(at("2026-03-02 22:00"), schedules=[*HOURS, {"schedule": "office", "days": "feast days"}]) == {"room": "unknown"}
    wide = [ROOM, {**ROOM, "schedule": "odd"}]
    assert said(at("2026-03-02 12:00"), rights=wide) == {"room": "unknown"}
    assert verdicts(run(schedule, badges_with([at("2026-03-02 12:00")], doors=DOORS, credentials=CARDS, rights=[ROOM]), None)) == {
        "room": "unknown"
    }
    beside = [ROOM, {"subject": "anna", "access_point": "room-in", "schedule": "odd"}]  # which may be open then
    assert said(at("2026-03-02 22:00"), rights=beside) == {"room": "unknown", "room-in": "unknown"}
    assert said(at("2026-03-02 12:00"), rights=beside) == {"room": "pass", "room-in": "unknown"}


def test_what_was_not_understood() -> None:
    assert said(at("2026-03-02 12:00"), refused={"time": 1}) == {"room": "unknown"}
    assert said(at("2026-03-02 22:00"), refused={"time": 1}) == {"room": "fail"}
    assert verdicts(run(schedule, badges_with([at("2026-03-02 12:00")], doors=DOORS, credentials=CARDS), None)) == {"": "unknown"}


def closed(text: str | None, *, days: str = "mon-fri", start: str = "08:00", end: str = "18:00") -> list[dict[str, Any]]:
    return [{"schedule": "office", "days": days, "time_from": start, "time_to": end, "closed": text}]


def outside(*whens: str, schedules: list[dict[str, Any]], zone: str = "UTC") -> list[str]:
    """Which of these times are outside."""
    tables = {"doors": DOORS, "credentials": CARDS, "rights": [ROOM], "schedules": schedules}
    (found,) = run(schedule, badges_with([at(when) for when in whens], zone=zone, **tables), None)
    return [line.text.split(" at ")[1][:16] for line in found.because]


def test_dates_on_which_it_is_closed() -> None:
    dates = "2026-01-11, 2026-03-02;2026-03-04..2026-03-05"
    days = [f"2026-03-0{day} 12:00" for day in range(2, 7)]
    assert outside(*days, schedules=closed(dates)) == [days[0], days[2], days[3]]
    assert outside(*days, schedules=closed("2026-02-20 .. 2026-03-01 2026-03-07")) == []
    assert said(at(days[0]), schedules=closed("11 janvier")) == {"room": "unknown"}


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    whens = ["2026-03-01 22:30", "2026-03-02 05:59", "2026-03-02 22:00", "2026-03-02 23:59", "2026-03-03 05:59", "2026-03-03 22:00"]
    night = closed("2026-03-02", days="daily", start="22:00", end="06:00")
    assert outside(*whens, schedules=night) == whens[2:5]


def test_the_night_of_a_sunday_ends_in_the_next_week() -> None:
    night = closed("2026-03-01", days="sun", start="22:00", end="06:00")
    assert outside("2026-03-02 05:00", "2026-03-09 05:00", schedules=night) == ["2026-03-02 05:00"]


def test_the_date_is_that_of_the_doors_clock() -> None:
    night = closed("2026-04-02", days="daily", start="00:00", end="24:00")
    whens = ["2026-04-01 22:59", "2026-04-01 23:00", "2026-04-02 22:59", "2026-04-02 23:00"]
    assert outside(*whens, schedules=night, zone="Africa/Casablanca") == whens[1:3]


@pytest.mark.parametrize(
    ("word", "holidays", "verdict"),
    [
        ("holidays", [{"day": "2026-03-02"}], "fail"), ("holidays", [{"day": "2026-03-03"}], "pass"),
        ("2026-05-01 holidays", [{"day": "2026-03-02"}], "fail"), ("holidays", [{"day": "2 March"}], "unknown"),
        ("holidays", [{"day": "2026-03-02", "site": "S1"}], "fail"), ("holidays", [{"day": "2026-03-02", "site": "S2"}], "pass"),
        (None, [{"day": "2026-03-02"}], "pass"),
    ],
)  # fmt: skip
def test_the_holidays_of_the_site(word: str | None, holidays: list[dict[str, Any]], verdict: str) -> None:
    row = {**at("2026-03-02 12:00"), "site": "S1"}
    assert verdict in said(row, schedules=closed(word), holidays=holidays).values()


def test_without_a_table_of_holidays_nobody_knows() -> None:
    assert said(at("2026-03-02 12:00"), schedules=closed("holidays")) == {"room": "unknown"}


def test_another_row_may_hold_on_a_holiday() -> None:
    feast = [*closed("2026-03-02"), {"schedule": "office", "days": "daily", "time_from": "10:00", "time_to": "11:00", "closed": None}]
    assert outside("2026-03-02 10:30", "2026-03-02 12:00", "2026-03-03 12:00", schedules=feast) == ["2026-03-02 12:00"]
    wide = [ROOM, {"subject": "anna", "area": "room"}]
    assert said(at("2026-03-02 12:00"), schedules=closed("2026-03-02"), rights=wide) == {"room": "pass"}
