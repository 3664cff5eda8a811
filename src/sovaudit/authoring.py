"""All that a check author imports: `check`, the five ways to answer, and the facts to ask for.

    @check("least-privilege.uid0", severity="critical", since="0.1")
    def uid0(host: Host) -> Outcomes:
        for account in host.accounts.by_uid(0): ...

Positional parameters say what evidence a check needs; keyword-only parameters with defaults are the knobs that a profile may turn.
"""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sovaudit.errors import UsageError
from sovaudit.facts.badges import BadgeLog
from sovaudit.facts.directory import Directory
from sovaudit.facts.files import Unseen
from sovaudit.facts.host import Host
from sovaudit.facts.log_archive import LogArchive
from sovaudit.facts.rights import Rights
from sovaudit.facts.roster import Roster
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Arg, Line, Outcome
from sovaudit.model.verdict import Reason, Severity, Verdict

__all__ = [
    "BadgeLog",
    "Check",
    "Directory",
    "Gap",
    "Host",
    "Line",
    "LogArchive",
    "Outcomes",
    "Reason",
    "Rights",
    "Roster",
    "Unseen",
    "check",
    "failed",
    "not_applicable",
    "passed",
    "unknown",
]

Outcomes = Iterator[Outcome]
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\.[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Check:
    """A check as the engine sees it. needs: the positional parameters' types, in order. knobs: name → default."""

    id: str
    severity: Severity
    since: str
    function: Callable[..., Outcomes]
    page: str
    needs: tuple[Any, ...]
    knobs: dict[str, Any]
    knob_types: dict[str, Any]
    module: str

    @property
    def family(self) -> str:
        return self.id.split(".")[0]

    @property
    def title(self) -> str:
        """The page's first line: the good condition."""
        return self.page.strip().splitlines()[0].rstrip(".")


def check(id: str, *, severity: str, since: str) -> Callable[[Callable[..., Outcomes]], Check]:  # noqa: A002 - reads as the field's own word
    """Make a generator function a check. Its module's docstring is its page. Raises UsageError on a malformed id, page or signature."""

    def wrap(function: Callable[..., Outcomes]) -> Check:
        module = inspect.getmodule(function)
        page = inspect.cleandoc((module.__doc__ if module else None) or "")
        where = f"check {id}"
        if not _ID.fullmatch(id):
            raise UsageError("an id is family.name in lower case with dashes", where=where)
        if not page:
            raise UsageError(
                "its module has no docstring, so it has no page",
                where=where,
                hint="State the good condition in the first line.",
            )
        hints = typing.get_type_hints(function)
        needs, knobs, knob_types = [], {}, {}
        for parameter in inspect.signature(function).parameters.values():
            if parameter.kind is parameter.KEYWORD_ONLY:
                if parameter.default is parameter.empty:
                    raise UsageError(f"knob {parameter.name} has no default", where=where)
                knobs[parameter.name] = parameter.default
                knob_types[parameter.name] = hints.get(parameter.name, Any)
            else:
                needs.append(hints.get(parameter.name))
        return Check(id, Severity(severity), since, function, page, tuple(needs), knobs, knob_types, function.__module__)

    return wrap


def passed(
    text: str,
    *,
    subject: str = "",
    seen: str = "",
    because: Iterable[Line] = (),
    evidence: Iterable[str] = (),
    **args: Arg,
) -> Outcome:
    """The condition was seen to hold for this subject. `text` is an English template over `args`."""
    return Outcome(Verdict.PASS, text, args, subject, seen, tuple(because), tuple(evidence))


def failed(
    text: str,
    *,
    subject: str = "",
    seen: str = "",
    because: Iterable[Line] = (),
    evidence: Iterable[str] = (),
    **args: Arg,
) -> Outcome:
    """It was seen not to hold."""
    return Outcome(Verdict.FAIL, text, args, subject, seen, tuple(because), tuple(evidence))


def unknown(
    text: str,
    *,
    subject: str = "",
    settle: str = "",
    seen: str = "",
    gaps: Iterable[Gap] = (),
    because: Iterable[Line] = (),
    evidence: Iterable[str] = (),
    **args: Arg,
) -> Outcome:
    """Not enough was seen to say. `gaps` says what was not seen and why; `settle` says what would settle it."""
    return Outcome(Verdict.UNKNOWN, text, args, subject, seen, tuple(because), tuple(evidence), tuple(gaps), settle)


def not_applicable(
    text: str,
    *,
    subject: str = "",
    seen: str = "",
    because: Iterable[Line] = (),
    evidence: Iterable[str] = (),
    **args: Arg,
) -> Outcome:
    """The question does not arise here, and that was seen."""
    return Outcome(Verdict.NOT_APPLICABLE, text, args, subject, seen, tuple(because), tuple(evidence))
