"""Words of a shell as the texts that they become, where the evidence tells; and the answers of test(1) and `[[`."""

from __future__ import annotations

import ast
import fnmatch
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from sovaudit.facts.access import READ, SEARCH, WRITE, Person, Trail, person, trail
from sovaudit.facts.accounts import Account
from sovaudit.facts.files import Files, Stat, Unseen
from sovaudit.facts.parse.shell import Node, Parser, Simple
from sovaudit.facts.parse.shell import Sequence as Commands
from sovaudit.facts.parse.shell_words import MASKED, Part, ShellSyntax, Word
from sovaudit.facts.shell_state import UNKNOWN, State, Value
from sovaudit.model.evidence import Gap
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

_PARAM = re.compile(r"([A-Za-z_][A-Za-z0-9_]*|[0-9@*?$!-]|#(?=$|[:%#?+=-]))(:?[-=?+]|##?|%%?)?(.*)", re.DOTALL)
_MAGIC = re.compile(r"[*?]|\[.+\]")
_LENGTH = re.compile(r"#[A-Za-z_][A-Za-z0-9_]*|#[@*]")


# (dialect, text) → its complete commands, and where the reading of it stopped
Parsed = dict[tuple[str, str], tuple[tuple[Node, ...], ShellSyntax | None]]


def _parsed_texts(files: Files) -> Parsed:
    return {}


@dataclass
class World:
    """Who starts which shell, how. dialect: `bash`, `dash`, `zsh` …. over: `ssh`, `console`, `ssh command`.

    moved: a `cd` was met. asked: a variable of sshd's was asked for. number: the uid was asked for. personal: something else was, that need not be
    the same for another account. texts: what was run.
    """

    host: Host
    account: Account
    dialect: str
    interactive: bool
    over: str
    moved: bool = False
    asked: bool = False
    number: bool = False
    personal: bool = False
    texts: list[str] = field(default_factory=list)
    parsed: Parsed = field(init=False)

    def __post_init__(self) -> None:
        self.parsed = self.host.files.once(_parsed_texts)

    @cached_property
    def person(self) -> Person:
        return person(self.host, self.account)

    @cached_property
    def group(self) -> str:
        return next((group.name for group in self.host.accounts.groups.values() if group.gid == self.account.gid), "")

    def path(self, text: str) -> str:
        """A relative path starts at home, where a login begins. Raises Unseen after a `cd`."""
        self.personal |= not text.startswith("/")
        if not text.startswith("/") and self.moved:
            raise Unseen(Gap(f"file:{text}", Reason.AMBIGUOUS, "from which folder was not seen"))
        return text if text.startswith("/") else f"{self.account.home}/{text}"

    def may(self, path: str, right: int) -> bool:
        """Raises Unseen."""
        way = trail(self.host.files, self.path(path))
        self.personal |= way.stat is not None and not (way.open_to_all and way.stat.mode & right * 0o11 == right * 0o11)
        if right == SEARCH and self.person.uid == 0 and way.stat is not None and way.stat.kind == "f":
            return bool(way.stat.mode & 0o111)
        return way.may(self.person, right)

    def reached(self, way: Trail) -> bool:
        self.personal |= way.stat is not None and not way.open_to_all
        return way.reached(self.person)


class Expander:
    """Expansion in one world. substitute: gives the output of a command substitution, UNKNOWN where it is not modelled."""

    def __init__(self, world: World, substitute: Callable[[str, State], Value]) -> None:
        self.world = world
        self._substitute = substitute

    def text(self, word: Word, state: State) -> Value:
        """One word as one text: no splitting, no globbing (assignments, `case`, `[[`)."""
        found = ""
        for number, part in enumerate(word):
            value = self._part(part, state, number == 0)
            if not isinstance(value, str) or MASKED in value:
                return UNKNOWN
            found += value
        return found

    def fields(self, words: Sequence[Word], state: State) -> list[Value]:
        """Words after splitting and globbing; an UNKNOWN field stands for any number of them."""
        found: list[Value] = []
        for word in words:
            found += self._split(word, state)
        return found

    def _split(self, word: Word, state: State) -> list[Value]:
        fields: list[str] = []
        current: str | None = None
        pattern = False
        for number, part in enumerate(word):
            value = self._part(part, state, number == 0)
            if part.kind == "param" and part.text in ("@", "*"):
                return [UNKNOWN] if value is UNKNOWN else [*fields, *str(value or "").split()]
            if not isinstance(value, str) or MASKED in value:
                return [UNKNOWN]
            if part.quoted or part.kind == "text":
                current = (current or "") + value
                pattern |= not part.quoted and _MAGIC.search(value) is not None
                continue
            pattern |= _MAGIC.search(value) is not None
            if self.world.dialect == "zsh":  # which splits no variable
                current = (current or "") + value if value or current is not None else None
                continue
            pieces = value.split()
            if value[:1].isspace() and current is not None:
                fields.append(current)
                current = None
            for index, piece in enumerate(pieces):
                current = (current or "") + piece
                if index < len(pieces) - 1 or value[-1:].isspace():
                    fields.append(current)
                    current = None
        if current is not None:
            fields.append(current)
        if pattern:
            return self._globbed(fields)
        return list(fields)

    def _globbed(self, fields: list[str]) -> list[Value]:
        found: list[Value] = []
        for each in fields:
            if not _MAGIC.search(each):
                found.append(each)
                continue
            try:
                matches = self.world.host.files.glob(self.world.path(each))
            except Unseen:
                return [UNKNOWN]
            found += matches or [each]
        return found

    def _part(self, part: Part, state: State, first: bool) -> Value:
        if part.kind == "text":
            if first and not part.quoted and part.text.startswith("~"):
                return self._tilde(part.text)
            return part.text
        if part.kind == "param":
            return self._param(part.text, state)
        if part.kind == "command":
            value = self._substitute(part.text, state)
            return value.rstrip("\n") if isinstance(value, str) else UNKNOWN
        return arithmetic(part.text) if part.text.startswith("(") else UNKNOWN

    def _tilde(self, text: str) -> str:
        name, slash, rest = text[1:].partition("/")
        self.world.personal |= not name
        account = self.world.host.accounts.get(name) if name else self.world.account
        return text if account is None else account.home + slash + rest

    def _param(self, inner: str, state: State) -> Value:
        if _LENGTH.fullmatch(inner):
            value = self.variable(inner[1:], state)
            return UNKNOWN if value is UNKNOWN else str(len(value or ""))
        match = _PARAM.fullmatch(inner)
        if match is None:
            return UNKNOWN
        name, operator, rest = match[1], match[2] or "", match[3]
        value = self.variable(name, state)
        if not operator:
            return UNKNOWN if rest else "" if value is None else value
        if value is UNKNOWN:
            return UNKNOWN
        empty = value is None or (value == "" and operator[0] == ":")
        if operator[-1] == "+":
            return "" if empty else self._argument(rest, state)
        if operator[-1] in "-=":
            if not empty:
                return value or ""
            value = self._argument(rest, state)
            if operator[-1] == "=" and name not in state.readonly:
                state.set(name, value)
            return value
        if operator[-1] == "?":
            return UNKNOWN if empty else value or ""
        pattern = self._argument(rest, state)
        return UNKNOWN if not isinstance(pattern, str) else _trim(value or "", operator, pattern)

    def _argument(self, text: str, state: State) -> Value:
        try:
            nodes = list(Parser(f"x={text}", self.world.dialect)) if text else []
        except ShellSyntax:
            return UNKNOWN
        if not text:
            return ""
        node = nodes[0] if len(nodes) == 1 else None
        simple = node.items[0][0] if isinstance(node, Commands) and len(node.items) == 1 else None
        if isinstance(simple, Simple) and len(simple.assigns) == 1 and not simple.words:
            return self.text(simple.assigns[0][2], state)
        return UNKNOWN

    def variable(self, name: str, state: State) -> Value:
        if name == "-":
            return ("himBHs" if self.world.dialect == "bash" else "ims") if self.world.interactive else "hBc"
        if name == "0":
            return UNKNOWN if self.world.over == "ssh command" else f"-{self.world.account.shell.rpartition('/')[2] or 'sh'}"
        self.world.asked |= name.startswith("SSH")
        self.world.number |= name in ("UID", "EUID")
        self.world.personal |= name in ("HOME", "USER", "LOGNAME")
        return state.get(name)


def arithmetic(text: str) -> Value:
    """`$(( … ))` over decimal numbers alone."""
    if len(text) > 100 or not re.fullmatch(r"\(+[\s0-9+*/%()-]*\)+", text) or re.search(r"\b0\d|\*\*|//", text):
        return UNKNOWN
    try:
        return str(_number(ast.parse(text, mode="eval").body))
    except (SyntaxError, ValueError, ZeroDivisionError):
        return UNKNOWN


def _number(node: ast.expr) -> int:
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return node.value
    if isinstance(node, ast.BinOp):
        left, right = _number(node.left), _number(node.right)
        operations = {ast.Add: int.__add__, ast.Sub: int.__sub__, ast.Mult: int.__mul__}
        if (operation := operations.get(type(node.op))) is not None:
            return operation(left, right)
        if isinstance(node.op, ast.Div | ast.Mod) and left >= 0 and right > 0:
            return left // right if isinstance(node.op, ast.Div) else left % right
    raise ValueError


def _trim(value: str, operator: str, pattern: str) -> str:
    cuts = range(len(value) + 1)
    if operator[0] == "#":
        order = cuts if operator == "#" else reversed(cuts)
        return next((value[cut:] for cut in order if fnmatch.fnmatchcase(value[:cut], pattern)), value)
    order = reversed(cuts) if operator == "%" else cuts
    return next((value[:cut] for cut in order if fnmatch.fnmatchcase(value[cut:], pattern)), value)


# test(1)

_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "-eq": int.__eq__, "-ne": int.__ne__, "-lt": int.__lt__, "-le": int.__le__, "-gt": int.__gt__, "-ge": int.__ge__,
}  # fmt: skip


def holds(world: World, args: Sequence[Value], *, pattern: bool = False) -> bool | None:
    """The answer of `test args`; None where it depends on what was not seen. pattern: as in `[[`, where `=` compares with a pattern."""
    if not args:
        return False
    for operator, join in (("-o", _either), ("-a", _both)):
        if len(args) > 4 and operator in args[1:-1]:
            at = list(args).index(operator, 1)
            return join(holds(world, args[:at], pattern=pattern), holds(world, args[at + 1 :], pattern=pattern))
    if args[0] == "!" and len(args) > 1:
        answer = holds(world, args[1:], pattern=pattern)
        return None if answer is None else not answer
    if len(args) == 1:
        return None if args[0] is UNKNOWN else args[0] != ""
    if len(args) == 2:
        return _unary(world, args[0], args[1])
    if len(args) == 3:
        if args[1] in ("-a", "-o") and not pattern:
            join = _both if args[1] == "-a" else _either
            return join(holds(world, args[:1]), holds(world, args[2:]))
        return _binary(world, args[0], args[1], args[2], pattern)
    if args[0] == "(" and args[-1] == ")":
        return holds(world, args[1:-1], pattern=pattern)
    return None


def _either(one: bool | None, other: bool | None) -> bool | None:
    return True if one or other else None if one is None or other is None else False


def _both(one: bool | None, other: bool | None) -> bool | None:
    return False if one is False or other is False else None if one is None or other is None else True


def _binary(world: World, left: Value, operator: Value, right: Value, pattern: bool) -> bool | None:
    if not isinstance(left, str) or not isinstance(right, str) or not isinstance(operator, str):
        return None
    if operator in ("=", "==", "!="):
        if operator == "==" and world.dialect == "dash":
            return False  # an error
        same = fnmatch.fnmatchcase(left, right) if pattern else left == right
        return same == (operator != "!=")
    if operator in _COMPARE:
        if not all(re.fullmatch(r"\s*[+-]?\d{1,18}\s*", each) for each in (left, right)):
            return False if not pattern else None
        return _COMPARE[operator](int(left), int(right))
    return None


def _unary(world: World, operator: Value, operand: Value) -> bool | None:
    if not isinstance(operator, str) or not isinstance(operand, str):
        return None
    if operator in ("-n", "-z"):
        return (operand != "") == (operator == "-n")
    if operator == "-t":
        return world.interactive if operand in ("0", "1", "2") else None
    if operand == "":
        return False if operator in ("-e", "-f", "-d", "-r", "-s", "-x", "-w", "-L", "-h") else None
    try:
        if operator in ("-r", "-w", "-x"):
            return world.may(operand, {"-r": READ, "-w": WRITE, "-x": SEARCH}[operator])
        if operator in ("-L", "-h"):
            stat = world.host.files.stat(world.path(operand))
            return stat is not None and stat.kind == "l"
        way = trail(world.host.files, world.path(operand))
    except Unseen:
        return None
    return _kind(operator, way.stat if world.reached(way) else None)


def _kind(operator: str, stat: Stat | None) -> bool | None:
    if operator in ("-e", "-a"):
        return stat is not None
    if operator in ("-f", "-d"):
        return stat is not None and stat.kind == operator[1]
    return stat is not None and stat.size > 0 if operator == "-s" else None
