"""Comparing a message's text with what a filter wants; parts of the text (`{user}`, `{address}`) differ from message to message."""

from __future__ import annotations

import re

HOLE = re.compile(r"\{[a-z]+\}")
_HOLE_CHARACTERS = re.compile(r"[A-Za-z0-9._:@+\-]+")  # what account names, addresses, ports and terminals are made of


def compare_text(operation: str, value: str, wanted: str) -> bool | None:
    if operation in ("regex", "ereregex"):
        return matches(wanted, value, False, extended=operation == "ereregex")
    if not HOLE.search(value):
        return _plain(operation, value, wanted)
    fixed = HOLE.split(value)
    if operation == "isempty":
        return False
    if operation == "contains":
        if any(wanted in part for part in fixed):
            return True
        return None if _could_span(fixed, wanted) else False
    if operation == "startswith":
        if fixed[0].startswith(wanted):
            return True
        return None if wanted.startswith(fixed[0]) else False
    if operation == "endswith":
        if fixed[-1].endswith(wanted) and wanted:
            return True
        return None if wanted.endswith(fixed[-1]) else False
    pattern = _HOLE_CHARACTERS.pattern.join(re.escape(part) for part in fixed)
    return None if re.fullmatch(pattern, wanted) else False


def _could_span(fixed: list[str], wanted: str) -> bool:
    """Whether the text could stand in a hole or across one: its parts outside of account-like characters must stand in the fixed text."""
    words = [word for word in re.split(_HOLE_CHARACTERS.pattern, wanted) if word]
    rest = " ".join(fixed)
    return all(word in rest for word in words)


def _plain(operation: str, value: str, wanted: str) -> bool:
    if operation == "contains":
        return wanted in value
    if operation == "startswith":
        return value.startswith(wanted)
    if operation == "endswith":
        return value.endswith(wanted)
    if operation == "isempty":
        return value == ""
    return value == wanted


_SAFE = re.compile(r"[\w\s^$.|()?*+,:;/=@<>!#%&'\"\-\\\[\]{}]{0,200}")


def matches(pattern: str, value: str, fold: bool, *, extended: bool) -> bool | None:
    """A POSIX regular expression; None where the text has holes that matter, or where Python's meaning could differ or run long."""
    if (
        HOLE.search(value)
        or not _SAFE.fullmatch(pattern)
        or "[:" in pattern
        or ("\\" in pattern and re.search(r"\\[^.\[\]*+?()|^${}/\\-]", pattern))
    ):
        return None
    if not extended:
        swapped = re.sub(r"\\([(){}|+?])|([(){}|+?])", lambda match: match[1] or "\\" + match[2], pattern)
    else:
        swapped = pattern
    if re.search(r"[*+}?)][*+{]", swapped):
        return None  # nested or stacked repetition: not evaluated on a hostile pattern
    try:
        return re.search(swapped, value, re.IGNORECASE if fold else 0) is not None
    except (re.error, OverflowError):
        return None
