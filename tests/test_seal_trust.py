"""Who may sign: weak, expired or foreign certificates are refused, and so is every block that is no seal."""

from __future__ import annotations

import asyncio
import random
import subprocess
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from sovaudit import seal, seal_cms
from sovaudit.errors import IntegrityError, UsageError
from tests import pki
from tests.seals import DATA, NOW, answers, by_openssl, holds, openssl_says, rebuilt, signed, signer

# Who may sign.


def test_an_authority_of_the_same_name_is_another(tmp_path: Path, world: dict[str, pki.Party]) -> None:
    p7s = signed(world["rogue"])
    (one,) = answers(p7s, world["root"])
    assert (one.intact, one.trusted) == (True, False)
    assert not openssl_says(tmp_path, p7s, world["root"])


def test_trust_is_given_not_found(world: dict[str, pki.Party]) -> None:
    (one,) = answers(signed(world["alone"]))
    assert (one.intact, one.trusted, one.ok) == (True, False, False)
    assert "--trust" in one.problem
    assert not holds(signed(world["alone"]), world["root"])
    assert not holds(signed(world["auditor"]), world["auditee"])
    assert holds(signed(world["auditor"]), world["middle"])
    assert holds(signed(world["auditor"]), world["auditor"])


def test_without_the_chain_there_is_no_path(world: dict[str, pki.Party]) -> None:
    bare = pki.Party(world["auditor"].key, world["auditor"].certificate)
    assert not holds(signed(bare), world["root"])
    assert holds(signed(bare), world["root"], world["middle"])


@pytest.mark.parametrize("under_root", [True, False], ids=["issued", "self-signed"])
def test_the_edges_of_validity(world: dict[str, pki.Party], under_root: bool) -> None:
    party = pki.issue("short", world["root"] if under_root else None, begins=NOW - timedelta(days=9), ends=NOW)
    anchor = world["root"] if under_root else party
    p7s = signed(party)
    for moment, good in (
        (NOW, True),
        (NOW + timedelta(seconds=1), False),
        (NOW - timedelta(days=9), True),
        (NOW - timedelta(days=9, seconds=1), False),
    ):
        assert holds(p7s, anchor, moment=moment.astimezone(UTC)) is good, moment
    (one,) = answers(p7s, anchor, moment=NOW + timedelta(days=1))
    assert "valid from" in one.problem
    with pytest.raises(UsageError, match="expired"):
        seal.sign(DATA, signer(party), when=NOW + timedelta(seconds=1))


def test_an_expired_authority_vouches_for_nobody(world: dict[str, pki.Party]) -> None:
    middle = pki.issue("old", world["root"], ca=True, ends=NOW - timedelta(days=1))
    assert not holds(signed(pki.issue("signer", middle)), world["root"])


def test_a_back_dated_signature_of_an_expired_certificate_is_refused(world: dict[str, pki.Party]) -> None:
    party = pki.issue("gone", world["root"], ends=NOW - timedelta(days=1))
    p7s = seal.sign(DATA, signer(party), when=NOW - timedelta(days=5))
    assert not holds(p7s, world["root"])
    assert holds(p7s, world["root"], moment=NOW - timedelta(days=5))


def test_a_signer_is_no_authority(world: dict[str, pki.Party]) -> None:
    forged = pki.issue("forged", world["auditor"])
    forged.chain = [world["auditor"].certificate, world["middle"].certificate]
    assert not holds(signed(forged), world["root"])


@pytest.mark.parametrize(
    ("more", "good"),
    [
        ({"usage": ("content_commitment",)}, True),
        ({"usage": None}, True),
        ({"usage": ("key_encipherment",)}, False),
        ({"purposes": (pki.EMAIL,)}, True),
        ({"purposes": (pki.DOCUMENT_SIGNING,)}, True),
        ({"purposes": (pki.SERVER,)}, False),
        ({"purposes": (pki.ANY,)}, False),
        ({"kind": "rsa2048"}, False),
        ({"kind": "rsa3072"}, True),
        ({"kind": "k256"}, False),
    ],
    ids=str,
)
@pytest.mark.parametrize("under_root", [True, False], ids=["issued", "itself trusted"])
def test_which_certificates_may_sign(
    tmp_path: Path, world: dict[str, pki.Party], more: dict[str, Any], good: bool, under_root: bool
) -> None:
    party = pki.issue("signer", world["root"] if under_root else None, **more)
    p7s = by_openssl(tmp_path, party, "-md", "sha256")
    assert holds(p7s, world["root"] if under_root else party) is good


def test_ed25519_is_refused(world: dict[str, pki.Party]) -> None:
    party = pki.issue("edwards", world["root"], kind="ed25519")
    p7s = _by_pyhanko(party, "sha512")
    (one,) = answers(p7s, world["root"])
    assert not one.ok
    assert "ed25519" in one.problem


def test_sha1_is_refused(tmp_path: Path, world: dict[str, pki.Party]) -> None:
    (one,) = answers(by_openssl(tmp_path, world["rsa"], "-md", "sha1"), world["root"])
    assert not one.ok
    assert "sha1" in one.problem


def test_a_chain_signed_with_sha1_is_refused(tmp_path: Path, world: dict[str, pki.Party]) -> None:
    """`cryptography` no longer makes such certificates; openssl does."""
    from cryptography import x509

    key, cert = world["root"].save(tmp_path, "root")
    for digest, good in (("sha256", True), ("sha1", False)):
        middle_key, _ = world["middle"].save(tmp_path, "middle")
        (tmp_path / "extensions").write_text(
            "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n"
        )
        for command in (
            f"openssl req -new -key {middle_key} -subj /CN=weak -out request",
            f"openssl x509 -req -in request -CA {cert} -CAkey {key} -set_serial 77 -days 30 -{digest} -extfile extensions -out weak.pem",
        ):
            subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
        weak = pki.Party(world["middle"].key, x509.load_pem_x509_certificate((tmp_path / "weak.pem").read_bytes()))
        assert holds(signed(pki.issue("signer", weak)), world["root"]) is good


def _by_pyhanko(party: pki.Party, digest: str) -> bytes:
    from asn1crypto import keys as asn1_keys
    from cryptography.hazmat.primitives.serialization import NoEncryption, PrivateFormat
    from pyhanko.sign.signers.pdf_cms import SimpleSigner
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    private = party.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    engine = SimpleSigner(seal._asn1(party.certificate), asn1_keys.PrivateKeyInfo.load(private), SimpleCertificateStore())
    made: bytes = asyncio.run(engine.async_sign_general_data(DATA, digest, detached=True, use_cades=True)).dump()
    return made


# Hostile blocks.


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_without_a_crash(junk: bytes) -> None:
    with pytest.raises(IntegrityError):
        seal.verify(DATA, junk, [])


def test_any_changed_seal_is_refused_without_a_crash(world: dict[str, pki.Party]) -> None:
    """Lengths kept right, contents replaced: what gets past the walk over DER and into the libraries."""
    p7s = seal.countersign(DATA, signed(world["auditor"]), signer(world["rsa"]), when=NOW)
    chance = random.Random(3)
    for _ in range(400):
        changed = bytearray(p7s)
        for _ in range(chance.randint(1, 6)):
            changed[chance.randrange(len(changed))] = chance.choice(
                (0, 1, 2, 3, 4, 5, 6, 0x30, 0x31, 0xA0, 0xA1, 0x17, 0x18, 0xFF, chance.randrange(256))
            )
        assert bytes(changed) == p7s or not holds(bytes(changed), world["root"])


def test_deep_nesting_costs_nothing() -> None:
    deep = b"\x05\x00"
    for _ in range(5000):
        size = len(deep)
        head = (
            bytes([0x30, size])
            if size < 128
            else bytes([0x30, 0x83]) + size.to_bytes(3, "big")
            if size > 65535
            else bytes([0x30, 0x82]) + size.to_bytes(2, "big")
        )
        deep = head + deep
        if size > 60000:
            break
    with pytest.raises(IntegrityError):
        seal_cms.check_der(deep)


@pytest.mark.parametrize(
    "block",
    [
        b"\x30\x80\x00\x00",
        b"\x30\x81\x01\x00",
        b"\x30\x82\x00\x01\x00",
        b"\x1f\x01\x00",
        b"\x30\x84\xff\xff\xff\xff",
        b"\x30\x03\x02\x02\x01",
        b"\x05",
        b"\x30\x85\x00\x00\x00\x00\x00",
    ],
    ids=["indefinite", "long for short", "leading zero", "high tag", "huge", "inner beyond outer", "cut", "length of five"],
)
def test_what_is_not_der(block: bytes) -> None:
    with pytest.raises(IntegrityError, match=r"DER|cut short"):
        seal_cms.check_der(block)


def test_a_block_larger_than_any_seal_is_refused_at_once() -> None:
    with pytest.raises(IntegrityError, match="larger"):
        seal.verify(DATA, b"\x30" * (seal_cms.MAX_BYTES + 1), [])


def test_a_crowd_of_signatures_is_refused(world: dict[str, pki.Party]) -> None:
    def crowd(content: Any) -> None:
        for _ in range(40):
            content["signer_infos"].append(content["signer_infos"][0].copy())

    assert not holds(rebuilt(signed(world["auditor"]), crowd), world["root"])
