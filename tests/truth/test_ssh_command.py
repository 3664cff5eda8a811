"""The command over real SSH, end to end: several targets in one audit, each fault one line that says what, where and what next."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import lab

pytestmark = pytest.mark.lab


@dataclass(frozen=True)
class World:
    root: Path
    folder: Path
    port: int

    def sovaudit(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        env = {**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")}
        env.pop("SSH_AUTH_SOCK", None)
        return subprocess.run(
            [sys.executable, "-m", "sovaudit", *arguments],
            capture_output=True, text=True, timeout=120, cwd=self.folder, env=env, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def audit(self, out: str, *arguments: str, user: str = "root") -> tuple[subprocess.CompletedProcess[str], dict[str, object]]:
        """One audit of this host and what its report says of it."""
        result = self.sovaudit("audit", f"ssh://{user}@127.0.0.1:{self.port}", "--out", out, *arguments)
        assert "Traceback" not in result.stderr
        (target,) = json.loads((self.folder / out / "report.json").read_bytes())["targets"]
        return result, target


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    for name in ("id", "other"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    with lab.overlay({"/root/.ssh/authorized_keys": (folder / "id.pub").read_text()}) as root:
        (root / "root/.ssh").chmod(0o700)
        lab.run(root, ["useradd", "-m", "-s", "/bin/sh", "auditor"])
        lab.run(root, ["chpasswd"], stdin="auditor:Right-Horse-9\n")
        with lab.sshd(root) as port:
            key = (root / "etc/ssh/ssh_host_ed25519_key.pub").read_text().split()
            (folder / "known").write_text(f"[127.0.0.1]:{port} {key[0]} {key[1]}\n")
            other = (folder / "other.pub").read_text().split()
            (folder / "changed").write_text(f"[127.0.0.1]:{port} {other[0]} {other[1]}\n")
            (folder / "password").write_text("Right-Horse-9\n")
            (folder / "wrong").write_text("Wrong-Horse-9\n")
            yield World(root, folder, port)


GOOD = ("--known-hosts", "known", "--identity", "id")


def test_one_that_fails_never_stops_the_others(world: World) -> None:
    free = lab.free_port()
    result = world.sovaudit(
        "audit", f"ssh://root@127.0.0.1:{free}", f"ssh://root@127.0.0.1:{world.port}", f"root:{world.root}", "--out", "fleet", *GOOD
    )
    assert result.returncode == 1, result.stdout + result.stderr
    report = json.loads((world.folder / "fleet/report.json").read_bytes())
    statuses = {target["id"]: target["status"] for target in report["targets"]}
    assert list(statuses.values()).count("unreachable") == 1
    assert statuses[f"ssh://root@127.0.0.1:{world.port}"] == "collected"
    lost = next(target for target in report["targets"] if target["status"] == "unreachable")
    assert "Connection refused" in lost["error"] and "Check name, port and network" in lost["error"]
    assert not [row for row in report["passed"] if row["target"] == lost["id"]]
    assert all(finding["verdict"] == "unknown" for finding in report["findings"] if finding["target"] == lost["id"])
    for arguments in (
        ("verify", "fleet/report.json", "--trust", "home/config/sovaudit/cert.pem"),
        ("verify", "fleet/report.html", "--trust", "home/config/sovaudit/cert.pem", "--evidence", "fleet/evidence.sova"),
        ("replay", "fleet/evidence.sova", "--against", "fleet/report.json"),
    ):
        done = world.sovaudit(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
    check = "openssl cms -verify -binary -inform DER -in report.json.p7s -content report.json -CAfile ../home/config/sovaudit/cert.pem -out /dev/null"
    assert subprocess.run(check.split(), cwd=world.folder / "fleet", capture_output=True, check=False).returncode == 0


# name: (arguments, status, what the report and the terminal say)
FAULTS: dict[str, tuple[tuple[str, ...], str, str]] = {
    "unknown host key": (("--identity", "id"), "refused", r"host key is not known \(ssh-ed25519 SHA256:.*then: echo '.*' >> .*known_hosts"),
    "changed host key": (("--known-hosts", "changed", "--identity", "id"), "refused", "host key"),
    "wrong key": (("--known-hosts", "known", "--identity", "other"), "refused", "authentication as auditor was refused .*authorized_keys"),
    "wrong password": (("--known-hosts", "known", "--password-file", "wrong"), "refused", "authentication as auditor was refused"),
    "sudo not allowed": (
        ("--known-hosts", "known", "--password-file", "password", "--sudo", "--sudo-password-file", "password"), "refused", "sudo does not let",
    ),
    "sudo wants a password": (("--known-hosts", "known", "--password-file", "password", "--sudo"), "refused", "sudo wants a password"),
    "no collector there": (
        ("--known-hosts", "known", "--password-file", "password", "--collector", "/usr/local/lib/sovaudit/none"), "refused", "sudo",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_one_line_and_exit_3(world: World, name: str) -> None:
    arguments, status, said = FAULTS[name]
    result, target = world.audit(name.replace(" ", "-"), *arguments, user="auditor")
    assert result.returncode == 3
    assert target["status"] == status
    error = str(target["error"])
    assert "\n" not in error and error.startswith(f"ssh://auditor@127.0.0.1:{world.port}: "), error
    assert re.search(said, error), error
    assert "Horse" not in result.stdout + result.stderr + error


def test_a_key_with_a_passphrase(world: World) -> None:
    hidden = world.folder / "hidden"
    shutil.copy(world.folder / "id", hidden)
    hidden.chmod(0o600)
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", "open sesame", "-f", str(hidden)], check=True)
    (world.folder / "word").write_text("open sesame\n")
    key = ("--known-hosts", "known", "--identity", "hidden")
    result, target = world.audit("locked", *key)
    assert (result.returncode, target["status"]) == (3, "refused")
    assert "--identity-passphrase-file" in str(target["error"])
    _, target = world.audit("opened", *key, "--identity-passphrase-file", "word")
    assert target["status"] == "collected"


def test_an_ordinary_account_learns_what_root_would_add(world: World) -> None:
    result, target = world.audit("plain", "--known-hosts", "known", "--password-file", "password", user="auditor")
    assert (result.returncode, target["status"]) == (1, "collected")
    told = world.sovaudit("preflight", f"ssh://auditor@127.0.0.1:{world.port}", "--known-hosts", "known", "--password-file", "password")
    assert "/etc/shadow" in told.stdout


def test_evidence_alone_and_judged_later(world: World) -> None:
    taken = world.sovaudit("collect", f"ssh://root@127.0.0.1:{world.port}", "-o", "later.sova", *GOOD)
    assert taken.returncode == 0, taken.stderr
    judged = world.sovaudit("audit", "bundle:later.sova", "--out", "later")
    assert judged.returncode == 1, judged.stderr
    replayed = world.sovaudit("replay", "later.sova", "--against", "later/report.json")
    assert (replayed.returncode, replayed.stdout) == (0, "same: every verdict follows from the evidence\n")
