"""A note of each planted fault and each sound object, and what was said of it: what docs/truth.md counts.

SOVAUDIT_PLANTED names a file that collects the notes, one JSON object a line; without it nothing is kept.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

ADMINISTRATOR, READER = "administrator", "reader"  # an audit account with every right that it needs; an ordinary account


def note(server: str, identity: str, check: str, *, really: str, said: str) -> None:
    """really, said: pass or fail as the server itself acts; said may be unknown, too."""
    where = os.environ.get("SOVAUDIT_PLANTED")
    if where:
        with Path(where).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"server": server, "identity": identity, "check": check, "really": really, "said": said}) + "\n")


def counted(lines: list[str]) -> dict[str, dict[str, int]]:
    """`server · identity` → planted, found, sound, passed, unknown, wrong."""
    found: dict[str, dict[str, int]] = {}
    for line in lines:
        one = json.loads(line)
        row = found.setdefault(
            f"{one['server']} · {one['identity']}", dict.fromkeys(("planted", "found", "sound", "passed", "unknown", "wrong"), 0)
        )
        fault = one["really"] == "fail"
        row["planted" if fault else "sound"] += 1
        if one["said"] == one["really"]:
            row["found" if fault else "passed"] += 1
        elif one["said"] == "unknown":
            row["unknown"] += 1
        else:
            row["wrong"] += 1
    return found
