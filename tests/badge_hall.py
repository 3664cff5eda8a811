"""A small site for tests of movements: street, hall, room and cage, one inside the other; each door read on both sides."""

from __future__ import annotations

import itertools
from typing import Any

from sovaudit.facts.roster import Roster
from sovaudit.testing import roster_with

NEST = ("street", "hall", "room", "cage")
DOORS = [
    {"access_point": f"{behind}-{way}", "door": behind, "site": "north", "area_from": pair[0], "area_to": pair[1], "has_exit_reader": True}
    for before, behind in itertools.pairwise(NEST)
    for way, pair in (("in", (before, behind)), ("out", (behind, before)))
]


def go(at: str, reader: str, who: str = "B1", **more: Any) -> dict[str, Any]:
    """A grant at a reader, such as `hall-in`, on 2026-03-02."""
    return {"event_time": f"2026-03-02 {at}", "access_point": reader, "credential": who, "source": "C1", **more}


def staff(*rows: dict[str, Any]) -> Roster:
    """A roster under the names that `badges_with` has."""
    return roster_with(*rows, identify=True)


def walk(who: str, *steps: str) -> list[dict[str, Any]]:
    """`walk("B1", "08:00 hall-in", "09:00 hall-out")`."""
    return [go(*step.split(" "), who) for step in steps]
