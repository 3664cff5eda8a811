"""The report as Markdown: the summary that a CI job or a merge request shows. Findings in full stand in report.html."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from sovaudit import gates
from sovaudit.model.report import Report
from sovaudit.model.verdict import TargetStatus
from sovaudit.reports import wording
from sovaudit.reports.grouping import blocks, labels
from sovaudit.reports.hostile import visible
from sovaudit.reports.locale import Words, translate
from sovaudit.reports.pages import CheckText, installed_checks

MOST = 200  # answers listed; the rest is counted
_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+|!~-])")


def render_markdown(report: Report, *, language: str = "fr", pages: Mapping[str, CheckText] | None = None) -> str:
    """GitHub's and GitLab's common dialect; what a host wrote is escaped. Raises UsageError for a language we do not have."""
    return "\n".join([*_lines(report, Words(language), installed_checks() if pages is None else pages), ""])


def _lines(report: Report, t: Words, pages: Mapping[str, CheckText]) -> Iterator[str]:
    sign = wording.verdict_sign
    yield f"## sovaudit · {plain(report.profile.id)} · {t.time(report.issued_at)}"
    yield ""
    yield f"`{gates.policy_line(report.summary, report.gate)}`"
    yield ""
    blind = [note for note in report.targets if note.status is not TargetStatus.COLLECTED]
    if blind:
        yield f"**{t('What was not seen')}**"
        yield ""
        short = labels(report.targets)
        for note in blind:
            word = wording.target_sign(note.status, t)
            yield f"- {word.glyph} {plain(short.get(note.id, note.id))} ({word.word.lower()}) {plain(visible(note.error, limit=300))}".rstrip()
        yield ""
    answers = [
        (block, group, variant)
        for block in blocks(report.findings)
        for group in block.groups
        if group.verdict.value in ("fail", "unknown", "error")
        for variant in group.variants
    ]
    if not answers:
        return
    yield f"| | {t('Severity')} | {t('Check')} | {t('Subject')} | {t('Targets')} | |"
    yield "|---|---|---|---|---|---|"
    for block, group, variant in answers[:MOST]:
        finding = variant.finding
        mark = sign("waived" if group.waived else group.verdict.value, t)
        grade = wording.severity_sign(finding.severity, t)
        title = pages.get(block.check)
        said = translate(finding.message.text, finding.message.args, t.language)
        cells = [
            f"{mark.glyph} {mark.word}", grade.word, f"`{block.check}`" if title is None else f"{plain(t(title.title))} (`{block.check}`)",
            plain(visible(finding.subject, limit=100)), str(len(variant.targets)), plain(said),
        ]  # fmt: skip
        yield "| " + " | ".join(cells) + " |"
    if len(answers) > MOST:
        yield ""
        yield t.plural("and {n} more", "and {n} more", len(answers) - MOST)


def plain(text: str) -> str:
    """Text that Markdown and HTML leave as it is."""
    return _SPECIAL.sub(r"\\\1", text.replace("&", "&amp;")).replace("\\<", "&lt;").replace("\n", " ")
