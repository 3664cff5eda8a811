"""An SSH connection allows few tries."""

from __future__ import annotations

import pytest
from sovaudit.content.checks.password_policy.ssh_attempts import ssh_attempts

from sovaudit.testing import host_with, run, verdicts

PASSWD = "root:x:0:0::/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/bash\n"


def answer(config: str, **more: object) -> str:
    files = {"/usr/sbin/sshd": "", "/etc/ssh/sshd_config": config, "/etc/passwd": PASSWD}
    return verdicts(run(ssh_attempts, host_with(files), **more))["sshd"]


@pytest.mark.parametrize("config", ["MaxAuthTries 4\n", "maxauthtries=2\n", "MaxAuthTries 3\nMaxAuthTries 9\n", "MaxAuthTries 0\n",
                                    "MaxAuthTries 4\nMatch User nobodyhere\n MaxAuthTries 9\n"])  # fmt: skip
def test_few_tries_pass(config: str) -> None:
    assert answer(config) == "pass"


@pytest.mark.parametrize("config", ["", "MaxAuthTries 5\n", "#MaxAuthTries 3\n", "MaxAuthTries 4\nMatch User alice\n MaxAuthTries 9\n",
                                    "MaxAuthTries 4\nMatch Address 10.0.0.0/8\n MaxAuthTries 9\n"])  # fmt: skip
def test_many_tries_fail(config: str) -> None:
    assert answer(config) == "fail"


def test_the_number_is_a_knob() -> None:
    assert (answer("MaxAuthTries 6\n", attempts=6), answer("MaxAuthTries 6\n", attempts=5)) == ("pass", "fail")


def test_the_account_that_may_try_more_is_named() -> None:
    files = {"/usr/sbin/sshd": "", "/etc/ssh/sshd_config": "MaxAuthTries 4\nMatch User alice\n MaxAuthTries 9\n", "/etc/passwd": PASSWD}
    outcome = run(ssh_attempts, host_with(files))[0]
    assert (outcome.args["name"], [line.number for line in outcome.because]) == ("alice", [2, 3])


def test_a_server_that_does_not_start_allows_none() -> None:
    files = {"/usr/sbin/sshd": "", "/etc/ssh/sshd_config": "MaxAuthTries four\n"}
    assert verdicts(run(ssh_attempts, host_with(files, kind="root"))) == {"sshd": "pass"}


def test_no_sshd() -> None:
    assert verdicts(run(ssh_attempts, host_with({}, artifacts={"packages": ""}, kind="root"))) == {"sshd": "not_applicable"}


def test_an_unseen_configuration_is_unknown() -> None:
    host = host_with({"/usr/sbin/sshd": ""}, unseen=["/etc/ssh/sshd_config"])
    assert verdicts(run(ssh_attempts, host)) == {"sshd": "unknown"}
