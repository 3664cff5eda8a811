"""sshd offers no weak cipher, MAC, key exchange or host key.

What is offered is what an attacker in the middle may choose to work on; an old algorithm kept for one old client is kept for everybody.

One answer per list, for every sshd that runs or would be started: Ciphers, MACs, KexAlgorithms, GSSAPIKexAlgorithms where GSSAPI key exchange is
on, HostKeyAlgorithms as far as there is a host key for them, and PubkeyAcceptedAlgorithms, which sshd announces too. `+`, `-`, `^`, wildcards and
the defaults of the version count as sshd takes them; where `sshd -T` was run, its own answer does.
Weak is what a pattern of `weak` matches. As it stands: CBC ciphers, 3DES among them (plaintext recovery, CVE-2008-5161; out of OpenSSH's default
since 6.7), RC4 (RFC 8758: must not), MACs on MD5, RIPEMD-160 or cut to 96 bits (out of the default since 6.7), key exchange over a 1024-bit group
or with SHA-1 (RFC 9142: should not, and for group 14 out of the default since 8.2), RSA signatures with SHA-1 and DSA (NIST SP 800-131A:
disallowed; out of the default since 8.8 and 7.0). HMAC-SHA-1 and 64-bit UMAC are not in the list: no attack on them is known, and OpenSSH offers
them still; a site that wants them gone adds `*hmac-sha1*` and `umac-64*`.
Passes: no weak name is offered, and no RSA host key is shorter than `rsa_bits`. Fails: one is.
Unknown: a host key's type, or the version whose defaults count, was not seen, or a running sshd may hold an older configuration.
Out of reach: the groups in /etc/ssh/moduli, the quality of host keys, and other SSH servers such as dropbear.

Remedy: take the names out: `Ciphers -*-cbc`, `MACs -*md5*,*-96*`, `KexAlgorithms -*-sha1`, `HostKeyAlgorithms -ssh-rsa,ssh-dss` in the first line
of each that sshd reads; `ssh-keygen -t rsa -b 4096 -f /etc/ssh/ssh_host_rsa_key` for a short host key.
"""

from sovaudit.authoring import Host, Outcomes, check, failed, not_applicable, passed, unknown
from sovaudit.facts.ssh_crypto import SPELLING, WEAK, Offer, offers
from sovaudit.facts.sshd_patterns import match_pattern
from sovaudit.model.finding import Line


@check("least-privilege.ssh-crypto", severity="medium", since="0.1")
def ssh_crypto(host: Host, *, weak: tuple[str, ...] = WEAK, rsa_bits: int = 3072) -> Outcomes:
    if not host.ssh.installed:
        yield not_applicable("there is no sshd on this host")
        return
    if host.ssh.refused is not None:
        yield passed("sshd does not start with this configuration, and offers nothing", subject="sshd", because=[host.ssh.refused[0]])
        return
    found: dict[str, list[Offer]] = {}
    for offer in offers(host):
        found.setdefault(offer.keyword, []).append(offer)
    for keyword in (each for each in SPELLING.values() if each in found):
        mine = found[keyword]
        names = list(dict.fromkeys(name for offer in mine for name in offer.names))
        bad = [name for name in names if any(match_pattern(name, pattern) for pattern in weak)]
        short = [key for offer in mine for key in offer.keys if 0 < key.bits < rsa_bits]
        because = [line for offer in mine for line in offer.because]
        maybe = [name for offer in mine for name in offer.possible if any(match_pattern(name, pattern) for pattern in weak)]
        gaps = [gap for offer in mine for gap in offer.gaps]
        if bad:
            text = "{keyword} holds {names}"
            yield failed(text, subject=keyword, seen=", ".join(bad), because=because, keyword=keyword, names=", ".join(bad))
        elif short:
            because += [Line(f"{key.path}.pub", 0, f"RSA, {key.bits} bits") for key in short]
            text = "the RSA host key {path} has {bits} bits"
            yield failed(text, subject=keyword, seen=str(short[0].bits), because=because, path=short[0].path, bits=short[0].bits)
        elif maybe or (gaps and keyword == "HostKeyAlgorithms"):
            text = "not every host key was seen"
            yield unknown(text, subject=keyword, gaps=gaps, because=because, settle="the public halves of the host keys")
        else:
            yield passed("{keyword} holds nothing weak", subject=keyword, seen=", ".join(names), because=because, keyword=keyword)
