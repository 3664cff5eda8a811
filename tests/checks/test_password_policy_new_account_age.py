"""New accounts are born with a password that expires."""

from __future__ import annotations

import pytest
from sovaudit.content.checks.password_policy.new_account_age import new_account_age

from sovaudit.testing import host_with, run, verdicts

PROGRAM = {"/usr/sbin/useradd": ""}


def answer(text: str, **knobs: object) -> str:
    host = host_with({**PROGRAM, "/etc/login.defs": text})
    return verdicts(run(new_account_age, host, **knobs))["new accounts"]


@pytest.mark.parametrize(
    "text", ["PASS_MAX_DAYS 365\n", "PASS_MAX_DAYS\t90\n", "PASS_MAX_DAYS 0x16d\n", "PASS_MAX_DAYS 999\nPASS_MAX_DAYS 60\n"]
)
def test_a_limit_passes(text: str) -> None:
    assert answer(text) == "pass"


@pytest.mark.parametrize(
    "text", ["", "PASS_MAX_DAYS 366\n", "PASS_MAX_DAYS=90\n", "pass_max_days 90\n", "PASS_MAX_DAYS 90 # days\n", "PASS_MAX_DAYS -1\n",
             "PASS_MAX_DAYS 90\nPASS_MAX_DAYS ninety\n", "PASS_MAX_DAYS 99999\n", "#PASS_MAX_DAYS 90\n", "PASS_MAX_DAYS = 90\n"],
)  # fmt: skip
def test_no_limit_or_too_long_a_one_fails(text: str) -> None:
    assert answer(text) == "fail"


def test_some_directives_forbid_a_limit() -> None:
    assert (answer("PASS_MAX_DAYS 90\n", max_days=None), answer("", max_days=None)) == ("fail", "pass")


def test_busybox_writes_99999_whatever_is_configured() -> None:
    host = host_with({"/bin/busybox": "", "/etc/login.defs": "PASS_MAX_DAYS 90\n"}, links={"/usr/sbin/adduser": "/bin/busybox"})
    assert verdicts(run(new_account_age, host)) == {"new accounts": "fail"}


def test_without_a_program_the_question_does_not_arise() -> None:
    assert verdicts(run(new_account_age, host_with())) == {"new accounts": "not_applicable"}


def test_without_shadow_passwords_have_no_age() -> None:
    passwd = "root:*:0:0::/root:/bin/bash\n"
    host = host_with({**PROGRAM, "/etc/login.defs": "PASS_MAX_DAYS 90\n", "/etc/passwd": passwd, "/etc/group": ""}, minimal=False)
    assert verdicts(run(new_account_age, host)) == {"new accounts": "fail"}


def test_what_was_not_seen_is_unknown() -> None:
    host = host_with(PROGRAM, unseen=["/etc/login.defs"])
    assert verdicts(run(new_account_age, host)) == {"new accounts": "unknown"}
    suse = host_with({**PROGRAM, "/etc/os-release": 'ID="sles"\nID_LIKE="suse"\n', "/etc/login.defs": "PASS_MAX_DAYS 90\n"})
    assert verdicts(run(new_account_age, suse)) == {"new accounts": "unknown"}
