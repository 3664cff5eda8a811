"""A simulated year: nothing is found where nothing was done, and all of what was planted, by its own check and on its own subject."""

from __future__ import annotations

from functools import cache

import pytest

from sovaudit.authoring import Check
from sovaudit.cli.docs import builtin
from sovaudit.facts.badges import BadgeLog
from sovaudit.facts.host import Host
from sovaudit.testing import badges_with, host_with, run
from tests.badge_hall import staff
from tests.badge_world import TAKEN, World, live

CHECKS = {name: check for name, check in builtin().items() if name.startswith("physical-access.")}
SEED = 20
# readers of rooms are used less than once a day
UNKNOWN = {"physical-access.silent-door"}


@cache
def world(planted: bool) -> tuple[World, BadgeLog]:
    made = live(SEED, planted=planted)
    codes = {"1": "DOOR_FORCED_OPEN"}
    return made, badges_with(made.rows, taken_at=TAKEN, zone="Africa/Casablanca", events=codes, **made.tables)


def console(made: World) -> Host:
    rows = ["since 1700000000", *(f"{at} {terminal} {account}" for at, terminal, account in made.logins)]
    return host_with(artifacts={"console-logins": "".join(f"{row}\n" for row in rows)})


def answers(name: str, planted: bool) -> dict[str, dict[str, str]]:
    """Verdict → subject → what was said."""
    made, log = world(planted)
    check: Check = CHECKS[name]
    facts: list[object] = [log]
    facts += [(console(made),)] if "console" in name else []
    facts += [staff(*made.staff)] if len(check.needs) > len(facts) else []
    found: dict[str, dict[str, str]] = {}
    for outcome in run(check, *facts):
        said = outcome.text.format(**outcome.args) + " ".join(line.text for line in outcome.because[:3])
        found.setdefault(outcome.verdict.value, {})[outcome.subject] = said
    return found


@pytest.mark.parametrize("name", CHECKS)
def test_nothing_is_found_where_nothing_was_done(name: str) -> None:
    found = answers(name, planted=False)
    assert found.get("fail", {}) == {}
    assert found["pass"]
    assert name in UNKNOWN or "unknown" not in found, found["unknown"]


@pytest.mark.parametrize("name", CHECKS)
def test_what_was_planted_is_found_and_nothing_else(name: str) -> None:
    made, _ = world(True)
    found = answers(name, planted=True).get("fail", {})
    assert set(found) == made.planted.get(name, set()), found


def test_each_check_has_something_planted() -> None:
    made, _ = world(True)
    assert set(made.planted) == set(CHECKS) - {"physical-access.retention"}
