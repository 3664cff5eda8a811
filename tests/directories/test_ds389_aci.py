"""Access control instructions of a real 389 Directory Server: who can really do it, beside who we say can."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from sovaudit.content.checks.least_privilege.directory_control import directory_control
from sovaudit.content.checks.least_privilege.directory_privileged import directory_privileged

from sovaudit.collectors import collect, parse_target
from sovaudit.facts.directory import Directory
from sovaudit.testing import run
from tests.directories import planted
from tests.directories.ds389_world import ENTRIES, START, dn
from tests.ds389 import AUDITOR, AUDITOR_PASSWORD, BASE, Ds389, available, ds389

pytestmark = pytest.mark.skipif(not available() and "SOVAUDIT_CI" not in os.environ, reason="needs root and 389-ds-base")
WHO = ("boss", "chief", "deputy", "clerk", "free")
PEOPLE = f"ou=people,{BASE}"


def aci(targets: str, *permissions: str) -> str:
    return f'{targets}(version 3.0; acl "case"; {" ".join(permissions)})'


def user(*names: str) -> str:
    return 'userdn = "' + " || ".join(f"ldap:///{dn(name)}" for name in names) + '"'


def group(name: str) -> str:
    return f'groupdn = "ldap:///cn={name},ou=groups,{BASE}"'


ALL, NAME, PASSWORD = '(targetattr = "*")', '(targetattr = "cn")', '(targetattr = "userPassword")'
DEPUTIES = f"cn=deputies,ou=groups,{BASE}"
CHIEFS = (BASE, aci(ALL, f"allow (all) {group('chiefs')};"))
BOSS = (BASE, aci(ALL, f"allow (all) {user('boss')};"))
# name → instructions (entry, text) besides the boss's own over everything
CASES: dict[str, list[tuple[str, str]]] = {
    "only the boss": [],
    "a group, nested, with a cycle": [(BASE, aci(ALL, f"allow (all) {group('chiefs')};"))],
    "write alone rules": [(BASE, aci(ALL, f"allow (write) {user('clerk')};"))],
    "no targetattr: entries alone": [(BASE, aci("", f"allow (all) {user('clerk')};"))],
    "all but passwords": [(BASE, aci('(targetattr != "userPassword || aci")', f"allow (all) {user('clerk')};"))],
    "all but passwords, but aci": [(BASE, aci('(targetattr != "userPassword")', f"allow (write) {user('clerk')};"))],
    "passwords alone": [(BASE, aci('(targetattr = "userPassword")', f"allow (write) {user('clerk')};"))],
    "names are caseless": [(BASE, aci('(targetattr = "USERPASSWORD")', f"allow (Write) {user('clerk').replace('ou=people', 'OU=People')};"))],
    "bare values": [(BASE, aci("(targetattr=userPassword || cn)", f"allow (write) {user('clerk')};"))],
    "a bare target": [(BASE, aci(f"(target=ldap:///{BASE})(targetattr=*)", f"allow (write) {user('clerk')};"))],
    "read is not write": [(BASE, aci(ALL, f"allow (read, search, compare) {user('clerk')};"))],
    "a deny wins over a group": [CHIEFS, (PEOPLE, aci(NAME, f"deny (write) {user('deputy')};")), (BASE, aci(ALL, f"deny (all) {user('deputy')};"))],
    "a deny that stands first": [(BASE, aci(ALL, f"deny (write) {user('clerk')};")), (BASE, aci(ALL, f"allow (all) {user('clerk')};"))],
    "a deny of passwords leaves aci": [(BASE, aci(ALL, f"allow (all) {user('clerk')};")), (BASE, aci(PASSWORD, f"deny (write) {user('clerk')};"))],
    "allow and deny in one": [(BASE, aci(ALL, f"allow (all) {group('chiefs')};", f"deny (write) {user('chief')};"))],
    "a subtree": [(PEOPLE, aci(ALL, f"allow (all) {user('clerk')};"))],
    "a target below": [(BASE, aci(f'(target = "ldap:///{PEOPLE}")(targetattr = "userPassword")', f"allow (write) {user('clerk')};"))],
    "a target elsewhere": [(BASE, aci(f'(target = "ldap:///ou=services,{BASE}")(targetattr = "*")', f"allow (all) {user('clerk')};"))],
    "everybody who binds": [(BASE, aci('(targetattr = "userPassword")', 'allow (write) userdn = "ldap:///all";'))],
    "self is no ruler": [(BASE, aci('(targetattr = "userPassword")', 'allow (write) userdn = "ldap:///self";'))],
    "all but one": [(BASE, aci(ALL, f"allow (write) userdn != \"ldap:///{dn('free')}\";"))],
    "not one": [(BASE, aci(ALL, f"allow (write) not ({user('free')}) and userdn = \"ldap:///all\";"))],
    "and": [(BASE, aci(ALL, f"allow (all) {group('chiefs')} and {user('deputy', 'clerk')};"))],
    "or": [(BASE, aci(ALL, f"allow (all) {group('clerks')} or {user('free')};"))],
    "and, then or, without brackets": [(BASE, aci(ALL, f"allow (all) {user('chief')} and {user('free')} or {user('clerk')};"))],
    "or, then and, without brackets": [(BASE, aci(ALL, f"allow (all) {user('clerk')} or {user('chief')} and {user('free')};"))],
    "brackets": [(BASE, aci(ALL, f"allow (all) ({user('chief')} and {user('free')}) or {user('clerk')};"))],
    "a pattern": [(BASE, aci(ALL, f'allow (all) userdn = "ldap:///uid=c*,ou=people,{BASE}";'))],
    "an address": [(BASE, aci(ALL, f'allow (all) {user("clerk")} and ip = "127.0.0.*";'))],
    "a group that is not there": [(BASE, aci(ALL, f"allow (all) {group('ghosts')};"))],
    "a role": [(BASE, aci(ALL, f'allow (all) roledn = "ldap:///cn=nsDisabledRole,{BASE}";'))],
    "members of the ruling group": [CHIEFS, (f"ou=groups,{BASE}", aci('(targetattr = "member")', f"allow (write) {user('clerk')};"))],
    "members of the group within it": [CHIEFS, (DEPUTIES, aci('(targetattr = "uniqueMember")', f"allow (write) {user('clerk')};"))],
    "members of another group": [(f"cn=clerks,ou=groups,{BASE}", aci('(targetattr = "member")', f"allow (write) {user('free')};"))],
    "a filter on the boss": [(BASE, aci('(targetattr = "userPassword")(targetfilter = "(uid=BOSS)")', f"allow (write) {user('clerk')};"))],
    "a filter on all but the boss": [(BASE, aci('(targetattr = "userPassword")(targetfilter = "(!(uid=boss))")', f"allow (write) {user('clerk')};"))],
    "a filter on a class": [CHIEFS, (BASE, aci('(targetattr = "*")(targetfilter = "(objectClass=groupOfNames)")', f"allow (write) {user('free')};"))],
    "a filter on a class above": [(BASE, aci(PASSWORD + '(targetfilter = "(objectClass=person)")', f"allow (write) {user('clerk')};"))],
    "a filter on who asks": [(BASE, aci(ALL, f'allow (all) userdn = "ldap:///{BASE}??sub?(uid=clerk)";'))],
    "a filter on groups": [(BASE, aci(PASSWORD, f'allow (write) groupdn = "ldap:///ou=groups,{BASE}??sub?(cn=clerk*)";'))],
    "a filter on no group": [(BASE, aci(PASSWORD, f'allow (write) groupdn = "ldap:///ou=groups,{BASE}??sub?(cn=zz)";'))],
    "a way to bind that is none": [(BASE, aci(PASSWORD, f'allow (write) {user("clerk")} and authmethod = "none";'))],
    "a way to bind": [(BASE, aci(PASSWORD, f'allow (write) {user("clerk")} and authmethod = "simple";'))],
    "not from one address": [(BASE, aci(PASSWORD, f'allow (write) {user("clerk")} and not ip = "10.1.1.1";'))],
    "all but the boss by a deny": [
        (BASE, aci(PASSWORD, f"allow (write) {user('clerk')};")),
        (BASE, aci(f'(target="ldap:///{dn("boss")}")(targetattr="userPassword")', f"deny (write) {user('clerk')};")),
    ],
    "everybody, all but the boss by a deny": [
        (BASE, aci(PASSWORD, 'allow (write) userdn="ldap:///all";')),
        (BASE, aci('(targetattr="userPassword")(targetfilter="(uid=boss)")', 'deny (write) userdn="ldap:///anyone";')),
    ],
    "a pattern that fits the boss": [
        (BASE, aci(f'(target = "ldap:///uid=b*,{PEOPLE}")(targetattr = "userPassword")', f"allow (write) {user('clerk')};"))
    ],
    "all but the people": [CHIEFS, (BASE, aci(f'(target != "ldap:///{PEOPLE}")(targetattr = "member")', f"allow (write) {user('clerk')};"))],
    "a filter": [(BASE, aci('(targetattr = "userPassword")(targetfilter = "(uid=free)")', f"allow (write) {user('clerk')};"))],
}  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[Ds389]:
    with ds389(ENTRIES, settings="passwordStorageScheme: SSHA512\n") as running:
        # what `privileges` prints for the server itself
        running.put("cn=config", aci=aci('(targetattr != "nsslapd-rootpw*")', f'allow (read, search) userdn = "ldap:///{AUDITOR}";'))
        yield running


def plant(server: Ds389, instructions: list[tuple[str, str]]) -> None:
    at: dict[str, list[str]] = {
        entry: [] for entry in (BASE, PEOPLE, f"ou=groups,{BASE}", f"cn=deputies,ou=groups,{BASE}", f"cn=clerks,ou=groups,{BASE}")
    }
    for entry, text in instructions:
        at[entry].append(text)
    server.change("".join(
        f"dn: {entry}\nchangetype: modify\nreplace: aci\n" + "".join(f"aci: {text}\n" for text in texts) + "\n" for entry, texts in at.items()
    ))  # fmt: skip


def can(server: Ds389, name: str, target: str, change: str) -> bool:
    return server.tool("ldapmodify", dn(name), START, stdin=f"dn: {target}\nchangetype: modify\n{change}\n").returncode == 0


def sets_password(server: Ds389, name: str, whose: str) -> bool:
    return can(server, name, dn(whose), f"replace: userPassword\nuserPassword: {START}\n")


def writes_rules(server: Ds389, name: str) -> bool:
    text = aci('(targetattr = "cn")', 'allow (read) userdn = "ldap:///nobody";')
    done = can(server, name, BASE, f"add: aci\naci: {text}\n")
    if done:
        server.change(f"dn: {BASE}\nchangetype: modify\ndelete: aci\naci: {text}\n\n")
    return done


def joins(server: Ds389, name: str) -> bool:
    """Whether somebody can make a stranger a member of the ruling group, or of the one within it."""
    guest = dn("guest")
    for entry, attribute in ((f"cn=chiefs,ou=groups,{BASE}", "member"), (f"cn=deputies,ou=groups,{BASE}", "uniqueMember")):
        if can(server, name, entry, f"add: {attribute}\n{attribute}: {guest}\n"):
            server.change(f"dn: {entry}\nchangetype: modify\ndelete: {attribute}\n{attribute}: {guest}\n\n")
            return True
    return False


SEES = [
    (BASE, aci('(targetattr != "userPassword")', f'allow (read, search) userdn = "ldap:///{AUDITOR}";')),
    (BASE, aci('(targetattr != "userPassword || aci")', 'allow (read, search) userdn = "ldap:///all";')),
]


@pytest.mark.parametrize("name", CASES)
def test_rulers_and_those_who_could_be(server: Ds389, name: str) -> None:
    plant(server, [BOSS, *CASES[name], *SEES])
    directory = Directory(collect(parse_target(server.uri), server.options()))
    everywhere = {who for who in WHO if all(sets_password(server, who, other) for other in (*WHO, "guest") if other != who)}
    rules = {who for who in WHO if writes_rules(server, who)}
    rulers = {admin.account.name for admin in directory.admins.members}
    gaps = {gap.item for gap in directory.admins.gaps}
    subtree = {
        who for _, text in CASES[name] if _ == PEOPLE or "target = " in text or "targetfilter" in text for who in WHO if dn(who) in text
    }
    if name == "allow and deny in one":
        assert not rulers and any(item.startswith("mixed:") for item in gaps)  # and neither right nor wrong about anybody
        return
    assert rulers & set(WHO) == (everywhere | rules) - subtree, gaps
    # whoever is none, but reaches one
    held = directory.rights
    holders = {right.holder for right in held.held}
    group_rules = any("chiefs" in text for _, text in CASES[name])
    told: dict[tuple[str, str], bool] = {}
    for who in WHO:
        if who in rulers:
            continue
        reaches = any(sets_password(server, who, ruler) for ruler in rulers & set(WHO)) or (group_rules and joins(server, who))
        assert (who in holders or "every account" in holders) is reaches or held.gaps, (who, held)
        told[directory_control.id, who] = not reaches
    told |= {(directory_privileged.id, who): who not in (everywhere | rules) - subtree for who in WHO}
    seen = {planted.ADMINISTRATOR: (AUDITOR, AUDITOR_PASSWORD), planted.READER: (dn("guest"), START)}
    for identity, login in seen.items():
        place = Directory(collect(parse_target(server.uri), server.options(*login)))
        answers = {check.id: run(check, place) for check in (directory_privileged, directory_control)}
        for (check, who), sound in told.items():
            named = any(one.verdict.value == "fail" and who in (one.args.get("name"), one.args.get("holder")) for one in answers[check])
            named |= check == directory_control.id and any(one.args.get("holder") == "every account" for one in answers[check])
            said = "fail" if named else "unknown" if any(one.verdict.value == "unknown" for one in answers[check]) else "pass"
            planted.note("389-DS", identity, check, really="pass" if sound else "fail", said=said)
            assert said in ("pass" if sound else "fail", "unknown"), (identity, check, who, said)


def test_hashes_are_read_by_whom_we_say(server: Ds389) -> None:
    cases = {
        "all attributes": aci(ALL, f"allow (read, search) {user('clerk')};"),
        "not the password": aci('(targetattr != "userPassword")', f"allow (read, search) {user('clerk')};"),
        "everybody": aci(ALL, 'allow (read, search) userdn = "ldap:///all";'),
        "anyone": aci('(targetattr = "*")', 'allow (read, search) userdn = "ldap:///anyone";'),
    }
    for name, text in cases.items():
        plant(server, [BOSS, (BASE, text)])
        shown = server.tool("ldapsearch", dn("clerk"), START, "-LLL", "-b", dn("boss"), "userPassword").stdout
        directory = Directory(collect(parse_target(server.uri), server.options()))
        held = [right for right in directory.view.password_access().held if right.holder in ("clerk", "every account")]
        assert bool(held) is ("userPassword::" in shown), name


def test_an_auditor_with_the_least_rights_sees_who_rules(server: Ds389) -> None:
    server.put("cn=config", aci="")
    audit = aci('(targetattr != "userPassword")', f'allow (read, search, compare) userdn = "ldap:///{AUDITOR}";')
    plant(server, [BOSS, (BASE, aci(ALL, f"allow (all) {group('chiefs')};")), (BASE, audit)])
    seen = Directory(collect(parse_target(server.uri), server.options(AUDITOR, AUDITOR_PASSWORD)))
    assert {admin.account.name for admin in seen.admins.members} == {"boss", "chief", "deputy"}
    assert any("config" in gap.item or "cn=config" in gap.detail for gap in seen.admins.gaps)  # who rules the server itself was not shown


def test_strangers_read_what_we_say_by_whatever_filter(server: Ds389) -> None:
    cases = {
        "nothing": aci(ALL, f"allow (all) {user('clerk')};"),
        "all attributes": aci(ALL, 'allow (read, search) userdn = "ldap:///anyone";'),
        "no class": aci('(targetattr = "uid")', 'allow (read, search) userdn = "ldap:///anyone";'),
        "who binds": aci(ALL, 'allow (read, search) userdn = "ldap:///all";'),
        "not somebody": aci(ALL, f'allow (read, search) userdn != "ldap:///{dn("clerk")}";'),
        "entries alone": aci("", 'allow (read, search) userdn = "ldap:///anyone";'),
        "taken back": aci(ALL, 'allow (read, search) userdn = "ldap:///anyone";'),
        "a group of theirs": aci(ALL, f"allow (read, search) {group('chiefs')};"),
        "neither of two": aci(ALL, f"allow (read, search) not ({user('clerk')} or {group('chiefs')});"),
    }
    for name, text in cases.items():
        more = [(BASE, aci(ALL, 'deny (all) userdn = "ldap:///anyone";'))] if name == "taken back" else []
        plant(server, [(BASE, text), *more])
        shown = any(server.tool("ldapsearch", "", "", "-LLL", "-b", BASE, query).stdout for query in ("(objectClass=*)", "(uid=*)"))
        directory = Directory(collect(parse_target(server.uri), server.options()))
        assert bool([one for one in directory.exposures if one.attributes] or directory.openings.held) is shown, name
        assert not directory.openings.gaps, name
