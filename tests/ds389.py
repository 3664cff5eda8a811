"""A real 389 Directory Server for tests: its own folder, loopback only, started in a second from the package's own template, without systemd."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sovaudit.collectors import CollectOptions
from tests.slapd import free_port

BASE = "dc=example,dc=org"
MANAGER, MANAGER_PASSWORD = "cn=Directory Manager", "manager-Secret-1"
AUDITOR, AUDITOR_PASSWORD = f"uid=auditor,ou=services,{BASE}", "audit-Secret-1"
DATA = Path("/usr/share/dirsrv/data")
USER = "dirsrv"
TREE = f"""dn: {BASE}
objectClass: top
objectClass: domain
dc: example

""" + "".join(f"dn: ou={ou},{BASE}\nobjectClass: organizationalUnit\nou: {ou}\n\n" for ou in ("people", "groups", "services"))
AUDIT_ACCOUNT = (
    f"dn: {AUDITOR}\nobjectClass: account\nobjectClass: simpleSecurityObject\nuid: auditor\nuserPassword: {AUDITOR_PASSWORD}\n\n"
)


@dataclass(frozen=True)
class Ds389:
    """A running server. port: plain LDAP on 127.0.0.1."""

    folder: Path
    port: int

    @property
    def uri(self) -> str:
        return f"ldap://127.0.0.1:{self.port}/{BASE}"

    def options(self, dn: str = MANAGER, password: str = MANAGER_PASSWORD, **more: object) -> CollectOptions:
        return CollectOptions(ldap_bind_dn=dn, ldap_password=password, ldap_clear=True, **more)  # type: ignore[arg-type]

    def tool(self, name: str, dn: str, password: str, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """An ldap-utils program, as `dn`; without a name if it is empty."""
        who = ["-D", dn, "-w", password] if dn else []
        command = [name, "-x", "-H", f"ldap://127.0.0.1:{self.port}", *who, *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, check=False)

    def binds(self, dn: str, password: str) -> bool:
        return self.tool("ldapwhoami", dn, password).returncode == 0

    def sets(self, dn: str, old: str, new: str) -> bool:
        """Whether somebody may change their own password to this one: the program's own answer."""
        text = f"dn: {dn}\nchangetype: modify\nreplace: userPassword\nuserPassword: {new}\n\n"
        return self.tool("ldapmodify", dn, old, stdin=text).returncode == 0

    def change(self, ldif: str) -> None:
        """As the manager. Records without a changetype are additions."""
        done = self.tool("ldapmodify", MANAGER, MANAGER_PASSWORD, "-a", stdin=ldif)
        assert done.returncode == 0, done.stderr

    def put(self, dn: str, **values: str) -> None:
        """Replace attributes (`_` for `-`); an empty value removes one."""
        lines = "".join(f"replace: {key}\n" + (f"{key}: {value}\n" if value else "") + "-\n" for key, value in
                        ((key.replace("_", "-"), value) for key, value in values.items()))  # fmt: skip
        self.change(f"dn: {dn}\nchangetype: modify\n{lines}\n")


def available() -> bool:
    found = all(shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin") for name in ("ns-slapd", "ldapmodify"))
    return found and os.geteuid() == 0 and (DATA / "template-dse.ldif").is_file()


@contextlib.contextmanager
def ds389(entries: str = "", *, schema: str = "", settings: str = "", plugins: tuple[str, ...] = ()) -> Iterator[Ds389]:
    """A server that holds TREE, the audit account and these entries. Stopped and removed on leaving.

    schema: LDIF of cn=schema; settings: lines of cn=config; plugins: names of plug-ins that are to run.
    """
    folder = Path(tempfile.mkdtemp(prefix="sovaudit-ds389-"))
    try:
        server = Ds389(folder, free_port())
        _lay_out(server, schema, settings, plugins)
        started = subprocess.run(
            ["ns-slapd", "-D", str(folder), "-i", str(folder / "pid")], capture_output=True, text=True, cwd=folder, check=False
        )
        assert started.returncode == 0, started.stderr[-800:]
        try:
            for _ in range(300):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", server.port), timeout=1):
                    break
                time.sleep(0.05)
            server.change(TREE + AUDIT_ACCOUNT + entries)
            yield server
        finally:
            _stop(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _lay_out(server: Ds389, schema: str, settings: str, plugins: tuple[str, ...]) -> None:
    folder = server.folder
    for name in ("schema", "lock", "tmp", "ldif", "bak", "run", "log", "db", "db/userroot"):
        (folder / name).mkdir()
    values = {
        "schema_dir": folder / "schema", "lock_dir": folder / "lock", "tmp_dir": folder / "tmp", "cert_dir": folder, "ldif_dir": folder / "ldif",
        "bak_dir": folder / "bak", "run_dir": folder / "run", "inst_dir": folder, "log_dir": folder / "log", "config_dir": folder,
        "db_dir": folder / "db", "db_home_dir": folder / "db", "db_lib": "bdb", "fqdn": "localhost", "ds_port": server.port, "ds_user": USER,
        "rootdn": MANAGER, "ds_passwd": _hashed(MANAGER_PASSWORD), "ldapi_enabled": "off", "ldapi": folder / "socket", "ldapi_autobind": "off",
        "ds_suffix": BASE, "ds_bename": "userroot",
    }  # fmt: skip
    text = "".join((DATA / name).read_text() + "\n" for name in ("template-dse.ldif", "template-suffix-db.ldif"))
    for name, value in values.items():
        text = text.replace(f"%{name}%", str(value))
    text = re.sub(r"\n{3,}", "\n\n", "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#")))
    text = text.replace("cn: config\n", f"cn: config\nnsslapd-listenhost: 127.0.0.1\nnsslapd-defaultnamingcontext: {BASE}\n{settings}", 1)
    for name in plugins:
        text = re.sub(rf"(\ncn: {name}\n(?:[^\n]+\n)*?nsslapd-pluginEnabled: )off", r"\1on", text, flags=re.IGNORECASE)
    if "Account Policy Plugin" in plugins:
        text = text.replace(
            "alwaysrecordlogin: no", "alwaysrecordlogin: yes\nstateattrname: lastLoginTime\naltstateattrname: createTimestamp"
        )
    (folder / "dse.ldif").write_text(text)
    shutil.copy("/etc/dirsrv/config/slapd-collations.conf", folder)
    shutil.copy("/etc/dirsrv/schema/99user.ldif", folder / "schema")
    if schema:
        (folder / "schema/98test.ldif").write_text(schema)
    owner = pwd.getpwnam(USER)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner.pw_uid, owner.pw_gid)


def _hashed(password: str) -> str:
    salt = b"01234567"
    return "{SSHA512}" + base64.b64encode(hashlib.sha512(password.encode() + salt).digest() + salt).decode()


def _stop(folder: Path) -> None:
    """At once: nothing in it is needed again, and an orderly end takes seconds."""
    with contextlib.suppress(OSError, ValueError):
        number = int((folder / "pid").read_text())
        os.kill(number, signal.SIGKILL)
        for _ in range(200):
            os.kill(number, 0)
            time.sleep(0.02)
