"""A tree as FreeIPA lays it out, with a schema of our own writing: the names are FreeIPA's, everything else is not."""

from __future__ import annotations

from tests.ds389 import BASE

STRINGS = (
    "ipaUserAuthType ipatokenUniqueID ipaConfigString krbPrincipalName ipaNTSecurityIdentifier krbPrincipalAuthInd".split(),
    "ipatokenOwner krbPwdPolicyReference ipatokenRadiusConfigLink".split(),
    "ipatokenNotBefore ipatokenNotAfter krbPrincipalExpiration krbLastPwdChange krbPasswordExpiration krbLastSuccessfulAuth".split(),
    "krbPwdMinLength krbPwdMinDiffChars krbPwdHistoryLength krbMaxPwdLife krbPwdMaxFailure krbPwdLockoutDuration ipaPwdMaxRepeat".split(),
    ["ipatokenDisabled"],
    "krbPrincipalKey krbMKey krbPwdHistory ipaNTHash ipatokenOTPkey ipatokenRadiusSecret ipaIDPClientSecret".split(),
)
SYNTAXES = ("15", "12", "24", "27", "7", "40")
ARC = "1.3.6.1.4.1.61930.99"
POLICY = "krbPwdMinLength krbPwdMinDiffChars krbPwdHistoryLength krbMaxPwdLife krbPwdMaxFailure krbPwdLockoutDuration ipaPwdMaxRepeat cn"
PRINCIPAL = "krbPrincipalName krbPrincipalExpiration krbLastPwdChange krbPasswordExpiration krbLastSuccessfulAuth krbPwdPolicyReference"
CLASSES = {
    "krbPwdPolicy": POLICY,
    "krbPrincipalAux": PRINCIPAL,
    "ipaUser": "ipaUserAuthType ipatokenRadiusConfigLink ipaNTSecurityIdentifier",
    "ipaToken": "ipatokenUniqueID ipatokenOwner ipatokenDisabled ipatokenNotBefore ipatokenNotAfter ipatokenOTPkey",
    "ipaGuiConfig": "cn ipaUserAuthType ipaConfigString",
    "ipaUserGroup": "cn",
}


def schema() -> str:
    lines = ["dn: cn=schema"]
    number = 0
    for names, syntax in zip(STRINGS, SYNTAXES, strict=True):
        for name in names:
            number += 1
            lines.append(f"attributeTypes: ( {ARC}.1.{number} NAME '{name}' SYNTAX 1.3.6.1.4.1.1466.115.121.1.{syntax} X-ORIGIN 'test' )")
    for name, may in CLASSES.items():
        number += 1
        kind = "STRUCTURAL" if name in ("krbPwdPolicy", "ipaToken", "ipaGuiConfig") else "AUXILIARY"
        lines.append(f"objectClasses: ( {ARC}.2.{number} NAME '{name}' SUP top {kind} MAY ( {' $ '.join(may.split())} ) X-ORIGIN 'test' )")
    return "\n".join(lines) + "\n"


USERS, GROUPS = f"cn=users,cn=accounts,{BASE}", f"cn=groups,cn=accounts,{BASE}"
REALM = f"cn=EXAMPLE.ORG,cn=kerberos,{BASE}"
TEMPLATES = f"cn=cosTemplates,cn=accounts,{BASE}"
START = "Start-1-w0rd"


def container(dn: str) -> str:
    return f"dn: {dn}\nobjectClass: nsContainer\ncn: {dn.partition('=')[2].partition(',')[0]}\n\n"


def user(name: str, *lines: str) -> str:
    return (
        f"dn: uid={name},{USERS}\nobjectClass: inetOrgPerson\nobjectClass: krbPrincipalAux\nobjectClass: ipaUser\nuid: {name}\ncn: Zork\nsn: Qux\n"
        f"userPassword: {START}\nkrbPrincipalName: {name}@EXAMPLE.ORG\n" + "".join(f"{line}\n" for line in lines) + "\n"
    )


def group(name: str, *members: str) -> str:
    listed = "".join(f"member: {member if '=' in member else f'uid={member},{USERS}'}\n" for member in members)
    return f"dn: cn={name},{GROUPS}\nobjectClass: groupOfNames\nobjectClass: ipaUserGroup\ncn: {name}\n{listed}\n"


def policy(name: str, priority: int | None = None, **values: int) -> str:
    """A policy, and for a group's the template that hands it out."""
    lines = "".join(f"{key}: {value}\n" for key, value in values.items())
    text = f"dn: cn={name},{REALM}\nobjectClass: krbPwdPolicy\ncn: {name}\n{lines}\n"
    if priority is not None:
        text += (
            f'dn: cn="cn={name},{GROUPS}",{TEMPLATES}\nobjectClass: extensibleObject\nobjectClass: costemplate\nobjectClass: krbContainer\n'
            f"cosPriority: {priority}\nkrbPwdPolicyReference: cn={name},{REALM}\n\n"
        ).replace("objectClass: krbContainer\n", "")
    return text


def token(number: int, owner: str, *lines: str) -> str:
    return (
        f"dn: ipatokenUniqueID={number},cn=otp,{BASE}\nobjectClass: ipaToken\nipatokenUniqueID: {number}\nipatokenOwner: uid={owner},{USERS}\n"
        + "".join(f"{line}\n" for line in lines) + "\n"
    )  # fmt: skip


FRAME = "".join(
    map(container, (f"cn=accounts,{BASE}", USERS, GROUPS, TEMPLATES, f"cn=kerberos,{BASE}", REALM, f"cn=otp,{BASE}", f"cn=etc,{BASE}"))
)
SERVICE = (
    f"dn: cn=Password Policy,cn=accounts,{BASE}\nobjectClass: top\nobjectClass: ldapsubentry\nobjectClass: cosSuperDefinition\n"
    f"objectClass: cosClassicDefinition\ncosTemplateDn: {TEMPLATES}\ncosAttribute: krbPwdPolicyReference override\ncosSpecifier: memberOf\n"
    "cn: Password Policy\n\n"
)


def config(*lines: str) -> str:
    return f"dn: cn=ipaConfig,cn=etc,{BASE}\nobjectClass: ipaGuiConfig\ncn: ipaConfig\n" + "".join(f"{line}\n" for line in lines) + "\n"
