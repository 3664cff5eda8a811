"""The doors of an account that ask for nothing: ssh, login, su."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sovaudit.facts.accounts import Account
from sovaudit.facts.factors import NOTHING, Ways
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
