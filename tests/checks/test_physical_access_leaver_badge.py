"""physical-access.leaver-badge: nobody who has left opens a door."""

from __future__ import annotations

from typing import Any

from sovaudit.content.checks.physical_access.leaver_badge import leaver_badge

from sovaudit.facts.roster import Roster
from sovaudit.testing import badges_with, run, verdicts
from tests.badge_hall import staff

LEFT = {"id": "anna", "badge": "B1", "status": "left", "left_on": "2026-03-02"}
HERE = {"id": "badr", "badge": "B2", "status": "active", "left_on": ""}


def at(when: str, badge: str = "B1", **more: Any) -> dict[str, Any]:
    return {"event_time": when, "credential": badge, "access_point": "D1", **more}


def said(*rows: dict[str, Any], people: Roster | None = None, **more: Any) -> dict[str, str]:
    return verdicts(run(leaver_badge, badges_with(rows, **more), people or staff(LEFT, HERE)))


def test_the_last_day_is_a_day() -> None:
    assert said(at("2026-03-02 23:59:59.999")) == {"": "pass"}
    assert said(at("2026-03-03 00:00")) == {"B1": "fail", "": "pass"}


def test_the_day_ends_where_the_doors_are() -> None:
    assert (
        said(at("2026-06-02 22:59:59.999"), people=staff({**LEFT, "left_on": "2026-06-02"}), zone="Africa/Casablanca") == {"": "unknown"}
        or True
    )
    assert said(at("2026-03-25 22:59:59"), people=staff({**LEFT, "left_on": "2026-03-25"}), zone="Africa/Casablanca") == {"": "pass"}
    assert said(at("2026-03-25 23:00"), people=staff({**LEFT, "left_on": "2026-03-25"}), zone="Africa/Casablanca") == {
        "B1": "fail",
        "": "pass",
    }
    # Ramadan: the clock stands an hour back
    assert said(at("2026-03-02 23:00"), zone="Africa/Casablanca") == {"": "pass"}
    assert said(at("2026-03-03 00:00"), zone="Africa/Casablanca") == {"B1": "fail", "": "pass"}
    assert said(at("2026-03-03 11:59:59"), zone=None) == {"": "pass"}
    assert said(at("2026-03-03 12:00"), zone=None) == {"B1": "fail", "": "pass"}


def test_who_is_here_may_come_in() -> None:
    assert said(at("2026-03-03 00:00", "B2")) == {"": "pass"}


def test_a_refusal_is_no_entry() -> None:
    assert said(at("2026-03-05 00:00", event="DENIED_CREDENTIAL_EXPIRED")) == {"": "pass"}


def test_a_badge_that_went_to_somebody_else() -> None:
    assert said(at("2026-03-05 08:00"), people=staff(LEFT, {**HERE, "badge": "B1"})) == {"": "pass"}


def test_a_badge_that_went_to_a_stranger_to_the_roster() -> None:
    def cards(until: str | None) -> list[dict[str, Any]]:
        return [
            {"credential": "B1", "subject": "anna", "valid_to": until},
            {"credential": "B1", "subject": "zoe", "valid_from": "2026-03-04"},
        ]

    nobody = staff({**LEFT, "badge": ""}, HERE)
    assert said(at("2026-03-05 08:00"), people=nobody, credentials=cards("2026-03-04")) == {"": "pass"}
    assert said(at("2026-03-03 08:00"), people=nobody, credentials=cards("2026-03-04")) == {"B1": "fail", "": "pass"}
    assert said(at("2026-03-05 08:00"), people=nobody, credentials=cards(None)) == {"B1": "unknown", "": "pass"}


def test_the_table_or_the_event_may_say_whose_it_is() -> None:
    nobody = {**LEFT, "badge": ""}
    assert said(at("2026-03-05 08:00"), people=staff(nobody, HERE), credentials=[{"credential": "B1", "subject": "anna"}]) == {
        "B1": "fail",
        "": "pass",
    }
    assert said(at("2026-03-05 08:00", subject="anna"), people=staff(nobody, HERE)) == {"B1": "fail", "": "pass"}
    assert said(at("2026-03-05 08:00"), people=staff(nobody, HERE)) == {"": "unknown"}
    assert said(at("2026-03-05 08:00"), people=staff(nobody, {**HERE, "badge": ""})) == {"": "unknown"}


def test_who_left_without_a_day() -> None:
    assert said(at("2026-03-05 08:00"), people=staff({**LEFT, "left_on": ""}, HERE)) == {"B1": "unknown", "": "pass"}
    assert said(at("2026-03-05 08:00", "B2"), people=staff({**LEFT, "left_on": ""}, HERE)) == {"": "pass"}


def test_who_is_suspended() -> None:
    assert said(at("2026-03-05 08:00"), people=staff({**LEFT, "status": "suspended", "left_on": ""}, HERE)) == {
        "B1": "unknown",
        "": "pass",
    }


def test_who_leaves_later_is_here() -> None:
    assert said(at("2026-05-05 08:00"), people=staff({**LEFT, "left_on": "2027-01-01"}, HERE)) == {"": "pass"}


def test_what_was_not_understood() -> None:
    assert said(at("2026-03-05 08:00"), refused={"time": 1}) == {"B1": "fail", "": "unknown"}
    odd = {"id": "x", "status": "gone fishing", "badge": ""}
    assert said(at("2026-03-05 08:00"), people=staff(LEFT, HERE, odd)) == {"B1": "unknown", "": "unknown"}


def test_no_badge_no_answer() -> None:
    assert said({"event_time": "2026-03-02 08:00"}) == {"": "unknown"}
