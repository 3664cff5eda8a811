"""Sets of slapd.access(5), `set="…"`: what slapd makes of `this`, `user`, `[text]`, `/attribute`, `*`, `|`, `&` and `+`.

Operators have one rank and go from left to right. Whatever slapd would stumble over raises ValueError.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sovaudit.facts.parse.dn import parent

MAX_STEPS, MAX_VALUES = 60, 100_000
_NAME = r"[A-Za-z](?:[A-Za-z0-9]|-(?=[A-Za-z0-9-]))*"  # so that `this->owner` is two words
_STEP = rf"(/|->)\s*(?:-(\d{{1,3}}|\*)|({_NAME})(\*?))"
_TOKEN = re.compile(rf"\s*(?:\[([^\]]*)\]|{_STEP}|({_NAME})|([()|&+]))", re.ASCII)
Gather = Callable[[str, str], "frozenset[str] | None"]
"""(normal DN or other text, attribute) → values in the spelling that equal ones share; None if they were not seen."""


class Unknown(Exception):
    """Something that was not seen decides."""


@dataclass(frozen=True, slots=True)
class Node:
    """kind: this, user, text, `|`, `&`, `+` (parts), chase (attribute, closure), parent (level; -1: all of them)."""

    kind: str
    text: str = ""
    closure: bool = False
    level: int = 0
    parts: tuple[Node, ...] = ()

    def walk(self) -> Iterator[Node]:
        yield self
        for part in self.parts:
            yield from part.walk()

    def speaks_of(self, kind: str) -> bool:
        return any(node.kind == kind for node in self.walk())


def parse(text: str) -> Node:
    """Raises ValueError."""
    tokens: list[re.Match[str]] = []
    at = 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or len(tokens) > MAX_STEPS:
            raise ValueError("a set that slapd would not read")
        tokens.append(match)
        at = match.end()
    node, rest = _expression(tokens, 0)
    if rest != len(tokens):
        raise ValueError("a set that slapd would not read")
    return node


def _expression(tokens: list[re.Match[str]], at: int) -> tuple[Node, int]:
    left, at = _operand(tokens, at)
    while at < len(tokens) and tokens[at][7] in ("|", "&", "+"):
        right, after = _operand(tokens, at + 1)
        left, at = Node(tokens[at][7], parts=(left, right)), after
    return left, at


def _operand(tokens: list[re.Match[str]], at: int) -> tuple[Node, int]:
    if at >= len(tokens):
        raise ValueError("a set that ends too early")
    token = tokens[at]
    if token[1] is not None:
        node = Node("text", token[1])
    elif token[6] in ("this", "user"):
        node = Node(token[6])
    elif token[7] == "(":
        node, at = _expression(tokens, at + 1)
        if at >= len(tokens) or tokens[at][7] != ")":
            raise ValueError("a set without its parenthesis")
    else:
        raise ValueError("a set that slapd would not read")
    at += 1
    while at < len(tokens) and tokens[at][2]:
        step = tokens[at]
        if step[3]:
            node = Node("parent", level=-1 if step[3] == "*" else int(step[3]), parts=(node,))
        else:
            node = Node("chase", step[4].lower(), closure=bool(step[5]), parts=(node,))
        at += 1
    return node, at


def members(node: Node) -> Node | None:
    """Of `A & user`, where A speaks of neither the asker nor the entry: A."""
    for one, other in (node.parts, node.parts[::-1]) if node.kind == "&" else ():
        if other.kind == "user" and not one.speaks_of("user") and not one.speaks_of("this"):
            return one
    return None


def relation(node: Node) -> str:
    """Of `this/attribute & user`: the attribute; empty for other sets."""
    for one, other in (node.parts, node.parts[::-1]) if node.kind == "&" else ():
        if other.kind == "user" and one.kind == "chase" and not one.closure and one.parts[0].kind == "this":
            return one.text
    return ""


def own(node: Node) -> tuple[Node, str] | None:
    """Of `A & user/attribute`: A, which speaks of neither the asker nor the entry, and the attribute."""
    for one, other in (node.parts, node.parts[::-1]) if node.kind == "&" else ():
        plain = other.kind == "chase" and not other.closure and other.parts[0].kind == "user"
        if plain and not one.speaks_of("user") and not one.speaks_of("this"):
            return one, other.text
    return None


def by_name(node: Node) -> bool:
    """Whether a set asks of the asker nothing but their name."""
    return not any(one.kind == "chase" and one.speaks_of("user") for one in node.walk())


def evaluate(node: Node, user: str, this: str, gather: Gather) -> frozenset[str]:
    """What a set holds for who asks about an entry. Raises Unknown."""
    if node.kind in ("this", "user", "text"):
        return frozenset(({"this": this, "user": user}.get(node.kind, node.text),))
    inner = [evaluate(part, user, this, gather) for part in node.parts]
    if node.kind == "|":
        return inner[0] | inner[1]
    if node.kind == "&":
        return inner[0] & inner[1]
    if node.kind == "+":
        if len(inner[0]) * len(inner[1]) > MAX_VALUES:
            raise Unknown
        return frozenset(left + right for left in inner[0] for right in inner[1])
    if node.kind == "parent":
        return frozenset(name for value in inner[0] for name in _above(value, node.level))
    return _chased(inner[0], node, gather)


def _above(name: str, level: int) -> Iterator[str]:
    if level < 0:
        yield name
        while name:
            name = parent(name)
            yield name
        return
    for _ in range(level):
        name = parent(name)
    yield name


def _chased(names: frozenset[str], node: Node, gather: Gather) -> frozenset[str]:
    found: set[str] = set()
    for name in names:
        found |= _gathered(name, node.text, gather)
    todo = list(found) if node.closure else []
    while todo:
        for value in _gathered(todo.pop(), node.text, gather) - found:
            found.add(value)
            todo.append(value)
        if len(found) > MAX_VALUES:
            raise Unknown
    return frozenset(found)


def _gathered(name: str, attribute: str, gather: Gather) -> frozenset[str]:
    if name.lower().startswith("ldap:///"):
        raise Unknown  # a search of its own
    values = gather(name, attribute)
    if values is None:
        raise Unknown
    return values
