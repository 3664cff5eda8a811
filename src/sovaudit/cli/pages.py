"""Pages about checks and controls: for `sovaudit explain` and for docs/checks/, from the same source as the code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sovaudit.authoring import Check
from sovaudit.model.directive import Control, Directive


def check_page(check: Check, directives: Iterable[Directive], language: str = "en") -> str:
    """Markdown: the check's own page, its knobs, and the controls that name it."""
    from sovaudit.reports.locale import translate

    head, _, body = check.page.strip().partition("\n")
    lines = [f"# {check.id}", "", f"**{translate(head.rstrip('.'), {}, language)}.**", "", body.strip(), ""]
    lines += [f"Severity: {check.severity.value}. Since: {check.since}.", "", "## Knobs", ""]
    if check.knobs:
        lines += ["| knob | type | default |", "|---|---|---|"]
        lines += [f"| `{name}` | {_kind(check.knob_types[name])} | `{_value(value)}` |" for name, value in check.knobs.items()]
    else:
        lines.append("None.")
    lines += ["", "## Controls that name it", ""]
    rows = [
        f"- {directive.id} `{control.id}` {control.title}" + (" (as a remark)" if check.id in control.remarks else "")
        for directive in directives
        for control in directive.controls
        if check.id in control.checks or check.id in control.remarks
    ]
    lines += rows or ["None."]
    return "\n".join(lines) + "\n"


def _kind(kind: Any) -> str:
    return getattr(kind, "__name__", None) if isinstance(kind, type) and not hasattr(kind, "__args__") else str(kind).replace("|", "or")  # type: ignore[return-value]


def _value(value: Any) -> str:
    if isinstance(value, (set, frozenset)):
        value = tuple(sorted(value))
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value) or "none named"
    return str(value)


def control_page(directive: Directive, control: Control, language: str = "en") -> str:
    """Plain text: one control of a directive."""
    lines = [f"{directive.id} {control.id}", control.title, "", control.paraphrase.to(language), ""]
    proof = control.provable.value + (f" ({control.machine})" if control.machine else "")
    lines.append(f"Provable by: {proof}")
    if control.evidence:
        lines.append(f"Evidence: {control.evidence.to(language)}")
    lines.append(f"Checks: {', '.join(control.checks) or 'none'}")
    if control.remarks:
        lines.append(f"Checks that bear on it as remarks: {', '.join(control.remarks)}")
    return "\n".join(lines) + "\n"


def index(checks: Iterable[Check]) -> str:
    """docs/checks/README.md."""
    rows = [f"- [{check.id}]({check.id}.md): {check.title}" for check in checks]
    return "# Checks\n\nGenerated from the check files by `make docs`.\n\n" + "\n".join(rows) + "\n"
