"""From an export to evidence: `badges/source`, `badges/events.parquet/…` and the tables beside them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sovaudit import canon
from sovaudit.collectors import pseudonyms
from sovaudit.collectors.badges import reading, side, times
from sovaudit.collectors.badges.address import Address
from sovaudit.collectors.badges.columns import events_query, know_words
from sovaudit.collectors.badges.mapping import BadgeMap, Beside
from sovaudit.collectors.badges.preparing import Prepared, prepare
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

    with ThreadPoolExecutor(1) as beside:
        others = beside.submit(tables)
        ready = prepare(place.place, plan, scratch, options.sql_password)
        said = _events(place, ready, scratch, pieces, teach)
        said["tables"] = others.result()
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


def _events(place: Address, ready: Prepared, scratch: Scratch, pieces: Pieces, teach: Callable[[Engine], None]) -> dict[str, Any]:
    plan, where = ready.plan, place.place
    reading.need_header(ready.refused, plan, where)
    engine = Engine(scratch, reads=[ready.path], ordered=True)
    try:
        teach(engine)
        know_words(engine)
        table = reading.json_lines(ready.path, plan) if plan.format == "jsonl" else reading.delimited(ready.path, plan, where)
        out = scratch.file("events.parquet")
        query = events_query(table.plan, table.field, table.expression, Path(ready.name).stem, broken=table.broken, spaced=ready.spaced)
        rows = engine.write(query, out)
        refused = {**ready.refused, **reading.rejected(engine)}
        _account(ready, table.skip, rows + sum(each.count for each in refused.values()), refused)
        engine.view("events", out, numbered="row")
        for reason, count, first in engine.rows(
            f"SELECT refused, count(*), list(row ORDER BY row)[1:{FEW}] FROM events WHERE refused IS NOT NULL GROUP BY refused ORDER BY refused"
        ):
            refused[reason] = Refused(count, first)
        unmapped = engine.rows(
            "SELECT event_native, count(*) FROM events WHERE refused IS NULL AND event = 'UNMAPPED' "
            "GROUP BY event_native ORDER BY count(*) DESC, event_native"
        )
        ((directions, repeated, missing),) = engine.rows(
            "SELECT count(*) FILTER (direction = 'unmapped'), count(*) FILTER (time_note = 'repeated'), count(*) FILTER (time_note = 'missing') "
            "FROM events WHERE refused IS NULL"
        )
    except ValueError as error:
        raise CollectError(f"cannot be read ({error})", status="failed", where=where) from error
    finally:
        engine.close()
    if rows + sum(each.count for each in ready.refused.values()) == 0 and not refused:
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
        "offsets": times.offsets(plan.time.zone),
        "events": {"rows": rows, **pieces.add_table("badges/events.parquet", out)},
        "refused": {reason: {"count": each.count, "first": each.first} for reason, each in sorted(refused.items())},
        "unmapped": [[str(native)[:200], count] for native, count in unmapped[:MOST_CODES]],
        "unmapped_others": sum(count for _, count in unmapped[MOST_CODES:]),
        "unmapped_directions": directions,
        "columns": sorted({*table.plan.columns, "source"}),
        "repeated_times": repeated,
        "missing_times": missing,
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
                chosen = ", ".join(side.hidden(name, column, f'"{column}"') + f' AS "{column}"' for column in columns)
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
