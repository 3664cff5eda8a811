"""From an export to evidence: `badges/source`, `badges/events.parquet/…` and the tables beside them."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sovaudit import canon
from sovaudit.collectors import pseudonyms
from sovaudit.collectors.badges import side, times
from sovaudit.collectors.badges.address import Address
from sovaudit.collectors.badges.events import Events, events
from sovaudit.collectors.badges.mapping import BadgeMap, Beside
from sovaudit.collectors.badges.preparing import Prepared, guessed, prepare
from sovaudit.collectors.badges.sieve import FEW, Refused
from sovaudit.collectors.options import CollectOptions
from sovaudit.errors import CollectError, UsageError
from sovaudit.facts.badge_events import EVENT_COLUMNS, SIDE_TABLES
from sovaudit.model.evidence import Evidence, Gap, Target
from sovaudit.model.verdict import Reason, TargetStatus
from sovaudit.tables import Engine, Pieces, Scratch, assemble, literal

COLLECTOR = "sovaudit-badges/1"
MOST_CODES = 200


def store(
    target: Target,
    place: Address,
    plan: BadgeMap,
    files: dict[str, tuple[Path, Beside]],
    options: CollectOptions,
    taken_at: datetime,
    began: float,
) -> Evidence:
    """Raises CollectError, UsageError."""
    scratch, apart = Scratch(), Scratch()
    pieces = Pieces(scratch, apart)

    def teach(engine: Engine) -> None:
        """Either pseudonyms, or the words themselves."""
        if options.identify:
            pseudonyms.plainly(engine)
        else:
            pseudonyms.teach(engine, options.people_key)

    def tables() -> dict[str, Any]:
        return {name: side.keep(name, *table, plan.time.zone, apart, pieces, teach) for name, table in sorted(files.items())}

    beside = ThreadPoolExecutor(2)
    try:
        surveyed = beside.submit(prepare, place.place, plan, scratch, options.sql_password)
        others = beside.submit(tables)
        ready, found = events(surveyed, guessed(place.place, plan), scratch, teach, place.place)
        said = _said(ready, found, pieces, place.place)
        said["tables"] = others.result()
    finally:
        beside.shutdown(wait=False, cancel_futures=True)  # who is interrupted does not wait for what is left of a long file
    said["people"] = pseudonyms.NAMED if options.identify else pseudonyms.PSEUDONYMS
    said["map"] = plan.model_dump(mode="json", exclude_defaults=True)
    pieces.add("badges/source", canon.canonical(said))
    size = sum(pieces.size(name) for name in pieces)
    cost = {"wall_ms": int((time.monotonic() - began) * 1000), "bytes": size}
    identity = {"file": ready.name, "sha256": ready.sha256, "people": said["people"]}
    return Evidence(target, TargetStatus.COLLECTED, taken_at, pieces, _odd(said), identity, COLLECTOR, cost=cost)


def _odd(said: dict[str, Any]) -> tuple[Gap, ...]:
    """One line for each thing that was not read or understood, counted."""
    name, found = said["file"]["name"], []
    if said["refused"]:
        each = [f"{reason}: {row['count']} ({_places(row)})" for reason, row in said["refused"].items()]
        found.append((f"rows:{name}", "not read: " + ", ".join(each)))
    for table, row in said["tables"].items():
        if row["refused"]:
            found.append((f"rows:{row['file']}", f"of {table} not read: {row['refused']}"))
    if not said["file"]["last_line_complete"]:
        found.append((f"end:{name}", "its last line has no end: it may be cut off"))
    codes = sum(count for _, count in said["unmapped"]) + said["unmapped_others"]
    if codes:
        most = ", ".join(native for native, _ in said["unmapped"][:FEW])
        found.append((f"codes:{name}", f"events with codes that the map does not name: {codes}, most often {most}"))
    for key, words in (
        ("unmapped_directions", "directions that are neither in nor out"), ("repeated_times", "wall clock times that came twice"),
        ("missing_times", "wall clock times that never were"),
    ):  # fmt: skip
        if said[key]:
            found.append((f"{key.partition('_')[2]}:{name}", f"{words}: {said[key]}"))
    return tuple(Gap(item, Reason.AMBIGUOUS, detail[:500]) for item, detail in found)


def _places(row: dict[str, Any]) -> str:
    more = ", …" if row["count"] > len(row["first"]) else ""
    return f"at {', '.join(map(str, row['first']))}{more}" if row["first"] else "of which no place is known"


def _account(ready: Prepared, skip: int, seen: int, refused: dict[str, Refused]) -> None:
    """Whatever the engine says, a line of the text is a row, is refused, or is blank."""
    if ready.lines and seen != ready.lines - skip:
        with ready.path.open("rb") as file:
            lines = sum(1 for number, line in enumerate(file) if number >= skip and line.strip())
        lines += sum(each.count for each in ready.refused.values())  # empty lines keep their places
        if lines > seen:
            refused["not accounted for"] = Refused(lines - seen)


def _said(ready: Prepared, found: Events, pieces: Pieces, where: str) -> dict[str, Any]:
    """What `badges/source` says of the events; adds their table. Raises CollectError for a file without any."""
    refused = {**ready.refused, **found.rejected}
    _account(ready, found.skip, found.rows + sum(each.count for each in refused.values()), refused)
    refused |= found.refused
    if found.rows + sum(each.count for each in ready.refused.values()) == 0 and not refused:
        raise CollectError("holds no event", status="failed", where=where)
    return {
        "format": 1,
        "file": {
            "name": ready.name,
            "bytes": ready.size,
            "sha256": ready.sha256,
            "files": ready.files,
            "last_line_complete": ready.complete,
        },
        "offsets": times.offsets(ready.plan.time.zone),
        "events": {"rows": found.rows, "filled": found.filled, **pieces.add_table("badges/events.parquet", found.out)},
        "refused": {reason: {"count": each.count, "first": each.first} for reason, each in sorted(refused.items())},
        "unmapped": [[str(native)[:200], count] for native, count in found.unmapped[:MOST_CODES]],
        "unmapped_others": sum(count for _, count in found.unmapped[MOST_CODES:]),
        "unmapped_directions": found.directions,
        "columns": found.columns,
        "repeated_times": found.repeated,
        "missing_times": found.missing,
    }


def redact(evidence: Evidence, options: CollectOptions) -> Evidence:
    """The same tables with pseudonyms. Raises UsageError for evidence that does not hold together."""
    scratch = Scratch()
    pieces = Pieces(scratch)
    try:
        said = json.loads(evidence.artifacts["badges/source"])
        tables = {"events": EVENT_COLUMNS, **{name: SIDE_TABLES[name] for name in said["tables"]}}
        for name, columns in tables.items():
            place = said["events"] if name == "events" else said["tables"][name]
            given, out = scratch.file(f"{name}.given"), scratch.file(f"{name}.parquet")
            assemble(evidence.artifacts, f"badges/{name}.parquet", place, given)
            engine = Engine(scratch, ordered=True)
            try:
                pseudonyms.teach(engine, options.people_key)
                chosen = ", ".join(side.hidden(name, column, f'"{column}"') + f' AS "{column}"' for column in place.get("filled", columns))
                engine.write(f"SELECT {chosen} FROM read_parquet({literal(str(given))})", out)
            finally:
                engine.close()
            given.unlink()
            place |= pieces.add_table(f"badges/{name}.parquet", out)
        said["people"] = pseudonyms.PSEUDONYMS
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"is no evidence of badges ({error!r})"[:200], where=evidence.target.id) from error
    pieces.add("badges/source", canon.canonical(said))
    return replace(evidence, artifacts=pieces, identity={**evidence.identity, "people": pseudonyms.PSEUDONYMS})
