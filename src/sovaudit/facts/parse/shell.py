"""A POSIX shell's language, as far as startup files use it: text → commands (sh(1p) "Shell Command Language", bash(1), dash(1)).

Complete commands come one by one, as a shell reads them. What we cannot parse raises ShellSyntax with its line: the shell itself may understand it.
dialect: `bash` knows `[[`, `((`, `function`, `select`; `dash` takes them for plain words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sovaudit.facts.parse.shell_words import REDIRECT, Lexer, Part, ShellSyntax, Token, Word

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ASSIGN = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\[[^\]]*\])?(\+?)=")
_TEST = re.compile(r"((?:\"(?:[^\"\\]|\\.)*\"|'[^']*'|\\.|[^\"'\\])*?)[ \t\n]\]\](?=[\s;&|)]|$)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Simple:
    assigns: tuple[tuple[str, bool, Word], ...]  # name, whether it appends, value
    words: tuple[Word, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Test:
    """`[[ … ]]` with its text, or `(( … ))`."""

    text: str
    arithmetic: bool
    line: int


@dataclass(frozen=True, slots=True)
class Pipeline:
    commands: tuple[Node, ...]
    negated: bool


@dataclass(frozen=True, slots=True)
class AndOr:
    first: Node
    rest: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True)
class Sequence:
    """Commands one after the other, each with whether it runs in the background."""

    items: tuple[tuple[Node, bool], ...]


@dataclass(frozen=True, slots=True)
class If:
    clauses: tuple[tuple[Node, Node], ...]
    otherwise: Node | None


@dataclass(frozen=True, slots=True)
class For:
    name: str
    words: tuple[Word, ...] | None
    body: Node
    line: int


@dataclass(frozen=True, slots=True)
class While:
    condition: Node
    body: Node
    until: bool


@dataclass(frozen=True, slots=True)
class Case:
    word: Word
    clauses: tuple[tuple[tuple[Word, ...], Node | None, str], ...]


@dataclass(frozen=True, slots=True)
class Subshell:
    body: Node


@dataclass(frozen=True, slots=True)
class Function:
    name: str
    body: Node


Node = Simple | Test | Pipeline | AndOr | Sequence | If | For | While | Case | Subshell | Function


class Parser(Lexer):
    """One file or string. Iterate over its complete commands."""

    def __init__(self, text: str, dialect: str = "bash") -> None:
        super().__init__(text, dialect)
        self._depth = 0

    def __iter__(self) -> Iterator[Node]:
        while True:
            token = self._peek()
            if token.kind == "newline":
                self._take()
            elif token.kind == "end":
                return
            else:
                node = self._list(frozenset(), through_newlines=False)
                if self._peek().kind not in ("newline", "end"):
                    raise ShellSyntax(self._peek().line, self._peek().text in (")", ";;"))
                yield node

    def _list(self, stop: frozenset[str], *, through_newlines: bool = True) -> Sequence:
        self._depth += 1
        if self._depth > 60:
            raise ShellSyntax(self._line)
        items: list[tuple[Node, bool]] = []
        while True:
            token = self._peek()
            if token.kind == "newline" and through_newlines:
                self._take()
                continue
            if (
                token.kind in ("end", "newline")
                or (token.plain and token.text in stop)
                or (token.kind == "op" and token.text in (")", ";;", ";&", ";;&"))
            ):
                break
            node = self._and_or()
            token = self._peek()
            background = token.kind == "op" and token.text == "&"
            items.append((node, background))
            if token.kind == "op" and token.text in (";", "&"):
                self._take()
            elif token.kind != "newline":
                break
        self._depth -= 1
        return Sequence(tuple(items))

    def _and_or(self) -> Node:
        first = self._pipeline()
        rest: list[tuple[str, Node]] = []
        while self._peek().kind == "op" and self._peek().text in ("&&", "||"):
            operator = self._take().text
            self._newlines()
            rest.append((operator, self._pipeline()))
        return AndOr(first, tuple(rest)) if rest else first

    def _pipeline(self) -> Node:
        negated = False
        while self._peek().plain and self._peek().text in (("!", "time") if self._dialect == "bash" else ("!",)):
            negated ^= self._take().text == "!"
            if self._peek().plain and self._peek().text == "-p":
                self._take()
        commands = [self._command()]
        while self._peek().kind == "op" and self._peek().text in ("|", "|&"):
            self._take()
            self._newlines()
            commands.append(self._command())
        return commands[0] if len(commands) == 1 and not negated else Pipeline(tuple(commands), negated)

    def _newlines(self) -> None:
        while self._peek().kind == "newline":
            self._take()

    def _expect(self, word: str) -> None:
        token = self._take()
        if not (token.plain and token.text == word):
            raise ShellSyntax(token.line)

    def _body(self, *stop: str) -> Node:
        node = self._list(frozenset(stop))
        if not node.items:
            raise ShellSyntax(self._peek().line, True)
        return node

    def _command(self) -> Node:
        token = self._peek()
        if token.kind == "op" and token.text == "(":
            if self._dialect == "bash" and self._text.startswith("((", token.start):
                return self._arithmetic(token)
            self._take()
            inner = self._list(frozenset())
            self._closing()
            return self._redirected(Subshell(inner))
        if token.kind != "word" and not (token.kind == "op" and token.text in REDIRECT):
            raise ShellSyntax(token.line, token.text in (")", ";;", "&&", "||", "|", ";"))
        word = token.text if token.plain else ""
        if word == "if":
            return self._redirected(self._if())
        if word in ("while", "until"):
            self._take()
            condition = self._body("do")
            return self._redirected(While(condition, self._do(), word == "until"))
        if word == "for" or (word == "select" and self._dialect == "bash"):
            return self._redirected(self._for())
        if word == "case":
            return self._redirected(self._case())
        if word == "{":
            self._take()
            body = self._body("}")
            self._expect("}")
            return self._redirected(body)
        if word == "[[" and self._dialect == "bash":
            return self._test(token)
        if word == "function" and self._dialect == "bash":
            self._take()
            name = self._take()
            if self._peek().kind == "op" and self._peek().text == "(":
                self._take()
                self._closing()
            self._newlines()
            return Function(name.text, self._command())
        if word in ("then", "else", "elif", "fi", "do", "done", "esac", "}"):
            raise ShellSyntax(token.line, True)
        return self._simple()

    def _closing(self) -> None:
        token = self._take()
        if not (token.kind == "op" and token.text == ")"):
            raise ShellSyntax(token.line)

    def _redirected(self, node: Node) -> Node:
        while True:
            token = self._peek()
            if token.kind == "op" and token.text in REDIRECT:
                self._redirect()
            elif token.plain and token.text.isdigit() and self._text[self._at : self._at + 1] in ("<", ">"):
                self._take()
            else:
                return node

    def _redirect(self) -> None:
        operator = self._take().text
        target = self._take()
        if target.kind != "word":
            raise ShellSyntax(target.line)
        if operator in ("<<", "<<-"):
            self._documents.append(("".join(part.text for part in target.word), operator == "<<-"))

    def _if(self) -> If:
        clauses = []
        self._take()
        while True:
            condition = self._body("then")
            self._expect("then")
            clauses.append((condition, self._body("elif", "else", "fi")))
            token = self._take()
            if token.text == "elif" and token.plain:
                continue
            otherwise = None
            if token.text == "else" and token.plain:
                otherwise = self._body("fi")
                token = self._take()
            if not (token.plain and token.text == "fi"):
                raise ShellSyntax(token.line)
            return If(tuple(clauses), otherwise)

    def _do(self) -> Node:
        self._expect("do")
        body = self._body("done")
        self._expect("done")
        return body

    def _for(self) -> Node:
        line = self._take().line
        name = self._take()
        if not (name.plain and NAME.fullmatch(name.text)):
            raise ShellSyntax(line)
        self._newlines()
        words: list[Word] | None = None
        if self._peek().plain and self._peek().text == "in":
            self._take()
            words = []
            while self._peek().kind == "word":
                words.append(self._take().word)
        if self._peek().kind == "op" and self._peek().text == ";":
            self._take()
        self._newlines()
        return For(name.text, None if words is None else tuple(words), self._do(), line)

    def _case(self) -> Case:
        self._take()
        word = self._take().word
        self._newlines()
        self._expect("in")
        clauses: list[tuple[tuple[Word, ...], Node | None, str]] = []
        while True:
            self._newlines()
            token = self._take()
            if token.plain and token.text == "esac":
                return Case(word, tuple(clauses))
            if token.kind == "op" and token.text == "(":
                token = self._take()
            patterns = [token.word]
            while self._peek().kind == "op" and self._peek().text == "|":
                self._take()
                patterns.append(self._take().word)
            self._closing()
            body = self._list(frozenset({"esac"}))
            ending = ";;"
            if self._peek().kind == "op":
                ending = self._take().text
                if ending not in (";;", ";&", ";;&"):
                    raise ShellSyntax(token.line)
            clauses.append((tuple(patterns), body if body.items else None, ending))

    def _arithmetic(self, token: Token) -> Node:
        self._at = token.start
        self._peeked = None
        return self._redirected(Test(self._balanced("(", ")")[1:-1], True, token.line))

    def _test(self, token: Token) -> Node:
        match = _TEST.match(self._text, self._at)
        if match is None:
            raise ShellSyntax(token.line)
        self._line += match[0].count("\n")
        self._at = match.end()
        self._peeked = None
        return self._redirected(Test(match[1], False, token.line))

    def _simple(self) -> Node:
        assigns: list[tuple[str, bool, Word]] = []
        words: list[Word] = []
        line = self._peek().line
        while True:
            token = self._peek()
            if token.kind == "op" and token.text in REDIRECT:
                self._redirect()
                continue
            if token.kind == "op" and token.text == "(" and len(words) == 1 and not assigns:
                self._take()
                self._closing()
                self._newlines()
                return Function("".join(part.text for part in words[0]), self._command())
            if token.kind != "word":
                return Simple(tuple(assigns), tuple(words), line)
            self._take()
            if token.plain and token.text.isdigit() and self._text[self._at : self._at + 1] in ("<", ">"):
                continue
            head = token.word[0] if token.word else None
            match = _ASSIGN.match(head.text) if head is not None and head.kind == "text" and not head.quoted else None
            if match and not words and not (match[3] and self._dialect == "dash"):
                rest = head.text[match.end() :] if head is not None else ""
                value: Word = (Part("text", rest, False), *token.word[1:]) if rest else token.word[1:]
                if self._text[self._at : self._at + 1] == "(" and not value and self._dialect == "bash":
                    value = (Part("other", self._balanced("(", ")"), False),)
                assigns.append((match[1], bool(match[3]) or match[2] is not None, value))
            else:
                words.append(token.word)
