"""Sign and verify: detached CMS, CAdES baseline B-B, DER, over the exact bytes of report.json.

An auditor needs nothing of ours to check the signature:
`openssl cms -verify -binary -inform DER -in report.json.p7s -content report.json -CAfile root.pem -out /dev/null`.
A signature block is no identity (CMS leaves parts of it unsigned): the digest of report.json is.

Verifying one signature argues in this order: (1) DER, framed as pinned in `seal_cms`; (2) strong algorithms and the CAdES attributes;
(3) a certificate whose key is strong and which may sign documents; (4) the signature covers these bytes and names this certificate;
(5) the certificate was valid at the moment asked for; (6) it is, or leads to, a certificate that the caller trusts.
Timestamps and revocation lists inside a foreign signature are not looked at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sovaudit import canon, keys, seal_cms
from sovaudit.errors import IntegrityError, UsageError
from sovaudit.keys import Signer, load_certificates

if TYPE_CHECKING:
    from cryptography import x509

__all__ = ["Signature", "countersign", "load_certificates", "sign", "verify"]

LEAST_CA_RSA = 2048


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature. intact: it covers these bytes; trusted: its certificate, valid at that moment, leads to an anchor.

    fingerprint: SHA-256 of the signer's certificate (`sha256:…`). signing_time: what the signer claims, aware UTC; proof of nothing.
    problem: the first thing that does not hold; empty if it is ok.
    """

    subject: str
    issuer: str
    fingerprint: str
    algorithm: str
    signing_time: datetime | None
    intact: bool
    trusted: bool
    problem: str = ""

    @property
    def ok(self) -> bool:
        return self.intact and self.trusted and not self.problem


def sign(data: bytes, signer: Signer, *, when: datetime) -> bytes:
    """A detached signature over exactly `data`, DER; carries the signer's certificate and chain. when: the signing time to claim.

    Raises UsageError if the certificate has expired by then.
    """
    if when > signer.certificate.not_valid_after_utc:
        raise UsageError(
            f"the certificate expired on {signer.certificate.not_valid_after_utc:%Y-%m-%d}", where=signer.subject, hint="Renew it."
        )
    seal_cms.prepare()
    from asn1crypto import keys as asn1_keys
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from pyhanko.sign.ades.api import CAdESSignedAttrSpec
    from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes, SimpleSigner
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    private = signer.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    engine = SimpleSigner(
        signing_cert=_asn1(signer.certificate),
        signing_key=asn1_keys.PrivateKeyInfo.load(private),
        cert_registry=SimpleCertificateStore.from_certs([_asn1(one) for one in signer.chain]),
        embed_roots=False,
    )
    attributes = PdfCMSSignedAttributes(signing_time=when.astimezone(UTC).replace(microsecond=0), cades_signed_attrs=CAdESSignedAttrSpec())
    digest = "sha384" if getattr(getattr(signer.key, "curve", None), "name", "") == "secp384r1" else "sha256"
    content = _run(engine.async_sign_general_data(data, digest, detached=True, use_cades=True, signed_attr_settings=attributes))
    sealed: bytes = content.dump()
    return sealed


def countersign(data: bytes, p7s: bytes, signer: Signer, *, when: datetime) -> bytes:
    """The same block with one more signature beside those it holds (parallel, not nested).

    Raises IntegrityError if one of those does not cover `data`, UsageError if this signer is among them.
    """
    present = verify(data, p7s, (), moment=when)
    for one in present:
        if not one.intact:
            raise IntegrityError(f"the signature of {one.subject or 'an unknown signer'} does not hold: {one.problem}", where="signature")
    if signer.fingerprint in {one.fingerprint for one in present}:
        raise UsageError("has signed this report already", where=signer.subject, hint="A second person countersigns.")
    return seal_cms.merge(p7s, sign(data, signer, when=when))


def verify(data: bytes, p7s: bytes, trust: Sequence[x509.Certificate], *, moment: datetime | None = None) -> tuple[Signature, ...]:
    """Every signature in the block, in its order. trust: anchors, from `load_certificates`; without any, nothing is trusted.

    moment: when the certificates must have been valid (default: now). Raises IntegrityError for a block that is no seal at all.
    """
    signed = seal_cms.read(p7s)
    moment = moment or datetime.now(UTC)
    return tuple(_verify_one(data, signed, info, trust, moment) for info in signed["signer_infos"])


def _verify_one(data: bytes, signed: Any, info: Any, trust: Sequence[x509.Certificate], moment: datetime) -> Signature:
    from cryptography import x509

    try:
        inside = seal_cms.certificate_of(signed, info)
        claimed = seal_cms.signing_time(info)
        algorithm = f"{info['signature_algorithm']['algorithm'].native} ({info['digest_algorithm']['algorithm'].native})"
        if inside is None:
            return Signature("", "", "", algorithm, claimed, False, False, "its certificate is not in the block")
        certificate = x509.load_der_x509_certificate(inside.dump())
        who = (certificate.subject.rfc4514_string(), certificate.issuer.rfc4514_string(), canon.digest(inside.dump()), algorithm, claimed)
        # (2) and (3)
        weak = keys.weakness(certificate.public_key())
        wrong = seal_cms.problem(info) or (f"its key is {weak}" if weak else "") or keys.unfitness(certificate)
        if wrong:
            return Signature(*who, False, False, wrong)
        # (4) to (6)
        return Signature(*who, *_judge(data, signed, info, certificate, trust, moment))
    except _refusals() as error:
        return Signature("", "", "", "", None, False, False, f"cannot be read ({seal_cms._short(error)})")


def _judge(
    data: bytes, signed: Any, info: Any, certificate: x509.Certificate, trust: Sequence[x509.Certificate], moment: datetime
) -> tuple[bool, bool, str]:
    """(intact, trusted, problem)."""
    from pyhanko.sign.validation.generic_cms import async_validate_detached_cms
    from pyhanko.sign.validation.settings import KeyUsageConstraints
    from pyhanko_certvalidator import ValidationContext
    from pyhanko_certvalidator.policy_decl import DisallowWeakAlgorithmsPolicy

    context = ValidationContext(
        trust_roots=[_asn1(one) for one in trust],
        moment=moment,
        best_signature_time=moment,
        allow_fetching=False,
        revocation_mode="soft-fail",
        time_tolerance=timedelta(0),
        algorithm_usage_policy=DisallowWeakAlgorithmsPolicy(rsa_key_size_threshold=LEAST_CA_RSA),
    )
    # Usage was judged in (3) already, also for a certificate that is itself the anchor, of which pyHanko asks nothing.
    # An empty set asks for nothing; None would be replaced by pyHanko's own default, nonRepudiation alone.
    usage = KeyUsageConstraints(key_usage=frozenset())
    try:
        status = _run(
            async_validate_detached_cms(data, seal_cms.alone(signed, info), signer_validation_context=context, key_usage_settings=usage)
        )
    except _refusals() as error:
        return False, False, f"it does not hold ({seal_cms._short(error)})"
    if not (status.intact and status.valid):
        return False, False, "it does not cover these bytes" if not status.intact else "it was not made with the key of its certificate"
    if moment < certificate.not_valid_before_utc or moment > certificate.not_valid_after_utc:
        span = f"{certificate.not_valid_before_utc:%Y-%m-%d} to {certificate.not_valid_after_utc:%Y-%m-%d}"
        return True, False, f"its certificate is valid from {span}, not on {moment:%Y-%m-%d}"
    if not trust:
        return True, False, "no certificate is trusted: name one with --trust"
    if not status.trusted:
        return True, False, "its certificate does not lead to a trusted one"
    return True, True, ""


def _asn1(certificate: x509.Certificate) -> Any:
    from asn1crypto import x509 as asn1_x509
    from cryptography.hazmat.primitives.serialization import Encoding

    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))


def _refusals() -> tuple[type[Exception], ...]:
    """What the libraries raise on blocks that they refuse."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.x509 import DuplicateExtension, InvalidVersion, UnsupportedGeneralNameType
    from pyhanko.sign.general import CMSStructuralError
    from pyhanko.sign.validation.errors import SignatureValidationError
    from pyhanko_certvalidator.errors import PathBuildingError, PathValidationError, ValidationError

    cryptography = (InvalidSignature, UnsupportedAlgorithm, DuplicateExtension, InvalidVersion, UnsupportedGeneralNameType)
    return (
        *seal_cms.ODD,
        *cryptography,
        CMSStructuralError,
        SignatureValidationError,
        PathBuildingError,
        PathValidationError,
        ValidationError,
    )


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    """pyHanko's interface is asynchronous; ours is not, and may be called from within a running loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()
