"""least-privilege.sudo-nopasswd: one policy, one question."""

from __future__ import annotations

import pytest

from checks.least_privilege.sudo_nopasswd import sudo_nopasswd
from sovaudit.facts.host import Host
from sovaudit.model.finding import Outcome
from sovaudit.testing import host_with, run, verdicts

PASSWD = "root:x:0:0::/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/bash\nbob:x:1001:1001::/home/bob:/bin/bash\n"
GROUP = "root:x:0:\nsudo:x:27:alice\nalice:x:1000:\nbob:x:1001:\ndocker:x:999:\n"
SHADOW = "root:*:1::::::\nalice:$y$j9T$masked:1::::::\nbob:!:1::::::\n"


def host(sudoers: str | None, *, modes: dict[str, tuple[int, int, int]] | None = None, installed: bool = True, **more: object) -> Host:
    files = {
        "/etc/passwd": PASSWD,
        "/etc/group": GROUP,
        "/etc/shadow": SHADOW,
        "/etc/pam.d/sudo": "auth required pam_unix.so\naccount required pam_permit.so\n",
    }
    if sudoers is not None:
        files["/etc/sudoers"] = sudoers
    files |= more.pop("files", {})  # type: ignore[arg-type]
    seen = {"/usr/bin/sudo": (0o4755, 0, 0)} if installed else {}
    return host_with(files, modes={**seen, **(modes or {})}, **more)


def alice(sudoers: str, **more: object) -> Outcome | None:
    return next((outcome for outcome in run(sudo_nopasswd, host(sudoers, **more)) if outcome.subject == "alice"), None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "sudoers",
    [
        "alice ALL=NOPASSWD: ALL",
        "alice ALL=NOPASSWD: /usr/bin/id, /usr/bin/ls",
        "alice ALL=/usr/bin/id, NOPASSWD: /usr/bin/ls",
        "Defaults !authenticate\nalice ALL=ALL",
        "Defaults:alice !authenticate\nalice ALL=ALL",
        "Defaults>root !authenticate\nalice ALL=ALL",
        "Defaults!/usr/bin/id !authenticate\nalice ALL=/usr/bin/id",
        "Defaults exempt_group=sudo\nalice ALL=ALL",
        "alice ALL=(bob) NOPASSWD: /usr/bin/id",
        "alice ALL=(:docker) NOPASSWD: /usr/bin/id",
    ],
)
def test_fails(sudoers: str) -> None:
    outcome = alice(sudoers)
    assert outcome is not None
    assert outcome.verdict == "fail"
    assert outcome.because


@pytest.mark.parametrize(
    "sudoers",
    [
        "alice ALL=ALL",
        "alice ALL=NOPASSWD: /usr/bin/id\nalice ALL=PASSWD: /usr/bin/id",
        "alice ALL=NOPASSWD: PASSWD: /usr/bin/id",
        "Defaults !authenticate\nDefaults authenticate\nalice ALL=ALL",
        "Defaults !authenticate\nalice ALL=PASSWD: ALL",
        "Defaults:bob !authenticate\nalice ALL=ALL",
        "Defaults exempt_group=docker\nalice ALL=ALL",
        "alice ALL=NOPASSWD: !/usr/bin/su, PASSWD: /usr/bin/id",
        "Defaults targetpw\nalice ALL=ALL",
    ],
)
def test_passes(sudoers: str) -> None:
    outcome = alice(sudoers)
    assert outcome is not None
    assert outcome.verdict == "pass"


def test_a_stack_that_opens_to_anybody_fails() -> None:
    outcome = alice("alice ALL=ALL", files={"/etc/pam.d/sudo": "auth sufficient pam_permit.so\naccount required pam_permit.so\n"})
    assert outcome is not None
    assert outcome.verdict == "fail"


def test_sudo_i_has_a_stack_of_its_own() -> None:
    files = {"/etc/pam.d/sudo-i": "auth sufficient pam_permit.so\n"}
    assert alice("alice ALL=ALL", files=files).verdict == "fail"  # type: ignore[union-attr]
    assert alice("alice ALL=/usr/bin/id", files=files).verdict == "pass"  # type: ignore[union-attr]


def test_nobody_and_absent() -> None:
    assert verdicts(run(sudo_nopasswd, host(""))) == {"sudo": "pass"}
    assert verdicts(run(sudo_nopasswd, host("", installed=False))) == {"sudo": "not_applicable"}


def test_an_unseen_file_is_unknown() -> None:
    text = "alice ALL=ALL\n@includedir /etc/sudoers.d\n"
    found = verdicts(run(sudo_nopasswd, host(text, files={"/etc/sudoers.d/x": ""}, unseen=["/etc/sudoers.d/x"])))
    assert found["sudo"] == "unknown"


@pytest.mark.parametrize(
    ("sudoers", "verdict"),
    [
        ("Defaults>bob !authenticate\nalice ALL=(ALL) ALL", "fail"),
        ("Defaults>bob !authenticate\nalice ALL=(root) ALL", "pass"),
        ("Defaults !authenticate\nDefaults>root authenticate\nalice ALL=(root, bob) ALL", "fail"),
        ("Defaults!/usr/bin/ls !authenticate\nalice ALL=ALL", "fail"),
        ("Defaults!/usr/bin/ls !authenticate\nalice ALL=ALL, !/usr/bin/ls", "pass"),
        ("alice ALL=(:sudo) ALL", "pass"),
        ("alice ALL=(:docker) NOPASSWD: ALL", "fail"),
    ],
)
def test_what_a_defaults_singles_out(sudoers: str, verdict: str) -> None:
    outcome = alice(sudoers)
    assert outcome is not None
    assert outcome.verdict == verdict


def test_pam_may_refuse_whatever_the_rules_say() -> None:
    shut = {f"/etc/pam.d/{name}": "auth required pam_unix.so\naccount required pam_deny.so\n" for name in ("sudo", "sudo-i")}
    assert alice("alice ALL=NOPASSWD: ALL", files=shut).verdict == "pass"  # type: ignore[union-attr]
    assert alice("Defaults !pam_acct_mgmt\nalice ALL=NOPASSWD: ALL", files=shut).verdict == "fail"  # type: ignore[union-attr]
    half = {**shut, "/etc/pam.d/sudo-i": "auth required pam_unix.so\naccount required pam_permit.so\n"}
    assert alice("alice ALL=NOPASSWD: ALL", files=half).verdict == "fail"  # type: ignore[union-attr]
