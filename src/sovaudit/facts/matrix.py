"""The declared matrix of rights beside the rights that a host or a directory shows, both ways round.

A right that is held and not declared, and one that is declared and not held. The words are those of docs/rights.md: `ssh`, `root`, `group:NAME` on
a host; `admin`, `group:NAME` in a directory. Groups of a directory are compared as sets: 5,000 groups of 100,000 accounts take a second.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum, unique
from urllib.parse import urlsplit

from sovaudit.facts.accounts import Account
from sovaudit.facts.directories.model import Account as DirectoryAccount
from sovaudit.facts.directories.model import Group, Kind
from sovaudit.facts.directories.privilege import administrators, chain
from sovaudit.facts.directory import Directory
from sovaudit.facts.factors import Factor
from sovaudit.facts.files import Unseen
from sovaudit.facts.host import Host
from sovaudit.facts.parse.dn import normal
from sovaudit.facts.rights import GROUP, Right, Rights
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

HOST_KINDS = ("ssh", "root", "group")
DIRECTORY_KINDS = ("admin", "group")
SHOWN = 5  # names of a group's differences that a finding gives


@unique
class State(StrEnum):
    """How what is declared and what was seen agree on one right of one account, or on one group."""

    EQUAL = "equal"
    UNDECLARED = "undeclared"
    PERHAPS = "perhaps"  # may be held, undeclared
    UNHELD = "unheld"
    ABSENT = "absent"  # declared for an account that is not there
    UNSURE = "unsure"  # declared, and whether it is held was not seen
    GROUP = "group"  # a group's members differ from the declared ones
    FOREIGN = "foreign"  # a word that is none of this place


@dataclass(frozen=True, slots=True)
class Row:
    """subject: an account; empty for a right of all accounts together. count: accounts that hold a group undeclared; missing: those
    declared that do not; names, others: some of them."""

    state: State
    subject: str
    right: str
    because: tuple[Line, ...] = ()
    gaps: tuple[Gap, ...] = ()
    count: int = 0
    missing: int = 0
    names: str = ""
    others: str = ""


def names_of(place: Host | Directory) -> tuple[str, ...]:
    """By which the matrix may name a place: its host name or base, its target as it is written, the machine that the target names."""
    uri = place.evidence.target.uri
    try:
        machine = urlsplit(uri).hostname or ""
    except ValueError:
        machine = ""
    return (place.name, place.evidence.target.id, uri, machine)


def compare(place: Host | Directory, rights: Rights, kinds: Collection[str], ordinary: Collection[str]) -> Iterator[Row]:
    """Every answer, in the order of accounts and rows. kinds: of rights to compare. ordinary: groups that give no right. Raises Unseen."""
    known = HOST_KINDS if isinstance(place, Host) else DIRECTORY_KINDS
    declared: list[Right] = []
    for right in rights.at(*names_of(place)):
        if right.doubt:
            continue
        if right.kind in known:
            if right.kind in kinds:
                declared.append(right)
        elif right.place or not right.kind:
            gap = Gap("rights", Reason.UNSUPPORTED, f"{right.right} is no right that is seen here")
            yield Row(State.FOREIGN, right.account, right.right, (right.because,), (gap,))
    plain = frozenset(name.casefold() for name in ordinary)
    if isinstance(place, Host):
        yield from _Host(place, declared, plain).rows(kinds)
    else:
        yield from _Directory(place, declared, plain).rows(kinds)


@dataclass(frozen=True, slots=True)
class _Held:
    because: tuple[Line, ...]
    gaps: tuple[Gap, ...] = ()  # why it is not certain


class _Host:
    def __init__(self, host: Host, declared: list[Right], ordinary: frozenset[str]) -> None:
        self._host = host
        self._ordinary = ordinary
        self._declared = declared

    def rows(self, kinds: Collection[str]) -> Iterator[Row]:
        host = self._host
        wanted = {(right.account, right.right): right for right in self._declared}
        blind: dict[str, Gap] = {}
        met: set[tuple[str, str]] = set()
        for account in host.accounts:
            for right, held in self._held(account, kinds, blind):
                key = (account.name, right)
                met.add(key)
                row = wanted.get(key)
                if row is not None:
                    state = State.UNSURE if held.gaps else State.EQUAL
                    yield Row(state, account.name, right, (*held.because, row.because), held.gaps)
                else:
                    state = State.PERHAPS if held.gaps else State.UNDECLARED
                    yield Row(state, account.name, right, held.because, held.gaps)
        for key, row in wanted.items():
            if key not in met:
                yield from self._unmet(row, blind)
        for kind, gap in blind.items():
            yield Row(State.UNSURE, "", kind, (), (gap,))

    def _held(self, account: Account, kinds: Collection[str], blind: dict[str, Gap]) -> Iterator[tuple[str, _Held]]:
        ask: dict[str, Callable[[Account], Iterator[tuple[str, _Held]]]] = {"ssh": self._ssh, "root": self._root, "group": self._groups}
        for kind in HOST_KINDS:
            if kind in kinds and kind not in blind:
                try:
                    yield from ask[kind](account)
                except Unseen as unseen:
                    blind[kind] = unseen.gap

    def _ssh(self, account: Account) -> Iterator[tuple[str, _Held]]:
        ways = self._host.ssh.ways(account) if self._host.ssh.serves else None
        if not ways:
            return
        certain = next((factors for factors in ways.sets if factors in ways.certain), None)
        if certain is not None:
            yield "ssh", _Held(ways.certain[certain].because)
        else:
            why = ways.possible[ways.sets[0]]
            yield "ssh", _Held(why.because, why.gaps or (_may("ssh"),))

    def _root(self, account: Account) -> Iterator[tuple[str, _Held]]:
        if account.name == "root" and account.uid == 0:
            return
        # su with root's own password is a right of whoever knows that, not of this account
        paths = [path for path in self._host.privilege.paths_to_root(account) if Factor.ROOT_PASSWORD not in path.needs]
        certain = next((path for path in paths if path.certain), None)
        if certain is not None:
            yield "root", _Held(certain.because)
        elif paths:
            yield "root", _Held(paths[0].because, paths[0].gaps or (_may("root"),))

    def _groups(self, account: Account) -> Iterator[tuple[str, _Held]]:
        """Of an account that can log in. Its own private group, which has its name, gives nothing; nor do those named ordinary. Root needs none."""
        if account.uid == 0 or not account.has_shell:
            return
        for name in sorted(account.groups):
            if name.casefold() not in self._ordinary and not (name == account.name and self._host.accounts.groups[name].gid == account.gid):
                yield f"{GROUP}{name}", _Held((*self._host.accounts.groups[name].because, *account.because[:1]))

    def _unmet(self, row: Right, blind: dict[str, Gap]) -> Iterator[Row]:
        host, account = self._host, self._host.accounts.get(row.account)
        if row.kind in blind:
            return
        if row.kind == "group" and row.group not in host.accounts.groups and not row.place:
            return  # a group of some other place
        if account is None:
            gaps = tuple(
                Gap(f"nss:{source}", Reason.UNSUPPORTED, "its accounts are not on this host") for source in host.accounts.elsewhere
            )
            yield Row(State.UNSURE if gaps else State.ABSENT, row.account, row.right, (row.because,), gaps)
        elif (row.kind == "root" and account.uid == 0) or (row.kind == "group" and row.group in account.groups):
            yield Row(State.EQUAL, row.account, row.right, (row.because,))
        else:
            yield Row(State.UNHELD, row.account, row.right, (row.because, *account.because[:1]))


def _may(what: str) -> Gap:
    return Gap(what, Reason.AMBIGUOUS, "what was seen allows both answers")


class _Directory:
    def __init__(self, directory: Directory, declared: list[Right], ordinary: frozenset[str]) -> None:
        self._directory = directory
        self._declared = declared
        self._ordinary = ordinary
        self._doubtful: Gap | None = None  # why it was not seen of some account whether it is enabled
        self._logins: dict[str, list[DirectoryAccount]] = {}
        for account in directory.accounts:
            self._logins.setdefault(account.name.casefold(), []).append(account)

    def rows(self, kinds: Collection[str]) -> Iterator[Row]:
        if "admin" in kinds:
            yield from self._admins([right for right in self._declared if right.kind == "admin"])
        if "group" in kinds:
            yield from self._groups([right for right in self._declared if right.kind == "group"])

    def _find(self, row: Right) -> tuple[list[DirectoryAccount], Row | None]:
        """The account of a row: none, or the one, or why it cannot be told."""
        if "=" in row.account:
            account = self._directory.by_dn.get(normal(row.account))
            found = [account] if account is not None else []
        else:
            found = self._logins.get(row.account.casefold(), [])
        if len(found) > 1:
            gap = Gap(f"account:{row.account}", Reason.AMBIGUOUS, "several accounts have this login: write its DN")
            return [], Row(State.UNSURE, row.account, row.right, (row.because,), (gap,))
        if not found:
            lost = self._directory.gap("accounts")
            return [], Row(State.UNSURE if lost else State.ABSENT, row.account, row.right, (row.because,), (lost,) if lost else ())
        return found, None

    def _admins(self, declared: list[Right]) -> Iterator[Row]:
        try:
            admins = administrators(self._directory)
        except Unseen as unseen:
            yield Row(State.UNSURE, "", "admin", (), (unseen.gap,))
            return
        wanted: dict[str, Right] = {}
        for row in declared:
            found, trouble = self._find(row)
            if trouble is not None:
                yield trouble
            wanted.update({account.dn: row for account in found})
        met = set()
        for admin in admins.members:
            account = admin.account
            met.add(account.dn)
            if account.dn in wanted:
                yield Row(State.EQUAL, account.name, "admin", (*admin.because, wanted[account.dn].because))
            elif account.enabled is not False:
                gaps = () if account.enabled is True else (account.enabled,)
                yield Row(State.PERHAPS if gaps else State.UNDECLARED, account.name, "admin", admin.because, gaps)
        for dn, row in wanted.items():
            if dn not in met:
                yield Row(State.UNSURE if admins.gaps else State.UNHELD, row.account, "admin", (row.because,), admins.gaps)
        if admins.gaps:
            yield Row(State.UNSURE, "", "admin", (), admins.gaps)

    def _groups(self, declared: list[Right]) -> Iterator[Row]:
        groups = self._directory.groups
        by_name: dict[str, list[Group]] = {}
        for group in groups:
            by_name.setdefault(group.name.casefold(), []).append(group)
        rows: dict[str, dict[str, Right]] = {}  # DN of a group → DN of an account → row
        for row in declared:
            if "=" in row.group:
                one = groups.get(normal(row.group))
                meant = [one] if one is not None else []
            else:
                meant = by_name.get(row.group.casefold(), [])
            if len(meant) > 1:
                gap = Gap(f"group:{row.group}", Reason.AMBIGUOUS, "several groups have this name: write its DN")
                yield Row(State.UNSURE, row.account, row.right, (row.because,), (gap,))
            elif not meant:
                if row.place:
                    state = State.UNSURE if groups.gap else State.UNHELD
                    yield Row(state, row.account, row.right, (row.because,), (groups.gap,) if groups.gap else ())
                continue
            found, trouble = self._find(row)
            if trouble is not None:
                yield trouble
            for group in meant if len(meant) == 1 else ():
                rows.setdefault(group.dn, {}).update({account.dn: row for account in found})
        people = [account for account in self._directory.accounts if account.kind is not Kind.MACHINE]
        usable = groups.mask(account.dn for account in people if account.enabled is True)
        perhaps = groups.mask(account.dn for account in people if not isinstance(account.enabled, bool))
        self._doubtful = next((account.enabled for account in people if not isinstance(account.enabled, bool)), None)
        partial = any(not group.complete for group in groups)
        for group in groups:
            yield from self._group(group, rows.get(group.dn, {}), usable, perhaps, partial)

    def _group(self, group: Group, wanted: dict[str, Right], usable: int, perhaps: int, partial: bool) -> Iterator[Row]:
        groups = self._directory.groups
        if group.name.casefold() in self._ordinary and not wanted:
            return
        held, asked = groups.closed(group.dn), groups.mask(wanted)
        extra = held & usable & ~asked
        missing = [dn for dn in wanted if not groups.contains(group.dn, dn)]
        if group.name.casefold() in self._ordinary:
            extra = 0
        doubt = groups.doubt(group.dn) if partial else groups.gap
        gaps = (doubt,) if doubt is not None else ()
        if not gaps and held & perhaps & ~asked and self._doubtful is not None:
            gaps = (self._doubtful,)
        if extra:
            first = groups.named(extra, SHOWN)
            because = chain(self._directory, group.dn, first[0])
            yield self._differs(group, because, extra.bit_count(), first, [] if gaps else missing, wanted)
        elif missing and not gaps:
            yield self._differs(group, (), 0, [], missing, wanted)
        elif gaps:
            yield Row(State.UNSURE, "", f"{GROUP}{group.name}", (), gaps)
        elif held & usable or wanted:
            yield Row(State.EQUAL, "", f"{GROUP}{group.name}", count=(held & usable).bit_count())

    def _differs(
        self, group: Group, because: tuple[Line, ...], count: int, extra: list[str], missing: list[str], wanted: dict[str, Right]
    ) -> Row:
        lines = (*because, *(wanted[dn].because for dn in missing[:SHOWN]))
        return Row(
            State.GROUP, "", f"{GROUP}{group.name}", lines, (), count, len(missing), self._shown(extra, count),
            self._shown(missing[:SHOWN], len(missing)),
        )  # fmt: skip

    def _shown(self, dns: Iterable[str], count: int) -> str:
        known = self._directory.by_dn
        found = [known[dn].name if dn in known else dn for dn in dns]
        return ", ".join(found) + (" …" if count > len(found) else "")
