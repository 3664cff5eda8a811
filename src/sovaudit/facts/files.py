"""The files of a host as its evidence shows them: content, metadata, absence, and what could not be seen.

Three answers, never two: a value, None (seen to be absent), or the exception Unseen (not seen: the answer is unknown).
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, TypeVar, cast

from sovaudit.model.evidence import Evidence, Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

MAX_LINKS = 16
USUAL = 16_384  # characters of a file that other hosts may well hold, too
_T = TypeVar("_T")
_NUMBERS = re.compile(r"\t[0-7]+\t[0-9]+\t[0-9]+\t[0-9]+\t-?[0-9]+\t")


class Unseen(Exception):
    """Something a fact needs was not seen. The engine turns it into an `unknown`; facts may catch it and weaken their answer."""

    def __init__(self, gap: Gap) -> None:
        self.gap = gap
        super().__init__(f"{gap.item}: {gap.reason.value} {gap.detail}".rstrip())


class Stat(NamedTuple):
    """Metadata of one path. kind: `f d l p s c b`. mode: permission bits with setuid, setgid and sticky. mtime: seconds since the epoch."""

    path: str
    kind: str
    mode: int
    uid: int
    gid: int
    size: int
    mtime: int
    link: str = ""

    @property
    def world_writable(self) -> bool:
        return bool(self.mode & 0o002)

    @property
    def group_writable(self) -> bool:
        return bool(self.mode & 0o020)


NULL = "/dev/null"  # every running system has it, and a mounted root will: a link to it is an empty file
_NULL = Stat(NULL, "c", 0o666, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Command:
    """What a command printed (standard output and error) and its exit code."""

    name: str
    code: int
    output: str


class Files:
    """Read-only view over one host's evidence. Paths are absolute and normalised; symbolic links are followed inside the evidence."""

    def __init__(self, evidence: Evidence) -> None:
        self._artifacts = evidence.artifacts
        self._gaps = {gap.item: gap for gap in evidence.gaps}
        self._rows: dict[str, str] = {}
        self._stats: dict[str, Stat] = {}  # of rows that were asked for
        self._absent: set[str] = set()
        self._unreadable: dict[str, Gap] = {}
        self._listed: set[str] = set()
        self._walked: set[str] = set()
        self._children: dict[str, list[str]] = {}
        self._text: dict[str, str] = {}
        self._lines: dict[str, tuple[Line, ...]] = {}
        self._resolved: dict[str, str | None] = {}
        self._once: dict[object, object] = {}
        self._all: tuple[Stat, ...] = ()
        self._parse_tree()

    def _parse_tree(self) -> None:
        rows, children = self._rows, self._children
        for raw in self._artifacts.get("tree", b"").decode("utf-8", "surrogateescape").split("\n"):
            if raw[1:7] == "\t\t\t\t\t\t":  # a path and nothing about it
                kind, reason, path = raw[0], "", raw[7:].partition("\t")[0]
            else:
                cells = raw.split("\t", 7)
                if len(cells) < 7:
                    continue
                kind, reason, path = cells[0], cells[1], cells[6]
            if kind == "-":
                self._absent.add(path)
            elif kind == "!":
                self._unreadable[path] = Gap(f"file:{path}", _reason(reason), "")
            elif kind == "D":
                self._listed.add(path)
            elif kind == "W":
                self._walked.add(path)
            elif path not in rows and _NUMBERS.match(raw, len(kind)):
                rows[path] = raw
                folder, _, name = path.rpartition("/")
                children.setdefault(folder or "/", []).append(name)

    # What exists

    def stat(self, path: str) -> Stat | None:
        """Metadata of the path itself (a link is not followed), None if absent. Raises Unseen."""
        path = normal(path)
        found = self._stat(path) or (_NULL if path == NULL else None)
        if found is not None:
            return found
        if self._seen_absent(path):
            return None
        raise Unseen(self._gap(path))

    def _stat(self, path: str) -> Stat | None:
        found = self._stats.get(path)
        if found is None and (row := self._rows.get(path)) is not None:
            cells = row.split("\t")
            mode, uid, gid, size, mtime = int(cells[1], 8), int(cells[2]), int(cells[3]), int(cells[4]), int(cells[5])
            found = self._stats[path] = Stat(path, cells[0], mode, uid, gid, size, mtime, cells[7] if len(cells) > 7 else "")
        return found

    def resolve(self, path: str) -> str | None:
        """The path with symbolic links followed, None if something on the way is absent. Raises Unseen, also for a loop of links."""
        if path not in self._resolved:
            self._resolved[path] = self._resolve(path)
        return self._resolved[path]

    def _resolve(self, path: str) -> str | None:
        parts = normal(path).split("/")[1:]
        done = ""
        links = 0
        while parts:
            part = parts.pop(0)
            if not part:
                continue
            here = f"{done}/{part}"
            found = self._rows.get(here)
            if found is not None and found[0] == "l":
                links += 1
                if links > MAX_LINKS:
                    raise Unseen(Gap(f"file:{path}", Reason.AMBIGUOUS, "too many levels of symbolic links"))
                target = posixpath.normpath(posixpath.join(done or "/", "".join(found.split("\t")[7:8])))
                parts = target.split("/")[1:] + parts
                done = ""
                continue
            if self._seen_absent(here):
                return None
            done = here
        return done or "/"

    def follow(self, path: str) -> Stat | None:
        """Metadata behind symbolic links. Raises Unseen."""
        real = self.resolve(path)
        return None if real is None else self.stat(real)

    def exists(self, path: str) -> bool:
        """Whether the path, links followed, exists. Raises Unseen."""
        return self.follow(path) is not None

    def _seen_absent(self, path: str) -> bool:
        """Absence is evidence: said outright, or the path is missing from a directory whose entries are all listed, or below an absent one."""
        if (
            path in self._rows
            or path in self._unreadable
            or f"file:{path}" in self._artifacts
            or f"file:{path}" in self._gaps
            or path == NULL
        ):
            return False
        if path in self._absent:
            return True
        parent = path.rpartition("/")[0] or "/"
        if parent == path:
            return False
        return parent in self._listed or self._seen_absent(parent)

    # What it holds

    def read(self, path: str) -> str | None:
        """The text of a file, links followed (bytes that are no UTF-8 arrive as surrogates), None if absent. Raises Unseen."""
        path = normal(path)
        data = self._artifacts.get(f"file:{path}")
        if data is None:
            real = self.resolve(path)
            if real is None:
                return None
            if real == NULL:
                return ""
            data = self._artifacts.get(f"file:{real}")
            if data is None:
                raise Unseen(self._gap(path if path in self._unreadable or f"file:{path}" in self._gaps else real))
        gap = self._gaps.get(f"file:{path}")
        if gap is not None and gap.reason is Reason.TRUNCATED:
            raise Unseen(gap)
        if path not in self._text:
            self._text[path] = data.decode("utf-8", "surrogateescape")
        return self._text[path]

    def brought(self, path: str) -> bool:
        """Whether the content of exactly this path is in evidence."""
        return f"file:{path}" in self._artifacts

    def lines(self, path: str) -> tuple[Line, ...] | None:
        """The physical lines of a file, numbered from 1, without their newline. None if absent. Raises Unseen."""
        text = self.read(path)
        if text is None:
            return None
        path = normal(path)
        if path not in self._lines:
            self._lines[path] = _usual_lines(path, text) if len(text) <= USUAL else _split(path, text)
        return self._lines[path]

    def opened(self, path: str) -> tuple[Line, ...] | None:
        """The lines as fopen(3) and fgets(3) give them: a folder opens, and holds none. None if absent. Raises Unseen."""
        try:
            return self.lines(path)
        except Unseen:
            stat = self.follow(path)
            if stat is None or stat.kind != "d":
                raise
            return ()

    def once(self, read: Callable[[Files], _T]) -> _T:
        """What a pure reader of these files answers, computed when first asked: files that many facts need are parsed once."""
        if read not in self._once:
            self._once[read] = read(self)
        return cast("_T", self._once[read])

    def listdir(self, path: str) -> tuple[str, ...] | None:
        """Names in a directory, sorted by byte order, None if it is absent. Raises Unseen unless all its entries were listed."""
        real = self.resolve(path)
        if real is None:
            return None
        if real not in self._listed:
            raise Unseen(self._gap(real))
        return tuple(sorted(self._children.get(real, ()), key=lambda name: name.encode("utf-8", "surrogateescape")))

    def glob(self, pattern: str, *, dangling: bool = False) -> tuple[str, ...]:
        """Existing paths that match, as glob(3) does in the C locale: `*` never matches a leading dot or a slash. Raises Unseen.

        dangling: with links that lead nowhere, which glibc names since 2.27, for programs that mind when they cannot open one.
        """
        found = [""]
        for part in normal(pattern).split("/")[1:]:
            grown: list[str] = []
            for base in found:
                if not _magic(part):
                    grown.append(f"{base}/{part}")
                    continue
                for name in self.listdir(base or "/") or ():
                    if fnmatch.fnmatchcase(name, part) and (part.startswith(".") or not name.startswith(".")):
                        grown.append(f"{base}/{name}")
            found = grown
        return tuple(path for path in found if self.resolve(path) is not None or (dangling and self._rows.get(path, "-")[0] == "l"))

    def walked(self, path: str) -> bool:
        """Whether the path lies in a folder that was walked through: what has no metadata there is root's alone, if it exists at all."""
        second = path.find("/", 1)
        return (path if second < 0 else path[:second]) in self._walked

    def walk_gap(self, path: str) -> Gap:
        """Why the folders around a path were not walked through."""
        top = "/" + path.split("/")[1]
        for name in (f"scan:{top}", "scan:/", "tree"):
            if name in self._gaps:
                return self._gaps[name]
        return Gap(f"scan:{top}", Reason.ABSENT, "not walked through")

    def gaps(self, prefix: str) -> tuple[Gap, ...]:
        """What was not seen of the items that begin so."""
        return tuple(gap for name, gap in sorted(self._gaps.items()) if name.startswith(prefix))

    def paths(self) -> tuple[Stat, ...]:
        """Everything whose metadata was seen."""
        if len(self._all) != len(self._rows):
            self._all = tuple(stat for path in self._rows if (stat := self._stat(path)) is not None)
        return self._all

    def kinds(self) -> Iterator[tuple[str, str]]:
        """Path and kind of everything whose metadata was seen."""
        return ((path, row[0]) for path, row in self._rows.items())

    # What was run

    def command(self, name: str) -> Command:
        """The result of a collected command. Raises Unseen: that it was not run is never an answer."""
        data = self._artifacts.get(f"cmd:{name}")
        if data is None:
            raise Unseen(self._gaps.get(f"cmd:{name}") or Gap(f"cmd:{name}", Reason.ABSENT))
        head, _, output = data.decode("utf-8", "backslashreplace").partition("\n")
        word, _, code = head.partition(" ")
        if word != "exit" or not code.isdigit():
            raise Unseen(Gap(f"cmd:{name}", Reason.AMBIGUOUS, "no exit code"))
        return Command(name, int(code), output)

    def artifact(self, name: str) -> str:
        """The text of another artifact (`packages`, `log-starts`). Raises Unseen."""
        data = self._artifacts.get(name)
        if data is None:
            raise Unseen(self._gaps.get(name) or Gap(name, Reason.ABSENT))
        return data.decode("utf-8", "backslashreplace")

    def _gap(self, path: str) -> Gap:
        here = path
        while True:
            for name in (f"file:{here}", f"tree:{here}"):
                if name in self._gaps:
                    return Gap(f"file:{path}", self._gaps[name].reason, self._gaps[name].detail)
            if here in self._unreadable:
                return Gap(f"file:{path}", self._unreadable[here].reason, "" if here == path else f"{here} could not be read")
            parent = here.rpartition("/")[0] or "/"
            if parent == here:
                return self._gaps.get("tree") or Gap(f"file:{path}", Reason.ABSENT, "not collected")
            here = parent


def _split(path: str, text: str) -> tuple[Line, ...]:
    rows = text.split("\n")
    if rows[-1] == "":
        rows.pop()
    return tuple(Line(path, number, row) for number, row in enumerate(rows, 1))


_usual_lines = lru_cache(maxsize=256)(_split)  # like hosts hold like files


@lru_cache(maxsize=4096)
def normal(path: str) -> str:
    """An absolute path without `.`, `..`, doubled or trailing slashes. A relative one is taken from `/`."""
    return posixpath.normpath("/" + path.lstrip("/"))


def _magic(part: str) -> bool:
    return any(character in part for character in "*?[")


def _reason(word: str) -> Reason:
    try:
        return Reason(word)
    except ValueError:
        return Reason.DENIED
