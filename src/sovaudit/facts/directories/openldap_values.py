"""What entries hold that access rules look at: `filter=`, `dnattr=` and sets of slapd.access(5), answered from what was shown.

Each answer may be None: not seen. A value is taken to lack only where this account would have been shown it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from sovaudit.facts.directories.openldap_schema import above, could_be
from sovaudit.facts.files import Unseen
from sovaudit.facts.parse import acl_set, ldap_filter
from sovaudit.facts.parse.dn import normal
from sovaudit.facts.parse.ldap_filter import Filter
from sovaudit.facts.parse.olc_access import CONNECTION, Rule

if TYPE_CHECKING:
    from sovaudit.facts.directory import Directory

SEARCHES = ("rule-attributes", "accounts", "groups", "policies", "tokens", "containers", "named")
_ALIASES = {
    "commonname": "cn", "surname": "sn", "userid": "uid", "rfc822mailbox": "mail", "organizationname": "o", "organizationalunitname": "ou",
    "localityname": "l", "gn": "givenname",
}  # fmt: skip
_NAMES = set("member uniquemember roleoccupant manager owner secretary seealso memberof".split())  # compared as DNs
_WORDS = set("cn sn uid ou o l st title description displayname givenname employeetype employeenumber departmentnumber host mail".split())
_EXACT = set("homedirectory loginshell memberuid".split())
_NUMBERS = set("uidnumber gidnumber shadowexpire shadowlastchange shadowmax shadowinactive".split())
_NAMED = {"member", "uniquemember", "roleoccupant", "memberuid"}  # of groups, which are asked for anyway
FOLLOWED = _NAMES | _WORDS | _EXACT | _NUMBERS
"""Attributes whose equality we know."""
_SPACES = re.compile(r"\s+")
Shown = Callable[[str, str], bool]
"""(DN, attribute): whether the access rules prove that this account would be shown it."""


def canonical(attribute: str) -> str:
    return _ALIASES.get(attribute.lower(), attribute.lower())


def spelt(attribute: str, value: str) -> str | None:
    """A value in the spelling that equal ones share; None where we do not know what is equal."""
    if attribute in _NAMES:
        return normal(value)
    if attribute in _WORDS:
        return _SPACES.sub(" ", value.strip()).lower()
    if attribute in _EXACT:
        return _SPACES.sub(" ", value.strip())
    if attribute in _NUMBERS:
        return str(int(value)) if re.fullmatch(r"-?\d{1,18}", value.strip()) else value
    return None


def looked_at(rules: Iterable[Rule]) -> frozenset[str]:
    """Attributes of entries that rules look at beyond their class and the members of groups."""
    found: set[str] = set()
    for rule in rules:
        if plain(rule.what.filter):
            with contextlib.suppress(ValueError):
                found |= {canonical(one) for one in ldap_filter.parse(rule.what.filter).attributes()}
        for term in (term for by in rule.bys for term in by.terms):
            if term.kind == "dnattr":
                found.add(canonical(term.attribute))
            elif term.kind == "group":
                found |= {term.attribute} - _NAMED
            elif term.kind == "set":
                found |= _in_set(term.pattern)
    return frozenset(found & FOLLOWED)


def _in_set(pattern: str) -> set[str]:
    try:
        tree = acl_set.parse(pattern)
    except ValueError:
        return set()
    return {canonical(node.text) for node in tree.walk() if node.kind == "chase"}


def named_by(rules: Iterable[Rule]) -> list[str]:
    """DNs that rules speak of: what they are about, and groups and entries of their conditions."""
    found: dict[str, None] = {}
    for rule in rules:
        if rule.what.style in ("base", "one", "subtree", "children"):
            found[rule.what.pattern] = None
        for term in (term for by in rule.bys for term in by.terms):
            if term.kind == "group" and not term.expand:
                found[term.pattern] = None
            elif term.kind == "set" and not term.expand:
                try:
                    found.update((normal(node.text), None) for node in acl_set.parse(term.pattern).walk() if node.kind == "text")
                except ValueError:
                    continue
    return [dn for dn in found if "=" in dn]


def unnamed(rule: Rule) -> bool:
    """Whether a rule tells entries by an expression or a filter, and not by a name."""
    return rule.what.style == "regex" or bool(plain(rule.what.filter))


def to_strangers(rule: Rule) -> bool:
    """Whether a rule may show something to somebody without a name."""
    shown = (by for by in rule.bys if "r" in by.letters and by.sign != "-")
    return any(all(term.kind in ("*", "anonymous", "set", "dynacl", *CONNECTION) for term in by.terms) for by in shown)


def plain(expression: str) -> str:
    """A filter without spaces, in lower case; empty for one that every entry passes."""
    short = expression.replace(" ", "").lower()
    return "" if short in ("(objectclass=*)", "objectclass=*") else short


def of_class(name: str, held: frozenset[str] | None) -> bool | None:
    """Whether an entry of these classes is of a class; None where a class that we do not know could be a kind of it."""
    if held is None:
        return None
    if name in held or any(name in above(one) for one in held):
        return True
    return None if any(could_be(one, name, held) for one in held) else False


class Held:
    """attributes: what rules look at. shown: see `Shown`."""

    def __init__(self, directory: Directory, attributes: frozenset[str], shown: Shown) -> None:
        self._directory = directory
        self._attributes = attributes
        self._shown = shown

    @cached_property
    def _rows(self) -> dict[str, dict[str, tuple[str, ...]]]:
        """Normal DN → {attribute: values} for those attributes alone."""
        found: dict[str, dict[str, tuple[str, ...]]] = {}
        if not self._attributes:
            return found
        for search in SEARCHES:
            try:
                for entry in self._directory.entries(search):
                    for name in self._attributes:
                        if entry.values(name):
                            found.setdefault(normal(entry.dn), {})[name] = tuple(entry.texts(name))
            except Unseen:
                continue
        return found

    @cached_property
    def _asked(self) -> dict[str, frozenset[str]]:
        """Attribute → searches that asked for it and showed all there is."""
        found: dict[str, set[str]] = {}
        for search in SEARCHES:
            try:
                if self._directory.gap(search) is None:
                    for name in self._directory.searches[search]["attributes"]:
                        found.setdefault(str(name).lower(), set()).add(search)
            except Unseen:
                continue
        return {name: frozenset(searches) for name, searches in found.items()}

    @cached_property
    def _seen(self) -> dict[str, set[str]]:
        """Search → normal DNs of what it brought; asked for only where an attribute did not come with rule-attributes."""
        found: dict[str, set[str]] = {}
        for search in SEARCHES[1:]:
            try:
                found[search] = {normal(entry.dn) for entry in self._directory.entries(search)}
            except Unseen:
                found[search] = set()
        return found

    def of(self, dn: str, attribute: str) -> frozenset[str] | None:
        """Values in their common spelling."""
        name = canonical(attribute)
        values = self._rows.get(dn, {}).get(name)
        if values is not None:
            spellings = [spelt(name, value) for value in values]
            return None if None in spellings else frozenset(one for one in spellings if one is not None)
        searches = self._asked.get(name, frozenset())
        there = "rule-attributes" in searches or any(dn in self._seen[search] for search in searches)
        return frozenset() if name in FOLLOWED and there and self._shown(dn, name) else None

    def holders(self, attribute: str) -> Iterable[tuple[str, frozenset[str]]]:
        """Each entry that was seen to have an attribute, with its values."""
        name = canonical(attribute)
        for dn, row in self._rows.items():
            if name in row:
                yield dn, frozenset(filter(None, (spelt(name, value) for value in row[name])))

    def passes(self, one: Filter, dn: str, classes: frozenset[str] | None) -> bool | None:
        """Whether an entry passes a filter (RFC 4511, 4.5.1.7: what is undefined does not pass, nor does its opposite)."""
        if one.kind in ("and", "or"):
            answers = [self.passes(part, dn, classes) for part in one.parts]
            stop = one.kind == "or"
            return stop if stop in answers else None if None in answers else not stop
        if one.kind == "not":
            inner = self.passes(one.parts[0], dn, classes)
            return None if inner is None else not inner
        if one.kind == "other":
            return None
        if one.attribute == "objectclass":
            return True if one.kind == "present" else of_class(one.values[0].lower(), classes) if one.kind == "equal" else None
        name = canonical(one.attribute)
        values = self.of(dn, name)
        if values is None or not values or one.kind == "present":
            return None if values is None else bool(values)
        if one.kind == "substring" and name in _WORDS | _EXACT:
            return _contains(name, one.values, values)
        wanted = spelt(name, one.values[0])
        if one.kind == "equal" or (one.kind == "like" and wanted in values):
            return wanted in values
        if one.kind in ("more", "less") and name in _NUMBERS:
            try:
                numbers, bound = [int(value) for value in values], int(one.values[0])
            except ValueError:
                return None
            return any(number >= bound if one.kind == "more" else number <= bound for number in numbers)
        return None


def _contains(name: str, parts: tuple[str, ...], values: frozenset[str]) -> bool:
    """RFC 4518: spaces at the outer ends of a part count as one; we squeeze them as values are squeezed."""
    first, *middle, last = (_SPACES.sub(" ", part if name in _EXACT else part.lower()) for part in parts)
    pattern = re.escape(first) + ".*" + "".join(re.escape(part) + ".*" for part in middle if part) + re.escape(last)
    return any(re.fullmatch(pattern, value, re.DOTALL) for value in values)
