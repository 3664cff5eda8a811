"""physical-access.dormant-badge: no badge in use is one that nobody uses."""

from __future__ import annotations

from typing import Any

import pytest
from sovaudit.content.checks.physical_access.dormant_badge import dormant_badge

from sovaudit.facts.roster import Roster
from sovaudit.testing import badges_with, run, verdicts
from tests.badge_hall import staff

LONG = [{"event_time": "2026-01-01 00:00", "credential": "X"}, {"event_time": "2026-05-31 00:00", "credential": "X"}]
EDGE = "2026-03-02 00:00"  # 90 days before the last event


def at(when: str, badge: str = "B1", **more: Any) -> dict[str, Any]:
    return {"event_time": when, "credential": badge, **more}


def card(badge: str = "B1", **more: Any) -> dict[str, Any]:
    return {"credential": badge, "subject": "anna", **more}


def said(*rows: dict[str, Any], cards: list[dict[str, Any]] | None = None, people: Roster | None = None, **more: Any) -> dict[str, str]:
    tables = {} if cards is None else {"credentials": cards}
    return verdicts(run(dormant_badge, badges_with([*LONG, *rows], **tables, **more), people))


def test_the_edge_of_ninety_days() -> None:
    assert said(at(EDGE), cards=[card()]) == {"": "pass"}
    assert said(at("2026-03-01 23:59:59.999"), cards=[card()]) == {"B1": "fail", "": "pass"}
    assert said(cards=[card()]) == {"B1": "fail", "": "pass"}


def test_any_use_counts() -> None:
    assert said(at("2026-05-01", event="DENIED_NO_RIGHTS"), cards=[card()]) == {"": "pass"}
    assert said(at("2026-05-01", event="UNMAPPED"), cards=[card()]) == {"": "pass"}


@pytest.mark.parametrize(
    ("more", "verdict"),
    [
        ({"status": "Actif"}, "fail"),
        ({"status": "perdu"}, ""),
        ({"status": "disabled"}, ""),
        ({"valid_to": "2026-05-30"}, ""),
        ({"valid_to": "2026-06-30"}, "fail"),
        ({"valid_from": "2026-03-01 23:59:59"}, "fail"),
        ({"valid_from": EDGE}, ""),
        ({"valid_from": "2026-07-01"}, ""),
    ],
)
def test_badges_in_use(more: dict[str, Any], verdict: str) -> None:
    assert said(cards=[card(**more)]) == ({"B1": verdict, "": "pass"} if verdict else {"": "pass"})


def test_a_status_that_we_do_not_know() -> None:
    assert said(cards=[card(status="blue")]) == {"": "unknown"}


def test_each_row_of_a_badge_counts_in_its_own_time() -> None:
    over = card(status="active", valid_to="2026-01-31")
    assert said(cards=[over, card(status="lost", valid_from="2026-02-01")]) == {"": "pass"}
    assert said(cards=[over, card(status="active", valid_from="2026-07-01")]) == {"": "pass"}
    assert said(cards=[card(status="blue", valid_to="2026-01-31"), card(status="active", valid_from="2026-02-01")]) == {
        "B1": "fail",
        "": "pass",
    }
    assert said(cards=[card(status="active"), card(status="lost")]) == {"": "unknown"}


def test_the_roster_may_say_which_badges_there_are() -> None:
    people = staff(
        {"id": "anna", "badge": "B1", "status": "active"}, {"id": "old", "badge": "B2", "status": "left", "left_on": "2026-01-01"}
    )
    assert said(people=people) == {"B1": "fail", "": "pass"}
    assert said(people=staff({"id": "anna", "status": "active"})) == {"": "unknown"}
    assert said() == {"": "unknown"}


def test_a_short_log_says_nothing() -> None:
    rows = badges_with([at("2026-05-01"), at("2026-05-31", "B2")], credentials=[card()])
    assert verdicts(run(dormant_badge, rows, None)) == {"": "unknown"}
    assert verdicts(run(dormant_badge, rows, None, max_idle_days=30)) == {"": "pass"}
    assert verdicts(run(dormant_badge, rows, None, max_idle_days=29)) == {"B1": "fail", "": "pass"}


def test_rows_that_could_not_be_read_may_be_uses() -> None:
    assert said(cards=[card()], refused={"time": 1}) == {"": "unknown"}
    assert said(at("2026-05-01"), cards=[card()], refused={"time": 1}) == {"": "pass"}
    assert said(cards=[card()], broken={"credentials": 1}) == {"": "unknown"}
