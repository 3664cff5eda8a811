"""The password policy that really applies to each account of the directory demands long passwords."""

from __future__ import annotations

from sovaudit.content.checks.password_policy.directory_min_length import directory_min_length

from sovaudit.testing import directory_with, run, verdicts

ALICE = (
    "uid=alice,ou=people,dc=example,dc=org",
    {"objectClass": ["inetOrgPerson"], "uid": ["alice"], "pwdChangedTime": ["20260101000000Z"]},
)
OVERLAY = (
    "olcOverlay={0}ppolicy,olcDatabase={1}mdb,cn=config",
    {"objectClass": ["olcPPolicyConfig"], "olcPPolicyDefault": ["cn=d,dc=example,dc=org"]},
)


def policy(length: int, quality: int = 2) -> tuple[str, dict[str, list[str]]]:
    return "cn=d,dc=example,dc=org", {"objectClass": ["pwdPolicy"], "pwdMinLength": [str(length)], "pwdCheckQuality": [str(quality)]}


def own(account: tuple[str, dict[str, list[str]]], subentry: str) -> tuple[str, dict[str, list[str]]]:
    return account[0], {**account[1], "pwdPolicySubentry": [subentry]}


D = "cn=d,dc=example,dc=org"


def test_both_sides_of_the_length() -> None:
    for length, verdict in ((11, "fail"), (12, "pass"), (13, "pass")):
        directory = directory_with(accounts=[own(ALICE, D)], policies=[policy(length)], config=[OVERLAY])
        assert verdicts(run(directory_min_length, directory)) == {D: verdict}


def test_a_length_that_is_not_enforced_fails() -> None:
    directory = directory_with(accounts=[own(ALICE, D)], policies=[policy(14, quality=0)], config=[OVERLAY])
    assert verdicts(run(directory_min_length, directory)) == {D: "fail"}


def test_a_subentry_that_is_not_there_is_no_policy() -> None:
    directory = directory_with(accounts=[own(ALICE, "cn=gone,dc=example,dc=org")], policies=[policy(14)], config=[OVERLAY])
    assert verdicts(run(directory_min_length, directory)) == {"cn=gone,dc=example,dc=org": "fail"}


def test_what_the_account_may_not_see_is_unknown() -> None:
    hidden = directory_with(accounts=[ALICE], policies=[policy(14)], config=[OVERLAY])  # a subentry of its own could be hidden
    assert verdicts(run(directory_min_length, hidden)) == {"unseen": "unknown"}
    unasked = directory_with(accounts=[own(ALICE, D)], results={"policies": 32}, config=[OVERLAY])
    assert "pass" not in verdicts(run(directory_min_length, unasked)).values()
    cut = directory_with(accounts=[own(ALICE, D)], policies=[policy(14)], config=[OVERLAY], results={"accounts": 4})
    assert verdicts(run(directory_min_length, cut)) == {D: "pass", "": "unknown"}


def test_an_empty_directory_has_nobody_to_ask() -> None:
    assert verdicts(run(directory_min_length, directory_with(policies=[policy(14)]))) == {"": "not_applicable"}
