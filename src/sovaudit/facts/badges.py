"""A log of physical access: what an export of a badge system holds, as tables that a check asks in SQL.

    log.query("SELECT source, count(*) FROM events GROUP BY source ORDER BY source")

Views: `events` (rows that could be read; columns of badge_events.EVENT_COLUMNS without `refused`, and `row`, the record's place in the export
from 1), `refused` (rows that could not: `row`, `refused`), and each table of badge_events.SIDE_TABLES that was given, under its name.
Every query must be ordered to the last row and made of integers and text, so that it answers the same on any machine.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, ClassVar

from sovaudit import canon
from sovaudit.errors import IntegrityError
from sovaudit.facts.badge_events import ALWAYS_FILLED, EVENT_COLUMNS, SIDE_TABLES
from sovaudit.facts.files import Unseen
from sovaudit.model.evidence import Evidence, Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason
from sovaudit.tables import Engine, Scratch, Value, assemble, identifier

SOURCE = "badges/source"
EVENTS = "badges/events.parquet"
_WORD = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Reading:
    """What the collector says of its reading.

    complete: whether the last line has an end. refused: reason → how many rows. unmapped: native code → how many events; unmapped_others:
    events of still other codes.
    """

    file: str
    files: int
    complete: bool
    rows: int
    refused: Mapping[str, int]
    unmapped: Mapping[str, int]
    unmapped_others: int
    unmapped_directions: int
    repeated_times: int
    missing_times: int
    columns: frozenset[str]
    tables: frozenset[str]


@dataclass(slots=True)
class _Table:
    """One that is kept for all who ask, and of what it is made."""

    made_of: str
    made: bool = False
    making: threading.Lock = field(default_factory=threading.Lock)


class _Own(threading.local):
    """Temporary tables of one thread, by name, and of what they are made."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.loaded: dict[str, str] = {}


class BadgeLog:
    """Facts about one log. What was not seen raises Unseen, which the engine turns into `unknown`. Several checks may ask it at once."""

    kinds: ClassVar[tuple[str, ...]] = ("badges",)
    shared: ClassVar[bool] = True

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self._kept: dict[str, _Table] = {}
        self._opened: Engine | None = None
        self._opening = threading.Lock()
        self._own = _Own()
        self._numbered: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        return self.evidence.identity.get("file") or self.evidence.target.id

    @property
    def taken_at(self) -> datetime:
        """When the export was read. Raises Unseen."""
        if self.evidence.taken_at is None:
            raise Unseen(Gap("taken_at", Reason.ABSENT))
        return self.evidence.taken_at

    @cached_property
    def _said(self) -> dict[str, Any]:
        data = self.evidence.artifacts.get(SOURCE)
        if data is None:
            raise Unseen(Gap(SOURCE, Reason.ABSENT))
        try:
            said = canon.loads_strict(data, where=SOURCE)
            if said["format"] != 1:
                raise ValueError(f"format {said['format']}")
        except (IntegrityError, KeyError, TypeError, ValueError) as error:
            raise Unseen(Gap(SOURCE, Reason.UNSUPPORTED, str(error))) from error
        return dict(said)

    @cached_property
    def reading(self) -> Reading:
        """Raises Unseen."""
        said = self._said
        try:
            return Reading(
                file=said["file"]["name"],
                files=said["file"]["files"],
                complete=said["file"]["last_line_complete"],
                rows=said["events"]["rows"],
                refused={reason: each["count"] for reason, each in said["refused"].items()}
                | {f"{name}: row": each["refused"] for name, each in said["tables"].items() if each.get("refused")},
                unmapped=dict(said["unmapped"]),
                unmapped_others=said.get("unmapped_others", 0),
                unmapped_directions=said["unmapped_directions"],
                repeated_times=said["repeated_times"],
                missing_times=said["missing_times"],
                columns=frozenset(said.get("columns") or {*said["map"]["columns"], "source"}),
                tables=frozenset(said["tables"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Unseen(Gap(SOURCE, Reason.UNSUPPORTED, f"{error!r:.100}")) from error

    @property
    def _engine(self) -> Engine:
        with self._opening:
            if self._opened is None:
                self._opened = self._open_all()
            return self._opened

    def _open_all(self) -> Engine:
        said, scratch = self._said, Scratch()
        engine = Engine(scratch)
        self._open(engine, EVENTS, "all_events", said["events"], EVENT_COLUMNS, numbered="row")
        kept = ", ".join(name for name in EVENT_COLUMNS if name != "refused")
        ((refused,),) = engine.rows("SELECT count(refused) FROM all_events")
        self._numbered = engine.hold("events", f"SELECT row, {kept} FROM all_events {'WHERE refused IS NULL' if refused else ''}")
        engine.run("CREATE VIEW refused AS SELECT row, refused FROM all_events WHERE refused IS NOT NULL")
        for name in sorted(self.reading.tables & set(SIDE_TABLES)):
            self._open(engine, f"badges/{name}.parquet", name, said["tables"][name], SIDE_TABLES[name])
        return engine

    def _open(
        self, engine: Engine, artifact: str, view: str, said: Mapping[str, Any], columns: Mapping[str, str], *, numbered: str = ""
    ) -> None:
        """A table as a view. Raises Unseen unless every piece, row and column of it is there."""
        path = engine.scratch.file(f"{view}.parquet")
        try:
            assemble(self.evidence.artifacts, artifact, said, path)
            want = {name: kind.split()[0] for name, kind in columns.items()}
            have = engine.view(view, path, numbered=numbered, kinds=want)
            filled = [str(name) for name in said.get("filled", want)]
            if have != {name: want[name] for name in filled} or not have.keys() >= want.keys() & ALWAYS_FILLED:
                raise ValueError("its columns are not those of such a table")
            ((rows,),) = engine.rows(f"SELECT count(*) FROM {view}")
        except (KeyError, TypeError, ValueError) as error:
            raise Unseen(Gap(artifact, Reason.ABSENT, f"{error}"[:200])) from error
        if rows != said["rows"]:
            raise Unseen(Gap(artifact, Reason.TRUNCATED, f"{rows} rows of {said['rows']}"))

    def query(self, sql: str, parameters: Sequence[Value] | Mapping[str, Value] = ()) -> list[tuple[Any, ...]]:
        """The rows of an SQL query over the views; parameters as `$1` or `$name`. Raises Unseen where a table is not whole."""
        return self._engine.rows(sql, parameters)

    def load(self, name: str, columns: Mapping[str, str], rows: Iterable[Sequence[Value]]) -> None:
        """Other facts (a roster, logins) as a temporary table to join with: columns are name → SQL type. Its name begins with a letter."""
        if name in SIDE_TABLES or name in ("events", "refused", "all_events"):
            raise ValueError(f"{name} is a table of the log")
        self._own.loaded[name] = self._engine.load(name, columns, rows)

    def keep(self, name: str, sql: str, *, given: Callable[[], object] | None = None) -> None:
        """A query's rows as a table, made once, for all checks that ask it. Its name begins with a letter. given: loads what the query needs,
        if it is to be made. One of another query of that name, or of other rows that were loaded, stays with the thread that wants it.
        """
        made_of = self._made_of(sql)
        table = self._kept.setdefault(name, _Table(made_of))
        own = self._own.kept
        if table.made_of != made_of:
            if own.get(name) != made_of:
                self._make(f"CREATE OR REPLACE TEMP TABLE {identifier(name)} AS {sql}", given)
                own[name] = made_of
            return
        with table.making:
            if not table.made:
                self._make(f"CREATE TABLE {identifier(name)} AS {sql}", given)
                table.made = True
        if own.pop(name, None) is not None:
            self._engine.run(f"DROP TABLE temp.{identifier(name)}")

    def _made_of(self, sql: str) -> str:
        """A query, and what this thread alone has under the names in it: the same words asked of other rows are another query."""
        own = {**self._own.loaded, **self._own.kept}
        return "\n".join([sql, *(f"{word}: {own[word]}" for word in sorted(set(_WORD.findall(sql))) if word in own)])

    def _make(self, statement: str, given: Callable[[], object] | None) -> None:
        if given is not None:
            before = dict(self._own.loaded)
            given()
            self._own.loaded = before  # what it loads is its own, whoever makes the table
        self._engine.run(statement)

    def number(self, column: str, table: str) -> str:
        """SQL: a number for the text of a column of events, under a table's name; empty where the text is held as such. Raises Unseen."""
        _ = self._engine
        return f"enum_code({table}.{column})" if column in self._numbered else ""

    @cached_property
    def offsets(self) -> tuple[tuple[int, int], ...]:
        """(from when, milliseconds east of UTC) of the doors' own clocks, ascending. Raises Unseen where the map names no zone."""
        try:
            rows = tuple((int(start), int(east)) for start, east in self._said["offsets"])
        except (KeyError, TypeError, ValueError):
            rows = ()
        if not rows:
            raise Unseen(
                Gap(
                    "badges/source: offsets", Reason.ABSENT, "name the doors' time zone: [time] zone of the map, or &zone=Africa/Casablanca"
                )
            )
        return rows

    def local(self, column: str) -> str:
        """SQL: what clocks on the wall showed at a time, in milliseconds as if they were UTC. Raises Unseen."""
        ((first, last),) = self.query("SELECT coalesce(min(event_time), 0), coalesce(max(event_time), 0) FROM events")
        rows = [
            row
            for at, row in enumerate(self.offsets)
            if row[0] <= last and (at + 1 == len(self.offsets) or self.offsets[at + 1][0] > first)
        ]
        later = rows[1:] if rows else []
        whens = "".join(f" WHEN {column} >= {start} THEN {east}" for start, east in reversed(later))
        east = (rows or self.offsets)[0][1]
        return f"({column} + {f'CASE{whens} ELSE {east} END' if whens else east})"

    def reports(self, code: str) -> bool:
        """Whether such events would show in the log: one is there, or the map says how the product writes them. Raises Unseen."""
        return code in self.codes

    def reports_any(self, prefix: str) -> bool:
        """The same for any code that begins so. Raises Unseen."""
        return any(code.startswith(prefix) for code in self.codes)

    @cached_property
    def codes(self) -> frozenset[str]:
        """Events of badge_events.CODES that are there, or that the map names a product's code for. Raises Unseen."""
        named = self._said["map"].get("events") or {}
        return frozenset(code for (code,) in self.query("SELECT DISTINCT event FROM events ORDER BY event")) | set(named.values())

    def need(self, *columns: str) -> None:
        """Raises Unseen for the first of these columns of an event that the map does not fill, or that is empty throughout."""
        for column in columns:
            if column not in self.reading.columns:
                raise Unseen(Gap(f"badges/events: {column}", Reason.ABSENT, "the map names no column for it"))
            if not self.filled[column]:
                raise Unseen(Gap(f"badges/events: {column}", Reason.ABSENT, "the export leaves it empty"))

    def has(self, table: str) -> bool:
        """Whether a table of SIDE_TABLES was given. Raises Unseen for one with rows that could not be read: its answers would not be whole."""
        if table not in self.reading.tables:
            return False
        refused = self._said["tables"][table].get("refused", 0)
        if refused:
            raise Unseen(Gap(f"badges/{table}", Reason.UNSUPPORTED, f"{refused} rows could not be read"))
        return True

    def need_table(self, name: str) -> None:
        """Raises Unseen if a table of SIDE_TABLES was not given, or not whole."""
        if not self.has(name):
            raise Unseen(Gap(f"badges/{name}", Reason.ABSENT, f"give it as [files] {name} of the map, or as &{name}=FILE"))
        _ = self._engine

    def need_columns(self, table: str, *columns: str) -> None:
        """Raises Unseen if a table of SIDE_TABLES was not given whole, or its file has no such column: what is empty there was never said."""
        self.need_table(table)
        have = self._said["tables"][table].get("columns", columns)
        for column in columns:
            if column not in have:
                raise Unseen(Gap(f"badges/{table}: {column}", Reason.ABSENT, f"the table of {table} has no column {column}"))

    @cached_property
    def filled(self) -> Mapping[str, int]:
        """Column of an event → how many rows fill it."""
        names = [name for name in EVENT_COLUMNS if name != "refused"]
        (counts,) = self.query(f"SELECT {', '.join(f'count({name})' for name in names)} FROM events")
        return dict(zip(names, counts, strict=True))

    @cached_property
    def span(self) -> tuple[int, int]:
        """Milliseconds of the first and the last event. Raises Unseen for a log without events."""
        ((first, last),) = self.query("SELECT min(event_time), max(event_time) FROM events")
        if first is None:
            raise Unseen(Gap(EVENTS, Reason.ABSENT, "the export holds no event that could be read"))
        return int(first), int(last)

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """Names of the controllers, sorted."""
        return tuple(name for (name,) in self.query("SELECT DISTINCT source FROM events WHERE source IS NOT NULL ORDER BY source"))

    @cached_property
    def doubts(self) -> tuple[Gap, ...]:
        """What of the export was not understood: rows that were refused, codes that the map does not name. No pass stands beside a doubt
        that could hold what was looked for. Raises Unseen."""
        reading = self.reading
        found = [
            Gap("badges/events", Reason.UNSUPPORTED, f"{count} rows refused: {reason}") for reason, count in sorted(reading.refused.items())
        ]
        if not reading.complete:
            found.append(Gap("badges/events", Reason.TRUNCATED, "the last line has no end: it may be cut off"))
        unmapped = self.unmapped
        if unmapped:
            names = ", ".join(list(reading.unmapped)[:5])
            found.append(Gap("badges/events", Reason.UNSUPPORTED, f"{unmapped} events with codes that the map does not name: {names}"))
        return tuple(found)

    @property
    def refused(self) -> int:
        """How many rows of the export could not be read. Raises Unseen."""
        return sum(self.reading.refused.values())

    @property
    def unmapped(self) -> int:
        """How many events have a code that the map does not name. Raises Unseen."""
        return sum(self.reading.unmapped.values()) + self.reading.unmapped_others

    def line(self, row: int, text: str) -> Line:
        """A record of the export as what led to an answer."""
        return Line(self.reading.file, row, text)


def utc(ms: int) -> str:
    """Milliseconds as people read them: `2026-03-02 08:15:00Z`, with a fraction only where there is one."""
    if not 0 <= ms < 1 << 47:  # beyond what a clock shows; no collector brings such times
        return f"{ms} ms"
    moment = datetime.fromtimestamp(ms // 1000, UTC)
    rest = ms % 1000
    return f"{moment:%Y-%m-%d %H:%M:%S}" + (f".{rest:03}" if rest else "") + "Z"
