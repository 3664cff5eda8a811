"""The gate decides from what stands in a report, and a waiver waives no more than it says."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sovaudit import gates
from sovaudit.authoring import Check, Host
from sovaudit.errors import UsageError
from sovaudit.model.finding import Finding, Message
from sovaudit.model.report import Passed, TargetNote
from sovaudit.model.verdict import Severity, TargetStatus, Verdict
from sovaudit.model.waiver import Waiver

ON = date(2026, 6, 1)
CHECKS = {name: Check(name, Severity.HIGH, "0.1", lambda host: iter(()), "P.", (Host,), {}, {}, __name__) for name in ("a.one", "a.two")}


def finding(verdict: str = "fail", severity: str = "high", **more: Any) -> Finding:
    base: dict[str, Any] = {"check": "a.one", "params": {}, "family": "a", "target": "t1", "subject": "root", "message": Message(text="x")}
    return Finding(**{**base, **more}, verdict=Verdict(verdict), severity=Severity(severity))


def held(check: str = "a.two", target: str = "t1", **params: Any) -> Passed:
    return Passed(check=check, params=params, target=target, subjects=["root", "adm"])


def target(name: str = "t1", status: str = "collected") -> TargetNote:
    return TargetNote(
        id=name, uri=name, kind="ssh", identity={}, status=TargetStatus(status), taken_at=None, clock_skew_ms=None, gaps=[], cost={}
    )


def decide(
    findings: list[Finding], passed: list[Passed], *targets: TargetNote, fail_on: str = "high", max_unknown: int = 0
) -> tuple[int, str]:
    gate = gates.decide(findings, passed, targets or [target()], fail_on=Severity(fail_on), max_unknown=max_unknown)
    return gate.code, gate.name


# the gate


@pytest.mark.parametrize(
    ("findings", "fail_on", "max_unknown", "code"),
    [
        ([], "high", 0, 0),
        ([finding()], "high", 0, 1),
        ([finding(severity="critical")], "high", 0, 1),
        ([finding(severity="medium")], "high", 0, 0),
        ([finding(severity="medium")], "medium", 0, 1),
        ([finding(severity="low")], "low", 0, 1),
        ([finding(waiver="accepted")], "high", 0, 0),
        ([finding(waiver="accepted"), finding(subject="adm")], "high", 0, 1),
        ([finding("unknown")], "high", 0, 3),
        ([finding("unknown")], "high", 1, 0),
        ([finding("unknown"), finding("unknown", subject="adm")], "high", 1, 0),  # one question, asked once
        ([finding("unknown"), finding("unknown", target="t2")], "high", 1, 3),
        ([finding("unknown"), finding("unknown", params={"n": 1})], "high", 1, 3),
        ([finding("error")], "high", 0, 3),
        ([finding("error", severity="low")], "high", 0, 3),  # what was not judged has no severity
        ([finding("not_applicable")], "high", 0, 0),
        ([finding(), finding("unknown")], "high", 0, 1),
        ([finding(severity="medium"), finding("unknown")], "high", 0, 3),
    ],
)
def test_codes(findings: list[Finding], fail_on: str, max_unknown: int, code: int) -> None:
    found, name = decide(findings, [held()], fail_on=fail_on, max_unknown=max_unknown)
    assert found == code
    assert name == {0: "ok", 1: "findings", 3: "incomplete"}[code]


def test_nothing_judged_is_not_ok() -> None:
    assert decide([], []) == (5, "nothing")
    assert decide([], [], max_unknown=100) == (5, "nothing")


def test_a_target_that_was_not_collected_is_incomplete_even_in_silence() -> None:
    both = (target(), target("t2", "unreachable"))
    assert decide([], [held()], *both) == (3, "incomplete")
    assert decide([], [held()], *both, max_unknown=1) == (0, "ok")
    assert decide([finding("unknown", target="t2")], [held()], *both, max_unknown=1) == (0, "ok")  # counted once
    assert decide([], [held()], target("t1", "partial")) == (0, "ok")


def test_every_reason_is_given() -> None:
    gate = gates.decide(
        [finding(), finding("unknown", target="t2")], [], [target(), target("t2", "refused")], fail_on=Severity.HIGH, max_unknown=0
    )
    assert gate.reasons == ["failing at or above high: 1", "not judged: 1, more than 0", "targets not collected: 1"]
    with pytest.raises(UsageError):
        gates.decide([], [], [], fail_on=Severity.HIGH, max_unknown=-1)


def test_the_last_line_has_one_shape() -> None:
    findings = [
        finding(),
        finding(subject="adm", severity="critical"),
        finding(target="t2"),
        finding(target="t3", severity="medium"),
        finding("unknown", target="t4"),
    ]
    passed = [held()]
    gate = gates.decide(findings, passed, [target()], fail_on=Severity.HIGH, max_unknown=0)
    summary = gates.summarise(findings, passed, [target()], [])
    expected = "policy: 3 failing (2 high) · completeness: 4/5 judged, 1 unknown · gate: findings (exit 1)"
    assert gates.policy_line(summary, gate) == expected
    assert summary.failing_by_severity == {"low": 0, "medium": 1, "high": 1, "critical": 1}
    assert (summary.outcomes.passed, summary.outcomes.fail, summary.outcomes.unknown) == (2, 4, 1)


def test_waived_failures_are_counted_and_not_failing() -> None:
    summary = gates.summarise([finding(waiver="accepted")], [], [target()], [])
    assert (summary.failing, summary.outcomes.fail, summary.outcomes.waived, summary.judged) == (0, 1, 1, 1)


# waivers

GOOD = (
    '[[waivers]]\ncheck = "a.one"\ntarget = "t1"\nsubject = "root"\nuntil = 2026-06-01\n'
    'reason = "being replaced"\nowner = "A. Owner"\napproved_by = "B. Head"\n'
)


def waiver(**more: Any) -> Waiver:
    base = {"check": "a.one", "target": "t1", "subject": "root", "until": "2026-06-01", "reason": "r", "owner": "A", "approved_by": "B"}
    return Waiver.model_validate({**base, **more})


@pytest.mark.parametrize(
    ("more", "state"),
    [
        ({}, "applied"),  # its last day
        ({"until": "2026-05-31"}, "expired"),
        ({"subject": "*"}, "applied"),
        ({"target": "*", "subject": "*"}, "applied"),
        ({"subject": "r*"}, "unmatched"),
        ({"subject": "Root"}, "unmatched"),
        ({"subject": ""}, "unmatched"),
        ({"target": "t2"}, "unmatched"),
        ({"check": "a.two"}, "unmatched"),
        ({"approved_by": "A"}, "self_approved"),
        ({"owner": "Aïcha  Alami", "approved_by": " aïcha alami"}, "self_approved"),
        ({"owner": "Aïcha", "approved_by": "AI\u0308CHA"}, "self_approved"),
        ({"until": "2026-05-31", "approved_by": "A"}, "self_approved"),
    ],
)
def test_what_becomes_of_a_waiver(more: dict[str, str], state: str) -> None:
    (marked,), (note,) = gates.apply_waivers([finding()], [waiver(**more)], ON)
    assert note.state == state
    assert marked.waiver == ("r" if state == "applied" else None)


@pytest.mark.parametrize("verdict", ["unknown", "error", "not_applicable"])
def test_only_failures_are_waived(verdict: str) -> None:
    (marked,), (note,) = gates.apply_waivers([finding(verdict)], [waiver()], ON)
    assert marked.waiver is None
    assert note.state == "unmatched"


def test_waivers_that_a_report_claims_are_decided_anew() -> None:
    (marked,), _ = gates.apply_waivers([finding(waiver="forged")], [waiver(until="2026-01-01")], ON)
    assert marked.waiver is None


def load(tmp_path: Path, text: str) -> tuple[Waiver, ...]:
    path = tmp_path / "waivers.toml"
    path.write_text(text, "utf-8")
    return gates.load_waivers(path, CHECKS)


def test_a_waivers_file_is_read(tmp_path: Path) -> None:
    (found,) = load(tmp_path, GOOD)
    assert (found.until, found.owner) == ("2026-06-01", "A. Owner")
    assert load(tmp_path, "") == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("a.one", "a.onn"), r"unknown check a\.onn \(waivers\[1\]\)\. Did you mean a\.one"),
        (("reason", "raison"), r"unknown key waivers\[1\]\.raison \(and 1 more\)\. Did you mean reason"),
        (('reason = "being replaced"', 'reason = "  "'), "reason"),
        (('approved_by = "B. Head"\n', ""), r"lacks waivers\[1\]\.approved_by"),
        (("2026-06-01", '"2026-13-01"'), "until is a date"),
        (("2026-06-01", '"tomorrow"'), "until is a date"),
        (("2026-06-01", "20260601"), "until is a date"),
        (("2026-06-01", "2026-06-01T00:00:00Z"), "until is a date"),
        (('target = "t1"', "target = 1"), r"waivers\[1\]\.target"),
        (("[[waivers]]", "[[waiver]]"), "unknown key waiver"),
        (("[[waivers]]", "[[waivers"), "not TOML"),
    ],
)
def test_a_waivers_file_that_does_not_hold(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        load(tmp_path, GOOD.replace(*change))
    assert "waivers.toml" in str(caught.value)


def test_the_same_waiver_twice_and_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="are the same"):
        load(tmp_path, GOOD + GOOD)
    with pytest.raises(UsageError, match="is not there"):
        gates.load_waivers(tmp_path / "none.toml", CHECKS)
