"""pam_passwdqc(8) and passwdqc.conf(5): which passwords it accepts, and of whom it insists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from sovaudit.facts.files import Files
from sovaudit.facts.pam_quality import LONGEST, Candidate

MAX_FILES = 16


@dataclass(frozen=True, slots=True)
class Passwdqc:
    """lengths: least length by kind: one class, two, passphrase, three, four; None: the kind is not accepted. words: of a passphrase.

    listed: it looks into a list of words or a filter of the site's. enforce: `everyone`, `users` or `none`. broken: it aborts whatever is set.
    """

    lengths: tuple[int | None, ...] = (None, 24, 11, 8, 7)
    words: int = 3
    listed: bool = False
    enforce: str = "everyone"
    retry: int = 3
    broken: bool = False

    @property
    def shortest(self) -> int | None:
        return min((length for length in self.lengths if length is not None), default=None)

    def enforced(self, by_root: bool) -> bool:
        """by_root: root runs `passwd`; any other program counts as its user's, root's too."""
        return self.enforce == "everyone" or (self.enforce == "users" and not by_root)

    def accepts(self, candidate: Candidate) -> bool:
        """A login name or a word in it counts for nothing, and what is left is strong enough; of words it knows a few thousand short ones."""
        shortest = self.shortest
        if shortest is None or candidate.length < shortest or (candidate.word and self.listed):
            return False
        kinds = (0, 1, 3, 4)[: len(candidate.classes)]
        if any(self.lengths[kind] is not None for kind in kinds):
            return True
        letters = set(candidate.classes) & {"u", "l"}
        return bool(letters) and len(candidate.classes) > 1 and self.words > 0 and self.lengths[2] is not None


def passwdqc(files: Files, args: Iterable[str]) -> Passwdqc:
    """Raises Unseen for a configuration file that was not seen."""
    found = Passwdqc()
    for arg in _options(files, list(args), 0):
        key, _, value = arg.partition("=")
        number = int(value) if re.fullmatch(r"[0-9]{1,9}", value) else None
        if key == "min":
            lengths = _lengths(value)
            found = replace(found, lengths=lengths or found.lengths, broken=found.broken or lengths is None)
        elif key == "passphrase" and number is not None:
            found = replace(found, words=number)
        elif key == "retry" and number is not None:
            found = replace(found, retry=number)
        elif key == "enforce":
            known = value in ("everyone", "users", "none")
            found = replace(found, enforce=value if known else found.enforce, broken=found.broken or not known)
        elif key in ("wordlist", "denylist", "filter"):
            found = replace(found, listed=bool(value))
    return found


def _lengths(text: str) -> tuple[int | None, ...] | None:
    """Five numbers, none greater than the one before; `disabled` is greater than any. None: the module refuses the option."""
    words = text.split(",")
    if len(words) != 5 or not all(word == "disabled" or re.fullmatch(r"[0-9]{1,9}", word) for word in words):
        return None
    numbers = [float("inf") if word == "disabled" else int(word) for word in words]
    if any(later > earlier for earlier, later in pairwise(numbers)):
        return None
    return tuple(int(number) if number <= LONGEST else None for number in numbers)


def _options(files: Files, args: list[str], depth: int) -> Iterator[str]:
    for arg in args:
        if arg.startswith("config=") and depth < MAX_FILES:
            lines = [line.text.strip() for line in files.lines(arg[7:]) or ()]
            yield from _options(files, [text for text in lines if text and not text.startswith("#")], depth + 1)
        else:
            yield arg
