"""Old passwords are refused."""

from __future__ import annotations

import pytest
from sovaudit.content.checks.password_policy.history import history

from sovaudit.testing import host_with, run, verdicts

OPASSWD = {"/etc/security/opasswd": ""}


def answer(module: str, unix: str = "use_authtok", version: str = "1.5.2-6", **files: str) -> tuple[str, str]:
    stack = f"password requisite pam_pwquality.so\npassword required {module}\npassword required pam_unix.so {unix}\n"
    host = host_with(
        {"/etc/pam.d/passwd": stack, "/etc/pam.d/chpasswd": stack, **OPASSWD, **files},
        artifacts={"packages": f"libpam-modules {version}\n"},
    )
    found = verdicts(run(history, host))
    return found["user"], found["root"]


@pytest.mark.parametrize(
    ("module", "unix", "user", "root"),
    [
        ("pam_permit.so", "use_authtok", "fail", "fail"),
        ("pam_pwhistory.so remember=5 use_authtok", "use_authtok", "pass", "fail"),
        ("pam_pwhistory.so remember=4 use_authtok", "use_authtok", "fail", "fail"),
        ("pam_pwhistory.so use_authtok enforce_for_root", "use_authtok", "pass", "pass"),
        ("pam_pwhistory.so remember=0 use_authtok", "use_authtok", "fail", "fail"),
        ("pam_permit.so", "use_authtok remember=5", "pass", "fail"),
        ("pam_permit.so", "use_authtok remember=4", "fail", "fail"),
        ("pam_permit.so", "use_authtok remember=x", "fail", "fail"),
    ],
)
def test_how_far_back_the_modules_look(module: str, unix: str, user: str, root: str) -> None:
    assert answer(module, unix) == (user, root)


def test_newer_versions_read_a_file() -> None:
    conf = {"/etc/security/pwhistory.conf": "remember = 2\n"}
    assert answer("pam_pwhistory.so use_authtok", **conf) == ("pass", "fail")
    assert answer("pam_pwhistory.so use_authtok", version="1.7.0-5", **conf) == ("fail", "fail")
    assert answer("pam_pwhistory.so use_authtok remember=6", version="1.7.0-5", **conf) == ("pass", "fail")


def test_the_number_is_a_knob_and_the_depth_is_told() -> None:
    stack = "password required pam_pwhistory.so remember=3\npassword required pam_unix.so use_authtok\n"
    host = host_with({"/etc/pam.d/passwd": stack, **OPASSWD}, artifacts={"packages": "libpam-modules 1.5.2-6\n"})
    outcomes = run(history, host)
    assert next((outcome.subject, outcome.verdict.value, outcome.seen) for outcome in outcomes) == ("user", "fail", "3")
    assert verdicts(run(history, host, remember=3))["user"] == "pass"


def test_what_was_not_seen_is_unknown() -> None:
    assert verdicts(run(history, host_with(unseen=["/etc/pam.d"]))) == {"user": "unknown", "root": "unknown"}
