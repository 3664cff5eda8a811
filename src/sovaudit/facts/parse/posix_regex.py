"""POSIX extended regular expressions (regex(7)) by Python's own, as far as both agree.

Python's backtracks: an expression that repeats a repetition could take for ever, so that one is refused, and so is a long one.
"""

from __future__ import annotations

import re
from functools import lru_cache

MAX_LENGTH = 1000
_CLASSES = {
    "alpha": "A-Za-z", "digit": "0-9", "alnum": "A-Za-z0-9", "upper": "A-Z", "lower": "a-z", "space": r"\s", "blank": r" \t", "xdigit": "0-9A-Fa-f",
    "punct": r"!-/:-@\[-`{-~", "cntrl": r"\x00-\x1f\x7f", "print": r"\x20-\x7e", "graph": r"\x21-\x7e",
}  # fmt: skip


@lru_cache(maxsize=512)
def compiled(expression: str) -> re.Pattern[str]:
    """Without regard to case. Raises ValueError for what is malformed, or what we do not model."""
    if len(expression) > MAX_LENGTH:
        raise ValueError("a long expression")
    try:
        return re.compile(_translated(expression), re.IGNORECASE | re.DOTALL)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"an expression that is not understood: {error}") from error


def _translated(expression: str) -> str:
    out: list[str] = []
    repeats: list[bool] = [False]  # whether the open group, each level, holds a repetition
    closed = False  # the last thing was a group that holds one
    at, size = 0, len(expression)
    while at < size:
        character = expression[at]
        if character == "[":
            text, at = _bracket(expression, at)
            out.append(text)
            closed = False
            continue
        if character == "\\":
            if at + 1 >= size:
                raise ValueError("a backslash at the end")
            if expression[at + 1].isalnum():
                raise ValueError("an escape that POSIX does not know")
            out.append(re.escape(expression[at + 1]))
            at += 2
            closed = False
            continue
        if character == "(":
            repeats.append(False)
            out.append("(")
            if expression[at + 1 : at + 2] in ("?", "*", "+"):
                raise ValueError("nothing to repeat")
        elif character == ")" and len(repeats) > 1:
            inner = repeats.pop()
            repeats[-1] = repeats[-1] or inner
            out.append(")")
            closed = inner
            at += 1
            continue
        elif character in "*+{":
            if closed:
                raise ValueError("a repetition of a repetition")
            if out and out[-1][-1:] in "*+?}":
                raise ValueError("a repetition of a repetition")
            repeats[-1] = True
            out.append(character)
        elif character == "?" and out and out[-1][-1:] in "*+?}":
            raise ValueError("a repetition of a repetition")
        elif character == "$":
            out.append(r"\Z")
        else:
            out.append(character)
        closed = False
        at += 1
    return "".join(out)


def _bracket(text: str, at: int) -> tuple[str, int]:
    """A bracket expression: there a backslash is an ordinary character."""
    at += 1
    out = ["["]
    if text[at : at + 1] == "^":
        out.append("^")
        at += 1
    first = True
    while at < len(text) and (text[at] != "]" or first):
        named = re.compile(r"\[:([a-z]+):\]").match(text, at)
        if named:
            if named[1] not in _CLASSES:
                raise ValueError("a class of characters that is not known")
            out.append(_CLASSES[named[1]])
            at = named.end()
        elif text[at] == "[" and text[at + 1 : at + 2] in (".", "="):
            raise ValueError("a collating element")
        else:
            out.append("\\" + text[at] if text[at] in "\\[]^&~|" else text[at])
            at += 1
        first = False
    if at >= len(text):
        raise ValueError("a bracket that does not close")
    return "".join([*out, "]"]), at + 1
