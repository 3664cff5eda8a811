"""Ids over many places, and whose they are: numbers, SIDs and logins that stand for more than one person.

Whose an account is: the one person of the roster who owns it, else the mark that a directory's account bears (employeeNumber, employeeID, mail), else
nobody knows. Two accounts are one person's if that says so; where it says nothing, if they have one login.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sovaudit.facts.directories.model import Kind
from sovaudit.facts.directory import Directory
from sovaudit.facts.host import Host
from sovaudit.facts.ownership import Owners
from sovaudit.facts.parse.login_defs import uid_min
from sovaudit.facts.roster import Person, Roster, Standing
from sovaudit.model.finding import Line

NOBODY = (65534, 65535)
KEPT = 20  # holders of one id that are remembered


@dataclass(slots=True)
class Holder:
    """An account that bears an id. owner: a person's id or mark, in lower case; empty where nothing tells. seen: a line of a host, or a DN."""

    login: str
    place: str
    owner: str
    seen: Line | str

    def because(self, what: str) -> Line:
        return self.seen if isinstance(self.seen, Line) else Line(self.seen, 0, what)

    @property
    def words(self) -> str:
        return f"{self.login}@{self.place}"


@dataclass(frozen=True, slots=True)
class Shared:
    """An id that several persons hold. what: `uid 1001`, `login bob`, `id S-1-5-…`. persons: whom the roster gives this login. gone: who has left."""

    what: str
    holders: tuple[Holder, ...]
    persons: tuple[Person, ...] = ()
    gone: tuple[str, ...] = ()


class Identities:
    """Every id that was seen, with those who hold it. across: whether numbers of different places are compared."""

    def __init__(self, roster: Roster | None, *, across: bool = True) -> None:
        self._roster = roster
        self._across = across
        self._owners: dict[bool, Owners] = {}
        self._holders: dict[str, dict[str | int, Holder | list[Holder]]] = {}  # kind → id → its holder, or its different holders
        self._several: dict[str, Shared] = {}
        self.count = 0

    def add(self, place: Host | Directory) -> None:
        """Raises Unseen where its accounts were not seen."""
        if isinstance(place, Host):
            self._add_host(place)
        else:
            self._add_directory(place)

    def _add_host(self, host: Host) -> None:
        least = uid_min(host.files)
        for account in host.accounts:
            if account.uid >= least and account.uid not in NOBODY:
                owner = self._owner(host, account.name, account.because[0])
                self._hold("uid", account.uid, host, Holder(account.name, host.name, owner, account.because[0]))

    def _add_directory(self, directory: Directory) -> None:
        for account in directory.accounts:
            if account.kind not in (Kind.PERSON, Kind.SERVICE):
                continue
            owner = self._owner(directory, account.name, account.dn, account.person)
            holder = Holder(account.name, directory.name, owner, account.dn)
            if account.uid_number is not None:
                self._hold("uid", account.uid_number, directory, holder)
            if account.key != account.dn:
                self._hold("id", account.key, directory, holder)
            self._hold("login", _folded(account.name), directory, holder)

    def _owner(self, place: Host | Directory, name: str, seen: Line | str, mark: str = "") -> str:
        found: tuple[Person, ...] = ()
        if self._roster is not None:
            folded = isinstance(place, Directory)
            if folded not in self._owners:
                self._owners[folded] = Owners(self._roster, folded=folded)
            found = self._owners[folded].of(name, seen if isinstance(seen, str) else "", mark)
        if len(found) > 1:
            today = place.taken_at.date()
            gone = tuple(person.id for person in found if person.standing(today)[0] is Standing.LEFT)
            self._several.setdefault(name.casefold(), Shared(f"login {name}", (Holder(name, place.name, "", seen),), found, gone))
        if len(found) == 1 and found[0].id:
            return found[0].id.casefold()
        return _folded(mark)

    def _hold(self, kind: str, name: str | int, place: Host | Directory, holder: Holder) -> None:
        held = self._holders.setdefault(kind if self._across else f"{kind} {place.evidence.target.id}", {})
        known = held.get(name)
        if known is None:
            held[name] = holder
            self.count += 1
            return
        several = known if isinstance(known, list) else [known]
        if len(several) < KEPT and not any(_same(holder, other) for other in several):
            held[name] = [*several, holder]

    def shared(self) -> Iterator[Shared]:
        """Ids of several persons, in the order in which they were met."""
        for kind, held in self._holders.items():
            for name, holders in held.items():
                if isinstance(holders, list) and len(holders) > 1:
                    yield Shared(f"{kind.partition(' ')[0]} {name}", tuple(holders))
        yield from self._several.values()


def _folded(text: str) -> str:
    """Its casefold; the very string where that is equal: a directory has many."""
    folded = text.casefold()
    return text if folded == text else folded


def _same(one: Holder, other: Holder) -> bool:
    """Whether two accounts may well be one person's. A mark of one kind says nothing beside one of another kind."""
    if one.owner and other.owner and ("@" in one.owner) == ("@" in other.owner):
        return one.owner == other.owner
    return one.login.casefold() == other.login.casefold()
