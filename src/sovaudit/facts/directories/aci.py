"""What access control instructions of 389 Directory Server and FreeIPA come to: who may do what, over which entries.

An instruction holds for the entry that carries it and all below. A deny that applies wins over every allow, wherever it stands. What it
takes to know whether an instruction applies (the address of the client, the hour, a filter over entries that were not all seen) is not
always in the directory: then the answer is *maybe*.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import unquote

from sovaudit.facts.directories.ds389_entries import Entries, inside
from sovaudit.facts.directories.model import Account
from sovaudit.facts.files import Unseen
from sovaudit.facts.parse.aci import Aci, Bind, Permission, comparisons, parse_aci
from sovaudit.facts.parse.dn import below, normal, parent
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.directory import Directory, Entry

CIRCUMSTANCES = ("ip", "dns", "timeofday", "dayofweek", "authmethod", "ssf")
_URL = re.compile(r"ldaps?:///", re.IGNORECASE)


class Holds(IntEnum):
    """Whether something applies; in this order `and` is the least and `or` the greatest."""

    NO = 0
    MAYBE = 1
    YES = 2


@dataclass(frozen=True, slots=True)
class Rule:
    """One permission of one instruction. home: the normal DN of the entry that carries it."""

    home: str
    aci: Aci
    permission: Permission
    line: Line

    @property
    def base(self) -> str:
        """The normal DN under which it holds; a pattern stays one."""
        target = self.aci.target("target")
        return self.home if target is None or target.negated else self.place

    @property
    def place(self) -> str:
        """What `target` names, whether it is that or all else."""
        target = self.aci.target("target")
        return self.home if target is None or not target.values else normal(unquote(_URL.sub("", target.values[0])))

    @property
    def narrow(self) -> bool:
        """Whether it holds for some entries below its base only."""
        return self.aci.target("targetfilter") is not None or self.narrow_otherwise

    @property
    def narrow_otherwise(self) -> bool:
        """Whether it does so by anything but a filter."""
        scope = self.aci.target("targetscope")
        target = self.aci.target("target")
        return (scope is not None and scope.values[:1] not in ((), ("subtree",))) or (
            target is not None and (target.negated or any(mark in self.base for mark in "*$"))
        )

    def covers(self, attribute: str) -> Holds:
        """Whether it speaks of an attribute. Without targetattr it speaks of entries alone."""
        wanted = attribute.lower()
        narrowed = self.aci.target("targattrfilters")
        if narrowed is not None:
            return Holds.MAYBE if wanted in narrowed.values[0].lower() else Holds.NO
        target = self.aci.target("targetattr")
        if target is None:
            return Holds.NO
        named = any(_attribute(value, wanted) for value in target.values)
        return Holds.YES if named is not target.negated else Holds.NO

    def alike(self, other: Rule) -> bool:
        """Whether both are about the same entries for being parts of one instruction."""
        return self.home == other.home and self.aci == other.aci

    def gives(self, right: str) -> bool:
        return right in self.permission.rights

    @property
    def conditional(self) -> bool:
        """Whether it asks for circumstances that a directory does not show."""
        return any(one.keyword in CIRCUMSTANCES for one in comparisons(self.permission.bind))


def _attribute(value: str, wanted: str) -> bool:
    lower = value.lower()
    return lower in ("*", wanted) or ("*" in lower and re.fullmatch(".*".join(map(re.escape, lower.split("*"))), wanted) is not None)


class Rules:
    """All instructions of one directory, the server's own configuration included.

    gaps: why there may be more, or what of them was not understood. sees_all: whether nothing is hidden from who asked.
    """

    def __init__(self, directory: Directory, sees_all: Callable[[], bool]) -> None:
        self._directory = directory
        self.sees_all = sees_all
        self.entries = Entries(directory, sees_all)

    @cached_property
    def clear(self) -> bool:
        """Whether the server certainly offers no encryption."""
        try:
            config = self._directory.only("config")
        except Unseen:
            return False
        return config is not None and config.text("nsslapd-security").lower() == "off"

    @cached_property
    def all(self) -> tuple[Rule, ...]:
        return self._read[0]

    @property
    def gaps(self) -> tuple[Gap, ...]:
        return self._read[1]

    @cached_property
    def _read(self) -> tuple[tuple[Rule, ...], tuple[Gap, ...]]:
        rules: list[Rule] = []
        gaps: list[Gap] = []
        for search in ("access", "config-access"):
            before = len(rules) + len(gaps)
            try:
                for entry in self._directory.entries(search):
                    self._take(entry, rules, gaps)
                gap = self._directory.gap(search)
                if gap is None and len(rules) + len(gaps) == before and not self.sees_all():
                    gap = Gap(
                        "attribute:aci", Reason.DENIED, f"no instruction of {'the tree' if search == 'access' else 'cn=config'} is shown"
                    )
            except Unseen as unseen:
                gap = unseen.gap
            gaps += [gap] if gap is not None else []
        return tuple(rules), tuple(gaps)

    @staticmethod
    def _take(entry: Entry, rules: list[Rule], gaps: list[Gap]) -> None:
        for text in entry.texts("aci"):
            line = entry.line("aci", " ".join(text.split()))
            try:
                aci = parse_aci(text)
            except ValueError as error:
                gaps.append(Gap(f"aci:{normal(entry.dn)}", Reason.UNSUPPORTED, f"not understood ({error}): {text[:120]}"))
                continue
            if len({permission.allow for permission in aci.permissions}) > 1:
                # the server refuses those whom such an instruction names nowhere, too: what others allow them is uncertain then
                gaps.append(Gap(f"mixed:{normal(entry.dn)}", Reason.UNSUPPORTED, f"allow and deny in one instruction: {aci.name}"))
            rules += [Rule(normal(entry.dn), aci, permission, line) for permission in aci.permissions]

    @property
    def mixed(self) -> bool:
        """Whether some instruction allows and denies at once."""
        return any(gap.item.startswith("mixed:") for gap in self.gaps)

    @cached_property
    def denials(self) -> tuple[Rule, ...]:
        return tuple(rule for rule in self.all if not rule.permission.allow)

    def denied(self, account: Account, right: str, attribute: str, over: str) -> bool:
        """Whether it is certain that a deny takes a right over an attribute from an account, for every entry below a normal DN."""
        for rule in self.denials:
            if (
                rule.gives(right)
                and not rule.narrow
                and not rule.conditional
                and below(over, rule.base)
                and rule.covers(attribute) is Holds.YES
                and self.binds(rule.permission.bind, account) is Holds.YES
            ):
                return True
        return False

    def binds(self, bind: Bind, account: Account) -> Holds:
        """Whether a bind rule holds for an account that is bound, over entries that are not its own."""
        return combined(bind, lambda one: self._names(one, account), lambda one: chosen(one, named=True, clear=self.clear))

    def admits_strangers(self, bind: Bind) -> Holds:
        """Whether a bind rule holds for a client without a name, in whatever circumstances it may choose."""
        return combined(bind, stranger, lambda one: chosen(one, named=False, clear=self.clear))

    def over(self, dn: str, rule: Rule) -> Holds:
        """Whether an instruction is about an entry."""
        target, filtered = rule.aci.target("target"), rule.aci.target("targetfilter")
        if not below(dn, rule.home):
            return Holds.NO
        found = Holds.YES
        if target is not None and "$" in rule.place:
            found = Holds.MAYBE
        elif target is not None and inside(dn, rule.place) is target.negated:
            return Holds.NO
        if filtered is not None:
            passes = self.entries.passes(filtered.values[0], dn) if filtered.values else None
            if passes is filtered.negated:
                return Holds.NO
            found = min(found, Holds.MAYBE if passes is None else Holds.YES)
        scope = rule.aci.target("targetscope")
        kind = scope.values[0].lower() if scope is not None and scope.values else "subtree"
        if kind == "subtree":
            return found
        place = rule.base if "*" not in rule.base else rule.home
        reached = {"base": dn == place, "onelevel": parent(dn) == place, "subordinate": dn != place}.get(kind)
        return min(found, Holds.MAYBE) if reached is None else found if reached else Holds.NO

    def _names(self, bind: Bind, account: Account) -> Holds:
        found = Holds.NO
        for value in bind.values:
            if bind.keyword == "userdn" and "?" in value:
                brought = self.entries.by_url(value, account.dn)
                found = max(found, Holds.MAYBE if brought is None else Holds.YES if brought else Holds.NO)
            elif bind.keyword == "userdn":
                found = max(found, user(value, account.dn))
            elif bind.keyword in ("groupdn", "roledn"):
                found = max(found, self._member(value, account))
            elif bind.keyword in ("userattr", "userdnattr", "groupdnattr"):
                # whoever an entry names holds it there: over that entry, not over all
                found = max(found, Holds.NO)
            else:
                found = max(found, Holds.MAYBE)
        return found

    def _brought(self, value: str) -> list[tuple[str, Holds]]:
        """Groups that a URL with a filter brings, and whether that is sure."""
        if value not in self._by_url:
            answers = ((group.dn, self.entries.by_url(value, group.dn)) for group in self._directory.groups)
            self._by_url[value] = [(dn, Holds.MAYBE if brought is None else Holds.YES) for dn, brought in answers if brought is not False]
        return self._by_url[value]

    @cached_property
    def _by_url(self) -> dict[str, list[tuple[str, Holds]]]:
        return {}

    def _member(self, value: str, account: Account) -> Holds:
        if "?" in value and "$" not in value:
            groups = self._directory.groups
            return max(
                (min(sure, self._in(name, account)) for name, sure in self._brought(value)), default=Holds.MAYBE if groups.gap else Holds.NO
            )
        name = normal(unquote(_URL.sub("", value)))
        return Holds.MAYBE if any(mark in name for mark in "$?*") else self._in(name, account)

    def _in(self, name: str, account: Account) -> Holds:
        groups = self._directory.groups
        if groups.contains(name, account.dn):
            return Holds.YES
        return Holds.MAYBE if groups.get(name) is None or groups.doubt(name) is not None else Holds.NO

    def candidates(self, bind: Bind) -> Iterable[Account]:
        """Accounts for which a bind rule can hold, found without trying each where it names them."""
        accounts = self._directory.by_dn
        if "not" in _operators(bind):
            return self._directory.accounts
        named: dict[str, Account] = {}
        for one in comparisons(bind):
            if one.keyword not in ("userdn", "groupdn", "roledn"):
                continue
            for value in one.values:
                name = normal(unquote(_URL.sub("", value)))
                if one.keyword == "userdn" and one.operator == "=" and name in accounts:
                    named[name] = accounts[name]
                elif one.keyword in ("groupdn", "roledn") and one.operator == "=":
                    names = [dn for dn, _ in self._brought(value)] if "?" in value and "$" not in value else [name]
                    for member in (member for one_name in names for member in self._directory.groups.members(one_name)):
                        if member in accounts:
                            named[member] = accounts[member]
                elif name in ("self", "parent") and one.operator == "=":
                    continue
                elif one.keyword in ("userdn", "groupdn", "roledn") and (
                    one.operator != "=" or name in ("all", "anyone") or "*" in name or "?" in name
                ):
                    return self._directory.accounts
        return named.values()

    def doubtful(self, bind: Bind) -> Gap | None:
        """Why a bind rule may hold for accounts that were not seen, None if it names what was seen whole."""
        for one in comparisons(bind):
            if one.keyword not in ("groupdn", "roledn"):
                continue
            for value in one.values:
                name = normal(unquote(_URL.sub("", value)))
                if any(mark in name for mark in "$*"):
                    return Gap(f"group:{name}", Reason.UNSUPPORTED, "which groups it means was not worked out")
                if self._directory.groups.get(name) is None and self._directory.groups.gap is None:
                    continue  # nobody is in a group that is not there
                doubt = self._directory.groups.doubt(name)
                if doubt is not None:
                    return doubt
        return None


def chosen(one: Bind, *, named: bool, clear: bool) -> tuple[Holds, Holds]:
    """(whether there are circumstances in which a comparison of them holds, and in which it does not). Who asks chooses address and hour.

    named: whoever asks has bound; clear: the server offers no encryption.
    """
    words = {value.strip().lower() for value in one.values}
    if one.keyword == "authmethod" and "none" in words:  # the server asks nothing then, of nobody
        return Holds(2 * (one.operator != "!=")), Holds(2 * (one.operator == "!="))
    if one.keyword == "authmethod":
        ways = {"nothing"} if not named else {"simple", "sasl"} | (set() if clear else {"ssl"})
        met = {any(word.startswith(way) for word in words) is not (one.operator == "!=") for way in ways}
        return Holds(2 * (True in met)), Holds(2 * (False in met))
    if one.keyword == "ssf" and clear and not named and len(words) == 1 and next(iter(words)).isdigit():
        least = int(next(iter(words)))
        holds = {"=": least == 0, "!=": least != 0, ">=": least == 0, "<=": True, "<": least > 0}.get(one.operator, False)
        return Holds(2 * holds), Holds(2 * (not holds))
    return Holds.YES, Holds.YES


def _any(one: Bind) -> tuple[Holds, Holds]:
    return Holds.YES, Holds.YES


def combined(
    bind: Bind, single: Callable[[Bind], Holds], choice: Callable[[Bind], tuple[Holds, Holds]] = _any, *, wanted: bool = True
) -> Holds:
    """Whether a bind rule holds (or, unless wanted, does not), each comparison (`!=` turned round) being answered by `single`.

    choice: as `chosen`; there are circumstances for either answer, which `conditional` says.
    """
    if bind.keyword in ("and", "or"):
        answers = [combined(part, single, choice, wanted=wanted) for part in bind.parts]
        return min(answers) if (bind.keyword == "and") is wanted else max(answers)
    if bind.keyword == "not":
        return combined(bind.parts[0], single, choice, wanted=not wanted)
    if bind.keyword in CIRCUMSTANCES:
        return choice(bind)[0 if wanted else 1]
    found = single(bind)
    return found if (bind.operator == "!=") is not wanted else Holds(2 - found)


def _operators(bind: Bind) -> set[str]:
    return {bind.keyword}.union(*(_operators(part) for part in bind.parts)) if bind.parts else set()


def stranger(one: Bind) -> Holds:
    """Whether a comparison of a bind rule means a client without a name: `anyone` does, and so does whoever is not somebody."""
    if one.keyword != "userdn":
        return Holds.NO
    return Holds.YES if any(_URL.sub("", value).strip().lower() == "anyone" for value in one.values) else Holds.NO


def user(value: str, dn: str) -> Holds:
    """Whether one value of userdn means an account (its normal DN)."""
    name = unquote(_URL.sub("", value))
    plain = name.strip().lower()
    if plain in ("all", "anyone"):
        return Holds.YES
    if plain in ("self", "parent"):
        return Holds.NO
    if "?" in name or "$" in name or "[" in name:
        return Holds.MAYBE
    wanted = normal(name)
    if "*" in wanted:
        pattern = ".*".join(map(re.escape, wanted.split("*")))
        return Holds.YES if re.fullmatch(pattern, dn) else Holds.NO
    return Holds.YES if wanted == dn else Holds.NO
