"""Active Directory (MS-ADTS), Samba's included: accounts, groups, and who is an administrator through groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from sovaudit.facts.directories import ad_names as names
from sovaudit.facts.directories.ad_names import Uac
from sovaudit.facts.directories.ad_policies import Policies
from sovaudit.facts.directories.model import Account, Admin, Admins, Applied, Factor, Group, Kind, Unmodelled
from sovaudit.facts.files import Unseen
from sovaudit.facts.parse.dn import first_value, normal
from sovaudit.facts.parse.ldap_times import Moment, Special, filetime, generalized
from sovaudit.facts.parse.sid import relative, sid_text
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.directory import Directory, Entry

PLAIN = Uac.NORMAL | Uac.DISABLED  # what needs no note: kept for no account
SYNC_DAYS = 14  # msDS-LogonTimeSyncInterval's default (MS-ADTS 3.1.1.5.2.2): lastLogonTimestamp may be that old


@dataclass(slots=True)
class Table:
    """What one pass over the accounts keeps. flags: userAccountControl where it says more than PLAIN. primary: RID of the primary group → DNs."""

    accounts: list[Account] = field(default_factory=list)
    flags: dict[str, int] = field(default_factory=dict)
    primary: dict[int, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AdGroup:
    """What a group is beside its members. kind: groupType's bits, None if it was not shown."""

    sid: str
    kind: int | None

    @property
    def security(self) -> bool:
        """Whether it goes into anybody's token; a distribution group, and what is nested in it, does not. Not shown counts as yes."""
        return self.kind is None or bool(self.kind & names.SECURITY)

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
        found = Table()
        directory = self.directory
        shown = directory.shown("accounts", "lastLogonTimestamp")
        lag = self._login_lag
        now = directory.taken_at
        for where, entry in directory.located("accounts"):
            account = _account(entry, where, now)
            account.last_login, account.login_lag_days = _last_login(entry, shown, lag)
            flags = entry.number("userAccountControl")
            if flags is not None and flags & ~PLAIN:
                found.flags[account.dn] = flags
            primary = entry.number("primaryGroupID")
            if primary is not None:
                found.primary.setdefault(primary, []).append(account.dn)
            found.accounts.append(account)
        return found

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
        """Empty if the domain's own entry was not shown."""
        try:
            head = self.directory.only("domain")
        except Unseen:
            return ""
        return _sid(head) if head is not None else ""

    def flags(self, account: Account) -> int | Gap:
        """userAccountControl, without what says only that it is a user, perhaps disabled."""
        found = self.table.flags.get(account.dn)
        if found is None and isinstance(account.enabled, Gap):
            return account.enabled
        return found or 0

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
        kinds = {dn: AdGroup(_sid(entry), entry.number("groupType")) for dn, (_, entry, _) in found.items()}
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
        """Members of the groups that rule a domain, by whatever nesting and primary group."""
        directory, groups = self.directory, self.directory.groups
        members: dict[str, Admin] = {}
        gaps = [gap for gap in (directory.gap("accounts"), directory.gap("groups")) if gap is not None]
        bypass: list[Line] = []
        if not self.domain_sid:
            gaps.append(Gap("attribute:objectSid", Reason.DENIED, "the domain's own identifier is not shown to this account"))
        found = 0
        for title, dn in sorted(self._privileged(), key=lambda one: names.PRIVILEGED.index(one[0])):
            found += 1
            doubt = groups.doubt(dn)
            if doubt is not None and doubt not in gaps:
                gaps.append(doubt)
            for member in groups.members(dn):
                if member in members:
                    continue
                chain = self._chain(dn, member)
                account = directory.by_dn.get(member)
                if account is None:
                    sid = self.foreign.get(member, "")
                    if sid in names.EVERYBODY:
                        bypass += chain
                        continue
                    if not sid:
                        gaps.append(Gap(f"member:{member}", Reason.ABSENT, f"a member of {title} that was not shown as an account"))
                        continue
                    elsewhere = Gap(f"account:{sid}", Reason.ABSENT, "an account of another domain")
                    account = Account(sid, sid, member, Kind.PERSON, elsewhere)
                members[member] = Admin(account, chain, title)
        if not found:
            gaps.append(Gap("search:groups", Reason.DENIED, "no privileged group is shown to this account"))
        return Admins(tuple(members.values()), tuple(gaps), tuple(bypass))

    def _privileged(self) -> Iterator[tuple[str, str]]:
        """(Microsoft's name, normal DN) of each privileged group that was seen."""
        for dn, kind in self.kinds.items():
            title = names.privileged_name(kind.sid, self.domain_sid)
            if title:
                yield title, dn

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
        """Foreign security principals: normal DN → SID."""
        try:
            return {normal(entry.dn): _sid(entry) or entry.text("cn") for entry in self.directory.entries("foreign")}
        except Unseen:
            return {}

    # Policies and factors

    def policies(self) -> Sequence[Applied]:
        return Policies(self).applied()

    def factor(self, account: Account) -> Factor:
        """Only SMARTCARD_REQUIRED makes a domain controller demand more than a password; RADIUS, ADFS and agents stand outside LDAP."""
        settle = "what else asks for a factor: the export of the RADIUS server, the identity provider or the agents on the controllers"
        flags = self.flags(account)
        if isinstance(flags, Gap):
            return Factor(flags, flags, settle="the right to read userAccountControl")
        line = Line(account.dn, 0, f"userAccountControl: {self.table.flags.get(account.dn, int(Uac.NORMAL))}")
        if flags & Uac.SMARTCARD_REQUIRED:
            return Factor(True, True, (line,))
        gap = Gap("factor:elsewhere", Reason.UNSUPPORTED, "the directory demands no smart card; LDAP shows no other factor")
        return Factor(gap, gap, (line,), settle)


def _account(entry: Entry, where: tuple[str, int], now: datetime) -> Account:
    dn = normal(entry.dn)
    sid = _sid(entry)
    flags = entry.number("userAccountControl")
    because: tuple[Line, ...] = ()
    enabled: bool | Gap = True
    until = entry.values("accountExpires")
    expires = filetime(until[0]) if until else Special.UNKNOWN
    if flags is None:
        enabled = Gap("attribute:userAccountControl", Reason.DENIED, "it is not shown to this account")
    elif flags & Uac.DISABLED:
        enabled, because = False, (entry.line("userAccountControl"),)
    elif isinstance(expires, datetime) and expires <= now:
        enabled, because = False, (entry.line("accountExpires"),)
    born = entry.values("whenCreated")
    return Account(
        key=sid or dn,
        name=entry.text("sAMAccountName") or first_value(entry.dn),
        dn=dn,
        kind=_kind(entry, sid),
        enabled=enabled,
        because=because,
        expires=expires,
        password_set=_password_set(entry, flags),
        created=generalized(born[0]) if born else Special.UNKNOWN,
        uid_number=entry.number("uidNumber"),
        person=entry.text("employeeID") or entry.text("employeeNumber") or entry.text("mail"),
        where=where,
    )


def _kind(entry: Entry, sid: str) -> Kind:
    if relative(sid) in names.BUILTIN_ACCOUNTS and sid.startswith("S-1-5-21-"):
        return Kind.BUILTIN
    if entry.number("sAMAccountType") in (names.MACHINE_TYPE, names.TRUST_TYPE):
        managed = any(b"ManagedServiceAccount" in value for value in entry.values("objectClass"))
        return Kind.SERVICE if managed else Kind.MACHINE
    return Kind.PERSON


def _password_set(entry: Entry, flags: int | None) -> Moment:
    """0 demands a new password at the next login, unless the password never expires: then it only says nothing (MS-ADTS 3.1.1.4.5.17)."""
    values = entry.values("pwdLastSet")
    if not values:
        return Special.UNKNOWN
    moment = filetime(values[0], zero=Special.MUST_CHANGE)
    return Special.UNKNOWN if moment is Special.MUST_CHANGE and flags is not None and flags & Uac.DONT_EXPIRE_PASSWORD else moment


def _last_login(entry: Entry, shown: bool, lag: int | None) -> tuple[Moment, int]:
    """(the last login, by how many days the true one may be later). lastLogon is this controller's own, lastLogonTimestamp everybody's, late."""
    own, all_of_them = (filetime(entry.values(name)[0]) if entry.values(name) else None for name in ("lastLogon", "lastLogonTimestamp"))
    late = 0 if lag is None else lag
    if isinstance(all_of_them, datetime):
        moment = max(all_of_them, own) if isinstance(own, datetime) else all_of_them
        return moment, late
    if isinstance(own, datetime):
        return (own, late) if lag is not None else (Special.UNKNOWN, 0)
    return (Special.NEVER, 0) if shown and lag is not None else (Special.UNKNOWN, 0)


def _sid(entry: Entry) -> str:
    try:
        return sid_text(entry.values("objectSid")[0])
    except (IndexError, ValueError):
        return ""
