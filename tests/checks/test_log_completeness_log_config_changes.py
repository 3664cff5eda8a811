from __future__ import annotations

import pytest

from checks.log_completeness.log_config_changes import log_config_changes
from sovaudit.testing import run, verdicts
from tests.audit_hosts import RULES, audit_host

ALL = ("/etc/audit", "/etc/rsyslog.conf", "/etc/rsyslog.d", "/etc/systemd/journald.conf")
PASS = dict.fromkeys(ALL, "pass")


@pytest.mark.parametrize("live", [False, True])
def test_a_watch_on_each_passes(live: bool) -> None:
    assert verdicts(run(log_config_changes, audit_host(live=live))) == PASS


@pytest.mark.parametrize("path", ALL)
def test_each_missing_watch_fails(path: str) -> None:
    rules = "".join(line + "\n" for line in RULES.splitlines() if not line.startswith((f"-w {path} ", f"-w {path}/ ")))
    assert verdicts(run(log_config_changes, audit_host(rules=rules))) == PASS | {path: "fail"}


def test_what_is_not_installed_is_not_asked_for() -> None:
    host = audit_host({"/usr/sbin/rsyslogd": None, "/usr/lib/systemd/systemd-journald": None})
    assert verdicts(run(log_config_changes, host)) == {"/etc/audit": "pass"}


def test_drop_ins_of_journald_count_where_they_are() -> None:
    change = {"/etc/systemd/journald.conf.d/a.conf": "[Journal]\n"}
    assert verdicts(run(log_config_changes, audit_host(change))) == PASS | {"/etc/systemd/journald.conf.d": "fail"}
    rules = RULES.replace("-e 2", "-w /etc/systemd -p wa\n-e 2")
    assert verdicts(run(log_config_changes, audit_host(change, rules=rules))) == PASS | {"/etc/systemd/journald.conf.d": "pass"}


def test_a_file_that_does_not_exist_yet_may_be_made() -> None:
    change = {"/etc/systemd/journald.conf": None, "/etc/systemd/.keep": ""}
    assert verdicts(run(log_config_changes, audit_host(change))) == PASS
    rules = RULES.replace("-w /etc/systemd/journald.conf -p wa -k w\n", "")
    assert verdicts(run(log_config_changes, audit_host(change, rules=rules)))["/etc/systemd/journald.conf"] == "fail"


def test_unseen_rules_are_unknown() -> None:
    assert set(verdicts(run(log_config_changes, audit_host(unseen=["/etc/audit/rules.d/audit.rules"]))).values()) == {"unknown"}
