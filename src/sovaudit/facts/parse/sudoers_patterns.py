"""The patterns of sudo's scanner (plugins/sudoers/toke.l): which text is a token, in which start condition, from which version on."""

from __future__ import annotations

import re

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
OPTIONS = ("TIMEOUT", "NOTBEFORE", "NOTAFTER", "CWD", "CHROOT", "ROLE", "TYPE", "APPARMOR_PROFILE", "PRIVS", "LIMITPRIVS")
DIGEST_BYTES = {"sha224": 28, "sha256": 32, "sha384": 48, "sha512": 64}


INITIAL, GOTDEFS, GOTCMND, GOTREGEX, STARTDEFS, INDEFS, INSTR, WANTDIGEST, GOTINC, EXPECTPATH, GOTEDIT = range(11)
_INCLUSIVE = {INITIAL, GOTDEFS, WANTDIGEST, EXPECTPATH}
_EVERY = set(range(11))

# (states, pattern, action, only at the beginning of a line), in the scanner's order: it decides between matches of one length
_RULES: tuple[tuple[set[int], str, str, bool], ...] = (
    ({GOTDEFS}, r"[ \t]*,[ \t]*", "comma", False),
    ({GOTDEFS}, r"[ \t]+", "startdefs", False),
    ({STARTDEFS}, r"[a-z_]+", "defvar", False),
    ({INDEFS}, r",", "defcomma", False),
    ({INDEFS}, r"\+=", "append", False),
    ({INDEFS}, r"-=", "remove", False),
    ({INDEFS}, r"=", "char", False),
    ({INDEFS}, r"\"", "string", False),
    ({INDEFS}, _ENVAR, "word", False),
    ({INSTR}, r"\\[ \t]*\r?\n[ \t]*", "strcontinue", False),
    ({INSTR}, r"\"", "endstring", False),
    ({INSTR}, r"\\", "strbody", False),
    ({INSTR}, r"(?:[^\"\r\n\\]|\\\")+", "strbody", False),
    ({GOTCMND, GOTEDIT}, r"\\[*?\[\]!^]", "argglob", False),
    ({GOTCMND, GOTEDIT}, r"\\[:\\,= \t#]", "argquoted", False),
    ({GOTCMND, GOTEDIT}, r"[#:,=\r\n]", "endcmnd", False),
    ({GOTCMND, GOTEDIT}, r"[^#\\:, \t\r\n]+", "arg", False),
    ({GOTREGEX}, r"\\[^\r\n]", "rexquoted", False),
    ({GOTREGEX}, r"[#\r\n]", "rexbroken", False),
    ({GOTREGEX}, r"\$", "rexend", False),
    ({GOTREGEX}, r"[^#\\\r\n$]+", "rexbody", False),
    ({WANTDIGEST}, r"[0-9A-Fa-f]+", "hexdigest", False),
    ({WANTDIGEST}, r"[A-Za-z0-9+/=]+", "b64digest", False),
    ({INITIAL}, r"@include", "include", False),
    ({INITIAL}, r"@includedir", "includedir", False),
    ({INITIAL}, r"#include[ \t]+.*(?:\r\n|\n)?", "hashinclude", True),
    ({INITIAL}, r"#includedir[ \t]+.*(?:\r\n|\n)?", "hashincludedir", True),
    ({INITIAL}, rf"[ \t]*Defaults(?:[:@>!][ \t]*!*\"?(?:{_ID}|{_WORD}))?", "defaults", True),
    ({INITIAL}, r"[ \t]*(?:Host|Cmnd|Cmd|User|Runas)_Alias", "alias_keyword", True),
    *((_INCLUSIVE, rf"(?:NO)?{tag}[ \t]*:", "tag", False) for tag in _TAGS),
    ({INITIAL, GOTDEFS}, r"\+|%:|%", "emptygroup", False),
    (_INCLUSIVE, rf"\+{_WORD}", "netgroup", False),
    (_INCLUSIVE, rf"%:?(?:{_WORD}|{_ID})", "usergroup", False),
    (_INCLUSIVE, rf"{_IPV4}(?:/{_IPV4})?", "address", False),
    (_INCLUSIVE, rf"{_IPV4}/(?:3[0-2]|[12]?[0-9])", "address", False),
    (_INCLUSIVE, rf"{_IPV6}(?:/{_IPV6})?", "address6", False),
    (_INCLUSIVE, rf"(?:(?:{_HEX})?:){{2,6}}:{_IPV4}", "address6", False),
    (_INCLUSIVE, rf"{_IPV6}/(?:12[0-8]|1[01][0-9]|[1-9]?[0-9])", "address6", False),
    (_INCLUSIVE, r"ALL", "keyword", False),
    *(({INITIAL}, name, "option", False) for name in OPTIONS),
    (_INCLUSIVE, r"[A-Z][A-Z0-9_]*", "alias", False),
    ({GOTDEFS}, rf"(?:{_PATH}|{_REGEX}|sudoedit)", "defcommand", False),
    *((_INCLUSIVE, name, "digest_keyword", False) for name in DIGEST_BYTES),
    (_INCLUSIVE, r"sudoedit", "sudoedit", False),
    ({EXPECTPATH}, rf"(?:{_PATH}|{_WORD})", "optionpath", False),
    (_INCLUSIVE, _PATH, "path", False),
    (_INCLUSIVE, _REGEX, "regex", False),
    ({INITIAL, GOTDEFS}, r"\"", "string", False),
    ({EXPECTPATH}, r"\"", "pathstring", False),
    ({INITIAL, GOTDEFS}, rf"(?:{_ID}|{_WORD})", "word", False),
    ({GOTINC}, r"[^\"\s](?:\\[ \t]|\S)*", "incpath", False),
    ({GOTINC}, r"\"", "string", False),
    (_INCLUSIVE, r"[(),=:]", "char", False),
    (_EVERY, r"!+", "bang", False),
    (_EVERY, r"\r?\n", "newline", False),
    (_EVERY, r"[ \t]+", "space", False),
    (_EVERY, r"\\[ \t]*\r?\n", "continue", False),
    ({INITIAL, STARTDEFS, INDEFS}, r"#(?:-[^\r\n0-9].*|[^\r\n0-9-].*)?(?:\r\n|\n)?", "comment", False),
    (_EVERY, r"[^\n]", "nomatch", False),
)
_COMPILED = [(states, re.compile(pattern), action, bol) for states, pattern, action, bol in _RULES]
BY_STATE = [[(rx, action, bol) for states, rx, action, bol in _COMPILED if state in states] for state in range(11)]
# APPARMOR_PROFILE (from 1.9.9 on) and the privileges of Solaris are in no build of Debian 12's: there they are names of aliases.
_SINCE: dict[str, Version] = {
    "include": (1, 9, 1), "includedir": (1, 9, 1), "regex": (1, 9, 10), "INTERCEPT": (1, 9, 8), "NOINTERCEPT": (1, 9, 8), "CWD": (1, 9, 3),
    "CHROOT": (1, 9, 3), "APPARMOR_PROFILE": (1, 9, 14), "PRIVS": (1, 9, 14), "LIMITPRIVS": (1, 9, 14),
    "TIMEOUT": (1, 8, 20), "NOTBEFORE": (1, 8, 20), "NOTAFTER": (1, 8, 20),
    "MAIL": (1, 8, 13), "NOMAIL": (1, 8, 13), "FOLLOW": (1, 8, 15), "NOFOLLOW": (1, 8, 15), "GOTEDIT": (1, 9, 14), "pathstring": (1, 9, 14),
    "list": (1, 9, 13),
}  # fmt: skip


def knows(version: Version, word: str) -> bool:
    """Whether that version of sudo has this piece of the language."""
    return version >= _SINCE.get(word, (0,))
