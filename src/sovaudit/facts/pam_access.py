"""pam_access(8) and access.conf(5), from its source: the first line that fits account and origin decides; where none fits, the account comes in.

Treacherous: a mask of nought bits is no mask (`0.0.0.0/0` is one address), a line without its newline is not read, and everything that came by
a terminal is LOCAL whatever the terminal is called. Where somebody comes from he chooses himself: every kind of origin is tried, the weakest counts.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sovaudit.facts.files import Unseen
from sovaudit.facts.pam_conditions import FROM_AFAR, HERE, chosen, in_group, names_hosts, places
from sovaudit.facts.pam_flow import Behaviour
from sovaudit.facts.pam_modules import Call, fixed, gap_of
from sovaudit.facts.parse.pam_conf import Code
from sovaudit.model.verdict import Reason

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_WORDS = ("ALL", "LOCAL", "EXCEPT", "NONE")
_USUAL = ("10.0.0.7", "192.0.2.1", "203.0.113.77", "127.0.0.1", "2001:db8::1", "::1")


@dataclass(frozen=True, slots=True)
class Origin:
    """From where somebody comes: an address or a host's name, or a terminal."""

    name: str
    remote: bool


@dataclass(frozen=True, slots=True)
class _Row:
    """One line that names this account."""

    grants: bool
    origins: tuple[str, ...]


def access(call: Call) -> Behaviour:
    named = call.value("accessfile")
    files = call.host.files
    if not all(files.exists(arg.partition("=")[2]) for arg in call.args if arg.startswith("accessfile=")):
        return fixed(Code.ABORT)
    paths = [named or "/etc/security/access.conf"]
    if not named:
        paths += files.glob("/etc/security/access.d/*.conf")
    rows: list[_Row] = []
    for path in paths:
        stat = files.follow(path)
        text = (files.read(path) or "") if stat is not None and stat.kind != "d" else ""
        # a last line without its newline is not used
        rows += [row for line in text.split("\n")[:-1] if (row := _row(call, line)) is not None]
    if not rows:
        return fixed(Code.SUCCESS)
    where = _origins(call, [word for row in rows for word in row.origins])
    return chosen(*sorted({_answer(call, rows, origin) for origin in where}))


def _answer(call: Call, rows: list[_Row], origin: Origin) -> Code:
    for row in rows:
        if _listed(row.origins, lambda word: _from(call, word, origin)):
            return Code.SUCCESS if row.grants else Code.PERM_DENIED
    return Code.SUCCESS


def _row(call: Call, text: str) -> _Row | None:
    """A line as it is read; None where it names this account not, or is malformed."""
    separator, comma = call.value("fieldsep", ":"), call.value("listsep", ", \t")
    if text.startswith("#") or not text.strip():
        return None
    text = text.rstrip()
    fields = [field for field in _split(text, separator) if field]
    if len(fields) < 2:
        return None
    permission, users = fields[0], fields[1]
    start = text.find(users, text.find(permission) + len(permission)) + len(users)
    origins = text[start:][1:]
    if permission[0] not in "+-" or not origins:
        return None
    if not _listed([word for word in _split(users, comma) if word], lambda word: _is_user(call, word)):
        return None
    return _Row(text[0] == "+", tuple(word for word in _split(origins, comma) if word))


def _split(text: str, separators: str) -> list[str]:
    return re.split("[" + re.escape(separators) + "]", text) if separators else [text]


def _listed(words: Iterable[str], fits: Callable[[str], bool]) -> bool:
    """A list in which EXCEPT takes away, and an EXCEPT behind it gives back."""
    words = list(words)
    cut = next((at for at, word in enumerate(words) if word.upper() == "EXCEPT"), len(words))
    if not any(fits(word) for word in words[:cut]):
        return False
    return cut == len(words) or not _listed(words[cut + 1 :], fits)


def _is_user(call: Call, word: str) -> bool:
    account = call.account
    if word.startswith("(") and word.endswith(")"):
        return in_group(call, account, word[1:-1])
    if word.startswith("@"):
        raise Unseen(gap_of(call, Reason.UNSUPPORTED, f"{word} names a netgroup"))
    if "@" in word:
        name, _, machine = word.partition("@")
        here = call.host.evidence.identity.get("hostname", "")
        if machine.upper() != "ALL" and not here:
            raise Unseen(gap_of(call, Reason.UNSUPPORTED, f"{word} names this host, whose name was not seen"))
        return _is_user(call, name) and machine.lower() in ("all", here.lower())
    if word.upper() == "ALL" or word.lower() == account.name.lower():
        return True
    return not call.has("nodefgroup") and in_group(call, account, word)


# Origins


def _origins(call: Call, words: list[str]) -> list[Origin]:
    """Every kind of place that these lines tell apart and from which this service can be reached."""
    if call.rhost is not None:
        return [Origin(call.rhost, remote=True)]
    found: list[Origin] = []
    if call.service not in HERE:
        named = [word for word in words if re.search("[A-Za-z]", word) and ":" not in word and word.upper() not in _WORDS]
        hosts = [f"host{word}" if word.startswith(".") else word for word in named] if named and names_hosts(call) else []
        found += [Origin(text, remote=True) for text in dict.fromkeys([*_USUAL, *(text for word in words for text in edges(word)), *hosts])]
    if call.service not in FROM_AFAR:
        terminals = [re.sub(r"^/(?:[^/]*/)?", "", name) for name in places(call, "tty", words)]
        here = [] if call.service in HERE else [call.service, *words]
        found += [Origin(name, remote=False) for name in dict.fromkeys([*terminals, *here])]
    return found


def edges(word: str) -> list[str]:
    """Addresses at the edges of what a word means."""
    text = word.partition("/")[0]
    if re.fullmatch(r"(\d{1,3}\.){1,3}", word):
        text = word + ".".join(["1"] * (4 - word.count(".")))
    address = _address(text)
    if address is None:
        return []
    length = address.max_prefixlen
    try:
        mask = _mask(word.partition("/")[2], address) if "/" in word else None
    except ValueError:
        mask = None
    bits = length if mask is None else mask.bit_count()
    first = int(address) >> (length - bits) << (length - bits)
    edges = (int(address), first - 1, first, first + (1 << (length - bits)))
    return [str(type(address)(edge)) for edge in edges if 0 < edge < 1 << length]


def _address(text: str) -> _Address | None:
    """inet_pton(3): no zeros in front, no scope."""
    try:
        return ipaddress.ip_address(text) if "%" not in text else None
    except ValueError:
        return None


def _mask(text: str, address: _Address) -> int | None:
    """The mask behind a slash as a number; None where there is none. Raises ValueError where the module refuses it."""
    named = _address(text)
    if named is not None:
        return int(named) if named.version == address.version else None
    match = re.fullmatch(r"\s*([+-]?)(0[xX][0-9a-fA-F]{1,4}|0[0-7]{0,4}|[1-9]\d{0,4})", text)
    digits = match[2] if match else ""
    number = int(digits, 16 if digits[:2] in ("0x", "0X") else 8 if digits[:1] == "0" else 10) if digits else -1
    if number < 0 or (match and match[1] == "-" and number) or number > address.max_prefixlen:
        raise ValueError(text)
    length = address.max_prefixlen
    return ((1 << number) - 1) << (length - number) if number else None


def _from(call: Call, word: str, origin: Origin) -> bool:
    if word.startswith("@"):
        raise Unseen(gap_of(call, Reason.UNSUPPORTED, f"{word} names a netgroup"))
    if word.upper() == "ALL" or word.lower() == origin.name.lower():
        return True
    if word.upper() == "LOCAL" or not origin.remote:
        return word.upper() == "LOCAL" and not origin.remote
    if word.startswith(".") and len(word) < len(origin.name) and origin.name.lower().endswith(word.lower()):
        return True
    address = _address(origin.name)
    if word.endswith("."):
        return address is not None and address.version == 4 and f"{address}.".startswith(word)
    mine = _address(word.partition("/")[0])
    if address is None or mine is None:
        return False
    try:
        mask = _mask(word.partition("/")[2], mine) if "/" in word else None
    except ValueError:
        return False
    if mine.version != address.version:
        return False
    return int(mine) == int(address) if mask is None else int(mine) & mask == int(address) & mask
