"""physical-access.four-eyes: nobody is alone where two people are required."""

from __future__ import annotations

from typing import Any

from sovaudit.content.checks.physical_access.four_eyes import four_eyes

from sovaudit.facts.roster import Roster
from sovaudit.testing import badges_with, run, verdicts
from tests.badge_hall import DOORS, go, staff, walk

TWO = [{"area": "room", "min_persons": 2}, {"area": "hall", "min_persons": None}]


def said(*rows: dict[str, Any], people: Roster | None = None, **more: Any) -> dict[str, str]:
    return verdicts(run(four_eyes, badges_with(rows, **{"doors": DOORS, "zones": TWO, **more}), people))


def pair(second: str, leave: str = "09:00:00", last: str = "09:00:30") -> list[dict[str, Any]]:
    return [
        *walk("B1", "07:59 hall-in", "08:00 room-in", f"{last} room-out", "10:00 hall-out"),
        *walk("B2", "07:59 hall-in", f"{second} room-in", f"{leave} room-out", "10:00 hall-out"),
    ]


def test_two_who_come_and_go_together_pass() -> None:
    assert said(*pair("08:01:00")) == {"room": "pass"}


def test_a_minute_alone_and_no_more() -> None:
    assert said(*pair("08:01:00.001")) == {"room": "fail"}
    assert said(*pair("08:01", last="09:01:00")) == {"room": "pass"}
    assert said(*pair("08:01", last="09:01:00.001")) == {"room": "fail"}


def test_who_stays_behind_at_the_end_of_the_log() -> None:
    rows = walk("B1", "08:00 room-in")
    assert said(*rows, *walk("B2", "08:01 hall-in")) == {"room": "pass"}
    assert said(*rows, *walk("B2", "08:02 hall-in")) == {"room": "fail"}


def test_three_may_be_required() -> None:
    zones = [{"area": "room", "min_persons": 3}]
    third = walk("B3", "08:00:30 room-in", "09:00 room-out")
    assert said(*pair("08:00:50"), zones=zones) == {"room": "fail"}
    assert said(*pair("08:00:50", last="09:00:20"), *third, zones=zones) == {"room": "pass"}
    # one for 40 s, then two for 40 s: 80 s with too few
    late = walk("B3", "08:01:20 room-in", "09:00 room-out")
    assert said(*pair("08:00:40", last="09:00:20"), *late, zones=zones) == {"room": "fail"}


def test_two_badges_of_one_person_are_one_person() -> None:
    cards = [{"credential": name, "subject": "anna"} for name in ("B1", "B2")]
    assert said(*pair("08:00:30"), credentials=cards) == {"room": "fail"}
    assert said(*[{**row, "subject": "anna"} for row in pair("08:00:30")]) == {"room": "fail"}
    assert said(*pair("08:00:30"), people=staff({"id": "anna", "badge": ["B1", "B2"], "status": "active"})) == {"room": "fail"}


def test_who_was_inside_before_the_log_began() -> None:
    assert said(*walk("B1", "08:00 room-in", "09:00 room-out"), *walk("B2", "09:00:10 room-out")) == {"room": "pass"}


def test_a_contradiction_nearby_makes_it_unknown() -> None:
    alone = walk("B1", "08:00 room-in", "09:00 room-out")
    twice = walk("B3", "10:00 room-in", "10:00:10 room-in", "10:00:20 room-out")
    assert said(*alone, *twice) == {"room": "unknown"}
    far = [{**row, "event_time": row["event_time"].replace("03-02", "03-09")} for row in twice]
    assert said(*alone, *far) == {"room": "fail"}
    assert said(*walk("B1", "08:00 room-in", "08:00:30 room-out"), *far) == {"room": "unknown"}


def test_without_exit_readers_nothing_is_said() -> None:
    doors = [{**row, "has_exit_reader": False} for row in DOORS if row["access_point"] != "room-out"]
    assert said(*walk("B1", "08:00 room-in"), doors=doors) == {"room": "unknown"}
    assert said(*walk("B1", "08:00 room-in"), zones=[{"area": "attic", "min_persons": 2}]) == {"attic": "unknown"}


def test_zones_that_need_nobody() -> None:
    assert said(go("08:00", "room-in"), zones=[{"area": "room", "min_persons": 1}]) == {"": "not_applicable"}
    assert said(go("08:00", "room-in"), zones=[]) == {"": "unknown"}
    assert said(go("08:00", "room-in"), zones=[{"area": "room"}]) == {"": "unknown"}  # a table without that column
    assert verdicts(run(four_eyes, badges_with([go("08:00", "room-in")], doors=DOORS), None)) == {"": "unknown"}


def test_what_was_not_understood() -> None:
    assert said(*pair("08:01"), refused={"time": 1}) == {"room": "unknown"}
    assert said(*pair("08:02"), refused={"time": 1}) == {"room": "unknown"}
