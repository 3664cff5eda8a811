"""Which scheme pam_unix hashes a new password with: its arguments over ENCRYPT_METHOD of login.defs over DES (modules/pam_unix/support.c)."""

from __future__ import annotations

from dataclasses import dataclass

from sovaudit.facts.pam_stack import Step
from sovaudit.facts.parse.login_defs import LoginDefs
from sovaudit.model.finding import Line

# Arguments are taken by prefix, in the order of pam_unix's own table; these choose the scheme.
_TABLE = (
    "audit use_first_pass try_first_pass authtok_type= use_authtok shadow md5 nullok debug nodelay nis bigcrypt likeauth remember= noreap "
    "broken_shadow sha256 sha512 rounds= blowfish minlen= quiet no_pass_expiry des gost_yescrypt yescrypt nullresetok"
).split()
_SCHEMES = {
    "md5": "md5", "bigcrypt": "des", "sha256": "sha256", "sha512": "sha512", "blowfish": "bcrypt", "des": "des", "gost_yescrypt": "gost-yescrypt",
    "yescrypt": "yescrypt",
}  # fmt: skip
# create_password_hash asks in this order when several are set
_METHODS = ("md5", "bigcrypt", "sha256", "sha512", "blowfish", "des", "gost_yescrypt", "yescrypt")


@dataclass(frozen=True, slots=True)
class NewScheme:
    """scheme: as in accounts.Password. because: the argument's line, or login.defs'. cut: nothing behind the eighth character counts."""

    scheme: str
    because: tuple[Line, ...]
    cut: bool = False


def new_scheme(step: Step, settings: LoginDefs) -> NewScheme:
    """What this pam_unix line writes."""
    scheme, name = "des", "des"
    because: tuple[Line, ...] = (step.line,)
    method = settings.first.get("ENCRYPT_METHOD")
    if method is not None:
        word = next((word for word in _METHODS if method[0].lower().startswith(word)), None)
        because = (step.line, method[1])
        if word is not None:
            scheme, name = _SCHEMES[word], word
    for arg in step.args:
        token = next((token for token in _TABLE if arg.startswith(token)), "")
        if token in _SCHEMES:
            scheme, name, because = _SCHEMES[token], token, (step.line,)
    return NewScheme(scheme, because, name == "des")  # bigcrypt hashes eight by eight


_SHADOW = {"des": "des", "md5": "md5", "sha256": "sha256", "sha512": "sha512", "bcrypt": "bcrypt", "yescrypt": "yescrypt"}


def shadow_scheme(settings: LoginDefs) -> NewScheme:
    """What shadow's own tools write where they hash without PAM (`chgpasswd`, `newusers` by configuration, `chpasswd -c`)."""
    method = settings.last.get("ENCRYPT_METHOD")
    if method is None:
        md5 = settings.last.get("MD5_CRYPT_ENAB")
        if md5 is not None and md5[0].lower() == "yes":
            return NewScheme("md5", (md5[1],))
        return NewScheme("des", ())
    return NewScheme(_SHADOW.get(method[0].lower(), "des"), (method[1],))
