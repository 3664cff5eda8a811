"""two-factor.ssh-password-alone"""

from __future__ import annotations

import pytest
from sovaudit.content.checks.two_factor.ssh_password_alone import ssh_password_alone

from sovaudit.facts.host import Host
from sovaudit.testing import host_with, run, verdicts, without
from tests.checks.ssh_world import ONE, TWO, world

PASSWORD = "UsePAM yes\nPermitRootLogin no\nPubkeyAuthentication no\n"


def judged(host: Host) -> dict[str, str]:
    return verdicts(run(ssh_password_alone, host))


@pytest.mark.parametrize(
    ("config", "verdict", "seen"),
    [
        (ONE, "pass", "key"),  # one factor, and it is no password
        (TWO, "pass", "key + password"),
        (PASSWORD, "fail", "password"),
        ("UsePAM yes\nAuthenticationMethods password,keyboard-interactive\n", "fail", "password"),  # asked twice
        (ONE.replace("KbdInteractiveAuthentication no", "KbdInteractiveAuthentication yes"), "fail", "password"),
        (ONE + "Match Address 10.9.0.0/16\nPasswordAuthentication yes\n", "fail", "password"),
        (ONE + "Match User alice\nPasswordAuthentication yes\n", "pass", "key"),
        ("UsePAM no\nKbdInteractiveAuthentication no\nPubkeyAuthentication no\n", "fail", "password"),
        (PASSWORD + "AllowUsers alice\n", "pass", "no way in"),
    ],
)
def test_configurations(config: str, verdict: str, seen: str) -> None:
    outcome = next(outcome for outcome in run(ssh_password_alone, world(config, kind="root")) if outcome.subject == "bob")
    assert (outcome.verdict.value, outcome.seen) == (verdict, seen)
    assert outcome.because or verdict == "pass"


def test_an_empty_password_is_less_than_one() -> None:
    files = {
        "/etc/shadow": "root:*:19000::::::\nbob::19000::::::\n",
        "/etc/pam.d/sshd": "auth required pam_unix.so nullok\naccount required pam_permit.so\nsession required pam_permit.so\n",
    }
    outcome = run(ssh_password_alone, world(PASSWORD + "PermitEmptyPasswords yes\n", files))[1]
    assert (outcome.verdict.value, outcome.seen) == ("fail", "nothing")


def test_what_was_not_seen_is_unknown() -> None:
    assert judged(world(PASSWORD, unseen=["/etc/shadow"]))["bob"] == "unknown"
    assert judged(world(ONE, unseen=["/etc/shadow"]))["bob"] == "pass"  # no password is asked for
    assert judged(world(PASSWORD, unseen=["/etc/pam.d/sshd"]))["bob"] == "unknown"
    assert judged(world(PASSWORD, {"/etc/nsswitch.conf": "passwd: files ldap\n"}))["ldap"] == "unknown"


def test_where_it_does_not_arise() -> None:
    assert judged(host_with({}, artifacts={"packages": "bash 5.2\n"})) == {"": "not_applicable"}
    assert judged(world(ONE, {"/etc/passwd": "root:x:0:0::/root:/usr/sbin/nologin\n"})) == {"": "not_applicable"}


def test_deletion_never_makes_a_pass() -> None:
    host = world(PASSWORD)
    before = judged(host)
    assert before["bob"] == "fail"
    for artifact in host.evidence.artifacts:
        after = judged(Host(without(host.evidence, artifact)))
        assert after.get("bob", after.get("", "unknown")) in ("fail", "unknown"), artifact
