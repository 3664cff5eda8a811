"""passwd(5) lines as glibc's `files` source reads them (nss/nss_files/files-parse.c, pwd/fgetpwent_r.c).

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


def _number(text: str) -> int | None:
    """strtou32: blanks and a sign before the digits; out of range sticks at the largest number."""
    found = _NUMBER.match(text)
    if found is None:
        return None
    value = int(found[2])
    if found[1] == "-":
        value = (-value) % (1 << 64)
    return min(value, _TOP)
