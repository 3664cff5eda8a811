"""A map: how one product's export is read as canonical access events. Declarative: no SQL, no code. See docs/badges.md."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sovaudit.content import content_path
from sovaudit.documents import load_toml, near, validate
from sovaudit.errors import UsageError
from sovaudit.facts.badge_events import CODES, EVENT_COLUMNS, SIDE_TABLES, UNMAPPED

MAX_BASES = 4
Name = Annotated[str, Field(min_length=1, max_length=200)]
CANONICAL = tuple(name for name in EVENT_COLUMNS if name not in ("time_note", "event_native", "refused"))
"""Columns that a map may fill."""
_DIRECTIVES = frozenset("YmdHMSfybBpIjz%")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Column(_Part):
    """Where a canonical column comes from: one of `column`, `columns`, `either`, `value`; then, in this order, `match`, `map`.

    columns: several, joined with `join`. either: the first of these that is not empty; the file need not have all. value: the same for
    every row. match: the first group of this RE2 expression, nothing where it does not match. map: what stands for what; what is not in it
    is kept, an empty text becomes nothing. optional: a file that lacks it can still be read.
    """

    column: Name | None = None
    columns: tuple[Name, ...] = ()
    either: tuple[Name, ...] = ()
    join: str = " "
    value: str | None = None
    match: str | None = None
    map: dict[str, str] = {}
    optional: bool = False

    @model_validator(mode="before")
    @classmethod
    def _short(cls, given: Any) -> Any:
        if isinstance(given, str):
            return {"column": given}
        return {"columns": given} if isinstance(given, list) else given

    @model_validator(mode="after")
    def _one(self) -> Column:
        if (self.column is not None) + bool(self.columns) + bool(self.either) + (self.value is not None) != 1:
            raise ValueError("give one of column, columns, either, value")
        if self.match is not None:
            try:
                groups = re.compile(self.match).groups
            except re.error as error:
                raise ValueError(f"match is no expression ({error})") from error
            if not groups:
                raise ValueError("match needs a group: what stands between ( and )")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Columns of the file that it reads."""
        return (self.column,) if self.column is not None else self.columns + self.either

    def missing(self, have: Sequence[str]) -> tuple[str, ...]:
        """Columns that it needs and that are not there."""
        absent = tuple(name for name in self.names if name not in have)
        return absent if not self.either or len(absent) == len(self.either) else ()

    def within(self, have: Sequence[str]) -> Column:
        """The same without the alternatives that are not there."""
        return self.model_copy(update={"either": tuple(name for name in self.either if name in have)})


class Time(_Part):
    """format: `iso`, `epoch_s`, `epoch_ms`, `zkteco` (its packed seconds), or strptime's directives. zone: of times that name none (IANA)."""

    format: str = "iso"
    zone: str | None = None

    @model_validator(mode="after")
    def _known(self) -> Time:
        if self.format not in ("iso", "epoch_s", "epoch_ms", "zkteco"):
            wrong = {after for after in self.format.split("%")[1:] if after[:1] not in _DIRECTIVES} if "%" in self.format else {self.format}
            if "%%" not in self.format and wrong:
                raise ValueError(
                    f"{self.format!r} is no time format: iso, epoch_s, epoch_ms, zkteco, or directives such as %d/%m/%Y %H:%M:%S"
                )
        if "%f" in self.format and not re.search(r"[^%\w]%f$", self.format):
            raise ValueError("%f stands at the end, after a mark, as in %S.%f")
        if self.zone is not None:
            try:
                ZoneInfo(self.zone)
            except (ValueError, OSError, KeyError) as error:
                raise ValueError(f"{self.zone!r} is no time zone; write one such as Africa/Casablanca") from error
        return self

    @property
    def tells_zone(self) -> bool:
        """Whether every value names a moment by itself."""
        return self.format in ("epoch_s", "epoch_ms") or "%z" in self.format


class Beside(_Part):
    """A table beside the events: `file`, or that and what is not as docs/badges.md has it. columns: of the table → where they come from."""

    file: Name | None = None
    format: Literal["csv", "tsv", "json", "jsonl", "xml", "excel"] | None = None
    encoding: str = "utf-8"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    quote: Annotated[str, Field(max_length=1, pattern="^[!-~]?$")] = '"'
    skip: Annotated[int, Field(ge=0, le=1000)] = 0
    records: str = ""
    sheet: str = ""
    time: Time = Time()
    columns: dict[str, Column] = {}

    @model_validator(mode="before")
    @classmethod
    def _short(cls, given: Any) -> Any:
        return {"file": given} if isinstance(given, str) else given


class BadgeMap(_Part):
    """The whole file. names: the columns of a file without a header line. skip: lines before it.

    records: where in a JSON document the list is, or the name of an XML element that is a row. events: a native code, or the beginning of
    one and `*` → a canonical event.

    multiline: a value in quotes may hold line ends; otherwise a line with an open quote is refused.
    """

    title: str = ""
    base: str | None = None
    format: Literal["csv", "tsv", "json", "jsonl", "xml", "excel", "sql"] = "csv"
    encoding: str = "utf-8"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    quote: Annotated[str, Field(max_length=1, pattern="^[!-~]?$")] = '"'
    multiline: bool = False
    header: bool = True
    names: tuple[Name, ...] = ()
    skip: Annotated[int, Field(ge=0, le=1000)] = 0
    records: str = ""
    sheet: str = ""
    table: str = ""
    time: Time = Time()
    received: Time | None = None
    columns: dict[str, Column]
    events: dict[str, str] = {}
    files: dict[str, Beside] = {}

    @model_validator(mode="after")
    def _whole(self) -> BadgeMap:
        unknown = sorted(set(self.columns) - set(CANONICAL))
        if unknown:
            raise ValueError(f"columns.{unknown[0]} is no canonical column; they are {', '.join(CANONICAL)}")
        missing = [name for name in ("event_time", "event") if name not in self.columns]
        if missing:
            raise ValueError(f"columns.{missing[0]} is missing: nothing can be said of events without it")
        codes = sorted(set(self.events.values()) - (CODES - {UNMAPPED}))
        if codes:
            raise ValueError(f"{codes[0]} is no canonical event; docs/badges.md lists them")
        strange = sorted(set(self.files) - set(SIDE_TABLES))
        if strange:
            raise ValueError(f"files.{strange[0]} is no table; they are {', '.join(SIDE_TABLES)}")
        for name, beside in self.files.items():
            strange = sorted(set(beside.columns) - set(SIDE_TABLES[name]))
            if strange:
                raise ValueError(f"files.{name}.columns.{strange[0]} is no column of it; they are {', '.join(SIDE_TABLES[name])}")
        for encoding in (self.encoding, *(beside.encoding for beside in self.files.values())):
            try:
                codecs.lookup(encoding)
            except LookupError as error:
                raise ValueError(f"{encoding!r} is no encoding") from error
        if not self.header and not self.names:
            raise ValueError("a file without a header line needs names")
        return self


def load_map(name: str, overrides: dict[str, Any]) -> tuple[BadgeMap, Path | None]:
    """A map by path or by the name of a ready one, and the folder that its files are relative to (None: beside the events).

    overrides: keys that take precedence, as in `zone=`. Raises UsageError.
    """
    data, folder = _read(name)
    if "zone" in overrides:
        data.setdefault("time", {})["zone"] = overrides["zone"]
    if "source" in overrides:
        data.setdefault("columns", {})["source"] = {"value": overrides["source"]}
    if "table" in overrides:
        data |= {"table": overrides["table"]}
    return validate(BadgeMap, data, what="map", where=name), folder


def _read(name: str, depth: int = 0) -> tuple[dict[str, Any], Path | None]:
    own = "/" in name or name.endswith(".toml")
    if not own and name not in ready_maps():
        raise UsageError("there is no such map", where=f"map {name}", hint=near(name, ready_maps()) or "A path ends in .toml.")
    path = Path(name) if own else content_path("profiles") / "maps" / f"{name}.toml"
    data = load_toml(path, "map")
    base = data.get("base")
    if base is not None:
        if depth >= MAX_BASES or not isinstance(base, str) or base not in ready_maps():
            raise UsageError("base names a ready map", where=f"map {name}", hint=f"One of {', '.join(ready_maps())}.")
        below, _ = _read(base, depth + 1)
        data = {key: _over(below.get(key), data.get(key)) for key in {**below, **data} if key != "base"}
    return data, path.parent if own else None


def _over(below: Any, above: Any) -> Any:
    if above is None:
        return below
    return {**below, **above} if isinstance(below, dict) and isinstance(above, dict) else above


def ready_maps() -> tuple[str, ...]:
    """Names of the maps that ship."""
    return tuple(sorted(path.stem for path in (content_path("profiles") / "maps").glob("*.toml")))
