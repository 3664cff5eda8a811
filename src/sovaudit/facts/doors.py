"""The doors of an account: ssh, the console, su; which of them ask for nothing, and which give a session at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sovaudit.facts.accounts import Account
from sovaudit.facts.factors import NOTHING, FactorSet, Ways
from sovaudit.facts.files import Unseen
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host


@dataclass(frozen=True, slots=True)
class EmptyDoors:
    """open: doors that certainly open with nothing; unseen: those that may, with their gaps. because: the lines that open, or else close."""

    open: tuple[str, ...]
    unseen: tuple[str, ...]
    because: tuple[Line, ...]
    gaps: tuple[Gap, ...]


def empty_doors(host: Host, account: Account) -> EmptyDoors:
    """Which of ssh, login and su let this account in with nothing."""
    opened: list[str] = []
    unseen: list[str] = []
    opening: list[Line] = []
    closing: list[Line] = []
    gaps: list[Gap] = []
    for name, ask in _doors(host, account):
        try:
            ways = ask()
        except Unseen as error:
            unseen.append(name)
            gaps.append(error.gap)
            continue
        if NOTHING in ways.certain:
            opened.append(name)
            opening += [*account.because, *ways.certain[NOTHING].because]
        elif NOTHING in ways.possible:
            unseen.append(name)
            gaps += ways.possible[NOTHING].gaps
        else:
            closing += ways.closed.because
    lines = opening or closing
    return EmptyDoors(tuple(opened), tuple(unseen), tuple(dict.fromkeys(lines)), tuple(dict.fromkeys(gaps)))


def _doors(host: Host, account: Account) -> list[tuple[str, Callable[[], Ways]]]:
    def through(service: str) -> Callable[[], Ways]:
        return lambda: (
            host.pam.authenticate(service, account) & host.pam.account_phase(service, account) & host.pam.session_phase(service, account)
        )

    return [("ssh", lambda: host.ssh.ways(account) if host.ssh.serves else Ways()), ("login", through("login")), ("su", through("su"))]


@dataclass(frozen=True, slots=True)
class Session:
    """One way to a session: the door (`ssh`, `login`, a display manager …), what is presented there, the lines and what was not seen."""

    door: str
    factors: FactorSet
    because: tuple[Line, ...]
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class Entries:
    """certain: sessions that these factors open. possible: those that may open. closed: the lines that keep the account out elsewhere."""

    certain: tuple[Session, ...]
    possible: tuple[Session, ...]
    closed: tuple[Line, ...]

    def __bool__(self) -> bool:
        return bool(self.certain or self.possible)


def sessions(host: Host, account: Account) -> Entries:
    """Every way to a session of the account's own, by SSH or at the console, with whatever opens it."""
    if account.name not in host.entries:
        host.entries[account.name] = _sessions(host, account)
    return host.entries[account.name]


def _sessions(host: Host, account: Account) -> Entries:
    certain: list[Session] = []
    possible: list[Session] = []
    closed: list[Line] = []
    try:
        doors = [("ssh", host.ssh.ways(account) if host.ssh.serves else Ways())]
    except Unseen as error:
        doors = []
        possible.append(Session("ssh", NOTHING, (), (error.gap,)))
    doors += [(door.name, door.ways) for door in host.console.doors(account)]
    for name, ways in doors:
        certain += [Session(name, factors, ways.certain[factors].because) for factors in ways.sets if factors in ways.certain]
        unsure = [(factors, ways.possible[factors]) for factors in ways.sets if factors in ways.possible]
        possible += [Session(name, factors, why.because, why.gaps) for factors, why in unsure]
        closed += ways.closed.because
    if not certain and not possible:
        closed += host.console.closed(account)
    return Entries(tuple(certain), tuple(possible), tuple(dict.fromkeys(closed)))


def unrecorded_doors(host: Host, entries: Entries) -> tuple[Gap, ...]:
    """Why lastlog(8) may miss logins of an account with these ways in: `login` writes it through pam_lastlog(8) alone."""
    if not any(way.door == "login" for way in (*entries.certain, *entries.possible)):
        return ()
    try:
        loaded = host.pam.service("login")
    except Unseen:
        return ()
    steps = loaded.stack("session") if loaded.broken is None else ()
    if any(step.module == "pam_lastlog.so" and step.known is not False and "noupdate" not in step.args for step in steps):
        return ()
    return (Gap("file:/etc/pam.d/login", Reason.UNSUPPORTED, "its session has no pam_lastlog"),)
