"""OpenSSH's patterns: `*` and `?`, lists with `!`, addresses with CIDR, `user@host`. After match.c and addrmatch.c."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_MAX = 1024


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> list[str]:
    return re.sub(r"\*+", "*", pattern).split("*")


def match_pattern(text: str, pattern: str) -> bool:
    """`*` any run, `?` any one character, case kept. Linear in the text for each piece between stars."""
    pieces = _compiled(pattern)
    if len(pieces) == 1:
        return len(text) == len(pattern) and _at(text, 0, pattern)
    head, *middle, tail = pieces
    if len(text) < len(head) + len(tail) or not _at(text, 0, head) or not _at(text, len(text) - len(tail), tail):
        return False
    here, end = len(head), len(text) - len(tail)
    for piece in middle:
        found = next((at for at in range(here, end - len(piece) + 1) if _at(text, at, piece)), -1)
        if found < 0:
            return False
        here = found + len(piece)
    return True


def _at(text: str, start: int, piece: str) -> bool:
    if "?" not in piece:
        return text.startswith(piece, start)
    return all(wanted in ("?", text[start + offset]) for offset, wanted in enumerate(piece))


def match_list(text: str, patterns: str, *, lower: bool = False) -> int:
    """1: a pattern matches. -1: a negated one does. 0: none. A negation alone matches nothing."""
    positive = 0
    for pattern in (patterns.lower() if lower else patterns).split(","):
        negated = pattern.startswith("!")
        pattern = pattern[1:] if negated else pattern
        if len(pattern) >= _MAX - 1:
            return 0
        if match_pattern(text, pattern):
            if negated:
                return -1
            positive = 1
    return positive


def match_host(host: str, patterns: str) -> int:
    return match_list(host.lower(), patterns, lower=True)


@lru_cache(maxsize=4096)
def parse_address(text: str) -> Address | None:
    """An address as addr_pton takes it; IPv4-mapped IPv6 stays IPv6, as in sshd's comparison by family."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def _network(text: str) -> tuple[str, ipaddress.IPv4Network | ipaddress.IPv6Network | None]:
    """`ok`, `no address` (then a wildcard) or `bad` (host bits under the mask, or an impossible mask: sshd refuses the list)."""
    address, slash, mask = text.partition("/")
    base = parse_address(address)
    if base is None:
        return "no address", None
    if not slash:
        return "ok", ipaddress.ip_network(base)
    if not (mask.isascii() and mask.isdigit()) or int(mask[:4]) > base.max_prefixlen:
        return ("no address", None) if not (mask.isascii() and mask.isdigit()) else ("bad", None)
    try:
        return "ok", ipaddress.ip_network(f"{address}/{mask}")
    except ValueError:
        return "bad", None


def match_address_list(address: str, patterns: str) -> int:
    """addr_match_list: 1 match, -1 negated match, 0 none, -2 an entry that sshd refuses."""
    mine = parse_address(address)
    if mine is None:
        return 0
    result = 0
    for entry in patterns.split(","):
        negated = entry.startswith("!")
        entry = entry[1:] if negated else entry
        if not entry:
            return -2
        state, network = _network(entry)
        if state == "bad":
            return -2
        hit = mine in network if network is not None else match_pattern(address, entry)
        if hit and negated:
            return -1
        if hit:
            result = 1
    return result


def valid_address_list(patterns: str) -> bool:
    return all((entry := raw[1:] if raw.startswith("!") else raw) and _network(entry)[0] != "bad" for raw in patterns.split(","))


def match_host_and_address(host: str, address: str, patterns: str) -> bool:
    """match_host_and_ip: an address or a host name matches and neither is negated. A broken list matches nobody."""
    by_address = match_address_list(address, patterns)
    if by_address < 0:
        return False
    by_host = match_host(host, patterns)
    return by_host != -1 and (by_host == 1 or by_address == 1)


def match_user(user: str, host: str, address: str, pattern: str) -> bool:
    """One word of AllowUsers or DenyUsers: `user` or `user@host`. There is no negation of the user part, `!` is a character."""
    name, at, place = pattern.partition("@")
    return match_pattern(user, name) and (not at or match_host_and_address(host, address, place))


def valid_user_pattern(pattern: str) -> bool:
    _, at, place = pattern.partition("@")
    return not at or valid_address_list(place)


def match_groups(groups: Iterable[str], patterns: Iterable[str]) -> bool:
    """ga_match: one of the groups matches one of the words."""
    words = tuple(patterns)
    return any(match_pattern(group, word) for group in groups for word in words)


def match_group_list(groups: Iterable[str], patterns: str) -> bool:
    """ga_match_pattern_list for `Match Group`: the first group that is negated or matches decides … a negated one refuses all."""
    found = False
    for group in groups:
        answer = match_list(group, patterns)
        if answer < 0:
            return False
        found = found or answer > 0
    return found


def examples(patterns: str) -> list[str]:
    """Addresses and names that a list distinguishes: for each entry, negated or not, some that it matches."""
    found: list[str] = []
    for entry in patterns.split(","):
        entry = entry.removeprefix("!")
        state, network = _network(entry)
        if network is not None:
            size = network.num_addresses
            offsets = {0} if size == 1 else {1, size // 2, size - 2} if size > 2 else {0, 1}
            found += [str(network[offset]) for offset in sorted(offsets)]
        elif state != "bad" and entry:
            found += _filled(entry)
    return found


def _filled(pattern: str) -> list[str]:
    """Texts that a wildcard pattern matches; addresses where it can stand for one."""
    base = pattern.replace("?", "1")
    fillings = (
        ["", "1", "7.1", "7.7.1", "7.7.7.1", "77", "77.7.1", "::1"] if re.fullmatch(r"[0-9.:a-fA-F*]*", base) else ["host", "example"]
    )
    texts = [re.sub(r"\*+", filling, base) for filling in fillings] if "*" in base else [base]
    addresses = [text for text in texts if parse_address(text) is not None]
    return addresses or texts[:1] if not re.fullmatch(r"\*+", pattern) else []
