"""Who else could put a key into a file: beyond what StrictModes sees.

StrictModes looks at the resolved file and at the folders up to the account's home. It does not look above the home, at the folders in which
symbolic links stand, nor at anything when it is off; and whoever may write one of those folders replaces what lies below it.
"""

from __future__ import annotations

import base64
import hashlib
import posixpath
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from sovaudit.facts.accounts import Account
from sovaudit.facts.authorized_keys import Key
from sovaudit.facts.files import MAX_LINKS, Files, Stat, Unseen, normal
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host
    from sovaudit.facts.ssh_keys import Keys

STICKY = 0o1000
_ENTRY = re.compile(r"(user|group):([0-9]*):([r-][w-][x-])")


def fingerprint(key: Key) -> str:
    """As `ssh-keygen -l` prints it: `SHA256:` and base64 without padding."""
    digest = hashlib.sha256(base64.b64decode(key.blob)).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def weakness(key: Key, rsa_bits: int) -> str:
    """Why a key is too weak; empty if it is not."""
    if key.kind == "ssh-dss":
        return "DSA, 1024 bits"
    if key.kind == "ssh-rsa" and key.bits < rsa_bits:
        return f"RSA, {key.bits} bits"
    return ""


class KeyPlaces:
    """Judges places once each. trusted: uids that may change the file (root always)."""

    def __init__(self, host: Host) -> None:
        self._files: Files = host.files
        self._members: dict[int, set[int]] = {}
        for account in host.accounts:
            self._members.setdefault(account.gid, set()).add(account.uid)
        for group in host.accounts.groups.values():
            found = (host.accounts.get(name) for name in group.members)
            self._members.setdefault(group.gid, set()).update(account.uid for account in found if account is not None)
        self._judged: dict[tuple[str, frozenset[int]], Line | None] = {}

    def weak_spot(self, path: str, account: Account | None) -> Line | None:
        """The file, folder or link on the way to `path` that somebody other than root and the account may change; None if there is none.

        Raises Unseen.
        """
        trusted = frozenset({0} if account is None else {0, account.uid})
        if (path, trusted) not in self._judged:
            self._judged[path, trusted] = self._find(path, trusted)
        return self._judged[path, trusted]

    def _find(self, path: str, trusted: frozenset[int]) -> Line | None:
        above = self._root()
        for here, stat in self._way(path):
            sticky = above is not None and bool(above.mode & STICKY)
            if sticky and stat.uid not in trusted:
                return Line(here, 0, f"belongs to uid {stat.uid}, who may replace it")
            if stat.kind == "l":
                continue
            why = self._open_to(stat, trusted)
            if why:
                return Line(here, 0, why)
            above = stat
        return None

    def _open_to(self, stat: Stat, trusted: frozenset[int]) -> str:
        if stat.uid not in trusted:
            return f"belongs to uid {stat.uid}"
        shared = stat.kind == "d" and stat.mode & STICKY  # others may add names there, and replace none but their own
        if stat.mode & 0o002 and not shared:
            return f"mode {stat.mode:o}: everybody may write"
        if not stat.mode & 0o020 or shared:
            return ""
        # acl(5): the mode's group bits are the mask of a list, whose own entries say who may write
        entries = self._lists.get(stat.path, "")
        if entries == "?":
            raise Unseen(Gap("acls", Reason.UNSUPPORTED, f"what the access control list of {stat.path} says"))
        for kind, number, rights in _ENTRY.findall(entries):
            who = {int(number)} if kind == "user" else self._members.get(int(number) if number else stat.gid, set())
            if "w" in rights and who - trusted:
                return f"its access control list lets others write: {kind}:{number}:{rights}"
        if "group::" not in entries and self._members.get(stat.gid, set()) - trusted:
            return f"mode {stat.mode:o}: members of group {stat.gid} may write"
        return ""

    @cached_property
    def _lists(self) -> dict[str, str]:
        """Path → its access control list, of what a group may write. Raises Unseen."""
        rows = (row.partition("\t") for row in self._files.artifact("acls").splitlines())
        return {path: entries for path, _, entries in rows}

    def _root(self) -> Stat | None:
        try:
            return self._files.stat("/")
        except Unseen:
            return None

    def _way(self, path: str) -> Iterator[tuple[str, Stat]]:
        """Everything that is looked up on the way to a file, links and what they lead through, in order."""
        parts = normal(path).split("/")[1:]
        done, links = "", 0
        while parts:
            part = parts.pop(0)
            if not part:
                continue
            here = f"{done}/{part}"
            stat = self._files.stat(here)
            if stat is None:
                return
            yield here, stat
            if stat.kind != "l":
                done = here
                continue
            links += 1
            if links > MAX_LINKS:
                raise Unseen(Gap(f"file:{path}", Reason.AMBIGUOUS, "too many levels of symbolic links"))
            parts = posixpath.normpath(posixpath.join(done or "/", stat.link)).split("/")[1:] + parts
            done = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one key, in our words, and the lines that show it."""

    key: Key
    fingerprint: str
    words: str
    because: tuple[Line, ...]


def problems(host: Host, account: Account, keys: Keys, known: Collection[str], rsa_bits: int) -> tuple[list[Problem], list[Gap]]:
    """What is wrong with the keys that open an account, and which of their places were not seen."""
    wrong: list[Problem] = []
    gaps: list[Gap] = []
    for key in [*keys.usable, *(key for key, _ in keys.uncertain)]:
        mark = fingerprint(key)
        if known and mark not in known:
            wrong.append(Problem(key, mark, words("unknown"), (key.line,)))
        if weak := weakness(key, rsa_bits):
            wrong.append(Problem(key, mark, words("weak") + weak, (key.line,)))
        try:
            owner = None if key.site else account
            if spot := host.ssh.key_places.weak_spot(key.line.file, owner):
                wrong.append(Problem(key, mark, words("place") + spot.file, (key.line, spot)))
        except Unseen as unseen:
            gaps.append(unseen.gap)
    return wrong, gaps


def words(what: str) -> str:
    """Our words for a problem; what follows them is the host's."""
    return {"unknown": "it is not a known key", "weak": "it is weak: ", "place": "others can change "}[what]


@dataclass(slots=True)
class Holders:
    """Over several hosts: which accounts each key opens.

    keys: fingerprint → (account, host, line, certain). unseen: `account@host` → what was not seen of its keys.
    """

    keys: dict[str, list[tuple[str, str, Line, bool]]] = field(default_factory=dict)
    unseen: dict[str, list[Gap]] = field(default_factory=dict)

    def add(self, host: Host) -> None:
        """Raises Unseen where sshd's configuration or the accounts were not seen."""
        if not host.ssh.installed:
            return
        for account in host.accounts:
            found, sure = host.ssh.keys(account)
            if found.gaps:
                self.unseen[f"{account.name}@{host.name}"] = found.gaps
            for key in [*found.usable, *(key for key, _ in found.uncertain)]:
                if not key.authority:
                    row = (account.name, host.name, key.line, sure and key in found.usable)
                    self.keys.setdefault(fingerprint(key), []).append(row)
        for source in host.accounts.elsewhere:
            gap = Gap(f"nss:{source}", Reason.UNSUPPORTED, "its accounts are not on this host")
            self.unseen[f"{source}@{host.name}"] = [gap]
