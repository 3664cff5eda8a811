"""Entries of an Active Directory, in one line each, for tests that need no server."""

from __future__ import annotations

from collections.abc import Iterable

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


def active_directory(
    *accounts: Entry, groups: Iterable[Entry] = (), objects: Iterable[Entry] = (), head: Entry | None = None, level: int = 7, **more: object
) -> Directory:
    """A domain that holds Administrator, its usual groups and these. objects: password settings, as somebody who may see them."""
    shown = list(objects)
    container: Entry = (CONTAINER, {"objectClass": ["msDS-PasswordSettingsContainer"], "cn": ["Password Settings Container"]})
    return directory_with(**{  # type: ignore[arg-type]
        "product": "ad", "base": BASE, "target": f"ldaps://dc1/{BASE}", "domain": [head or domain()], "accounts": [ADMINISTRATOR, *accounts],
        "groups": [*GROUPS, *groups], "policies": shown, "policy_container": [container, *((name, {"cn": row["cn"]}) for name, row in shown)],
        "rootdse": [("", {"domainFunctionality": [str(level)], "domainControllerFunctionality": [str(level)]})], **more,
    })  # fmt: skip
