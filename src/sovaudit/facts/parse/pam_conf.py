"""One file of pam.conf(5) or pam.d(5) as libpam's own reader takes it (libpam/pam_handlers.c, pam_misc.c): lines, tokens, controls.

Nothing is looked up here: includes stay as they are written. A line that libpam finds malformed is no error of ours but an entry that must fail.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from sovaudit.model.finding import Line

MAX_LINE = 1000  # libpam 1.5 reads 1023 bytes at a time; beyond, versions differ


class Code(IntEnum):
    """PAM return codes (security/_pam_types.h)."""

    SUCCESS = 0
    OPEN_ERR = 1
    SYMBOL_ERR = 2
    SERVICE_ERR = 3
    SYSTEM_ERR = 4
    BUF_ERR = 5
    PERM_DENIED = 6
    AUTH_ERR = 7
    CRED_INSUFFICIENT = 8
    AUTHINFO_UNAVAIL = 9
    USER_UNKNOWN = 10
    MAXTRIES = 11
    NEW_AUTHTOK_REQD = 12
    ACCT_EXPIRED = 13
    SESSION_ERR = 14
    CRED_UNAVAIL = 15
    CRED_EXPIRED = 16
    CRED_ERR = 17
    NO_MODULE_DATA = 18
    CONV_ERR = 19
    AUTHTOK_ERR = 20
    AUTHTOK_RECOVERY_ERR = 21
    AUTHTOK_LOCK_BUSY = 22
    AUTHTOK_DISABLE_AGING = 23
    TRY_AGAIN = 24
    IGNORE = 25
    ABORT = 26
    AUTHTOK_EXPIRED = 27
    MODULE_UNKNOWN = 28
    BAD_ITEM = 29
    CONV_AGAIN = 30
    INCOMPLETE = 31


# Actions; a positive number is a jump over that many modules.
IGNORE, OK, DONE, BAD, DIE, RESET = 0, -1, -2, -3, -4, -5
Actions = tuple[int, ...]  # one per Code

_CODE_WORDS = (
    "success open_err symbol_err service_err system_err buf_err perm_denied auth_err cred_insufficient authinfo_unavail user_unknown maxtries "
    "new_authtok_reqd acct_expired session_err cred_unavail cred_expired cred_err no_module_data conv_err authtok_err authtok_recover_err "
    "authtok_lock_busy authtok_disable_aging try_again ignore abort authtok_expired module_unknown bad_item conv_again incomplete default"
).split()
_ACTION_WORDS = {"ignore": IGNORE, "ok": OK, "done": DONE, "bad": BAD, "die": DIE, "reset": RESET}
_BLANK = " \n\t"
_SPACE = " \t\n\v\f\r"
FACILITIES = ("auth", "account", "session", "password")


@dataclass(frozen=True, slots=True)
class Entry:
    """One logical line. facility: None where its first word is no module type. control: None where it is missing.

    include: `@include` (Debian's, whole file), `include`, `substack` or empty. module: None where missing; the included name for includes.
    silent: a `-` stands before the type: a missing module is not logged, and nothing else changes.
    service: the first column of /etc/pam.conf, empty in pam.d files.
    """

    line: Line
    facility: str | None
    silent: bool
    control: str | None
    include: str
    module: str | None
    args: tuple[str, ...]
    service: str = ""


@dataclass(frozen=True, slots=True)
class Parsed:
    """entries: what was read before the end or before `broken`, the line at which libpam gives the whole file up (a continuation into nothing).

    too_long: a line longer than every libpam reads alike.
    """

    entries: tuple[Entry, ...]
    broken: Line | None = None
    too_long: Line | None = None


@lru_cache(maxsize=256)
def parse_usual(lines: tuple[Line, ...]) -> Parsed:
    """As `parse`, remembered: like hosts hold like files."""
    return parse(lines)


def parse(lines: Iterable[Line], *, service_column: bool = False) -> Parsed:
    """The entries of one file. Never raises."""
    entries: list[Entry] = []
    held = ""
    first: Line | None = None
    for line in lines:
        text = line.text.split("\0")[0]
        if len(text) + len(held) > MAX_LINE:
            return Parsed(tuple(entries), None, line)
        stripped = text.lstrip(_BLANK)
        if not stripped or stripped[0] == "#":
            continue  # also between a backslash and its continuation
        first = first or line
        body, hash_mark, _ = text.partition("#")
        if not hash_mark:
            trimmed = body.rstrip(_BLANK)
            if trimmed.endswith("\\"):
                held += trimmed[:-1] + " "
                continue
        entry = _entry(held + body, first, service_column)
        if entry is not None:
            entries.append(entry)
        held, first = "", None
    return Parsed(tuple(entries), first)


def _entry(text: str, line: Line, service_column: bool) -> Entry | None:
    words = tokens(text)
    service = ""
    if service_column:
        service = words.pop(0) if words else ""
    if not words:
        return Entry(line, None, False, None, "", None, (), service)
    kind = words.pop(0)
    silent = kind.startswith("-")
    kind = kind[1:] if silent else kind
    if kind.lower() == "@include":
        return Entry(line, None, silent, None, "@include", words[0] if words else None, (), service)
    facility = kind.lower() if kind.lower() in FACILITIES else None
    control = words.pop(0) if words else None
    include = control.lower() if control is not None and control.lower() in ("include", "substack") else ""
    module = words.pop(0) if words else None
    return Entry(line, facility, silent, control, include, module, tuple(words), service)


def tokens(text: str) -> list[str]:
    """Words as `_pam_StrTok` cuts them: blanks separate, `[…]` is one word without its brackets, `\\]` inside is a bracket."""
    found: list[str] = []
    at = 0
    while True:
        while at < len(text) and text[at] in _BLANK:
            at += 1
        if at >= len(text):
            return found
        if text[at] != "[":
            end = at
            while end < len(text) and text[end] not in _BLANK:
                end += 1
            found.append(text[at:end])
            at = end + 1
            continue
        word = []
        at += 1
        while at < len(text) and text[at] != "]":
            if text[at] == "\\" and text[at + 1 : at + 2] == "]":
                at += 1
            word.append(text[at])
            at += 1
        found.append("".join(word))
        at += 1


_KEYWORDS = {
    "required": ({Code.SUCCESS: OK, Code.NEW_AUTHTOK_REQD: OK, Code.IGNORE: IGNORE}, BAD),
    "requisite": ({Code.SUCCESS: OK, Code.NEW_AUTHTOK_REQD: OK, Code.IGNORE: IGNORE}, DIE),
    "optional": ({Code.SUCCESS: OK, Code.NEW_AUTHTOK_REQD: OK}, IGNORE),
    "sufficient": ({Code.SUCCESS: DONE, Code.NEW_AUTHTOK_REQD: DONE}, IGNORE),
}
ALL_BAD: Actions = (BAD,) * len(Code)


@lru_cache(maxsize=1024)
def actions(control: str) -> Actions:
    """What each return code does. A control that libpam cannot parse makes every code `bad`."""
    named = _KEYWORDS.get(control.lower())
    if named is not None:
        given, rest = named
        return tuple(given.get(code, rest) for code in Code)
    table: list[int | None] = [None] * len(Code)
    at = 0
    while True:
        at = _skip(control, at)
        if at >= len(control):
            return tuple(BAD if action is None else action for action in table)
        word = next((word for word in _CODE_WORDS if control.startswith(word, at)), None)
        if word is None:
            return ALL_BAD
        at = _skip(control, at + len(word))
        if control[at : at + 1] != "=":
            return ALL_BAD
        at = _skip(control, at + 1)
        name = next((name for name in _ACTION_WORDS if control.startswith(name, at)), None)
        if name is not None:
            action = _ACTION_WORDS[name]
            at += len(name)
        else:
            digits = re.match(r"[0-9]+", control[at : at + 9])
            if digits is None or int(digits[0]) == 0:
                return ALL_BAD
            action = int(digits[0])
            at += len(digits[0])
        if word == "default":
            table = [action if held is None else held for held in table]
        else:
            table[_CODE_WORDS.index(word)] = action


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at
