"""least-privilege.ssh-crypto"""

from __future__ import annotations

import pytest
from sovaudit.content.checks.least_privilege.ssh_crypto import ssh_crypto

from sovaudit.facts.host import Host
from sovaudit.testing import host_with, run, verdicts
from tests.checks.ssh_world import KEY, world
from tests.checks.test_least_privilege_authorized_keys import DSA, rsa

ED, RSA = "/etc/ssh/ssh_host_ed25519_key", "/etc/ssh/ssh_host_rsa_key"
CLEAN = dict.fromkeys(("Ciphers", "MACs", "KexAlgorithms", "HostKeyAlgorithms", "PubkeyAcceptedAlgorithms"), "pass")


def server(config: str = "", keys: dict[str, str] | None = None, **more: object) -> Host:
    """keys: private path → public text."""
    keys = {ED: KEY} if keys is None else keys
    modes = {**dict.fromkeys(keys, (0o600, 0, 0)), **more.pop("modes", {})}  # type: ignore[dict-item]
    files = {**dict.fromkeys(keys, "x"), **{f"{path}.pub": text for path, text in keys.items() if text}}
    return world(config, files, modes=modes, **more)


def judged(host: Host, **knobs: object) -> dict[str, str]:
    return verdicts(run(ssh_crypto, host, **knobs))


def test_stock() -> None:
    assert judged(server()) == CLEAN


@pytest.mark.parametrize(
    ("config", "keyword"),
    [
        ("Ciphers +3des-cbc\n", "Ciphers"),
        ("Ciphers aes128-cbc\n", "Ciphers"),
        ("MACs hmac-sha2-256,hmac-md5-etm@openssh.com\n", "MACs"),
        ("KexAlgorithms ^diffie-hellman-group14-sha1\n", "KexAlgorithms"),
        ("GSSAPIKeyExchange yes\n", "GSSAPIKexAlgorithms"),
        ("Match User bob\nPubkeyAcceptedAlgorithms +ssh-rsa\n", "PubkeyAcceptedAlgorithms"),
    ],
)
def test_weak(config: str, keyword: str) -> None:
    assert judged(server(config)) == {**CLEAN, keyword: "fail"}


def test_what_is_taken_away_is_not_offered() -> None:
    assert judged(server("Ciphers aes256-ctr\nCiphers 3des-cbc\nMACs -*md5*\n")) == CLEAN


def test_knobs() -> None:
    assert judged(server(), weak=("hmac-sha1*",))["MACs"] == "fail"
    assert judged(server(keys={RSA: rsa(2048)}))["HostKeyAlgorithms"] == "fail"
    assert judged(server(keys={RSA: rsa(3072)}))["HostKeyAlgorithms"] == "pass"
    assert judged(server(keys={RSA: rsa(2048)}), rsa_bits=2048)["HostKeyAlgorithms"] == "pass"


def test_host_keys() -> None:
    sha1 = "HostKeyAlgorithms +ssh-rsa\n"
    assert judged(server(sha1))["HostKeyAlgorithms"] == "pass"  # there is no RSA key
    assert judged(server(sha1, {RSA: rsa(4096)}))["HostKeyAlgorithms"] == "fail"
    assert judged(server(sha1, {RSA: rsa(4096)}, modes={RSA: (0o640, 0, 0)}))["HostKeyAlgorithms"] == "pass"  # sshd does not load it
    assert judged(server("HostKeyAlgorithms +ssh-dss\nHostKey /srv/k\n", {"/srv/k": DSA}))["HostKeyAlgorithms"] == "fail"
    assert judged(server("HostKey /srv/k\n", {"/srv/k": ""}))["HostKeyAlgorithms"] == "unknown"
    assert judged(server(sha1, {RSA: ""}))["HostKeyAlgorithms"] == "fail"  # its name says the type


def test_versions() -> None:
    old = {"packages": "openssh-server 1:8.4p1-5+deb11u3\n"}
    assert judged(server(keys={RSA: rsa(4096)}, artifacts=old))["HostKeyAlgorithms"] == "fail"
    assert judged(server(artifacts={"packages": "openssh-server 1:7.4p1-21\n"})) == {"": "unknown"}
    explicit = "Ciphers aes256-ctr\nMACs hmac-sha2-256\nKexAlgorithms curve25519-sha256\n"
    explicit += "HostKeyAlgorithms ssh-ed25519\nPubkeyAcceptedKeyTypes ssh-ed25519\n"
    assert judged(server(explicit, artifacts={"packages": "openssh-server 1:7.4p1-21\n"})) == CLEAN


def test_the_program_says_it_itself() -> None:
    said = {"sshd-T": (0, "ciphers aes256-ctr,3des-cbc\n")}
    assert judged(server(commands=said))["Ciphers"] == "fail"
    elsewhere = {**said, "sshd-daemons": (0, "77\t1800000000\t/usr/sbin/sshd -D -oCiphers=aes256-ctr\n")}
    assert judged(server(commands=elsewhere))["Ciphers"] == "pass"


def test_does_not_start() -> None:
    assert judged(server("Ciphers rot13\n", kind="root")) == {"sshd": "pass"}


def test_unseen() -> None:
    assert judged(server(unseen=["/etc/ssh/sshd_config"])) == {"": "unknown"}
    assert judged(server(keys={"/srv/k": KEY}, config="HostKey /srv/k\n", unseen=["/srv/k.pub"]))["HostKeyAlgorithms"] == "unknown"
    assert judged(server(commands={"sshd-daemons": (0, "77\t1600000000\t/usr/sbin/sshd -D\n")})) == {"": "unknown"}


def test_no_sshd() -> None:
    assert judged(host_with({}, artifacts={"packages": "bash 5.2\n"})) == {"": "not_applicable"}
