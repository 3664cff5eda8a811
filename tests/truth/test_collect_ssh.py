"""The collector over real SSH: root, an ordinary account, sudo, the pinned copy, host keys, a jump host; nothing is left running."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sovaudit.collectors import CollectOptions, collect, parse_target, privileges
from sovaudit.model.evidence import Evidence
from sovaudit.model.verdict import Reason, TargetStatus
from tests import lab
from tests.lab import local

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int, Path]]:
    """A real sshd, an account `auditor` with a key, and known_hosts."""
    keys = tmp_path_factory.mktemp("keys")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(keys / "id")], check=True)
    with lab.overlay() as place:
        lab.run(place, ["useradd", "-m", "-s", "/bin/sh", "auditor"])
        lab.run(place, ["chpasswd"], stdin="auditor:Right-Horse-9\n")
        public = (keys / "id.pub").read_text()
        for home in ("home/auditor", "root"):
            folder = place / home / ".ssh"
            folder.mkdir(mode=0o700, exist_ok=True)
            (folder / "authorized_keys").write_text(public)
            if home != "root":
                found = (place / home).stat()
                os.chown(folder, found.st_uid, found.st_gid)
        (place / "etc/ssh/sshd_config.d/lab.conf").write_text("PermitRootLogin prohibit-password\n")
        with lab.sshd(place) as port:
            host_key = (place / "etc/ssh/ssh_host_ed25519_key.pub").read_text().split()
            (keys / "known").write_text(f"[127.0.0.1]:{port} {host_key[0]} {host_key[1]}\n")
            yield place, port, keys


def options(keys: Path, **more: object) -> CollectOptions:
    return CollectOptions(
        key_files=(str(keys / "id"),), known_hosts=(str(keys / "known"),), agent=False, ssh_config=str(keys / "none"), **more
    )  # type: ignore[arg-type]


def visit(server: tuple[Path, int, Path], user: str = "auditor", **more: object) -> Evidence:
    return collect(parse_target(f"ssh://{user}@127.0.0.1:{server[1]}"), options(server[2], **more))


def test_ssh_as_root_gives_what_the_mounted_root_gives(server: tuple[Path, int, Path]) -> None:
    seen = visit(server, "root")
    assert (seen.error, seen.status) == ("", TargetStatus.COLLECTED)
    assert seen.identity["privilege"] == "root"
    assert seen.identity["host_key"].startswith("ssh-ed25519 SHA256:")
    assert seen.clock_skew_ms is not None and abs(seen.clock_skew_ms) < 2000
    assert b"permitrootlogin without-password" in seen.artifacts["cmd:sshd-T"].lower()
    assert b"/usr/sbin/sshd" in seen.artifacts["cmd:sshd-daemons"]
    mounted = collect(parse_target(f"root:{server[0]}"))
    assert {name: data for name, data in mounted.artifacts.items() if name.startswith("file:")} == {
        name: data for name, data in seen.artifacts.items() if name.startswith("file:")
    }


def test_ssh_as_an_ordinary_account(server: tuple[Path, int, Path]) -> None:
    seen = visit(server)
    assert (seen.error, seen.identity["privilege"], seen.identity["user"]) == ("", "user", "auditor")
    assert "file:/etc/shadow" not in seen.artifacts


def test_sudo_with_a_password(server: tuple[Path, int, Path]) -> None:
    rule = server[0] / "etc/sudoers.d/lab"
    rule.write_text("auditor ALL=(ALL) ALL\n")
    rule.chmod(0o440)
    assert visit(server, sudo=True).status is TargetStatus.REFUSED
    assert "password" in visit(server, sudo=True).error
    wrong = visit(server, sudo=True, sudo_password="wrong")
    assert (wrong.status, wrong.artifacts) == (TargetStatus.REFUSED, {})
    seen = visit(server, sudo=True, sudo_password="Right-Horse-9")
    assert (seen.error, seen.identity["privilege"]) == ("", "sudo")
    assert "file:/etc/shadow" in seen.artifacts
    rule.write_text("auditor ALL=(ALL) NOPASSWD: ALL\n")
    assert visit(server, sudo=True).error == ""
    unasked = visit(server, sudo=True, sudo_password="Right-Horse-9")
    assert unasked.error == ""
    assert not any(b"Right-Horse-9" in data for data in unasked.artifacts.values())
    rule.unlink()
    assert visit(server, sudo=True).status is TargetStatus.REFUSED


def test_the_installed_collector_is_all_that_the_account_may_run(server: tuple[Path, int, Path]) -> None:
    place = server[0]
    (place / "root/install.sh").write_text(privileges.sudoers("auditor"))
    done = lab.run(place, ["sh", "/root/install.sh"])
    assert done.returncode == 0, done.stderr
    path = privileges.COLLECTOR_PATH
    seen = visit(server, collector_path=path)
    assert (seen.error, seen.identity["privilege"]) == ("", "sudo")
    assert "file:/etc/shadow" in seen.artifacts
    listed = lab.run(place, ["sudo", "-l"], user="auditor").stdout
    commands = [line.strip() for line in listed.splitlines() if line.strip().startswith("(")]
    assert len(commands) == 1
    assert commands[0].startswith("(root) NOPASSWD: sha256:") and commands[0].endswith(f'{path} ""')
    shutil.copy(place / path[1:], place / "home/auditor/collect")
    for attempt in (
        ["sh"],
        ["/bin/sh", "-c", "id"],
        [path, "argument"],
        ["/home/auditor/collect"],
        ["sh", path],
        ["-u", "alice", path],
        ["-e", path],
    ):
        tried = lab.run(place, ["sudo", "-n", *attempt], user="auditor", stdin="id\n")
        assert tried.returncode != 0 and "uid=0" not in tried.stdout, attempt
    program = (place / path[1:]).read_bytes()
    (place / path[1:]).write_bytes(program + b"id\n")
    altered = visit(server, collector_path=path)
    assert (altered.status, altered.artifacts) == (TargetStatus.REFUSED, {})
    (place / path[1:]).write_bytes(program)
    (place / "etc/sudoers.d/sovaudit-auditor").unlink()


def test_host_keys_are_never_taken_on_trust(server: tuple[Path, int, Path], tmp_path: Path) -> None:
    target = parse_target(f"ssh://auditor@127.0.0.1:{server[1]}")
    empty = tmp_path / "known_hosts"
    unknown = collect(
        target,
        CollectOptions(key_files=(str(server[2] / "id"),), known_hosts=(str(empty),), agent=False, ssh_config=str(tmp_path / "none")),
    )
    assert unknown.status is TargetStatus.REFUSED and "SHA256:" in unknown.error
    command = unknown.error.partition(", then: ")[2]
    subprocess.run(["sh", "-c", command], check=True)
    assert (
        collect(
            target,
            CollectOptions(key_files=(str(server[2] / "id"),), known_hosts=(str(empty),), agent=False, ssh_config=str(tmp_path / "none")),
        ).error
        == ""
    )
    other = (server[2] / "id.pub").read_text().split()
    empty.write_text(f"[127.0.0.1]:{server[1]} {other[0]} {other[1]}\n")
    changed = collect(
        target,
        CollectOptions(key_files=(str(server[2] / "id"),), known_hosts=(str(empty),), agent=False, ssh_config=str(tmp_path / "none")),
    )
    assert changed.status is TargetStatus.REFUSED and "CHANGED" in changed.error


def test_a_wrong_key_is_refused_and_a_password_opens(server: tuple[Path, int, Path], tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "other")], check=True)
    target = parse_target(f"ssh://auditor@127.0.0.1:{server[1]}")
    base = {
        "known_hosts": (str(server[2] / "known"),),
        "agent": False,
        "ssh_config": str(tmp_path / "none"),
        "key_files": (str(tmp_path / "other"),),
    }
    refused = collect(target, CollectOptions(**base))  # type: ignore[arg-type]
    assert refused.status is TargetStatus.REFUSED and "authentication as auditor" in refused.error
    assert collect(target, CollectOptions(**base, password="Right-Horse-9")).error == ""  # type: ignore[arg-type]


def test_the_client_configuration_and_a_jump_host(server: tuple[Path, int, Path], tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(
        f"Host lab gate\n HostName 127.0.0.1\n User auditor\n Port {server[1]}\n IdentityFile {server[2] / 'id'}\n UserKnownHostsFile {server[2] / 'known'}\nHost lab\n ProxyJump gate\n"
    )
    for host in ("gate", "lab"):
        assert collect(parse_target(f"ssh://{host}"), CollectOptions(ssh_config=str(config), agent=False)).error == "", host


def test_nothing_is_left_running(server: tuple[Path, int, Path]) -> None:
    before = set(_children(server[0]))
    assert visit(server, "root").error == ""
    for _ in range(50):
        left = set(_children(server[0])) - before
        if not left:
            break
        time.sleep(0.1)
    assert left == set()


def _children(place: Path) -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.readlink(entry / "root") == str(place):
                    yield int(entry.name)
            except OSError:
                continue


def test_a_program_that_hangs_is_a_gap(tmp_path: Path) -> None:
    with lab.overlay(
        {"/usr/sbin/visudo": "#!/bin/sh\nsleep 1000\n", "/usr/sbin/rsyslogd": "#!/bin/sh\nyes\n"},
        modes={"/usr/sbin/visudo": 0o755, "/usr/sbin/rsyslogd": 0o755},
    ) as place:
        seen = local(place)
        (place / "usr/bin/timeout").unlink()
        bare = local(place)
    for evidence in (seen, bare):
        reasons = {gap.item: gap.reason for gap in evidence.gaps}
        assert reasons["cmd:visudo-c"] == Reason.TIMEOUT
        assert reasons["cmd:rsyslogd-N1"] in (Reason.TRUNCATED, Reason.TIMEOUT)
        assert evidence.status is TargetStatus.PARTIAL
        assert "cmd:mounts" in evidence.artifacts
        assert sum(map(len, evidence.artifacts.values())) < 2_000_000
