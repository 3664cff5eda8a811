"""The report's plain registers: thresholds, targets, waivers, calibration, digests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from sovaudit.model.report import Report
from sovaudit.reports import wording
from sovaudit.reports.hostile import visible
from sovaudit.reports.locale import Words, shown
from sovaudit.reports.matrix import system_of
from sovaudit.reports.wording import Sign

IN_FULL = 60
"""Up to so many targets are described at length."""


@dataclass(frozen=True, slots=True)
class ThresholdView:
    check: str
    title: str
    params: list[tuple[str, str]]
    severity: Sign
    origin: str
    kind: str
    source: str


def thresholds(report: Report, t: Words, title: Callable[[str], str]) -> list[ThresholdView]:
    return [
        ThresholdView(
            note.check,
            title(note.check),
            [(name, wording.params_text({name: value}).split(" = ", 1)[1]) for name, value in sorted(note.params.items())],
            wording.severity_sign(note.severity, t),
            t(wording.ORIGINS[note.origin]),
            note.origin,
            t.remark(note.source),
        )
        for note in report.profile.parameters
    ]


@dataclass(frozen=True, slots=True)
class TargetView:
    label: str
    uri: str
    kind: str
    system: str
    identity: list[tuple[str, str]]
    sign: Sign
    error: Markup
    taken_at: str
    skew: str
    gaps: list[tuple[Markup, str, Markup]]
    gap_count: str
    cost: str


def targets(report: Report, t: Words, labels: Mapping[str, str]) -> list[TargetView]:
    """Every target; beyond IN_FULL of them, gaps are counted only (they stand together under what was not seen)."""
    full = len(report.targets) <= IN_FULL
    return [
        TargetView(
            visible(labels.get(note.id, note.id), limit=100),
            visible(note.uri, limit=160),
            visible(note.kind, limit=20),
            system_of(note),
            [(visible(key, limit=30), visible(value, limit=100)) for key, value in sorted(note.identity.items())[:12]] if full else [],
            wording.target_sign(note.status, t),
            shown(note.error, 300) if note.error else Markup(),
            t.time(note.taken_at) if note.taken_at else "—",
            t("{n} ms", n=t.exact(note.clock_skew_ms)) if note.clock_skew_ms is not None else "—",
            [(shown(gap.item, 200), t(wording.REASONS[gap.reason]), shown(t.remark(gap.detail), 300)) for gap in note.gaps[:200]]
            if full
            else [],
            t.number(len(note.gaps)),
            _cost(note.cost, t),
        )
        for note in report.targets
    ]


def _cost(cost: Mapping[str, int], t: Words) -> str:
    parts = []
    if "wall_ms" in cost:
        parts.append(t("{n} ms", n=t.exact(cost["wall_ms"])))
    if "bytes" in cost:
        parts.append(t("{n} kB", n=t.exact(-(-cost["bytes"] // 1000))))
    return " · ".join(parts) or "—"


@dataclass(frozen=True, slots=True)
class WaiverView:
    sign: Sign
    check: str
    target: str
    subject: Markup
    until: str
    reason: Markup
    owner: Markup
    approved_by: Markup


def waivers(report: Report, t: Words) -> list[WaiverView]:
    return [
        WaiverView(
            wording.sign(wording.WAIVERS, note.state, t),
            note.check,
            visible(note.target, limit=120),
            shown(note.subject, 160),
            t.time(note.until),
            shown(note.reason, 600),
            shown(note.owner, 120),
            shown(note.approved_by, 120),
        )
        for note in report.waivers
    ]


@dataclass(frozen=True, slots=True)
class CalibrationView:
    agrees: bool | None
    target: str
    fact: str
    program: str
    detail: Markup


def calibration(report: Report, labels: Mapping[str, str]) -> tuple[int, int, int, list[CalibrationView]]:
    """(agree, differ, not asked, rows): differences first; agreements are counted and, past a hundred, no longer listed."""
    agree = sum(note.agrees is True for note in report.calibration)
    differ = sum(note.agrees is False for note in report.calibration)
    order = {False: 0, None: 1, True: 2}
    ranked = sorted(report.calibration, key=lambda note: order[note.agrees])
    rows = [
        CalibrationView(
            note.agrees, visible(labels.get(note.target, note.target), limit=100), visible(note.fact, limit=200),
            visible(note.program, limit=200), shown(note.detail, 300),
        )
        for note in ranked[: max(100, differ)]
    ]  # fmt: skip
    return agree, differ, len(report.calibration) - agree - differ, rows


def digests(report: Report) -> list[tuple[str, str]]:
    """Digests that the report carries: (what, value); `what` is a key of the template's own words."""
    found = [
        ("evidence", report.evidence.root),
        ("checks", report.tool.checks_digest),
        ("profile", report.profile.digest),
        ("renderer", report.tool.renderer_digest),
    ]
    found += [(directive.id, directive.digest) for directive in report.directives]
    if report.previous:
        found.append(("previous", report.previous))
    return found
