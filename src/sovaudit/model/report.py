"""report.json: the document of record (schema `sovaudit/report/1`). See docs/report-format.md."""

from __future__ import annotations

from enum import IntEnum, unique
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sovaudit.model.finding import Arg, Finding, GapNote
from sovaudit.model.folding import fold_findings, fold_passed, unfold_findings, unfold_passed
from sovaudit.model.verdict import Severity, Status, TargetStatus

SCHEMA: Final = "sovaudit/report/1"
Params = dict[str, Arg | bool | list[Arg] | None]


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)


@unique
class ExitCode(IntEnum):
    """The contract's exit codes. Precedence when several hold: 70 > 2 > 74 > 4 > 1 > 3 > 5 > 0."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    INCOMPLETE = 3
    INTEGRITY = 4
    NOTHING = 5
    INTERNAL = 70
    OUTPUT = 74
    INTERRUPTED = 130


class Tool(_Document):
    name: str
    version: str
    checks_digest: str
    renderer_digest: str


class Scope(_Document):
    organisation: str = ""
    perimeter: str = ""
    auditor: str = ""


class ThresholdNote(_Document):
    """Where one check's parameters come from. origin: `law`, `guidance` or `default`.

    directive: empty for what the profile chose; else the directive whose control fixes other values, which is judged beside it.
    judges: kinds of target that the check is run on; it was not run where the audit has none of them.
    """

    check: str
    params: Params
    severity: Severity
    origin: Literal["law", "guidance", "default"]
    source: str = ""
    directive: str = ""
    judges: list[str] = []


class ProfileNote(_Document):
    id: str
    digest: str
    parameters: list[ThresholdNote]


class DirectiveNote(_Document):
    id: str
    edition: str
    digest: str


class EvidenceNote(_Document):
    root: str
    targets: int
    bytes: int


class TargetNote(_Document):
    id: str
    uri: str
    kind: str
    identity: dict[str, str]
    status: TargetStatus
    error: str = ""
    taken_at: str | None
    clock_skew_ms: int | None
    gaps: list[GapNote]
    cost: dict[str, int]


class Passed(_Document):
    """What was judged and held, by name; replay gives each in full."""

    check: str
    params: Params
    target: str
    subjects: list[str]
    also: list[Annotated[int, Field(ge=0, strict=True)]] = []  # as of a finding


class Counts(_Document):
    """Outcomes by verdict. `waived` failures are counted in `fail` too."""

    passed: int = Field(default=0, alias="pass")
    fail: int = 0
    unknown: int = 0
    not_applicable: int = 0
    error: int = 0
    waived: int = 0


class ControlNote(_Document):
    """One per control of each directive; none is left out.

    checks: those that its text requires and that gave an answer. remarks: those that failed, bear on it, and are not named by its text.
    """

    directive: str
    id: str
    status: Status
    basis: Literal["evidence", "declaration", "none"]
    counts: Counts
    checks: list[str]
    remarks: list[str] = []


class Waived(_Document):
    """A waiver as the report lists it. state: applied, expired, unmatched, self_approved."""

    check: str
    target: str
    subject: str
    until: str
    reason: str
    owner: str
    approved_by: str
    state: Literal["applied", "expired", "unmatched", "self_approved"]


class Declared(_Document):
    """What a person states of a control. applicable false: that it does not bind this body. evidence: a document's digest."""

    directive: str
    control: str
    statement: str
    by: str
    on: str
    applicable: bool = True
    evidence: str | None = None


class Calibration(_Document):
    """The program's own answer beside ours, on the same evidence. agrees: None if the program could not be asked."""

    target: str
    fact: str
    program: str
    agrees: bool | None
    detail: str = ""


class Summary(_Document):
    """judged: (check, params, target) triples with no unknown and no error; failing counts unwaived failing triples."""

    checks: int
    judged: int
    unknown: int
    failing: int
    failing_by_severity: dict[str, int]
    outcomes: Counts
    targets: dict[str, int]
    controls: dict[str, int]


class Gate(_Document):
    code: int
    name: str
    fail_on: Severity
    max_unknown: int
    reasons: list[str]


class Report(_Document):
    """Language-free throughout; findings hold English templates and their arguments."""

    schema_: Literal["sovaudit/report/1"] = Field(default=SCHEMA, alias="schema")
    serial: str
    previous: str | None
    issued_at: str
    tool: Tool
    scope: Scope
    profile: ProfileNote
    directives: list[DirectiveNote]
    evidence: EvidenceNote
    targets: list[TargetNote]
    findings: list[Finding]
    passed: list[Passed]
    controls: list[ControlNote]
    declarations: list[Declared]
    waivers: list[Waived]
    calibration: list[Calibration]
    summary: Summary
    gate: Gate

    @model_validator(mode="after")
    def _unfold(self) -> Self:
        names = [target.id for target in self.targets]
        if any(finding.also for finding in self.findings):
            self.findings[:] = unfold_findings(self.findings, names)
        if any(row.also for row in self.passed):
            self.passed[:] = unfold_passed(self.passed, names)
        return self

    def document(self) -> dict[str, Any]:
        """Plain JSON values, ready for canonical bytes; what holds of many targets stands once (see folding)."""
        places = {target.id: place for place, target in enumerate(self.targets)}
        folded = {"findings": fold_findings(self.findings, places), "passed": fold_passed(self.passed, places)}
        found = self.model_copy(update=folded).model_dump(mode="json", by_alias=True)
        for row in (*found["findings"], *found["passed"]):
            if not row["also"]:
                del row["also"]
        return found
