"""The password policy that really applies to each account of the directory demands long passwords."""

from __future__ import annotations

from sovaudit.content.checks.password_policy.directory_min_length import directory_min_length

from sovaudit.testing import directory_with, run, verdicts
from tests.directory_views import slapd_config

ALICE = (
    "uid=alice,ou=people,dc=example,dc=org",
    {"objectClass": ["inetOrgPerson"], "uid": ["alice"], "pwdChangedTime": ["20260101000000Z"]},
)
D = "cn=d,dc=example,dc=org"
OVERLAY = {"olcOverlay": ["{0}ppolicy"], "olcPPolicyDefault": [D]}
SEEN = "{0}to * by dn.exact=cn=auditor read"
CONFIG = slapd_config(SEEN, overlays=[OVERLAY])


def policy(length: int, quality: int = 2) -> tuple[str, dict[str, list[str]]]:
    return "cn=d,dc=example,dc=org", {"objectClass": ["pwdPolicy"], "pwdMinLength": [str(length)], "pwdCheckQuality": [str(quality)]}


def own(account: tuple[str, dict[str, list[str]]], subentry: str) -> tuple[str, dict[str, list[str]]]:
    return account[0], {**account[1], "pwdPolicySubentry": [subentry]}


def test_both_sides_of_the_length() -> None:
    for length, verdict in ((11, "fail"), (12, "pass"), (13, "pass")):
        directory = directory_with(accounts=[own(ALICE, D)], policies=[policy(length)], config=CONFIG)
        assert verdicts(run(directory_min_length, directory)) == {D: verdict}


def test_a_length_that_is_not_enforced_fails() -> None:
    directory = directory_with(accounts=[own(ALICE, D)], policies=[policy(14, quality=0)], config=CONFIG)
    assert verdicts(run(directory_min_length, directory)) == {D: "fail"}


def test_a_subentry_that_is_not_there_is_no_policy() -> None:
    directory = directory_with(accounts=[own(ALICE, "cn=gone,dc=example,dc=org")], policies=[policy(14)], config=CONFIG)
    assert verdicts(run(directory_min_length, directory)) == {"cn=gone,dc=example,dc=org": "fail"}


def test_the_default_counts_where_no_subentry_is_there() -> None:
    assert verdicts(run(directory_min_length, directory_with(accounts=[ALICE], policies=[policy(14)], config=CONFIG))) == {D: "pass"}
    nothing = slapd_config(SEEN, overlays=[{"olcOverlay": ["{0}ppolicy"]}])
    assert verdicts(run(directory_min_length, directory_with(accounts=[ALICE], policies=[policy(14)], config=nothing))) == {
        "no policy": "fail"
    }


def test_an_overlay_that_is_not_on_this_database_enforces_nothing() -> None:
    elsewhere = [("olcOverlay={0}ppolicy,olcDatabase={2}mdb,cn=config", {"objectClass": ["olcOverlayConfig"], **OVERLAY})]
    other = [("olcDatabase={2}mdb,cn=config", {"olcDatabase": ["{2}mdb"], "olcSuffix": ["dc=other"]}), *elsewhere]
    off = slapd_config(SEEN, overlays=[{**OVERLAY, "olcDisabled": ["TRUE"]}])
    for config in (slapd_config(SEEN), slapd_config(SEEN, more=other), off):
        directory = directory_with(accounts=[own(ALICE, D)], policies=[policy(14)], config=config)
        assert verdicts(run(directory_min_length, directory)) == {"no policy": "fail"}


def test_a_module_may_demand_more_than_is_seen() -> None:
    name, attributes = policy(8)
    directory = directory_with(accounts=[ALICE], policies=[(name, {**attributes, "pwdCheckModule": ["ppm.so"]})], config=CONFIG)
    assert verdicts(run(directory_min_length, directory)) == {D: "unknown"}


def test_what_the_account_may_not_see_is_unknown() -> None:
    some = "{0}to attrs=pwdPolicySubentry by * none"
    config = slapd_config(some, SEEN.replace("0", "1"), overlays=[OVERLAY])
    hidden = directory_with(accounts=[ALICE], policies=[policy(14)], config=config)  # a subentry of its own could be hidden
    assert verdicts(run(directory_min_length, hidden)) == {"unseen": "unknown"}
    unasked = directory_with(accounts=[own(ALICE, D)], results={"policies": 32}, config=CONFIG)
    assert "pass" not in verdicts(run(directory_min_length, unasked)).values()
    cut = directory_with(accounts=[own(ALICE, D)], policies=[policy(14)], config=CONFIG, results={"accounts": 4})
    assert verdicts(run(directory_min_length, cut)) == {D: "pass", "": "unknown"}


def test_a_directory_whose_accounts_are_all_locked_has_nobody_to_ask() -> None:
    locked = (ALICE[0], {**ALICE[1], "pwdEndTime": ["20260101000000Z"]})
    directory = directory_with(accounts=[own(locked, D)], policies=[policy(14)], config=CONFIG)
    assert verdicts(run(directory_min_length, directory)) == {"": "not_applicable"}


def test_a_server_that_shows_no_account_hides_them() -> None:
    assert verdicts(run(directory_min_length, directory_with(policies=[policy(14)]))) == {"": "unknown"}
