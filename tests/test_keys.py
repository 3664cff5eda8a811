"""Keys: made once, never overwritten, readable by nobody else; and only those that every CMS tool can verify are taken."""

from __future__ import annotations

import os
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from sovaudit import keys
from sovaudit.errors import UsageError
from tests import pki

PAIRS = {"p256": "", "p384": "", "rsa3072": "", "rsa2048": "2048 bits", "k256": "secp256k1", "ed25519": "Ed25519", "dsa": "DSA"}


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777], ids=oct)
def test_the_key_is_for_its_owner_alone_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    folder = tmp_path / "sovaudit"
    folder.mkdir()
    old = os.umask(umask)
    try:
        keys.create_key(folder, "auditor")
    finally:
        os.umask(old)
    assert sorted(entry.name for entry in folder.iterdir()) == ["cert.pem", "key.pem"]
    assert (folder / "key.pem").stat().st_mode & 0o777 == 0o600
    assert (folder / "cert.pem").stat().st_mode & 0o777 == 0o644


def test_what_is_made_can_be_loaded(tmp_path: Path) -> None:
    made = keys.create_key(tmp_path / "deep" / "er", "auditor", "Ministère")
    found = keys.load_signer(tmp_path / "deep/er/key.pem", tmp_path / "deep/er/cert.pem")
    assert found.fingerprint == made.fingerprint
    assert made.self_signed
    assert "Ministère" in made.subject
    assert (tmp_path / "deep" / "er").stat().st_mode & 0o777 == 0o700
    assert "key=" not in repr(made)
    text = subprocess.run(
        ["openssl", "x509", "-in", tmp_path / "deep/er/cert.pem", "-noout", "-text"], capture_output=True, text=True, check=True
    )
    assert "Digital Signature, Non Repudiation" in text.stdout
    assert "CA:FALSE" in text.stdout


@pytest.mark.parametrize("name", ["key.pem", "cert.pem"])
def test_nothing_is_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(UsageError, match="never overwritten"):
        keys.create_key(tmp_path, "auditor")
    assert [entry.name for entry in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "key.pem").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="never overwritten"):
        keys.create_key(tmp_path, "auditor")
    assert not (tmp_path / "elsewhere").exists()


def test_no_usable_folder_says_what_to_give(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="--key"):
        keys.create_key(tmp_path / "file" / "sovaudit", "auditor")
    with pytest.raises(UsageError, match="--key"):
        keys.create_key(tmp_path / "file", "auditor")


def test_a_name_too_long_for_a_certificate_is_shortened(tmp_path: Path) -> None:
    assert "x" * 64 in keys.create_key(tmp_path, "x" * 100).subject


@pytest.mark.parametrize(("kind", "says"), PAIRS.items(), ids=PAIRS)
def test_kinds_of_keys(tmp_path: Path, kind: str, says: str) -> None:
    pair = pki.issue("signer", kind=kind).save(tmp_path, "a")
    if says:
        with pytest.raises(UsageError, match=says):
            keys.load_signer(*pair)
    else:
        assert keys.load_signer(*pair).self_signed


def test_a_chain_comes_from_the_certificate_file_or_beside_it(tmp_path: Path) -> None:
    root = pki.issue("root", ca=True)
    middle = pki.issue("middle", root, ca=True)
    signer = pki.issue("signer", middle)
    key, cert = signer.save(tmp_path, "a")
    assert len(keys.load_signer(key, cert).chain) == 1
    cert.write_bytes(signer.certificate.public_bytes(serialization.Encoding.DER))
    _, beside = middle.save(tmp_path, "middle")
    assert keys.load_signer(key, cert, [beside]).chain == (middle.certificate,)


def test_der_keys_are_read(tmp_path: Path) -> None:
    signer = pki.issue("signer")
    key, cert = signer.save(tmp_path, "a")
    key.write_bytes(signer.key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    keys.load_signer(key, cert)


def test_encrypted_keys(tmp_path: Path) -> None:
    pair = pki.issue("signer").save(tmp_path, "a", passphrase=b"s3cret")
    assert keys.load_signer(*pair, passphrase="s3cret").self_signed
    with pytest.raises(UsageError, match="SOVAUDIT_KEY_PASSPHRASE"):
        keys.load_signer(*pair)
    with pytest.raises(UsageError, match="this passphrase") as raised:
        keys.load_signer(*pair, passphrase="wrong-one")
    assert "wrong-one" not in str(raised.value)


def test_a_passphrase_for_a_key_without_one_does_no_harm(tmp_path: Path) -> None:
    assert keys.load_signer(*pki.issue("signer").save(tmp_path, "a"), passphrase="x").self_signed


def test_key_and_certificate_belong_together(tmp_path: Path) -> None:
    key, _ = pki.issue("one").save(tmp_path, "one")
    _, cert = pki.issue("two").save(tmp_path, "two")
    with pytest.raises(UsageError, match="not the certificate of the key"):
        keys.load_signer(key, cert)


def test_the_last_second_of_a_certificate(tmp_path: Path) -> None:
    pair = pki.issue("signer", ends=pki.NOW).save(tmp_path, "a")
    keys.load_signer(*pair, now=pki.NOW)
    with pytest.raises(UsageError, match="expired on"):
        keys.load_signer(*pair, now=pki.NOW + timedelta(seconds=1))


@pytest.mark.parametrize(
    ("usage", "purposes", "fits"),
    [
        (("digital_signature",), (), True),
        (("content_commitment",), (), True),
        (None, (), True),
        (("key_encipherment",), (), False),
        (("digital_signature",), (pki.EMAIL,), True),
        (("digital_signature",), (pki.DOCUMENT_SIGNING,), True),
        (("digital_signature",), (pki.SERVER, pki.EMAIL), True),
        (("digital_signature",), (pki.SERVER,), False),
        (("digital_signature",), (pki.ANY,), False),
    ],
)
def test_what_a_certificate_is_for(tmp_path: Path, usage, purposes, fits: bool) -> None:  # type: ignore[no-untyped-def]
    pair = pki.issue("signer", usage=usage, purposes=purposes).save(tmp_path, "a")
    if fits:
        keys.load_signer(*pair)
    else:
        with pytest.raises(UsageError, match="usage is neither"):
            keys.load_signer(*pair)


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 100, b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", b"-----BEGIN", b"x" * 2_000_000]
)
def test_what_is_no_key_or_certificate(tmp_path: Path, content: bytes) -> None:
    key, cert = pki.issue("signer").save(tmp_path, "a")
    bad = tmp_path / "bad"
    bad.write_bytes(content)
    for pair in ((bad, cert), (key, bad), (tmp_path, cert), (key, tmp_path / "missing")):
        with pytest.raises(UsageError):
            keys.load_signer(*pair)
    with pytest.raises(UsageError):
        keys.load_signer(cert, cert)
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(UsageError, match="regular file"):
        keys.load_certificates([tmp_path / "fifo"])
