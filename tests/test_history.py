"""What changed between two reports, and why: one report of good things and bad, with one change."""

from __future__ import annotations

from pathlib import Path

import pytest

from sovaudit import canon
from sovaudit.cli.main import main
from sovaudit.history import changes
from sovaudit.model.finding import Finding
from sovaudit.model.report import Passed, Report, ThresholdNote
from sovaudit.model.verdict import Severity, TargetStatus, Verdict
from tests import report_samples as samples

A, B = "ssh://auditor@a", "ssh://auditor@b"
LENGTH, ROOT = "password-policy.min-length", "least-privilege.root-ssh"


def finding(check: str, target: str, subject: str, verdict: Verdict = Verdict.FAIL, **more: object) -> Finding:
    return samples.finding(check, target, subject, verdict, "as it is", **{"params": {"minimum": 12} if check == LENGTH else {}, **more})


def report(
    *findings: Finding, passed: tuple[Passed, ...] = (), minimum: int = 12, targets: tuple[str, ...] = (A, B), **more: object
) -> Report:
    """These answers, and root's own SSH judged on both targets; the evidence differs from that of every other report."""
    made = samples.report([samples.target(name) for name in targets], [*findings], [*passed])
    rows = [
        ThresholdNote(check=LENGTH, params={"minimum": minimum}, severity=Severity.HIGH, origin="default", source=""),
        ThresholdNote(check=ROOT, params={}, severity=Severity.HIGH, origin="default", source=""),
    ]
    profile = made.profile.model_copy(update={"parameters": rows})
    return made.model_copy(update={"profile": profile, **more})


def holds(check: str, target: str, *subjects: str, minimum: int = 12) -> Passed:
    return Passed(check=check, params={"minimum": minimum} if check == LENGTH else {}, target=target, subjects=[*subjects])


def other_evidence(made: Report) -> Report:
    return made.model_copy(update={"evidence": made.evidence.model_copy(update={"root": canon.digest(b"another day")})})


def other_checks(made: Report) -> Report:
    return made.model_copy(update={"tool": made.tool.model_copy(update={"checks_digest": canon.digest(b"other code")})})


def unreachable(made: Report) -> Report:
    lost = [samples.target(A, status=TargetStatus.UNREACHABLE, error="no route"), samples.target(B)]
    return made.model_copy(update={"targets": lost})


def told(before: Report, after: Report) -> list[str]:
    return [f"{row.subject}: {row.before} → {row.after} ({row.cause})" for row in changes(before, after)]


CAUSES: dict[str, tuple[Report, Report, list[str]]] = {
    "nothing": (report(finding(ROOT, A, "root")), other_evidence(report(finding(ROOT, A, "root"))), []),
    "the system": (
        report(finding(ROOT, A, "root")),
        other_evidence(report(passed=(holds(ROOT, A, "root"),))),
        ["root: fail → pass (evidence)"],
    ),
    "another reason": (
        report(finding(ROOT, A, "root", seen="yes")),
        other_evidence(report(finding(ROOT, A, "root", seen="prohibit-password"))),
        ["root: fail → fail (evidence, the same verdict)"],
    ),
    "the code": (report(finding(ROOT, A, "root")), other_checks(report(passed=(holds(ROOT, A, "root"),))), ["root: fail → pass (checks)"]),
    "either": (
        report(finding(ROOT, A, "root")),
        other_checks(other_evidence(report(passed=(holds(ROOT, A, "root"),)))),
        ["root: fail → pass (evidence or checks)"],
    ),
    "a lie": (
        report(finding(ROOT, A, "root")),
        report(passed=(holds(ROOT, A, "root"),)),
        ["root: fail → pass (nothing that may differ: the report does not follow from this evidence)"],
    ),
    "a subject more": (report(), other_evidence(report(finding(ROOT, A, "toor"))), ["toor: - → fail (evidence)"]),
    "a target more": (
        report(targets=(A,)),
        other_evidence(report(finding(ROOT, B, "root"))),
        ["root: - → fail (target: not in the old report)"],
    ),
    "a target less": (
        report(finding(ROOT, B, "root")),
        other_evidence(report(targets=(A,))),
        ["root: fail → - (target: not in the new report)"],
    ),
    "a check less": (
        report(finding(ROOT, A, "root")),
        (lambda made: made.model_copy(update={"profile": made.profile.model_copy(update={"parameters": made.profile.parameters[:1]})}))(
            report()
        ),
        ["root: fail → - (check: not run in the new report)"],
    ),
    "a threshold turned": (
        report(finding(LENGTH, A, "passwd")),
        report(passed=(holds(LENGTH, A, "passwd", minimum=8),), minimum=8),
        ["passwd: fail → pass (parameter: minimum=12 → minimum=8)"],
    ),
    "a threshold turned, the verdict stays": (
        report(finding(LENGTH, A, "passwd")),
        report(finding(LENGTH, A, "passwd", params={"minimum": 14}), minimum=14),
        [],
    ),
    "a threshold turned, nobody there now": (
        report(finding(LENGTH, A, "passwd")),
        report(minimum=14),
        ["passwd: fail → - (parameter: not judged with minimum=12 in the new report)"],
    ),
    "a waiver": (
        report(finding(ROOT, A, "root")),
        other_evidence(report(finding(ROOT, A, "root", waiver="until the move"))),
        ["root: fail → fail (waived) (waiver)"],
    ),
    "a waiver ran out": (
        report(finding(ROOT, A, "root", waiver="until the move")),
        report(finding(ROOT, A, "root")),
        ["root: fail (waived) → fail (waiver)"],
    ),
    "less was seen": (
        report(passed=(holds(ROOT, A, "root"),)),
        other_evidence(report(finding(ROOT, A, "root", Verdict.UNKNOWN))),
        ["root: pass → unknown (visibility: not seen in the new report)"],
    ),
    "more was seen": (
        report(finding(ROOT, A, "root", Verdict.UNKNOWN)),
        other_evidence(report(finding(ROOT, A, "root"))),
        ["root: unknown → fail (visibility: not seen in the old report)"],
    ),
    "out of reach": (
        report(finding(ROOT, A, "root")),
        other_evidence(unreachable(report(finding(ROOT, A, "", Verdict.UNKNOWN)))),
        [": - → unknown (visibility: not seen in the new report)", "root: fail → - (visibility: not seen in the new report)"],
    ),
    "two answers of one subject": (
        report(finding(ROOT, A, "root"), finding(ROOT, A, "root", Verdict.UNKNOWN)),
        other_evidence(report(finding(ROOT, A, "root"))),
        ["root: fail + unknown → fail (visibility: not seen in the old report)"],
    ),
}


@pytest.mark.parametrize("name", CAUSES)
def test_every_change_has_its_own_cause(name: str) -> None:
    before, after, wanted = CAUSES[name]
    assert told(before, after) == wanted


def test_the_order_of_answers_changes_nothing() -> None:
    rows = [finding(ROOT, name, subject) for name in (A, B) for subject in ("root", "toor")]
    assert changes(report(*rows), report(*reversed(rows))) == ()


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        (report(finding(ROOT, A, "root")), report(finding(ROOT, A, "root")), 0),
        (report(), report(finding(ROOT, A, "root")), 1),
        (report(passed=(holds(LENGTH, A, "x"),)), report(finding(LENGTH, A, "x", params={"minimum": 14}), minimum=14), 1),
        (report(finding(LENGTH, A, "x")), report(finding(LENGTH, A, "x", params={"minimum": 14}), minimum=14), 0),
        (report(), report(finding(ROOT, A, "root", waiver="until the move")), 0),
        (report(finding(ROOT, A, "root", waiver="until the move")), report(finding(ROOT, A, "root")), 1),
        (report(finding(ROOT, A, "root")), report(finding(ROOT, A, "root", Verdict.UNKNOWN)), 0),
    ],
)
def test_only_what_fails_newly_fails_the_diff(
    before: Report, after: Report, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [tmp_path / "old.json", tmp_path / "new.json"]
    for path, made in zip(paths, (before, after), strict=True):
        path.write_bytes(samples.bytes_of(made))
    assert main(["diff", *map(str, paths), "--fail-on", "new"]) == code
    assert main(["diff", *map(str, paths)]) == 0
    assert f"{code} newly failing" in capsys.readouterr().out
