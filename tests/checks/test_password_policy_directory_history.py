"""The password policy that really applies to each account of the directory refuses old passwords."""

from __future__ import annotations

from dataclasses import replace

from sovaudit.content.checks.password_policy.directory_history import directory_history

from sovaudit.testing import run, verdicts
from tests.directory_views import GOOD, HIDDEN, given, under


def verdict(policy: object, **knobs: object) -> dict[str, str]:
    return verdicts(run(directory_history, given(policies=under(policy)), **knobs))  # type: ignore[arg-type]


def test_both_sides_of_the_history() -> None:
    assert verdict(replace(GOOD, history=4)) == {"cn=policy": "fail"}
    assert verdict(replace(GOOD, history=5)) == {"cn=policy": "pass"}
    assert verdict(replace(GOOD, history=0)) == {"cn=policy": "fail"}


def test_what_is_hidden_is_unknown() -> None:
    assert verdict(HIDDEN) == {"unseen": "unknown"}
    assert verdict(replace(GOOD, history=HIDDEN)) == {"cn=policy": "unknown"}


def test_a_search_that_was_cut_leaves_doubt() -> None:
    found = verdicts(run(directory_history, given(policies=under(GOOD), results={"accounts": 4})))
    assert found == {"cn=policy": "pass", "": "unknown"}


def test_nobody_to_ask() -> None:
    assert verdicts(run(directory_history, given())) == {"": "not_applicable"}
