"""The CMS block of a seal, read strictly: what CMS leaves unsigned is pinned here, before any library looks at it.

Detached SignedData over `data`, version 1, by issuer and serial number, CAdES baseline (signing-certificate-v2 among the signed
attributes), digests and algorithms from a short list. CMS signs neither its versions nor its digestAlgorithms nor the names that pick
a certificate: unless they are pinned, changed bytes there go unseen.
"""

from __future__ import annotations

from typing import Any

from sovaudit.errors import IntegrityError

MAX_BYTES = 1 << 20
MAX_SIGNERS = 16
MAX_CERTIFICATES = 64
MAX_DEPTH = 40
DIGESTS = ("sha256", "sha384", "sha512")
# What asn1crypto raises on DER that is well-formed and not what it says.
ODD = (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError, RecursionError)
_WHERE = "signature"


def prepare() -> None:
    """pyHanko, and the names of CAdES attributes in both directions.

    It teaches them to asn1crypto when it is imported, but asn1crypto keeps its names-to-numbers table from its first use: whoever read a
    block before would leave pyHanko unable to write one.
    """
    import logging

    from asn1crypto import cms, x509
    from pyhanko.sign.ades import cades_asn1

    assert cades_asn1
    for kind in (cms.CMSAttributeType, x509.ExtensionId):
        if kind._reverse_map is not None:
            kind._reverse_map.update({name: number for number, name in kind._map.items()})
    # pyHanko logs each refusal with a traceback, which Python prints where nobody set up logging; our answer says it already.
    for name in ("pyhanko", "pyhanko_certvalidator"):
        logger = logging.getLogger(name)
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())


def read(p7s: bytes) -> Any:
    """The SignedData (asn1crypto) of a block that is framed as ours are. Raises IntegrityError."""
    check_der(p7s)
    prepare()
    from asn1crypto import cms

    try:
        content = cms.ContentInfo.load(p7s, strict=True)
        if content["content_type"].native != "signed_data":
            raise IntegrityError("is no CMS SignedData", where=_WHERE)
        signed = content["content"]
        _check_frame(signed)
    except ODD as error:
        raise IntegrityError(f"is not CMS as it should be ({_short(error)})", where=_WHERE) from error
    return signed


def _check_frame(signed: Any) -> None:
    infos = list(signed["signer_infos"])
    if not infos:
        raise IntegrityError("holds no signature", where=_WHERE)
    choices = list(signed["certificates"]) if signed["certificates"] else []
    if len(infos) > MAX_SIGNERS or len(choices) > MAX_CERTIFICATES:
        raise IntegrityError("holds more signatures or certificates than any seal", where=_WHERE)
    inside = signed["encap_content_info"]
    if inside["content_type"].native != "data" or signed["version"].native != "v1":
        raise IntegrityError("its frame is not a detached signature's", where=_WHERE)
    if inside["content"].native is not None or len(inside.children or ()) > 2:
        raise IntegrityError("carries a content of its own: a detached signature does not", where=_WHERE)
    if any(choice.name != "certificate" for choice in choices):
        raise IntegrityError("holds certificates of another kind", where=_WHERE)
    for choice in choices:
        # Nobody signs a certificate's outer algorithm nor the count of unused bits in its signature.
        outer = choice.chosen
        if (
            outer["signature_value"].contents[:1] != b"\0"
            or outer["signature_algorithm"].dump() != outer["tbs_certificate"]["signature"].dump()
        ):
            raise IntegrityError("holds a certificate whose signature is misspelt", where=_WHERE)
    for info in infos:
        if info["version"].native != "v1" or info["sid"].name != "issuer_and_serial_number":
            raise IntegrityError("names a signer by something else than issuer and serial number", where=_WHERE)
    named = [_plain(algorithm) for algorithm in signed["digest_algorithms"]]
    if len(set(named)) != len(named) or set(named) != {_plain(info["digest_algorithm"]) for info in infos}:
        raise IntegrityError("its digestAlgorithms are not those of its signatures", where=_WHERE)


def problem(info: Any) -> str:
    """What makes one SignerInfo no CAdES baseline signature with strong algorithms; empty if nothing."""
    try:
        digest = _plain(info["digest_algorithm"])
        if digest not in DIGESTS:
            return f"its digest is {digest}"
        algorithm = info["signature_algorithm"]
        kind = algorithm.signature_algo
        if kind == "rsassa_pss":
            parameters = algorithm["parameters"]
            hashes = {parameters["hash_algorithm"]["algorithm"].native, parameters["mask_gen_algorithm"]["parameters"]["algorithm"].native}
            if hashes != {digest}:
                return f"its PSS parameters name {', '.join(sorted(hashes))}, its digest is {digest}"
        elif kind in ("ecdsa", "rsassa_pkcs1v15"):
            name = _plain(algorithm)
            if name not in (f"{digest}_ecdsa", f"{digest}_rsa", "rsassa_pkcs1v15"):
                return f"its algorithm is {name}, its digest is {digest}"
        else:
            return f"its algorithm is {kind}"
        attributes = [attribute["type"].native for attribute in info["signed_attrs"] or ()]
        missing = {"content_type", "message_digest", "signing_certificate_v2"} - set(attributes)
        if missing:
            return f"it lacks the signed attribute {', '.join(sorted(missing))}: it is no CAdES signature"
        if len(set(attributes)) != len(attributes):
            return "a signed attribute stands twice"
    except ODD as error:
        return f"it cannot be read ({_short(error)})"
    return ""


def certificate_of(signed: Any, info: Any) -> Any | None:
    """The signer's certificate (asn1crypto), by the exact bytes of issuer and serial number; None if it is not inside or not alone."""
    sid = info["sid"].chosen
    found = [
        choice.chosen
        for choice in signed["certificates"] or ()
        if choice.chosen.serial_number == sid["serial_number"].native and choice.chosen.issuer.dump() == sid["issuer"].dump()
    ]
    return found[0] if len(found) == 1 else None


def signing_time(info: Any) -> Any | None:
    """The time the signer claims (aware), if any."""
    for attribute in info["signed_attrs"] or ():
        if attribute["type"].native == "signing_time":
            return attribute["values"][0].native
    return None


def alone(signed: Any, info: Any) -> Any:
    """The same SignedData with this signature only, and without its unsigned attributes: nothing here relies on them."""
    from asn1crypto import cms

    one = signed.untag().copy()
    mine = cms.SignerInfo.load(info.dump())
    del mine["unsigned_attrs"]
    one["signer_infos"] = cms.SignerInfos([mine])
    return one


def merge(first: bytes, second: bytes) -> bytes:
    """Two blocks over the same bytes as one: parallel signatures. Signatures cover none of the united sets."""
    from asn1crypto import cms

    blocks = [cms.ContentInfo.load(block) for block in (first, second)]
    for name, kind in (
        ("digest_algorithms", cms.DigestAlgorithms),
        ("certificates", cms.CertificateSet),
        ("signer_infos", cms.SignerInfos),
    ):
        members = {member.dump(): member for block in blocks for member in block["content"][name] or ()}
        if name == "digest_algorithms":  # one spelling each: NULL and no parameters name the same digest
            members = {_plain(member).encode(): member for member in members.values()}
        blocks[0]["content"][name] = kind([members[spelled] for spelled in sorted(members)])
    merged: bytes = blocks[0].dump()
    read(merged)
    return merged


def _plain(algorithm: Any) -> str:
    """The name of an algorithm that has no parameters, or NULL. Raises ValueError."""
    from asn1crypto import core

    if not isinstance(algorithm["parameters"], (core.Void, core.Null)):
        raise ValueError("an algorithm has parameters that it does not take")
    return str(algorithm["algorithm"].native)


def check_der(data: bytes) -> None:
    """Definite, minimal lengths, bounded nesting, nothing after the end; in linear time. Raises IntegrityError.

    asn1crypto would accept more, and re-encoding to compare takes it exponential time in the nesting.
    """
    if not 0 < len(data) <= MAX_BYTES:
        raise IntegrityError("is empty" if not data else f"is larger than any seal ({MAX_BYTES} bytes)", where=_WHERE)
    ends = [len(data)]
    at = 0
    top = 0
    while ends:
        if at == ends[-1]:
            ends.pop()
            continue
        if len(ends) == 1:
            top += 1
        start, at = at, at + 2
        if at > ends[-1] or data[start] & 0x1F == 0x1F or len(ends) > MAX_DEPTH or top > 1:
            raise IntegrityError("is not DER", where=_WHERE)
        length = data[start + 1]
        if length >= 0x80:
            count = length & 0x7F
            length = int.from_bytes(data[at : at + count], "big")
            if not 1 <= count <= 4 or at + count > ends[-1] or data[at] == 0 or length < 0x80:
                raise IntegrityError("is not DER", where=_WHERE)
            at += count
        if at + length > ends[-1]:
            raise IntegrityError("is cut short", where=_WHERE)
        if data[start] & 0x20:
            ends.append(at + length)
        else:
            at += length


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
