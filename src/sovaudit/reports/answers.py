"""Findings as the page shows them: each answer with its evidence, equal ones once, and the names of all that fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from sovaudit.model.report import Report
from sovaudit.model.verdict import TargetStatus, Verdict
from sovaudit.reports import grouping, wording
from sovaudit.reports.grouping import Block, Group, Variant
from sovaudit.reports.hostile import quoted, visible
from sovaudit.reports.locale import Words, shown, translate_markup
from sovaudit.reports.pages import CheckText, DirectiveText
from sovaudit.reports.rules import directive_views
from sovaudit.reports.wording import Sign

FULL = 8
"""Answers of one group that are shown with their evidence; the rest is listed by target."""
FULL_IN_A_FLEET = 3
NAMES = 40
"""Targets named in a list of what is not failing; failing ones are all named."""
MOST_LINES = 8


@dataclass(frozen=True, slots=True)
class VariantView:
    subject: Markup
    message: Markup
    seen: Markup
    lines: list[tuple[Markup, str, Markup]]
    more_lines: str
    gaps: list[tuple[Markup, str, Markup]]
    settle: Markup
    waiver: Markup
    evidence: list[str]
    targets: list[str]
    """Labels of the targets that gave this answer, all of them where it fails."""
    more_targets: str
    reach: str


@dataclass(frozen=True, slots=True)
class GroupView:
    sign: Sign
    severity: Sign | None
    reach: str
    variants: list[VariantView]
    rest: list[tuple[str, str]]
    """(label, subjects) of what is not shown in full."""
    rest_title: str
    more: str


@dataclass(frozen=True, slots=True)
class BlockView:
    anchor: str
    check: str
    title: str
    family: str
    params: str
    severity: Sign
    signs: list[Sign]
    remedy: str
    controls: list[tuple[str, str]]
    groups: list[GroupView]


class Answers:
    """One report in one language: its findings, and the small words that every section needs."""

    def __init__(self, report: Report, t: Words, checks: Mapping[str, CheckText], directives: Mapping[str, DirectiveText]) -> None:
        self.report = report
        self.t = t
        self.checks = checks
        self.directives = directives
        self.labels = grouping.labels(report.targets)
        blind = {target.id for target in report.targets if target.status not in (TargetStatus.COLLECTED, TargetStatus.PARTIAL)}
        self.unanswered: dict[str, int] = {}
        told = []
        for finding in report.findings:  # a target that was not collected leaves every question open: said once, not under every check
            if finding.verdict is Verdict.UNKNOWN and finding.target in blind:
                self.unanswered[finding.target] = self.unanswered.get(finding.target, 0) + 1
            else:
                told.append(finding)
        everything = grouping.blocks(told)
        self.blocks = [block for block in everything if block.worst.verdict is not Verdict.NOT_APPLICABLE]
        self.idle = [block for block in everything if block.worst.verdict is Verdict.NOT_APPLICABLE]
        self.anchors = {(block.check, grouping.params_key(block.params)): f"f{n}" for n, block in enumerate(self.blocks, 1)}
        self.first_anchor: dict[str, str] = {}
        for block in self.blocks:
            self.first_anchor.setdefault(block.check, self.anchors[block.check, grouping.params_key(block.params)])
        self.fleet = len(report.targets) > 60
        self.rule_views = directive_views(report, t, directives, self.title, self.first_anchor)
        self.rule_anchors = {
            (view.id, rule.id): rule.anchor for view in self.rule_views for chapter in view.chapters for rule in chapter.rules
        }

    def title(self, check: str) -> str:
        """The check's title in this language; the id of a check that is not installed."""
        return self.t(self.checks[check].title) if check in self.checks else check

    def findings(self) -> list[tuple[str, list[BlockView]]]:
        """Blocks in reading order under a heading each: open failures, waived ones, what is not known."""
        t = self.t
        heads: list[tuple[str, list[BlockView]]] = [(t("Failures"), []), (t("Failures under a waiver"), []), (t("Not known"), [])]
        for block in self.blocks:
            worst = block.worst
            where = 2 if worst.verdict is not Verdict.FAIL else 1 if worst.waived else 0
            heads[where][1].append(self._block(block))
        return [(head, views) for head, views in heads if views]

    def not_applicable(self) -> list[tuple[str, str, list[tuple[Markup, str]]]]:
        return [
            (block.check, self.title(block.check),
             [(translate_markup(group.text, group.variants[0].finding.message.args, self.t.language), self._reach(list(group.targets)))
              for group in block.groups])
            for block in self.idle
        ]  # fmt: skip

    def _block(self, block: Block) -> BlockView:
        t = self.t
        text = self.checks.get(block.check)
        anchor = self.anchors[block.check, grouping.params_key(block.params)]
        return BlockView(
            anchor,
            block.check,
            self.title(block.check),
            wording.family_name(block.check, t),
            wording.params_text(block.params),
            wording.severity_sign(block.worst.severity, t),
            [wording.verdict_sign(word, t) for word in dict.fromkeys(_word(group) for group in block.groups)],
            t(text.remedy) if text and text.remedy else "",
            [(control, self._control_anchor(control)) for control in block.controls],
            [self._group(group) for group in block.groups if group.verdict is not Verdict.NOT_APPLICABLE],
        )

    def _control_anchor(self, control: str) -> str:
        """Findings name a control `directive:id` or by its id alone."""
        directive, _, rule = control.partition(":")
        found = self.rule_anchors.get((directive, rule))
        return found or next((anchor for (_, name), anchor in self.rule_anchors.items() if name == control), "")

    def _group(self, group: Group) -> GroupView:
        t = self.t
        full = FULL_IN_A_FLEET if self.fleet else FULL
        failing = group.verdict is Verdict.FAIL
        kept, rest = group.variants[:full], group.variants[full:]
        left: dict[str, list[str]] = {}
        for variant in rest:
            for target in variant.targets:
                left.setdefault(target, []).append(variant.finding.subject)
        names = list(left.items())
        listed = names if failing else names[:NAMES]
        subjects = 12 if self.fleet else 60
        return GroupView(
            wording.verdict_sign(_word(group), t),
            wording.severity_sign(group.severity, t) if failing else None,
            t.plural("{n} outcome on {reach}", "{n} outcomes on {reach}", group.count, reach=t.ours(self._count(len(group.targets)))),
            [self._variant(variant, failing) for variant in kept],
            [(self.label(target), _listed(found, subjects)) for target, found in listed],
            t.plural("{n} more outcome of the same kind", "{n} more outcomes of the same kind", sum(len(s) for s in left.values())),
            self._more(len(names) - len(listed)),
        )  # fmt: skip

    def _variant(self, variant: Variant, failing: bool) -> VariantView:
        t, finding = self.t, variant.finding
        listed = variant.targets if failing else variant.targets[:NAMES]
        language = t.language
        return VariantView(
            shown(finding.subject, 160),
            translate_markup(finding.message.text, finding.message.args, language),
            shown(t.remark(finding.seen), 600) if finding.seen else Markup(),
            [
                (
                    shown(line.file, 200),
                    str(line.line) if line.line else "",
                    shown(quoted(line.text if line.line else t.remark(line.text)), 400),
                )
                for line in finding.because[:MOST_LINES]
            ],
            self._more(len(finding.because) - MOST_LINES),
            [(shown(gap.item, 200), t(wording.REASONS[gap.reason]), shown(t.remark(gap.detail), 300)) for gap in finding.gaps[:MOST_LINES]],
            translate_markup(finding.settle.text, finding.settle.args, language) if finding.settle and finding.settle.text else Markup(),
            shown(finding.waiver, 300) if finding.waiver else Markup(),
            [visible(piece, limit=100) for piece in finding.evidence[:4]] if len(variant.targets) == 1 else [],
            [self.label(target) for target in listed],
            self._more(len(variant.targets) - len(listed)),
            self._count(len(variant.targets)),
        )

    def label(self, target: str) -> str:
        return self.t("all targets together") if target == "*" else visible(self.labels.get(target, target), limit=120)

    def _count(self, n: int) -> str:
        return self.t.plural("{n} target", "{n} targets", n)

    def _reach(self, targets: list[str]) -> str:
        """Up to three names, or how many."""
        return ", ".join(self.label(target) for target in targets) if len(targets) <= 3 else self._count(len(targets))

    def _more(self, n: int) -> str:
        return self.t.plural("and {n} more", "and {n} more", n) if n > 0 else ""


def _listed(subjects: list[str], most: int) -> str:
    names = ", ".join(visible(subject, limit=80) for subject in subjects[:most] if subject)
    return f"{names} … (+{len(subjects) - most})" if len(subjects) > most else names


def _word(group: Group) -> str:
    return "waived" if group.waived else group.verdict.value
