"""Load profiles; choose checks and turn their knobs. Every value is held against the check's own signature before anything runs."""

from __future__ import annotations

import json
import os
import tomllib
import typing
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from sovaudit import canon
from sovaudit.authoring import Check
from sovaudit.binding import binding
from sovaudit.content import content_path
from sovaudit.documents import near, read_toml
from sovaudit.engine import params_document
from sovaudit.errors import NothingError, UsageError
from sovaudit.model.directive import Control, Directive
from sovaudit.model.profile import Profile
from sovaudit.model.report import ThresholdNote
from sovaudit.model.verdict import Severity

Key = tuple[str, str]
NONE = "none"  # TOML has no null: this word stands for None where the knob's type allows it
_LARGEST = 2**53  # integers beyond are not exact in JSON


@dataclass(frozen=True, slots=True)
class Selected:
    """One check to run with these parameters, and whose numbers they are.

    origin: `law`, `guidance` or `default`. directive: empty for what the profile chose; else the directive whose control fixes
    other values than the profile, so that both are judged. controls: `directive:control` of each control that this row judges.
    """

    check: Check
    params: dict[str, Any]
    severity: Severity
    origin: Literal["law", "guidance", "default"]
    source: str = ""
    directive: str = ""
    controls: tuple[str, ...] = ()


def profile_ids() -> list[str]:
    """Names of the profiles that come with the program."""
    return sorted(path.stem for path in content_path("profiles").glob("*.toml"))


def directive_ids() -> list[str]:
    """Ids of the directives that come with the program."""
    folder = content_path("profiles") / "directives"
    return sorted(path.stem for path in folder.glob("*.toml") if not path.stem.startswith("crosswalk-"))


def load_profile(name_or_path: str, checks: Mapping[str, Check]) -> Profile:
    """A profile by name, or from a file: what holds a slash or ends in `.toml` is a path.

    Raises UsageError, with the file and what to write instead, for anything that does not hold together.
    """
    path = _profile_path(name_or_path)
    profile = read_toml(path, Profile, "profile")
    where = str(path)
    for name in profile.directives:
        if name not in directive_ids():
            raise UsageError(f"unknown directive {name!r:.80}", where=where, hint=near(name, directive_ids()))
    if len(set(profile.directives)) != len(profile.directives):
        raise UsageError("a directive is named twice", where=where)
    seen: dict[Key, int] = {}
    for number, row in enumerate(profile.checks, 1):
        if row.check not in checks:
            raise UsageError(f"unknown check {row.check} (checks[{number}])", where=where, hint=near(row.check, checks))
        check = checks[row.check]
        params = {**check.knobs, **{knob: knob_value(check, knob, value, where=where) for knob, value in row.params.items()}}
        first = seen.setdefault(_row_key(check.id, params, where=where), number)
        if first != number:
            raise UsageError(
                f"{row.check} stands twice with the same parameters (checks[{first}] and checks[{number}])", where=where, hint="Remove one."
            )
    return profile


def _profile_path(name: str) -> Path:
    if "/" in name or name.endswith(".toml"):
        return Path(name)
    if name in profile_ids():
        return content_path("profiles") / f"{name}.toml"
    if os.path.exists(name):  # unlike Path.exists, it answers for names that no system allows
        return Path(name)
    hint = near(name, profile_ids())
    raise UsageError(f"unknown profile {name!r:.80}", where="--profile", hint=f"{hint} Or name a file.".strip())


def knob_value(check: Check, knob: str, value: Any, *, where: str) -> Any:
    """A value for a knob, of the type its signature asks for; nothing is converted but `none` and lists. Raises UsageError."""
    kind = _kind(check, knob, where)
    if value == NONE and _allows_none(kind):
        return None
    try:
        found = TypeAdapter(kind).validate_json(json.dumps(value, allow_nan=False), strict=True)
    except (ValidationError, TypeError, ValueError) as error:
        wanted = _spelt(kind)
        raise UsageError(f"{check.id}: {knob} is {wanted}, not {value!r:.80}", where=where) from error
    _refuse_range(check.id, knob, found, where)
    return found


def _kind(check: Check, knob: str, where: str) -> Any:
    if knob not in check.knobs:
        hint = near(knob, check.knobs) or f"{check.id} has no knobs."
        raise UsageError(f"{check.id} has no knob {knob!r:.80}", where=where, hint=hint)
    return check.knob_types[knob]


def _allows_none(kind: Any) -> bool:
    return kind is None or kind is type(None) or any(_allows_none(part) for part in typing.get_args(kind) if not _is_container(kind))


def _is_container(kind: Any) -> bool:
    origin = typing.get_origin(kind)
    return isinstance(origin, type) and issubclass(origin, Collection)


def _spelt(kind: Any) -> str:
    """A type in the words of who writes a profile."""
    names = {int: "a whole number", bool: "true or false", str: "a text", type(None): f'"{NONE}"'}
    if kind in names:
        return names[kind]
    if typing.get_origin(kind) is Literal:
        return "one of " + ", ".join(map(str, typing.get_args(kind)))
    if _is_container(kind):
        return f"a list, each {_spelt(typing.get_args(kind)[0])}"
    parts = typing.get_args(kind)
    return " or ".join(_spelt(part) for part in parts) if parts else getattr(kind, "__name__", str(kind))


def _refuse_range(check: str, knob: str, value: Any, where: str) -> None:
    for number in value if isinstance(value, (list, tuple, set, frozenset)) else [value]:
        if isinstance(number, int) and not 0 <= number < _LARGEST:
            raise UsageError(f"{check}: {knob} is a whole number from 0 up, not {number!r:.40}", where=where)


def params_key(check: str, params: Mapping[str, Any]) -> Key:
    """What keeps (check, params) apart: the id, and the parameters of a document in one spelling. Never hashed, never stored."""
    return check, json.dumps(params, sort_keys=True, separators=(",", ":"))


def _row_key(check: str, params: Mapping[str, Any], *, where: str) -> Key:
    """The same of typed parameters. Raises UsageError for what cannot stand in a document (a plugin's fractions, say)."""
    document = params_document(params)
    try:
        canon.canonical(document)
        return params_key(check, document)
    except (ValueError, TypeError) as error:
        raise UsageError(f"{check}: its parameters cannot stand in a document ({error})", where=where) from error


def parse_settings(settings: Iterable[str]) -> dict[str, str]:
    """`ID.knob=VALUE` of the command line, as `{"ID.knob": "VALUE"}`; `select` reads the values. Raises UsageError."""
    found: dict[str, str] = {}
    for text in settings:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or name.count(".") != 2:
            raise UsageError(
                f"{text!r:.80} is not ID.knob=VALUE", where="--set", hint="For example least-privilege.dormant.max_idle_days=60."
            )
        if name in found:
            raise UsageError(f"{name} is set twice", where="--set")
        found[name] = value.strip()
    return found


def spoken_value(check: Check, knob: str, value: Any, *, where: str) -> Any:
    """A knob's value from text as people type it: `60`, `true`, `none`, `a,b,c` or TOML. Raises UsageError."""
    if not isinstance(value, str):
        return knob_value(check, knob, value, where=where)
    kind = _kind(check, knob, where)
    for candidate in _readings(value, kind):
        try:
            return knob_value(check, knob, candidate, where=where)
        except UsageError:
            continue
    return knob_value(check, knob, _toml(value), where=where)  # says what was wanted


def _readings(text: str, kind: Any) -> Iterator[Any]:
    yield _toml(text)
    if _is_container(kind) or any(_is_container(part) for part in typing.get_args(kind)):
        parts = [part.strip() for part in text.split(",") if part.strip()]
        yield parts
        yield [_toml(part) for part in parts]
    yield text


def _toml(text: str) -> Any:
    if "\n" in text or "\r" in text:
        return text
    try:
        found = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return found["value"] if found.keys() == {"value"} else text


def select(
    profile: Profile,
    checks: Mapping[str, Check],
    directives: Sequence[Directive],
    *,
    only: Iterable[str] = (),
    ignore: Iterable[str] = (),
    settings: Mapping[str, object] | None = None,
) -> tuple[Selected, ...]:
    """What an audit runs: the profile's checks, and beside them what a directive wants judged with values of its own.

    only, ignore: check ids or families; `only` may name checks that the profile leaves out. settings: `check.knob` → value, or text as
    typed. They turn what the profile chose; what the text of a directive fixes stays. Raises UsageError, NothingError.
    """
    for directive in directives:
        refuse_unknown_checks(directive, checks)
    wanted = _resolve(only, checks, "--select")
    unwanted = _resolve(ignore, checks, "--ignore")
    chosen = _chosen(profile, checks, wanted)
    chosen = _turned(chosen, checks, settings or {})
    if wanted:
        chosen = [row for row in chosen if row.check.id in wanted]
    chosen = [row for row in chosen if row.check.id not in unwanted]
    if not chosen:
        raise NothingError("no check is selected", hint="See `sovaudit list checks`, and what --select and --ignore leave.")
    rows = _with_directives(_once(chosen), directives, profile.scope)
    notes = threshold_notes(rows)
    judged = _controls(notes, directives)
    return tuple(replace(row, controls=judged.get(n, ())) for n, row in enumerate(rows))


def _resolve(names: Iterable[str], checks: Mapping[str, Check], flag: str) -> set[str]:
    found: set[str] = set()
    families = {check.family for check in checks.values()}
    for name in names:
        if name in checks:
            found.add(name)
        elif name in families:
            found |= {check.id for check in checks.values() if check.family == name}
        else:
            raise UsageError(f"unknown check {name!r:.80}", where=flag, hint=near(name, [*checks, *families]))
    return found


def _chosen(profile: Profile, checks: Mapping[str, Check], wanted: set[str]) -> list[Selected]:
    where = f"profile {profile.id}"
    rows = []
    for row in profile.checks:
        if row.check not in checks:
            raise UsageError(f"unknown check {row.check}", where=where, hint=near(row.check, checks))
        check = checks[row.check]
        params = {**check.knobs, **{knob: knob_value(check, knob, value, where=where) for knob, value in row.params.items()}}
        rows.append(Selected(check, params, row.severity or check.severity, row.origin.kind, row.origin.source))
    known = {row.check.id for row in rows}
    rows += [Selected(checks[name], dict(checks[name].knobs), checks[name].severity, "default") for name in sorted(wanted - known)]
    return rows


def _turned(rows: list[Selected], checks: Mapping[str, Check], settings: Mapping[str, object]) -> list[Selected]:
    turned: dict[str, dict[str, Any]] = {}
    for name, value in settings.items():
        identity, _, knob = name.rpartition(".")
        if identity not in checks:
            raise UsageError(f"unknown check {identity or name!r:.80}", where="--set", hint=near(identity, checks))
        if identity not in {row.check.id for row in rows}:
            raise UsageError(f"{identity} is not one of the profile's checks", where="--set", hint="Name it in --select, too.")
        turned.setdefault(identity, {})[knob] = spoken_value(checks[identity], knob, value, where="--set")
    return [
        replace(row, params={**row.params, **turned[row.check.id]}, origin="default", source="set for this audit")
        if any(row.params[knob] != value for knob, value in turned.get(row.check.id, {}).items())
        else row
        for row in rows
    ]


def _once(rows: Iterable[Selected]) -> list[Selected]:
    """Rows that a setting made equal are one row; the first keeps its origin."""
    found: dict[Key, Selected] = {}
    for row in rows:
        found.setdefault(_row_key(row.check.id, row.params, where=f"check {row.check.id}"), row)
    return list(found.values())


def _with_directives(rows: list[Selected], directives: Sequence[Directive], scope: Sequence[str]) -> list[Selected]:
    """The rows, each followed by those that a directive adds because its text fixes other values."""
    extra: list[Selected] = []
    for directive in directives:
        for control in directive.controls:
            if control.scope and not set(control.scope) & set(scope):
                continue
            where = f"directive {directive.id}, control {control.id}"
            for row in rows:
                fixed = control.params.get(row.check.id)
                if fixed:
                    values = {knob: knob_value(row.check, knob, value, where=where) for knob, value in fixed.items()}
                    extra.append(
                        Selected(
                            row.check,
                            {**row.params, **values},
                            row.severity,
                            directive.binding,
                            f"{directive.id} {control.id}",
                            directive.id,
                        )
                    )
    order = {row.check.id: n for n, row in reversed(list(enumerate(rows)))}
    return sorted(_once([*rows, *extra]), key=lambda row: order[row.check.id])


def refuse_unknown_checks(directive: Directive, checks: Mapping[str, Check], *, where: str = "") -> None:
    """Raises UsageError if a directive names a check that does not exist, or fixes a knob that it does not have."""
    place = where or f"directive {directive.id}"
    for control in directive.controls:
        for name in (*control.checks, *control.remarks):
            if name not in checks:
                raise UsageError(f"control {control.id} names the unknown check {name}", where=place, hint=near(name, checks))
        for name, fixed in control.params.items():
            for knob, value in fixed.items():
                knob_value(checks[name], knob, value, where=f"{place}, control {control.id}")


def threshold_notes(rows: Iterable[Selected]) -> list[ThresholdNote]:
    """The rows as a report lists them."""
    return [
        ThresholdNote(
            check=row.check.id,
            params=params_document(row.params),
            severity=row.severity,
            origin=row.origin,
            source=row.source,
            directive=row.directive,
            judges=sorted(binding(row.check).primary.kinds),
        )
        for row in rows
    ]


def rows_for(control: Control, check: str, ran: Iterable[ThresholdNote]) -> list[ThresholdNote]:
    """The rows that judge this control by this check: those with the values its text fixes, else what the profile chose."""
    fixed = control.params.get(check, {})
    same = [row for row in ran if row.check == check]
    if fixed:
        return [row for row in same if all(knob in row.params and _same(row.params[knob], value) for knob, value in fixed.items())]
    return [row for row in same if not row.directive]


def _same(shown: Any, written: Any) -> bool:
    """Whether a report shows the value that a directive writes: a set is sorted in a report, and None has its own word in TOML."""
    if isinstance(shown, list) and isinstance(written, list):
        return sorted(map(repr, shown)) == sorted(map(repr, written))
    return bool(shown == (None if written == NONE and shown is None else written) and isinstance(shown, bool) == isinstance(written, bool))


def _controls(notes: list[ThresholdNote], directives: Sequence[Directive]) -> dict[int, tuple[str, ...]]:
    """Row number → the controls that it judges, remarks included."""
    found: dict[int, list[str]] = {}
    index = {id(note): n for n, note in enumerate(notes)}
    for directive in directives:
        for control in directive.controls:
            for check in (*control.checks, *control.remarks):
                for row in rows_for(control, check, notes):
                    found.setdefault(index[id(row)], []).append(directive.key(control))
    return {n: tuple(keys) for n, keys in found.items()}
