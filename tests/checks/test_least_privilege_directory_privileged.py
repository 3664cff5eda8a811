"""The effective members of the directory's privileged groups are the declared ones."""

from __future__ import annotations

from sovaudit.content.checks.least_privilege.directory_privileged import directory_privileged

from sovaudit.facts.directories.model import Factor, Group, Kind
from sovaudit.testing import run, verdicts
from tests.directory_views import HIDDEN, account, given

ALICE, BOB, OFF, MAYBE = account("alice"), account("bob"), account("off", enabled=False), account("maybe", enabled=HIDDEN)


def test_the_declared_pass_and_others_fail() -> None:
    directory = given(admins=[ALICE, BOB, OFF, MAYBE])
    found = verdicts(run(directory_privileged, directory, administrators=("Alice",)))
    assert found == {"alice": "pass", "bob": "fail", "maybe": "unknown"}
    assert verdicts(run(directory_privileged, directory, administrators=("%admins",))) == dict.fromkeys(("alice", "bob", "maybe"), "pass")


def test_nested_groups_and_cycles_lead_to_their_members() -> None:
    a, b = "cn=a,dc=example,dc=org", "cn=b,dc=example,dc=org"
    groups = [Group("a", "a", a, [b]), Group("b", "b", b, [a, BOB.dn])]
    outcomes = run(directory_privileged, given([BOB], groups=groups), groups=("a",))
    assert verdicts(outcomes) == {"bob": "fail"}
    assert [line.file for line in outcomes[0].because] == [a, b]


def test_a_group_that_may_have_more_members_leaves_doubt() -> None:
    group = Group("g", "wheel", "cn=wheel,dc=example,dc=org", [BOB.dn], complete=False)
    found = verdicts(run(directory_privileged, given([BOB], groups=[group]), groups=("wheel",), administrators=("bob",)))
    assert found == {"bob": "pass", "administrators": "unknown"}


def test_a_member_that_was_not_seen_leaves_doubt() -> None:
    group = Group("g", "wheel", "cn=wheel,dc=example,dc=org", ["uid=ghost,dc=example,dc=org"])
    assert verdicts(run(directory_privileged, given([BOB], groups=[group]), groups=("wheel",))) == {"administrators": "unknown"}


def test_nobody_rules_only_where_that_was_seen() -> None:
    assert verdicts(run(directory_privileged, given([BOB]))) == {"": "not_applicable"}
    assert verdicts(run(directory_privileged, given(unseen_admins=[HIDDEN]))) == {"administrators": "unknown"}


def test_machines_that_rule_are_named() -> None:
    machine = account("dc1$", kind=Kind.MACHINE)
    assert verdicts(run(directory_privileged, given(admins=[machine], factors={"dc1$": Factor(False, False)}))) == {"dc1$": "fail"}
