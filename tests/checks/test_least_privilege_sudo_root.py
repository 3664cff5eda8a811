"""least-privilege.sudo-root: one policy, one question."""

from __future__ import annotations

import pytest

from checks.least_privilege.sudo_root import sudo_root
from sovaudit.facts.host import Host
from sovaudit.model.finding import Outcome
from sovaudit.testing import host_with, run, verdicts

PASSWD = "root:x:0:0::/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/bash\nbob:x:1001:1001::/home/bob:/bin/bash\n"
GROUP = "root:x:0:\nsudo:x:27:alice\nalice:x:1000:\nbob:x:1001:\ndocker:x:999:\n"
SHADOW = "root:*:1::::::\nalice:$y$j9T$masked:1::::::\nbob:!:1::::::\n"


def host(sudoers: str | None, *, modes: dict[str, tuple[int, int, int]] | None = None, installed: bool = True, **more: object) -> Host:
    files = {"/etc/passwd": PASSWD, "/etc/group": GROUP, "/etc/shadow": SHADOW, "/etc/pam.d/sudo": "auth required pam_unix.so\n"}
    if sudoers is not None:
        files["/etc/sudoers"] = sudoers
    files |= more.pop("files", {})  # type: ignore[arg-type]
    seen = {"/usr/bin/sudo": (0o4755, 0, 0)} if installed else {}
    return host_with(files, modes={**seen, **(modes or {})}, **more)


def alice(sudoers: str, **more: object) -> Outcome | None:
    return next((outcome for outcome in run(sudo_root, host(sudoers, **more)) if outcome.subject == "alice"), None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sudoers", "seen"),
    [
        ("alice ALL=ALL", "any command as root"),
        ("%sudo ALL=(ALL:ALL) ALL", "any command as root"),
        ("alice ALL=(ALL) ALL, !/bin/su, !/bin/sh", "any command as root"),
        ("alice ALL=(#0) ALL", "any command as root"),
        ("alice ALL=/usr/bin/vim /etc/hosts", "a root shell through /usr/bin/vim /etc/hosts"),
        ("alice ALL=NOEXEC: /usr/bin/vim", "a root shell through /usr/bin/vim"),
        ("alice ALL=/usr/bin/less /var/log/syslog", "a root shell through /usr/bin/less /var/log/syslog"),
        ("alice ALL=/usr/bin/tar -czf /backup/*", "a root shell through /usr/bin/tar -czf /backup/*"),
        ("alice ALL=/usr/bin/find", "a root shell through /usr/bin/find"),
        ("alice ALL=/usr/bin/systemctl", "a root shell through /usr/bin/systemctl"),
        ("alice ALL=(bob) ALL\nbob ALL=NOPASSWD: ALL", "a root shell through ALL as bob"),
        ("alice ALL=(:docker) ALL", "a root shell through ALL as group docker"),
        ("alice ALL=/home/alice/x.sh", "a root shell through /home/alice/x.sh"),
        (
            "Defaults env_keep += PYTHONPATH\nalice ALL=/usr/bin/python3 /opt/x",
            "a root shell through /usr/bin/python3 /opt/x with PYTHONPATH",
        ),
    ],
)
def test_fails(sudoers: str, seen: str) -> None:
    outcome = alice(sudoers, modes={"/home/alice/x.sh": (0o755, 1000, 1000)})
    assert outcome is not None
    assert (outcome.verdict, outcome.seen) == ("fail", seen)
    assert outcome.because


@pytest.mark.parametrize(
    "sudoers",
    [
        "",
        "bob ALL=ALL",
        "alice ALL=ALL\nalice ALL=!ALL",
        "alice ALL=/usr/bin/vi\nalice ALL=!/usr/bin/vi",
        "alice ALL=/usr/bin/systemctl restart nginx",
        "alice ALL=/usr/bin/systemctl restart *",
        "alice ALL=/bin/cat /etc/shadow",
        "alice ALL=NOEXEC: /usr/bin/less /var/log/syslog",
        "alice ALL=sudoedit /etc/nginx/nginx.conf",
        "alice ALL=(bob) ALL\nbob ALL=ALL",
        "alice other=ALL",
        "alice ALL=/opt/deploy.sh",
        "alice ALL=NOTAFTER=20200101000000Z ALL",
    ],
)
def test_does_not_reach_root(sudoers: str) -> None:
    assert alice(sudoers) is None


def test_nobody_is_one_pass() -> None:
    assert verdicts(run(sudo_root, host("alice ALL=/usr/bin/id"))) == {"sudo": "pass"}


@pytest.mark.parametrize("declared", [("alice",), ("%sudo",)])
def test_declared_administrators_pass(declared: tuple[str, ...]) -> None:
    assert verdicts(run(sudo_root, host("%sudo ALL=ALL"), administrators=declared)) == {"alice": "pass"}
    assert verdicts(run(sudo_root, host("%sudo ALL=ALL"), administrators=("bob",))) == {"alice": "fail"}


def test_sudo_absent_does_not_apply() -> None:
    assert verdicts(run(sudo_root, host("alice ALL=ALL", installed=False))) == {"sudo": "not_applicable"}


@pytest.mark.parametrize(
    ("modes", "text"),
    [
        ({"/usr/bin/sudo": (0o755, 0, 0)}, "alice ALL=ALL"),
        ({"/etc/sudoers": (0o666, 0, 0)}, "alice ALL=ALL"),
        ({"/etc/sudoers": (0o440, 1000, 0)}, "alice ALL=ALL"),
    ],
)
def test_a_sudo_that_refuses_everybody_passes(modes: dict[str, tuple[int, int, int]], text: str) -> None:
    assert verdicts(run(sudo_root, host(text, modes=modes))) == {"sudo": "pass"}


def test_an_old_sudo_refuses_everybody_after_a_syntax_error() -> None:
    text = "alice ALL=ALL\nbob ALL\n"
    assert verdicts(run(sudo_root, host(text, artifacts={"packages": "sudo 1.8.27-1+deb10u5\n"}))) == {"sudo": "pass"}
    assert verdicts(run(sudo_root, host(text, artifacts={"packages": "sudo 1.9.3-1\n"})))["alice"] == "fail"


def test_an_unseen_folder_leaves_nothing_certain() -> None:
    text = "alice ALL=ALL\n@includedir /etc/sudoers.d\n"
    found = verdicts(run(sudo_root, host(text, files={"/etc/sudoers.d/x": ""}, unseen=["/etc/sudoers.d/x"])))
    assert found == {"alice": "unknown", "sudo": "unknown"}


def test_an_unseen_main_file_is_unknown() -> None:
    assert verdicts(run(sudo_root, host("alice ALL=ALL", unseen=["/etc/sudoers"])))["sudo"] == "unknown"


def test_rules_from_a_directory_are_unknown() -> None:
    files = {"/etc/nsswitch.conf": "passwd: files\nsudoers: files sss\n", "/etc/sssd/sssd.conf": "[sssd]\n"}
    assert verdicts(run(sudo_root, host("alice ALL=/usr/bin/id", files=files)))["sss"] == "unknown"
