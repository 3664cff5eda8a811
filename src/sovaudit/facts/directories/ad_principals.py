"""Who stands behind an identity of Active Directory, and which identities somebody carries: what a token would hold."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from sovaudit.facts.directories import ad_names as names
from sovaudit.facts.directories.model import Account, Kind
from sovaudit.facts.parse.dn import normal
from sovaudit.facts.parse.sid import relative
from sovaudit.model.evidence import Gap
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.directories.ad import ActiveDirectory

SYSTEM = frozenset(("S-1-5-18", "S-1-5-19", "S-1-5-20", "S-1-5-9"))  # the controllers themselves
BROAD_RIDS = (513, 514, 515, 545, 546, 554)  # groups of everybody: nobody lists their members one by one
WIDE = 500  # members beyond which a group is named, not its members


class Principals:
    """Identities of one domain. administrators: normal DNs of those that rule it through groups."""

    def __init__(self, view: ActiveDirectory) -> None:
        self._view = view
        self._directory = view.directory
        self._tokens: dict[str, frozenset[str]] = {}

    @cached_property
    def group_of(self) -> dict[str, str]:
        """SID → normal DN of the group."""
        return {group.sid: dn for dn, group in self._view.kinds.items() if group.sid}

    @cached_property
    def account_of(self) -> dict[str, Account]:
        """SID → account."""
        return {account.key: account for account in self._directory.accounts}

    @cached_property
    def _parents(self) -> dict[str, list[str]]:
        """Group → the security groups that name it."""
        found: dict[str, list[str]] = {}
        kinds = self._view.kinds
        for group in self._directory.groups:
            if kinds[group.dn].security:
                for member in group.members:
                    if member in kinds or member in self._view.foreign:
                        found.setdefault(member, []).append(group.dn)
        return found

    def token(self, sid: str) -> frozenset[str]:
        """All identities that somebody with this one carries: itself, groups, and what everybody carries."""
        if sid not in self._tokens:
            account = self.account_of.get(sid)
            kinds = self._view.kinds
            if account is not None:
                groups = self._directory.groups
                inner = [group.dn for group in groups if kinds[group.dn].security and groups.contains(group.dn, account.dn)]
            else:
                inner = self._upwards([self.group_of[sid]] if sid in self.group_of else self._foreign(sid))
            common = () if sid in ("S-1-1-0", "S-1-5-7") else self._common
            self._tokens[sid] = frozenset((sid, *(kinds[dn].sid for dn in inner), *common))
        return self._tokens[sid]

    def _foreign(self, *sids: str) -> list[str]:
        return [dn for dn, one in self._view.foreign.items() if one in sids]

    @cached_property
    def _common(self) -> tuple[str, ...]:
        """What every account carries, and the groups that this puts it into."""
        kinds = self._view.kinds
        return (*names.CARRIED, *(kinds[dn].sid for dn in self._upwards(self._foreign(*names.CARRIED))))

    def _upwards(self, begin: Iterable[str]) -> list[str]:
        seen, todo = set(begin), list(begin)
        while todo:
            for parent in self._parents.get(todo.pop(), ()):
                if parent not in seen:
                    seen.add(parent)
                    todo.append(parent)
        return [dn for dn in seen if dn in self._view.kinds]

    def name(self, sid: str) -> str:
        if sid in self.group_of:
            group = self._directory.groups.get(self.group_of[sid])
            return group.name if group is not None else sid
        account = self.account_of.get(sid)
        return account.name if account is not None else names.EVERYBODY.get(sid, sid)

    @staticmethod
    def broad(sid: str) -> bool:
        return sid in names.EVERYBODY or (sid.startswith(("S-1-5-21-", "S-1-5-32-")) and relative(sid) in BROAD_RIDS)

    def members(self, sid: str) -> list[str]:
        """Normal DNs of those behind an identity: the account itself, or a group's members, nested ones included."""
        if sid in self.group_of:
            return self._directory.groups.members(self.group_of[sid])
        account = self.account_of.get(sid)
        return [account.dn] if account is not None else []

    def controller(self, dn: str) -> bool:
        """Whether an account is a domain controller's: the system alone sets that flag."""
        return dn in self._view.table.controllers

    def gone(self, sid: str) -> bool | Gap:
        """Whether nobody can carry an identity any more: of this domain, and neither an account nor a group. A Gap if that was not seen."""
        if not sid.startswith(self._view.domain_sid + "-") or not self._view.domain_sid:
            return False
        if sid in self.group_of or sid in self.account_of:
            return False
        for search in ("accounts", "groups"):
            gap = self._directory.gap(search)
            if gap is not None:
                return gap
        return True

    def synthetic(self, sid: str) -> Account:
        """Somebody who has no entry among the accounts here."""
        if sid in names.EVERYBODY or sid in self.group_of:
            return Account(sid, self.name(sid), self.group_of.get(sid, normal(sid)), Kind.BUILTIN, True)
        return Account(sid, sid, normal(sid), Kind.PERSON, Gap(f"account:{sid}", Reason.ABSENT, "an account of another domain"))
