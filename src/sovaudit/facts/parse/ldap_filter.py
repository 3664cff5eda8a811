"""Search filters as text, RFC 4515."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_DEPTH = 64
_ESCAPED = re.compile(rb"\\([0-9A-Fa-f]{2})")
_ITEM = re.compile(r"([A-Za-z0-9][A-Za-z0-9.;-]{0,200})(=|>=|<=|~=)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Filter:
    """kind: and, or, not (parts), present, equal, substring (values: begin, middles …, end), more, less, like, other. attribute: lower case."""

    kind: str
    attribute: str = ""
    values: tuple[str, ...] = ()
    parts: tuple[Filter, ...] = ()

    def attributes(self) -> frozenset[str]:
        """Every attribute that it looks at; `*` stands for what we do not follow."""
        if self.kind == "other":
            return frozenset(("*",))
        own = frozenset((self.attribute,)) if self.attribute else frozenset[str]()
        return own.union(*(part.attributes() for part in self.parts))


def parse(text: str) -> Filter:
    """One filter; its outer parentheses may lack, as slapd allows. Raises ValueError."""
    short = text.strip()
    if short and not short.startswith("("):
        short = f"({short})"
    found, at = _filter(short, 0, 0)
    if short[at:].strip():
        raise ValueError("more than one filter")
    return found


def _filter(text: str, at: int, depth: int) -> tuple[Filter, int]:
    if depth > MAX_DEPTH or text[at : at + 1] != "(":
        raise ValueError("no filter")
    at = _blank(text, at + 1)
    kind = {"&": "and", "|": "or", "!": "not"}.get(text[at : at + 1])
    if kind is None:
        end = text.find(")", at)
        if end < 0:
            raise ValueError("no end of a filter")
        return _item(text[at:end]), end + 1
    at = _blank(text, at + 1)
    parts = []
    while text[at : at + 1] == "(":
        part, at = _filter(text, at, depth + 1)
        parts.append(part)
        at = _blank(text, at)
    if text[at : at + 1] != ")" or (kind == "not" and len(parts) != 1):
        raise ValueError("no end of a filter")
    return Filter(kind, parts=tuple(parts)), at + 1


def _blank(text: str, at: int) -> int:
    while text[at : at + 1].isspace():
        at += 1
    return at


def _item(text: str) -> Filter:
    match = _ITEM.match(text)
    if match is None or "(" in text:
        return Filter("other")
    attribute, sign, value = match[1].lower(), match[2], text[match.end() :]
    if sign != "=":
        return Filter({">=": "more", "<=": "less", "~=": "like"}[sign], attribute, (_plain(value),))
    if value == "*":
        return Filter("present", attribute)
    if "*" in value:
        return Filter("substring", attribute, tuple(_plain(part) for part in value.split("*")))
    return Filter("equal", attribute, (_plain(value),))


def _plain(value: str) -> str:
    data = value.encode("utf-8", "surrogateescape")
    return _ESCAPED.sub(lambda match: bytes((int(match[1], 16),)), data).decode("utf-8", "surrogateescape")
