"""Writing a bundle: one transaction per target, so that a killed writer leaves whole targets and nothing else.

A rollback journal rather than a write-ahead log: what was committed is in the file itself, and a full disk cannot keep it out.
`finish` only removes the journal and fills in the checksum, for which no new space is needed.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from sovaudit import canon
from sovaudit.bulk import ahead
from sovaudit.bundle_format import (
    CHECKSUM_AT,
    MARK,
    MAX_HEAD,
    MAX_TARGET,
    PAGE,
    UNFINISHED,
    Codec,
    check_file,
    create,
    file_digest,
    is_bundle,
    key,
    most,
)
from sovaudit.bundle_manifest import bundle_root, head, joined, manifest_digest, plain
from sovaudit.bundle_rows import Rows, harden
from sovaudit.errors import IntegrityError, OutputError, UsageError
from sovaudit.model.evidence import Evidence

_Key = TypeVar("_Key", str, bytes)
_Row = TypeVar("_Row")
_HINT = "Targets already written are kept: free space and go on with --resume."


class BundleWriter:
    """Use as a context manager; `finish` ends the bundle and gives its root. Left without `finish`, the file can be resumed.

    Raises UsageError (the file exists, is no bundle, or is being written), IntegrityError (what is to be resumed does not hold),
    OutputError (it cannot be written).
    """

    def __init__(self, path: Path, *, resume: bool = False) -> None:
        self.path = path
        self._where = str(path)
        self._handle = self._open(resume)
        self._connection: sqlite3.Connection | None = None
        try:
            self._lock()
            self._begin()
        except BaseException:
            self._close()
            raise

    def _open(self, resume: bool) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            if resume and os.path.lexists(self.path) and not self.path.is_file():
                raise UsageError("is not a regular file", where=self._where, hint="Name an evidence bundle (.sova).")
            return os.open(self.path, flags | (0 if resume else os.O_EXCL), 0o600)
        except FileExistsError as error:
            raise UsageError(
                "this file exists", where=self._where, hint="Evidence is never overwritten: choose another name, or --resume."
            ) from error
        except (OSError, ValueError) as error:
            raise OutputError(f"cannot be written ({getattr(error, 'strerror', None) or error})", where=self._where) from error

    def _lock(self) -> None:
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UsageError("is being written by another audit", where=self._where, hint="Wait for it, or choose another file.") from error

    def _begin(self) -> None:
        fresh = os.fstat(self._handle).st_size == 0
        if not fresh:
            start = os.pread(self._handle, 2 * PAGE, 0)
            if not is_bundle(start):
                raise UsageError("is not an evidence bundle", where=self._where, hint="Only an interrupted bundle can be resumed.")
            if len(start) == 2 * PAGE and start[CHECKSUM_AT:] != UNFINISHED:
                check_file(self._handle, self._where)
                self._stamp(UNFINISHED)
        with self._writing():
            self._connection = sqlite3.connect(self._where, isolation_level=None, timeout=0, check_same_thread=False, cached_statements=32)
            harden(self._connection)
            (pages,) = self._connection.execute("PRAGMA page_count").fetchone()  # also rolls back what a killed writer began
            if not pages:
                self._connection.execute(f"PRAGMA page_size={PAGE}")
            self._connection.execute("PRAGMA journal_mode=TRUNCATE")
            self._connection.execute("PRAGMA synchronous=FULL")
            if not pages:
                create(self._connection)
                _sync_folder(self.path)
        rows = Rows(self._connection, self._where)
        if not fresh:
            rows.verify()
        self._codec: Codec = rows.codec
        self._digests = rows.digests
        self._named: dict[str, int] = {}

    @property
    def targets(self) -> tuple[str, ...]:
        """Ids of the targets written so far, sorted."""
        return tuple(sorted(self._digests))

    def add(self, evidence: Evidence) -> None:
        """Write one target, whole or not at all. Raises UsageError if it is there already or larger than any target, OutputError."""
        evidence = plain(evidence)
        name = evidence.target.id
        if name in self._digests:
            raise UsageError("this target stands twice", where=name, hint="Name each target once.")
        limit, total, digests = most(evidence.target.kind), 0, {}

        told: Mapping[str, tuple[int, str]] = getattr(evidence.artifacts, "told", {})

        def seen(item: str) -> tuple[str, int, str]:
            if item in told:
                return item, *told[item]
            data = evidence.artifacts[item]
            return item, len(data), canon.digest(data) if len(data) <= MAX_TARGET else ""

        for item, size, digest in _made(seen, evidence.artifacts, evidence.artifacts):
            total += size
            if total > limit or size > MAX_TARGET:
                raise UsageError(f"brought more than the {limit} bytes a bundle holds", where=name, hint="Lower --max-bytes.")
            digests[item] = digest
        said = head(evidence)
        digest = manifest_digest(joined(said, digests))
        text = canon.canonical(said)
        if len(text) > MAX_HEAD:
            raise UsageError("has more gaps than a bundle holds", where=name)
        cost = canon.canonical({item: int(value) for item, value in evidence.cost.items()}).decode()
        with self._writing() as connection:
            connection.execute("BEGIN IMMEDIATE")
            row = (name, bytes.fromhex(digest[7:]), total, len(text).to_bytes(4, "big") + self._codec.pack(text), cost)
            number = connection.execute("INSERT INTO target (name, sha256, size, head, cost) VALUES (?, ?, ?, ?, ?)", row).lastrowid
            names = self._names(connection, sorted(evidence.artifacts))
            blobs = self._blobs(connection, evidence.artifacts, {bytes.fromhex(digests[item][7:]): item for item in sorted(digests)})
            connection.executemany(
                "INSERT INTO artifact VALUES (?, ?, ?)",
                sorted((number, names[item], blobs[bytes.fromhex(digests[item][7:])]) for item in evidence.artifacts),
            )
            connection.execute("COMMIT")
        self._named = names  # only now: what is rolled back has no row
        self._digests[name] = digest

    def _names(self, connection: sqlite3.Connection, names: list[str]) -> dict[str, int]:
        """Row ids by name. Those of the target before are at hand: most hosts have the same."""
        found = {name: number for name in names if (number := self._named.get(name)) is not None}
        found.update(_known(connection, "SELECT text, id FROM name WHERE text IN", [name for name in names if name not in found]))
        for name in names:
            if name not in found:
                found[name] = connection.execute("INSERT INTO name (text) VALUES (?)", (name,)).lastrowid or 0
        return found

    def _blobs(self, connection: sqlite3.Connection, artifacts: Mapping[str, bytes], wanted: dict[bytes, str]) -> dict[bytes, int]:
        """Row ids by digest; each artifact is read when its turn comes."""
        found: dict[bytes, int] = dict(_known(connection, "SELECT sha256, id FROM blob WHERE sha256 IN", wanted))

        def packed(sha256: bytes) -> tuple[bytes, int, bytes]:
            data = artifacts[wanted[sha256]]
            if key(data) != sha256:
                raise OutputError(f"{wanted[sha256]} changed while it was written", where=self._where)
            return sha256, len(data), self._codec.pack(data)

        for row in _made(packed, [sha256 for sha256 in wanted if sha256 not in found], artifacts):
            found[row[0]] = connection.execute("INSERT INTO blob (sha256, size, data) VALUES (?, ?, ?)", row).lastrowid or 0
        return found

    def finish(self) -> str:
        """End the bundle: no journal beside it, its checksum filled in. Returns the root. Nothing can be added afterwards."""
        with self._writing() as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
            connection.close()
        self._connection = None
        with self._writing(closed=True):
            if os.pread(self._handle, 32 + len(MARK), CHECKSUM_AT - len(MARK)) != MARK + UNFINISHED:
                raise IntegrityError("the checksum's place holds something else", where=self._where)
            self._stamp(file_digest(self._handle))
            _sync_folder(self.path)
        self._close()
        return bundle_root(self._digests)

    def _stamp(self, checksum: bytes) -> None:
        try:
            os.pwrite(self._handle, checksum, CHECKSUM_AT)
            os.fsync(self._handle)
        except OSError as error:
            raise OutputError(f"cannot be written ({error.strerror})", where=self._where, hint=_HINT) from error

    @contextmanager
    def _writing(self, *, closed: bool = False) -> Iterator[sqlite3.Connection]:
        """The connection; what fails is rolled back and becomes an OutputError."""
        connection = self._connection
        try:
            yield connection  # type: ignore[misc]  # `closed` and the first use do without it
        except BaseException as error:
            connection = self._connection
            if connection is not None:
                with suppress(sqlite3.Error):
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise OutputError(f"cannot be written ({error})", where=self._where, hint=_HINT) from error
            if isinstance(error, OSError):
                raise OutputError(f"cannot be written ({error.strerror})", where=self._where, hint=_HINT) from error
            raise

    def _close(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None
        # Last: closing any handle of this file would drop the locks that SQLite holds on it.
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def __enter__(self) -> BundleWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close()


def _made(make: Callable[[_Key], _Row], items: Iterable[_Key], artifacts: Mapping[str, bytes]) -> Iterable[_Row]:
    """Something of each item; of artifacts that lie in files one ahead, because reading them takes time."""
    return map(make, items) if isinstance(artifacts, dict) else ahead(make, items)


def _known(connection: sqlite3.Connection, query: str, keys: Iterable[_Key]) -> Iterator[tuple[_Key, int]]:
    remaining = iter(keys)
    while part := tuple(islice(remaining, 500)):
        yield from connection.execute(f"{query} ({','.join('?' * len(part))})", part)


def _sync_folder(path: Path) -> None:
    handle = os.open(path.resolve().parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
