"""physical-access.shared-badge: no badge is in two areas at once."""

from __future__ import annotations

from typing import Any

from sovaudit.content.checks.physical_access.shared_badge import shared_badge

from sovaudit.testing import badges_with, run, verdicts
from tests.badge_hall import DOORS, NEST, go, walk

ANNEX = [
    {"access_point": f"annex-{way}", "door": "annex", "area_from": pair[0], "area_to": pair[1], "has_exit_reader": True}
    for way, pair in (("in", ("street", "annex")), ("out", ("annex", "street")))
]
GOOD = dict.fromkeys((*NEST, "annex"), "pass")


def said(*rows: dict[str, Any], doors: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, str]:
    return verdicts(run(shared_badge, badges_with(rows, doors=DOORS + ANNEX if doors is None else doors, **more)))


def test_two_presences_that_overlap_fail() -> None:
    assert said(*walk("B1", "08:00 hall-in", "09:00 annex-in", "10:00 annex-out", "12:00 hall-out")) == {**GOOD, "hall": "fail"}
    assert said(*walk("B1", "08:00 hall-in", "09:00 annex-in", "12:00 hall-out", "13:00 annex-out")) == {**GOOD, "hall": "fail"}


def test_one_area_within_another_is_one_place() -> None:
    assert (
        said(*walk("B1", "08:00 hall-in", "09:00 room-in", "10:00 cage-in", "11:00 cage-out", "12:00 room-out", "13:00 hall-out")) == GOOD
    )


def test_one_after_the_other_passes() -> None:
    assert said(*walk("B1", "08:00 hall-in", "09:00 hall-out", "09:00 annex-in", "12:00 annex-out")) == GOOD


def test_an_exit_unseen_is_no_sharing() -> None:
    assert said(*walk("B1", "08:00 hall-in", "09:00 annex-in", "10:00 annex-out", "11:00 hall-in", "12:00 hall-out")) == GOOD


def test_two_badges_are_two_people() -> None:
    assert said(*walk("B1", "08:00 hall-in", "12:00 hall-out"), *walk("B2", "09:00 annex-in", "10:00 annex-out")) == GOOD


def test_what_is_said() -> None:
    rows = walk("B1", "08:00 hall-in", "09:00 annex-in", "10:00 annex-out", "12:00 hall-out")
    outcomes = run(shared_badge, badges_with(rows, doors=DOORS + ANNEX))
    (outcome,) = [each for each in outcomes if each.verdict == "fail"]
    assert outcome.because[0].text == (
        "B1 comes into annex at 2026-03-02 09:00:00Z, inside hall from 2026-03-02 08:00:00Z to 2026-03-02 12:00:00Z"
    )


def test_without_exit_readers_nothing_is_said() -> None:
    rows = walk("B1", "08:00 hall-in", "09:00 annex-in")
    assert said(*rows, doors=[*DOORS, {**ANNEX[0], "has_exit_reader": False}]) == {**GOOD, "street": "unknown", "annex": "unknown"}


def test_areas_from_which_nobody_says_one_comes() -> None:
    plain = [{"access_point": name, "area_to": name, "has_exit_reader": True} for name in ("a", "b")]
    rows = [
        go("08:00", "a", direction="in"),
        go("09:00", "b", direction="in"),
        go("10:00", "b", direction="out"),
        go("11:00", "a", direction="out"),
    ]
    assert said(*rows, doors=plain) == {"a": "unknown", "b": "unknown"}


def test_what_was_not_understood() -> None:
    rows = walk("B1", "08:00 hall-in", "09:00 annex-in", "10:00 annex-out", "12:00 hall-out")
    assert set(said(*rows, refused={"time": 1}).values()) == {"unknown"}
    rows[1]["time_note"] = "repeated"
    assert said(*rows) == {**GOOD, "hall": "unknown"}


def test_without_doors_nothing_is_said() -> None:
    assert said(go("08:00", "x"), doors=[]) == {"": "unknown"}
    assert verdicts(run(shared_badge, badges_with([go("08:00", "x")]))) == {"": "unknown"}


def test_two_streets_are_one_outdoors() -> None:
    """Two sites: who leaves the one by its street may come into the other from its own."""
    away = [
        {"access_point": f"away-{way}", "door": "away", "area_from": pair[0], "area_to": pair[1], "has_exit_reader": True}
        for way, pair in (("in", ("square", "away")), ("out", ("away", "square")))
    ]
    rows = walk("B1", "08:00 hall-in", "09:00 hall-out", "10:00 away-in", "11:00 away-out", "12:00 hall-in", "13:00 hall-out")
    assert set(said(*rows, doors=DOORS + away).values()) == {"pass"}
    both = walk("B1", "08:00 hall-in", "10:00 away-in", "11:00 away-out", "13:00 hall-out")
    assert said(*both, doors=DOORS + away)["hall"] == "pass"  # nothing says that the hall is no street
    zones = [{"area": "hall", "level": "internal"}, {"area": "street", "level": "public"}]
    assert said(*both, doors=DOORS + away, zones=zones)["hall"] == "fail"
    assert said(*rows, doors=DOORS + away, zones=zones)["street"] == "not_applicable"
