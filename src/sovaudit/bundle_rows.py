"""Rows of an open bundle as evidence. Every read re-checks digests and sizes;
tables are scanned, never answered from an index alone, because a crafted index can disagree with its table.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sovaudit import canon
from sovaudit.bundle_format import (
    MAX_DICTIONARY,
    MAX_HEAD,
    MAX_TABLES,
    MAX_TARGET,
    TABLE_KINDS,
    Codec,
    inflate,
    integrity,
    key,
    most,
    pin,
    spelled,
)
from sovaudit.bundle_manifest import from_head, head, joined, manifest_digest
from sovaudit.errors import IntegrityError, UsageError
from sovaudit.model.evidence import Evidence

_STRAYS = (
    ("more than one checksum", "SELECT count(*) != 1 FROM checksum"),
    ("more than one dictionary", "SELECT count(*) != 1 FROM dictionary NOT INDEXED WHERE id = 1"),
    ("a stray dictionary", "SELECT count(*) != 1 FROM dictionary NOT INDEXED"),
    ("an artifact of no target", "SELECT EXISTS (SELECT 1 FROM artifact WHERE target NOT IN (SELECT id FROM target NOT INDEXED))"),
    ("a blob of no artifact", "SELECT EXISTS (SELECT 1 FROM blob NOT INDEXED WHERE id NOT IN (SELECT blob FROM artifact))"),
    ("a name of no artifact", "SELECT EXISTS (SELECT 1 FROM name NOT INDEXED WHERE id NOT IN (SELECT name FROM artifact))"),
)


def harden(connection: sqlite3.Connection) -> None:
    """For a file that a stranger may have made."""
    for pragma in ("trusted_schema=OFF", "cell_size_check=ON", "mmap_size=0", "temp_store=MEMORY"):
        connection.execute(f"PRAGMA {pragma}")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_TARGET + (1 << 20))
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)


class Rows:
    """A bundle's content through an open connection, for any thread. Raises IntegrityError for whatever does not hold."""

    def __init__(self, connection: sqlite3.Connection, where: str) -> None:
        self._connection = connection
        self.reading = threading.Lock()
        self.where = where
        pin(connection, where)
        with integrity(where):
            for what, query in _STRAYS:
                if connection.execute(query).fetchone() != (0,):
                    raise IntegrityError(f"holds {what}", where=where)
            rows = connection.execute("SELECT id, name, sha256, size FROM target NOT INDEXED").fetchall()
        self._targets: dict[str, tuple[int, bytes, int]] = {}
        for number, name, sha256, size in rows:
            if not (isinstance(name, str) and isinstance(sha256, bytes) and len(sha256) == 32 and isinstance(size, int) and size >= 0):
                raise IntegrityError(f"target {number} is malformed", where=where)
            if name in self._targets:
                raise IntegrityError(f"the target {name} stands twice", where=where)
            self._targets[name] = (number, sha256, size)
        self.codec = Codec(self._dictionary())

    def _dictionary(self) -> bytes:
        with integrity(self.where):
            sha256, size, data = self._connection.execute("SELECT sha256, size, data FROM dictionary NOT INDEXED").fetchone()
        try:
            raw = inflate(data, size, MAX_DICTIONARY)
        except (ValueError, TypeError) as error:
            raise IntegrityError(f"its dictionary is damaged ({error})", where=self.where) from error
        if key(raw) != sha256:
            raise IntegrityError("its dictionary does not have its digest", where=self.where)
        return raw

    @property
    def digests(self) -> dict[str, str]:
        """{target id: target digest} as stored; `evidence` holds each against what is really there."""
        return {name: spelled(sha256) for name, (_, sha256, _) in sorted(self._targets.items())}

    @property
    def raw(self) -> int:
        """Raw bytes of all artifacts of all targets; `evidence` checks each target's share."""
        return sum(size for _, _, size in self._targets.values())

    def evidence(self, name: str, *, whole: bool = False) -> Evidence:
        """One target's evidence. Raises UsageError for a target that is not in the bundle, IntegrityError.

        whole: with what is large already read once; otherwise that is read, and held against its digest, each time that it is asked for.
        """
        if name not in self._targets:
            raise UsageError("is not in this bundle", where=name, hint=f"It holds {', '.join(sorted(self._targets)[:5]) or 'nothing'}.")
        number, sha256, total = self._targets[name]
        if total > MAX_TABLES:
            raise IntegrityError(f"{name} would be {total} bytes: more than any target", where=self.where)
        with self.reading:
            said, cost = self._head(number, name)
            try:
                kind = str(said["target"]["kind"])
            except (TypeError, KeyError) as error:
                raise IntegrityError(f"what it says of {name} is malformed ({error!r})", where=self.where) from error
            if total > most(kind):
                raise IntegrityError(f"{name} would be {total} bytes: more than any target of its kind", where=self.where)
            artifacts, digests = self._artifacts(number, name, total, held=kind not in TABLE_KINDS, whole=whole)
        try:
            found = from_head(said, artifacts, _cost(cost))
            same = head(found) == said and found.target.id == name
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise IntegrityError(f"what it says of {name} is malformed ({error})", where=self.where) from error
        if not same or manifest_digest(joined(said, digests)) != spelled(sha256):
            raise IntegrityError(f"the evidence of {name} does not have its digest", where=self.where)
        return found

    def _head(self, number: int, name: str) -> tuple[Any, Any]:
        """What the target says of itself, and its cost."""
        try:
            with integrity(self.where):
                frame, cost = self._connection.execute("SELECT head, cost FROM target NOT INDEXED WHERE id = ?", (number,)).fetchone()
            size = int.from_bytes(frame[:4], "big")
            said = canon.loads_strict(self.codec.unpack(frame[4:], size, MAX_HEAD), where=self.where)
            return said, canon.loads_strict(cost.encode(), where=self.where)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise IntegrityError(f"what it says of {name} is malformed ({error})", where=self.where) from error

    def _artifacts(self, number: int, target: str, total: int, *, held: bool, whole: bool) -> tuple[Mapping[str, bytes], dict[str, str]]:
        """Artifacts and their digests. held: all in memory; otherwise each is read when it is asked for. What is read is checked."""
        artifacts: dict[str, bytes] = {}
        places: dict[str, tuple[int, str]] = {}
        digests: dict[str, str] = {}
        left = total
        with integrity(self.where):
            rows = self._connection.execute(
                f"SELECT n.text, a.blob, b.sha256, b.size, {'b.data' if held or whole else 'NULL'} FROM artifact a"
                " LEFT JOIN name n NOT INDEXED ON n.id = a.name LEFT JOIN blob b NOT INDEXED ON b.id = a.blob WHERE a.target = ?",
                (number,),
            )
            for text, blob, *row in rows:
                if not isinstance(text, str):
                    raise IntegrityError(f"{text} of {target} is missing or malformed", where=self.where)
                what = f"{text} of {target}"
                if text in places:
                    raise IntegrityError(f"{what} stands twice", where=self.where)
                if held or whole:
                    data, digest = self._checked(row, what, min(left, MAX_TARGET))
                    size = len(data)
                else:
                    data, digest, size = b"", *self._claimed(row, what, min(left, MAX_TARGET))
                places[text], digests[text] = (blob, digest), digest
                left -= size
                if held:
                    artifacts[text] = data
        if left:
            raise IntegrityError(f"{left} bytes of {target} are missing", where=self.where)
        return dict(sorted(artifacts.items())) if held else Stored(self, target, dict(sorted(places.items()))), digests

    def _claimed(self, row: Sequence[Any], what: str, limit: int) -> tuple[str, int]:
        """Digest and size of a blob as they stand beside it."""
        sha256, size, _ = row
        if not (isinstance(sha256, bytes) and len(sha256) == 32 and isinstance(size, int) and 0 <= size <= limit):
            raise IntegrityError(f"{what} is missing or malformed", where=self.where)
        return spelled(sha256), size

    def blob(self, number: int, digest: str, what: str) -> bytes:
        """The bytes of one blob, checked: against the digest that its target's digest covers, whatever stands beside it by now."""
        with self.reading, integrity(self.where):
            row = self._connection.execute("SELECT sha256, size, data FROM blob NOT INDEXED WHERE id = ?", (number,)).fetchone()
            data, found = self._checked(row or (None, None, None), what, MAX_TARGET)
        if found != digest:
            raise IntegrityError(f"{what} does not have its digest", where=self.where)
        return data

    def _checked(self, row: Sequence[Any], what: str, limit: int) -> tuple[bytes, str]:
        sha256, size, packed = row
        if not (isinstance(sha256, bytes) and isinstance(size, int) and isinstance(packed, bytes)):
            raise IntegrityError(f"{what} is missing or malformed", where=self.where)
        try:
            data = self.codec.unpack(packed, size, limit)
        except ValueError as error:
            raise IntegrityError(f"{what} is damaged ({error})", where=self.where) from error
        if key(data) != sha256:
            raise IntegrityError(f"{what} does not have its digest", where=self.where)
        return data, spelled(sha256)

    def verify(self) -> None:
        """Read everything. Raises IntegrityError naming the first thing that does not hold."""
        with integrity(self.where):
            (answer,) = self._connection.execute("PRAGMA integrity_check(1)").fetchone()
            if answer != "ok":
                raise IntegrityError(f"its pages are damaged ({answer})", where=self.where)
            (twice,) = self._connection.execute("SELECT count(*) - count(DISTINCT sha256) FROM blob NOT INDEXED").fetchone()
            if twice:
                raise IntegrityError("a blob stands twice", where=self.where)
        for name in sorted(self._targets):
            self.evidence(name, whole=True)


class Stored(Mapping[str, bytes]):
    """A target's artifacts that stay in the bundle until they are asked for. The bundle must still be open then."""

    def __init__(self, rows: Rows, target: str, places: dict[str, tuple[int, str]]) -> None:
        self._rows = rows
        self._target = target
        self._places = places

    def __getitem__(self, name: str) -> bytes:
        return self._rows.blob(*self._places[name], f"{name} of {self._target}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def _cost(said: Any) -> Mapping[str, int]:
    if not isinstance(said, dict) or not all(type(value) is int for value in said.values()):
        raise ValueError("cost is not made of integers")
    return said
