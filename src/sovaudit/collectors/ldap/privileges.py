"""The least rights an audit account needs in a directory: what to give, as the product's own tools take it. Reading, nothing else.

Secrets are left out by name. A stored password's scheme cannot be read without its hash, so that hashes are open only to who asks for it.
"""

from __future__ import annotations

import base64

from sovaudit.errors import UsageError
from sovaudit.facts.parse.dn import parent

PRODUCTS = ("openldap", "389", "freeipa", "ad")
SECRETS = {
    "openldap": ("userPassword",),
    "389": ("userPassword", "passwordHistory"),
    "freeipa": (
        "userPassword", "passwordHistory", "krbPrincipalKey", "krbMKey", "krbPwdHistory", "ipaNTHash", "ipatokenOTPkey", "ipatokenRadiusSecret",
        "sambaNTPassword", "sambaLMPassword", "ipaIDPClientSecret", "ipaSecretKey*", "ipaPrivateKey*",
    ),
    "ad": (),
}  # fmt: skip
"""Attributes that the account must not read: those that every server of the product knows. A site's own are named by the caller."""
CLOSED = "# Hashes stay closed: password-policy.directory-storage answers for the settings alone (--with-schemes opens them).\n"
# with a star each: the server takes no name that its schema does not hold, and these are in no schema
_SERVER_SECRETS = ("nsslapd-rootpw*", "nsds5ReplicaCredentials*", "nsMultiplexorCredentials*", "nsSymmetricKey*")


def rights(product: str, account: str, base: str, *, schemes: bool = False, secrets: tuple[str, ...] = ()) -> str:
    """A text that an administrator applies once.

    account: DN of the audit account (AD: also its name). base: DN of the tree. schemes: open stored passwords, too, for their schemes.
    secrets: further attributes to keep from it. Raises UsageError.
    """
    for name, value in (("--bind-dn", account), ("--base", base)):
        if not value or any(ord(character) < 32 or character == '"' for character in value) or (product != "ad" and "=" not in value):
            raise UsageError(
                f"{value!r} is no distinguished name", where=name, hint="For instance uid=auditor,ou=services,dc=example,dc=org"
            )
    for name in secrets:
        if not name.replace("-", "").replace(";", "").isalnum():
            raise UsageError(f"{name!r} is no attribute", where="--secret", hint="For instance oathSecret")
    hidden = tuple(name for name in (*SECRETS[product], *secrets) if not (schemes and name.lower() == "userpassword"))
    if product == "openldap":
        return _openldap(account, base, hidden, schemes)
    if product == "ad":
        return _ad(account, base)
    return _389(account, base, hidden, schemes, ipa=product == "freeipa")


def _openldap(account: str, base: str, hidden: tuple[str, ...], schemes: bool) -> str:
    """slapd.access(5): the first rule that fits an entry or attribute counts, so ours stand first and send everybody else on."""
    who = f'dn.exact="{account}"'
    keep = (f"to attrs={','.join(hidden)} by {who} none by * break",) if hidden else ()
    tree = (*keep, f'to dn.subtree="{base}" by {who} read by * break')
    server = (f"to attrs=olcRootPW,olcSyncrepl by {who} =s by * break", f"to * by {who} read by * break")
    limits = f"{who} size=unlimited time=unlimited"
    return (
        f"# Lets {account} read {base} and the server's configuration, and write nothing.\n"
        "# As root on the server: ldapmodify -Q -Y EXTERNAL -H ldapi:/// -f THIS-FILE\n"
        "# {1}mdb stands for the database of the tree; ldapsearch -Q -Y EXTERNAL -H ldapi:/// -b cn=config olcSuffix names yours.\n"
        "# A database without any olcAccess lets everybody read everything: give it rules first, for these would be its only ones.\n"
        + ("" if schemes else CLOSED)
        + "# With slapo-otp name oathSecret by --secret, with Samba sambaNTPassword and sambaLMPassword.\n\n"
        + _modify("olcDatabase={1}mdb,cn=config", "olcAccess", [f"{{{at}}}{rule}" for at, rule in enumerate(tree)], ("olcLimits", limits))
        + _modify("olcDatabase={0}config,cn=config", "olcAccess", [f"{{{at}}}{rule}" for at, rule in enumerate(server)])
        + "# Where slapo-accesslog keeps a database of its own, its first entries show that it works:\n"
        f'# dn: olcDatabase={{2}}mdb,cn=config\n# changetype: modify\n# add: olcAccess\n# olcAccess: {{0}}to * by {who} read by * break\n'
    )  # fmt: skip


def _389(account: str, base: str, hidden: tuple[str, ...], schemes: bool, *, ipa: bool) -> str:
    """An instruction that allows cannot take away what another denies; one that names no attribute opens none."""
    tree = _aci(hidden, account, "sovaudit reads the tree")
    server = _aci((*_SERVER_SECRETS, "userPassword"), account, "sovaudit reads the configuration")
    name = "FreeIPA" if ipa else "389 Directory Server"
    return (
        f"# {name}: lets {account} read {base} and the server's configuration, and write nothing.\n"
        '# ldapmodify -x -D "cn=Directory Manager" -W -f THIS-FILE\n'
        + ("" if schemes else CLOSED)
        + ("# cn=config is each server's own: apply the second part on every replica that is audited.\n" if ipa else "")
        + "\n"
        + _modify(base, "aci", [tree])
        + _modify("cn=config", "aci", [server])
    )  # fmt: skip


def _aci(hidden: tuple[str, ...], account: str, name: str) -> str:
    targets = f'(targetattr != "{" || ".join(hidden)}")' if hidden else '(targetattr = "*")'
    return f'{targets}(version 3.0; acl "{name}"; allow (read, search) userdn = "ldap:///{_url(account)}";)'


def _url(name: str) -> str:
    """A DN in an LDAP URL: what would end it there is written as its bytes."""
    return "".join(character if character not in "%?#" else f"%{ord(character):02X}" for character in name)


def _ad(account: str, base: str) -> str:
    name = account if "=" not in account else f"the account {account}"
    who = account if "=" not in account else "DOMAIN\\auditor"
    return (
        f"# Active Directory: what {name} lacks as an ordinary member of Domain Users. In a command prompt of a domain administrator.\n"
        f"# Password settings objects are closed to everybody but administrators:\n"
        f'dsacls "CN=Password Settings Container,CN=System,{base}" /I:T /G "{who}:GR"\n'
        "# So is the DNS service, whose access list says who may run code on controllers:\n"
        f'dsacls "CN=MicrosoftDNS,CN=System,{base}" /G "{who}:GR"\n'
        "# Silos and authentication policies, where the forest has them (run in the root domain; write its DN):\n"
        f'dsacls "CN=AuthN Policy Configuration,CN=Services,CN=Configuration,{base}" /I:T /G "{who}:GR"\n'
        "# Where Authenticated Users were taken out of Pre-Windows 2000 Compatible Access, logon and account attributes of others, too:\n"
        f'dsacls "{base}" /I:S /G "{who}:RP;Account Restrictions;user" "{who}:RP;Logon Information;user" "{who}:RP;Group Membership;user"\n'
        "# Security descriptors need no right beyond reading: they are asked for with LDAP_SERVER_SD_FLAGS_OID = 7, without the part for auditing.\n"
        "# Rights on protected accounts come from AdminSDHolder within an hour:\n"
        f'dsacls "CN=AdminSDHolder,CN=System,{base}" /G "{who}:GR"\n'
        "# Nothing here lets it write, reset a password, replicate (Replicating Directory Changes) or read LAPS passwords.\n"
    )


def _modify(dn: str, attribute: str, values: list[str], *more: tuple[str, str]) -> str:
    lines = [_line("dn", dn), "changetype: modify", f"add: {attribute}", *(_line(attribute, value) for value in values), "-"]
    for name, value in more:
        lines += [f"add: {name}", _line(name, value), "-"]
    return "\n".join(lines) + "\n\n"


def _line(name: str, value: str) -> str:
    """One line of LDIF, in base64 where RFC 2849 wants it."""
    if value.isascii() and value[:1] not in (" ", ":", "<") and not value.endswith(" "):
        return f"{name}: {value}"
    return f"{name}:: {base64.b64encode(value.encode()).decode()}"


def default_base(account: str) -> str:
    """The tree that an account's DN ends in: its dc components, or the entry above it."""
    here = account
    while here and not all(part.strip().lower().startswith("dc=") for part in here.split(",")):
        here = parent(here)
    return here or parent(account) or "dc=example,dc=org"
