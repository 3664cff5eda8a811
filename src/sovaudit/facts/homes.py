"""Homes: who but their account may enter them, and with what mode new ones are made.

Sources: useradd(8) and login.defs(5) (HOME_MODE, UMASK, USERGROUPS_ENAB, as shadow reads them), adduser.conf(5) (DIR_MODE, octal; USERGROUPS),
pam_mkhomedir(8) (umask, else login.defs as libpam reads it, octal).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from sovaudit.facts.access import ANYBODY, READ, SEARCH, WRITE, Person, Trail, allows, people, shown, trail
from sovaudit.facts.accounts import Account
from sovaudit.facts.files import Stat, Unseen
from sovaudit.facts.parse.login_defs import PATH, LoginDefs, c_number, login_defs
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

SERVICES = ("sshd", "login", "su", "su-l", "gdm-password", "lightdm", "sddm")
STICKY = 0o1000
_ENTRY = re.compile(r"(user|group):([0-9]+):([r-][w-][x-])")


@dataclass(frozen=True, slots=True)
class Home:
    """stat: the folder, None where there is none. others: names of accounts that may read, write or enter it; `*` for every account.

    replaced_by: who may put another folder in its place (writes a folder above it). strangers: members of its group whom only a directory knows.
    """

    stat: Stat | None
    others: tuple[str, ...] = ()
    replaced_by: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()
    because: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Made:
    """A way in which homes are made. mode: of a new home. shared: its group is one that accounts share."""

    by: str
    mode: int
    shared: bool
    because: tuple[Line, ...]

    @property
    def private(self) -> bool:
        return not self.mode & 0o007 and not (self.shared and self.mode & 0o070)


class Homes:
    """Facts about the homes of one host. Every question may raise Unseen."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def home(self, account: Account) -> Home:
        path = account.home
        if not path.startswith("/"):
            return Home(None)
        way = trail(self._host.files, path)
        if way.stat is None or way.stat.kind != "d":
            return Home(None)
        return Home(
            way.stat, self._others(way, way.stat, account), self._replaced(way, account), self._strangers(way.stat), (shown(way.stat),)
        )

    @cached_property
    def _members(self) -> dict[int, tuple[Person, ...]]:
        """Group id → accounts without root's rights that are in it."""
        found: dict[int, list[Person]] = {}
        for who in people(self._host):
            for gid in who.gids:
                found.setdefault(gid, []).append(who)
        return {gid: tuple(rows) for gid, rows in found.items()}

    @cached_property
    def _names(self) -> dict[int, str]:
        return {account.uid: account.name for account in reversed(list(self._host.accounts))}

    def _others(self, way: Trail, stat: Stat, account: Account) -> tuple[str, ...]:
        if any(way.may(ANYBODY, right) for right in (READ, WRITE, SEARCH)):
            return ("*",)
        found: list[str] = []
        if stat.uid not in (0, account.uid):
            found.append(self._names.get(stat.uid, f"uid {stat.uid}"))
        own = re.search(r"(?:^|,)group::([r-][w-][x-])", self._lists.get(stat.path, ""))
        if stat.mode & 0o070 and not (own and own[1] == "---"):  # with a list, the mode's group bits are its mask
            found += _some(who for who in self._members.get(stat.gid, ()) if who.uid not in (account.uid, stat.uid) and _uses(way, who))
        found += self._listed_there(way, stat, account)
        return tuple(dict.fromkeys(found))

    def _listed_there(self, way: Trail, stat: Stat, account: Account) -> Iterator[str]:
        """acl(5): accounts and members of groups that the home's list names; the mode's group bits are its mask."""
        entries = self._lists.get(stat.path, "")
        if entries == "?":
            raise Unseen(Gap("acls", Reason.UNSUPPORTED, f"what the access control list of {stat.path} says"))
        for kind, number, rights in _ENTRY.findall(entries):
            granted = sum(bit for bit, letter in ((READ, "r"), (WRITE, "w"), (SEARCH, "x")) if letter in rights)
            if not granted & stat.mode >> 3:
                continue
            everyone = people(self._host) if kind == "user" else self._members.get(int(number), ())
            for who in everyone:
                mine = who.uid in (account.uid, stat.uid) or (kind == "user" and who.uid != int(number))
                if not mine and way.reached(who):
                    yield who.name

    @cached_property
    def _lists(self) -> dict[str, str]:
        try:
            rows = (row.partition("\t") for row in self._host.files.artifact("acls").splitlines())
            return {path: entries for path, _, entries in rows}
        except Unseen:
            return {}

    def _replaced(self, way: Trail, account: Account) -> tuple[str, ...]:
        for folder in way.folders:
            if folder.uid not in (0, account.uid):
                return (self._names.get(folder.uid, f"uid {folder.uid}"),)
            if folder.mode & STICKY:
                continue
            if folder.mode & 0o003 == 0o003:
                return ("*",)
            if folder.mode & 0o030 == 0o030:
                names = _some(who for who in self._members.get(folder.gid, ()) if who.uid != account.uid)
                if names:
                    return tuple(names)
        return ()

    def _strangers(self, stat: Stat) -> tuple[str, ...]:
        accounts = self._host.accounts
        if not accounts.elsewhere or not stat.mode & 0o070:
            return ()
        return tuple(sorted(name for name in self._listed.get(stat.gid, ()) if accounts.get(name) is None))

    @cached_property
    def _listed(self) -> dict[int, frozenset[str]]:
        found: dict[int, frozenset[str]] = {}
        for group in self._host.accounts.groups.values():
            found[group.gid] = found.get(group.gid, frozenset()) | group.members
        return found

    # New homes

    def useradd(self) -> Made | None:
        """None where useradd is not installed."""
        if not self._host.files.exists("/usr/sbin/useradd"):
            return None
        defs = login_defs(self._host.files)
        mode, line = _shadow_mode(defs)
        shared, said = _shared(defs)
        return Made("useradd", mode, shared, (line, said))

    def adduser(self) -> Made | None:
        """Debian's adduser; None where it is not installed or is another name of useradd."""
        files = self._host.files
        real = files.resolve("/usr/sbin/adduser")
        if real is None or real.endswith("/useradd"):
            return None
        if real.endswith("/busybox"):
            return Made(
                "adduser", 0o2755, False, (Line("/usr/sbin/adduser", 0, "busybox makes homes with mode 2755, whatever is configured"),)
            )
        settings: dict[str, tuple[str, Line]] = {}
        for line in files.lines("/etc/adduser.conf") or ():
            match = None if line.text.startswith("#") else re.match(r"\s*([_a-zA-Z0-9]+)\s*=\s*(.*)", line.text)
            if match:
                value = re.sub(r"^'(.*)'$", r"\1", re.sub(r'^"(.*)"$', r"\1", match[2]))
                settings[match[1].lower()] = value, line
        value, line = settings.get("dir_mode", ("", Line("/etc/adduser.conf", 0, "DIR_MODE is not set")))
        if not re.search("[0-7]{3}", value):
            value = self._adduser_default()
        setgid = re.search("yes", settings.get("setgid_home", ("no", line))[0], re.IGNORECASE)
        mode = _octal(value)
        usergroups, said = settings.get("usergroups", ("yes", line))
        shared = not re.search("yes", usergroups, re.IGNORECASE)
        return Made("adduser", mode | (0o2000 if setgid else 0), shared, tuple(dict.fromkeys((line, *([said] if shared else [])))))

    def _adduser_default(self) -> str:
        version = self._host.packages.get("adduser", "")
        match = re.match(r"3\.(\d+)", version)
        if match is None:
            raise Unseen(Gap("packages", Reason.AMBIGUOUS, "the default of DIR_MODE depends on adduser's version, which was not seen"))
        return "0700" if int(match[1]) >= 122 else "0755"

    def at_login(self) -> Made | None:
        """Homes that pam_mkhomedir makes when somebody logs in; None where no stack calls it."""
        pam = self._host.pam
        for name in SERVICES:
            if name not in ("sshd", "login") and not pam.stacks.configured(name):
                continue
            for step in pam.service(name).stack("session"):
                if step.module == "pam_mkhomedir.so" and step.known is not False:
                    return self._mkhomedir(step.args, step.line)
        return None

    def _mkhomedir(self, args: tuple[str, ...], line: Line) -> Made | None:
        """umask is octal where the mode is made of it; HOME_MODE as strtoul(3) with base 0 reads it, and what is no number makes no home."""
        defs = login_defs(self._host.files)
        shared, _ = _shared(defs)
        named = [arg[6:] for arg in args if arg.startswith("umask=")]
        because: tuple[Line, ...] = (line,)
        if named:
            mode = 0o777 & ~_octal(named[-1])
        elif "HOME_MODE" in defs.first:
            text, said = defs.first["HOME_MODE"]
            number, because = c_number(text), (line, said)
            if number is None:
                return None
            mode = number & 0o7777 or 0o755
        elif "UMASK" in defs.first:
            mode, because = 0o777 & ~_octal(defs.first["UMASK"][0]), (line, defs.first["UMASK"][1])
        else:
            mode = 0o755
        return Made("pam_mkhomedir", mode, shared, because)


def _uses(way: Trail, who: Person) -> bool:
    return way.stat is not None and way.reached(who) and any(allows(way.stat, who, right) for right in (READ, WRITE, SEARCH))


def _some(found: object) -> list[str]:
    """The first few names."""
    names: list[str] = []
    for who in found:  # type: ignore[attr-defined]
        names.append(who.name)
        if len(names) == 5:
            break
    return names


def _shadow_mode(defs: LoginDefs) -> tuple[int, Line]:
    mode, line = defs.shadow_number("HOME_MODE")
    if mode is not None and line is not None:
        return mode & 0o7777, line
    umask, line = defs.shadow_number("UMASK")
    return 0o777 & ~(0o022 if umask is None else umask), line or Line(PATH, 0, "neither HOME_MODE nor UMASK is set")


def _shared(defs: LoginDefs) -> tuple[bool, Line]:
    value, line = defs.last.get("USERGROUPS_ENAB", ("", Line(PATH, 0, "USERGROUPS_ENAB is not set")))
    return value.lower() != "yes", line


def _octal(text: str) -> int:
    """strtoul(3) with base 8, and Perl's oct for a mode: what follows the digits is not looked at."""
    match = re.match(r"\s*([0-7]+)", text)
    return int(match[1], 8) if match else 0
