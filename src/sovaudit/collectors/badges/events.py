"""A prepared text as events: one query writes them all, a few more say what of them was not understood."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sovaudit.collectors.badges import reading
from sovaudit.collectors.badges.columns import events_query, few_words, filled, know_words
from sovaudit.collectors.badges.preparing import Prepared
from sovaudit.collectors.badges.sieve import FEW, Refused
from sovaudit.errors import CollectError
from sovaudit.facts.badge_events import EVENT_COLUMNS
from sovaudit.tables import Engine, Scratch


@dataclass(slots=True)
class Events:
    """out: a Parquet file of `rows` rows with the columns `filled`. columns: of an event, those that the map names.

    rejected: lines that the engine could not take apart, by reason; refused: rows that could not be read. unmapped: native code → how many,
    most first. directions, repeated, missing: how many are neither in nor out, and how many wall clock times came twice or never were.
    """

    out: Path
    rows: int
    skip: int
    filled: list[str]
    columns: list[str]
    rejected: dict[str, Refused]
    refused: dict[str, Refused]
    unmapped: list[tuple[str | None, int]]
    directions: int
    repeated: int
    missing: int


class _Words(CollectError):
    """Words that come again and again were to be written as numbers, and it failed."""


def events(
    surveyed: Future[Prepared], guess: Prepared | None, scratch: Scratch, teach: Callable[[Engine], None], where: str
) -> tuple[Prepared, Events]:
    """The text as it was prepared, and its events. guess: how it can be read if all of it is like its beginning; then it is read while every
    byte of it is looked at. Raises CollectError.
    """
    early: Events | None = None
    if guess is not None:
        with suppress(CollectError):  # it may be another one for all of the text
            early = _events(guess, scratch, teach, where)
    ready = surveyed.result()
    reading.need_header(ready.refused, ready.plan, where)
    if guess is None or early is None or not guess.reads(ready):
        early = _events(ready, scratch, teach, where)
    ready.need_same()
    return ready, early


def _events(ready: Prepared, scratch: Scratch, teach: Callable[[Engine], None], where: str) -> Events:
    try:
        return _written(ready, scratch, teach, where, few=True)
    except _Words:  # nearly always of one that the beginning of the log did not have
        return _written(ready, scratch, teach, where, few=False)


def _written(ready: Prepared, scratch: Scratch, teach: Callable[[Engine], None], where: str, *, few: bool) -> Events:
    """few: whether words that come again and again are written as numbers, which costs half; that fails if new ones come late."""
    plan = ready.plan
    tried = False
    engine = Engine(scratch, reads=[ready.path], ordered=True)
    try:
        teach(engine)
        know_words(engine)
        table = reading.json_lines(ready.path, plan) if plan.format == "jsonl" else reading.delimited(ready.path, plan, where)
        out = scratch.file("events.parquet")
        tried = few
        words = few_words(engine, table.plan, table.field, table.expression, spaced=ready.spaced) if few else {}
        tried = bool(words)
        query = events_query(
            table.plan, table.field, table.expression, Path(ready.name).stem, broken=table.broken, spaced=ready.spaced, words=words
        )
        rows = engine.write(query, out)
        rejected = reading.rejected(engine)
        engine.view("events", out, numbered="row", kinds=EVENT_COLUMNS)
        refused = engine.rows(
            f"SELECT refused, count(*), list(row ORDER BY row)[1:{FEW}] FROM events WHERE refused IS NOT NULL GROUP BY refused ORDER BY refused"
        )
        unmapped = engine.rows(
            "SELECT event_native, count(*) FROM events WHERE refused IS NULL AND event = 'UNMAPPED' "
            "GROUP BY event_native ORDER BY count(*) DESC, event_native"
        )
        ((directions, repeated, missing),) = engine.rows(
            "SELECT count(*) FILTER (direction = 'unmapped'), count(*) FILTER (time_note = 'repeated'), count(*) FILTER (time_note = 'missing') "
            "FROM events WHERE refused IS NULL"
        )
    except ValueError as error:
        failure = _Words if tried else CollectError
        raise failure(f"cannot be read ({error})", status="failed", where=where) from error
    finally:
        engine.close()
    by_reason = {reason: Refused(count, first) for reason, count, first in refused}
    columns = sorted({*table.plan.columns, "source"})
    return Events(
        out, rows, table.skip, filled(table.plan), columns, rejected, by_reason, unmapped, directions, repeated, missing
    )  # fmt: skip
