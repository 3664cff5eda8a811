"""Names of OpenSSH's algorithms: which exist, which are offered when nothing is said, and how a configured list is read.

After myproposal.h and kex.c (`kex_assemble_names`) of OpenSSH 8.0 to 10.0, with the GSSAPI key exchange of Debian and Red Hat. Names that only
builds with other patches know are not listed.
"""

from __future__ import annotations

from functools import lru_cache

from sovaudit.facts.sshd_patterns import match_list, match_pattern

Version = tuple[int, int]

_PLAIN = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")
_SECURITY = ("sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com")
_RSA = ("rsa-sha2-512", "rsa-sha2-256")


def certificate(name: str) -> str:
    """The algorithm of certificates for keys of this one."""
    return name.removesuffix("@openssh.com") + "-cert-v01@openssh.com"


_MODERN = (*map(certificate, (*_PLAIN, *_SECURITY, *_RSA)), *_PLAIN, *_SECURITY, *_RSA)
ALL_ALGORITHMS = (
    *_MODERN,
    "ssh-rsa",
    "ssh-rsa-cert-v01@openssh.com",
    "ssh-dss",
    "ssh-dss-cert-v01@openssh.com",
    "webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
)
_WITHOUT_DSA = tuple(name for name in ALL_ALGORITHMS if not name.startswith("ssh-dss"))  # 10.0 knows it no more
_SIGNATURES = (*_PLAIN, *_SECURITY, *_RSA)
_CIPHERS = (
    "chacha20-poly1305@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr", "aes128-gcm@openssh.com", "aes256-gcm@openssh.com",
)  # fmt: skip
_MACS = (
    "umac-64-etm@openssh.com", "umac-128-etm@openssh.com", "hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com",
    "hmac-sha1-etm@openssh.com", "umac-64@openssh.com", "umac-128@openssh.com", "hmac-sha2-256", "hmac-sha2-512", "hmac-sha1",
)  # fmt: skip
_CURVES = ("curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521")
_GROUPS = (
    "diffie-hellman-group-exchange-sha256", "diffie-hellman-group16-sha512", "diffie-hellman-group18-sha512", "diffie-hellman-group14-sha256",
)  # fmt: skip
_PRIME = ("sntrup761x25519-sha512", "sntrup761x25519-sha512@openssh.com")
_LATTICE = "mlkem768x25519-sha256"
_KNOWN = {
    "ciphers": (*_CIPHERS, "3des-cbc", "aes128-cbc", "aes192-cbc", "aes256-cbc"),
    "macs": (
        *_MACS, "hmac-sha1-96", "hmac-md5", "hmac-md5-96", "hmac-sha1-96-etm@openssh.com", "hmac-md5-etm@openssh.com",
        "hmac-md5-96-etm@openssh.com",
    ),
    "kexalgorithms": (
        *_CURVES, *_GROUPS, "diffie-hellman-group1-sha1", "diffie-hellman-group14-sha1", "diffie-hellman-group-exchange-sha1",
    ),
}  # fmt: skip
GSSAPI = (
    "gss-group14-sha256-", "gss-group16-sha512-", "gss-nistp256-sha256-", "gss-curve25519-sha256-", "gss-group14-sha1-", "gss-gex-sha1-",
)  # fmt: skip
NEGOTIATED = ("ciphers", "macs", "kexalgorithms", "hostkeyalgorithms")
KEYWORDS = (*NEGOTIATED, "pubkeyacceptedalgorithms", "hostbasedacceptedalgorithms", "casignaturealgorithms")


def known(keyword: str, version: Version) -> tuple[str, ...]:
    """Every name that a list of this keyword may hold."""
    names = _KNOWN.get(keyword, ALL_ALGORITHMS if version < (10, 0) else _WITHOUT_DSA)
    if keyword == "ciphers" and version < (8, 5):
        return (*names, "rijndael-cbc@lysator.liu.se")
    if keyword == "casignaturealgorithms":
        return tuple(name for name in names if "-cert-v01@" not in name)
    if keyword == "kexalgorithms":
        prime = _PRIME if version >= (9, 2) else _PRIME[1:] if version >= (8, 5) else ("sntrup4591761x25519-sha512@tinyssh.org",)
        return (*names, *prime, *((_LATTICE,) if version >= (9, 9) else ()))
    return names


def default(keyword: str, version: Version) -> tuple[str, ...]:
    """What holds when nothing is said."""
    if keyword == "ciphers":
        return _CIPHERS
    if keyword == "macs":
        return _MACS
    if keyword == "kexalgorithms":
        return _exchanges(version)
    if keyword == "casignaturealgorithms":
        return _SIGNATURES if version >= (8, 2) else (*_SIGNATURES, "ssh-rsa")
    return default_algorithms(version)


def default_algorithms(version: Version) -> tuple[str, ...]:
    """Host keys and users' keys: SHA-1 RSA (`ssh-rsa`) left the default with 8.8."""
    return _MODERN if version >= (8, 8) else (*_MODERN, "ssh-rsa-cert-v01@openssh.com", "ssh-rsa")


def _exchanges(version: Version) -> tuple[str, ...]:
    if version >= (10, 0):  # no finite fields any more
        return (_LATTICE, *_PRIME, *_CURVES)
    if version >= (9, 9):
        return (*_PRIME, _LATTICE, *_CURVES, *_GROUPS)
    if version >= (9, 0):
        return (*(_PRIME if version >= (9, 2) else _PRIME[1:]), *_CURVES, *_GROUPS)
    if version >= (8, 9):
        return (*_CURVES, _PRIME[1], *_GROUPS)
    return (*_CURVES, *_GROUPS, *(() if version >= (8, 2) else ("diffie-hellman-group14-sha1",)))


@lru_cache(maxsize=512)
def assemble(keyword: str, values: tuple[str, ...], version: Version) -> tuple[str, ...]:
    """`+x` adds to the default, `-x` takes away, `^x` puts first, otherwise the list as it stands; wildcards stand for what exists."""
    text = ",".join(values)
    given, every = default(keyword, version), known(keyword, version)
    sign, names = (text[0], text[1:]) if text[:1] in ("+", "-", "^") else ("", text)
    if sign == "-":
        return tuple(name for name in given if match_list(name, names) != 1)
    wanted = [name for pattern in names.split(",") for name in every if match_pattern(name, pattern)]
    whole = [*given, *wanted] if sign == "+" else [*wanted, *given] if sign == "^" else wanted
    return tuple(dict.fromkeys(whole))


def acceptable(keyword: str, text: str, version: Version) -> bool:
    """Whether sshd takes the list: every name exists (`-` may name anything), and only lists of key algorithms may hold wildcards.

    Treacherous: the names are only looked at up to the first empty one, and those behind it count all the same.
    """
    if text.startswith("-"):
        return True
    every = known(keyword, version)
    patterns = keyword not in _KNOWN
    names = (text[1:] if text[:1] in ("+", "^") else text).split(",")
    if names == [""] or any(name.startswith("!") for name in names):
        return False
    looked_at = names[: names.index("")] if "" in names else names
    if not all(any(match_pattern(each, name) for each in every) if patterns else name in every for name in looked_at):
        return False
    return bool(assemble(keyword, (text,), version))
