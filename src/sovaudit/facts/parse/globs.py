"""fnmatch(3) and POSIX extended regular expressions as glibc has them, in time that no pattern can make explode."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

_CLASSES = {
    "alpha": r"a-zA-Z", "digit": r"0-9", "alnum": r"a-zA-Z0-9", "upper": r"A-Z", "lower": r"a-z", "space": r" \t\n\r\f\v", "blank": r" \t",
    "punct": r"!-/:-@\[-`{-~", "xdigit": r"0-9A-Fa-f", "cntrl": r"\x00-\x1f\x7f", "graph": r"!-~", "print": r" -~",
}  # fmt: skip
MAX_STATES = 2000  # a regular expression that needs more is refused


def has_meta(text: str) -> bool:
    """Whether sudo treats it as a pattern."""
    return any(character in text for character in "\\?*[]")


def glob_matches(pattern: str, text: str, *, pathname: bool = False, period: bool = False, fold: bool = False) -> bool:
    """fnmatch(3). pathname: no wildcard matches a slash. period: none matches a leading dot. fold: letter case does not count."""
    if fold:
        pattern, text = pattern.lower(), text.lower()
    if not pathname:
        return _segment(_units(pattern), text)
    patterns, texts = pattern.split("/"), text.split("/")
    if len(patterns) != len(texts):
        return False
    return all(
        _segment(_units(p), t) and not (period and t.startswith(".") and p[:1] in ("*", "?", "["))
        for p, t in zip(patterns, texts, strict=True)
    )


@lru_cache(maxsize=4096)
def _units(pattern: str) -> tuple[str | re.Pattern[str] | None, ...]:
    """One entry per matched character: itself, a class, or None for a star."""
    units: list[str | re.Pattern[str] | None] = []
    at = 0
    while at < len(pattern):
        character = pattern[at]
        if character == "*":
            if not units or units[-1] is not None:
                units.append(None)
        elif character == "?":
            units.append(_ANY)
        elif character == "\\" and at + 1 < len(pattern):
            at += 1
            units.append(pattern[at])
        elif character == "[" and (bracket := _bracket(pattern, at, "!^", escapes=True)):
            units.append(bracket[0])
            at = bracket[1]
            continue
        else:
            units.append(character)
        at += 1
    return tuple(units)


_ANY = re.compile(r"[\s\S]")


def _bracket(pattern: str, at: int, negations: str, *, escapes: bool) -> tuple[re.Pattern[str], int] | None:
    """A bracket expression as a class, and where it ends. None if it is not closed."""
    here = at + 1
    negated = pattern[here : here + 1] in tuple(negations)
    here += negated
    body = ""
    first = True
    while here < len(pattern) and (pattern[here] != "]" or first):
        first = False
        if pattern.startswith("[:", here) and (end := pattern.find(":]", here)) > 0 and pattern[here + 2 : end] in _CLASSES:
            body += _CLASSES[pattern[here + 2 : end]]
            here = end + 2
            continue
        if escapes and pattern[here] == "\\" and here + 1 < len(pattern):
            here += 1
        low = pattern[here]
        here += 1
        if pattern[here : here + 1] == "-" and pattern[here + 1 : here + 2] not in ("", "]"):
            high = pattern[here + 1]
            here += 2
            if low <= high:
                body += f"{re.escape(low)}-{re.escape(high)}"
            elif not escapes:
                raise Malformed("a range that ends before it begins")
            continue
        body += re.escape(low)
    if here >= len(pattern):
        return None
    source = f"[{'^' if negated else ''}{body}]" if body else (r"[\s\S]" if negated else r"(?!)")
    return re.compile(source), here + 1


def _segment(units: tuple[str | re.Pattern[str] | None, ...], text: str) -> bool:
    at = place = 0
    star, mark = -1, 0
    while place < len(text):
        unit = units[at] if at < len(units) else ""
        if at < len(units) and unit is None:
            star, mark = at, place
            at += 1
        elif at < len(units) and (
            unit == text[place] if isinstance(unit, str) else unit is not None and unit.match(text, place) is not None
        ):
            at += 1
            place += 1
        elif star >= 0:
            mark += 1
            at, place = star + 1, mark
        else:
            return False
    return all(unit is None for unit in units[at:])


# POSIX extended regular expressions: Thompson's construction, simulated


class Unsupported(Exception):
    """The expression is too big, or uses what is not modelled (back references, edges of words)."""


class Malformed(Exception):
    """regcomp(3), or sudo before it, refuses the expression: it matches nothing."""


Tree = tuple[Any, ...]
_BOUND = re.compile(r"\{(\d{0,5})(,(\d{0,5}))?\}")
_GNU = {  # glibc's own
    "w": re.compile(r"[A-Za-z0-9_]"), "W": re.compile(r"[^A-Za-z0-9_]"), "s": re.compile(r"[ \t\n\r\f\v]"), "S": re.compile(r"[^ \t\n\r\f\v]"),
}  # fmt: skip


@dataclass(slots=True)
class _Node:
    kind: str  # `char`, `split`, `begin`, `end`, `match`
    unit: re.Pattern[str] | str = ""
    out: tuple[int, ...] = ()


def regex_matches(pattern: str, text: str) -> bool:
    """regexec(3) with REG_EXTENDED; sudo's leading `(?i)` after `^` folds case. Raises Unsupported, and Malformed."""
    fold = pattern.startswith("^(?i)")
    if fold:
        pattern, text = "^" + pattern[5:].lower(), text.lower()
    nodes, start = _compile(pattern)
    current: set[int] = set()
    _close(nodes, start, current, True, not text)
    for place, character in enumerate(text):
        following: set[int] = set()
        if any(nodes[state].kind == "match" for state in current):
            return True
        last = place + 1 == len(text)
        for state in current:
            node = nodes[state]
            if node.kind == "char" and (node.unit == character if isinstance(node.unit, str) else node.unit.match(character)):
                _close(nodes, node.out[0], following, False, last)
        _close(nodes, start, following, False, last)  # a match may begin anywhere; `^` then fails by itself
        current = following
    return any(nodes[state].kind == "match" for state in current)


def _close(nodes: list[_Node], state: int, found: set[int], begins: bool, ends: bool) -> None:
    pending = [state]
    while pending:
        state = pending.pop()
        if state in found:
            continue
        found.add(state)
        node = nodes[state]
        if node.kind == "split" or (node.kind == "begin" and begins) or (node.kind == "end" and ends):
            pending.extend(node.out)


@lru_cache(maxsize=512)
def _compile(pattern: str) -> tuple[list[_Node], int]:
    nodes: list[_Node] = []
    place = 0
    depth = 0

    def add(kind: str, unit: re.Pattern[str] | str = "", *out: int) -> int:
        if len(nodes) >= MAX_STATES:
            raise Unsupported("too big")
        nodes.append(_Node(kind, unit, out))
        return len(nodes) - 1

    # fragments are trees first, so that `{n,m}` can repeat them
    def alternatives() -> Tree:
        nonlocal place
        branches = [sequence()]
        while place < len(pattern) and pattern[place] == "|":
            place += 1
            branches.append(sequence())
        return ("or", branches) if len(branches) > 1 else branches[0]

    def sequence() -> Tree:
        items = []
        while place < len(pattern) and pattern[place] != "|" and not (pattern[place] == ")" and depth):
            items.append(repeated())
        return ("seq", items)

    def repeated() -> Tree:
        nonlocal place
        item = atom()
        again = item[0] in ("begin", "end")
        while place < len(pattern) and pattern[place] in "*+?{":
            if again:
                raise Malformed("nothing to repeat")
            again = True
            if pattern[place] != "{":
                low, high = {"*": (0, None), "+": (1, None), "?": (0, 1)}[pattern[place]]
                place += 1
            else:
                bound = _BOUND.match(pattern, place)
                if bound is None or not (bound[1] or bound[2]):
                    raise Malformed("a bound that is none")
                low = int(bound[1] or 0)
                high = low if bound[2] is None else int(bound[3]) if bound[3] else None
                if max(low, high or 0) > 255 or (high is not None and high < low):
                    raise Malformed("a bound that is none")
                place = bound.end()
            item = ("rep", item, low, high)
        return item

    def atom() -> Tree:
        nonlocal place, depth
        character = pattern[place]
        place += 1
        if character == "(":
            depth += 1
            if depth > 50:
                raise Unsupported("nested too deeply")
            inner = alternatives()
            if place >= len(pattern):
                raise Malformed("unbalanced parenthesis")
            place += 1
            depth -= 1
            return inner
        if character == "[":
            bracket = _bracket(pattern, place - 1, "^", escapes=False)
            if bracket is None:
                raise Malformed("unbalanced bracket")
            place = bracket[1]
            return ("char", bracket[0])
        if character == ".":
            return ("char", _ANY)
        if character in "^$":
            return ("begin" if character == "^" else "end",)
        if character == "\\":
            if place >= len(pattern):
                raise Malformed("trailing backslash")
            character = pattern[place]
            place += 1
            if character in _GNU:
                return ("char", _GNU[character])
            if character in "123456789bB<>`'":
                raise Unsupported(f"\\{character}")
        elif character in "*+?{":
            raise Malformed("nothing to repeat")
        return ("char", character)

    def build(tree: Tree, out: int) -> int:
        match tree[0]:
            case "char":
                return add("char", tree[1], out)
            case "begin" | "end":
                return add(tree[0], "", out)
            case "seq":
                for item in reversed(tree[1]):
                    out = build(item, out)
                return out
            case "or":
                return add("split", "", *[build(branch, out) for branch in tree[1]])
        _, item, low, high = tree
        if high is None:
            loop = add("split")
            nodes[loop].out = (build(item, loop), out)
            out = loop
        else:
            end = out
            for _ in range(high - low):
                out = add("split", "", build(item, out), end)
        for _ in range(low):
            out = build(item, out)
        return out

    tree = alternatives()
    return nodes, build(tree, add("match"))
