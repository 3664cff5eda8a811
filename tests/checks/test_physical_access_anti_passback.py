"""physical-access.anti-passback: nobody enters an area twice without leaving it, or leaves it twice without entering."""

from __future__ import annotations

from typing import Any

from sovaudit.content.checks.physical_access.anti_passback import anti_passback

from sovaudit.testing import badges_with, run, verdicts
from tests.badge_hall import DOORS, NEST, go, walk

GOOD = dict.fromkeys(NEST, "pass")
DAY = ("08:00 hall-in", "08:10 room-in", "09:00 room-out", "12:00 hall-out")


def said(*rows: dict[str, Any], doors: list[dict[str, Any]] = DOORS, **more: Any) -> dict[str, str]:
    return verdicts(run(anti_passback, badges_with(rows, doors=doors, **more)))


def test_who_comes_and_goes_passes() -> None:
    assert said(*walk("B1", *DAY), *walk("B2", *DAY)) == GOOD


def test_an_exit_that_was_not_recorded_shows_at_the_next_door() -> None:
    rows = walk("B1", "08:00 hall-in", "08:10 room-in", "12:00 hall-out", "13:00 hall-in", "13:10 room-in")
    assert said(*rows) == {**GOOD, "hall": "fail", "room": "fail"}
    assert said(*rows[:3]) == {**GOOD, "hall": "fail"}  # it left the hall for the room, and now leaves the hall again
    assert said(*rows[:2]) == GOOD  # nothing contradicts yet


def test_entering_twice_and_leaving_twice() -> None:
    assert said(*walk("B1", "08:00 hall-in", "08:10 room-in", "08:20 room-in")) == {**GOOD, "hall": "fail", "room": "fail"}
    assert said(*walk("B1", "08:00 hall-in", "09:00 hall-out", "09:30 hall-out")) == {**GOOD, "street": "fail", "hall": "fail"}


def test_the_passage_and_the_one_before_are_named() -> None:
    outcomes = run(anti_passback, badges_with(walk("B1", "08:00 room-in", "08:20 room-in"), doors=DOORS))
    (outcome,) = [each for each in outcomes if each.subject == "room"]
    assert outcome.because[0].text == "B1 enters by room-in at 2026-03-02 08:20:00Z, as it did at 2026-03-02 08:00:00Z"
    assert outcome.because[0].number == 2


def test_a_record_that_was_delivered_twice_is_one_passage() -> None:
    rows = [{**row, "sequence": number} for number, row in enumerate(walk("B1", *DAY), 1)]
    assert said(*rows, rows[1], rows[2]) == GOOD
    assert said(*rows, {**rows[1], "sequence": 9})["room"] == "fail"


def test_badges_are_not_mixed_up_and_order_is_by_time() -> None:
    rows = [*walk("B1", *DAY), *walk("B2", "08:00 hall-in")]
    assert said(*reversed(rows)) == GOOD


def test_passages_of_one_moment_are_in_the_order_of_their_numbers() -> None:
    rows = [
        {**row, "source": "C1", "sequence": number}
        for number, row in enumerate(walk("B1", "08:00 hall-in", "08:00 hall-out", "09:00 hall-in"))
    ]
    assert said(*rows) == said(*reversed(rows)) == GOOD
    rows[0]["sequence"], rows[1]["sequence"] = 1, 0
    assert said(*rows) == said(*reversed(rows)) == {**GOOD, "hall": "fail", "street": "fail"}  # out, in, in


def test_the_first_passage_may_be_an_exit() -> None:
    assert said(*walk("B1", "08:00 room-out", "09:00 hall-out")) == GOOD


def test_a_grant_without_entry_is_no_passage() -> None:
    stay = go("08:20:59", "room-in", event="NO_ENTRY_AFTER_GRANT")
    rows = walk("B1", "08:00 hall-in", "08:20 room-in")
    again = walk("B1", "08:30 room-in")
    assert said(*rows, stay, *again) == GOOD
    assert said(*rows, {**stay, "event_time": "2026-03-02 08:21:00.001"}, *again)["room"] == "fail"
    assert said(*rows, {**stay, "access_point": "hall-in"}, *again)["room"] == "fail"


def test_a_grant_without_entry_is_none_whatever_the_badge_did_at_other_readers() -> None:
    stay = go("08:20:59", "room-in", event="NO_ENTRY_AFTER_GRANT")
    rows = walk("B1", "08:00 hall-in", "08:20 room-in", "08:20:30 hall-out", "08:40 hall-in", "08:50 room-in")
    assert said(*rows, stay) == GOOD
    twice = walk("B1", "08:00 hall-in", "08:20 room-in", "08:20:30 room-in", "08:40 room-out")
    assert said(*twice, stay) == GOOD  # the first grant stands: the one right before is taken back


def test_a_refusal_is_no_passage() -> None:
    assert said(*walk("B1", "08:00 hall-in"), go("08:10", "hall-in", event="DENIED_NO_RIGHTS")) == GOOD


def test_without_a_reader_for_the_way_back_nothing_is_said() -> None:
    one_way = [row for row in DOORS if row["access_point"] != "room-out"]
    one_way = [{**row, "has_exit_reader": False} for row in one_way]
    rows = walk("B1", "08:00 room-in", "09:00 room-in")
    assert said(*rows, doors=one_way) == {**GOOD, "hall": "unknown", "room": "unknown"}


def test_a_second_door_without_an_exit_reader_opens_the_area() -> None:
    side = {"access_point": "side", "door": "side", "area_from": "hall", "area_to": "room", "has_exit_reader": None}
    assert said(go("08:00", "hall-in"), doors=[*DOORS, side]) == {**GOOD, "hall": "unknown", "room": "unknown"}
    nameless = [{**row, "door": None} for row in [*DOORS, side]]
    assert said(go("08:00", "hall-in"), doors=nameless) == {**GOOD, "hall": "unknown", "room": "unknown"}
    assert said(go("08:00", "hall-in"), doors=nameless[:-1]) == GOOD


def test_a_reader_with_nothing_said_of_what_lies_before_it_has_no_way_back() -> None:
    rows = walk("B1", "08:00 yard-in", "09:00 yard-in")
    assert said(*rows, doors=[{"access_point": "yard-in", "area_to": "yard"}]) == {"yard": "unknown"}
    assert said(*rows, doors=[{"access_point": "yard-in", "area_from": "yard"}]) == {"yard": "unknown"}


def test_one_reader_that_says_the_direction() -> None:
    door = [{"access_point": "D1", "area_from": "street", "area_to": "hall", "has_exit_reader": True}]
    rows = [go("08:00", "D1", direction="in"), go("09:00", "D1", direction="out")]
    assert said(*rows, doors=door) == {"hall": "pass", "street": "pass"}
    assert said(*rows, go("10:00", "D1", direction="out"), doors=door) == {"hall": "fail", "street": "fail"}
    assert said(go("08:00", "D1"), go("09:00", "D1"), doors=door) == {"hall": "unknown", "street": "unknown"}
    assert said(*rows, doors=[{**door[0], "has_exit_reader": False}]) == {"hall": "unknown", "street": "unknown"}


def test_a_reader_of_its_own_for_the_way_back_is_not_turned_round() -> None:
    assert said(go("08:00", "hall-in", direction="in"), go("09:00", "hall-out", direction="out")) == GOOD


def test_a_door_beside_has_a_reader_of_its_own_and_this_one_has_not() -> None:
    side = {"access_point": "side", "door": "side", "area_from": "hall", "area_to": "room", "has_exit_reader": True}
    both = [go("08:00", "side", direction="in"), go("09:00", "side", direction="out"), go("10:00", "side", direction="in")]
    assert said(*both, doors=[*DOORS, side]) == GOOD
    only = [{**row, "door": row["access_point"], "has_exit_reader": True} for row in DOORS]  # each reader is called a door
    rows = [go("08:00", "room-in", direction="in"), go("09:00", "room-out", direction="out"), go("10:00", "room-in", direction="in")]
    assert said(*rows, doors=only) == GOOD


def test_the_outdoors_may_have_no_name() -> None:
    pair = [{"access_point": "in", "door": "d", "area_to": "yard"}, {"access_point": "out", "door": "d", "area_from": "yard"}]
    rows = [go("08:00", "in", direction="in"), go("09:00", "out", direction="out"), go("10:00", "in", direction="in")]
    assert said(*rows, doors=pair) == {"yard": "pass"}
    assert said(*rows[::2], doors=pair) == {"yard": "fail"}


def test_events_that_name_their_areas_are_believed() -> None:
    rows = [go("08:00", "X", area_from="street", area_to="hall"), go("09:00", "X", area_from="street", area_to="hall")]
    assert said(*rows) == {**GOOD, "street": "fail", "hall": "fail"}
    only = [go("08:00", "X", area_to="hall", direction="in"), go("09:00", "X", area_to="hall", direction="out")]
    assert said(*only) == GOOD
    assert said(*only, {**only[1], "event_time": "2026-03-02 10:00"}) == {**GOOD, "hall": "fail"}
    assert said(go("08:00", "X", area_to="attic"))["attic"] == "unknown"


def test_what_was_not_understood_may_lie_between() -> None:
    rows = walk("B1", "08:00 hall-in", "09:00 hall-in")
    assert set(said(*rows, refused={"time": 1}).values()) == {"unknown"}
    assert set(said(*rows, go("08:30", "hall-out", event="UNMAPPED")).values()) == {"unknown"}
    assert set(said(*rows, go("08:30", "hall-out", direction="unmapped")).values()) == {"unknown"}


def test_an_hour_that_came_twice() -> None:
    assert said(go("08:00", "hall-in"), go("09:00", "hall-in", time_note="repeated")) == {**GOOD, "street": "unknown", "hall": "unknown"}


def test_a_reader_given_twice() -> None:
    odd = {**DOORS[0], "area_to": "room"}
    assert said(go("08:00", "hall-in"), doors=[*DOORS, odd])["street"] == "unknown"


def test_without_doors_nothing_is_said() -> None:
    assert verdicts(run(anti_passback, badges_with([go("08:00", "D1")]))) == {"": "unknown"}
    assert said(go("08:00", "D1"), doors=[]) == {"": "unknown"}
    assert said({"event_time": "2026-03-02 08:00", "access_point": "hall-in"}) == {"": "unknown"}


def test_a_public_area_is_nobodys_concern() -> None:
    rows = walk("B1", "08:00 hall-in", "08:30 hall-in")
    assert said(*rows, zones=[{"area": "street", "level": "public"}]) == {**GOOD, "street": "not_applicable", "hall": "fail"}
