"""RainerScript as a tree: expressions and statements, and the reading of one expression (grammar/grammar.y).

`and` and `or` bind equally and from the left; `not` binds tighter than any comparison.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from sovaudit.model.finding import Line

MAX_DEPTH = 100


class SyntaxStopError(Exception):
    """rsyslog's parser gives up here; nothing after this line is read."""

    def __init__(self, line: Line, near: str) -> None:
        self.line = line
        super().__init__(f"syntax error near {near!r}")


# Expressions


@dataclass(frozen=True, slots=True)
class Literal:
    value: str | int | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    name: str


@dataclass(frozen=True, slots=True)
class Function:
    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """operator: and, or, not, ==, !=, <=, >=, <, >, contains, startswith, endswith (with _i), &, +, -, *, /, %. `left` is None for a
    prefix.
    """

    operator: str
    left: Expression | None
    right: Expression


Expression = Literal | Variable | Function | Operation

# Statements. `Action` is what the caller's reader makes of an action; None is one that rsyslog dropped.


@dataclass(frozen=True, slots=True)
class If:
    condition: Expression
    then: Script
    otherwise: Script
    line: Line


@dataclass(frozen=True, slots=True)
class Select:
    """A priority or property filter line: `filter` is its text."""

    filter: str
    body: Script
    line: Line


@dataclass(frozen=True, slots=True)
class Assign:
    """set, reset; value None: unset."""

    name: str
    value: Expression | None
    line: Line


@dataclass(frozen=True, slots=True)
class Call:
    ruleset: str
    line: Line


@dataclass(frozen=True, slots=True)
class CallIndirect:
    name: Expression
    line: Line


@dataclass(frozen=True, slots=True)
class Foreach:
    body: Script
    line: Line


@dataclass(frozen=True, slots=True)
class Stop:
    line: Line


@dataclass(frozen=True, slots=True)
class Do:
    """An action; `action` is the reader's own object."""

    action: object
    line: Line


Statement = If | Select | Assign | Call | CallIndirect | Foreach | Stop | Do
Script = tuple[Statement, ...]
Parameters = dict[str, str | tuple[str, ...]]


_COMPARE = ("==", "!=", "<=", ">=", "<", ">", "contains", "contains_i", "startswith", "startswith_i")  # endswith came after 8.2412
_LEVELS = {"and": 1, "or": 1} | dict.fromkeys(_COMPARE, 2) | {"+": 3, "-": 3, "&": 3, "*": 4, "/": 4, "%": 4}


class ExpressionParser:
    """Operator precedence over the tokens of one expression."""

    def __init__(self, tokens: list[tuple[str, str]], stop: Callable[[str], SyntaxStopError]) -> None:
        self.tokens = tokens
        self.stop = stop
        self.at = 0
        self.depth = 0

    def whole(self) -> Expression:
        found = self._binary(0)
        if self.at < len(self.tokens):
            raise self.stop(self.tokens[self.at][1])
        return found

    def _peek(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def _binary(self, level: int) -> Expression:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.stop("expression nested too deeply")
        left = self._unary()
        while True:
            kind, text = self._peek()
            operator = {"<>": "!="}.get(text, text.lower()) if kind in ("op", "word") else ""
            here = _LEVELS.get(operator, 0)
            if here == 0 or here <= level:
                self.depth -= 1
                return left
            self.at += 1
            left = Operation(operator, left, self._binary(here))

    def _unary(self) -> Expression:
        kind, text = self._peek()
        self.at += 1
        word = text.lower()
        if (kind == "word" and word == "not") or (kind == "op" and text == "-"):
            return Operation("not" if word == "not" else "neg", None, self._tight())
        if kind == "op" and text == "(":
            inner = self._binary(0)
            self._expect(")")
            return inner
        if kind == "op" and text == "[":
            items: list[str] = []
            while True:
                kind, text = self._peek()
                if kind != "string":
                    raise self.stop(text)
                items.append(unquote(text))
                self.at += 1
                if self._peek()[1] != ",":
                    break
                self.at += 1
            self._expect("]")
            return Literal(tuple(items))
        if kind == "number":
            octal = word.startswith("0") and len(word) > 1 and not set(word) - set("01234567")
            return Literal(int(word, 16) if word.startswith("0x") else int(word[:18], 8 if octal else 10))
        if kind == "string":
            return Literal(unquote(text))
        if kind == "var":
            return Variable(word[1:])
        if kind == "word" and word not in _LEVELS:
            return self._function(word)
        raise self.stop(text or "end of expression")

    def _tight(self) -> Expression:
        """The operand of `not` and unary minus: they bind tighter than any comparison."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.stop("expression nested too deeply")
        found = self._unary()
        self.depth -= 1
        return found

    def _function(self, name: str) -> Expression:
        self._expect("(")
        arguments: list[Expression] = []
        if self._peek()[1] != ")":
            arguments.append(self._binary(0))
            while self._peek()[1] == ",":
                self.at += 1
                arguments.append(self._binary(0))
        self._expect(")")
        return Function(name, tuple(arguments))

    def _expect(self, text: str) -> None:
        if self._peek()[1] != text:
            raise self.stop(self._peek()[1] or "end of expression")
        self.at += 1


def unquote(text: str) -> str:
    """A quoted string's value; a backtick string keeps its mark, as its value comes from the environment or a file."""
    if text.startswith("`"):
        return text
    escapes = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "a": "\a", "f": "\f", "v": "\v"}
    return re.sub(r"\\(.)", lambda match: escapes.get(match[1], match[1]), text[1:-1], flags=re.DOTALL)


def disabled(parameters: Parameters) -> bool:
    """Anything but `config.enabled="on"` takes an object out. A value from the environment counts as enabled."""
    value = parameters.get("config.enabled", "on")
    return isinstance(value, str) and value != "on" and not value.startswith("`")
