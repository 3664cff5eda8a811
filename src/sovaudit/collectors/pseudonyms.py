"""People and badges under names that say nothing (law 09-08): a keyed hash in place of what an export calls them.

The key is the auditor's, kept beside the signing key and never in a bundle. The evidence itself carries the pseudonyms, so that checks, report
and replay need neither the key nor the names; the same key gives the same pseudonym in every export and every audit, so that they can be joined.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from sovaudit.tables import literal

if TYPE_CHECKING:
    from sovaudit.tables import Engine

BITS = 56  # two of a million people share a pseudonym with a chance of 1 in 140,000, two of a hundred thousand of 1 in 14 million
LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = 11  # 36 ** 11 > 2 ** BITS; with its first letter a pseudonym has twelve, the longest text that DuckDB keeps inside a row
NAMED, PSEUDONYMS, IDS = "named", "pseudonyms", "ids"
"""What evidence says of itself. IDS: logins and ids of persons as a list gives them, but no names."""
PREFIX = {"person": "p", "badge": "b"}


def pseudonym(key: bytes, kind: str, value: str) -> str:
    """`p…` for a person, `b…` for a badge: the first BITS of HMAC-SHA-256 over the kind, a newline and the value, in base 36."""
    number = int.from_bytes(hmac.new(key, f"{kind}\n{value}".encode(), hashlib.sha256).digest()[: BITS // 8])
    digits = ""
    for _ in range(DIGITS):
        number, digit = divmod(number, len(LETTERS))
        digits = LETTERS[digit] + digits
    return PREFIX[kind] + digits


def plainly(engine: Engine) -> None:
    """Make them known as words that change nothing, for evidence that names people."""
    for kind in PREFIX:
        engine.run(f"CREATE MACRO {kind}(value) AS value")


def teach(engine: Engine, key: bytes) -> None:
    """Make `person(text)` and `badge(text)` known to an engine: the same in SQL. The key enters as hidden values, never as text of a query."""
    block = (key if len(key) <= 64 else hashlib.sha256(key).digest()).ljust(64, b"\0")
    for name, pad in (("inner", 0x36), ("outer", 0x5C)):
        engine.run(f"SET VARIABLE people_{name} = unhex($1)", [bytes(byte ^ pad for byte in block).hex()])
    for kind, prefix in PREFIX.items():
        inner = f"unhex(sha256(getvariable('people_inner') || encode({literal(kind + chr(10))} || value)))"
        outer = f"CAST('0x' || left(sha256(getvariable('people_outer') || {inner}), {BITS // 4}) AS BIGINT)"
        engine.run(f"CREATE MACRO {kind}(value) AS {literal(prefix)} || to_base({outer}, {len(LETTERS)}, {DIGITS})")
