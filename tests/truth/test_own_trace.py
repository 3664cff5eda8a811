"""The audit comes in through a real sshd and sudo, and looks for itself in what a real rsyslogd wrote."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from checks.log_completeness.own_trace import own_trace_check
from sovaudit.collectors import CollectOptions, collect, parse_target
from sovaudit.facts.host import Host
from sovaudit.testing import run, verdicts
from tests import lab
from tests.truth.test_ssh import BASE, PEM, Case, base, line, prepare
from tests.truth.test_ssh import KEY as FIRST

pytestmark = pytest.mark.lab
__all__ = ["base"]  # a fixture
IN = 'module(load="imuxsock")\n$ActionFileDefaultTemplate RSYSLOG_TraditionalFileFormat\n'
AUTH = IN + "auth,authpriv.* /var/log/auth.log\n"
SUDO = "bob ALL=(ALL) NOPASSWD: ALL\n"


@dataclass(frozen=True)
class Visit:
    """rsyslog: its configuration. logs: whether rsyslogd runs. before: done in the root before the visit. wanted: subject → verdict."""

    wanted: dict[str, str]
    rsyslog: str = AUTH
    sshd: str = BASE
    sudoers: str = SUDO
    logs: bool = True
    sudo: bool = True
    files: dict[str, str] = field(default_factory=dict)


BOTH = {"login": "pass", "sudo": "pass"}
NONE = {"login": "fail", "sudo": "fail"}
VISITS = {
    "logged": Visit(BOTH),
    "as an ordinary account": Visit({"": "unknown"}, sudo=False),
    "nobody writes": Visit(NONE, logs=False),
    "only other facilities": Visit(NONE, rsyslog=IN + "*.*;auth,authpriv.none /var/log/syslog\n"),
    "sshd keeps quiet": Visit({"login": "fail", "sudo": "pass"}, sshd=BASE + "LogLevel QUIET\n"),
    "sshd says errors only": Visit({"login": "fail", "sudo": "pass"}, sshd=BASE + "LogLevel ERROR\n"),
    "sshd says much": Visit(BOTH, sshd=BASE + "LogLevel VERBOSE\n"),
    "another facility": Visit(BOTH, sshd=BASE + "SyslogFacility LOCAL3\n", rsyslog=AUTH + "local3.* /var/log/remote\n"),
    "another facility that nobody writes": Visit({"login": "fail", "sudo": "pass"}, sshd=BASE + "SyslogFacility LOCAL3\n"),
    "sudo keeps quiet": Visit({"login": "pass", "sudo": "fail"}, sudoers="Defaults !syslog\n" + SUDO),
    "a rule drops its records": Visit({"login": "fail", "sudo": "pass"}, rsyslog=IN + ':msg, contains, "Accepted" stop\n*.* /var/log/all.log\n'),
    "a file of another name, stamps in full": Visit(BOTH, rsyslog='module(load="imuxsock")\n*.* /var/log/deep/all;RSYSLOG_FileFormat\n'),
    "a file elsewhere": Visit({"login": "unknown", "sudo": "unknown"}, rsyslog=IN + "*.* /srv/all.log\n"),
    "another's login in an old log": Visit(
        NONE, rsyslog=IN + "*.* /var/log/all.log\n", logs=False,
        files={"/var/log/auth.log": "Jun  1 00:00:00 x sshd[1]: Accepted publickey for bob from 127.0.0.1 port 1 ssh2\nJun  1 00:00:00 x sudo: eve : COMMAND=/bin/sh\n"},
    ),
}  # fmt: skip


@contextlib.contextmanager
def world(visit: Visit, base: str) -> Iterator[tuple[Path, int]]:
    """A root in which sshd, and rsyslogd where it runs, see each other, a /dev/log and nobody else."""
    with lab.overlay(visit.files) as root:
        prepare(root, Case(visit.sshd, {"bob": line(FIRST)}), base)
        lab.write(root, {"/etc/rsyslog.conf": visit.rsyslog, "/etc/sudoers.d/lab": visit.sudoers}, {"/etc/sudoers.d/lab": 0o440})
        (root / "run/sshd").mkdir(exist_ok=True)
        port = lab.free_port()
        daemon = f"chroot {root} rsyslogd -n -iNONE & while [ ! -S {root}/dev/log ]; do sleep 0.01; done;" if visit.logs else ""
        script = f"mount -t proc proc {root}/proc; {daemon} exec chroot {root} /usr/sbin/sshd -D -o ListenAddress=127.0.0.1:{port} -o PidFile=none"
        command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script]
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        try:
            for _ in range(500):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.02)
            yield root, port
        finally:
            server.kill()
            server.wait()


@pytest.mark.parametrize("name", VISITS)
def test_visit(name: str, base: str, tmp_path: Path) -> None:
    visit = VISITS[name]
    (tmp_path / "id").write_text(PEM)
    os.chmod(tmp_path / "id", 0o600)
    with world(visit, base) as (root, port):
        kind, key = (root / "etc/ssh/ssh_host_ed25519_key.pub").read_text().split()[:2]
        (tmp_path / "known").write_text(f"[127.0.0.1]:{port} {kind} {key}\n")
        options = CollectOptions(
            key_files=(str(tmp_path / "id"),), known_hosts=(str(tmp_path / "known"),), agent=False, ssh_config=str(tmp_path / "none"), sudo=visit.sudo
        )  # fmt: skip
        evidence = collect(parse_target(f"ssh://bob@127.0.0.1:{port}"), options)
        written = "".join(
            path.read_text("utf-8", "replace") for path in (root / "var/log").rglob("*") if path.is_file() and path.suffix != ".gz"
        )
    assert evidence.error == ""
    found = verdicts(run(own_trace_check, Host(evidence)))
    assert found == visit.wanted, evidence.artifacts.get("cmd:own-trace")
    if "login" in found and found["login"] != "unknown" and not visit.files:
        assert (found["login"] == "pass") == ("Accepted publickey for bob" in written)  # what sshd and sudo really wrote
        assert (found["sudo"] == "pass") == ("COMMAND=" in written)
