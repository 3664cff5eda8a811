"""The seal: openssl accepts ours, we accept openssl's, and whatever is changed, weak, expired or of another authority is refused."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from sovaudit import keys, seal, seal_cms
from sovaudit.canon import canonical
from sovaudit.errors import IntegrityError, UsageError
from sovaudit.keys import Signer
from sovaudit.seal import Signature
from tests import pki

DATA = canonical({"schema": "sovaudit/report/1", "organisation": "Ministère", "findings": [{"verdict": "fail", "n": n} for n in range(20)]})
NOW = pki.NOW


@pytest.fixture(scope="module")
def world() -> dict[str, pki.Party]:
    """root → middle → auditor; auditee under root; a root of the same name with another key."""
    root = pki.issue("root", ca=True)
    middle = pki.issue("middle", root, ca=True)
    return {
        "root": root,
        "middle": middle,
        "auditor": pki.issue("auditor", middle),
        "auditee": pki.issue("auditee", root, kind="p384"),
        "rsa": pki.issue("rsa", root, kind="rsa3072"),
        "rogue": pki.issue("auditor", pki.issue("middle", pki.issue("root", ca=True), ca=True)),
        "alone": pki.issue("alone"),
    }


def signer(party: pki.Party) -> Signer:
    return Signer(party.key, party.certificate, tuple(party.chain))


def signed(party: pki.Party, data: bytes = DATA) -> bytes:
    return seal.sign(data, signer(party), when=NOW)


def answers(p7s: bytes, *trust: pki.Party, data: bytes = DATA, **more: Any) -> tuple[Signature, ...]:
    return seal.verify(data, p7s, [one.certificate for one in trust], **more)


def holds(p7s: bytes, *trust: pki.Party, data: bytes = DATA, **more: Any) -> bool:
    try:
        found = answers(p7s, *trust, data=data, **more)
    except IntegrityError:
        return False
    return bool(found) and all(one.ok for one in found)


def openssl_says(tmp_path: Path, p7s: bytes, *trust: pki.Party, data: bytes = DATA) -> bool:
    """The auditor's command, as the README gives it."""
    (tmp_path / "report.json").write_bytes(data)
    (tmp_path / "report.json.p7s").write_bytes(p7s)
    pems = [party.save(tmp_path, f"trust{n}")[1].read_bytes() for n, party in enumerate(trust)]
    (tmp_path / "root.pem").write_bytes(b"".join(pems))
    command = "openssl cms -verify -binary -inform DER -in report.json.p7s -content report.json -CAfile root.pem -out /dev/null"
    return subprocess.run(command.split(), cwd=tmp_path, capture_output=True, check=False).returncode == 0


def by_openssl(tmp_path: Path, party: pki.Party, *options: str, cades: bool = True) -> bytes:
    key, cert = party.save(tmp_path, "signer")
    (tmp_path / "data").write_bytes(DATA)
    command = [
        "openssl",
        "cms",
        "-sign",
        "-binary",
        "-in",
        "data",
        "-signer",
        str(cert),
        "-inkey",
        str(key),
        "-outform",
        "DER",
        "-out",
        "sig",
    ]
    if party.chain:
        (tmp_path / "chain.pem").write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in party.chain))
        command += ["-certfile", "chain.pem"]
    subprocess.run([*command, *(["-cades"] if cades else []), *options], cwd=tmp_path, check=True, capture_output=True)
    return (tmp_path / "sig").read_bytes()


# Who accepts what.


@pytest.mark.parametrize("name", ["auditor", "auditee", "rsa", "alone"])
def test_openssl_accepts_ours(tmp_path: Path, world: dict[str, pki.Party], name: str) -> None:
    anchor = world["alone" if name == "alone" else "root"]
    p7s = signed(world[name])
    assert openssl_says(tmp_path, p7s, anchor)
    assert not openssl_says(tmp_path, p7s, anchor, data=DATA + b"\n")
    (one,) = answers(p7s, anchor)
    assert one.ok
    assert (one.problem, one.signing_time) == ("", NOW)
    assert name in one.subject


def test_openssl_accepts_what_a_first_run_makes(tmp_path: Path) -> None:
    made = keys.create_key(tmp_path / "config", "auditor")
    party = pki.Party(made.key, made.certificate)
    assert openssl_says(tmp_path, seal.sign(DATA, made, when=NOW), party)
    assert holds(seal.sign(DATA, made, when=NOW), party)


@pytest.mark.parametrize("name", ["auditor", "auditee", "rsa"])
@pytest.mark.parametrize("options", [(), ("-md", "sha512"), ("-md", "sha384")], ids=lambda options: " ".join(options) or "default")
def test_ours_accepts_openssl(tmp_path: Path, world: dict[str, pki.Party], name: str, options: tuple[str, ...]) -> None:
    (one,) = answers(by_openssl(tmp_path, world[name], *options), world["root"])
    assert one.ok, one.problem


def test_ours_accepts_pss(tmp_path: Path, world: dict[str, pki.Party]) -> None:
    assert holds(by_openssl(tmp_path, world["rsa"], "-keyopt", "rsa_padding_mode:pss"), world["root"])


def test_a_signature_that_names_no_certificate_is_refused(tmp_path: Path, world: dict[str, pki.Party]) -> None:
    (one,) = answers(by_openssl(tmp_path, world["auditee"], cades=False), world["root"])
    assert not one.ok
    assert "signing_certificate_v2" in one.problem


def test_a_second_signature_stands_beside_the_first(tmp_path: Path, world: dict[str, pki.Party]) -> None:
    both = seal.countersign(DATA, signed(world["auditor"]), signer(world["auditee"]), when=NOW)
    found = answers(both, world["root"])
    assert [one.ok for one in found] == [True, True]
    assert len({one.fingerprint for one in found}) == 2
    assert openssl_says(tmp_path, both, world["root"])
    three = seal.countersign(DATA, both, signer(world["rsa"]), when=NOW)
    assert [one.ok for one in answers(three, world["root"])] == [True] * 3


def test_a_stranger_beside_the_auditor_is_told_apart(world: dict[str, pki.Party]) -> None:
    both = seal.countersign(DATA, signed(world["auditor"]), signer(world["alone"]), when=NOW)
    assert {one.subject.split("CN=")[1]: one.ok for one in answers(both, world["root"])} == {"auditor": True, "alone": False}


def test_nobody_countersigns_twice_nor_other_bytes(world: dict[str, pki.Party]) -> None:
    with pytest.raises(UsageError, match="already"):
        seal.countersign(DATA, signed(world["auditor"]), signer(world["auditor"]), when=NOW)
    with pytest.raises(IntegrityError, match="does not hold"):
        seal.countersign(DATA + b" ", signed(world["auditor"]), signer(world["auditee"]), when=NOW)


def test_openssl_resigns_ours(tmp_path: Path, world: dict[str, pki.Party]) -> None:
    key, cert = world["auditee"].save(tmp_path, "second")
    (tmp_path / "first").write_bytes(signed(world["auditor"]))
    (tmp_path / "data").write_bytes(DATA)
    command = f"openssl cms -resign -binary -inform DER -in first -signer {cert} -inkey {key} -cades -outform DER -out both"
    done = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [one.ok for one in answers((tmp_path / "both").read_bytes(), world["root"])] == [True, True]


def test_it_works_inside_a_running_loop(world: dict[str, pki.Party]) -> None:
    async def inside() -> bool:
        return holds(signed(world["auditor"]), world["root"])

    assert asyncio.run(inside())


FIRST = """
import sys
from datetime import UTC, datetime
from pathlib import Path
data, p7s, folder = Path("report.json").read_bytes(), Path("report.json.p7s").read_bytes(), Path(sys.argv[1])
"""
WAYS = {
    "verify": "from sovaudit import seal; assert seal.verify(data, p7s, seal.load_certificates([Path('root.pem')]))[0].ok",
    "read, then sign": "from sovaudit.reports.signers import read_signers; assert read_signers(p7s); from asn1crypto import cms;"
    "cms.CMSAttributeType.unmap('content_type'); from sovaudit import keys, seal; made = keys.create_key(folder / 'new', 'x');"
    "both = seal.countersign(data, p7s, made, when=datetime.now(UTC)); assert len(seal.verify(data, both, [])) == 2",
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_what_a_process_does_first_does_not_matter(tmp_path: Path, world: dict[str, pki.Party], way: str) -> None:
    """asn1crypto's tables are global and frozen at first use: see `seal_cms.prepare`."""
    assert openssl_says(tmp_path, signed(world["auditor"]), world["root"])
    done = subprocess.run([sys.executable, "-c", FIRST + way, str(tmp_path)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_nothing_reaches_the_standard_error(world: dict[str, pki.Party], capfd: pytest.CaptureFixture[str]) -> None:
    holds(signed(world["rogue"]), world["root"])
    assert capfd.readouterr() == ("", "")


# What is changed.


def test_every_changed_byte_of_the_report_is_seen(world: dict[str, pki.Party]) -> None:
    p7s = signed(world["auditor"])
    for place in range(len(DATA)):
        changed = bytearray(DATA)
        changed[place] ^= 1
        assert not holds(p7s, world["root"], data=bytes(changed)), place


@pytest.mark.parametrize("name", ["auditor", "rsa"])
def test_changed_bytes_of_the_seal_are_seen(world: dict[str, pki.Party], name: str) -> None:
    """Every seventh byte, in three ways; 0x20 turns letters of names into their other case, which some comparisons forgive."""
    p7s = signed(world[name])
    for place in range(0, len(p7s), 7):
        for mask in (0x01, 0x20, 0xFF):
            changed = bytearray(p7s)
            changed[place] ^= mask
            assert not holds(bytes(changed), world["root"]), (place, mask)


def test_the_unsigned_frame_is_pinned(world: dict[str, pki.Party]) -> None:
    """CMS signs none of the first bytes: versions, digestAlgorithms, content type. All of them, every bit."""
    p7s = signed(world["auditor"])
    for place in range(70):
        for bit in range(8):
            changed = bytearray(p7s)
            changed[place] ^= 1 << bit
            assert not holds(bytes(changed), world["root"]), (place, bit)


def test_shortened_and_lengthened_seals_are_refused(world: dict[str, pki.Party]) -> None:
    p7s = signed(world["auditor"])
    for length in (0, 1, 2, 50, len(p7s) // 2, len(p7s) - 1):
        with pytest.raises(IntegrityError):
            answers(p7s[:length], world["root"])
    for more in (b"\0", b"\0\0", p7s):
        with pytest.raises(IntegrityError):
            answers(p7s + more, world["root"])


def rebuilt(p7s: bytes, change: Any) -> bytes:
    from asn1crypto import cms

    block = cms.ContentInfo.load(p7s)
    change(block["content"])
    made: bytes = block.dump(force=True)
    return made


def _no_signers(content: Any) -> None:
    from asn1crypto import cms

    content["signer_infos"] = cms.SignerInfos([])


def _attached(content: Any) -> None:
    content["encap_content_info"] = {"content_type": "data", "content": DATA}


def _no_attributes(content: Any) -> None:
    del content["signer_infos"][0]["signed_attrs"]


def _no_certificates(content: Any) -> None:
    from asn1crypto import cms

    content["certificates"] = cms.CertificateSet([])


def _twice(content: Any) -> None:
    content["certificates"].append(content["certificates"][0])
    content["certificates"].append(content["certificates"][1])


def _weak_digest(content: Any) -> None:
    content["signer_infos"][0]["digest_algorithm"] = {"algorithm": "sha1"}
    content["digest_algorithms"] = [{"algorithm": "sha1"}]


def _other_algorithm(content: Any) -> None:
    content["signer_infos"][0]["signature_algorithm"] = {"algorithm": "sha512_ecdsa"}


def _subject_key(content: Any) -> None:
    from asn1crypto import cms

    content["signer_infos"][0]["sid"] = cms.SignerIdentifier({"subject_key_identifier": b"x" * 20})


@pytest.mark.parametrize(
    "change",
    [_no_signers, _attached, _no_attributes, _no_certificates, _twice, _weak_digest, _other_algorithm, _subject_key],
    ids=lambda f: f.__name__,
)
def test_other_frames_are_refused(world: dict[str, pki.Party], change: Any) -> None:
    p7s = signed(world["auditor"])
    assert holds(rebuilt(p7s, lambda content: None), world["root"])
    assert not holds(rebuilt(p7s, change), world["root"])


def test_someone_elses_certificate_does_not_fit(world: dict[str, pki.Party]) -> None:
    from asn1crypto import cms

    mine, theirs = (cms.ContentInfo.load(signed(world[name]))["content"] for name in ("auditor", "rogue"))
    for part in ("signer_infos", "certificates"):

        def swap(content: Any, part: str = part) -> None:
            content[part] = theirs[part]

        assert not holds(rebuilt(signed(world["auditor"]), swap), world["root"])
    assert mine["signer_infos"].dump() != theirs["signer_infos"].dump()


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
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
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
