"""Which sshd command lines a host starts: systemd's own word on the same units, in its test mode, beside the facts."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from sovaudit.facts.host import Host
from tests import lab

pytestmark = pytest.mark.lab
TOP = "/etc/systemd/system"
EACH = {f"{TOP}/admin@.service": "[Service]\nExecStart=-/usr/sbin/sshd -i -f /etc/ssh/admin\n"}
LOOSE = "/usr/sbin/sshd -D -o PasswordAuthentication=yes"


def drop(text: str = LOOSE) -> str:
    return f"[Service]\nExecStart=\nExecStart={text}\n"


def wants(unit: str, folder: str = "multi-user.target.wants", file: str = "") -> str:
    return f"mkdir -p {TOP}/{folder}; ln -s {TOP}/{file or unit} {TOP}/{folder}/{unit}"


def admin(name: str) -> dict[str, str]:
    return {f"{TOP}/{name}.service": f"[Service]\nExecStart=/usr/sbin/sshd -D -f /etc/ssh/{name}\n"}


# several units that do not touch each other stand in one case; name → files, commands
CASES: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "beside its own": (
        {
            **admin("sshd-second"), **admin("sshd-idle"), **admin("sshd-longname"), **admin("sshd-behind"), **admin("sshd-linked"), **admin("sshd-lost"),
            f"{TOP}/remote.service": f"[Service]\nExecStart=-{LOOSE}\n",
            f"{TOP}/sshd2@.service": "[Service]\nExecStart=/usr/sbin/sshd -D -f /etc/ssh/x_%i\n",
            f"{TOP}/sshd-longname.service.d/a.conf": drop("/usr/sbin/sshd -D"), f"{TOP}/sshd-.service.d/b.conf": "[Service]\nExecStart=\n", f"{TOP}/sshd-longname.service.d/c.conf": drop(f"{LOOSE} -o UsePAM=no"),
            f"{TOP}/sshd-second.service.d/d.conf": drop("/usr/sbin/sshd -D -f /etc/ssh/again"), f"{TOP}/sshd-behind.service.d/d.conf": drop("/usr/sbin/sshd -D -f /etc/ssh/behind"),
            f"{TOP}/a.socket": "[Socket]\nListenStream=2222\nService=sshd-behind.service\n",
            f"{TOP}/y.service": "[Service]\nExecStart=/bin/true\n", f"{TOP}/z.service": "[Service]\nExecStart=/bin/true\n",
        },
        (
            wants("sshd-second.service"), wants("sshd-longname.service", "multi-user.target.requires"), wants("remote.service"), wants("sshd2@a.service", file="sshd2@.service"),
            wants("a.socket", "sockets.target.wants"), wants("y.service", file="sshd-linked.service"), wants("sshd-lost.service", "z.service.wants"),
        ),
    ),
    "drop-ins": (
        {
            f"{TOP}/ssh.service.d/b.conf": drop().replace(" -o", " \\\n  -o"), f"{TOP}/sshd.service.d/a.conf": drop("/usr/sbin/sshd -D"),
            "/usr/lib/systemd/system/ssh.service.d/b.conf": drop("/usr/sbin/sshd -D"), f"{TOP}/ssh.service.d/c.conf": drop("/usr/sbin/sshd").replace("Service", "Unit"),
        },
        (),
    ),
    "drop-in of the alias": ({f"{TOP}/sshd.service.d/x.conf": drop()}, ()),
    "masked, and a second one": (admin("sshd-second"), (wants("sshd-second.service"), f"ln -sf /dev/null {TOP}/ssh.service", f"rm -f {TOP}/multi-user.target.wants/ssh.service")),
    "disabled, and a second one": (admin("sshd-second"), (wants("sshd-second.service"), f"rm {TOP}/multi-user.target.wants/ssh.service")),
}  # fmt: skip
ASKED = (
    "mount -t tmpfs x /run; mount -t sysfs x /sys; mount -t cgroup2 x /sys/fs/cgroup; "
    "setpriv --reuid nobody --clear-groups /lib/systemd/systemd --test --system --unit=multi-user.target --no-pager"
)


def started(root: Path) -> set[str]:
    """Command lines of the sshd that systemd would start."""
    blocks = re.split(r"(?m)^\t?-> Unit ", lab.run(root, ["sh", "-c", ASKED]).stdout)
    lines = [line for block in blocks for line in re.findall(r"-> ExecStart:\s*\n\s*Command Line: (.*)", block)]
    return {line.replace('"', "").replace("\\", "") for line in lines if line.startswith("/usr/sbin/sshd ")}


def test_units() -> None:
    wrong: list[str] = []
    with lab.overlay() as root:
        shutil.copytree(root / TOP[1:], root / "etc/units", symlinks=True)
        for name, (files, commands) in CASES.items():
            shutil.rmtree(root / TOP[1:])
            shutil.rmtree(root / "usr/lib/systemd/system/ssh.service.d", ignore_errors=True)
            shutil.copytree(root / "etc/units", root / TOP[1:], symlinks=True)
            lab.write(root, files)
            lab.run(root, ["sh", "-c", "\n".join(commands)])
            told = {(server.daemon.config, server.daemon.options) for server in Host(lab.mounted(root)).ssh.servers}
            found = {_plain(line) for line in started(root)}
            if told != found:
                wrong.append(f"{name}: systemd starts {found}, we say {told}")
    assert wrong == []


def _plain(line: str) -> tuple[str, tuple[str, ...]]:
    words = line.split()
    return (words[words.index("-f") + 1] if "-f" in words else "", tuple(words[at + 1] for at, word in enumerate(words) if word == "-o"))


def test_a_socket_for_each_connection() -> None:
    """systemd's test mode starts no connection, so what it would start is read from the manual alone."""
    with lab.overlay({**EACH, f"{TOP}/admin.socket": "[Socket]\nListenStream=127.0.0.1:2222\nAccept=yes\n"}) as root:
        lab.run(root, ["sh", "-c", wants("admin.socket", "sockets.target.wants")])
        servers = Host(lab.mounted(root)).ssh.servers
    assert [(server.daemon.config, server.ports) for server in servers] == [("", (22,)), ("/etc/ssh/admin", (2222,))]
