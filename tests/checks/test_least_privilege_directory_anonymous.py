"""Strangers read nothing but the root entry, and nobody but its owner touches a password."""

from __future__ import annotations

from sovaudit.content.checks.least_privilege.directory_anonymous import directory_anonymous

from sovaudit.facts.directory import Directory
from sovaudit.testing import directory_with, run, verdicts
from tests.directory_views import slapd_config

ALICE, BOB = ((f"uid={name},ou=people,dc=example,dc=org", {"objectClass": ["inetOrgPerson"], "uid": [name]}) for name in ("alice", "bob"))
OWN = "{0}to attrs=userPassword by self write by anonymous auth by * none"
USERS = "{1}to * by users read by * none"


def directory(*access: str, **more: object) -> Directory:
    return directory_with(accounts=[ALICE, BOB], config=slapd_config(*access), **more)


def answers(*access: str, **more: object) -> dict[str, str]:
    return verdicts(run(directory_anonymous, directory(*access, **more)))


def test_nothing_for_strangers_and_passwords_for_their_owners() -> None:
    assert answers(OWN, USERS) == {"strangers": "pass", "passwords": "pass"}


def test_what_strangers_were_shown_fails_whatever_the_rules_say() -> None:
    shown = {"anonymous": [("uid=alice,ou=people,dc=example,dc=org", {"uid": []})]}
    assert answers(OWN, USERS, **shown)["strangers"] == "fail"
    base = {"anonymous": [("dc=example,dc=org", {})]}
    assert answers(OWN, USERS, **base)["strangers"] == "pass"
    hashes = {"anonymous_passwords": [("uid=alice,ou=people,dc=example,dc=org", {"userPassword": []})]}
    assert answers(OWN, USERS, **hashes)["strangers"] == "fail"


def test_what_strangers_would_be_shown_fails_though_they_were_not() -> None:
    assert answers("{0}to dn.base=dc=example,dc=org by * none", OWN.replace("{0}", "{1}"), "{2}to * by * read")["strangers"] == "fail"


def test_no_rule_at_all_means_everybody() -> None:
    assert answers() == {"strangers": "fail", "somebody without a name": "fail"}


def test_a_reader_of_passwords_fails_unless_declared() -> None:
    reader = "cn=sync,dc=example,dc=org"
    rule = f"{{0}}to attrs=userPassword by dn.exact={reader} read by self write by anonymous auth by * none"
    assert answers(rule, USERS) == {"strangers": "pass", reader: "fail"}
    assert verdicts(run(directory_anonymous, directory(rule, USERS), declared=(reader,)))["passwords"] == "pass"


def test_rules_that_were_not_seen_leave_it_open() -> None:
    hidden = directory_with(accounts=[ALICE, BOB])
    assert verdicts(run(directory_anonymous, hidden)) == {"strangers": "unknown", "passwords": "unknown"}
    export = directory_with(accounts=[ALICE, BOB], config=slapd_config(OWN, USERS), unasked=["anonymous", "anonymous-passwords"])
    assert verdicts(run(directory_anonymous, export))["strangers"] == "unknown"
    cut = directory(OWN, USERS, results={"anonymous": 3})
    assert verdicts(run(directory_anonymous, cut))["strangers"] == "unknown"


def test_being_turned_away_is_an_answer() -> None:
    for code in (1, 8, 32, 48, 50):
        assert answers(OWN, USERS, results={"anonymous": code})["strangers"] == "pass"


def test_an_export_shows_the_rules_that_let_strangers_in() -> None:
    for access, verdict in (((OWN, "{1}to * by * read"), "fail"), ((OWN, USERS), "unknown")):
        export = directory_with(accounts=[ALICE, BOB], config=slapd_config(*access), unasked=["anonymous", "anonymous-passwords"])
        assert verdicts(run(directory_anonymous, export))["strangers"] == verdict


def test_the_other_databases_of_the_server() -> None:
    for name, suffix in (("{2}monitor", []), ("{2}mdb", ["cn=accesslog"])):
        for access, verdict in ((["{0}to * by * none"], "pass"), (["{0}to * by * read"], "fail"), ([], "fail")):
            other = (f"olcDatabase={name},cn=config", {"olcDatabase": [name], "olcSuffix": suffix, "olcAccess": access})
            config = slapd_config(OWN, USERS, more=[other])
            assert verdicts(run(directory_anonymous, directory_with(accounts=[ALICE, BOB], config=config)))["strangers"] == verdict
    config = slapd_config(OWN, USERS, more=[("olcDatabase={2}relay,cn=config", {"olcDatabase": ["{2}relay"], "olcSuffix": ["dc=other"]})])
    assert verdicts(run(directory_anonymous, directory_with(accounts=[ALICE, BOB], config=config)))["strangers"] == "unknown"


def test_a_name_demanded_of_everybody() -> None:
    for place in ("settings", "database"):
        config = slapd_config(OWN, "{1}to * by * read", **{place: {"olcRequires": ["authc"]}})  # type: ignore[arg-type]
        found = verdicts(run(directory_anonymous, directory_with(accounts=[ALICE, BOB], config=config)))["strangers"]
        assert found == "pass", place
