"""`ssh://[user@]host[:port]` as an address."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from sovaudit.errors import UsageError


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    user: str
    port: int | None

    @property
    def uri(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return "ssh://" + (f"{self.user}@" if self.user else "") + host + (f":{self.port}" if self.port else "")


def ssh_address(text: str) -> Address:
    """Raises UsageError; a password in the URL is refused and never echoed."""
    hint = "Write ssh://user@host or ssh://user@host:port"
    authority = text.partition("://")[2].partition("/")[0]
    if ":" in authority.rpartition("@")[0]:
        raise UsageError("a password inside a URL", where="ssh://", hint=f"Passwords come from the prompt, a file or the agent. {hint}")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise UsageError(f"not an address ({error})", where="ssh://", hint=hint) from error
    user = unquote(parts.username or "")
    if (
        not text.startswith("ssh://")
        or not host
        or host.startswith("-")
        or user.startswith("-")
        or parts.path not in ("", "/")
        or parts.query
        or parts.fragment
    ):
        raise UsageError("not an address", where=text[:200], hint=hint)
    if any(character.isspace() or ord(character) < 32 for character in host + user) or port == 0:
        raise UsageError("not an address", where=text[:200], hint=hint)
    return Address(host, user, port)
