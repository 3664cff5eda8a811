"""Under the password policy that really applies to each account of the directory, guessing is stopped."""

from __future__ import annotations

from dataclasses import replace

from sovaudit.content.checks.password_policy.directory_lockout import directory_lockout

from sovaudit.testing import run, verdicts
from tests.directory_views import GOOD, HIDDEN, given, under


def verdict(policy: object, **knobs: object) -> dict[str, str]:
    return verdicts(run(directory_lockout, given(policies=under(policy)), **knobs))  # type: ignore[arg-type]


def test_both_sides_of_the_tries_and_of_the_time() -> None:
    assert verdict(GOOD) == {"cn=policy": "pass"}
    assert verdict(replace(GOOD, attempts=6)) == {"cn=policy": "fail"}
    assert verdict(replace(GOOD, attempts=None)) == {"cn=policy": "fail"}
    assert verdict(replace(GOOD, unlock_seconds=899)) == {"cn=policy": "fail"}
    assert verdict(replace(GOOD, unlock_seconds=None)) == {"cn=policy": "pass"}


def test_a_failure_that_is_seen_needs_nothing_more() -> None:
    assert verdict(replace(GOOD, attempts=None, unlock_seconds=HIDDEN)) == {"cn=policy": "fail"}
    assert verdict(replace(GOOD, attempts=9, unlock_seconds=HIDDEN)) == {"cn=policy": "fail"}
    assert verdict(replace(GOOD, attempts=HIDDEN, unlock_seconds=60)) == {"cn=policy": "fail"}
    assert verdict(replace(GOOD, unlock_seconds=HIDDEN)) == {"cn=policy": "unknown"}


def test_what_is_hidden_is_unknown() -> None:
    assert verdict(HIDDEN) == {"unseen": "unknown"}
    assert verdict(replace(GOOD, attempts=HIDDEN)) == {"cn=policy": "unknown"}


def test_a_search_that_was_cut_leaves_doubt() -> None:
    found = verdicts(run(directory_lockout, given(policies=under(GOOD), results={"accounts": 4})))
    assert found == {"cn=policy": "pass", "": "unknown"}


def test_nobody_to_ask() -> None:
    assert verdicts(run(directory_lockout, given())) == {"": "not_applicable"}
