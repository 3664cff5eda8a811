from __future__ import annotations

import pytest

from checks.log_completeness.privilege_changes import privilege_changes
from sovaudit.testing import run, verdicts
from tests.audit_hosts import RULES, audit_host

FILE, FOLDER = "-w /etc/sudoers -p wa -k w\n", "-w /etc/sudoers.d/ -p wa -k w\n"
PASS = {"/etc/sudoers": "pass", "/etc/sudoers.d": "pass"}


@pytest.mark.parametrize("live", [False, True])
def test_watches_on_both_pass(live: bool) -> None:
    assert verdicts(run(privilege_changes, audit_host(live=live))) == PASS


@pytest.mark.parametrize(
    ("rules", "file", "folder"),
    [
        pytest.param(RULES.replace(FOLDER, ""), "pass", "fail", id="the folder is missing"),
        pytest.param(RULES.replace(FILE, ""), "fail", "pass", id="the file is missing"),
        pytest.param(RULES.replace(FOLDER, "-w /etc/sudoers.d/README -p wa\n"), "pass", "fail", id="only the file in it"),
        pytest.param(RULES.replace(FOLDER, "-a always,exit -F path=/etc/sudoers.d -F perm=wa\n"), "pass", "fail", id="the folder's own name"),
        pytest.param(RULES.replace(FOLDER, "-a always,exit -F dir=/etc/sudoers.d -F perm=wa\n"), "pass", "pass", id="dir="),
        pytest.param(RULES.replace(FILE, "-w /etc/sudoers -p r\n"), "fail", "pass", id="reading"),
        pytest.param("-w /etc -p wa\n", "pass", "pass", id="all of etc"),
        pytest.param(RULES.replace(FILE, "-w /etc/sudoers -p wa -F success=0\n"), "fail", "pass", id="failures"),
        pytest.param(RULES.replace(FILE, "-a always,exit -F dir=/etc/sudoers -F perm=wa\n"), "fail", "pass", id="dir= of a file"),
        pytest.param(RULES.replace(FILE, FILE + "-a never,exit -F path=/etc/sudoers -F perm=wa\n"), "fail", "pass", id="a never on the same file"),
        pytest.param(RULES.replace(FILE, "-a never,exit -F exe=/usr/sbin/visudo -S all\n" + FILE), "fail", "fail", id="a program left out"),
    ],
)  # fmt: skip
def test_rules(rules: str, file: str, folder: str) -> None:
    assert verdicts(run(privilege_changes, audit_host(rules=rules))) == {"/etc/sudoers": file, "/etc/sudoers.d": folder}


def test_a_watch_set_before_the_folder_exists_is_one_of_a_name() -> None:
    host = audit_host({"/etc/sudoers.d/README": None})
    assert verdicts(run(privilege_changes, host)) == PASS


def test_without_sudo_there_is_nothing_to_record() -> None:
    host = audit_host({"/etc/sudoers": None, "/etc/sudoers.d/README": None, "/usr/bin/sudo": None})
    assert [outcome.verdict.value for outcome in run(privilege_changes, host)] == ["not_applicable"]


def test_unseen_rules_are_unknown() -> None:
    assert set(verdicts(run(privilege_changes, audit_host(unseen=["/etc/audit/rules.d"]))).values()) == {"unknown"}
