"""What the tests of 389 Directory Server plant: people, a subtree with a policy of its own, a role that locks, groups within groups."""

from __future__ import annotations

from tests.ds389 import BASE

PEOPLE = ("boss", "chief", "clerk", "deputy", "guest", "strong", "empty", "gone", "nosyntax", "kinds", "parts", "locked", "retired", "free")
START = "Start-1-w0rd"


def dn(name: str, where: str = "people") -> str:
    return f"uid={name},ou={where},{BASE}"


def person(name: str, where: str = "people", extra: str = "") -> str:
    return f"dn: {dn(name, where)}\nobjectClass: inetOrgPerson\nuid: {name}\ncn: Zork\nsn: Qux\nuserPassword: {START}\n{extra}\n"


def policy(name: str, lines: str = "") -> str:
    return f"dn: cn={name},ou=people,{BASE}\nobjectClass: ldapsubentry\nobjectClass: passwordpolicy\ncn: {name}\n{lines}\n"


def under(name: str) -> str:
    return f"pwdpolicysubentry: cn={name},ou=people,{BASE}\n"


TEAM = f"ou=team,{BASE}"
CONTAINER = f"cn=nsPwPolicyContainer,{TEAM}"
# as `dsconf … localpwp addsubtree` writes it
SUBTREE = f"""dn: {TEAM}
objectClass: organizationalUnit
ou: team

dn: {CONTAINER}
objectClass: nsContainer
cn: nsPwPolicyContainer

dn: cn="cn=nsPwPolicyEntry,{TEAM}",{CONTAINER}
objectClass: ldapsubentry
objectClass: passwordpolicy
cn: cn=nsPwPolicyEntry,{TEAM}
passwordCheckSyntax: on
passwordMinLength: 16
passwordMinCategories: 1

dn: cn="cn=nsPwTemplateEntry,{TEAM}",{CONTAINER}
objectClass: extensibleObject
objectClass: costemplate
objectClass: ldapsubentry
cn: cn=nsPwTemplateEntry,{TEAM}
cosPriority: 1
pwdpolicysubentry: cn="cn=nsPwPolicyEntry,{TEAM}",{CONTAINER}

dn: cn=nsPwPolicy_CoS,{TEAM}
objectClass: ldapsubentry
objectClass: cosSuperDefinition
objectClass: cosPointerDefinition
cn: nsPwPolicy_CoS
costemplatedn: cn="cn=nsPwTemplateEntry,{TEAM}",{CONTAINER}
cosAttribute: pwdpolicysubentry default operational-default

"""
# as ns-inactivate.pl writes it
ROLES = f"""dn: cn=nsManagedDisabledRole,{BASE}
objectClass: LdapSubEntry
objectClass: nsRoleDefinition
objectClass: nsSimpleRoleDefinition
objectClass: nsManagedRoleDefinition
cn: nsManagedDisabledRole

dn: cn=nsDisabledRole,{BASE}
objectClass: LdapSubEntry
objectClass: nsRoleDefinition
objectClass: nsComplexRoleDefinition
objectClass: nsNestedRoleDefinition
cn: nsDisabledRole
nsRoleDN: cn=nsManagedDisabledRole,{BASE}

dn: cn=nsAccountInactivationTmp,{BASE}
objectClass: nsContainer
cn: nsAccountInactivationTmp

dn: cn="cn=nsDisabledRole,{BASE}",cn=nsAccountInactivationTmp,{BASE}
objectClass: extensibleObject
objectClass: costemplate
objectClass: ldapsubentry
cosPriority: 1
nsAccountLock: true

dn: cn=nsAccountInactivation_cos,{BASE}
objectClass: LdapSubEntry
objectClass: cosSuperDefinition
objectClass: cosClassicDefinition
cn: nsAccountInactivation_cos
cosTemplateDn: cn=nsAccountInactivationTmp,{BASE}
cosSpecifier: nsRole
cosAttribute: nsAccountLock operational

"""
GROUPS = f"""dn: cn=chiefs,ou=groups,{BASE}
objectClass: groupOfNames
cn: chiefs
member: {dn("chief")}
member: cn=deputies,ou=groups,{BASE}

dn: cn=deputies,ou=groups,{BASE}
objectClass: groupOfUniqueNames
cn: deputies
uniqueMember: {dn("deputy")}
uniqueMember: cn=chiefs,ou=groups,{BASE}

dn: cn=clerks,ou=groups,{BASE}
objectClass: groupOfNames
cn: clerks
member: {dn("clerk")}

"""
PARTS = "passwordMinDigits: 4\npasswordMinAlphas: 3\npasswordMinLowers: 2\npasswordMinSpecials: 2\n"
POLICIES = (
    policy("strong", "passwordCheckSyntax: on\npasswordMinLength: 14\npasswordMinCategories: 3\n")
    + policy("empty")
    + policy("nosyntax", "passwordMinLength: 20\n")
    + policy(
        "kinds", "passwordCheckSyntax: on\npasswordMinLength: 6\npasswordMinCategories: 1\npasswordMinDigits: 1\npasswordMinUppers: 1\n"
    )
    + policy("parts", f"passwordCheckSyntax: on\npasswordMinLength: 4\n{PARTS}")
)
ENTRIES = (
    "".join(person(name, extra=under(name) if name in ("strong", "empty", "gone", "nosyntax", "kinds", "parts") else "") for name in PEOPLE)
    + POLICIES + SUBTREE + person("player", "team") + ROLES + GROUPS
)  # fmt: skip


def candidates(length: int, classes: int) -> str:
    """A password of so many characters and kinds of characters that breaks no other demand."""
    kinds = ["BCFDJGK", "2468135", "bcfdjgk", "!?+*.-_", "éèàùöäü"][:classes]
    return "".join(kinds[at % classes][(at // classes) % 7] for at in range(length))
