"""What holds of many targets stands once in report.json, and is one row for each target again when the report is read."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from sovaudit import canon, history
from sovaudit.audit import Audit, load_report
from sovaudit.bundle import Bundle, BundleWriter
from sovaudit.errors import IntegrityError
from sovaudit.model.finding import Finding
from sovaudit.model.folding import MIN_TARGETS
from sovaudit.model.report import Passed, Report
from sovaudit.model.verdict import Verdict
from sovaudit.verification import _follows
from tests import report_samples as samples

FAILS = "password-policy.min-length"
HOLDS = "least-privilege.uid0"


def names(count: int) -> list[str]:
    return [f"ssh://a@h{number:03}" for number in range(count)]


def one(target: str, subject: str = "passwd", **args: int) -> Finding:
    return samples.finding(FAILS, target, subject, Verdict.FAIL, "{n} characters", args={"n": 4, **args})


def held(target: str, *subjects: str) -> Passed:
    return Passed(check=HOLDS, params={}, target=target, subjects=sorted(subjects))


def report(findings: list[Finding], passed: list[Passed], count: int) -> Report:
    return samples.report([samples.target(name) for name in names(count)], findings, passed)


def back(found: Report) -> Report:
    return load_report(canon.canonical(found.document()))


@pytest.mark.parametrize("count", [1, MIN_TARGETS - 1, MIN_TARGETS, 40])
def test_ten_like_rows_become_one(count: int) -> None:
    found = report([one(name) for name in names(count)], [held(name, "root") for name in names(count)], count)
    document = found.document()
    rows = 1 if count >= MIN_TARGETS else count
    for member in ("findings", "passed"):
        assert len(document[member]) == rows
        assert document[member][0]["target"] == names(1)[0]
        assert document[member][0].get("also", []) == (list(range(1, count)) if rows == 1 and count > 1 else [])
    assert back(found) == found
    assert back(found).document() == document


def test_what_differs_in_anything_stands_apart() -> None:
    every = names(MIN_TARGETS + 2)
    findings = [one(name) for name in every]
    findings[3] = one(every[3], n=5)
    findings[4] = findings[4].model_copy(update={"waiver": "until spring"})
    document = report(sorted(findings, key=lambda row: row.target), [], len(every)).document()
    assert [row["target"] for row in document["findings"]] == [every[0], every[3], every[4]]
    assert document["findings"][0]["also"] == [1, 2, *range(5, len(every))]


def test_a_number_is_not_its_spelling() -> None:
    every = names(2 * MIN_TARGETS)
    findings = [one(name) for name in every[::2]] + [
        samples.finding(FAILS, name, "passwd", Verdict.FAIL, "{n} characters", args={"n": "4"}) for name in every[1::2]
    ]
    found = report(findings, [], len(every))
    assert len(found.document()["findings"]) == 2
    assert {type(row.message.args["n"]) for row in back(found).findings} == {int, str}


def test_subjects_that_held_on_the_same_targets_stand_together() -> None:
    every = names(MIN_TARGETS + 5)
    passed = [
        held(name, "root", "daemon", f"user{number}", *(["web"] if number < MIN_TARGETS else [])) for number, name in enumerate(every)
    ]
    found = report([], passed, len(every))
    rows = found.document()["passed"]
    shared = {tuple(row["subjects"]): row["also"] for row in rows if "also" in row}
    assert shared == {("daemon", "root"): list(range(1, len(every))), ("web",): list(range(1, MIN_TARGETS))}
    assert sorted(row["subjects"] for row in rows if "also" not in row) == sorted([f"user{number}"] for number in range(len(every)))
    assert back(found) == found


def test_what_concerns_all_targets_stays_alone() -> None:
    findings = [one("*", f"key {number}") for number in range(30)]
    assert all("also" not in row for row in report(findings, [], 30).document()["findings"])


def test_any_rows_come_back() -> None:
    chance = random.Random(7)
    for _ in range(30):
        every = names(chance.randint(1, 40))
        findings = [one(name, chance.choice("abc"), n=chance.randint(1, 2)) for name in every for _ in range(chance.randint(0, 4))]
        passed = [held(name, *chance.sample("abcdef", chance.randint(1, 6))) for name in every if chance.random() < 0.9]
        found = report(findings, passed, len(every))
        again = back(found)
        if any("also" in row for row in found.document()["findings"]):
            assert sorted(map(repr, again.findings)) == sorted(map(repr, found.findings))
        assert again.passed == found.passed
        assert canon.canonical(back(again).document()) == canon.canonical(again.document())


def spoil(change: Callable[[dict[str, Any]], None]) -> bytes:
    every = names(MIN_TARGETS)
    document = report([one(name) for name in every], [held(name, "root") for name in every], len(every)).document()
    change(document)
    return canon.canonical(document)


@pytest.mark.parametrize("member", ["findings", "passed"])
@pytest.mark.parametrize("places", [[1, 1], [2, 1], [-1], [MIN_TARGETS], [0, 1], ["1"], [True]])
def test_a_wrong_place_is_refused(member: str, places: list[Any]) -> None:
    with pytest.raises(IntegrityError, match="not a sovaudit report"):
        load_report(spoil(lambda document: document[member][0].update(also=places)))


def test_a_forged_report_does_not_fill_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sovaudit.model.folding.MAX_ROWS", 25)

    def many(document: dict[str, Any]) -> None:
        document["findings"] *= 3

    with pytest.raises(IntegrityError, match="rows"):
        load_report(spoil(many))


def test_a_fleet_is_recomputed_to_the_same_report(tmp_path: Any) -> None:
    from sovaudit.testing import host_with
    from tests.roots import FILES

    evidence = host_with({f"/{path}": text for path, text in FILES.items()}).evidence
    path = tmp_path / "fleet.sova"
    with BundleWriter(path) as writer:
        for number, name in enumerate(names(MIN_TARGETS + 3)):
            artifacts = dict(evidence.artifacts)
            if number == 4:
                artifacts["file:/etc/passwd"] += b"eve:x:0:0::/root:/bin/sh\n"
            target = type(evidence.target)(name, name, "ssh")
            writer.add(
                type(evidence)(target, evidence.status, evidence.taken_at, artifacts, evidence.gaps, evidence.identity, evidence.collector)
            )
        writer.finish()
    audit = Audit(select=("least-privilege.uid0", "password-policy.max-age", "password-policy.hash"))
    with Bundle(path) as bundle:
        made = audit.judge(bundle)
        data = canon.canonical(made.document())
        assert any("also" in row for row in json.loads(data)["passed"])
        read = load_report(data)
        assert (read.findings, read.passed) == (made.findings, made.passed)
        fresh = history.replay(bundle, read, audit.checks)
    assert canon.canonical(fresh.document()) == data
    assert history.changes(read, fresh) == ()
    assert _follows(read).ok
    assert {row.subject for row in made.findings if row.check == "least-privilege.uid0"} == {"eve"}
