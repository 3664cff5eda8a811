"""The seal: openssl accepts ours, we accept openssl's, and whatever is changed is seen."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sovaudit import keys, seal
from sovaudit.errors import IntegrityError, UsageError
from tests import pki
from tests.seals import DATA, NOW, answers, by_openssl, holds, openssl_says, rebuilt, signed, signer

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
