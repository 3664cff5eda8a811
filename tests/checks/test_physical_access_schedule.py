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


def test_a_schedule_that_cannot_be_read() -> None:
    assert said(at("2026-03-02 22:00"), schedules=[]) == {"room": "unknown"}
    assert said(at("2026-03-02 22:00"), schedules=[*HOURS, {"schedule": "office", "days": "feast days"}]) == {"room": "unknown"}
    wide = [ROOM, {**ROOM, "schedule": "odd"}]
    assert said(at("2026-03-02 12:00"), rights=wide) == {"room": "unknown"}
    assert verdicts(run(schedule, badges_with([at("2026-03-02 12:00")], doors=DOORS, credentials=CARDS, rights=[ROOM]), None)) == {
        "room": "unknown"
    }


def test_what_was_not_understood() -> None:
    assert said(at("2026-03-02 12:00"), refused={"time": 1}) == {"room": "unknown"}
    assert said(at("2026-03-02 22:00"), refused={"time": 1}) == {"room": "fail"}
    assert verdicts(run(schedule, badges_with([at("2026-03-02 12:00")], doors=DOORS, credentials=CARDS), None)) == {"": "unknown"}
