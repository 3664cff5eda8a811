"""Findings put together the way a person reads them: by check, then by what was said, equal answers of many targets counted once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sovaudit.model.finding import Finding
from sovaudit.model.report import Params, Report, TargetNote
from sovaudit.model.verdict import Severity, Verdict

_VERDICT_ORDER = {Verdict.FAIL: 0, Verdict.ERROR: 1, Verdict.UNKNOWN: 2, Verdict.NOT_APPLICABLE: 3, Verdict.PASS: 4}


@dataclass(slots=True)
class Variant:
    """One answer, word for word the same, and the targets that gave it, in the report's order."""

    finding: Finding
    targets: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Group:
    """All answers of one check with one message template and verdict; waived failures stand apart from the others."""

    verdict: Verdict
    waived: bool
    text: str
    variants: list[Variant]
    targets: dict[str, list[str]]
    """Target id → its subjects."""
    severity: Severity = Severity.LOW

    @property
    def count(self) -> int:
        return sum(len(subjects) for subjects in self.targets.values())


@dataclass(slots=True)
class Block:
    """One check as it was asked (the same parameters). groups: worst first."""

    check: str
    params: Params
    controls: list[str]
    groups: list[Group]

    @property
    def worst(self) -> Group:
        return self.groups[0]

    @property
    def rank(self) -> tuple[int, int, int, str, str]:
        worst = self.worst
        failing = {target for group in self.groups if group.verdict is worst.verdict for target in group.targets}
        return (_order(worst), -worst.severity.rank, -len(failing), self.check, params_key(self.params))


def params_key(params: Params) -> str:
    return json.dumps(params, sort_keys=True)


def _order(group: Group) -> int:
    """A waived failure is read after the open ones and before what is not known."""
    return _VERDICT_ORDER[group.verdict] * 2 + group.waived


def blocks(findings: Iterable[Finding]) -> list[Block]:
    """Blocks in reading order: open failures by severity and reach, then waived ones, errors, unknowns and what does not apply."""
    found: dict[tuple[str, str], dict[tuple[Verdict, bool, str], tuple[Group, dict[object, Variant]]]] = {}
    first: dict[tuple[str, str], Finding] = {}
    controls: dict[tuple[str, str], dict[str, None]] = {}
    for finding in findings:
        key = (finding.check, params_key(finding.params) if finding.params else "")
        first.setdefault(key, finding)
        controls.setdefault(key, {}).update(dict.fromkeys(finding.controls))
        waived = finding.verdict is Verdict.FAIL and finding.waiver is not None
        kind = (finding.verdict, waived, finding.message.text)
        held = found.setdefault(key, {}).get(kind)
        if held is None:
            held = found[key][kind] = (Group(finding.verdict, waived, finding.message.text, [], {}), {})
        group, seen = held
        if finding.severity.rank > group.severity.rank:
            group.severity = finding.severity
        group.targets.setdefault(finding.target, []).append(finding.subject)
        same = _sameness(finding)
        variant = seen.get(same)
        if variant is None:
            variant = seen[same] = Variant(finding)
            group.variants.append(variant)
        if not variant.targets or variant.targets[-1] != finding.target:
            variant.targets.append(finding.target)
    answer = []
    for key, kinds in found.items():
        groups = [group for group, _ in kinds.values()]
        for group in groups:
            group.variants.sort(key=lambda variant: -len(variant.targets))
        groups.sort(key=lambda group: (_order(group), -group.severity.rank, -len(group.targets), group.text))
        answer.append(Block(first[key].check, first[key].params, list(controls[key]), groups))
    return sorted(answer, key=lambda block: block.rank)


def _sameness(finding: Finding) -> object:
    return (
        finding.subject,
        finding.seen,
        finding.waiver,
        tuple(sorted(finding.message.args.items())),
        finding.settle.text if finding.settle else "",
        tuple(sorted(finding.settle.args.items())) if finding.settle else (),
        tuple((line.file, line.line, line.text) for line in finding.because),
        tuple((gap.item, gap.reason, gap.detail) for gap in finding.gaps),
    )


def labels(targets: Iterable[TargetNote]) -> Mapping[str, str]:
    """Target id → the short name a person uses: the host the auditor named, never a name that the host claims, unless it is `local:`.

    Two targets never share a label: where they would, both keep their ids.
    """
    short: dict[str, str] = {}
    for target in targets:
        label = target.id
        if target.kind == "ssh" and "://" in label:
            label = label.split("://", 1)[1].rsplit("@", 1)[-1].removesuffix(":22").rstrip("/")
        elif target.kind == "local" and target.identity.get("hostname"):
            label = f"{target.identity['hostname']} ({target.id})"
        short[target.id] = label or target.id
    counts: dict[str, int] = {"*": 1}
    for label in short.values():
        counts[label] = counts.get(label, 0) + 1
    return {target: label if counts[label] == 1 else target for target, label in short.items()}


@dataclass(frozen=True, slots=True)
class Grid:
    """Hosts × checks: for each (target, check) the gravest word over subjects and parameters."""

    checks: tuple[str, ...]
    cells: Mapping[tuple[str, str], str]
    """`fail`, `waived`, `error`, `unknown`, `pass` or `not_applicable`; a pair that was not asked has no cell."""


_GRAVITY = {"fail": 0, "error": 1, "unknown": 2, "waived": 3, "pass": 4, "not_applicable": 5}


def grid(report: Report) -> Grid:
    cells: dict[tuple[str, str], str] = {}

    def put(target: str, check: str, word: str) -> None:
        key = (target, check)
        if key not in cells or _GRAVITY[word] < _GRAVITY[cells[key]]:
            cells[key] = word

    for finding in report.findings:
        waived = finding.verdict is Verdict.FAIL and finding.waiver is not None
        put(finding.target, finding.check, "waived" if waived else finding.verdict.value)
    for held in report.passed:
        put(held.target, held.check, "pass")
    return Grid(tuple(sorted({check for _, check in cells})), cells)
