"""Which configuration holds for one connection: Match evaluated, first values taken, Match over global.

sshd reads its configuration twice (servconf.c): once at the start, where only lines outside any Match count, and once per connection,
where only lines inside matching blocks count. In each pass the first value of a keyword wins; then everything that the second pass set
replaces the first, whole lists included: an AllowUsers inside a matching block replaces the global ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sovaudit.facts.parse.sshd_config import Config, Directive, Match
from sovaudit.facts.ssh_algorithms import KEYWORDS as ALGORITHMS
from sovaudit.facts.ssh_algorithms import assemble, default
from sovaudit.facts.sshd_defaults import CHALLENGE, KEYWORDS, Kind, Version, defaults
from sovaudit.facts.sshd_patterns import match_address_list, match_group_list, match_host, match_list
from sovaudit.model.finding import Line

_SEVERAL = (Kind.ADD, Kind.ADD_WORD, Kind.LISTEN, Kind.SUBSYSTEM)
RELEASE = "OpenSSH_"


@dataclass(frozen=True, slots=True)
class Connection:
    """Where a client comes from and where it arrives. host is the address itself unless UseDNS resolves it."""

    address: str = "127.0.0.1"
    host: str = "localhost"
    local_address: str = "127.0.0.1"
    local_port: int = 22
    rdomain: str | None = ""  # None: `sshd -T -C` was not told


@dataclass(frozen=True, slots=True)
class Effective:
    """What `sshd -T -C` would answer. Keywords are lower-case and canonical; an absent one has no value."""

    values: Mapping[str, tuple[str, ...]]
    lines: Mapping[str, tuple[Line, ...]]
    conditions: tuple[Line, ...] = ()

    def get(self, keyword: str) -> str:
        """The value as one string, empty where there is none."""
        return " ".join(self.values.get(keyword, ()))

    def words(self, keyword: str) -> tuple[str, ...]:
        return self.values.get(keyword, ())

    def yes(self, keyword: str) -> bool:
        return self.get(keyword) == "yes"

    def because(self, *keywords: str) -> tuple[Line, ...]:
        """The lines that set these keywords; the Match lines above those that stand in a block. Nothing for compiled defaults."""
        return tuple(dict.fromkeys(line for keyword in keywords for line in self.lines.get(keyword, ())))


def holds(match: Match, connection: Connection, user: str, groups: Iterable[str], *, exists: bool = True, release: str = "") -> bool:
    """Whether every criterion of one Match line is met."""
    for name, value in match.criteria:
        if name == "all":
            continue
        if name == "invalid-user":
            met = not exists
        elif name == "user":
            met = match_list(user, value) == 1
        elif name == "group":
            met = exists and match_group_list(groups, value)
        elif name == "host":
            met = match_host(connection.host, value) == 1
        elif name == "address":
            met = match_address_list(connection.address, value) == 1
        elif name == "localaddress":
            met = match_address_list(connection.local_address, value) == 1
        elif name == "localport":
            met = int(value) == connection.local_port
        elif name == "rdomain":
            met = connection.rdomain is not None and match_list(connection.rdomain, value) == 1
        else:
            met = match_list(release, value) == 1
        if not met:
            return False
    return True


@dataclass(slots=True)
class _Pass:
    values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    lines: dict[str, tuple[Line, ...]] = field(default_factory=dict)
    grown: dict[str, tuple[list[str], list[Line]]] = field(default_factory=dict)  # of keywords that add up, until `settle`

    def take(self, directive: Directive) -> None:
        keyword, kind = directive.keyword, KEYWORDS[directive.keyword].kind
        why = (*(match.line for match in directive.conditions), directive.line)
        if kind in _SEVERAL:
            joined = (" ".join(directive.values),) if kind in (Kind.LISTEN, Kind.SUBSYSTEM) else directive.values
            values, lines = self.grown.setdefault(keyword, ([], []))
            values.extend(joined)
            lines.extend(why)
        elif keyword not in self.values and (directive.values or kind is not Kind.WORDS):
            self.values[keyword] = directive.values
            self.lines[keyword] = why

    def settle(self) -> _Pass:
        for keyword, (values, lines) in self.grown.items():
            self.values[keyword], self.lines[keyword] = tuple(values), tuple(lines)
        return self


class Settings:
    """A parsed configuration, ready to be asked. Answers are kept by the set of Match lines that hold."""

    def __init__(self, config: Config, version: Version) -> None:
        self.config = config
        self.version = version
        self.matches: tuple[Match, ...] = tuple(dict.fromkeys(match for directive in config.directives for match in directive.conditions))
        self._global = _Pass()
        for directive in config.directives:
            if all(condition.always for condition in directive.conditions):
                self._global.take(directive)
        self._global.settle()
        if version < (8, 7) and self._global.values.get(CHALLENGE, ("yes",)) == ("yes",):
            self._global.values["kbdinteractiveauthentication"] = ("yes",)
            self._global.lines["kbdinteractiveauthentication"] = self._global.lines.get(CHALLENGE, ())
        elif version < (8, 7):
            self._global.values.setdefault("kbdinteractiveauthentication", ("no",))
            self._global.lines.setdefault("kbdinteractiveauthentication", self._global.lines[CHALLENGE])
        self._conditional = tuple(
            each for each in config.directives if _any_method(each) or (each.conditions and KEYWORDS[each.keyword].in_match)
        )
        self._kept: dict[frozenset[Match], Effective] = {}

    def met(self, connection: Connection, user: str, groups: Sequence[str] | frozenset[str], *, exists: bool = True) -> frozenset[Match]:
        release = f"{RELEASE}{self.version[0]}.{self.version[1]}"
        return frozenset(match for match in self.matches if holds(match, connection, user, groups, exists=exists, release=release))

    def under(self, met: frozenset[Match]) -> Effective:
        """The configuration while exactly these Match lines hold."""
        if met not in self._kept:
            inner = _Pass()
            broken = (
                False  # sshd reads everything again per connection, and ends it at an `any` below methods that hold, wherever it stands
            )
            for directive in self._conditional:
                if (
                    (8, 7) <= self.version < (9, 5)
                    and _any_method(directive)
                    and "authenticationmethods" in {**inner.values, **inner.grown}
                ):
                    broken = True
                if directive.conditions and all(condition in met for condition in directive.conditions):
                    inner.take(directive)
            inner.settle()
            values = {**defaults(self.version), **self._global.values, **inner.values}
            if broken:
                values["refuseconnection"] = ("yes",)
                inner.lines["refuseconnection"] = inner.lines["authenticationmethods"]
            # assembled again for each connection: a list from which everything was taken away is the default then
            for keyword in ALGORITHMS:
                values[keyword] = (",".join(assemble(keyword, values[keyword], self.version) or default(keyword, self.version)),)
            for keyword in ("authorizedkeyscommand", "authorizedprincipalscommand", "forcecommand", "chrootdirectory", "trustedusercakeys",
                            "revokedkeys", "authorizedprincipalsfile"):  # fmt: skip
                if [value.lower() for value in values[keyword]] == ["none"]:
                    values[keyword] = ("none",)
            self._kept[met] = Effective(
                values, {**self._global.lines, **inner.lines}, tuple(match.line for match in self.matches if match in met)
            )
        return self._kept[met]

    @property
    def outside(self) -> Effective:
        """The configuration with which sshd starts: outside every Match but `Match all`."""
        return self.under(frozenset())

    def given(self, keyword: str) -> tuple[str, ...]:
        """What the files say of a keyword outside every Match, as written; empty where they say nothing."""
        return self._global.values.get(keyword, ())

    def conditional_values(self, *keywords: str) -> Iterator[str]:
        """Every word that these keywords have anywhere, whatever its conditions."""
        for directive in self.config.directives:
            if directive.keyword in keywords:
                yield from directive.values


def _any_method(directive: Directive) -> bool:
    return directive.keyword == "authenticationmethods" and directive.values == ("any",)
