"""A real Kerberos KDC (MIT) for tests: its own realm, database and keys in its own folder, loopback only."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.slapd import free_port

REALM = "EXAMPLE.ORG"
PASSWORD = "ticket-Secret-1"
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Kdc:
    """keytab: of `ldap/localhost`. environment: what a server or client of this realm needs."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            "KRB5_CONFIG": f"{self.folder}/krb5.conf", "KRB5_KDC_PROFILE": f"{self.folder}/kdc.conf", "KRB5_KTNAME": f"FILE:{self.folder}/keytab",
            "KRB5CCNAME": f"FILE:{self.folder}/cache", "KRB5RCACHEDIR": str(self.folder), "PATH": PATH,
        }  # fmt: skip

    def ticket(self, who: str, *, seconds: int = 600) -> None:
        """Into the environment's cache, what was there before is lost."""
        command = ["kinit", "-l", f"{seconds}s", who]
        subprocess.run(command, input=PASSWORD + "\n", env=self.environment, text=True, capture_output=True, check=True, timeout=30)

    def no_ticket(self) -> None:
        (self.folder / "cache").unlink(missing_ok=True)


def available() -> bool:
    mechanism = any(Path("/usr/lib").glob("*/sasl2/libgssapiv2.so"))
    return mechanism and all(shutil.which(name, path=PATH) for name in ("krb5kdc", "kdb5_util", "kadmin.local", "kinit"))


@contextlib.contextmanager
def kdc(*people: str) -> Iterator[Kdc]:
    """A running KDC that knows these principals, all with PASSWORD, and the service `ldap/localhost`."""
    folder = Path(tempfile.mkdtemp(prefix="sovaudit-kdc-"))
    try:
        port = free_port()
        (folder / "krb5.conf").write_text(
            f"[libdefaults]\n default_realm = {REALM}\n dns_lookup_kdc = false\n dns_canonicalize_hostname = false\n rdns = false\n"
            f" udp_preference_limit = 1\n clockskew = 1\n[realms]\n {REALM} = {{\n  kdc = 127.0.0.1:{port}\n }}\n"
            f"[domain_realm]\n localhost = {REALM}\n"
        )
        (folder / "kdc.conf").write_text(
            f"[kdcdefaults]\n kdc_listen = 127.0.0.1:{port}\n kdc_tcp_listen = 127.0.0.1:{port}\n[realms]\n {REALM} = {{\n"
            f"  database_name = {folder}/principal\n  key_stash_file = {folder}/stash\n  acl_file = {folder}/acl\n }}\n"
            f"[logging]\n kdc = FILE:{folder}/kdc.log\n"
        )
        made = Kdc(folder)
        _run(made, "kdb5_util", "create", "-s", "-r", REALM, "-P", "master-Secret-1")
        lines = [f"addprinc -pw {PASSWORD} {who}" for who in people]
        lines += ["addprinc -randkey ldap/localhost", f"ktadd -k {folder}/keytab ldap/localhost"]
        _run(made, "kadmin.local", "-r", REALM, stdin="\n".join(lines) + "\n")
        process = subprocess.Popen(
            ["krb5kdc", "-n", "-r", REALM], env=made.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            for _ in range(200):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                    break
                time.sleep(0.02)
            yield made
        finally:
            process.terminate()
            process.wait(20)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(made: Kdc, *command: str, stdin: str = "") -> None:
    done = subprocess.run(
        command, input=stdin, env={**os.environ, **made.environment}, text=True, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr[-500:]
