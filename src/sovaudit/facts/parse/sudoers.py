"""sudoers(5) as a tree: the grammar of sudo's own gram.y, with its recovery from errors.

From 1.9.3 on a line with a syntax error is skipped and the rest counts; before, one error anywhere makes sudo refuse everybody.
Either way the error is kept in `Policy.errors`. What a file includes is asked of an `Opener`, so nothing here reads anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from sovaudit.facts.parse.sudoers_defaults import takes
from sovaudit.facts.parse.sudoers_lex import Lexer, Token
from sovaudit.facts.parse.sudoers_patterns import NEWEST, Version, knows
from sovaudit.facts.parse.sudoers_times import Moment, is_timeout, moment
from sovaudit.model.finding import Line

MAX_DEPTH = 128  # MAX_SUDOERS_DEPTH
MAX_FILES = 2000  # includes that include each other end here
MYSELF = "MYSELF"
MISSING_IS_NO_END: Version = (1, 9, 13)  # before, the line after an @include that cannot be opened was lost

# What an include directive brings: (name, text) of each file in order, and whether sudo counts it as an error (an @include that cannot be opened).
Opened = tuple[list[tuple[str, str]], bool]
_T = TypeVar("_T")
Opener = Callable[[str, bool, str], Opened]


@dataclass(frozen=True, slots=True)
class Member:
    """One element of a list. kind: `ALL ALIAS WORD NETGROUP USERGROUP NTWKADDR COMMAND MYSELF`; name keeps its `%`, `+` or `#`.

    args of a command: None allows any, `""` (the two quotes) allows none.
    """

    kind: str
    name: str = ""
    negated: bool = False
    args: str | None = None
    digests: tuple[tuple[str, str], ...] = ()


Members = tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class CmndSpec:
    """One command of a list, with what it inherits from those before it. tags: name without `NO` → on or off (`PASSWD`, `EXEC`, `SETENV` …)."""

    cmnd: Member
    line: Line
    runas_users: Members | None = None
    runas_groups: Members | None = None
    tags: dict[str, bool] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    not_before: Moment | None = None
    not_after: Moment | None = None


@dataclass(frozen=True, slots=True)
class Privilege:
    hosts: Members
    commands: tuple[CmndSpec, ...]


@dataclass(frozen=True, slots=True)
class UserSpec:
    users: Members
    privileges: tuple[Privilege, ...]
    line: Line


@dataclass(frozen=True, slots=True)
class Default:
    """scope: empty for everybody, or `:` users, `>` runas users, `@` hosts, `!` commands. op: `=` `+` `-` `!`, or empty for a bare flag."""

    scope: str
    members: Members
    name: str
    op: str
    value: str
    line: Line


@dataclass(frozen=True, slots=True)
class Alias:
    members: Members
    line: Line


@dataclass(slots=True)
class Policy:
    """Everything in file order. aliases: (`User|Runas|Host|Cmnd`, name) → Alias. aborted: the parser met the end of input in mid-line and gave up."""

    specs: list[UserSpec] = field(default_factory=list)
    defaults: list[Default] = field(default_factory=list)
    aliases: dict[tuple[str, str], Alias] = field(default_factory=dict)
    errors: list[tuple[Line, str]] = field(default_factory=list)
    aborted: bool = False
    bounded: bool = False


class _Broken(Exception):
    """A syntax error; recovery goes on at the next line."""


def _sound(value: _T | None, why: str) -> _T:
    if value is None:
        raise _Broken(why)
    return value


def parse(file: str, text: str, opener: Opener, version: Version = NEWEST) -> Policy:
    """The policy that starts with this file. Never raises on bad input; time is linear in what is read."""
    return _Parser(file, text, opener, version).run()


class _Parser:
    def __init__(self, file: str, text: str, opener: Opener, version: Version) -> None:
        self._lexer = Lexer(file, text, version)
        self._opener = opener
        self._version = version
        self._policy = Policy()
        self._texts = {file: text.split("\n")}
        self._files = 1
        self._ahead: Token | None = None
        self._last = Token("NL", file=file, line=1)
        self._line = Line(file, 1, "")

    # tokens

    def _peek(self) -> Token:
        if self._ahead is None:
            self._ahead = self._lexer.next()
        return self._ahead

    def _take(self) -> Token:
        token = self._last = self._peek()
        self._ahead = None
        return token

    def _accept(self, kind: str) -> Token | None:
        return self._take() if self._peek().kind == kind else None

    def _expect(self, kind: str) -> Token:
        if self._peek().kind != kind:
            raise _Broken(self._peek().text if self._peek().kind == "ERROR" else "syntax error")
        return self._take()

    def _at(self, token: Token) -> Line:
        rows = self._texts.get(token.file, [])
        text = rows[token.line - 1] if 0 < token.line <= len(rows) else ""
        return Line(token.file, token.line, text)

    # entries

    def run(self) -> Policy:
        while True:
            first = self._peek()
            if first.kind == "EOF":
                return self._policy
            self._line = self._at(first)
            try:
                self._entry(first)
            except _Broken as broken:
                self._policy.errors.append((self._at(self._peek()), str(broken)))
                if not self._skip():
                    return self._policy

    def _skip(self) -> bool:
        """To the end of the line. The end of all input in mid-line aborts the parser (yacc's YYABORT)."""
        while (kind := self._peek().kind) != "NL":
            if kind == "EOF":
                self._policy.aborted = True
                return False
            self._take()
        self._take()
        return True

    def _entry(self, first: Token) -> None:
        match first.kind:
            case "NL":
                self._take()
            case "INCLUDE" | "INCLUDEDIR":
                self._include()
            case "ALIASES":
                self._aliases(self._take().text)
            case "DEFAULTS":
                self._defaults(self._take().text)
            case _:
                self._user_spec()

    def _include(self) -> None:
        directory = self._take().kind == "INCLUDEDIR"
        name = self._expect("WORD").text
        asked = self._at(self._last)
        if self._peek().kind != "NL":
            self._policy.errors.append((asked, "syntax error"))
            if not self._skip():
                return
        else:
            self._take()
        if self._lexer.depth > MAX_DEPTH:
            self._policy.errors.append((asked, "too many levels of includes"))
            return
        files, wrong = self._opener(name, directory, asked.file)
        if wrong:
            self._policy.errors.append((asked, "cannot be opened"))
            if self._version < MISSING_IS_NO_END and not self._skip():
                return
        self._files += len(files)
        if self._files > MAX_FILES:
            self._policy.bounded = True
            return
        for path, text in files:
            self._texts[path] = text.split("\n")
        self._lexer.push(files)

    def _aliases(self, kind: str) -> None:
        while True:
            name = self._expect("ALIAS")
            line = self._at(name)
            self._expect("=")
            members = self._commands() if kind == "Cmnd" else self._members("host" if kind == "Host" else "user")
            if (kind, name.text) in self._policy.aliases:
                raise _Broken(f"{kind}_Alias {name.text} already defined")
            self._policy.aliases[kind, name.text] = Alias(members, line)
            if not self._accept(":"):
                break
        self._expect("NL")

    def _defaults(self, scope: str) -> None:
        members: Members = ()
        if scope == "!":
            members = self._commands()
        elif scope:
            members = self._members("host" if scope == "@" else "user")
        found: list[Default] = []
        while True:
            negated = self._accept("!") is not None
            name = self._expect("DEFVAR").text
            op, value = "!" if negated else "", ""
            if not negated and self._peek().kind in ("=", "+", "-"):
                op = self._take().kind
                value = self._expect("WORD").text
            if takes(name, op, value):
                found.append(Default(scope, members, name, op, value, self._line))
            if not self._accept(","):
                break
        self._expect("NL")
        self._policy.defaults.extend(found)

    def _user_spec(self) -> None:
        users = self._members("user")
        privileges = [self._privilege()]
        while self._accept(":"):
            try:
                privileges.append(self._privilege())
            except _Broken as broken:
                # `privileges ':' error`: what stands before counts if the line (or this part) ends where the error was met
                if self._peek().kind not in ("NL", ":"):
                    raise
                self._policy.errors.append((self._at(self._peek()), str(broken)))
        self._expect("NL")
        self._policy.specs.append(UserSpec(users, tuple(privileges), self._line))

    def _privilege(self) -> Privilege:
        hosts = self._members("host")
        self._expect("=")
        commands = [self._cmnd_spec(None)]
        while self._accept(","):
            commands.append(self._cmnd_spec(commands[-1]))
        return Privilege(hosts, tuple(commands))

    # lists

    def _members(self, what: str) -> Members:
        found = [self._member(what)]
        while self._accept(","):
            found.append(self._member(what))
        return tuple(found)

    def _member(self, what: str) -> Member:
        kinds = {
            "user": ("ALIAS", "ALL", "NETGROUP", "USERGROUP", "WORD"),
            "host": ("ALIAS", "ALL", "NETGROUP", "NTWKADDR", "WORD"),
            "group": ("ALIAS", "ALL", "WORD"),
        }[what]
        negated = self._accept("!") is not None
        if self._peek().kind not in kinds:
            self._expect(kinds[0])
        token = self._take()
        return Member(token.kind, token.text, negated)

    def _commands(self) -> Members:
        found = [self._command()]
        while self._accept(","):
            found.append(self._command())
        return tuple(found)

    def _command(self) -> Member:
        digests: list[tuple[str, str]] = []
        while self._peek().kind == "SHA":
            scheme = self._take().text
            self._expect(":")
            digests.append((scheme, self._expect("DIGEST").text))
            if not self._accept(","):
                break
        if digests and self._last.kind == ",":
            self._expect("SHA")
        negated = self._accept("!") is not None
        kind = self._peek().kind
        if kind == "WORD" and self._peek().text == "list" and knows(self._version, "list"):
            self._take()
            return Member("COMMAND", "list", negated, None, tuple(digests))
        if kind not in ("ALL", "ALIAS", "COMMAND"):
            self._expect("COMMAND")
        token = self._take()
        if digests and token.kind == "ALIAS":
            raise _Broken("a digest requires a path name")
        if len(token.text) >= 4096:
            raise _Broken("command too long")
        return Member(token.kind, token.text, negated, token.args, tuple(digests))

    def _cmnd_spec(self, previous: CmndSpec | None) -> CmndSpec:
        line = self._at(self._peek())
        users: Members | None = None
        groups: Members | None = None
        if self._accept("("):
            users, groups = self._runas()
        options: dict[str, str] = {}
        moments: dict[str, Moment] = {}
        while self._peek().kind == "OPTION":
            name = self._take().text
            self._expect("=")
            options[name] = value = self._expect("WORD").text
            if name in ("NOTBEFORE", "NOTAFTER"):
                moments[name] = _sound(moment(value), f"invalid time {value}")
            elif name == "TIMEOUT":
                _sound(is_timeout(value) or None, f"invalid timeout {value}")
            elif name in ("CWD", "CHROOT") and value[:1] not in ("/", "~") and value != "*":
                raise _Broken(f'values for "{name}" must start with a "/", "~", or "*"')
        tags: dict[str, bool] = {}
        while self._peek().kind == "TAG":
            tag = self._take().text
            tags[tag.removeprefix("NO")] = not tag.startswith("NO")
        spec = CmndSpec(self._command(), line, users, groups, tags, options, moments.get("NOTBEFORE"), moments.get("NOTAFTER"))
        return spec if previous is None else _inherit(spec, previous)

    def _runas(self) -> tuple[Members, Members | None]:
        users: Members = (Member(MYSELF),)
        groups: Members | None = None
        if self._peek().kind not in (":", ")"):
            users = self._members("user")
            if self._accept(":"):
                groups = self._members("group")
        elif self._accept(":") and self._peek().kind != ")":
            groups = self._members("group")
        self._expect(")")
        return users, groups


def _inherit(spec: CmndSpec, previous: CmndSpec) -> CmndSpec:
    """What a command takes over from the one before it in its list. The SETENV that `ALL` implies is never written, so it is not inherited."""
    runas = (spec.runas_users, spec.runas_groups)
    if runas == (None, None):
        runas = (previous.runas_users, previous.runas_groups)
    options = {**previous.options, **spec.options}
    if "ROLE" in spec.options or "TYPE" in spec.options:
        options = {k: v for k, v in options.items() if k in spec.options or k not in ("ROLE", "TYPE")}
    return replace(
        spec,
        runas_users=runas[0],
        runas_groups=runas[1],
        tags={**previous.tags, **spec.tags},
        options=options,
        not_before=spec.not_before or previous.not_before,
        not_after=spec.not_after or previous.not_after,
    )
