"""Only declared services listen beyond loopback."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sovaudit.content.checks.least_privilege.listening import listening

from sovaudit.facts.host import Host
from sovaudit.facts.sockets import loopback
from sovaudit.model.evidence import Gap
from sovaudit.model.verdict import Reason
from sovaudit.testing import evidence_with, run, verdicts

SSH = 'tcp   LISTEN 0      128    0.0.0.0:22   0.0.0.0:*    users:(("sshd",pid=1,fd=3))\n'


def judged(output: str, *declared: str, privilege: str = "root", code: int = 0, files: dict[str, str] | None = None) -> dict[str, str]:
    evidence = evidence_with(files, commands={"listening": (code, output)})
    evidence = replace(evidence, identity={"privilege": privilege})
    return verdicts(run(listening, Host(evidence), **({"declared": declared} if declared else {})))


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("0.0.0.0", False), ("*", False), ("[::]", False), ("127.0.0.1", True), ("127.255.0.9", True), ("[::1]", True), ("[::ffff:127.0.0.1]", True),
        ("[::ffff:10.0.0.1]", False), ("127.0.0.53%lo", True), ("0.0.0.0%lo", True), ("0.0.0.0%eth0", False), ("[fe80::1]%eth0", False),
        ("[fe80::1%eth0]", False), ("128.0.0.1", False), ("::1", True), ("10.0.0.1", False), ("[::]%lo", True), ("*%lo", True), ("*%eth0", False),
    ],
)  # fmt: skip
def test_addresses(address: str, local: bool) -> None:
    assert loopback(address) is local


def test_programs_and_ports() -> None:
    assert judged(SSH) == {"22/tcp": "pass"}
    assert judged(SSH, "22") == judged(SSH, "22/tcp") == judged(SSH, "sshd") == {"22/tcp": "pass"}
    assert judged(SSH, "2222/tcp") == judged(SSH, "22/udp") == judged(SSH, "ssh") == {"22/tcp": "fail"}


def test_one_undeclared_holder_is_enough() -> None:
    line = 'tcp LISTEN 0 5 *:80 *:* users:(("nginx",pid=2,fd=6),("nginx",pid=3,fd=6),("evil",pid=9,fd=3))\n'
    assert judged(line, "nginx") == {"80/tcp": "fail"}
    assert judged(line, "nginx", "evil") == {"80/tcp": "pass"}


def test_loopback_and_another_address() -> None:
    lines = 'udp UNCONN 0 0 127.0.0.1:53 0.0.0.0:* users:(("named",pid=2,fd=6))\nudp UNCONN 0 0 10.0.0.1:53 0.0.0.0:* users:(("named",pid=2,fd=7))\n'
    assert judged(lines.splitlines()[0] + "\n") == {"53/udp": "pass"}
    assert judged(lines) == {"53/udp": "fail"}


def test_without_programs() -> None:
    line = "tcp   LISTEN 0      128    0.0.0.0:8080   0.0.0.0:*\n"
    assert judged(line, privilege="user") == {"8080/tcp": "unknown"}
    assert judged(line, privilege="root") == {"8080/tcp": "fail"}
    assert judged(line, "22", privilege="user") == {"8080/tcp": "fail"}
    assert judged(line, "8080", privilege="user") == {"8080/tcp": "pass"}


def test_systemd_holds_it_for_a_service() -> None:
    line = 'tcp LISTEN 0 128 *:22 *:* users:(("systemd",pid=1,fd=60))\n'
    unit = {"/etc/systemd/system/ssh.socket": "[Socket]\nListenStream=22\nAccept=no\n"}
    assert judged(line, "ssh.socket", files=unit) == {"22/tcp": "pass"}
    assert judged(line, "ssh.socket") == {"22/tcp": "fail"}
    both = 'tcp LISTEN 0 128 *:22 *:* users:(("sshd",pid=7,fd=3),("systemd",pid=1,fd=60))\n'
    assert judged(both, "sshd") == {"22/tcp": "pass"}
    assert judged(both, "ssh.socket", files=unit) == {"22/tcp": "pass"}
    moved = unit | {"/etc/systemd/system/ssh.socket.d/port.conf": "[Socket]\nListenStream=\nListenStream=[::]:2222\n"}
    assert judged(line, "ssh.socket", files=moved) == {"22/tcp": "fail"}
    assert judged(line.replace(":22 ", ":2222 "), "ssh.socket", files=moved) == {"2222/tcp": "pass"}
    other = {"/etc/systemd/system/ssh.socket": "[Unit]\nListenStream=22\n[Socket]\nListenDatagram=22\n"}
    assert judged(line, "ssh.socket", files=other) == {"22/tcp": "fail"}


def test_a_name_that_the_kernel_cuts() -> None:
    line = 'udp UNCONN 0 0 0.0.0.0:5355 0.0.0.0:* users:(("systemd-resolve",pid=9,fd=11))\n'
    assert judged(line, "systemd-resolved") == {"5355/udp": "pass"}
    assert judged(line, "systemd-resolve") == {"5355/udp": "pass"}
    assert judged(line, "systemd-resolver") == {"5355/udp": "pass"}  # ss tells them apart no better
    assert judged(line, "systemd") == {"5355/udp": "fail"}
    assert judged(line.replace("systemd-resolve", "systemd"), "systemd-resolved") == {"5355/udp": "fail"}


def test_what_cannot_be_read() -> None:
    assert judged("Cannot open netlink socket\n", code=1) == {"": "unknown"}
    assert judged("what is this\n") == {"": "unknown"}
    assert judged("") == {"host": "pass"}
    evidence = evidence_with(commands={"listening": (0, SSH)})
    cut = replace(evidence, gaps=(Gap("cmd:listening", Reason.TRUNCATED, ""),))
    assert verdicts(run(listening, Host(cut))) == {"": "unknown"}
    assert verdicts(run(listening, Host(evidence_with()))) == {"": "unknown"}
