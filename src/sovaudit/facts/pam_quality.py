"""Which passwords pam_pwquality, pam_cracklib and pam_unix accept, by their length, their classes, a dictionary word or a login name in them.

Strings are chosen as well as may be: as many classes as help, no repeats, nothing else to object to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum, unique

from sovaudit.facts.files import Files
from sovaudit.facts.pam_history import strtol
from sovaudit.facts.parse.pwquality_conf import Quality
from sovaudit.model.finding import Line

LONGEST = 511  # PAM_MAX_RESP_SIZE: nothing longer can be set
DEBIAN_DICTIONARY = "/var/cache/cracklib/cracklib_dict"
_DICTIONARIES = (DEBIAN_DICTIONARY, "/usr/share/cracklib/pw_dict", "/usr/lib/cracklib_dict", "/usr/lib64/cracklib_dict")
_CREDITS = ("dcredit", "ucredit", "lcredit", "ocredit")
CLASSES = "dulo"  # digits, upper case, lower case, others
MIN_WORD = 4  # libpwquality looks for no shorter word or login name (PWQ_MIN_WORD_LENGTH)
HEADER = 12  # bytes of cracklib's index header
SMALL = 8192  # bytes of packed words: a thousand or so, which is no dictionary


@dataclass(frozen=True, slots=True)
class Candidate:
    """A password that somebody would like to set. Whatever is not said is as good as can be.

    length: of exactly so many characters. classes: made of these alone (letters of CLASSES). word: built on a word of the dictionary.
    name: this login name stands in it. used: it is that many entries back in the module's history.
    """

    length: int = LONGEST
    classes: str = CLASSES
    word: bool = False
    name: str = ""
    used: int = 0


@unique
class Dictionary(Enum):
    """What cracklib finds where it looks for its words."""

    NONE = "none"  # it then refuses every password
    SMALL = "small"  # too few words to speak of
    FULL = "full"


def shortest_quality(quality: Quality, dictionary: Dictionary) -> int | None:
    """The shortest string that libpwquality accepts, None if it accepts none (no dictionary to look into, or longer than can be set).

    src/check.c: credits that are positive shrink minlen, negative ones demand that many.
    """
    if quality["usercheck"] and quality["usersubstr"] < -1:
        return None  # it asks for so much memory that it gets none, and refuses
    floor = 2  # one character is a palindrome
    if quality["dictcheck"]:
        if dictionary is Dictionary.NONE:
            return None
        floor = 6  # FascistCheck: "it is too short"
    needed = [max(0, -quality[credit]) for credit in _CREDITS]
    bonus = sum(max(0, quality[credit]) for credit in _CREDITS)
    generous = sum(quality[credit] > 0 for credit in _CREDITS)
    present = sum(amount > 0 for amount in needed)
    missing = max(0, quality["minclass"] - present)
    run = _longest_run(quality)
    for length in range(max(floor, sum(needed) + missing), LONGEST + 1):
        free = length - sum(needed)
        spent = max(0, missing - generous)  # places for classes that give no credit
        if run > 0 and max(needed) > run * (length - max(needed) + 1):
            continue
        if length >= quality["minlen"] - min(max(0, free - spent), bonus):
            return length
    return None


def quality_accepts(quality: Quality, dictionary: Dictionary, candidate: Candidate) -> bool:
    """Whether libpwquality accepts such a password, were it enforced."""
    shortest = shortest_quality(quality, dictionary)
    if shortest is None or candidate.length < shortest:
        return False
    if candidate.word and quality["dictcheck"] and dictionary is Dictionary.FULL:
        return False
    if quality["usercheck"] and len(candidate.name) >= MIN_WORD:
        return False
    return candidate.classes == CLASSES or _classes_accepted(quality, candidate.classes)


def _classes_accepted(quality: Quality, classes: str) -> bool:
    """Whether some string of these classes alone is accepted."""
    if len(classes) < quality["minclass"]:
        return False
    credit_of = dict(zip(CLASSES, (quality[name] for name in _CREDITS), strict=True))
    if any(amount < 0 and letter not in classes for letter, amount in credit_of.items()):
        return False
    demanded = sum(max(0, -credit_of[letter]) for letter in classes)
    floor = max(demanded, 6 if quality["dictcheck"] else 2)
    longest = _longest_run(quality) if len(classes) == 1 and _longest_run(quality) else LONGEST
    bonus = sum(max(0, credit_of[letter]) for letter in classes)
    return any(length >= quality["minlen"] - min(length - demanded, bonus) for length in range(floor, min(longest, LONGEST) + 1))


def _longest_run(quality: Quality) -> int:
    """How many characters of one class may follow each other; 0: any number. One is no limit either (src/check.c)."""
    return quality["maxclassrepeat"] if quality["maxclassrepeat"] > 1 else 0


def dictionary_of(files: Files, path: str, real: bool, debian: bool) -> Dictionary:
    """What is there under dictpath, empty for the compiled-in place. real: the evidence shows installed modules, so that a missing dictionary
    is one. Raises Unseen.
    """
    found = Dictionary.NONE
    for place in (path,) if path else (DEBIAN_DICTIONARY,) if debian and real else _DICTIONARIES:
        index = files.follow(place + ".pwi")
        words = files.follow(place + ".pwd")
        packed = words is None and files.exists(place + ".pwd.gz")
        if index is None or index.size < HEADER or not (words or packed):
            continue
        if packed or (words is not None and words.size >= SMALL):
            return Dictionary.FULL
        found = Dictionary.SMALL
    return found if real else Dictionary.FULL


_CRACKLIB = {
    "difok": 5,
    "minlen": 9,
    "dcredit": 1,
    "ucredit": 1,
    "lcredit": 1,
    "ocredit": 1,
    "minclass": 0,
    "maxrepeat": 0,
    "maxclassrepeat": 0,
    "retry": 1,
}


def cracklib_quality(args: Iterable[str], line: Line) -> Quality:
    """pam_cracklib(8): the same arithmetic with its own defaults and no file; of a number it takes what it can."""
    found = Quality(values={**Quality().values, **_CRACKLIB, "usercheck": 0})
    for arg in args:
        name, equals, value = arg.partition("=")
        if arg == "reject_username":
            found = replace(found, values={**found.values, "usercheck": 1})
        elif arg == "enforce_for_root" or (name == "dictpath" and equals):
            found = found.set(name, value, line) or found
        elif name in _CRACKLIB and equals:
            found = found.set(name, str(strtol(value)), line) or found
    return found


def unix_floor(args: Iterable[str], debian: bool) -> int:
    """pam_unix: the length it demands of a user (root is exempt). Debian's patch starts at 6, upstream at none; `minlen=` replaces both."""
    floor = 6 if debian else 1
    for arg in args:
        if arg.startswith("minlen="):
            match = re.match(r"\s*[+-]?[0-9]{1,9}", arg[7:])
            floor = max(1, int(match[0]) if match else 0)
    return floor
