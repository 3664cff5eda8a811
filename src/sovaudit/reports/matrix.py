"""Targets × checks, one table a kind of target. A fleet too large for one is shown by operating system, with every failing host named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sovaudit.model.report import Report, TargetNote
from sovaudit.reports import wording
from sovaudit.reports.grouping import Grid, grid
from sovaudit.reports.hostile import visible
from sovaudit.reports.locale import Words
from sovaudit.reports.wording import Sign

WHOLE = 60
"""Up to so many targets each have a row of their own."""
WIDEST = 24
"""Columns of one table: what a window and a sheet of A4 hold. More checks stand in further tables of the same rows."""
MOST_SYSTEMS = 12


@dataclass(frozen=True, slots=True)
class Column:
    check: str
    title: str
    short: str
    anchor: str
    family: str
    number: int


@dataclass(frozen=True, slots=True)
class Cell:
    """sign is None where the check was not asked of the target."""

    sign: Sign | None
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """How many targets of one system stand where, worst first; held: the worst word's sign."""

    parts: list[tuple[Sign, str]]


@dataclass(frozen=True, slots=True)
class Band:
    """One table of a matrix."""

    columns: list[Column]
    families: list[tuple[str, str, int]]
    """(name, short name, number of columns)"""
    rows: list[tuple[str, str, list[Cell]]]
    """(label, system, one cell per column)"""


@dataclass(frozen=True, slots=True)
class MatrixView:
    name: str
    """Of the kind of target; empty where the audit has one kind only."""
    bands: list[Band]
    """Empty for a fleet."""
    systems: list[tuple[str, str]]
    """(system, number of targets); empty unless a fleet."""
    shares: list[tuple[Column, list[Share]]]
    failing: list[tuple[str, str, str]]
    """A fleet's failing targets: (label, system, numbers of the checks that fail)."""
    legend: list[Sign]


def system_of(target: TargetNote) -> str:
    """The operating system a target says it runs; empty if it said nothing."""
    for key in ("os", "os_name", "pretty_name", "distribution", "product"):
        if target.identity.get(key):
            return visible(target.identity[key], limit=60)
    return ""


def matrix(
    report: Report, t: Words, labels: Mapping[str, str], title: Callable[[str], str], anchors: Mapping[str, str]
) -> list[MatrixView]:
    """One view for each kind of target that was judged; at least one, empty if nothing was."""
    held = grid(report)
    kinds = (
        (t("Hosts"), ("local", "root", "ssh")),
        (t("Directories"), ("ldap", "ldif")),
        (t("Logs"), ("logs",)),
        (t("Badge systems"), ("badges",)),
    )
    known = {kind for _, members in kinds for kind in members}
    rest = (t("Other targets"), tuple({target.kind for target in report.targets} - known))
    groups = []
    for name, members in (*kinds, rest):
        asked = [target for target in report.targets if target.kind in members]
        ids = {target.id for target in asked}
        checks = {check for target, check in held.cells if target in ids}
        if checks:
            groups.append((name, asked, checks))
    if not groups:
        return [MatrixView("", [], [], [], [], [])]
    return [_view(held, asked, checks, name if len(groups) > 1 else "", t, labels, title, anchors) for name, asked, checks in groups]


def _view(
    held: Grid,
    asked: list[TargetNote],
    checks: set[str],
    name: str,
    t: Words,
    labels: Mapping[str, str],
    title: Callable[[str], str],
    anchors: Mapping[str, str],
) -> MatrixView:
    ordered = sorted(checks, key=lambda check: (_family_order(check), check))
    columns = [
        Column(check, title(check), check.split(".", 1)[-1], anchors.get(check, ""), wording.family_name(check, t), n)
        for n, check in enumerate(ordered, 1)
    ]
    signs = {word: wording.verdict_sign(word, t) for word in wording.VERDICTS}
    ids = {target.id for target in asked}
    words_used = {word for (target, _), word in held.cells.items() if target in ids}
    legend = [signs[word] for word in wording.VERDICTS if word in words_used]
    if len(asked) <= WHOLE:
        bands = []
        for part in _parts(columns):
            rows = []
            for target in asked:
                words = [held.cells.get((target.id, column.check), "") for column in part]
                cells = [Cell(signs[word], column.anchor if word in ("fail", "waived", "unknown", "error") else "") if word else Cell(None)
                         for word, column in zip(words, part, strict=True)]  # fmt: skip
                rows.append((visible(labels.get(target.id, target.id), limit=60), system_of(target), cells))
            bands.append(Band(part, _families(part, t), rows))
        return MatrixView(name, bands, [], [], [], legend)
    return _fleet(name, asked, columns, held.cells, signs, legend, labels, t)


def _parts(columns: list[Column]) -> list[list[Column]]:
    """The columns in as many parts as needed; a family is cut only where it alone is too wide, and then evenly."""
    parts: list[list[Column]] = []
    for family in dict.fromkeys(column.family for column in columns):
        mine = [column for column in columns if column.family == family]
        if parts and len(parts[-1]) + len(mine) <= WIDEST:
            parts[-1] += mine
            continue
        width = -(-len(mine) // -(-len(mine) // WIDEST))
        parts += [mine[n : n + width] for n in range(0, len(mine), width)]
    return parts


def _families(columns: list[Column], t: Words) -> list[tuple[str, str, int]]:
    found = []
    for family in dict.fromkeys(column.family for column in columns):
        mine = [column for column in columns if column.family == family]
        found.append((family, wording.short_family(mine[0].check, t), len(mine)))
    return found


def _fleet(
    kind: str,
    targets: list[TargetNote],
    columns: list[Column],
    cells: Mapping[tuple[str, str], str],
    signs: Mapping[str, Sign],
    legend: list[Sign],
    labels: Mapping[str, str],
    t: Words,
) -> MatrixView:
    members: dict[str, list[TargetNote]] = {}
    for target in targets:
        members.setdefault(system_of(target) or t("Unnamed system"), []).append(target)
    ranked = sorted(members.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    if len(ranked) > MOST_SYSTEMS:
        others = [target for _, group in ranked[MOST_SYSTEMS - 1 :] for target in group]
        ranked = [*ranked[: MOST_SYSTEMS - 1], (t("Other systems"), others)]
    shares = []
    for column in columns:
        row = []
        for _, group in ranked:
            counts: dict[str, int] = {}
            for target in group:
                word = cells.get((target.id, column.check), "")
                counts[word] = counts.get(word, 0) + 1
            row.append(Share([(signs[word], t.number(counts[word])) for word in wording.VERDICTS if word in counts]))
        shares.append((column, row))
    failing = []
    for target in targets:
        numbers = [str(column.number) for column in columns if cells.get((target.id, column.check)) == "fail"]
        if numbers:
            failing.append((visible(labels.get(target.id, target.id), limit=60), system_of(target), " ".join(numbers)))
    return MatrixView(kind, [], [(name, t.number(len(group))) for name, group in ranked], shares, failing, legend)


def _family_order(check: str) -> int:
    family = check.split(".", 1)[0]
    return list(wording.FAMILIES).index(family) if family in wording.FAMILIES else len(wording.FAMILIES)
