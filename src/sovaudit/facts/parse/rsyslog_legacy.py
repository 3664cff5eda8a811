"""The sysklogd heritage in rsyslog.conf: priority filters, property filters and one-line actions.

Behaviour after runtime/conf.c (DecodePRIFilter, cflineParseFileName, cflineParseTemplateName) and grammar/rainerscript.c
(DecodePropFilter).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

FACILITIES = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp", "audit", "alert", "clock",
    "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
)  # fmt: skip
SEVERITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
_FACILITY_NUMBERS = {name: number for number, name in enumerate(FACILITIES)} | {"security": 4}
_SEVERITY_NUMBERS = {name: number for number, name in enumerate(SEVERITIES)} | {"panic": 0, "error": 3, "warn": 4}
_ALL = 0xFF

Mask = tuple[int, ...]  # one byte per facility; bit n stands for severity n
OPERATIONS = ("contains", "isequal", "isempty", "startswith", "regex", "ereregex")  # of property filters


class RefusedError(ValueError):
    """rsyslog refuses this part of the line; what was decoded before it stays in force."""


@dataclass(frozen=True, slots=True)
class PropertyFilter:
    name: str
    operation: str
    negated: bool
    value: str


def decode_selector(text: str) -> Mask:
    """The mask of `auth,authpriv.*;mail.none`. Unknown names end the decoding; what stood before them counts."""
    mask = [0] * len(FACILITIES)
    rest = text
    while rest and rest[0] not in "\t ":
        left, dot, after = rest.partition(".")
        if not dot:
            break
        end = next((i for i, c in enumerate(after) if c in "\t ,;"), len(after))
        word, tail = after[:end], after[end:].lstrip(",;")
        negated = word.startswith("!")
        word = word[1:] if negated else word
        single = word.startswith("=")
        bits = _severity(word[1:] if single else word)
        if bits is None:
            break
        for name in re.split(r"[, ]+", left.split(";")[0]):
            if not name:
                continue
            if name.startswith("*"):
                places = range(len(mask))
            elif (place := _facility(name)) is not None:
                places = range(place, place + 1)
            else:
                return tuple(mask)
            for i in places:
                mask[i] = _combine(mask[i], bits, single, negated)
        rest = tail
    return tuple(mask)


def _combine(old: int, severity: int, single: bool, negated: bool) -> int:
    if severity == NONE:
        return _ALL if negated else 0
    if single:
        if severity > 7:
            return old
        if negated:
            return old & ~(1 << severity)
        return old | 1 << severity
    if severity == STAR:
        return 0 if negated else _ALL
    upto = (2 << severity) - 1
    return old & ~upto if negated else old | upto


NONE, STAR = 16, 255


def _severity(word: str) -> int | None:
    if word.lower() == "none":
        return NONE
    if word == "*":
        return STAR
    if word.isascii() and word.isdigit():
        return int(word[:4]) if int(word[:4]) < 8 else None
    return _SEVERITY_NUMBERS.get(word.lower())


def _facility(word: str) -> int | None:
    if word.isascii() and word.isdigit():
        number = int(word[:4])
        return number >> 3 if number >> 3 < len(FACILITIES) else None
    return _FACILITY_NUMBERS.get(word.lower())


def matches(mask: Mask, facility: int, severity: int) -> bool:
    return bool(mask[facility] >> severity & 1)


def decode_property_filter(text: str) -> PropertyFilter:
    """`:programname, !startswith, "ssh"`. Raises RefusedError."""
    match = re.fullmatch(r'\s*:(\$?[A-Za-z\-]+) *, *(!?)([A-Za-z]+) *, *"(.*)"', text, re.DOTALL)
    if match is None:
        raise RefusedError("not a property filter")
    # rsyslog compares only as many letters as its own word has, in table order, so `containsx` is `contains`
    operation = next((word for word in OPERATIONS if match[3].startswith(word)), "")
    if not operation:
        raise RefusedError(f"invalid compare operation {match[3]!r}")
    return PropertyFilter(match[1].lower(), operation, bool(match[2]), re.sub(r"\\(.)", r"\1", match[4], flags=re.DOTALL))


@dataclass(frozen=True, slots=True)
class LegacyAction:
    """One action as its line says it. kind: file, dynafile, channel, forward, users, pipe, discard, shell, module, bad.

    target: path, template name, host, user list or the text after `:module:`.
    """

    kind: str
    target: str
    template: str = ""
    protocol: str = ""
    port: str = ""
    module: str = ""


def decode_action(text: str) -> LegacyAction:
    """What a one-line action means. Raises RefusedError where rsyslog drops it."""
    text = text.strip("\n")
    if text.startswith("~"):  # whatever follows on its line
        return LegacyAction("discard", "")
    if text.startswith(":"):
        module, _, rest = text[1:].partition(":")
        if module.lower() == "omfile":
            return _file(rest)
        if module.lower() == "omusrmsg":
            return LegacyAction("users", rest)
        return LegacyAction("module", rest, module=module.lower())
    if text[0] in "-/.?$":
        return _file(text)
    if text[0] == "@":
        return _forward(text)
    if text[0] == "|":
        path, template = _name(text[1:])
        return LegacyAction("pipe", path, template)
    if text[0] == "^":
        return LegacyAction("shell", text[1:].split(";")[0].strip())
    if text[0] == ">":
        return LegacyAction("module", text[1:], module="ommysql")
    return LegacyAction("users", text)


def _file(text: str) -> LegacyAction:
    if text.startswith("-"):
        text = text[1:]
    if text.startswith("$"):
        return LegacyAction("channel", _name(text[1:])[0])
    if text.startswith("?"):
        name, template = _name(text[1:])
        return LegacyAction("dynafile", name, template)
    if text[:1] not in ("/", "."):
        raise RefusedError("no file name")
    path, template = _name(text)
    return LegacyAction("file", path, template)


def _name(text: str) -> tuple[str, str]:
    """A name ends at a blank or a semicolon (a tab belongs to it!); then nothing, a comment or `;template` may follow."""
    end = next((i for i, c in enumerate(text) if c in " ;"), len(text))
    return text[:end], _template(text[end:])


def _template(rest: str) -> str:
    rest = rest.lstrip()
    if rest.startswith(";"):
        word = rest[1:].lstrip()
        return re.split(r"[\s#]", word, maxsplit=1)[0]
    if rest and not rest.startswith("#"):
        raise RefusedError("invalid character in selector line, ';template' expected")
    return ""


def _forward(text: str) -> LegacyAction:
    protocol = "tcp" if text.startswith("@@") else "udp"
    rest = text[2:] if protocol == "tcp" else text[1:]
    if rest.startswith("("):
        _, closed, rest = rest.partition(")")
        if not closed:
            raise RefusedError("option block is not closed")
    if rest.startswith("["):
        host, closed, rest = rest[1:].partition("]")
        if not closed:
            raise RefusedError("no closing bracket")
    else:
        end = next((i for i, c in enumerate(rest) if c in ":;# \t"), len(rest))
        host, rest = rest[:end], rest[end:]
    port = ""
    if rest.startswith(":"):
        end = next((i for i, c in enumerate(rest[1:], 1) if c in ";# \t"), len(rest))
        port, rest = rest[1:end], rest[end:]
    if not host:
        raise RefusedError("no target host")
    return LegacyAction("forward", host, _template(rest), protocol, port)
