"""Who rules a slapd, where what is shown of it is odd, half or hidden."""

from __future__ import annotations

from sovaudit.facts.directories.model import Admins
from sovaudit.testing import directory_with
from tests.directory_views import slapd_config

B = "dc=example,dc=org"
SEEN = "{0}to * by dn.exact=cn=auditor read by * break"
OWN = "{1}to attrs=userPassword by self write by anonymous auth by * none"


def account(name: str) -> tuple[str, dict[str, list[str]]]:
    return f"uid={name},ou=people,{B}", {"objectClass": ["inetOrgPerson"], "uid": [name]}


PEOPLE = [account("alice"), account("bob")]


def admins(*access: str, **more: object) -> Admins:
    rest = {name: more.pop(name) for name in ("settings", "database", "frontend") if name in more}
    config = slapd_config(*access, **rest)  # type: ignore[arg-type]
    return directory_with(**{"accounts": PEOPLE, "config": config, **more}).admins


def names(found: Admins) -> set[str]:
    return {admin.account.name for admin in found.members}


def test_nobody_but_the_root() -> None:
    found = admins(SEEN, OWN)
    assert names(found) == set() and not found.gaps and not found.bypass


def test_a_root_with_a_password_stands_beside_the_tree() -> None:
    password = [("olcDatabase={1}mdb,cn=config", {"olcRootPW": ["{SSHA}"]})]
    found = admins(SEEN, OWN, root_passwords=password)
    assert [line.file for line in found.bypass] == [f"cn=admin,{B}"]


def test_a_root_that_is_an_account() -> None:
    found = admins(SEEN, OWN, database={"olcRootDN": [f"UID=Alice, ou=people,{B}"]})
    assert names(found) == {"alice"}


def test_a_group_that_is_not_shown_leaves_it_open() -> None:
    rule = f"{{2}}to * by group=cn=ops,{B} write"
    hidden = admins("{0}to dn.exact=cn=ops," + B + " by * none", SEEN.replace("0", "1"), OWN.replace("1", "2"), rule.replace("2", "3"))
    assert names(hidden) == set() and any("ops" in gap.detail for gap in hidden.gaps)
    gone = admins(SEEN, OWN, rule)  # it would be shown, so it is not there
    assert names(gone) == set() and not gone.gaps
    there = admins(SEEN, OWN, rule, groups=[(f"cn=ops,{B}", {"objectClass": ["groupOfNames"], "member": [f"uid=bob,ou=people,{B}"]})])
    assert names(there) == {"bob"} and not there.gaps
    other = [(f"cn=ops,{B}", {"objectClass": ["groupOfMembers"], "member": [f"uid=bob,ou=people,{B}"]})]
    assert names(admins(SEEN, OWN, rule, groups=other)) == set()  # slapd asks for the class by its name
    assert not admins(SEEN, OWN, rule, results={"groups": 4}).gaps  # it was asked for by its name, too
    assert admins(SEEN, OWN, rule, results={"groups": 4, "named": 4}).gaps


def test_names_that_are_nobody() -> None:
    socket = "gidNumber=0+uidNumber=0,cn=peercred,cn=external,cn=auth"
    found = admins(SEEN, OWN, f"{{2}}to * by dn.exact={socket} manage by dn.exact=cn=gone,{B} write")
    assert names(found) == set() and not found.gaps
    unseen = admins("{0}to * by dn.exact=cn=auditor search by * break", OWN, f"{{2}}to * by dn.exact=cn=gone,{B} write")
    assert unseen.gaps


def test_names_of_others_that_become_the_root() -> None:
    for pattern in (f"uid=boss,cn=gssapi,cn=auth cn=admin,{B}", f"uid=([^,]+),cn=[^,]+,cn=auth cn=$1,{B}"):
        assert admins(SEEN, OWN, settings={"olcAuthzRegexp": ["{0}" + pattern]}).gaps
    people = f"{{0}}uid=([^,]+),cn=[^,]+,cn=auth uid=$1,ou=people,{B}"
    harmless = [people, f"{{1}}gidNumber=0.uidNumber=0,cn=peercred,cn=external,cn=auth cn=admin,{B}"]
    assert not admins(SEEN, OWN, settings={"olcAuthzRegexp": harmless}).gaps
    assert admins(SEEN, OWN, settings={"olcAuthzPolicy": ["to"]}).gaps


def test_rules_that_are_not_understood_leave_it_open() -> None:
    assert admins(SEEN, OWN, "{2}to * by dynacl/aci write").gaps
    assert admins(SEEN, OWN, "{2}this is no rule").gaps


def test_what_cn_config_does_not_show_leaves_it_open() -> None:
    config = [entry for entry in slapd_config(SEEN, OWN) if "frontend" not in entry[0]]
    assert directory_with(accounts=PEOPLE, config=config).admins.gaps
