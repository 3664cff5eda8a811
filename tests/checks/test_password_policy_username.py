"""Passwords built on the login name are refused."""

from __future__ import annotations

import pytest
from sovaudit.content.checks.password_policy.username import username

from sovaudit.testing import host_with, run, verdicts

STACK = "password requisite {}\npassword required pam_unix.so use_authtok\n"
PASSWD = "root:x:0:0::/root:/bin/bash\nal:x:1000:1000::/home/al:/bin/bash\nalice:x:1001:1001::/home/alice:/bin/bash\nsys:x:3:3::/:/bin/sh\n"
SHADOW = "root:*:19000::::::\nal:$6$masked:19000::::::\nalice:$6$masked:19000::::::\nsys:!:19000::::::\n"


def answer(module: str) -> dict[str, str]:
    stack = STACK.format(module)
    files = {"/etc/pam.d/passwd": stack, "/etc/pam.d/chpasswd": stack, "/etc/passwd": PASSWD, "/etc/shadow": SHADOW}
    return verdicts(run(username, host_with(files)))


@pytest.mark.parametrize(
    ("module", "user", "root"),
    [
        ("pam_pwquality.so", "pass", "fail"),
        ("pam_pwquality.so enforce_for_root", "pass", "pass"),
        ("pam_pwquality.so usercheck=0", "fail", "fail"),
        ("pam_pwquality.so enforcing=0", "fail", "fail"),
        ("pam_cracklib.so", "fail", "fail"),
        ("pam_cracklib.so reject_username", "pass", "fail"),
        ("pam_passwdqc.so", "fail", "fail"),
        ("pam_permit.so", "pass", "pass"),
    ],
)
def test_who_looks_for_the_name(module: str, user: str, root: str) -> None:
    found = answer(module)
    assert (found["user"], found["root"]) == (user, root)


def test_short_names_are_not_looked_for() -> None:
    assert answer("pam_pwquality.so enforce_for_root") == {"user": "pass", "root": "pass", "al": "fail"}


def test_what_was_not_seen_is_unknown() -> None:
    assert set(verdicts(run(username, host_with(unseen=["/etc/pam.d"]))).values()) == {"unknown"}
