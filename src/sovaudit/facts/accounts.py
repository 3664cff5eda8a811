"""Accounts and groups of a host: passwd(5), shadow(5), group(5), nsswitch.conf(5).

Shadow evidence is masked at the source: the second field keeps what decides (empty, leading `!`, `*`, scheme and cost) and never salt or hash.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from sovaudit.facts.files import Files, Unseen, normal
from sovaudit.facts.name_sources import compat, elsewhere
from sovaudit.facts.parse.passwd import group_fields, passwd_fields, shadow_fields
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line

# crypt(5): prefix → name
SCHEMES = {
    "y": "yescrypt", "gy": "gost-yescrypt", "7": "scrypt", "6": "sha512", "5": "sha256",
    "2a": "bcrypt", "2b": "bcrypt", "2x": "bcrypt", "2y": "bcrypt",
    "sha1": "sha1", "md5": "sunmd5", "1": "md5", "3": "nt",
}  # fmt: skip
_NO_SESSION = re.compile(r"(/usr)?/s?bin/(nologin|false|sync|halt|shutdown|true)")
_MANY_NAMES = re.compile(r".*/(busybox|coreutils|systemctl|toybox)")  # programs that do what they are called by


@dataclass(frozen=True, slots=True)
class Password:
    """State of a stored password.

    kind: `empty` (opens without a password where the service allows null passwords), `set` (a hash that some password matches),
    `none` (no password can match: `*`, `!`, `x` without shadow, or text that is no hash).
    locked: a `!` stands before it, so no password matches while it stands there (`passwd -l`, `usermod -L`).
    scheme: crypt(5) name of the stored hash, also behind a lock; empty when there is none.
    """

    kind: str
    locked: bool
    scheme: str
    cost: str = ""

    @property
    def usable(self) -> bool:
        """Some password opens it."""
        return self.kind == "set" and not self.locked


@dataclass(frozen=True, slots=True)
class Account:
    """One line of passwd(5) with its shadow(5) fields. Days count from 1970-01-01; None where the field is empty.

    has_shell: a shell that gives a session (empty means /bin/sh, passwd(5)); login_shells says whether it can be run.
    gids: as initgroups(3) gives them at login. groups: the names that getgrgid(3) has for them: of two with one number, the first.

    password is None and `shadow_gap` says why where the stored password's state was not seen.
    in_shadow: shadow(5) says it. beside: what shadow holds all the same where passwd(5) has a password of its own: password and expiry.
    """

    name: str
    uid: int
    gid: int
    gecos: str
    home: str
    shell: str
    groups: frozenset[str]
    password: Password | None
    last_change: int | None
    min_days: int | None
    max_days: int | None
    warn_days: int | None
    inactive_days: int | None
    expires: int | None
    because: tuple[Line, ...]
    shadow_gap: Gap | None = None
    in_shadow: bool = True
    beside: tuple[Password, int | None] | None = None
    gids: frozenset[int] = frozenset()
    has_shell: bool = True

    def expired(self, at: datetime) -> bool:
        """The account itself is past its expiry date (shadow field 8; 0 is treated as never by pam_unix only when empty)."""
        return self.expires is not None and self.expires >= 0 and day(at) >= self.expires

    def inactive(self, at: datetime) -> bool:
        """Overdue for longer than inactive_days: pam_unix refuses the login altogether."""
        if self.inactive_days is None or self.inactive_days < 0 or self.max_days is None or self.last_change in (None, 0):
            return False
        assert self.last_change is not None
        return day(at) > self.last_change + self.max_days + self.inactive_days


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    gid: int
    members: frozenset[str]  # supplementary only, as listed
    because: tuple[Line, ...]


@lru_cache(maxsize=64)
def day(at: datetime) -> int:
    """Days since 1970-01-01 UTC, as shadow(5) counts them."""
    return (at.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days


class Accounts:
    """Accounts in file order. The first line of a name counts, as getpwnam(3) of the `files` source does.

    compat: nsswitch.conf reads passwd in the old way, where `+` lines import accounts from NIS (assumed where it was not seen).
    elsewhere: NSS sources other than files that could add accounts which this evidence does not show (`sss`, `ldap`, `nis`, `winbind` …).
    groups_elsewhere: the same for groups and who is in them; local accounts may be.
    Raises Unseen when /etc/passwd or /etc/group was not seen.
    """

    def __init__(self, files: Files) -> None:
        lines = _group_lines(files)
        self.groups: dict[str, Group] = {}
        for group in lines:
            if group.name[0] != "#":
                self.groups.setdefault(group.name, group)
        shadow, shadow_gap = _shadow(files)
        members: dict[str, set[int]] = {}
        for group in lines:  # initgroups(3) reads every line: a second one of the same name, and one that is commented out
            for member in group.members:
                members.setdefault(member, set()).add(group.gid)
        names = {group.gid: group.name for group in reversed(lines) if group.name[0] != "#"}
        self.compat = compat(files)
        self._all: dict[str, Account] = {}
        self._by_uid: dict[int, list[Account]] | None = None
        self.duplicates: list[Line] = []
        imported, hidden = False, set()
        shells: dict[str, bool] = {}
        for line in files.lines("/etc/passwd") or ():
            cells = passwd_fields(line.text)
            if cells is None or cells[0][0] in "+-":
                imported |= cells is not None and cells[0][0] == "+"
                hidden |= {cells[0][1:]} if cells is not None and self.compat else set()
                continue
            if cells[0] in hidden:
                continue  # by `-name` above it, in the old way
            if cells[0] in self._all:
                self.duplicates.append(line)
                continue
            gids = frozenset({int(cells[3]), *members.get(cells[0], ())})
            groups = frozenset(names[gid] for gid in gids if gid in names)
            if (shell := cells[6]) not in shells:
                shells[shell] = _gives_session(files, shell)
            self._all[cells[0]] = _account(cells, line, groups, gids, shadow, shadow_gap, has_shell=shells[shell])
        self.elsewhere = (*elsewhere(files), *(("nis",) if imported and self.compat else ()))
        others = (source for name in ("group", "initgroups") for source in elsewhere(files, name))
        self.groups_elsewhere = tuple(dict.fromkeys((*self.elsewhere, *others)))

    def __iter__(self) -> Iterator[Account]:
        return iter(self._all.values())

    def __len__(self) -> int:
        return len(self._all)

    def get(self, name: str) -> Account | None:
        return self._all.get(name)

    def by_uid(self, uid: int) -> tuple[Account, ...]:
        if self._by_uid is None:
            self._by_uid = {}
            for account in self:
                self._by_uid.setdefault(account.uid, []).append(account)
        return tuple(self._by_uid.get(uid, ()))

    def members(self, group: str) -> tuple[Account, ...]:
        """Accounts in a group, by primary group too."""
        return tuple(account for account in self if group in account.groups)


def parse_password(field: str) -> Password:
    """State of a shadow (or passwd) password field, masked or not.

    >>> parse_password("!$y$j9T$masked")
    Password(kind='set', locked=True, scheme='yescrypt', cost='j9T')
    """
    if field == "":
        return Password("empty", False, "")
    rest = field.lstrip("!")
    locked = rest != field
    if match := re.match(r"\$([A-Za-z0-9-]+)[$,]([^$]*)", rest):
        scheme = SCHEMES.get(match[1].split(",")[0], "")
        return Password("set", locked, scheme, match[2]) if scheme else Password("none", locked, "")
    if rest == "<des>" or re.match(
        r"[./0-9A-Za-z]{13}([./0-9A-Za-z]{11}){0,15}([^./0-9A-Za-z]|$)", rest
    ):  # bigcrypt, HP-UX's ageing behind it
        return Password("set", locked, "des")
    if rest == "<bsdi>" or re.fullmatch(r"_[./0-9A-Za-z]{19}", rest):
        return Password("set", locked, "bsdi")
    return Password("none", locked, "")


def _account(
    cells: list[str],
    line: Line,
    groups: frozenset[str],
    gids: frozenset[int],
    shadow: dict[str, _Stored],
    gap: Gap | None,
    *,
    has_shell: bool,
) -> Account:
    name, field = cells[0], cells[1]
    because: tuple[Line, ...] = (line,)
    ages: list[int | None] = [None] * 6
    password: Password | None
    in_shadow = name in shadow
    beside: tuple[Password, int | None] | None = None
    if field not in ("x", "*NP*", f"##{name}"):
        password = parse_password(field)  # a password in /etc/passwd is used as it stands; shadow is not asked
        if in_shadow:
            beside = parse_password(shadow[name][1]), shadow[name][2][5]
        in_shadow, gap = False, None
    elif in_shadow:
        entry, stored, ages = shadow[name]
        because, gap = (line, entry), None
        password = parse_password(stored)
    elif gap is not None:
        password = None
    else:
        password = Password("none", False, "")
    last_change, min_days, max_days, warn_days, inactive_days, expires = ages
    return Account(
        name=name,
        uid=int(cells[2]),
        gid=int(cells[3]),
        gecos=cells[4],
        home=cells[5],
        shell=cells[6],
        groups=groups,
        password=password,
        last_change=last_change,
        min_days=min_days,
        max_days=max_days,
        warn_days=warn_days,
        inactive_days=inactive_days,
        expires=expires,
        because=because,
        shadow_gap=gap,
        in_shadow=in_shadow,
        beside=beside,
        gids=gids,
        has_shell=has_shell,
    )


def _gives_session(files: Files, shell: str) -> bool:
    """Not nologin(8) and its kin, where the system keeps them; a link counts as what it leads to."""
    path = normal(shell) if shell.startswith("/") else shell
    named = _NO_SESSION.fullmatch(path) is not None
    try:
        real = files.resolve(path) if shell.startswith("/") else None
    except Unseen:
        real = None
    if real is None or real == path:
        return not named
    return _NO_SESSION.fullmatch(real) is None and not (named and _MANY_NAMES.fullmatch(real))


_Stored = tuple[Line, str, list[int | None]]


def _shadow(files: Files) -> tuple[dict[str, _Stored], Gap | None]:
    try:
        lines = files.lines("/etc/shadow")
    except Unseen as unseen:
        return {}, unseen.gap
    found: dict[str, _Stored] = {}
    for line in lines or ():
        fields = shadow_fields(line.text)
        if fields is not None:
            found.setdefault(fields[0], (line, fields[1], fields[2]))
    return found, None


def _group_lines(files: Files) -> list[Group]:
    found: list[Group] = []
    for line in files.lines("/etc/group") or ():
        fields = group_fields(line.text)
        if fields is not None:
            found.append(Group(*fields, (line,)))
    return found
