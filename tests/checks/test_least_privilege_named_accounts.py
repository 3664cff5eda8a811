"""least-privilege.named-accounts"""

from __future__ import annotations

import pytest
from sovaudit.content.checks.least_privilege.named_accounts import named_accounts

from sovaudit.facts.host import Host
from sovaudit.facts.naming import GENERIC, is_generic
from sovaudit.testing import directory_with, run, verdicts
from tests.checks.ssh_world import KEY, ONE, PASSWD, SHADOW, world
from tests.directory_views import locking_slapd


def called(name: str, uid: int = 1002, key: str = KEY, shell: str = "/bin/bash", **more: object) -> Host:
    """bob, and another account with a key."""
    files = {
        "/etc/passwd": PASSWD + f"{name}:x:{uid}:1002::/home/x:{shell}\n",
        "/etc/shadow": SHADOW + f"{name}:*:19000:0:99999:7:::\n",
        "/home/x/.ssh/authorized_keys": key,
        **more.pop("files", {}),  # type: ignore[dict-item]
    }
    modes = dict.fromkeys(("/home/x", "/home/x/.ssh", "/home/x/.ssh/authorized_keys"), (0o700, uid, uid))
    return world(ONE, files, modes=modes, **more)


def judged(host: Host, **knobs: object) -> dict[str, str]:
    return verdicts(run(named_accounts, host, **knobs))


@pytest.mark.parametrize(
    ("name", "generic"),
    [
        ("admin", True), ("Admin", True), ("test02", True), ("web-admin", True), ("user_1.2", True), ("ec2-user", True), ("alice-admin", False),
        ("administrative", False), ("martin", False), ("adminotto", False), ("42", False), ("www-data", True), ("svc.backup", True),
    ],
)  # fmt: skip
def test_names(name: str, generic: bool) -> None:
    assert is_generic(name, GENERIC) is generic


def test_generic_name() -> None:
    assert judged(called("admin")) == {"bob": "pass", "admin": "fail"}
    assert judged(called("alice")) == {"bob": "pass", "alice": "pass"}


def test_shared_id() -> None:
    assert judged(called("alice", 1001)) == {"bob": "fail", "alice": "fail"}
    assert judged(called("toor", 0))["toor"] == "pass"  # PermitRootLogin no


def test_knobs() -> None:
    assert judged(called("admin"), declared=("admin",))["admin"] == "pass"
    assert judged(called("admin"), generic=())["admin"] == "pass"
    assert judged(called("alice"), generic=("alice",))["alice"] == "fail"


def test_nothing_opens_it() -> None:
    assert judged(called("admin", key=""))["admin"] == "pass"
    assert "admin" not in judged(called("admin", shell="/usr/sbin/nologin"))


def test_unseen() -> None:
    assert judged(called("admin", unseen=["/home/x/.ssh/authorized_keys"]))["admin"] == "unknown"
    assert judged(called("admin", unseen=["/etc/ssh/sshd_config"]))["admin"] == "unknown"
    assert judged(called("alice", files={"/etc/nsswitch.conf": "passwd: files ldap\n"}))["ldap"] == "unknown"


def test_no_account_with_a_shell() -> None:
    assert judged(world(ONE, {"/etc/passwd": "root:x:0:0::/root:/bin/bash\n"})) == {"": "not_applicable"}


def in_directory(*accounts: tuple[str, dict[str, str]], **knobs: object) -> dict[str, str]:
    results = knobs.pop("results", {})
    entries = [
        (
            f"uid={uid},ou=people,dc=example,dc=org",
            {
                "objectClass": ["inetOrgPerson"],
                "uid": [uid],
                "pwdChangedTime": ["20260101000000Z"],
                **{key: [value] for key, value in rest.items()},
            },
        )
        for uid, rest in accounts
    ]
    return verdicts(run(named_accounts, directory_with(accounts=entries, results=results, **locking_slapd()), **knobs))


def test_directory() -> None:
    assert in_directory(("zoe", {}), ("Admin2", {})) == {"zoe": "pass", "Admin2": "fail"}
    assert in_directory(("admin", {}), declared=("ADMIN",)) == {"admin": "pass"}
    assert in_directory(("admin", {"pwdAccountLockedTime": "000001010000Z"})) == {"admin": "pass"}
    assert in_directory(("zoe", {}), results={"accounts": 4}) == {"zoe": "pass", "": "unknown"}


def test_directory_numbers() -> None:
    assert in_directory(("zoe", {"uidNumber": "5"}), ("eve", {"uidNumber": "5"})) == {"zoe": "fail", "eve": "fail"}
    assert in_directory(("zoe", {"uidNumber": "5"}), ("eve", {"uidNumber": "6"})) == {"zoe": "pass", "eve": "pass"}


def test_directory_kinds_and_gaps() -> None:
    service = ("cn=admin,dc=example,dc=org", {"objectClass": ["organizationalRole", "simpleSecurityObject"], "cn": ["admin"]})
    assert verdicts(run(named_accounts, directory_with(accounts=[service]))) == {"": "not_applicable"}
    hidden = ("uid=test,dc=example,dc=org", {"objectClass": ["person"], "uid": ["test"]})
    assert verdicts(run(named_accounts, directory_with(accounts=[hidden]))) == {"test": "unknown"}
