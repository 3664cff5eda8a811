"""Points in time and stretches of it as sudoers(5) writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time of NOTBEFORE or NOTAFTER; local means that the host's own time zone applies."""

    at: datetime
    local: bool


def moment(text: str) -> Moment | None:
    """RFC 4517 generalized time as parse_gentime() of sudo reads it, None for what it refuses: `yyyymmddHH[MM[SS]][.f][Z|±hh[mm]]`."""
    found = re.fullmatch(r"(\d{10}|\d{12}|\d{14})(?:[.,](\d))?(Z|[+-]\d{2}(?:\d{2})?)?", text, re.ASCII)
    if not found:
        return None
    digits, fraction, zone = found.groups()
    minutes = int(digits[10:12] or 0)
    seconds = int(digits[12:14] or 0)
    if fraction and len(digits) == 10:
        minutes += 6 * int(fraction)
    elif fraction and len(digits) == 12:
        seconds += 6 * int(fraction)
    offset = 0
    if zone and zone != "Z":
        offset = (int(zone[1:3]) * 60 + int(zone[3:5] or 0)) * (-60 if zone[0] == "-" else 60)
    year, month = int(digits[:4]), int(digits[4:6]) - 1
    try:
        start = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
        spent = timedelta(days=int(digits[6:8]) - 1, hours=int(digits[8:10]), minutes=minutes, seconds=seconds - offset)
        return Moment(start + spent, zone is None)
    except (ValueError, OverflowError):
        return None


_SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1, "": 1}


def is_timeout(text: str) -> bool:
    """parse_timeout() of sudo: numbers with `d h m s`, none before an earlier one; a last number without a letter is seconds."""
    if not re.fullmatch(r"(?=.)(?:\d+d)*(?:\d+h)*(?:\d+m)*(?:\d+s)*(?:\d+)?", text, re.ASCII | re.IGNORECASE):
        return False
    parts = re.findall(r"(\d+)([dhms]?)", text.lower())
    return not (any(len(number) > 10 for number, _ in parts) or sum(int(number) * _SECONDS[unit] for number, unit in parts) >= 2**31)
