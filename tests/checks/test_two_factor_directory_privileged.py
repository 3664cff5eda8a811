"""Every effective administrator of the directory must present a second factor."""

from __future__ import annotations

from sovaudit.content.checks.two_factor.directory_privileged import directory_privileged

from sovaudit.facts.directories.model import ELSEWHERE, Factor, Group
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason
from sovaudit.testing import run, verdicts
from tests.ad import active_directory, group, user
from tests.directory_views import HIDDEN, account, given

YES, NO = Factor(True, True), Factor(False, False)
ALICE, BOB, OFF, MAYBE = account("alice"), account("bob"), account("off", enabled=False), account("maybe", enabled=HIDDEN)


def test_each_administrator_answers_and_disabled_ones_do_not() -> None:
    directory = given(admins=[ALICE, BOB, OFF], factors={"alice": YES, "bob": NO, "off": NO})
    assert verdicts(run(directory_privileged, directory)) == {"alice": "pass", "bob": "fail"}


def test_what_is_not_seen_is_unknown() -> None:
    directory = given(admins=[ALICE, MAYBE], factors={"maybe": NO})
    assert verdicts(run(directory_privileged, directory)) == {"alice": "unknown", "maybe": "unknown"}
    hidden = given(admins=[ALICE], factors={"alice": YES}, unseen_admins=[HIDDEN])
    assert verdicts(run(directory_privileged, hidden)) == {"alice": "pass", "administrators": "unknown"}


def test_what_may_be_asked_elsewhere_is_unknown_until_the_owner_says_that_nothing_is() -> None:
    gap = Gap(ELSEWHERE, Reason.UNSUPPORTED)
    directory = given(admins=[ALICE, BOB], factors={"alice": Factor(gap, gap)})
    assert verdicts(run(directory_privileged, directory)) == {"alice": "unknown", "bob": "unknown"}
    assert verdicts(run(directory_privileged, directory, elsewhere=False)) == {"alice": "fail", "bob": "unknown"}


def test_an_identity_outside_the_tree_counts() -> None:
    directory = given(bypass=[Line("cn=root,dc=example,dc=org", 0, "olcRootPW: set")])
    assert verdicts(run(directory_privileged, directory)) == {"cn=root,dc=example,dc=org": "fail"}


def test_members_of_a_named_group_count() -> None:
    group = Group("g", "Wheel", "cn=wheel,dc=example,dc=org", [BOB.dn])
    directory = given([BOB], groups=[group], factors={"bob": NO})
    assert verdicts(run(directory_privileged, directory, groups=("wheel",))) == {"bob": "fail"}
    assert verdicts(run(directory_privileged, directory, groups=("gone",))) == {"administrators": "unknown"}


def test_nobody_rules_only_where_that_was_seen() -> None:
    assert verdicts(run(directory_privileged, given([BOB]))) == {"": "not_applicable"}
    assert verdicts(run(directory_privileged, given([BOB], results={"groups": 4}))) == {"": "unknown"}


def test_the_owner_may_state_that_nothing_else_asks_for_one() -> None:
    directory = active_directory(
        user("card", 1100, 0x40200), user("plain", 1101), user("hidden", 1102, None), groups=[group("x", 518, "card", "plain", "hidden")]
    )
    assert verdicts(run(directory_privileged, directory)) == {
        "Administrator": "unknown",
        "card": "pass",
        "plain": "unknown",
        "hidden": "unknown",
    }
    stated = verdicts(run(directory_privileged, directory, elsewhere=False))
    assert stated == {"Administrator": "fail", "card": "pass", "plain": "fail", "hidden": "unknown"}
