"""Guessing a password is stopped."""

from __future__ import annotations

import pytest
from sovaudit.content.checks.password_policy.lockout import lockout

from sovaudit.testing import host_with, run, verdicts

DENY = "auth requisite pam_deny.so\nauth required pam_permit.so\naccount required pam_unix.so\nsession required pam_permit.so\n"
UNIX = "auth [success=1 default=ignore] pam_unix.so\n"
PASSWD = "root:x:0:0::/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/bash\nbob:x:1001:1001::/home/bob:/bin/bash\n"
SHADOW = "root:*:19000::::::\nalice:$6$masked:19000::::::\nbob:$6$masked:19000::::::\n"
GROUP = "root:x:0:\nstaff:x:50:bob\n"
ACCOUNT = "account required pam_unix.so\nsession required pam_permit.so\n"


def stack(pre: str = "deny=5 unlock_time=900", fail: str = "deny=5 unlock_time=900") -> str:
    before, after = f"auth required pam_faillock.so preauth {pre}\n", f"auth [default=die] pam_faillock.so authfail {fail}\n"
    return f"{before}{UNIX}{after}auth required pam_permit.so\n{ACCOUNT}"


def answer(auth: str, files: dict[str, str] | None = None, **knobs: object) -> dict[str, str]:
    people = {"/etc/passwd": PASSWD, "/etc/shadow": SHADOW, "/etc/group": GROUP}
    packages = {"packages": "libpam-modules 1.5.2-6\n"}
    host = host_with(
        {**people, "/etc/pam.d/login": auth, **(files or {})}, artifacts=packages, kind="root", modes={"/bin/sh": (0o755, 0, 0)}
    )
    return verdicts(run(lockout, host, **knobs))


@pytest.mark.parametrize(
    ("auth", "verdict"),
    [
        (stack(), "pass"),
        (stack("deny=5 unlock_time=899", "deny=5 unlock_time=899"), "fail"),
        (stack("deny=6 unlock_time=900", "deny=6 unlock_time=900"), "fail"),
        (stack("deny=5 unlock_time=0", "deny=5"), "pass"),
        (stack("deny=0", "deny=0"), "fail"),
        (stack("", ""), "fail"),
        (stack(fail="deny=3 unlock_time=900"), "fail"),
        (stack("deny=5 unlock_time=900 dir=/var/lib/x"), "fail"),
        (stack("deny=5 unlock_time=900 fail_interval=3", "deny=5 unlock_time=900 fail_interval=3"), "fail"),
        (f"auth required pam_faillock.so preauth deny=5 unlock_time=900\n{UNIX}{DENY}", "fail"),
        (f"{UNIX}auth [default=die] pam_faillock.so authfail deny=5 unlock_time=900\nauth required pam_permit.so\n{ACCOUNT}", "fail"),
        (f"auth required pam_tally2.so deny=5\n{UNIX}{DENY}", "pass"),
        (f"auth required pam_tally2.so deny=6\n{UNIX}{DENY}", "fail"),
        (f"auth required pam_tally2.so\n{UNIX}{DENY}", "fail"),
        (f"auth sufficient pam_unix.so\nauth required pam_tally2.so deny=3\n{ACCOUNT}", "fail"),
        (f"auth required pam_unix.so\n{ACCOUNT}", "fail"),
        (f"auth required pam_deny.so\n{ACCOUNT}", "not_applicable"),
        (f"auth required pam_strange.so\nauth required pam_unix.so\n{ACCOUNT}", "unknown"),
        (f"auth required pam_script.so /usr/local/bin/x\nauth required pam_unix.so\n{ACCOUNT}", "unknown"),
    ],
)  # fmt: skip
def test_wrong_passwords_and_then_the_right_one(auth: str, verdict: str) -> None:
    assert answer(auth)["login"] == verdict


def test_both_numbers_are_knobs() -> None:
    assert answer(stack(), attempts=4)["login"] == "fail"
    assert answer(stack(), attempts=9, unlock_seconds=900)["login"] == "pass"
    assert answer(stack(), unlock_seconds=901)["login"] == "fail"


def test_whoever_is_spared_is_named() -> None:
    spared = stack("deny=5 unlock_time=900 admin_group=staff", "deny=5 unlock_time=900 admin_group=staff")
    people = {"/etc/passwd": PASSWD, "/etc/shadow": SHADOW, "/etc/group": GROUP}
    outcome = run(lockout, host_with({**people, "/etc/pam.d/login": spared}, kind="root", artifacts={"packages": ""}))[0]
    assert (outcome.subject, outcome.verdict.value, outcome.args["name"]) == ("login", "fail", "bob")


def test_a_place_that_was_not_seen_is_unknown() -> None:
    host = host_with(
        {"/etc/pam.d/login": stack(*["deny=5 unlock_time=900 dir=/data/locks"] * 2), "/data/other": ""},
        unseen=["/data/locks"], kind="root", artifacts={"packages": "libpam-modules 1.5.2-6\n"},
    )  # fmt: skip
    assert verdicts(run(lockout, host))["login"] == "unknown"


def test_sshd_without_pam_counts_nothing() -> None:
    sshd = {"/usr/sbin/sshd": "", "/etc/pam.d/sshd": stack()}
    assert answer(stack(), {**sshd, "/etc/ssh/sshd_config": "UsePAM no\n"})["sshd"] == "fail"
    assert answer(stack(), {**sshd, "/etc/ssh/sshd_config": "UsePAM yes\n"})["sshd"] == "pass"
    keys = "UsePAM yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
    assert answer(stack(), {**sshd, "/etc/ssh/sshd_config": keys})["sshd"] == "not_applicable"
    only = "UsePAM yes\nAuthenticationMethods publickey\n"
    assert answer(stack(), {**sshd, "/etc/ssh/sshd_config": only})["sshd"] == "not_applicable"


def test_a_service_without_a_file_falls_to_other() -> None:
    found = answer(stack(), {"/usr/bin/su": "", "/etc/pam.d/other": f"auth required pam_unix.so\n{ACCOUNT}"})
    assert (found["login"], found["su"]) == ("pass", "fail")


def test_what_was_not_seen_is_unknown() -> None:
    assert set(verdicts(run(lockout, host_with(unseen=["/etc/pam.d"]))).values()) == {"unknown"}
    host = host_with({"/etc/pam.d/login": stack(), "/etc/security/limits.conf": ""}, unseen=["/etc/security/faillock.conf"], kind="root")
    assert verdicts(run(lockout, host))["login"] == "unknown"


def test_a_host_where_nothing_asks_for_a_password() -> None:
    assert verdicts(run(lockout, host_with())) == {"": "not_applicable"}
    assert "not_applicable" not in verdicts(run(lockout, host_with(unseen=["/etc/pam.d"]))).values()
