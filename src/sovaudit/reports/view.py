"""The report as a person reads it, section by section, before any markup: pure, integers only, in one language.

`page_view` gives the template everything it shows. Templates hold loops and nothing cleverer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sovaudit.model.report import Counts, Report
from sovaudit.model.verdict import Reason, Severity, TargetStatus, Verdict
from sovaudit.reports import registers, wording
from sovaudit.reports.answers import Answers
from sovaudit.reports.locale import Words, shown
from sovaudit.reports.matrix import matrix
from sovaudit.reports.pages import CheckText, DirectiveText
from sovaudit.reports.shares import percent, segments
from sovaudit.reports.signers import Signer
from sovaudit.reports.wording import Sign


@dataclass(frozen=True, slots=True)
class Tally:
    sign: Sign
    n: str
    zero: bool


class Sections(Answers):
    """One report in one language; each method is a section of the page."""

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
                else t(
                    "It shows the targets as they were between {first} and {last}, not before and not since",
                    first=t.ours(span[0]),
                    last=t.ours(span[1]),
                )
            )
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
        "people": wording.people(report, t),
        "verdict": sections.verdict(),
        "completeness": sections.completeness(),
        "outcomes": sections.outcomes(),
        "unseen": sections.unseen(),
        "limits": sections.limits(),
        "directives": sections.rule_views,
        "findings": sections.findings(),
        "idle": sections.not_applicable(),
        "matrices": matrix(report, t, sections.labels, sections.title, sections.first_anchor),
        "thresholds": registers.thresholds(report, t, sections.title),
        "targets": registers.targets(report, t, sections.labels),
        "waivers": registers.waivers(report, t),
        "declarations": report.declarations,
        "calibration": registers.calibration(report, sections.labels),
        "digests": registers.digests(report),
        "signers": signers,
        "signed": signed,
    }
