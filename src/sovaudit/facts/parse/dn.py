"""Distinguished names (RFC 4514) compared as directories compare them: case and spaces around separators do not matter."""

from __future__ import annotations

import re
from functools import lru_cache

_SPACES = re.compile(r"\s*([,;=+])\s*")
_ODD = re.compile(r'[\\";]|\s[,=+\s]|[,=+]\s|\A\s|\s\Z')  # what makes a spelling of its own; few names have it
_RUNS = re.compile(r"\s{2,}")
_ESCAPED = re.compile(r"\\([0-9A-Fa-f]{2}|.)", re.DOTALL)


def normal(name: str) -> str:
    """A DN in one spelling: equal DNs give equal strings. Values are taken as caseIgnore strings, as all naming attributes in use are."""
    if _ODD.search(name) is None:
        return name.lower()
    if "\\" not in name and '"' not in name:
        return _RUNS.sub(" ", _SPACES.sub(r"\1", name.strip()).replace(";", ",")).lower()
    return ",".join("+".join(sorted(f"{_quoted(key)}={_quoted(value)}" for key, value in part)) for part in parts(name))


@lru_cache(maxsize=4096)
def parts(name: str) -> tuple[tuple[tuple[str, str], ...], ...]:
    """RDNs from the entry upwards, each as its (attribute, value) pairs in lower case, unescaped. A malformed DN gives what could be read."""
    found: list[tuple[tuple[str, str], ...]] = []
    for rdn in _split(name, ",;"):
        pairs = []
        for pair in _split(rdn, "+"):
            key, _, value = pair.partition("=")
            pairs.append((_plain(key), _plain(value)))
        found.append(tuple(pairs))
    return tuple(found)


def parent(name: str) -> str:
    """The normal DN above this one; empty above the top."""
    if "\\" not in name and '"' not in name:
        return normal(name).partition(",")[2]
    return ",".join("+".join(sorted(f"{_quoted(key)}={_quoted(value)}" for key, value in part)) for part in parts(name)[1:])


def below(name: str, base: str) -> bool:
    """Whether a normal DN is the normal base or stands below it."""
    return not base or name == base or name.endswith("," + base)


def first_value(name: str) -> str:
    """The value of the first RDN, as written."""
    for rdn in _split(name, ",;"):
        return _unescape(_trimmed(rdn.partition("=")[2]))
    return ""


def _split(text: str, separators: str) -> list[str]:
    found, begin, quoted, skip = [], 0, False, False
    for at, character in enumerate(text):
        if skip:
            skip = False
        elif character == "\\":
            skip = True
        elif character == '"':
            quoted = not quoted
        elif character in separators and not quoted:
            found.append(text[begin:at])
            begin = at + 1
    if text[begin:].strip() or found:
        found.append(text[begin:])
    return found


def _plain(value: str) -> str:
    return _RUNS.sub(" ", _unescape(_trimmed(value)).strip()).lower()  # outer spaces do not count, even escaped (RFC 4518 2.6.1)


def _trimmed(value: str) -> str:
    """Without outer spaces; an escaped one at the end stays."""
    short = value.strip()
    kept = value.lstrip()
    if short.endswith("\\") and len(kept) > len(short) and (len(short) - len(short.rstrip("\\"))) % 2:
        short += " "
    if len(short) >= 2 and short[0] == '"' == short[-1]:
        return short[1:-1]
    return short


def _unescape(value: str) -> str:
    def one(match: re.Match[str]) -> str:
        code = match[1]
        return chr(int(code, 16)) if len(code) == 2 else code

    if "\\" not in value:
        return value
    text = _ESCAPED.sub(one, value)
    # hexadecimal pairs are bytes of UTF-8
    try:
        return text.encode("latin-1").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return text


def _quoted(value: str) -> str:
    return re.sub(r'([,;+"\\<>=])', r"\\\1", value)
