"""Who rules a slapd: root DNs, and whom its access rules let set the passwords of others, write the groups that rules name, or cn=config."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sovaudit.facts.directories.model import Account, Admin, Admins, Right, Rights
from sovaudit.facts.directories.openldap_access import Asker, reaches
from sovaudit.facts.directories.openldap_conditions import HYPOTHETICAL
from sovaudit.facts.directories.openldap_config import CONFIG, Database, line, nobody_seen
from sovaudit.facts.directories.openldap_ground import PLAIN, STRANGER, Class, Ground
from sovaudit.facts.directories.openldap_values import canonical, to_strangers, unnamed
from sovaudit.facts.files import Unseen
from sovaudit.facts.parse import olc_access
from sovaudit.facts.parse.dn import below, normal
from sovaudit.facts.parse.olc_access import Rule, Term
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason


@dataclass(frozen=True, slots=True)
class Power:
    """What makes an administrator: in a few words, and the rule that does it."""

    words: str
    line: Line


class Rulers(Ground):
    """Raises Unseen, when made, where cn=config is not shown."""

    def power(self, group: Class) -> Power | None:
        """The first thing that makes the persons of a class administrators."""
        asker = group.one
        for database in self.config.databases:
            if database.kind == "config" or database.suffixes:
                allowed, why = self._ask("a", database.dn, "olcaccess", asker)
                if allowed and why:
                    return Power("write cn=config", why)
        for dn in self.around(asker):
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
            if term.attribute == "memberuid" and self.nothing_of_their_own(asker.dn):
                continue
            allowed, why = self._ask("a", term.pattern, term.attribute, asker, None if term.attribute == "memberuid" else asker.dn)
            if allowed and why:
                return Power(f"write {term.attribute} of {term.pattern}", why)
        for attribute in self.relations:
            for dn in [*self.places["account"], *(term.pattern for term in self._powerful)]:
                if dn == asker.dn or self._barred(dn, attribute):
                    continue
                allowed, why = self._ask("a", dn, attribute, asker, asker.dn)
                if allowed and why and self._once(self._assumed, (dn, attribute, asker.dn), asker, dn):
                    return Power(f"write {attribute} of {dn}", why)
        for attribute in self.own_attributes:
            if not asker.dn or self._barred(asker.dn, canonical(attribute)):
                continue
            allowed, why = self._ask("a", asker.dn, canonical(attribute), asker)
            if allowed and why and self._once(self._own, attribute, asker, ""):
                return Power(f"write their own {attribute}", why)
        return None

    def _barred(self, dn: str, attribute: str) -> bool:
        """Whether slapd refuses an entry an attribute whoever writes it, for its classes do not have it."""
        allowed = self.may_hold(dn, attribute)
        if allowed is None and dn in self._directory.by_dn:
            self.gaps[Gap(f"objectClass of {dn}", Reason.UNSUPPORTED, f"whether it may have {attribute}")] = None
        return allowed is not True

    def _once(self, assumed: set[Any], what: object, asker: Asker, dn: str) -> bool:
        """Whether they have power once they have written what lets a rule take them."""
        known = self.config._access
        self.config.__dict__["_access"] = {}
        assumed.add(what)
        try:
            groups = [term for term in self._powerful if term.pattern == dn]
            if groups:
                return any(self._ask("a", dn, term.attribute, asker, asker.dn)[0] for term in groups)
            return self._ask("a", dn, "userpassword", asker)[0] if dn else self._direct(asker)
        finally:
            assumed.discard(what)
            self.config.__dict__["_access"] = known

    @cached_property
    def _powerful(self) -> tuple[Term, ...]:
        """Groups whose members have power of their own."""
        found = []
        before, self.gaps = self.gaps, {}
        for term in self._terms:
            if term.kind == "group" and not term.expand:
                only = Class(Asker(HYPOTHETICAL + term.pattern), (), (term,))
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
        places = [dn for dn in self.around(asker) if dn != asker.dn]
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
        self._mapped()
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

    def _mapped(self) -> None:
        """Names of other authorities (Kerberos, certificates) that slapd takes for a root DN: who they are does not stand here.

        root on the server itself, through its socket, is root anyway.
        """
        roots = {root for _, root in self.config.roots()}
        for entry in self.config.entries:
            for value in entry.texts("olcAuthzRegexp"):
                words = olc_access.words(value)
                if len(words) != 2 or "cn=peercred" in words[0]:
                    continue
                name = re.sub(r"\\\$(?:\d|\\\{\d+\\\})", ".+", re.escape(normal(words[1])))
                if any(re.fullmatch(name, root) for root in roots):
                    self.gaps[Gap("attribute:olcAuthzRegexp", Reason.UNSUPPORTED, f"{value[:150]}: whom it makes the root DN")] = None
            if entry.text("olcAuthzPolicy").lower() not in ("", "none"):
                self.gaps[Gap("attribute:olcAuthzPolicy", Reason.UNSUPPORTED, "some may act as others, by authzTo and authzFrom")] = None

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
        if self.config.whole:
            return True
        if config is not None and self.config.is_root(config, self.config.me):
            return True
        try:
            answer, _ = self.config.may("rs", database.dn, "olcrootpw", self.config.me, nobody_seen, chosen=False)
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
        settings = self.config.settings
        closing = {"authc", "sasl", "strong"}
        if settings is not None and "bind_anon" in " ".join(settings.texts("olcDisallows")).lower().split():
            closing.add("bind")  # a bind without a name would do otherwise
        for database in self.config.databases:
            places = [one.entry for one in (self.config.kind("frontend"), database) if one is not None]
            words = " ".join(word for entry in (settings, *places) if entry is not None for word in entry.texts("olcRequires"))
            if not closing & set(words.lower().split()):
                held += self._open(database)
        return Rights(tuple(held), self._left(), len(self._rules))

    def _open(self, database: Database) -> Iterator[Right]:
        if database.kind == "frontend" or database.off or database.closed_to_strangers:
            return
        if database.kind == "config":
            dns = [CONFIG, *(one.dn for one in self.config.databases)]
        elif any(below(suffix, self.base) or below(self.base, suffix) for suffix in database.suffixes):
            dns = [dn for dn in (*self.places["account"], *self.places["other"]) if self.config.holding(dn) is database]
        else:
            dns = list(database.suffixes)
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
            if self.gone(pattern):
                continue  # and nothing stands below it
            asked = [pattern] if style in ("base", "subtree") and pattern not in self.known else []
            inside = any(place != pattern and reaches(Term("dn", style, pattern), place) for place in places)
            if style != "base" and not inside and pattern not in self.leaves:
                asked.append(f"cn=any entry,{pattern}")
            for dn in asked:
                if self.all_seen(dn):
                    continue
                seen, why = self._ask("rs", dn, "entry", STRANGER)
                if seen and why and self._brought(dn, STRANGER):
                    if dn != pattern and pattern in self.parents:
                        yield Right(STRANGER.name, why.text, f"what stands below {pattern}", (why,))
                    else:
                        self.gaps[Gap(f"entry:{dn}", Reason.ABSENT, "strangers may read it, if it is there")] = None
        for rule in self._rules_for_some(database):
            if not self.all_seen(f"cn=any entry,{self.base}", before=rule) and to_strangers(rule):
                gap = self._directory.gap("rule-attributes")
                self.gaps[gap or Gap(f"access:{rule.what.style}", Reason.DENIED, f"entries that are not shown: {rule.text[:150]}")] = None

    def _rules_for_some(self, database: Database) -> Iterator[Rule]:
        """Rules over entries that no name tells: by an expression, or a filter."""
        for place in (database, self.config.kind("frontend")):
            try:
                rules = self.config.rules(place)
            except Unseen:
                continue
            yield from filter(unnamed, rules)

    def password_access(self) -> Rights:
        """Who but owners and administrators reads or sets passwords."""
        self._begin()
        held: dict[tuple[str, str], Right] = {}
        for group in (Class(STRANGER, (), ()), self.classes[-1], *self.classes[:-1]):
            if (STRANGER.name, "read") in held or ("every account", "read") in held:
                break  # nobody is left out
            if any(root == group.one.dn for _, root in self.config.roots()):
                continue
            for dn in self.around(group.one):
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
