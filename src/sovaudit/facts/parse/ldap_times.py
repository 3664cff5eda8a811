"""Times of directories. A moment is an aware UTC datetime, or one of the words that directories mean by special values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum, unique

_FILETIME_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_NEVER = 0x7FFFFFFFFFFFFFFF


@unique
class Special(StrEnum):
    """What stands where a time would."""

    NEVER = "never"  # it never happens, or has never happened
    MUST_CHANGE = "must-change"  # the password must be changed at the next login
    UNKNOWN = "unknown"  # not seen, or not a time


Moment = datetime | Special


def generalized(value: bytes) -> Moment:
    """GeneralizedTime (RFC 4517, 3.3.13): `YYYYMMDDHH[MM[SS]][.f](Z|±HH[MM])`. 000001010000Z is no time (slapo-ppolicy: locked for ever)."""
    text = value.decode("ascii", "replace").strip()
    digits = len(text) - len(text.lstrip("0123456789"))
    rest = text[digits:]
    if digits not in (10, 12, 14) or text.startswith("0000"):
        return Special.UNKNOWN
    if rest[:1] in (".", ","):
        rest = rest[1:].lstrip("0123456789")
    try:
        base = datetime(
            int(text[:4]), int(text[4:6]), int(text[6:8]), int(text[8:10]), int(text[10:12] if digits > 10 else 0),
            int(text[12:14] if digits > 12 else 0), tzinfo=UTC,
        )  # fmt: skip
        if rest == "Z":
            return base
        if rest[:1] in ("+", "-") and len(rest) in (3, 5) and rest[1:].isdigit():
            offset = timedelta(hours=int(rest[1:3]), minutes=int(rest[3:] or 0))
            return base - offset if rest[0] == "+" else base + offset
    except (ValueError, OverflowError):
        pass
    return Special.UNKNOWN


def filetime(value: bytes, *, zero: Special = Special.NEVER) -> Moment:
    """100-nanosecond steps since 1601 (MS-ADTS 2.2.22, LargeInteger). zero: what 0 means here; the largest value is never."""
    try:
        ticks = int(value)
    except ValueError:
        return Special.UNKNOWN
    if ticks == 0:
        return zero
    if ticks >= _NEVER or ticks < 0:
        return Special.NEVER
    try:
        return _FILETIME_EPOCH + timedelta(microseconds=ticks // 10)
    except OverflowError:
        return Special.NEVER


def interval_seconds(value: bytes) -> int | None:
    """AD's negative 100-nanosecond intervals as seconds; None for never (0 or the smallest value). Raises ValueError."""
    ticks = int(value)
    if ticks in (0, -0x8000000000000000):
        return None
    return abs(ticks) // 10_000_000


def epoch_days(value: bytes) -> Moment:
    """Days since 1970 (shadow(5)); an empty or negative value is never."""
    try:
        days = int(value)
    except ValueError:
        return Special.UNKNOWN
    if days < 0:
        return Special.NEVER
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=days)
    except OverflowError:
        return Special.NEVER
