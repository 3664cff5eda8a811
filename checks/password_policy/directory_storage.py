"""The directory keeps passwords hashed, by a scheme that resists guessing.

Copies of a directory get about: backups, replicas, a stolen disk. What they hold of each password decides how long it stays one.

One answer per scheme that was seen stored, and one per way in which a password is stored from now on. OpenLDAP: `olcPasswordHash` ({SSHA} where it is
not set) for the password operation; a password that is written as a plain value is kept as it came, unless slapo-ppolicy stands on the database with
`olcPPolicyHashCleartext: TRUE`; the schemes of accounts and of root DNs, of which the collector keeps the name alone.
389-DS: `passwordStorageScheme`. AD: reversible encryption, keys of DES or RC4 alone; what a domain keeps one-way is the product's own and cannot be
chosen, so it passes.
Passes: the scheme is among `schemes`. Fails: it is another, or none.
Unknown: the setting, or the schemes of some accounts, were not seen; or a scheme that nobody has told us of (`{DISABLED}`). Passwords that
another server checks ({SASL}) are not judged.
Out of reach: how many rounds a scheme was told to take; what other servers with copies of the tree make of new passwords.

Remedy: OpenLDAP: load `argon2` (or pw-pbkdf2), `olcPasswordHash: {ARGON2}`, `olcPPolicyHashCleartext: TRUE`; 389-DS: `dsconf … pwpolicy set
--pwdscheme PBKDF2-SHA512`; then have passwords changed, as a stored one keeps its scheme.
"""

from sovaudit.authoring import Directory, Gap, Outcomes, Reason, check, failed, not_applicable, passed, unknown

STRONG = (
    "ARGON2", "PBKDF2", "PBKDF2-SHA1", "PBKDF2-SHA256", "PBKDF2-SHA512", "PBKDF2_SHA256", "SSHA256", "SSHA384", "SSHA512", "CRYPT$5$", "CRYPT$6$",
    "CRYPT$y$", "CRYPT$gy$", "CRYPT$7$", "CRYPT$2a$", "CRYPT$2b$", "CRYPT$2y$", "CRYPT-SHA256",
    "CRYPT-SHA512", "GOST_YESCRYPT", "one-way",
)  # fmt: skip
FAST = {
    "sha", "ssha", "md5", "smd5", "sha256", "sha384", "sha512", "crypt", "cryptdes", "crypt$1$", "crypt$md5$", "crypt$sha1$", "crypt$3$", "crypt-md5",
    "unix", "ns-mta-md5", "apr1", "bsdmd5", "lanman", "nthash", "des", "rc4",
}  # fmt: skip


@check("password-policy.directory-storage", severity="high", since="0.2")
def directory_storage(directory: Directory, *, schemes: tuple[str, ...] = STRONG) -> Outcomes:
    strong, known = {name.casefold() for name in schemes}, {name.casefold() for name in STRONG}
    found, gaps = directory.storage
    judged = False
    for one in found:
        scheme = one.scheme.replace("{", "").replace("}", "")
        subject, seen, because = one.subject, one.scheme, one.because
        if scheme.upper() in ("SASL", "EMPTY", "CRYPTLOCKED"):
            continue  # nothing of a password is kept here
        judged = True
        if scheme.casefold() in strong:
            yield passed("passwords are kept as {scheme}", subject=subject, seen=seen, because=because, scheme=seen)
        elif scheme.casefold() in ("cleartext", "clear"):
            yield failed("passwords are kept in clear", subject=subject, seen=seen, because=because, scheme=seen)
        elif scheme.casefold() in ("reversible", "aes") or scheme.casefold().startswith("aes-"):
            text = "passwords are kept so that they can be read back"
            yield failed(text, subject=subject, seen=seen, because=because, scheme=seen)
        elif scheme.casefold() in FAST | known:
            text = "passwords are kept as {scheme}, which is guessed fast"
            yield failed(text, subject=subject, seen=seen, because=because, scheme=seen)
        else:
            gap = Gap(f"scheme:{one.scheme}", Reason.UNSUPPORTED, "how it keeps a password is not known to us; it may keep none at all")
            text = "what {scheme} keeps of passwords is not known"
            settle = "the knob schemes, if it resists guessing"
            yield unknown(text, subject=subject, gaps=[gap], because=because, settle=settle, scheme=seen)
    if gaps:
        settle = "the right to read settings, and the schemes of passwords in an export"
        yield unknown("how other passwords are kept was not seen", subject="other passwords", gaps=gaps, settle=settle)
    elif not judged:
        yield not_applicable("the directory keeps no passwords")
