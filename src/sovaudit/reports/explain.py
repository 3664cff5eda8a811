"""Pages about checks and controls: for `sovaudit explain` and for docs/checks/, from the same source as the code."""

from __future__ import annotations

import textwrap
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any

from sovaudit.authoring import Check
from sovaudit.model.directive import Control, Directive
from sovaudit.reports import peers, wording
from sovaudit.reports.locale import PAGES, Words, catalogue
from sovaudit.reports.pages import REMEDY, sections, title_of


def check_page(check: Check, directives: Iterable[Directive], language: str = "en") -> str:
    """Markdown: the check's own page, its knobs, and the controls that name it. Raises UsageError for a language we do not have."""
    t = Words(language)
    words = catalogue(language, PAGES)
    title = title_of(check.page)
    if words:
        parts = sections(check.page)
        body = "\n\n".join("\n".join(_filled(words, text, t("Remedy") + t(": ")) for text in paragraph) for paragraph in parts)
    else:
        body = check.page.strip().partition("\n")[2].strip()
    lines = [f"# {check.id}", "", f"**{t(title)}.**", "", body, ""]
    severity = wording.severity_sign(check.severity, t).word.lower() if words else check.severity.value
    lines += [t("Severity: {severity}. Since: {since}.", severity=t.ours(severity), since=check.since), "", f"## {t('Knobs')}", ""]
    if check.knobs:
        lines += [f"| {t('knob')} | {t('type')} | {t('default')} |", "|---|---|---|"]
        lines += [f"| `{name}` | {_kind(check.knob_types[name], t)} | `{_value(value)}` |" for name, value in check.knobs.items()]
    else:
        lines.append(t("None."))
    lines += ["", f"## {t('Controls that name it')}", ""]
    rows = [
        f"- {directive.id} `{control.id}` {control.title}" + (f" ({t('as a remark')})" if check.id in control.remarks else "")
        for directive in directives
        for control in directive.controls
        if check.id in control.checks or check.id in control.remarks
    ]
    lines += rows or [t("None.")]
    lines += ["", f"## {t('What others ask about it')}", ""]
    others = [f"- {source}: {', '.join(f'`{rule}`' for rule in rules)}" for source, rules in peers.of(check.id)]
    lines += others or [t("Nothing that we know of.")]
    return "\n".join(lines) + "\n"


def _filled(words: Mapping[str, str], text: str, remedy: str) -> str:
    """A paragraph in the reader's language, wrapped as the pages are."""
    if text.startswith(REMEDY):
        bare = text.removeprefix(REMEDY).strip()
        return textwrap.fill(remedy + words.get(bare, bare), 140, break_on_hyphens=False, break_long_words=False)
    return textwrap.fill(words.get(text, text), 140, break_on_hyphens=False, break_long_words=False)


def _kind(kind: Any, t: Words) -> str:
    """A knob's type as people type it: `14`, `true`, `a,b,c`."""
    words = {int: t("whole number"), bool: t("true or false"), str: t("text"), list: t("list"), tuple: t("list"), set: t("list"),
             frozenset: t("list"), type(None): "none"}  # fmt: skip
    base = typing.get_origin(kind) or kind
    if base in words:
        return words[base]
    parts = [_kind(part, t) for part in typing.get_args(kind)]
    return t(" or ").join(parts) if isinstance(kind, types.UnionType) or base is typing.Union else str(kind)


def _value(value: Any) -> str:
    if isinstance(value, (set, frozenset)):
        value = tuple(sorted(value))
    if isinstance(value, (tuple, list)):
        return ", ".join(str(item) for item in value) or "none named"
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def control_page(directive: Directive, control: Control, checks: Mapping[str, Check], language: str = "en") -> str:
    """Plain text: one control of a directive, what could prove it, and the checks that it names, by title."""
    t = Words(language)
    what = t(wording.PROVABLE[control.provable.value])
    if control.machine:
        what += f" ({t('wholly') if control.machine == 'full' else t('in part')})"
    lines = [
        f"{directive.id} {control.id}",
        control.title,
        "",
        control.paraphrase.to(language),
        "",
        t("Could be proved by {what}", what=t.ours(what)),
    ]
    if control.evidence:
        lines.append(t("Evidence") + t(": ") + control.evidence.to(language))
    for head, names in ((t("What it requires"), control.checks), (t("What bears on it, as a remark"), control.remarks)):
        if names:
            width = max(map(len, names))
            lines += ["", head, *(f"  {name:<{width}}  {t(checks[name].title) if name in checks else ''}".rstrip() for name in names)]
    if not control.checks and not control.remarks:
        lines += ["", t("No check bears on it.")]
    return "\n".join(lines) + "\n"


def index(checks: Iterable[Check]) -> str:
    """docs/checks/README.md."""
    rows = [f"- [{check.id}]({check.id}.md): {check.title}" for check in checks]
    return "# Checks\n\nGenerated from the check files by `make docs`.\n\n" + "\n".join(rows) + "\n"
