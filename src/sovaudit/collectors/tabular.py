"""Lists that people keep (a roster, a matrix of rights) as evidence: canonical rows, the digest of the file, and what could not be read.

Nothing is guessed: a cell that is not what its column holds makes its row doubtful, with the reason and the line; a row that cannot be taken apart
is counted. Both stay in the evidence, and no pass stands beside them. See docs/people.md.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sovaudit import canon
from sovaudit.bulk import growing
from sovaudit.collectors import pseudonyms
from sovaudit.collectors.badges.mapping import Column, Name
from sovaudit.collectors.badges.sieve import Refused
from sovaudit.collectors.cells import List, Reader, Row, parsed
from sovaudit.collectors.options import CollectOptions
from sovaudit.collectors.records import FORMATS, Records, Shape, read
from sovaudit.documents import load_toml, validate
from sovaudit.errors import CollectError, UsageError
from sovaudit.model.evidence import Evidence, Target
from sovaudit.model.verdict import TargetStatus
from sovaudit.tables import Scratch

PIECE = 10_000  # rows of an artifact
_SOME_DAY = date(2001, 10, 23)


class Dates(BaseModel):
    """format: `iso` (2026-03-31, a time of day behind it is left out), or strptime's directives, such as %d/%m/%Y."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    format: str = "iso"

    @model_validator(mode="after")
    def _known(self) -> Dates:
        if self.format != "iso":
            try:
                same = parsed(_SOME_DAY.strftime(self.format), self.format) == _SOME_DAY
            except ValueError:
                same = False
            if not same:
                raise ValueError(f"{self.format!r} is no format of dates: iso, or directives such as %d/%m/%Y")
        return self


class ListMap(BaseModel):
    """How one file is read: the keys of a badge map (docs/badges.md) that a list of people needs, with the same meaning."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    title: str = ""
    format: Literal["csv", "tsv", "json", "jsonl", "ldif"] | None = None
    encoding: str = "utf-8"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    quote: Annotated[str, Field(max_length=1)] = '"'
    header: bool = True
    names: tuple[Name, ...] = ()
    skip: Annotated[int, Field(ge=0, le=1000)] = 0
    records: str = ""
    time: Dates = Dates()
    columns: dict[str, Column] = {}

    @model_validator(mode="after")
    def _whole(self) -> ListMap:
        try:
            b"a".decode(self.encoding)
        except (LookupError, UnicodeError) as error:
            raise ValueError(f"{self.encoding!r} is no encoding") from error
        if not self.header and not self.names:
            raise ValueError("a file without a header line needs names")
        return self


# Targets


def parse(text: str, of: List) -> Target:
    """Raises UsageError: a file or map that is not there, a map that does not hold together, a format that nothing names."""
    path, plan = _where(text, of)
    _format(path, plan, of)
    return Target(text, text, of.kind)


def plan_lines(target: Target, of: List) -> tuple[str, ...]:
    path, plan = _where(target.uri, of)
    return (f"target {target.uri}", f"read {path} ({_format(path, plan, of)}): {', '.join(plan.columns if plan else of.columns)}")


def _where(text: str, of: List) -> tuple[Path, ListMap | None]:
    place, mark, query = text.partition(":")[2].rpartition("?")
    if not mark:
        place, query = query, ""
    options: dict[str, str] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key != "map" or key in options or not value:
            raise UsageError(f"unknown, empty or repeated option {key!r:.40}", where=f"{of.kind}:", hint=f"Write {of.usage}")
        options[key] = value
    if query and not options:
        raise UsageError(f"{query!r:.40} is no option", where=f"{of.kind}:", hint=f"Write {of.usage}")
    path = Path(place)
    if not place:
        raise UsageError("names no file", where=f"{of.kind}:", hint=f"Write {of.usage}")
    if not path.exists():
        raise UsageError(f"there is no file {place!r}", where=f"{of.kind}:", hint=f"Write {of.usage}")
    if path.is_dir():
        raise UsageError(f"{place!r} is a folder", where=f"{of.kind}:", hint="Name each file; several make one list.")
    return path, _map(Path(options["map"]), of) if options else None


def _map(path: Path, of: List) -> ListMap:
    found = validate(ListMap, load_toml(path, "map"), what="map", where=str(path))
    for name in found.columns:
        if name not in of.columns:
            raise UsageError(f"map: columns.{name} is no column of {of.kind}", where=str(path), hint=f"They are {', '.join(of.columns)}.")
    for name in of.needed if found.columns else ():
        if name not in found.columns:
            raise UsageError(f"map: columns.{name} is missing", where=str(path), hint="Nothing can be said of rows without it.")
    return found


def _format(path: Path, plan: ListMap | None, of: List) -> str:
    found = (plan.format if plan else None) or FORMATS.get(path.suffix.lower())
    if found is None:
        raise UsageError(
            f"the name {path.name!r} tells no format", where=f"{of.kind}:", hint=f"End it in {', '.join(FORMATS)}, or say format in a map."
        )
    return found


# Evidence


def collect(target: Target, options: CollectOptions, of: List, *, finish: Callable[[list[Row]], None] | None = None) -> Evidence:
    """Artifacts `<kind>/source` and `<kind>/rows/<nnnn>`. finish: may change rows, for what only the whole list shows. Raises CollectError."""
    with growing():
        return _collect(target, options, of, finish)


def _collect(target: Target, options: CollectOptions, of: List, finish: Callable[[list[Row]], None] | None) -> Evidence:
    began = time.monotonic()
    path, plan = _where(target.uri, of)
    rows, records, columns = _rows(path, plan or ListMap(), of, options)
    if finish is not None:
        finish(rows)
    doubts: dict[str, Refused] = {}
    for row in rows:
        for reason in row.get("refused", ()):
            doubts.setdefault(reason, Refused()).add(row["line"])
    if not rows and not records.refused:
        raise CollectError("holds no row", status="failed", where=str(path))
    source = {
        "format": 1,
        "file": {"name": path.name, "bytes": records.size, "sha256": records.sha256, "last_line_complete": records.complete},
        "columns": sorted(columns),
        "ignored": sorted(records.columns.keys() - {name for column in columns.values() for name in column.names})[:50],
        "rows": len(rows),
        "refused": _counts(records.refused),
        "doubtful": _counts(doubts),
    }
    artifacts = {f"{of.kind}/source": canon.canonical(source), **_pieces(of.kind, rows)}
    size = sum(map(len, artifacts.values()))
    cost = {"wall_ms": int((time.monotonic() - began) * 1000), "bytes": size}
    people = pseudonyms.NAMED if options.identify else pseudonyms.IDS
    identity = {"file": path.name, "sha256": records.sha256, "rows": str(len(rows)), "people": people}
    now = datetime.now(UTC).replace(microsecond=0)
    return Evidence(target, TargetStatus.COLLECTED, now, artifacts, (), identity, f"sovaudit-{of.kind}/1", cost=cost)


def _pieces(kind: str, rows: list[Row]) -> dict[str, bytes]:
    return {f"{kind}/rows/{number:04}": _lines(rows[at : at + PIECE]) for number, at in enumerate(range(0, len(rows), PIECE))}


def rewritten(evidence: Evidence, of: List, change: Callable[[list[Row]], None]) -> Evidence:
    """The same evidence with its rows changed, and no person under an own name. Raises UsageError for evidence that does not hold together."""
    try:
        rows = rows_in(evidence, of)
        change(rows)
        kept = {f"{of.kind}/source": evidence.artifacts[f"{of.kind}/source"]}
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"is no evidence of {of.kind} ({error!r})"[:200], where=evidence.target.id) from error
    return replace(evidence, artifacts={**kept, **_pieces(of.kind, rows)}, identity={**evidence.identity, "people": pseudonyms.PSEUDONYMS})


def rows_in(evidence: Evidence, of: List) -> list[Row]:
    """The rows of a list that was taken. Raises ValueError for evidence that does not hold together."""
    names = sorted(name for name in evidence.artifacts if name.startswith(f"{of.kind}/rows/"))
    return [json.loads(line) for name in names for line in evidence.artifacts[name].splitlines()]


def _counts(refused: Mapping[str, Refused]) -> dict[str, Any]:
    return {reason: {"count": each.count, "first": each.first} for reason, each in sorted(refused.items())}


def _lines(rows: list[Row]) -> bytes:
    """Keys are ASCII and values text, lists of text or whole numbers: this is RFC 8785's form of each."""
    return b"\n".join(map(str.encode, map(_SPELLED, rows))) + b"\n"


_SPELLED = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


def _rows(path: Path, plan: ListMap, of: List, options: CollectOptions) -> tuple[list[Row], Records, Mapping[str, Column]]:
    if path.stat().st_size > options.max_bytes:
        raise CollectError(f"is larger than {options.max_bytes} bytes", status="failed", where=str(path), hint="Raise --max-bytes.")
    mapped = bool(plan.columns)
    wanted = tuple(dict.fromkeys(name for column in plan.columns.values() for name in column.names))
    shape = Shape(
        _format(path, plan, of), plan.encoding, plan.delimiter, plan.quote, plan.header, plan.names, plan.skip, plan.records,
        key="" if mapped else of.needed[0], wanted=wanted, needed=tuple(_needed(plan.columns.values())), own=() if mapped else of.columns,
    )  # fmt: skip
    scratch = Scratch()
    records = read(path, shape, scratch)
    columns: dict[str, Column] = dict(plan.columns)
    reader = Reader(columns, of, plan.time.format)
    rows: list[Row] = []
    known = 0
    for line, cells in records.rows:
        if not mapped and len(records.columns) > known:
            known = len(records.columns)
            _own_names(records, columns, of)
        row = reader.row(line, cells)
        if row is not None:
            rows.append(row)
    if not mapped:
        _own_names(records, columns, of)
    scratch.close()
    for name in of.needed:
        if name not in columns and records.columns:
            hint = f"Its columns are {', '.join(map(repr, sorted(records.columns)[:30]))}: name them in a map, …?map=MAP.toml"
            raise CollectError(f"has no column {name!r}", status="failed", where=str(path), hint=hint)
    return rows, records, columns


def _needed(columns: Iterable[Column]) -> Iterator[tuple[str, ...]]:
    """Sets of columns, one of each of which the file must have."""
    for column in columns:
        if not column.optional:
            yield from [column.either] if column.either else [(name,) for name in column.names]


def _own_names(records: Records, columns: dict[str, Column], of: List) -> None:
    """Without a map, a file's columns have our own names, in whatever case."""
    if len(columns) < len(of.columns):
        for name in records.columns:
            if name.lower() in of.columns and name.lower() not in columns:
                columns[name.lower()] = Column(column=name)
