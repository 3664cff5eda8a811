"""Access control instructions of 389 Directory Server and FreeIPA (Red Hat Directory Server, "Managing access control"):

    (targetattr = "cn || sn")(target = "ldap:///ou=people,dc=x")(version 3.0; acl "name"; allow (read, write) userdn = "ldap:///self";)

Only the words are told apart here; what they come to is facts/directories/aci.py's business.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

DEEPEST = 100
ALL = frozenset("read write add delete search compare selfwrite".split())  # what `all` means: not proxy


@dataclass(frozen=True, slots=True)
class Bind:
    """A bind rule: `and`, `or`, `not` over parts, or one comparison `keyword` `operator` (`=` or `!=`, `<` …) over values."""

    keyword: str
    operator: str = "="
    values: tuple[str, ...] = ()
    parts: tuple[Bind, ...] = ()


@dataclass(frozen=True, slots=True)
class Permission:
    allow: bool
    rights: frozenset[str]
    bind: Bind


@dataclass(frozen=True, slots=True)
class Target:
    """`keyword` in lower case: target, targetattr, targetfilter, targattrfilters, targetscope, target_to, target_from, extop."""

    keyword: str
    negated: bool
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Aci:
    """name: of its acl clause. text: as it stands in the entry, runs of blanks as one."""

    name: str
    targets: tuple[Target, ...] = ()
    permissions: tuple[Permission, ...] = ()
    text: str = field(default="", compare=False)

    def target(self, keyword: str) -> Target | None:
        return next((one for one in self.targets if one.keyword == keyword), None)


def parse_aci(text: str) -> Aci:
    """Raises ValueError for what the server would not have taken."""
    words = _Words(text)
    targets: list[Target] = []
    while True:
        words.expect("(")
        keyword = words.word().lower()
        if keyword == "version":
            break
        operator = words.operator()
        values = _values(words.target())
        words.expect(")")
        targets.append(Target(keyword, operator == "!=", values))
    if words.word() != "3.0":
        raise ValueError("a version that is not 3.0")
    words.expect(";")
    if words.word().lower() not in ("acl", "aci"):
        raise ValueError("no acl clause")
    name = words.string()
    words.expect(";")
    permissions: list[Permission] = []
    while not words.at(")"):
        kind = words.word().lower()
        if kind not in ("allow", "deny"):
            raise ValueError(f"{kind!r} where allow or deny is expected")
        words.expect("(")
        rights: set[str] = set()
        while not words.at(")"):
            right = words.word().lower()
            if not right:
                raise ValueError("a right without a name")
            rights |= ALL if right == "all" else {right}
            if words.at(","):
                words.expect(",")
        words.expect(")")
        bind = _any(words)
        words.expect(";")
        permissions.append(Permission(kind == "allow", frozenset(rights - {"none"}), bind))
    words.expect(")")
    if not permissions:
        raise ValueError("no permission")
    return Aci(name, tuple(targets), tuple(permissions), " ".join(text.split()))


def _values(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split("||") if part.strip())


def _any(words: _Words, depth: int = 0) -> Bind:
    """`and` and `or` bind alike and to the right: `a and b or c` is `a and (b or c)`, in the server's own grammar."""
    if depth > DEEPEST:
        raise ValueError("a bind rule too deep")
    left = _one(words, depth)
    if words.peek().lower() in ("and", "or"):
        return Bind(words.word().lower(), parts=(left, _any(words, depth + 1)))
    return left


def _one(words: _Words, depth: int) -> Bind:
    if depth > DEEPEST:
        raise ValueError("a bind rule too deep")
    if words.peek().lower() == "not":
        words.word()
        return Bind("not", parts=(_one(words, depth + 1),))
    if words.at("("):
        words.expect("(")
        inner = _any(words, depth + 1)
        words.expect(")")
        return inner
    keyword = words.word().lower()
    if not keyword:
        raise ValueError("a bind rule without a keyword")
    operator = words.operator()
    return Bind(keyword, operator, _values(words.string()))


class _Words:
    """The text of an instruction, read from the left."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def _skip(self) -> None:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1

    def at(self, mark: str) -> bool:
        self._skip()
        return self._text.startswith(mark, self._at)

    def expect(self, mark: str) -> None:
        if not self.at(mark):
            raise ValueError(f"{mark!r} is missing at {self._at}")
        self._at += len(mark)

    def peek(self) -> str:
        here = self._at
        word = self.word()
        self._at = here
        return word

    def word(self) -> str:
        self._skip()
        begin = self._at
        while self._at < len(self._text) and (self._text[self._at].isalnum() or self._text[self._at] in "._-"):
            self._at += 1
        return self._text[begin : self._at]

    def operator(self) -> str:
        self._skip()
        for mark in ("!=", "<=", ">=", "=", "<", ">"):
            if self._text.startswith(mark, self._at):
                self._at += len(mark)
                return mark
        raise ValueError(f"no comparison at {self._at}")

    def target(self) -> str:
        """The value of a target: quoted, or bare up to the bracket that closes it."""
        if self.at('"'):
            return self.string()
        begin, depth = self._at, 0
        while self._at < len(self._text):
            character = self._text[self._at]
            depth += (character == "(") - (character == ")")
            if depth < 0:
                break
            self._at += 1
        return self._text[begin : self._at].strip()

    def string(self) -> str:
        self._skip()
        if not self.at('"'):
            word = self.word()
            if not word:
                raise ValueError(f"no value at {self._at}")
            return word
        begin = self._at + 1
        at = begin
        while at < len(self._text) and self._text[at] != '"':
            at += 2 if self._text[at] == "\\" else 1
        if at >= len(self._text):
            raise ValueError("a string without an end")
        self._at = at + 1
        return self._text[begin:at]


def comparisons(bind: Bind) -> Iterator[Bind]:
    """Every single comparison in a bind rule."""
    if bind.parts:
        for part in bind.parts:
            yield from comparisons(part)
    else:
        yield bind
