"""physical-access.impossible-travel: no badge is at two sites sooner than anybody can travel between them."""

from __future__ import annotations

from typing import Any

from sovaudit.content.checks.physical_access.impossible_travel import impossible_travel

from sovaudit.testing import badges_with, run, verdicts
from tests.badge_hall import go

TRAVEL = [{"site_a": "north", "site_b": "south", "minutes": 30}]


def at(time: str, site: str | None, who: str = "B1", **more: Any) -> dict[str, Any]:
    return go(time, f"D-{site}", who, site=site, **more)


def said(*rows: dict[str, Any], **more: Any) -> dict[str, str]:
    return verdicts(run(impossible_travel, badges_with(rows, **{"travel": TRAVEL, **more})))


def test_the_edge_either_way() -> None:
    assert said(at("08:00", "north"), at("08:30", "south")) == {"north - south": "pass", "": "pass"}
    assert said(at("08:00", "north"), at("08:29:59.999", "south")) == {"north - south": "fail", "": "pass"}
    assert said(at("08:00", "south"), at("08:29:59.999", "north")) == {"north - south": "fail", "": "pass"}


def test_each_way_may_have_its_own_time() -> None:
    both = [*TRAVEL, {"site_a": "south", "site_b": "north", "minutes": 10}]
    assert said(at("08:00", "south"), at("08:10", "north"), travel=both) == {"north - south": "pass", "": "pass"}
    assert said(at("08:00", "north"), at("08:10", "south"), travel=both) == {"north - south": "fail", "": "pass"}


def test_two_badges_do_not_travel() -> None:
    assert said(at("08:00", "north"), at("08:01", "south", "B2")) == {"": "pass"}


def test_a_refused_badge_was_there_too() -> None:
    assert said(at("08:00", "north"), at("08:01", "south", event="DENIED_NO_RIGHTS")) == {"north - south": "fail", "": "pass"}
    assert said(at("08:00", "north"), at("08:01", "south", event="DOOR_OPENED")) == {"": "not_applicable"}


def test_a_pair_without_minutes() -> None:
    rows = [at("08:00", "north"), at("08:01", "east")]
    assert said(*rows) == {"east - north": "unknown", "": "pass"}
    assert said(*rows, travel=[{"site_a": "north", "site_b": "east", "minutes": None}]) == {"east - north": "unknown", "": "pass"}


def test_one_site_does_not_raise_the_question() -> None:
    assert said(at("08:00", "north"), at("08:01", "north")) == {"": "not_applicable"}
    assert said(at("08:00", "north"), at("08:01", None)) == {"": "unknown"}
    assert said(at("08:00", "north"), refused={"time": 1}) == {"": "unknown"}


def test_sites_may_stand_in_the_table_of_doors() -> None:
    doors = [{"access_point": name, "site": name} for name in ("north", "south")]
    assert said(go("08:00", "north"), go("08:01", "south"), doors=doors) == {"north - south": "fail", "": "pass"}


def test_what_is_missing() -> None:
    assert said(go("08:00", "D1")) == {"": "unknown"}
    assert verdicts(run(impossible_travel, badges_with([at("08:00", "north"), at("09:00", "south")]))) == {"": "unknown"}
    assert said({"event_time": "2026-03-02 08:00", "site": "north"}) == {"": "unknown"}


def test_what_was_not_understood() -> None:
    rows = [at("08:00", "north"), at("08:01", "south")]
    assert said(*rows, refused={"time": 1}) == {"north - south": "fail", "": "unknown"}
    assert said(rows[0], {**rows[1], "time_note": "repeated"}) == {"north - south": "unknown", "": "pass"}


def test_the_way_is_named() -> None:
    (outcome, _) = run(impossible_travel, badges_with([at("08:01", "south"), at("08:00", "north")], travel=TRAVEL))
    assert outcome.because[0].text == "B1 at north 2026-03-02 08:00:00Z, at south 2026-03-02 08:01:00Z; the way takes 30 minutes"
    assert outcome.because[0].number == 1
