"""Words and operators of a POSIX shell's language (sh(1p) "Token Recognition", bash(1) "QUOTING"): what stands quoted and what will be expanded.

dialect: `bash`, or `dash` where bash's own operators are plain text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_OPERATORS = (
    "<<<", "<<-", "&>>", ";;&", "&&", "||", ";;", ";&", "|&", "<<", ">>", "<&", ">&", "<>", ">|", "&>", ";", "&", "|", "(", ")", "<", ">",
)  # fmt: skip
_OPERATOR = re.compile("|".join(map(re.escape, _OPERATORS)))
_DASH_OPERATOR = re.compile("|".join(re.escape(each) for each in _OPERATORS if each not in ("<<<", "&>", "&>>", "|&", ";&", ";;&")))
_BLANKS = re.compile(r"(?:[ \t]|\\\n)+")
_RUN = re.compile(r"[^ \t\n;&|<>()\\'\"$`]+")
_INNER = re.compile(r"[^\"\\$`]+")
REDIRECT = frozenset("<<< <<- &>> << >> <& >& <> >| &> < >".split())
_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-]")
MASKED = "\ue001"  # what the collector hid


class ShellSyntax(Exception):
    """A place that we cannot parse. line: its number. sure: no shell could."""

    def __init__(self, line: int, sure: bool = False) -> None:
        self.line = line
        self.sure = sure
        super().__init__(f"line {line}")


@dataclass(frozen=True, slots=True)
class Part:
    """kind: `text`, `param` ($x, ${…}: what stands inside), `command` ($(…), `…`), `other` (arithmetic, process substitution)."""

    kind: str
    text: str
    quoted: bool


Word = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Token:
    kind: str  # op, word, newline, end
    text: str  # the operator, or a word without quotes or expansions
    word: Word
    line: int
    plain: bool = False  # nothing in it was quoted or expanded
    start: int = 0


class Lexer:
    """Tokens of one text, one at a time. Raises ShellSyntax."""

    def __init__(self, text: str, dialect: str = "bash") -> None:
        self._text = text.replace("<masked>", MASKED)
        self._dialect = dialect
        self._at = 0
        self._line = 1
        self._peeked: Token | None = None
        self._documents: list[tuple[str, bool]] = []

    @property
    def line(self) -> int:
        return self._line

    def _peek(self) -> Token:
        if self._peeked is None:
            self._peeked = self._token()
        return self._peeked

    def _take(self) -> Token:
        token = self._peek()
        self._peeked = None
        return token

    def _token(self) -> Token:
        text, end = self._text, len(self._text)
        if blanks := _BLANKS.match(text, self._at):
            self._at = blanks.end()
            self._line += blanks[0].count("\n")
        if self._at >= end:
            return Token("end", "", (), self._line)
        if text[self._at] == "#":
            newline = text.find("\n", self._at)
            self._at = end if newline < 0 else newline
            return self._token()
        line, start = self._line, self._at
        if text[self._at] == "\n":
            self._at += 1
            self._line += 1
            self._skip_documents()
            return Token("newline", "\n", (), line)
        if text[self._at] in "<>" and text.startswith("(", self._at + 1) and self._dialect != "dash":
            return self._word(line, start)
        if match := (_DASH_OPERATOR if self._dialect == "dash" else _OPERATOR).match(text, self._at):
            self._at = match.end()
            return Token("op", match[0], (), line, start=start)
        return self._word(line, start)

    def _skip_documents(self) -> None:
        for delimiter, strip in self._documents:
            while self._at < len(self._text):
                newline = self._text.find("\n", self._at)
                newline = len(self._text) if newline < 0 else newline
                row = self._text[self._at : newline]
                self._at = min(newline + 1, len(self._text))
                self._line += 1
                if (row.lstrip("\t") if strip else row) == delimiter:
                    break
        self._documents.clear()

    def _word(self, line: int, start: int) -> Token:
        parts: list[Part] = []
        plain = True
        text = self._text
        buffer: list[str] = []

        def flush(quoted: bool = False) -> None:
            if buffer:
                parts.append(Part("text", "".join(buffer), quoted))
                buffer.clear()

        while self._at < len(text):
            here = text[self._at]
            if here in "<>" and text.startswith("(", self._at + 1) and self._dialect != "dash" and not buffer and not parts:
                self._at += 1
                flush()
                parts.append(Part("other", self._balanced("(", ")"), False))
                plain = False
            elif here in " \t\n;&|<>()":
                break
            elif here == "\\":
                plain = False
                following = text[self._at + 1 : self._at + 2]
                self._at += 2
                if following == "\n":
                    self._line += 1
                else:
                    flush()
                    parts.append(Part("text", following, True))
            elif here == "'":
                plain = False
                close = text.find("'", self._at + 1)
                if close < 0:
                    raise ShellSyntax(line)
                flush()
                inner = text[self._at + 1 : close]
                parts.append(Part("text", inner, True))
                self._line += inner.count("\n")
                self._at = close + 1
            elif here == '"':
                plain = False
                flush()
                self._at += 1
                self._double(parts, line)
            elif here in "$`":
                flush()
                if (part := self._dollar(False, line)) is None:
                    buffer.append("$")
                else:
                    plain = False
                    parts.append(part)
            else:
                run = _RUN.match(text, self._at)
                buffer.append(run[0] if run else here)
                self._at = run.end() if run else self._at + 1
        flush()
        bare = "".join(part.text for part in parts) if plain else ""
        return Token("word", bare, tuple(parts), line, plain, start)

    def _double(self, parts: list[Part], line: int) -> None:
        text = self._text
        buffer: list[str] = []
        parts.append(Part("text", "", True))
        while self._at < len(text):
            here = text[self._at]
            if here == '"':
                self._at += 1
                parts.append(Part("text", "".join(buffer), True))
                return
            if here == "\\" and text[self._at + 1 : self._at + 2] in ("$", "`", '"', "\\", "\n"):
                if text[self._at + 1] == "\n":
                    self._line += 1
                else:
                    buffer.append(text[self._at + 1])
                self._at += 2
            elif here in "$`":
                parts.append(Part("text", "".join(buffer), True))
                buffer.clear()
                part = self._dollar(True, line)
                if part is None:
                    buffer.append("$")
                else:
                    parts.append(part)
            else:
                run = _INNER.match(text, self._at)
                piece = run[0] if run else here
                self._line += piece.count("\n")
                buffer.append(piece)
                self._at += len(piece)
        raise ShellSyntax(line)

    def _dollar(self, quoted: bool, line: int) -> Part | None:
        """An expansion; None for a lone dollar, which is then consumed."""
        text = self._text
        if text[self._at] == "`":
            close = self._at + 1
            while close < len(text) and text[close] != "`":
                close += 2 if text[close] == "\\" else 1
            if close >= len(text):
                raise ShellSyntax(line)
            inner = re.sub(r"\\([$`\\])", r"\1", text[self._at + 1 : close])
            self._line += inner.count("\n")
            self._at = close + 1
            return Part("command", inner, quoted)
        following = text[self._at + 1 : self._at + 2]
        if following == "(":
            self._at += 1
            inner = self._balanced("(", ")")
            if inner.startswith("(") and inner.endswith(")"):
                return Part("other", inner, quoted)
            return Part("command", inner, quoted)
        if following == "{":
            self._at += 1
            return Part("param", self._balanced("{", "}"), quoted)
        if match := _PARAMETER.match(text, self._at + 1):
            self._at = match.end()
            return Part("param", match[0], quoted)
        if following in ("'", '"') and not quoted and self._dialect == "bash":
            self._at += 1
            if following == '"':
                return Part("text", "", True)  # $"…": a translated string, which follows as a plain one
            close = self._at + 1
            while close < len(text) and text[close] != "'":
                close += 2 if text[close] == "\\" else 1
            inner = text[self._at + 1 : close]
            self._line += inner.count("\n")
            self._at = close + 1
            return Part("other" if "\\" in inner else "text", inner, True)
        self._at += 1
        return None

    def _balanced(self, opening: str, closing: str) -> str:
        """From an opening bracket to its closing one, quotes and nesting respected; what stands between."""
        text, start, depth, first = self._text, self._at + 1, 0, self._line
        while self._at < len(text):
            here = text[self._at]
            if here == "\\":
                self._line += text[self._at + 1 : self._at + 2] == "\n"
                self._at += 2
                continue
            if here == "\n":
                self._line += 1
            elif here == "'" and not (opening == "{" and self._quoted_before(start)):
                close = text.find("'", self._at + 1)
                if close < 0:
                    raise ShellSyntax(first)
                self._line += text.count("\n", self._at, close)
                self._at = close
            elif here == '"':
                self._at += 1
                self._double([], first)
                continue
            elif here == opening:
                depth += 1
            elif here == closing:
                depth -= 1
                if depth == 0:
                    self._at += 1
                    return text[start : self._at - 1]
            self._at += 1
        raise ShellSyntax(first)

    def _quoted_before(self, start: int) -> bool:
        """Inside "${…}" a single quote is a letter like any other."""
        line_start = self._text.rfind("\n", 0, start) + 1
        return self._text.count('"', line_start, start) % 2 == 1
