"""Unit-style configuration as systemd reads it (systemd.syntax(7)): sections, comments, continuation, repeated keys."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sovaudit.model.finding import Line


@dataclass(frozen=True, slots=True)
class Assignment:
    section: str
    key: str
    value: str
    line: Line


def parse_ini(lines: Iterable[Line]) -> tuple[Assignment, ...]:
    """Assignments in file order; the caller lets the last one win. Lines that are no assignment are skipped, as systemd does.

    A line ending in a backslash goes on in the next one, joined by a blank; comment lines in between are dropped, and a comment is never
    continued.
    """
    found: list[Assignment] = []
    section = ""
    pending: Line | None = None
    text = ""
    for line in lines:
        raw = line.text.rstrip("\r")
        if raw.lstrip()[:1] in ("#", ";"):
            continue
        start = pending or line
        joined = f"{text} {raw}" if pending is not None else raw
        if joined.endswith("\\"):
            pending, text = start, joined[:-1]
            continue
        pending, text = None, ""
        section = _take(joined.strip(), start, section, found)
    if pending is not None:
        _take(text.strip(), pending, section, found)
    return tuple(found)


def _take(text: str, line: Line, section: str, found: list[Assignment]) -> str:
    if text.startswith("["):
        return text[1:-1] if text.endswith("]") else "\0broken"
    key, equals, value = text.partition("=")
    if equals and key.strip() and not section.startswith("\0"):
        found.append(Assignment(section, key.strip(), value.strip(), line))
    return section


def boolean(text: str) -> bool | None:
    """systemd's parse_boolean(); None for anything else, which leaves the setting as it was."""
    word = text.lower()
    if word in ("1", "yes", "y", "true", "t", "on"):
        return True
    if word in ("0", "no", "n", "false", "f", "off"):
        return False
    return None
