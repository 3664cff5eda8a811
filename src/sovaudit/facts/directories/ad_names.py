"""What numbers of Active Directory mean (MS-ADTS, MS-SAMR, MS-DTYP 2.4.2.4). Windows translates the names of groups: they are never used."""

from __future__ import annotations

from enum import IntFlag


class Uac(IntFlag):
    """userAccountControl (MS-ADTS 2.2.16)."""

    DISABLED = 0x2
    PASSWD_NOTREQD = 0x20
    REVERSIBLE = 0x80
    NORMAL = 0x200
    INTERDOMAIN_TRUST = 0x800
    WORKSTATION_TRUST = 0x1000
    SERVER_TRUST = 0x2000  # a domain controller
    DONT_EXPIRE_PASSWORD = 0x10000
    SMARTCARD_REQUIRED = 0x40000
    TRUSTED_FOR_DELEGATION = 0x80000
    NOT_DELEGATED = 0x100000
    USE_DES_KEY_ONLY = 0x200000
    DONT_REQ_PREAUTH = 0x400000
    TRUSTED_TO_AUTH_FOR_DELEGATION = 0x1000000
    PARTIAL_SECRETS = 0x4000000  # a read-only domain controller


# sAMAccountType (MS-SAMR 2.2.1.9)
USER_TYPE, MACHINE_TYPE, TRUST_TYPE = 805306368, 805306369, 805306370

# groupType (MS-ADTS 2.2.12)
BUILTIN_LOCAL, GLOBAL, SECURITY = 0x1, 0x2, 0x80000000

# pwdProperties (MS-SAMR 2.2.1.7)
COMPLEX, CLEARTEXT = 0x1, 0x10

ADMINISTRATOR, GUEST, KRBTGT, DEFAULT_ACCOUNT = 500, 501, 502, 503
BUILTIN_ACCOUNTS = frozenset((ADMINISTRATOR, GUEST, KRBTGT, DEFAULT_ACCOUNT))
DOMAIN_USERS, DOMAIN_COMPUTERS, DOMAIN_CONTROLLERS, READ_ONLY_CONTROLLERS = 513, 515, 516, 521
PROTECTED_USERS = 525
FINE_GRAINED, PROTECTING = 3, 6  # domain functional levels: 2008, 2012 R2

PRIVILEGED_RIDS = {
    512: "Domain Admins",
    518: "Schema Admins",
    519: "Enterprise Admins",
    520: "Group Policy Creator Owners",
    526: "Key Admins",
    527: "Enterprise Key Admins",
}
PRIVILEGED_BUILTIN = {
    544: "Administrators",
    548: "Account Operators",
    549: "Server Operators",
    550: "Print Operators",
    551: "Backup Operators",
}
"""Groups whose members can make themselves masters of the domain, by RID, with the names that Microsoft's documents use."""
PRIVILEGED = (*PRIVILEGED_RIDS.values(), *PRIVILEGED_BUILTIN.values())

EVERYBODY = {
    "S-1-1-0": "Everyone",
    "S-1-5-7": "Anonymous",
    "S-1-5-11": "Authenticated Users",
    "S-1-5-15": "This Organization",
    "S-1-5-2": "Network",
    "S-1-5-4": "Interactive",
}
"""Identities that nobody needs to be put into."""
WELL_KNOWN = {
    "everyone": "S-1-1-0", "anonymous logon": "S-1-5-7", "authenticated users": "S-1-5-11", "this organization": "S-1-5-15", "network": "S-1-5-2",
    "interactive": "S-1-5-4", "enterprise domain controllers": "S-1-5-9", "self": "S-1-5-10", "creator owner": "S-1-3-0", "creator group": "S-1-3-1",
    "dialup": "S-1-5-1", "batch": "S-1-5-3", "service": "S-1-5-6", "proxy": "S-1-5-8", "restricted": "S-1-5-12", "terminal server user": "S-1-5-13",
    "remote interactive logon": "S-1-5-14", "iusr": "S-1-5-17", "local service": "S-1-5-19", "network service": "S-1-5-20",
}  # fmt: skip
"""Names of entries below `CN=WellKnown Security Principals` of the configuration, the same in every language (MS-ADTS 6.1.1.2.6)."""
CARRIED = ("S-1-1-0", "S-1-5-11", "S-1-5-15", "S-1-5-2")
"""Those that every account carries which binds over LDAP."""


def privileged_name(sid: str, domain: str) -> str:
    """The name, in Microsoft's documents, of a privileged group; empty for any other SID. domain: the domain's own SID."""
    if sid.startswith("S-1-5-32-"):
        return PRIVILEGED_BUILTIN.get(int(sid.rpartition("-")[2]), "")
    head, _, rid = sid.rpartition("-")
    return PRIVILEGED_RIDS.get(int(rid), "") if head == domain and domain else ""
