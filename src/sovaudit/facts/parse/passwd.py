"""passwd(5) and group(5) lines as glibc's `files` source reads them (nss/nss_files/files-parse.c, pwd/fgetpwent_r.c).

Treacherous: blanks before the name are skipped, numbers may have blanks, signs and zeros before them, and the fields after the group may be missing.
"""

from __future__ import annotations

import re

_NUMBER = re.compile(r"[ \t\v\f\r]*([+-]?)(\d{1,20})\Z", re.ASCII)
_TOP = 0xFFFFFFFF


def passwd_fields(text: str) -> list[str] | None:
    """The seven fields with uid and gid in plain decimal, None where glibc skips the line.

    >>> passwd_fields(" toor:x:00:0")
    ['toor', 'x', '0', '0', '', '', '']
    """
    text = text.split("\0")[0].lstrip(" \t\v\f\r")
    if not text or text.startswith("#"):
        return None
    cells = text.split(":", 6)
    name = cells[0]
    if not name:
        return None
    cells += [""] * (7 - len(cells))
    for place in (2, 3):
        if name[0] in "+-" and not cells[place]:
            cells[place] = "0"  # a line for NIS may leave its numbers out
        number = _number(cells[place])
        if number is None:
            return None
        cells[place] = str(number)
    return cells


def group_fields(text: str) -> tuple[str, int, frozenset[str]] | None:
    """Name, number and members of a group(5) line, None where glibc skips it. Members may be missing; blanks before one are skipped.

    A line that begins with `#` has no name that getgrnam(3) finds, but initgroups(3) reads it like any other: its members are in that group.

    >>> group_fields("#docker:x:999:alice, bob")[:2]
    ('#docker', 999)
    """
    cells = text.split("\0")[0].split(":", 3)
    number = _number(cells[2]) if len(cells) > 2 else None
    if number is None or not cells[0].strip() or cells[0][0] in "+-":
        return None
    members = (member.lstrip(" \t\v\f\r") for member in (cells[3] if len(cells) > 3 else "").split(","))
    return cells[0].lstrip(" \t\v\f\r"), number, frozenset(member for member in members if member)


def _number(text: str) -> int | None:
    """strtou32: blanks and a sign before the digits; out of range sticks at the largest number."""
    found = _NUMBER.match(text)
    if found is None:
        return None
    value = int(found[2])
    if found[1] == "-":
        value = (-value) % (1 << 64)
    return min(value, _TOP)


_AGE = re.compile(r"[ \t\v\f\r]*(?:\+?(\d{1,10})|-0+)\Z", re.ASCII)


def shadow_fields(text: str) -> tuple[str, str, list[int | None]] | None:
    """Name, password and the six numbers of one line, None where glibc skips it (shadow/sgetspent_r.c).

    A line has nine fields, or five in its old form; a number that is none, or below nought, spoils the whole line. Beyond 2^31 they turn negative.

    >>> shadow_fields("alice:!:20000:0:90:7:::")
    ('alice', '!', [20000, 0, 90, 7, None, None])
    """
    cells = text.split("\0")[0].lstrip(" \t\v\f\r").split(":")
    if not cells[0] or cells[0][0] in "#+-":
        return None
    if len(cells) == 6 and not cells[5].strip():
        cells.pop()
    if len(cells) not in (5, 9):
        return None
    numbers: list[int | None] = []
    for cell in cells[2:]:
        match = _AGE.match(cell)
        value = int(match[1] or 0) if match else 0
        if (cell and match is None) or value > _TOP:
            return None
        value -= 1 << 32 if value >= 1 << 31 else 0
        numbers.append(None if not cell or value == -1 else value)
    return cells[0], cells[1], [*numbers, *[None] * 6][:6]
