"""Cells of a list that people keep as rows of evidence: every column takes what its values may be, and says why a cell is none of them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache, partial
from typing import Any, TypeVar

from sovaudit.collectors.badges.mapping import Column
from sovaudit.collectors.records import SEVERAL, Cells

MAX_CELL = 400  # characters
_ISO = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ][\d:.]+(?:Z|[+-]\d{2}:?\d{2})?)?", re.ASCII)
_EARLIEST = date(1900, 1, 1)

Row = dict[str, Any]
_Value = TypeVar("_Value", str, list[str])
_Taker = Callable[[str], str | list[str]]


@dataclass(frozen=True, slots=True)
class List:
    """A kind of list. needed: columns without which a file says nothing, and that each row must fill. several: columns whose cell may hold
    several values, `;` between them. days: columns of dates. words: column → the words that it may hold. unkept: read, and left out."""

    kind: str
    columns: tuple[str, ...]
    needed: tuple[str, ...]
    several: tuple[str, ...] = ()
    days: tuple[str, ...] = ()
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unkept: tuple[str, ...] = ()

    @property
    def usage(self) -> str:
        return f"{self.kind}:FILE?map=MAP.toml"


class _Unfit(ValueError):
    """Why a cell is no value of its column."""


class Reader:
    """Cells of the file as one canonical row: only what is filled, `line`, and `refused`: why it cannot be believed."""

    def __init__(self, columns: Mapping[str, Column], of: List, dates: str) -> None:
        self._columns = columns
        self._of = of
        self._day = cache(partial(_day, form=dates))
        self._takers: list[tuple[str, str, _Taker]] = []  # name, the file's column where it is one unchanged, what takes its text

    def row(self, line: int, cells: Cells) -> Row | None:
        """None for a row in which every cell is empty."""
        found: Row = {"line": line}
        refused: list[str] = []
        if len(self._takers) != len(self._columns):
            self._takers = [(name, _alone(column), self._taker(name)) for name, column in self._columns.items()]
        for name, alone, take in self._takers:
            text = cells.get(alone, "").strip() if alone else _value(self._columns[name], cells)
            if text:
                try:
                    found[name] = take(text)
                except _Unfit as reason:
                    refused.append(f"{name}: {reason}")
        if len(found) == 1 and not refused:
            return None
        for name in self._of.needed:
            if name not in found:
                if not any(reason.startswith(f"{name}:") for reason in refused):
                    refused.append(f"{name}: missing")
                break
        if refused:
            found["refused"] = refused
        return found

    def _taker(self, name: str) -> _Taker:
        """What makes the text of a column's cell, which is never empty, its value. Asked for a word again, it remembers. It raises _Unfit."""
        if name in self._of.unkept:
            return str
        if name in self._of.days:
            day = self._day
            return lambda text: _understood(day(_fit(text)))
        if name in self._of.words:
            words = {word: word for word in self._of.words[name]}
            return cache(lambda text: _understood(words.get(_fit(text).lower())))
        if name in self._of.several:
            return _some
        return _one if name in ("id", "account") else _fit


def _fit(text: str) -> str:
    """The text as it is. Raises _Unfit for what a spreadsheet would compute, what nobody sees, what nobody types."""
    if text[0] in "=@+" or (text[0] == "-" and len(text) > 1):
        raise _Unfit("a formula")
    if len(text) > MAX_CELL:
        raise _Unfit("too long")
    if not text.isprintable():  # what is has only letters, marks, digits, signs and the plain space
        if text.isascii():
            raise _Unfit("control characters")
        if any(unicodedata.category(character) in ("Cc", "Cf", "Co", "Cs", "Cn") for character in text):
            raise _Unfit("invisible characters")
    return text


def _one(text: str) -> str:
    """One value. Raises _Unfit."""
    if SEVERAL in _fit(text):
        raise _Unfit("not understood")
    return text


def _some(text: str) -> list[str]:
    """Each value once. Raises _Unfit."""
    if SEVERAL not in _fit(text) and text == text.strip():  # what a map puts in place of a cell may have blanks around
        return [text]
    return _understood(list(dict.fromkeys(part for each in text.split(SEVERAL) if (part := each.strip()))))


def _understood(value: _Value | None) -> _Value:
    """Raises _Unfit for none."""
    if not value:
        raise _Unfit("not understood")
    return value


def _alone(column: Column) -> str:
    """The file's column that it is, unchanged; empty where it is made of more."""
    return "" if column.value is not None or column.match is not None or column.map else column.column or ""


def _value(column: Column, cells: Cells) -> str:
    if column.value is not None:
        text = column.value
    elif column.column is not None:
        text = cells.get(column.column, "")
    elif column.either:
        text = next((text for name in column.either if (text := cells.get(name, "").strip())), "")
    else:
        text = column.join.join(part for name in column.columns if (part := cells.get(name, "").strip()))
    if column.match is not None:
        matched = re.search(column.match, text, re.ASCII)
        text = (matched[1] or "") if matched else ""
    text = text.strip()
    return column.map.get(text, text) if column.map else text


def parsed(text: str, form: str) -> date:
    """Raises ValueError."""
    return datetime.strptime(text, form).replace(tzinfo=UTC).date()


def _day(text: str, form: str) -> str | None:
    """A date as YYYY-MM-DD, None for what is none in this format."""
    try:
        if form == "iso":
            match = _ISO.fullmatch(text)
            found = date.fromisoformat(match[1]) if match else None
        else:
            found = parsed(text, form)
    except ValueError:
        return None
    return found.isoformat() if found is not None and found >= _EARLIEST else None
