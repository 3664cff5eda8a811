"""The lexer of sudoers(5), token for token what sudo's own flex scanner (plugins/sudoers/toke.l) returns.

Longest match, first pattern on equal length, start conditions, `!!` swallowed, continuation lines, quoting, `#` that is a comment, an id or
an include. Every file ends its last line with a newline; a NUL byte ends its line. A file that ends in a continued line goes on in the file
that included it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

Version = tuple[int, ...]
NEWEST: Version = (1, 9, 17)

_WORD = r"(?:[^#>!=:,() \t\r\n\\\"]|\\[^\t\n])+"
_ID = r"#-?[0-9]+"
_PATH = r"/(?:\\[,:= \t#]|[^,:=\\ \t\r\n#])+"
_REGEX = r"\^(?:\\[#$]|[^#\r\n$])*\$"
_ENVAR = r"(?:[^#!=, \t\r\n\\\"]|\\[^\r\n])(?:[^#=, \t\r\n\\\"]|\\[^\r\n])*"
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})"
_IPV4 = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_HEX = r"[0-9A-Fa-f]{1,4}"
_IPV6 = rf"(?:(?:{_HEX})?:){{2,7}}(?:{_HEX})?"
_TAGS = ("PASSWD", "EXEC", "INTERCEPT", "SETENV", "LOG_OUTPUT", "LOG_INPUT", "MAIL", "FOLLOW")
OPTIONS = ("TIMEOUT", "NOTBEFORE", "NOTAFTER", "CWD", "CHROOT", "ROLE", "TYPE", "APPARMOR_PROFILE")
_DIGEST_BYTES = {"sha224": 28, "sha256": 32, "sha384": 48, "sha512": 64}


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


_INITIAL, _GOTDEFS, _GOTCMND, _GOTREGEX, _STARTDEFS, _INDEFS, _INSTR, _WANTDIGEST, _GOTINC, _EXPECTPATH, _GOTEDIT = range(11)
_INCLUSIVE = {_INITIAL, _GOTDEFS, _WANTDIGEST, _EXPECTPATH}
_EVERY = set(range(11))

# (states, pattern, action, only at the beginning of a line), in the scanner's order: it decides between matches of one length
_RULES: tuple[tuple[set[int], str, str, bool], ...] = (
    ({_GOTDEFS}, r"[ \t]*,[ \t]*", "comma", False),
    ({_GOTDEFS}, r"[ \t]+", "startdefs", False),
    ({_STARTDEFS}, r"[a-z_]+", "defvar", False),
    ({_INDEFS}, r",", "defcomma", False),
    ({_INDEFS}, r"\+=", "append", False),
    ({_INDEFS}, r"-=", "remove", False),
    ({_INDEFS}, r"=", "char", False),
    ({_INDEFS}, r"\"", "string", False),
    ({_INDEFS}, _ENVAR, "word", False),
    ({_INSTR}, r"\\[ \t]*\r?\n[ \t]*", "strcontinue", False),
    ({_INSTR}, r"\"", "endstring", False),
    ({_INSTR}, r"\\", "strbody", False),
    ({_INSTR}, r"(?:[^\"\r\n\\]|\\\")+", "strbody", False),
    ({_GOTCMND, _GOTEDIT}, r"\\[*?\[\]!^]", "argglob", False),
    ({_GOTCMND, _GOTEDIT}, r"\\[:\\,= \t#]", "argquoted", False),
    ({_GOTCMND, _GOTEDIT}, r"[#:,=\r\n]", "endcmnd", False),
    ({_GOTCMND, _GOTEDIT}, r"[^#\\:, \t\r\n]+", "arg", False),
    ({_GOTREGEX}, r"\\[^\r\n]", "rexquoted", False),
    ({_GOTREGEX}, r"[#\r\n]", "rexbroken", False),
    ({_GOTREGEX}, r"\$", "rexend", False),
    ({_GOTREGEX}, r"[^#\\\r\n$]+", "rexbody", False),
    ({_WANTDIGEST}, r"[0-9A-Fa-f]+", "hexdigest", False),
    ({_WANTDIGEST}, r"[A-Za-z0-9+/=]+", "b64digest", False),
    ({_INITIAL}, r"@include", "include", False),
    ({_INITIAL}, r"@includedir", "includedir", False),
    ({_INITIAL}, r"#include[ \t]+.*(?:\r\n|\n)?", "hashinclude", True),
    ({_INITIAL}, r"#includedir[ \t]+.*(?:\r\n|\n)?", "hashincludedir", True),
    ({_INITIAL}, rf"[ \t]*Defaults(?:[:@>!][ \t]*!*\"?(?:{_ID}|{_WORD}))?", "defaults", True),
    ({_INITIAL}, r"[ \t]*(?:Host|Cmnd|Cmd|User|Runas)_Alias", "alias_keyword", True),
    *((_INCLUSIVE, rf"(?:NO)?{tag}[ \t]*:", "tag", False) for tag in _TAGS),
    ({_INITIAL, _GOTDEFS}, r"\+|%:|%", "emptygroup", False),
    (_INCLUSIVE, rf"\+{_WORD}", "netgroup", False),
    (_INCLUSIVE, rf"%:?(?:{_WORD}|{_ID})", "usergroup", False),
    (_INCLUSIVE, rf"{_IPV4}(?:/{_IPV4})?", "address", False),
    (_INCLUSIVE, rf"{_IPV4}/(?:3[0-2]|[12]?[0-9])", "address", False),
    (_INCLUSIVE, rf"{_IPV6}(?:/{_IPV6})?", "address6", False),
    (_INCLUSIVE, rf"(?:(?:{_HEX})?:){{2,6}}:{_IPV4}", "address6", False),
    (_INCLUSIVE, rf"{_IPV6}/(?:12[0-8]|1[01][0-9]|[1-9]?[0-9])", "address6", False),
    (_INCLUSIVE, r"ALL", "keyword", False),
    *(({_INITIAL}, name, "option", False) for name in OPTIONS),
    (_INCLUSIVE, r"[A-Z][A-Z0-9_]*", "alias", False),
    ({_GOTDEFS}, rf"(?:{_PATH}|{_REGEX}|sudoedit)", "defcommand", False),
    *((_INCLUSIVE, name, "digest_keyword", False) for name in _DIGEST_BYTES),
    (_INCLUSIVE, r"sudoedit", "sudoedit", False),
    ({_EXPECTPATH}, rf"(?:{_PATH}|{_WORD})", "optionpath", False),
    (_INCLUSIVE, _PATH, "path", False),
    (_INCLUSIVE, _REGEX, "regex", False),
    ({_INITIAL, _EXPECTPATH, _GOTDEFS}, r"\"", "string", False),
    ({_INITIAL, _GOTDEFS}, rf"(?:{_ID}|{_WORD})", "word", False),
    ({_GOTINC}, r"[^\"\s](?:\\[ \t]|\S)*", "incpath", False),
    ({_GOTINC}, r"\"", "string", False),
    (_INCLUSIVE, r"[(),=:]", "char", False),
    (_EVERY, r"!+", "bang", False),
    (_EVERY, r"\r?\n", "newline", False),
    (_EVERY, r"[ \t]+", "space", False),
    (_EVERY, r"\\[ \t]*\r?\n", "continue", False),
    ({_INITIAL, _STARTDEFS, _INDEFS}, r"#(?:-[^\r\n0-9].*|[^\r\n0-9-].*)?(?:\r\n|\n)?", "comment", False),
    (_EVERY, r"[^\n]", "nomatch", False),
)
_COMPILED = [(states, re.compile(pattern), action, bol) for states, pattern, action, bol in _RULES]
_BY_STATE = [[(rx, action, bol) for states, rx, action, bol in _COMPILED if state in states] for state in range(11)]
# APPARMOR_PROFILE is in the source from 1.9.9 on, and in no build of Debian 12's: there it is the name of an alias.
_SINCE: dict[str, Version] = {
    "include": (1, 9, 1), "includedir": (1, 9, 1), "regex": (1, 9, 10), "INTERCEPT": (1, 9, 8), "NOINTERCEPT": (1, 9, 8), "CWD": (1, 9, 3),
    "CHROOT": (1, 9, 3), "APPARMOR_PROFILE": (1, 9, 14), "TIMEOUT": (1, 8, 20), "NOTBEFORE": (1, 8, 20), "NOTAFTER": (1, 8, 20),
    "MAIL": (1, 8, 13), "NOMAIL": (1, 8, 13), "FOLLOW": (1, 8, 15), "NOFOLLOW": (1, 8, 15), "GOTEDIT": (1, 9, 14), "list": (1, 9, 13),
}  # fmt: skip


def knows(version: Version, word: str) -> bool:
    """Whether that version of sudo has this piece of the language."""
    return version >= _SINCE.get(word, (0,))


class Lexer:
    """A stream of tokens over a stack of files."""

    def __init__(self, file: str, text: str, version: Version = NEWEST) -> None:
        self._stack = [_Source(file, _lines_only(text))]
        self._version = version
        self._state = self._previous = _INITIAL
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
            for pattern, action, only_bol in _BY_STATE[self._state]:
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
        self._state = _STARTDEFS

    def _on_defvar(self, text: str, source: _Source) -> Token:
        self._state = _INDEFS
        return Token("DEFVAR", text)

    def _on_defcomma(self, text: str, source: _Source) -> Token:
        self._state = _STARTDEFS
        return Token(",")

    def _on_append(self, text: str, source: _Source) -> Token:
        return Token("+")

    def _on_remove(self, text: str, source: _Source) -> Token:
        return Token("-")

    def _on_char(self, text: str, source: _Source) -> Token:
        return Token(text)

    def _on_string(self, text: str, source: _Source) -> None:
        self._string = None
        if self._state == _GOTINC:
            self._previous = _INITIAL
        elif self._state != _EXPECTPATH:
            self._previous = self._state
        self._state = _INSTR

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
        if self._previous in (_INITIAL, _GOTDEFS):
            if value.startswith("%"):
                return Token("ERROR", "empty group") if value in ("%", "%:") else Token("USERGROUP", value)
            if value.startswith("+"):
                return Token("ERROR", "empty netgroup") if value == "+" else Token("NETGROUP", value)
        return Token("WORD", value)

    def _bad_edit(self, text: str) -> bool:
        return self._state == _GOTEDIT and text[0] != "/" and (self._args is None or self._space)

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
            self._state = _GOTREGEX
            self._back(source, len(text))
            return None
        return self._argument(text, text)

    def _command_token(self) -> Token:
        return Token("COMMAND", self._command, "".join(self._args) if self._args is not None else None)

    def _on_endcmnd(self, text: str, source: _Source) -> Token:
        self._state = _INITIAL
        self._back(source, len(text))
        return self._command_token()

    def _on_rexquoted(self, text: str, source: _Source) -> None:
        self._fill(text, False)

    def _on_rexbroken(self, text: str, source: _Source) -> Token:
        self._back(source, len(text))
        self._state = _INITIAL
        return Token("ERROR", "unterminated regular expression")

    def _on_rexend(self, text: str, source: _Source) -> Token:
        self._fill("$", False)
        self._state = _INITIAL
        self._continued = False
        return self._command_token()

    def _on_rexbody(self, text: str, source: _Source) -> None:
        if self._continued:
            text = text.lstrip(" \t")
            self._continued = False
        if text:
            self._fill(text, False)

    def _on_hexdigest(self, text: str, source: _Source) -> Token | None:
        self._state = _INITIAL
        return Token("DIGEST", text) if len(text) == 2 * _DIGEST_BYTES[self._digest] else None

    def _on_b64digest(self, text: str, source: _Source) -> Token | None:
        self._state = _INITIAL
        size = _DIGEST_BYTES[self._digest]
        wanted = 4 * ((size + 2) // 3) if text.endswith("=") else (4 * size + 2) // 3
        return Token("DIGEST", text) if len(text) == wanted else None

    def _keyword(self, kind: str, state: int) -> Token:
        if self._continued:
            return Token("ERROR", "invalid line continuation")
        self._state = state
        return Token(kind)

    def _on_include(self, text: str, source: _Source) -> Token:
        return self._keyword("INCLUDE", _GOTINC)

    def _on_includedir(self, text: str, source: _Source) -> Token:
        return self._keyword("INCLUDEDIR", _GOTINC)

    def _on_hashinclude(self, text: str, source: _Source) -> Token:
        if not self._continued:
            self._back(source, len(text) - len("#include"))
        return self._keyword("INCLUDE", _GOTINC)

    def _on_hashincludedir(self, text: str, source: _Source) -> Token:
        if not self._continued:
            self._back(source, len(text) - len("#includedir"))
        return self._keyword("INCLUDEDIR", _GOTINC)

    def _on_defaults(self, text: str, source: _Source) -> Token:
        if self._continued:
            return Token("ERROR", "invalid line continuation")
        bare = text.lstrip(" \t")
        scope = bare[8:9]
        self._state = _GOTDEFS
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
            self._state = _EXPECTPATH
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
        self._state = _WANTDIGEST
        return Token("SHA", text)

    def _on_sudoedit(self, text: str, source: _Source) -> None:
        self._state = _GOTEDIT if knows(self._version, "GOTEDIT") else _GOTCMND
        self._begin_command(text)

    def _on_optionpath(self, text: str, source: _Source) -> Token:
        self._state = self._previous
        return Token("WORD", unescape(text))

    def _on_path(self, text: str, source: _Source) -> Token | None:
        self._begin_command(text)
        if text.endswith("/"):
            return self._command_token()
        self._state = _GOTCMND
        return None

    def _on_regex(self, text: str, source: _Source) -> None:
        self._state = _GOTCMND
        self._begin_command(text)

    def _on_word(self, text: str, source: _Source) -> Token:
        return Token("WORD", unescape(text))

    def _on_incpath(self, text: str, source: _Source) -> Token:
        self._state = _INITIAL
        return Token("WORD", unescape(text))

    def _on_bang(self, text: str, source: _Source) -> Token | None:
        return Token("!") if len(text) & 1 else None

    def _on_newline(self, text: str, source: _Source) -> Token:
        if self._state == _INSTR:
            self._string = None
            self._state = _INITIAL
            source.at -= len(text)
            return Token("ERROR", "unexpected line break in string")
        self._state = _INITIAL
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
            self._state = _INITIAL
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
