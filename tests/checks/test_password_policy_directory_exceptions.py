"""No account of the directory escapes the password policy that the others are under."""

from __future__ import annotations

import pytest
from sovaudit.content.checks.password_policy.directory_exceptions import directory_exceptions

from sovaudit.facts.directories.exemptions import weaker
from sovaudit.facts.directories.model import PasswordPolicy
from sovaudit.model.evidence import Gap
from sovaudit.testing import directory_with, run, verdicts
from tests import ad
from tests.ad import active_directory, computer, domain, group, settings, user
from tests.directory_views import GOOD, HIDDEN, slapd_config


def found(*accounts: ad.Entry, **more: object) -> dict[str, str]:
    knobs = {name: more.pop(name) for name in ("declared", "expiry") if name in more}
    return verdicts(run(directory_exceptions, active_directory(*accounts, **more), **knobs))  # type: ignore[arg-type]


def test_nobody_escapes() -> None:
    assert found(user("a", 1100)) == {"others": "pass"}


def test_flags() -> None:
    assert found(user("a", 1100, 0x220), user("b", 1101, 0x10200), user("c", 1102, 0x10220)) == dict.fromkeys("abc", "fail")
    assert found(user("off", 1100, 0x10222), user("Guest", 501, 0x10222), user("krbtgt", 502, 0x10200)) == {"others": "pass"}
    assert found(computer("PC$", 1100, 0x11020)) == {"others": "pass"}
    outcome = run(directory_exceptions, active_directory(user("c", 1102, 0x10220)))[0]
    assert outcome.seen == "PASSWD_NOTREQD, DONT_EXPIRE_PASSWORD"
    assert [line.text for line in outcome.because] == ["userAccountControl: 66080"]


def test_expiry_is_no_duty_where_it_is_forbidden() -> None:
    assert found(user("a", 1100, 0x220), user("b", 1101, 0x10200), expiry=False) == {"a": "fail"}


def test_settings_objects_that_demand_less() -> None:
    for attributes, verdict in (
        ({}, "pass"), ({"length": 11}, "fail"), ({"length": 20}, "pass"), ({"msDS_PasswordComplexityEnabled": "FALSE"}, "fail"),
        ({"msDS_PasswordHistoryLength": 23}, "fail"), ({"msDS_MaximumPasswordAge": -43 * ad.DAY}, "fail"),
        ({"msDS_MaximumPasswordAge": -0x8000000000000000}, "fail"), ({"msDS_LockoutThreshold": 0}, "fail"), ({"msDS_LockoutThreshold": 3}, "pass"),
        ({"msDS_LockoutDuration": -29 * 600000000}, "fail"), ({"msDS_LockoutDuration": 0}, "pass"),
    ):  # fmt: skip
        given = {"msDS_PasswordHistoryLength": 24, **attributes}
        length = given.pop("length", 12)
        one = settings("own", 1, length, "a", **given)  # type: ignore[arg-type]
        assert found(user("a", 1100), objects=[one]).get("a", "pass") == verdict, attributes


def test_an_object_through_a_group_names_everybody_in_it() -> None:
    groups = [group("g", 1200, "a", "b")]
    one = settings("own", 1, 4, "g")
    assert found(user("a", 1100), user("b", 1101), user("c", 1102), groups=groups, objects=[one]) == {"a": "fail", "b": "fail"}
    assert found(user("a", 1100), objects=[settings("own", 1, 4)]) == {"others": "pass"}  # it applies to nobody


def test_declared_accounts_pass() -> None:
    assert found(user("svc", 1100, 0x10200), declared=("SVC",)) == {"svc": "pass", "others": "pass"}


def test_what_was_not_shown_is_unknown() -> None:
    assert found(user("a", 1100, None)) == {"others": "unknown"}
    assert found(user("a", 1100), policy_container=[]) == {"others": "unknown"}
    assert found(results={"accounts": 4}) == {"others": "unknown"}
    assert found(head=domain(minPwdLength=None), objects=[settings("own", 1, 4, "Administrator")])["others"] == "unknown"
    assert found(user("a", 1100, 0x10200), user("b", 1101, None)) == {"a": "fail", "others": "unknown"}


def test_a_subentry_that_demands_less() -> None:
    person = {"objectClass": ["inetOrgPerson"], "pwdChangedTime": ["20260101000000Z"]}
    rows = [
        ("uid=a,dc=example,dc=org", {**person, "uid": ["a"], "pwdPolicySubentry": ["cn=weak,dc=example,dc=org"]}),
        ("uid=b,dc=example,dc=org", {**person, "uid": ["b"]}),
        ("uid=c,dc=example,dc=org", {**person, "uid": ["c"], "pwdPolicySubentry": ["cn=gone,dc=example,dc=org"]}),
    ]
    policies = [
        (f"cn={name},dc=example,dc=org", {"objectClass": ["pwdPolicy"], "pwdMinLength": [length], "pwdCheckQuality": ["2"]})
        for name, length in (("d", "12"), ("weak", "8"))
    ]
    overlay = {"olcOverlay": ["{0}ppolicy"], "olcPPolicyDefault": ["cn=d,dc=example,dc=org"]}
    config = slapd_config("{0}to * by dn.exact=cn=auditor read", overlays=[overlay])
    directory = directory_with(accounts=rows, policies=policies, config=config)
    assert verdicts(run(directory_exceptions, directory)) == {"a": "fail", "c": "fail"}


@pytest.mark.parametrize("field", ["min_length", "min_classes", "history", "max_age_days", "attempts"])
def test_what_cannot_be_compared_is_a_gap(field: str) -> None:
    hidden = PasswordPolicy(**{**{name: getattr(GOOD, name) for name in GOOD.__slots__}, field: HIDDEN})
    less, gaps = weaker(hidden, GOOD)
    assert (less, gaps) == ("", (HIDDEN,))
    assert isinstance(gaps[0], Gap)


def test_ways_and_administrators_narrow_the_question() -> None:
    directory = active_directory(user("a", 1100, 0x220), user("boss", 1101, 0x10200), groups=[group("x", 518, "boss")])
    assert verdicts(run(directory_exceptions, directory, ways=("no-password",))) == {"a": "fail"}
    assert verdicts(run(directory_exceptions, directory, administrators=True)) == {"boss": "fail"}
    assert verdicts(run(directory_exceptions, directory, ways=("weaker",))) == {"others": "pass"}
