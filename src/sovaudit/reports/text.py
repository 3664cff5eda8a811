"""The report on a terminal: what was not seen first, then what fails, then counts; the last line always has the contract's shape."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator, Mapping

from sovaudit import gates
from sovaudit.model.report import Report
from sovaudit.model.verdict import Severity, TargetStatus, Verdict
from sovaudit.reports import grouping, wording
from sovaudit.reports.grouping import Block
from sovaudit.reports.hostile import quoted, visible
from sovaudit.reports.locale import Words, translate
from sovaudit.reports.pages import CheckText, installed_checks
from sovaudit.reports.rows import settled

_COLOURS = {"bad": "31", "bug": "35", "open": "34", "held": "33", "good": "32", "none": "2"}
ANSWERS = 5
"""Answers shown of one check; the rest is counted."""
NAMES = 6
LINES = 20
"""Lines of what was not seen; the rest is counted."""
ODD = 6
"""Lines of what was odd in one target; the rest is counted."""
FROM_FILES = ("badges", "ldif", "logs", "people", "rights")


def render_text(
    report: Report,
    *,
    language: str = "en",
    color: bool = False,
    width: int = 80,
    where: Mapping[str, str] | None = None,
    pages: Mapping[str, CheckText] | None = None,
) -> str:
    """The report as lines of visible text, ending in a newline. where: what was written → its path. Nothing is told by colour alone.

    Raises UsageError for a language we do not have.
    """
    text = _Text(report, Words(language), color, max(40, width), installed_checks() if pages is None else pages)
    return "\n".join([*text.lines(where or {}), gates.policy_line(report.summary, report.gate)]) + "\n"


class _Text:
    def __init__(self, report: Report, t: Words, color: bool, width: int, pages: Mapping[str, CheckText]) -> None:
        self.report, self.t, self.color, self.width, self.pages = report, t, color, width, pages
        self.labels = grouping.labels(report.targets)
        self.blind = {note.id for note in report.targets if note.status not in (TargetStatus.COLLECTED, TargetStatus.PARTIAL)}
        told = [finding for finding in report.findings if not (finding.target in self.blind and finding.verdict is Verdict.UNKNOWN)]
        self.blocks = grouping.blocks(told)

    def lines(self, where: Mapping[str, str]) -> Iterator[str]:
        said = wording.people(self.report, self.t)
        if said:
            yield from (*textwrap.wrap(said, self.width), "")
        yield from self._unseen()
        yield from self._failing()
        yield from self._counts()
        yield from (f"{name}: {visible(path)}" for name, path in where.items())
        if where:
            yield ""

    def _unseen(self) -> Iterator[str]:
        t = self.t
        rows: list[str] = []
        for note in self.report.targets:
            if note.status is not TargetStatus.COLLECTED:
                sign = wording.target_sign(note.status, t)
                rows.append(
                    self._fit(f"{sign.glyph} {self._label(note.id)} ({sign.word.lower()})", visible(note.error, limit=200), sign.css)
                )
        rows += self._odd()
        open_blocks = [block for block in self.blocks if any(group.verdict in (Verdict.UNKNOWN, Verdict.ERROR) for group in block.groups)]
        for block in open_blocks:
            rows.extend(self._open(block))
        if not rows:
            return
        yield self._bold(t("What was not seen"))
        yield from rows[:LINES]
        if len(rows) > LINES:
            yield "  " + t.plural("and {n} more", "and {n} more", len(rows) - LINES)
        yield ""

    def _odd(self) -> Iterator[str]:
        """What of an export, an archive or a list was odd; of a host its gaps are many, and the page has them."""
        for note in self.report.targets:
            odd = [gap for gap in note.gaps if note.kind in FROM_FILES and gap.detail]
            for gap in odd[:ODD]:
                yield self._fit(f"~ {self._label(note.id)}", visible(f"{gap.item}: {self.t.remark(gap.detail)}", limit=300))
            if len(odd) > ODD:
                yield "  " + self.t.plural("and {n} more", "and {n} more", len(odd) - ODD)

    def _open(self, block: Block) -> Iterator[str]:
        for group in block.groups:
            if group.verdict not in (Verdict.UNKNOWN, Verdict.ERROR):
                continue
            sign = wording.verdict_sign(group.verdict.value, self.t)
            finding = group.variants[0].finding
            said = translate(finding.message.text, finding.message.args, self.t.language)
            yield self._fit(
                f"{sign.glyph} {visible(block.check)} ({sign.word.lower()})", f"{said} [{self._reach(list(group.targets))}]", sign.css
            )
            if settle := settled(finding, self.t):
                yield self._fit("    " + self.t("To settle it") + self.t(": "), settle)

    def _failing(self) -> Iterator[str]:
        t = self.t
        failing = [block for block in self.blocks if any(group.verdict is Verdict.FAIL and not group.waived for group in block.groups)]
        for severity in reversed(Severity):
            mine = [block for block in failing if block.worst.severity is severity]
            if not mine:
                continue
            sign = wording.severity_sign(severity, t)
            yield self._bold(f"{sign.glyph} {sign.word}")
            for block in mine:
                yield from self._block(block)
            yield ""

    def _block(self, block: Block) -> Iterator[str]:
        t = self.t
        text = self.pages.get(block.check)
        sign = wording.verdict_sign("fail", t)
        title = t(text.title) if text else visible(block.check)
        yield self._fit(f"{sign.glyph} {visible(block.check)} ({sign.word.lower()})", title, sign.css)
        variants = [variant for group in block.groups if group.verdict is Verdict.FAIL and not group.waived for variant in group.variants]
        for variant in variants[:ANSWERS]:
            finding = variant.finding
            said = translate(finding.message.text, finding.message.args, t.language)
            whose = f" · {visible(finding.subject, limit=100)}" if finding.subject and finding.subject not in said else ""
            yield self._fit("    " + self._reach(variant.targets) + whose + t(": "), said)
            if finding.because:
                line = finding.because[0]
                place = visible(line.file, limit=120) + (f":{line.line}" if line.line else "")
                quote = line.text.strip() if line.line else t.remark(line.text.strip())
                yield self._cut(f"      {place}  {visible(quoted(quote), limit=300)}")
            elif finding.seen:
                yield self._cut(f"      {visible(t.remark(finding.seen), limit=300)}")
        if len(variants) > ANSWERS:
            rest = variants[ANSWERS:]
            yield "    " + t("and {n} more answers of this kind on {reach}", n=t.exact(len(rest)),
                             reach=t.ours(self._reach(list(dict.fromkeys(target for variant in rest for target in variant.targets)))))  # fmt: skip
        if text and text.remedy:
            yield self._fit("    " + t("Remedy") + t(": "), t(text.remedy))

    def _counts(self) -> Iterator[str]:
        t, counts = self.t, self.report.summary.outcomes
        rows = [
            ("fail", max(counts.fail - counts.waived, 0)), ("waived", counts.waived), ("error", counts.error), ("unknown", counts.unknown),
            ("pass", counts.passed), ("not_applicable", counts.not_applicable),
        ]  # fmt: skip
        parts = []
        for word, n in rows:
            sign = wording.verdict_sign(word, t)
            parts.append((sign, f"{sign.glyph} {sign.word.lower()} {t.number(n)}"))
        for line in textwrap.wrap(" · ".join(part.replace(" ", "\u00a0") for _, part in parts), self.width):
            shown = line.replace("\u00a0", " ")
            for sign, part in parts:
                shown = shown.replace(part, self._paint(sign.css, sign.glyph) + part[len(sign.glyph) :])
            yield shown
        yield ""

    def _label(self, target: str) -> str:
        return self.t("all targets together") if target == "*" else visible(self.labels.get(target, target), limit=100)

    def _reach(self, targets: list[str]) -> str:
        if len(targets) <= NAMES:
            return ", ".join(self._label(target) for target in targets)
        return (
            ", ".join(self._label(target) for target in targets[:2]) + " " + self.t.plural("and {n} more", "and {n} more", len(targets) - 2)
        )

    def _fit(self, head: str, rest: str, css: str = "") -> str:
        """head and rest, wrapped under an indent; css colours the glyph that the head begins with."""
        joined = head + (rest if head.endswith(": ") else "  " + rest if rest else "")
        indent = " " * (len(head) - len(head.lstrip()) + 4)
        filled = textwrap.fill(joined, self.width, subsequent_indent=indent, break_on_hyphens=False)
        return self._paint(css, filled[0]) + filled[1:] if css else filled

    def _cut(self, line: str) -> str:
        """One line of evidence, cut with a mark where the terminal ends; wide characters count twice."""
        kept: list[str] = []
        room = self.width - 1
        for character in line:
            room -= 2 if unicodedata.east_asian_width(character) in "WF" else 1
            if room < 0:
                return "".join(kept) + "…"
            kept.append(character)
        return line

    def _paint(self, css: str, text: str) -> str:
        return f"\x1b[{_COLOURS[css]}m{text}\x1b[0m" if self.color else text

    def _bold(self, text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if self.color else text
