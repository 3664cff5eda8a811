"""two-factor.ssh-privileged"""

from __future__ import annotations

from sovaudit.content.checks.two_factor.ssh_privileged import ssh_privileged

from sovaudit.testing import host_with, run, verdicts
from tests.checks.ssh_world import ONE, TWO, world

SUDO = {
    "/etc/sudoers": "root ALL=(ALL:ALL) ALL\n%sudo ALL=(ALL:ALL) ALL\n",
    "/etc/pam.d/sudo": "auth required pam_unix.so\naccount required pam_permit.so\n",
}
MODES = {"/etc/sudoers": (0o440, 0, 0), "/usr/bin/sudo": (0o4755, 0, 0)}


def test_administrator_with_a_key() -> None:
    judged = verdicts(run(ssh_privileged, world(ONE, SUDO, modes=MODES)))
    assert judged == {"root": "pass", "bob": "fail"}


def test_administrator_with_two_factors() -> None:
    assert verdicts(run(ssh_privileged, world(TWO, SUDO, modes=MODES))) == {"root": "pass", "bob": "pass"}


def test_ordinary_account_is_not_asked() -> None:
    files = {**SUDO, "/etc/group": "root:x:0:\nbob:x:1001:\nsudo:x:27:\ndaemon:x:1:\n"}
    assert verdicts(run(ssh_privileged, world(ONE, files, modes=MODES))) == {"root": "pass"}


def test_unseen_sudoers() -> None:
    judged = verdicts(run(ssh_privileged, world(ONE, SUDO, modes=MODES, unseen=["/etc/sudoers"])))
    assert judged.get("bob", judged.get("")) == "unknown"


def test_no_sshd() -> None:
    assert verdicts(run(ssh_privileged, host_with({}, artifacts={"packages": "bash 5.2\n"}))) == {"": "not_applicable"}
