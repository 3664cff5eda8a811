from __future__ import annotations

import pytest

from checks.log_completeness.audit_protected import audit_protected
from sovaudit.testing import run, verdicts
from tests.audit_hosts import CONF, RULES, STATUS, audit_host

ACTIONS = ("disk_full_action", "disk_error_action", "space_left_action", "admin_space_left_action", "max_log_file_action")
PASS = dict.fromkeys(("immutable", "files", "failure", *ACTIONS), "pass")


@pytest.mark.parametrize("live", [False, True])
def test_a_good_host_passes(live: bool) -> None:
    assert verdicts(run(audit_protected, audit_host(live=live))) == PASS


@pytest.mark.parametrize(
    ("rules", "wanted"),
    [
        pytest.param(RULES.replace("-e 2\n", ""), "fail", id="no lock"),
        pytest.param(RULES.replace("-e 2", "-e 1"), "fail", id="only switched on"),
        pytest.param("-e 2\n" + RULES.replace("-e 2\n", ""), "pass", id="the lock moves last"),
        pytest.param(RULES + "-e 1\n", "fail", id="the last switch counts"),
        pytest.param(" -e 2\n" + RULES.replace("-e 2\n", ""), "pass", id="an indented lock stays, and stops what follows"),
        pytest.param("-w /nope/x -p wa\n" + RULES, "fail", id="never reached"),
        pytest.param("-i\n-w /nope/x -p wa\n" + RULES, "pass", id="reached"),
        pytest.param(RULES.replace("-e 2", "-e 2 # locked"), "pass", id="an error behind the lock comes too late"),
        pytest.param(RULES.replace("-e 2", "# -e 2"), "fail", id="commented"),
    ],
)
def test_the_lock(rules: str, wanted: str) -> None:
    assert verdicts(run(audit_protected, audit_host(rules=rules)))["immutable"] == wanted


def test_the_running_kernel_must_be_locked_too() -> None:
    host = audit_host(live=True, commands={"auditctl-s": (0, STATUS.replace("enabled 2", "enabled 1"))})
    assert verdicts(run(audit_protected, host))["immutable"] == "fail"
    host = audit_host(live=True, unseen=["cmd:auditctl-s"])
    assert verdicts(run(audit_protected, host)) | {"failure": "unknown", "immutable": "unknown"} == verdicts(run(audit_protected, host))


@pytest.mark.parametrize(
    ("path", "mode", "wanted"),
    [
        ("/etc/audit/auditd.conf", (0o640, 0, 0), "pass"),
        ("/etc/audit/auditd.conf", (0o660, 0, 0), "pass"),
        ("/etc/audit/auditd.conf", (0o660, 0, 4), "fail"),
        ("/etc/audit/rules.d/audit.rules", (0o646, 0, 0), "fail"),
        ("/etc/audit/rules.d/audit.rules", (0o644, 1000, 0), "fail"),
        ("/etc/audit/rules.d", (0o777, 0, 0), "fail"),
        ("/etc/audit/rules.d", (0o755, 0, 0), "pass"),
    ],
)
def test_who_may_write_the_files(path: str, mode: tuple[int, int, int], wanted: str) -> None:
    assert verdicts(run(audit_protected, audit_host(modes={path: mode})))["files"] == wanted


@pytest.mark.parametrize(
    ("key", "value", "wanted"),
    [
        ("disk_full_action", "SUSPEND", "fail"),
        ("disk_full_action", "rotate", "fail"),
        ("disk_full_action", "single", "pass"),
        ("disk_full_action", "syslog", "fail"),
        ("disk_full_action", "ignore", "fail"),
        ("disk_full_action", "exec /usr/bin/mawk", "unknown"),
        ("disk_error_action", "ignore", "fail"),
        ("disk_error_action", "halt", "pass"),
        ("disk_error_action", "suspend", "fail"),
        ("space_left_action", "ignore", "fail"),
        ("space_left_action", "syslog", "pass"),
        ("space_left_action", "SUSPEND", "fail"),
        ("admin_space_left_action", "suspend", "fail"),
        ("admin_space_left_action", "halt", "pass"),
        ("max_log_file_action", "rotate", "fail"),
        ("max_log_file_action", "ignore", "pass"),
        ("max_log_file_action", "suspend", "fail"),
    ],
)
def test_actions(key: str, value: str, wanted: str) -> None:
    conf = "".join(f"{key} = {value}\n" if line.startswith(f"{key} ") else line + "\n" for line in CONF.splitlines())
    host = audit_host(conf=conf, modes={"/usr/bin/mawk": (0o755, 0, 0)})
    assert verdicts(run(audit_protected, host)) == PASS | {key: wanted}


def test_the_last_value_counts_and_a_missing_one_is_the_default() -> None:
    assert verdicts(run(audit_protected, audit_host(conf=CONF + "disk_full_action = ignore\n")))["disk_full_action"] == "fail"
    assert verdicts(run(audit_protected, audit_host(conf=CONF.replace("disk_full_action = HALT\n", ""))))["disk_full_action"] == "fail"
    assert verdicts(run(audit_protected, audit_host({"/etc/audit/auditd.conf": None})))["max_log_file_action"] == "pass"


@pytest.mark.parametrize(
    "line",
    [
        "disk_full_action=halt",
        "disc_full_action = halt",
        "disk_full_action = stop",
        "num_logs = many",
        "freq = 0",
        "log_file = /nope/x/audit.log",
        "name\t= x",
        "log_group = nosuch",
        "space_left = 40",
        "disk_error_action = email",
        "write_logs = yes no",
        "space_left_action = exec",
    ],
)
def test_a_line_that_auditd_refuses_silences_it(line: str) -> None:
    found = verdicts(run(audit_protected, audit_host(conf=CONF + line + "\n")))
    assert {found[key] for key in (*ACTIONS, "immutable")} == {"fail"}


def test_lines_that_auditd_passes_over() -> None:
    more = "# comment = x\n\n" + "x" * 170 + "\n"
    assert verdicts(run(audit_protected, audit_host(conf=CONF + more))) == PASS


def test_silent_losses() -> None:
    assert verdicts(run(audit_protected, audit_host(rules=RULES.replace("-f 1", "-f 0"))))["failure"] == "fail"
    assert verdicts(run(audit_protected, audit_host(rules=RULES.replace("-f 1", "-f 2"))))["failure"] == "pass"
    host = audit_host(live=True, commands={"auditctl-s": (0, STATUS.replace("failure 1", "failure 0"))})
    assert verdicts(run(audit_protected, host))["failure"] == "fail"


def test_knobs() -> None:
    found = verdicts(run(audit_protected, audit_host(), full=("single",), error=("halt",), low=("halt",), large=("rotate",)))
    assert found == PASS | dict.fromkeys(ACTIONS, "fail")


def test_without_auditd_nothing_is_protected_or_not() -> None:
    assert [each.verdict.value for each in run(audit_protected, audit_host({"/sbin/auditd": None}))] == ["not_applicable"]
