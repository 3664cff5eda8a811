"""A real Samba AD DC for tests: provisioned once, copied for each use, alone in its own network namespace, gone afterwards.

Needs root and Debian's samba-ad-dc. Nothing of the machine is changed: the server sees its own loopback, its own hostname, its own files.
The copy that is kept lies in $SOVAUDIT_LAB (default: ~/.cache/sovaudit-lab), one per version of Samba.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sovaudit.collectors import CollectOptions, collect, parse_target
from sovaudit.model.evidence import Evidence
from tests.slapd import certificate

BASE = "DC=lab,DC=test"
HOST = "dc1.lab.test"
ADMIN, ADMIN_PASSWORD = "administrator@lab.test", "Adm1n-Passw0rd!"
PASSWORD = "Plan7ed-Passw0rd!"
_SEED = Path(__file__).with_name("samba_seed.py")
_NETWORK = 0x40000000  # CLONE_NEWNET
_PROGRAMS = ("samba", "samba-tool", "unshare", "ip", "ldapmodify", "ldapsearch", "openssl")


def why_not() -> str:
    """Why it cannot run here; empty if it can."""
    if os.geteuid() != 0:
        return "needs root (namespaces)"
    missing = [name for name in _PROGRAMS if shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin") is None]
    return f"needs {', '.join(missing)}" if missing else ""


@dataclass(frozen=True)
class Samba:
    """A running domain controller of lab.test. pid: a process inside its network namespace."""

    folder: Path
    pid: int
    answers: list[str | None]

    def options(self, user: str = ADMIN, password: str = ADMIN_PASSWORD) -> CollectOptions:
        return CollectOptions(ldap_bind_dn=user, ldap_password=password, ldap_ca=str(self.folder / "ca.pem"), ldap_tls_name=HOST)

    def collect(self, user: str = ADMIN, password: str = ADMIN_PASSWORD) -> Evidence:
        """What `sovaudit collect ldaps://…` brings for this account."""
        with inside(self.pid):
            return collect(parse_target(f"ldaps://127.0.0.1/{BASE}"), self.options(user, password))

    def tool(self, name: str, user: str, password: str, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """An ldap-utils program over ldaps, as that user: the server's own answers."""
        command = [
            "nsenter",
            f"--net=/proc/{self.pid}/ns/net",
            name,
            "-x",
            "-H",
            "ldaps://127.0.0.1",
            "-D",
            user,
            "-w",
            password,
            *arguments,
        ]
        environment = {"LDAPTLS_CACERT": str(self.folder / "ca.pem"), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        return subprocess.run(command, input=stdin, capture_output=True, text=True, env=environment, timeout=60, check=False)

    def lets_in(self, user: str, password: str) -> bool:
        """Whether it accepts that password: its own answer."""
        return self.tool("ldapsearch", user, password, "-s", "base", "-b", "", "currentTime").returncode == 0

    def changes(self, ldif: str, user: str = ADMIN, password: str = ADMIN_PASSWORD) -> bool:
        """Whether that user may make this change; it is made."""
        return self.tool("ldapmodify", user, password, stdin=ldif).returncode == 0

    def values(
        self, dn: str, attribute: str, user: str = ADMIN, password: str = ADMIN_PASSWORD, *, controls: Sequence[str] = ()
    ) -> list[str]:
        """An attribute's values as the server shows them to that user, base64 ones as they are."""
        found = self.tool("ldapsearch", user, password, "-LLL", "-o", "ldif-wrap=no", "-s", "base", "-b", dn, *controls, attribute)
        prefix = f"{attribute.lower()}:"
        return [line[len(prefix) :].removeprefix(":").strip() for line in found.stdout.splitlines() if line.lower().startswith(prefix)]


@contextlib.contextmanager
def inside(pid: int) -> Iterator[None]:
    """Let this thread use the network of another process."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/thread-self/ns/net", "rb") as home, open(f"/proc/{pid}/ns/net", "rb") as there:
        if libc.setns(there.fileno(), _NETWORK) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        try:
            yield
        finally:
            if libc.setns(home.fileno(), _NETWORK) != 0:
                raise OSError(ctypes.get_errno(), "setns back")


@contextlib.contextmanager
def samba(operations: Sequence[object] = (), *, services: str = "ldap", settings: str = "") -> Iterator[Samba]:
    """A fresh domain with these operations (samba_seed.py) applied, listening. Stopped and removed on leaving.

    services: what runs; settings: further lines of smb.conf's [global].
    """
    folder = Path(tempfile.mkdtemp(prefix="sovaudit-samba-"))
    try:
        shutil.copytree(provisioned(), folder, dirs_exist_ok=True)
        (folder / "etc").mkdir(exist_ok=True)
        certificate(folder, names=f"DNS:{HOST},IP:127.0.0.1")
        (folder / "key.pem").chmod(0o600)
        conf = folder / "etc/lab.conf"
        conf.write_text(_configuration(folder).replace("server services = ldap", f"server services = {services}") + settings)
        answers: list[str | None] = []
        if operations:
            done = _namespaced(folder, ["/usr/bin/python3", str(_SEED), str(conf)], stdin=json.dumps(list(operations)))
            assert done.returncode == 0, done.stderr[-1500:]
            answers = json.loads(done.stdout)
        with (folder / "samba.out").open("w") as output:
            process = subprocess.Popen(
                _command(folder, ["samba", "-i", "-M", "single", "-s", str(conf), "--debug-stdout"]), stdout=output, stderr=output
            )
        try:
            _wait(process, folder)
            yield Samba(folder, process.pid, answers)
        finally:
            process.kill()  # the namespace's first process dies with it, and with that all others
            process.wait(10)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(process: subprocess.Popen[bytes], folder: Path) -> None:
    for _ in range(400):
        assert process.poll() is None, (folder / "samba.out").read_text("utf-8", "replace")[-1500:]
        with contextlib.suppress(OSError), inside(process.pid), socket.create_connection(("127.0.0.1", 636), timeout=1):
            return
        time.sleep(0.05)
    raise AssertionError((folder / "samba.out").read_text("utf-8", "replace")[-1500:])


def provisioned() -> Path:
    """A fresh domain's files, made on first use. Safe to call from several processes."""
    home = Path(os.environ.get("SOVAUDIT_LAB") or Path.home() / ".cache/sovaudit-lab")
    home.mkdir(parents=True, exist_ok=True)
    version = subprocess.run(["samba", "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
    kept = home / f"samba-{version}-1"
    with (home / "lock-samba").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (kept / "ready").exists():
            shutil.rmtree(kept, ignore_errors=True)
            making = home / "samba-making"
            shutil.rmtree(making, ignore_errors=True)
            making.mkdir()
            (making / "hosts").write_text(_HOSTS)
            options = ["interfaces=lo", "bind interfaces only=yes"]
            command = [
                "samba-tool", "domain", "provision", "--realm=LAB.TEST", "--domain=LAB", f"--adminpass={ADMIN_PASSWORD}", "--server-role=dc",
                "--dns-backend=SAMBA_INTERNAL", "--use-rfc2307", "--host-name=dc1", "--host-ip=127.0.0.1", f"--targetdir={making}",
                "--base-schema=2012_R2", *(f"--option={one}" for one in options),
            ]  # fmt: skip
            done = _namespaced(making, command)
            assert done.returncode == 0, done.stdout[-1500:] + done.stderr[-1500:]
            (making / "ready").write_text(version)
            making.rename(kept)
    return kept


_HOSTS = f"127.0.0.1 localhost\n127.0.0.1 {HOST} dc1\n"


def _configuration(folder: Path) -> str:
    return f"""[global]
\tnetbios name = DC1
\trealm = LAB.TEST
\tworkgroup = LAB
\tserver role = active directory domain controller
\tserver services = ldap
\tinterfaces = lo
\tbind interfaces only = yes
\tprivate dir = {folder}/private
\tstate directory = {folder}/state
\tcache directory = {folder}/cache
\tlock directory = {folder}
\tpid directory = {folder}
\tbinddns dir = {folder}/bind-dns
\tncalrpc dir = {folder}/ncalrpc
\tlog file = {folder}/samba.log
\ttls certfile = {folder}/cert.pem
\ttls keyfile = {folder}/key.pem
\ttls cafile = {folder}/ca.pem
"""


def _command(folder: Path, command: Sequence[str]) -> list[str]:
    """In namespaces of its own: network, hostname, mounts, processes. Killing the first process ends all."""
    (folder / "hosts").write_text(_HOSTS)
    prepare = 'ip link set lo up && hostname dc1 && mount --bind "$1" /etc/hosts && shift && exec "$@"'
    spaces = ["unshare", "--net", "--uts", "--mount", "--pid", "--mount-proc", "--fork", "--kill-child"]
    return [*spaces, "sh", "-c", prepare, "sh", str(folder / "hosts"), *command]


def _namespaced(folder: Path, command: Sequence[str], *, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(_command(folder, command), input=stdin, capture_output=True, text=True, timeout=180, check=False)
