"""Which login shells give a session: real ssh with a command to accounts whose shells have odd names, links and modes, beside the checks' answers."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import paramiko
import pytest
from sovaudit.content.checks.least_privilege.session_timeout import session_timeout
from sovaudit.content.checks.least_privilege.ssh_allowed import ssh_allowed
from sovaudit.content.checks.least_privilege.umask import umask

from sovaudit.facts.host import Host
from sovaudit.testing import run, verdicts
from tests import lab
from tests.truth.test_ssh import BASE, KEY, line

# account → its shell; SETUP makes those below /opt and /usr/local
SHELLS = {
    "plain": "/bin/sh",
    "empty": "",
    "rbash": "/bin/rbash",
    "nologin": "/usr/sbin/nologin",
    "false": "/usr/bin/false",
    "dots": "/usr/bin/../sbin/nologin",
    "sync": "/bin/sync",
    "halt": "/sbin/halt",
    "absent": "/bin/nonexistent",
    "blank": "/bin/sh ",
    "words": "/bin/bash -l",
    "relative": "sh",
    "nofile": "/etc/passwd",
    "folder": "/opt/x",
    "slash": "/bin/bash/",
    "calledtrue": "/opt/x/true",  # a copy of bash
    "callednologin": "/opt/x/nologin",  # another
    "linkbash": "/usr/local/sbin/nologin",  # a link to bash
    "linknologin": "/opt/quiet",  # a link to nologin
    "linksh": "/opt/shell",
    "dangling": "/opt/dangling",
    "rootonly": "/opt/rootonly",
    "closed": "/opt/closed/sh",
    "owner": "/opt/owned",
}
# account → the command of its key
FORCED = {"fnologin": "/usr/sbin/nologin", "forelse": "false || echo IN", "fthen": "true; echo IN", "ftrue": "/opt/x/true -c 'echo IN'"}
UIDS = {name: 2000 + number for number, name in enumerate([*SHELLS, *FORCED])}


def furnish(root: Path) -> None:
    opt = root / "opt"
    (opt / "x").mkdir()
    (opt / "closed").mkdir()
    for name in ("x/true", "x/nologin", "rootonly", "closed/sh", "owned"):
        shutil.copy(root / "bin/bash", opt / name)
    (opt / "rootonly").chmod(0o700)
    (opt / "owned").chmod(0o700)
    os.chown(opt / "owned", UIDS["owner"], 0)
    (opt / "closed").chmod(0o700)
    for path, target in (("quiet", "/usr/sbin/nologin"), ("shell", "/bin/sh"), ("dangling", "/bin/zzz")):
        (opt / path).symlink_to(target)
    (root / "usr/local/sbin/nologin").symlink_to("/bin/bash")
    with (root / "etc/passwd").open("a") as passwd, (root / "etc/shadow").open("a") as shadow:
        for name, uid in UIDS.items():
            passwd.write(f"{name}:x:{uid}:{uid}::/home/{name}:{SHELLS.get(name, '/bin/sh')}\n")
            shadow.write(f"{name}:*:19000::::::\n")
            folder = root / "home" / name / ".ssh"
            folder.mkdir(parents=True)
            forced = f'command="{FORCED[name]}" ' if name in FORCED else ""
            (folder / "authorized_keys").write_text(forced + line(KEY))
            for path in (folder.parent, folder, folder / "authorized_keys"):
                os.chown(path, uid, uid)


def enters(port: int, user: str) -> bool:
    """Whether the shell does what it is told."""
    try:
        with socket.create_connection(("127.0.0.1", port), 10) as sock, paramiko.Transport(sock) as transport:
            transport.start_client(timeout=15)
            transport.auth_publickey(user, KEY)
            channel = transport.open_session(timeout=10)
            channel.settimeout(10)
            channel.exec_command("echo IN")
            said = b""
            while data := channel.recv(1000):
                said += data
            return said == b"IN\n"
    except paramiko.AuthenticationException:
        return False


@pytest.mark.lab
def test_who_gets_a_session() -> None:
    with lab.overlay({"/etc/ssh/sshd_config": BASE}) as root:
        furnish(root)
        with lab.sshd(root) as port:
            real = {name: enters(port, name) for name in UIDS}
        for evidence in (lab.mounted(root), lab.local(root)):
            host = Host(evidence)
            found = verdicts(run(ssh_allowed, host))
            assert {name: found.get(name, "pass") == "fail" for name in UIDS} == real
            for check in (session_timeout, umask):
                asked = verdicts(run(check, host))
                assert {name for name in SHELLS if name in asked} == {name for name in SHELLS if real[name]}, check
