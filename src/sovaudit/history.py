"""Replay: recompute every verdict from evidence, and say what changed and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sovaudit import canon, directives, engine
from sovaudit.authoring import Check
from sovaudit.bundle import Bundle
from sovaudit.engine import Judgement
from sovaudit.errors import UsageError
from sovaudit.model.evidence import Evidence
from sovaudit.model.finding import Finding, but
from sovaudit.model.report import Calibration, Report, TargetNote, Waived
from sovaudit.model.verdict import Severity
from sovaudit.model.waiver import Waiver
from sovaudit.reports import build

Key = tuple[str, str, str, str]  # check, parameters, target, subject


@dataclass(frozen=True, slots=True)
class Change:
    """One answer that differs. before, after: a verdict, or `-` where there was none. cause: what could have made the difference."""

    check: str
    target: str
    subject: str
    before: str
    after: str
    cause: str


@dataclass(frozen=True, slots=True)
class _Chosen:
    check: Check
    params: Mapping[str, Any]
    severity: Severity


def replay(bundle: Bundle, against: Report, checks: Mapping[str, Check]) -> Report:
    """The report recomputed from evidence with the parameters that `against` names: equal to it unless evidence or code differ.

    Taken from `against`, because only its signer can vouch for them: scope, waivers, declarations, issued_at, previous, profile.
    Raises UsageError if a check it names is not installed.
    """
    targets: list[TargetNote] = []
    calibration: list[Calibration] = []

    def note(evidence: Evidence) -> None:
        targets.append(build.target_note(evidence))

    judgements = list(engine.judge(selections(against, checks), bundle, calibration=calibration, each=note))
    return _rebuild(against, judgements, targets, calibration, bundle.root(), bundle.bytes)


def recount(report: Report) -> Report:
    """The report rebuilt from its own findings: controls, counts, waivers and gate as they must follow from them."""
    judgements = [*_judgements(report)]
    return _rebuild(report, judgements, report.targets, report.calibration, report.evidence.root, report.evidence.bytes)


def selections(report: Report, checks: Mapping[str, Check]) -> tuple[_Chosen, ...]:
    """What the report says was run. Raises UsageError for a check that is not installed."""
    found = []
    for row in report.profile.parameters:
        if row.check not in checks:
            raise UsageError(
                "this check is not installed, so its verdicts cannot be recomputed", where=row.check, hint="Install its plugin."
            )
        known = checks[row.check]
        params = {
            **known.knobs,
            **{name: _native(value, known.knobs.get(name)) for name, value in row.params.items() if name in known.knobs},
        }
        found.append(_Chosen(known, params, row.severity))
    return tuple(found)


def _native(value: Any, default: Any) -> Any:
    """JSON has lists only: give a knob the kind of collection that its default is."""
    return type(default)(value) if isinstance(value, list) and isinstance(default, (tuple, set, frozenset)) else value


def _judgements(report: Report) -> Iterator[Judgement]:
    for row in report.passed:
        yield Judgement(row.check, row.params, row.target, tuple(row.subjects), ())
    for finding in report.findings:
        bare = but(finding, waiver=None, controls=[])
        yield Judgement(finding.check, finding.params, finding.target, (), (bare,))


def _rebuild(
    report: Report, judgements: Iterable[Judgement], targets: list[TargetNote], calibration: list[Calibration], root: str, size: int
) -> Report:
    from datetime import datetime

    frame = build.Frame(
        profile=report.profile,
        directives=directives.load_directives([note.id for note in report.directives]),
        tool=report.tool,
        issued_at=datetime.fromisoformat(report.issued_at),
        root=root,
        bytes=size,
        scope=report.scope,
        previous=report.previous,
        waivers=[_waiver(row) for row in report.waivers],
        declarations=report.declarations,
        calibration=calibration,
        fail_on=report.gate.fail_on,
        max_unknown=report.gate.max_unknown,
    )
    return build.build(frame, judgements, targets)


def _waiver(row: Waived) -> Waiver:
    return Waiver.model_validate(row.model_dump(exclude={"state"}))


def changes(before: Report, after: Report) -> tuple[Change, ...]:
    """Every answer that differs, each with its cause. Empty: the same."""
    old, new = _answers(before), _answers(after)
    cause = _causes(before, after)
    found = []
    for key in sorted(old.keys() | new.keys()):
        was, now = old.get(key, ("-", "")), new.get(key, ("-", ""))
        if was == now:
            continue
        check, _, target, subject = key
        why = cause if was[0] != now[0] else f"{cause}: the same verdict for another reason"
        found.append(Change(check, target, subject, was[0], now[0], why))
    return tuple(found)


def _answers(report: Report) -> dict[Key, tuple[str, str]]:
    found: dict[Key, tuple[str, str]] = {}
    for row in report.passed:
        for subject in row.subjects:
            found[row.check, _params(row.params), row.target, subject] = ("pass", "")
    for finding in report.findings:
        key = (finding.check, _params(finding.params), finding.target, finding.subject)
        verdict, detail = found.get(key, ("", ""))
        # one subject may have several answers: all of them count
        # canonical: a report that was read back has its keys in another order
        said = canon.canonical(finding.model_dump(mode="json", exclude={"controls"})).decode()
        found[key] = (" + ".join(filter(None, (verdict, _verdict(finding)))), detail + said)
    return found


def _verdict(finding: Finding) -> str:
    return finding.verdict.value + (" (waived)" if finding.waiver else "")


def _params(params: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(params.items()))


def _causes(before: Report, after: Report) -> str:
    pairs = {
        "evidence": before.evidence.root != after.evidence.root,
        "targets": {note.id for note in before.targets} != {note.id for note in after.targets},
        "checks": before.tool.checks_digest != after.tool.checks_digest,
        "parameters": before.profile.parameters != after.profile.parameters,
        "waivers": before.waivers != after.waivers,
        "directives": before.directives != after.directives,
    }
    named = [name for name, differs in pairs.items() if differs]
    return "changed: " + ", ".join(named) if named else "nothing that may differ: the report does not follow from this evidence"


def aside(before: Report, after: Report) -> str:
    """What differs besides answers, by section."""
    said, now = before.document(), after.document()
    return "what differs: " + ", ".join(key for key in said if said[key] != now[key])
