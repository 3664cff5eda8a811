"""`olcAccess` of slapd-config(5) as slapd itself takes it apart: slapd.access(5), the words after `to` and each `by`.

Values come as `{n}to … by …`. What slapd would refuse to load raises ValueError: it does not stand in a server that runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sovaudit.facts.parse.dn import normal
from sovaudit.facts.parse.posix_regex import compiled

LEVELS = {
    "none": "0", "disclose": "d", "auth": "xd", "compare": "cxd", "search": "scxd", "read": "rscxd", "add": "arscxd", "delete": "zrscxd",
    "write": "azrscxd", "manage": "mazrscxd",
}  # fmt: skip
STYLES = {
    "": "base", "exact": "base", "base": "base", "baseobject": "base", "onelevel": "one", "one": "one", "subtree": "subtree", "sub": "subtree",
    "children": "children", "level": "level", "regex": "regex", "expand": "expand", "ip": "ip", "ipv6": "ipv6", "path": "path",
}  # fmt: skip
CONNECTION = ("peername", "sockname", "sockurl", "domain", "ssf", "transport_ssf", "tls_ssf", "sasl_ssf")
"""Words about the connection and not about the person."""
_ALL = {"*", ".*", ".*$", "^.*", "^.*$", ".*$$", "^.*$$"}
_SOMEBODY = {"*", ".+", "^.+", ".+$", "^.+$", ".+$$", "^.+$$"}
_INDEX = re.compile(r"\{(-?\d{1,9})\}")


@dataclass(frozen=True, slots=True)
class What:
    """What a rule is about. style: `*`, base, one, subtree, children or regex; pattern: a normal DN, or the expression as written.

    attrs: lower-case names, `@class` and `!class`; none: every attribute, `entry` and `children`. value: (style, value) of `val…=`.
    """

    style: str = "*"
    pattern: str = ""
    filter: str = ""
    attrs: tuple[str, ...] = ()
    value: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Term:
    """One condition of a `by`. kind: `*`, anonymous, users, self, dn, dnattr, group, set, dynacl or one of CONNECTION."""

    kind: str
    style: str = ""
    pattern: str = ""
    real: bool = False
    expand: bool = False
    level: int = 0
    classes: str = ""  # of a group
    attribute: str = ""  # of a group, dnattr

    @property
    def text(self) -> str:
        style = f".{self.style}" if self.style and self.style != "base" else ""
        return f"{'real' if self.real else ''}{self.kind}{style}" + (
            f"={self.pattern or self.attribute}" if self.pattern or self.attribute else ""
        )


@dataclass(frozen=True, slots=True)
class By:
    """Terms that must all hold; what they bring: `=`, `+` or `-` with letters of slapd.access(5); own: only for values that are the asker's DN."""

    terms: tuple[Term, ...]
    sign: str
    letters: frozenset[str]
    control: str  # stop, continue, break
    own: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One `olcAccess` value."""

    what: What
    bys: tuple[By, ...]
    text: str


def rules(values: Iterable[str]) -> tuple[Rule, ...]:
    """Rules in the order of their numbers. Raises ValueError."""
    numbered = []
    for place, value in enumerate(values):
        found = _INDEX.match(value)
        numbered.append((int(found[1]) if found else place, value, value[found.end() :] if found else value))
    return tuple(rule(text, value) for _, value, text in sorted(numbered, key=lambda one: one[0]))


def words(line: str) -> list[str]:
    """Words as slapd splits a line of its LDIF: a quote may open inside a word and closes only before a space; a backslash is kept."""
    found: list[str] = []
    at, size = 0, len(line)
    while True:
        while at < size and line[at].isspace():
            at += 1
        if at >= size:
            return found
        quoted, last = line[at] == '"', -1
        at += quoted
        begin = at
        while at < size:
            if line[at] == '"':
                if quoted and (at + 1 == size or line[at + 1].isspace()):
                    break
                quoted, last = True, at
            elif not quoted and line[at].isspace():
                break
            at += 1
        found.append(line[begin:at] if last < 0 else line[begin:last] + line[last + 1 : at])
        at += 1


def rule(text: str, shown: str = "") -> Rule:
    """One rule. Raises ValueError."""
    tokens = words(text)
    if len(tokens) > 4096:
        raise ValueError("too many words")
    at = 0
    what: What | None = None
    bys: list[By] = []
    while at < len(tokens):
        word = tokens[at].lower()
        at += 1
        if word == "to" and what is None:
            begin = at
            while at < len(tokens) and tokens[at].lower() != "by":
                at += 1
            what = _what(tokens[begin:at])
        elif word == "by" and what is not None:
            by, at = _by(tokens, at)
            bys.append(by)
        else:
            raise ValueError(f"neither `to` nor `by` but {word!r}")
    if what is None or not bys:
        raise ValueError("no `to`, or no `by`")
    return Rule(what, tuple(bys), shown or text)


def _split(word: str) -> tuple[str, str, str | None]:
    """(name, style, value) of `name.style=value`."""
    left, equals, right = word.partition("=")
    name, _, style = left.partition(".")
    return name, style, right if equals else None


def _what(tokens: list[str]) -> What:
    style, pattern, expression, value = "", "", "", None
    attrs: tuple[str, ...] = ()
    for token in tokens:
        if token == "*":
            _once(style)
            style = "*"
            continue
        name, how, right = _split(token)
        kind = name.lower()
        if right is None:
            raise ValueError(f"no = in {token!r}")
        if kind == "dn":
            _once(style)
            style, pattern = _target(STYLES.get(how.lower(), ""), right)
        elif kind == "filter":
            expression = right
        elif kind in ("attr", "attrs"):
            attrs += tuple(one.strip().lower() for one in right.split(",") if one.strip())
        elif kind.startswith("val"):
            if len(attrs) != 1 or value is not None:
                raise ValueError("`val` needs one attribute")
            value = (STYLES.get(how.lower(), "base"), right)
        else:
            raise ValueError(f"{token!r} after `to`")
    return What(style or "*", pattern, expression, attrs, value)


def _once(style: str) -> None:
    if style not in ("", "*"):
        raise ValueError("two patterns after `to`")


def _target(style: str, right: str) -> tuple[str, str]:
    if style not in ("base", "one", "subtree", "children", "regex"):
        raise ValueError("a style that `to` does not know")
    if style == "regex":
        if not right:
            return "base", ""
        if right in _ALL:
            return "*", ""
        compiled(right)
        return style, right.replace(", ", ",")
    if style == "subtree" and not right:
        return "*", ""
    return style, normal(right)


def _by(tokens: list[str], at: int) -> tuple[By, int]:
    terms: list[Term] = []
    while at < len(tokens):
        term = _term(tokens[at])
        if term is None:
            break
        terms.append(term)
        at += 1
    if not terms and (at >= len(tokens) or tokens[at].lower() == "by"):
        raise ValueError("nobody after `by`")
    sign, letters, own = "+", frozenset[str](), False
    if at < len(tokens) and tokens[at].lower() not in ("stop", "continue", "break", "by"):
        sign, letters, own = _access(tokens[at])
        at += 1
    control = "stop"
    if at < len(tokens) and tokens[at].lower() in ("stop", "continue", "break"):
        control = tokens[at].lower()
        at += 1
    return By(tuple(terms), sign, letters, control, own), at


def _term(token: str) -> Term | None:
    """A condition; None where the conditions end. Raises ValueError."""
    name, how, right = _split(token)
    how, _, modifier = how.partition(",")
    depth = re.fullmatch(r"level\{(-?\d{1,4})\}", how, re.IGNORECASE)
    style = "level" if depth else STYLES.get(how.lower())
    kind, expand = name.lower(), modifier.lower() == "expand"
    real = kind.startswith("real") and kind[4:] in ("anonymous", "users", "self", "dn", "dnattr")
    if real:
        kind = kind[4:]
    if kind in ("*", "anonymous", "users", "self"):
        if right is not None or (kind == "*" and how):
            return None
        return Term(kind, real=real, level=int(depth[1]) if depth else 0)
    if style is None:
        if kind in ("dn", "dnattr", "set", *CONNECTION) or kind.partition("/")[0] in ("group", "dynacl"):
            raise ValueError(f"a style that is not known: {token!r}")
        return None
    if kind == "dn":
        return _person(style, right, real=real, expand=expand, level=int(depth[1]) if depth else 0)
    if kind == "dnattr" and right:
        return Term("dnattr", attribute=right.lower(), real=real)
    base, _, rest = kind.partition("/")
    if base == "group" and right:
        classes, _, attribute = rest.partition("/")
        if style not in ("base", "expand", "regex"):
            raise ValueError("a style that groups do not have")
        expands = style != "base"
        pattern = right if expands else normal(right)
        return Term("group", "expand" if expands else "base", pattern, expand=expands,
                    classes=classes or "groupofnames", attribute=attribute or "member")  # fmt: skip
    if kind == "set" and right:
        return Term("set", style, right, expand=style == "expand")
    if base == "dynacl" or kind == "aci":
        return Term("dynacl", style, token)
    if kind in CONNECTION and right:
        return Term(kind, style, right, expand=expand)
    return None


def _person(style: str, right: str | None, *, real: bool, expand: bool, level: int) -> Term:
    if style == "regex":
        # slapd reads `.+` as the word `users` and the empty expression as `anonymous`, and then looks for that word in the DN
        if right is None or right in _SOMEBODY:
            return Term("dn", "regex", "users", real=real, expand=True)
        if not right:
            return Term("dn", "regex", "anonymous", real=real, expand=True)
        if right in _ALL:
            return Term("*", real=real)
        return Term("dn", "regex", right.replace(", ", ","), real=real, expand=True)
    if not right:
        raise ValueError("no name after `dn`")
    if style not in ("base", "one", "subtree", "children", "level"):
        raise ValueError("a style that `dn` does not know")
    return Term("dn", style, right if expand else normal(right), real=real, expand=expand, level=level)


def _access(word: str) -> tuple[str, frozenset[str], bool]:
    plain = word.lower()
    own = plain.startswith(("self", "realself"))
    plain = plain.removeprefix("realself") if plain.startswith("realself") else plain.removeprefix("self")
    if plain in LEVELS:
        return "=", frozenset(LEVELS[plain]) - {"0"}, own
    if plain[:1] in ("=", "+", "-") and plain and set(plain[1:]) <= set("mwazrscxd0"):
        letters = set(plain[1:]) - {"0"}
        if "w" in letters:
            letters = letters - {"w"} | {"a", "z"}
        return plain[0], frozenset(letters), own
    raise ValueError(f"no such access: {word!r}")
