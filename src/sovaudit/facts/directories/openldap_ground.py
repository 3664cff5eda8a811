"""Whom and what the access rules of a slapd tell apart: classes of persons, classes of entries, and whether this account would see a thing.

Accounts that no rule tells apart have the same rights: one of each such class is asked about, and one entry of each class that rules tell
apart is what it is asked on. Nothing here grows faster than the number of accounts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from sovaudit.facts.directories.openldap_access import Access, Answer, Asker, patterns, reaches
from sovaudit.facts.directories.openldap_conditions import MEMBERS, Conditions, Dim
from sovaudit.facts.directories.openldap_config import CONFIG, Config, Database, nobody_seen
from sovaudit.facts.directories.openldap_values import named_by, of_class, spelt
from sovaudit.facts.files import Unseen
from sovaudit.facts.parse.dn import below, normal, parent
from sovaudit.facts.parse.olc_access import Rule, Term
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.directory import Directory, Entry

STRANGER = Asker("")
PLAIN = "description"  # an attribute that no rule names for its own sake
TREE = ("accounts", "groups", "policies", "tokens", "containers", "named", "rule-attributes")


@dataclass(frozen=True, slots=True)
class Class:
    """Persons whom no rule tells apart. one: any of them; terms: the conditions that pick them out, none for everybody else."""

    one: Asker
    members: tuple[str, ...]
    terms: tuple[Term, ...]

    @property
    def name(self) -> str:
        if not self.one.dn:
            return self.one.name
        if not self.terms:
            return "every account"
        first = self.terms[0]
        return first.pattern if first.style == "base" else first.text


class Ground(Conditions):
    """One slapd as its rules divide it. Raises Unseen, when made, where cn=config is not shown.

    gaps: what the question that is being asked ran into.
    """

    def __init__(self, directory: Directory) -> None:
        super().__init__()
        self._directory = directory
        self.config = Config(directory)
        self.base = normal(directory.evidence.identity.get("base", ""))
        self.gaps: dict[Gap, None] = {}  # of the question that is being asked
        self.config.world, self.config.dim = self, Dim(self)
        self._marked: tuple[str, tuple[object, ...]] = "", ()
        self._lasting: dict[Gap, None] = {}  # of every question
        self.parents: set[str] = set()  # entries with others below them
        self.leaves: set[str] = set()  # entries with none below them
        self.known: set[str] = set()  # entries that are there
        self.config.unnamed = self._unnamed()
        self.config._access.clear()

    def _unnamed(self) -> bool:
        settings, asked = self.config.settings, self._directory.searches["config"]["attributes"]
        if settings is None or "olcreverselookup" not in {str(name).lower() for name in asked}:
            return False
        if settings.values("olcReverseLookup"):
            return settings.text("olcReverseLookup").upper() != "TRUE"
        return self.sees_setting("olcReverseLookup")

    # Persons

    def members(self, group: str, classes: str, attribute: str) -> frozenset[str] | None:
        """Who is in a group as slapd asks it: by name, in that attribute, and never through other groups. None: not seen."""
        if attribute not in MEMBERS:
            there = self.classes_of(group)
            if there is None:
                return frozenset() if self.gone(group) else None
            return self.held.of(group, attribute) if not classes or of_class(classes, there) else frozenset()
        entry = self._groups.get(group)
        if entry is None:
            return frozenset() if self._absent(group, "groups") or self.gone(group) else None
        held, values = entry
        if classes and classes not in held:
            return frozenset()
        if attribute not in values:
            return frozenset() if self.readable(group, attribute) else None
        return values[attribute]

    @cached_property
    def _groups(self) -> dict[str, tuple[set[str], dict[str, frozenset[str]]]]:
        found = {}
        named = None if self.deep else set(named_by(self._rules))
        for search in ("groups", "named"):
            try:
                for entry in self._directory.entries(search):
                    dn = normal(entry.dn)
                    if (named is None or dn in named) and dn not in found:
                        values = {
                            name: frozenset(spelt(name, value) or value for value in entry.texts(name))
                            for name in MEMBERS
                            if entry.values(name)
                        }
                        found[dn] = entry.classes(), values
            except Unseen as unseen:
                if search == "groups":
                    self._lasting[unseen.gap] = None
        return found

    def readable(self, dn: str, attribute: str) -> bool:
        """Whether the access rules prove that this account would be shown an attribute of an entry, if it had it."""
        if self.config.whole:
            return True
        try:
            return all(
                self.config.may(letters, dn, name, self.config.me, nobody_seen, chosen=False)[0].allowed is True
                for letters, name in (("rs", "entry"), ("rs", attribute), ("s", "objectclass"))
            ) and bool(self.config.me.dn)  # fmt: skip
        except Unseen:
            return False

    def searchable(self, dn: str, attribute: str) -> bool:
        """Whether the access rules prove that a search for entries that have an attribute brings this one, if it has it."""
        if self.config.whole:
            return True
        try:
            asked = [self.config.may(letters, dn, name, self.config.me, nobody_seen, chosen=False)[0].allowed
                     for letters, name in (("rs", "entry"), ("s", attribute))]  # fmt: skip
        except Unseen:
            return False
        return bool(self.config.me.dn) and all(one is True for one in asked)

    def overlays_unseen(self, database: Database) -> Gap | None:
        """Why a database may have overlays that were not shown; None if this account would have been shown them."""
        if self.config.gap is not None:
            return self.config.gap
        if self._sees_config(f"olcoverlay={{0}}any,{database.dn}", "olcoverlay"):
            return None
        return Gap(f"overlays of {database.entry.dn}", Reason.DENIED, "they are not shown to this account, or there are none")

    def sees_setting(self, attribute: str, entry: Entry | None = None) -> bool:
        """Whether this account would be shown a setting of cn=config, if it were set."""
        return self._sees_config(normal(entry.dn) if entry is not None else CONFIG, attribute.lower())

    def _sees_config(self, dn: str, attribute: str) -> bool:
        config = self.config.kind("config")
        if config is not None and self.config.is_root(config, self.config.me):
            return True
        return self.config.whole or (bool(self.config.me.dn) and self.readable(dn, attribute))

    def _absent(self, dn: str, search: str) -> bool:
        """Whether an entry is certainly not there: the search was complete, and this account would have seen it."""
        holding = self.config.holding(dn)
        if holding is None or (not below(dn, self.base)):
            return holding is None and self.config.gap is None
        return self._directory.gap(search) is None and self.plainly_shows(dn, "objectclass")

    def gone(self, dn: str) -> bool:
        """Whether an entry that is asked for by its name is certainly not there: this account would have been shown it."""
        if dn not in self._asked or self._directory.gap("named") is not None or dn in self._named:
            return False
        if self.config.holding(dn) is None:
            return self.config.gap is None
        return self.plainly_shows(dn, "objectclass")

    @cached_property
    def _asked(self) -> frozenset[str]:
        """What a visit asks for by its name (facts/directories/followed.py)."""
        overlays = (database.overlay("ppolicy") for database in self.config.databases)
        return frozenset(named_by(self._rules)) | {normal(one.text("olcPPolicyDefault")) for one in overlays if one is not None}

    def all_seen(self, dn: str, *, before: Rule | None = None) -> bool:
        """Whether an entry of this kind would have been seen, if it were there: every kind of entry was asked for, and nothing hides it.

        before: rules from this one on do not count, for whom they are about is not known.
        """
        if self._directory.gap("rule-attributes") is not None or self._directory.searches["rule-attributes"]["filter"] != "(objectClass=*)":
            return False
        if before is None:
            return self.plainly_shows(dn, "objectclass")
        try:
            database = self.config.of(dn)
            if self.config.is_root(database, self.config.me):
                return True
            rules = [*self.config.rules(database), *self.config.rules(self.config.kind("frontend"))]
        except Unseen:
            return False
        access = Access(rules[: rules.index(before)], nobody_seen, "none", self.config.dim)
        shown = [access.may("rs", dn, name, self.config.me, chosen=False).allowed for name in ("entry", "objectclass")]
        return bool(self.config.me.dn) and shown == [True, True]

    @cached_property
    def _named(self) -> set[str]:
        try:
            return {normal(entry.dn) for entry in self._directory.entries("named")}
        except Unseen:
            return set()

    @cached_property
    def _rules(self) -> list[Rule]:
        found: list[Rule] = []
        for database in self.config.databases:
            try:
                found += self.config.rules(database)
            except Unseen as unseen:
                if database.kind in ("frontend", "config") or any(below(s, self.base) or below(self.base, s) for s in database.suffixes):
                    self._lasting[unseen.gap] = None
        return found

    @cached_property
    def _terms(self) -> list[Term]:
        # who may be added to a group, as `val` names them, is like nobody else
        named = [rule.what.value for rule in self._rules if rule.what.value is not None]
        added = [Term("dn", style, normal(dn)) for style, dn in named if style in ("base", "one", "subtree", "children") and "=" in dn]
        return list(dict.fromkeys([*patterns(self._rules), *self.feeders(dict(self._groups)), *added]))

    @cached_property
    def classes(self) -> tuple[Class, ...]:
        """Accounts by the conditions that hold for them; enabled or not. The last class is everybody else, also if there is nobody else."""
        signatures: dict[str, list[Term]] = {}
        accounts = self._directory.accounts
        for term in self._terms:
            picked: Iterable[str]
            if term.attribute == "memberuid":
                picked = ()  # names of accounts; the set that asks for them picks them
            elif term.kind == "group" and not term.expand:
                picked = self.members(term.pattern, term.classes, term.attribute) or ()
            elif term.kind == "dn" and term.style == "base" and not term.expand:
                picked = (term.pattern,)
            elif term.kind == "set":
                picked = self.picked(term)
            elif term.kind == "dn" and (not term.expand or (term.style == "regex" and "$" not in term.pattern.removesuffix("$$"))):
                picked = (account.dn for account in accounts if reaches(term, account.dn))
            else:
                picked = ()
            for dn in picked:
                signatures.setdefault(dn, []).append(term)
        for dn, term in self.unable(accounts):
            signatures.setdefault(dn, []).append(term)
        for dn, keys in self._near.items():
            signatures.setdefault(dn, []).extend(keys)
        for _, root in self.config.roots():  # no rule is asked about them: they are like nobody else
            signatures.setdefault(root, []).append(Term("dn", "base", root))
        grouped: dict[tuple[Term, ...], list[str]] = {}
        for dn, terms in signatures.items():
            grouped.setdefault(tuple(terms), []).append(dn)
        found = [Class(Asker(dns[0]), tuple(dns), terms) for terms, dns in grouped.items()]
        rest = tuple(account.dn for account in accounts if account.dn not in signatures)
        return (*found, Class(Asker(rest[0] if rest else f"cn=somebody else,{self.base}"), rest, ()))

    # Entries

    @cached_property
    def _whats(self) -> list[tuple[str, str]]:
        return list(dict.fromkeys((rule.what.style, rule.what.pattern) for rule in self._rules if rule.what.style != "*"))

    def _plainly(self, dn: str) -> tuple[object, ...]:
        """Which patterns and classes after `to` an entry matches."""
        if self._marked[0] != dn:
            named = tuple(number for number, (style, pattern) in enumerate(self._whats) if reaches(Term("dn", style, pattern), dn))
            self._marked = dn, (named, self.plain_marks(dn))
        return self._marked[1]

    def _marks(self, dn: str) -> tuple[object, ...]:
        """Entries with the same are treated alike."""
        return (*self._plainly(dn), self.further_marks(dn))

    @cached_property
    def _near(self) -> dict[str, dict[Term, list[str]]]:
        """Person → entries that name them where rules ask for it, one of each kind; the kinds as conditions that tell persons apart."""
        found: dict[str, dict[Term, list[str]]] = {}
        numbers: dict[object, int] = {}
        for attribute in self.relations:
            for dn, names in self.held.holders(attribute):
                key = (dn if dn in self._groups else "", dn in self._directory.by_dn, self._marks(dn))
                term = Term("dnattr", attribute=attribute, level=numbers.setdefault(key, len(numbers)))
                for name in names:
                    entries = found.setdefault(name, {}).setdefault(term, [])
                    if len(entries) < 2:
                        entries.append(dn)
        return found

    def around(self, asker: Asker) -> list[str]:
        """Accounts that rules may treat differently when this person asks, one of each kind."""
        near = [dn for entries in self._near.get(asker.dn, {}).values() for dn in entries if dn in self._directory.by_dn]
        return [*self.places["account"], *near]

    def plainly_shows(self, dn: str, attribute: str) -> bool:
        """As `readable`, asked once for entries that no rule tells apart."""
        key = (self._plainly(dn), dn == self.config.me.dn, attribute)
        if key not in self._shows:
            self._shows[key] = self.readable(dn, attribute)
        return self._shows[key]

    shows = plainly_shows

    @cached_property
    def _shows(self) -> dict[tuple[tuple[object, ...], bool, str], bool]:
        return {}

    @cached_property
    def places(self) -> dict[str, list[str]]:
        """kind of entry (`account`, `other`) → one entry of each class that no rule tells apart, two where there are two."""
        found: dict[tuple[object, ...], list[str]] = {}
        seen: set[str] = set()

        def place(kind: str, dn: str) -> None:
            group = found.setdefault((kind, self._marks(dn)), [])
            if len(group) < 2:
                group.append(dn)

        for account in self._directory.accounts:
            seen.add(account.dn)
            place("account", account.dn)
        above: set[str] = {self.base}
        for search in TREE[1:]:
            try:
                for entry in self._directory.entries(search):
                    dn = normal(entry.dn)
                    if entry.text("hasSubordinates").upper() == "TRUE":
                        self.parents.add(dn)
                    elif entry.values("hasSubordinates"):
                        self.leaves.add(dn)
                    if dn not in seen:
                        seen.add(dn)
                        place("other", dn)
            except Unseen:
                continue
        for below_it in list(seen):
            dn = parent(below_it)
            while dn and below(dn, self.base) and dn not in above:
                above.add(dn)
                dn = parent(dn)
        self.known = seen | above
        for dn in above - seen:
            place("other", dn)
        result: dict[str, list[str]] = {"account": [], "other": []}
        for (kind, _), dns in found.items():
            result[str(kind)] += dns
        return result

    def _ask(self, letters: str, dn: str, attribute: str, asker: Asker, value: str | None = None) -> tuple[bool, Line | None]:
        try:
            answer, database = self.config.may(letters, dn, attribute, asker, self.members, value=value)
        except Unseen as unseen:
            self.gaps[unseen.gap] = None
            return False, None
        if isinstance(answer.allowed, Gap):
            self.gaps[answer.allowed] = None
            return False, None
        return answer.allowed, self._said(answer, database)

    def _said(self, answer: Answer, database: Database) -> Line:
        """The rule that decided, where it stands."""
        if answer.rule.startswith("olcRootDN"):
            return Line(database.entry.dn, 0, answer.rule)
        if not answer.rule:
            return Line(database.entry.dn, 0, "no olcAccess: everybody reads everything")
        frontend = self.config.kind("frontend")
        place = database if answer.rule in database.entry.texts("olcAccess") or frontend is None else frontend
        return Line(place.entry.dn, 0, f"olcAccess: {answer.rule}")
