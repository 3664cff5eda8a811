"""A file system as evidence: rows, contents and gaps for a list of items, followed through links and includes.

Before: a `FileSystem` that answers about canonical paths (no link in them but the last part). After: the artifacts `file:*` and `tree`.
Never: a path outside the file system's root, a file opened that is not regular.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from sovaudit.collectors import items
from sovaudit.collectors.follow import Follower
from sovaudit.collectors.items import Item
from sovaudit.collectors.masking import mask
from sovaudit.model.evidence import Gap
from sovaudit.model.verdict import Reason

_NEVER = re.compile("|".join(fnmatch.translate(pattern) for pattern in items.NEVER))
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Row:
    kind: str
    mode: int
    uid: int
    gid: int
    size: int
    mtime: int
    link: str = ""


class FileSystem(Protocol):
    """Paths are absolute and canonical up to their last part. Raises PermissionError or OSError where it may not look."""

    def lstat(self, path: str) -> Row | None: ...
    def names(self, path: str) -> list[str]: ...
    def read(self, path: str, limit: int) -> bytes: ...


def never(path: str) -> bool:
    """Whether the content of this path is never brought."""
    return _NEVER.match(path) is not None


class Gatherer:
    def __init__(self, system: FileSystem, hostname: str, max_bytes: int) -> None:
        self._system = system
        self.follower = Follower(hostname)
        self._left = max_bytes
        self._rows: dict[str, Row | None] = {}
        self.tree: set[str] = set()
        self.files: dict[str, bytes] = {}
        self.gaps: dict[str, Gap] = {}
        self._done: dict[tuple[str, bool], int] = {}
        self._queue: list[Item] = []

    def run(self, wanted: Iterable[Item]) -> None:
        """Round after round until nothing new is named. Raises nothing for what cannot be seen: it becomes a gap."""
        self._queue = list(wanted)
        seen: set[Item] = set()
        for _ in range(items.MAX_ROUNDS):
            batch = [item for item in dict.fromkeys(self._queue) if item not in seen]
            if not batch:
                self._unlist()
                return
            seen.update(batch)
            self._queue = []
            for item in batch:
                self._walk("", item.path.split("/"), item)
            self._queue += self.follower.wants()
        self._unlist()
        self._gap("tree:/", Reason.TRUNCATED, "links or includes too deep")

    def _unlist(self) -> None:
        """A folder with a name that we do not repeat is not completely listed."""
        for name, gap in self.gaps.items():
            if gap.reason is Reason.UNSUPPORTED and name.startswith("tree:"):
                self.tree.discard(f"D\t\t\t\t\t\t{name[5:]}")

    def _gap(self, name: str, reason: Reason, detail: str = "") -> None:
        self.gaps.setdefault(name, Gap(name, reason, detail))

    def _row(self, path: str) -> Row | None:
        """Metadata; writes the row. None if absent or not to be seen, which is written too."""
        if path in self._rows:
            return self._rows[path]
        row: Row | None = None
        if len(self.tree) > items.MAX_ROWS:
            self._gap("tree:/", Reason.TRUNCATED, f"more than {items.MAX_ROWS} paths")
            return None
        try:
            row = self._system.lstat(path)
            if row is None:
                self.tree.add(f"-\t\t\t\t\t\t{path}")
        except OSError:
            self.tree.add(f"!\tdenied\t\t\t\t\t{path}")
        if row is not None and _CONTROL.search(row.link):
            self._gap(f"tree:{posixpath.dirname(path)}", Reason.UNSUPPORTED, "a name with control characters")
            row = None
        self._rows[path] = row
        if row is not None:
            self.tree.add(
                f"{row.kind}\t{row.mode:o}\t{row.uid}\t{row.gid}\t{row.size}\t{row.mtime}\t{path}"
                + (f"\t{row.link}" if row.kind == "l" else "")
            )
        return row

    def _walk(self, done: str, parts: list[str], item: Item) -> None:
        """Part by part from a canonical folder; links are put back into the queue as what they point to."""
        for number, part in enumerate(parts):
            if part in ("", "."):
                continue
            if part == "..":
                done = posixpath.dirname(done) if done else ""
                done = "" if done == "/" else done
                continue
            if any(character in part for character in "*?["):
                self._visit(done or "/", Item(done or "/", False, 1), 1)
                row = self._rows.get(done or "/")
                names = self._children(done or "/") if row is not None and row.kind == "d" else None
                for name in names or ():
                    if fnmatch.fnmatchcase(name, part) and (part[0] == "." or name[0] != ".") and not _magic(name):
                        self._walk(done, [name, *parts[number + 1 :]], item)
                return
            here = f"{done}/{part}"
            row = self._row(here)
            if row is None:
                return
            if row.kind == "l":
                target = row.link if row.link.startswith("/") else f"{done}/{row.link}"
                self._queue.append(Item("/".join([target, *parts[number + 1 :]]), item.content, item.depth, item.family))
                return
            done = here
        self._visit(done or "/", item, item.depth)

    def _children(self, path: str) -> list[str] | None:
        try:
            names = self._system.names(path)
        except OSError:
            self._gap(f"tree:{path}", Reason.DENIED)
            return None
        clean = [name for name in names if not _CONTROL.search(name)]
        if len(clean) != len(names):
            self._gap(f"tree:{path}", Reason.UNSUPPORTED, "a name with control characters")
        elif len(self.tree) + len(names) > items.MAX_ROWS:
            self._gap(f"tree:{path}", Reason.TRUNCATED, f"more than {items.MAX_ROWS} paths")
            return None
        else:
            self.tree.add(f"D\t\t\t\t\t\t{path}")
        return clean

    def _visit(self, path: str, item: Item, depth: int) -> None:
        row = self._row(path)
        if row is None or self._done.get((path, item.content), -1) >= depth:
            return
        self._done[path, item.content] = depth
        if row.kind == "f" and item.content:
            self._content(path, row, item.family)
        if row.kind != "d" or depth == 0:
            return
        for name in self._children(path) or ():
            child = f"/{name}" if path == "/" else f"{path}/{name}"
            below = self._row(child)
            if below is None:
                continue
            if below.kind == "l" and item.content:
                target = below.link if below.link.startswith("/") else f"{path}/{below.link}"
                self._queue.append(Item(target, True, depth - 1 if depth <= 5 else items.FULL, item.family))
            elif below.kind in "fd":
                self._visit(child, item, depth - 1)

    def _content(self, path: str, row: Row, family: str) -> None:
        if never(path) or f"file:{path}" in self.files:
            return
        name = f"file:{path}"
        if row.size > items.MAX_FILE or row.size > self._left or len(self.files) >= items.MAX_FILES:
            self._gap(name, Reason.TRUNCATED, f"{row.size} bytes")
            return
        try:
            data = self._system.read(path, items.MAX_FILE + 1)
        except OSError:
            self._gap(name, Reason.DENIED)
            return
        if len(data) > items.MAX_FILE:
            self._gap(name, Reason.TRUNCATED, "it grows while it is read")
            return
        shown = mask(family, data)
        if isinstance(shown, str):
            self._gap(name, Reason.UNSUPPORTED, shown)
            return
        self._left -= len(shown)
        self.files[name] = shown
        self.follower.file(family, path, data)


def _magic(name: str) -> bool:
    return any(character in name for character in "*?[")


def tree_artifact(rows: Iterable[str]) -> bytes:
    """The rows, sorted, as the artifact `tree`."""
    return ("\n".join(sorted(rows)) + "\n").encode("utf-8", "surrogateescape")
