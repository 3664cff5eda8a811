"""authorized_keys lines as sshd reads them: options, key type, key, and which of them open anything (auth2-pubkeyfile.c, auth-options.c)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sovaudit.model.finding import Line

TYPES = {
    "ssh-ed25519": ("ssh-ed25519",),
    "ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"),
    "ssh-dss": ("ssh-dss",),
    "ecdsa-sha2-nistp256": ("ecdsa-sha2-nistp256",),
    "ecdsa-sha2-nistp384": ("ecdsa-sha2-nistp384",),
    "ecdsa-sha2-nistp521": ("ecdsa-sha2-nistp521",),
    "sk-ssh-ed25519@openssh.com": ("sk-ssh-ed25519@openssh.com",),
    "sk-ecdsa-sha2-nistp256@openssh.com": ("sk-ecdsa-sha2-nistp256@openssh.com", "webauthn-sk-ecdsa-sha2-nistp256@openssh.com"),
}
_CURVES = {"ecdsa-sha2-nistp256": b"nistp256", "ecdsa-sha2-nistp384": b"nistp384", "ecdsa-sha2-nistp521": b"nistp521"}
_FLAGS = (
    "restrict", "cert-authority", "port-forwarding", "agent-forwarding", "x11-forwarding", "touch-required", "verify-required", "pty", "user-rc",
)  # fmt: skip
_NEGATABLE = frozenset(_FLAGS[2:])
_VALUED = ("command", "principals", "from", "expiry-time", "environment", "permitopen", "permitlisten", "tunnel")
_ONCE = ("command", "principals", "from")


@dataclass(frozen=True, slots=True)
class Key:
    """One usable line. bits: modulus length of an RSA key, 0 otherwise. expires: YYYYMMDD[HHMM[SS]][Z] as written.

    authority: it signs certificates that open. site: it stands in TrustedUserCAKeys, not in a file of the account's.
    """

    kind: str
    blob: str
    line: Line
    bits: int = 0
    command: str | None = None
    sources: str | None = None
    expires: tuple[str, ...] = ()
    authority: bool = False
    principals: str | None = None
    verified: bool = False
    site: bool = False

    @property
    def security(self) -> bool:
        """The key lives on a FIDO token."""
        return self.kind.startswith("sk-")

    def accepted(self, algorithms: Iterable[str]) -> bool:
        """PubkeyAcceptedAlgorithms (assembled) takes a signature of this key; for an authority, of some certificate."""
        names = list(algorithms)
        if self.authority:
            return any("-cert-v01@" in name for name in names)
        return any(name in TYPES[self.kind] for name in names)

    def expired(self, at: datetime) -> bool | None:
        """expiry-time is past; None within a day of it where the host's own zone decides."""
        answers = [_expired(text, at) for text in self.expires]
        return True if True in answers else None if None in answers else False


def parse_keys(lines: Iterable[Line]) -> Iterator[Key]:
    """The lines that sshd would use; others (comments, unknown options, broken keys) open nothing."""
    for line in lines:
        text = line.text.lstrip(" \t")
        if not text or text.startswith("#"):
            continue
        options: dict[str, list[str]] | None = {}
        key = key_of(text)
        if key is None:
            end = _options_end(text)
            if end is None:
                continue
            options = _options(text[:end])
            key = key_of(text[end:].lstrip(" \t"))
        if key is None or options is None:
            continue
        kind, blob, bits = key
        authority = "cert-authority" in options
        if "principals" in options and not authority:
            continue
        yield Key(
            kind, blob, line, bits,
            command=options["command"][0] if "command" in options else None,
            sources=options["from"][0] if "from" in options else None,
            expires=tuple(options.get("expiry-time", ())),
            authority=authority,
            principals=options["principals"][0] if "principals" in options else None,
            verified="verify-required" in options,
        )  # fmt: skip


def key_of(text: str) -> tuple[str, str, int] | None:
    """Type, base64 and RSA bits where the text begins with a key (sshkey_read)."""
    found = re.match(r"([^ \t]+)[ \t]+([^ \t]+)", text)
    if found is None or found[1] not in TYPES:
        return None
    blob = re.sub(r"[\r\n\v\f]", "", found[2])
    try:
        data = base64.b64decode(blob, validate=True)
    except (binascii.Error, ValueError):
        return None
    if base64.b64encode(data).decode() != blob:
        return None  # padding or bits that should not be there
    parts = list(fields(data))
    if not parts or parts[0] != found[1].encode():
        return None
    bits = 0
    if found[1] == "ssh-rsa":
        bits = int.from_bytes(parts[2], "big").bit_length() if len(parts) == 3 and len(parts[2]) <= 2100 else 0
        return (found[1], blob, bits) if bits >= 1024 else None
    if found[1] == "ssh-ed25519" and (len(parts) != 2 or len(parts[1]) != 32):
        return None
    if found[1] in _CURVES and (len(parts) != 3 or parts[1] != _CURVES[found[1]]):
        return None
    return found[1], blob, bits


def fields(data: bytes) -> Iterator[bytes]:
    """The length-prefixed strings of a key (RFC 4251, 5), up to one that is cut short."""
    here = 0
    while here + 4 <= len(data):
        size = int.from_bytes(data[here : here + 4], "big")
        if here + 4 + size > len(data):
            return
        yield data[here + 4 : here + 4 + size]
        here += 4 + size


_OPTION = re.compile(r"[A-Za-z0-9-]*")


def _options_end(text: str) -> int | None:
    """sshkey_advance_past_options: the first blank outside quotes. None: a quote is not closed."""
    quoted = False
    here = 0
    while here < len(text) and (quoted or text[here] not in " \t"):
        if text[here] == "\\" and text[here + 1 : here + 2] == '"':
            here += 1
        elif text[here] == '"':
            quoted = not quoted
        here += 1
    return None if quoted else here


def _options(text: str) -> dict[str, list[str]] | None:
    """sshauthopt_parse: None when one option is unknown or malformed, which loses the whole line. Empty options between commas are none."""
    found: dict[str, list[str]] = {}
    here = 0
    while here < len(text):
        name = _OPTION.match(text, here)
        word = name[0].lower() if name else ""
        plain = word.removeprefix("no-")
        here += len(word)
        if word in _FLAGS or (plain in _NEGATABLE and plain != word):
            if word == plain:
                found.setdefault(plain, [])
            else:
                found.pop(plain, None)
        elif word in _VALUED and text[here : here + 1] == "=":
            value = _dequote(text, here + 1)
            if value is None or (word in _ONCE and word in found) or not _valid(word, value[0]):
                return None
            found.setdefault(word, []).append(value[0])
            here = value[1]
        elif word:
            return None
        if here < len(text):
            if text[here] != ",":
                return None
            here += 1
    return found


def _dequote(text: str, here: int) -> tuple[str, int] | None:
    """opt_dequote: the text of the quotes that open there, and where they are behind. Only `\\"` is an escape; another backslash is itself."""
    if not text.startswith('"', here):
        return None
    value: list[str] = []
    here += 1
    while here < len(text) and text[here] != '"':
        here += text[here : here + 2] == '\\"'
        value.append(text[here])
        here += 1
    return None if here >= len(text) else ("".join(value), here + 1)


def _valid(word: str, value: str) -> bool:
    """What sshd demands of an option's value."""
    if word == "expiry-time":
        return _moment(value) is not None
    if word == "environment":
        return re.match(r"[A-Za-z0-9_]+=", value) is not None
    if word == "tunnel":
        return value.lower() == "any" or re.fullmatch(r"\d{1,9}", value) is not None
    if word in ("permitopen", "permitlisten"):
        place = f"*:{value}" if word == "permitlisten" and ":" not in value else value
        found = re.fullmatch(r"(?:\[[^]]*\]|[^:/\[][^:/]*|)[:/](\*|\d{1,5})", place)
        return found is not None and (found[1] == "*" or 0 < int(found[1]) <= 65535)
    return True


def _moment(text: str) -> datetime | None:
    digits = re.sub(r"(?:Z|UTC)\Z", "", text, flags=re.IGNORECASE)
    shape = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}.get(len(digits))
    if shape is None or not digits.isascii() or not digits.isdigit():
        return None
    try:
        return datetime.strptime(digits, shape).replace(tzinfo=UTC)
    except ValueError:
        return None


def _expired(text: str, at: datetime) -> bool | None:
    moment = _moment(text)
    if moment is None:
        return None
    if not text.upper().endswith(("Z", "UTC")) and abs(at - moment) < timedelta(hours=15):
        return None  # local time, and the host's zone is not evidence
    return moment < at
