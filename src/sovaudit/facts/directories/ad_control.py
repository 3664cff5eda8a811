"""Who can make themselves an administrator of the domain through access lists.

What is guarded: the domain's own entry (who may replicate it reads every secret), AdminSDHolder (its list is copied to all protected objects),
the privileged groups and what is nested in them, their members, the controllers, krbtgt, the units above them (a linked policy object runs on
what is below), the policy objects linked there, the configuration and schema, and the DNS service's entry. Whoever holds rights over one of
these is followed in turn: who can control a holder is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from sovaudit.facts.directories import ad_access as access
from sovaudit.facts.directories.ad_access import Ability, Hold
from sovaudit.facts.directories.ad_guarded import SEARCHES, Ground
from sovaudit.facts.directories.ad_principals import SYSTEM, WIDE, Principals
from sovaudit.facts.directories.model import Account, Right, Rights
from sovaudit.facts.parse.security_descriptor import Descriptor, descriptor
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.directories.ad import ActiveDirectory

READERS = -2  # the place of what stands in no access list: msDS-GroupMSAMembership
FEW = 5  # gaps of one kind that a finding lists


@dataclass(slots=True)
class Held:
    """Rights of one identity over one object. by: what they can do by which entry of the list; -1: ownership."""

    sid: str
    over: str
    labels: set[str] = field(default_factory=set)
    by: list[tuple[Ability, int]] = field(default_factory=list)
    sure: bool = True


class Control:
    """Rights that equal an administrator's, in one domain. wanted: objects whose list matters and was not asked for."""

    def __init__(self, view: ActiveDirectory) -> None:
        self._view = view
        self._directory = view.directory
        self.principals = Principals(view)
        self.ground = Ground(view, self.principals)
        self.held: list[Held] = []
        self.gaps: list[Gap] = []
        self.wanted: list[str] = []
        self.looked = 0
        self._targets: dict[str, tuple[Ability, ...]] = {}
        self._holders: set[str] = set()
        self._work()

    # The work

    def _work(self) -> None:
        for dn, abilities in self.ground.begin():
            self._guard(dn, abilities)
        done: set[str] = set()
        while todo := [dn for dn in self._targets if dn not in done]:
            for dn in todo:
                done.add(dn)
                self._look(dn, self._targets[dn])
        if not self._view.domain_sid or not any(True for _ in self._view.privileged()):
            self.gaps.append(Gap("search:groups", Reason.DENIED, "no privileged group is shown to this account"))
        for search, shown, what in (
            ("accounts", self._view.table.controllers, "domain controller"),
            ("links", self.ground.shows("links"), "link of a policy object"),
            ("sites", any("site" in one.classes for one in self.ground.shown.values()), "site"),
        ):
            if not shown:  # every domain has them
                self.gaps.append(Gap(f"search:{search}", Reason.DENIED, f"no {what} is shown to this account"))
        for search in ("accounts", "groups", *SEARCHES):
            gap = self._directory.gap(search)
            if gap is not None and gap not in self.gaps:
                self.gaps.append(gap)

    def _guard(self, dn: str, abilities: tuple[Ability, ...]) -> None:
        before = self._targets.get(dn, ())
        self._targets[dn] = before + tuple(ability for ability in abilities if ability not in before)

    def _look(self, dn: str, abilities: tuple[Ability, ...]) -> None:
        one = self.ground.shown.get(dn)
        if one is None:
            self.wanted.append(dn)
            self.gaps.append(Gap(f"descriptor:{dn}", Reason.ABSENT, "its access list was not asked for, or is not shown to this account"))
            return
        if isinstance(one.descriptor, Gap):
            self.gaps.append(one.descriptor)
            return
        self.looked += 1
        if any(not ace.allows and not ace.denies for ace in one.descriptor.dacl or ()):
            self.gaps.append(Gap(f"descriptor:{dn}", Reason.AMBIGUOUS, "an entry of a kind that is not modelled"))
        found: dict[str, Held] = {}
        replicate: dict[str, list[Hold]] = {}
        for hold in access.holds(one.descriptor, abilities, one.classes, self.principals.token):
            if hold.ability in (access.CHANGES, access.CHANGES_ALL):
                replicate.setdefault(hold.ability.label, []).append(hold)
            else:
                self._add(found, dn, hold, hold.label)
        for hold in self._replicating(replicate):
            self._add(found, dn, hold, hold.label if hold.label in ("GenericAll", "AllExtendedRights") else "DCSync")
        if dn in self._view.table.readers:
            self._read_managed(dn, found)
        for sid, held in found.items():
            self._outside(sid, held)

    def _read_managed(self, dn: str, found: dict[str, Held]) -> None:
        """Who may read the password that the directory makes for a managed account (MS-ADTS 3.1.1.4.5.39)."""
        try:
            entries = descriptor(self._view.table.readers[dn]).dacl
        except ValueError as error:
            self.gaps.append(Gap(f"readers:{dn}", Reason.AMBIGUOUS, str(error)))
            return
        for sid in dict.fromkeys(ace.sid for ace in entries or () if ace.allows) if entries is not None else ["S-1-1-0"]:
            self._add(found, dn, Hold(sid, access.READ_MANAGED, "ReadGMSAPassword", READERS), "ReadGMSAPassword")

    def _replicating(self, by_right: dict[str, list[Hold]]) -> Iterator[Hold]:
        """Who may do both, by whatever identities: one right alone gives no secret away."""
        plain = {hold.sid for hold in by_right.get("GetChanges", ())}
        for hold in by_right.get("GetChangesAll", ()):
            if self.principals.token(hold.sid) & plain:
                yield hold
                continue
            for member in self.principals.members(hold.sid):
                account = self._directory.by_dn.get(member)
                if account is not None and self.principals.token(account.key) & plain:
                    yield Hold(account.key, hold.ability, hold.label, hold.at, hold.sure)

    @staticmethod
    def _add(found: dict[str, Held], dn: str, hold: Hold, label: str) -> None:
        held = found.setdefault(hold.sid, Held(hold.sid, dn))
        held.labels.add(label)
        held.by.append((hold.ability, hold.at))
        held.sure = held.sure and hold.sure

    # Who is outside

    def _outside(self, sid: str, held: Held) -> None:
        """Record what somebody holds who is no administrator, and follow them."""
        principals = self.principals
        if sid in SYSTEM or sid in self._inside or (sid in self._holders and held.over in self._own(sid)):
            return
        gone = principals.gone(sid)
        if gone is True:
            return
        if isinstance(gone, Gap):
            if gone not in self.gaps:
                self.gaps.append(gone)
            return
        if sid in principals.group_of and not principals.broad(sid):
            members = principals.members(sid)
            if all(member in self._inside_dns or principals.controller(member) or self._spared(member, held) for member in members):
                doubt = self._directory.groups.doubt(principals.group_of[sid])
                if doubt is not None and doubt not in self.gaps:
                    self.gaps.append(doubt)
                self._follow(sid)
                return
        self.held.append(held)
        self._follow(sid)

    def _spared(self, member: str, held: Held) -> bool:
        """Whether a list that allows a group denies one of its members."""
        account = self._directory.by_dn.get(member)
        return account is not None and self._denied(account.key, held)

    def _follow(self, sid: str) -> None:
        if sid in self._holders or self.principals.broad(sid):
            return
        self._holders.add(sid)
        if sid in self.principals.group_of:
            if len(self.principals.members(sid)) <= WIDE:
                for dn, abilities in self.ground.group(self.principals.group_of[sid]):
                    self._guard(dn, abilities)
        elif sid in self.principals.account_of:
            for dn, abilities in self.ground.member(self.principals.account_of[sid].dn):
                self._guard(dn, abilities)

    def _own(self, sid: str) -> Iterable[str]:
        """Objects over which rights add nothing: what somebody is, or is in."""
        dn = self.principals.group_of.get(sid)
        return (dn,) if dn else (self.principals.account_of[sid].dn,) if sid in self.principals.account_of else ()

    @cached_property
    def _inside(self) -> frozenset[str]:
        """Identities that only administrators carry: the privileged groups, what is nested in them, and their members."""
        groups, kinds = self._directory.groups, self._view.kinds
        found: set[str] = set()
        for _, dn in self._view.privileged():
            todo = [dn]
            while todo:
                here = todo.pop()
                if kinds[here].sid in found:
                    continue
                found.add(kinds[here].sid)
                group = groups.get(here)
                todo += [member for member in (group.members if group is not None else ()) if member in kinds]
        by_dn, foreign = self._directory.by_dn, self._view.foreign
        found |= {by_dn[dn].key for dn in self._inside_dns if dn in by_dn}
        found |= {foreign[dn] for dn in self._inside_dns if dn in foreign}
        return frozenset(found)

    @cached_property
    def _inside_dns(self) -> frozenset[str]:
        groups = self._directory.groups
        return frozenset(member for _, dn in self._view.privileged() for member in groups.members(dn))

    # The answer

    @cached_property
    def rights(self) -> list[tuple[Held, Right]]:
        """Rights that are held for sure."""
        found = []
        for held in self.held:
            if held.sure:
                label = ", ".join(sorted({"GenericAll"} if "GenericAll" in held.labels else held.labels))
                found.append(
                    (held, Right(self.principals.name(held.sid), label, held.over, self._lines(held), self.ground.part(held.over)))
                )
        return found

    @cached_property
    def doubts(self) -> tuple[Gap, ...]:
        """What was not seen, or depends on a condition, and could hold more."""
        unsure = [
            Gap(f"descriptor:{held.over}", Reason.AMBIGUOUS, f"what {self.principals.name(held.sid)} may do depends on a condition")
            for held in self.held
            if not held.sure
        ]
        lists = [gap for gap in self.gaps if gap.item.startswith("descriptor:")]
        if len(lists) <= FEW:
            return (*self.gaps, *unsure)
        first = lists[0]
        many = Gap(first.item, first.reason, f"{first.detail} ({len(lists)} objects)")
        return (*(gap for gap in self.gaps if gap not in lists), many, *unsure)

    def password_access(self) -> Rights:
        """Who may read every password hash of the domain by replicating it."""
        domain = self._view.domain_name
        reading = {"DCSync", "GenericAll", "AllExtendedRights"}
        held = tuple(
            Right(right.holder, "read", domain, right.because) for one, right in self.rights if one.over == domain and reading & one.labels
        )
        return Rights(held, self.doubts, self.looked)

    def people(self) -> Iterator[tuple[Account, Right]]:
        """Accounts behind the holders, those apart to whom the list denies it. Everybody's identities stand for themselves."""
        principals, by_dn = self.principals, self._directory.by_dn
        for held, right in self.rights:
            members = principals.members(held.sid)
            if principals.broad(held.sid) or (held.sid not in principals.group_of and not members):
                yield principals.synthetic(held.sid), right
                continue
            for member in members:
                account = by_dn.get(member)
                if account is None and member in self._view.foreign:
                    account = principals.synthetic(self._view.foreign[member])
                if account is None or member in self._inside_dns or principals.controller(member) or self._denied(account.key, held):
                    continue
                yield account, right

    def _denied(self, sid: str, held: Held) -> bool:
        """Whether one member of a holding group is denied every right of it."""
        one = self.ground.shown[held.over]
        if not isinstance(one.descriptor, Descriptor) or not any(ace.denies for ace in one.descriptor.dacl or ()):
            return False
        own = access.classes_of(one.classes)
        token = self.principals.token(sid)
        return all(access.denied(one.descriptor, at, ability, own, token) for ability, at in held.by)

    def _lines(self, held: Held) -> tuple[Line, ...]:
        one = self.ground.shown[held.over]
        dacl = one.descriptor.dacl if isinstance(one.descriptor, Descriptor) else None
        lines = []
        for at in sorted({at for _, at in held.by}):
            if at == READERS:
                lines.append(Line(held.over, 0, f"msDS-GroupMSAMembership: allows {held.sid}"))
            elif at >= 0 and dacl is not None:
                ace = dacl[at]
                kind = f", {ace.object_type}" if ace.object_type else ""
                lines.append(Line(held.over, 0, f"nTSecurityDescriptor: entry {at + 1} allows {held.sid} 0x{ace.mask:x}{kind}"))
            else:
                word = "no access list" if dacl is None else f"owner {held.sid}"
                lines.append(Line(held.over, 0, f"nTSecurityDescriptor: {word}"))
        return tuple(lines)
