"""least-privilege.shared-keys"""

from __future__ import annotations

from sovaudit.content.checks.least_privilege.shared_keys import shared_keys

from sovaudit.facts.host import Host
from sovaudit.testing import host_with, run, verdicts
from tests.checks.ssh_world import KEY, ONE, PASSWD, SHADOW, world

CAROL = "/home/carol/.ssh/authorized_keys"


def two(key: str = KEY, **more: object) -> Host:
    """bob and carol, and a key in carol's file."""
    files = {
        "/etc/passwd": PASSWD + "carol:x:1002:1002::/home/carol:/bin/bash\n",
        "/etc/shadow": SHADOW + "carol:*:1:0:::::\n",
        CAROL: key,
        **more.pop("files", {}),
    }  # type: ignore[dict-item]
    modes = dict.fromkeys(("/home/carol", "/home/carol/.ssh", CAROL), (0o700, 1002, 1002))
    return world(str(more.pop("config", ONE)), files, modes=modes, **more)


def judged(*hosts: Host, **knobs: object) -> set[str]:
    return set(verdicts(run(shared_keys, hosts, **knobs)).values())


def test_two_names_on_one_host() -> None:
    (outcome,) = run(shared_keys, (two(),))
    assert (outcome.verdict.value, outcome.seen) == ("fail", "bob@host, carol@host")
    assert outcome.subject.startswith("SHA256:")


def test_one_name_on_two_hosts() -> None:
    assert judged(world(ONE), world(ONE)) == {"pass"}


def test_two_names_on_two_hosts() -> None:
    assert judged(world(ONE), two(files={"/home/bob/.ssh/authorized_keys": ""})) == {"fail"}


def test_declared_accounts_are_nobody() -> None:
    assert judged(two(), declared=("carol",)) == {"pass"}


def test_a_key_that_does_not_open_is_not_shared() -> None:
    assert judged(two("#" + KEY)) == {"pass"}
    assert judged(two(config=ONE + "AllowUsers bob\n")) == {"pass"}


def test_a_key_that_may_open() -> None:
    assert judged(two('expiry-time="20260601" ' + KEY)) == {"unknown"}


def test_what_was_not_seen() -> None:
    assert judged(two(unseen=[CAROL])) == {"pass", "unknown"}
    assert judged(two(unseen=["/etc/ssh/sshd_config"])) == {"unknown"}
    assert judged(two("", files={"/etc/nsswitch.conf": "passwd: files ldap\n"})) == {"pass", "unknown"}


def test_no_keys() -> None:
    assert judged(world(ONE, {"/home/bob/.ssh/authorized_keys": ""})) == {"not_applicable"}
    assert judged(host_with({}, artifacts={"packages": "bash 5.2\n"})) == {"not_applicable"}
