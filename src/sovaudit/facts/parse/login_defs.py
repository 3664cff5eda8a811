"""login.defs(5) as libpam and shadow read it: two readers that agree on the shipped file and on little else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from sovaudit.facts.files import Files
from sovaudit.model.finding import Line

PATH = "/etc/login.defs"
USUAL = 500  # lines
_BLANK = " \t\n\v\f\r"
_FIELDS = re.compile(r"[ \t]*([^ \t]+)[ \t](.*)", re.DOTALL)
_NUMBER = re.compile(r"[ \t\n\v\f\r]*([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)\Z")


@dataclass(frozen=True, slots=True)
class LoginDefs:
    """Key → (value, line). first: as libpam takes them (pam_modutil_search_key): the first line, keys in capitals here, any case in the file,
    `#` ends a line anywhere, quotes stay. last: as shadow does (lib/getdef.c): the last line, case counts, a comment after a value is part of it.
    """

    first: Mapping[str, tuple[str, Line]] = field(default_factory=dict)
    last: Mapping[str, tuple[str, Line]] = field(default_factory=dict)

    def number(self, key: str, default: int) -> int:
        """As libpam reads it."""
        value, _ = self.first.get(key, ("", None))
        return int(value) if re.fullmatch(r"[0-9]{1,9}", value.strip()) else default

    def shadow_number(self, key: str) -> tuple[int | None, Line | None]:
        """As shadow reads a number (octal and hexadecimal too). None: it is not set, or is no number and shadow takes its own default."""
        if key not in self.last:
            return None, None
        text, line = self.last[key]
        return c_number(text), line


def c_number(text: str) -> int | None:
    """strtol(3) with base 0 over the whole text, within 32 bits; None where it is none (lib/getlong.c)."""
    match = _NUMBER.match(text)
    if match is None:
        return None
    digits = match[2]
    value = int(digits, 16) if digits[:2] in ("0x", "0X") else int(digits, 8 if digits.startswith("0") else 10)
    value = -value if match[1] == "-" else value
    return value if -(2**31) <= value < 2**31 else None


def login_defs(files: Files) -> LoginDefs:
    """Raises Unseen where the file was not seen; empty where it is absent."""
    return files.once(_read)


def _read(files: Files) -> LoginDefs:
    lines = files.lines(PATH) or ()
    return _usual(lines) if len(lines) <= USUAL else _parsed(lines)


def searched(lines: Iterable[Line]) -> Mapping[str, tuple[str, Line]]:
    """Key in capitals → (value, line) as libpam's pam_modutil_search_key finds it, in any file."""
    found: dict[str, tuple[str, Line]] = {}
    for line in lines:
        text = line.text.split("#")[0].lstrip(_BLANK)
        if text:
            key, _, value = text.partition(min((mark for mark in " \t=" if mark in text), key=text.index, default="\n"))
            found.setdefault(key.upper(), (value.lstrip(_BLANK + "="), line))
    return found


def _parsed(lines: tuple[Line, ...]) -> LoginDefs:
    last: dict[str, tuple[str, Line]] = {}
    for line in lines:
        match = _FIELDS.match(line.text.rstrip(_BLANK))
        if match and match[1][0] != "#":
            last[match[1]] = (match[2].lstrip(' "\t').split('"')[0], line)
    return LoginDefs(searched(lines), last)


_usual = lru_cache(maxsize=32)(_parsed)  # like hosts hold like files


def uid_min(files: Files) -> int:
    """UID_MIN: the first number of people's accounts, as shadow reads it (decimal, octal or hexadecimal; the last line counts). Raises Unseen."""
    value, _ = login_defs(files).last.get("UID_MIN", ("", None))
    for form, base in ((r"0[xX][0-9a-fA-F]{1,8}", 16), (r"0[0-7]{0,10}", 8), (r"[1-9][0-9]{0,9}", 10)):
        if re.fullmatch(form, value):
            return int(value, base)
    return 1000
