"""Files that people keep as records: CSV, TSV, JSON, JSON lines, LDIF. Each record with the line it begins on; what is none is counted, by reason.

No record takes another with it: a quote that is never closed, or a broken line, costs its own line alone.
"""

from __future__ import annotations

import base64
import binascii
import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sovaudit.collectors.badges import documents
from sovaudit.collectors.badges.sieve import Refused, Sieved, need_same, regular, sieve
from sovaudit.errors import CollectError
from sovaudit.tables import Scratch

FORMATS = {".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl", ".ldif": "ldif"}
SEVERAL = ";"
"""Between the values of a cell that holds several."""
_DELIMITERS = ",;\t|"
_MOST_LINES = 100  # that one quoted cell may go on
_MAX_COLUMNS = 1000
_SEPARATOR = re.compile('"?sep=(.)"?', re.IGNORECASE)

Cells = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Shape:
    """How a file is read. key: the column by which a header without a map is known. wanted: columns of the file that are read. needed: of each of
    these sets one column must be there. own: names that a header without a map may give once, in whatever case."""

    format: str
    encoding: str = "utf-8"
    delimiter: str | None = None
    quote: str = '"'
    header: bool = True
    names: tuple[str, ...] = ()
    skip: int = 0
    records: str = ""
    key: str = ""
    wanted: tuple[str, ...] = ()
    needed: tuple[tuple[str, ...], ...] = ()
    own: tuple[str, ...] = ()


@dataclass(slots=True)
class Records:
    """rows: (line or record number from 1, cells by column), to be read once. columns: seen so far, in their order, complete when all is read."""

    size: int
    sha256: str
    complete: bool
    refused: dict[str, Refused]
    rows: Iterator[tuple[int, Cells]]
    columns: dict[str, None] = field(default_factory=dict)

    def refuse(self, reason: str, line: int) -> None:
        self.refused.setdefault(reason, Refused()).add(line)


def read(path: Path, shape: Shape, scratch: Scratch) -> Records:
    """Raises CollectError for a file that cannot be read at all: packed, no regular file, empty, without the columns that are wanted."""
    with regular(path) as file:
        start = file.read(4)
    if not start:
        raise CollectError("is empty", status="failed", where=str(path))
    if start[:2] in (b"\xff\xfe", b"\xfe\xff") and not shape.encoding.lower().replace("-", "").startswith(("utf16", "utf32")):
        raise CollectError(
            "is UTF-16 text", status="failed", where=str(path), hint='Say encoding = "utf-16" in a map, or save it as UTF-8.'
        )
    found = sieve(path, shape.encoding, scratch)
    records = Records(found.size, found.sha256, found.complete, found.refused, iter(()))
    reader = {"csv": _delimited, "tsv": _delimited, "json": _json, "jsonl": _json_lines, "ldif": _ldif}[shape.format]
    records.rows = reader(path, found, shape, records)
    return records


def _text(found: Sieved) -> list[str]:
    text = found.path.read_text("utf-8")
    need_same(found.path, found.state)
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")


# Lines of cells


def _delimited(path: Path, found: Sieved, shape: Shape, records: Records) -> Iterator[tuple[int, Cells]]:
    lines = _text(found)
    at, names = shape.skip, list(shape.names)
    delimiter = shape.delimiter or ("\t" if shape.format == "tsv" else "")
    if shape.format == "csv" and at < len(lines) and (named := _SEPARATOR.fullmatch(lines[at])):
        delimiter, at = delimiter or named[1], at + 1  # a spreadsheet's own way of naming it
    if shape.header:
        while at < len(lines) and not lines[at].strip():
            at += 1
        lost = next((why for why, each in records.refused.items() if any(shape.skip < line <= at for line in each.first)), "")
        if lost or at >= len(lines):
            what = f"its header line cannot be read ({lost})" if lost else "holds nothing that can be read"
            raise CollectError(
                what, status="failed", where=str(path), hint='Name its encoding in a map, such as encoding = "windows-1252".'
            )
        delimiter = delimiter or _delimiter(lines[at], shape, path)
        cells, at = _record(lines, at, delimiter, shape.quote)
        names = [name.strip() for name in cells or ()]
    if len(names) > _MAX_COLUMNS:
        raise CollectError(f"has {len(names)} columns: more than {_MAX_COLUMNS}", status="failed", where=str(path))
    _refuse_absent(names, shape, path)
    records.columns.update(dict.fromkeys(names))
    while at < len(lines):
        line = at + 1
        if not lines[at].strip():
            at += 1
            continue
        cells, after = _record(lines, at, delimiter or ",", shape.quote)
        while cells is not None and len(cells) > len(names) and not cells[-1].strip():
            cells.pop()
        if cells is None or len(cells) != len(names):
            records.refuse("quotes" if cells is None else "missing columns" if len(cells) < len(names) else "too many columns", line)
            at += 1  # and the next line is read for itself
            continue
        at = after
        yield line, dict(zip(names, cells, strict=True))


def _record(lines: list[str], at: int, delimiter: str, quote: str) -> tuple[list[str] | None, int]:
    """The cells of the record that begins at a line, and where the next begins; None where its quotes do not fit."""
    text, after = lines[at], at + 1
    if not quote or (quote not in text and len(text) <= csv.field_size_limit()):
        return text.split(delimiter), after  # as csv does, which refuses a longer cell
    while text.count(quote) % 2 and after < len(lines) and after - at < _MOST_LINES:
        text += "\n" + lines[after]
        after += 1
    if text.count(quote) % 2:
        return None, at + 1
    try:
        rows = list(csv.reader([text], delimiter=delimiter, quotechar=quote, strict=True))
    except csv.Error:
        return None, at + 1
    return (rows[0], after) if len(rows) == 1 else (None, at + 1)


def _delimiter(line: str, shape: Shape, path: Path) -> str:
    """Without a map: the one under which the header holds the key's column."""
    if not shape.key:
        return ","
    fits = []
    for one in _DELIMITERS:
        cells, _ = _record([line], 0, one, shape.quote)
        if shape.key in {cell.strip().lower() for cell in cells or ()}:
            fits.append(one)
    if len(fits) > 1:  # a header of one column: nothing separates
        fits = fits[:1]
    if not fits:
        raise CollectError(
            f"has no column {shape.key!r}", status="failed", where=str(path), hint="Name its columns in a map: …?map=MAP.toml"
        )
    return fits[0]


def _refuse_absent(names: list[str], shape: Shape, path: Path) -> None:
    _refuse_missing(names, shape, path)
    plain = [name.lower() for name in names] if shape.own else []
    for name in (*shape.wanted, *shape.own):
        if names.count(name) > 1 or plain.count(name) > 1:
            raise CollectError(f"has two columns {name!r}", status="failed", where=str(path), hint="Rename one.")


def _refuse_missing(names: Iterable[str], shape: Shape, path: Path) -> None:
    have = list(names)
    for several in shape.needed:
        if not any(name in have for name in several):
            raise CollectError(
                f"has no column {' or '.join(map(repr, several))}", status="failed", where=str(path),
                hint=f"Its columns are {', '.join(map(repr, have[:30]))}.",
            )  # fmt: skip


# JSON


class _Twice(ValueError):
    """An object with one key twice says nothing that can be relied on."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Twice
    return found


def _json(path: Path, found: Sieved, shape: Shape, records: Records) -> Iterator[tuple[int, Cells]]:
    with found.path.open("rb") as file:
        for number, text in enumerate(documents.rows(file, "utf-8", shape.records, records.refused, path), 1):
            yield from _one(text, number, shape, records)
    need_same(found.path, found.state)
    _seen(path, shape, records)


def _json_lines(path: Path, found: Sieved, shape: Shape, records: Records) -> Iterator[tuple[int, Cells]]:
    for number, text in enumerate(_text(found), 1):
        if number > shape.skip and text.strip():
            yield from _one(text, number, shape, records)
    _seen(path, shape, records)


def _one(text: str, number: int, shape: Shape, records: Records) -> Iterator[tuple[int, Cells]]:
    try:
        given = json.loads(text, object_pairs_hook=_object)
    except _Twice:
        records.refuse("a key twice", number)
        return
    except (ValueError, RecursionError):
        records.refuse("no JSON", number)
        return
    if not isinstance(given, dict):
        records.refuse("no object", number)
        return
    names = shape.wanted or tuple(given)
    cells = {name: value for name in names if (value := _cell(given, name)) is not None}
    records.columns.update(dict.fromkeys(cells))
    if any("\ud800" <= character <= "\udfff" for value in cells.values() for character in value if not value.isascii()):
        records.refuse("encoding", number)
        return
    yield number, cells


def _cell(given: Mapping[str, Any], name: str) -> str | None:
    """A value as text; `a.b` is b inside a. None where there is none."""
    here: Any = given
    if name in given:
        here = given[name]
    else:
        for part in name.split("."):
            if not isinstance(here, dict) or part not in here:
                return None
            here = here[part]
    if here is None:
        return ""
    if isinstance(here, str):
        return here
    if isinstance(here, list) and all(isinstance(one, (str, int)) and not isinstance(one, bool) for one in here):
        return SEVERAL.join(map(str, here))
    return json.dumps(here)


# LDIF (RFC 2849)

_BESIDE = frozenset({"version", "search", "result", "control", "pagedresults", "text", "matcheddn", "ref"})
"""What ldapsearch(1) writes beside entries: its own account of the search, references to other servers."""


def _ldif(path: Path, found: Sieved, shape: Shape, records: Records) -> Iterator[tuple[int, Cells]]:
    wanted = {name.lower(): name for name in shape.wanted}
    entry: list[str] = []
    begin = 0
    lines = _text(found)
    for number, text in enumerate([*lines, ""], 1):
        if text.startswith("#") and not (entry and text.startswith(" ")):
            continue
        if text.startswith(" ") and entry:
            entry[-1] += text[1:]
        elif text.strip():
            begin = begin or number
            entry.append(text)
        elif entry:
            if number > len(lines) and not found.complete:
                records.refuse("cut off", begin)  # a line without an end ends the file
            else:
                yield from _entry(entry, begin, wanted, records)
            entry, begin = [], 0
    _seen(path, shape, records)


def _entry(lines: list[str], begin: int, wanted: Mapping[str, str], records: Records) -> Iterator[tuple[int, Cells]]:
    held: dict[str, list[str]] = {}
    for line in lines:
        name, colon, rest = line.partition(":")
        name = name.partition(";")[0].strip().lower()
        if not colon or not name or rest.startswith("<"):
            records.refuse("no LDIF" if not rest.startswith("<") else "a value elsewhere", begin)
            return
        try:
            value = base64.b64decode(rest[1:].strip(), validate=True).decode() if rest.startswith(":") else rest.lstrip(" ")
        except (binascii.Error, ValueError):
            if name in wanted or not wanted:
                records.refuse("base64", begin)
                return
            continue
        held.setdefault(name, []).append(value)
    if "dn" not in held:
        if not set(held) <= _BESIDE:
            records.refuse("no LDIF", begin)
        elif held.get("result", ["0 "])[0].split(" ")[0] != "0":
            records.refuse("the search ended early", begin)
        return
    cells = {wanted.get(name, name): SEVERAL.join(values) for name, values in held.items() if name in wanted or not wanted}
    records.columns.update(dict.fromkeys(cells))
    yield begin, cells


def _seen(path: Path, shape: Shape, records: Records) -> None:
    """Records without a header line: a column that no record has is a wrong map."""
    if records.columns:
        _refuse_missing(sorted(records.columns), shape, path)
