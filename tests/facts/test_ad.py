"""Active Directory without a server: what each attribute means, and what its absence does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sovaudit.facts.directories.model import Account, Kind, PasswordPolicy
from sovaudit.facts.directory import Directory
from sovaudit.facts.parse.dn import normal
from sovaudit.facts.parse.ldap_times import Special
from sovaudit.facts.parse.sid import relative, sid_bytes, sid_text
from sovaudit.model.evidence import Gap
from sovaudit.testing import NOW
from tests.ad import (
    BASE,
    CONTAINER,
    DAY,
    LOCAL,
    MAIL,
    UNIVERSAL,
    USERS,
    active_directory,
    computer,
    dn,
    domain,
    group,
    settings,
    user,
)


def filetime(moment: datetime) -> int:
    return int((moment - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds()) * 10_000_000


def one(directory: Directory, name: str) -> Account:
    return next(account for account in directory.accounts if account.name == name)


def policy_of(directory: Directory, name: str) -> str:
    """The policy's name as far as it is known, "" if not."""
    for applied in directory.policies:
        if any(account.name == name for account in applied.accounts):
            return "" if isinstance(applied.policy, Gap) else applied.policy.name.partition(",")[0].removeprefix("cn=")
    return "none"


def admins(directory: Directory) -> set[str]:
    return {admin.account.name for admin in directory.admins.members}


# Identifiers


def test_identifiers_survive_both_ways() -> None:
    for text in ("S-1-5-21-1-2-3-500", "S-1-5-32-544", "S-1-1-0", "S-1-5-18", "S-1-15-2-4294967295"):
        assert sid_text(sid_bytes(text)) == text
    assert relative("S-1-5-21-1-2-3-500") == 500
    assert relative("S-1-5-21-1-2-3") is None
    assert relative("S-1-5-32-544") == 544
    for data in (
        b"",
        b"\x01",
        b"\x01\x05\x00\x00\x00\x00\x00\x05" + b"\0" * 19,
        b"\x02" + sid_bytes("S-1-1-0")[1:],
        b"\x01\xff" + b"\0" * 70,
    ):
        with pytest.raises(ValueError, match="not a security identifier"):
            sid_text(data)


# Accounts


def test_kinds_come_from_type_class_and_rid() -> None:
    directory = active_directory(
        user("krbtgt-lookalike", 1200), user("Invité", 501, 514), computer("PC1$", 1201),
        computer("bare$", 1204, sAMAccountType=None),
        computer("svc$", 1202, objectClass=["top", "computer", "msDS-GroupManagedServiceAccount"]), user("EXT$", 1203, sAMAccountType=805306370),
    )  # fmt: skip
    kinds = {account.name: account.kind for account in directory.accounts}
    assert kinds == {
        "Administrator": Kind.BUILTIN, "krbtgt-lookalike": Kind.PERSON, "Invité": Kind.BUILTIN, "PC1$": Kind.MACHINE, "svc$": Kind.SERVICE,
        "EXT$": Kind.MACHINE, "DC0$": Kind.MACHINE, "bare$": Kind.MACHINE,
    }  # fmt: skip


def test_enabled_needs_the_flag_and_a_life() -> None:
    now = filetime(NOW)
    directory = active_directory(
        user("off", 1100, 514), user("over", 1101, accountExpires=now), user("alive", 1102, accountExpires=now + 10_000_000),
        user("ever", 1103, accountExpires=0), user("hidden", 1104, None),
    )  # fmt: skip
    state = {account.name: account.enabled for account in directory.accounts}
    assert state["off"] is state["over"] is False
    assert state["alive"] is state["ever"] is True
    assert isinstance(state["hidden"], Gap)
    assert one(directory, "off").because[0].text == "userAccountControl: 514"


def test_a_password_that_must_change_is_not_four_centuries_old() -> None:
    directory = active_directory(
        user("new", 1100, pwdLastSet=0), user("kept", 1101, 0x10200, pwdLastSet=0), user("unseen", 1102, pwdLastSet=None)
    )
    assert one(directory, "new").password_set is Special.MUST_CHANGE
    assert one(directory, "kept").password_set is one(directory, "unseen").password_set is Special.UNKNOWN


def test_the_last_login_is_late_by_fourteen_days_and_this_controllers_own_is_not() -> None:
    early, late = NOW - timedelta(days=40), NOW - timedelta(days=2)
    directory = active_directory(
        user("a", 1100, lastLogonTimestamp=filetime(early), lastLogon=filetime(late)), user("b", 1101, lastLogonTimestamp=filetime(early)),
        user("c", 1102, lastLogonTimestamp=None), user("d", 1103, lastLogonTimestamp=None, lastLogon=filetime(late)),
    )  # fmt: skip
    assert [one(directory, name).last_login for name in "abcd"] == [late, early, Special.NEVER, late]
    assert one(directory, "b").login_lag_days == 14


def test_logins_that_are_not_recorded_are_not_never() -> None:
    hidden = active_directory(user("a", 1100, lastLogonTimestamp=None), head=domain())
    hidden_too = active_directory(user("a", 1100, lastLogonTimestamp=None), head=domain(msDS_LogonTimeSyncInterval=0))
    assert one(hidden, "a").last_login is Special.NEVER  # Administrator's shows
    assert one(hidden_too, "a").last_login is Special.UNKNOWN
    assert one(active_directory(user("a", 1100), head=domain(msDS_LogonTimeSyncInterval=5)), "a").login_lag_days == 5


# Groups and administrators


def test_primary_groups_nesting_and_cycles_make_administrators() -> None:
    directory = active_directory(
        user("deep", 1100), user("primary", 1101, primaryGroupID=512), user("plain", 1102), user("looped", 1103),
        groups=[group("a", 1200, "b"), group("b", 1201, "c", "deep"), group("c", 1202, "a", "looped"), group("Admins du domaine", 519, "a")],
    )  # fmt: skip
    assert admins(directory) == {"Administrator", "deep", "primary", "looped"}


def test_a_distribution_group_grants_nothing() -> None:
    directory = active_directory(user("mail", 1100), groups=[group("letters", 1200, "mail", kind=MAIL), group("x", 518, "letters")])
    assert admins(directory) == {"Administrator"}


def test_a_group_called_domain_admins_is_none() -> None:
    directory = active_directory(
        user("liar", 1100), groups=[group("Domain Admins 2", 1512, "liar"), group("other", "S-1-5-21-9-9-9-512", "liar")]
    )
    assert admins(directory) == {"Administrator"}


def test_members_of_other_domains_and_unseen_ones() -> None:
    far = f"CN=S-1-5-21-7-7-7-1105,CN=ForeignSecurityPrincipals,{BASE}"
    everybody = f"CN=S-1-5-11,CN=ForeignSecurityPrincipals,{BASE}"
    directory = active_directory(
        lists={},
        groups=[group("Server Operators", "S-1-5-32-549", far, everybody, "ghost")],
        foreign=[(far, {"objectSid": [sid_bytes("S-1-5-21-7-7-7-1105")]}), (everybody, {"objectSid": [sid_bytes("S-1-5-11")]})],
    )
    assert admins(directory) == {"Administrator", "S-1-5-21-7-7-7-1105", "Authenticated Users"}
    assert {admin.account.name for admin in directory.admins.members if isinstance(admin.account.enabled, Gap)} == {"S-1-5-21-7-7-7-1105"}
    assert [gap.item for gap in directory.admins.gaps] == [f"member:{normal(dn('ghost'))}"]


def test_members_in_parts_are_one_list() -> None:
    whole = group("big", 1200, "a")
    first = (whole[0], {key: value for key, value in whole[1].items() if key != "member"} | {"member;range=0-0": [dn("a")]})
    rest = (whole[0], {"member;range=1-*": [dn("b")]})
    directory = active_directory(user("a", 1100), user("b", 1101), groups=[first, rest, group("x", 518, "big")])
    assert admins(directory) == {"Administrator", "a", "b"}
    assert not directory.admins.gaps
    cut = active_directory(user("a", 1100), user("b", 1101), groups=[first, group("x", 518, "big")])
    assert cut.admins.gaps


def test_what_was_cut_leaves_a_doubt() -> None:
    assert active_directory(results={"groups": 4}).admins.gaps
    assert active_directory(results={"accounts": 4}).admins.gaps
    assert not active_directory(head=domain(objectSid=None)).admins.gaps  # accounts carry it, too
    assert active_directory(head=domain(objectSid=None), accounts=[user("a", 1100, objectSid=None)]).admins.gaps


# Policies


def test_a_direct_object_beats_a_group_then_precedence_counts() -> None:
    directory = active_directory(
        user("a", 1100), user("b", 1101), user("c", 1102), user("d", 1103, primaryGroupID=1201),
        groups=[group("g", 1200, "a", "b"), group("p", 1201), group("outer", 1202, "g")],
        objects=[settings("weak", 90, 4, "a"), settings("strong", 10, 20, "g"), settings("outer", 5, 15, "outer"), settings("prim", 7, 11, "p")],
    )  # fmt: skip
    assert [policy_of(directory, name) for name in "abcd"] == ["weak", "outer", "dc=lab", "prim"]


def test_equal_precedence_falls_to_the_smallest_identifier() -> None:
    first, second = bytes(15) + b"\x01", bytes(15) + b"\x02"
    for low, high in ((first, second), (second, first)):
        directory = active_directory(
            user("a", 1100), objects=[settings("one", 5, 8, "a", objectGUID=low), settings("two", 5, 9, "a", objectGUID=high)]
        )
        assert policy_of(directory, "a") == ("one" if low < high else "two")


def test_only_global_security_groups_carry_objects_on_windows() -> None:
    for kind, carried in ((LOCAL, False), (UNIVERSAL, False), (MAIL, False)):
        directory = active_directory(user("a", 1100), groups=[group("g", 1200, "a", kind=kind)], objects=[settings("x", 1, 20, "g")])
        assert (policy_of(directory, "a") == "x") is carried


def test_before_functional_level_2008_there_are_no_objects() -> None:
    assert policy_of(active_directory(user("a", 1100), objects=[settings("x", 1, 20, "a")], level=2), "a") == "dc=lab"
    assert policy_of(active_directory(user("a", 1100), level=2, results={"policies": 32}), "a") == "dc=lab"


def test_objects_that_are_not_shown_may_apply_to_anybody() -> None:
    hidden_container = active_directory(user("a", 1100), policy_container=[(CONTAINER, {})])
    hidden_object = active_directory(
        user("a", 1100),
        policy_container=[(CONTAINER, {"cn": ["Password Settings Container"]}), (f"CN=secret,{CONTAINER}", {})],
    )
    none_shown = active_directory(user("a", 1100), policy_container=[])
    refused = active_directory(user("a", 1100), results={"policy-container": 32})
    cut = active_directory(user("a", 1100), groups=[group("g", 1200)], objects=[settings("x", 1, 20, "g")], results={"groups": 4})
    for directory in (hidden_container, hidden_object, none_shown, refused, cut):
        assert policy_of(directory, "a") == ""
    assert policy_of(active_directory(user("a", 1100)), "a") == "dc=lab"


def test_the_servers_own_answer_settles_it_where_it_is_shown() -> None:
    answers = [
        (dn("a"), {"msDS-ResultantPSO": [f"CN=secret,{CONTAINER}"], "objectClass": ["user"]}),
        (dn("b"), {"objectClass": ["user"]}),
        (dn("Administrator"), {"objectClass": ["user"], "adminCount": ["1"]}),  # another access list: nothing follows for it
    ]
    directory = active_directory(user("a", 1100), user("b", 1101), policy_container=[(CONTAINER, {})], applied_policies=answers)
    assert [policy_of(directory, name) for name in ("a", "b", "Administrator")] == ["secret", "dc=lab", ""]
    hidden = next(applied.policy for applied in directory.policies if applied.accounts[0].name == "a")
    assert isinstance(hidden, PasswordPolicy) and isinstance(hidden.min_length, Gap)


def test_numbers_of_the_domain() -> None:
    def head(**more: object) -> PasswordPolicy:
        policy = active_directory(head=domain(**more)).policies[0].policy
        assert isinstance(policy, PasswordPolicy)
        return policy

    usual = head()
    assert (usual.min_length, usual.min_classes, usual.max_age_days, usual.attempts, usual.unlock_seconds) == (12, 3, 42, 5, 1800)
    assert head(maxPwdAge=0).max_age_days is head(maxPwdAge=-0x8000000000000000).max_age_days is None
    assert head(pwdProperties=0x10).min_classes == 0
    assert head(lockoutThreshold=0).attempts is None
    assert head(lockoutDuration=0).unlock_seconds is head(lockoutDuration=-0x8000000000000000).unlock_seconds is None
    for name, attribute in (
        ("min_length", "minPwdLength"), ("min_classes", "pwdProperties"), ("history", "pwdHistoryLength"), ("max_age_days", "maxPwdAge"),
        ("attempts", "lockoutThreshold"), ("unlock_seconds", "lockoutDuration"),
    ):  # fmt: skip
        assert isinstance(getattr(head(**{attribute: None}), name), Gap), attribute
    assert head(maxPwdAge=-DAY).max_age_days == 1


def test_flags_that_exempt_from_the_policy() -> None:
    directory = active_directory(user("a", 1100, 0x220), user("b", 1101, 0x10200), user("off", 1102, 0x222))
    found = {applied.policy.name: applied.policy for applied in directory.policies if isinstance(applied.policy, PasswordPolicy)}
    assert set(found) == {normal(BASE), f"{normal(BASE)} (PASSWD_NOTREQD)", f"{normal(BASE)} (DONT_EXPIRE_PASSWORD)"}
    assert found[f"{normal(BASE)} (PASSWD_NOTREQD)"].min_length == 0
    assert found[f"{normal(BASE)} (DONT_EXPIRE_PASSWORD)"].max_age_days is None


def test_what_a_flag_takes_away_no_unseen_policy_gives_back() -> None:
    directory = active_directory(user("a", 1100, 0x220), user("b", 1101, 0x10200), user("c", 1102), policy_container=[])
    found = {account.name: applied.policy for applied in directory.policies for account in applied.accounts}
    free, old = found["a"], found["b"]
    assert isinstance(free, PasswordPolicy) and free.min_length == 0 and isinstance(free.max_age_days, Gap)
    assert isinstance(old, PasswordPolicy) and old.max_age_days is None and isinstance(old.min_length, Gap)
    assert len({applied.policy.name for applied in directory.policies if isinstance(applied.policy, PasswordPolicy)}) == 2
    assert isinstance(found["c"], Gap) and len(directory.policies) == 3


def test_machines_and_krbtgt_have_no_policy() -> None:
    directory = active_directory(computer("PC1$", 1100), user("krbtgt", 502), user("off", 1101, 514))
    assert {account.name for applied in directory.policies for account in applied.accounts} == {"Administrator"}


def test_smart_cards() -> None:
    directory = active_directory(user("card", 1100, 0x40200), user("plain", 1101), user("hidden", 1102, None))
    assert directory.factor(one(directory, "card")).demanded is True
    for name in ("plain", "hidden"):
        factor = directory.factor(one(directory, name))
        assert isinstance(factor.demanded, Gap) and factor.settle


def test_names_with_commas_are_names() -> None:
    odd = f"CN=Doe\\, Jane (x)*,{USERS}"
    entry = user("jane", 1100)
    directory = active_directory((odd, entry[1]), groups=[group("x", 518, odd.upper())])
    assert admins(directory) == {"Administrator", "jane"}
