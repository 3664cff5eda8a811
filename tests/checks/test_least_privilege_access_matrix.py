"""least-privilege.access-matrix"""

from __future__ import annotations

import pytest
from sovaudit.content.checks.least_privilege.access_matrix import access_matrix

from sovaudit.facts.directory import Directory
from sovaudit.facts.host import Host
from sovaudit.testing import directory_with, rights_with, run, verdicts
from tests.checks.ssh_world import ONE, PASSWD, SHADOW, world
from tests.directory_views import locking_slapd

B = "dc=example,dc=org"
SUDO = {"/etc/sudoers": "root ALL=(ALL) ALL\n%sudo ALL=(ALL) ALL\n", "/usr/bin/sudo": ""}
SUID = {"/usr/bin/sudo": (0o4755, 0, 0), "/etc/sudoers": (0o440, 0, 0)}


def right(account: str, what: str, place: str = "") -> dict[str, str]:
    return {"account": account, "right": what, "place": place}


def judged(place: Host | Directory, *rows: dict[str, str], **knobs: object) -> dict[str, str]:
    return verdicts(run(access_matrix, place, rights_with(*rows), **knobs))


OTHERS = right("zoe", "ssh", "elsewhere")  # a matrix that declares nothing at all is not seen


def test_what_is_held_and_what_is_declared() -> None:
    assert judged(world(), right("bob", "ssh"), right("bob", "group:sudo")) == {"bob ssh": "pass", "bob group:sudo": "pass"}
    assert judged(world(), OTHERS) == {"bob ssh": "fail", "bob group:sudo": "fail"}
    assert judged(world(), right("bob", "ssh"), kinds=("ssh",)) == {"bob ssh": "pass"}


def test_declared_and_not_held() -> None:
    closed = world(ONE + "AllowUsers zoe\n")
    assert judged(closed, right("bob", "SSH"), right("bob", "Group:sudo")) == {"bob ssh": "fail", "bob group:sudo": "pass"}
    assert judged(world(), right("carol", "ssh"), kinds=("ssh",)) == {"bob ssh": "fail", "carol ssh": "fail"}
    assert judged(world(), right("bob", "root"), kinds=("root",)) == {"bob root": "fail"}


def test_root() -> None:
    host = world(files=SUDO, modes=SUID)
    assert judged(host, OTHERS, kinds=("root",)) == {"bob root": "fail"}
    assert judged(host, right("bob", "root"), right("root", "root"), kinds=("root",)) == {"bob root": "pass", "root root": "pass"}
    blind = world(files=SUDO, modes=SUID, unseen=["/etc/sudoers"])
    assert judged(blind, OTHERS, kinds=("root",))["bob root"] == "unknown"
    assert judged(blind, right("bob", "root"), kinds=("root",))["bob root"] == "unknown"


def test_a_uid_of_root_is_root() -> None:
    host = world(files={"/etc/passwd": PASSWD + "toor:x:0:0::/root:/bin/sh\n", "/etc/shadow": SHADOW + "toor:*:1::::::\n"})
    assert judged(host, OTHERS, kinds=("root",)) == {"toor root": "fail"}


def test_places() -> None:
    host = world()  # its name is host, its target ssh://auditor@host
    for place in ("host", "HOST", "ssh://auditor@host", ""):
        assert judged(host, right("bob", "ssh", place), kinds=("ssh",)) == {"bob ssh": "pass"}
    assert judged(host, right("bob", "ssh", "other"), kinds=("ssh",)) == {"bob ssh": "fail"}


def test_a_group_of_another_place_is_not_asked_here() -> None:
    assert judged(world(), right("bob", "group:finance"), right("bob", "group:sudo"), kinds=("group",)) == {"bob group:sudo": "pass"}
    found = judged(world(), right("bob", "group:finance", "host"), right("bob", "group:sudo"), kinds=("group",))
    assert found == {"bob group:finance": "fail", "bob group:sudo": "pass"}


def test_a_primary_group_counts_unless_it_is_ones_own() -> None:
    passwd = PASSWD.replace("bob:x:1001:1001", "bob:x:1001:27")
    host = world(files={"/etc/passwd": passwd, "/etc/group": "root:x:0:\nsudo:x:27:\n"})
    assert judged(host, OTHERS, kinds=("group",)) == {"bob group:sudo": "fail"}
    assert judged(world(), OTHERS, kinds=("group",), ordinary=("sudo",)) == {"matrix": "pass"}


@pytest.mark.parametrize(
    ("what", "verdict"), [("GLPI: technician", "unknown"), ("admin", None), ("group:", "unknown"), ("wheel", "unknown")]
)
def test_words_that_are_none_of_a_host(what: str, verdict: str | None) -> None:
    found = judged(world(), right("bob", what), right("bob", "ssh"), kinds=("ssh",))
    assert found.pop("bob ssh") == "pass"
    assert list(found.values()) == ([verdict] if verdict else [])
    assert judged(world(), right("bob", what, "host"), kinds=("ssh",))[f"bob {what}"] == "unknown"


def test_rows_that_cannot_be_believed_let_nothing_pass() -> None:
    assert judged(world(), right("bob", "ssh"), right("", "ssh"), kinds=("ssh",)) == {"bob ssh": "pass", "matrix": "unknown"}


def test_accounts_from_elsewhere() -> None:
    host = world(files={"/etc/nsswitch.conf": "passwd: files ldap\n"})
    found = judged(host, right("carol", "ssh"), right("bob", "ssh"), kinds=("ssh",))
    assert found == {"bob ssh": "pass", "carol ssh": "unknown", "ldap": "unknown"}


def entry(name: str, ou: str = "people", **more: str) -> tuple[str, dict[str, list[str]]]:
    return f"uid={name},ou={ou},{B}", {
        "objectClass": ["inetOrgPerson"], "uid": [name], "pwdChangedTime": ["20260101000000Z"], **{key: [value] for key, value in more.items()},
    }  # fmt: skip


def group(name: str, *members: str, ou: str = "groups") -> tuple[str, dict[str, list[str]]]:
    return f"cn={name},ou={ou},{B}", {"objectClass": ["groupOfNames"], "cn": [name], "member": list(members)}


def uid(name: str) -> str:
    return f"uid={name},ou=people,{B}"


PEOPLE = [entry("bob"), entry("zoe"), entry("gone", pwdAccountLockedTime="000001010000Z")]


def in_directory(groups: list[tuple[str, dict[str, list[str]]]], *rows: dict[str, str], **more: object) -> dict[str, str]:
    accounts = more.pop("accounts", PEOPLE)
    return judged(directory_with(accounts=accounts, groups=groups, **{**locking_slapd(), **more}), *rows, kinds=("group",))


def test_groups_of_a_directory() -> None:
    groups = [group("ops", uid("bob"), uid("gone")), group("empty")]
    assert in_directory(groups, right("bob", "group:ops")) == {"group:ops": "pass"}  # who is disabled holds nothing
    assert in_directory(groups, OTHERS) == {"group:ops": "fail"}
    assert in_directory(groups, right("bob", "group:ops"), right("zoe", "group:ops")) == {"group:ops": "fail"}
    assert in_directory(groups, right("bob", "group:ops"), right("nobody", "group:ops")) == {
        "group:ops": "pass",
        "nobody group:ops": "fail",
    }
    assert in_directory(groups, right(f"UID=Bob, ou=people,{B}", f"group:cn=OPS, ou=groups,{B}")) == {"group:ops": "pass"}


def test_nested_groups_and_cycles() -> None:
    groups = [
        group("ops", f"cn=inner,ou=groups,{B}"),
        group("inner", uid("zoe"), f"cn=ops,ou=groups,{B}"),
    ]
    assert in_directory(groups, right("zoe", "group:inner")) == {"group:ops": "fail", "group:inner": "pass"}
    assert in_directory(groups, right("zoe", "group:inner"), right("zoe", "group:ops")) == {"group:ops": "pass", "group:inner": "pass"}
    (found, _) = run(
        access_matrix, directory_with(accounts=PEOPLE, groups=groups), rights_with(right("zoe", "group:inner")), kinds=("group",)
    )
    assert [line.file for line in found.because][:2] == [f"cn=ops,ou=groups,{B}", f"cn=inner,ou=groups,{B}"]


def test_names_that_stand_for_several() -> None:
    twins = [*PEOPLE, entry("bob", ou="staff")]
    assert in_directory([group("ops", uid("bob"))], right("bob", "group:ops"), accounts=twins) == {
        "bob group:ops": "unknown",
        "group:ops": "fail",
    }
    two = [group("ops", uid("bob")), group("ops", ou="more")]
    assert in_directory(two, right("bob", "group:ops"))["bob group:ops"] == "unknown"


def test_a_directory_that_was_not_seen_whole() -> None:
    groups = [group("ops", uid("bob"))]
    assert in_directory(groups, right("bob", "group:ops"), results={"groups": 4}) == {"group:ops": "unknown", "": "unknown"}
    assert in_directory(groups, OTHERS, results={"groups": 4})["group:ops"] == "fail"
    hidden = [(uid("bob"), {"objectClass": ["inetOrgPerson"], "uid": ["bob"]})]  # whether bob is locked is not shown
    assert in_directory(groups, OTHERS, accounts=hidden, config=[]) == {"group:ops": "unknown"}
    assert in_directory(groups, right("bob", "group:ops"), accounts=hidden, config=[]) == {"group:ops": "pass"}


def test_ordinary_groups_and_a_directory_without_any() -> None:
    assert in_directory([group("ipausers", uid("bob"))], OTHERS) == {"matrix": "pass"}
    assert in_directory([], OTHERS) == {"matrix": "pass"}
