"""Bind what a check asks for to facts, run it, never lose an answer.

What a check did not see becomes `unknown`; what it did not answer, or an exception of ours, becomes `error`. Neither can become a pass.
Everything that leaves here is fit for a document: bounded, without lone surrogates, integers within RFC 8785.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, overload

from sovaudit import canon
from sovaudit.authoring import Check
from sovaudit.errors import UsageError
from sovaudit.facts.files import Unseen
from sovaudit.facts.host import Host
from sovaudit.model.evidence import Evidence, Gap
from sovaudit.model.finding import Arg, Because, Finding, GapNote, Line, Message, Outcome
from sovaudit.model.report import Calibration
from sovaudit.model.verdict import Reason, Severity, Verdict

MAX_BECAUSE = 12  # lines a finding quotes; what led there is rarely longer, and a fleet's report stays readable
MAX_TEXT = 400  # characters of any quoted text
MAX_SUBJECTS = 100_000  # outcomes of one check on one target
HOST_KINDS = ("local", "root", "ssh")

_SURROGATE = re.compile("[\ud800-\udfff]")


class Selection(Protocol):
    """One check to run with these parameters, as a profile chose it."""

    @property
    def check(self) -> Check: ...
    @property
    def params(self) -> Mapping[str, Any]: ...
    @property
    def severity(self) -> Severity: ...


@dataclass(frozen=True, slots=True)
class Judgement:
    """One check's answers on one target: what held, by subject, and every other answer in full."""

    check: str
    params: Mapping[str, Any]
    target: str
    passed: tuple[str, ...]
    findings: tuple[Finding, ...]


def judge(
    selections: Sequence[Selection],
    evidences: Iterable[Evidence],
    *,
    calibration: list[Calibration] | None = None,
    each: Callable[[Evidence], object] | None = None,
) -> Iterator[Judgement]:
    """Every selected check on every target, one target in memory at a time.

    evidences: read once for the checks of one host, and once more for each check over several hosts (`tuple[Host, ...]`), which run at
    the end. each: called with every target's evidence as it is first read. calibration: receives, target by target, where a program's
    own answer stood beside ours. Raises UsageError for a check that asks for facts nobody provides.
    """
    single = [selection for selection in selections if _needs(selection.check) == "host"]
    fleet = [selection for selection in selections if _needs(selection.check) == "hosts"]
    if fleet and iter(evidences) is evidences:
        evidences = list(evidences)  # it cannot be read twice
    count = 0
    latest: Host | None = None
    uncollected: list[Evidence] = []
    for evidence in evidences:
        if each is not None:
            each(evidence)
        if evidence.target.kind not in HOST_KINDS:
            continue
        host = Host(evidence)
        digests = _Digests(evidence)
        for selection in single:
            yield _judge(selection, (host,), evidence, digests)
        if calibration is not None and evidence.collected:
            calibration.extend(_calibrate(host))
        if evidence.collected:
            count += 1
            latest = host
        elif fleet:
            uncollected.append(evidence)
    # of a single host everything is known already
    hosts = (latest,) if latest is not None and count == 1 else Hosts(evidences, count)
    for selection in fleet:
        yield _judge_fleet(selection, hosts, uncollected)


class Hosts(Sequence[Host]):
    """All collected hosts of an audit, in the order of their targets. Each is made anew when its turn comes: one in memory at a time."""

    def __init__(self, evidences: Iterable[Evidence], count: int) -> None:
        self._evidences = evidences
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Host]:
        return (Host(evidence) for evidence in self._evidences if evidence.target.kind in HOST_KINDS and evidence.collected)

    @overload
    def __getitem__(self, at: int) -> Host: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Host]: ...
    def __getitem__(self, at: int | slice) -> Host | Sequence[Host]:
        return tuple(self)[at]


def _calibrate(host: Host) -> Iterator[Calibration]:
    try:
        for one in host.ssh.calibration():
            target, detail = host.evidence.target.id, clean(one.detail)
            yield Calibration(target=target, fact=one.fact, program=one.program, agrees=one.agrees, detail=detail)
    except Unseen:
        return
    except Exception as error:  # a defect here must not cost the verdicts
        detail = clean(f"{type(error).__name__}: {error}")
        yield Calibration(target=host.evidence.target.id, fact="calibration", program="", agrees=None, detail=detail)


def _needs(check: Check) -> str:
    if check.needs == (Host,):
        return "host"
    if check.needs == (tuple[Host, ...],):
        return "hosts"
    names = ", ".join(getattr(need, "__name__", str(need)) for need in check.needs) or "nothing"
    raise UsageError(
        f"asks for {names}, and no collector provides that", where=f"check {check.id}", hint="A check asks for Host or tuple[Host, ...]."
    )


def _judge(selection: Selection, facts: tuple[Any, ...], evidence: Evidence, digests: _Digests) -> Judgement:
    if not evidence.collected:
        outcomes = [_uncollected(evidence)]
    else:
        outcomes = _run(selection, facts)
    return _judgement(selection, outcomes, evidence.target.id, digests)


def _judge_fleet(selection: Selection, hosts: Sequence[Host], uncollected: list[Evidence]) -> Judgement:
    outcomes = [_uncollected(evidence) for evidence in uncollected]
    if hosts or not uncollected:
        outcomes += _run(selection, (hosts,))
    return _judgement(selection, outcomes, "*", _Digests(None))


def _judgement(selection: Selection, outcomes: list[Outcome], target: str, digests: _Digests) -> Judgement:
    passed = sorted({clean(outcome.subject) for outcome in outcomes if outcome.verdict is Verdict.PASS})
    findings = [_finding(selection, outcome, target, digests) for outcome in outcomes if outcome.verdict is not Verdict.PASS]
    findings.sort(
        key=lambda finding: (finding.subject, finding.verdict.value, finding.message.text, sorted(map(str, finding.message.args.items())))
    )
    return Judgement(selection.check.id, dict(selection.params), target, tuple(passed), tuple(findings))


def _run(selection: Selection, facts: tuple[Any, ...]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    try:
        for outcome in selection.check.function(*facts, **selection.params):
            if len(outcomes) >= MAX_SUBJECTS:
                outcomes.append(_unknown("more than {limit} subjects; the rest was not judged", {"limit": MAX_SUBJECTS}, Reason.TRUNCATED))
                break
            if not isinstance(outcome, Outcome) or outcome.verdict is Verdict.ERROR:
                raise TypeError(f"a check yields passed, failed, unknown or not_applicable, not {outcome!r:.80}")
            outcomes.append(outcome)
    except Unseen as unseen:
        outcomes.append(
            Outcome(
                Verdict.UNKNOWN,
                "{item} was not seen ({reason})",
                {"item": unseen.gap.item, "reason": unseen.gap.reason.value},
                gaps=(unseen.gap,),
                settle=_settle(unseen.gap),
            )
        )
    except Exception as error:
        outcomes.append(_error("the check raised {kind}: {detail}", {"kind": type(error).__name__, "detail": str(error)}))
    if not outcomes:
        outcomes.append(_error("the check gave no outcome", {}))
    return outcomes


def _settle(gap: Gap) -> str:
    return {
        Reason.DENIED: "Collect with the right to read it (see `sovaudit privileges`).",
        Reason.TIMEOUT: "Collect again with a longer --host-timeout.",
        Reason.TRUNCATED: "Collect again with a larger --max-bytes.",
        Reason.UNSUPPORTED: "Collect from the running host.",
    }.get(gap.reason, "Collect evidence that shows it.")


def _uncollected(evidence: Evidence) -> Outcome:
    text = "{target} was not collected ({status}): {error}"
    args = {"target": evidence.target.id, "status": evidence.status.value, "error": evidence.error or "no reason given"}
    return Outcome(Verdict.UNKNOWN, text, args, settle="Collect the target again once its fault is mended.")


def _unknown(text: str, args: Mapping[str, Arg], reason: Reason) -> Outcome:
    return Outcome(Verdict.UNKNOWN, text, args, gaps=(Gap("subjects", reason),))


def _error(text: str, args: Mapping[str, Arg]) -> Outcome:
    return Outcome(Verdict.ERROR, text, args, settle="Report this as a defect of sovaudit or of the plugin that brings the check.")


def _finding(selection: Selection, outcome: Outcome, target: str, digests: _Digests) -> Finding:
    args = {key: _arg(value) for key, value in outcome.args.items()}
    names = [f"file:{line.file}" for line in outcome.because] + list(outcome.evidence)
    return Finding(
        check=selection.check.id,
        params=params_document(selection.params),
        family=selection.check.family,
        target=target,
        subject=clean(outcome.subject),
        verdict=outcome.verdict,
        severity=selection.severity,
        message=Message(text=outcome.text, args=args),
        settle=Message(text=outcome.settle, args=args) if outcome.settle else None,
        seen=clean(outcome.seen),
        because=[_because(line) for line in outcome.because[:MAX_BECAUSE]],
        evidence=digests.of(names),
        gaps=[GapNote(item=clean(gap.item), reason=gap.reason, detail=clean(gap.detail)) for gap in dict.fromkeys(outcome.gaps)][
            :MAX_BECAUSE
        ],
    )


def _because(line: Line) -> Because:
    return Because(file=clean(line.file), line=line.number, text=clean(line.text))


def _arg(value: Arg) -> Arg:
    if isinstance(value, str):
        return clean(value)
    return value if -(2**53) < value < 2**53 else str(value)


def clean(text: str) -> str:
    """Fit for a document: bytes that were no UTF-8 become `\\xNN`, long text is cut with a mark."""
    text = _SURROGATE.sub(lambda match: f"\\x{ord(match[0]) & 0xFF:02x}", str(text))
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def params_document(params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as JSON values: sets and tuples become sorted or ordered lists."""
    return {
        key: sorted(value) if isinstance(value, (set, frozenset)) else list(value) if isinstance(value, tuple) else value
        for key, value in params.items()
    }


class _Digests:
    """Digests of the artifacts that a finding rests on, each computed once."""

    def __init__(self, evidence: Evidence | None) -> None:
        self._evidence = evidence
        self._known: dict[str, str] = {}

    def of(self, names: Iterable[str]) -> list[str]:
        if self._evidence is None:
            return []
        found = []
        for name in dict.fromkeys(names):
            if name not in self._known:
                data = self._evidence.artifacts.get(name)
                self._known[name] = canon.digest(data) if data is not None else ""
            if self._known[name]:
                found.append(self._known[name])
        return sorted(set(found))
