"""A check asked about a target: its outcomes, none lost.

What a check did not see becomes `unknown`; what it did not answer, or an exception of ours, becomes `error`. Neither can become a pass. Of
evidence that turns out not to hold nothing is said at all: an IntegrityError ends the judging.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from sovaudit.authoring import Check
from sovaudit.bulk import growing
from sovaudit.errors import IntegrityError
from sovaudit.facts.files import Unseen
from sovaudit.model.evidence import Evidence, Gap
from sovaudit.model.finding import Arg, Outcome
from sovaudit.model.verdict import Reason, Severity, Verdict
from sovaudit.tables import at_once

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

MAX_BECAUSE = 12  # lines a finding quotes; what led there is rarely longer, and a fleet's report stays readable
MAX_TEXT = 400  # characters of any quoted text
MAX_ALIKE = 1000  # answers of one check on one target that say the same of different subjects; docs/report-format.md
MAX_SUBJECTS = 250_000  # outcomes of one check on one target

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
class Question:
    """A check about one target. rests_on: the evidence that its answer comes from. missing: what should stand beside it and was not collected."""

    selection: Selection
    evidence: Evidence
    judged: Any
    rests_on: tuple[Evidence, ...]
    beside: tuple[Any, ...] = ()
    missing: tuple[Evidence, ...] = ()

    def answer(self) -> Answers:
        if not self.evidence.collected:
            return Answers([uncollected(self.evidence)])
        if self.missing:
            return Answers(uncollected(one) for one in self.missing)
        return run(self.selection, (self.judged, *self.beside))


class Queue:
    """Questions that are answered several at a time, while others are asked: those about shared facts, most of whose time passes in an engine that
    leaves the processor's other cores, and Python, free. One target at a time.
    """

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._waiting: deque[tuple[Question, Future[Answers]]] = deque()

    def __enter__(self) -> Queue:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._pool is not None:  # who is interrupted, or has seen enough, waits for no check
            self._pool.shutdown(wait=error is None, cancel_futures=True)

    def answers(self, asked: Sequence[Question]) -> Iterator[tuple[Question, Answers]]:
        """The answers that are there to be had: all of these questions', or of those that waited before them. The rest waits."""
        if not (asked and at_once() > 1 and all(getattr(question.judged, "shared", False) for question in asked)):
            yield from ((question, question.answer()) for question in asked)
            return
        if self._waiting and self._waiting[0][0].judged is not asked[0].judged:
            yield from self.rest()
        from concurrent.futures import ThreadPoolExecutor

        self._pool = self._pool or ThreadPoolExecutor(at_once())
        self._waiting.extend((question, self._pool.submit(question.answer)) for question in asked)
        for fact in dict.fromkeys(fact for question in asked for fact in question.beside if hasattr(fact, "ready")):
            with suppress(Exception):  # whoever asks is told
                fact.ready()

    def rest(self) -> Iterator[tuple[Question, Answers]]:
        """The answers to everything that waits, in the order in which it was asked."""
        while self._waiting:
            question, future = self._waiting.popleft()
            yield question, future.result()


class Answers(list[Outcome]):
    """A check's outcomes but its passes, of which `held` has the subjects."""

    def __init__(self, outcomes: Iterable[Outcome] = ()) -> None:
        super().__init__(outcomes)
        self.held: set[str] = set()


def run(selection: Selection, facts: tuple[Any, ...]) -> Answers:
    with growing():
        return _outcomes(selection, facts)


def _outcomes(selection: Selection, facts: tuple[Any, ...]) -> Answers:
    outcomes = Answers()
    listed: dict[tuple[Verdict, str], int] = {}
    more: dict[tuple[Verdict, str], list[str]] = {}
    try:
        for count, outcome in enumerate(selection.check.function(*facts, **selection.params)):
            if count >= MAX_SUBJECTS:
                outcomes.append(_unknown("more than {limit} subjects; the rest was not judged", {"limit": MAX_SUBJECTS}, Reason.TRUNCATED))
                break
            if not isinstance(outcome, Outcome) or outcome.verdict is Verdict.ERROR:
                raise TypeError(f"a check yields passed, failed, unknown or not_applicable, not {outcome!r:.80}")
            if outcome.verdict is Verdict.PASS:
                outcomes.held.add(clean(outcome.subject))  # of a pass the name alone is kept
                continue
            alike = (outcome.verdict, outcome.text)
            listed[alike] = listed.get(alike, 0) + 1
            if listed[alike] <= MAX_ALIKE:
                outcomes.append(outcome)
            else:
                more.setdefault(alike, []).append(outcome.subject)
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
    except IntegrityError:
        raise
    except Exception as error:
        outcomes.append(_error("the check raised {kind}: {detail}", {"kind": type(error).__name__, "detail": str(error)}))
    if not outcomes and not outcomes.held:
        outcomes.append(_error("the check gave no outcome", {}))
    outcomes += [_rest(verdict, subjects) for (verdict, _), subjects in more.items()]
    return outcomes


def _rest(verdict: Verdict, subjects: list[str]) -> Outcome:
    """Of a thousand answers alike each stands by itself; those beyond stand as one, so that a directory of 100,000 makes no report of 100 MB."""
    names = ", ".join(sorted(clean(subject) for subject in subjects)[:MAX_BECAUSE])
    text = "{count} more of these, among them {names}"
    return Outcome(verdict, text, {"count": len(subjects), "names": names}, f"+{len(subjects)}")


def _settle(gap: Gap) -> str:
    return {
        Reason.DENIED: "Collect with the right to read it (see `sovaudit privileges`).",
        Reason.TIMEOUT: "Collect again with a longer --host-timeout.",
        Reason.TRUNCATED: "Collect again with a larger --max-bytes.",
        Reason.UNSUPPORTED: "Collect from the running host.",
    }.get(gap.reason, "Collect evidence that shows it.")


def uncollected(evidence: Evidence) -> Outcome:
    text = "{target} was not collected ({status}): {error}"
    args = {"target": evidence.target.id, "status": evidence.status.value, "error": evidence.error or "no reason given"}
    return Outcome(Verdict.UNKNOWN, text, args, settle="Collect the target again once its fault is mended.")


def _unknown(text: str, args: Mapping[str, Arg], reason: Reason) -> Outcome:
    return Outcome(Verdict.UNKNOWN, text, args, gaps=(Gap("subjects", reason),))


def _error(text: str, args: Mapping[str, Arg]) -> Outcome:
    return Outcome(Verdict.ERROR, text, args, settle="Report this as a defect of sovaudit or of the plugin that brings the check.")


def clean(text: str) -> str:
    """Fit for a document: bytes that were no UTF-8 become `\\xNN`, long text is cut with a mark."""
    text = str(text)
    if not text.isascii():
        text = _SURROGATE.sub(lambda match: f"\\x{ord(match[0]) & 0xFF:02x}", text)
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
