"""Who may do what to an entry of slapd: slapd.access(5), rule by rule as the server itself goes through them.

First `to` that matches, first `by` that holds; `by * none` at the end of each list, `to * by * none` at the end of all. What is not known
(a set, a filter, a group that was not seen) is tried both ways: an answer stands only if it does not depend on it. What a client may
choose (its address, encryption) is tried both ways, too: it may do what any choice allows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sovaudit.facts.directories.openldap_schema import in_class, supertypes
from sovaudit.facts.directories.openldap_values import plain
from sovaudit.facts.parse.dn import below, normal, parent
from sovaudit.facts.parse.olc_access import CONNECTION, LEVELS, By, Rule, Term, What
from sovaudit.facts.parse.posix_regex import compiled
from sovaudit.model.evidence import Gap
from sovaudit.model.verdict import Reason

MAX_TRIES = 128  # seven open questions
UNNAMED = "unknown"  # how slapd calls a client whose name it does not ask for (olcReverseLookup, off unless set)
MAX_STRENGTH = 256  # bits of a key: there is no cipher with more
Members = Callable[[str, str, str], "frozenset[str] | None"]
"""(group, class, attribute) → who is in it by name; None if that was not seen. An empty class: whatever it is."""


class World(Protocol):
    """What entries hold that rules look at. Each answer may be None: not seen, or not followed."""

    def passes(self, expression: str, dn: str) -> bool | None:
        """Whether an entry passes a filter."""

    def names(self, dn: str, attribute: str) -> frozenset[str] | None:
        """Whom an attribute of an entry names."""

    def in_set(self, term: Term, who: str, dn: str) -> bool | None:
        """Whether a set holds for who asks about an entry."""


class Unseen:
    """A world of which nothing was seen."""

    def passes(self, expression: str, dn: str) -> bool | None:
        return None

    def names(self, dn: str, attribute: str) -> frozenset[str] | None:
        return None

    def in_set(self, term: Term, who: str, dn: str) -> bool | None:
        return None


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: a normal DN, empty for a stranger."""

    dn: str

    @property
    def name(self) -> str:
        return self.dn or "somebody without a name"


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether it is allowed: True, False, or a Gap with what it depends on. rule: the one that decides, as written; empty: none does."""

    allowed: bool | Gap
    rule: str = ""


class _Open(Exception):
    """A question that is not answered: tried both ways."""

    def __init__(self, key: tuple[str, ...], *, choice: bool) -> None:
        super().__init__(key)
        self.key, self.choice = key, choice


@dataclass(slots=True)
class Access:
    """The rules of one database, those of the frontend behind them. default: the level where there are none at all (read; for cn=config none).

    unnamed: addresses of clients are not turned into names, so that each is called `unknown`.
    """

    rules: Sequence[Rule]
    members: Members
    default: str = "read"
    world: World = field(default_factory=Unseen)
    unnamed: bool = False
    _known: dict[tuple[object, ...], list[tuple[dict[tuple[str, ...], bool], frozenset[str], str]]] = field(default_factory=dict)

    def may(self, letters: str, dn: str, attribute: str, asker: Asker, *, value: str | None = None, chosen: bool = True) -> Answer:
        """Whether the asker has all these privileges (slapd.access(5): m a z r s c x d) on an attribute of an entry.

        value: a normal DN that is added or read. chosen: the connection is the asker's to choose; False: whatever it is like.
        """
        asked = frozenset(letters)
        by_doubt: dict[tuple[tuple[tuple[str, ...], bool], ...], list[tuple[bool, str]]] = {}
        try:
            for tried, held, rule in self._outcomes(dn, attribute, asker, value):
                doubts = tuple(sorted((key, answer) for key, answer in tried.items() if key[0] not in CONNECTION))
                by_doubt.setdefault(doubts, []).append((asked <= held, rule))
        except ValueError as error:
            return Answer(Gap(f"access:{attribute}", Reason.UNSUPPORTED, str(error)))
        found = [next((way for way in ways if way[0] is chosen), ways[0]) for ways in by_doubt.values()]
        if len({allowed for allowed, _ in found}) == 1:
            return Answer(*found[0])
        name = next(key for doubts in by_doubt for key, _ in doubts)
        rule = next(rule for allowed, rule in found if allowed)
        return Answer(Gap(f"access:{name[0]}", Reason.UNSUPPORTED, " ".join(name)[:200]), rule)

    def _outcomes(
        self, dn: str, attribute: str, asker: Asker, value: str | None
    ) -> list[tuple[dict[tuple[str, ...], bool], frozenset[str], str]]:
        key = (dn, attribute, asker.dn, value)
        if key not in self._known:
            if len(self._known) > 50_000:
                self._known.clear()
            self._known[key] = list(self._tried(dn, attribute, asker, value))
        return self._known[key]

    def _tried(
        self, dn: str, attribute: str, asker: Asker, value: str | None
    ) -> Iterator[tuple[dict[tuple[str, ...], bool], frozenset[str], str]]:
        todo: list[dict[tuple[str, ...], bool]] = [{}]
        tries = 0
        while todo:
            tried = todo.pop()
            tries += 1
            if tries > MAX_TRIES:
                raise ValueError("too much that is not known")
            try:
                held, rule = self._through(dn, attribute.lower(), asker, value, tried)
            except _Open as question:
                todo += [tried | {question.key: True}, tried | {question.key: False}]
                continue
            yield tried, held, rule

    def _through(
        self, dn: str, attribute: str, asker: Asker, value: str | None, tried: dict[tuple[str, ...], bool]
    ) -> tuple[frozenset[str], str]:
        if not self.rules:
            return frozenset(LEVELS[self.default]) - {"0"}, ""
        held: frozenset[str] = frozenset()
        for rule in self.rules:
            matches = _what(rule.what, dn, attribute, value, tried, self.world)
            if matches is None:
                continue
            for by in rule.bys:
                if by.own and value != asker.dn:
                    continue
                if not all(self._holds(term, rule.what, matches, dn, asker, tried, own=by.own) for term in by.terms):
                    continue
                held = _applied(held, by)
                if by.control == "stop":
                    return held, rule.text
                if by.control == "break":
                    break
            else:
                return frozenset(), rule.text  # the list ends with `by * none`
        return frozenset(), ""

    def _holds(
        self, term: Term, what: What, matches: tuple[str, ...], dn: str, asker: Asker, tried: dict[tuple[str, ...], bool], *, own: bool
    ) -> bool:
        who = asker.dn
        if term.kind == "*":
            return True
        if term.kind == "anonymous":
            return not who
        if term.kind == "users":
            return bool(who)
        if term.kind == "self":
            return _self(term.level, who, dn)
        if term.kind == "dn":
            return _named(term, what, matches, who)
        if term.kind == "domain" and self.unnamed and not term.expand and term.style != "expand":
            return _in_domain(term, UNNAMED)
        if term.kind in CONNECTION:
            return _connection(term, asker, tried)
        if not who and term.kind in ("group", "dnattr"):
            return False
        if term.kind == "group":
            group = term.pattern
            if term.expand:
                group = normal(_expanded(group, matches) or "")
            members = self.members(group, term.classes, term.attribute)
            return _asked(("group", group), tried) if members is None else who in members
        if term.kind == "dnattr":
            if own:
                return True  # slapd: who adds or takes away their own name need not stand there
            names = self.world.names(dn, term.attribute)
            return _asked(("dnattr", term.attribute), tried) if names is None else who in names
        if term.kind == "set":
            holds = self.world.in_set(term, who, dn)
            return _asked(("set", term.pattern), tried) if holds is None else holds
        return _asked((term.kind, term.pattern), tried)


def _asked(key: tuple[str, ...], tried: dict[tuple[str, ...], bool]) -> bool:
    if key not in tried:
        raise _Open(key, choice=key[0] in CONNECTION)
    return tried[key]


def _connection(term: Term, asker: Asker, tried: dict[tuple[str, ...], bool]) -> bool:
    if term.pattern == "*" and not term.kind.endswith("ssf"):
        return True
    key = (term.kind, term.style if not term.kind.endswith("ssf") else "", term.pattern)
    if key not in tried and term.kind.endswith("ssf"):
        if not term.pattern.isdigit():
            raise ValueError("a strength that is no number")
        if (term.kind == "sasl_ssf" and not asker.dn) or int(term.pattern) > MAX_STRENGTH:
            return False
        for other, answer in tried.items():  # who has more also has less
            if other[0] == term.kind and (
                (answer and int(other[2]) >= int(term.pattern)) or (not answer and int(other[2]) <= int(term.pattern))
            ):
                return answer
    return _asked(key, tried)


def _in_domain(term: Term, host: str) -> bool:
    if term.pattern == "*":
        return True
    if term.style == "regex":
        return compiled(term.pattern).search(host) is not None
    return host == term.pattern.lower() or (term.style == "subtree" and host.endswith("." + term.pattern.lower()))


def _applied(held: frozenset[str], by: By) -> frozenset[str]:
    if by.sign == "+":
        return held | by.letters
    return held - by.letters if by.sign == "-" else by.letters


def _self(level: int, who: str, dn: str) -> bool:
    if not who or not dn:
        return False
    lower, upper = (dn, who) if level < 0 else (who, dn)
    for _ in range(abs(level)):
        lower = parent(lower)
    return bool(lower) and lower == upper


def _named(term: Term, what: What, matches: tuple[str, ...], who: str) -> bool:
    if term.style == "regex":
        expression = _expanded(term.pattern, matches)
        return expression is not None and compiled(expression).search(who) is not None
    name = term.pattern
    if term.expand:
        expanded = _expanded(name, matches)
        if expanded is None:
            return False
        name = normal(expanded)
    if term.style == "level":
        for _ in range(term.level):
            who = parent(who)
        return who == name
    return _under(term.style, who, name)


def _under(style: str, dn: str, name: str) -> bool:
    if style == "base":
        return dn == name
    if style == "one":
        return bool(dn) and dn != name and parent(dn) == name
    if style == "children":
        return dn != name and below(dn, name)
    return below(dn, name)


def _expanded(pattern: str, matches: tuple[str, ...]) -> str | None:
    """`$1`, `${1}`, `${d1}` replaced by what `to` matched, `$$` by a dollar. None where slapd would let the clause fail."""
    out: list[str] = []
    at, size = 0, len(pattern)
    while at < size:
        character = pattern[at]
        at += 1
        if character != "$":
            out.append(character)
            continue
        if at >= size or pattern[at] == "$":
            out.append("$")
            at += 1
            continue
        digits, end = pattern[at : at + 1], at + 1
        if digits == "{":
            end = pattern.find("}", at) + 1
            if end == 0:
                return None
            digits = pattern[at + 1 : end - 1].removeprefix("d")
            if digits.startswith("v"):
                raise ValueError("values of attributes in a pattern")
        if not (digits.isascii() and digits.isdigit() and len(digits) < 4):
            continue
        if int(digits) >= len(matches):
            return None
        out.append(matches[int(digits)])
        at = end
    return "".join(out)


def _what(
    what: What, dn: str, attribute: str, value: str | None, tried: dict[tuple[str, ...], bool], world: World
) -> tuple[str, ...] | None:
    """What `to` matched, whole and in parts, for `$n`; None if it does not."""
    matches: tuple[str, ...] = (dn,)
    if what.style == "regex":
        found = compiled(what.pattern).search(dn)
        if found is None:
            return None
        matches = (found[0], *(group or "" for group in found.groups()))
    elif what.style != "*":
        if not _under(what.style, dn, what.pattern):
            return None
        if what.style != "base":
            matches = (dn, what.pattern)
    if what.attrs and not any(_covers(item, attribute, tried) for item in what.attrs):
        return None
    if what.value is not None:
        if value is None or what.value[0] == "regex" or "=" not in what.value[1]:
            if not _asked(("val", what.value[1]), tried):
                return None
        elif not _under(what.value[0], value, normal(what.value[1])):
            return None
    if plain(what.filter):
        held = world.passes(what.filter, dn)
        if not (_asked(("filter", what.filter, dn), tried) if held is None else held):
            return None
    return matches


def _covers(item: str, attribute: str, tried: dict[tuple[str, ...], bool]) -> bool:
    """Whether an element of `attrs=` names an attribute, a type above it, or a class that has it."""
    if item[:1] in ("@", "!", "+"):
        inside = in_class(item[1:], attribute)
        answer = _asked(("class", item, attribute), tried) if inside is None else inside
        return answer is not (item[0] == "!")
    if item.removeprefix("-") == attribute:
        return True
    if item in supertypes(attribute):
        return True
    inside = in_class(item, attribute, bare=True)
    return bool(inside)


def reaches(term: Term, dn: str) -> bool:
    """Whether a condition on a DN that refers to nothing else holds for it."""
    if term.style == "regex":
        expression = _expanded(term.pattern, ())
        return expression is not None and compiled(expression).search(dn) is not None
    if term.style == "level":
        return _named(term, What(), (), dn)
    return _under(term.style, dn, term.pattern)


def patterns(rules: Iterable[Rule]) -> list[Term]:
    """Each condition that names persons, once."""
    found = dict.fromkeys(term for rule in rules for by in rule.bys for term in by.terms if term.kind in ("dn", "group", "set"))
    return list(found)
