"""What a real login of each account may touch that makes root (a daemon's socket, a disk, the hashes, root's programs), and what we say of it."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from checks.least_privilege.root_groups import root_groups
from sovaudit.facts.host import Host
from sovaudit.testing import run, verdicts
from tests import lab

pytestmark = pytest.mark.lab

PASSWD = (
    "root:x:0:0:root:/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/sh\nbob:x:1001:1001::/home/bob:/bin/sh\n"
    "carol:x:1002:100::/home/carol:/bin/sh\nsvc:x:990:990::/:/usr/sbin/nologin\n"
)
GROUP = "root:x:0:\nadm:x:4:\ndisk:x:6:\nkmem:x:15:\nshadow:x:42:\nstaff:x:50:\nusers:x:100:\ndocker:x:999:\nalice:x:1000:\nbob:x:1001:\nsvc:x:990:\n"
BASE = {"/etc/passwd": PASSWD, "/etc/group": GROUP, "/etc/nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\n"}
PLACES = {"/run/docker.sock": 999, "/dev/sda9": 6, "/etc/shadow": 42, "/etc/shadow-": 42}


def group(old: str, new: str) -> dict[str, str]:
    assert old in GROUP
    return {"/etc/group": GROUP.replace(old, new)}


CASES: dict[str, dict[str, str]] = {
    "nobody": {},
    "docker": group("docker:x:999:", "docker:x:999:alice"),
    "two members": group("docker:x:999:", "docker:x:999:alice,bob"),
    "a blank in the list": group("docker:x:999:", "docker:x:999:alice, bob"),
    "a primary group": {"/etc/passwd": PASSWD.replace(":1002:100:", ":1002:999:")},
    "a second name of the number": group("docker:x:999:", "docker:x:999:\nwhales:x:999:bob"),
    "a second name before it": group("docker:x:999:", "whales:x:999:bob\ndocker:x:999:"),
    "a second line of the name": group("docker:x:999:", "docker:x:999:\ndocker:x:999:bob"),
    "somebody who is not there": group("docker:x:999:", "docker:x:999:zoe"),
    "a case that differs": group("docker:x:999:", "docker:x:999:Alice"),
    "disk": group("disk:x:6:", "disk:x:6:carol"),
    "shadow": group("shadow:x:42:", "shadow:x:42:bob"),
    "the hashes for another group": group("adm:x:4:", "adm:x:4:bob") | {"chgrp /etc/shadow": "4", "chgrp /etc/shadow-": "4"},
    "the hashes for root alone": group("shadow:x:42:", "shadow:x:42:bob") | {"chmod /etc/shadow": "600", "chmod /etc/shadow-": "600"},
    "the copy of the hashes": group("shadow:x:42:", "shadow:x:42:bob") | {"chmod /etc/shadow": "600"},
    "staff": group("staff:x:50:", "staff:x:50:carol"),
    "staff that writes root's programs": group("staff:x:50:", "staff:x:50:carol") | {"chmod /usr/local/sbin": "2775"},
    "adm and kmem": group("adm:x:4:", "adm:x:4:alice") | group("kmem:x:15:", "kmem:x:15:alice"),
    "a system account": group("docker:x:999:", "docker:x:999:svc"),
    "root": group("docker:x:999:", "docker:x:999:root"),
    "a line commented out": group("docker:x:999:", "#docker:x:999:alice\ndocker:x:999:"),
    "a line cut short": group("docker:x:999:", "docker:x:999"),
    "a password field": group("docker:x:999:", "docker::999:alice"),
}


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    with lab.overlay(BASE) as place:
        (place / "dev").mkdir(exist_ok=True)
        os.mknod(place / "dev/sda9", 0o660 | stat.S_IFBLK, os.makedev(250, 9))
        with socket.socket(socket.AF_UNIX) as server:
            os.chdir(place / "run")
            server.bind("docker.sock")
            os.chdir("/")
        (place / "etc/shadow-").write_text("")
        (place / "usr/local/sbin").mkdir(exist_ok=True)
        yield place


@pytest.mark.parametrize("name", CASES)
def test_who_may_touch_it(root: Path, name: str) -> None:
    case = CASES[name]
    lab.write(root, {**BASE, **{path: text for path, text in case.items() if path.startswith("/")}})
    for path, gid in PLACES.items():
        os.chown(root / path[1:], 0, int(case.get(f"chgrp {path}", gid)))
        (root / path[1:]).chmod(int(case.get(f"chmod {path}", "640" if "shadow" in path else "660"), 8))
    os.chown(root / "usr/local/sbin", 0, 50)
    (root / "usr/local/sbin").chmod(int(case.get("chmod /usr/local/sbin", "2755"), 8))
    users = ("alice", "bob", "carol", "svc")
    touch = "test -w /run/docker.sock || test -w /dev/sda9 || test -r /etc/shadow || test -r /etc/shadow- || test -w /usr/local/sbin"
    gid = {row.split(":")[0]: row.split(":")[3] for row in (root / "etc/passwd").read_text().splitlines()}
    (root / "ask").write_text("".join(f"setpriv --reuid {u} --regid {gid[u]} --init-groups sh -c '{touch}' && echo {u}\n" for u in users))
    real = set(lab.run(root, ["sh", "/ask"]).stdout.split())
    host = Host(lab.mounted(root) if list(CASES).index(name) % 4 else lab.local(root))
    found = verdicts(run(root_groups, host))
    assert {subject for subject, verdict in found.items() if verdict == "fail"} == real
    assert real or found == {"groups": "pass"}


def test_a_socket_for_all(root: Path) -> None:
    lab.write(root, BASE)
    (root / "run/docker.sock").chmod(0o666)
    assert (
        lab.run(root, ["setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups", "test", "-w", "/run/docker.sock"]).returncode == 0
    )
    for path in ("etc/shadow", "etc/shadow-"):
        (root / path).chmod(0o600)
    (root / "usr/local/sbin").chmod(0o755)
    assert verdicts(run(root_groups, Host(lab.mounted(root)))) == {"/run/docker.sock": "fail"}
