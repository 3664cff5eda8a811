"""Security keys, and authorities that certify keys: what a real sshd takes with the PIN or finger confirmed and without it, beside the facts.

A security key is played by software: its signature says by itself whether whoever holds it touched it and was verified.
"""

from __future__ import annotations

import base64
import hashlib
import os
import struct
from dataclasses import dataclass

import paramiko
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sovaudit.collectors import collect, parse_target
from sovaudit.facts.factors import Factor
from sovaudit.facts.host import Host
from tests import lab
from tests.truth.test_ssh import BASE

pytestmark = pytest.mark.lab
TOUCHED, VERIFIED = 1, 4
PLAIN, SECURITY = "ssh-ed25519", "sk-ssh-ed25519@openssh.com"
ONLY = BASE + "PasswordAuthentication no\n"
TRUSTED = ONLY + "TrustedUserCAKeys /etc/ssh/ca.pub\n"
DEMANDED = "PubkeyAuthOptions verify-required\n"
TOKENS = "PubkeyAcceptedAlgorithms sk-ssh-ed25519-cert-v01@openssh.com,sk-ssh-ed25519@openssh.com\n"


def _string(data: bytes | str) -> bytes:
    data = data.encode() if isinstance(data, str) else data
    return struct.pack(">I", len(data)) + data


class Key(paramiko.PKey):
    """An Ed25519 key, in software or on a token; certified: shown as a certificate."""

    def __init__(self, kind: str, flags: int = TOUCHED | VERIFIED) -> None:
        self._private = Ed25519PrivateKey.generate()
        self.kind = kind
        self.flags = flags
        self.certificate = b""

    @property
    def fields(self) -> bytes:
        point = _string(self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
        return point + (_string("ssh:") if self.kind == SECURITY else b"")

    @property
    def plain(self) -> bytes:
        return _string(self.kind) + self.fields

    def get_name(self) -> str:
        return self.kind.removesuffix("@openssh.com") + "-cert-v01@openssh.com" if self.certificate else self.kind

    def asbytes(self) -> bytes:
        return self.certificate or self.plain

    def can_sign(self) -> bool:
        return True

    def signature(self, data: bytes) -> bytes:
        if self.kind == PLAIN:
            return _string(PLAIN) + _string(self._private.sign(data))
        head = hashlib.sha256(b"ssh:").digest() + bytes([self.flags]) + struct.pack(">I", 1)
        return _string(SECURITY) + _string(self._private.sign(head + hashlib.sha256(data).digest())) + head[32:]

    def sign_ssh_data(self, data: bytes, algorithm: str | None = None) -> paramiko.Message:
        return paramiko.Message(self.signature(data))

    def line(self, options: str = "") -> str:
        return f"{options} {self.kind} {base64.b64encode(self.plain).decode()}\n".lstrip()

    def certify(self, authority: Key, critical: bytes = b"") -> None:
        """Make a certificate for bob, for ever."""
        name = self.kind.removesuffix("@openssh.com") + "-cert-v01@openssh.com"
        body = _string(name) + _string(os.urandom(32)) + self.fields + struct.pack(">QI", 1, 1) + _string("x") + _string(_string("bob"))
        body += struct.pack(">QQ", 0, 2**64 - 1) + _string(critical) + _string(b"") + _string(b"") + _string(authority.plain)
        self.certificate = body + _string(authority.signature(body))


@dataclass(frozen=True)
class Case:
    """sshd: its configuration. key: kind of bob's key. options: of its line, or of its authority's. authority: kind of the key that certifies."""

    sshd: str = ONLY
    key: str = SECURITY
    options: str = ""
    authority: str = ""


CASES: dict[str, Case] = {
    "a token": Case(),
    "a token that must verify": Case(options="verify-required"),
    "a token, all must verify": Case(ONLY + DEMANDED),
    "a token that need not": Case(ONLY + DEMANDED, options="no-verify-required"),
    "first yes, then no": Case(options="verify-required,no-verify-required"),
    "first no, then yes": Case(options="no-verify-required,verify-required"),
    "all must, but for bob": Case(ONLY + DEMANDED + "Match User bob\nPubkeyAuthOptions none\n"),
    "touch alone must be": Case(ONLY + "PubkeyAuthOptions touch-required\n", options="no-touch-required"),
    "a plain key, all must verify": Case(ONLY + DEMANDED, key=PLAIN),
    "a plain key that must verify": Case(key=PLAIN, options="verify-required"),
    "an authority on a token, any key": Case(TRUSTED + DEMANDED, key=PLAIN, authority=SECURITY),
    "an authority's line that must verify, any key": Case(key=PLAIN, options="cert-authority,verify-required", authority=SECURITY),
    "an authority in software, tokens alone": Case(TRUSTED + DEMANDED + TOKENS, authority=PLAIN),
    "an authority in software, tokens alone, unverified": Case(TRUSTED + TOKENS, authority=PLAIN),
    "an authority's line, tokens alone": Case(ONLY + TOKENS, options="cert-authority,verify-required", authority=PLAIN),
}


def opened(port: int, key: Key, flags: int) -> bool:
    key.flags = flags
    transport = paramiko.Transport(("127.0.0.1", port))
    try:
        transport.start_client(timeout=15)
        transport.auth_publickey("bob", key)
        return transport.is_authenticated()
    except paramiko.SSHException:
        return False
    finally:
        transport.close()


def test_security_keys() -> None:
    wrong: list[str] = []
    with lab.overlay() as root:
        lab.run(root, ["sh", "-c", "useradd -m -u 1001 -s /bin/bash bob; mkdir /home/bob/.ssh; chown bob: /home/bob/.ssh"])
        for name, case in CASES.items():
            key, authority = Key(case.key), Key(case.authority or PLAIN)
            if case.authority:
                key.certify(authority)
            by_line = not case.authority or "cert-authority" in case.options
            line = (authority if case.authority else key).line(case.options)
            lab.write(
                root,
                {
                    "/etc/ssh/sshd_config": case.sshd,
                    "/etc/ssh/ca.pub": authority.line(),
                    "/home/bob/.ssh/authorized_keys": line if by_line else "",
                },
            )
            account = (host := Host(collect(parse_target(f"root:{root}")))).accounts.get("bob")
            assert account is not None
            ways = host.ssh.ways(account)
            with lab.sshd(root) as port:
                found = {flags for flags in (TOUCHED, TOUCHED | VERIFIED) if opened(port, key, flags)}
            expected = {frozenset({Factor.VERIFIED_KEY if found == {TOUCHED | VERIFIED} else Factor.KEY})} if found else set()
            if set(ways.certain) != expected or ways.possible:
                wrong.append(f"{name}: sshd takes {found}, we say {ways}")
    assert wrong == []
