"""The shortest password that a module of a password stack accepts: pam_pwquality, pam_cracklib, pam_passwdqc, pam_unix.

Strings are chosen as well as may be: as many classes as help, no repeats, no dictionary word, nothing of the account's name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sovaudit.facts.files import Files, Unseen
from sovaudit.facts.parse.pwquality_conf import Quality
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

LONGEST = 511  # PAM_MAX_RESP_SIZE: nothing longer can be set
_DICTIONARIES = ("/var/cache/cracklib/cracklib_dict", "/usr/share/cracklib/pw_dict", "/usr/lib/cracklib_dict", "/usr/lib64/cracklib_dict")
_CREDITS = ("dcredit", "ucredit", "lcredit", "ocredit")


def shortest_quality(quality: Quality, dictionary: bool) -> int | None:
    """The shortest string that libpwquality accepts, None if it accepts none (no dictionary to look into, or longer than can be set).

    dictionary: whether cracklib finds its words. src/check.c: credits that are positive shrink minlen, negative ones demand that many.
    """
    floor = 2  # one character is a palindrome
    if quality["dictcheck"]:
        if not dictionary:
            return None
        floor = 6  # FascistCheck: "it is too short"
    needed = [max(0, -quality[credit]) for credit in _CREDITS]
    bonus = sum(max(0, quality[credit]) for credit in _CREDITS)
    generous = sum(quality[credit] > 0 for credit in _CREDITS)
    present = sum(amount > 0 for amount in needed)
    missing = max(0, quality["minclass"] - present)
    run = quality["maxclassrepeat"]
    for length in range(max(floor, sum(needed) + missing), LONGEST + 1):
        free = length - sum(needed)
        spent = max(0, missing - generous)  # places for classes that give no credit
        if run > 0 and max(needed) > run * (length - max(needed) + 1):
            continue
        if length >= quality["minlen"] - min(max(0, free - spent), bonus):
            return length
    return None


def has_dictionary(files: Files, path: str, real: bool) -> bool:
    """Whether cracklib's words are there. real: the evidence shows installed modules, so that a missing dictionary is one. Raises Unseen."""
    places = (path,) if path else _DICTIONARIES
    for place in places:
        for suffix in (".pwd", ".pwd.gz"):
            if files.exists(place + suffix):
                return True
    return not real


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
}


def cracklib_quality(args: Iterable[str], line: Line) -> Quality:
    """pam_cracklib(8): the same arithmetic with its own defaults and no file."""
    found = Quality(values={**Quality().values, **_CRACKLIB})
    for arg in args:
        name, equals, value = arg.partition("=")
        if (name in _CRACKLIB and equals) or name == "enforce_for_root":
            found = found.set(name, value, line) or found
    return found


def shortest_passwdqc(files: Files, args: Iterable[str]) -> tuple[int | None, str]:
    """pam_passwdqc(8): the shortest of its five kinds, and whom it is enforced for (`everyone`, `users`, `none`).

    Raises Unseen for a configuration file, which is not evaluated.
    """
    lengths, enforce = "disabled,24,11,8,7", "everyone"
    for arg in args:
        key, _, value = arg.partition("=")
        if key == "min":
            lengths = value
        elif key == "enforce" and value in ("everyone", "users", "none"):
            enforce = value
        elif key == "config":
            raise Unseen(Gap(f"file:{value}", Reason.UNSUPPORTED, "pam_passwdqc's configuration file is not evaluated"))
    numbers = [int(word) for word in lengths.split(",") if re.fullmatch(r"[0-9]{1,4}", word)]
    return (min(numbers) if numbers else None), enforce


def unix_floor(args: Iterable[str], debian: bool) -> int:
    """pam_unix: the length it demands of a user (root is exempt). Debian's patch starts at 6, upstream at none; `minlen=` replaces both."""
    floor = 6 if debian else 1
    for arg in args:
        if arg.startswith("minlen="):
            match = re.match(r"\s*[+-]?[0-9]{1,9}", arg[7:])
            floor = max(1, int(match[0]) if match else 0)
    return floor
