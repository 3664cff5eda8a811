"""What the tests of the seal share: a document, a small world of signers, and both verifiers."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from sovaudit import seal
from sovaudit.canon import canonical
from sovaudit.errors import IntegrityError
from sovaudit.keys import Signer
from sovaudit.seal import Signature
from tests import pki

DATA = canonical({"schema": "sovaudit/report/1", "organisation": "Ministère", "findings": [{"verdict": "fail", "n": n} for n in range(20)]})
NOW = pki.NOW


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


def rebuilt(p7s: bytes, change: Any) -> bytes:
    from asn1crypto import cms

    block = cms.ContentInfo.load(p7s)
    change(block["content"])
    made: bytes = block.dump(force=True)
    return made
