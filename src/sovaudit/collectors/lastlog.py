"""The artifact `last-logins` from /var/log/lastlog: `uid seconds` for each account of passwd(5) that has logged in; no host, no terminal.

The file has one record per uid at its own place and is mostly holes; only the records of accounts are read. posix/collect.awk says the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sovaudit.collectors import items
from sovaudit.collectors.gather import Row
from sovaudit.model.evidence import Gap
from sovaudit.model.verdict import Reason

NAME = "last-logins"
_CELLS = re.compile(rb"[^:]*:[^:]*:([0-9]{1,10}):")


def last_logins(row: Row | None, passwd: bytes, long_time: bool, read_at: Callable[[int, int], bytes]) -> tuple[bytes | None, Gap | None]:
    """The artifact, or why there is none. row: of the file itself; None where it is absent. read_at: offset, size → bytes, raises OSError."""
    if row is None:
        return None, Gap(NAME, Reason.ABSENT, f"no {items.LASTLOG}")
    record = items.LASTLOG_RECORD + (4 if long_time else 0)
    if row.kind != "f" or row.size % record:
        return None, Gap(NAME, Reason.UNSUPPORTED, f"{items.LASTLOG} has a shape that we do not know")
    found: set[bytes] = set()
    uids = {int(match[1]) for line in passwd.split(b"\n") if (match := _CELLS.match(line))}
    if len(uids) > items.MAX_UIDS:
        return None, Gap(NAME, Reason.TRUNCATED, f"more than {items.MAX_UIDS} accounts")
    try:
        for uid in uids:
            data = read_at(uid * record, 4) if (uid + 1) * record <= row.size else b""
            if seconds := int.from_bytes(data, "little"):
                found.add(b"%d %d\n" % (uid, seconds))
    except OSError:
        return None, Gap(NAME, Reason.DENIED)
    return b"".join(sorted(found)), None
