"""login.defs(5) as libpam and shadow read it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sovaudit.facts.files import Files
from sovaudit.model.finding import Line

PATH = "/etc/login.defs"


@dataclass(frozen=True, slots=True)
class LoginDefs:
    """values: key → (value, line). libpam takes the first line of a key (pam_modutil_search_key), shadow the last."""

    first: Mapping[str, tuple[str, Line]] = field(default_factory=dict)
    last: Mapping[str, tuple[str, Line]] = field(default_factory=dict)

    def number(self, key: str, default: int) -> int:
        """As libpam reads it."""
        value, _ = self.first.get(key, ("", None))
        return int(value) if re.fullmatch(r"[0-9]{1,9}", value) else default


def login_defs(files: Files) -> LoginDefs:
    """Raises Unseen where the file was not seen; empty where it is absent."""
    return files.once(_read)


def _read(files: Files) -> LoginDefs:
    first: dict[str, tuple[str, Line]] = {}
    last: dict[str, tuple[str, Line]] = {}
    for line in files.lines(PATH) or ():
        text = line.text.split("#")[0].strip()
        match = re.match(r"([^\s=]+)[\s=]+(.*)", text)
        if match:
            value = match[2].strip().strip('"')
            first.setdefault(match[1], (value, line))
            last[match[1]] = (value, line)
    return LoginDefs(first, last)
