"""least-privilege.root-ssh"""

from __future__ import annotations

import pytest
from sovaudit.content.checks.least_privilege.root_ssh import root_ssh

from sovaudit.facts.host import Host
from sovaudit.testing import host_with, run, verdicts
from tests.checks.ssh_world import KEY, PASSWD, SHADOW, world

WITH_KEY = {"/root/.ssh/authorized_keys": KEY}
WITH_PASSWORD = {"/etc/shadow": SHADOW.replace("root:*", "root:$y$j9T$masked")}
ROOT_MODES = {"/root": (0o700, 0, 0), "/root/.ssh": (0o700, 0, 0), "/root/.ssh/authorized_keys": (0o600, 0, 0)}
TYPED = "UsePAM yes\nKbdInteractiveAuthentication no\n"


def root_world(setting: str, files: dict[str, str] | None = None, **more: object) -> Host:
    modes = ROOT_MODES if files and "/root/.ssh/authorized_keys" in files else {"/root": (0o700, 0, 0)}
    return world(TYPED + setting, {"/root/.bashrc": "", **(files or {})}, modes=modes, **more)


@pytest.mark.parametrize(
    ("setting", "files", "verdict"),
    [
        ("PermitRootLogin no\n", {**WITH_KEY, **WITH_PASSWORD}, "pass"),
        ("PermitRootLogin yes\n", {}, "pass"),  # neither key nor password
        ("PermitRootLogin yes\n", WITH_PASSWORD, "fail"),
        ("PermitRootLogin yes\n", WITH_KEY, "fail"),
        ("PermitRootLogin prohibit-password\n", WITH_PASSWORD, "pass"),
        ("PermitRootLogin without-password\n", WITH_KEY, "fail"),
        ("", WITH_KEY, "fail"),  # the compiled default is prohibit-password
        ("PermitRootLogin forced-commands-only\n", WITH_KEY, "pass"),
        ("PermitRootLogin forced-commands-only\n", {"/root/.ssh/authorized_keys": 'command="/bin/backup" ' + KEY}, "fail"),
        ("PermitRootLogin no\nMatch Address 10.0.0.0/8\nPermitRootLogin yes\n", WITH_KEY, "fail"),
        ("PermitRootLogin yes\nMatch all\nPermitRootLogin no\n", WITH_KEY, "pass"),
        ("PermitRootLogin no\nPermitRootLogin yes\n", WITH_KEY, "pass"),
        ("PermitRootLogin yes\nAllowUsers bob\n", WITH_KEY, "pass"),
        ("PermitRootLogin yes\nDenyUsers root@10.0.0.0/8\n", WITH_KEY, "fail"),
        ("PermitRootLogin prohibit-password\nAuthenticationMethods publickey,password\n", {**WITH_KEY, **WITH_PASSWORD}, "pass"),
    ],
)
def test_root(setting: str, files: dict[str, str], verdict: str) -> None:
    assert verdicts(run(root_ssh, root_world(setting, files)))["root"] == verdict


def test_says_that_the_door_is_only_closed_by_a_missing_key() -> None:
    (outcome,) = run(root_ssh, root_world("PermitRootLogin prohibit-password\n"))
    assert outcome.seen == "PermitRootLogin prohibit-password"
    (outcome,) = run(root_ssh, root_world("PermitRootLogin no\n"))
    assert outcome.seen == "PermitRootLogin no"


def test_ways_knob() -> None:
    host = root_world("PermitRootLogin yes\n", WITH_KEY)
    assert verdicts(run(root_ssh, host, ways=["password"])) == {"root": "pass"}
    assert verdicts(run(root_ssh, host, ways=["key"])) == {"root": "fail"}


def test_second_name_with_uid_0() -> None:
    files = {**WITH_KEY, "/etc/passwd": PASSWD + "toor:x:0:0::/root:/bin/bash\n", "/etc/shadow": SHADOW + "toor:*:1:0:::::\n"}
    assert verdicts(run(root_ssh, root_world("PermitRootLogin no\n", files))) == {"root": "pass", "toor": "pass"}
    assert verdicts(run(root_ssh, root_world("AllowUsers toor\n", files))) == {"root": "pass", "toor": "fail"}


def test_unseen_keys() -> None:
    host = root_world("PermitRootLogin prohibit-password\n", WITH_KEY, unseen=["/root/.ssh/authorized_keys"])
    assert verdicts(run(root_ssh, host)) == {"root": "unknown"}


def test_unseen_configuration() -> None:
    assert verdicts(run(root_ssh, root_world("", WITH_KEY, unseen=["/etc/ssh/sshd_config"]))) == {"": "unknown"}


def test_no_sshd() -> None:
    assert verdicts(run(root_ssh, host_with({}, artifacts={"packages": "bash 5.2\n"}))) == {"": "not_applicable"}
