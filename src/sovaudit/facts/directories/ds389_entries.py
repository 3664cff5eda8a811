"""Entries of 389 Directory Server as its access control instructions pick them out: by name, pattern, filter and URL."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING
from urllib.parse import unquote

from sovaudit.facts.directories.openldap_values import FOLLOWED, Held, canonical
from sovaudit.facts.files import Unseen
from sovaudit.facts.parse import ldap_filter
from sovaudit.facts.parse.dn import below, normal, parent

if TYPE_CHECKING:
    from sovaudit.facts.directory import Directory

SEARCHES = ("accounts", "groups", "policies", "access")
# what the server itself writes into every entry
ALWAYS = frozenset("objectclass entrydn nsuniqueid createtimestamp modifytimestamp creatorsname modifiersname parentid entryid".split())


@lru_cache(maxsize=512)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(r"(?:.*[^\\],)?" + ".*".join(map(re.escape, text.split("*"))), re.DOTALL)


def inside(dn: str, place: str) -> bool:
    """Whether an entry is a place or stands below it. A pattern means each entry whose whole name fits it, and all below that one."""
    return _pattern(place).fullmatch(dn) is not None if "*" in place else below(dn, place)


class Entries:
    """Those that were seen. sees_all: whether nothing is hidden from who asked."""

    def __init__(self, directory: Directory, sees_all: Callable[[], bool]) -> None:
        self._directory = directory
        self._sees_all = sees_all
        self._filters: dict[str, tuple[ldap_filter.Filter, Held] | None] = {}

    def passes(self, expression: str, dn: str) -> bool | None:
        """Whether an entry passes a filter; None where that was not seen."""
        if expression not in self._filters:
            text = expression.strip()
            try:
                tree = ldap_filter.parse(text if text.startswith("(") else f"({text})")
                attributes = frozenset(map(canonical, tree.attributes())) & FOLLOWED
                self._filters[expression] = tree, Held(self._directory, attributes, lambda dn, name: self._shown(name))
            except ValueError:
                self._filters[expression] = None
        found = self._filters[expression]
        return None if found is None else found[1].passes(found[0], dn, self.classes.get(dn))

    def by_url(self, value: str, dn: str) -> bool | None:
        """Whether `ldap:///base??scope?filter` brings an entry; the scope is the base alone where it is not said (RFC 4516)."""
        base, _, scope, expression = (*value.partition("///")[2].split("?", 3), "", "", "")[:4]
        place = normal(unquote(base))
        scope = scope.lower()
        reached = below(dn, place) if scope == "sub" else parent(dn) == place if scope in ("one", "onelevel") else dn == place
        if not reached:
            return False
        return self.passes(unquote(expression), dn) if expression else True

    def _shown(self, attribute: str) -> bool:
        """Whether this account would be shown an attribute of accounts and groups: some of both show it, or nothing is hidden."""
        return self._sees_all() or all(self._directory.shown(search, attribute) for search in ("accounts", "groups"))

    @cached_property
    def classes(self) -> dict[str, frozenset[str]]:
        """Classes of accounts and groups; the server itself writes what stands above each."""
        found: dict[str, frozenset[str]] = {}
        for search in ("accounts", "groups"):
            try:
                found |= {normal(entry.dn): frozenset(entry.classes()) for entry in self._directory.entries(search) if entry.classes()}
            except Unseen:
                continue
        return found

    @cached_property
    def known(self) -> dict[str, frozenset[str]]:
        """Normal DN of every entry that was seen → names of the attributes that it was seen to have."""
        kinds: dict[frozenset[str], frozenset[str]] = {}
        found: dict[str, frozenset[str]] = {normal(self._directory.evidence.identity.get("base", "")): frozenset()}
        for search in SEARCHES:
            try:
                for entry in self._directory.entries(search):
                    dn = normal(entry.dn)
                    names = found.get(dn, frozenset()) | frozenset(entry.attributes) | {dn.partition("=")[0]}
                    found[dn] = kinds.setdefault(names, names)
            except Unseen:
                continue
        return found

    def has(self, dn: str, attribute: str) -> bool | None:
        """Whether an entry has an attribute (lower case); None where that was not seen."""
        if attribute in ALWAYS or attribute in self.known.get(dn, ()):
            return True
        if not self._sees_all():
            return None
        return False if any(dn in found and attribute in asked for asked, found in self._asked) else None

    @cached_property
    def _asked(self) -> list[tuple[frozenset[str], frozenset[str]]]:
        """(attributes that a search asked for, whom it brought) of each search that brought all there is."""
        found = []
        for search in SEARCHES[:2]:
            try:
                if self._directory.gap(search) is None:
                    asked = frozenset(str(name).lower() for name in self._directory.searches[search]["attributes"])
                    found.append((asked, frozenset(normal(entry.dn) for entry in self._directory.entries(search))))
            except Unseen:
                continue
        return found
