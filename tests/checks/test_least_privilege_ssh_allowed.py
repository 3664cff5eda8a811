"""least-privilege.ssh-allowed"""

from __future__ import annotations

import pytest
from sovaudit.content.checks.least_privilege.ssh_allowed import ssh_allowed

from sovaudit.facts.host import Host
from sovaudit.testing import host_with, run, verdicts
from tests.checks.ssh_world import KEY, ONE, world

LDAP = {"/etc/nsswitch.conf": "passwd: files ldap\n"}


def judged(host: Host, **knobs: object) -> dict[str, str]:
    return verdicts(run(ssh_allowed, host, **knobs))


def test_undeclared() -> None:
    outcomes = run(ssh_allowed, world(ONE))
    assert verdicts(outcomes) == {"root": "pass", "bob": "fail"}
    assert any(line.file == "/home/bob/.ssh/authorized_keys" for line in outcomes[1].because)


def test_declared() -> None:
    assert judged(world(ONE), users=("bob",))["bob"] == "pass"
    assert judged(world(ONE), groups=("sudo",))["bob"] == "pass"
    assert judged(world(ONE), groups=("bob",))["bob"] == "pass"  # the primary group
    assert judged(world(ONE), users=("Bob",), groups=("wheel",))["bob"] == "fail"


def test_kept_out_by_sshd() -> None:
    assert judged(world(ONE + "AllowGroups wheel\n"))["bob"] == "pass"
    assert judged(world(ONE + "AllowGroups wheel\nMatch User bob\nAllowGroups sudo\n"))["bob"] == "fail"


def test_account_without_shell_is_asked_only_where_sftp_lets_it_in() -> None:
    files, modes = {"/usr/sbin/.ssh/authorized_keys": KEY}, {"/usr/sbin/.ssh/authorized_keys": (0o644, 0, 0)}
    assert "daemon" not in judged(world(ONE, files, modes=modes))
    assert judged(world(ONE + "Subsystem sftp internal-sftp\n", files, modes=modes))["daemon"] == "fail"


def test_unseen_keys() -> None:
    assert judged(world(ONE, unseen=["/home/bob/.ssh/authorized_keys"]))["bob"] == "unknown"
    assert judged(world(ONE, unseen=["/etc/ssh/sshd_config"])) == {"": "unknown"}


@pytest.mark.parametrize(
    ("config", "users", "groups", "verdict"),
    [
        ("", (), (), "unknown"),
        ("AllowUsers bob\n", ("bob",), (), "pass"),
        ("AllowUsers bob@10.0.0.0/8\n", ("bob",), (), "pass"),
        ("AllowUsers bob zoe\n", ("bob",), (), "unknown"),
        ("AllowUsers b*\n", ("b*", "bob"), (), "unknown"),
        ("AllowGroups sudo\n", (), ("sudo",), "pass"),
        ("AllowGroups sudo\nMatch User zoe\nAllowGroups staff\n", (), ("sudo",), "unknown"),
        ("Match User zoe\nAllowGroups sudo\n", (), ("sudo",), "unknown"),
        ("AllowUsers bob\nMatch Address 10.0.0.0/8\nAllowUsers *\n", ("bob",), (), "unknown"),
        ("AllowUsers zoe\nAllowGroups sudo\n", (), ("sudo",), "pass"),
    ],
)
def test_directory(config: str, users: tuple[str, ...], groups: tuple[str, ...], verdict: str) -> None:
    assert judged(world(ONE + config, LDAP), users=users, groups=groups)["ldap"] == verdict


def test_no_sshd_and_no_shell() -> None:
    assert judged(host_with({}, artifacts={"packages": "bash 5.2\n"})) == {"": "not_applicable"}
    assert judged(world(ONE, {"/etc/passwd": "root:x:0:0::/root:/usr/sbin/nologin\n"})) == {"": "not_applicable"}
