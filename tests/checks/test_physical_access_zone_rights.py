"""physical-access.zone-rights: restricted zones are entered only by people with a right to them."""

from __future__ import annotations

from typing import Any

from sovaudit.content.checks.physical_access.zone_rights import zone_rights

from sovaudit.facts.roster import Roster
from sovaudit.testing import badges_with, run, verdicts
from tests.badge_hall import DOORS, go, staff

ZONES = [{"area": "hall", "level": "public"}, {"area": "room", "level": "restreinte"}, {"area": "cage", "level": "restricted"}]
CARDS = [{"credential": "B1", "subject": "anna"}, {"credential": "B2", "subject": "badr"}]
ROOM = {"subject": "anna", "area": "room"}
GOOD = {"room": "pass", "cage": "pass"}


def said(*rights: dict[str, Any], rows: list[dict[str, Any]] | None = None, people: Roster | None = None, **more: Any) -> dict[str, str]:
    tables = {"doors": DOORS, "zones": ZONES, "credentials": CARDS, "rights": rights, **more}
    return verdicts(run(zone_rights, badges_with([go("08:00", "room-in")] if rows is None else rows, **tables), people))


def test_a_right_to_the_area_or_the_reader() -> None:
    assert said(ROOM) == GOOD
    assert said({"subject": "anna", "access_point": "room-in"}) == GOOD
    assert said({"subject": "anna", "area": "cage"}) == {**GOOD, "room": "fail"}
    assert said({"subject": "badr", "area": "room"}) == {**GOOD, "room": "fail"}
    assert said({"subject": "anna"}) == {**GOOD, "room": "fail"}


def test_going_out_and_going_elsewhere_need_none() -> None:
    assert said(rows=[go("08:00", "room-out"), go("08:10", "hall-in"), go("08:20", "room-in", event="DENIED_NO_RIGHTS")]) == GOOD


def test_a_right_has_its_time() -> None:
    bound = {**ROOM, "valid_from": "2026-03-02 08:00", "valid_to": "2026-03-02 08:00"}
    assert said(bound) == GOOD
    assert said({**bound, "valid_from": "2026-03-02 08:00:00.001"}) == {**GOOD, "room": "fail"}
    assert said({**bound, "valid_to": "2026-03-02 07:59:59.999"}) == {**GOOD, "room": "fail"}
    assert said({**bound, "valid_to": "2026-03-01"}, bound) == GOOD


def test_groups_within_groups() -> None:
    members = [{"member_of": "ops", "subject": "anna"}, {"member_of": "all", "subject": "ops"}, {"member_of": "ops", "subject": "all"}]
    assert said({"subject": "ops", "area": "room"}, members=members) == GOOD
    assert said({"subject": "all", "area": "room"}, members=members) == GOOD
    assert said({"subject": "all", "area": "room"}, members=members, rows=[go("08:00", "room-in", "B2")]) == {**GOOD, "room": "fail"}


def test_whose_badge_it_is() -> None:
    assert said(ROOM, rows=[go("08:00", "room-in", "B7", subject="anna")]) == GOOD
    assert said(ROOM, rows=[go("08:00", "room-in", "B7")]) == {**GOOD, "room": "fail"}
    people = staff({"id": "anna", "badge": "B7", "status": "active"})
    assert said(ROOM, rows=[go("08:00", "room-in", "B7")], people=people) == GOOD
    assert said(ROOM, credentials=[*CARDS, {"credential": "B1", "subject": "badr"}]) == {**GOOD, "room": "fail"}


def test_a_badge_that_went_from_hand_to_hand() -> None:
    def handed(on: str) -> list[dict[str, Any]]:
        return [{"credential": "B1", "subject": "badr", "valid_to": on}, {"credential": "B1", "subject": "anna", "valid_from": on}]

    assert said(ROOM, credentials=handed("2026-03-02 08:00")) == GOOD
    assert said(ROOM, credentials=handed("2026-03-02 08:00:00.001")) == {**GOOD, "room": "fail"}
    late = [*handed("2026-03-01"), {"credential": "B1", "subject": "zoe", "valid_from": "2026-02-01"}]
    assert said(ROOM, credentials=late) == {**GOOD, "room": "fail"}  # whose it was then is not clear


def test_the_words_of_the_levels() -> None:
    assert said(zones=[{"area": "room", "level": "public"}]) == {"": "not_applicable"}
    assert said(zones=[{"area": "room", "level": "blue"}]) == {"room": "unknown"}
    assert said(zones=[]) == {"": "unknown"}


def test_what_is_missing() -> None:
    rows = [go("08:00", "room-in")]
    assert verdicts(run(zone_rights, badges_with(rows, doors=DOORS, zones=ZONES, credentials=CARDS), None)) == {"": "unknown"}
    assert verdicts(run(zone_rights, badges_with(rows, doors=DOORS, zones=ZONES, rights=[ROOM]), None)) == {"": "unknown"}
    assert said(ROOM, refused={"time": 1}) == dict.fromkeys(GOOD, "unknown")
    assert said(refused={"time": 1}) == {"room": "fail", "cage": "unknown"}
    assert said(ROOM, rows=[go("08:00", "room-in"), go("09:00", "x", direction="unmapped")]) == dict.fromkeys(GOOD, "unknown")
    assert said(ROOM, broken={"rights": 1}) == {"": "unknown"}


def test_what_is_said() -> None:
    log = badges_with(
        [go("09:00", "room-in", "B2"), go("08:00", "room-in", "B2")], doors=DOORS, zones=ZONES, credentials=CARDS, rights=[ROOM]
    )
    (outcome,) = [each for each in run(zone_rights, log, None) if each.verdict == "fail"]
    assert outcome.because[0].text == "B2 of badr: 2 times without a right, 2026-03-02 08:00:00Z to 2026-03-02 09:00:00Z"
    assert outcome.because[0].number == 2
