"""What ~/.ssh/config and the options say of one host, and which host keys are known for it."""

from __future__ import annotations

import base64
import binascii
import getpass
import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sovaudit.collectors.options import CollectOptions
from sovaudit.collectors.ssh_target import Address
from sovaudit.errors import CollectError

if TYPE_CHECKING:
    import paramiko

DEFAULT_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")


@dataclass(frozen=True, slots=True)
class Route:
    """Where and as whom to connect. name: what known_hosts calls it. given_keys were asked for; the others are the usual ones."""

    host: str
    port: int
    user: str
    name: str
    keys: tuple[str, ...]
    given_keys: bool
    agent: bool
    known_hosts: tuple[str, ...]
    jump: str
    proxy_command: str
    connect_timeout: float


def route(address: Address, options: CollectOptions) -> Route:
    """Raises CollectError (failed) if the configuration cannot be read."""
    import paramiko

    path = Path(options.ssh_config) if options.ssh_config is not None else Path("~/.ssh/config").expanduser()
    found: dict[str, object] = {}
    if path.is_file():
        try:
            found = dict(paramiko.SSHConfig.from_path(str(path)).lookup(address.host))
        except (paramiko.SSHException, OSError, ValueError, ImportError) as error:
            raise CollectError(
                f"cannot read the SSH configuration ({error})", status="failed", where=str(path), hint="Mend that file, or name another"
            ) from error

    def word(key: str) -> str:
        value = found.get(key, "")
        return value if isinstance(value, str) and value.lower() != "none" else ""

    host = word("hostname") or address.host
    port = address.port or (int(word("port")) if word("port").isdigit() else 22)
    identity = found.get("identityfile")
    listed = tuple(str(name) for name in identity) if isinstance(identity, list) else ()
    keys = options.key_files or tuple(str(Path(name).expanduser()) for name in listed)
    usual = tuple(str(Path("~/.ssh").expanduser() / name) for name in DEFAULT_KEYS)
    known = options.known_hosts or tuple(shlex.split(word("userknownhostsfile"))) or ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")
    if not options.known_hosts:
        known = (*known, *(shlex.split(word("globalknownhostsfile")) or ("/etc/ssh/ssh_known_hosts",)))
    timeout = float(options.connect_timeout_s)
    if word("connecttimeout").isdigit():
        timeout = min(timeout, float(word("connecttimeout")))
    alias = word("hostkeyalias")
    return Route(
        host=host,
        port=port,
        user=address.user or word("user") or getpass.getuser(),
        name=alias or (host if port == 22 else f"[{host}]:{port}"),
        keys=keys or usual,
        given_keys=bool(keys),
        agent=options.agent and not options.key_files and word("identitiesonly").lower() != "yes",
        known_hosts=tuple(str(Path(name).expanduser()) for name in known),
        jump=options.jump or word("proxyjump"),
        proxy_command=word("proxycommand") if not options.jump else "",
        connect_timeout=max(timeout, 0.1),
    )


class KnownHosts:
    """known_hosts(5): plain and hashed names; `@revoked` keys are refused, `@cert-authority` lines are not used."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        import paramiko

        self.paths = paths
        self._keys = paramiko.HostKeys()
        self._revoked: set[bytes] = set()
        for path in paths:
            try:
                text = Path(path).read_text("utf-8", "replace")
            except OSError:
                continue
            for line in text.splitlines():
                words = line.split()
                if not words or words[0].startswith("#"):
                    continue
                if words[0] == "@revoked" and len(words) >= 4:
                    try:
                        self._revoked.add(base64.b64decode(words[3]))
                    except (binascii.Error, ValueError):
                        continue
                elif words[0][0] != "@":
                    try:
                        entry = paramiko.hostkeys.HostKeyEntry.from_line(" ".join(words))
                    except (paramiko.SSHException, ValueError):
                        continue
                    if entry is not None and entry.key is not None:
                        for name in entry.hostnames:
                            self._keys.add(name, entry.key.get_name(), entry.key)

    def types(self, name: str) -> list[str]:
        """Key types known for a host, in their known_hosts spelling."""
        found = self._keys.lookup(name)
        return list(found) if found is not None else []

    def refuse(self, name: str, key: paramiko.PKey, where: str) -> None:
        """Raises CollectError (refused) unless this very key is known for this name."""
        seen = f"{key.get_name()} {fingerprint(key)}"
        if key.asbytes() in self._revoked:
            raise CollectError(
                f"its host key is revoked ({seen})", status="refused", where=where, hint="Do not connect: ask whoever runs the host"
            )
        found = self._keys.lookup(name)
        if found is not None and key.get_name() in found:
            if found[key.get_name()].asbytes() == key.asbytes():
                return
            known = fingerprint(found[key.get_name()])
            hint = f"If the host was really reinstalled: ssh-keygen -R {shlex.quote(name)} and add the new key. Otherwise somebody stands in between"
            raise CollectError(f"its host key has CHANGED (known {known}, now {seen})", status="refused", where=where, hint=hint)
        file = self.paths[0] if self.paths else "~/.ssh/known_hosts"
        line = f"{name} {key.get_name()} {key.get_base64()}"
        hint = f"Compare the fingerprint with the host's own (ssh-keygen -lf on its .pub file), then: echo {shlex.quote(line)} >> {shlex.quote(file)}"
        raise CollectError(f"its host key is not known ({seen})", status="refused", where=where, hint=hint)


def fingerprint(key: paramiko.PKey) -> str:
    """`SHA256:…` as OpenSSH prints it."""
    import hashlib

    return "SHA256:" + base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")


def agent_there() -> bool:
    return bool(os.environ.get("SSH_AUTH_SOCK"))
