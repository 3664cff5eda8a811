"""rsyslog.conf as rsyslog reads it: one token stream over all included files, RainerScript and sysklogd lines mixed.

Follows grammar/lexer.l and grammar/grammar.y. What surprises: words that are no keyword are actions (`root` writes to a user's terminal),
`and` and `or`
bind equally, a selector is one only at the start of a line, an action runs to the end of its line, and a syntax error ends the reading of
*everything* that follows, in all files, while what came before stays in force.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from sovaudit.facts.parse.rainerscript import (
    MAX_DEPTH,
    Assign,
    Call,
    CallIndirect,
    Do,
    Expression,
    ExpressionParser,
    Foreach,
    If,
    Parameters,
    Script,
    Select,
    Statement,
    Stop,
    SyntaxStopError,
    disabled,
    unquote,
)
from sovaudit.facts.parse.rsyslog_lexer import BARE_DOLLAR, EXPRESSION, KEYWORDS, NAME, NOTHING, OBJECT, START, Buffer, Token
from sovaudit.model.finding import Line

MAX_TOKENS = 400_000


class Reader(Protocol):
    """What the parser tells, in the order in which rsyslog acts while reading."""

    def directive(self, text: str, line: Line) -> None: ...
    def ruleset_line(self, name: str) -> None: ...
    def declare(self, kind: str, parameters: Parameters, script: Script, line: Line) -> None: ...
    def script(self, statement: Statement) -> None: ...
    def action(self, parameters: Parameters, line: Line) -> object | None: ...
    def legacy_action(self, text: str, line: Line) -> object | None: ...
    def files_of(self, pattern: str, optional: bool, line: Line) -> tuple[list[tuple[str, tuple[Line, ...]]], bool]:
        """The files an include brings, and whether it failed (a plain name that is not there)."""
        ...


class _Parser:
    def __init__(self, reader: Reader, name: str, lines: Sequence[Line]) -> None:
        self.reader = reader
        self.stack = [Buffer(name, lines)]
        self.last = Line(name, 0, "")
        self.ahead: Token | None = None
        self.ended = False
        self.count = 0
        self.depth = 0
        self.head: int | None = None  # how many statements a bare chain of actions begins with, once it is one
        self.rest: Script = ()

    # Tokens

    def _buffer(self) -> Buffer | None:
        while self.stack and self.stack[-1].at >= len(self.stack[-1].text):
            self.stack.pop()
        if self.ended or not self.stack:
            return None
        self.count += 1
        if self.count > MAX_TOKENS:
            raise SyntaxStopError(self.last, "too many tokens")
        buffer = self.stack[-1]
        self.last = buffer.line(buffer.at)
        return buffer

    def peek(self) -> Token | None:
        if self.ahead is None:
            self.ahead = self._next()
        return self.ahead

    def take(self) -> Token | None:
        token = self.peek()
        self.ahead = None
        return token

    def _next(self) -> Token | None:
        while (buffer := self._buffer()) is not None:
            if (nothing := NOTHING.match(buffer.text, buffer.at)) is not None:
                buffer.at = nothing.end()
                self.last = buffer.line(buffer.at - 1)
                continue
            best, end = "", buffer.at
            for kind, pattern in START:
                match = (KEYWORDS if kind == "keyword" else pattern).match(buffer.text, buffer.at)
                if match and match.end() > end:
                    best, end = kind, match.end()
            line, text = self.last, buffer.text[buffer.at : end]
            buffer.at = max(end, buffer.at + 1)
            if best == "comment":
                self._comment(buffer)
            elif best == "directive":
                if text.lower().startswith("$includeconfig") and text[14:15] in (" ", "\t"):
                    buffer.at = end
                    self._include(text[14:].split()[0] if text[14:].split() else "", False, line, fatal=True)
                elif text.lower().startswith("$ruleset "):
                    return Token("$ruleset", text[9:].strip(), line)
                else:
                    self.reader.directive(text[1:], line)
            elif best and best not in ("skip", "bsd"):
                return Token(best, text.lower() if best == "keyword" else text, line)
        return None

    def _comment(self, buffer: Buffer) -> None:
        end = buffer.text.find("*/", buffer.at)
        buffer.at = len(buffer.text) if end < 0 else end + 2

    def _include(self, pattern: str, optional: bool, line: Line, *, fatal: bool) -> None:
        if len(self.stack) > 30:
            raise SyntaxStopError(line, "includes nested too deeply")
        found, missing = self.reader.files_of(pattern, optional, line)
        open_now = {buffer.name for buffer in self.stack}
        for name, lines in reversed(found):
            if name not in open_now:
                self.stack.append(Buffer(name, lines))
        if missing and fatal:
            self.ended = True  # yyterminate(): as if all input ended here

    def _scan(self, pattern: re.Pattern[str]) -> tuple[str, str] | None:
        """The next token of an expression or object; characters that fit nowhere are reported by rsyslog and skipped."""
        while (buffer := self._buffer()) is not None:
            match = pattern.match(buffer.text, buffer.at)
            if match is None or match.end() == buffer.at:
                buffer.at += 1
                continue
            buffer.at = match.end()
            kind = match.lastgroup or ""
            if kind == "comment":
                self._comment(buffer)
            elif kind == "string" and pattern is EXPRESSION and BARE_DOLLAR.search(match[0]):
                continue  # "$-sign in double quotes must be escaped": reported, and no token at all
            elif kind != "skip":
                return kind, match[0]
        return None

    def stop(self, near: str = "end of file") -> SyntaxStopError:
        return SyntaxStopError(self.last, near)

    # Statements

    def run(self) -> None:
        try:
            self._run()
        finally:
            self._tell_rest()

    def _run(self) -> None:
        while (token := self.peek()) is not None:
            if token.kind == "$ruleset":
                self.take()
                self._tell_rest()
                self.reader.ruleset_line(token.text)
            elif token.kind == "object" and _word(token) not in ("action", "include"):
                self.take()
                self._top_object(token)
            else:
                self.head = None
                found = self._statement()
                if found or self.head is not None:
                    self.rest = ()  # outside of any block, what was chained to a bare action gives way to the next statement
                whole = len(found) if self.head is None else self.head
                for statement in found[:whole]:
                    self.reader.script(statement)
                self.rest = found[whole:]

    def _tell_rest(self) -> None:
        for statement in self.rest:
            self.reader.script(statement)
        self.rest = ()

    def _top_object(self, token: Token) -> None:
        kind = _word(token)
        parameters = self._parameters()
        script: Script = ()
        if kind == "template":
            follows = self.peek()
            if follows is not None and follows.text == "{":
                self.take()
                while (part := self.take()) is not None and part.text != "}":
                    if part.kind != "object":
                        raise self.stop(part.text)
                    inner = self._parameters()
                    named = inner.get("name", "") if _word(part) == "property" else ""
                    parameters["template.properties"] = (*parameters.get("template.properties", ()), str(named))
        elif kind == "ruleset":
            opening = self.take()
            if opening is None or opening.text != "{":
                raise self.stop(opening.text if opening else "end of file")
            script = self._until_brace()
        elif kind in ("property", "constant"):
            raise self.stop(token.text)
        self.reader.declare(kind, parameters, script, token.line)

    def _until_brace(self) -> Script:
        found: list[Statement] = []
        while True:
            token = self.peek()
            if token is None:
                raise self.stop()
            if token.text == "}" and token.kind == "punct":
                self.take()
                return tuple(found)
            found.extend(self._statement())

    def _block(self) -> Script:
        token = self.peek()
        if token is not None and token.kind == "punct" and token.text == "{":
            self.take()
            first = self.peek()
            if first is not None and first.text == "}":
                raise self.stop("}")  # an empty block is no block
            return self._until_brace()
        return self._statement()

    def _statement(self) -> Script:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.stop("blocks nested too deeply")
        try:
            return self._one()
        finally:
            self.depth -= 1

    def _one(self) -> Script:
        token = self.take()
        if token is None:
            raise self.stop()
        if token.kind in ("selector", "property"):
            return (Select(token.text.strip(), self._block(), token.line),)
        if token.kind == "keyword" and token.text == "if":
            condition = self._expression("then")
            then = self._block()
            follows = self.peek()
            otherwise: Script = ()
            if follows is not None and follows.kind == "keyword" and follows.text == "else":
                self.take()
                otherwise = self._block()
            return (If(condition, then, otherwise, token.line),)
        if token.kind == "keyword" and token.text in ("set", "reset", "unset"):
            return self._assign(token)
        if token.kind == "keyword" and token.text == "foreach":
            while (part := self._scan(EXPRESSION)) is not None and part[1].lower() != "do":
                pass
            return (Foreach(self._block(), token.line),)
        if token.kind == "keyword" and token.text == "reload_lookup_table":
            while (part := self._scan(EXPRESSION)) is not None and part[1] != ")":
                pass
            return ()
        if token.kind == "object" and _word(token) == "include":
            parameters = self._parameters()
            self._include_object(parameters, token.line)
            return ()
        if token.kind == "object" and _word(token) != "action":
            raise self.stop(token.text)
        found = list(self._action(token))
        while (follows := self.peek()) is not None and follows.kind == "punct" and follows.text == "&":
            self.take()
            chained = self.take()
            if chained is None or chained.kind not in ("object", "legacy", "keyword"):
                raise self.stop(chained.text if chained else "end of file")
            if self.depth == 1 and self.head is None:
                self.head = len(found)
            found.extend(self._action(chained))
        return tuple(found)

    def _action(self, token: Token) -> Script:
        if token.kind == "object" and _word(token) == "action":
            action = self.reader.action(self._parameters(), token.line)
            return () if action is None else (Do(action, token.line),)
        if token.kind == "legacy":
            if token.text.startswith("~"):
                return (Stop(token.line),)
            action = self.reader.legacy_action(token.text, token.line)
            return () if action is None else (Do(action, token.line),)
        if token.kind == "keyword" and token.text == "stop":
            return (Stop(token.line),)
        if token.kind == "keyword" and token.text == "continue":
            return ()
        if token.kind == "keyword" and token.text == "call_indirect":
            return (CallIndirect(self._expression(";"), token.line),)
        if token.kind == "keyword" and token.text == "call":
            return (Call(self._call_name(), token.line),)
        raise self.stop(token.text)

    def _call_name(self) -> str:
        """The name behind `call`; characters that are no part of one are skipped, across lines."""
        while (buffer := self._buffer()) is not None:
            match = NAME.match(buffer.text, buffer.at)
            buffer.at = match.end() if match else buffer.at + 1
            if match:
                return match[0]
        raise self.stop()

    def _assign(self, token: Token) -> Script:
        name = self._scan(EXPRESSION)
        if name is None or name[0] != "var":
            raise self.stop(name[1] if name else "end of file")
        if token.text == "unset":
            end = self._scan(EXPRESSION)
            if end is None or end[1] != ";":
                raise self.stop(end[1] if end else "end of file")
            return (Assign(name[1].lower(), None, token.line),)
        equals = self._scan(EXPRESSION)
        if equals is None or equals[1] != "=":
            raise self.stop(equals[1] if equals else "end of file")
        return (Assign(name[1].lower(), self._expression(";"), token.line),)

    def _include_object(self, parameters: Parameters, line: Line) -> None:
        if disabled(parameters):
            return
        name, text = parameters.get("file"), parameters.get("text")
        if isinstance(name, str) and text is None:
            self._include(name, parameters.get("mode") == "optional", line, fatal=False)
        elif isinstance(text, str) and name is None:
            rows = text.split("\n")
            self.stack.append(Buffer("", [Line(line.file, line.number, row) for row in rows]))

    def _parameters(self) -> Parameters:
        found: Parameters = {}
        while (token := self._scan(OBJECT)) is not None:
            kind, text = token
            if kind == "punct" and text == ")":
                return found
            equals = self._scan(OBJECT)
            if kind != "name" or equals is None or equals[1] != "=":
                raise self.stop(text)
            value = self._scan(OBJECT)
            if value is None or (value[0] != "string" and value[1] != "["):
                raise self.stop(value[1] if value else "end of file")
            if value[1] == "[":
                items: list[str] = []
                while (item := self._scan(OBJECT)) is not None and item[1] != "]":
                    if item[0] == "string":
                        items.append(unquote(item[1]))
                    elif item[1] != ",":
                        raise self.stop(item[1])
                found.setdefault(text.lower(), tuple(items))
            else:
                found[text.lower()] = unquote(value[1])
        raise self.stop()

    # Expressions

    def _expression(self, end: str) -> Expression:
        tokens: list[tuple[str, str]] = []
        while (token := self._scan(EXPRESSION)) is not None:
            kind, text = token
            word = text.lower()
            if (kind == "word" and word == "then") or word == ";":
                if word != end:
                    raise self.stop(text)
                return ExpressionParser(tokens, self.stop).whole()
            tokens.append((kind, text))
        raise self.stop()


def _word(token: Token) -> str:
    return token.text.rstrip("(").strip().lower()


def parse(reader: Reader, name: str, lines: Sequence[Line]) -> SyntaxStopError | None:
    """Read a configuration and tell `reader` what rsyslog would take from it; the syntax error that ended it, if one did."""
    try:
        _Parser(reader, name, lines).run()
    except SyntaxStopError as stop:
        return stop
    return None
