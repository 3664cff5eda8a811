"""Who has which rights over which entries of a 389 directory, entry by entry: one of each kind that instructions tell apart.

To be brought an entry takes two rights of it: to search for any of its attributes (or, negated, for one that it does not have), and to read
one that it has. A deny takes a right away wherever it holds; one that names no attributes hides the entry whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from sovaudit.facts.directories.aci import Holds, Rule, Rules, user
from sovaudit.facts.directories.ds389_entries import ALWAYS
from sovaudit.facts.directories.model import Account
from sovaudit.facts.files import Unseen
from sovaudit.facts.parse.aci import Bind, comparisons
from sovaudit.facts.parse.dn import below
from sovaudit.model.evidence import Gap
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.directory import Directory

EVERYBODY = "every account"
_LIKELY = (
    "objectclass",
    "cn",
    "uid",
    "description",
    "entrydn",
)  # attributes that a search may ask for, as a pattern or its opposite means them
Asks = Callable[[Rule], Holds]
"""Whether the bind rule of an instruction holds for who asks."""


def attributes(rule: Rule) -> tuple[str, ...]:
    """Attributes that an instruction speaks of: those it names, or some of all those that a pattern or its opposite means."""
    target = rule.aci.target("targetattr")
    if target is None:
        return ()
    names = tuple(value.lower() for value in target.values)
    if target.negated or any("*" in name for name in names):
        return tuple(
            dict.fromkeys(name for name in (*names, *_LIKELY, *sorted(ALWAYS)) if rule.covers(name) is Holds.YES and "*" not in name)
        )
    return names


class Reach:
    """Over the entries below the base of an audit."""

    def __init__(self, directory: Directory, rules: Rules, base: str) -> None:
        self._directory = directory
        self._rules = rules
        self._base = base
        self._over: dict[tuple[str, int], Holds] = {}

    def over(self, dn: str, rule: Rule) -> Holds:
        key = (dn, id(rule))
        if key not in self._over:
            self._over[key] = self._rules.over(dn, rule)
        return self._over[key]

    def _kinds(self, places: Iterable[str], rules: Sequence[Rule], listed: frozenset[str] = frozenset()) -> list[str]:
        """Of entries that none of these instructions tells apart, nor which of the listed attributes they have: two of each kind."""
        if not any(rule.narrow or rule.place != self._base for rule in rules) and not listed:
            return list(places)[:2]
        found: dict[tuple[object, ...], list[str]] = {}
        known = self._rules.entries.known if listed else {}
        columns = [self._column(places, rule) for rule in rules]
        for place, dn in enumerate(places):
            key = (*(column[place] for column in columns), known.get(dn, frozenset()) & listed)
            kind = found.setdefault(key, [])
            if len(kind) < 2:
                kind.append(dn)
        return [dn for kind in found.values() for dn in kind]

    def _about(self, rule: Rule, places: Iterable[str], others: Sequence[Rule]) -> list[str]:
        """Entries that a rule is about, two of each kind that others tell apart."""
        if places is not self._directory.by_dn:
            return [dn for dn in self._kinds(places, (rule, *others)) if self.over(dn, rule) is not Holds.NO]
        key = tuple(map(id, others))
        if key not in self._classes:
            numbers: dict[tuple[int, ...], int] = {}
            columns = [self._column(places, one) for one in others]
            rows = zip(*columns, strict=True) if columns else ((),) * len(self._directory.by_dn)
            self._classes[key] = [numbers.setdefault(row, len(numbers)) for row in rows]
        found: dict[tuple[int, int], list[str]] = {}
        for dn, over, kind in zip(places, self._column(places, rule), self._classes[key], strict=True):
            if over:
                here = found.setdefault((over, kind), [])
                if len(here) < 2:
                    here.append(dn)
        return [dn for here in found.values() for dn in here]

    @cached_property
    def _classes(self) -> dict[tuple[int, ...], list[int]]:
        return {}

    def _column(self, places: Iterable[str], rule: Rule) -> Sequence[int]:
        """Of each of these entries whether a rule is about it; worked out once for all accounts."""
        if places is not self._directory.by_dn:
            return bytes(self._rules.over(dn, rule) for dn in places)
        if id(rule) not in self._columns:
            self._columns[id(rule)] = bytes(self._rules.over(dn, rule) for dn in places)
        return self._columns[id(rule)]

    @cached_property
    def _columns(self) -> dict[int, bytes]:
        return {}

    def _denials(self, rights: Iterable[str]) -> tuple[Rule, ...]:
        wanted = set(rights)
        return tuple(rule for rule in self._rules.denials if wanted & rule.permission.rights and not rule.conditional)

    def _free(self, dn: str, right: str, attribute: str, asks: Asks) -> Holds:
        """Whether no deny takes a right over an attribute of an entry away."""
        found = Holds.YES
        for rule in self._denials((right,)):
            whole = rule.aci.target("targetattr") is None and rule.aci.target("targattrfilters") is None and right in ("read", "search")
            taken = min(Holds.YES if whole else rule.covers(attribute), self.over(dn, rule))
            if taken is not Holds.NO:
                found = min(found, Holds(2 - min(taken, asks(rule))))
        return found

    def _found(self, dn: str, asks: Asks, searching: Sequence[Rule]) -> Holds:
        """Whether some search brings an entry to who asks."""
        best = Holds.NO
        for rule in searching:
            reached = min(self.over(dn, rule), asks(rule))
            for name in attributes(rule) if reached > best else ():
                best = max(best, min(reached, self._free(dn, "search", name, asks)))
                if best is reached:
                    break
        return best

    # Accounts

    def acting(
        self, rule: Rule, rights: Sequence[str], attribute: str, places: Iterable[str], beside: set[str], gaps: list[Gap]
    ) -> Iterator[str]:
        """Names of the accounts to which an instruction gives one of these rights over an attribute of one of these entries, others than their own.

        beside: normal DNs of those who are not asked about. gaps: takes why there may be more.
        """
        wanted = [right for right in rights if rule.gives(right)]
        searching = self._searching if wanted == ["read"] else ()
        denials = self._denials((*wanted, "search"))
        dns = self._about(rule, places, (*denials, *searching))
        if not dns or not wanted:
            return
        bind = rule.permission.bind
        covered = Holds.YES if wanted == ["proxy"] else rule.covers(attribute)

        def held(own: str, asks: Asks) -> Holds:
            best = Holds.NO
            for dn in dns:
                if dn == own:
                    continue
                for right in wanted:
                    here = min(self.over(dn, rule), covered, asks(rule), self._free(dn, right, attribute, asks))
                    if right == "read" and searching and here > best:
                        here = min(here, self._found(dn, asks, searching))
                    best = max(best, here)
                if best is Holds.YES:
                    break
            return best

        named = [one for one in comparisons(bind) if one.keyword in ("userattr", "userdnattr", "groupdnattr") and one.operator == "="]
        for one in named:
            yield f"whoever {' or '.join(one.values)} names"
        doubt = Gap(f"aci:{rule.home}", Reason.UNSUPPORTED, f"over which entries or for whom it holds was not worked out: {rule.aci.name}")
        candidates = self._rules.candidates(bind)
        if candidates is self._directory.accounts and for_all(bind):
            answer = held("", lambda one: Holds.YES if for_all(one.permission.bind) else Holds.NO)
            if answer is Holds.YES:
                yield EVERYBODY
            elif answer is Holds.MAYBE:
                gaps.append(doubt)
            return
        for account in candidates:
            if account.dn in beside or account.enabled is False or self._rules.binds(bind, account) is Holds.NO:
                continue
            answer = held(account.dn, self._asked_by(account))
            if answer is Holds.YES:
                yield account.name
            elif answer is Holds.MAYBE and doubt not in gaps:
                gaps.append(doubt)

    def undenied(self, account: Account, attribute: str, places: Iterable[str]) -> bool:
        """Whether no deny takes writing an attribute from an account anywhere: over any of these entries but its own."""
        asks = self._asked_by(account)
        dns = self._accounts_by_denials if places is self._directory.by_dn else list(places)
        return all(dn == account.dn or self._free(dn, "write", attribute, asks) is not Holds.NO for dn in dns)

    @cached_property
    def _accounts_by_denials(self) -> list[str]:
        return self._kinds(self._directory.by_dn, self._denials(("write",)))

    def _asked_by(self, account: Account) -> Asks:
        return lambda rule: self._rules.binds(rule.permission.bind, account)

    @cached_property
    def _searching(self) -> tuple[Rule, ...]:
        return tuple(rule for rule in self._rules.all if rule.permission.allow and rule.gives("search"))

    # Strangers

    def strangers(self) -> tuple[list[tuple[Rule, str, str]], list[Gap]]:
        """(instruction, entry, what it shows of it) for each by which somebody without a name may be brought something; and what was not seen."""
        rules = [rule for rule in self._rules.all if self._asks(rule) is not Holds.NO and self._here(rule)]
        reading = [rule for rule in rules if rule.permission.allow and rule.gives("read") and attributes(rule)]
        searching = [rule for rule in rules if rule.permission.allow and rule.gives("search") and attributes(rule)]
        held: list[tuple[Rule, str, str]] = []
        gaps: list[Gap] = []
        if not reading or not searching:
            return held, gaps
        listed = frozenset(name for rule in reading for name in attributes(rule)) - ALWAYS
        denials = [rule for rule in rules if not rule.permission.allow]
        dns = self._kinds(self._rules.entries.known, [*reading, *searching, *denials], listed)
        for rule in reading:
            best, where, what = Holds.NO, rule.base, ""
            looked = False
            for dn in dns:
                reached = min(self.over(dn, rule), self._asks(rule), self._found(dn, self._asks, searching))
                if reached is Holds.NO or self._tried(dn, rule, searching):
                    looked = looked or reached is not Holds.NO
                    continue
                looked = True
                for name in attributes(rule) if reached > best else ():
                    has = self._rules.entries.has(dn, name)
                    here = min(
                        reached, self._free(dn, "read", name, self._asks), Holds.MAYBE if has is None else Holds.YES if has else Holds.NO
                    )
                    if here > best:
                        best, where, what = here, dn, name
            if best is Holds.YES:
                held.append((rule, where, what))
            elif best is Holds.MAYBE or (not looked and self._elsewhere(rule, searching)):
                gaps.append(Gap(f"aci:{rule.home}", Reason.ABSENT, f"whether there is what strangers may read by it: {rule.aci.name}"))
        return held, [*gaps, *self.unseen]

    @property
    def unseen(self) -> list[Gap]:
        """Why there may be entries that were not seen."""
        return [gap for gap in map(self._directory.gap, ("accounts", "groups")) if gap is not None]

    def _asks(self, rule: Rule) -> Holds:
        return self._rules.admits_strangers(rule.permission.bind)

    def _here(self, rule: Rule) -> bool:
        return below(self._base, rule.home) or below(rule.home, self._base)

    @cached_property
    def _asked(self) -> bool:
        """Whether a search without a name, for whatever has a class, was answered in full, and brought nothing."""
        try:
            return not self._directory.exposures and self._directory.strangers_doubt is None
        except Unseen:
            return False

    def _tried(self, dn: str, rule: Rule, searching: Sequence[Rule]) -> bool:
        """Whether that search would have brought an entry by an instruction, and did not."""
        if not self._asked or rule.conditional:
            return False
        return any(
            not one.conditional and one.covers("objectclass") is Holds.YES and (self.over(dn, one) is Holds.YES or one.alike(rule))
            and self._asks(one) is Holds.YES and self._free(dn, "search", "objectclass", self._asks) is Holds.YES
            for one in searching
        )  # fmt: skip

    def _elsewhere(self, rule: Rule, searching: Sequence[Rule]) -> bool:
        """Whether an instruction that shows nothing of what we saw may show entries that we never saw."""
        if not any(one.narrow or one.place not in self._rules.entries.known for one in (rule, *searching)):
            return False  # the entry that carries it is one like all others
        return not any(
            self._asked and not rule.conditional and not one.conditional and one.covers("objectclass") is Holds.YES
            and self._asks(one) is Holds.YES and (one.alike(rule) or (not one.narrow and below(rule.home, one.base)))
            for one in searching
        )  # fmt: skip


def for_all(bind: Bind) -> bool:
    """Whether a bind rule is one comparison that means whoever binds."""
    return bind.keyword == "userdn" and bind.operator == "=" and any(user(value, "") is Holds.YES for value in bind.values)
