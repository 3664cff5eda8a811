"""least-privilege.sudo-writable; real accounts try the same in tests/truth/test_changers.py."""

from __future__ import annotations

import pytest

from checks.least_privilege.sudo_writable import sudo_writable
from sovaudit.testing import run, verdicts
from tests.checks.test_least_privilege_sudo_root import host

Modes = dict[str, tuple[int, int, int]]
RUN = "alice ALL=/srv/t/run.sh\n"
SAFE: Modes = {"/srv/t": (0o755, 0, 0), "/srv/t/run.sh": (0o755, 0, 0)}


def answers(sudoers: str, modes: Modes | None = None, **more: object) -> dict[str, str]:
    more.setdefault("artifacts", {"acls": ""})
    return verdicts(run(sudo_writable, host(sudoers, modes=modes, **more)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("modes", "verdict"),
    [
        (SAFE, "pass"),
        (SAFE | {"/srv/t/run.sh": (0o755, 1000, 0)}, "fail"),
        (SAFE | {"/srv/t/run.sh": (0o757, 0, 0)}, "fail"),
        (SAFE | {"/srv/t/run.sh": (0o775, 0, 1000)}, "fail"),
        (SAFE | {"/srv/t/run.sh": (0o775, 0, 999)}, "pass"),
        (SAFE | {"/srv/t": (0o777, 0, 0)}, "fail"),
        (SAFE | {"/srv/t": (0o1777, 0, 0)}, "pass"),
        (SAFE | {"/srv": (0o755, 4711, 0)}, "fail"),
        ({"/srv/t": (0o777, 0, 0), "/srv/t/other": (0o755, 0, 0)}, "fail"),
        ({"/srv/t": (0o755, 0, 0), "/srv/t/other": (0o755, 0, 0)}, "pass"),
    ],
)
def test_paths(modes: Modes, verdict: str) -> None:
    assert answers(RUN, modes)["/srv/t/run.sh"] == verdict


@pytest.mark.parametrize("command", ["/srv/t/*", "/srv/t/", "/srv/*/run.sh", "/srv/t/[r]un.sh"])
def test_patterns(command: str) -> None:
    assert answers(f"alice ALL={command}\n", SAFE)[command] == "pass"
    assert answers(f"alice ALL={command}\n", SAFE | {"/srv/t/run.sh": (0o757, 0, 0)})[command] == "fail"
    assert answers(f"alice ALL={command}\n", SAFE | {"/srv/t": (0o777, 0, 0)})[command] == "fail"


@pytest.mark.parametrize(
    "command", ["/bin/sh /srv/t/s", "/usr/bin/env A=1 /srv/t/s", "/usr/bin/timeout 9 /bin/bash -x /srv/t/s", "/usr/bin/nice -n 5 /srv/t/s"]
)
def test_a_script_behind_a_program(command: str) -> None:
    rule = f"alice ALL={command.replace('=', chr(92) + '=')}\n"
    assert answers(rule, SAFE | {"/srv/t/s": (0o755, 0, 0)})["/srv/t/s"] == "pass"
    assert answers(rule, SAFE | {"/srv/t/s": (0o757, 0, 0)})["/srv/t/s"] == "fail"


def test_a_regular_expression_is_not_worked_out() -> None:
    assert answers("alice ALL=^/srv/t/[a-z]+$\n", SAFE)["^/srv/t/[a-z]+$"] == "unknown"
    assert answers("alice ALL=^/srv/t/[a-z]+$\n", SAFE | {"/srv/t": (0o777, 0, 0)})["^/srv/t/[a-z]+$"] == "fail"


def test_any_command_means_the_search_path() -> None:
    assert answers("alice ALL=ALL\n") == {"sudo": "pass", "secure_path": "pass"}
    assert answers("alice ALL=ALL\n", {"/usr/local/bin": (0o777, 0, 0)})["secure_path"] == "fail"
    assert answers("alice ALL=ALL\n", {"/usr/local/bin/ls": (0o755, 1000, 0)})["secure_path"] == "fail"
    assert answers("alice ALL=ALL\n", {"/usr/bin/at": (0o6755, 1, 1)})["secure_path"] == "pass"
    more = "Defaults secure_path=/usr/bin:/srv/bin\nalice ALL=ALL\n"
    assert answers(more, {"/srv/bin": (0o777, 0, 0)})["secure_path"] == "fail"


@pytest.mark.parametrize(
    "sudoers",
    [
        "alice ALL=(bob) /srv/t/run.sh\n",
        f"alice ALL=sha256:{'0' * 64} /srv/t/run.sh\n",
        "alice ALL=sudoedit /srv/t/run.sh\n",
        "root ALL=/srv/t/run.sh\n",
        "alice ALL=/srv/t/run.sh, !/srv/t/run.sh\n",
    ],
)
def test_no_gain(sudoers: str) -> None:
    assert "fail" not in answers(sudoers, SAFE | {"/srv/t/run.sh": (0o755, 1001, 0)}).values()


def test_sudo_itself() -> None:
    assert answers("", {"/etc": (0o777, 0, 0)})["sudo"] == "fail"
    files = {"/etc/sudoers.d/x": "", "/etc/sudo.conf": "Plugin sudoers_io /srv/io.so\n"}
    assert answers("@includedir /etc/sudoers.d\n", {}, files=files)["sudo"] == "pass"
    assert answers("@includedir /etc/sudoers.d\n", {"/etc/sudoers.d/x": (0o666, 0, 0)}, files=files)["sudo"] == "pass"
    assert answers("@includedir /etc/sudoers.d\n", {"/srv/io.so": (0o755, 1000, 0)}, files=files)["sudo"] == "fail"
    assert answers("Defaults env_file=/srv/env\n", {"/srv/env": (0o644, 1000, 0)})["sudo"] == "fail"
    assert answers(RUN, {"/usr/bin/sudo": (0o755, 0, 0)}) == {"sudo": "pass"}
    assert answers(RUN, installed=False) == {"sudo": "not_applicable"}


def test_what_was_not_seen() -> None:
    assert answers(RUN, SAFE | {"/srv/t": (0o775, 0, 0)}, unseen=["acls"])["/srv/t/run.sh"] == "unknown"
    assert answers(RUN, SAFE | {"/srv/t": (0o775, 0, 0)}, artifacts={"acls": "/srv/t\t?\n"})["/srv/t/run.sh"] == "unknown"
    assert answers(RUN, SAFE | {"/srv/t": (0o775, 0, 0)}, artifacts={"acls": "/srv/t\tuser:1000:rwx\n"})["/srv/t/run.sh"] == "fail"
    assert answers(RUN, SAFE, unseen=["tree"])["sudo"] == "unknown"
    text = RUN + "@includedir /etc/sudoers.d\n"
    found = answers(text, SAFE, files={"/etc/sudoers.d/x": ""}, unseen=["/etc/sudoers.d/x"])
    assert found["/srv/t/run.sh"] == found["policy"] == "unknown"
