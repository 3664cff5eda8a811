"""Who may read a file or enter a folder: the kernel's permission bits along the whole path (path_resolution(7), inode(7)).

The first class that fits decides: the owner by the owner's bits, else a member of the group by the group's, else everybody by the others'. An
owner who lacks a bit may give it back (chmod(2)), so an owner counts as holding every right. Access control lists are not in evidence.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sovaudit.facts.accounts import Account
from sovaudit.facts.files import MAX_LINKS, Files, Stat, Unseen
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

READ, WRITE, SEARCH = 4, 2, 1


@dataclass(frozen=True, slots=True)
class Person:
    """Ids as the kernel compares them. name: for the reader; empty for anybody at all."""

    name: str
    uid: int
    gids: frozenset[int]


ANYBODY = Person("", -1, frozenset())


def person(host: Host, account: Account) -> Person:
    return Person(account.name, account.uid, account.gids | {account.gid})


def people(host: Host) -> tuple[Person, ...]:
    """Every account without root's rights, with or without a login."""
    return tuple(person(host, account) for account in host.accounts if account.uid != 0)


def allows(stat: Stat, who: Person, right: int) -> bool:
    if who.uid == 0 or stat.uid == who.uid:
        return True
    shift = 3 if stat.gid in who.gids else 0
    return (stat.mode >> shift) & right == right


@dataclass(frozen=True, slots=True)
class Trail:
    """The folders that are searched on the way to a file, in order, and the file itself; stat is None where it is absent."""

    folders: tuple[Stat, ...]
    stat: Stat | None

    def reached(self, who: Person) -> bool:
        return all(allows(folder, who, SEARCH) for folder in self.folders)

    @property
    def open_to_all(self) -> bool:
        """Whether nobody at all is kept from its folders."""
        return all(folder.mode & 0o011 == 0o011 for folder in self.folders)

    def may(self, who: Person, right: int) -> bool:
        return self.stat is not None and self.reached(who) and allows(self.stat, who, right)


def trail(files: Files, path: str) -> Trail:
    """The way to a path, through its links. Raises Unseen where a part was not seen."""
    parts = path.split("/")[1:]
    folders: list[Stat] = []
    done, links = "", 0
    try:
        top = files.stat("/")
    except Unseen:
        top = None  # whoever could not search it could not log in at all
    if top is not None:
        folders.append(top)
    here: Stat | None = top
    while parts:
        part = parts.pop(0)
        if part in ("", "."):
            continue
        if part == "..":
            done = done.rpartition("/")[0]
            continue
        here = files.stat(f"{done}/{part}")
        if here is None:
            return Trail(tuple(folders), None)
        if here.kind == "l":
            links += 1
            if links > MAX_LINKS:
                raise Unseen(Gap(f"file:{path}", Reason.AMBIGUOUS, "too many levels of symbolic links"))
            parts = here.link.split("/") + parts
            done = "" if here.link.startswith("/") else done
            continue
        done = f"{done}/{part}"
        if any(rest not in ("", ".") for rest in parts):
            folders.append(here)
    return Trail(tuple(dict.fromkeys(folders)), here if here is None or done else top)


def readers(way: Trail, everyone: Iterable[Person], right: int = READ) -> tuple[Person, ...]:
    """Who has this right. ANYBODY alone where every account has it that nothing sets apart."""
    if way.may(ANYBODY, right):
        return (ANYBODY,)
    return tuple(who for who in everyone if way.may(who, right))


def shown(stat: Stat) -> Line:
    """Mode and owners of a path as a line of a finding."""
    return Line(stat.path, 0, f"mode {stat.mode:04o}, owner {stat.uid}, group {stat.gid}")
