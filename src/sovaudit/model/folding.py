"""A row that holds of many targets stands once in report.json: `target` names the first, `also` the others by their place in `targets`.

In memory every row is of one target; only `Report.document` folds, and reading a report unfolds. Both are functions of what is said, not of how
it came together: the same rows give the same bytes.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sovaudit.model.finding import Finding, but

if TYPE_CHECKING:
    from sovaudit.model.report import Passed

MIN_TARGETS = 10  # rows of fewer targets stay one for each: small reports read without any of this
MAX_ROWS = 2_000_000  # of a report that is read: what a forged one may unfold to


def order(finding: Finding) -> tuple[object, ...]:
    """Gravest first; total, but for findings that differ in their gaps or settlement alone."""
    return (
        -finding.severity.rank,
        finding.check,
        params_order(finding.params),
        finding.target,
        finding.subject,
        finding.verdict.value,
        finding.message.text,
        _pairs(finding.message.args),
        finding.seen,
        [(line.file, line.line, line.text) for line in finding.because],
    )


def params_order(params: Mapping[str, Any]) -> str:
    return str(sorted(params.items(), key=str))


def _pairs(args: Mapping[str, Any]) -> list[tuple[str, str]]:
    return sorted((key, str(value)) for key, value in args.items())


def fold_findings(findings: Sequence[Finding], places: Mapping[str, int]) -> list[Finding]:
    """places: of each target in `targets`. The rows keep their order; one that stands for others has the place of the first."""
    groups: dict[Hashable, dict[int, int]] = {}  # what is said → place of the target → number of the row
    for number, finding in enumerate(findings):
        place = places.get(finding.target)
        if place is not None:
            groups.setdefault(_said(finding), {}).setdefault(place, number)  # twice of one target: the second stays as it is
    heads: dict[int, list[int]] = {}
    gone: set[int] = set()
    for rows in groups.values():
        if len(rows) >= MIN_TARGETS:
            head = min(rows.values())
            heads[head] = sorted(place for place, number in rows.items() if number != head)
            gone.update(number for number in rows.values() if number != head)
    return [
        but(finding, also=heads[number]) if number in heads else finding for number, finding in enumerate(findings) if number not in gone
    ]


def _said(finding: Finding) -> Hashable:
    """Everything but the target. Types are kept apart: 1, "1" and true are different things to say."""
    return (
        finding.check,
        repr(sorted(finding.params.items())),
        finding.family,
        finding.subject,
        finding.verdict,
        finding.severity,
        _message(finding.message),
        None if finding.settle is None else _message(finding.settle),
        finding.seen,
        tuple((line.file, line.line, line.text) for line in finding.because),
        tuple(finding.evidence),
        tuple((gap.item, gap.reason, gap.detail) for gap in finding.gaps),
        finding.waiver,
        tuple(finding.controls),
    )


def _message(message: Any) -> Hashable:
    return message.text, repr(sorted(message.args.items()))


def unfold_findings(findings: Iterable[Finding], targets: Sequence[str]) -> list[Finding]:
    """One row for each target, in the order of `order`. Raises ValueError for a place that is none, or stands twice."""
    found: list[Finding] = []
    known = frozenset(targets)
    for finding in findings:
        names = _names(finding.target, finding.also, targets, known)
        _bound(len(found) + len(names))
        found.extend(but(finding, target=name, also=[]) for name in names)
    found.sort(key=order)
    return found


def fold_passed(passed: Sequence[Passed], places: Mapping[str, int]) -> list[Passed]:
    """Subjects that held on the same targets stand together."""
    questions: dict[tuple[str, str], list[Passed]] = {}
    for row in passed:
        questions.setdefault((row.check, params_order(row.params)), []).append(row)
    found: list[Passed] = []
    for rows in questions.values():
        held: dict[str, list[int]] = {}  # subject → numbers of rows
        for number, row in enumerate(rows):
            if row.target in places:
                for subject in row.subjects:
                    held.setdefault(subject, []).append(number)
        together: dict[tuple[int, ...], list[str]] = {}
        for subject, numbers in held.items():
            if len(numbers) >= MIN_TARGETS and len(set(numbers)) == len(numbers):
                together.setdefault(tuple(numbers), []).append(subject)
        folded = {subject for subjects in together.values() for subject in subjects}
        for holders, subjects in together.items():
            also = sorted(places[rows[number].target] for number in holders[1:])
            found.append(but(rows[holders[0]], subjects=sorted(subjects), also=also))
        for row in rows:
            left = [subject for subject in row.subjects if subject not in folded or row.target not in places]
            if left:
                found.append(row if len(left) == len(row.subjects) else but(row, subjects=left))
    if not any(row.also for row in found):
        return list(passed)
    found.sort(key=lambda row: (row.check, params_order(row.params), row.target, row.subjects))
    return found


def unfold_passed(passed: Iterable[Passed], targets: Sequence[str]) -> list[Passed]:
    """One row for each check, parameters and target. Raises ValueError as unfold_findings."""
    found: dict[tuple[str, str, str], Passed] = {}
    subjects: dict[tuple[str, str, str], list[str]] = {}
    known = frozenset(targets)
    count = 0
    for row in passed:
        params = params_order(row.params)
        names = _names(row.target, row.also, targets, known)
        count += len(names) * len(row.subjects)
        _bound(count)
        for name in names:
            key = (row.check, params, name)
            found.setdefault(key, row)
            subjects.setdefault(key, []).extend(row.subjects)
    return [but(found[key], target=key[2], subjects=sorted(subjects[key]), also=[]) for key in sorted(found)]


def _bound(rows: int) -> None:
    if rows > MAX_ROWS:
        raise ValueError(f"also: more than {MAX_ROWS} rows")


def _names(target: str, also: Sequence[int], targets: Sequence[str], known: frozenset[str]) -> list[str]:
    if not also:
        return [target]
    if list(also) != sorted(set(also)) or also[0] < 0 or also[-1] >= len(targets):
        raise ValueError("also: places in targets, each once, in order")
    names = [target, *(targets[place] for place in also)]
    if target not in known or len(set(names)) != len(names):
        raise ValueError("also: names a target twice, or stands beside what is no target")
    return names
