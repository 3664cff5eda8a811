"""Which password policy Active Directory applies to whom (MS-ADTS 3.1.1.4.5.36, MS-SAMR 3.1.1.5).

The domain's own settings, unless a password settings object wins: one linked to the account itself, else one linked to a global security
group it is in, nested and primary groups included; among several the lowest precedence, then the smallest objectGUID, byte by byte. Samba (4.17) lets
security groups of every scope carry them, but for those of Builtin.

An ordinary account sees neither these objects nor that there are any: the server answers success with nothing. What proves that all are
seen: the container shows this account its own name. Where that is not so, only the server's own answer for an account (msDS-ResultantPSO) counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from sovaudit.facts.directories import ad_names as names
from sovaudit.facts.directories.ad_names import Uac
from sovaudit.facts.directories.groups import Groups
from sovaudit.facts.directories.model import Account, Applied, Group, Kind, PasswordPolicy, Seen
from sovaudit.facts.files import Unseen
from sovaudit.facts.parse.dn import first_value, normal
from sovaudit.facts.parse.ldap_times import interval_seconds
from sovaudit.facts.parse.sid import relative
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.directories.ad import ActiveDirectory, AdGroup
    from sovaudit.facts.directory import Entry

_HEAD = "minPwdLength pwdProperties pwdHistoryLength maxPwdAge lockoutThreshold lockoutDuration".split()
_PSO = (
    "msDS-PasswordSettingsPrecedence msDS-MinimumPasswordLength msDS-PasswordComplexityEnabled msDS-PasswordHistoryLength msDS-MaximumPasswordAge "
    "msDS-LockoutThreshold msDS-LockoutDuration"
).split()
_SETTLE = "its objects below CN=Password Settings Container,CN=System are shown to Domain Admins alone, unless read access is delegated"
Rank = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Settings:
    """One password settings object. rank: smaller wins. targets: normal DNs it is linked to."""

    dn: str
    rank: Rank
    policy: PasswordPolicy
    targets: frozenset[str]
    reversible: bool | Gap


class Policies:
    """Policies of one domain and the accounts under them."""

    def __init__(self, view: ActiveDirectory) -> None:
        self._view = view
        self._directory = view.directory

    def applied(self) -> Sequence[Applied]:
        by_name: dict[tuple[str, int], list[Account]] = {}
        for account in self.subjects():
            where = self.of(account)
            flags = self._view.flags(account)
            mark = 0 if isinstance(flags, Gap) else flags & self._marks
            by_name.setdefault((where, mark), []).append(account)
        found = []
        for (name, mark), accounts in sorted(by_name.items()):
            policy = self.policy(name) if name else self._unseen(mark)
            found.append(Applied(policy if isinstance(policy, Gap) else self._marked(policy, mark, accounts[0]), tuple(accounts)))
        return found

    def subjects(self) -> list[Account]:
        """Users that may log in with a password of this directory."""
        return [
            account
            for account in self._directory.accounts
            if account.enabled is not False and account.kind in (Kind.PERSON, Kind.BUILTIN) and relative(account.key) != names.KRBTGT
        ]

    def of(self, account: Account) -> str:
        """Normal DN of the policy that applies (the domain's, or a settings object's); empty if that was not seen."""
        domain = self.domain_name
        if not self.fine_grained:
            return domain
        answer = self._answers.get(account.dn)
        if answer is not None:
            return answer or domain
        if not self.all_seen:
            return ""
        own = self._by_target.get(account.dn)
        if own is not None:
            return own.dn
        if account.dn in self._by_member:
            return self._by_member[account.dn].dn
        return "" if self._group_doubt else domain

    def policy(self, name: str) -> PasswordPolicy | Gap:
        if name == self.domain_name:
            return self.domain
        settings = self.objects.get(name)
        if settings is not None:
            return settings.policy
        gap = Gap(f"policy:{first_value(name)}", Reason.DENIED, _SETTLE)
        return PasswordPolicy(name, gap, gap, gap, gap, gap, gap, evidence=self._directory.artifacts("applied-policies"))

    @property
    def _marks(self) -> int:
        """Flags that take something away. Samba (4.17) asks of an account that needs no password for one as long as of any other."""
        return Uac.DONT_EXPIRE_PASSWORD | (0 if self._view.samba else Uac.PASSWD_NOTREQD)

    def _unseen(self, mark: int) -> PasswordPolicy | Gap:
        """Which policy applies was not seen; what a flag of the account takes away, no policy gives back."""
        gap = self.doubt
        return PasswordPolicy("unseen", gap, gap, gap, gap, gap, gap) if mark else gap

    def _marked(self, policy: PasswordPolicy, mark: int, account: Account) -> PasswordPolicy:
        if not mark:
            return policy
        words: list[str] = []
        changes: dict[str, Seen] = {}
        if mark & Uac.PASSWD_NOTREQD:  # MS-ADTS 2.2.16: no password is required, whatever the policy says
            words.append("PASSWD_NOTREQD")
            changes["min_length"] = 0
        if mark & Uac.DONT_EXPIRE_PASSWORD:
            words.append("DONT_EXPIRE_PASSWORD")
            changes["max_age_days"] = None
        line = Line(account.dn, 0, f"userAccountControl: {self._view.table.flags[account.dn]}")
        return replace(policy, name=f"{policy.name} ({', '.join(words)})", because=(*policy.because, line), **changes)  # type: ignore[arg-type]

    # The domain's own settings

    @cached_property
    def domain_name(self) -> str:
        head = self._head
        return normal(head.dn) if head is not None else normal(self._directory.evidence.identity.get("base", ""))

    @cached_property
    def _head(self) -> Entry | None:
        try:
            return self._directory.only("domain")
        except Unseen:
            return None

    @cached_property
    def domain(self) -> PasswordPolicy | Gap:
        head = self._head
        if head is None:
            return self._directory.gap("domain") or Gap("search:domain", Reason.DENIED, "the domain's entry is not shown to this account")
        properties = head.number("pwdProperties")
        return PasswordPolicy(
            name=normal(head.dn),
            min_length=_number(head, "minPwdLength"),
            min_classes=_hidden("pwdProperties") if properties is None else 3 if properties & names.COMPLEX else 0,
            history=_number(head, "pwdHistoryLength"),
            max_age_days=_days(head, "maxPwdAge"),
            attempts=_attempts(head, "lockoutThreshold"),
            unlock_seconds=_seconds(head, "lockoutDuration") if head.number("lockoutThreshold") != 0 else None,
            because=tuple(head.line(name) for name in _HEAD if head.values(name)),
            evidence=self._directory.artifacts("domain"),
        )

    @property
    def fine_grained(self) -> bool:
        """Whether settings objects count here: from functional level 2008 on. Not shown counts as yes."""
        return self._view.level < 0 or self._view.level >= names.FINE_GRAINED

    @cached_property
    def lasting(self) -> bool | Gap:
        """Whether nothing but an administrator opens an account again that was locked, whatever policy it is under."""
        head = self._head
        if head is None or _seconds(head, "lockoutDuration") is not None:
            return False
        if not self.fine_grained:
            return True
        try:
            others = self.objects.values()
        except Unseen as unseen:
            return unseen.gap
        if any(one.policy.unlock_seconds is not None or one.policy.attempts is None for one in others) or not self.all_seen:
            return Gap("policy:lockoutDuration", Reason.AMBIGUOUS, "the domain's locks last, and those of a settings object may not")
        return True

    # Password settings objects

    @cached_property
    def objects(self) -> dict[str, Settings]:
        """Those whose content is shown, by normal DN. Raises Unseen."""
        found = {}
        for entry in self._directory.entries("policies"):
            precedence = entry.number("msDS-PasswordSettingsPrecedence")
            if precedence is None:
                continue
            guid = entry.values("objectGUID")
            rank = (precedence, guid[0] if guid else b"")
            targets = frozenset(normal(name) for name in entry.texts("msDS-PSOAppliesTo"))
            reversible = _truth(entry, "msDS-PasswordReversibleEncryptionEnabled")
            found[normal(entry.dn)] = Settings(normal(entry.dn), rank, self._policy(entry), targets, reversible)
        return found

    def _policy(self, entry: Entry) -> PasswordPolicy:
        complexity = _truth(entry, "msDS-PasswordComplexityEnabled")
        return PasswordPolicy(
            name=normal(entry.dn),
            min_length=_number(entry, "msDS-MinimumPasswordLength"),
            min_classes=complexity if isinstance(complexity, Gap) else 3 if complexity else 0,
            history=_number(entry, "msDS-PasswordHistoryLength"),
            max_age_days=_days(entry, "msDS-MaximumPasswordAge"),
            attempts=_attempts(entry, "msDS-LockoutThreshold"),
            unlock_seconds=_seconds(entry, "msDS-LockoutDuration") if entry.number("msDS-LockoutThreshold") != 0 else None,
            because=tuple(entry.line(name) for name in _PSO if entry.values(name)),
            evidence=self._directory.artifacts("policies"),
        )

    @cached_property
    def doubt(self) -> Gap:
        """Why it was not seen which policy applies."""
        for search in ("policies", "policy-container"):
            gap = self._directory.gap(search)
            if gap is not None:
                return gap
        if self._group_doubt and self.all_seen:
            return self._group_doubt
        return Gap("search:policies", Reason.DENIED, _SETTLE)

    @cached_property
    def all_seen(self) -> bool:
        """Whether every settings object there is was seen with its content."""
        directory = self._directory
        if directory.gap("policies") is not None or directory.gap("policy-container") is not None:
            return False
        proven = False
        for entry in directory.entries("policy-container"):
            if normal(entry.dn) in self.objects:
                continue
            if first_value(entry.dn).lower() != "password settings container" or not entry.values("cn"):
                return False  # an object whose content is hidden, or a container that shows nothing of itself
            proven = True
        return proven

    @cached_property
    def _answers(self) -> dict[str, str]:
        """The server's own answers, account → policy: empty for none, which is believed only beside an answer that names one.

        Protected accounts (adminCount) have access lists of their own: what is shown on others proves nothing for them.
        """
        named: dict[bool, dict[str, str]] = {True: {}, False: {}}
        try:
            for entry in self._directory.entries("applied-policies"):
                answer = entry.text("msDS-ResultantPSO")
                named[entry.number("adminCount") == 1][normal(entry.dn)] = normal(answer) if answer else ""
        except Unseen:
            return {}
        return {dn: answer for answers in named.values() if any(answers.values()) for dn, answer in answers.items()}

    @cached_property
    def _by_target(self) -> dict[str, Settings]:
        """What is linked directly: target → the object that wins."""
        found: dict[str, Settings] = {}
        for settings in sorted(self.objects.values(), key=lambda one: one.rank):
            for target in settings.targets:
                found.setdefault(target, settings)
        return found

    @cached_property
    def _by_member(self) -> dict[str, Settings]:
        """Through global security groups: account → the object that wins."""
        kinds = self._view.kinds
        linked = [(settings, dn) for dn, settings in self._linked if dn in kinds and self._carries(kinds[dn])]
        if not linked:
            return {}
        closed = Groups(Group(g.key, g.name, g.dn, self._inner(g)) for g in self._view.groups() if self._carries(kinds[g.dn]))
        found: dict[str, Settings] = {}
        for settings, dn in linked:
            for member in closed.members(dn):
                found.setdefault(member, settings)
        return found

    def _inner(self, group: Group) -> list[str]:
        """Members, without groups of other kinds: those carry no settings on."""
        kinds = self._view.kinds
        return [member for member in group.members if member not in kinds or self._carries(kinds[member])]

    def _carries(self, group: AdGroup) -> bool:
        return group.security and not group.builtin if self._view.samba else group.account_group

    @cached_property
    def _linked(self) -> list[tuple[str, Settings]]:
        """(target, object), the strongest first."""
        return [(target, one) for one in sorted(self.objects.values(), key=lambda one: one.rank) for target in sorted(one.targets)]

    @cached_property
    def _group_doubt(self) -> Gap | None:
        """Why an account may be in a group with a settings object of its own though it was not seen in it."""
        groups, kinds = self._directory.groups, self._view.kinds
        for target, _ in self._linked:
            if target in kinds:
                gap = groups.doubt(target) if kinds[target].kind is not None else _hidden("groupType")
            else:
                gap = None if target in self._directory.by_dn else self._directory.gap("groups")
            if gap is not None:
                return gap
        return None


def _hidden(name: str) -> Gap:
    return Gap(f"attribute:{name}", Reason.DENIED, "it is not shown to this account")


def _number(entry: Entry, name: str) -> Seen:
    found = entry.number(name)
    return _hidden(name) if found is None else found


def _truth(entry: Entry, name: str) -> bool | Gap:
    word = entry.text(name).upper()
    return word == "TRUE" if word in ("TRUE", "FALSE") else _hidden(name)


def _seconds(entry: Entry, name: str) -> Seen:
    try:
        return interval_seconds(entry.values(name)[0])
    except (IndexError, ValueError):
        return _hidden(name)


def _days(entry: Entry, name: str) -> Seen:
    found = _seconds(entry, name)
    return found // 86400 if isinstance(found, int) else found


def _attempts(entry: Entry, name: str) -> Seen:
    found = _number(entry, name)
    return found or None if isinstance(found, int) else found
