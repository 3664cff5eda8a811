"""Every way to root."""

from __future__ import annotations

from dataclasses import replace

from sovaudit.facts.factors import Factor
from sovaudit.facts.host import Host
from sovaudit.facts.privilege import RootPath
from tests.checks.test_least_privilege_sudo_root import host


def paths(name: str, sudoers: str = "", **more: object) -> tuple[RootPath, ...]:
    machine = host(sudoers, **more)  # type: ignore[arg-type]
    account = machine.accounts.get(name)
    assert account is not None
    return machine.privilege.paths_to_root(account)


def test_uid_zero() -> None:
    assert [path.kind for path in paths("root")] == ["uid0"]


def test_nothing() -> None:
    assert paths("alice") == ()


def test_sudo() -> None:
    (path,) = paths("alice", "alice ALL=ALL")
    assert (path.kind, path.certain, path.detail) == ("sudo", True, "any command as root")


def test_su_needs_the_password_of_root() -> None:
    files = {
        "/etc/pam.d/su": "auth required pam_unix.so\naccount required pam_unix.so\nsession required pam_permit.so\n",
        "/etc/shadow": "root:$y$j9T$masked:1::::::\nalice:*:1::::::\n",
    }
    (path,) = paths("alice", files=files, modes={"/usr/bin/su": (0o4755, 0, 0)})
    assert (path.kind, path.needs) == ("su", frozenset({Factor.ROOT_PASSWORD}))
    assert (
        paths(
            "alice",
            files={"/etc/pam.d/su": "auth required pam_unix.so\naccount required pam_unix.so\nsession required pam_permit.so\n"},
            modes={"/usr/bin/su": (0o4755, 0, 0)},
        )
        == ()
    )
    assert paths("alice", files=files, modes={"/usr/bin/su": (0o755, 0, 0)}) == ()


def test_groups_that_equal_root() -> None:
    group = "root:x:0:\ndocker:x:999:alice\ndisk:x:6:bob\n"
    assert paths("alice", files={"/etc/group": group}) == ()
    (path,) = paths("alice", files={"/etc/group": group}, modes={"/usr/bin/dockerd": (0o755, 0, 0)})
    assert (path.kind, path.certain) == ("group", True)
    assert [path.kind for path in paths("bob", files={"/etc/group": group})] == ["group"]


def test_a_socket_of_such_a_daemon() -> None:
    """The group that it lets in counts, whatever its name; everybody with a session where it lets all in. Groups that only read hashes wait."""
    files = {"/etc/group": "root:x:0:\nwhales:x:998:alice\nshadow:x:42:alice\n", "/run/docker.sock": "", "/etc/shadow": "root:*:1::::::\n"}

    def kinds(name: str, mode: int) -> list[str]:
        machine = host("", files=files, modes={"/run/docker.sock": (mode, 0, 998), "/etc/shadow": (0o640, 0, 42)})
        rows = machine.evidence.artifacts["tree"].decode().split("\n")
        rows = ["s" + row[1:] if "/docker.sock" in row else row for row in rows]
        machine = Host(replace(machine.evidence, artifacts={**machine.evidence.artifacts, "tree": "\n".join(rows).encode()}))
        account = machine.accounts.get(name)
        assert account is not None
        return [path.kind for path in machine.privilege.paths_to_root(account)]

    assert kinds("alice", 0o660) == ["group"]
    assert kinds("bob", 0o660) == []
    assert kinds("bob", 0o666) == ["socket"]


def test_doas() -> None:
    modes = {"/usr/bin/doas": (0o4755, 0, 0)}
    assert [path.kind for path in paths("alice", files={"/etc/doas.conf": "permit persist :sudo\n"}, modes=modes)] == ["doas"]
    assert paths("alice", files={"/etc/doas.conf": "permit :sudo\ndeny alice\n"}, modes=modes) == ()
