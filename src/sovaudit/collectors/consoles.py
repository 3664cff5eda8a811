"""The artifact `console-logins` from /var/log/wtmp: `seconds terminal user` for each login at the machine itself; `since seconds` of the oldest.

Terminals of the machine itself are virtual consoles, serial lines and local displays: nothing that came over the network, no host. The newest
records are read, up to items.WTMP_RECORDS. posix/collect.awk says the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sovaudit.collectors import items
from sovaudit.collectors.gather import Row
from sovaudit.model.evidence import Gap
from sovaudit.model.verdict import Reason

NAME = "console-logins"
LOGIN = 7  # USER_PROCESS (utmp(5))
_TERMINAL = re.compile(rb"tty[A-Za-z]*[0-9]+|console|hvc[0-9]+|:[0-9]+")


def console_logins(row: Row | None, long_time: bool, read_at: Callable[[int, int], bytes]) -> tuple[bytes | None, Gap | None]:
    """The artifact, or why there is none. row: of the file itself; None where it is absent. read_at: offset, size → bytes, raises OSError."""
    if row is None:
        return None, Gap(NAME, Reason.ABSENT, f"no {items.WTMP}")
    size = items.WTMP_RECORD
    if row.kind != "f" or row.size % size or long_time:
        return None, Gap(NAME, Reason.UNSUPPORTED, f"{items.WTMP} has a shape that we do not know")
    first = max(0, row.size - items.WTMP_RECORDS * size)
    try:
        data = read_at(first, row.size - first) if row.size else b""
    except OSError:
        return None, Gap(NAME, Reason.DENIED)
    found: set[bytes] = set()
    for at in range(0, len(data) - size + 1, size):
        record = data[at : at + size]
        seconds = int.from_bytes(record[340:344], "little")
        if at == 0:
            found.add(b"since %d\n" % seconds)
        line, user = _text(record[8:40]), _text(record[44:76])
        if int.from_bytes(record[:2], "little") == LOGIN and user and _TERMINAL.fullmatch(line):
            found.add(b"%d %s %s\n" % (seconds, line, user))
    return b"".join(sorted(found)), None


def _text(data: bytes) -> bytes:
    """A field of text up to its end; what is no plain character becomes `?`."""
    return bytes(byte if 33 <= byte <= 126 else 63 for byte in data.split(b"\0")[0])
