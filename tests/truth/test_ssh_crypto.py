"""What sshd offers: the lists of a real handshake beside the facts, and least-privilege.ssh-crypto beside both.

Every case starts the sshd of one Debian root and reads its first packet, which names all that it would negotiate.
"""

from __future__ import annotations

import fnmatch
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from sovaudit.content.checks.least_privilege.ssh_crypto import ssh_crypto

from sovaudit.facts.host import Host
from sovaudit.facts.ssh_crypto import WEAK, offers
from sovaudit.testing import run, verdicts
from tests import lab

KEY = "/etc/ssh/ssh_host_{}_key"
KEYS = {kind: KEY.format(kind) for kind in ("rsa", "ecdsa", "ed25519")}
MAKE = "rm -f /etc/ssh/ssh_host_rsa_key*; ssh-keygen -q -t rsa -b {} -N '' -f /etc/ssh/ssh_host_rsa_key"
SIGN = "ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ca; ssh-keygen -q -h -s /etc/ssh/ca -I x /etc/ssh/ssh_host_rsa_key.pub"
# name → (configuration, preparation)
CASES: dict[str, tuple[str, str]] = {
    "stock": ("", ""),
    "plus": ("Ciphers +aes128-cbc\nMACs +hmac-md5\nKexAlgorithms +diffie-hellman-group1-sha1\nHostKeyAlgorithms +ssh-rsa\n", ""),
    "plus strong": ("Ciphers +aes256-ctr\nKexAlgorithms ^ecdh-sha2-nistp256\n", ""),
    "minus": ("MACs -*sha1*,umac-64*\nCiphers -chacha20*\n", ""),
    "minus all": ("Ciphers -*\n", ""),
    "minus all macs": ("MACs -*\n", ""),
    "only one": ("Ciphers aes256-gcm@openssh.com\nMACs hmac-sha2-512-etm@openssh.com\nKexAlgorithms curve25519-sha256\nHostKeyAlgorithms ssh-ed25519\n", ""),
    "first wins": ("Ciphers aes256-ctr\nCiphers 3des-cbc\n", ""),
    "first wins, weak": ("Ciphers 3des-cbc,aes256-ctr\nCiphers aes256-ctr\n", ""),
    "behind an empty name": ("Ciphers aes256-ctr,,3des-cbc\n", ""),
    "commented": ("#Ciphers 3des-cbc\n", ""),
    "in an include": ("Include /etc/ssh/extra\nMACs hmac-sha2-256\n", "echo MACs +hmac-sha1-96 > /etc/ssh/extra"),
    "in an include that comes late": ("MACs hmac-sha2-256\nInclude /etc/ssh/extra\n", "echo MACs +hmac-sha1-96 > /etc/ssh/extra"),
    "refused": ("Ciphers arcfour256\n", ""),
    "group14 with SHA-1": ("KexAlgorithms diffie-hellman-group14-sha1,curve25519-sha256\n", ""),
    "group exchange with SHA-1": ("KexAlgorithms +diffie-hellman-group-exchange-*\n", ""),
    "wildcard key algorithms": ("HostKeyAlgorithms *rsa*\n", ""),
    "SHA-1 signatures, no RSA key": ("HostKeyAlgorithms +ssh-rsa\nHostKey /etc/ssh/ssh_host_ed25519_key\n", ""),
    "SHA-1 signatures, RSA key gone": ("HostKeyAlgorithms +ssh-rsa\n", "rm /etc/ssh/ssh_host_rsa_key"),
    "SHA-1 signatures, RSA key readable": ("HostKeyAlgorithms +ssh-rsa\n", "chmod 644 /etc/ssh/ssh_host_rsa_key"),
    "SHA-1 signatures, RSA key of another": ("HostKeyAlgorithms +ssh-rsa\n", "chmod 644 /etc/ssh/ssh_host_rsa_key; chown 1 /etc/ssh/ssh_host_rsa_key"),
    "SHA-1 signatures, RSA key without its public half": ("HostKeyAlgorithms +ssh-rsa\n", "rm /etc/ssh/ssh_host_rsa_key.pub"),
    "SHA-1 signatures, RSA key empty": ("HostKeyAlgorithms +ssh-rsa\n", ": > /etc/ssh/ssh_host_rsa_key"),
    "DSA key": ("HostKeyAlgorithms +ssh-dss\nHostKey /etc/ssh/dsa\nHostKey /etc/ssh/ssh_host_rsa_key\n", "ssh-keygen -q -t dsa -N '' -f /etc/ssh/dsa"),
    "DSA key, not accepted": ("HostKey /etc/ssh/dsa\nHostKey /etc/ssh/ssh_host_rsa_key\n", "ssh-keygen -q -t dsa -N '' -f /etc/ssh/dsa"),
    "DSA key elsewhere": ("HostKeyAlgorithms +ssh-dss\nHostKey /srv/k\n", "ssh-keygen -q -t dsa -N '' -f /srv/k"),
    "short RSA key": ("", MAKE.format(2048)),
    "RSA key just long enough": ("", MAKE.format(3072)),
    "short RSA key, not offered": ("HostKeyAlgorithms ssh-ed25519\n", MAKE.format(2048)),
    "RSA key that sshd finds short": ("RequiredRSASize 3072\n", MAKE.format(2048)),
    "a certificate for one key": ("HostCertificate /etc/ssh/ssh_host_rsa_key-cert.pub\nHostKeyAlgorithms +ssh-rsa-cert-v01@openssh.com\n", SIGN),
    "a certificate for another key": ("HostKey /etc/ssh/ssh_host_rsa_key\nHostCertificate /etc/ssh/ssh_host_rsa_key-cert.pub\n", f"{SIGN}; mv /etc/ssh/ssh_host_rsa_key-cert.pub /etc/ssh/c; {MAKE.format(3072)}; mv /etc/ssh/c /etc/ssh/ssh_host_rsa_key-cert.pub"),
    "a certificate that is not there": ("HostCertificate /etc/ssh/none\n", ""),
    "one key by a link": ("HostKey /etc/ssh/link\nHostKeyAlgorithms ssh-rsa\n", "ln -s ssh_host_rsa_key /etc/ssh/link; ln -s ssh_host_rsa_key.pub /etc/ssh/link.pub"),
}  # fmt: skip


def handshake(port: int) -> dict[str, set[str]]:
    """The name lists of the server's KEXINIT packet (RFC 4253, 7.1)."""
    with socket.create_connection(("127.0.0.1", port), 10) as sock:
        sock.sendall(b"SSH-2.0-probe\r\n")
        data = b""
        while b"\r\n" not in data or len(data) < data.index(b"\n") + 5 or len(data) < data.index(b"\n") + 5 + size_of(data):
            got = sock.recv(65536)
            if not got:
                return {}
            data += got
    at = data.index(b"\n") + 1 + 5 + 17
    found: list[set[str]] = []
    for _ in range(6):
        size = int.from_bytes(data[at : at + 4], "big")
        found.append({name for name in data[at + 4 : at + 4 + size].decode().split(",") if name})
        at += 4 + size
    assert found[2] == found[3]
    assert found[4] == found[5]
    exchanges = {name for name in found[0] if not name.startswith(("kex-strict-", "ext-info-"))}
    return {"KexAlgorithms": exchanges, "HostKeyAlgorithms": found[1], "Ciphers": found[2], "MACs": found[4]}


def size_of(data: bytes) -> int:
    start = data.index(b"\n") + 1
    return int.from_bytes(data[start : start + 4], "big") - 1


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    with lab.overlay() as place:
        lab.run(place, ["sh", "-c", "mkdir /etc/ssh.kept; cp -a /etc/ssh/. /etc/ssh.kept/; mkdir -p /run/sshd"])
        yield place


@pytest.mark.lab
@pytest.mark.parametrize("name", CASES)
def test_offers(name: str, root: Path) -> None:
    config, act = CASES[name]
    lab.run(root, ["sh", "-c", "rm -rf /etc/ssh; cp -a /etc/ssh.kept /etc/ssh"])
    lab.write(root, {"/etc/ssh/sshd_config": config})
    done = lab.run(root, ["sh", "-c", act or "true"])
    assert done.returncode == 0, done.stderr
    host = Host(lab.local(root) if list(CASES).index(name) % 6 == 0 else lab.mounted(root))
    try:
        with lab.sshd(root) as port:
            theirs = handshake(port)
    except RuntimeError:
        theirs = {}
    ours = {
        offer.keyword: set(offer.names)
        for offer in offers(host)
        if offer.keyword in ("KexAlgorithms", "HostKeyAlgorithms", "Ciphers", "MACs")
    }
    refused = host.ssh.refused is not None
    assert not (refused and theirs)
    found = verdicts(run(ssh_crypto, host))
    if not theirs:
        assert set(found.values()) == {"pass"}, found
        return
    assert ours == theirs
    bits = lab.run(
        root, ["sh", "-c", "ssh-keygen -lf /etc/ssh/ssh_host_rsa_key.pub || ssh-keygen -lf /etc/ssh/ssh_host_rsa_key"]
    ).stdout.split()
    for keyword, names in theirs.items():
        weak = {each for each in names if any(fnmatch.fnmatchcase(each, pattern) for pattern in WEAK)}
        if keyword == "HostKeyAlgorithms" and any("rsa" in each for each in names) and int(bits[0]) < 3072:
            weak.add("short")
        assert found[keyword] == ("fail" if weak else "pass"), (keyword, weak, found)
