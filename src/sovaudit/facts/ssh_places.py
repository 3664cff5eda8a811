"""Kinds of connections: for every address, host name, local address and port that the configuration tells apart, one example, and an
outsider.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import product
from typing import TypeVar

from sovaudit.facts.files import Unseen
from sovaudit.facts.sshd_match import Connection, Settings
from sovaudit.facts.sshd_patterns import examples, match_address_list, match_host, match_host_and_address, match_list, parse_address
from sovaudit.model.evidence import Gap
from sovaudit.model.verdict import Reason

OUTSIDERS = ("203.0.113.77", "198.51.100.23", "192.0.2.99", "2001:db8:ffff::77", "10.250.3.7", "127.0.0.1")
MAX_PLACES = 2048
_T = TypeVar("_T")


def distinct(items: Iterable[_T], key: Callable[[_T], Hashable]) -> list[_T]:
    """The first item of each key."""
    found: dict[Hashable, _T] = {}
    for item in items:
        found.setdefault(key(item), item)
    return list(found.values())


def user_places(settings: Settings) -> tuple[str, ...]:
    """The host parts of AllowUsers and DenyUsers, wherever they stand."""
    words = settings.conditional_values("allowusers", "denyusers")
    return tuple(dict.fromkeys(word.partition("@")[2] for word in words if "@" in word))


def places(settings: Settings, ports: Sequence[int]) -> list[Connection]:
    """One connection per combination that the configuration can tell apart; Raises Unseen for more than MAX_PLACES."""
    criteria: dict[str, list[str]] = {}
    for match in settings.matches:
        for name, value in match.criteria:
            criteria.setdefault(name, []).append(value)
    spots = user_places(settings)
    addresses = criteria.get("address", [])
    names = [*criteria.get("host", []), *spots]
    resolves = settings.outside.yes("usedns")
    literals = [text for patterns in [*addresses, *names] for text in examples(patterns)]
    from_where = distinct(
        [*OUTSIDERS, *(text for text in literals if parse_address(text) is not None)],
        lambda address: (
            *(match_address_list(address, patterns) for patterns in addresses),
            *(match_address_list(address, spot) for spot in spots),
            *(match_host(address, name) for name in names),
        ),
    )
    hosts = [""]
    if resolves and names:
        hosts += [text for text in ("outsider.invalid", *literals) if parse_address(text) is None]
        hosts = distinct(hosts, lambda host: (host == "", *(match_host(host, name) for name in names)))
    local = criteria.get("localaddress", [])
    numbers = criteria.get("localport", [])
    gates = distinct(
        _arrivals(settings, ports, [text for patterns in local for text in examples(patterns)]),
        lambda gate: (*(match_address_list(gate[0], patterns) for patterns in local), *(int(value) == gate[1] for value in numbers)),
    )
    domains = distinct(
        ["", *(text for patterns in criteria.get("rdomain", []) for text in examples(patterns))],
        lambda domain: tuple(match_list(domain, patterns) for patterns in criteria.get("rdomain", [])),
    )
    found: list[Connection] = []
    for address, host, (arrival, gate), domain in product(from_where, hosts, gates, domains):
        if len(found) >= MAX_PLACES:
            raise Unseen(Gap("file:/etc/ssh/sshd_config", Reason.TRUNCATED, "more kinds of connections than are followed"))
        found.append(Connection(address, host or address, arrival, gate, domain))
    return found


def signature(spots: Iterable[str], sources: Iterable[str], connection: Connection) -> tuple[bool, ...]:
    """What `user@host` patterns and `from=` lists tell apart."""
    return tuple(match_host_and_address(connection.host, connection.address, text) for text in (*spots, *sources))


def _arrivals(settings: Settings, ports: Sequence[int], named: Sequence[str]) -> list[tuple[str, int]]:
    """Local addresses and ports at which a connection may arrive. ports: those for a ListenAddress without its own. named: in Match lines."""
    anywhere = ["192.0.2.10", "2001:db8::10", *named]
    found: list[tuple[str, int]] = []
    for text in settings.outside.words("listenaddress") or ("*",):
        word, port = text.split()[0], ""
        if word.startswith("["):
            word, _, port = word[1:].partition("]")
            port = port.removeprefix(":")
        elif word.count(":") == 1:
            word, _, port = word.partition(":")
        specific = parse_address(word) is not None and word not in ("0.0.0.0", "::")
        for gate in [int(port)] if port.isascii() and port.isdigit() else ports:
            found += [(address, gate) for address in ([word] if specific else anywhere)]
    return found
