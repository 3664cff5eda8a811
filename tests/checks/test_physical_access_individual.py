"""physical-access.individual: a badge is one person's, and a person has one badge."""

from __future__ import annotations

from typing import Any

import pytest
from sovaudit.content.checks.physical_access.individual import individual

from sovaudit.facts.roster import Roster
from sovaudit.testing import badges_with, run, verdicts
from tests.badge_hall import go, staff


def card(badge: str, person: str, since: str | None = None, until: str | None = None, **more: Any) -> dict[str, Any]:
    return {"credential": badge, "subject": person, "valid_from": since, "valid_to": until, **more}


def said(
    *cards: dict[str, Any], rows: list[dict[str, Any]] | None = None, people: Roster | None = None, most: int = 1, **more: Any
) -> dict[str, str]:
    tables = {"credentials": cards} if cards else {}
    log = badges_with([go("08:00", "D1")] if rows is None else rows, **tables, **more)
    return verdicts(run(individual, log, people, most=most))


def test_one_badge_each() -> None:
    assert said(card("B1", "anna"), card("B2", "badr")) == {"": "pass"}


def test_one_badge_for_two() -> None:
    assert said(card("B1", "anna"), card("B1", "badr")) == {"B1": "fail", "": "pass"}


@pytest.mark.parametrize(("until", "since", "good"), [("2026-02-01", "2026-02-01", True), ("2026-02-01 00:00:00.001", "2026-02-01", False)])
def test_a_badge_handed_on(until: str, since: str, good: bool) -> None:
    cards = [card("B1", "anna", "2026-01-01", until), card("B1", "badr", since)]
    assert said(*cards) == ({"": "pass"} if good else {"B1": "fail", "": "pass"})
    assert said(card("B1", "anna", "2026-01-01"), cards[1]) == {"B1": "fail", "": "pass"}  # the old row was not closed


def test_two_badges_for_one() -> None:
    assert said(card("B1", "anna"), card("B2", "anna")) == {"anna": "fail", "": "pass"}
    assert said(card("B1", "anna"), card("B2", "anna"), most=2) == {"": "pass"}
    assert said(card("B1", "anna", status="perdu"), card("B2", "anna")) == {"": "pass"}
    assert said(card("B1", "anna", until="2026-05-01"), card("B2", "anna")) == {"": "pass"}
    assert said(card("B1", "anna"), card("B2", "anna", status="blue")) == {"": "unknown"}


def test_the_events_name_two_persons_in_turn() -> None:
    def named(*turns: str) -> list[dict[str, Any]]:
        return [go(f"{8 + number:02}:00", "D1", subject=who) for number, who in enumerate(turns)]

    assert said(rows=named("anna", "badr", "anna")) == {"B1": "fail", "": "pass"}
    assert said(rows=named("anna", "anna", "badr")) == {"": "pass"}


def test_the_roster_names_a_badge_twice() -> None:
    one = {"id": "anna", "badge": "B1", "status": "active", "left_on": ""}
    assert said(people=staff(one, {**one, "id": "badr"})) == {"B1": "fail", "": "pass"}
    assert said(people=staff(one, {**one, "id": "badr", "status": "left", "left_on": "2026-01-01"})) == {"": "pass"}
    assert said(people=staff(one, {**one, "badge": "B2"})) == {"anna": "fail", "": "pass"}


def test_what_is_missing() -> None:
    assert said() == {"": "unknown"}
    named = [go("08:00", "D1", subject="anna")]
    assert said(card("B1", "anna"), refused={"time": 1}) == {"": "pass"}  # the table says it, not the events
    assert said(card("B1", "anna"), rows=named, refused={"time": 1}) == {"": "unknown"}
    assert said(card("B1", "anna"), card("B1", "badr"), rows=named, refused={"time": 1}) == {"B1": "fail", "": "unknown"}
