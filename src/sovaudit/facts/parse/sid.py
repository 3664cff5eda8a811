"""Security identifiers (MS-DTYP 2.4.2): `S-1-5-21-a-b-c-RID`, and their bytes."""

from __future__ import annotations

import struct


def sid_text(data: bytes, at: int = 0) -> str:
    """The identifier that begins at `at`. Raises ValueError if it is cut or has more than 15 parts."""
    return _text(data, at)[0]


def sid_at(data: bytes, at: int) -> tuple[str, int]:
    """(the identifier that begins at `at`, the first byte after it). Raises ValueError."""
    return _text(data, at)


def _text(data: bytes, at: int) -> tuple[str, int]:
    if at < 0 or len(data) - at < 8 or data[at] != 1 or data[at + 1] > 15 or len(data) - at < 8 + 4 * data[at + 1]:
        raise ValueError("not a security identifier")
    count = data[at + 1]
    authority = int.from_bytes(data[at + 2 : at + 8], "big")
    parts = struct.unpack_from(f"<{count}I", data, at + 8)
    return "-".join(map(str, ("S-1", authority, *parts))), at + 8 + 4 * count


def sid_bytes(text: str) -> bytes:
    """Its bytes. Raises ValueError."""
    marks = text.split("-")
    if len(marks) < 3 or marks[0].upper() != "S" or marks[1] != "1":
        raise ValueError("not a security identifier")
    parts = [int(mark) for mark in marks[3:]]
    try:
        return bytes((1, len(parts))) + int(marks[2]).to_bytes(6, "big") + struct.pack(f"<{len(parts)}I", *parts)
    except (OverflowError, struct.error) as error:
        raise ValueError("not a security identifier") from error


def relative(sid: str) -> int | None:
    """The last part of a domain's identifier (its RID) or of a built-in group's; None for what has none."""
    marks = sid.split("-")
    if sid.startswith("S-1-5-21-") and len(marks) == 8:
        return int(marks[-1])
    if sid.startswith("S-1-5-32-") and len(marks) == 5:
        return int(marks[-1])
    return None
