"""Checks of physical access beside their pages in plain Python, over random logs: the same verdict for each subject, and the same count."""

from __future__ import annotations

import inspect
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from sovaudit.cli.docs import builtin
from sovaudit.testing import badges_with, roster_with, run
from tests import badge_reference, badge_reference_people
from tests.badge_dice import Case, case

CHECKS = {**badge_reference.CHECKS, **badge_reference_people.CHECKS}
seen: Counter[tuple[str, str]] = Counter()


def wanted(name: str, log: badge_reference.Plain) -> badge_reference.Answers:
    try:
        return CHECKS[name](log)
    except LookupError:
        return {"": ("unknown", None)}


def answers(given: Case) -> dict[str, dict[str, tuple[str, Any]]]:
    taken = datetime.fromtimestamp(given.taken / 1000, UTC)
    log = badges_with(given.rows, taken_at=taken, **given.tables)
    people = roster_with(*given.people, identify=True, taken_at=taken) if given.people else None
    found = {}
    for name in CHECKS:
        check = builtin()[f"physical-access.{name}"]
        facts = (log, people) if "people" in inspect.signature(check.function).parameters else (log,)
        if people is not None or name != "leaver-badge":
            found[name] = {one.subject: (one.verdict.value, one.args.get("count")) for one in run(check, *facts)}
    return found


@pytest.mark.parametrize("seed", range(24))
def test_the_pages_in_plain_python(seed: int) -> None:
    given = case(seed)
    log = badge_reference.Plain(given)
    for name, found in answers(given).items():
        want = wanted(name, log)
        assert {subject: verdict for subject, (verdict, _) in found.items()} == {
            subject: verdict for subject, (verdict, _) in want.items()
        }, name
        counts = {subject: count for subject, (_, count) in want.items() if count is not None}
        assert {subject: found[subject][1] for subject in counts} == counts, name
        seen.update((name, verdict) for verdict, _ in want.values())


@pytest.mark.parametrize(
    ("where", "value"), [("sovaudit.tables.WORDS", 1), ("sovaudit.tables.FEW_WORDS", 0), ("sovaudit.facts.badge_moves.WIDTH", 8)]
)
def test_however_the_log_is_held(where: str, value: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Badges as text, looked up, and in numbers of sixteen bytes: the same answers."""
    for seed in range(8):
        before = answers(case(seed))
        with monkeypatch.context() as patched:
            patched.setattr(where, value)
            assert answers(case(seed)) == before


def test_every_check_was_seen_to_pass_and_to_fail() -> None:
    for seed in range(24) if not seen else ():  # this test alone
        log = badge_reference.Plain(case(seed))
        seen.update((name, verdict) for name in CHECKS for verdict, _ in wanted(name, log).values())
    assert [name for name in CHECKS if not (seen[name, "pass"] and seen[name, "fail"])] == []
