"""How a log archive is named: `logs:DIR[?key=value&…]`.

zone: time zone of stamps that carry none (default UTC, and said to be assumed). register: CSV file of the sources that must be there.
host: whose logs they are, where records do not say. format: for files that do not show theirs. year: of the newest record, for stamps
without one. records: FROM/TO, days whose records are noted one by one, so that copies can be compared.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from sovaudit.errors import UsageError

KEYS = ("zone", "register", "host", "format", "year", "records")
FORMATS = ("syslog", "audit", "journal-export", "journal-json", "windows-json", "windows-csv", "samba", "accesslog")
_HOST = re.compile(r"[A-Za-z0-9_.:%-]{1,255}")
HINT = "Write logs:DIR, or logs:DIR?zone=Africa/Casablanca&register=FILE."


@dataclass(frozen=True, slots=True)
class Address:
    """folder: a folder or one file. zone "": none was named. records: first and last day, or None for what the size allows."""

    folder: str
    zone: str = ""
    register: str = ""
    host: str = ""
    format: str = ""
    year: int = 0
    records: tuple[date, date] | None = None


def address(text: str) -> Address:
    """Raises UsageError: no such folder or register, unknown keys, zones, formats, days."""
    folder, _, query = text.partition(":")[2].partition("?")
    if not folder or not Path(folder).exists():
        raise UsageError(f"there is no folder {folder!r}", where="logs:", hint=HINT)
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError as error:
        raise UsageError(f"{query!r} is not key=value&…", where="logs:", hint=HINT) from error
    given = dict(pairs)
    for key, _value in pairs:
        if key not in KEYS:
            raise UsageError(f"unknown key {key!r}", where="logs:", hint=f"Known: {', '.join(KEYS)}.")
    if len(given) != len(pairs):
        raise UsageError("a key stands twice", where="logs:", hint=HINT)
    if "zone" in given:
        _zone(given["zone"])
    if "register" in given and not Path(given["register"]).is_file():
        raise UsageError(f"there is no file {given['register']!r}", where="logs: register", hint="Give a CSV file of sources.")
    if "host" in given and not _HOST.fullmatch(given["host"]):
        raise UsageError(f"{given['host']!r} is no host name", where="logs: host", hint=HINT)
    if "format" in given and given["format"] not in FORMATS:
        raise UsageError(f"unknown format {given['format']!r}", where="logs: format", hint=f"Known: {', '.join(FORMATS)}.")
    return Address(
        folder.rstrip("/") or "/",
        given.get("zone", ""),
        given.get("register", ""),
        given.get("host", ""),
        given.get("format", ""),
        _year(given.get("year", "")),
        _days(given.get("records", "")),
    )


def _zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise UsageError(f"unknown time zone {name!r}", where="logs: zone", hint="Write a name such as Africa/Casablanca.") from error


def _year(text: str) -> int:
    if not text:
        return 0
    if not re.fullmatch(r"(19[7-9]|20[0-9])[0-9]", text):
        raise UsageError(f"{text!r} is no year", where="logs: year", hint="Write the year of the newest record, as 2026.")
    return int(text)


def _days(text: str) -> tuple[date, date] | None:
    if not text:
        return None
    first, slash, last = text.partition("/")
    try:
        found = date.fromisoformat(first), date.fromisoformat(last if slash else first)
    except ValueError as error:
        raise UsageError(f"{text!r} is not FROM/TO", where="logs: records", hint="Write two days, as 2026-11-01/2026-11-07.") from error
    if found[1] < found[0]:
        raise UsageError("the last day lies before the first", where="logs: records", hint="Write the earlier day first.")
    return found
