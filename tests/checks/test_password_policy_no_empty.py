"""No account opens with an empty password."""

from __future__ import annotations

from sovaudit.content.checks.password_policy.no_empty import no_empty

from sovaudit.testing import host_with, run, verdicts

PASSWD = "root:x:0:0::/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/bash\n"
EMPTY = "root:*:19000:0:99999:7:::\nalice::20500:0:90:7:::\n"


PAM = {
    "/etc/pam.d/login": "auth required pam_unix.so nullok\naccount required pam_unix.so\nsession required pam_permit.so\n",
    "/etc/passwd": PASSWD,
}


def answers(shadow: str, pam: str = PAM["/etc/pam.d/login"]) -> dict[str, str]:
    return verdicts(run(no_empty, host_with({**PAM, "/etc/shadow": shadow, "/etc/pam.d/login": pam})))


def test_an_empty_password_that_login_takes_fails() -> None:
    assert answers(EMPTY)["alice"] == "fail"


def test_without_nullok_login_refuses_it() -> None:
    assert answers(EMPTY, "auth required pam_unix.so\naccount required pam_unix.so\n")["alice"] == "pass"


def test_a_password_that_is_set_passes() -> None:
    assert answers(EMPTY.replace("alice::", "alice:$y$j9T$masked:"))["alice"] == "pass"


def test_unseen_shadow_is_unknown() -> None:
    assert "unknown" in verdicts(run(no_empty, host_with(PAM, unseen=["/etc/shadow"]))).values()
