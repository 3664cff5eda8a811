"""physical-access.orphan-badge: every badge that opens a door belongs to somebody."""

from __future__ import annotations

from typing import Any

from sovaudit.content.checks.physical_access.orphan_badge import orphan_badge

from sovaudit.facts.roster import Roster
from sovaudit.testing import badges_with, run, verdicts
from tests.badge_hall import go, staff

STAFF = staff({"id": "anna", "badge": "B1", "status": "active"}, {"id": "badr", "badge": "", "status": "active"})


def said(*rows: dict[str, Any], people: Roster | None = STAFF, **more: Any) -> dict[str, str]:
    return verdicts(run(orphan_badge, badges_with(rows, **more), people))


def card(badge: str, person: str | None, kind: str = "staff") -> dict[str, Any]:
    return {"credential": badge, "subject": person, "kind": kind}


def test_a_badge_of_the_roster_passes_and_another_fails() -> None:
    assert said(go("08:00", "D1"), go("09:00", "D1", "B9")) == {"B9": "fail", "": "pass"}


def test_the_table_of_credentials_may_link() -> None:
    assert said(go("08:00", "D1", "B2"), credentials=[card("B2", "badr")]) == {"": "pass"}
    assert said(go("08:00", "D1", "B2"), credentials=[card("B2", "zoe")]) == {"B2": "fail", "": "pass"}
    assert said(go("08:00", "D1", "B2"), credentials=[card("B2", None)]) == {"B2": "fail", "": "pass"}


def test_the_event_may_name_the_person() -> None:
    assert said(go("08:00", "D1", "B2", subject="badr")) == {"": "pass"}
    assert said(go("08:00", "D1", "B2", subject="zoe")) == {"B2": "fail", "": "pass"}
    several = [go("08:00", "D1", "B2", subject=name) for name in ("aaron", "badr", "zoe")]
    assert said(*several) == {"": "pass"}


def test_without_a_roster_the_table_decides() -> None:
    rows = [go("08:00", "D1", "B2"), go("08:00", "D1", "B3")]
    assert said(*rows, people=None, credentials=[card("B2", "zoe")]) == {"B3": "fail", "": "pass"}
    assert said(*rows, people=None) == {"": "unknown"}


def test_a_refused_badge_opens_nothing() -> None:
    assert said(go("08:00", "D1"), go("08:00", "D1", "B9", event="DENIED_UNKNOWN_CREDENTIAL")) == {"": "pass"}


def visit(since: str, until: str | None, badge: str = "V1") -> dict[str, Any]:
    return {
        "visitor": "guest",
        "host": "anna",
        "credential": badge,
        "time_in": f"2026-03-02 {since}",
        "time_out": until and f"2026-03-02 {until}",
    }


def test_a_visitors_badge_is_the_visitors() -> None:
    row = go("09:00", "D1", "V1")
    assert said(row, visits=[visit("09:00", "09:00")]) == {"": "pass"}
    assert said(row, visits=[visit("08:00", None)]) == {"": "pass"}
    assert said(row, visits=[visit("09:00:00.001", "10:00")]) == {"V1": "fail", "": "pass"}
    assert said(row, visits=[visit("08:00", "08:59:59.999")]) == {"V1": "fail", "": "pass"}
    assert said(row, visits=[visit("08:00", "08:30"), visit("08:50", "09:30")]) == {"": "pass"}
    assert said(row, credentials=[card("V1", None, "Visiteur")]) == {"V1": "unknown", "": "pass"}
    assert said(row, credentials=[card("V1", "anna", "visitor")], visits=[]) == {"V1": "fail", "": "pass"}


def test_what_was_not_understood() -> None:
    bad = staff({"id": "anna", "badge": "B1", "status": "active"}, {"id": "x", "status": "gone fishing"})
    assert said(go("08:00", "D1", "B9"), people=bad) == {"B9": "unknown", "": "unknown"}
    assert said(go("08:00", "D1"), go("08:00", "D1", "B9"), refused={"time": 1}) == {"B9": "fail", "": "unknown"}
    assert said(go("08:00", "D1"), broken={"credentials": 1}, credentials=[]) == {"": "unknown"}


def test_no_badge_no_answer() -> None:
    assert said({"event_time": "2026-03-02 08:00"}) == {"": "unknown"}


def test_many_are_counted() -> None:
    outcomes = run(orphan_badge, badges_with([go("08:00", "D1", f"X{number:03}") for number in range(203)]), STAFF)
    assert len(outcomes) == 202
    assert outcomes[200].subject == "others"
    assert outcomes[200].args["count"] == 3


def test_a_log_of_refusals_alone_opened_no_door() -> None:
    log = badges_with([{"event_time": "2026-03-02 08:15", "credential": "b1", "subject": "p1", "event": "DENIED_NO_RIGHTS"}])
    assert verdicts(run(orphan_badge, log, None)) == {"": "not_applicable"}
