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
from sovaudit.model.verdict import Severity, TargetStatus, Verdict
from sovaudit.model.waiver import Waiver
from sovaudit.reports import build

Key = tuple[str, str, str, str]  # check, parameters, target, subject
SEEN = (TargetStatus.COLLECTED, TargetStatus.PARTIAL)


@dataclass(frozen=True, slots=True)
class Change:
    """One answer that differs. before, after: a verdict, or `-` where there was none. cause: why, in a few words."""

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
    """Every answer that differs, each with its own cause. Empty: the same.

    An answer is one check with its parameters on one target for one subject. Where a check was judged with other parameters, the answer of
    before and the one of now stand in one row.
    """
    old, new = _Answers(before), _Answers(after)
    found = []
    for was, now in _pairs(old, new):
        verdict, again = old.verdict(was), new.verdict(now)
        if (verdict, old.said(was)) == (again, new.said(now)) and was == now:
            continue
        if was and now and was != now and verdict == again:
            continue  # other parameters, the same verdict
        check, _, target, subject = was or now or ("", "", "", "")
        cause = _cause(old, new, was, now)
        found.append(Change(check, target, subject, verdict, again, cause if verdict != again else f"{cause}, the same verdict"))
    return tuple(found)


class _Answers:
    """The answers of one report: verdicts, and what was said beside them."""

    def __init__(self, report: Report) -> None:
        self.targets = {note.id: note for note in report.targets}
        self.asked = {(row.check, _params(row.params)) for row in report.profile.parameters}
        self.evidence, self.code = report.evidence.root, report.tool.checks_digest
        self.rows: dict[Key, list[Finding]] = {}
        self.open: set[tuple[str, str, str]] = set()
        for row in report.passed:
            for subject in row.subjects:
                self.rows.setdefault((row.check, _params(row.params), row.target, subject), [])
        for finding in report.findings:
            key = (finding.check, _params(finding.params), finding.target, finding.subject)
            self.rows.setdefault(key, []).append(finding)  # one subject may have several answers: all of them count
            if finding.verdict in (Verdict.UNKNOWN, Verdict.ERROR):
                self.open.add(key[:3])

    def verdict(self, key: Key | None, *, waivers: bool = True) -> str:
        if key is None:
            return "-"
        words = [row.verdict.value + (" (waived)" if row.waiver and waivers else "") for row in self.rows[key]]
        return " + ".join(words) or "pass"

    def said(self, key: Key | None, *, waivers: bool = True) -> list[str]:
        left = {"controls"} if waivers else {"controls", "waiver"}
        # canonical: a report that was read back has its keys in another order
        return [canon.canonical(row.model_dump(mode="json", exclude=left)).decode() for row in self.rows[key]] if key else []


def _pairs(old: _Answers, new: _Answers) -> list[tuple[Key | None, Key | None]]:
    """Each answer beside its counterpart: the same key, else the only one left of this check, target and subject."""
    left: dict[tuple[str, str, str], tuple[list[Key], list[Key]]] = {}
    for side, keys in enumerate((old.rows.keys() - new.rows.keys(), new.rows.keys() - old.rows.keys())):
        for key in sorted(keys):
            left.setdefault((key[0], key[2], key[3]), ([], []))[side].append(key)
    pairs: list[tuple[Key | None, Key | None]] = [(key, key) for key in old.rows.keys() & new.rows.keys()]
    for gone, come in left.values():
        if len(gone) == len(come) == 1:
            pairs.append((gone[0], come[0]))
        else:
            pairs += [*((key, None) for key in gone), *((None, key) for key in come)]
    return sorted(pairs, key=lambda pair: pair[0] or pair[1] or ("", "", "", ""))


def _cause(old: _Answers, new: _Answers, was: Key | None, now: Key | None) -> str:
    """The first that applies: target, check, parameter, waiver, visibility; else what the verdict was computed from."""
    if was is None or now is None:
        (key, other), name = ((was, new), "new") if was else ((now, old), "old")
        assert key is not None
        check, params, target, _ = key
        if target != "*" and target not in other.targets:
            return f"target: not in the {name} report"
        if check not in {asked for asked, _ in other.asked}:
            return f"check: not run in the {name} report"
        if (check, params) not in other.asked:
            return f"parameter: not judged with {params} in the {name} report"
        if key[:3] in other.open or (target in other.targets and other.targets[target].status not in SEEN):
            return f"visibility: not seen in the {name} report"
        if key[:3] in (old if was else new).open:
            return f"visibility: not seen in the {'old' if was else 'new'} report"
    elif was != now:
        return f"parameter: {was[1]} → {now[1]}"
    elif old.said(was, waivers=False) == new.said(now, waivers=False) and old.verdict(was, waivers=False) == new.verdict(
        now, waivers=False
    ):
        return "waiver"
    elif "unknown" in old.verdict(was) or "error" in old.verdict(was):
        return "visibility: not seen in the old report"
    elif "unknown" in new.verdict(now) or "error" in new.verdict(now):
        return "visibility: not seen in the new report"
    named = [name for name, differs in (("evidence", old.evidence != new.evidence), ("checks", old.code != new.code)) if differs]
    return " or ".join(named) or "nothing that may differ: the report does not follow from this evidence"


def _params(params: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(params.items()))


def aside(before: Report, after: Report) -> str:
    """What differs besides answers, by section."""
    said, now = before.document(), after.document()
    return "what differs: " + ", ".join(key for key in said if said[key] != now[key])
