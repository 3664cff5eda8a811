"""The doors of an account: ssh, the console, su; which of them ask for nothing, and which give a session at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sovaudit.facts.accounts import Account
from sovaudit.facts.factors import NOTHING, FactorSet, Ways, never
from sovaudit.facts.files import Unseen
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line

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
        return lambda: host.pam.authenticate(service, account) & host.pam.account_phase(service, account)

    return [("ssh", lambda: host.ssh.ways(account) if host.ssh.installed else Ways()), ("login", through("login")), ("su", through("su"))]


@dataclass(frozen=True, slots=True)
class Session:
    """One way to a session: the door (`ssh` or `login`, the console), what is presented there, the lines and what was not seen."""

    door: str
    factors: FactorSet
    because: tuple[Line, ...]
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class Sessions:
    """certain: sessions that these factors open. possible: those that may open. closed: the lines that keep the account out elsewhere."""

    certain: tuple[Session, ...]
    possible: tuple[Session, ...]
    closed: tuple[Line, ...]

    def __bool__(self) -> bool:
        return bool(self.certain or self.possible)


def sessions(host: Host, account: Account) -> Sessions:
    """Every way to a session of the account's own, by SSH or at the console, with whatever opens it."""
    certain: list[Session] = []
    possible: list[Session] = []
    closed: list[Line] = []
    doors: list[tuple[str, Callable[[Host, Account], Ways]]] = [("ssh", ssh_ways), ("login", console_ways)]
    for door, ask in doors:
        try:
            ways = ask(host, account)
        except Unseen as error:
            possible.append(Session(door, NOTHING, (), (error.gap,)))
            continue
        certain += [Session(door, factors, ways.certain[factors].because) for factors in ways.sets if factors in ways.certain]
        unsure = [(factors, ways.possible[factors]) for factors in ways.sets if factors in ways.possible]
        possible += [Session(door, factors, why.because, why.gaps) for factors, why in unsure]
        closed += ways.closed.because
    return Sessions(tuple(certain), tuple(possible), tuple(dict.fromkeys(closed)))


def ssh_ways(host: Host, account: Account) -> Ways:
    """Sessions by sshd; none where there is none. Raises Unseen."""
    return host.ssh.ways(account) if host.ssh.installed else Ways()


def console_ways(host: Host, account: Account) -> Ways:
    """Sessions by login(1): what its PAM stacks ask, and a shell that exists and gives a session. Raises Unseen."""
    if not account.has_shell:
        return never(account.because[:1])
    if not any(host.files.exists(path) for path in ("/bin/login", "/usr/bin/login")):
        return never([Line("/bin/login", 0, "is absent")])
    shell = host.files.follow(account.shell or "/bin/sh")
    if shell is None or shell.kind != "f" or not shell.mode & 0o111:
        return never([*account.because[:1], Line(account.shell, 0, "the shell does not exist or is not executable")])
    return host.pam.authenticate("login", account) & host.pam.account_phase("login", account)
