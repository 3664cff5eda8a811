"""The report as a person reads it, section by section, before any markup: pure, integers only, in one language.

`page_view` gives the template everything it shows. Templates hold loops and nothing cleverer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from sovaudit.model.report import Counts, Report
from sovaudit.model.verdict import Reason, Severity, TargetStatus, Verdict
from sovaudit.reports import grouping, registers, wording
from sovaudit.reports.grouping import Block, Group, Variant
from sovaudit.reports.hostile import visible
from sovaudit.reports.locale import Words, shown, translate_markup
from sovaudit.reports.matrix import matrix
from sovaudit.reports.pages import CheckText, DirectiveText
from sovaudit.reports.rules import directive_views
from sovaudit.reports.shares import percent, segments
from sovaudit.reports.signers import Signer
from sovaudit.reports.wording import Sign

FULL = 8
"""Answers of one group that are shown with their evidence; the rest is listed by target."""
FULL_IN_A_FLEET = 3
NAMES = 40
"""Targets named in a list of what is not failing; failing ones are all named."""
MOST_LINES = 8


@dataclass(frozen=True, slots=True)
class Tally:
    sign: Sign
    n: str
    zero: bool


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


class Sections:
    """One report in one language; each method is a section of the page."""

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

    # 1. Verdict and completeness

    def verdict(self) -> dict[str, Any]:
        t, report = self.t, self.report
        gate, summary = report.gate, report.summary
        heads = {
            "ok": ("good", "✓", t("No failure at or above the threshold")),
            "findings": ("bad", "✗", t("Failures found")),
            "incomplete": ("open", "?", t("Incomplete: not enough was seen")),
            "nothing": ("none", "⊘", t("Nothing was judged")),
        }
        css, glyph, headline = heads.get(gate.name, ("bug", "!", gate.name))
        threshold = t(wording.SEVERITIES[gate.fail_on][2]).lower()
        grave = sum(n for name, n in summary.failing_by_severity.items() if Severity(name).rank >= gate.fail_on.rank)
        lines = [
            t.plural("{n} question fails", "{n} questions fail", summary.failing)
            + " · "
            + t.plural("{n} of them at the threshold or above (threshold: {threshold})",
                       "{n} of them at the threshold or above (threshold: {threshold})", grave, threshold=threshold),
            t.plural("{n} question without an answer (limit: {limit})", "{n} questions without an answer (limit: {limit})",
                     summary.checks - summary.judged, limit=gate.max_unknown),
        ]  # fmt: skip
        return {
            "sign": Sign(css, glyph, headline),
            "lines": lines,
            "severities": [
                Tally(wording.severity_sign(s, t), t.number(n), n == 0)
                for s in reversed(Severity)
                for n in [summary.failing_by_severity.get(s.value, 0)]
            ],
            "code": gate.code,
            "name": gate.name,
        }

    def completeness(self) -> dict[str, Any]:
        t, summary = self.t, self.report.summary
        judged = Sign("seen", "●", t("Judged"))
        unjudged = Sign("open", "?", t("Without an answer"))
        missing = summary.checks - summary.judged
        collected = sum(1 for target in self.report.targets if target.status is TargetStatus.COLLECTED)
        return {
            "percent": percent(summary.judged, summary.checks),
            "ring": segments([(judged, summary.judged), (unjudged, missing)]),
            "fraction": f"{t.number(summary.judged)} / {t.number(summary.checks)}",
            "judged": t("{judged} of {all} questions judged", judged=t.exact(summary.judged), all=t.exact(summary.checks)),
            "missing": t.plural("{n} remains without an answer", "{n} remain without an answer", missing),
            "targets": t("{seen} of {all} targets collected in full", seen=t.exact(collected), all=t.exact(len(self.report.targets))),
            "rules": [
                t(
                    "{proved} of {all} rules of {directive} rest on evidence",
                    proved=t.exact(view.proved),
                    all=t.exact(view.total),
                    directive=view.id,
                )
                for view in self.rule_views[:1]
            ],
            "whole": missing == 0,
        }

    def outcomes(self) -> dict[str, Any]:
        counts = self.report.summary.outcomes
        rows = _by_verdict(counts)
        signs = [(wording.verdict_sign(word, self.t), n) for word, n in rows]
        return {
            "tallies": [Tally(sign, self.t.number(n), n == 0) for sign, n in signs],
            "bar": segments(signs),
            "total": self.t.plural("{n} outcome", "{n} outcomes", sum(n for _, n in rows)),
        }

    # 2. What was not seen

    def unseen(self) -> dict[str, Any]:
        t, report = self.t, self.report
        missing = [target for target in report.targets if target.status is not TargetStatus.COLLECTED]
        shown_missing = missing[:200]
        gaps: dict[tuple[str, Reason], tuple[dict[str, None], dict[str, None]]] = {}
        for target in report.targets:
            for gap in target.gaps:
                gaps.setdefault((gap.item, gap.reason), ({}, {}))[0][target.id] = None
        for finding in report.findings:
            for gap in finding.gaps:
                entry = gaps.setdefault((gap.item, gap.reason), ({}, {}))
                entry[0][finding.target] = None
                if finding.verdict in (Verdict.UNKNOWN, Verdict.ERROR):
                    entry[1][finding.check] = None
        ranked = sorted(gaps.items(), key=lambda pair: (-len(pair[1][1]), -len(pair[1][0]), pair[0]))
        costly = [row for row in ranked if row[1][1]]
        rows = costly[:40]
        left_unproved = [
            t.plural("{n} rule of {directive} could be proved only by {what}", "{n} rules of {directive} could be proved only by {what}",
                     n, directive=view.id, what=t(wording.PROVABLE.get(kind, kind)))
            for view in self.rule_views for kind, n in view.unproved.items() if kind in ("import", "declaration")
        ]  # fmt: skip
        return {
            "targets": [
                (self.label(target.id), wording.target_sign(target.status, t), shown(target.error, 400),
                 t.plural("{n} question open", "{n} questions open", self.unanswered.get(target.id, 0)))
                for target in shown_missing
            ],
            "more_targets": self._more(len(missing) - len(shown_missing)),
            "gaps": [
                (shown(item, 300), t(wording.REASONS[reason]), self._reach(list(hosts)),
                 [(check, self.title(check), self.first_anchor.get(check, "")) for check in checks])
                for (item, reason), (hosts, checks) in rows
            ],
            "more_gaps": self._more(len(costly) - len(rows)),
            "harmless": t.plural("{n} other item was not seen; no verdict above depends on it",
                                 "{n} other items were not seen; no verdict above depends on them", len(ranked) - len(costly))
            if len(ranked) > len(costly) else "",
            "unproved": left_unproved,
            "nothing": not missing and not costly,
        }  # fmt: skip

    def limits(self) -> list[str]:
        t, report = self.t, self.report
        times = sorted(target.taken_at for target in report.targets if target.taken_at)
        families = sorted({note.check.split(".", 1)[0] for note in report.profile.parameters})
        lines = []
        if times:
            span = (t.time(times[0]), t.time(times[-1]))
            lines.append(
                t("It shows the targets as they were at one moment, {first}, not before and not since", first=t.ours(span[0]))
                if span[0] == span[1]
                else t("It shows the targets as they were between {first} and {last}, not before and not since", first=t.ours(span[0]), last=t.ours(span[1]))
            )  # fmt: skip
        if families:
            names = ", ".join(wording.family_name(family, t).lower() for family in families)
            lines.append(t("It covers only these families of checks: {families}", families=t.ours(names)))
        lines += [
            t(
                "It is a reading of configuration and records: no intrusion was attempted, no source code was read, no architecture was reviewed"
            ),
            t(
                "What was judged and holds is counted here and named in report.json; the evidence bundle gives each in full (sovaudit replay)"
            ),
            t("A rule shown as conforming is so for the targets named here and for what the checks decide, not for the whole organisation"),
            t("Secrets were masked when the evidence was taken: password hashes, keys and tokens are in no part of it"),
        ]
        return lines

    # 3. Findings

    def findings(self) -> list[tuple[str, list[BlockView]]]:
        """Blocks in reading order under a heading each: open failures, waived ones, what is not known."""
        t = self.t
        heads: list[tuple[str, list[BlockView]]] = [(t("Failing"), []), (t("Failing, under a waiver"), []), (t("Not known"), [])]
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
        directive, _, id = control.partition(":")
        found = self.rule_anchors.get((directive, id))
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
            [
                (self.label(target), ", ".join(visible(s, limit=80) for s in found[:subjects] if s) + (f" … (+{len(found) - subjects})" if len(found) > subjects else ""))
                for target, found in listed
            ],
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
            shown(finding.seen, 600) if finding.seen else Markup(),
            [(shown(line.file, 200), str(line.line) if line.line else "", shown(line.text, 400)) for line in finding.because[:MOST_LINES]],
            self._more(len(finding.because) - MOST_LINES),
            [(shown(gap.item, 200), t(wording.REASONS[gap.reason]), shown(gap.detail, 300)) for gap in finding.gaps[:MOST_LINES]],
            translate_markup(finding.settle.text, finding.settle.args, language) if finding.settle and finding.settle.text else Markup(),
            shown(finding.waiver, 300) if finding.waiver else Markup(),
            [visible(piece, limit=100) for piece in finding.evidence[:4]] if len(variant.targets) == 1 else [],
            [self.label(target) for target in listed],
            self._more(len(variant.targets) - len(listed)),
            self._count(len(variant.targets)),
        )

    # 4. Small words

    def label(self, target: str) -> str:
        return self.t("all targets together") if target == "*" else visible(self.labels.get(target, target), limit=120)

    def _count(self, n: int) -> str:
        return self.t.plural("{n} target", "{n} targets", n)

    def _reach(self, targets: list[str]) -> str:
        """Up to three names, or how many."""
        return ", ".join(self.label(target) for target in targets) if len(targets) <= 3 else self._count(len(targets))

    def _more(self, n: int) -> str:
        return self.t.plural("and {n} more", "and {n} more", n) if n > 0 else ""


def _word(group: Group) -> str:
    return "waived" if group.waived else group.verdict.value


def _by_verdict(counts: Counts) -> list[tuple[str, int]]:
    """Outcomes by word, so that they add up: waived failures are taken out of `fail`."""
    return [
        ("fail", max(counts.fail - counts.waived, 0)),
        ("error", counts.error),
        ("unknown", counts.unknown),
        ("waived", counts.waived),
        ("pass", counts.passed),
        ("not_applicable", counts.not_applicable),
    ]


def page_view(
    report: Report,
    t: Words,
    checks: Mapping[str, CheckText],
    directives: Mapping[str, DirectiveText],
    signers: list[Signer] | None,
    signed: bool,
) -> dict[str, Any]:
    """All that the template shows. signers: None if the block cannot be read."""
    sections = Sections(report, t, checks, directives)
    return {
        "report": report,
        "verdict": sections.verdict(),
        "completeness": sections.completeness(),
        "outcomes": sections.outcomes(),
        "unseen": sections.unseen(),
        "limits": sections.limits(),
        "directives": sections.rule_views,
        "findings": sections.findings(),
        "idle": sections.not_applicable(),
        "matrix": matrix(report, t, sections.labels, sections.title, sections.first_anchor),
        "thresholds": registers.thresholds(report, t, sections.title),
        "targets": registers.targets(report, t, sections.labels),
        "waivers": registers.waivers(report, t),
        "declarations": report.declarations,
        "calibration": registers.calibration(report, sections.labels),
        "digests": registers.digests(report),
        "signers": signers,
        "signed": signed,
    }
