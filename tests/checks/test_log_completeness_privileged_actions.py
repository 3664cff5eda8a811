from __future__ import annotations

import pytest

from checks.log_completeness.privileged_actions import privileged_actions
from sovaudit.testing import run, verdicts
from tests.audit_hosts import AUTH, LOGINUID, PLAIN, RULES, audit_host

PASS = dict.fromkeys(("commands", "sshd", "login", "cron", "su", "sudo"), "pass")
ROOT_LOGS_IN = {"/etc/shadow": "root:$y$j9T$masked:19000:0:99999:7:::\n"}
EXEC = " -S execve -F euid=0 -F auid>=1000 -F auid!=unset"


@pytest.mark.parametrize("live", [False, True])
def test_a_good_host_passes(live: bool) -> None:
    assert verdicts(run(privileged_actions, audit_host(live=live))) == PASS


@pytest.mark.parametrize(
    ("rules", "wanted"),
    [
        pytest.param(RULES.replace(EXEC, " -S execve"), "pass", id="everything that is run"),
        pytest.param(RULES.replace(EXEC, " -S execve -F uid=0"), "pass", id="by root's real id"),
        pytest.param(RULES.replace(EXEC, " -S execve -C uid!=euid"), "fail", id="only the step to root"),
        pytest.param(RULES.replace(EXEC, " -S execve -C auid!=euid"), "pass", id="as somebody else than one is"),
        pytest.param(RULES.replace(f"arch=b32{EXEC}", "arch=b32 -S chmod"), "fail", id="64-bit only"),
        pytest.param("-w /usr/bin/sudo -p x\n-w /usr/bin/su -p x\n", "fail", id="the doors only"),
        pytest.param("-a always,exit -F dir=/usr/bin -F perm=x\n", "fail", id="programs of one folder"),
        pytest.param("-a always,exit -F perm=x -F auid>=1000\n", "pass", id="whatever is executed"),
        pytest.param(RULES + "-a always,exclude -F msgtype=EXECVE\n", "fail", id="without arguments"),
        pytest.param(RULES + "-a always,exclude -F msgtype=CWD\n", "pass", id="without the folder"),
        pytest.param("-a never,exit -F arch=b64 -S execve -F exe=/usr/bin/ls\n" + RULES, "fail", id="a program left out"),
        pytest.param("-a never,exit -F auid=1000\n" + RULES, "fail", id="a person left out"),
        pytest.param("-a never,user\n" + RULES, "pass", id="another list"),
        pytest.param("-a always,task\n", "pass", id="every act of every process"),
        pytest.param(RULES.replace("auid!=unset", "auid!=-1"), "pass", id="unset as a number"),
    ],
)  # fmt: skip
def test_rules(rules: str, wanted: str) -> None:
    assert verdicts(run(privileged_actions, audit_host(rules=rules, modes={"/usr/bin": (0o755, 0, 0)})))["commands"] == wanted


def test_roots_own_login_counts_where_root_can_log_in() -> None:
    assert verdicts(run(privileged_actions, audit_host(ROOT_LOGS_IN)))["commands"] == "fail"
    assert verdicts(run(privileged_actions, audit_host(ROOT_LOGS_IN, rules=RULES.replace("auid>=1000", "auid>=0"))))["commands"] == "pass"
    key = {"/root/.ssh/authorized_keys": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f x\n"}
    modes = {"/root/.ssh": (0o700, 0, 0), "/root": (0o700, 0, 0), "/root/.ssh/authorized_keys": (0o600, 0, 0), "/bin/bash": (0o755, 0, 0)}
    assert verdicts(run(privileged_actions, audit_host(key, modes=modes)))["commands"] == "fail"
    closed = {"/etc/ssh/sshd_config": "UsePAM yes\nPermitRootLogin no\n"}
    assert verdicts(run(privileged_actions, audit_host(key | closed, modes=modes)))["commands"] == "pass"


@pytest.mark.parametrize(
    ("service", "session", "wanted"),
    [
        ("sshd", PLAIN, "fail"),
        ("login", PLAIN, "fail"),
        ("cron", "", "fail"),
        ("sshd", "#" + LOGINUID, "fail"),
        ("sshd", "session sufficient pam_permit.so\n" + LOGINUID, "fail"),
        ("sshd", "session [success=1 default=ignore] pam_permit.so\n" + LOGINUID, "fail"),
        ("sshd", "session [success=2 default=ignore] pam_permit.so\nsession optional pam_permit.so\n" + LOGINUID, "fail"),
        ("sshd", "session [success=1 default=ignore] pam_succeed_if.so user = bob\n" + LOGINUID, "unknown"),
        ("sshd", "session optional pam_loginuid.so\n", "pass"),
        ("sshd", "session required pam_nosuch.so\n" + LOGINUID, "pass"),
        ("sshd", "account required pam_loginuid.so\n" + PLAIN, "pass"),
        ("su", LOGINUID, "fail"),
        ("sudo", LOGINUID, "fail"),
    ],
)
def test_pam_decides_whose_name_the_records_bear(service: str, session: str, wanted: str) -> None:
    other = {} if session or service == "su" else {"/etc/pam.d/other": AUTH + PLAIN}
    host = audit_host({f"/etc/pam.d/{service}": AUTH + session, **other})
    assert verdicts(run(privileged_actions, host)) == PASS | {service: wanted}


def test_sshd_without_pam_sets_no_login_id() -> None:
    assert verdicts(run(privileged_actions, audit_host({"/etc/ssh/sshd_config": "UsePAM no\n"})))["sshd"] == "fail"


def test_a_missing_module_sets_nothing() -> None:
    host = audit_host({"/usr/lib/security/pam_loginuid.so": None})
    assert verdicts(run(privileged_actions, host)) == PASS | dict.fromkeys(("sshd", "login", "cron"), "fail")


def test_unseen_stacks_are_unknown() -> None:
    assert verdicts(run(privileged_actions, audit_host(unseen=["/etc/pam.d/sshd"])))["sshd"] == "unknown"
    assert verdicts(run(privileged_actions, audit_host(unseen=["/etc/audit/rules.d/audit.rules"])))["commands"] == "unknown"
