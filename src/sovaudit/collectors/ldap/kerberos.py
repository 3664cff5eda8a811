"""SASL GSSAPI (RFC 4752) by the system's own Kerberos library: the ticket that `kinit` left, mutual, tied to the TLS channel it goes through.

The library (RFC 2744) is called directly, for its Python binding comes without ready-made builds for Linux. Nothing is signed or sealed here:
the channel is TLS already.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import ssl
import struct
from collections.abc import Callable, Iterator
from ctypes import Structure, byref, c_char_p, c_int, c_size_t, c_uint32, c_void_p
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from sovaudit.errors import CollectError

_LIBRARIES = ("libgssapi_krb5.so.2", "libgssapi.so.3", "libgssapi_krb5.so", "libgssapi_krb5.dylib")
_MUTUAL, _INTEGRITY = 2, 32
_CONTINUE, _NO_TICKET, _EXPIRED = 1, 7, 11  # RFC 2744, 3.9.1: the routine's part of a status
_NO_LAYER = 1  # RFC 4752, 3.3
_ROUNDS = 10
_MECHANISM = bytes.fromhex("2a864886f712010202")  # 1.2.840.113554.1.2.2
_KINIT = "Run kinit as the audit account, and name its cache by KRB5CCNAME if it is not the usual one"
Exchange = Callable[[bytes], tuple[int, bytes]]
"""Sends a token (RFC 4511, 4.2) and returns the server's result code and its own token."""


class _Buffer(Structure):
    _fields_ = (("length", c_size_t), ("value", c_void_p))


class _Oid(Structure):
    _fields_ = (("length", c_uint32), ("elements", c_char_p))


class _Bindings(Structure):
    _fields_ = (
        ("initiator_type", c_uint32), ("initiator", _Buffer), ("acceptor_type", c_uint32), ("acceptor", _Buffer), ("application", _Buffer),
    )  # fmt: skip


_HOST = b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x04"  # GSS_C_NT_HOSTBASED_SERVICE


@cache
def _library() -> Any:
    """Raises OSError where the system has none."""
    for name in _LIBRARIES:
        with contextlib.suppress(OSError):
            found = ctypes.CDLL(name)
            names = (
                "import_name",
                "init_sec_context",
                "wrap",
                "unwrap",
                "display_status",
                "release_buffer",
                "release_name",
                "delete_sec_context",
            )
            for function in names:
                getattr(found, f"gss_{function}").restype = c_uint32
            return found
    raise OSError("no GSSAPI library")


def sign_in(service: str, exchange: Exchange, where: str, *, binding: bytes = b"") -> int:
    """The server's last result code, 0 for success. service: `ldap@host`. binding: what ties the ticket to the channel. Raises CollectError."""
    try:
        library = _library()
    except OSError as error:
        hint = "Install it (Debian: libgssapi-krb5-2), or bind with a name and a password"
        raise CollectError("this machine has no Kerberos library", status="failed", where=where, hint=hint) from error
    with _context(library, service, where, binding) as step:
        token, done = step(b"")
        for _ in range(_ROUNDS):
            code, answer = exchange(token)
            if code != 14:  # saslBindInProgress
                if code == 0 and not done:
                    raise _failed("it lets us in without proving who it is", where, "Check the server")
                return code
            if done:
                return exchange(step.layer(answer))[0]
            token, done = step(answer)
    raise _failed("it does not come to an end with Kerberos", where, "Check the server's log")


def channel(sock: object) -> bytes:
    """`tls-server-end-point` of RFC 5929 of a TLS connection; empty without one."""
    data = sock.getpeercert(binary_form=True) if isinstance(sock, ssl.SSLSocket) else None
    if not data:
        return b""
    try:
        algorithm = x509.load_der_x509_certificate(data).signature_hash_algorithm
    except (ValueError, UnsupportedAlgorithm):
        algorithm = None
    name = algorithm.name if algorithm is not None else ""
    return b"tls-server-end-point:" + hashlib.new(name if name in ("sha384", "sha512") else "sha256", data).digest()


class _Step:
    """One side of a security context; calls take what the server said and give what to send, and whether our side is done."""

    def __init__(self, library: Any, name: c_void_p, where: str, binding: bytes) -> None:
        self._library, self._name, self._where = library, name, where
        self.context = c_void_p()
        self._bound = ctypes.create_string_buffer(binding, len(binding)) if binding else None
        self._bindings = _Bindings()
        if self._bound is not None:
            self._bindings.application = _Buffer(len(binding), ctypes.cast(self._bound, c_void_p))

    def __call__(self, token: bytes) -> tuple[bytes, bool]:
        minor, flags, given, out = c_uint32(), c_uint32(), _given(token), _Buffer()
        mechanism = _Oid(len(_MECHANISM), _MECHANISM)
        major = self._library.gss_init_sec_context(
            byref(minor), None, byref(self.context), self._name, byref(mechanism), c_uint32(_MUTUAL | _INTEGRITY), c_uint32(0),
            byref(self._bindings) if self._bound is not None else None, byref(given) if token else None, None, byref(out), byref(flags), None,
        )  # fmt: skip
        answer = self._taken(out)
        if major >> 16:
            raise self._refused(major, minor.value)
        return answer, not major & _CONTINUE

    def layer(self, token: bytes) -> bytes:
        """The answer to the server's offer of layers: none."""
        minor, out, state, quality = c_uint32(), _Buffer(), c_int(), c_uint32()
        major = self._library.gss_unwrap(byref(minor), self.context, byref(_given(token)), byref(out), byref(state), byref(quality))
        offer = self._taken(out)
        if major >> 16:
            raise self._refused(major, minor.value)
        if len(offer) != 4 or not offer[0] & _NO_LAYER:
            raise _failed("it demands that Kerberos signs or seals what is sent, which we leave to TLS", self._where,
                          "Use a simple bind, or let the server take SASL binds over TLS without a layer of their own")  # fmt: skip
        out = _Buffer()
        major = self._library.gss_wrap(
            byref(minor), self.context, c_int(0), c_uint32(0), byref(_given(struct.pack(">I", _NO_LAYER << 24))), byref(state), byref(out)
        )
        answer = self._taken(out)
        if major >> 16:
            raise self._refused(major, minor.value)
        return answer

    def _taken(self, out: _Buffer) -> bytes:
        data = ctypes.string_at(out.value, out.length) if out.value else b""
        self._library.gss_release_buffer(byref(c_uint32()), byref(out))
        return data

    def _refused(self, major: int, minor: int) -> CollectError:
        routine = major >> 16 & 0xFF
        said = self._said(minor) or self._said(major, 1)
        if routine == _EXPIRED or "expired" in said.lower():
            return _failed(f"the Kerberos ticket has expired ({said})", self._where, _KINIT)
        if routine == _NO_TICKET:
            return _failed(f"there is no Kerberos ticket ({said})", self._where, _KINIT)
        return _failed(f"Kerberos gives no ticket for it ({said})", self._where,
                       "Write its name as its service principal ldap/NAME has it, and see that a KDC can be reached (kvno ldap/NAME)")  # fmt: skip

    def _said(self, code: int, kind: int = 2) -> str:
        """kind: 1 for the interface's own codes, 2 for the mechanism's."""
        if not code:
            return ""
        minor, more, out = c_uint32(), c_uint32(), _Buffer()
        mechanism = _Oid(len(_MECHANISM), _MECHANISM)
        major = self._library.gss_display_status(byref(minor), c_uint32(code), c_int(kind), byref(mechanism), byref(more), byref(out))
        text = self._taken(out).decode("utf-8", "replace")
        return "" if major >> 16 else " ".join(text.split())[:200]


def _given(data: bytes) -> _Buffer:
    buffer = _Buffer(len(data), ctypes.cast(c_char_p(data), c_void_p))
    buffer.kept = data  # as long as the buffer
    return buffer


@contextlib.contextmanager
def _context(library: Any, service: str, where: str, binding: bytes) -> Iterator[_Step]:
    minor, name = c_uint32(), c_void_p()
    kind = _Oid(len(_HOST), _HOST)
    major = library.gss_import_name(byref(minor), byref(_given(service.encode("utf-8", "replace"))), byref(kind), byref(name))
    if major >> 16:
        raise _failed(f"{service} is no name of a service", where, "Check the server's name")
    step = _Step(library, name, where, binding)
    try:
        yield step
    finally:
        if step.context:
            library.gss_delete_sec_context(byref(minor), byref(step.context), None)
        library.gss_release_name(byref(minor), byref(name))


def _failed(text: str, where: str, hint: str) -> CollectError:
    return CollectError(text, status="refused", where=where, hint=hint)
