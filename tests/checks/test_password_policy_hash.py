"""Stored and newly set passwords use a strong scheme."""

from __future__ import annotations

import pytest
from sovaudit.content.checks.password_policy import hash as module

from sovaudit.authoring import Check
from sovaudit.testing import host_with, run, verdicts

PASSWD = "root:x:0:0::/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/bash\n"
(CHECK,) = [value for value in vars(module).values() if isinstance(value, Check)]


@pytest.mark.parametrize(
    ("stored", "verdict"),
    [("$y$j9T$masked", "pass"), ("$6$masked", "pass"), ("!$1$masked", "fail"), ("$1$masked", "fail"), ("<des>", "fail")],
)
def test_a_stored_password(stored: str, verdict: str) -> None:
    shadow = f"root:*:19000:0:99999:7:::\nalice:{stored}:20500:0:90:7:::\n"
    assert verdicts(run(CHECK, host_with({"/etc/passwd": PASSWD, "/etc/shadow": shadow})))["alice"] == verdict


def test_unseen_shadow_is_unknown() -> None:
    assert "unknown" in verdicts(run(CHECK, host_with({"/etc/passwd": PASSWD}, unseen=["/etc/shadow"]))).values()
