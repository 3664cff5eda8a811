"""The evidence bundle on disk: one SQLite file, content-addressed zstd blobs; every read re-checks its digest. See docs/bundle-format.md.

Opening argues in this order: (1) a regular file, (2) one of ours, (3) every byte as it was when it was finished, no journal beside it,
(4) exactly our schema, (5) no stray row; then each read (6) re-checks sizes and digests of what it returns.
Reading never changes the file and leaves nothing beside it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

from sovaudit.bundle_format import check_file, integrity, open_regular
from sovaudit.bundle_manifest import bundle_root, manifest, target_digest
from sovaudit.bundle_rows import Rows, harden
from sovaudit.bundle_writer import BundleWriter
from sovaudit.errors import IntegrityError
from sovaudit.model.evidence import Evidence

__all__ = ["Bundle", "BundleWriter", "bundle_root", "manifest", "target_digest"]


class Bundle:
    """A finished bundle, open for reading. Use as a context manager.

    Raises UsageError for what is not a bundle, IntegrityError for a bundle that does not hold.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        where = str(path)
        handle = open_regular(path)
        try:
            check_file(handle, where)
            seen = os.fstat(handle)
        finally:
            os.close(handle)
        for journal in ("-journal", "-wal"):
            if os.path.lexists(where + journal):
                raise IntegrityError(f"a {journal[1:]} file stands beside it", where=where, hint="A finished bundle has none: remove it.")
        with integrity(where):
            uri = f"file:{quote(os.fsencode(os.path.abspath(path)))}?mode=ro&immutable=1"
            self._connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        try:
            with integrity(where):
                harden(self._connection)
            self._rows = Rows(self._connection, where)
            now = os.stat(path)
            if (now.st_ino, now.st_dev, now.st_size, now.st_mtime_ns) != (seen.st_ino, seen.st_dev, seen.st_size, seen.st_mtime_ns):
                raise IntegrityError("changed while it was being opened", where=where)
        except BaseException:
            self.close()
            raise

    @property
    def targets(self) -> tuple[str, ...]:
        """Target ids, sorted."""
        return tuple(self._rows.digests)

    def evidence(self, target: str) -> Evidence:
        """One target's evidence, every digest and size checked. Raises UsageError for a target that it does not hold, IntegrityError."""
        return self._rows.evidence(target)

    def __iter__(self) -> Iterator[Evidence]:
        """Evidence by target id, one target in memory at a time."""
        return (self.evidence(target) for target in self.targets)

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def digests(self) -> dict[str, str]:
        """{target id: target digest}, the upper level of the root."""
        return self._rows.digests

    def root(self) -> str:
        """`sha256:…` over everything that can change a verdict."""
        return bundle_root(self._rows.digests)

    @property
    def bytes(self) -> int:
        """Raw bytes of evidence, before deduplication and compression."""
        return self._rows.raw

    def verify(self) -> None:
        """Read everything again. Raises IntegrityError naming the first thing that does not hold."""
        handle = open_regular(self.path)
        try:
            check_file(handle, str(self.path))
        finally:
            os.close(handle)
        self._rows.verify()

    def close(self) -> None:
        rows = getattr(self, "_rows", None)
        with suppress(sqlite3.Error), nullcontext() if rows is None else rows.reading:  # not while another thread reads
            self._connection.close()

    def __enter__(self) -> Bundle:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
