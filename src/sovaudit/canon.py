"""Canonical bytes (RFC 8785) and digests: the only hashing in the house."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from typing import Any, NoReturn

from sovaudit.errors import IntegrityError


def digest(data: bytes) -> str:
    """SHA-256 of data as `sha256:<64 hex digits>`."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def digest_of(parts: Iterable[bytes]) -> str:
    """SHA-256 of the parts one after the other, for what is too large to hold; in the form of `digest`."""
    running = hashlib.sha256()
    for part in parts:
        running.update(part)
    return "sha256:" + running.hexdigest()


def digest_beside(parts: Iterable[bytes]) -> str:
    """The same on a second core, while whoever makes the parts goes on."""
    from concurrent.futures import ThreadPoolExecutor

    running = hashlib.sha256()
    with ThreadPoolExecutor(1) as beside:
        last = None
        for part in parts:
            if last is not None:
                last.result()
            last = beside.submit(running.update, part)
    return "sha256:" + running.hexdigest()


def canonical(document: Any) -> bytes:
    """RFC 8785 bytes of a JSON document made of dict, list, str, int, bool and None.

    Raises ValueError on floats (documents carry integers and strings), and on what RFC 8785 refuses.
    """
    import rfc8785

    plain = _refuse_floats(document)
    try:
        if plain:
            text = _PLAIN(document)
            if (
                _BEYOND.search(text) is None
            ):  # below the surrogates, the order of keys is that of UTF-16, and json spells strings as RFC 8785 does
                return text.encode()
        return rfc8785.dumps(document)
    except rfc8785.CanonicalizationError as error:
        raise ValueError(str(error)) from error


_PLAIN = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")).encode
_BEYOND = re.compile("[\ud800-\U0010ffff]")


def _refuse_floats(node: Any) -> bool:
    """Whether json writes this document as RFC 8785 does: keys are strings, and every value is exactly of one of the types that it knows."""
    stack = [node]
    plain = True
    while stack:
        here = stack.pop()
        kind = type(here)
        if kind is str or here is None or kind is bool:
            continue
        if kind is dict:
            stack.extend(here.values())
            plain = plain and all(type(key) is str for key in here)
        elif kind is list or kind is tuple:
            stack.extend(here)
        elif isinstance(here, float):
            raise ValueError(f"floats have no place in a document: {here!r}")
        elif kind is int:
            plain = plain and -(2**53) < here < 2**53
        else:
            plain = False
            if isinstance(here, dict):
                stack.extend(here.values())
            elif isinstance(here, (list, tuple)):
                stack.extend(here)
    return plain


def loads_strict(data: bytes, *, where: str = "document") -> Any:
    """Parse canonical JSON and insist that these bytes *are* its canonical form.

    Kills duplicate keys, a byte order mark, other key orders, other spellings of numbers and invalid UTF-8 at one blow.
    Raises IntegrityError.
    """

    def no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a key stands twice")
        return found

    def no_constant(name: str) -> NoReturn:
        raise ValueError(f"{name} is not JSON")

    try:
        document = json.loads(data.decode("utf-8"), object_pairs_hook=no_duplicates, parse_constant=no_constant)
        same = canonical(document) == data
    except (ValueError, RecursionError) as error:
        raise IntegrityError(f"not canonical JSON ({error})", where=where) from error
    if not same:
        raise IntegrityError("not in canonical form (RFC 8785)", where=where)
    return document
