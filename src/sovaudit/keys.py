"""Keys and certificates that seal reports: made here on first use, or given.

ECDSA over P-256 or P-384, or RSA of at least 3072 bits. No Ed25519: OpenSSL 3.0 and gpgsm cannot verify it in CMS, and a seal
that an auditor's own tools refuse is none. Imports of `cryptography` are late: most commands never need a key.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sovaudit.errors import UsageError

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    PrivateKey = EllipticCurvePrivateKey | RSAPrivateKey

KEY = "key.pem"
CERTIFICATE = "cert.pem"
VALID_DAYS = 3650  # an audit is looked at again years later
LEAST_RSA = 3072
CURVES = ("secp256r1", "secp384r1")
DOCUMENT_SIGNING = "1.3.6.1.5.5.7.3.36"  # RFC 9336
EMAIL_PROTECTION = "1.3.6.1.5.5.7.3.4"
MAX_FILE = 1_000_000
_GIVE = "Name a key and its certificate with --key and --cert."


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key with its certificate; chain: intermediate certificates, in any order, without the root."""

    key: PrivateKey = field(repr=False)
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def subject(self) -> str:
        return self.certificate.subject.rfc4514_string()

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, as `sha256:…`."""
        from cryptography.hazmat.primitives.serialization import Encoding

        from sovaudit import canon

        return canon.digest(self.certificate.public_bytes(Encoding.DER))

    @property
    def self_signed(self) -> bool:
        return self.certificate.issuer == self.certificate.subject


def create_key(folder: Path, common_name: str, organisation: str = "", *, now: datetime | None = None) -> Signer:
    """Make `folder/key.pem` (mode 0600 whatever the umask) and a self-signed `folder/cert.pem`; never overwrite either.

    The certificate vouches for nobody: it only lets two reports be known for the same signer's. Raises UsageError.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    for name in (KEY, CERTIFICATE):
        if os.path.lexists(folder / name):
            raise UsageError(
                "is there already: keys are never overwritten", where=str(folder / name), hint="Move it away, or choose another folder."
            )
    now = now or datetime.now(UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    parts = [(NameOID.COMMON_NAME, common_name), (NameOID.ORGANIZATION_NAME, organisation)]
    try:
        subject = x509.Name([x509.NameAttribute(oid, text[:64]) for oid, text in parts if text])
    except ValueError as error:
        raise UsageError(f"cannot stand in a certificate ({error})", where=common_name, hint="Choose another name.") from error
    public = key.public_key()
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=True, key_encipherment=False, data_encipherment=False, key_agreement=False,
        key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # another machine's clock may be behind
        .not_valid_after(now + timedelta(days=VALID_DAYS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        # no extended usage: `openssl cms -verify` would then ask for emailProtection, which is not what this key is for
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # The certificate first: a key is what makes the pair exist.
        _create(folder / CERTIFICATE, certificate.public_bytes(serialization.Encoding.PEM), 0o644)
        try:
            _create(folder / KEY, private, 0o600)
        except OSError:
            (folder / CERTIFICATE).unlink(missing_ok=True)
            raise
    except FileExistsError as error:
        raise UsageError("is there already, or is no folder", where=str(error.filename2 or error.filename or folder), hint=_GIVE) from error
    except OSError as error:
        raise UsageError(f"a signing key cannot be kept here ({error.strerror})", where=str(folder), hint=_GIVE) from error
    return Signer(key, certificate)


def people_key(path: Path) -> bytes:
    """The key that makes pseudonyms: 32 bytes as hexadecimal digits in a file of mode 0600, made on first use. Raises UsageError.

    Whoever loses it can never again say that two audits speak of the same person; whoever has it can say whom a pseudonym means.
    """
    try:
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with suppress(FileExistsError):
                _create(path, secrets.token_bytes(32).hex().encode() + b"\n", 0o600)
        data = bytes.fromhex(path.read_text("ascii").strip())
    except (OSError, ValueError) as error:
        what = f"the key of pseudonyms cannot be used ({getattr(error, 'strerror', None) or error})"
        raise UsageError(what, where=str(path), hint="Name another with --people-key.") from error
    if len(data) < 32:
        raise UsageError("the key of pseudonyms is shorter than 32 bytes", where=str(path))
    return data


def _create(place: Path, data: bytes, mode: int) -> None:
    """A whole new file or none; FileExistsError if something is there."""
    temporary = place.with_name(f".{place.name}.{os.getpid()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, mode)
            file.write(data)
            file.flush()
            os.fsync(handle)
        os.link(temporary, place)  # unlike rename, never replaces
    finally:
        temporary.unlink(missing_ok=True)


def load_signer(key: Path, cert: Path, chain: Sequence[Path] = (), passphrase: str | None = None, *, now: datetime | None = None) -> Signer:
    """A signer from files, PEM or DER. `cert` may hold its chain after itself. Raises UsageError for what cannot or should not sign."""
    private = _private_key(key, passphrase)
    certificate, *rest = load_certificates([cert])
    weak = weakness(private.public_key())
    if weak:
        raise UsageError(f"the key is {weak}", where=str(key), hint="Use ECDSA P-256 or P-384, or RSA of at least 3072 bits.")
    if _public(private.public_key()) != _public(certificate.public_key()):
        raise UsageError(f"is not the certificate of the key {key}", where=str(cert), hint="Name the pair that belongs together.")
    unfit = unfitness(certificate)
    if unfit:
        raise UsageError(unfit, where=str(cert), hint="Ask for a certificate that may sign documents.")
    now = now or datetime.now(UTC)
    if now > certificate.not_valid_after_utc:
        raise UsageError(
            f"expired on {certificate.not_valid_after_utc:%Y-%m-%d}",
            where=str(cert),
            hint="Renew the certificate, or make a key: sovaudit keygen.",
        )
    return Signer(private, certificate, (*rest, *load_certificates(chain)))


def load_certificates(paths: Sequence[Path]) -> tuple[x509.Certificate, ...]:
    """Every certificate in these files, PEM (one or several) or DER (one). Raises UsageError."""
    from cryptography import x509

    found: list[x509.Certificate] = []
    for path in paths:
        data = _read(path)
        try:
            found += x509.load_pem_x509_certificates(data) if b"-----BEGIN" in data else [x509.load_der_x509_certificate(data)]
        except ValueError as error:
            raise UsageError("is no certificate, PEM or DER", where=str(path), hint="Name an X.509 certificate file.") from error
    return tuple(found)


def weakness(key: object) -> str:
    """Why this public key should not sign; empty if it may."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA of {key.key_size} bits, less than {LEAST_RSA}" if key.key_size < LEAST_RSA else ""
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "" if key.curve.name in CURVES else f"on the curve {key.curve.name}"
    return f"of a kind that CMS tools do not verify ({type(key).__name__.removeprefix('_').removesuffix('PublicKey')})"


def unfitness(certificate: x509.Certificate) -> str:
    """Why the certificate does not let its key sign documents; empty if it does (RFC 5280, 4.2.1.3 and 4.2.1.12; RFC 9336)."""
    from cryptography import x509

    try:
        extensions = certificate.extensions
    except (ValueError, x509.DuplicateExtension) as error:
        return f"its extensions cannot be read ({error})"
    try:
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
        if not (usage.digital_signature or usage.content_commitment):
            return "its key usage is neither digitalSignature nor nonRepudiation"
    except x509.ExtensionNotFound:
        pass  # no restriction
    try:
        purposes = {purpose.dotted_string for purpose in extensions.get_extension_for_class(x509.ExtendedKeyUsage).value}
        if not purposes & {DOCUMENT_SIGNING, EMAIL_PROTECTION}:
            return "its extended key usage is neither documentSigning nor emailProtection"
    except x509.ExtensionNotFound:
        pass
    return ""


def _private_key(path: Path, passphrase: str | None) -> PrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    data = _read(path)
    load = serialization.load_pem_private_key if b"-----BEGIN" in data else serialization.load_der_private_key
    secret = passphrase.encode() if passphrase else None
    try:
        try:
            found = load(data, password=secret)
        except TypeError as error:
            if secret is None:
                raise UsageError(
                    "the key is encrypted", where=str(path), hint="Give its passphrase by --key-passphrase-file or SOVAUDIT_KEY_PASSPHRASE."
                ) from error
            found = load(data, password=None)  # a passphrase was given for a key that needs none
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        what = "cannot be opened with this passphrase" if secret else "is no private key, PEM or DER"
        raise UsageError(what, where=str(path), hint="Name a private key file.") from error
    if not isinstance(found, (ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey)):
        kind = type(found).__name__.removeprefix("_").removesuffix("PrivateKey")
        raise UsageError(
            f"the key is of a kind that CMS tools do not verify ({kind})",
            where=str(path),
            hint="Use ECDSA P-256 or P-384, or RSA of at least 3072 bits.",
        )
    return found


def _public(key: object) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    encoded: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]  # every public key has it
    return encoded


def _read(path: Path) -> bytes:
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise UsageError("is not a regular file", where=str(path))
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot be read ({getattr(error, 'strerror', None) or error})", where=str(path)) from error
    if len(data) > MAX_FILE:
        raise UsageError("is larger than any key or certificate", where=str(path))
    return data
