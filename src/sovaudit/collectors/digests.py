"""Digests of the programs that sudoers pins by one (sudoers(5), Digest_Spec), of a mounted root. posix/collect.awk says the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Protocol

from sovaudit.collectors import items
from sovaudit.collectors.gather import Row


class Rooted(Protocol):
    """What is asked of a mounted root."""

    def lstat(self, path: str) -> Row | None: ...
    def read(self, path: str, limit: int) -> bytes: ...


def pinned_digests(system: Rooted, pinned: Iterable[tuple[str, str]]) -> bytes:
    """Path, scheme and digest of the programs that sudoers pins, links followed inside this root."""
    rows: list[bytes] = []
    for path, scheme in pinned:
        try:
            real = _behind(system, path)
            row = system.lstat(real) if real else None
            if row is not None and row.kind == "f" and row.size <= items.MAX_HASHED:
                digest = hashlib.new(scheme, system.read(real, items.MAX_HASHED)).hexdigest()
                rows.append(f"{path}\t{scheme}\t{digest}\n".encode("utf-8", "surrogateescape"))
        except OSError:
            continue
    return b"".join(sorted(rows))


def _behind(system: Rooted, path: str) -> str:
    """A path without its links; empty where they lead nowhere."""
    parts, done, links = path.split("/"), "", 0
    while parts:
        part = parts.pop(0)
        if part in ("", "."):
            continue
        if part == "..":
            done = done.rpartition("/")[0]
            continue
        row = system.lstat(f"{done}/{part}")
        if row is None:
            return ""
        if row.kind != "l":
            done = f"{done}/{part}"
            continue
        links += 1
        if links > 16:
            return ""
        parts = row.link.split("/") + parts
        if row.link.startswith("/"):
            done = ""
    return done
