"""Simulated years of doors, with wrongs planted in some: what the checks of physical access find, miss and imagine.

python -m tests.planted_badges     simulate at full size and write tests/data/planted_badges.json, from which docs/truth.md has its table
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sovaudit.cli.docs import builtin
from sovaudit.facts.host import Host
from sovaudit.testing import badges_with, host_with, run
from tests.badge_hall import staff
from tests.badge_world import TAKEN, World, live

DATA = Path(__file__).parent / "data/planted_badges.json"
CODES = {"102": "DOOR_FORCED_OPEN"}  # what the product's map names, also in a year without one
CHECKS = {name: check for name, check in builtin().items() if name.startswith("physical-access.")}
ORDINARY, PLANTED = 48, 16  # worlds of 42 readers: 2,016 readers in which nothing was done
SEED = 1000


def console(world: World) -> Host:
    """The machine in room1 of the north."""
    rows = ["since 1700000000", *(f"{at} {terminal} {account}" for at, terminal, account in world.logins)]
    return host_with(artifacts={"console-logins": "".join(f"{row}\n" for row in rows)})


def judge(world: World, names: list[str] | None = None) -> dict[str, dict[str, dict[str, str]]]:
    """Check → verdict → subject → what was said."""
    log = badges_with(world.rows, taken_at=TAKEN, zone="Africa/Casablanca", events=CODES, **world.tables)
    people = staff(*world.staff)
    found: dict[str, dict[str, dict[str, str]]] = {}
    for name, check in CHECKS.items():
        if names is None or name in names:
            facts: list[object] = [log, (console(world),)] if "console" in name else [log]
            facts += [people] if len(check.needs) > len(facts) else []
            for outcome in run(check, *facts):
                said = outcome.text.format(**outcome.args) + " ".join(f" [{line.text}]" for line in outcome.because[:3])
                found.setdefault(name, {}).setdefault(outcome.verdict.value, {})[outcome.subject] = said
    return found


def measure(ordinary: int, planted: int, seed: int = SEED) -> list[dict[str, Any]]:
    """A row for each check: how many wrongs were planted, found, not found; and how many subjects failed to which nothing was done."""
    rows = {name: {"check": name, "planted": 0, "found": 0, "missed": 0, "others": 0, "false": 0, "judged": 0} for name in sorted(CHECKS)}
    for number in range(ordinary + planted):
        world = live(seed + number, planted=number >= ordinary)
        for name, said in judge(world).items():
            failing, wanted, row = set(said.get("fail", {})), world.planted.get(name, set()), rows[name]
            row["planted"] += len(wanted)
            row["found"] += len(wanted & failing)
            row["missed"] += len(wanted - failing)
            row["others" if wanted or number >= ordinary else "false"] += len(failing - wanted)
            row["judged"] += sum(len(said.get(verdict, {})) for verdict in ("pass", "fail")) if number < ordinary else 0
    return list(rows.values())


def main() -> None:
    rows = measure(ORDINARY, PLANTED)
    size = {"worlds": ORDINARY, "planted_worlds": PLANTED, "readers": ORDINARY * 42}
    DATA.write_text(json.dumps({**size, "rows": rows}, indent=1) + "\n", "utf-8")
    for row in rows:
        print(row)


if __name__ == "__main__":
    main()
