"""The declared register: which sources must be in the archive. CSV with a header: `source`, and perhaps `log`, `since`, `until`."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Any

MAX_BYTES = 8 << 20
COLUMNS = ("source", "log", "since", "until")


def read(path: str) -> list[dict[str, Any]] | str:
    """Rows sorted by source, or what is wrong with the file, in one line."""
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        return f"the register cannot be read ({error.strerror})"
    if len(data) > MAX_BYTES:
        return "the register is larger than 8 MiB"
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "the register is no UTF-8"
    if "\0" in text:
        return "the register holds NUL bytes"
    delimiter = ";" if ";" in text.split("\n", 1)[0] else ","
    try:
        table = list(csv.reader(io.StringIO(text), delimiter=delimiter, strict=True))
    except csv.Error as error:
        return f"the register is no CSV ({error})"
    if not table or "source" not in (header := [name.strip().casefold() for name in table[0]]):
        return "the register has no column named source"
    found: list[dict[str, Any]] = []
    for number, row in enumerate(table[1:], 2):
        cells = {name: row[at].strip() for at, name in enumerate(header) if name in COLUMNS and at < len(row)}
        if not any(cells.values()):
            continue
        if not cells.get("source"):
            return f"line {number} of the register names no source"
        for name in ("since", "until"):
            try:
                if cells.get(name):
                    date.fromisoformat(cells[name])
            except ValueError:
                return f"line {number} of the register: {name} is a date, as 2026-11-25"
        found.append({name: cells.get(name, "") for name in COLUMNS} | {"line": number})
    if not found:
        return "the register names no source"
    return sorted(found, key=lambda row: (row["source"], row["log"], row["line"]))
