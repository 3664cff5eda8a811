"""The file mode creation mask: what `umask` of a shell makes of its argument (bash(1), dash(1), umask(1p)), and what PAM and sshd begin with."""

from __future__ import annotations

import re
from typing import Literal

_CLAUSE = re.compile(r"([ugoa]*)([-+=][rwxXstugo]*(?:[-+=][rwxXstugo]*)*)")
_BITS = {"r": 4, "w": 2, "x": 1}


def new_mask(words: list[str], before: int | None, dialect: str) -> int | Literal[False] | None:
    """The mask after `umask words`. before: the one in force, None if not known. False: the shell refuses and nothing changes.

    >>> new_mask(["027"], 0o22, "bash") == 0o27
    True
    """
    words = list(words)
    while words and words[0].startswith("-") and len(words[0]) > 1:
        option = words.pop(0)
        if option == "--":
            break
        if not set(option[1:]) <= set("Sp" if dialect != "dash" else "S"):
            return False
    if not words:
        return before
    text = words[0]
    if text == "" and dialect == "dash":
        return before
    if text[:1].isdigit():
        if not re.fullmatch("[0-7]+", text) or (dialect != "dash" and int(text, 8) > 0o7777):
            return False
        return int(text, 8) & 0o777
    return _symbolic(text, before, dialect)


def _symbolic(text: str, before: int | None, dialect: str) -> int | Literal[False] | None:
    """`u=rwx,g=rx,o=`: what is allowed, so the mask is its opposite."""
    allowed = None if before is None else ~before & 0o777
    for clause in text.split(","):
        match = _CLAUSE.fullmatch(clause)
        if match is None:
            return False
        shifts = {"u": (6,), "g": (3,), "o": (0,), "a": (6, 3, 0)}
        who = tuple(dict.fromkeys(shift for letter in match[1] or "a" for shift in shifts[letter]))
        operations = re.findall(r"([-+=])([rwxXstugo]*)", match[2])
        if dialect == "bash" and len(operations) > 1:
            return False
        for operator, letters in operations:
            if dialect == "bash" and set(letters) - set("rwx"):
                return False
            if set(letters) & set("ugoXst"):
                return None
            bits = sum(_BITS[letter] for letter in set(letters))
            if allowed is None and not (operator == "=" and set(who) == {6, 3, 0}):
                return None
            for shift in who:
                held = ((allowed or 0) >> shift) & 7
                held = bits if operator == "=" else held | bits if operator == "+" else held & ~bits
                allowed = ((allowed or 0) & ~(7 << shift)) | held << shift
    return None if allowed is None else ~allowed & 0o777
