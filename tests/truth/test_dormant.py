"""Who has not logged in: real `lastlog -b`, `chage -l` and logins through sshd in a Debian root, beside least-privilege.dormant."""

from __future__ import annotations

import os
import socket
import struct
import time
from pathlib import Path

import paramiko
import pytest
from sovaudit.content.checks.least_privilege.dormant import dormant

from sovaudit.facts.host import Host
from sovaudit.testing import run, verdicts
from tests import lab
from tests.truth.test_ssh import BASE, KEY, PASSWORD, line

DAY = 86400
# name → (uid, days since the last login in lastlog or None, days since the password changed, what else is done)
PEOPLE: dict[str, tuple[int, float | None, int, str]] = {
    "today": (1001, 0, 400, ""),
    "edge": (1002, 89.99, 400, ""),
    "over": (1003, 90.01, 400, ""),
    "long": (1004, 700, 10, ""),
    "future": (1005, -3, 400, ""),
    "never": (1006, None, 400, ""),
    "neveryoung": (1007, None, 10, ""),
    "neveredge": (1008, None, 90, ""),
    "neverover": (1009, None, 91, ""),
    "locked": (1010, 700, 700, "usermod -L locked"),
    "expired": (1011, 700, 700, "chage -E 1 expired"),
    "noshell": (1012, 700, 700, "usermod -s /usr/sbin/nologin noshell"),
    "far": (1234567, 200, 400, ""),
    "hole": (1299999, None, 400, ""),
    "lockedkey": (1013, 700, 700, "usermod -L lockedkey; mkdir ~lockedkey/.ssh; echo '%s' > ~lockedkey/.ssh/authorized_keys; chown -R lockedkey: ~lockedkey"),
    "cleared": (1014, 1, 400, "lastlog -C -u cleared"),
    "set": (1015, 300, 400, "lastlog -S -u set"),
    "zero": (1016, 700, 700, "usermod -p '*' zero"),
}  # fmt: skip


def furnish(root: Path) -> None:
    now = time.time()
    steps = []
    for name, (uid, _, changed, more) in PEOPLE.items():
        steps += [
            f"useradd -m -u {uid} -s /bin/sh {name}",
            f"echo {name}:{PASSWORD} | chpasswd",
            f"chage -d {int(now / DAY) - changed} {name}",
        ]
        steps += [more % line(KEY).strip() if "%s" in more else more] if more and "lastlog" not in more else []
    done = lab.run(root, ["sh", "-ec", "\n".join(steps)], timeout=120)
    assert done.returncode == 0, done.stderr
    with (root / "var/log/lastlog").open("r+b") as file:
        for uid, ago, _, _ in PEOPLE.values():
            if ago is not None:
                file.seek(uid * 292)
                file.write(struct.pack("<I32s256s", int(now - ago * DAY), b"pts/1", b"10.0.0.1"))
    later = [more for *_, more in PEOPLE.values() if "lastlog" in more]
    assert lab.run(root, ["sh", "-ec", "\n".join(later)]).returncode == 0


def shell(port: int, user: str, *, terminal: bool) -> None:
    with socket.create_connection(("127.0.0.1", port), 10) as sock, paramiko.Transport(sock) as transport:
        transport.start_client(timeout=15)
        transport.auth_password(user, PASSWORD, fallback=False)
        channel = transport.open_session(timeout=10)
        if terminal:
            channel.get_pty()
        channel.exec_command("true")
        channel.recv_exit_status()


@pytest.mark.lab
def test_agrees_with_lastlog() -> None:
    with lab.overlay({"/etc/ssh/sshd_config": BASE}) as root:
        furnish(root)
        old = {row.split()[0] for row in lab.run(root, ["lastlog", "-b", "90"]).stdout.splitlines()[1:] if "Never" not in row}
        never = {row.split()[0] for row in lab.run(root, ["lastlog"]).stdout.splitlines() if "Never" in row}
        day = int(time.time()) // DAY
        shadow = {row.split(":")[0]: row.split(":")[2] for row in (root / "etc/shadow").read_text().splitlines()}
        for evidence in (lab.mounted(root), lab.local(root)):
            found = verdicts(run(dormant, Host(evidence)))
            for name in PEOPLE:
                enabled = name not in ("locked", "expired", "noshell", "zero")
                idle = name in old or (name in never and day - int(shadow[name]) > 90)
                assert found.get(name, "pass") == ("fail" if enabled and idle else "pass"), name
        assert {"over", "long", "far", "hole", "never", "neverover", "lockedkey", "cleared"} == {
            name for name in found if found[name] == "fail"
        }


@pytest.mark.lab
def test_a_real_login_is_a_record_and_one_without_a_terminal_is_none() -> None:
    with lab.overlay({"/etc/ssh/sshd_config": BASE}) as root:
        furnish(root)
        with lab.sshd(root) as port:
            shell(port, "over", terminal=True)
            shell(port, "long", terminal=False)
            shell(port, "never", terminal=True)
        found = verdicts(run(dormant, Host(lab.mounted(root))))
        assert (found["over"], found["never"], found["long"]) == ("pass", "pass", "fail")


@pytest.mark.lab
def test_shapes_that_say_nothing() -> None:
    with lab.overlay() as root:
        lab.run(root, ["sh", "-c", f"useradd -m -s /bin/sh -u 1001 a; echo a:{PASSWORD} | chpasswd; chage -d 2020-01-01 a"])
        log = root / "var/log/lastlog"

        def judged() -> set[str]:
            return {verdicts(run(dormant, Host(evidence)))["a"] for evidence in (lab.mounted(root), lab.local(root))}

        assert judged() == {"fail"}  # empty: nobody has ever logged in
        log.write_bytes(b"x" * 293)
        assert judged() == {"unknown"}
        log.unlink()
        assert judged() == {"unknown"}
        os.mkdir(log)
        assert judged() == {"unknown"}
