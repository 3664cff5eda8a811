"""physical-access.zones: no door leads from a public to a restricted zone."""

from __future__ import annotations

from typing import Any

import pytest
from sovaudit.content.checks.physical_access.zones import zones

from sovaudit.testing import badges_with, run, verdicts

LEVELS = {"street": "Public", "hall": "publique", "office": "interne", "room": "Restreinte ", "cage": "critical", "odd": "blue"}
ZONES = [{"area": area, "level": level} for area, level in LEVELS.items()]
EVENT = {"event_time": "2026-03-02 08:00", "access_point": "D1"}


def door(before: str | None, behind: str | None, reader: str = "R1", name: str | None = None, level: str | None = None) -> dict[str, Any]:
    return {"access_point": reader, "door": name, "area_from": before, "area_to": behind, "level": level}


def said(*doors: dict[str, Any], **more: Any) -> dict[str, str]:
    return verdicts(run(zones, badges_with([EVENT], doors=doors, **{"zones": ZONES, **more})))


@pytest.mark.parametrize(
    ("before", "behind", "verdict"),
    [
        ("street", "room", "fail"),
        ("room", "street", "fail"),
        ("hall", "cage", "fail"),
        ("street", "hall", "pass"),
        ("hall", "office", "pass"),
        ("office", "room", "pass"),
        ("room", "cage", "pass"),
        ("street", "odd", "unknown"),
        ("street", "nowhere", "unknown"),
        (None, "room", "unknown"),
        ("street", None, "unknown"),
    ],
)
def test_what_a_door_joins(before: str | None, behind: str | None, verdict: str) -> None:
    assert said(door(before, behind)) == {"R1": verdict}


def test_all_readers_of_a_door_count() -> None:
    assert said(door("office", "room", "R1", "A"), door("street", "room", "R2", "A"), door("office", "room", "R3", "B")) == {
        "A": "fail",
        "B": "pass",
    }


def test_levels_may_stand_in_the_table_of_doors() -> None:
    readers = (door("street", "room", "in", level="restricted"), door("room", "street", "out", level="public"))
    plain = badges_with([EVENT], doors=readers)
    assert verdicts(run(zones, plain)) == {"in": "fail", "out": "fail"}
    assert verdicts(run(zones, badges_with([EVENT], doors=readers[:1]))) == {"in": "unknown"}
    assert said(*readers, zones=[{"area": "room", "min_persons": 2}]) == {"in": "fail", "out": "fail"}


def test_two_levels_for_one_area_are_none() -> None:
    assert said(door("street", "room"), zones=[*ZONES, {"area": "room", "level": "public"}]) == {"R1": "unknown"}


def test_without_doors_nothing_is_said() -> None:
    assert verdicts(run(zones, badges_with([EVENT]))) == {"": "unknown"}
    assert said() == {"": "unknown"}
    assert said(door("street", "room"), broken={"doors": 1}) == {"": "unknown"}


def test_the_words_are_the_sites_own() -> None:
    log = badges_with([EVENT], doors=[door("0", "3")], zones=[{"area": "0", "level": "N0"}, {"area": "3", "level": "n3"}])
    assert verdicts(run(zones, log)) == {"R1": "unknown"}
    assert verdicts(run(zones, log, public=("n0",), restricted=("N3",))) == {"R1": "fail"}
    assert verdicts(run(zones, log, public=("n0",), internal=("n3",))) == {"R1": "pass"}
