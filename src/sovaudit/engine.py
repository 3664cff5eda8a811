"""Bind what a check asks for to facts, run it on every target, and make findings of its answers.

Everything that leaves here is fit for a document: bounded, without lone surrogates, integers within RFC 8785.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sovaudit import canon
from sovaudit.answers import MAX_BECAUSE, Answers, Question, Queue, Selection, clean, run, uncollected
from sovaudit.binding import Binding, Many, Need, binding
from sovaudit.facts.files import Unseen
from sovaudit.facts.host import Host
from sovaudit.model.evidence import Evidence, Gap
from sovaudit.model.finding import Arg, Because, Finding, GapNote, Line, Message, Outcome, but
from sovaudit.model.report import Calibration

MAX_SAID = 20_000  # findings remembered to share their texts


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
    """Every selected check on every target that it can judge, one target in memory at a time.

    evidences: read once for the checks of one target; once more for those that ask for something beside it (`people: Roster`), and for
    each check over several targets (`tuple[Host, ...]`), at the end. A check for which the audit has no target is not run.
    each: called with every target's evidence as it is first read. calibration: receives, target by target, where a program's own answer
    stood beside ours. Raises UsageError for a check that asks for facts nobody provides.
    """
    bound = [(selection, binding(selection.check)) for selection in selections]
    alone = [(selection, found.primary) for selection, found in bound if not found.primary.once and not found.beside]
    later = [(selection, found) for selection, found in bound if found.primary.once or found.beside]
    if later and iter(evidences) is evidences:
        evidences = list(evidences)  # it cannot be read twice
    said: dict[Hashable, Finding] = {}
    audit = _Audit(evidences, frozenset(kind for _, found in later for need in found.needs if need.folded for kind in need.kinds))
    last: list[tuple[tuple[Evidence, ...], _Digests]] = []  # of the questions before: one target's checks rest on the same artifacts

    def judged(answers: Iterable[tuple[Question, Answers]]) -> Iterator[Judgement]:
        for question, outcomes in answers:
            if not last or last[0][0] is not question.rests_on:
                last[:] = [(question.rests_on, _Digests(*question.rests_on, said=said))]
            yield _judgement(question.selection, outcomes, question.evidence.target.id, last[0][1])

    with Queue() as queue:
        for evidence in evidences:
            if each is not None:
                each(evidence)
            facts, rests_on = audit.meet(evidence), (evidence,)
            asked = [
                Question(selection, evidence, facts(need), rests_on) for selection, need in alone if evidence.target.kind in need.kinds
            ]
            yield from judged(queue.answers(asked))
            if calibration is not None and evidence.collected and evidence.target.kind in Host.kinds:
                calibration.extend(_calibrate(facts(_HOST)))
        later = [(selection, found) for selection, found in later if audit.can_run(found)]
        joined = [(selection, found) for selection, found in later if not found.primary.once]
        for evidence in evidences if joined else ():
            facts = audit.facts(evidence)
            yield from judged(
                queue.answers(
                    [
                        Question(
                            selection,
                            evidence,
                            facts(found.primary),
                            (evidence, *audit.folded(found)),
                            audit.beside(found),
                            audit.missing(found),
                        )
                        for selection, found in joined
                        if evidence.target.kind in found.primary.kinds
                    ]
                )
            )
        yield from judged(queue.rest())
    for selection, found in later:
        if found.primary.once:
            outcomes = Answers(uncollected(evidence) for evidence in audit.uncollected if evidence.target.kind in found.primary.kinds)
            missing = audit.missing(found)
            outcomes += [uncollected(evidence) for evidence in missing]
            if audit.collected(found.primary) and not missing:
                answers = run(selection, (audit.together(found.primary), *audit.beside(found)))
                outcomes += answers
                outcomes.held |= answers.held
            yield _judgement(selection, outcomes, "*", _Digests(*audit.folded(found)))


class _Audit:
    """What the targets of one audit give, remembered from the first reading: how many of which kind, and those that stand beside others."""

    def __init__(self, evidences: Iterable[Evidence], kept: frozenset[str]) -> None:
        self._evidences = evidences
        self._kept_kinds = kept
        self._kept: list[Evidence] = []
        self._counts: dict[str, int] = {}
        self._last: dict[Any, tuple[str, Any]] = {}  # class of facts → target and facts: of a single target everything is known already
        self.uncollected: list[Evidence] = []

    def meet(self, evidence: Evidence) -> Callable[[Need], Any]:
        kind = evidence.target.kind
        if evidence.collected:
            self._counts[kind] = self._counts.get(kind, 0) + 1
        else:
            # one that stands beside others is not judged itself, and one that failed has nothing more to give
            self.uncollected.append(evidence)
        if kind in self._kept_kinds:
            self._kept.append(evidence)
        return self.facts(evidence)

    def facts(self, evidence: Evidence) -> Callable[[Need], Any]:
        """Facts of a target for a need, made once."""

        def of(need: Need) -> Any:
            if not evidence.collected:
                return None
            made = need.facts_of(evidence.target.kind)
            known = self._last.get(made)
            if known is None or known[0] != evidence.target.id:
                known = self._last[made] = (evidence.target.id, made(evidence))
            return known[1]

        return of

    def all(self, need: Need) -> Sequence[Any]:
        count = sum(self._counts.get(kind, 0) for kind in need.kinds)
        for made in need.facts if count == 1 else ():
            if made in self._last and any(self._counts.get(kind) for kind in made.kinds):
                return (self._last[made][1],)
        return Many(need, self._evidences, count)

    def collected(self, need: Need) -> bool:
        return any(self._counts.get(kind) for kind in need.kinds)

    def together(self, need: Need) -> Any:
        """What all collected targets of some kinds are: one fact made of them, or the facts of each."""
        return self._one(need) if need.folded else self.all(need)

    def _present(self, need: Need) -> bool:
        return any(self._counts.get(kind) for kind in need.kinds) or any(one.target.kind in need.kinds for one in self.uncollected)

    def can_run(self, found: Binding) -> bool:
        """Whether the audit has a target, collected or not, for each thing that the check cannot do without."""
        return self._present(found.primary) and all(need.optional or self._present(need) for need in found.beside)

    def folded(self, found: Binding) -> tuple[Evidence, ...]:
        kinds = {kind for need in found.needs if need.folded for kind in need.kinds}
        return tuple(evidence for evidence in self._kept if evidence.collected and evidence.target.kind in kinds)

    def missing(self, found: Binding) -> tuple[Evidence, ...]:
        """What should stand beside the judged target and was not collected."""
        kinds = {kind for need in found.beside for kind in need.kinds}
        return tuple(evidence for evidence in self.uncollected if evidence.target.kind in kinds)

    def beside(self, found: Binding) -> tuple[Any, ...]:
        return tuple(None if need.optional and not self._present(need) else self.together(need) for need in found.beside)

    def _one(self, need: Need) -> Any:
        evidences = tuple(evidence for evidence in self._kept if evidence.collected and evidence.target.kind in need.kinds)
        key = need.facts[0]
        if key not in self._last:
            self._last[key] = ("*", key(evidences))
        return self._last[key][1]


_HOST = Need((Host,), together=False, optional=False)


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


def _judgement(selection: Selection, outcomes: Answers, target: str, digests: _Digests) -> Judgement:
    passed = sorted(outcomes.held)
    findings = [_finding(selection, outcome, target, digests) for outcome in outcomes]
    findings.sort(
        key=lambda finding: (finding.subject, finding.verdict.value, finding.message.text, sorted(map(str, finding.message.args.items())))
    )
    return Judgement(selection.check.id, dict(selection.params), target, tuple(passed), tuple(findings))


def _finding(selection: Selection, outcome: Outcome, target: str, digests: _Digests) -> Finding:
    names = [f"file:{line.file}" for line in outcome.because] + list(outcome.evidence)
    evidence = digests.of(names)
    # a fleet says the same of many: one set of texts for all of them
    said = (id(selection), outcome.verdict, outcome.text, repr(outcome.args), outcome.subject, outcome.settle)
    key = (said, outcome.seen, outcome.because, tuple(evidence), outcome.gaps)
    known = digests.said.get(key)
    if known is not None:
        return but(known, target=target)
    if len(digests.said) >= MAX_SAID:
        digests.said.clear()
    args = {key: _arg(value) for key, value in outcome.args.items()}
    digests.said[key] = found = Finding(
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
        evidence=evidence,
        gaps=[gap_note(gap) for gap in list(dict.fromkeys(outcome.gaps))[:MAX_BECAUSE]],
        controls=[],
        also=[],
    )
    return found


@lru_cache(maxsize=4096)
def gap_note(gap: Gap) -> GapNote:
    """As a document holds it."""
    return GapNote(item=clean(gap.item), reason=gap.reason, detail=clean(gap.detail))


@lru_cache(maxsize=4096)
def _because(line: Line) -> Because:
    return Because(file=clean(line.file), line=line.number, text=clean(line.text))


def _arg(value: Arg) -> Arg:
    if isinstance(value, str):
        return clean(value)
    return value if -(2**53) < value < 2**53 else str(value)


def params_document(params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as JSON values: sets and tuples become sorted or ordered lists."""
    return {
        key: sorted(value) if isinstance(value, (set, frozenset)) else list(value) if isinstance(value, tuple) else value
        for key, value in params.items()
    }


class _Digests:
    """Digests of the artifacts that a finding rests on, each computed once. said: findings made before, by what they say."""

    def __init__(self, *evidences: Evidence, said: dict[Hashable, Finding] | None = None) -> None:
        self._evidences = evidences
        self.said: dict[Hashable, Finding] = {} if said is None else said
        self._known: dict[str, list[str]] = {}

    def of(self, names: Iterable[str]) -> list[str]:
        found: set[str] = set()
        for name in dict.fromkeys(names):
            if name not in self._known:
                held = (evidence.artifacts.get(name) for evidence in self._evidences)
                self._known[name] = [canon.digest(data) for data in held if data is not None]
            found.update(self._known[name])
        return sorted(found)
