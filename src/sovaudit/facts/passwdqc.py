"""pam_passwdqc(8) and passwdqc.conf(5): which passwords it accepts, and of whom it insists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sovaudit.facts.files import Files
from sovaudit.facts.pam_quality import LONGEST, Candidate

MAX_FILES = 16


@dataclass(frozen=True, slots=True)
class Passwdqc:
    """lengths: least length by kind: one class, two, passphrase, three, four; None: the kind is not accepted. words: of a passphrase.

    match: length of a common substring that counts as taken from a word or from the person's data; 0: none is looked for.
    enforce: `everyone`, `users` or `none`.
    """

    lengths: tuple[int | None, ...] = (None, 24, 11, 8, 7)
    words: int = 3
    match: int = 4
    enforce: str = "everyone"
    retry: int = 3
    insists: bool = False

    @property
    def shortest(self) -> int | None:
        return min((length for length in self.lengths if length is not None), default=None)

    def enforced(self, by_root: bool) -> bool:
        return self.enforce == "everyone" or (self.enforce == "users" and not by_root)

    def accepts(self, candidate: Candidate) -> bool:
        """A word or name in it counts for nothing, so that the rest must be strong enough alone: such a password gains nothing by it."""
        shortest = self.shortest
        if shortest is None or candidate.length < shortest:
            return False
        if self.match > 0 and (candidate.word or candidate.name):
            return False
        kinds = (0, 1, 3, 4)[: len(candidate.classes)]
        if any(self.lengths[kind] is not None for kind in kinds):
            return True
        letters = set(candidate.classes) & {"u", "l"}
        return bool(letters) and len(candidate.classes) > 1 and self.words > 0 and self.lengths[2] is not None


def passwdqc(files: Files, args: Iterable[str]) -> Passwdqc:
    """Raises Unseen for a configuration file that was not seen."""
    lengths, words, match, enforce, retry, insists = "disabled,24,11,8,7", 3, 4, "everyone", 3, False
    for arg in _options(files, list(args), 0):
        key, _, value = arg.partition("=")
        number = int(value) if re.fullmatch(r"[0-9]{1,9}", value) else None
        if key == "min":
            lengths = value
        elif key == "passphrase" and number is not None:
            words = number
        elif key == "match" and number is not None:
            match = number
        elif key == "retry" and number is not None:
            retry = number
        elif key == "enforce" and value in ("everyone", "users", "none"):
            enforce = value
        elif key in ("use_authtok", "use_first_pass"):
            insists = True
    parts = [int(word) if re.fullmatch(r"[0-9]{1,4}", word) else None for word in lengths.split(",")]
    kept = tuple(part if part is not None and part <= LONGEST else None for part in (*parts, *[None] * 5)[:5])
    return Passwdqc(kept, words, match, enforce, retry, insists)


def _options(files: Files, args: list[str], depth: int) -> Iterator[str]:
    for arg in args:
        if arg.startswith("config=") and depth < MAX_FILES:
            lines = [line.text.strip() for line in files.lines(arg[7:]) or ()]
            yield from _options(files, [text for text in lines if text and not text.startswith("#")], depth + 1)
        else:
            yield arg
