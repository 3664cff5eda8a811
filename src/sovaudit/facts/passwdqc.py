"""pam_passwdqc(8) and passwdqc.conf(5): which passwords it accepts, and of whom it insists (passwdqc_parse.c, passwdqc_check.c)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sovaudit.facts.files import Files, Unseen
from sovaudit.facts.pam_quality import LONGEST, Candidate
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

INT_MAX = 2**31 - 1
DISABLED = INT_MAX
PASSPHRASE = 2
_FEWEST = (1, 2, 0, 3, 4)  # characters that a password of each kind has at least
_LISTS = ("wordlist", "denylist", "filter")
_COUNTS = ("passphrase", "match", "retry")
_FLAGS = ("non-unix", "ask_oldauthtok", "ask_oldauthtok=update", "check_oldauthtok", "use_first_pass", "use_authtok", "noaudit")


@dataclass(frozen=True, slots=True)
class Passwdqc:
    """lengths: least length by kind: one class, two, passphrase, three, four. longest: what is longer is refused; 8: no limit, but only eight
    characters count. words: of a passphrase. lists: kind and place of the site's lists and filters.
    enforce: `everyone`, `users` or `none`. flags: further words. broken: it aborts whatever is set. blind: a list is not there, and it refuses all.
    because: lines of configuration files.
    """

    lengths: tuple[int, ...] = (DISABLED, 24, 11, 8, 7)
    longest: int = 72
    words: int = 3
    lists: tuple[tuple[str, str], ...] = ()
    enforce: str = "everyone"
    retry: int = 3
    flags: frozenset[str] = frozenset()
    broken: bool = False
    blind: bool = False
    because: tuple[Line, ...] = ()

    @property
    def shortest(self) -> int | None:
        """None where it accepts nothing that somebody thinks of: passwords that it made itself alone, or no list to look into."""
        least = [max(length, self._fewest(kind)) for kind, length in enumerate(self.lengths) if self._offered(kind)]
        return None if self.blind or not self._offered(4) else max(min(least), self.lengths[4])

    @property
    def listed(self) -> bool:
        """It looks for words in a password; the other lists hold whole passwords."""
        return any(path for key, path in self.lists if key == "wordlist")

    @property
    def distrusts(self) -> bool:
        """It demands the old password of whoever does not run `passwd`, root too."""
        return bool(self.flags & {"ask_oldauthtok", "ask_oldauthtok=update", "check_oldauthtok"})

    @property
    def insists(self) -> bool:
        return bool(self.flags & {"use_authtok", "use_first_pass"})

    def _offered(self, kind: int) -> bool:
        return self.lengths[kind] <= min(self.longest, LONGEST) and (kind != PASSPHRASE or self.words > 0)

    def _fewest(self, kind: int) -> int:
        return max(2, 2 * self.words - 1) if kind == PASSPHRASE else _FEWEST[kind]

    def enforced(self, by_root: bool) -> bool:
        """by_root: root runs `passwd`; any other program counts as its user's, root's too."""
        return self.enforce == "everyone" or (self.enforce == "users" and not by_root)

    def accepts(self, candidate: Candidate) -> bool:
        """A login name or a word in it counts for nothing, and what is left is strong enough; of words it knows a few thousand short ones."""
        shortest = self.shortest
        if shortest is None or candidate.length < shortest or (candidate.word and self.listed):
            return False
        kinds = (0, 1, 3, 4)[: len(candidate.classes)]
        if any(self._offered(kind) for kind in kinds):
            return True
        between = self.words < 2 or set(candidate.classes) & {"d", "o"}
        return bool(between and set(candidate.classes) & {"u", "l"}) and len(candidate.classes) > 1 and self._offered(PASSPHRASE)


class _Refused(Exception):
    """It gives up over an option."""


def passwdqc(files: Files, args: Iterable[str]) -> Passwdqc:
    """The defaults are those of 2.0. Raises Unseen for a file that was not seen."""
    found = Passwdqc()
    try:
        for arg in args:
            found = _option(files, found, arg, ())
    except _Refused:
        return Passwdqc(broken=True)
    return replace(found, blind=any(path and not files.exists(path) for _, path in found.lists))


def _option(files: Files, found: Passwdqc, option: str, opened: tuple[str, ...]) -> Passwdqc:
    key, equals, value = option.partition("=")
    if key == "min" and equals:
        return replace(found, lengths=_lengths(value))
    if key == "max" and equals:
        return replace(found, longest=min(_number(value, 8, INT_MAX), 10_000))
    if key in _COUNTS and equals:
        number = _number(value, 0, INT_MAX)
        return replace(found, words=number) if key == "passphrase" else replace(found, retry=number) if key == "retry" else found
    if option in ("similar=permit", "similar=deny"):
        return found
    if key == "random" and equals:
        alone = value.endswith(",only")
        bits = _number(value.removesuffix(",only"), 0, 136)
        if 0 < bits < 24:
            raise _Refused
        return replace(found, lengths=(*found.lengths[:4], DISABLED)) if alone else found
    if key in _LISTS and equals:
        return replace(found, lists=(*(entry for entry in found.lists if entry[0] != key), (key, value)))
    if option in ("enforce=everyone", "enforce=users", "enforce=none"):
        return replace(found, enforce=value)
    if key == "config" and equals:
        return _file(files, found, value, opened)
    asks = {flag for flag in found.flags if flag.startswith("ask_")}
    clash = (
        (option == "non-unix" and "check_oldauthtok" in found.flags)
        or (option == "check_oldauthtok" and "non-unix" in found.flags)
        or (option == "use_first_pass" and asks)
        or (option.startswith("ask_") and "use_first_pass" in found.flags)
    )
    if option not in _FLAGS or clash:
        raise _Refused
    return replace(found, flags=(found.flags - asks if option.startswith("ask_") else found.flags) | {option})


def _file(files: Files, found: Passwdqc, path: str, opened: tuple[str, ...]) -> Passwdqc:
    lines = None if path in opened else files.lines(path)
    if lines is None:
        raise _Refused  # not there, or it includes itself
    for line in lines:
        text = line.text.strip(" \t\r")
        if "<masked>" in text and text[:1] != "#":
            raise Unseen(Gap(f"file:{path}", Reason.AMBIGUOUS, f"line {line.number} is masked"))
        if text and text[0] != "#":
            found = _option(files, found, text, (*opened, path))
            found = replace(found, because=(*found.because, line))
    return found


def _number(text: str, least: int, most: int) -> int:
    """strtoul(3), base 10, of the whole text: nothing is nought."""
    match = re.fullmatch(r"[ \t\n\v\f\r]*([+-]?)([0-9]+)|", text)
    number = int(match[2] or 0) if match else -1
    if (match and match[1] == "-" and number) or not least <= number <= most:
        raise _Refused
    return number


def _lengths(text: str) -> tuple[int, ...]:
    """Five numbers, none greater than the one before; `disabled` is greater than any."""
    numbers: list[int] = []
    for word in text.split(","):
        numbers.append(DISABLED if word == "disabled" else _number(word, 0, INT_MAX))
        if len(numbers) > 5 or numbers[-1] > min(numbers):
            raise _Refused
    if len(numbers) != 5:
        raise _Refused
    return tuple(numbers)
