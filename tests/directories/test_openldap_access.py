"""olcAccess in every order and style: who reads, who sets passwords, who rules; slapd's own acts against our verdicts, seen by two accounts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from sovaudit.content.checks.least_privilege.directory_anonymous import directory_anonymous
from sovaudit.content.checks.least_privilege.directory_control import directory_control
from sovaudit.content.checks.least_privilege.directory_privileged import directory_privileged

from sovaudit.collectors import collect, parse_target
from sovaudit.facts.directory import Directory
from sovaudit.testing import run
from tests import slapd
from tests.directories import planted
from tests.directories.openldap_acts import BASE, ENTRIES, PASSWORDS, PEOPLE, STRANGER, SYNC, Acts, uid

pytestmark = pytest.mark.slapd
ADMINS, UNIQUE, OUTER = (f"cn={name},ou=groups,{BASE}" for name in ("admins", "unique", "outer"))
AUDITOR = slapd.AUDITOR
SEES = (f"to attrs=userPassword by dn.exact={AUDITOR} none by * break", f"to * by dn.exact={AUDITOR} read by * break")
OWN = "to attrs=userPassword by self write by anonymous auth by * none"
USERS = "to * by users read by * none"


@dataclass(frozen=True)
class Case:
    """access: rules of the main database, behind those that let the auditor see unless raw. shut: nobody can bind, so the root DN audits."""

    access: tuple[str, ...]
    frontend: tuple[str, ...] | None = None
    config: tuple[str, ...] = ()
    settings: dict[str, list[str]] = field(default_factory=dict)
    database: dict[str, list[str]] = field(default_factory=dict)
    raw: bool = False
    shut: bool = False


def case(*access: str, **more: object) -> Case:
    return Case(access, **more)  # type: ignore[arg-type]


CASES = {
    "owners and users": case(OWN, USERS),
    "no rule at all": case(frontend=(), raw=True),
    "rules of the frontend alone": case(frontend=("to * by users read by * none",), raw=True, shut=True),
    "a database without a rule under a frontend with some": case(frontend=("to dn.base=\"\" by * read", "to * by * none"), raw=True, shut=True),
    "passwords after everything": case("to * by users read by * none", OWN, shut=True),
    "everything before passwords, for strangers": case("to * by * read", OWN),
    "strangers read names": case(OWN, "to * by * read"),
    "an implicit none": case("to attrs=userPassword by self write by anonymous auth", "to * by users read"),
    "nobody after a break": case(OWN, "to * by users break"),
    "a break that gives": case(OWN, "to * by * =rscxd break", "to * by users +d"),
    "a continue that falls off the end": case(OWN, "to * by * =cs continue by users +r"),
    "a continue that ends": case(OWN, "to * by * =rscxd continue by * +d"),
    "a list that takes away": case(OWN, "to * by * read continue by anonymous -r by * +0"),
    "one by name": case(f"to attrs=userPassword by dn.exact={SYNC} read by self write by anonymous auth by * none", USERS),
    "one by name who writes": case(f"to attrs=userPassword by dn.exact={uid('alice')} write by self write by anonymous auth by * none", USERS),
    "a name in other letters": case(
        f'TO Attrs=USERPASSWORD BY DN.Exact="UID=Alice, OU=People,{BASE.upper()}" WRITE BY anonymous auth', USERS
    ),
    "a name behind users": case(f"to attrs=userPassword by users none by dn.exact={uid('alice')} write by anonymous auth", USERS),
    "a group": case(f"to attrs=userPassword by group.exact={ADMINS} write by self write by anonymous auth by * none", USERS),
    "a group of other members": case(
        f"to attrs=userPassword by group/groupOfUniqueNames/uniqueMember={UNIQUE} write by self write by anonymous auth", USERS
    ),
    "a group asked for the wrong class": case(f"to attrs=userPassword by group={UNIQUE} write by self write by anonymous auth", USERS),
    "a group within a group gives nothing": case(f"to attrs=userPassword by group={OUTER} write by self write by anonymous auth", USERS),
    "a group that is not there": case(f"to attrs=userPassword by group=cn=gone,{BASE} write by self write by anonymous auth", USERS),
    "everything for a group": case(OWN, f"to * by group={ADMINS} write by users read"),
    "manage for a group": case(f"to * by group={ADMINS} manage by users none", shut=True),
    "everybody below a place": case(f"to attrs=userPassword by dn.children=ou=services,{BASE} read by anonymous auth by self write", USERS),
    "one level below a place": case(f"to attrs=userPassword by dn.one={BASE} write by self write by anonymous auth", USERS),
    "a level": case(f"to attrs=userPassword by dn.level{{2}}={BASE} read by self write by anonymous auth", USERS),
    "by expression": case(f'to attrs=userPassword by dn.regex="^uid=[ab][^,]*,ou=people,{BASE}$$" write by anonymous auth', USERS),
    "by expression, expanded": case(
        f'to dn.regex="^uid=([^,]+),ou=people,{BASE}$" attrs=userPassword by dn.exact,expand="uid=$1,ou=people,{BASE}" write by anonymous auth',
        OWN, USERS,
    ),
    "an expression that matches anywhere": case('to dn.regex="ou=people" by * read', OWN, USERS),
    "a class": case("to attrs=@inetOrgPerson by * read", OWN, USERS),
    "all but a class": case("to attrs=!inetOrgPerson by * read", OWN, "to * by users read by * none"),
    "an attribute by its number": case("to attrs=2.5.4.35 by users read by anonymous auth", OWN, USERS),
    "an attribute that stands above": case("to attrs=name by * read", OWN, USERS),
    "entries alone": case("to attrs=entry by * read", OWN, USERS),
    "entries and a name": case("to attrs=entry,cn by * read", OWN, USERS),
    "strangers from an address": case(OWN, "to * by peername.ip=127.0.0.1 read by users read"),
    "strangers with encryption": case(OWN, "to * by ssf=64 read by users read"),
    "strangers with encryption that comes too late": case(OWN, "to * by anonymous none by ssf=64 read"),
    "encryption that there is none of": case("to attrs=userPassword by users tls_ssf=1024 write by anonymous auth", USERS),
    "strangers from a named host": case(OWN, "to * by domain.exact=localhost read by users read"),
    "strangers from a domain": case(OWN, "to * by domain.subtree=example.org read by users read"),
    "strangers from a host of any name": case(OWN, 'to * by domain.regex="^unkn" read by users read'),
    "strangers from a named host, where names are asked for": case(OWN, "to * by domain.exact=localhost read by users read",
                                                                   settings={"olcReverseLookup": ["TRUE"]}),
    "searches of strangers not begun": case(OWN, "to * by * read",
                                            database={"olcLimits": ["{0}users size=9", "{1}anonymous size.unchecked=disabled"]}),
    "searches of strangers begun": case(OWN, "to * by * read", database={"olcLimits": ["{0}anonymous size=500 size.unchecked=1000"]}),
    "users with encryption": case("to attrs=userPassword by users ssf=128 write by anonymous auth", USERS),
    "a public branch": case(OWN, f"to dn.subtree=ou=public,{BASE} by * read", USERS),
    "a public branch without its head": case(OWN, f"to dn.children=ou=public,{BASE} by * read", USERS),
    "a public entry below a closed base": case(f"to dn.base=cn=note,ou=public,{BASE} by * read", OWN, USERS),
    "a branch that is not there": case(OWN, f"to dn.subtree=ou=nowhere,{BASE} by * read", USERS),
    "anonymous binds refused, strangers served": case(OWN, "to * by * read", settings={"olcDisallows": ["bind_anon"]}),
    "a name demanded of everybody": case(OWN, "to * by * read", settings={"olcRequires": ["authc"]}),
    "a bind demanded of everybody": case(OWN, "to * by * read", settings={"olcRequires": ["bind"]}),
    "the third version demanded": case(OWN, "to * by * read", settings={"olcRequires": ["LDAPv3"]}),
    "strength demanded": case(OWN, "to * by * read", settings={"olcRequires": ["strong"]}),
    "a name demanded by the database": case(OWN, "to * by * read", database={"olcRequires": ["authc"]}),
    "nothing demanded": case(OWN, "to * by * read", settings={"olcRequires": ["none"]}),
    "a bind demanded, and none without a name": case(
        OWN, "to * by * read", settings={"olcRequires": ["bind"], "olcDisallows": ["bind_anon"]}
    ),
    "a bind demanded by the database, and none without a name": case(
        OWN, "to * by * read", settings={"olcDisallows": ["bind_anon"]}, database={"olcRequires": ["bind"]}
    ),
    "who may add himself": case(OWN, "to attrs=member by users selfwrite", f"to * by group={ADMINS} write by users read"),
    "who may write the group": case(OWN, f"to dn.exact={ADMINS} by dn.exact={uid('alice')} write by * break",
                                    f"to * by group={ADMINS} write by users read"),
    "who may write a group that gives nothing": case(OWN, f"to dn.exact={OUTER} by dn.exact={uid('alice')} write by * break",
                                                     f"to * by group={ADMINS} write by users read"),
    "only adding": case("to attrs=userPassword by users =a by anonymous auth", USERS),
    "only deleting": case(f"to attrs=userPassword by dn.exact={uid('alice')} =z by anonymous auth", USERS),
    "writing without reading": case(f"to attrs=userPassword by dn.exact={uid('alice')} =w by anonymous auth by self write", USERS),
    "searching passwords": case("to attrs=userPassword by users search by anonymous auth", USERS),
    "reading without finding": case("to attrs=userPassword by users =r by anonymous auth", USERS),
    "cn=config for one": case(OWN, USERS, config=(f"to * by dn.exact={uid('carol')} write by * break",)),
    "cn=config for readers": case(OWN, USERS, config=(f"to * by dn.exact={uid('carol')} read by * break",)),
    "cn=config for strangers": case(OWN, USERS, config=("to attrs=entry,objectClass,olcDatabase by * read by * break",)),
    "a set": case(f'to attrs=userPassword by set="[{ADMINS}]/member & user" write by self write by anonymous auth', USERS),
    "a set the other way": case(f'to attrs=userPassword by set="user&[{UNIQUE}]/uniqueMember" write by self write by anonymous auth', USERS),
    "a set of another kind": case('to attrs=userPassword by set="this/manager & user" write by self write by anonymous auth', USERS),
    "whoever the entry names": case("to attrs=userPassword by dnattr=manager write by self write by anonymous auth", USERS),
    "a class of entries": case(f"to filter=(objectClass=inetOrgPerson) attrs=userPassword by dn.exact={uid('alice')} write by * break", OWN, USERS),
    "a class that stands above": case(f"to filter=(objectClass=person) attrs=userPassword by dn.exact={uid('alice')} write by * break", OWN, USERS),
    "a class that nobody has": case(f"to filter=(objectClass=device) attrs=userPassword by dn.exact={uid('alice')} write by * break", OWN, USERS),
    "services alone": case("to filter=(objectClass=simpleSecurityObject) attrs=userPassword by users read by * break", OWN, USERS),
    "a filter": case(f"to filter=(uid=bob) attrs=userPassword by dn.exact={uid('alice')} write by * break", OWN, USERS),
    "one value": case(OWN, f"to dn.exact={ADMINS} attrs=member val.exact={uid('dave')} by users write",
                      f"to * by group={ADMINS} write by users read"),
    "every value below a place": case(OWN, f"to dn.exact={ADMINS} attrs=member val.children=ou=services,{BASE} by users write",
                                      f"to * by group={ADMINS} write by users read"),
    # what stands in entries
    "whom an entry names": case("to attrs=userPassword by dnattr=manager write by self write by anonymous auth", USERS),
    "whom an entry names, and anybody may name": case(
        "to attrs=userPassword by dnattr=manager write by self write by anonymous auth", "to attrs=manager by users write", USERS
    ),
    "whom an entry names reads": case("to attrs=userPassword by dnattr=secretary read by self write by anonymous auth", USERS),
    "whom an entry names is shut out": case("to attrs=userPassword by dnattr=manager none by users write by anonymous auth", USERS),
    "owners of a group that rules": case(
        OWN, "to attrs=member by dnattr=owner write by users read", f"to * by group={ADMINS} write by users read"
    ),
    "owners of a group that nothing is given to": case(OWN, "to attrs=member by dnattr=owner write by users read", USERS),
    "who may name owners": case(OWN, "to attrs=member by dnattr=owner write by users read",
                                f"to attrs=owner by dn.exact={uid('dave')} write by users read", f"to * by group={ADMINS} write by users read"),
    "a set of whom an entry names": case('to attrs=userPassword by set="user & this/manager" write by self write by anonymous auth', USERS),
    "a set of groups within groups": case(f'to attrs=userPassword by set="[{OUTER}]/member* & user" write by anonymous auth', USERS),
    "a set of groups within groups, and who may write one": case(
        f'to attrs=userPassword by set="[{OUTER}]/member* & user" write by anonymous auth',
        f"to dn.exact={ADMINS} attrs=member by dn.exact={uid('carol')} write by users read", USERS
    ),
    "a set one level down": case(f'to attrs=userPassword by set="[{OUTER}]/member/member & user" write by anonymous auth', USERS),
    "a set of two groups": case(
        f'to attrs=userPassword by set="([{ADMINS}]/member | [{UNIQUE}]/uniqueMember) & user" write by anonymous auth', USERS
    ),
    "a set from left to right": case(
        f'to attrs=userPassword by set="[{ADMINS}]/member & [{OUTER}]/member | [{UNIQUE}]/uniqueMember & user" write by anonymous auth', USERS
    ),
    "a set by a literal name": case(f'to attrs=userPassword by set="[{uid("carol")}] & user" write by anonymous auth', USERS),
    "a set by a literal name in other letters": case(
        f'to attrs=userPassword by set="[{uid("carol").upper()}] & user" write by anonymous auth', USERS
    ),
    "a set with an arrow": case(f'to attrs=userPassword by set="[{ADMINS}]->member & user" write by anonymous auth', USERS),
    "a set of owners": case(f'to attrs=userPassword by set="[{ADMINS}]/owner & user" write by anonymous auth', USERS),
    "a set of names": case(
        f'to attrs=userPassword by set="[cn=posix,ou=groups,{BASE}]/memberUid & user/uid" write by anonymous auth', USERS
    ),
    "a set of names that anybody may extend": case(
        f'to attrs=userPassword by set="[cn=posix,ou=groups,{BASE}]/memberUid & user/uid" write by anonymous auth',
        "to attrs=memberUid by users write", USERS
    ),
    "a set of a word of one's own": case('to attrs=userPassword by set="user/employeeType & [staff]" write by anonymous auth', USERS),
    "a set of a word that one may write": case(
        'to attrs=userPassword by set="user/employeeType & [admin]" write by anonymous auth',
        "to attrs=employeeType by self write by users read", USERS
    ),
    "a set of a word that nobody may write": case('to attrs=userPassword by set="user/employeeType & [admin]" write by anonymous auth', USERS),
    "a set of what the entry is": case(
        f'to attrs=userPassword by set="this/employeeType & [staff]" +w continue by dn.exact={uid("dave")} +0 by anonymous auth', USERS
    ),
    "a set of what is above": case(f'to attrs=userPassword by set="this/-1 & [ou=services,{BASE}]" write by anonymous auth', USERS),
    "who may add people": case(OWN, f"to dn.one=ou=people,{BASE} by users write by * break",
                                f"to dn.exact=ou=people,{BASE} attrs=children by users write by * break", USERS),
    "who may name themselves secretary": case(
        "to attrs=userPassword by dnattr=secretary write by anonymous auth", "to attrs=secretary by self write by users read", USERS
    ),
    "a group by expansion": case(f'to attrs=userPassword by group.expand="cn=$1,ou=groups,{BASE}" write by anonymous auth', USERS),
    "everybody over themselves": case("to * by self manage by users read by anonymous auth"),
    "a set of who stands above": case(f'to attrs=userPassword by set="user/-1 & [ou=services,{BASE}]" write by self write by anonymous auth', USERS),
    "a filter on a word": case(f"to filter=(employeeType=staff) attrs=userPassword by dn.exact={uid('dave')} write by * break", OWN, USERS),
    "a filter in other letters": case(f"to filter=(EmployeeType=\\53TAFF) attrs=userPassword by dn.exact={uid('dave')} write by * break", OWN, USERS),
    "a filter that nobody passes": case(f"to filter=(employeeType=chief) attrs=userPassword by dn.exact={uid('dave')} write by * break", OWN, USERS),
    "a filter with parts": case(
        f'to filter="(&(objectClass=person)(!(|(uid=a*)(uid=*ob)))(!(uid=carol)))" attrs=userPassword by dn.exact={uid("alice")} write by * break',
        OWN, USERS
    ),
    "a filter on somebody": case(f'to filter="(manager=UID=Alice,ou=people,{BASE})" attrs=userPassword by dn.exact={uid("bob")} write by * break',
                                 OWN, USERS),
    "a filter on what is there": case(f"to filter=(secretary=*) attrs=userPassword by dn.exact={uid('alice')} write by * break", OWN, USERS),
    "a filter on groups": case(f'to filter="(!(memberOf={ADMINS}))" attrs=userPassword by dn.exact={uid("dave")} write by * break', OWN, USERS),
    "a filter by another name": case(f"to filter=(userid=bob) attrs=userPassword by dn.exact={uid('alice')} write by * break", OWN, USERS),
    "a filter that opens to strangers": case(OWN, "to filter=(cn=note) by * read", USERS),
    "a filter that opens to strangers below": case(OWN, f"to dn.subtree=ou=public,{BASE} filter=(cn=note) by * read", USERS),
    # databases that take no writes, whatever rules say
    "a database that is only read": case(f"to attrs=userPassword by dn.exact={uid('alice')} write by self write by anonymous auth", USERS,
                                         database={"olcReadOnly": ["TRUE"]}),
    "writes restricted": case(f"to attrs=userPassword by dn.exact={uid('alice')} write by anonymous auth", USERS,
                              database={"olcRestrict": ["write"]}),
    "additions restricted": case(f"to attrs=userPassword by dn.exact={uid('alice')} write by anonymous auth", USERS,
                                 database={"olcRestrict": ["add"]}),
    "a database that is only read, and cn=config for one": case(
        OWN, USERS, config=(f"to * by dn.exact={uid('carol')} write by * break",), database={"olcReadOnly": ["TRUE"]}
    ),
    # what nobody told us of
    "an entry of another kind": case(f"to dn.subtree=cn=note,ou=public,{BASE} by * read", OWN, USERS),
    "below an entry that has none below": case(f"to dn.children=cn=note,ou=public,{BASE} by * read", OWN, USERS),
    "one below a place that is not there": case(f"to dn.one=ou=nowhere,{BASE} by * read", OWN, USERS),
    "below a place that holds others": case(f"to dn.children=ou=public,{BASE} by * read", OWN, USERS),
    "devices, by their class": case(OWN, "to filter=(objectClass=device) by * read", USERS),
    "all that is no person": case(OWN, "to filter=(!(objectClass=person)) by * read", USERS),
    "devices, by an expression": case(OWN, f'to dn.regex="^cn=[^,]+,ou=public,{BASE}$" by * read', USERS),
    "nothing, by an expression": case(OWN, f'to dn.regex="^cn=[^,]+,ou=private,{BASE}$" by * read', USERS),
    "a group that is a person": case(f"to attrs=userPassword by group/inetOrgPerson/manager={uid('dave')} write by anonymous auth", USERS),
}  # fmt: skip


@pytest.fixture(scope="module")
def acts() -> Iterator[tuple[slapd.Slapd, Acts]]:
    with slapd.slapd(ENTRIES) as server:
        yield server, Acts(server)


def verdict(outcomes: list[object]) -> str:
    found = {outcome.verdict.value for outcome in outcomes}  # type: ignore[attr-defined]
    return "fail" if "fail" in found else "unknown" if "unknown" in found else "pass"


@pytest.mark.parametrize("name", CASES)
def test_rules_mean_what_slapd_makes_of_them(name: str, acts: tuple[slapd.Slapd, Acts]) -> None:
    server, real = acts
    one = CASES[name]
    rules = one.access if one.raw else (*SEES, *one.access)
    with real.rules(rules, one.frontend, one.config, one.settings, one.database):
        opened, readers, setters, rulers = real.strangers_read(), real.readers(), real.setters(), real.rulers()
        who = (slapd.ADMIN, slapd.ADMIN_PASSWORD) if one.shut else (AUDITOR, slapd.AUDITOR_PASSWORD)
        auditor = Directory(collect(parse_target(server.uri), server.options(*who)))
        reader = Directory(collect(parse_target(server.uri), server.options(uid("alice"), PASSWORDS[uid("alice")])))
        assert auditor.evidence.collected and reader.evidence.collected is not one.shut
    exposed = bool(readers - setters) or STRANGER in setters or setters >= set(PASSWORDS) - {AUDITOR}
    for directory in (auditor, reader):
        found = run(directory_anonymous, directory)
        strangers = verdict([outcome for outcome in found if outcome.subject in ("strangers", "")])
        passwords = verdict([outcome for outcome in found if outcome.subject != "strangers"])
        identity = planted.READER if directory is reader else planted.ADMINISTRATOR
        planted.note("slapd", identity, directory_anonymous.id, really="fail" if opened else "pass", said=strangers)
        planted.note("slapd", identity, directory_anonymous.id, really="fail" if exposed else "pass", said=passwords)
        firm = directory is auditor
        assert strangers in ({"fail" if opened else "pass"} | (set() if firm else {"unknown"})), found
        assert passwords in ({"fail" if exposed else "pass"} | (set() if firm else {"unknown"})), found
        ruling = run(directory_privileged, directory)
        named = {outcome.args["name"] for outcome in ruling if outcome.verdict.value == "fail"}
        true = {dn.partition(",")[0].partition("=")[2] for dn in rulers if dn}
        doubt = any(outcome.verdict.value == "unknown" for outcome in ruling)
        for name_of in {dn.partition(",")[0].partition("=")[2] for dn in PASSWORDS}:
            said = "fail" if name_of in named else "unknown" if doubt else "pass"
            planted.note("slapd", identity, directory_privileged.id, really="fail" if name_of in true else "pass", said=said)
        everybody = STRANGER in rulers or rulers >= set(PASSWORDS) - {AUDITOR}
        control = verdict(run(directory_control, directory))
        everybody |= control == "fail" and rulers >= set(map(uid, PEOPLE))  # a service that cannot hold what a set asks for
        planted.note("slapd", identity, directory_control.id, really="fail" if everybody else "pass", said=control)
        assert control in ({"fail" if everybody else "pass"} | (set() if firm else {"unknown"})), run(directory_control, directory)
        if firm:
            assert named == true, ruling
            assert not any(outcome.verdict.value == "unknown" for outcome in ruling), ruling
        else:
            assert named <= true, ruling
            assert named == true or any(outcome.verdict.value == "unknown" for outcome in ruling), ruling


ALICE = (*SEES, f"to attrs=userPassword by dn.exact={uid('alice')} write by self write by anonymous auth", USERS)


@pytest.mark.parametrize("setting", ["olcReadOnly: TRUE", "olcRestrict: write"])
def test_a_server_that_takes_no_writes_at_all(setting: str) -> None:
    """Set for the whole server it cannot be unset again over LDAP, so that each has a server of its own."""
    access = "".join(f"olcAccess: {{{number}}}{rule}\n" for number, rule in enumerate(ALICE))
    with slapd.slapd(ENTRIES, access=access, settings=setting + "\n") as server:
        real = Acts(server)
        assert not real.sets(uid("alice"), uid("bob"))
        readers = real.readers()
        directory = Directory(collect(parse_target(server.uri), server.options()))
    assert not directory.admins.members and readers == {uid("alice")}
    assert {right.holder for right in directory.password_access.held} == readers


def test_the_cases_try_both_answers() -> None:
    assert len(CASES) >= 48 and set(PEOPLE) <= {dn.partition(",")[0].removeprefix("uid=") for dn in PASSWORDS}
