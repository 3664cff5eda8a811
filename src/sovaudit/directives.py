"""Load directives, crosswalks and declarations; say from findings what each control's status is. The reasons are in docs/law.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sovaudit.authoring import Check
from sovaudit.content import content_path
from sovaudit.documents import near, read_toml
from sovaudit.errors import UsageError
from sovaudit.model.directive import Control, Crosswalk, Declarations, Directive
from sovaudit.model.finding import Finding, but
from sovaudit.model.report import ControlNote, Counts, Declared, Passed, ThresholdNote
from sovaudit.model.verdict import Status, Verdict
from sovaudit.profiles import (
    Key,
    Selected,
    directive_ids,
    knob_value,
    load_profile,
    params_key,
    parse_settings,
    profile_ids,
    refuse_unknown_checks,
    rows_for,
    select,
    threshold_notes,
)

__all__ = [
    "Selected",
    "directive_ids",
    "knob_value",
    "load_crosswalk",
    "load_declarations",
    "load_directives",
    "load_profile",
    "name_controls",
    "params_key",
    "parse_settings",
    "profile_ids",
    "select",
    "statuses",
    "threshold_notes",
]
_CROSSWALK = "crosswalk-"


def load_directives(ids: Iterable[str], *, checks: Mapping[str, Check] | None = None) -> tuple[Directive, ...]:
    """Directives by id, in the order given. checks: with it, every check that they name must exist. Raises UsageError."""
    found = []
    for name in dict.fromkeys(ids):
        if name not in directive_ids():
            raise UsageError(f"unknown directive {name!r:.80}", where="directives", hint=near(name, directive_ids()))
        path = content_path("profiles") / "directives" / f"{name}.toml"
        directive = read_toml(path, Directive, "directive")
        if directive.id != name:
            raise UsageError(f"directive calls itself {directive.id}", where=str(path), hint=f"Its id and its file's name are one: {name}.")
        if checks is not None:
            refuse_unknown_checks(directive, checks, where=str(path))
        found.append(directive)
    return tuple(found)


def load_crosswalk(name: str) -> Crosswalk:
    """A crosswalk by its id (`crosswalk-iso27001-2022`). Raises UsageError."""
    folder = content_path("profiles") / "directives"
    known = sorted(path.stem for path in folder.glob(f"{_CROSSWALK}*.toml"))
    if name not in known:
        raise UsageError(f"unknown crosswalk {name!r:.80}", where="crosswalks", hint=near(name, known))
    return read_toml(folder / f"{name}.toml", Crosswalk, "crosswalk")


def load_declarations(path: Path, directives: Sequence[Directive]) -> tuple[Declared, ...]:
    """The declarations of a file, as a report lists them. Raises UsageError for an unknown directive or control, or two for one control."""
    known = {directive.id: directive for directive in directives}
    found = read_toml(path, Declarations, "declarations file").declarations
    seen: set[tuple[str, str]] = set()
    for declaration in found:
        directive = known.get(declaration.directive)
        if directive is None:
            raise UsageError(
                f"directive {declaration.directive} is not one of this audit", where=str(path), hint=near(declaration.directive, known)
            )
        if directive.control(declaration.control) is None:
            hint = near(declaration.control, [control.id for control in directive.controls])
            raise UsageError(f"{directive.id} has no control {declaration.control!r}", where=str(path), hint=hint)
        key = (declaration.directive, declaration.control)
        if key in seen:
            raise UsageError(f"control {declaration.control} is declared twice", where=str(path), hint="One statement for each control.")
        seen.add(key)
    return tuple(Declared(**declaration.model_dump()) for declaration in found)


@dataclass(slots=True)
class _Tally:
    """One check's answers, with one set of parameters, on one target: the unit in which a control is judged."""

    passed: int = 0
    fail: int = 0
    waived: int = 0
    unknown: int = 0
    not_applicable: int = 0
    error: int = 0

    @property
    def failing(self) -> bool:
        return self.fail > 0

    @property
    def open(self) -> bool:
        return not self.fail and self.unknown + self.error > 0

    @property
    def held(self) -> bool:
        return self.passed > 0 and not self.failing and not self.open


_Tallies = dict[Key, dict[str, _Tally]]


def statuses(
    directive: Directive,
    findings: Iterable[Finding],
    passed: Iterable[Passed],
    declarations: Iterable[Declared],
    ran: Iterable[ThresholdNote],
    kinds: Iterable[str] = (),
) -> list[ControlNote]:
    """Every control of the directive with its status; none is left out. kinds: kinds of target that the audit has.

    Works from what a report holds alone: `ran` is its profile's parameters, `passed` and `findings` its own.
    Of a declaration and evidence, evidence wins.
    """
    tallies = _tallies(findings, passed)
    stated = {given.control: given for given in declarations if given.directive == directive.id}
    rows = list(ran)
    # what is run on no target of this audit, a check of directories among hosts alone, leaves nothing open in its perimeter
    elsewhere = {row.check for row in rows if row.judges} - {row.check for row in rows if not set(row.judges).isdisjoint(kinds)}
    return [_note(directive, control, rows, tallies, stated.get(control.id), elsewhere) for control in directive.controls]


def name_controls(findings: Iterable[Finding], directives: Sequence[Directive], ran: Iterable[ThresholdNote]) -> list[Finding]:
    """Each finding with the controls it bears on, as `directive:control`: what a text requires and what is a remark under it."""
    rows = list(ran)
    named: dict[Key, list[str]] = {}
    for directive in directives:
        for control in directive.controls:
            for check in (*control.checks, *control.remarks):
                for row in rows_for(control, check, rows):
                    named.setdefault(params_key(check, row.params), []).append(directive.key(control))
    none: list[str] = []
    return [but(finding, controls=named.get(params_key(finding.check, finding.params), none)) for finding in findings]


def _tallies(findings: Iterable[Finding], passed: Iterable[Passed]) -> _Tallies:
    tallies: _Tallies = {}

    def at(check: str, params: Mapping[str, Any], target: str) -> _Tally:
        return tallies.setdefault(params_key(check, params), {}).setdefault(target, _Tally())

    for held in passed:
        at(held.check, held.params, held.target).passed += len(held.subjects)
    for finding in findings:
        tally = at(finding.check, finding.params, finding.target)
        if finding.verdict is Verdict.FAIL:
            tally.fail += 1
            tally.waived += finding.waiver is not None
        elif finding.verdict is Verdict.UNKNOWN:
            tally.unknown += 1
        elif finding.verdict is Verdict.NOT_APPLICABLE:
            tally.not_applicable += 1
        elif finding.verdict is Verdict.ERROR:
            tally.error += 1
        else:  # a pass has no business among findings, but a report from elsewhere may hold one
            tally.passed += 1
    return tallies


def _note(
    directive: Directive,
    control: Control,
    ran: list[ThresholdNote],
    tallies: _Tallies,
    stated: Declared | None,
    elsewhere: set[str],
) -> ControlNote:
    units: list[_Tally] = []
    judged: list[str] = []
    for check in control.checks:
        found = list(_units(control, check, ran, tallies))
        if found:
            judged.append(check)
            units += found
    status, basis = _status(control, units, complete=set(control.checks) <= {*judged, *elsewhere}, stated=stated)
    return ControlNote(
        directive=directive.id,
        id=control.id,
        status=status,
        basis=basis,
        counts=Counts(
            passed=sum(unit.passed for unit in units),
            fail=sum(unit.fail for unit in units),
            unknown=sum(unit.unknown for unit in units),
            not_applicable=sum(unit.not_applicable for unit in units),
            error=sum(unit.error for unit in units),
            waived=sum(unit.waived for unit in units),
        ),
        checks=judged,
        remarks=[check for check in control.remarks if any(unit.fail > unit.waived for unit in _units(control, check, ran, tallies))],
    )


def _units(control: Control, check: str, ran: list[ThresholdNote], tallies: _Tallies) -> Iterator[_Tally]:
    for row in rows_for(control, check, ran):
        yield from tallies.get(params_key(check, row.params), {}).values()


def _status(
    control: Control, units: Sequence[_Tally], *, complete: bool, stated: Declared | None
) -> tuple[Status, Literal["evidence", "declaration", "none"]]:
    """docs/law.md, `From findings to a status`; the numbers are its steps."""
    held = any(unit.held for unit in units)
    # (1) A failure that was seen outweighs every statement; a waiver moves the gate, not the status.
    if any(unit.failing for unit in units):
        return (Status.PARTIAL if held else Status.NON_CONFORMING), "evidence"
    # (2) A body says, and justifies, that the control does not bind it, and nothing seen contradicts that.
    if stated is not None and not stated.applicable and not held:
        return Status.NOT_APPLICABLE, "declaration"
    # (3) Something holds: wholly only if nothing is open, every check ran, and what machines cannot show is declared.
    if held:
        settled = complete and not any(unit.open for unit in units)
        told = stated is not None and stated.applicable
        whole = control.machine == "full" or told
        return (Status.CONFORMING if settled and whole else Status.PARTIAL), "evidence"
    # (4) The question was seen not to arise anywhere, and machines see all of it.
    does_not_arise = units and all(unit.not_applicable and not unit.open for unit in units)
    if does_not_arise and complete and control.machine == "full":
        return Status.NOT_APPLICABLE, "evidence"
    # (5) Nothing was seen that decides: a statement stands as a statement.
    if stated is not None and stated.applicable:
        return Status.DECLARED, "declaration"
    # (6) Silence is never conformity.
    return Status.NOT_VERIFIABLE, "evidence" if units else "none"
