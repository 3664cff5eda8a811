"""`ldaps://host[:port][/base-dn]` and `ldap://…` as an address."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from sovaudit.errors import UsageError

HINT = "Write ldaps://host/dc=example,dc=org"


@dataclass(frozen=True, slots=True)
class Address:
    """base: the DN below which the directory is looked at; empty: what the server calls its default."""

    scheme: str
    host: str
    port: int
    base: str

    @property
    def uri(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"ldaps": 636, "ldap": 389}[self.scheme]
        port = "" if self.port == usual else f":{self.port}"
        return f"{self.scheme}://{host}{port}" + (f"/{quote(self.base, safe='=,+ ;*()@&')}" if self.base else "")


def ldap_address(text: str) -> Address:
    """Raises UsageError; a name or password in the URL is refused and never echoed."""
    if "@" in text.partition("://")[2].partition("/")[0]:
        raise UsageError(
            "a name or password inside a URL", where="ldap", hint=f"Use --bind-dn, and --bind-password-file or the prompt. {HINT}"
        )
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise UsageError(f"not an address ({error})", where=text[:200], hint=HINT) from error
    base = unquote(parts.path.removeprefix("/"))
    if parts.scheme not in ("ldap", "ldaps") or not host or host.startswith("-") or parts.query or parts.fragment or port == 0:
        raise UsageError("not an address", where=text[:200], hint=HINT)
    if any(character.isspace() or ord(character) < 32 for character in host) or any(ord(character) < 32 for character in base):
        raise UsageError("not an address", where=text[:200], hint=HINT)
    if base and "=" not in base:
        raise UsageError(f"{base!r} is no distinguished name", where=text[:200], hint=HINT)
    return Address(parts.scheme, host, port or {"ldaps": 636, "ldap": 389}[parts.scheme], base)
