"""Accounts of Active Directory: one pass over them, and what each attribute means (MS-ADTS, MS-SAMR)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from sovaudit.facts.directories import ad_names as names
from sovaudit.facts.directories.ad_names import Uac
from sovaudit.facts.directories.model import Account, Kind
from sovaudit.facts.parse.dn import first_value, normal
from sovaudit.facts.parse.ldap_times import Moment, Special, filetime, generalized
from sovaudit.facts.parse.sid import relative, sid_text
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.directory import Directory, Entry

PLAIN = Uac.NORMAL | Uac.DISABLED | Uac.WORKSTATION_TRUST  # what needs no note: kept for no account
SYNC_DAYS = 14  # msDS-LogonTimeSyncInterval's default (MS-ADTS 3.1.1.5.2.2): lastLogonTimestamp may be that old


@dataclass(slots=True)
class Table:
    """What one pass over the accounts keeps. flags: userAccountControl where it says more than PLAIN. primary: RID of the primary group → DNs.

    controllers: domain controllers (the system alone sets that flag), hosts: their names; managed: accounts whose password the directory
    itself makes. services, delegates, resources, readers (of managed passwords), history, ciphers: DN → what its entry shows of that.
    hidden: attributes of which some entry shows nothing that is read by the same right, so that their absence there means nothing.
    """

    accounts: list[Account] = field(default_factory=list)
    flags: dict[str, int] = field(default_factory=dict)
    primary: dict[int, list[str]] = field(default_factory=dict)
    controllers: set[str] = field(default_factory=set)
    managed: set[str] = field(default_factory=set)
    krbtgt: str = ""
    hosts: set[str] = field(default_factory=set)
    services: dict[str, list[str]] = field(default_factory=dict)
    delegates: dict[str, list[str]] = field(default_factory=dict)
    resources: dict[str, bytes] = field(default_factory=dict)
    readers: dict[str, bytes] = field(default_factory=dict)
    history: dict[str, tuple[str, ...]] = field(default_factory=dict)
    ciphers: dict[str, int] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)


# attribute → one of the same property set (MS-ADTS 3.1.1.2.3.3): who is shown that one is shown this one, if there is any
SIBLINGS = {
    "servicePrincipalName": "objectClass",
    "msDS-AllowedToDelegateTo": "objectClass",
    "msDS-AllowedToActOnBehalfOfOtherIdentity": "userAccountControl",
    "sIDHistory": "objectSid",
}


def table_of(directory: Directory, lag: int | None, lasting: bool | Gap) -> Table:
    """lag: days that lastLogonTimestamp may lag behind, None if it is not written. lasting: whether locks end only by hand. Raises Unseen."""
    found = Table()
    shown = directory.shown("accounts", "lastLogonTimestamp")
    now = directory.taken_at
    for (part, at), entry in directory.located("accounts"):
        account = _account(entry, part, at, now)
        if account.enabled is True and lasting is not False and account.kind is not Kind.BUILTIN and (entry.number("lockoutTime") or 0) > 0:
            account.enabled, account.because = (False if lasting is True else lasting), (entry.line("lockoutTime"),)
        account.last_login, account.login_lag_days = _last_login(entry, shown, lag)
        flags = entry.number("userAccountControl")
        if flags is not None and flags & ~PLAIN:
            found.flags[account.dn] = flags
        if account.kind is Kind.SERVICE:
            found.managed.add(account.dn)
        elif account.kind is Kind.BUILTIN and relative(account.key) == names.KRBTGT:
            found.krbtgt = account.dn
        primary = entry.number("primaryGroupID")
        if primary is not None:
            found.primary.setdefault(primary, []).append(account.dn)
        _note(found, account, entry, flags or 0)
        found.accounts.append(account)
    return found


def _note(found: Table, account: Account, entry: Entry, flags: int) -> None:
    dn, attributes = account.dn, entry.attributes
    if flags & Uac.SERVER_TRUST and account.kind is Kind.MACHINE:
        found.controllers.add(dn)
        found.hosts |= {spn.lower().split("/")[1].partition(":")[0] for spn in entry.texts("servicePrincipalName") if "/" in spn}
        found.hosts.add(account.name.lower().removesuffix("$"))
    if account.kind is not Kind.MACHINE and "serviceprincipalname" in attributes:
        found.services[dn] = entry.texts("servicePrincipalName")
    if "msds-allowedtodelegateto" in attributes:
        found.delegates[dn] = entry.texts("msDS-AllowedToDelegateTo")
    if "msds-allowedtoactonbehalfofotheridentity" in attributes:
        found.resources[dn] = entry.values("msDS-AllowedToActOnBehalfOfOtherIdentity")[0]
    if "msds-groupmsamembership" in attributes:
        found.readers[dn] = entry.values("msDS-GroupMSAMembership")[0]
    if "sidhistory" in attributes:
        found.history[dn] = history_of(entry)
    if "msds-supportedencryptiontypes" in attributes:
        kinds = entry.number("msDS-SupportedEncryptionTypes") or 0
        if kinds & 0x7 and not kinds & 0x18:  # DES or RC4, and no AES (MS-KILE 2.2.7)
            found.ciphers[dn] = kinds
    for attribute, sibling in SIBLINGS.items():
        if sibling.lower() not in attributes and attribute.lower() not in attributes:
            found.hidden.add(attribute)


def history_of(entry: Entry) -> tuple[str, ...]:
    """SIDs of an earlier life, which go into the token with the others (MS-ADTS 5.1.3.1)."""
    found = []
    for value in entry.values("sIDHistory"):
        try:
            found.append(sid_text(value))
        except ValueError:
            continue
    return tuple(found)


def _account(entry: Entry, part: str, at: int, now: datetime) -> Account:
    dn = normal(entry.dn)
    sid = sid_of(entry)
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
    elif (
        (hours := entry.values("logonHours")) and len(hours[0]) == 21 and not any(hours[0])
    ):  # MS-SAMR 2.2.6.5: one bit an hour of the week
        enabled, because = False, (entry.line("logonHours", "no hour of the week"),)
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
        part=part,
        at=at,
    )


def _kind(entry: Entry, sid: str) -> Kind:
    if relative(sid) in names.BUILTIN_ACCOUNTS and sid.startswith("S-1-5-21-"):
        return Kind.BUILTIN
    kind = entry.number("sAMAccountType")
    if kind in (names.MACHINE_TYPE, names.TRUST_TYPE) or (kind is None and "computer" in entry.classes()):
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


def sid_of(entry: Entry) -> str:
    try:
        return sid_text(entry.values("objectSid")[0])
    except (IndexError, ValueError):
        return ""
