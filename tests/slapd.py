"""A real slapd for tests: its own folder, its own authority and certificate, loopback only, started and stopped by the test."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sovaudit.collectors import CollectOptions

NAMES = "IP:127.0.0.1,DNS:localhost"
BASE = "dc=example,dc=org"
ADMIN, ADMIN_PASSWORD = f"cn=admin,{BASE}", "admin-Secret-1"
AUDITOR, AUDITOR_PASSWORD = f"cn=auditor,ou=services,{BASE}", "audit-Secret-1"
SCHEMAS = ("core", "cosine", "inetorgperson", "nis")
MODULES = ("back_mdb", "ppolicy", "accesslog", "memberof", "otp")
ACCESS = f"""olcAccess: {{0}}to attrs=userPassword,oathSecret by self write by anonymous auth by * none
olcAccess: {{1}}to * by dn.exact={AUDITOR} read by users read by * none
"""
TREE = f"""dn: {BASE}
objectClass: dcObject
objectClass: organization
dc: example
o: example

""" + "".join(
    f"dn: ou={ou},{BASE}\nobjectClass: organizationalUnit\nou: {ou}\n\n" for ou in ("people", "groups", "policies", "services", "tokens")
)


@dataclass(frozen=True)
class Slapd:
    """A running server. ldaps, ldap: ports on 127.0.0.1. ca: its authority."""

    folder: Path
    ldaps: int
    ldap: int
    ca: Path

    @property
    def uri(self) -> str:
        return f"ldaps://127.0.0.1:{self.ldaps}/{BASE}"

    def options(self, dn: str = AUDITOR, password: str = AUDITOR_PASSWORD, **more: object) -> CollectOptions:
        return CollectOptions(ldap_bind_dn=dn, ldap_password=password, ldap_ca=str(self.ca), **more)  # type: ignore[arg-type]

    def binds(self, dn: str, password: str) -> bool:
        """Whether the server lets somebody in with this password: the program's own answer."""
        return self.tool("ldapwhoami", dn, password).returncode == 0

    def tool(self, name: str, dn: str, password: str, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """An ldap-utils program over ldaps, as `dn`."""
        return subprocess.run(
            [name, "-x", "-H", f"ldaps://127.0.0.1:{self.ldaps}", "-D", dn, "-w", password, *arguments],
            input=stdin, capture_output=True, text=True, env={"LDAPTLS_CACERT": str(self.ca), "PATH": "/usr/bin:/usr/sbin"}, timeout=60, check=False,
        )  # fmt: skip

    def sasl(self, name: str, mechanism: str, who: str, password: str) -> subprocess.CompletedProcess[str]:
        """An ldap-utils program over ldaps, by a SASL mechanism that checks a password."""
        return subprocess.run(
            [name, "-Y", mechanism, "-H", f"ldaps://127.0.0.1:{self.ldaps}", "-U", who, "-w", password],
            capture_output=True, text=True, env={"LDAPTLS_CACERT": str(self.ca), "PATH": "/usr/bin:/usr/sbin"}, timeout=60, check=False,
        )  # fmt: skip


def available() -> bool:
    return all(shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin") for name in ("slapd", "slapadd", "ldapwhoami", "openssl"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def certificate(folder: Path, *, names: str = "IP:127.0.0.1,DNS:localhost", days: int = 2) -> None:
    """ca.pem, cert.pem, key.pem and the authority's ca.key in the folder; made once in a run for each set of names."""
    for file in _made(names, days).iterdir():
        shutil.copy(file, folder)


@functools.cache
def _made(names: str, days: int) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="sovaudit-certificate-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)

    def run(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    run("req", "-x509", *new, "-days", "3", "-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem",
        "-addext", "keyUsage=critical,keyCertSign,cRLSign")  # fmt: skip
    run("req", *new, "-subj", "/CN=directory", "-keyout", "key.pem", "-out", "request.pem")
    (folder / "extensions").write_text(f"subjectAltName={names}\nextendedKeyUsage=serverAuth\n")
    run("x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", str(days),
        "-extfile", "extensions", "-out", "cert.pem")  # fmt: skip
    return folder


def config(
    folder: Path, *, access: str = ACCESS, overlays: str = "", database: str = "", extra: str = "", schemas: str = "", settings: str = ""
) -> str:
    """cn=config as LDIF. overlays: entries below the main database ({1}mdb); database: attributes of it; settings: attributes of cn=config."""
    parts = [
        f"dn: cn=config\nobjectClass: olcGlobal\ncn: config\nolcPidFile: {folder}/slapd.pid\nolcTLSCertificateFile: {folder}/cert.pem\n"
        f"olcTLSCertificateKeyFile: {folder}/key.pem\nolcThreads: 2\n{settings}\n",
        "dn: cn=module,cn=config\nobjectClass: olcModuleList\ncn: module\nolcModulePath: /usr/lib/ldap\n"
        + "".join(f"olcModuleLoad: {name}\n" for name in MODULES) + "\n",
        "dn: cn=schema,cn=config\nobjectClass: olcSchemaConfig\ncn: schema\n\n",
        *(Path(f"/etc/ldap/schema/{name}.ldif").read_text() + "\n" for name in SCHEMAS),
        schemas,
        "dn: olcDatabase={-1}frontend,cn=config\nobjectClass: olcDatabaseConfig\nobjectClass: olcFrontendConfig\nolcDatabase: {-1}frontend\n"
        'olcAccess: {0}to dn.base="" by * read\nolcAccess: {1}to dn.base="cn=Subschema" by * read\n\n',
        "dn: olcDatabase={0}config,cn=config\nobjectClass: olcDatabaseConfig\nolcDatabase: {0}config\n"
        f"olcAccess: {{0}}to * by dn.exact={ADMIN} manage by dn.exact={AUDITOR} read by * none\n\n",
        f"dn: olcDatabase={{1}}mdb,cn=config\nobjectClass: olcDatabaseConfig\nobjectClass: olcMdbConfig\nolcDatabase: {{1}}mdb\nolcSuffix: {BASE}\n"
        f"olcDbDirectory: {folder}/db\nolcRootDN: {ADMIN}\nolcRootPW: {ADMIN_PASSWORD}\nolcDbMaxSize: 1073741824\nolcDbNoSync: TRUE\n"
        f"{access}{database}\n",
        overlays,
        extra,
    ]  # fmt: skip
    return "".join(part if part.endswith("\n\n") or not part else part + "\n" for part in parts)


AUDIT_ACCOUNT = (
    f"dn: {AUDITOR}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: auditor\nuserPassword: {AUDITOR_PASSWORD}\n\n"
)


@contextlib.contextmanager
def slapd(
    entries: str = "",
    *,
    tree: str = TREE + AUDIT_ACCOUNT,
    names: str = "IP:127.0.0.1,DNS:localhost",
    days: int = 2,
    environment: dict[str, str] | None = None,
    **configuration: str,
) -> Iterator[Slapd]:
    """A server that holds `tree` and these entries (LDIF). environment: more of it. configuration: as `config`. Stopped and removed on leaving."""
    folder = Path(tempfile.mkdtemp(prefix="sovaudit-slapd-"))
    try:
        (folder / "db").mkdir()
        (folder / "log").mkdir()
        (folder / "slapd.d").mkdir()
        certificate(folder, names=names, days=days)
        (folder / "config.ldif").write_text(config(folder, **configuration).replace("FOLDER", str(folder)))
        (folder / "data.ldif").write_text(tree + entries)
        run("slapadd", "-n0", "-F", str(folder / "slapd.d"), "-l", str(folder / "config.ldif"))
        run("slapadd", "-q", "-n1", "-F", str(folder / "slapd.d"), "-l", str(folder / "data.ldif"))
        server = Slapd(folder, free_port(), free_port(), folder / "ca.pem")
        listen = f"ldap://127.0.0.1:{server.ldap} ldaps://127.0.0.1:{server.ldaps} ldapi://{str(folder / 'ldapi').replace('/', '%2F')}"
        process = subprocess.Popen(
            ["slapd", "-F", str(folder / "slapd.d"), "-h", listen, "-d", "0"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **(environment or {})},
        )
        try:
            for _ in range(200):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", server.ldaps), timeout=1):
                    break
                time.sleep(0.02)
            yield server
        finally:
            process.terminate()
            process.wait(20)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-800:]
