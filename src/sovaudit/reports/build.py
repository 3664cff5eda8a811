"""Build the one document of record from judgements. Pure: times and serials are given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sovaudit import directives, gates
from sovaudit.answers import clean
from sovaudit.directives import Selected
from sovaudit.engine import Judgement, gap_note, params_document
from sovaudit.model.directive import Directive
from sovaudit.model.evidence import Evidence
from sovaudit.model.finding import Finding, but
from sovaudit.model.folding import order, params_order
from sovaudit.model.profile import Profile
from sovaudit.model.report import (
    Calibration,
    Declared,
    DirectiveNote,
    EvidenceNote,
    Passed,
    ProfileNote,
    Report,
    Scope,
    TargetNote,
    Tool,
)
from sovaudit.model.verdict import Severity
from sovaudit.model.waiver import Waiver

MAX_GAPS = 200  # notes per target in the report; the bundle keeps them all


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What a report says besides its findings. issued_at: aware UTC, whole seconds."""

    profile: ProfileNote
    directives: Sequence[Directive]
    tool: Tool
    issued_at: datetime
    root: str
    bytes: int
    scope: Scope = field(default_factory=Scope)
    previous: str | None = None
    waivers: Sequence[Waiver] = ()
    declarations: Sequence[Declared] = ()
    calibration: Sequence[Calibration] = ()
    fail_on: Severity = Severity.HIGH
    max_unknown: int = 0


def build(frame: Frame, judgements: Iterable[Judgement], targets: Sequence[TargetNote]) -> Report:
    """The report of these judgements. Deterministic: the order of targets is the bundle's, of findings the checks' and subjects'."""
    findings: list[Finding] = []
    passed: list[Passed] = []
    held: dict[tuple[object, ...], Passed] = {}  # one list of names for all targets of which the same holds
    for judgement in judgements:
        findings.extend(judgement.findings)
        if judgement.passed:
            params = params_document(judgement.params)
            row = Passed(check=judgement.check, params=params, target=judgement.target, subjects=list(judgement.passed))
            same = held.setdefault((row.check, params_order(params), hash(judgement.passed)), row)
            passed.append(but(same, target=row.target) if same is not row and same.subjects == row.subjects else row)
    findings, waived = gates.apply_waivers(findings, frame.waivers, on=frame.issued_at.date())
    findings = directives.name_controls(_drained(findings), frame.directives, frame.profile.parameters)
    findings.sort(key=order)
    passed.sort(key=lambda row: (row.check, params_order(row.params), row.target))
    ran = frame.profile.parameters
    kinds = {target.kind for target in targets}
    controls = [
        note for directive in frame.directives for note in directives.statuses(directive, findings, passed, frame.declarations, ran, kinds)
    ]
    summary = gates.summarise(findings, passed, targets, controls)
    gate = gates.decide(findings, passed, targets, fail_on=frame.fail_on, max_unknown=frame.max_unknown)
    return Report(
        schema_="sovaudit/report/1",
        serial=f"{frame.issued_at:%Y%m%dT%H%M%SZ}-{frame.root[-12:]}",
        previous=frame.previous,
        issued_at=utc(frame.issued_at),
        tool=frame.tool,
        scope=frame.scope,
        profile=frame.profile,
        directives=[DirectiveNote(id=one.id, edition=one.edition, digest=one.digest) for one in frame.directives],
        evidence=EvidenceNote(root=frame.root, targets=len(targets), bytes=frame.bytes),
        targets=list(targets),
        findings=findings,
        passed=passed,
        controls=controls,
        declarations=list(frame.declarations),
        waivers=waived,
        calibration=list(frame.calibration),
        summary=summary,
        gate=gate,
    )


def _drained(findings: list[Finding]) -> Iterator[Finding]:
    """Each finding, let go as it is taken: a fleet has many."""
    findings.reverse()
    while findings:
        yield findings.pop()


def target_note(evidence: Evidence) -> TargetNote:
    """A target as the report lists it."""
    notes = [gap_note(gap) for gap in evidence.gaps[:MAX_GAPS]]
    return TargetNote(
        id=evidence.target.id,
        uri=evidence.target.uri,
        kind=evidence.target.kind,
        identity={clean(key): clean(value) for key, value in evidence.identity.items()},
        status=evidence.status,
        error=clean(evidence.error),
        taken_at=None if evidence.taken_at is None else utc(evidence.taken_at),
        clock_skew_ms=evidence.clock_skew_ms,
        gaps=notes,
        cost=dict(evidence.cost),
    )


def utc(moment: datetime) -> str:
    """`2026-06-01T12:00:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def profile_note(profile: Profile, selected: Sequence[Selected]) -> ProfileNote:
    """The profile as the report keeps it: every check that ran, with its parameters and where they come from."""
    return ProfileNote(id=profile.id, digest=profile.digest, parameters=directives.threshold_notes(selected))
