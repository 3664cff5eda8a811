"""As whom: runaslist_matches() of sudo, of the versions before 1.9.14 and from then on. Three-valued like sudo_match, which lends its lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sovaudit.facts.accounts import Account
from sovaudit.facts.parse.sudoers import MYSELF, Member, Members

if TYPE_CHECKING:
    from sovaudit.facts.sudo_match import Answer, Matcher, Target

ALLOW, DENY, UNSPEC = 1, 0, -1
_NONE: frozenset[str] = frozenset()


class Runas:
    """One question: whether a list lets this account run as this target."""

    def __init__(self, match: Matcher, invoker: Account, target: Target) -> None:
        self._match = match
        self._invoker = invoker
        self._target = target
        self._old = match.before_1_9_14

    def matches(self, users: Members | None, groups: Members | None) -> Answer:
        """An absent list means the default target, an empty one oneself."""
        match, target = self._match, self._target
        if self._old and groups and users == (Member(MYSELF),):
            users = ()  # `(:group)` named nobody then
        default = (Member("WORD", match.runas_default),)
        if target.group is None:
            return match.list_of(default if users is None else users, self._user, _NONE)
        if not self._old:
            return self._joined(match.list_of(default if users is None else users, self._user, _NONE), self._groups(groups))
        if target.group_only:
            return self._joined(self._itself(frozenset({UNSPEC})), self._groups(groups))  # the users of the list were not asked
        if users is None and groups is None:
            return match.list_of(default, self._user, _NONE)  # nor was the group
        return self._joined(self._itself(match.list_of(users or (), self._user, _NONE)), self._groups(groups))

    def _itself(self, users: Answer) -> Answer:
        """Before 1.9.14 whoever changes the group only needs no user in the list."""
        if UNSPEC in users and self._invoker.name == self._target.account.name:
            return (users - {UNSPEC}) | {ALLOW}
        return users

    @staticmethod
    def _joined(users: Answer, groups: Answer) -> Answer:
        found = {DENY if DENY in (user, group) else user if user == group else UNSPEC for user in users for group in groups}
        return frozenset(found)

    def _user(self, member: Member, used: frozenset[str]) -> Answer:
        match, target = self._match, self._target
        if member.kind == MYSELF:
            mine = target.group_only or self._invoker.name == target.account.name
            return match.signed(member, mine)
        if member.kind == "ALIAS":
            whole = self._old and target.group is not None  # then an alias was asked for its groups, too, and of those it had none

            def wrap(found: Answer) -> Answer:
                return self._joined(self._itself(found), self._fallback(frozenset({UNSPEC}))) if whole else found

            found = match.alias("Runas", member, ("user", self._invoker.name, target), self._user, used, wrap)
            return match.user(Member("WORD", member.name, member.negated), target.account, used) if found is None else found
        return match.user(member, target.account, used)

    def _groups(self, groups: Members | None) -> Answer:
        return self._fallback(self._match.list_of(groups or (), self._group, _NONE))

    def _fallback(self, found: Answer) -> Answer:
        """A group that no list names is right where the target has it (or, with preserve_groups, where the caller has)."""
        group = self._match.host.accounts.groups.get(self._target.group or "")
        account = self._invoker if self._match.preserve_groups else self._target.account
        own = group is not None and group.gid in (self._target.account.gid, *account.gids)
        return (found - {UNSPEC}) | {ALLOW} if UNSPEC in found and own else found

    def _group(self, member: Member, used: frozenset[str]) -> Answer:
        match, target = self._match, self._target
        if member.kind == "ALL":
            return match.signed(member, True)
        if member.kind == "ALIAS":
            key = ("group", self._invoker.name, target)
            wrap: Callable[[Answer], Answer] = self._fallback
            if self._old:  # an alias was asked for its users, too, and of those it had none

                def wrap(found: Answer) -> Answer:
                    return self._joined(self._itself(frozenset({UNSPEC})), self._fallback(found))

            found = match.alias("Runas", member, key, self._group, used, wrap)
            if found is not None:
                return found
        return match.signed(member, match.is_group(member.name, target.group or ""))
