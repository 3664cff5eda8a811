"""A note of each planted fault and each sound object, and what was said of it: what docs/truth.md counts.

SOVAUDIT_PLANTED names a file that collects the notes, one JSON object a line; without it nothing is kept.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from sovaudit.authoring import Check
from sovaudit.facts.directory import Directory
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Outcome
from sovaudit.testing import run

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


def worst(outcomes: Iterable[Outcome], subjects: Iterable[str] | None = None) -> str:
    """What is said of these subjects together, `unknown` if nothing is; of all without a word on which."""
    wanted = None if subjects is None else set(subjects)
    found = {outcome.verdict.value for outcome in outcomes if wanted is None or outcome.subject in wanted}
    return next((verdict for verdict in ("fail", "unknown", "pass") if verdict in found), "unknown")


def of_policy(directory: Directory, check: Check, account: str, **knobs: object) -> str:
    """What a check says of the policy on an account, by name."""
    names = {
        row.policy.name for row in directory.policies if not isinstance(row.policy, Gap) and account in {one.name for one in row.accounts}
    }
    return worst((outcome for outcome in run(check, directory, **knobs) if outcome.subject in names), None) if names else "unknown"


def agree(server: str, directories: dict[str, Directory], check: Check, sound: bool, told: Callable[[Directory], str]) -> None:
    """Note what each identity is told, and demand that nobody is told wrong and the auditor is told everything."""
    really = "pass" if sound else "fail"
    for identity, directory in directories.items():
        said = told(directory)
        note(server, identity, check.id, really=really, said=said)
        assert said == really or (said == "unknown" and identity == READER), (check.id, identity, really, said)
