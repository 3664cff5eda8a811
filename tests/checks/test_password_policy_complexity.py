"""A password needs several kinds of characters."""

from __future__ import annotations

import pytest
from sovaudit.content.checks.password_policy.complexity import complexity

from sovaudit.testing import host_with, run, verdicts

UNIX = "password required pam_unix.so use_authtok yescrypt\n"


def answer(arguments: str, conf: str = "", **knobs: object) -> tuple[str, str]:
    stack = f"password requisite pam_pwquality.so {arguments}\n{UNIX}"
    files = {"/etc/pam.d/passwd": stack, "/etc/pam.d/chpasswd": stack, "/etc/security/pwquality.conf": conf}
    found = verdicts(run(complexity, host_with(files), **knobs))
    return found["user"], found["root"]


@pytest.mark.parametrize(
    ("arguments", "conf", "expected"),
    [
        ("", "", ("fail", "fail")),
        ("minclass=3", "", ("pass", "fail")),
        ("minclass=2", "", ("fail", "fail")),
        ("minclass=3 enforce_for_root", "", ("pass", "pass")),
        ("", "minclass = 3\nenforce_for_root\n", ("pass", "pass")),
        ("minclass=0", "minclass = 3\n", ("fail", "fail")),
        ("dcredit=-1 ucredit=-1 lcredit=-1", "", ("pass", "fail")),
        ("dcredit=-1 ucredit=-1", "", ("fail", "fail")),
        ("minclass=4 enforcing=0", "", ("fail", "fail")),
        ("maxclassrepeat=3", "", ("fail", "fail")),
    ],
)
def test_the_plainest_password_decides(arguments: str, conf: str, expected: tuple[str, str]) -> None:
    assert answer(arguments, conf) == expected


def test_the_number_is_a_knob() -> None:
    assert answer("minclass=2", min_classes=2)[0] == "pass"
    assert answer("minclass=3", min_classes=4)[0] == "fail"


def test_passwdqc_counts_by_its_own_list() -> None:
    kinds = {
        "disabled,disabled,disabled,8,7": "pass", "disabled,24,11,8,7": "fail", "disabled,disabled,11,8,7": "fail", "30,24,11,8,7": "fail",
        "disabled,24,disabled,8,7": "pass", "disabled,24,11": "pass",  # it refuses such an option, and every password with it
    }  # fmt: skip
    for minimum, verdict in kinds.items():
        stack = f"password requisite pam_passwdqc.so min={minimum}\n{UNIX}"
        found = verdicts(run(complexity, host_with({"/etc/pam.d/passwd": stack, "/etc/pam.d/chpasswd": stack})))
        assert found == {"user": verdict, "root": verdict}


def test_no_password_at_all_passes() -> None:
    deny = "password required pam_deny.so\n"
    assert verdicts(run(complexity, host_with({"/etc/pam.d/passwd": deny, "/etc/pam.d/chpasswd": deny}))) == {
        "user": "pass",
        "root": "pass",
    }


def test_what_was_not_seen_is_unknown() -> None:
    assert verdicts(run(complexity, host_with(unseen=["/etc/pam.d"]))) == {"user": "unknown", "root": "unknown"}
    stack = f"password requisite pam_strong.so\n{UNIX}"
    found = verdicts(run(complexity, host_with({"/etc/pam.d/passwd": stack, "/etc/pam.d/chpasswd": stack})))
    assert "pass" not in found.values()
