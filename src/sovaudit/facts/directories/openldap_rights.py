"""Who rules a slapd: root DNs, and whom its access rules let set the passwords of others, write the groups that rules name, or cn=config.

Accounts that no rule tells apart have the same rights: one of each such class is asked about, and one entry of each class that rules tell
apart is what it is asked on. Nothing here grows faster than the number of accounts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from sovaudit.facts.directories.model import Account, Admin, Admins, Right, Rights
from sovaudit.facts.directories.openldap_access import Answer, Asker, patterns, reaches
from sovaudit.facts.directories.openldap_config import CONFIG, Config, Database, line
from sovaudit.facts.files import Unseen
from sovaudit.facts.parse.dn import below, normal, parent
from sovaudit.facts.parse.olc_access import Rule, Term
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.directory import Directory

STRANGER = Asker("")
PLAIN = "description"  # an attribute that no rule names for its own sake
TREE = ("accounts", "groups", "policies", "tokens", "containers")
_DN_ATTRIBUTES = {"member", "uniquemember", "roleoccupant"}


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


@dataclass(frozen=True, slots=True)
class Power:
    """What makes an administrator: in a few words, and the rule that does it."""

    words: str
    line: Line


class Rulers:
    """Raises Unseen, when made, where cn=config is not shown."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self.config = Config(directory)
        self.base = normal(directory.evidence.identity.get("base", ""))
        self.gaps: dict[Gap, None] = {}  # of the question that is being asked
        self._lasting: dict[Gap, None] = {}  # of every question
        self.parents: set[str] = set()  # entries with others below them
        self.known: set[str] = set()  # entries that are there

    # Persons

    def members(self, group: str, classes: str, attribute: str) -> frozenset[str] | None:
        """Who is in a group as slapd asks it: by name, in that attribute, and never through other groups. None: not seen."""
        if attribute not in _DN_ATTRIBUTES:
            return None
        entry = self._groups.get(group)
        if entry is None:
            return frozenset() if self._absent(group, "groups") else None
        held, values = entry
        if classes not in held and not (classes == "groupofnames" and "groupofmembers" in held):
            return frozenset()
        if attribute not in values:
            return frozenset() if self.readable(group, attribute) else None
        return values[attribute]

    @cached_property
    def _groups(self) -> dict[str, tuple[set[str], dict[str, frozenset[str]]]]:
        found = {}
        named = {term.pattern for term in self._terms if term.kind == "group" and not term.expand}
        try:
            for entry in self._directory.entries("groups"):
                if normal(entry.dn) in named:
                    values = {name: frozenset(map(normal, entry.texts(name))) for name in _DN_ATTRIBUTES if entry.values(name)}
                    found[normal(entry.dn)] = entry.classes(), values
        except Unseen as unseen:
            self._lasting[unseen.gap] = None
        return found

    def readable(self, dn: str, attribute: str) -> bool:
        """Whether the access rules prove that this account would be shown an attribute of an entry, if it had it."""
        try:
            return all(
                self.config.may(letters, dn, name, self.config.me, lambda *_: None, chosen=False)[0].allowed is True
                for letters, name in (("rs", "entry"), ("rs", attribute), ("s", "objectclass"))
            ) and bool(self.config.me.dn)  # fmt: skip
        except Unseen:
            return False

    def _absent(self, dn: str, search: str) -> bool:
        """Whether an entry is certainly not there: the search was complete, and this account would have seen it."""
        holding = self.config.holding(dn)
        if holding is None or (not below(dn, self.base)):
            return holding is None and self.config.gap is None
        return self._directory.gap(search) is None and self.readable(dn, "objectclass")

    @cached_property
    def _rules(self) -> list[Rule]:
        found: list[Rule] = []
        for database in self.config.databases:
            try:
                found += self.config._rules(database)
            except Unseen as unseen:
                if database.kind in ("frontend", "config") or any(below(s, self.base) or below(self.base, s) for s in database.suffixes):
                    self._lasting[unseen.gap] = None
        return found

    @cached_property
    def _terms(self) -> list[Term]:
        return patterns(self._rules)

    @cached_property
    def classes(self) -> tuple[Class, ...]:
        """Accounts by the conditions that hold for them; enabled or not. The last class is everybody else, also if there is nobody else."""
        signatures: dict[str, list[Term]] = {}
        accounts = self._directory.accounts
        for term in self._terms:
            if term.kind == "group" and not term.expand:
                picked: Iterable[str] = self.members(term.pattern, term.classes, term.attribute) or ()
            elif term.kind == "dn" and term.style == "base" and not term.expand:
                picked = (term.pattern,)
            elif term.kind == "dn" and (not term.expand or (term.style == "regex" and "$" not in term.pattern.removesuffix("$$"))):
                picked = (account.dn for account in accounts if reaches(term, account.dn))
            else:
                picked = ()
            for dn in picked:
                signatures.setdefault(dn, []).append(term)
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

    def _marks(self, dn: str) -> tuple[int, ...]:
        """Which patterns after `to` an entry matches: entries with the same are treated alike, filters apart."""
        return tuple(number for number, (style, pattern) in enumerate(self._whats) if reaches(Term("dn", style, pattern), dn))

    def shows(self, dn: str, attribute: str) -> bool:
        """As `readable`, asked once for entries that no rule tells apart."""
        key = (self._marks(dn), dn == self.config.me.dn, attribute)
        if key not in self._shows:
            self._shows[key] = self.readable(dn, attribute)
        return self._shows[key]

    @cached_property
    def _shows(self) -> dict[tuple[tuple[int, ...], bool, str], bool]:
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

    # Powers

    def power(self, group: Class) -> Power | None:
        """The first thing that makes the persons of a class administrators."""
        asker = group.one
        for database in self.config.databases:
            if database.kind == "config" or database.suffixes:
                allowed, why = self._ask("a", database.dn, "olcaccess", asker)
                if allowed and why:
                    return Power("write cn=config", why)
        for dn in self.places["account"]:
            if dn == asker.dn:
                continue
            allowed, why = self._ask("a", dn, "userpassword", asker)
            if allowed and why:
                return Power("write userPassword", why)
        for database in self.config.databases:
            for suffix in database.suffixes:
                if suffix == self.base and self._everything(suffix, asker):
                    allowed, why = self._ask("az", suffix, "children", asker)
                    if why:
                        return Power("write everything", why)
        return self._through_groups(asker)

    def _everything(self, suffix: str, asker: Asker) -> bool:
        return all(self._ask("az", suffix, name, asker)[0] for name in ("entry", "children", PLAIN))

    def _through_groups(self, asker: Asker) -> Power | None:
        for term in self._powerful:
            for value in (None, asker.dn):
                allowed, why = self._ask("a", term.pattern, term.attribute, asker, value)
                if allowed and why:
                    return Power(f"write {term.attribute} of {term.pattern}", why)
        return None

    @cached_property
    def _powerful(self) -> tuple[Term, ...]:
        """Groups whose members have power of their own."""
        found = []
        before, self.gaps = self.gaps, {}
        for term in self._terms:
            if term.kind == "group" and not term.expand:
                only = Class(Asker(f"cn=member of,{term.pattern}"), (), (term,))
                if self._granted(only, term):
                    found.append(term)
        self._lasting |= self.gaps
        self.gaps = before
        return tuple(found)

    def _granted(self, one: Class, term: Term) -> bool:
        """Whether being in that group and nothing else gives power."""
        kept = self.members
        known = self.config._access
        self.config.__dict__["_access"] = {}
        self.members = lambda group, classes, attribute: (  # type: ignore[method-assign]
            frozenset((one.one.dn,)) if group == term.pattern else kept(group, classes, attribute)
        )
        try:
            return self._direct(one.one)
        finally:
            self.members = kept  # type: ignore[method-assign]
            self.config.__dict__["_access"] = known

    def _direct(self, asker: Asker) -> bool:
        places = [dn for dn in self.places["account"] if dn != asker.dn]
        return (
            any(self._ask("a", database.dn, "olcaccess", asker)[0] for database in self.config.databases)
            or any(self._ask("a", dn, "userpassword", asker)[0] for dn in places)
            or self._everything(self.base, asker)
        )

    def _begin(self) -> None:
        self.gaps = {}

    def _left(self) -> tuple[Gap, ...]:
        return tuple(self._lasting | self.gaps)

    def admins(self) -> Admins:
        self._begin()
        by_dn = self._directory.by_dn
        members: dict[str, Admin] = {}
        bypass: list[Line] = []
        known = self._root_passwords()
        for database, root in self.config.roots():
            if root in by_dn:
                members[root] = Admin(by_dn[root], (line(database.entry, "olcRootDN"),), f"root DN of {database.name}")
            if known is not None and database.dn in known:
                bypass.append(Line(root, 0, f"olcRootPW of {database.entry.dn}"))
        for group in self.classes:
            power = self.power(group)
            if power is None:
                continue
            for dn in group.members:
                account = by_dn.get(dn)
                if account is not None:
                    members.setdefault(dn, self._admin(account, group, power))
                elif not self._nobody(dn):
                    self.gaps[Gap(f"entry:{dn}", Reason.DENIED, "an access rule makes it an administrator, and it is not shown")] = None
        return Admins(tuple(members[dn] for dn in sorted(members)), self._left(), tuple(bypass))

    def _nobody(self, dn: str) -> bool:
        """Whether nobody can bind by a name with a password: it is no entry, or one that only the server itself uses."""
        return below(dn, "cn=auth") or any(root == dn for _, root in self.config.roots()) or self._absent(dn, "accounts")

    @staticmethod
    def _admin(account: Account, group: Class, power: Power) -> Admin:
        through = next((term for term in group.terms if term.kind == "group"), None)
        because = [power.line]
        if through is not None:
            because.append(Line(through.pattern, 0, f"{through.attribute}: {account.dn}"))
        return Admin(account, tuple(because), normal_name(through.pattern) if through else power.words)

    def _root_passwords(self) -> set[str] | None:
        """Databases whose root DN has a password; None where that was not seen."""
        try:
            found = {normal(entry.dn) for entry in self._directory.entries("root-passwords")}
        except Unseen as unseen:
            self.gaps[unseen.gap] = None
            return None
        config = self.config.kind("config")
        unsure = [one for one in self.config.databases if one.dn not in found and (one.root or one is config)]
        for database in unsure:
            if not found and not self._sees_root_password(database):
                self.gaps[
                    Gap(f"attribute:olcRootPW of {database.entry.dn}", Reason.DENIED, "it is not shown to this account, or not there")
                ] = None
        return found

    def _sees_root_password(self, database: Database) -> bool:
        config = self.config.kind("config")
        if config is not None and self.config.is_root(config, self.config.me):
            return True
        try:
            answer, _ = self.config.may("rs", database.dn, "olcrootpw", self.config.me, lambda *_: None, chosen=False)
        except Unseen:
            return False
        return answer.allowed is True

    # Strangers and everybody

    def rights(self) -> Rights:
        """Powers of an administrator in the hands of everybody."""
        self._begin()
        held = []
        everybody = self.classes[-1]
        for group in (Class(STRANGER, (), ()), everybody):
            power = self.power(group)
            if power is not None:
                held.append(Right(group.name, power.words, power.line.file, (power.line,)))
        return Rights(tuple(held), self._left(), len(self._rules))

    def openings(self) -> Rights:
        """What strangers may read."""
        self._begin()
        held: list[Right] = []
        for database in self.config.databases:
            for place in (self.config.settings, self.config.kind("frontend"), database):
                entry = place.entry if isinstance(place, Database) else place
                if entry is not None and {"authc", "sasl", "strong"} & set(" ".join(entry.texts("olcRequires")).lower().split()):
                    break
            else:
                held += self._open(database)
        return Rights(tuple(held), self._left(), len(self._rules))

    def _open(self, database: Database) -> Iterator[Right]:
        if database.kind == "frontend" or database.off:
            return
        if database.kind == "config":
            dns = [CONFIG, *(one.dn for one in self.config.databases)]
        elif any(below(suffix, self.base) or below(self.base, suffix) for suffix in database.suffixes):
            dns = [dn for dn in (*self.places["account"], *self.places["other"]) if self.config.holding(dn) is database]
        else:
            dns = list(database.suffixes) or (["cn=monitor"] if database.kind == "monitor" else [])
        yield from self._unseen_places(database)
        for dn in dns:
            seen, why = self._ask("rs", dn, "entry", STRANGER)
            if seen and why and self._brought(dn, STRANGER):
                yield Right(STRANGER.name, why.text, dn, (why,))

    def _brought(self, dn: str, asker: Asker) -> bool:
        """Whether some filter lets a search bring an entry to somebody who may read it."""
        return any(self._ask("s", dn, name, asker)[0] for name in ("objectclass", "userpassword", "cn", "uid", PLAIN))

    def _unseen_places(self, database: Database) -> Iterator[Right]:
        """Entries that rules speak of and that we did not see: open to strangers, if they are there."""
        places = [*self.places["account"], *self.places["other"]]
        for style, pattern in self._whats:
            if style == "regex" or self.config.holding(pattern) is not database or not below(pattern, self.base):
                continue
            asked = [pattern] if style in ("base", "subtree") and pattern not in self.known else []
            if style != "base" and not any(place != pattern and reaches(Term("dn", style, pattern), place) for place in places):
                asked.append(f"cn=any entry,{pattern}")
            for dn in asked:
                seen, why = self._ask("rs", dn, "entry", STRANGER)
                if seen and why and self._brought(dn, STRANGER):
                    if dn != pattern and pattern in self.parents:
                        yield Right(STRANGER.name, why.text, f"what stands below {pattern}", (why,))
                    else:
                        self.gaps[Gap(f"entry:{dn}", Reason.ABSENT, "strangers may read it, if it is there")] = None

    def password_access(self) -> Rights:
        """Who but owners and administrators reads or sets passwords."""
        self._begin()
        held: dict[tuple[str, str], Right] = {}
        for group in (Class(STRANGER, (), ()), self.classes[-1], *self.classes[:-1]):
            if (STRANGER.name, "read") in held or ("every account", "read") in held:
                break  # nobody is left out
            for dn in self.places["account"]:
                if dn == group.one.dn:
                    continue
                writes, why = self._ask("a", dn, "userpassword", group.one)
                if writes and why and not group.terms:
                    held.setdefault((group.name, "set"), Right(group.name, "set", dn, (why,)))
                reads, why = self._ask("r", dn, "userpassword", group.one)
                if reads and why and not writes and self._found(dn, group.one):
                    held.setdefault((group.name, "read"), Right(group.name, "read", dn, (why,)))
        return Rights(tuple(held.values()), self._left(), len(self._rules))

    def _found(self, dn: str, asker: Asker) -> bool:
        """Whether a search can bring an entry to somebody who may read something of it."""
        return self._ask("rs", dn, "entry", asker)[0] and self._brought(dn, asker)


def normal_name(dn: str) -> str:
    """The first value of a DN: how a group is called."""
    return dn.partition(",")[0].partition("=")[2]
