"""A simulated year: nothing is found where nothing was done, and all of what was planted, by its own check and on its own subject."""

from __future__ import annotations

from functools import cache

import pytest

from tests.badge_world import World, live
from tests.planted_badges import CHECKS, judge

SEED = 20
SELDOM = {"physical-access.silent-door"}  # readers of rooms are used less than once a day


@cache
def answers(planted: bool) -> tuple[World, dict[str, dict[str, dict[str, str]]]]:
    world = live(SEED, planted=planted)
    return world, judge(world)


@pytest.mark.parametrize("name", CHECKS)
def test_nothing_is_found_where_nothing_was_done(name: str) -> None:
    found = answers(False)[1][name]
    assert found.get("fail", {}) == {}
    assert found["pass"]
    assert name in SELDOM or "unknown" not in found, found["unknown"]


@pytest.mark.parametrize("name", CHECKS)
def test_what_was_planted_is_found_and_nothing_else(name: str) -> None:
    world, said = answers(True)
    failing = said[name].get("fail", {})
    assert set(failing) == world.planted.get(name, set()), failing


def test_each_check_has_something_planted() -> None:
    assert set(answers(True)[0].planted) == set(CHECKS)
