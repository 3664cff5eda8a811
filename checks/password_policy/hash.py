"""Stored and newly set passwords use a strong scheme.

Whoever reads /etc/shadow once can try passwords at home for ever. yescrypt, scrypt, bcrypt and SHA-512 make each try costly; DES, MD5 and
NT hashes are tried by the thousand million a second.

One answer per account with a stored hash, a locked one too (`usermod -U` would bring it back), and one for `newly set passwords`: what
pam_unix writes through `passwd` and `chpasswd`, by its arguments (the last scheme named wins), else by the first ENCRYPT_METHOD of
/etc/login.defs that it knows, else DES.
Passes: the scheme is one of `schemes`.
Fails: it is another. BCRYPT as ENCRYPT_METHOD is a word of shadow that pam_unix does not know: without an argument it then writes DES.
Unknown: /etc/shadow, the stack or /etc/login.defs was not seen.
Out of reach: hashes that `usermod -p`, `chpasswd -e` and `chpasswd -c` write without PAM, and the cost within a scheme.

Remedy: `yescrypt` (or `sha512`) on the pam_unix line of /etc/pam.d/common-password, ENCRYPT_METHOD to match; have accounts with an old
hash set a new password (`chage -d 0 NAME`), remove the hash where none is needed (`usermod -p '*' NAME`).
"""

from sovaudit.authoring import Host, Outcomes, Unseen, check, failed, passed, unknown
from sovaudit.facts.pam import anyone

STRONG = ("yescrypt", "gost-yescrypt", "scrypt", "bcrypt", "sha512")


@check("password-policy.hash", severity="high", since="0.1")
def hash_scheme(host: Host, *, schemes: tuple[str, ...] = STRONG) -> Outcomes:
    for account in host.accounts:
        name, password, because = account.name, account.password, account.because
        if password is None:
            gaps = [account.shadow_gap] if account.shadow_gap else []
            yield unknown("how the password of {name} is stored was not seen", subject=name, because=because, gaps=gaps, name=name)
        elif password.kind != "set":
            continue
        elif password.scheme in schemes:
            yield passed("{name}: {scheme}", subject=name, seen=password.scheme, because=because, name=name, scheme=password.scheme)
        else:
            text = "the password of {name} is stored as {scheme}"
            yield failed(text, subject=name, seen=password.scheme, because=because, name=name, scheme=password.scheme)
    subject = "newly set passwords"
    try:
        found = [
            (service, host.pam.new_hash(service, anyone(), by_root=by_root))
            for by_root in (False, True)
            for service in host.pam.password_services(by_root=by_root)
        ]
    except Unseen as unseen:
        yield unknown(
            "how a new password is stored was not seen", subject=subject, gaps=[unseen.gap], settle="{item}", item=unseen.gap.item
        )
        return
    written = [(service, new) for service, new in found if new.scheme]
    weak = [(service, new) for service, new in written if new.scheme not in schemes]
    if weak:
        service, new = min(weak, key=lambda entry: bool(entry[1].gaps))
        if new.gaps:
            text = "{service} may store a new password as {scheme}"
            yield unknown(text, subject=subject, gaps=new.gaps, because=new.because, service=service, scheme=new.scheme)
        else:
            text = "{service} stores a new password as {scheme}"
            yield failed(text, subject=subject, seen=new.scheme, because=new.because, service=service, scheme=new.scheme)
    elif written:
        new = written[0][1]
        yield passed("new passwords are stored as {scheme}", subject=subject, seen=new.scheme, because=new.because, scheme=new.scheme)
    else:
        yield passed("no service stores a new password", subject=subject, seen="none", because=found[0][1].because)
