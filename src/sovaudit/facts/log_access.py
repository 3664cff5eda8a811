"""Which accounts could alter or remove a file: its owner, group and mode, its access control list, and every folder and link on the way to it.

Answers are three-valued. An account here is one that can log in and is not uid 0: a person's (uid 1000 and above, with a shell), or a
service's that has a shell and a password or a key of its own. chmod(2): an owner can always give himself the right to write. unlink(2),
rename(2): who may write a folder may take its entries away, in a sticky one only his own. acl(5): the mode's group bits are the list's mask.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from sovaudit.facts.accounts import Account
from sovaudit.facts.files import MAX_LINKS, Stat, Unseen, normal
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

_ENTRY = re.compile(r"(user|group):([0-9]*):([r-][w-][x-])")
_ROOT = Stat("/", "d", 0o755, 0, 0, 0, 0)  # a root that is not root's own would be no host


@dataclass(frozen=True, slots=True)
class Access:
    """yes: somebody certainly can, nobody can, or (None) it was not seen. who: an account, or `everybody`."""

    yes: bool | None
    who: str = ""
    line: Line | None = None
    gaps: tuple[Gap, ...] = ()

    def worse(self, other: Access) -> Access:
        """The one that is nearer to yes; the first of two equal ones."""
        rank = {True: 2, None: 1, False: 0}
        return other if rank[other.yes] > rank[self.yes] else self


NOBODY = Access(False)
Names = frozenset[str]
NONE: Names = frozenset()
EVERYBODY = "everybody"  # an account without any right of its own: what the bits for others let do


class LogAccess:
    """Over one host. Every question raises Unseen where accounts or the path were not seen."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._files = host.files
        self._folders: dict[str, tuple[Names, Access]] = {}
        self._cache: dict[tuple[int, int, int], Names] = {}

    # Who counts

    def _logs_in(self, account: Account) -> bool | None:
        if account.uid == 0 or not account.has_shell:
            return False
        if account.uid >= 1000:
            return True
        if account.password is not None and (account.password.usable or account.password.kind == "empty"):
            return True
        try:
            keys = self._files.follow(posixpath.join(account.home, ".ssh/authorized_keys")) if account.home.startswith("/") else None
        except Unseen:
            return None
        if keys is not None and keys.size > 0:
            return True
        return None if account.password is None else False

    @cached_property
    def _people(self) -> dict[str, bool]:
        """Who can log in and is not root, and whether that is certain. EVERYBODY is always among them."""
        found = {account.name: self._logs_in(account) for account in self._host.accounts}
        return {EVERYBODY: True, **{name: sure is True for name, sure in found.items() if sure is not False}}

    @cached_property
    def _all(self) -> Names:
        return frozenset(self._people)

    @cached_property
    def _uids(self) -> dict[int, Names]:
        found: dict[int, set[str]] = {}
        for account in self._host.accounts:
            if account.name in self._people:
                found.setdefault(account.uid, set()).add(account.name)
        return {uid: frozenset(names) for uid, names in found.items()}

    @cached_property
    def _gids(self) -> dict[int, Names]:
        gids = {group.name: group.gid for group in self._host.accounts.groups.values()}
        found: dict[int, set[str]] = {}
        for account in self._host.accounts:
            if account.name in self._people:
                for gid in {account.gid, *(gids[name] for name in account.groups if name in gids)}:
                    found.setdefault(gid, set()).add(account.name)
        return {gid: frozenset(names) for gid, names in found.items()}

    @cached_property
    def _known(self) -> tuple[frozenset[int], frozenset[int]]:
        accounts = self._host.accounts
        return frozenset(account.uid for account in accounts), frozenset(group.gid for group in accounts.groups.values())

    def _owner(self, uid: int) -> Names:
        """Accounts of this uid. One that only a directory service could know is somebody whom we do not see."""
        if self._host.accounts.elsewhere and uid not in self._known[0]:
            return frozenset({f"uid {uid}"})
        return self._uids.get(uid, NONE)

    def _group(self, gid: int) -> Names:
        if self._host.accounts.elsewhere and gid not in self._known[1]:
            return frozenset({f"a member of group {gid}"})
        return self._gids.get(gid, NONE)

    def _answer(self, names: Names, line: Line, gaps: tuple[Gap, ...] = ()) -> Access:
        """The worst that can be said of a set of names."""
        if not names:
            return NOBODY
        sure = [name for name in names if self._people.get(name)]
        if sure:
            return Access(True, EVERYBODY if EVERYBODY in sure else min(sure), line)
        who = min(names)
        if who in self._people:
            return Access(None, who, line, gaps or (Gap("file:/etc/shadow", Reason.ABSENT, f"whether {who} can log in"),))
        return Access(
            None, who, line, gaps or (Gap("nss", Reason.UNSUPPORTED, f"{who}: accounts of {', '.join(self._host.accounts.elsewhere)}"),)
        )

    # Rights

    @cached_property
    def _lists(self) -> dict[str, str] | None:
        """Path → its access control list, for group-writable paths that have one. None where that was not looked for."""
        try:
            rows = [row.partition("\t") for row in self._files.artifact("acls").splitlines()]
        except Unseen:
            return None
        return {path: text for path, tab, text in rows if tab}

    def listed(self, path: str) -> bool:
        """Whether a group-writable path is known to have an access control list."""
        return self._lists is not None and path in self._lists

    def _bits(self, mode: int, uid: int, gid: int) -> Names:
        """Whom a mode lets write (bit 2) or search (bit 1): the owner always, as he can change it; the first class that fits decides."""
        key = (mode, uid, gid)
        if key not in self._cache:
            owner, group = self._owner(uid), self._group(gid)
            found = owner
            if mode & 0o070:
                found = found | group
            if mode & 0o007:
                found = found | (self._all - (group - owner))
            self._cache[key] = found
        return self._cache[key]

    def _writers(self, stat: Stat) -> tuple[Names, tuple[Gap, ...]]:
        text = "" if self._lists is None else self._lists.get(stat.path, "")
        if not stat.group_writable or text == "" or self._lists is None:
            names = self._bits(stat.mode & 0o022, stat.uid, stat.gid)
            unseen = stat.group_writable and self._lists is None
            gap = (Gap("acls", Reason.ABSENT, f"the access control list of {stat.path}"),) if unseen else ()
            return (names | {"an access control list"} if unseen else names), gap
        if text == "?":
            names = self._bits(stat.mode & 0o022, stat.uid, stat.gid) - self._group(stat.gid)
            return names | {"an access control list"}, (
                Gap("acls", Reason.UNSUPPORTED, f"what the access control list of {stat.path} says"),
            )
        names = self._bits(stat.mode & 0o002, stat.uid, stat.gid)
        for kind, number, rights in _ENTRY.findall(text):
            if rights[1] == "w":
                names |= self._owner(int(number)) if kind == "user" and number else self._group(int(number) if number else stat.gid)
        return names, ()

    def would_write(self, mode: int, uid: int, gid: int, path: str) -> Access:
        """Whether a person may write what is yet to be made at this path, with this mode, owner and group, for who can get there. Raises Unseen."""
        line = Line(path, 0, f"will be made with mode {mode & 0o7777:04o}, owner {uid}, group {gid}")
        folder = self._files.resolve(posixpath.dirname(normal(path)))
        can = self._at(folder)[0] if folder is not None else self._all
        return self._answer(self._bits(mode & 0o022, uid, gid) & can if can is not self._all else self._bits(mode & 0o022, uid, gid), line)

    def alters(self, path: str) -> Access:
        """Whether a person can change, empty, rename, remove or replace what is found at this path, links followed; or make what is not
        there.
        """
        worst = NOBODY
        parts, done, links = normal(path).split("/")[1:], "", 0
        while parts:
            part = parts.pop(0)
            if not part:
                continue
            here = f"{done}/{part}"
            stat = self._files.stat(here)
            if stat is not None and stat.kind == "d" and parts:
                done = here
                continue
            can, above = self._at(done or "/")
            worst = worst.worse(above).worse(self._entry(done or "/", stat, can))
            if stat is None:
                return worst
            if stat.kind == "l":
                links += 1
                if links > MAX_LINKS:
                    raise Unseen(Gap(f"file:{path}", Reason.AMBIGUOUS, "too many levels of symbolic links"))
                target = posixpath.normpath(posixpath.join(posixpath.dirname(here), stat.link))
                parts, done = target.split("/")[1:] + parts, ""
                continue
            names, gaps = self._writers(stat)
            return worst.worse(self._answer(_both(names, can), _line(stat), gaps))
        return worst

    def _at(self, folder: str) -> tuple[Names, Access]:
        """Who can get into a folder, and the worst that can be done to it and to those above it."""
        if folder not in self._folders:
            stat = self._stat(folder)
            mine = self._bits(stat.mode & 0o011, stat.uid, stat.gid)
            if folder == "/":
                self._folders[folder] = (mine, NOBODY)
            else:
                parent = posixpath.dirname(folder)
                can, above = self._at(parent)
                self._folders[folder] = (_both(mine, can), above.worse(self._entry(parent, stat, can)))
        return self._folders[folder]

    def _stat(self, folder: str) -> Stat:
        try:
            return self._files.stat(folder) or _ROOT
        except Unseen:
            if folder != "/":
                raise
            return _ROOT

    def _entry(self, folder: str, entry: Stat | None, can: Names) -> Access:
        """Whether a person can take an entry out of its folder, or make it there. can: who gets into the folder's parent or the folder."""
        above = self._stat(folder)
        names, gaps = self._writers(above)
        names = _both(names, self._bits(above.mode & 0o011, above.uid, above.gid))
        if entry is not None and above.mode & 0o1000:
            names &= self._owner(above.uid) | self._owner(entry.uid)
        return self._answer(_both(names, can), _line(above), gaps)


def _both(names: Names, can: Names) -> Names:
    """Those of `names` who are in `can`; whom we do not see (a list, a directory service) is taken to get anywhere."""
    return frozenset(name for name in names if name in can or " " in name) if names else NONE


def _line(stat: Stat) -> Line:
    return Line(stat.path, 0, f"mode {stat.mode:04o}, owner {stat.uid}, group {stat.gid}")
