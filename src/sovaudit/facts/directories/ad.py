"""Active Directory (MS-ADTS), Samba's included: accounts, groups, and who is an administrator through groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from sovaudit.facts.directories import ad_names as names
from sovaudit.facts.directories.ad_accounts import SYNC_DAYS, Table, history_of, sid_of, table_of
from sovaudit.facts.directories.ad_control import Control
from sovaudit.facts.directories.ad_names import Uac
from sovaudit.facts.directories.ad_policies import Policies
from sovaudit.facts.directories.ad_weak import Weak
from sovaudit.facts.directories.model import (
    ELSEWHERE,
    Account,
    Admin,
    Admins,
    Applied,
    Exempt,
    Factor,
    Group,
    Kept,
    Recording,
    Right,
    Rights,
    Risks,
    Storage,
    Unmodelled,
)
from sovaudit.facts.files import Unseen
from sovaudit.facts.parse.dn import first_value, normal
from sovaudit.facts.parse.sid import relative
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.directory import Directory, Entry


@dataclass(frozen=True, slots=True)
class AdGroup:
    """What a group is beside its members. kind: groupType's bits, None if it was not shown. history: SIDs that its members carry as well."""

    sid: str
    kind: int | None
    history: tuple[str, ...] = ()
    written: str = ""  # its DN as the server wrote it

    @property
    def security(self) -> bool:
        """Whether it goes into anybody's token; a distribution group, and what is nested in it, does not. Not shown counts as yes."""
        return self.kind is None or bool(self.kind & names.SECURITY)

    @property
    def builtin(self) -> bool:
        return self.kind is not None and bool(self.kind & names.BUILTIN_LOCAL)

    @property
    def account_group(self) -> bool:
        """A global security group: the only kind to which a password settings object applies (MS-ADTS 3.1.1.4.5.36)."""
        return self.kind is not None and bool(self.kind & names.SECURITY and self.kind & names.GLOBAL)


class ActiveDirectory(Unmodelled):
    """The view of one domain."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory

    # Accounts

    def accounts(self) -> Iterable[Account]:
        return self.table.accounts

    @cached_property
    def table(self) -> Table:
        """One pass over the accounts. Raises Unseen."""
        return table_of(self.directory, self._login_lag, self.policies_of.lasting)

    @cached_property
    def _login_lag(self) -> int | None:
        """Days that lastLogonTimestamp may lag behind; None if it is not written at all (0 turns it off)."""
        days = self._head_number("msDS-LogonTimeSyncInterval")
        return SYNC_DAYS if days is None else days or None

    def _head_number(self, name: str) -> int | None:
        try:
            head = self.directory.only("domain")
        except Unseen:
            return None
        return None if head is None else head.number(name)

    @cached_property
    def domain_sid(self) -> str:
        """The domain's own, by its entry or by its accounts', which begin with it. Empty if neither was shown."""
        try:
            head = self.directory.only("domain")
        except Unseen:
            head = None
        found = sid_of(head) if head is not None else ""
        if not found:
            found = next((account.key.rpartition("-")[0] for account in self.table.accounts if relative(account.key) is not None), "")
        return found

    def flags(self, account: Account) -> int | Gap:
        """userAccountControl, without what says only that it is a user, perhaps disabled."""
        found = self.table.flags.get(account.dn)
        if found is None and isinstance(account.enabled, Gap):
            return account.enabled
        return found or 0

    @cached_property
    def _root(self) -> Entry | None:
        try:
            return self.directory.only("rootdse")
        except Unseen:
            return None

    @property
    def samba(self) -> bool:
        """Whether Samba answers: it does some things its own way."""
        return self._root is not None and self._root.text("vendorName").startswith("Samba")

    @property
    def level(self) -> int:
        """The domain's functional level (MS-ADTS 6.1.4.4), -1 if it is not shown."""
        found = self._root.number("domainFunctionality") if self._root is not None else None
        return -1 if found is None else found

    @property
    def domain_name(self) -> str:
        """The domain's normal DN."""
        return self.policies_of.domain_name

    def uac_line(self, account: Account) -> tuple[Line, ...]:
        """`userAccountControl: …` as it stands in its entry; nothing for somebody without one."""
        return (self.directory.entry_of(account).line("userAccountControl"),) if account.part else ()

    # Groups

    def groups(self) -> Iterable[Group]:
        return self._groups[0]

    @cached_property
    def _groups(self) -> tuple[list[Group], dict[str, AdGroup]]:
        found: dict[str, tuple[list[str], Entry, list[str]]] = {}
        for entry in self.directory.entries("groups"):
            dn = normal(entry.dn)
            members, first, parts = found.setdefault(dn, ([], entry, []))
            if not first.values("objectClass"):
                found[dn] = (members, entry, parts)
            for name, values in entry.attributes.items():
                if name == "member" or name.startswith("member;range="):  # MS-ADTS 3.1.1.3.1.3.3: one attribute in parts
                    members += (normal(value.decode("utf-8", "surrogateescape")) for value in values)
                    parts.append(name)
        kinds = {dn: AdGroup(sid_of(entry), entry.number("groupType"), history_of(entry), entry.dn) for dn, (_, entry, _) in found.items()}
        mail = {dn for dn, kind in kinds.items() if not kind.security}
        readable = any(parts for _, _, parts in found.values())
        primary = self.table.primary
        groups = []
        for dn, (members, entry, parts) in found.items():
            if dn not in mail and mail:
                members = [member for member in members if member not in mail]
            rid = relative(kinds[dn].sid)
            if rid is not None and kinds[dn].sid.startswith("S-1-5-21-"):
                members = members + primary.get(rid, [])
            cut = any(";range=" in part for part in parts) and not any(part.endswith("-*") for part in parts)
            name = entry.text("sAMAccountName") or first_value(entry.dn)
            groups.append(Group(kinds[dn].sid or dn, name, dn, members, complete=readable and not cut))
        return groups, kinds

    @property
    def kinds(self) -> dict[str, AdGroup]:
        """Groups by normal DN: SID and type."""
        return self._groups[1]

    # Administrators

    def admins(self) -> Admins:
        """Members of the groups that rule a domain, by whatever nesting and primary group, and holders of rights that equal theirs."""
        directory, groups = self.directory, self.directory.groups
        members: dict[str, Admin] = {}
        gaps = [gap for gap in (directory.gap("accounts"), directory.gap("groups")) if gap is not None]
        if not self.domain_sid:
            gaps.append(Gap("attribute:objectSid", Reason.DENIED, "the domain's own identifier is not shown to this account"))
        found = 0
        for title, dn in sorted(self.privileged(), key=lambda one: names.PRIVILEGED.index(one[0])):
            found += 1
            doubt = groups.doubt(dn)
            if doubt is not None and doubt not in gaps:
                gaps.append(doubt)
            for member in groups.members(dn):
                if member in members:
                    continue
                account = directory.by_dn.get(member)
                if account is None:
                    sid = self.foreign.get(member, "")
                    if not sid:
                        gaps.append(Gap(f"member:{member}", Reason.ABSENT, f"a member of {title} that was not shown as an account"))
                        continue
                    account = self.control.principals.synthetic(sid)
                members[member] = Admin(account, self._chain(dn, member), title)
        if not found:
            gaps.append(Gap("search:groups", Reason.DENIED, "no privileged group is shown to this account"))
        for dn, history in self.table.history.items():
            for sid in history:
                title = names.privileged_name(sid, self.domain_sid)
                if title and dn in directory.by_dn:
                    members.setdefault(dn, Admin(directory.by_dn[dn], (Line(dn, 0, f"sIDHistory: {sid}"),), title))
        for account, right in self.control.people():
            members.setdefault(account.dn, Admin(account, right.because, f"{right.right} over {right.over}"))
        gaps += (gap for gap in self.control.doubts if gap not in gaps)
        return Admins(tuple(members.values()), tuple(gaps))

    def rights(self) -> Rights:
        return Rights(tuple(right for _, right in self.control.rights), self.control.doubts, self.control.looked)

    def password_access(self) -> Rights:
        return self.control.password_access()

    def openings(self) -> Rights:
        """The seventh character of dSHeuristics: 2 lets clients without a name search (MS-ADTS 6.1.1.2.4.1.2, fLDAPBlockAnonOps)."""
        entry = self.directory.only("directory-service")
        heuristics = entry.text("dSHeuristics") if entry is not None else ""
        if entry is None or heuristics[6:7] != "2":
            return Rights(())
        return Rights((Right("anonymous", "search", normal(entry.dn), (entry.line("dSHeuristics"),)),))

    @cached_property
    def control(self) -> Control:
        """Who can make themselves an administrator through access lists."""
        return Control(self)

    def privileged(self) -> Iterator[tuple[str, str]]:
        """(Microsoft's name, normal DN) of each privileged group that was seen."""
        for dn, kind in self.kinds.items():
            for sid in (kind.sid, *kind.history):
                title = names.privileged_name(sid, self.domain_sid)
                if title:
                    yield title, dn
                    break

    def _chain(self, dn: str, member: str) -> tuple[Line, ...]:
        """group → group → member, as lines."""
        path = self.directory.groups.path(dn, member)
        lines = []
        for outer, inner in zip(path, [*path[1:], member], strict=True):
            rid = relative(self.kinds[outer].sid)
            primary = inner == member and member in self.table.primary.get(-1 if rid is None else rid, ())
            lines.append(Line(member, 0, f"primaryGroupID: {rid}") if primary else Line(outer, 0, f"member: {inner}"))
        return tuple(lines)

    @cached_property
    def foreign(self) -> dict[str, str]:
        """Foreign and well-known security principals: normal DN → SID."""
        found: dict[str, str] = {}
        try:
            root = self.directory.only("rootdse")
            place = f"cn=wellknown security principals,{normal(root.text('configurationNamingContext'))}" if root is not None else ""
            found |= {f"cn={name},{place}": sid for name, sid in names.WELL_KNOWN.items()}
            found |= {normal(entry.dn): sid_of(entry) or entry.text("cn") for entry in self.directory.entries("foreign")}
        except Unseen:
            pass
        return found

    # Policies and factors

    def policies(self) -> Sequence[Applied]:
        return self.policies_of.applied()

    @cached_property
    def policies_of(self) -> Policies:
        return Policies(self)

    # Weak points

    @cached_property
    def weak(self) -> Weak:
        return Weak(self)

    def exempt(self) -> tuple[Sequence[Exempt], Sequence[Gap]]:
        return self.weak.exempt()

    def risks(self) -> Risks:
        return self.weak.risks()

    def secrets(self) -> Sequence[Kept]:
        return tuple(self.weak.secrets())

    def storage(self) -> tuple[Sequence[Storage], Sequence[Gap]]:
        return self.weak.storage()

    def recording(self, what: str) -> Sequence[Recording]:
        return self.weak.recording(what)

    def factor(self, account: Account) -> Factor:
        """Only SMARTCARD_REQUIRED makes a domain controller demand more than a password; RADIUS, ADFS and agents stand outside LDAP."""
        settle = "what else asks for a factor: the export of the RADIUS server, the identity provider or the agents on the controllers"
        flags = self.flags(account)
        if isinstance(flags, Gap):
            return Factor(flags, flags, settle="the right to read userAccountControl")
        line = self.uac_line(account)
        if flags & Uac.SMARTCARD_REQUIRED:
            return Factor(True, True, line)
        gap = Gap(ELSEWHERE, Reason.UNSUPPORTED, "the directory demands no smart card; LDAP shows no other factor")
        return Factor(gap, gap, line, settle)
