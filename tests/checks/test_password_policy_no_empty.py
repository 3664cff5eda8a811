"""No account opens with an empty password."""

from __future__ import annotations

from sovaudit.content.checks.password_policy.no_empty import no_empty

from sovaudit.testing import host_with, run, verdicts

PASSWD = "root:x:0:0::/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/bash\n"
EMPTY = "root:*:19000:0:99999:7:::\nalice::20500:0:90:7:::\n"


def answers(shadow: str, **more: object) -> set[str]:
    return set(verdicts(run(no_empty, host_with({"/etc/passwd": PASSWD, "/etc/shadow": shadow}, **more))).values())


def test_a_password_that_is_set_is_no_finding() -> None:
    assert "fail" not in answers(EMPTY.replace("alice::", "alice:$y$j9T$masked:"))


def test_unseen_shadow_is_unknown() -> None:
    found = verdicts(run(no_empty, host_with({"/etc/passwd": PASSWD}, unseen=["/etc/shadow"])))
    assert "unknown" in found.values()
