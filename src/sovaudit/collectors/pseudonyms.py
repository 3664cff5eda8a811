"""People and badges under names that say nothing (law 09-08): a keyed hash in place of what an export calls them.

The key is the auditor's, kept beside the signing key and never in a bundle. The evidence itself carries the pseudonyms, so that checks, report
and replay need neither the key nor the names; the same key gives the same pseudonym in every export and every audit, so that they can be joined.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from sovaudit.tables import literal

if TYPE_CHECKING:
    from sovaudit.tables import Engine

BITS = 56  # two of a million people share a pseudonym with a chance of 1 in 140,000, two of a hundred thousand of 1 in 14 million
LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
PAIRS = tuple(one + other for one in LETTERS for other in LETTERS)
DIGITS = 11  # 36 ** 11 > 2 ** BITS; with its first letter a pseudonym has twelve, the longest text that DuckDB keeps inside a row
NAMED, PSEUDONYMS, IDS = "named", "pseudonyms", "ids"
"""What evidence says of itself. IDS: logins and ids of persons as a list gives them, but no names."""
PREFIX = {"person": "p", "badge": "b"}


def pseudonym(key: bytes, kind: str, value: str) -> str:
    """`p…` for a person, `b…` for a badge: the first BITS of HMAC-SHA-256 over the kind, a newline and the value, in base 36."""
    return under(key, kind)(value)


def under(key: bytes, kind: str) -> Callable[[str], str]:
    """The pseudonyms of many values: what HMAC makes of the key (RFC 2104) is made once."""
    prefix = PREFIX[kind]
    begun, closing = (hashlib.sha256(block) for block in _blocks(key))

    def of(value: str) -> str:
        inner, outer = begun.copy(), closing.copy()
        inner.update(f"{kind}\n{value}".encode())
        outer.update(inner.digest())
        number = int.from_bytes(outer.digest()[: BITS // 8])
        high, low = divmod(number, 36**4)  # DIGITS: one, and five pairs
        high, third = divmod(high, 36**2)
        high, second = divmod(high, 36**2)
        digit, first = divmod(high, 36**2)
        fourth, fifth = divmod(low, 36**2)
        return f"{prefix}{LETTERS[digit]}{PAIRS[first]}{PAIRS[second]}{PAIRS[third]}{PAIRS[fourth]}{PAIRS[fifth]}"

    return of


def _blocks(key: bytes) -> tuple[bytes, bytes]:
    """What HMAC-SHA-256 hashes first: inside, and outside."""
    block = (key if len(key) <= 64 else hashlib.sha256(key).digest()).ljust(64, b"\0")
    return bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)


def plainly(engine: Engine) -> None:
    """Make them known as words that change nothing, for evidence that names people."""
    for kind in PREFIX:
        engine.run(f"CREATE MACRO {kind}(value) AS value")


def teach(engine: Engine, key: bytes) -> None:
    """Make `person(text)` and `badge(text)` known to an engine: the same in SQL. The key enters as hidden values, never as text of a query."""
    for name, block in zip(("inner", "outer"), _blocks(key), strict=True):
        engine.run(f"SET VARIABLE people_{name} = unhex($1)", [block.hex()])
    for kind, prefix in PREFIX.items():
        inner = f"unhex(sha256(getvariable('people_inner') || encode({literal(kind + chr(10))} || value)))"
        outer = f"CAST('0x' || left(sha256(getvariable('people_outer') || {inner}), {BITS // 4}) AS BIGINT)"
        engine.run(f"CREATE MACRO {kind}(value) AS {literal(prefix)} || to_base({outer}, {len(LETTERS)}, {DIGITS})")
