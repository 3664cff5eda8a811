"""The lexer of sudoers(5), token for token what sudo's own flex scanner (plugins/sudoers/toke.l) returns.

Longest match, first pattern on equal length, start conditions, `!!` swallowed, continuation lines, quoting, `#` that is a comment, an id or
an include. Every file ends its last line with a newline; a NUL byte ends its line. A file that ends in a continued line goes on in the file
that included it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from sovaudit.facts.parse.sudoers_patterns import (
    BY_STATE,
    DIGEST_BYTES,
    EXPECTPATH,
    GOTCMND,
    GOTDEFS,
    GOTEDIT,
    GOTINC,
    GOTREGEX,
    INDEFS,
    INITIAL,
    INSTR,
    NEWEST,
    STARTDEFS,
    WANTDIGEST,
    Version,
    knows,
)


@dataclass(frozen=True, slots=True)
class Token:
    """kind: a character, `NL`, `EOF`, `ERROR`, or the grammar's own name. args is None for a command without any."""

    kind: str
    text: str = ""
    args: str | None = None
    file: str = ""
    line: int = 0


@dataclass(slots=True)
class _Source:
    file: str
    text: str
    at: int = 0
    line: int = 1
    more: list[tuple[str, str]] = field(default_factory=list)  # the rest of an includedir


class Lexer:
    """A stream of tokens over a stack of files."""

    def __init__(self, file: str, text: str, version: Version = NEWEST) -> None:
        self._stack = [_Source(file, _lines_only(text))]
        self._version = version
        self._state = self._previous = INITIAL
        self._space = self._continued = False
        self._mid_line = False  # yy_set_bol(0)
        self._digest = ""
        self._string: str | None = None
        self._command = ""
        self._args: list[str] | None = None
        self._actions: dict[str, Callable[[str, _Source], Token | None]] = {
            name[4:]: getattr(self, name) for name in dir(self) if name.startswith("_on_")
        }

    @property
    def depth(self) -> int:
        return len(self._stack) - 1

    @property
    def file(self) -> str:
        return self._stack[-1].file

    @property
    def line(self) -> int:
        return self._stack[-1].line

    def push(self, files: list[tuple[str, str]]) -> None:
        """Go on with these (name, text), then come back."""
        if files:
            first, *rest = files
            self._stack.append(_Source(first[0], _lines_only(first[1]), more=rest))

    def next(self) -> Token:
        while True:
            source = self._stack[-1]
            if source.at >= len(source.text):
                if source.more:
                    (name, text), *rest = source.more
                    self._stack[-1] = _Source(name, _lines_only(text), more=rest)
                elif len(self._stack) > 1:
                    self._stack.pop()
                else:
                    return Token("EOF", file=source.file, line=source.line)
                continue
            start = source.line
            bol = not self._mid_line and (source.at == 0 or source.text[source.at - 1] == "\n")
            best, chosen = -1, ""
            for pattern, action, only_bol in BY_STATE[self._state]:
                if only_bol and not bol:
                    continue
                found = pattern.match(source.text, source.at)
                if found and found.end() > best and self._known(action, found[0]):
                    best, chosen = found.end(), action
            text = source.text[source.at : best]
            source.at = best
            self._mid_line = False
            token = self._actions[chosen](text, source)
            if token is not None:
                return Token(token.kind, token.text, token.args, source.file, start)

    def _known(self, action: str, text: str) -> bool:
        if action in ("tag", "option"):
            return knows(self._version, text.rstrip(": \t"))
        return knows(self._version, action)

    def _back(self, source: _Source, count: int) -> None:
        source.at -= count
        self._mid_line = True

    def _on_comma(self, text: str, source: _Source) -> Token:
        return Token(",")

    def _on_startdefs(self, text: str, source: _Source) -> None:
        self._state = STARTDEFS

    def _on_defvar(self, text: str, source: _Source) -> Token:
        self._state = INDEFS
        return Token("DEFVAR", text)

    def _on_defcomma(self, text: str, source: _Source) -> Token:
        self._state = STARTDEFS
        return Token(",")

    def _on_append(self, text: str, source: _Source) -> Token:
        return Token("+")

    def _on_remove(self, text: str, source: _Source) -> Token:
        return Token("-")

    def _on_char(self, text: str, source: _Source) -> Token:
        return Token(text)

    def _on_string(self, text: str, source: _Source) -> None:
        self._string = None
        if self._state == GOTINC:
            self._previous = INITIAL
        elif self._state != EXPECTPATH:
            self._previous = self._state
        self._state = INSTR

    _on_pathstring = _on_string

    def _on_strcontinue(self, text: str, source: _Source) -> None:
        source.line += 1
        self._continued = True

    def _on_strbody(self, text: str, source: _Source) -> None:
        self._string = (self._string or "") + unescape(text)

    def _on_endstring(self, text: str, source: _Source) -> Token:
        self._state = self._previous
        value, self._string = self._string, None
        if value is None:
            return Token("ERROR", "empty string")
        if self._previous in (INITIAL, GOTDEFS):
            if value.startswith("%"):
                return Token("ERROR", "empty group") if value in ("%", "%:") else Token("USERGROUP", value)
            if value.startswith("+"):
                return Token("ERROR", "empty netgroup") if value == "+" else Token("NETGROUP", value)
        return Token("WORD", value)

    def _bad_edit(self, text: str) -> bool:
        return self._state == GOTEDIT and text[0] != "/" and (self._args is None or self._space)

    def _fill(self, text: str, spaced: bool) -> None:
        if self._args is None:
            self._args = []
        elif spaced:
            self._args.append(" ")
        self._args.append(text)

    def _on_argglob(self, text: str, source: _Source) -> Token | None:
        return self._argument(text, text)

    def _on_argquoted(self, text: str, source: _Source) -> Token | None:
        return self._argument(text, text[1:])

    def _argument(self, text: str, value: str) -> Token | None:
        if self._bad_edit(text):
            return Token("ERROR", "invalid sudoedit file name")
        self._fill(value, self._space)
        self._space = False
        return None

    def _on_arg(self, text: str, source: _Source) -> Token | None:
        if self._args is None and text[0] == "^" and knows(self._version, "regex"):
            self._state = GOTREGEX
            self._back(source, len(text))
            return None
        return self._argument(text, text)

    def _command_token(self) -> Token:
        return Token("COMMAND", self._command, "".join(self._args) if self._args is not None else None)

    def _on_endcmnd(self, text: str, source: _Source) -> Token:
        self._state = INITIAL
        self._back(source, len(text))
        return self._command_token()

    def _on_rexquoted(self, text: str, source: _Source) -> None:
        self._fill(text, False)

    def _on_rexbroken(self, text: str, source: _Source) -> Token:
        self._back(source, len(text))
        self._state = INITIAL
        return Token("ERROR", "unterminated regular expression")

    def _on_rexend(self, text: str, source: _Source) -> Token:
        self._fill("$", False)
        self._state = INITIAL
        self._continued = False
        return self._command_token()

    def _on_rexbody(self, text: str, source: _Source) -> None:
        if self._continued:
            text = text.lstrip(" \t")
            self._continued = False
        if text:
            self._fill(text, False)

    def _on_hexdigest(self, text: str, source: _Source) -> Token | None:
        self._state = INITIAL
        return Token("DIGEST", text) if len(text) == 2 * DIGEST_BYTES[self._digest] else None

    def _on_b64digest(self, text: str, source: _Source) -> Token | None:
        self._state = INITIAL
        size = DIGEST_BYTES[self._digest]
        wanted = 4 * ((size + 2) // 3) if text.endswith("=") else (4 * size + 2) // 3
        return Token("DIGEST", text) if len(text) == wanted else None

    def _keyword(self, kind: str, state: int) -> Token:
        if self._continued:
            return Token("ERROR", "invalid line continuation")
        self._state = state
        return Token(kind)

    def _on_include(self, text: str, source: _Source) -> Token:
        return self._keyword("INCLUDE", GOTINC)

    def _on_includedir(self, text: str, source: _Source) -> Token:
        return self._keyword("INCLUDEDIR", GOTINC)

    def _on_hashinclude(self, text: str, source: _Source) -> Token:
        if not self._continued:
            self._back(source, len(text) - len("#include"))
        return self._keyword("INCLUDE", GOTINC)

    def _on_hashincludedir(self, text: str, source: _Source) -> Token:
        if not self._continued:
            self._back(source, len(text) - len("#includedir"))
        return self._keyword("INCLUDEDIR", GOTINC)

    def _on_defaults(self, text: str, source: _Source) -> Token:
        if self._continued:
            return Token("ERROR", "invalid line continuation")
        bare = text.lstrip(" \t")
        scope = bare[8:9]
        self._state = GOTDEFS
        if scope:
            rest = bare[9:].lstrip(" \t")
            source.at -= len(rest)
        return Token("DEFAULTS", scope)

    def _on_alias_keyword(self, text: str, source: _Source) -> Token:
        if self._continued:
            return Token("ERROR", "invalid line continuation")
        return Token("ALIASES", text.strip(" \t").partition("_")[0].replace("Cmd", "Cmnd"))

    def _on_tag(self, text: str, source: _Source) -> Token:
        return Token("TAG", text.rstrip(": \t"))

    def _on_emptygroup(self, text: str, source: _Source) -> Token:
        return Token("ERROR", "empty group")

    def _on_netgroup(self, text: str, source: _Source) -> Token:
        return Token("NETGROUP", unescape(text))

    def _on_usergroup(self, text: str, source: _Source) -> Token:
        return Token("USERGROUP", unescape(text))

    def _on_address(self, text: str, source: _Source) -> Token:
        return Token("NTWKADDR", text)

    def _on_address6(self, text: str, source: _Source) -> Token:
        bad = any(part.count("::") > 1 or ":::" in part for part in text.split("/"))
        return Token("ERROR", "invalid IPv6 address") if bad else Token("NTWKADDR", text)

    def _on_keyword(self, text: str, source: _Source) -> Token:
        return Token("ALL")

    def _on_option(self, text: str, source: _Source) -> Token:
        if text in ("CWD", "CHROOT"):
            self._previous = self._state
            self._state = EXPECTPATH
        return Token("OPTION", text)

    def _on_alias(self, text: str, source: _Source) -> Token:
        return Token("ALIAS", text)

    def _begin_command(self, text: str) -> None:
        self._command = text if text.startswith("^") else re.sub(r"\\([,:= \t#])", r"\1", text)
        if not text.startswith("^") and self._command.endswith("/sudoedit"):
            self._command = "sudoedit"
        self._args = None

    def _on_defcommand(self, text: str, source: _Source) -> Token:
        self._begin_command(text)
        return self._command_token()

    def _on_digest_keyword(self, text: str, source: _Source) -> Token:
        self._digest = text
        self._state = WANTDIGEST
        return Token("SHA", text)

    def _on_sudoedit(self, text: str, source: _Source) -> None:
        self._state = GOTEDIT if knows(self._version, "GOTEDIT") else GOTCMND
        self._begin_command(text)

    def _on_optionpath(self, text: str, source: _Source) -> Token:
        self._state = self._previous
        return Token("WORD", unescape(text))

    def _on_path(self, text: str, source: _Source) -> Token | None:
        self._begin_command(text)
        if text.endswith("/"):
            return self._command_token()
        self._state = GOTCMND
        return None

    def _on_regex(self, text: str, source: _Source) -> None:
        self._state = GOTCMND
        self._begin_command(text)

    def _on_word(self, text: str, source: _Source) -> Token:
        return Token("WORD", unescape(text))

    def _on_incpath(self, text: str, source: _Source) -> Token:
        self._state = INITIAL
        return Token("WORD", unescape(text))

    def _on_bang(self, text: str, source: _Source) -> Token | None:
        return Token("!") if len(text) & 1 else None

    def _on_newline(self, text: str, source: _Source) -> Token:
        if self._state == INSTR:
            self._string = None
            self._state = INITIAL
            source.at -= len(text)
            return Token("ERROR", "unexpected line break in string")
        self._state = INITIAL
        source.line += 1
        self._continued = False
        return Token("NL")

    def _on_space(self, text: str, source: _Source) -> None:
        self._space = True

    def _on_continue(self, text: str, source: _Source) -> None:
        self._space = self._continued = True
        source.line += 1

    def _on_comment(self, text: str, source: _Source) -> Token:
        if text.endswith("\n"):
            self._state = INITIAL
            source.line += 1
            self._continued = False
        return Token("NL")

    def _on_nomatch(self, text: str, source: _Source) -> Token:
        return Token("ERROR", "no token")


def unescape(text: str) -> str:
    r"""A word without its backslashes: `\x41` is a character by number, any other escaped character is itself."""
    if "\\" not in text:
        return text
    return re.sub(r"\\(?:x([0-9A-Fa-f]{2})|(.))", lambda m: chr(int(m[1], 16)) if m[1] else m[2], text, flags=re.DOTALL)


def _lines_only(text: str) -> str:
    if "\0" in text:
        text = re.sub(r"\0[^\n]*", "", text)
    return text if not text or text.endswith("\n") else text + "\n"
