"""A sheet of an Excel workbook as rows of text. A formula is no value: a row that needs one is refused."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from sovaudit.collectors.badges.mapping import BadgeMap
from sovaudit.collectors.badges.reading import fitted, wanted
from sovaudit.collectors.badges.sieve import Refused
from sovaudit.errors import CollectError

# what openpyxl lets through when an archive or its XML is broken
_BROKEN = (zipfile.BadZipFile, zlib.error, ElementTree.ParseError, OSError, KeyError, ValueError, TypeError, AttributeError, IndexError)
MAX_UNPACKED = 1 << 30
MAX_STRINGS = 256 << 20  # the shared strings are held in memory


def rows(path: Path, plan: BadgeMap, refused: dict[str, Refused]) -> Iterator[list[str]]:
    """First the names of the columns, then each row. Raises CollectError."""
    _refuse_bomb(path)
    import openpyxl

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=False, keep_links=False)
        yield from _chosen(book, path, plan, refused)
        book.close()
    except _BROKEN as error:
        raise CollectError(f"is no workbook that can be read ({type(error).__name__})", status="failed", where=str(path)) from error


def _chosen(book: Any, path: Path, plan: BadgeMap, refused: dict[str, Refused]) -> Iterator[list[str]]:
    if plan.sheet and plan.sheet not in book.sheetnames:
        raise CollectError(
            f"has no sheet {plan.sheet!r}", status="failed", where=str(path), hint=f"Its sheets are {', '.join(book.sheetnames)}."
        )
    yield from _sheet(book[plan.sheet] if plan.sheet else book.worksheets[0], path, plan, refused)


def _sheet(sheet: Any, path: Path, plan: BadgeMap, refused: dict[str, Refused]) -> Iterator[list[str]]:
    lines = enumerate(sheet.iter_rows(), 1)
    for _ in range(plan.skip):
        next(lines, None)
    if plan.header:
        _, first = next(lines, (0, ()))
        names = [text(cell.value).strip() for cell in first]
        while names and not names[-1]:
            names.pop()
        if not names:
            raise CollectError("is empty", status="failed", where=str(path))
    else:
        names = list(plan.names)
    plan = fitted(names, plan, str(path))
    yield names
    used = {names.index(name) for name in wanted(plan)}
    for number, cells in lines:
        if all(cell.value is None for cell in cells):
            continue
        if any(cell.data_type == "f" for place, cell in enumerate(cells) if place in used):
            refused.setdefault("formula", Refused()).add(number)
            continue
        row = [text(cell.value, plan.time.format) for cell in cells[: len(names)]]
        yield row + [""] * (len(names) - len(row))


def _refuse_bomb(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
    except (OSError, zipfile.BadZipFile) as error:
        raise CollectError("is no workbook (.xlsx)", status="failed", where=str(path)) from error
    strings = sum(size for name, size in sizes.items() if name.endswith("sharedStrings.xml"))
    if sum(sizes.values()) > MAX_UNPACKED or strings > MAX_STRINGS:
        raise CollectError(f"unpacks to {sum(sizes.values()) >> 20} MB", status="failed", where=str(path), hint="Export it as CSV.")


def text(value: Any, time_format: str = "iso") -> str:
    """A cell or a database's value as text; moments in the map's own time format, where it is one of strptime's."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime(time_format) if "%" in time_format else value.isoformat(sep=" ")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).hex()
    if isinstance(value, Mapping):
        import json

        return json.dumps(value, sort_keys=True)
    return str(value)
