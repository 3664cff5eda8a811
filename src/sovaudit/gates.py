"""Report, thresholds and a date → a decision: the only place where waivers and "today" enter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from sovaudit.authoring import Check
from sovaudit.documents import near, read_toml
from sovaudit.errors import UsageError
from sovaudit.model.finding import Finding, but
from sovaudit.model.report import ControlNote, Counts, ExitCode, Gate, Passed, Summary, TargetNote, Waived
from sovaudit.model.verdict import Severity, TargetStatus, Verdict
from sovaudit.model.waiver import Waiver, Waivers
from sovaudit.profiles import Key, params_key

State = Literal["applied", "expired", "unmatched", "self_approved"]
Unit = tuple[Key, str]  # (check, params) on one target: what is counted as judged, failing, unknown
ANY = "*"


def load_waivers(path: Path, checks: Mapping[str, Check]) -> tuple[Waiver, ...]:
    """The waivers of a file. Raises UsageError: not readable, unknown keys, unknown checks, the same waiver twice."""
    waivers = read_toml(path, Waivers, "waivers file").waivers
    seen: dict[tuple[str, str, str, str], int] = {}
    for number, waiver in enumerate(waivers, 1):
        if waiver.check not in checks:
            raise UsageError(f"unknown check {waiver.check} (waivers[{number}])", where=str(path), hint=near(waiver.check, checks))
        first = seen.setdefault((waiver.check, waiver.target, waiver.subject, waiver.until), number)
        if first != number:
            raise UsageError(f"waivers[{first}] and waivers[{number}] are the same", where=str(path), hint="Remove one.")
    return waivers


def waiver_state(waiver: Waiver, on: date) -> Literal["applied", "expired", "self_approved"]:
    """Whether a waiver can have effect on this day (`applied`), or why it cannot. Its last day still counts."""
    if waiver.self_approved:
        return "self_approved"
    return "expired" if on > date.fromisoformat(waiver.until) else "applied"


def apply_waivers(findings: Iterable[Finding], waivers: Sequence[Waiver], on: date) -> tuple[list[Finding], list[Waived]]:
    """The findings, failures that a waiver accepts carrying its reason, and every waiver with what became of it.

    A waiver answers for failures only, never for what is unknown. Of several that fit, the first in the file is carried.
    """
    states: list[State] = [waiver_state(waiver, on) for waiver in waivers]
    by_check: dict[str, list[int]] = {}
    for n, waiver in enumerate(waivers):
        if states[n] == "applied":
            by_check.setdefault(waiver.check, []).append(n)
    used: set[int] = set()
    marked = []
    for finding in findings:
        fitting = [n for n in by_check.get(finding.check, ()) if finding.verdict is Verdict.FAIL and _fits(waivers[n], finding)]
        used.update(fitting)
        reason = waivers[fitting[0]].reason if fitting else None
        marked.append(finding if finding.waiver == reason else but(finding, waiver=reason))
    notes = [
        Waived(**waiver.model_dump(), state="unmatched" if states[n] == "applied" and n not in used else states[n])
        for n, waiver in enumerate(waivers)
    ]
    return marked, notes


def _fits(waiver: Waiver, finding: Finding) -> bool:
    return waiver.target in (ANY, finding.target) and waiver.subject in (ANY, finding.subject)


@dataclass(frozen=True, slots=True)
class _Count:
    units: frozenset[Unit]
    unknown: frozenset[Unit]  # with an `unknown` or an `error`: not judged
    failing: Mapping[Unit, Severity]  # with an unwaived failure, and the gravest of them
    lost: tuple[str, ...]  # targets that were not collected and of which no unit speaks


def _count(findings: Iterable[Finding], passed: Iterable[Passed], targets: Iterable[TargetNote]) -> _Count:
    units: set[Unit] = set()
    unknown: set[Unit] = set()
    failing: dict[Unit, Severity] = {}
    for held in passed:
        units.add((params_key(held.check, held.params), held.target))
    for finding in findings:
        unit = (params_key(finding.check, finding.params), finding.target)
        units.add(unit)
        if finding.verdict in (Verdict.UNKNOWN, Verdict.ERROR):
            unknown.add(unit)
        elif finding.verdict is Verdict.FAIL and finding.waiver is None:
            failing[unit] = max(failing.get(unit, finding.severity), finding.severity, key=lambda severity: severity.rank)
    spoken = {target for _, target in unknown}
    lost = tuple(
        target.id for target in targets if target.status not in (TargetStatus.COLLECTED, TargetStatus.PARTIAL) and target.id not in spoken
    )
    return _Count(frozenset(units), frozenset(unknown), failing, lost)


def summarise(
    findings: Sequence[Finding], passed: Sequence[Passed], targets: Sequence[TargetNote], controls: Iterable[ControlNote]
) -> Summary:
    """Everything counted, nothing dropped: waived failures are in the outcomes, and counted beside."""
    count = _count(findings, passed, targets)
    verdicts = Counter(finding.verdict for finding in findings)
    severities = Counter(severity.value for severity in count.failing.values())
    return Summary(
        checks=len(count.units),
        judged=len(count.units) - len(count.unknown),
        unknown=len(count.unknown),
        failing=len(count.failing),
        failing_by_severity={severity.value: severities[severity.value] for severity in Severity},
        outcomes=Counts(
            passed=sum(len(held.subjects) for held in passed) + verdicts[Verdict.PASS],
            fail=verdicts[Verdict.FAIL],
            unknown=verdicts[Verdict.UNKNOWN],
            not_applicable=verdicts[Verdict.NOT_APPLICABLE],
            error=verdicts[Verdict.ERROR],
            waived=sum(finding.verdict is Verdict.FAIL and finding.waiver is not None for finding in findings),
        ),
        targets=dict(sorted(Counter(target.status.value for target in targets).items())),
        controls=dict(sorted(Counter(control.status.value for control in controls).items())),
    )


def decide(
    findings: Iterable[Finding],
    passed: Iterable[Passed],
    targets: Sequence[TargetNote],
    *,
    fail_on: Severity,
    max_unknown: int,
) -> Gate:
    """The gate: `findings` (1) before `incomplete` (3) before `nothing` (5) before `ok` (0).

    What is unknown is counted per (check, params, target); a target that was not collected counts once where nothing else speaks of it.
    """
    if max_unknown < 0:
        raise UsageError(f"--max-unknown is a whole number from 0 up, not {max_unknown}")
    count = _count(findings, passed, targets)
    blocking = sum(severity.rank >= fail_on.rank for severity in count.failing.values())
    open_units = len(count.unknown) + len(count.lost)
    reasons = []
    code = ExitCode.OK
    if blocking:
        code = ExitCode.FINDINGS
        reasons.append(f"failing at or above {fail_on.value}: {blocking}")
    if open_units > max_unknown:
        code = code or ExitCode.INCOMPLETE
        reasons.append(f"not judged: {open_units}, more than {max_unknown}")
        uncollected = sum(target.status not in (TargetStatus.COLLECTED, TargetStatus.PARTIAL) for target in targets)
        if uncollected:
            reasons.append(f"targets not collected: {uncollected}")
    if not count.units:
        code = code or ExitCode.NOTHING
        reasons.append("nothing was judged")
    return Gate(code=int(code), name=code.name.lower(), fail_on=fail_on, max_unknown=max_unknown, reasons=reasons)


def policy_line(summary: Summary, gate: Gate) -> str:
    """The last line of the text output, always of one shape; in brackets, what fails at or above the gate's threshold.

    `policy: 3 failing (2 high) · completeness: 97/104 judged, 7 unknown · gate: findings (exit 1)`
    """
    grave = sum(number for name, number in summary.failing_by_severity.items() if Severity(name).rank >= gate.fail_on.rank)
    return (
        f"policy: {summary.failing} failing ({grave} {gate.fail_on.value})"
        f" · completeness: {summary.judged}/{summary.checks} judged, {summary.unknown} unknown"
        f" · gate: {gate.name} (exit {gate.code})"
    )
