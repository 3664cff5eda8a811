"""With which sets of factors can somebody get in?

A `Ways` is the answer of sshd, of a PAM stack or of sudo to that question, three-valued: `certain` holds the factor sets that are known to open,
`possible` those that might (each certain way is possible too). Sets are kept minimal: if a key alone opens, key + code is not worth saying.
The empty set opens without anything at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import TypeVar

from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line


@unique
class Factor(StrEnum):
    """Something an account holder presents. `kind` groups those that are one factor only: two keys are one factor."""

    PASSWORD = "password"  # the account's own password
    ROOT_PASSWORD = "root password"  # another account's password (su)
    KEY = "key"  # an SSH key pair, or a certificate for one
    VERIFIED_KEY = "verified security key"  # sk- key with verify-required: possession and PIN or fingerprint
    OTP = "one-time code"
    TOKEN = "token"  # smart card, U2F/FIDO through PAM
    TICKET = "ticket"  # Kerberos
    HOST = "trusted host"  # hostbased, rhosts: says nothing about the person
    OTHER = "other"  # something we cannot name (a PAM module that we do not model succeeded for some input)


_KIND = {
    Factor.PASSWORD: ("password",),
    Factor.ROOT_PASSWORD: ("password",),
    Factor.KEY: ("key",),
    Factor.VERIFIED_KEY: ("key", "verification"),
    Factor.OTP: ("code",),
    Factor.TOKEN: ("token",),
    Factor.TICKET: ("ticket",),
    Factor.HOST: (),
    Factor.OTHER: ("other",),
}

_T = TypeVar("_T")
FactorSet = frozenset[Factor]
NOTHING: FactorSet = frozenset()


def kinds(factors: Iterable[Factor]) -> int:
    """How many different factors a set amounts to: {key, password} is 2, {password, root password} is 1, {trusted host} is 0."""
    return len({kind for factor in factors for kind in _KIND[factor]})


def only_password(factors: FactorSet) -> bool:
    """Nothing but a password, the account's or another's; and less than that, nothing at all."""
    return factors <= {Factor.PASSWORD, Factor.ROOT_PASSWORD}


def spell(factors: Iterable[Factor]) -> str:
    """`key + one-time code`; `nothing` for the empty set."""
    return " + ".join(sorted(factors)) or "nothing"


@dataclass(frozen=True, slots=True)
class Why:
    """What makes a way open: the configuration lines, and for an uncertain way what was not seen."""

    because: tuple[Line, ...] = ()
    gaps: tuple[Gap, ...] = ()

    def __add__(self, other: Why) -> Why:
        return Why(_unique(self.because + other.because), _unique(self.gaps + other.gaps))


def _unique(items: tuple[_T, ...]) -> tuple[_T, ...]:
    return tuple(dict.fromkeys(items))


@dataclass(frozen=True, slots=True)
class Ways:
    """Minimal factor sets that open, each with its reason. `closed` explains why nothing (else) opens."""

    certain: Mapping[FactorSet, Why] = field(default_factory=dict)
    possible: Mapping[FactorSet, Why] = field(default_factory=dict)  # not certain ones only
    closed: Why = Why()

    def __or__(self, other: Ways) -> Ways:
        """Either way in."""
        return _minimal(
            [*self.certain.items(), *other.certain.items()],
            [*self.possible.items(), *other.possible.items()],
            self.closed + other.closed,
        )

    def __and__(self, other: Ways) -> Ways:
        """Both must be passed, one after the other."""
        certain = [(a | b, x + y) for a, x in self.certain.items() for b, y in other.certain.items()]
        mine = [*((s, w, True) for s, w in self.certain.items()), *((s, w, False) for s, w in self.possible.items())]
        theirs = [
            *((s, w, True) for s, w in other.certain.items()),
            *((s, w, False) for s, w in other.possible.items()),
        ]
        possible = [(a | b, x + y) for a, x, sure in mine for b, y, also in theirs if not (sure and also)]
        return _minimal(certain, possible, self.closed + other.closed)

    def doubtful(self, gap: Gap) -> Ways:
        """The same ways, none of them certain any more."""
        doubt = Why(gaps=(gap,))
        return _minimal([], [(s, w + doubt) for s, w in [*self.certain.items(), *self.possible.items()]], self.closed)

    @property
    def sets(self) -> tuple[FactorSet, ...]:
        """All minimal sets, certain or not, weakest first."""
        return tuple(sorted({*self.certain, *self.possible}, key=lambda s: (kinds(s), len(s), spell(s))))

    def weakest(self, weak: Callable[[FactorSet], bool]) -> Open | None:
        """The weakest way among those that `weak` holds for, a certain one first; None if there is none."""
        found = [factors for factors in self.sets if weak(factors)]
        if not found:
            return None
        factors = next((factors for factors in found if factors in self.certain), found[0])
        certain = factors in self.certain
        return Open(factors, certain, self.certain[factors] if certain else self.possible[factors])

    def __bool__(self) -> bool:
        return bool(self.certain) or bool(self.possible)


@dataclass(frozen=True, slots=True)
class Open:
    """One way in. certain: the evidence shows that it opens; else `why.gaps` say what was not seen."""

    factors: FactorSet
    certain: bool
    why: Why


def opens(*factors: Factor, because: Iterable[Line] = ()) -> Ways:
    """Certainly opens with these factors (none: opens to anybody)."""
    return Ways(certain={frozenset(factors): Why(tuple(because))})


def might(*factors: Factor, because: Iterable[Line] = (), gaps: Iterable[Gap] = ()) -> Ways:
    """Might open with these factors; `gaps` says what was not seen."""
    return Ways(possible={frozenset(factors): Why(tuple(because), tuple(gaps))})


def never(because: Iterable[Line] = ()) -> Ways:
    """Opens to nobody."""
    return Ways(closed=Why(tuple(because)))


def _minimal(certain: list[tuple[FactorSet, Why]], possible: list[tuple[FactorSet, Why]], closed: Why) -> Ways:
    sure = _antichain(certain)
    maybe = {s: w for s, w in _antichain(possible).items() if not any(c <= s for c in sure)}
    return Ways(sure, maybe, closed)


def _antichain(items: list[tuple[FactorSet, Why]]) -> dict[FactorSet, Why]:
    found: dict[FactorSet, Why] = {}
    for factors, why in sorted(items, key=lambda item: (len(item[0]), spell(item[0]))):
        if not any(smaller <= factors for smaller in found):
            found[factors] = why
    return found
