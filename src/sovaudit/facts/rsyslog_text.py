"""Comparing a message's text with what a filter wants; parts of the text (`{user}`, `{address}`) differ from message to message."""

from __future__ import annotations

import re

from sovaudit.facts.parse.globs import Malformed, Unsupported, regex_matches

HOLE = re.compile(r"\{[a-z]+\}")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HOLE_CHARACTERS = re.compile(r"[A-Za-z0-9._:@+\-]+")  # what account names, addresses, ports and terminals are made of


def compare_text(operation: str, value: str, wanted: str) -> bool | None:
    if operation in ("regex", "ereregex"):
        return matches(wanted, value, False, extended=operation == "ereregex")
    if not HOLE.search(value):
        return _plain(operation, value, wanted)
    if "{date}" in value:
        answers = {compare_text(operation, value.replace("{date}", f"{month} 01 00:00:00"), wanted) for month in _MONTHS}
        return answers.pop() if len(answers) == 1 and not re.search(r"\d|:", wanted) else None
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


def matches(pattern: str, value: str, fold: bool, *, extended: bool) -> bool | None:
    """regexec(3). None where only what stands in the text's holes decides, or the expression is not modelled; one that is none matches nothing."""
    if not extended:
        pattern = re.sub(r"\\([(){}|+?])|([(){}|+?])", lambda match: match[1] or "\\" + match[2], pattern)
    if fold:
        pattern, value = pattern.lower(), value.lower()
    try:
        if not HOLE.search(value):
            return regex_matches(pattern, value)
        parts = HOLE.split(value)
        first, last = "^" in pattern, "$" in pattern
        asked = parts[:1] if first else parts[-1:] if last else parts
        return True if not (first and last) and any(regex_matches(pattern, part) for part in asked) else None
    except Malformed:
        return False
    except Unsupported:
        return None
