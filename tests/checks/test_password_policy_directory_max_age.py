"""Under the password policy that really applies to each account of the directory, passwords expire."""

from __future__ import annotations

from dataclasses import replace

from sovaudit.content.checks.password_policy.directory_max_age import directory_max_age

from sovaudit.testing import run, verdicts
from tests.directory_views import GOOD, HIDDEN, given, under


def verdict(policy: object, **knobs: object) -> dict[str, str]:
    return verdicts(run(directory_max_age, given(policies=under(policy)), **knobs))  # type: ignore[arg-type]


def test_both_sides_of_the_age() -> None:
    assert verdict(replace(GOOD, max_age_days=365)) == {"cn=policy": "pass"}
    assert verdict(replace(GOOD, max_age_days=366)) == {"cn=policy": "fail"}
    assert verdict(replace(GOOD, max_age_days=None)) == {"cn=policy": "fail"}


def test_where_forced_expiry_is_forbidden_only_never_passes() -> None:
    assert verdict(replace(GOOD, max_age_days=None), max_days=None) == {"cn=policy": "pass"}
    assert verdict(GOOD, max_days=None) == {"cn=policy": "fail"}


def test_what_is_hidden_is_unknown() -> None:
    assert verdict(HIDDEN) == {"unseen": "unknown"}
    assert verdict(replace(GOOD, max_age_days=HIDDEN)) == {"cn=policy": "unknown"}


def test_a_search_that_was_cut_leaves_doubt() -> None:
    found = verdicts(run(directory_max_age, given(policies=under(GOOD), results={"accounts": 4})))
    assert found == {"cn=policy": "pass", "": "unknown"}


def test_nobody_to_ask() -> None:
    assert verdicts(run(directory_max_age, given())) == {"": "not_applicable"}
