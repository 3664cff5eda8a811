"""physical-access.escort: visitors are escorted in restricted zones, and give their badges back."""

from __future__ import annotations

from typing import Any

from sovaudit.content.checks.physical_access.escort import escort

from sovaudit.facts.roster import Roster
from sovaudit.testing import badges_with, run, verdicts
from tests.badge_hall import DOORS, go, staff, walk

ZONES = [{"area": "hall", "level": "public"}, {"area": "room", "level": "restricted"}]
CARDS = [{"credential": "B1", "subject": "anna", "kind": "staff"}]
GOOD = {"visits": "pass", "room": "pass"}
BAD = {"visits": "pass", "room": "fail"}


def visit(since: str = "08:00", until: str | None = "12:00", host: str | None = "anna", badge: str | None = "V1") -> dict[str, Any]:
    return {
        "visitor": "guest", "host": host, "credential": badge, "time_in": f"2026-03-02 {since}", "time_out": until and f"2026-03-02 {until}",
    }  # fmt: skip


def said(*rows: dict[str, Any], visits: list[dict[str, Any]] | None = None, people: Roster | None = None, **more: Any) -> dict[str, str]:
    tables = {"doors": DOORS, "zones": ZONES, "credentials": CARDS, "visits": [visit()] if visits is None else visits, **more}
    return verdicts(run(escort, badges_with(rows, **tables), people))


IN = go("09:00", "room-in", "V1")


def test_a_minute_before_or_after() -> None:
    assert said(IN, go("09:01:00", "room-in")) == GOOD
    assert said(IN, go("09:01:00.001", "room-in")) == BAD
    assert said(IN, go("08:59:00", "room-in")) == GOOD
    assert said(IN, go("08:58:59.999", "room-in")) == BAD


def test_only_the_host_at_the_same_reader_counts() -> None:
    host = go("09:00", "hall-in")
    assert said(IN, host) == BAD
    assert said(IN, go("09:00", "room-in", "B2"), host) == BAD
    assert said(IN, go("09:00", "room-in", event="DENIED_NO_RIGHTS"), host) == BAD


def test_public_zones_need_no_escort() -> None:
    assert said(go("09:00", "hall-in", "V1"), go("09:30", "hall-in")) == GOOD


def test_an_entry_outside_of_any_visit() -> None:
    host = go("09:00", "room-in")
    assert said(IN, host, visits=[visit("09:00:00.001")]) == BAD
    assert said(IN, host, visits=[visit(until="08:59")]) == BAD
    assert said(IN, host, visits=[visit(host=None)]) == BAD
    card = {"credential": "V2", "subject": "guest", "kind": "Visiteur"}
    assert said(go("09:00", "room-in", "V2"), host, credentials=[*CARDS, card]) == BAD


def test_a_visit_with_two_hosts() -> None:
    assert said(IN, go("09:00", "room-in"), visits=[visit(host="badr"), visit()]) == GOOD


def test_whose_badge_the_host_has() -> None:
    assert said(IN, go("09:00", "room-in"), visits=[visit(host="zoe")]) == {"visits": "pass", "room": "unknown"}
    assert said(IN, go("09:00", "room-in", subject="zoe"), visits=[visit(host="zoe")]) == GOOD
    people = staff({"id": "anna", "badge": "B7", "status": "active"})
    assert said(IN, go("09:00", "room-in", "B7"), people=people, credentials=[]) == GOOD


def stay(host_out: str, guest_out: str) -> list[dict[str, Any]]:
    return [*walk("B1", "09:00 room-in", f"{host_out} room-out"), *walk("V1", "09:00:10 room-in", f"{guest_out} room-out")]


def test_the_host_may_not_leave_first() -> None:
    assert said(*stay("10:00:00", "10:01:00")) == GOOD
    assert said(*stay("10:00:00", "10:01:00.001")) == BAD
    assert said(*stay("10:30:00", "10:00:00")) == GOOD
    assert said(*stay("10:00:00", "10:30:00"), *walk("B1", "10:00:50 room-in", "10:30:10 room-out")) == GOOD
    assert said(*stay("10:00:00", "10:30:00"), *walk("B1", "10:01:01 room-in", "10:30:10 room-out")) == BAD


def test_where_nobody_knows_who_is_inside_the_entry_is_judged() -> None:
    one_way = [row for row in DOORS if row["access_point"] != "room-out"]
    assert said(*stay("10:00:00", "10:30:00"), doors=[{**row, "has_exit_reader": False} for row in one_way]) == GOOD


def test_a_visit_must_be_closed() -> None:
    assert said(IN, go("09:00", "room-in"), visits=[visit(until=None)]) == {"visits": "fail", "room": "pass"}
    today = {**visit(), "time_in": "2026-05-31 12:00", "time_out": None}
    assert said(go("09:00", "hall-in"), visits=[today]) == GOOD
    assert said(go("09:00", "hall-in"), visits=[{**today, "time_in": "2026-05-31 11:59:59.999"}]) == {"visits": "fail", "room": "pass"}


def test_what_is_missing() -> None:
    rows = [IN, go("09:00", "room-in")]
    assert verdicts(run(escort, badges_with(rows, doors=DOORS, zones=ZONES, credentials=CARDS), None)) == {"": "unknown"}
    assert said(*rows, visits=[{"visitor": "guest", "credential": "V1", "time_in": "2026-03-02 08:00"}]) == {"": "unknown"}
    assert said(*rows, zones=[]) == {"visits": "pass", "": "unknown"}
    assert said(*rows, zones=[{"area": "room", "level": "public"}]) == {"visits": "pass", "": "not_applicable"}
    assert said(*rows, zones=[{"area": "room", "level": "blue"}]) == {"visits": "pass", "room": "unknown"}
    assert said(*rows, refused={"time": 1}) == {"visits": "pass", "room": "unknown"}
    assert said(IN, refused={"time": 1}) == {"visits": "pass", "room": "unknown"}
