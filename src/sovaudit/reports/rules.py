"""Directives as a map: chapters, their rules, and the status of each. None is left out, installed or not."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sovaudit.model.report import ControlNote, Report
from sovaudit.model.verdict import Status
from sovaudit.reports import wording
from sovaudit.reports.locale import Words
from sovaudit.reports.pages import ControlText, DirectiveText
from sovaudit.reports.shares import Segment, percent, segments
from sovaudit.reports.wording import Sign

_ORDER = (Status.NON_CONFORMING, Status.PARTIAL, Status.CONFORMING, Status.DECLARED, Status.NOT_VERIFIABLE, Status.NOT_APPLICABLE)
_NOTHING = ControlText("")


@dataclass(frozen=True, slots=True)
class RuleView:
    anchor: str
    id: str
    title: str
    paraphrase: str
    objective: str
    sign: Sign
    basis: str
    provable: str
    proof: str
    counts: list[tuple[Sign, str]]
    checks: list[tuple[str, str, str]]
    """(id, title, anchor of its findings or empty)"""


@dataclass(frozen=True, slots=True)
class ChapterView:
    anchor: str
    number: str
    title: str
    rules: list[RuleView]
    tallies: list[tuple[Sign, str]]
    bar: list[Segment]
    conforming: str


@dataclass(frozen=True, slots=True)
class DirectiveView:
    id: str
    edition: str
    title: str
    chapters: list[ChapterView]
    tallies: list[tuple[Sign, str]]
    bar: list[Segment]
    authority: str
    rate: list[str]
    total: int
    proved: int
    unproved: dict[str, int]
    """What could prove it → rules that are not verifiable for want of it."""


def directive_views(
    report: Report,
    t: Words,
    texts: Mapping[str, DirectiveText],
    title: Callable[[str], str],
    anchors: Mapping[str, str],
) -> list[DirectiveView]:
    """One view per directive of the report, in its order. title: check id → words; anchors: check id → its findings on the page."""
    notes: dict[str, list[ControlNote]] = {}
    for note in report.controls:
        notes.setdefault(note.directive, []).append(note)
    editions = {directive.id: directive.edition for directive in report.directives}
    found = []
    for number, name in enumerate(dict.fromkeys([*editions, *notes]), 1):
        text = texts.get(name)
        order = {control: place for place, control in enumerate(text.controls)} if text else {}
        mine = sorted(notes.get(name, []), key=lambda note: order.get(note.id, len(order)))
        found.append(_directive(number, name, editions.get(name, ""), text, mine, t, title, anchors))
    return found


def _directive(
    number: int,
    directive: str,
    edition: str,
    text: DirectiveText | None,
    notes: list[ControlNote],
    t: Words,
    title: Callable[[str], str],
    anchors: Mapping[str, str],
) -> DirectiveView:
    controls = text.controls if text else {}
    chapters: dict[int | None, list[ControlNote]] = {}
    for note in notes:
        chapters.setdefault(controls.get(note.id, _NOTHING).chapter, []).append(note)
    views, place = [], 0
    for chapter_number, (chapter, mine) in enumerate(sorted(chapters.items(), key=lambda pair: (pair[0] is None, pair[0] or 0)), 1):
        rules = []
        for note in mine:
            place += 1
            rules.append(_rule(f"r{number}-{place}", note, controls.get(note.id, _NOTHING), t, title, anchors))
        name = sentence_case(text.chapters.get(chapter, "")) if text and chapter is not None else ""
        conforming = sum(note.status is Status.CONFORMING for note in mine)
        views.append(
            ChapterView(
                f"d{number}-{chapter_number}", "" if chapter is None else str(chapter), name or t("All rules"), rules,
                _tallies(mine, t), segments(_counts(mine, t)), f"{conforming}/{len(mine)}",
            )
        )  # fmt: skip
    unproved: dict[str, int] = {}
    for note in notes:
        kind = controls.get(note.id, _NOTHING).provable
        if note.status is Status.NOT_VERIFIABLE and kind:
            unproved[kind] = unproved.get(kind, 0) + 1
    return DirectiveView(
        directive, edition, _in(text.title, t.language) if text else directive, views, _tallies(notes, t), segments(_counts(notes, t)),
        text.authority if text else "", _rate(notes, t), len(notes), sum(note.basis == "evidence" for note in notes), unproved,
    )  # fmt: skip


def _rule(anchor: str, note: ControlNote, text: ControlText, t: Words, title: Callable[[str], str], anchors: Mapping[str, str]) -> RuleView:
    counts = note.counts
    outcomes = [("fail", counts.fail), ("error", counts.error), ("unknown", counts.unknown), ("pass", counts.passed)]
    return RuleView(
        anchor,
        note.id,
        text.title or note.id,
        _in(text.paraphrase, t.language),
        text.objective,
        wording.status_sign(note.status, t),
        t(wording.BASES[note.basis]),
        t(wording.PROVABLE[text.provable]) if text.provable in wording.PROVABLE else text.provable,
        _in(text.evidence, t.language),
        [(wording.verdict_sign(word, t), t.number(n)) for word, n in outcomes if n],
        [(check, title(check), anchors.get(check, "")) for check in note.checks],
    )


def _counts(notes: list[ControlNote], t: Words) -> list[tuple[Sign, int]]:
    return [(wording.status_sign(status, t), sum(note.status is status for note in notes)) for status in _ORDER]


def _tallies(notes: list[ControlNote], t: Words) -> list[tuple[Sign, str]]:
    return [(sign, t.number(n)) for sign, n in _counts(notes, t) if n]


def _rate(notes: list[ControlNote], t: Words) -> list[str]:
    """The rates an auditor prints: conforming over what applies; what is not verifiable never counts as conforming."""
    applicable = sum(note.status is not Status.NOT_APPLICABLE for note in notes)
    full = sum(note.status is Status.CONFORMING for note in notes)
    some = full + sum(note.status is Status.PARTIAL for note in notes)
    blind = sum(note.status is Status.NOT_VERIFIABLE for note in notes)
    if not applicable:
        return [t("No rule applies")]
    lines = [
        t("{full} of {all} applicable rules conform ({percent} %)", full=t.exact(full), all=t.exact(applicable), percent=percent(full, applicable)),
        t("{some} with those that conform in part ({percent} %)", some=t.exact(some), percent=percent(some, applicable)),
    ]  # fmt: skip
    if blind:
        lines.append(
            t.plural(
                "{n} is not verifiable and counts as conforming nowhere", "{n} are not verifiable and count as conforming nowhere", blind
            )
        )
    return lines


def _in(text: Mapping[str, str], language: str) -> str:
    return text.get(language) or text.get("en") or next(iter(text.values()), "")


_ACRONYMS = re.compile(r"\b(si|ssi|pssi|iiv|tic)\b", re.IGNORECASE)
_ACCENTS = {
    "securite": "sécurité",
    "systemes": "systèmes",
    "controle": "contrôle",
    "liee": "liée",
    "continuite": "continuité",
    "activite": "activité",
    "conformite": "conformité",
    "acces": "accès",
    "cybersecurite": "cybersécurité",
    "a": "à",
    "developpement": "développement",
}


def sentence_case(title: str) -> str:
    """Official titles are set in capitals without accents; on a map sentence case reads better. Others stay as they are."""
    if not title.isupper():
        return title
    words = [_ACCENTS.get(word, word) for word in re.split(r"([ ’'/,-]+)", title.lower())]
    text = "".join(words)
    return _ACRONYMS.sub(lambda match: match.group().upper(), text[:1].upper() + text[1:])
