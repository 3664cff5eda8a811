"""Over which entries an instruction of 389 Directory Server holds, and for whom: what the server brings, beside what we say of it."""

from __future__ import annotations

import os

import pytest
from sovaudit.content.checks.least_privilege.directory_anonymous import directory_anonymous

from sovaudit.collectors import collect, parse_target
from sovaudit.facts.directory import Directory
from sovaudit.testing import run
from tests.directories import test_ds389_aci
from tests.directories.ds389_world import START, dn
from tests.directories.test_ds389_aci import ALL, BOSS, PASSWORD, PEOPLE, aci, plant, user
from tests.ds389 import AUDITOR, AUDITOR_PASSWORD, BASE, Ds389, available

server = test_ds389_aci.server  # the same tree and auditor

pytestmark = pytest.mark.skipif(not available() and "SOVAUDIT_CI" not in os.environ, reason="needs root and 389-ds-base")
ANYONE, READ = 'userdn = "ldap:///anyone"', "allow (read, search)"
DENY = 'deny (all) userdn = "ldap:///anyone";'
CLERK = user("clerk")


def strangers(targets: str = ALL, bind: str = ANYONE, rights: str = READ) -> tuple[str, str]:
    return BASE, aci(targets, f"{rights} {bind};")


def clerk(targets: str = ALL, bind: str = CLERK, rights: str = READ) -> tuple[str, str]:
    return BASE, aci(targets, f"{rights} {bind};")


STRANGERS = {
    "reading without searching": [strangers(rights="allow (read)")],
    "searching by one attribute, reading another": [
        strangers('(targetattr = "carLicense")', rights="allow (search)"), strangers('(targetattr = "cn")', rights="allow (read)")
    ],
    "a place that is not there": [strangers(f'(target = "ldap:///cn=gone,{BASE}")(targetattr = "*")')],
    "a filter that nobody passes": [strangers('(targetattr = "*")(targetfilter = "(uid=nobody)")')],
    "a filter without brackets, not on the class": [strangers('(targetattr = "uid")(targetfilter = "uid=boss")')],
    "a pattern": [strangers(f'(target = "ldap:///uid=b*,{BASE}")(targetattr = "uid")')],
    "a pattern of places above": [strangers(f'(target = "ldap:///ou=pe*,{BASE}")(targetattr = "uid")')],
    "a pattern that fits nothing": [strangers(f'(target = "ldap:///cn=zz*,{BASE}")(targetattr = "*")')],
    "all but a place": [strangers(f'(target != "ldap:///{PEOPLE}")(targetattr = "uid")')],
    "encryption where there is none": [strangers(bind=f'{ANYONE} and ssf >= "128"')],
    "a way to bind that strangers have not": [strangers(bind=f'{ANYONE} and authmethod = "simple"')],
    "no way to bind": [strangers(bind='authmethod = "none"')],
    "not from one address": [strangers(bind=f'{ANYONE} and not ip = "10.9.8.7"')],
    "a deny of searching": [strangers(), (BASE, aci(ALL, f"deny (search) {ANYONE};"))],
    "a deny of what can be searched for": [
        strangers('(targetattr = "cn || uid")'), (BASE, aci('(targetattr = "cn || uid")', f"deny (search) {ANYONE};"))
    ],
    "a deny of each attribute": [
        strangers('(targetattr = "cn || uid")'), *((BASE, aci(f'(targetattr = "{name}")', f"deny (read) {ANYONE};")) for name in ("cn", "uid"))
    ],
    "a deny of some people": [strangers('(targetattr = "uid")'), (BASE, aci('(targetattr = "*")(targetfilter = "(uid=b*)")', DENY))],
    "a deny of all by a filter": [strangers(), (BASE, aci('(targetattr = "*")(targetfilter = "(objectClass=*)")', DENY))],
    "a deny without attributes": [strangers('(targetattr = "cn")'), (BASE, aci("", DENY))],
    "rules alone": [strangers('(targetattr = "aci")')],
    "a word that is in every entry": [strangers('(targetattr = "entrydn")')],
}  # fmt: skip
READERS = {
    "reading without searching": [clerk(PASSWORD, rights="allow (read)")],
    "reading, and searching by another attribute": [clerk(PASSWORD, rights="allow (read)"), clerk('(targetattr = "uid")', rights="allow (search)")],
    "a filter that nobody passes": [clerk('(targetattr = "*")(targetfilter = "(uid=nobody)")')],
    "a filter that one passes": [clerk('(targetattr = "*")(targetfilter = "(uid=free)")')],
    "a filter on oneself": [clerk('(targetattr = "*")(targetfilter = "(uid=clerk)")')],
    "a place that is not there": [clerk(f'(target = "ldap:///cn=gone,{BASE}")(targetattr = "*")')],
    "a pattern": [clerk(f'(target = "ldap:///uid=b*,{PEOPLE}")(targetattr = "*")')],
    "a pattern that fits nobody": [clerk(f'(target = "ldap:///uid=zz*,{PEOPLE}")(targetattr = "*")')],
    "a branch without people": [(f"ou=groups,{BASE}", aci(ALL, f"{READ} {CLERK};"))],
    "denied everywhere": [clerk(), (BASE, aci(PASSWORD, DENY))],
    "everybody, and denied to everybody": [clerk(bind='userdn = "ldap:///all"'), (BASE, aci(PASSWORD, DENY))],
    "by a filter on who asks": [clerk(bind=f'userdn = "ldap:///{BASE}??sub?(uid=clerk)"')],
    "by a filter too far up": [clerk(bind=f'userdn = "ldap:///{BASE}??one?(uid=clerk)"')],
    "by a filter on nobody": [clerk(bind=f'userdn = "ldap:///{BASE}??sub?(uid=nobody)"')],
    "not by a filter": [clerk(bind=f'userdn != "ldap:///{BASE}??sub?(!(uid=clerk))"')],
    "by certificate where there is no encryption": [clerk(bind=f'{CLERK} and authmethod = "ssl"')],
    "by password": [clerk(bind=f'{CLERK} and authmethod = "simple"')],
}  # fmt: skip


def brings(server: Ds389, who: str, base: str, attribute: str, *asked: str) -> bool:
    login = (dn(who), START) if who else ("", "")
    return any("dn: " in (text := server.tool("ldapsearch", *login, "-LLL", "-b", base, query, attribute).stdout)
               and (attribute == "*" or f"\n{attribute}:" in text) for query in asked)  # fmt: skip


def verdicts_of(directory: Directory, *, strangers: bool) -> set[str]:
    return {one.verdict.value for one in run(directory_anonymous, directory) if (one.subject == "strangers") is strangers}


@pytest.mark.parametrize("name", STRANGERS)
def test_what_strangers_are_brought(name: str, server: Ds389) -> None:
    plant(server, STRANGERS[name])
    asked = ("(objectClass=*)", "(uid=*)", "(cn=*)", "(aci=*)", "(entrydn=*)", "(!(carLicense=zz))")
    shown = any(brings(server, "", BASE, attribute, *asked) for attribute in ("*", "aci", "entrydn"))
    directory = Directory(collect(parse_target(server.uri), server.options()))
    assert verdicts_of(directory, strangers=True) == {"fail" if shown else "pass"}
    ordinary = Directory(collect(parse_target(server.uri), server.options(AUDITOR, AUDITOR_PASSWORD)))
    assert verdicts_of(ordinary, strangers=True) <= {"fail" if shown else "pass", "unknown"}


@pytest.mark.parametrize("name", READERS)
def test_who_is_brought_passwords(name: str, server: Ds389) -> None:
    plant(server, [BOSS, *READERS[name]])
    real = any(brings(server, "clerk", dn(other), "userPassword", "(objectClass=*)", "(uid=*)") for other in ("boss", "free", "guest"))
    directory = Directory(collect(parse_target(server.uri), server.options()))
    held = {right.holder for right in directory.password_access.held} & {"clerk", "every account"}
    assert bool(held) is real and not directory.password_access.gaps, directory.password_access
    assert verdicts_of(directory, strangers=False) == {"fail" if real else "pass"}
