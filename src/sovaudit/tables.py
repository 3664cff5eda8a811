"""Large evidence as tables: Parquet artifacts, asked in SQL through an in-process DuckDB.

The only module that knows the engine. A connection works in a scratch folder of its own, reads nothing outside it, fetches nothing,
and spills there what does not fit. `enough` decides how much memory and how many threads: neither changes an answer, because every
query that a check asks is typed, made of integers and text, and ordered to the last row.
"""

from __future__ import annotations

import os
import re
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sovaudit import canon
from sovaudit.bulk import ahead

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    import duckdb

PIECE = 16 << 20  # bytes of an artifact that holds part of a table
ROW_GROUP = 122_880
WORDS = 1_000_000  # different texts of a column up to which they are held as numbers
FEW_WORDS = 5000  # and up to which their numbers stay in the processor's nearest memory
SMALL = 1 << 30  # whole numbers below it may be added and taken from each other in four bytes
# numbers that rise are written as steps; a dictionary of more words than this is thrown away in the end
_CHEAPER = "COMPRESSION zstd, COMPRESSION_LEVEL 1, PARQUET_VERSION 'V2', DICTIONARY_SIZE_LIMIT 5000"
ROOMY = 1000  # MB for tables from which on several queries run at once
SPILL = "~spill"
PATIENCE = 40  # twentieths of a second in which a query ends that is told to
_NAME = re.compile(r"[a-z][a-z0-9_]*")
Value = str | int | bool | None
_Taken = TypeVar("_Taken")


@dataclass(slots=True)
class Limits:
    """memory_mb: what DuckDB may hold before it spills. threads: 0 means one for each core."""

    memory_mb: int = 2000
    threads: int = 0


enough = Limits()


def at_once() -> int:
    """How many checks may ask the engine at the same time, so that none waits while another works in Python. What each holds beside the tables
    comes out of the same memory."""
    return min(2, enough.threads or os.cpu_count() or 1) if enough.memory_mb >= ROOMY else 1


_open: weakref.WeakSet[Scratch | Engine] = weakref.WeakSet()


def abandon() -> None:
    """Stop every query and remove every scratch folder: for a process that ends at once, whatever its threads do."""
    for _ in range(2):  # a thread may have begun something in between
        with suppress(RuntimeError):
            for one in sorted(_open.copy(), key=lambda one: isinstance(one, Scratch)):
                one.stop() if isinstance(one, Engine) else one.close()


class Scratch:
    """A private folder that goes when the last one who holds it lets go."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="sovaudit-", ignore_cleanup_errors=True)
        self.path = Path(self._folder.name)
        _open.add(self)

    def file(self, name: str) -> Path:
        return self.path / name

    def close(self) -> None:
        self._folder.cleanup()


class Engine:
    """DuckDB over a scratch folder. Raises ValueError for what it cannot read or do.

    Several threads may ask it at once: each has a connection of its own, on which `load` makes tables that no other thread sees.
    """

    def __init__(self, scratch: Scratch | None = None, *, reads: Iterable[Path] = (), ordered: bool = False) -> None:
        import duckdb

        self.scratch = scratch or Scratch()
        self._failure = duckdb.Error
        (self.scratch.path / SPILL).mkdir(exist_ok=True)
        self._connection: duckdb.DuckDBPyConnection = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": f"{enough.memory_mb}MB",
                "threads": str(enough.threads or os.cpu_count() or 1),
                "temp_directory": str(self.scratch.path / SPILL),
                "autoload_known_extensions": "false",
                "autoinstall_known_extensions": "false",
                "preserve_insertion_order": "true" if ordered else "false",
            },
        )
        self._connection.execute("SET GLOBAL TimeZone = 'UTC'")
        folders = [str(self.scratch.path) + "/"]
        paths = [str(path) for path in reads]
        self._connection.execute(f"SET allowed_directories = [{', '.join(map(literal, folders))}]")
        if paths:
            self._connection.execute(f"SET allowed_paths = [{', '.join(map(literal, paths))}]")
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("SET lock_configuration = true")
        self._own = threading.local()
        self._own.connection = self._connection
        self._others: list[duckdb.DuckDBPyConnection] = []
        self._stopped = False
        self._beside: ThreadPoolExecutor | None = None
        _open.add(self)

    def run(self, sql: str, parameters: Sequence[Value] | Mapping[str, Value] = ()) -> None:
        self._execute(sql, parameters, lambda _: None)

    def rows(self, sql: str, parameters: Sequence[Value] | Mapping[str, Value] = ()) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self._execute(sql, parameters, lambda result: result.fetchall())
        return found

    def _execute(self, sql: str, parameters: Sequence[Value] | Mapping[str, Value], take: Callable[[Any], _Taken]) -> _Taken:
        """take: what of the result is wanted; an engine that is asked for rows works while they are fetched."""
        connection = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = self._connection.cursor()
            self._others.append(connection)
        given = dict(parameters) if isinstance(parameters, Mapping) else list(parameters)

        def ask() -> _Taken:
            if self._stopped:
                raise ValueError("nobody waits for the answer")
            return take(connection.execute(sql, given) if given else connection.execute(sql))

        try:
            return self._aside(ask) if threading.current_thread() is threading.main_thread() else ask()
        except self._failure as error:
            raise ValueError(str(error).split("\n")[0]) from error

    def _aside(self, ask: Callable[[], _Taken]) -> _Taken:
        """The main thread's questions on another one: what a signal raises here, the engine would make an error of its own, and lose."""
        from concurrent.futures import ThreadPoolExecutor, wait

        self._beside = self._beside or ThreadPoolExecutor(1)
        asked = self._beside.submit(ask)
        try:
            return asked.result()
        except BaseException:
            for _ in range(PATIENCE):  # it may not have begun yet
                if asked.done():
                    break
                self._own.connection.interrupt()
                wait([asked], 0.05)
            raise
        finally:
            del asked  # it holds what was raised, which holds this

    def stop(self) -> None:
        """End every query that runs, in any thread, and begin no other."""
        self._stopped = True
        for connection in (*self._others, self._connection):
            with suppress(self._failure):
                connection.interrupt()

    def view(self, name: str, path: Path, *, numbered: str = "", kinds: Mapping[str, str] | None = None) -> dict[str, str]:
        """A Parquet file of the scratch folder as a view. numbered: a column with each row's place in it, from 1. kinds: columns (name → SQL
        type) that the view is to have; those that the file has not are empty. Returns the file's own.
        """
        source = f"read_parquet({literal(str(path))}, file_row_number = true)"
        have = {str(row[0]): str(row[1]) for row in self.rows(f"DESCRIBE SELECT * EXCLUDE (file_row_number) FROM {source}")}
        more = [f"file_row_number + 1 AS {identifier(numbered)}"] if numbered else []
        more += [f"CAST(NULL AS {kind.split()[0]}) AS {identifier(column)}" for column, kind in (kinds or {}).items() if column not in have]
        self.run(f"CREATE VIEW {identifier(name)} AS SELECT {', '.join(['* EXCLUDE (file_row_number)', *more])} FROM {source}")
        return have

    def hold(self, name: str, query: str) -> frozenset[str]:
        """A query's rows under a name, in memory, for many questions: a column without any value takes no room there, text of few different
        values is held as their numbers (an ENUM in the order of the text, which compares, sorts and reads like text), and a whole number that
        is small throughout in four bytes. Returns the columns whose text is held as numbers.
        """
        kinds = {str(row[0]): str(row[1]) for row in self.rows(f"DESCRIBE {query}")}
        numbers = [column for column, kind in kinds.items() if kind == "BIGINT"]
        bounds = ", ".join(f"min({identifier(column)}), max({column})" for column in numbers)
        (found,) = self.rows(f"SELECT {bounds} FROM ({query})") if numbers else [()]
        given: dict[str, str] = {}
        numbered: set[str] = set()
        for column, low, high in zip(numbers, found[::2], found[1::2], strict=True):
            if low is not None:
                given[column] = f"CAST(given.{column} AS INTEGER)" if 0 <= low <= high < SMALL else f"given.{column}"
        source = f"({query}) AS given"
        for column in (column for column, kind in kinds.items() if kind != "BIGINT"):
            held, many = self._words(name, identifier(column), query) if kinds[column] == "VARCHAR" else (kinds[column], False)
            numbered |= {column} if held == f"{name}_{column}" else set()
            if many:  # to look each up costs a cast thrice what it costs a join
                words = f"{name}_{column}_words"
                source += f" LEFT JOIN {words} ON given.{column} = {words}.word"
                given[column] = f"{words}.number"
            elif held:
                given[column] = f"TRY_CAST(given.{column} AS {held})"
        table = identifier(f"{name}_held")
        chosen = ", ".join(f"{value} AS {column}" for column, value in given.items()) or "NULL AS nothing"
        self.run(f"CREATE TABLE {table} AS SELECT {chosen} FROM {source}")
        shown = ", ".join(column if column in given else f"CAST(NULL AS {kind}) AS {column}" for column, kind in kinds.items())
        self.run(f"CREATE VIEW {identifier(name)} AS SELECT {shown} FROM {table}")
        return frozenset(numbered)

    def _words(self, name: str, column: str, query: str) -> tuple[str, bool]:
        """A type for the text of a column: numbers, or text where it has too many values; none where it has no value. True where the numbers are
        many: then there is a table of them.
        """
        words, kind = f"{name}_{column}_words", f"{name}_{column}"
        self.run(f"CREATE TEMP TABLE {words} AS SELECT DISTINCT {column} AS word FROM ({query}) WHERE {column} IS NOT NULL")
        ((count,),) = self.rows(f"SELECT count(*) FROM {words}")
        if 0 < count <= WORDS:
            self.run(f"CREATE TYPE {kind} AS ENUM (SELECT word FROM {words} ORDER BY word)")
            if count > FEW_WORDS:
                self.run(f"CREATE OR REPLACE TEMP TABLE {words} AS SELECT word, TRY_CAST(word AS {kind}) AS number FROM {words}")
                return kind, True
        self.run(f"DROP TABLE {words}")
        return (kind if 0 < count <= WORDS else "VARCHAR" if count else ""), False

    def load(self, name: str, columns: Mapping[str, str], rows: Iterable[Sequence[Value]]) -> str:
        """A temporary table of these columns (name → SQL type) and rows; the digest of both. Raises ValueError."""
        import json

        # one JSON text as a value: much less work than a file of rows, and than lists, which some versions take apart value by value
        by_column = list(zip(*rows, strict=True)) or [()] * len(columns)
        text = json.dumps(by_column)
        chosen = ", ".join(
            f"unnest(from_json_strict(given -> '$[{place}]', '[\"{kind.split()[0]}\"]')) AS {identifier(column)}"
            for place, (column, kind) in enumerate(columns.items())
        )
        self.run(
            f"CREATE OR REPLACE TEMP TABLE {identifier(name)} AS SELECT {chosen} FROM (SELECT CAST($1 AS JSON) AS given)",
            [text],
        )
        return canon.digest(f"{list(columns.items())} {text}".encode())

    def write(self, query: str, path: Path) -> int:
        """A query's rows as a Parquet file of the scratch folder; how many there were."""
        ((count,),) = self.rows(f"COPY ({query}) TO {literal(str(path))} (FORMAT parquet, ROW_GROUP_SIZE {ROW_GROUP}, {_CHEAPER})")
        return int(count)

    def close(self) -> None:
        for connection in (*self._others, self._connection):
            connection.close()
        if self._beside is not None:
            self._beside.shutdown(wait=False)


class Pieces(Mapping[str, bytes]):
    """Artifacts that lie in scratch files: each is read when it is asked for, so that memory does not grow with them."""

    def __init__(self, *scratch: Scratch) -> None:
        self._scratch = scratch  # they stay as long as the artifacts
        self._places: dict[str, tuple[Path | None, int, int]] = {}
        self._small: dict[str, bytes] = {}
        self.told: dict[str, tuple[int, str]] = {}  # size and digest of what was read already; whoever keeps it reads it again, and looks

    def add(self, name: str, data: bytes) -> None:
        """A small artifact, held in memory."""
        self._small[name] = data
        self._places[name] = (None, 0, len(data))

    def add_table(self, name: str, path: Path) -> dict[str, Value]:
        """A Parquet file as artifacts `name/000`, `name/001`, …; what a reader needs to know that none is missing."""
        size = path.stat().st_size
        count = max(1, -(-size // PIECE))
        names = [f"{name}/{number:03}" for number in range(count)]
        for number, piece in enumerate(names):
            self._places[piece] = (path, number * PIECE, min(PIECE, size - number * PIECE))

        def pieces() -> Iterator[bytes]:
            for piece in names:
                data = self[piece]
                yield data
                self.told[piece] = (len(data), canon.digest(data))

        return {"bytes": size, "pieces": count, "sha256": canon.digest_beside(pieces())}

    def size(self, name: str) -> int:
        """Bytes of an artifact, without reading it."""
        return self._places[name][2]

    def __getitem__(self, name: str) -> bytes:
        path, at, size = self._places[name]
        if path is None:
            return self._small[name]
        with path.open("rb") as file:
            file.seek(at)
            return file.read(size)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._places))

    def __len__(self) -> int:
        return len(self._places)


def assemble(artifacts: Mapping[str, bytes], name: str, said: Mapping[str, Any], path: Path) -> None:
    """The pieces of a table as one file again. Raises KeyError for a missing piece, ValueError if together they are not what was written."""
    names = [f"{name}/{number:03}" for number in range(int(said["pieces"]))]
    running = 0

    def pieces() -> Iterator[bytes]:
        nonlocal running
        with path.open("wb") as file:
            for data in ahead(artifacts.__getitem__, names):
                running += len(data)
                file.write(data)
                yield data

    digest = canon.digest_beside(pieces())
    if running != said["bytes"] or digest != said["sha256"]:
        raise ValueError(f"{name} does not have the bytes that were written")


def literal(text: str) -> str:
    """Text as an SQL literal. Raises ValueError on a NUL."""
    if "\0" in text:
        raise ValueError("a NUL has no place in SQL")
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name of ours, fit for SQL as it stands. Raises ValueError."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no table or column name of ours")
    return name
