"""Conditions of access rules that depend on what entries hold: filters, `dnattr`, sets; and which entries and persons they tell apart.

Followed are sets of the shapes `A & user`, `A & user/attribute`, `this/attribute & user`, where A may be anything that speaks of neither the asker
nor the entry; and those that ask of the asker nothing but their name. Others stay open.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from sovaudit.facts.directories.model import Account
from sovaudit.facts.directories.openldap_schema import in_class
from sovaudit.facts.directories.openldap_values import Held, canonical, looked_at, of_class, plain
from sovaudit.facts.files import Unseen
from sovaudit.facts.parse import acl_set, ldap_filter
from sovaudit.facts.parse.acl_set import Node
from sovaudit.facts.parse.dn import normal
from sovaudit.facts.parse.ldap_filter import Filter
from sovaudit.facts.parse.olc_access import Rule, Term

if TYPE_CHECKING:
    from sovaudit.facts.directory import Directory

SHOWN = ("accounts", "groups", "policies", "tokens", "containers", "named", "rule-attributes")
MEMBERS = {"member", "uniquemember", "roleoccupant", "memberuid"}
_OTHER = Filter("other")
HYPOTHETICAL = "cn=member of,"  # somebody who is in a group and nothing else


class Dim:
    """What may be looked at to find out what this account is shown: classes alone, for all else needs to be shown first."""

    def __init__(self, conditions: Conditions) -> None:
        self._conditions = conditions

    def passes(self, expression: str, dn: str) -> bool | None:
        one = self._conditions.filter(expression)
        return self._conditions.held.passes(one, dn, self._conditions.classes_of(dn)) if one.attributes() <= {"objectclass"} else None

    def names(self, dn: str, attribute: str) -> frozenset[str] | None:
        return None

    def in_set(self, term: Term, who: str, dn: str) -> bool | None:
        return None


class Conditions(ABC):
    """What stands in entries, as rules ask it; a `World` of openldap_access."""

    _directory: Directory

    def __init__(self) -> None:
        self._assumed: set[tuple[str, str, str]] = set()  # (entry, attribute, person): as if it named them
        self._own: set[str] = set()  # attributes of which the asker has whatever is asked for
        self._parsed: dict[str, Filter] = {}
        self._trees: dict[str, Node | None] = {}

    @property
    @abstractmethod
    def _rules(self) -> list[Rule]:
        """Every rule that was shown."""

    @abstractmethod
    def members(self, group: str, classes: str, attribute: str) -> frozenset[str] | None:
        """As `Members` of openldap_access."""

    @abstractmethod
    def plainly_shows(self, dn: str, attribute: str) -> bool:
        """As `Shown` of openldap_values."""

    @cached_property
    def held(self) -> Held:
        return Held(self._directory, looked_at(self._rules), self.plainly_shows)

    # A World

    def passes(self, expression: str, dn: str) -> bool | None:
        one = self.filter(expression)
        return self.held.passes(one, dn, self.classes_of(dn) if "objectclass" in one.attributes() else None)

    def names(self, dn: str, attribute: str) -> frozenset[str] | None:
        found = self.held.of(dn, attribute)
        extra = {who for entry, name, who in self._assumed if entry == dn and name == canonical(attribute)}
        return found if found is None or not extra else found | extra

    def in_set(self, term: Term, who: str, dn: str) -> bool | None:
        tree = self.tree(term)
        if tree is None:
            return None
        if not who and tree.speaks_of("user"):
            return False  # slapd gives up: there is nobody to put in
        try:
            constant = acl_set.members(tree)
            if constant is not None:
                return bool(who) and who in self.constant(constant)
            if (own := acl_set.own(tree)) is not None:
                wanted = self.constant(own[0])
                if own[1] in self._own:
                    return bool(wanted)
                values = frozenset((who,)) if who.startswith(HYPOTHETICAL) else self._gather(who, own[1])
                return None if values is None and wanted else bool(wanted & (values or frozenset()))
            if acl_set.relation(tree):
                names = self.names(dn, acl_set.relation(tree))
                return None if names is None else bool(who) and who in names
            if tree.speaks_of("user") and (tree.speaks_of("this") or not acl_set.by_name(tree)):
                return None
            return bool(acl_set.evaluate(tree, who, dn, self._gather))
        except acl_set.Unknown:
            return None

    def constant(self, tree: Node) -> frozenset[str]:
        """Raises acl_set.Unknown."""
        return acl_set.evaluate(tree, "", "", self._gather)

    def _gather(self, name: str, attribute: str) -> frozenset[str] | None:
        if not name:
            return frozenset()
        dn = normal(name)
        if attribute == "entrydn":
            return frozenset((dn,))
        if canonical(attribute) in MEMBERS:
            return self.members(dn, "", canonical(attribute))
        return self.held.of(dn, attribute)

    def filter(self, expression: str) -> Filter:
        if expression not in self._parsed:
            try:
                self._parsed[expression] = ldap_filter.parse(expression)
            except ValueError:
                self._parsed[expression] = _OTHER
        return self._parsed[expression]

    def tree(self, term: Term) -> Node | None:
        """A set, None for one that we do not follow."""
        if term.pattern not in self._trees:
            try:
                self._trees[term.pattern] = None if term.expand and "$" in term.pattern else acl_set.parse(term.pattern)
            except ValueError:
                self._trees[term.pattern] = None
        return self._trees[term.pattern]

    def classes_of(self, dn: str) -> frozenset[str] | None:
        return self._classes.get(dn)

    @cached_property
    def _classes(self) -> dict[str, frozenset[str]]:
        """Classes of every entry that was seen; asked for only where a rule has a filter."""
        found: dict[str, frozenset[str]] = {}
        kinds: dict[frozenset[str], frozenset[str]] = {}
        for search in SHOWN:
            try:
                for entry in self._directory.entries(search):
                    if entry.values("objectClass"):
                        held = frozenset(entry.classes())
                        found[normal(entry.dn)] = kinds.setdefault(held, held)
            except Unseen:
                continue
        return found

    # What they tell apart

    @cached_property
    def _terms_in_rules(self) -> list[Term]:
        return list(dict.fromkeys(term for rule in self._rules for by in rule.bys for term in by.terms))

    @cached_property
    def _filters(self) -> list[str]:
        return list(dict.fromkeys(rule.what.filter for rule in self._rules if plain(rule.what.filter)))

    @cached_property
    def _sets(self) -> list[tuple[Term, Node]]:
        found = [(term, self.tree(term)) for term in self._terms_in_rules if term.kind == "set"]
        return [(term, tree) for term, tree in found if tree is not None]

    @cached_property
    def relations(self) -> list[str]:
        """Attributes by which rules take whom an entry names."""
        found = [canonical(term.attribute) for term in self._terms_in_rules if term.kind == "dnattr"]
        found += [canonical(acl_set.relation(tree)) for _, tree in self._sets if acl_set.relation(tree)]
        return list(dict.fromkeys(found))

    @cached_property
    def own_attributes(self) -> list[str]:
        """Attributes of the asker's own entry by which sets take them."""
        return list(dict.fromkeys(own[1] for _, tree in self._sets if (own := acl_set.own(tree)) is not None))

    def unable(self, accounts: Sequence[Account]) -> Iterator[tuple[str, Term]]:
        """Accounts without an attribute by which a set takes them, or whose classes do not let them have it, however much they may write it."""
        for name in self.own_attributes:
            for account in accounts:
                if self.may_hold(account.dn, canonical(name)) is False:
                    yield account.dn, Term("unable", attribute=canonical(name))
                elif self._gather(account.dn, name) == frozenset():
                    yield account.dn, Term("without", attribute=canonical(name))

    def nothing_of_their_own(self, who: str) -> bool:
        """Whether somebody has no value by which a set could take them."""
        return all(self._gather(who, name) == frozenset() for name in self.own_attributes)

    def may_hold(self, dn: str, attribute: str) -> bool | None:
        """Whether the classes of an entry allow an attribute; None for classes that we do not know."""
        classes = self.classes_of(dn)
        if classes is None:
            return None
        answers = [in_class(name, attribute) for name in classes]
        return True if True in answers else None if None in answers else False

    @cached_property
    def deep(self) -> bool:
        """Whether a set goes from groups to groups."""
        chased = (node for _, tree in self._sets for node in tree.walk() if node.kind == "chase" and canonical(node.text) in MEMBERS)
        return any(node.closure or node.parts[0].kind != "text" for node in chased)

    def feeders(self, groups: dict[str, object]) -> Iterator[Term]:
        """Groups whose members sets take, as conditions of their own. groups: those that were seen."""
        for _, tree in self._sets:
            constant = acl_set.members(tree) or (acl_set.own(tree) or (None,))[0]
            for node in constant.walk() if constant is not None else ():
                attribute = canonical(node.text)
                if node.kind != "chase" or attribute not in MEMBERS:
                    continue
                if node.parts[0].kind == "text":
                    yield Term("group", "base", normal(node.parts[0].text), attribute=attribute)
                try:
                    inner = self.constant(node if node.closure else node.parts[0])
                except acl_set.Unknown:
                    continue
                yield from (Term("group", "base", dn, attribute=attribute) for dn in sorted(inner) if dn in groups)

    def picked(self, term: Term) -> Iterator[str]:
        """Persons whom a set takes wherever they ask, as far as that was seen."""
        tree = self.tree(term)
        if tree is None:
            return
        try:
            constant = acl_set.members(tree)
            if constant is not None:
                yield from self.constant(constant)
            elif (own := acl_set.own(tree)) is not None:
                wanted = self.constant(own[0])
                yield from (dn for dn, values in self.held.holders(own[1]) if values & wanted)
            elif acl_set.by_name(tree) and not tree.speaks_of("this"):
                yield from (one.dn for one in self._directory.accounts if self.in_set(term, one.dn, ""))
        except acl_set.Unknown:
            return

    def plain_marks(self, dn: str) -> tuple[object, ...]:
        """What the classes of an entry make of the filters."""
        answers = []
        for expression in self._filters:
            one = self.filter(expression)
            if one.kind == "equal" and one.attribute == "objectclass":
                answers.append(of_class(one.values[0].lower(), self.classes_of(dn)))
        return tuple(answers)

    def further_marks(self, dn: str) -> tuple[object, ...]:
        """What an entry's values make of filters and sets, and whether it names anybody."""
        if not (self._filters or self.relations or self._sets):
            return ()
        answers: list[object] = [self.passes(expression, dn) for expression in self._filters]
        for term, tree in self._sets:
            if tree.speaks_of("this") and not tree.speaks_of("user"):
                answers.append(self.in_set(term, "", dn))
        return (*answers, *(bool(self.held.of(dn, name)) for name in self.relations))
