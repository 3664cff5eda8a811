"""Whose account is it? Persons of the roster and accounts of one place, joined by what somebody declared, never by likeness of names.

An account belongs to a person who declares it (`account` column: its login, in a directory also its DN or the address of mail), or whose id the
account itself bears (employeeNumber, employeeID, the address of mail). A person who declares no account owns the one whose login is the id.
Logins are compared exactly on hosts; in directories, whose servers ignore it, without case.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sovaudit.facts.accounts import Account
from sovaudit.facts.directories.model import Account as DirectoryAccount
from sovaudit.facts.directories.model import Kind
from sovaudit.facts.directory import Directory
from sovaudit.facts.doors import sessions
from sovaudit.facts.host import Host
from sovaudit.facts.parse.dn import normal
from sovaudit.facts.roster import Person, Roster, Standing
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line

AnyAccount = Account | DirectoryAccount


@dataclass(frozen=True, slots=True)
class Whose:
    """Where the owners of one account stand. why: what makes that unclear."""

    standing: Standing
    owners: tuple[Person, ...]
    why: str = ""

    @property
    def because(self) -> tuple[Line, ...]:
        return tuple(line for owner in self.owners[:3] for line in owner.because)

    @property
    def ids(self) -> str:
        """Ids of the owners, for a reader."""
        found = [owner.id or "without an id" for owner in self.owners]
        return ", ".join(found[:3]) + (" …" if len(found) > 3 else "")


class Owners:
    """Owners of the accounts of one kind of place. folded: whether the case of a login matters not."""

    def __init__(self, roster: Roster, *, folded: bool) -> None:
        self._folded = folded
        self._logins: dict[str, list[Person]] = {}
        self._dns: dict[str, list[Person]] = {}
        self._ids: dict[str, list[Person]] = {}
        for person in roster.people:
            for account in person.accounts:
                if "=" in account:
                    self._dns.setdefault(normal(account), []).append(person)
                elif "@" in account:
                    self._ids.setdefault(account.casefold(), []).append(person)
                    self._logins.setdefault(self._key(account), []).append(person)
                else:
                    self._logins.setdefault(self._key(account), []).append(person)
            if person.id:
                self._ids.setdefault(person.id.casefold(), []).append(person)
                if not person.accounts:
                    self._logins.setdefault(self._key(person.id), []).append(person)

    def _key(self, login: str) -> str:
        return login.casefold() if self._folded else login

    def of(self, login: str, dn: str = "", mark: str = "") -> tuple[Person, ...]:
        """Owners of an account by its login, its normal DN, and the mark of a person that it bears."""
        found = self._logins.get(self._key(login), [])
        if dn and self._dns:
            found = found + self._dns.get(dn, [])
        if mark:
            found = found + self._ids.get(mark.casefold(), [])
        return tuple(found) if len(found) < 2 else tuple({id(owner): owner for owner in found}.values())


def judged(owners: tuple[Person, ...], on: date) -> Whose | None:
    """Where an account's owners stand on a day; None for an account that nobody owns. Owners of whom only some have left are unclear."""
    if not owners:
        return None
    stands = [owner.standing(on) for owner in owners]
    words = {standing for standing, _ in stands}
    if len(words) == 1:
        return Whose(stands[0][0], owners, stands[0][1])
    if Standing.UNCLEAR in words:
        return Whose(Standing.UNCLEAR, owners, next(why for standing, why in stands if standing is Standing.UNCLEAR))
    if Standing.LEFT in words:
        gone = ", ".join(owner.id for owner, (standing, _) in zip(owners, stands, strict=True) if standing is Standing.LEFT)
        return Whose(Standing.UNCLEAR, owners, f"it belongs to several persons, of whom {gone} has left")
    return Whose(Standing.SUSPENDED, owners)


class Ownership:
    """The accounts of a place and their owners on the day of its evidence. Raises Unseen.

    owned: accounts of somebody in the roster, machines' apart. strangers: the others. ids: of everybody who owns an account here.
    """

    def __init__(self, place: Host | Directory, roster: Roster) -> None:
        self._roster = roster
        self.on = place.taken_at.date()
        self.owned: list[tuple[AnyAccount, Whose]] = []
        self.strangers: list[AnyAccount] = []
        self.ids: set[str] = set()
        owners = Owners(roster, folded=isinstance(place, Directory))
        for account in place.accounts:
            if isinstance(account, Account):
                found = owners.of(account.name)
            elif account.kind is Kind.MACHINE:
                continue
            else:
                found = owners.of(account.name, account.dn, account.person)
            whose = judged(found, self.on)
            if whose is None:
                self.strangers.append(account)
            else:
                self.owned.append((account, whose))
                self.ids.update(owner.id for owner in found)

    def untied(self, standings: Collection[str]) -> list[Person]:
        """Persons of these standings who declare no login, and whose id no account here bears. (`-` declares that there is none.)

        An address or `DOMAIN\\login` that fits no account here may mean one of them: it is no login as hosts and directories write it.
        """
        return [
            person
            for person in self._roster.people
            if person.id and not _logins(person) and person.id not in self.ids and person.standing(self.on)[0] in standings
        ]


def _logins(person: Person) -> list[str]:
    return [account for account in person.accounts if "@" not in account and "\\" not in account]


def use(place: Host | Directory, account: AnyAccount) -> tuple[bool | tuple[Gap, ...], tuple[Line, ...]]:
    """Whether an account can be used at all (True, False, or what was not seen), and the lines that say so.

    On a host: SSH or the console gives it a session, with anything. In a directory: it is enabled.
    """
    if isinstance(place, Host) and isinstance(account, Account):
        found = sessions(place, account)
        if found.certain:
            return True, (*account.because, *found.certain[0].because)
        if found.possible:
            return tuple(gap for way in found.possible for gap in way.gaps), account.because
        return False, (*account.because, *found.closed)
    assert isinstance(account, DirectoryAccount)
    return (account.enabled if isinstance(account.enabled, bool) else (account.enabled,)), account.because
