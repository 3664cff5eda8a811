"""Who rules a 389 directory: the root DN, whom access control instructions let write everything, and who could make themselves one of them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import unquote

from sovaudit.facts.directories.aci import Holds, Rule, Rules
from sovaudit.facts.directories.ds389_reach import Reach
from sovaudit.facts.directories.model import Account, Admin, Admins, Right, Rights
from sovaudit.facts.parse.aci import comparisons
from sovaudit.facts.parse.dn import below, first_value, normal
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.directories.ds389_policy import Settings
    from sovaudit.facts.directory import Directory

PASSWORDS = ("userpassword",)
JOINING = ("member", "uniquemember", "nsroledn", "aci")


class Powers:
    """top: groups that are administrators' whatever instructions say (normal DNs). passwords: attributes that let somebody in as another."""

    def __init__(
        self, directory: Directory, rules: Rules, settings: Settings, *, top: tuple[str, ...] = (), passwords: tuple[str, ...] = PASSWORDS
    ) -> None:
        self._directory = directory
        self._rules = rules
        self._settings = settings
        self._top = top
        self._passwords = passwords
        self._decisive = (*passwords, "aci")  # whoever writes one of them over the whole tree can make themselves anybody
        self._base = normal(directory.evidence.identity.get("base", ""))

    def admins(self) -> Admins:
        return self._admins

    @cached_property
    def _admins(self) -> Admins:
        found: dict[str, Admin] = {}
        gaps: list[Gap] = []
        for group in self._top:
            gaps += self._of_group(group, found)
        for rule in () if self._rules.mixed else self._ruling:
            doubt = self._rules.doubtful(rule.permission.bind)
            gaps += [doubt] if doubt is not None else []
            for account in self._rules.candidates(rule.permission.bind):
                if account.dn in found or not self._ungainsaid(rule, account):
                    continue
                holds = self._rules.binds(rule.permission.bind, account)
                if holds is Holds.YES:
                    through, chain = self._through(rule, account)
                    found[account.dn] = Admin(account, (rule.line, *chain), through)
                elif holds is Holds.MAYBE:
                    gaps.append(Gap(f"aci:{rule.home}", Reason.AMBIGUOUS, f"whom it reaches was not seen: {rule.aci.name}"))
        gaps += self._rules.gaps
        bypass: tuple[Line, ...] = ()
        root = self._settings.get("nsslapd-rootdn")
        if isinstance(root, Gap):
            gaps.append(root)
        elif root:
            bypass = (Line(root, 0, f"nsslapd-rootdn: {root}"),)
        return Admins(tuple(found[dn] for dn in sorted(found)), tuple(dict.fromkeys(gaps)), bypass)

    def _of_group(self, group: str, found: dict[str, Admin]) -> Iterator[Gap]:
        groups = self._directory.groups
        if groups.get(group) is None:
            yield groups.gap or Gap(f"group:{first_value(group)}", Reason.ABSENT, "it is not shown to this account")
            return
        doubt = groups.doubt(group)
        if doubt is not None:
            yield doubt
        for member in groups.members(group):
            account = self._directory.by_dn.get(member)
            if account is None:
                yield Gap(f"entry:{member}", Reason.ABSENT, f"a member of {first_value(group)} that was not seen")
            elif member not in found:
                found[member] = Admin(account, self._chain(group, member), first_value(group))

    @cached_property
    def _ruling(self) -> tuple[Rule, ...]:
        return tuple(rule for rule in self._rules.all if rule.permission.allow and self._rules_all(rule))

    def _rules_all(self, rule: Rule) -> bool:
        if rule.narrow:
            return False
        if below("cn=config", rule.base):
            return rule.gives("write") and rule.covers("nsslapd-rootpw") is Holds.YES
        if not below(self._base, rule.base):
            return False
        return rule.gives("proxy") or (rule.gives("write") and any(rule.covers(name) is Holds.YES for name in self._decisive))

    def _ungainsaid(self, rule: Rule, account: Account) -> bool:
        """Whether no deny takes from an account all that makes a rule a ruler's."""
        if rule.gives("proxy") and not self._rules.denied(account, "proxy", "userpassword", self._base):
            return True
        if below("cn=config", rule.base):
            return not self._rules.denied(account, "write", "nsslapd-rootpw", "cn=config")
        names = [name for name in self._decisive if rule.covers(name) is Holds.YES]
        return any(self._reach.undenied(account, name, [self._base] if name == "aci" else self._directory.by_dn) for name in names)

    def _through(self, rule: Rule, account: Account) -> tuple[str, tuple[Line, ...]]:
        for one in comparisons(rule.permission.bind):
            if one.keyword in ("groupdn", "roledn") and one.operator == "=":
                for value in one.values:
                    group = _named(value)
                    if self._directory.groups.contains(group, account.dn):
                        return first_value(group), self._chain(group, account.dn)
        return f"aci {rule.aci.name}", ()

    def _chain(self, group: str, member: str) -> tuple[Line, ...]:
        path = self._directory.groups.path(group, member)
        return tuple(Line(here, 0, f"member: {next_}") for here, next_ in zip(path, [*path[1:], member], strict=True))

    # Rights that come to the same

    def rights(self) -> Rights:
        admins = self.admins()
        rulers = {admin.account.dn for admin in admins.members}
        groups = self._ruling_groups()
        held: list[Right] = []
        gaps = [*admins.gaps, *self._reach.unseen]
        places = [*((name, rulers) for name in (*self._passwords, "aci")), *((name, groups) for name in JOINING)]
        for rule in self._rules.all:
            if not rule.permission.allow or below("cn=config", rule.base):
                continue
            for right, name, dns in [("proxy", PASSWORDS[0], rulers), *(("write", name, dns) for name, dns in places)]:
                if not rule.gives(right) or (right == "write" and rule.covers(name) is Holds.NO):
                    continue
                over = sorted(dn for dn in dns if dn != rule.home or name != "nsroledn")
                what = "proxy" if right == "proxy" else f"write {name}"
                found = list(self._reach.acting(rule, (right,), name, over, rulers, gaps))
                held += [Right(holder, what, rule.base, (rule.line,)) for holder in found]
                if found:
                    break
        return Rights(tuple(held), tuple(dict.fromkeys(gaps)), len(self._rules.all))

    def password_access(self) -> Rights:
        """Who but owners and administrators may read or set passwords, of whomever."""
        admins = self.admins()
        rulers = {admin.account.dn for admin in admins.members}
        held: list[Right] = []
        gaps = [*admins.gaps, *self._reach.unseen]
        accounts = self._directory.by_dn
        for rule in self._rules.all:
            rights = [right for right in ("read", "search", "compare", "write") if rule.gives(right)]
            if not rule.permission.allow or not rights:
                continue
            for name in self._passwords:
                if rule.covers(name) is Holds.YES:
                    what = f"{'/'.join(rights)} {name}"
                    held += [
                        Right(holder, what, rule.base, (rule.line,))
                        for holder in self._reach.acting(rule, rights, name, accounts, rulers, gaps)
                    ]
        return Rights(tuple(held), tuple(dict.fromkeys(gaps)), len(self._rules.all))

    def openings(self) -> Rights:
        """What instructions let somebody without a name read, whether or not a search by class would show it."""
        door = self._settings.get("nsslapd-allow-anonymous-access")
        if not isinstance(door, Gap) and door.lower() in ("off", "rootdse"):
            return Rights((), (), len(self._rules.all))
        gaps = [
            gap
            for gap in self._rules.gaps
            if gap.item != "search:config-access" and not gap.detail.startswith("no instruction of cn=config")
        ]
        opened, doubts = self._reach.strangers()
        if isinstance(door, Gap):
            gaps += [door] if opened or doubts else []
            return Rights((), tuple(dict.fromkeys(gaps)), len(self._rules.all))
        held = [Right("strangers", f"read {name}", dn, (rule.line,)) for rule, dn, name in opened]
        return Rights(tuple(held), tuple(dict.fromkeys([*gaps, *doubts])), len(self._rules.all))

    @cached_property
    def _reach(self) -> Reach:
        return Reach(self._directory, self._rules, self._base)

    def _ruling_groups(self) -> set[str]:
        """Groups that make administrators, and those within them."""
        todo = list(self._top)
        for rule in self._ruling:
            for one in comparisons(rule.permission.bind):
                if one.keyword in ("groupdn", "roledn"):
                    todo += [_named(value) for value in one.values]
        seen = set(todo)
        for name in todo:
            group = self._directory.groups.get(name)
            for member in group.members if group is not None else ():
                if member not in seen and self._directory.groups.get(member) is not None:
                    seen.add(member)
                    todo.append(member)
        return seen


def _named(value: str) -> str:
    return normal(unquote(value.partition("///")[2] or value))
