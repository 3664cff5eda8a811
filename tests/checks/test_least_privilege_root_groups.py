"""least-privilege.root-groups."""

from __future__ import annotations

import pytest

from checks.least_privilege.root_groups import root_groups
from sovaudit.facts.host import Host
from sovaudit.testing import host_with, run, verdicts

PASSWD = "root:x:0:0::/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/bash\nbob:x:1001:999::/home/bob:/usr/sbin/nologin\n"


def host(group: str, *, modes: dict[str, tuple[int, int, int]] | None = None, **more: object) -> Host:
    files = {"/etc/passwd": PASSWD, "/etc/group": "root:x:0:\nalice:x:1000:\n" + group}
    return host_with(files, modes={"/etc/shadow": (0o640, 0, 42), **(modes or {})}, **more)


def answers(machine: Host, **knobs: object) -> dict[str, str]:
    return verdicts(run(root_groups, machine, **knobs))


@pytest.mark.parametrize("group", ["docker:x:900:alice", "disk:x:6:alice", "lxd:x:900:alice", "shadow:x:42:alice", "x:x:42:alice"])
def test_members_fail(group: str) -> None:
    (outcome,) = run(root_groups, host(group + "\n"))
    assert (outcome.subject, outcome.verdict) == ("alice", "fail")
    assert outcome.because


def test_a_primary_group_and_no_shell_count() -> None:
    assert answers(host("docker:x:999:\n")) == {"bob": "fail"}


@pytest.mark.parametrize(
    "group", ["adm:x:4:alice", "kmem:x:15:alice", "sudo:x:27:alice", "docker:x:900:zoe", "docker:x:900:root", "dockers:x:900:alice"]
)
def test_others_pass(group: str) -> None:
    assert answers(host(group + "\n")) == {"groups": "pass"}


def test_declared() -> None:
    machine = host("docker:x:900:alice\ndisk:x:6:alice\n")
    assert answers(machine, declared=("alice",)) == {"alice": "pass"}
    assert answers(machine, declared=("%docker",)) == {"alice": "fail"}
    assert answers(machine, declared=("%docker", "%disk")) == {"alice": "pass"}


def test_the_mode_of_shadow_decides() -> None:
    assert answers(host("shadow:x:42:alice\n", modes={"/etc/shadow": (0o600, 0, 42)})) == {"groups": "pass"}
    assert answers(host("staff:x:50:alice\n", modes={"/usr/local/sbin": (0o2775, 0, 50)})) == {"alice": "fail"}
    assert answers(host("staff:x:50:alice\n", modes={"/usr/local/sbin": (0o2755, 0, 50)})) == {"groups": "pass"}


def test_it_says_whether_the_daemon_was_seen() -> None:
    (outcome,) = run(root_groups, host("docker:x:900:alice\n"))
    assert "not seen here" in outcome.text
    (outcome,) = run(root_groups, host("docker:x:900:alice\n", modes={"/usr/bin/dockerd": (0o755, 0, 0)}))
    assert "not seen here" not in outcome.text


def test_what_was_not_seen() -> None:
    assert answers(host("", unseen=["tree"]))["groups"] == "unknown"
    machine = host("", unseen=["/etc/group"])
    assert answers(machine) == {"": "unknown"}
