"""Entries of an Active Directory, in one line each, for tests that need no server."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Iterable, Mapping

from sovaudit.facts.directory import Directory
from sovaudit.facts.parse.sid import sid_bytes
from sovaudit.testing import directory_with

BASE = "DC=lab,DC=test"
USERS = f"CN=Users,{BASE}"
CONTAINER = f"CN=Password Settings Container,CN=System,{BASE}"
DOMAIN = "S-1-5-21-10-20-30"
GLOBAL, LOCAL, UNIVERSAL, BUILTIN, MAIL = -2147483646, -2147483644, -2147483640, -2147483643, 2
NEVER = 0x7FFFFFFFFFFFFFFF
DAY = 864000000000
Entry = tuple[str, dict[str, list[str | bytes]]]


def dn(name: str) -> str:
    return name if "=" in name else f"CN={name},{USERS}"


def sid(rid: int | str) -> bytes:
    return sid_bytes(rid if isinstance(rid, str) else f"{DOMAIN}-{rid}")


def _entry(name: str, attributes: dict[str, object]) -> Entry:
    found: dict[str, list[str | bytes]] = {}
    for key, value in attributes.items():
        if value is None:
            continue
        values = value if isinstance(value, list | tuple) else [value]
        found[key] = [one if isinstance(one, bytes) else str(one) for one in values]
    return name, found


def user(name: str, rid: int, uac: int | None = 512, **attributes: object) -> Entry:
    """attributes: LDAP names with `_` for `-`; None takes one away."""
    usual: dict[str, object] = {
        "objectClass": ["top", "person", "organizationalPerson", "user"], "sAMAccountName": name, "sAMAccountType": 805306368, "objectSid": sid(rid),
        "userAccountControl": uac, "primaryGroupID": 513, "accountExpires": NEVER, "pwdLastSet": 134000000000000000, "lastLogon": 0,
        "lastLogonTimestamp": 134000000000000000, "whenCreated": "20250101000000.0Z",
    }  # fmt: skip
    return _entry(dn(name), {**usual, **{key.replace("_", "-"): value for key, value in attributes.items()}})


def computer(name: str, rid: int, uac: int = 0x1000, **attributes: object) -> Entry:
    usual: dict[str, object] = {
        "objectClass": ["top", "person", "organizationalPerson", "user", "computer"], "sAMAccountType": 805306369, "primaryGroupID": 515,
    }  # fmt: skip
    return user(name, rid, uac, **{**usual, **attributes})


def group(name: str, rid: int | str, *members: str, kind: int | None = GLOBAL, **attributes: object) -> Entry:
    usual: dict[str, object] = {
        "objectClass": ["top", "group"], "sAMAccountName": name, "objectSid": sid(rid), "groupType": kind,
        "member": [dn(one) for one in members] or None,
    }  # fmt: skip
    return _entry(dn(name), {**usual, **attributes})


def domain(**attributes: object) -> Entry:
    usual: dict[str, object] = {
        "objectClass": ["top", "domain", "domainDNS"], "objectSid": sid_bytes(DOMAIN), "minPwdLength": 12, "pwdProperties": 1, "pwdHistoryLength": 24,
        "maxPwdAge": -42 * DAY, "minPwdAge": -DAY, "lockoutThreshold": 5, "lockoutDuration": -30 * 600000000, "ms-DS-MachineAccountQuota": 0,
        "msDS-Behavior-Version": 7,
    }  # fmt: skip
    return _entry(BASE, {**usual, **{key.replace("_", "-"): value for key, value in attributes.items()}})


def settings(name: str, precedence: int, length: int, *targets: str, **attributes: object) -> Entry:
    usual: dict[str, object] = {
        "objectClass": ["top", "msDS-PasswordSettings"], "cn": name, "msDS-PasswordSettingsPrecedence": precedence,
        "msDS-MinimumPasswordLength": length, "msDS-PasswordComplexityEnabled": "TRUE", "msDS-PasswordHistoryLength": 5,
        "msDS-MaximumPasswordAge": -42 * DAY, "msDS-MinimumPasswordAge": 0, "msDS-LockoutThreshold": 5, "msDS-LockoutDuration": -30 * 600000000,
        "msDS-LockoutObservationWindow": -30 * 600000000, "msDS-PasswordReversibleEncryptionEnabled": "FALSE",
        "msDS-PSOAppliesTo": [dn(one) for one in targets] or None,
    }  # fmt: skip
    return _entry(f"CN={name},{CONTAINER}", {**usual, **{key.replace("_", "-"): value for key, value in attributes.items()}})


GROUPS: tuple[Entry, ...] = (
    group("Domain Admins", 512, "Administrator"),
    group("Domain Users", 513),
    group(f"CN=Administrators,CN=Builtin,{BASE}", "S-1-5-32-544", "Domain Admins", kind=BUILTIN),
)
ADMINISTRATOR = user("Administrator", 500, adminCount=1)


FULL, WRITE_DAC, WRITE_OWNER, CONTROL, WRITE, SELF = 0xF01FF, 0x40000, 0x80000, 0x100, 0x20, 0x8
ALLOW, DENY, ALLOW_OBJECT, DENY_OBJECT, ALLOW_CALLBACK, DENY_CALLBACK = 0, 1, 5, 6, 9, 10


def ace(who: int | str, mask: int, guid: str = "", *, kind: int | None = None, flags: int = 0, heirs: str = "") -> bytes:
    """One entry of an access list, for a RID of the domain or a SID. kind: ALLOW or ALLOW_OBJECT unless given."""
    kind = (ALLOW_OBJECT if guid or heirs else ALLOW) if kind is None else kind
    body = struct.pack("<I", mask)
    if kind in (5, 6, 11, 12):
        body += struct.pack("<I", bool(guid) | bool(heirs) << 1)
        body += b"".join(uuid.UUID(one).bytes_le for one in (guid, heirs) if one)
    body += sid(who)
    if kind in (9, 10, 11, 12):
        body += b"artx" + bytes(4)
    return struct.pack("<BBH", kind, flags, len(body) + 4) + body


def acl(*aces: bytes, owner: int | str | None = 512, control: int = 0x8004, empty: bool = False) -> bytes:
    """A descriptor. Domain Admins may do everything first, unless `empty`; control 0x8004 with no list at all: give 0x8000."""
    entries = [] if empty else [ace(512, FULL)]
    whole = b"".join([*entries, *aces])
    head = bytes(20)
    who = b"" if owner is None else sid(owner)
    listed = struct.pack("<BBHHH", 4, 0, 8 + len(whole), len(entries) + len(aces), 0) + whole if control & 0x4 else b""
    places = (20 if who else 0, 0, 0, 20 + len(who) if listed else 0)
    return struct.pack("<BBHIIII", 1, 0, control, *places) + head[20:] + who + listed


def guarded(name: str, descriptor: bytes | None, *classes: str) -> Entry:
    """An entry with its access list; None: it is not shown."""
    return _entry(name, {"objectClass": ["top", *classes], "nTSecurityDescriptor": descriptor})


HOLDER, DNS = f"CN=AdminSDHolder,CN=System,{BASE}", f"CN=MicrosoftDNS,CN=System,{BASE}"
POLICY, SITE = f"CN={{31B2F340-016D-11D2-945F-00C04FB984F9}},CN=Policies,CN=System,{BASE}", f"CN=Site,CN=Sites,CN=Configuration,{BASE}"
LINKED = f"[LDAP://{POLICY};0]"
CONTROLLER = computer("DC0$", 999, 0x82000, primaryGroupID=516, pwdLastSet=134247168000000000)
CONFIGURATION, SCHEMA = f"CN=Configuration,{BASE}", f"CN=Schema,CN=Configuration,{BASE}"


def active_directory(
    *accounts: Entry,
    groups: Iterable[Entry] = (),
    objects: Iterable[Entry] = (),
    head: Entry | None = None,
    level: int = 7,
    lists: Mapping[str, bytes | None] | None = None,
    units: Iterable[str] = (),
    **more: object,
) -> Directory:
    """A domain that holds Administrator, a controller, a linked policy, its usual groups, and these.

    objects: password settings, as somebody who may see them.
    lists: DN or name → its descriptor (None: hidden); everything else belongs to Domain Admins. units: organizational units there are.
    """
    shown = list(objects)
    container: Entry = (CONTAINER, {"objectClass": ["msDS-PasswordSettingsContainer"], "cn": ["Password Settings Container"]})
    given = {dn(name): one for name, one in (lists or {}).items()}
    people, sets = [ADMINISTRATOR, CONTROLLER, *accounts], [*GROUPS, *groups]

    def entry(name: str, *classes: str) -> Entry:
        return guarded(name, given.get(name, acl()), *classes)

    fixed = [
        entry(POLICY, "groupPolicyContainer"),
        entry(BASE, "domainDNS"),
        entry(HOLDER, "container"),
        entry(DNS, "container"),
        *(entry(one, "organizationalUnit") for one in units),
    ]
    kinds = [(name, str(row["objectClass"][-1])) for name, row in [*people, *sets] if "objectClass" in row]
    kinds += [(f"CN=Users,{BASE}", "container"), (f"CN=Builtin,{BASE}", "builtinDomain")]
    return directory_with(**{  # type: ignore[arg-type]
        "product": "ad", "base": BASE, "target": f"ldaps://dc1/{BASE}", "domain": [head or domain()], "accounts": people, "groups": sets,
        "policies": shown, "policy_container": [container, *((name, {"cn": row["cn"]}) for name, row in shown)],
        "rootdse": [("", {"domainFunctionality": [str(level)], "domainControllerFunctionality": [str(level)]})],
        "descriptors": fixed, "configuration": [entry(CONFIGURATION, "configuration")], "schema": [entry(SCHEMA, "dMD")],
        "sites": [entry(SITE, "site")], "links": [(BASE, {"objectClass": ["domainDNS"], "gPLink": [LINKED]})],
        "guarded": [entry(name, kind) for name, kind in kinds], **more,
    })  # fmt: skip
