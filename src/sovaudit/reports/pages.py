"""What the page knows beyond the report: the words of checks and of directives. Part of the renderer, never of the report."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class CheckText:
    """A check's title (the good condition) and its remedy, both English keys; remedy is empty where the page has none."""

    title: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class ControlText:
    """A control in words. title: official, in the directive's own language. The mappings go from language to our words."""

    title: str
    chapter: int | None = None
    objective: str = ""
    paraphrase: Mapping[str, str] = field(default_factory=dict)
    provable: str = ""
    evidence: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DirectiveText:
    """A directive in words. title: language → text. chapters: number → official title. controls: id → text, in the directive's order."""

    title: Mapping[str, str]
    chapters: Mapping[int, str]
    controls: Mapping[str, ControlText]
    authority: str = ""


REMEDY = "Remedy:"


_OPENS = re.compile(r"\n(?=(?:Passes|Fails|Unknown|Not applicable|Out of reach)\b[^:\n]{0,40}:)")


def sections(page: str) -> tuple[tuple[str, ...], ...]:
    """A check's page after its title: paragraphs, each cut where a line begins with `Passes:` or the like; each part on one line."""
    _, *rest = re.split(r"\n\s*\n", page.strip())
    return tuple(tuple(" ".join(part.split()) for part in _OPENS.split(paragraph)) for paragraph in rest)


def remedy_of(page: str) -> str:
    """The paragraph of a check's page that begins with `Remedy:`, on one line."""
    parts = (" ".join(paragraph) for paragraph in sections(page))
    return next((text.removeprefix(REMEDY).strip() for text in parts if text.startswith(REMEDY)), "")


def title_of(page: str) -> str:
    """The page's first paragraph, on one line: the good condition."""
    return " ".join(re.split(r"\n\s*\n", page.strip())[0].split()).rstrip(".")


def installed_checks() -> Mapping[str, CheckText]:
    """The words of every check that is installed."""
    from sovaudit import registry

    return {name: CheckText(title_of(check.page), remedy_of(check.page)) for name, check in registry.load_checks().items()}


def installed_directives(ids: Iterable[str]) -> Mapping[str, DirectiveText]:
    """The words of those directives that are installed; unknown ids are left out, and the page shows their rules by id."""
    from sovaudit import directives
    from sovaudit.errors import UsageError

    found: dict[str, DirectiveText] = {}
    for name in ids:
        try:
            loaded = directives.load_directives([name])
        except UsageError:
            continue
        for directive in loaded:
            objectives = {objective.number: objective.text for objective in directive.objectives}
            controls = {
                control.id: ControlText(
                    control.title,
                    control.chapter,
                    objectives.get(control.objective or 0, ""),
                    {"fr": control.paraphrase.to("fr"), "en": control.paraphrase.to("en")},
                    control.provable.value,
                    {"fr": control.evidence.to("fr"), "en": control.evidence.to("en")} if control.evidence else {},
                )
                for control in directive.controls
            }
            chapters = {chapter.number: chapter.title for chapter in directive.chapters}
            title = {"fr": directive.title.to("fr"), "en": directive.title.to("en")}
            found[directive.id] = DirectiveText(title, chapters, controls, directive.authority)
    return found
