"""What kind of file an export is: format, encoding, delimiter, header; seen from its name and its beginning."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from sovaudit.collectors.badges.sieve import packed_as, regular
from sovaudit.errors import CollectError

BEGINNING = 1 << 20
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def shape_of(path: Path) -> dict[str, Any]:
    """Keys of a map. Raises CollectError for a file that is empty or cannot be read."""
    with regular(path) as file:
        start = file.read(BEGINNING)
    if not start.strip():
        raise CollectError("is empty", status="failed", where=str(path))
    if start.startswith(b"PK\x03\x04"):
        return {"format": "excel"}
    packed_as(start, path)
    encoding = _encoding(start)
    text = start.decode(encoding, "replace").removeprefix("\ufeff").lstrip()
    named = {} if encoding == "utf-8" else {"encoding": encoding}
    if text.startswith("<"):
        return {"format": "xml", "records": _element(text)}
    if text[0] in "[{":
        return _json(text) | named
    try:
        return _delimited(text) | named
    except csv.Error as error:
        raise CollectError(f"cannot be read as CSV ({error})", status="failed", where=str(path)) from error


def _encoding(start: bytes) -> str:
    for mark, name in _MARKS:
        if start.startswith(mark):
            return name
    whole = start[: start.rfind(b"\n") + 1] or start
    try:
        whole.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _json(text: str) -> dict[str, Any]:
    first = text.split("\n", 1)[0]
    if text[0] == "{":
        try:
            if isinstance(json.loads(first), dict) and "\n{" in text:
                return {"format": "jsonl"}
        except (ValueError, RecursionError):
            pass
        try:
            return {"format": "json"} | _records(json.loads(text))
        except (ValueError, RecursionError):
            return {"format": "json"}
    return {"format": "json"}


def _records(found: Any, depth: int = 0) -> dict[str, Any]:
    """Where the first list of objects is."""
    if isinstance(found, dict) and depth < 4:
        for key, value in found.items():
            if isinstance(value, list) and value and isinstance(value[0], dict):
                return {"records": key}
            below = _records(value, depth + 1)
            if below:
                return {"records": f"{key}.{below['records']}"}
    return {}


def _element(text: str) -> str:
    """What is repeated, as near to the top as possible."""
    parser: Any = ElementTree.XMLPullParser(["start", "end"])
    levels: list[Counter[str]] = []
    depth = 0
    try:
        parser.feed(text if "<!DOCTYPE" not in text else "")
        for event, element in parser.read_events():
            depth += 1 if event == "start" else -1
            if event == "start" and 1 < depth < 8:
                levels += [Counter() for _ in range(depth - 1 - len(levels))]
                levels[depth - 2][element.tag.rpartition("}")[2]] += 1
    except ElementTree.ParseError:
        pass
    for names in levels:
        if names.most_common(1)[0][1] > 1:
            return names.most_common(1)[0][0]
    return levels[0].most_common(1)[0][0] if levels else ""


def _delimited(text: str) -> dict[str, Any]:
    lines = [line for line in text.splitlines()[:50] if line.strip()]
    try:
        counts = {mark: [len(row) for row in csv.reader(lines, delimiter=mark)] for mark in (",", ";", "\t", "|")}
    except csv.Error:  # a cell beyond csv's own bound: reading it will say what is wrong
        return {"format": "csv", "delimiter": ","}
    best = max(counts, key=lambda mark: (counts[mark].count(counts[mark][0]) if counts[mark][0] > 1 else 0, counts[mark][0]))
    found: dict[str, Any] = {"format": "tsv"} if best == "\t" else {"format": "csv", "delimiter": best}
    first = next(csv.reader(lines[:1], delimiter=best))
    if any(cell.strip().isdigit() or (cell[:1].isdigit() and ":" in cell) for cell in first):
        found |= {"header": False, "names": [f"column{number}" for number in range(1, len(first) + 1)]}
    return found
