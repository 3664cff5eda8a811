"""least-privilege.leavers"""

from __future__ import annotations

import pytest
from sovaudit.content.checks.least_privilege.leavers import leavers

from sovaudit.facts.directory import Directory
from sovaudit.facts.roster import Roster
from sovaudit.testing import directory_with, list_evidence, roster_with, run, verdicts
from tests.checks.ssh_world import ONE, world
from tests.directory_views import locking_slapd

LEFT = {"id": "7", "account": "bob", "status": "left", "left_on": "2026-03-31"}
ZOE = {"id": "8", "account": "zoe", "status": "active"}
BASE = "ou=people,dc=example,dc=org"


def entry(name: str, **more: str) -> tuple[str, dict[str, list[str]]]:
    return f"uid={name},{BASE}", {
        "objectClass": ["inetOrgPerson"],
        "uid": [name],
        "pwdChangedTime": ["20260101000000Z"],
        **{key: [value] for key, value in more.items()},
    }


def people(*accounts: tuple[str, dict[str, list[str]]], **more: object) -> Directory:
    return directory_with(accounts=accounts, **locking_slapd(), **more)


def on_host(*rows: dict[str, str], config: str = ONE, **knobs: object) -> dict[str, str]:
    return verdicts(run(leavers, world(config), roster_with(*rows), **knobs))


def in_directory(directory: Directory, *rows: dict[str, str], **knobs: object) -> dict[str, str]:
    return verdicts(run(leavers, directory, roster_with(*rows), **knobs))


def test_who_has_left_and_still_comes_in() -> None:
    assert on_host(LEFT) == {"bob": "fail"}
    assert on_host({**LEFT, "status": "active", "left_on": ""}) == {"roster": "pass"}
    assert on_host(ZOE) == {"roster": "pass"}


def test_an_account_that_nothing_opens() -> None:
    assert on_host(LEFT, config=ONE + "AllowUsers zoe\n") == {"bob": "pass"}


@pytest.mark.parametrize(
    ("status", "left_on", "verdict"),
    [
        ("left", "2026-05-31", "fail"),
        ("left", "2026-06-01", "fail"),  # NOW is the 1 June: status left and today
        ("left", "2026-06-02", None),  # the notice runs
        ("left", "", "fail"),
        ("", "2026-05-31", "fail"),
        ("", "2026-06-01", None),
        ("active", "2026-05-31", "unknown"),
        ("active", "2026-06-01", None),
        ("suspended", "", None),
        ("suspended", "2026-05-31", "unknown"),
        ("LEFT", "2020-01-01", "fail"),
        ("gone", "2020-01-01", "unknown"),
        ("left", "31/03/2026", "unknown"),
        ("left", "2026-02-30", "unknown"),
        ("", "", "unknown"),
    ],
)
def test_standing(status: str, left_on: str, verdict: str | None) -> None:
    found = on_host({**LEFT, "status": status, "left_on": left_on})
    assert found.get("bob") == verdict
    if verdict is None:
        assert found == {"roster": "pass"}


@pytest.mark.parametrize(("left_on", "verdict"), [("2026-05-31", "fail"), ("2026-06-01", None), ("2030-01-01", None), ("", None)])
def test_without_a_status_the_date_decides(left_on: str, verdict: str | None) -> None:
    assert on_host({"id": "7", "account": "bob", "left_on": left_on}).get("bob") == verdict


def test_a_roster_that_says_nothing_of_leaving() -> None:
    assert on_host({"id": "7", "account": "bob"}) == {"bob": "unknown"}


def test_suspended_by_the_sites_own_rule() -> None:
    assert on_host({"id": "7", "account": "bob", "status": "suspended"}, statuses=("left", "suspended")) == {"bob": "fail"}


def test_taken_on_again() -> None:
    assert on_host(LEFT, {**LEFT, "status": "active", "left_on": ""}) == {"roster": "pass"}
    assert on_host({**LEFT, "status": "active", "joined_on": "2026-05-01"}) == {"roster": "pass"}
    assert on_host({**LEFT, "status": "active", "joined_on": "2026-07-01"}) == {"bob": "unknown"}
    assert on_host({**LEFT, "status": "active", "joined_on": "2026-01-01"}) == {"bob": "unknown"}


def test_two_files_that_contradict_each_other() -> None:
    one, other = list_evidence("people", [LEFT]), list_evidence("people", [{**LEFT, "status": "active", "left_on": ""}], name="other.csv")
    assert verdicts(run(leavers, world(), Roster((one, other)))) == {"bob": "unknown"}
    assert verdicts(run(leavers, world(), Roster((one, list_evidence("people", [LEFT], name="copy.csv"))))) == {"bob": "fail"}


def test_an_account_of_several_persons() -> None:
    assert on_host(LEFT, {**ZOE, "account": "bob"}) == {"bob": "unknown"}
    assert on_host(LEFT, {**LEFT, "id": "9"}) == {"bob": "fail"}
    assert on_host({**LEFT, "account": "zoe;bob"}) == {"bob": "fail"}


def test_names_are_never_compared_by_likeness() -> None:
    assert on_host({**LEFT, "account": "Bob"}) == {"roster": "pass"}
    assert on_host({**LEFT, "account": "bo"}) == {"roster": "pass"}
    assert on_host({"id": "bob", "status": "left"}) == {"bob": "fail"}
    assert on_host({"id": "bob", "account": "zoe", "status": "left"}) == {"roster": "pass"}


def test_a_leaver_whose_account_nobody_knows() -> None:
    assert on_host({"id": "7", "status": "left"}) == {"roster": "unknown"}
    assert on_host({"id": "7", "account": "-", "status": "left"}) == {"roster": "pass"}
    assert on_host({"id": "7", "status": "left"}, {**ZOE, "account": "bob;root"}) == {"roster": "pass"}


@pytest.mark.parametrize("account", ["bob@corp.example", "CORP\\bob"])
def test_what_is_no_login_of_this_place_proves_nothing(account: str) -> None:
    assert on_host({**LEFT, "account": account}) == {"roster": "unknown"}
    assert on_host({**LEFT, "account": f"{account};gone"}) == {"roster": "pass"}
    assert in_directory(people(entry("bob")), {**LEFT, "account": account}) == {"roster": "unknown"}


def test_an_address_names_the_account_that_bears_it() -> None:
    assert in_directory(people(entry("b1", mail="Bob@corp.example")), {**LEFT, "account": "bob@corp.example"}) == {"b1": "fail"}


def test_rows_that_cannot_be_believed_let_nothing_pass() -> None:
    assert on_host(ZOE, {"id": "", "account": "bob", "status": "left"}) == {"bob": "unknown", "roster": "unknown"}
    assert on_host(ZOE, {"id": "=1+1", "account": "x", "status": "left"})["roster"] == "unknown"
    assert on_host({**LEFT, "name": "B. B."}, {**LEFT, "name": "C. C."}) == {"bob": "unknown", "roster": "unknown"}


def test_accounts_from_elsewhere() -> None:
    host = world(files={"/etc/nsswitch.conf": "passwd: files ldap\n"})
    assert verdicts(run(leavers, host, roster_with(ZOE))) == {"ldap": "unknown"}
    unseen = world(unseen=["/home/bob/.ssh/authorized_keys"])
    assert verdicts(run(leavers, unseen, roster_with(LEFT))) == {"bob": "unknown"}


def test_directory() -> None:
    assert in_directory(people(entry("bob"), entry("zoe")), LEFT, ZOE) == {"bob": "fail"}
    locked = people(entry("bob", pwdAccountLockedTime="000001010000Z"), entry("zoe"))
    assert in_directory(locked, LEFT, ZOE) == {"bob": "pass"}
    passing = people(entry("bob", pwdAccountLockedTime="20260531000000Z"))
    assert in_directory(passing, LEFT) == {"bob": "fail"}  # a lockout that ends by itself
    over = people(entry("bob", pwdEndTime="20260501000000Z"))
    assert in_directory(over, LEFT) == {"bob": "pass"}
    shadow = people(entry("bob", shadowExpire="1"))
    assert in_directory(shadow, LEFT) == {"bob": "fail"}  # slapd does not hold to it


def test_directory_joins_by_what_an_account_bears() -> None:
    assert in_directory(people(entry("adm1", employeeNumber="7")), LEFT) == {"adm1": "fail"}
    assert in_directory(people(entry("adm1", mail="b@example.org")), {"id": "B@example.org", "status": "left"}) == {"adm1": "fail"}
    assert in_directory(people(entry("x")), {**LEFT, "account": f"UID=X, {BASE}"}) == {"x": "fail"}
    assert in_directory(people(entry("bob")), {**LEFT, "account": "BOB"}) == {"bob": "fail"}
    # the roster and the account contradict each other
    assert in_directory(people(entry("bob", employeeNumber="8")), LEFT, ZOE) == {"bob": "unknown"}


def test_a_directory_that_was_not_seen_whole() -> None:
    assert in_directory(people(entry("bob"), results={"accounts": 4}), LEFT) == {"bob": "fail", "": "unknown"}
    assert in_directory(people(entry("zoe"), results={"accounts": 4}), LEFT)[""] == "unknown"
    hidden = directory_with(accounts=[(f"uid=bob,{BASE}", {"objectClass": ["inetOrgPerson"], "uid": ["bob"]})])
    assert in_directory(hidden, LEFT) == {"bob": "unknown"}


def test_a_finding_names_ids_and_logins_alone() -> None:
    (found,) = run(leavers, world(), roster_with({**LEFT, "name": "Secret Name"}))
    assert "Secret" not in repr(found)
    assert "id 7" in found.because[0].text
