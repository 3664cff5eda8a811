"""Unit-style configuration as systemd reads it (systemd.syntax(7)): sections, comments, continuation, repeated keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from sovaudit.model.finding import Line

USUAL = 200  # lines
_NO_TEXT = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Assignment:
    section: str
    key: str
    value: str
    line: Line


def parse_ini(lines: Iterable[Line]) -> tuple[Assignment, ...]:
    """Assignments in file order; the caller lets the last one win. Lines that are no assignment are skipped, as systemd does.

    A line ending in a backslash goes on in the next one, joined by a blank; comment lines in between are dropped, and a comment is never
    continued. A line that systemd cannot read ends the file: see `read_ini`.
    """
    return read_ini(lines)[0]


def read_ini(lines: Iterable[Line]) -> tuple[tuple[Assignment, ...], Line | None]:
    """The same, and the line at which systemd gives the file up: a broken section header, or bytes that are no UTF-8. What stands before
    counts.
    """
    given = tuple(lines)
    return _usual(given) if len(given) <= USUAL else _read(given)


def _read(lines: tuple[Line, ...]) -> tuple[tuple[Assignment, ...], Line | None]:
    found: list[Assignment] = []
    section = ""
    for text, line in _joined(lines):
        if not text:
            continue
        if _NO_TEXT.search(text) or (text[0] == "[" and (text[-1] != "]" or len(text) < 2)):
            return tuple(found), line
        if text[0] == "[":
            section = text[1:-1]
            continue
        key, equals, value = text.partition("=")
        if equals and key.strip():
            found.append(Assignment(section, key.strip(), value.strip(), line))
    return tuple(found), None


_usual = lru_cache(maxsize=512)(_read)  # like hosts hold like files


def _joined(lines: Iterable[Line]) -> Iterator[tuple[str, Line]]:
    """Logical lines, and where they begin."""
    pending: Line | None = None
    text = ""
    for line in lines:
        for raw in line.text.split("\r"):
            if line.number == 1:
                raw = raw.removeprefix("\ufeff")
            if raw.lstrip()[:1] in ("#", ";"):
                continue
            start = pending or line
            text += raw
            if (len(text) - len(text.rstrip("\\"))) % 2:
                pending, text = start, text[:-1] + " "
                continue
            yield text.strip(), start
            pending, text = None, ""
    if pending is not None:
        yield text.strip(), pending


def boolean(text: str) -> bool | None:
    """systemd's parse_boolean(); None for anything else, which leaves the setting as it was."""
    word = text.lower()
    if word in ("1", "yes", "y", "true", "t", "on"):
        return True
    if word in ("0", "no", "n", "false", "f", "off"):
        return False
    return None
