"""Properties over every check of physical access: losing evidence never improves an answer, judging again gives the same, no log makes one raise."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest

from sovaudit.authoring import BadgeLog, Check
from sovaudit.cli.docs import builtin
from sovaudit.engine import judge
from sovaudit.facts.badge_events import CODES
from sovaudit.model.evidence import Evidence
from sovaudit.model.verdict import Severity
from sovaudit.testing import badge_evidence, list_evidence
from tests.badge_dice import case
from tests.test_properties import improved

DOORS = [
    {
        "access_point": "D1",
        "door": "main",
        "site": "S1",
        "area_from": "street",
        "area_to": "hall",
        "level": "internal",
        "has_exit_reader": True,
    },
    {
        "access_point": "D2",
        "door": "room",
        "site": "S1",
        "area_from": "hall",
        "area_to": "room",
        "level": "restricted",
        "has_exit_reader": True,
    },
    {
        "access_point": "D3",
        "door": "other",
        "site": "S2",
        "area_from": "street",
        "area_to": "yard",
        "level": "public",
        "has_exit_reader": False,
    },
]
TABLES: dict[str, list[dict[str, Any]]] = {
    "doors": DOORS,
    "zones": [
        {"area": "street", "site": "S1", "level": "public"},
        {"area": "hall", "site": "S1", "level": "internal"},
        {"area": "room", "site": "S1", "level": "restricted", "min_persons": 2},
        {"area": "yard", "site": "S2", "level": "public"},
    ],
    "controllers": [{"source": "C1", "site": "S1", "last_sequence": 999, "read_at": "2026-06-01 00:00"}],
    "credentials": [
        {"credential": "B1", "subject": "u1", "kind": "staff", "valid_from": "2020-01-01", "valid_to": "2026-03-01", "status": "active"},
        {"credential": "B2", "subject": "u2", "kind": "visitor", "valid_from": "2026-01-01", "valid_to": "2027-01-01", "status": "active"},
        {"credential": "B3", "subject": "u2", "kind": "contractor", "status": "lost"},
    ],
    "rights": [{"subject": "staff", "area": "hall", "schedule": "days"}, {"subject": "u1", "access_point": "D2"}],
    "members": [{"member_of": "staff", "subject": "u1"}],
    "schedules": [{"schedule": "days", "days": "1-5", "time_from": "07:00", "time_to": "19:00"}],
    "visits": [{"visitor": "u2", "host": "u1", "credential": "B2", "time_in": "2026-03-02 08:00", "time_out": None}],
    "travel": [{"site_a": "S1", "site_b": "S2", "minutes": 30}],
    "holidays": [{"day": "2026-03-03", "site": "S1"}],
    "acknowledgements": [
        {"access_point": "D1", "event_time": "2026-03-02 09:00", "acknowledged_at": "2026-03-02 09:05", "by": "u1", "reason": "tested"}
    ],
    "hosts": [{"host": "srv1", "area": "room"}],
    "video": [{"camera": "K1", "oldest": "2026-01-01", "newest": "2026-06-01"}],
    "recordings": [
        {"camera": "K2", "start": "2026-05-01", "end": "2026-05-20"},
        {"camera": "K2", "start": "2026-05-21", "end": "2026-06-01"},
    ],
}


def rows(seed: int, count: int) -> list[dict[str, Any]]:
    """Events of any kind, in any order, with anything missing."""
    dice = random.Random(seed)
    pick = dice.choice
    found = []
    for number in range(count):
        at = 1772438400000 + number * 60_000 + dice.randrange(-90_000, 90_000)
        event = pick(["GRANTED"] * 8 + sorted(CODES))
        found.append(
            {
                "event_time": at,
                "received_time": pick([None, at + dice.randrange(-200_000, 9_000)]),
                "time_note": pick([None] * 9 + ["repeated"]),
                "source": pick(["C1", "C1", "C2", None]),
                "sequence": pick([number, number, number // 2, None]),
                "site": pick(["S1", "S2", None]),
                "area_from": pick(["hall", None, None]),
                "area_to": pick(["room", None, None]),
                "access_point": pick(["D1", "D2", "D3", "D9", None]),
                "direction": pick(["in", "out", None, "unmapped"]),
                "credential": pick(["B1", "B2", "B3", "B9", None]),
                "subject": pick(["u1", "u2", None]),
                "event": event,
                "event_native": event.lower(),
                "verify_mode": pick(["pin", "face", None]),
                "refused": pick([None] * 40 + ["time"]),
            }
        )
    return found


def plain(count: int) -> list[dict[str, Any]]:
    """A quiet log: one badge in and out of one door, numbered, for half a year."""
    return [
        {
            "event_time": 1762300800000 + number * 43_200_000, "received_time": 1762300800000 + number * 43_200_000 + 500, "source": "C1",
            "sequence": number, "site": "S1", "access_point": "D1", "direction": "in" if number % 2 == 0 else "out", "credential": "B2",
            "subject": "u2", "event": "GRANTED",
        }
        for number in range(count)
    ]  # fmt: skip


class Chosen:
    def __init__(self, check: Check) -> None:
        self.check = check
        self.params: Mapping[str, object] = dict(check.knobs)
        self.severity = Severity.HIGH


@cache
def checks() -> tuple[Check, ...]:
    return tuple(check for check in builtin().values() if any(need is BadgeLog for need in check.needs[:1]))


def answers(evidence: Evidence) -> dict[str, dict[str, set[str]]]:
    found: dict[str, dict[str, set[str]]] = {}
    for judgement in judge([Chosen(check) for check in checks()], [evidence]):
        said = found.setdefault(judgement.check, {})
        for subject in judgement.passed:
            said.setdefault(subject, set()).add("pass")
        for finding in judgement.findings:
            said.setdefault(finding.subject, set()).add(finding.verdict.value)
    return found


@cache
def logs() -> dict[str, Evidence]:
    return {
        "wild": badge_evidence(rows(1, 400), **TABLES),
        "quiet": badge_evidence(
            plain(360), **{name: table for name, table in TABLES.items() if name not in ("credentials", "controllers")}
        ),
        "alone": badge_evidence(rows(2, 200)),
    }


def damaged(evidence: Evidence) -> Iterator[tuple[str, Evidence]]:
    """Each artifact gone; the events cut, and changed in one place."""
    for name, data in evidence.artifacts.items():
        others = {other: held for other, held in evidence.artifacts.items() if other != name}
        yield f"without {name}", replace(evidence, artifacts=others)
        if "events" in name:
            middle = len(data) // 2
            yield f"{name} cut", replace(evidence, artifacts={**others, name: data[:-7]})
            yield (
                f"{name} changed",
                replace(evidence, artifacts={**others, name: data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]}),
            )


@pytest.mark.parametrize("which", ["wild", "quiet", "alone"])
def test_losing_evidence_never_improves_an_answer(which: str) -> None:
    evidence = logs()[which]
    before = answers(evidence)
    assert before
    wrong = [f"{what}: {bad}" for what, less in damaged(evidence) for bad in improved(before, answers(less))]
    assert wrong == []


@pytest.mark.parametrize("which", ["wild", "quiet", "alone"])
def test_judging_again_gives_the_same(which: str) -> None:
    evidence = logs()[which]
    assert list(judge([Chosen(check) for check in checks()], [evidence])) == list(judge([Chosen(check) for check in checks()], [evidence]))


@pytest.mark.parametrize("seed", range(3))
def test_checks_beside_each_other_answer_as_they_do_alone(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    given = case(seed)
    taken = datetime.fromtimestamp(given.taken / 1000, UTC)
    evidence = [badge_evidence(given.rows, taken_at=taken, **given.tables)]
    evidence += [list_evidence("people", given.people, identify=True, taken_at=taken)] if given.people else []
    physical = [Chosen(check) for check in builtin().values() if check.id.startswith("physical-access.")]
    found = []
    for at_once in (1, 2, 5):
        monkeypatch.setattr("sovaudit.answers.at_once", lambda at_once=at_once: at_once)
        found.append(sorted(judge(physical, evidence), key=lambda judgement: judgement.check))
    assert found[0] == found[1] == found[2]
    assert len(found[0]) > 12


@pytest.mark.parametrize("at_once", [1, 2])
@pytest.mark.parametrize("name", ["zone-rights", "escort"])
def test_a_check_with_other_parameters_answers_as_it_does_alone(name: str, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one answer was made of must not serve another that asks of other areas in the same words."""
    monkeypatch.setattr("sovaudit.answers.at_once", lambda: at_once)
    entries = [(f"2026-03-02 08:{minute:02}", f"D{minute % 2}", f"B{minute % 3}") for minute in range(12)]
    evidence = badge_evidence(
        [{"event_time": at, "credential": badge, "access_point": door, "subject": badge} for at, door, badge in entries],
        doors=[{"access_point": "D0", "area_to": "A0"}, {"access_point": "D1", "area_to": "A1"}],
        zones=[{"area": "A0", "level": "red"}, {"area": "A1", "level": "blue"}],
        rights=[{"subject": "B1", "area": "A0"}],
        credentials=[{"credential": "B0", "kind": "visitor"}],
        visits=[{"credential": "B0", "host": "B9", "time_in": "2026-03-02 08:00"}],
    )
    chosen = [Chosen(builtin()[f"physical-access.{name}"]) for _ in range(3)]
    for choice, one, other in zip(chosen, ("red", "blue", "red"), ("blue", "red", "none"), strict=True):
        choice.params = {**choice.params, "restricted": (one,), "other": (other,)}
    found = list(judge(chosen, [evidence]))
    assert found == [judgement for choice in chosen for judgement in judge([choice], [evidence])]
    assert len({str(judgement.findings) for judgement in found}) > 1


@pytest.mark.parametrize("seed", range(4))
def test_no_log_makes_a_check_raise(seed: int) -> None:
    dice = random.Random(seed)
    tables = {name: dice.sample(table, dice.randrange(len(table) + 1)) for name, table in TABLES.items() if dice.random() < 0.7}
    zone = dice.choice([None, "UTC", "Africa/Casablanca"])
    found = answers(badge_evidence(rows(seed, dice.choice([0, 1, 2, 30, 300])), zone=zone, **tables))
    errors = {check: said for check, said in found.items() if any("error" in verdicts for verdicts in said.values())}
    assert errors == {}


def test_no_evidence_at_all_passes_nothing() -> None:
    empty = replace(logs()["wild"], artifacts={})
    for check, said in answers(empty).items():
        assert all(verdicts == {"unknown"} for verdicts in said.values()), check


@pytest.mark.parametrize("which", ["quiet"])
def test_a_row_that_could_not_be_read_never_improves_an_answer(which: str) -> None:
    """A row refused for its time, or a code that nobody knows, may be anything."""
    evidence = logs()[which]
    before = answers(evidence)
    tables = {name: table for name, table in TABLES.items() if name not in ("credentials", "controllers")}
    for more in ({"refused": "time"}, {"event": "UNMAPPED", "event_native": "x"}):
        content = plain(360)
        content[100] = {**content[100], **more}
        assert improved(before, answers(badge_evidence(content, **tables))) == []
