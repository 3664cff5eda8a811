"""What sshd offers a client before anybody has said who he is: ciphers, MACs, key exchanges, and signatures of the host keys that it has.

From `sshd -T` where the program was asked and only one daemon with the usual configuration could answer; otherwise computed from the files
and the version's defaults. Host keys are told by their public halves; sshd itself needs the private one (sshd.c, `list_hostkey_types`).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sovaudit.facts.authorized_keys import TYPES, fields, parse_keys
from sovaudit.facts.files import Unseen
from sovaudit.facts.ssh_algorithms import GSSAPI, NEGOTIATED, assemble, certificate, default
from sovaudit.facts.sshd_match import Effective
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host
    from sovaudit.facts.ssh_server import Server

WEAK = (
    "none", "*-cbc", "*-cbc@*", "arcfour*",
    "hmac-md5*", "hmac-sha1-96*", "hmac-ripemd160*",
    "diffie-hellman-group1-sha1", "diffie-hellman-group14-sha1", "diffie-hellman-group-exchange-sha1", "gss-*-sha1-*", "rsa1024-sha1",
    "ssh-rsa", "ssh-rsa-cert-v0?@openssh.com", "ssh-dss", "ssh-dss-cert-v0?@openssh.com",
)  # fmt: skip
SPELLING = {
    "ciphers": "Ciphers", "macs": "MACs", "kexalgorithms": "KexAlgorithms", "gssapikexalgorithms": "GSSAPIKexAlgorithms",
    "hostkeyalgorithms": "HostKeyAlgorithms", "pubkeyacceptedalgorithms": "PubkeyAcceptedAlgorithms",
}  # fmt: skip
DEFAULT_KEYS = tuple(f"/etc/ssh/ssh_host_{kind}_key" for kind in ("rsa", "ecdsa", "ed25519"))


@dataclass(frozen=True, slots=True)
class HostKey:
    """A host key that sshd loads. kind: its type, empty where it was not seen. bits: of RSA, else 0."""

    path: str
    kind: str
    bits: int = 0


@dataclass(frozen=True, slots=True)
class Offer:
    """names: what is offered under one keyword. possible: what may be besides. keys: the host keys behind it."""

    keyword: str
    names: tuple[str, ...]
    because: tuple[Line, ...] = ()
    possible: tuple[str, ...] = ()
    keys: tuple[HostKey, ...] = ()
    gaps: tuple[Gap, ...] = ()


def offers(host: Host) -> list[Offer]:
    """One per keyword and daemon. Raises Unseen."""
    if host.ssh.doubt is not None:
        raise Unseen(host.ssh.doubt)
    found: list[Offer] = []
    for server in host.ssh.servers:
        if host.ssh.refusal(server) is None:
            found += _of(host, server)
    return found


def _of(host: Host, server: Server) -> Iterator[Offer]:
    effective = server.settings.outside
    for keyword in ("ciphers", "macs", "kexalgorithms"):
        yield Offer(SPELLING[keyword], _names(host, server, keyword), effective.because(keyword))
    if effective.yes("gssapikeyexchange"):
        given = effective.get("gssapikexalgorithms")
        names = tuple(given.split(",")) if given else GSSAPI
        yield Offer(SPELLING["gssapikexalgorithms"], names, effective.because("gssapikeyexchange", "gssapikexalgorithms"))
    yield _host_keys(host, effective, _names(host, server, "hostkeyalgorithms"))
    values = dict.fromkeys(tuple(word.split(",")) for word in server.settings.conditional_values("pubkeyacceptedalgorithms"))
    names = _names(host, server, "pubkeyacceptedalgorithms")
    more = [name for value in values for name in assemble("pubkeyacceptedalgorithms", value, host.ssh.version)]
    lines = list(effective.because("pubkeyacceptedalgorithms"))
    lines += [each.line for each in server.settings.config.directives if each.keyword == "pubkeyacceptedalgorithms"]
    yield Offer(SPELLING["pubkeyacceptedalgorithms"], tuple(dict.fromkeys([*names, *more])), tuple(dict.fromkeys(lines)))


def _names(host: Host, server: Server, keyword: str) -> tuple[str, ...]:
    """The program's own word first. Raises Unseen where only the defaults of a version that was not seen would say.

    Treacherous: `sshd -T` shows the defaults where everything was taken away (`Ciphers -*`), and the daemon then offers nothing.
    """
    given = server.settings.given(keyword)
    ours = assemble(keyword, given, host.ssh.version) if given else default(keyword, host.ssh.version)
    if keyword in NEGOTIATED and not ours:
        return ()
    usual = not server.daemon.config and not server.daemon.options and len(host.ssh.servers) == 1
    said = host.ssh.dump.get(keyword) if usual else None
    if said is not None:
        return tuple(name for name in said.split(",") if name)
    if (not given or given[0][:1] in ("+", "-", "^")) and (host.ssh.seen_version or (0, 0)) < (8, 0):
        raise Unseen(Gap("packages", Reason.AMBIGUOUS, f"the version of sshd, whose defaults decide {SPELLING[keyword]}"))
    return ours or default(keyword, host.ssh.version)


def _host_keys(host: Host, effective: Effective, accepted: tuple[str, ...]) -> Offer:
    names: list[str] = []
    possible: list[str] = []
    keys: list[HostKey] = []
    gaps: list[Gap] = []
    given = [word for word in effective.words("hostkey") if word.lower() != "none"]
    smallest = int(effective.get("requiredrsasize"))
    for path in dict.fromkeys(given or DEFAULT_KEYS):
        try:
            key = _key(host, path)
        except Unseen as unseen:
            gaps.append(unseen.gap)
            possible += accepted
            continue
        if key is None or 0 < key.bits < smallest:
            continue
        if not key.kind:
            gaps.append(Gap(f"file:{path}.pub", Reason.ABSENT, "the type of this host key"))
            possible += accepted
            continue
        usable = [name for name in TYPES[key.kind] if name in accepted]
        usable += [name for name in map(certificate, TYPES[key.kind]) if name in accepted and _certified(host, effective, key)]
        names += usable
        if usable:
            keys.append(key)
    if effective.get("hostkeyagent") not in ("", "none"):
        gaps.append(Gap("hostkeyagent", Reason.UNSUPPORTED, "which keys its agent holds"))
        possible += accepted
    why = effective.because("hostkeyalgorithms", "hostkey")
    return Offer(SPELLING["hostkeyalgorithms"], tuple(dict.fromkeys(names)), why, tuple(dict.fromkeys(possible)), tuple(keys), tuple(gaps))


def _certified(host: Host, effective: Effective, key: HostKey) -> bool:
    """Whether a HostCertificate is of this very key; one that was not seen may be."""
    for path in effective.words("hostcertificate"):
        try:
            words = next((line.text.split() for line in host.files.lines(path) or ()), [])
            own = next(iter(parse_keys(host.files.lines(f"{key.path}.pub") or ())), None)
        except Unseen:
            return True
        if len(words) > 1 and words[0] == certificate(key.kind) and (own is None or _same(words[1], own.blob)):
            return True
    return False


def _same(certified: str, own: str) -> bool:
    """Behind its type and a nonce a certificate begins with the fields of the key."""
    try:
        theirs, ours = fields(base64.b64decode(certified)), fields(base64.b64decode(own))
    except binascii.Error:
        return False
    mine = list(ours)[1:]
    return list(theirs)[2 : 2 + len(mine)] == mine


def _key(host: Host, path: str) -> HostKey | None:
    """None where sshd loads nothing from there: absent, empty, or root's own and open to others. Raises Unseen."""
    private = host.files.follow(path)
    if private is None or private.kind != "f" or private.size == 0 or (private.uid == 0 and private.mode & 0o077):
        return None
    public = next(iter(parse_keys(host.files.lines(f"{path}.pub") or ())), None)
    if public is not None:
        return HostKey(path, public.kind, public.bits)
    kinds = {"_rsa_": "ssh-rsa", "_ecdsa_": "ecdsa-sha2-nistp256", "_ed25519_": "ssh-ed25519", "_dsa_": "ssh-dss"}
    return HostKey(path, next((kind for part, kind in kinds.items() if path.endswith(f"ssh_host{part}key")), ""))
