"""doas.conf(5) as OpenDoas reads it (parse.y of 6.8): one mistake anywhere, and doas serves nobody.

Treacherous: a last line without its newline is such a mistake, and so are options behind `deny` or behind the name, `nopass` with `persist`, and a
keyword behind a continued line, where it counts as a word. A carriage return belongs to the word before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from sovaudit.model.finding import Line

_KEYWORDS = frozenset("deny permit as cmd args nopass nolog persist keepenv setenv".split())
_ROOM = 1024  # bytes of one word


@dataclass(frozen=True, slots=True)
class DoasRule:
    """ident: a login or uid, or with `:` before it a group or gid. target: of `as`.

    command, args: words as written, None where the rule does not say.
    setenv: `NAME`, `NAME=value`, `NAME=$OTHER` or `-NAME`.
    """

    permit: bool
    ident: str
    target: str | None
    command: str | None
    args: tuple[str, ...] | None
    nopass: bool
    persist: bool
    keepenv: bool
    setenv: tuple[str, ...]
    line: Line


class Refused(Exception):
    """doas refuses the whole file for this line."""

    def __init__(self, line: Line) -> None:
        self.line = line
        super().__init__(f"{line.file}:{line.number}")


class _Token(NamedTuple):
    """kind: a keyword, `word`, or a newline or brace itself. number: the line where it ends, from 0."""

    kind: str
    text: str
    number: int


def parse_doas(text: str, file: str) -> tuple[DoasRule, ...]:
    """The rules in order. Raises Refused.

    >>> [(rule.permit, rule.ident, rule.target) for rule in parse_doas('permit nopass :wheel as "root"\\n', "x")]
    [(True, ':wheel', 'root')]
    """
    lines = text.split("\n")

    def line(number: int) -> Line:
        return Line(file, number + 1, lines[min(number, len(lines) - 1)])

    try:
        rules: list[DoasRule] = []
        row: list[_Token] = []
        for token in _tokens(text):
            if token.kind != "\n":
                row.append(token)
            elif row:
                rules.append(_rule(row, line(row[0].number)))
                row = []
        if row:  # the end of the file instead of a newline
            raise _Mistake(row[0].number)
    except _Mistake as mistake:
        raise Refused(line(mistake.number)) from None
    return tuple(rules)


class _Mistake(Exception):
    def __init__(self, number: int) -> None:
        self.number = number


def _tokens(text: str) -> Iterator[_Token]:
    at, number = 0, 0
    while True:
        bare = True  # a word without quotes and continued lines may be a keyword
        word = ""
        while True:  # until a word begins that is not empty
            while text[at : at + 1] in (" ", "\t"):
                at += 1
            first = text[at : at + 1]
            if first == "#":
                end = text.find("\n", at)
                if end < 0:
                    return
                at, first = end, "\n"
            if first in ("", "\n", "{", "}"):
                break
            at, number, word, quoted, bare = _word(text, at, number, bare)
            if word or quoted:
                break
        if word or first not in ("", "\n", "{", "}"):
            yield _Token(word if bare and word in _KEYWORDS else "word", word, number)
            continue
        if first == "":
            return
        yield _Token(first, first, number)
        at += 1
        number += first == "\n"


def _word(text: str, at: int, number: int, bare: bool) -> tuple[int, int, str, bool, bool]:
    """Where it ends and in which line, the word, whether it has quotes, whether it may be a keyword."""
    found: list[str] = []
    quotes = quoted = escape = False
    while True:
        letter = text[at : at + 1]
        if letter in ("", "\n"):
            if quotes or (letter == "" and escape):
                raise _Mistake(number)
            if not escape:
                break
            bare, escape = False, False
            at, number = at + 1, number + 1
            continue
        if letter == "\0":
            raise _Mistake(number)
        at += 1
        if letter == "\\" and not escape:
            escape = True
            continue
        if letter in "{}# \t" and not escape and not quotes:
            at -= 1
            break
        if letter == '"' and not escape:
            quotes = not quotes
            if quotes:
                quoted, bare = True, False
            continue
        found.append(letter)
        escape = False
    word = "".join(found)
    if len(word.encode("utf-8", "surrogateescape")) >= _ROOM:
        raise _Mistake(number)
    return at, number, word, quoted, bare


def _rule(row: list[_Token], line: Line) -> DoasRule:
    """action ident [as target] [cmd command [args …]]"""
    tokens = [*row, _Token("\n", "", row[-1].number)]
    at = 0

    def take(kind: str) -> str:
        nonlocal at
        if tokens[at].kind != kind:
            raise _Mistake(tokens[at].number)
        at += 1
        return tokens[at - 1].text

    def words() -> tuple[str, ...]:
        found: list[str] = []
        while tokens[at].kind == "word":
            found.append(take("word"))
        return tuple(found)

    options: set[str] = set()
    setenv: tuple[str, ...] | None = None
    permit = tokens[0].kind == "permit"
    take("permit" if permit else "deny")
    while permit and tokens[at].kind in ("nopass", "nolog", "persist", "keepenv", "setenv"):
        option = take(tokens[at].kind)
        options.add(option)
        if {"nopass", "persist"} <= options or (option == "setenv" and setenv is not None):
            raise _Mistake(tokens[at].number)
        if option == "setenv":
            take("{")
            setenv = words()
            take("}")
    ident = take("word")
    target = command = args = None
    if tokens[at].kind == "as":
        take("as")
        target = take("word")
    if tokens[at].kind == "cmd":
        take("cmd")
        command = take("word")
        if tokens[at].kind == "args":
            take("args")
            args = words()
    take("\n")
    flags = ("nopass" in options, "persist" in options, "keepenv" in options)
    return DoasRule(permit, ident, target, command, args, *flags, setenv or (), line)
