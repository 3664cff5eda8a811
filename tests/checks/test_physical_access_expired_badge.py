"""physical-access.expired-badge: no badge outlives its time, and each has one."""

from __future__ import annotations

from typing import Any

import pytest
from sovaudit.content.checks.physical_access.expired_badge import expired_badge

from sovaudit.testing import badges_with, run, verdicts
from tests.badge_hall import go

END = "23:59:59.999"  # what a bare date in `valid_to` means


def card(
    since: str | None = "2026-01-01", until: str | None = f"2026-12-31 {END}", kind: str | None = "staff", **more: Any
) -> dict[str, Any]:
    return {"credential": "B1", "subject": "anna", "kind": kind, "valid_from": since, "valid_to": until, **more}


def said(*cards: dict[str, Any], rows: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, str]:
    log = badges_with([go("08:00", "D1")] if rows is None else rows, credentials=cards, **more)
    return verdicts(run(expired_badge, log))


def test_used_within_its_time() -> None:
    assert said(card()) == {"": "pass"}


@pytest.mark.parametrize(
    ("since", "until", "good"),
    [
        ("2026-03-02 08:00", "2026-04-01", True),
        ("2026-03-02 08:00:00.001", "2026-04-01", False),
        ("2026-01-01", "2026-03-02 08:00", True),
        ("2026-01-01", "2026-03-02 07:59:59.999", False),
        (None, "2026-03-02 07:00", False),
    ],
)
def test_the_edges_of_its_time(since: str | None, until: str, good: bool) -> None:
    assert said(card(since, until)) == ({"": "pass"} if good else {"B1": "fail", "": "pass"})


def test_a_refused_badge_was_not_used() -> None:
    assert said(card(until="2026-03-01"), rows=[go("08:00", "D1", event="DENIED_CREDENTIAL_EXPIRED")]) == {"": "pass"}


def test_a_badge_renewed_has_two_times() -> None:
    cards = [card("2026-01-01", "2026-02-01"), card("2026-03-01", f"2026-12-31 {END}")]
    assert said(*cards) == {"": "pass"}
    gap = {**go("08:00", "D1"), "event_time": "2026-02-15 08:00"}
    assert said(*cards, rows=[gap]) == {"B1": "fail", "": "pass"}


@pytest.mark.parametrize(
    ("kind", "until", "verdict"),
    [
        ("staff", f"2029-01-01 {END}", ""),
        ("Personnel", f"2029-01-02 {END}", "fail"),
        ("contractor", f"2027-01-01 {END}", ""),
        ("prestataire", f"2027-01-02 {END}", "fail"),
        ("visitor", f"2026-01-02 {END}", ""),  # over when the export was read
        ("staff", None, "fail"),
        (None, f"2026-06-30 {END}", "unknown"),
        (None, f"2029-01-02 {END}", "fail"),
        ("guard dog", f"2026-06-30 {END}", "unknown"),
        (None, None, "fail"),
    ],
)
def test_how_long_each_kind_may_be_used(kind: str | None, until: str | None, verdict: str) -> None:
    rows = [{**go("08:00", "D1"), "event_time": "2026-01-01 08:00"}]
    assert said(card(until=until, kind=kind), rows=rows) == ({"B1": verdict, "": "pass"} if verdict else {"": "pass"})


def test_a_visitors_day() -> None:
    rows = [go("08:00", "D1", "X")]
    assert said(card("2026-06-01 08:00", f"2026-06-01 {END}", "visitor"), rows=rows) == {"": "pass"}
    assert said(card("2026-06-01 08:00", f"2026-06-02 {END}", "visiteur"), rows=rows) == {"B1": "fail", "": "pass"}


def test_a_badge_out_of_use_needs_no_end() -> None:
    assert said(card(until=None, status="lost")) == {"": "pass"}
    assert said(card(until=None, status="blue")) == {"B1": "unknown", "": "pass"}


def test_a_beginning_that_is_not_said() -> None:
    assert said(card(since=None)) == {"B1": "unknown", "": "pass"}
    assert said(card(since=None, until="2029-07-01")) == {"B1": "fail", "": "pass"}


def test_a_leap_day() -> None:
    cards = [card("2024-02-29", f"2027-02-28 {END}")]
    assert said(*cards) == {"": "pass"}


def test_times_beyond_any_clock_break_nothing() -> None:
    assert said(card(-(1 << 62), 1 << 62)) == {"B1": "fail", "": "pass"}  # type: ignore[arg-type]
    assert said(card(1 << 62, -(1 << 62))) == {"B1": "fail", "": "pass"}  # type: ignore[arg-type]


def test_what_is_missing() -> None:
    assert verdicts(run(expired_badge, badges_with([go("08:00", "D1")]))) == {"": "unknown"}
    assert said(card(), refused={"time": 1}) == {"": "unknown"}
    assert said({"credential": "B1", "subject": "anna"}) == {"": "unknown"}  # a table without that column
    assert said(card(), broken={"credentials": 2}) == {"": "unknown"}
