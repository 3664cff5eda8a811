"""How long sudo remembers that an account has answered: `timestamp_timeout` of sudoers(5), for whatever the account may run.

The option is taken from the Defaults for everybody, host, user and target in file order, then from those of the command; a value that sudo
cannot read is passed over with a warning (defaults.c, timestamp.c).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from sovaudit.facts.accounts import Account
from sovaudit.facts.files import Unseen
from sovaudit.facts.host import Host
from sovaudit.facts.sudo import Sudo
from sovaudit.facts.sudo_match import ALLOW, YES, Request, Target
from sovaudit.facts.sudo_unasked import singled_out
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

NAME = "timestamp_timeout"
DEBIAN, UPSTREAM = Fraction(15), Fraction(5)  # minutes that are compiled in: Debian's build sets 15, sudo's own default is 5
_LARGEST = 2**63 // 60


@dataclass(frozen=True, slots=True)
class Ticket:
    """minutes: the longest time for which sudo may ask no more; None for ever. because: the Defaults that decides; empty for the built-in value.

    floor: the time that is certain. gaps: what was not seen; blind: that it could bring any value.
    """

    minutes: Fraction | None
    floor: Fraction | None
    because: tuple[Line, ...]
    gaps: tuple[Gap, ...] = ()
    blind: bool = False

    def longer_than(self, minutes: int) -> bool | None:
        """Whether sudo remembers for longer; None where the evidence allows both."""
        if self.blind:
            return None
        if self.floor is None or self.floor > minutes:
            return True
        return None if self.minutes is None or self.minutes > minutes else False


def minutes_of(op: str, value: str) -> Fraction | None:
    """The number as store_timespec() takes it, sign and fraction included; None where sudo rejects it.

    >>> minutes_of("=", "-0.5"), minutes_of("!", ""), minutes_of("=", "5m")
    (Fraction(-1, 2), Fraction(0, 1), None)
    """
    if op == "!":
        return Fraction(0)
    if op != "=":
        return None  # no list: `+=` and a bare word are refused
    sign = -1 if value[:1] == "-" else 1
    whole, _, part = value.removeprefix("-" if sign < 0 else "+").partition(".")
    part = part[:9]  # what follows the ninth digit is not even looked at
    if not _digits(whole) or not _digits(part) or int(whole or 0) > _LARGEST:
        return None
    return sign * (Fraction(int(whole or 0)) + Fraction(int(part or 0), 10 ** len(part)))


def _digits(text: str) -> bool:
    return text == "" or (text.isascii() and text.isdigit())


def ticket(host: Host, account: Account) -> Ticket | None:
    """The longest ticket among all that this account may run and that asks for a password; None if there is nothing of the kind."""
    found: list[tuple[set[Fraction | None], Line | None, bool]] = []
    gaps: dict[Gap, None] = {}
    for target, request, sure in _questions(host.sudo, account):
        values, line, gap = _lifetimes(host, account, target, request)
        found.append((values, line, sure))
        if gap is not None:
            gaps.setdefault(gap)
    if not found:
        return None
    longest = max((value for values, _, _ in found for value in values), key=_rank)
    line = next(line for values, line, _ in found if longest in values)
    floor = max((min(values, key=_rank) for values, _, sure in found if sure), key=_rank, default=Fraction(0))
    return Ticket(longest, floor, (line,) if line else (), (*gaps, *host.sudo.gaps), bool(host.sudo.gaps))


def _rank(value: Fraction | None) -> tuple[bool, Fraction]:
    return value is None, value or Fraction(0)


def _lifetimes(host: Host, account: Account, target: Target, request: Request) -> tuple[set[Fraction | None], Line | None, Gap | None]:
    values, gap = _built_in(host)
    line: Line | None = None
    for default, applies in host.sudo.defaults(NAME, account, target, request):
        minutes = minutes_of(default.op, default.value)
        if minutes is None or ALLOW not in applies:
            continue
        value = {None if minutes < 0 else minutes}
        if applies == YES:
            values, gap = value, None
        else:
            values, gap = values | value, Gap(f"file:{default.line.file}", Reason.AMBIGUOUS, "whether a Defaults applies was not seen")
        line = default.line
    return values, line, gap


def _built_in(host: Host) -> tuple[set[Fraction | None], Gap | None]:
    try:
        system = f"{host.os.get('ID', '')} {host.os.get('ID_LIKE', '')}".lower().split()
    except Unseen as unseen:
        return {DEBIAN, UPSTREAM}, unseen.gap
    if not system:
        return {DEBIAN, UPSTREAM}, Gap("file:/etc/os-release", Reason.ABSENT, "which build of sudo this is was not seen")
    return {DEBIAN if {"debian", "ubuntu"} & set(system) else UPSTREAM}, None


def _questions(sudo: Sudo, account: Account) -> Iterator[tuple[Target, Request, bool]]:
    """Samples of what the account may run with a password: of each right, and of each target and command that a Defaults singles out."""
    samples: list[tuple[Target, Request]] = []
    for grant in sudo.grants(account):
        if grant.nopasswd is not True and grant.sample is not None and grant.target != account.name:
            samples.append(grant.sample)
            yield *grant.sample, grant.certain and grant.nopasswd is False
    for target, request, decision in singled_out(sudo, account, frozenset({NAME}), samples):
        if decision.password is not False:
            yield target, request, decision.allowed is True and decision.password is True


def spell(found: Ticket) -> str:
    """`15 minutes`, `0.5 minutes`, `for ever`."""
    if found.minutes is None:
        return "for ever"
    whole = found.minutes.denominator == 1
    return f"{found.minutes.numerator if whole else format(float(found.minutes), '.4g')} minutes"
