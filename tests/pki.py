"""A small world of certificate authorities and signers for the tests of the seal; made with `cryptography`, never kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime.now(UTC).replace(microsecond=0)
DOCUMENT_SIGNING = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")
EMAIL, SERVER, ANY = ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE


def new_key(kind: str = "p256") -> Any:
    from cryptography.hazmat.primitives.asymmetric import dsa, ed25519, rsa

    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind[3:]))
    if kind == "dsa":
        return dsa.generate_private_key(2048)
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    curves: dict[str, ec.EllipticCurve] = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "k256": ec.SECP256K1()}
    return ec.generate_private_key(curves[kind])


@dataclass
class Party:
    """A key with its certificate and the chain above it, without the root."""

    key: Any
    certificate: x509.Certificate
    chain: list[x509.Certificate] = field(default_factory=list)

    def save(self, folder: Path, name: str, *, passphrase: bytes | None = None) -> tuple[Path, Path]:
        lock = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
        key, cert = folder / f"{name}.key", folder / f"{name}.pem"
        key.write_bytes(self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock))
        cert.write_bytes(b"".join(one.public_bytes(serialization.Encoding.PEM) for one in (self.certificate, *self.chain)))
        return key, cert


def issue(
    name: str,
    by: Party | None = None,
    *,
    kind: str = "p256",
    ca: bool = False,
    usage: tuple[str, ...] | None = ("digital_signature",),
    purposes: tuple[x509.ObjectIdentifier, ...] = (),
    begins: datetime = NOW - timedelta(days=30),
    ends: datetime = NOW + timedelta(days=300),
    digest: hashes.HashAlgorithm | None = None,
    key: Any = None,
) -> Party:
    """A certificate by an authority, or by itself."""
    key = key or new_key(kind)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Test")])
    signs_itself = by is None
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if by is None else by.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if ca:
        usage = ("key_cert_sign", "crl_sign")
    if usage is not None:
        names = (
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
        )
        flags = {flag: flag in usage for flag in names}
        builder = builder.add_extension(x509.KeyUsage(**flags, encipher_only=False, decipher_only=False), critical=True)
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    signer = key if by is None else by.key
    edwards = type(signer).__name__.startswith("Ed25519")
    made = builder.sign(signer, None if edwards else digest or hashes.SHA256())
    above = [] if signs_itself or by is None or by.certificate.issuer == by.certificate.subject else [by.certificate, *by.chain]
    return Party(key, made, above)
