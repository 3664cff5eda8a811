"""Who but root can change what stands at a path: the file itself, the folders on the way, the links, and what does not exist yet.

path_resolution(7), unlink(2), acl(5): who writes a folder replaces what is in it, but in a sticky one only what he owns; who owns a file or folder
gives himself every right; who cannot search the folders on the way changes nothing. A group's write bit also lets an access list count; without
that bit no list lets anybody write.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from sovaudit.facts.access import ANYBODY, SEARCH, Person, allows, people, person, shown
from sovaudit.facts.files import MAX_LINKS, Stat, Unseen, normal
from sovaudit.facts.host import Host
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason


@dataclass(frozen=True, slots=True)
class Change:
    """who: an account, `everybody`, `uid 1005`. at: the file or folder whose owner or mode allows it."""

    who: str
    uid: int  # -1 for everybody
    at: Stat

    @property
    def line(self) -> Line:
        return shown(self.at)


@dataclass(frozen=True, slots=True)
class Changes:
    """found: everybody who can, nearest to the root first. gaps: what was not seen. exists: None where that was not. real: behind links."""

    found: tuple[Change, ...]
    gaps: tuple[Gap, ...]
    exists: bool | None
    real: str

    @property
    def because(self) -> tuple[Line, ...]:
        return tuple(dict.fromkeys(change.line for change in self.found))[:4]

    @property
    def own_affair(self) -> bool:
        """Only by owning a program that is setuid to oneself (at(1)): who would change it, runs it as himself already."""
        return bool(self.found) and all(
            change.at.kind == "f" and change.at.mode & 0o4000 and change.uid == change.at.uid for change in self.found
        )

    def names(self) -> str:
        """At most three of them."""
        names = list(dict.fromkeys(change.who for change in self.found))
        return ", ".join(names[:3]) + (" …" if len(names) > 3 else "")

    def but(self, uids: frozenset[int]) -> Changes:
        """Without what these may do."""
        return Changes(tuple(change for change in self.found if change.uid not in uids), self.gaps, self.exists, self.real)


_SAFE = Stat("", "-", 0, 0, 0, 0, 0)  # walked through and not named: root's alone


class Changers:
    """One host's answers, each worked out once."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._files = host.files
        self._done: dict[str, Changes] = {}
        self._people = people(host)
        self._elsewhere = host.accounts.groups_elsewhere
        self._lists: dict[str, list[str]] = {}
        self._no_lists: Gap | None = None
        try:
            rows = (row.split("\t") for row in host.files.artifact("acls").splitlines())
            self._lists = {row[0]: row[1].split(",") for row in rows if len(row) == 2}
        except Unseen as unseen:
            self._no_lists = unseen.gap

    def of(self, path: str) -> Changes:
        """Who can change what is found under this name, now or once it exists."""
        path = normal(path)
        if path not in self._done:
            self._done[path] = self._follow(path)
        return self._done[path]

    def _follow(self, path: str) -> Changes:
        found: dict[Change, None] = {}
        gaps: dict[Gap, None] = {}
        way: list[Stat] = []
        parts = path.split("/")[1:]
        done, links = "", 0
        folder = self._look("/", gaps)
        while parts:
            part = parts.pop(0)
            if part in ("", "."):
                continue
            here = f"{done}/{part}"
            if part == "..":
                done = posixpath.dirname(done).rstrip("/")
                folder = self._look(done or "/", gaps)
                continue
            entry = self._look(here, gaps)
            if folder is not None and folder is not _SAFE:
                way.append(folder)
                for writer in self._writers(folder, way, gaps):
                    who = self._in_sticky(folder, entry, writer)
                    if who is not None and self._reaches(who, way):
                        found.setdefault(Change(_name(who), who.uid, folder))
            if entry is None:
                return Changes(tuple(found), tuple(gaps), None if gaps else False, here)
            if entry.kind == "l":
                links += 1
                if links > MAX_LINKS:
                    gaps.setdefault(Gap(f"file:{path}", Reason.AMBIGUOUS, "too many levels of symbolic links"))
                    return Changes(tuple(found), tuple(gaps), None, here)
                parts = entry.link.split("/") + parts
                if entry.link.startswith("/"):
                    done, folder = "", self._look("/", gaps)
                continue
            done, folder = here, entry
        if folder is not None and folder.kind in "fd":  # who writes a device changes nothing that stands there
            found.update({Change(_name(who), who.uid, folder): None for who in self._writers(folder, way, gaps) if self._reaches(who, way)})
        exists = None if folder is _SAFE or (folder is None and gaps) else folder is not None
        return Changes(tuple(found), tuple(gaps), exists, done or "/")

    def _look(self, path: str, gaps: dict[Gap, None]) -> Stat | None:
        """Metadata, None for absent or not seen (then there is a gap), _SAFE for what the walk would have named."""
        try:
            return self._files.stat(path)
        except Unseen as unseen:
            if self._files.walked(path):
                return _SAFE
            if path != "/":  # a root that is not root's own would be no host
                gaps.setdefault(unseen.gap)
            return _SAFE if path == "/" else None

    def _in_sticky(self, folder: Stat, entry: Stat | None, who: Person) -> Person | None:
        """Who it is that may replace an entry, given that `who` writes the folder: in a sticky one its owner and that of the entry only."""
        if not folder.mode & 0o1000 or entry is None or who.uid in (folder.uid, entry.uid):
            return who
        return self._owner(entry.uid) if who is ANYBODY and entry.uid != 0 else None

    def _owner(self, uid: int) -> Person:
        owners = self._host.accounts.by_uid(uid)
        return person(self._host, owners[0]) if owners else Person(f"uid {uid}", uid, frozenset())

    def _writers(self, stat: Stat, way: list[Stat], gaps: dict[Gap, None]) -> Iterator[Person]:
        """Whom owner, mode and access list let write; ANYBODY stands for all where all can come so far."""
        if stat.uid != 0:
            yield self._owner(stat.uid)
        if stat.mode & 0o002:
            if self._reaches(ANYBODY, way):
                yield ANYBODY
            else:
                yield from (who for who in self._people if who.uid != stat.uid and stat.gid not in who.gids)
        if stat.mode & 0o020:
            yield from self._group(stat, gaps)

    def _group(self, stat: Stat, gaps: dict[Gap, None]) -> Iterator[Person]:
        entries = self._lists.get(stat.path, [])
        found = False
        groups = {stat.gid}
        for entry in entries:
            kind, _, rest = entry.partition(":")
            number, _, rights = rest.rpartition(":")
            if kind == "group" and number == "" and "w" not in rights:
                groups.discard(stat.gid)  # the mode shows the mask, not what the group may
            elif "w" in rights and number.isdigit() and kind == "user" and int(number) != 0:
                found = True
                yield self._owner(int(number))
            elif "w" in rights and number.isdigit() and kind == "group":
                groups.add(int(number))
        for who in self._people:
            if who.gids & groups and who.uid != stat.uid:
                found = True
                yield who
        if found:
            return
        if "?" in entries:
            gaps.setdefault(Gap("acls", Reason.UNSUPPORTED, f"{stat.path} has an access list that was not read"))
        elif self._no_lists is not None:
            gaps.setdefault(self._no_lists)
        if self._elsewhere:
            gaps.setdefault(Gap("nss", Reason.UNSUPPORTED, f"members of group {stat.gid} may come from {', '.join(self._elsewhere)}"))

    def _reaches(self, who: Person, way: list[Stat]) -> bool:
        return all(allows(folder, who, SEARCH) for folder in way)


def _name(who: Person) -> str:
    return who.name or "everybody"
