"""Every password of an account expires."""

from __future__ import annotations

import pytest
from sovaudit.content.checks.password_policy.max_age import max_age

from sovaudit.testing import host_with, run, verdicts

PASSWD = "root:x:0:0::/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/bash\n"


def answer(days: str) -> str:
    shadow = f"root:*:19000:0:99999:7:::\nalice:$y$j9T$masked:20500:0:{days}:7:::\n"
    pam = "auth required pam_unix.so\naccount required pam_unix.so\n"
    files = {"/etc/passwd": PASSWD, "/etc/shadow": shadow, "/etc/pam.d/login": pam, "/etc/pam.d/other": pam}
    return verdicts(run(max_age, host_with(files)))["alice"]


@pytest.mark.parametrize("days", ["99999", "", "366"])
def test_a_password_that_stays_too_long_fails(days: str) -> None:
    assert answer(days) == "fail"


def test_unseen_shadow_is_unknown() -> None:
    assert "unknown" in verdicts(run(max_age, host_with({"/etc/passwd": PASSWD}, unseen=["/etc/shadow"]))).values()
