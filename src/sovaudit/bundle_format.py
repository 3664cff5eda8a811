"""The bundle as a file: its pinned schema, its own checksum, its compression. See docs/bundle-format.md.

The checksum is SHA-256 over the whole file with its own 32 bytes taken as zero. It stands at a fixed place: `checksum` is the
first table, so its root is page 2; its only cell ends that page, and the digest ends the cell. All zero says: not finished.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from pathlib import Path

import zstandard

from sovaudit import canon
from sovaudit.errors import IntegrityError, UsageError

PAGE = 4096
APPLICATION_ID = 0x534F5641  # "SOVA"
VERSION = 1
MAGIC = b"SQLite format 3\0"
MARK = b"sovaudit bundle\0"
CHECKSUM_AT = 2 * PAGE - 32
UNFINISHED = bytes(32)
LEVEL = 3
MAX_TARGET = 128 << 20  # raw bytes of one target; the collector's own bound is half of it
MAX_TABLES = 8 << 30  # the same for kinds of target that bring tables: they are read an artifact at a time, none larger than MAX_TARGET
TABLE_KINDS = ("badges", "logs")
MAX_DICTIONARY = 1 << 20
MAX_HEAD = 32 << 20

# (type, name, table, root page, sql) as sqlite_master holds it; the order of creation fixes the root pages.
_TABLES = (
    ("checksum", "CREATE TABLE checksum (sha256 BLOB NOT NULL)", 0),
    ("dictionary", "CREATE TABLE dictionary (id INTEGER PRIMARY KEY, sha256 BLOB NOT NULL, size INTEGER NOT NULL, data BLOB NOT NULL)", 0),
    (
        "blob",
        "CREATE TABLE blob (id INTEGER PRIMARY KEY, sha256 BLOB NOT NULL UNIQUE, size INTEGER NOT NULL, data BLOB NOT NULL)",
        1,
    ),
    ("name", "CREATE TABLE name (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE)", 1),
    (
        "target",
        "CREATE TABLE target (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, sha256 BLOB NOT NULL,"
        " size INTEGER NOT NULL, head BLOB NOT NULL, cost TEXT NOT NULL)",
        1,
    ),
    (
        "artifact",
        "CREATE TABLE artifact (target INTEGER NOT NULL, name INTEGER NOT NULL, blob INTEGER NOT NULL,"
        " PRIMARY KEY (target, name)) WITHOUT ROWID",
        0,
    ),
)


def _master() -> list[tuple[str, str, str, int, str | None]]:
    rows: list[tuple[str, str, str, int, str | None]] = []
    for name, sql, indexes in _TABLES:
        rows.append(("table", name, name, len(rows) + 2, sql))
        rows += [("index", f"sqlite_autoindex_{name}_1", name, len(rows) + 2, None)] * indexes
    return rows


def create(connection: sqlite3.Connection) -> None:
    """An empty bundle, in one transaction. Raises sqlite3.Error."""
    for pragma in (f"page_size={PAGE}", "encoding='UTF-8'", "auto_vacuum=NONE"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("BEGIN EXCLUSIVE")
    connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version={VERSION}")
    for _, sql, _ in _TABLES:
        connection.execute(sql)
    connection.execute("INSERT INTO checksum VALUES (?)", (MARK + UNFINISHED,))
    packed, raw = shipped_dictionary()
    connection.execute("INSERT INTO dictionary VALUES (1, ?, ?, ?)", (key(raw), len(raw), packed))
    connection.execute("COMMIT")


def pin(connection: sqlite3.Connection, where: str) -> None:
    """The schema is exactly ours and nothing lies outside it. Raises IntegrityError."""
    with integrity(where):
        for pragma, expected in (("application_id", APPLICATION_ID), ("page_size", PAGE), ("freelist_count", 0), ("encoding", "UTF-8")):
            (found,) = connection.execute(f"PRAGMA {pragma}").fetchone()
            if found != expected:
                raise IntegrityError(f"{pragma} is {found}, not {expected}", where=where)
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version != VERSION:
            raise IntegrityError(
                f"is of format {version}, this version reads {VERSION}", where=where, hint="Use the sovaudit that wrote it, or a newer one."
            )
        found = connection.execute("SELECT type, name, tbl_name, rootpage, sql FROM sqlite_master ORDER BY rowid").fetchall()
        if found != _master():
            strange = [str(row[1]) for row in found if row not in _master()]
            raise IntegrityError(f"its schema is not a bundle's ({', '.join(strange)[:200] or 'something is missing'})", where=where)


def most(kind: str) -> int:
    """Raw bytes that a target of this kind may bring."""
    return MAX_TABLES if kind in TABLE_KINDS else MAX_TARGET


def is_bundle(start: bytes) -> bool:
    """Whether a file that begins so is one of ours, damaged or not."""
    return start[68:72] == APPLICATION_ID.to_bytes(4, "big") or start[CHECKSUM_AT - len(MARK) : CHECKSUM_AT] == MARK


def open_regular(path: Path) -> int:
    """A read-only handle on a regular file. Raises UsageError for anything else; never waits for a pipe."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise UsageError("is not a regular file", where=str(path), hint="Name an evidence bundle (.sova).")
        return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"cannot be read ({getattr(error, 'strerror', None) or error})", where=str(path), hint="Name an evidence bundle (.sova)."
        ) from error


def check_file(handle: int, where: str) -> None:
    """Every byte is as it was when the bundle was finished. Raises UsageError (not ours), IntegrityError."""
    start = os.pread(handle, 2 * PAGE, 0)
    if not is_bundle(start):
        raise UsageError("is not an evidence bundle", where=where, hint="Name a file that `sovaudit collect` or `sovaudit audit` wrote.")
    if not start.startswith(MAGIC) or start[CHECKSUM_AT - len(MARK) : CHECKSUM_AT] != MARK:
        raise IntegrityError("its first pages are damaged", where=where)
    said = start[CHECKSUM_AT:]
    if said == UNFINISHED:
        raise IntegrityError("is not finished: whoever wrote it was interrupted", where=where, hint="Go on with --resume, which ends it.")
    if file_digest(handle) != said:
        raise IntegrityError("its bytes are not those that were written: the checksum differs", where=where)


def file_digest(handle: int) -> bytes:
    """The checksum as it should stand in the file."""

    def parts() -> Iterator[bytes]:
        at = 0
        while chunk := os.pread(handle, 1 << 20, at):
            if at == 0:
                chunk = chunk[:CHECKSUM_AT] + UNFINISHED + chunk[CHECKSUM_AT + 32 :]
            yield chunk
            at += len(chunk)

    return bytes.fromhex(canon.digest_of(parts()).removeprefix("sha256:"))


def key(data: bytes) -> bytes:
    """SHA-256 as the 32 bytes that are stored."""
    return bytes.fromhex(canon.digest(data).removeprefix("sha256:"))


def spelled(key: bytes) -> str:
    """A stored digest as documents spell it."""
    return "sha256:" + key.hex()


@contextmanager
def integrity(where: str) -> Iterator[None]:
    """What SQLite cannot read in a bundle is a bundle that does not hold."""
    try:
        yield
    except (sqlite3.Error, OverflowError, UnicodeDecodeError) as error:
        raise IntegrityError(f"cannot be read as a bundle ({error})", where=where) from error


@cache
def shipped_dictionary() -> tuple[bytes, bytes]:
    """(compressed as it is shipped and stored, raw)."""
    packed = (files("sovaudit") / "data" / "evidence.dict.zst").read_bytes()
    return packed, inflate(packed, zstandard.frame_content_size(packed), MAX_DICTIONARY)


def inflate(frame: bytes, size: int, limit: int, engine: zstandard.ZstdDecompressor | None = None) -> bytes:
    """The bytes of one zstd frame, which must say and have exactly `size` of them. Raises ValueError."""
    if not 0 <= size <= limit:
        raise ValueError(f"{size} bytes are more than the {limit} allowed")
    try:
        # The library allocates what the frame's own header says, whatever bound it is given: read that first.
        if zstandard.frame_content_size(frame) != size:
            raise ValueError(f"does not hold the {size} bytes that it should")
        data = (engine or zstandard.ZstdDecompressor()).decompress(frame, max_output_size=size, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from error
    if len(data) != size:
        raise ValueError(f"holds {len(data)} bytes, not {size}")
    return data


class Codec:
    """zstd with one dictionary, at one level. Not for use by several threads at once."""

    def __init__(self, dictionary: bytes) -> None:
        self._dictionary = zstandard.ZstdCompressionDict(dictionary)
        self._compressor: zstandard.ZstdCompressor | None = None
        self._decompressor = zstandard.ZstdDecompressor(dict_data=self._dictionary)

    def pack(self, data: bytes) -> bytes:
        if self._compressor is None:
            self._compressor = zstandard.ZstdCompressor(level=LEVEL, dict_data=self._dictionary, write_content_size=True)
        return self._compressor.compress(data)

    def unpack(self, frame: bytes, size: int, limit: int) -> bytes:
        """See `inflate`. Raises ValueError."""
        return inflate(frame, size, limit, self._decompressor)
