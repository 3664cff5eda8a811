"""Which keys open an account: the files sshd would read, whether it trusts them, and what each line then allows.

After auth.c (`expand_authorized_keys`), auth2-pubkey.c (`user_key_allowed`), auth2-pubkeyfile.c (`auth_openfile`) and misc.c (`safe_path`).
Holding the private half of an authorised key, or the key of an authority that sshd trusts, is one and the same factor: a key.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sovaudit.facts.accounts import Account
from sovaudit.facts.authorized_keys import TYPES, Key, key_of, parse_keys
from sovaudit.facts.files import Files, Stat, Unseen
from sovaudit.facts.parse.sshd_config import split_arguments
from sovaudit.facts.sshd_match import Connection, Effective
from sovaudit.facts.sshd_patterns import match_host_and_address
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

_SILENT = ("/bin/true", "/usr/bin/true", "/bin/false", "/usr/bin/false")


@dataclass(slots=True)
class Keys:
    """What opens an account by public key from one connection.

    usable: keys that certainly do. uncertain: keys that may. gaps: places with keys that were not seen. notes: why others do not.
    """

    usable: list[Key] = field(default_factory=list)
    uncertain: list[tuple[Key, Gap]] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    notes: list[Line] = field(default_factory=list)


def together(parts: Iterable[Keys]) -> Keys:
    """What opens an account from any of several connections: usable from one is usable."""
    total = Keys()
    lines: set[Line] = set()
    for part in parts:
        total.usable += [key for key in part.usable if key.line not in lines]
        lines.update(key.line for key in part.usable)
        total.uncertain += part.uncertain
        total.gaps += [gap for gap in part.gaps if gap not in total.gaps]
    seen: dict[Line, tuple[Key, Gap]] = {}
    for key, gap in total.uncertain:
        if key.line not in lines:
            seen.setdefault(key.line, (key, gap))
    total.uncertain = list(seen.values())
    return total


class KeyFinder:
    """Finds keys on one host. Files are parsed once."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._files: Files = host.files
        self._parsed: dict[str, tuple[Key, ...]] = {}
        self._gids = {group.name: group.gid for group in host.accounts.groups.values()}
        self._listed: dict[int, frozenset[str]] = {}
        for group in host.accounts.groups.values():
            self._listed.setdefault(group.gid, group.members)
        self._primary: dict[int, set[int]] = {}
        self._names: dict[int, str] = {}
        for account in host.accounts:
            self._primary.setdefault(account.gid, set()).add(account.uid)
            self._names.setdefault(account.uid, account.name)

    def sources(self, account: Account, effective: Effective) -> list[str]:
        """The `from=` lists of the account's keys: addresses that make a difference for it."""
        found = []
        for path in self.paths(account, effective):
            try:
                found += [key.sources for key in self._keys(path) if key.sources]
            except Unseen:
                continue
        return found + self._principal_sources(account, effective)

    def _principal_sources(self, account: Account, effective: Effective) -> list[str]:
        principals = effective.get("authorizedprincipalsfile")
        place = expand(principals, account) if principals != "none" else None
        try:
            lines = (self._files.lines(place) or ()) if place is not None else ()
        except Unseen:
            return []
        return [text for line in lines for text in re.findall(r'(?:^|,)[ \t]*from="([^"]*)"', line.text, re.IGNORECASE)]

    def paths(self, account: Account, effective: Effective) -> tuple[str, ...]:
        """AuthorizedKeysFile of this account, tokens expanded. At a token that it does not know sshd gives up, and looks no further."""
        found: list[str] = []
        for word in effective.words("authorizedkeysfile"):
            path = expand(word, account)
            if path is None:
                break
            if word.lower() != "none":
                found.append(path)
        return tuple(found)

    def keys(self, account: Account, effective: Effective, connection: Connection) -> Keys:
        """Every key that would pass sshd's checks for this account from this connection."""
        found = Keys()
        revoked, all_revoked = self._revoked(effective, found)
        if all_revoked:
            return found
        for path in self.paths(account, effective):
            try:
                refused = self.refused(path, account, strict=effective.yes("strictmodes"))
                if refused is None:
                    self._add(self._keys(path), account, effective, connection, revoked, found)
                elif refused:
                    found.notes.append(Line(path, 0, refused))
            except Unseen as unseen:
                found.gaps.append(unseen.gap)
        self._authorities(account, effective, connection, revoked, found)
        command = effective.get("authorizedkeyscommand")
        if command != "none" and self._runs(command, effective.get("authorizedkeyscommanduser"), found):
            found.gaps.append(Gap(f"file:{program(command)}", Reason.UNSUPPORTED, "AuthorizedKeysCommand may name keys"))
        return found

    def _runs(self, command: str, user: str, found: Keys) -> bool:
        """Whether sshd would run it: the user exists, and nobody but root can change the program or a folder above it (`subprocess`).

        What prints nothing names no key.
        """
        path = program(command)
        if "%" not in user and self._host.accounts.get(user) is None and not self._host.accounts.elsewhere:
            found.notes.append(Line(path, 0, f"sshd does not run it: there is no user {user}"))
            return False
        try:
            real = self._files.resolve(path)
            here = real or "/"
            stat = None if real is None else self._files.stat(real)
            if stat is None or stat.kind != "f" or not stat.mode & 0o111 or here in _SILENT:
                found.notes.append(Line(path, 0, "sshd cannot run it" if here not in _SILENT else "names no key"))
                return False
            root = next(iter(self._host.accounts.by_uid(0)), None)
            while True:
                if stat is not None and root is not None and not self._secure(stat, root):
                    found.notes.append(Line(here, 0, "sshd does not run what others can change"))
                    return False
                if here == "/":
                    return True
                here = posixpath.dirname(here)
                stat = self._files.stat(here) if here != "/" else self._root()
        except Unseen:
            return True

    def _add(
        self,
        keys: Iterable[Key],
        account: Account,
        effective: Effective,
        connection: Connection,
        revoked: frozenset[str],
        found: Keys,
        *,
        certificates: bool = False,
    ) -> None:
        algorithms = effective.get("pubkeyacceptedalgorithms").split(",")
        smallest = int(effective.get("requiredrsasize"))
        for key in keys:
            weak = key.kind == "ssh-rsa" and key.bits < smallest
            elsewhere = key.sources is not None and not match_host_and_address(connection.host, connection.address, key.sources)
            if key.blob in revoked or weak or elsewhere or not (certificates or key.accepted(algorithms)):
                found.notes.append(key.line)
            elif key.expires and (past := key.expired(self._host.taken_at)) is not False:
                if past:
                    found.notes.append(key.line)
                else:
                    found.uncertain.append(
                        (key, Gap(f"file:{key.line.file}", Reason.AMBIGUOUS, "expiry-time depends on the host's time zone"))
                    )
            else:
                found.usable.append(key)

    def _authorities(self, account: Account, effective: Effective, connection: Connection, revoked: frozenset[str], found: Keys) -> None:
        """TrustedUserCAKeys: whoever holds such a key makes certificates for every account that the principals allow."""
        path = effective.get("trustedusercakeys")
        algorithms = effective.get("pubkeyacceptedalgorithms").split(",")
        if path == "none" or not any("-cert-v01@" in name for name in algorithms):
            return
        try:
            signs = effective.get("casignaturealgorithms").split(",")
            keys = [key for key in self._keys(path) if key.blob not in revoked and any(name in TYPES[key.kind] for name in signs)]
            principals = effective.get("authorizedprincipalsfile")
            command = effective.get("authorizedprincipalscommand")
            runs = command != "none" and self._runs(command, effective.get("authorizedprincipalscommanduser"), found)
            if keys and (principals != "none" or command != "none"):
                keys = self._named(keys, principals, account, effective, connection) if principals != "none" else []
                if not keys and not runs:
                    return
        except Unseen as unseen:
            found.gaps.append(unseen.gap)
            return
        if keys:
            found.usable += [Key(key.kind, key.blob, key.line, key.bits, authority=True, site=True) for key in keys]
        elif runs:
            found.gaps.append(Gap(f"file:{program(command)}", Reason.UNSUPPORTED, "AuthorizedPrincipalsCommand decides"))

    def _named(self, keys: list[Key], principals: str, account: Account, effective: Effective, connection: Connection) -> list[Key]:
        """The authorities whose certificates AuthorizedPrincipalsFile lets in from here: a line may begin with options, as that of a key."""
        place = expand(principals, account)
        if place is None or self.refused(place, account, strict=effective.yes("strictmodes")) is not None:
            return []
        certified: list[Key] = []
        for line in self._files.lines(place) or ():
            text = line.text.split("#")[0].strip(" \t\r")
            options, _, name = text.replace("\t", " ").rpartition(" ")
            if not name:
                continue
            written = [Line(line.file, line.number, f"{options.strip()} {key.kind} {key.blob}".strip()) for key in keys]
            found = Keys()
            self._add(parse_keys(written), account, effective, connection, frozenset(), found, certificates=True)
            if found.usable or found.uncertain:
                certified = keys
        return certified

    def _revoked(self, effective: Effective, found: Keys) -> tuple[frozenset[str], bool]:
        """RevokedKeys as base64 blobs; True: the list cannot be read, and sshd then refuses every key."""
        path = effective.get("revokedkeys")
        if path == "none":
            return frozenset(), False
        try:
            stat = self._files.follow(path)
            lines = None if stat is None or stat.kind == "d" else self._files.lines(path)
        except Unseen as unseen:
            found.gaps.append(unseen.gap)
            return frozenset(), True
        if lines is None:
            found.notes.append(Line(path, 0, "RevokedKeys is absent: sshd refuses every key"))
            return frozenset(), True
        if lines and lines[0].text.startswith("SSHKRL"):
            found.gaps.append(Gap(f"file:{path}", Reason.UNSUPPORTED, "a binary revocation list"))
            return frozenset(), True
        blobs: set[str] = set()
        for line in lines:
            text = line.text.lstrip(" \t")
            if not text or text.startswith("#"):
                continue
            key = key_of(text)
            if key is None and not text.startswith("ssh-rsa"):  # one that is too short is passed over
                found.notes.append(Line(line.file, line.number, "RevokedKeys holds what is no key: sshd refuses every key"))
                return frozenset(), True
            blobs.update([key[1]] if key is not None else [])
        return frozenset(blobs), False

    def _keys(self, path: str) -> tuple[Key, ...]:
        if path not in self._parsed:
            self._parsed[path] = tuple(parse_keys(self._files.lines(path) or ()))
        return self._parsed[path]

    def refused(self, path: str, account: Account, *, strict: bool) -> str | None:
        """Why sshd does not use this file for the account (empty: it does not exist); None if it uses it. Raises Unseen."""
        real = self._files.resolve(path)
        stat = None if real is None else self._files.stat(real)
        if real is None or stat is None:
            return ""
        if stat.kind != "f":
            return "is no regular file"
        if not self._may(account, stat, 4):
            return f"{account.name} cannot read it"
        home = self._home(account)
        here = real
        checked: Stat | None = stat
        inside = True
        while True:
            if checked is not None:
                if strict and inside and not self._secure(checked, account):
                    return f"bad ownership or modes for {here} (StrictModes)"
                if here != real and not self._may(account, checked, 1):
                    return f"{account.name} cannot enter {here}"
            inside = inside and here != home
            if here == "/":
                return None
            here = posixpath.dirname(here)
            checked = self._files.stat(here) if here != "/" else self._root()

    def _secure(self, stat: Stat, account: Account) -> bool:
        """Owned by root or the account and writable by nobody else. Debian and its children add (user-group-modes.patch): a group whose only
        member is the owner may write. Raises Unseen when the distribution would decide and was not seen.
        """
        if stat.uid not in (0, account.uid) or stat.mode & 0o002:
            return False
        if not stat.mode & 0o020:
            return True
        if not {"debian", "ubuntu"} & {*self._host.os.get("ID", "").split(), *self._host.os.get("ID_LIKE", "").split()}:
            return False
        primary = self._primary.get(stat.gid, set())
        listed = self._listed.get(stat.gid)
        if listed is None or primary - {account.uid}:
            return False
        return (bool(primary) or bool(listed)) and (not listed or listed == {self._names.get(stat.uid)})

    def _root(self) -> Stat | None:
        try:
            return self._files.stat("/")
        except Unseen:
            return None  # the root folder is not listed by every collector; on a running system it belongs to root

    def _home(self, account: Account) -> str | None:
        try:
            return self._files.resolve(account.home)
        except Unseen:
            return None

    def _may(self, account: Account, stat: Stat, bit: int) -> bool:
        if account.uid == 0:
            return True
        if stat.uid == account.uid:
            return bool(stat.mode & bit << 6)
        if stat.gid == account.gid or stat.gid in {self._gids.get(name) for name in account.groups}:
            return bool(stat.mode & bit << 3)
        return bool(stat.mode & bit)


_TOKEN = re.compile("%(.?)", re.DOTALL)


def program(command: str) -> str:
    """The program of a command line; quotes and backslashes as sshd's `argv_split` takes them."""
    words = split_arguments(command)
    return words[0] if words else command


def expand(text: str, account: Account) -> str | None:
    """%h, %u, %U and %%; a relative result is taken from the home. None: sshd gives up at a token that it does not know."""
    path = text
    if "%" in text:
        table = {"h": account.home, "u": account.name, "U": str(account.uid), "%": "%"}
        if any(token not in table for token in _TOKEN.findall(text)):
            return None
        path = _TOKEN.sub(lambda match: table[match[1]], text)
    return path if path.startswith("/") else f"{account.home}/{path}"
