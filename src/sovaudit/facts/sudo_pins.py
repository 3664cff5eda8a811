"""Whether a program has the digest that a sudoers rule asks of it (sudoers(5), Digest_Spec)."""

from __future__ import annotations

import base64
from functools import cached_property

from sovaudit.facts.files import Files, Unseen
from sovaudit.facts.parse.globs import has_meta
from sovaudit.facts.parse.sudoers import Member


class Pins:
    """Over the digests that were collected."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def has(self, member: Member) -> bool | None:
        """Whether the program has one of the digests before it; None where that was not seen."""
        if member.kind == "ALL" or has_meta(member.name) or not member.name.startswith("/") or member.name.endswith("/"):
            return None
        try:
            if not self._files.exists(member.name):
                return False
        except Unseen:
            return None
        seen = [self._digests.get((member.name, scheme)) for scheme, _ in member.digests]
        if any(digest == _bytes(text) for digest, (_, text) in zip(seen, member.digests, strict=True) if digest is not None):
            return True
        return None if None in seen else False

    @cached_property
    def _digests(self) -> dict[tuple[str, str], bytes]:
        try:
            rows = [row.split("\t") for row in self._files.artifact("digests").splitlines()]
        except Unseen:
            return {}
        return {(row[0], row[1]): _bytes(row[2]) for row in rows if len(row) == 3}


def _bytes(text: str) -> bytes:
    """A digest in hexadecimal or base64; empty for neither."""
    try:
        return bytes.fromhex(text) if len(text) in (56, 64, 96, 128) else base64.b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""
