"""A report as rows, one answer each, in words: what the flat formats (CSV, JUnit, SARIF, Markdown) are written from.

Every text is visible already: no control, bidirectional or zero-width character leaves here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sovaudit.model.finding import Finding
from sovaudit.model.report import Report
from sovaudit.model.verdict import Severity, Verdict
from sovaudit.reports.grouping import labels
from sovaudit.reports.hostile import visible
from sovaudit.reports.locale import Words, translate
from sovaudit.reports.pages import CheckText
from sovaudit.reports.wording import params_text


@dataclass(frozen=True, slots=True)
class Row:
    """One answer. verdict: as in report.json, or `waived`. finding: None for a pass, of which the report keeps the name only."""

    check: str
    title: str
    params: str
    target: str
    label: str
    subject: str
    verdict: str
    severity: Severity
    message: str = ""
    settle: str = ""
    seen: str = ""
    place: str = ""
    controls: tuple[str, ...] = ()
    waiver: str = ""
    remedy: str = ""
    finding: Finding | None = None


PLAIN = {"Collect evidence that shows it.", "Collect from the running host."}
"""What would settle an answer, where nothing but the gap tells what that is."""


def settled(finding: Finding, t: Words) -> str:
    """What would settle an answer, with what the gap says where our words alone leave it open; empty where nothing would."""
    if not finding.settle or not finding.settle.text:
        return ""
    said = translate(finding.settle.text, finding.settle.args, t.language)
    detail = next((gap.detail for gap in finding.gaps if gap.detail), "") if finding.settle.text in PLAIN else ""
    return f"{said} ({visible(t.remark(detail), limit=300)})" if detail else said


def rows(report: Report, language: str, pages: Mapping[str, CheckText], *, passes: bool = True) -> Iterator[Row]:
    """Every answer in the report's order; passes last, one row a subject."""
    t = Words(language)
    short = labels(report.targets)
    severities = {(note.check, str(sorted(note.params.items(), key=str))): note.severity for note in report.profile.parameters}

    def head(check: str, target: str) -> tuple[str, str]:
        page = pages.get(check)
        label = t("all targets together") if target == "*" else short.get(target, target)
        return (t(page.title) if page else "", visible(label))

    for finding in report.findings:
        title, label = head(finding.check, finding.target)
        page = pages.get(finding.check)
        waived = finding.verdict is Verdict.FAIL and finding.waiver is not None
        first = finding.because[0] if finding.because else None
        yield Row(
            check=visible(finding.check), title=title, params=params_text(finding.params), target=visible(finding.target), label=label,
            subject=visible(finding.subject), verdict="waived" if waived else finding.verdict.value, severity=finding.severity,
            message=translate(finding.message.text, finding.message.args, language),
            settle=settled(finding, t),
            seen=visible(t.remark(finding.seen)), place=visible(first.file) + (f":{first.line}" if first.line else "") if first else "",
            controls=tuple(visible(control) for control in finding.controls), waiver=visible(finding.waiver or ""),
            remedy=t(page.remedy) if page and page.remedy and finding.verdict is Verdict.FAIL else "", finding=finding,
        )  # fmt: skip
    if not passes:
        return
    for held in report.passed:
        title, label = head(held.check, held.target)
        severity = severities.get((held.check, str(sorted(held.params.items(), key=str))), Severity.LOW)
        for subject in held.subjects:
            yield Row(
                check=visible(held.check), title=title, params=params_text(held.params), target=visible(held.target), label=label,
                subject=visible(subject), verdict="pass", severity=severity,
            )  # fmt: skip
