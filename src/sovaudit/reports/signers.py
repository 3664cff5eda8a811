"""What a CMS signature block says of itself. Reading is not verifying: nothing here is trusted, and the page says so."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

MOST_BYTES = 4 * 1024 * 1024
MOST_SIGNERS = 16


@dataclass(frozen=True, slots=True)
class Signer:
    """One signer as the block names it. Times are RFC 3339 UTC; `fingerprint` is the SHA-256 of the certificate, empty if it is not inside."""

    subject: str
    issuer: str
    serial: str
    fingerprint: str
    algorithm: str
    valid_from: str
    valid_until: str
    claimed_time: str
    timestamped: bool
    self_signed: bool


def read_signers(signature: bytes) -> list[Signer] | None:
    """The signers in a DER CMS block, in its order; None if it cannot be read."""
    from asn1crypto import cms

    if len(signature) > MOST_BYTES:
        return None
    try:
        content = cms.ContentInfo.load(signature, strict=True)
        if content["content_type"].native != "signed_data":
            return None
        signed = content["content"]
        certificates = [choice.chosen for choice in signed["certificates"] or () if choice.name == "certificate"]
        return [_signer(info, certificates) for info in list(signed["signer_infos"])[:MOST_SIGNERS]]
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None  # asn1crypto raises any of these on malformed DER


def _signer(info: Any, certificates: list[Any]) -> Signer:
    sid = info["sid"].chosen
    serial = sid["serial_number"].native if info["sid"].name == "issuer_and_serial_number" else None
    mine = next(
        (c for c in certificates if serial is not None and c.serial_number == serial and c.issuer.dump() == sid["issuer"].dump()), None
    )
    claimed = ""
    for attribute in info["signed_attrs"] or ():
        if attribute["type"].native == "signing_time":
            claimed = _instant(attribute["values"][0].native)
    stamped = any(attribute["type"].native == "signature_time_stamp_token" for attribute in info["unsigned_attrs"] or ())
    digest = str(info["digest_algorithm"]["algorithm"].native)
    how = str(info["signature_algorithm"]["algorithm"].native)
    if mine is None:
        return Signer("", "", str(serial or ""), "", f"{how} ({digest})", "", "", claimed, stamped, False)
    key = mine.public_key
    size = f"{key.algorithm} {key.curve[1] if key.algorithm == 'ec' else key.bit_size}"
    validity = mine["tbs_certificate"]["validity"]
    return Signer(
        subject=_name(mine.subject),
        issuer=_name(mine.issuer),
        serial=f"{mine.serial_number:x}",
        fingerprint=hashlib.sha256(mine.dump()).hexdigest(),
        algorithm=f"{how} · {digest} · {size}",
        valid_from=_instant(validity["not_before"].native),
        valid_until=_instant(validity["not_after"].native),
        claimed_time=claimed,
        timestamped=stamped,
        self_signed=mine.subject.dump() == mine.issuer.dump(),
    )


def _instant(time: Any) -> str:
    return str(time.strftime("%Y-%m-%dT%H:%M:%SZ"))


_SHORT = {"common_name": "CN", "organization_name": "O", "organizational_unit_name": "OU", "country_name": "C"}


def _name(name: Any) -> str:
    """`CN=…, O=…`, the common name first, spelled here so that a library's taste cannot change the page."""
    parts = sorted((part for relative in name.chosen for part in relative), key=lambda part: part["type"].native == "common_name")
    return ", ".join(f"{_SHORT.get(part['type'].native, part['type'].native)}={part['value'].native}" for part in reversed(parts))
