"""From an export to evidence: `badges/source`, `badges/events.parquet/…` and the tables beside them."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import Any

from sovaudit import canon
from sovaudit.collectors.badges import reading
from sovaudit.collectors.badges.address import Address
from sovaudit.collectors.badges.columns import events_query
from sovaudit.collectors.badges.mapping import BadgeMap
from sovaudit.collectors.badges.sieve import Refused, Sieved, sieve
from sovaudit.errors import CollectError
from sovaudit.model.evidence import Evidence, Target
from sovaudit.model.verdict import TargetStatus
from sovaudit.tables import Engine, Pieces, Scratch

COLLECTOR = "sovaudit-badges/1"
MOST_CODES = 200


def store(target: Target, place: Address, plan: BadgeMap, files: dict[str, Path], taken_at: datetime, began: float) -> Evidence:
    """Raises CollectError."""
    scratch = Scratch()
    pieces = Pieces(scratch)
    sieved = sieve(Path(place.place), plan.encoding, scratch)
    said = _events(Path(place.place), sieved, plan, scratch, pieces)
    pieces.add("badges/source", canon.canonical(said))
    size = sum(pieces.size(name) for name in pieces)
    cost = {"wall_ms": int((time.monotonic() - began) * 1000), "bytes": size}
    identity = {"file": said["file"]["name"], "sha256": sieved.sha256}
    return Evidence(target, TargetStatus.COLLECTED, taken_at, pieces, (), identity, COLLECTOR, cost=cost)


def _events(path: Path, sieved: Sieved, plan: BadgeMap, scratch: Scratch, pieces: Pieces) -> dict[str, Any]:
    engine = Engine(scratch, reads=[sieved.path], ordered=True)
    try:
        table = reading.json_lines(sieved.path, plan) if plan.format == "jsonl" else reading.delimited(sieved.path, plan, str(path))
        out = scratch.file("events.parquet")
        query = events_query(plan, table.field, table.expression, path.stem, broken=table.broken)
        rows = engine.write(query, out)
        refused = {**sieved.refused, **reading.rejected(engine)}
        engine.view("events", out, numbered="row")
        for reason, count, first in engine.rows(
            "SELECT refused, count(*), list(row ORDER BY row)[1:5] FROM events WHERE refused IS NOT NULL GROUP BY refused ORDER BY refused"
        ):
            refused[reason] = Refused(count, first)
        unmapped = engine.rows(
            "SELECT event_native, count(*) FROM events WHERE refused IS NULL AND event = 'UNMAPPED' "
            f"GROUP BY event_native ORDER BY count(*) DESC, event_native LIMIT {MOST_CODES}"
        )
        ((directions, repeated, missing),) = engine.rows(
            "SELECT count(*) FILTER (direction = 'unmapped'), count(*) FILTER (time_note = 'repeated'), count(*) FILTER (time_note = 'missing') "
            "FROM events WHERE refused IS NULL"
        )
    except ValueError as error:
        raise CollectError(f"cannot be read ({error})", status="failed", where=str(path)) from error
    finally:
        engine.close()
    return {
        "format": 1,
        "file": {"name": path.name, "bytes": sieved.size, "sha256": sieved.sha256, "last_line_complete": sieved.complete},
        "map": plan.model_dump(mode="json", exclude_defaults=True),
        "events": {"rows": rows, **pieces.add_table("badges/events.parquet", out)},
        "refused": {reason: {"count": each.count, "first": each.first} for reason, each in sorted(refused.items())},
        "unmapped": [[str(native), count] for native, count in unmapped],
        "unmapped_directions": directions,
        "repeated_times": repeated,
        "missing_times": missing,
        "tables": {},
    }
