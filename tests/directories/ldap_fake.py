"""A server that answers LDAP as a test wants it to: whole, cut, in parts, or as no server should. No encryption, loopback, one thread."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sovaudit.collectors import CollectOptions, collect, parse_target
from sovaudit.facts.parse import ber
from sovaudit.model.evidence import Evidence

BASE = "dc=example,dc=org"
ROOT = ber.encode("", {"namingContexts": [BASE.encode()], "objectClass": [b"top", b"OpenLDAProotDSE"], "supportedLDAPVersion": [b"3"]})


@dataclass(frozen=True)
class Asked:
    """One search as it came: its message number, base, names of attributes and raw request."""

    number: int
    base: str
    attributes: tuple[str, ...]
    raw: bytes


Answer = Callable[[Asked], "bytes | None"]
"""What is sent for a search; None closes the connection."""


def entry(number: int, raw: bytes) -> bytes:
    return ber.element(0x30, ber.integer(number) + raw)


def done(number: int, code: int = 0, message: str = "", *, controls: bytes = b"", tag: int = 0x65) -> bytes:
    result = ber.element(0x0A, bytes((code,))) + ber.element(0x04, b"") + ber.element(0x04, message.encode())
    return ber.element(0x30, ber.integer(number) + ber.element(tag, result) + (ber.element(0xA0, controls) if controls else b""))


def cookie(value: bytes) -> bytes:
    """The control of paged results (RFC 2696) of an answer."""
    inner = ber.element(0x30, ber.integer(0) + ber.element(0x04, value))
    return ber.element(0x30, ber.element(0x04, b"1.2.840.113556.1.4.319") + ber.element(0x04, inner))


def _asked(number: int, body: bytes, raw: bytes) -> Asked:
    at, end = ber.header(body, 0)
    base = body[at:end].decode("utf-8", "replace")
    for _ in range(5):  # scope, aliases, size, time, types
        at, end = ber.header(body, end)
    at, end = ber.header(body, end)  # filter
    at, stop = ber.header(body, end)
    names = []
    while at < stop:
        begin, at = ber.header(body, at)
        names.append(body[begin:at].decode())
    return Asked(number, base, tuple(names), raw)


def _serve(connection: socket.socket, answer: Answer) -> None:
    held = b""
    while True:
        while True:
            try:
                _, end = ber.header(held, 0)
                if len(held) >= end:
                    break
            except IndexError:
                pass
            more = connection.recv(65536)
            if not more:
                return
            held += more
        message, held = held[:end], held[end:]
        begin, _ = ber.header(message, 0)
        first, at = ber.header(message, begin)
        number = int.from_bytes(message[first:at], "big")
        kind = message[at]
        inner, stop = ber.header(message, at)
        if kind == 0x60:
            connection.sendall(done(number, tag=0x61))
        elif kind == 0x63:
            asked = _asked(number, message[inner:stop], message)
            reply = entry(number, ROOT) + done(number) if not asked.base else answer(asked)
            if reply is None:
                return
            connection.sendall(reply)
        elif kind == 0x42:
            return
        else:
            connection.sendall(done(number, 2, "not here", tag=0x78))


@contextlib.contextmanager
def serving(answer: Answer) -> Iterator[int]:
    """The port of a server that answers so."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)
    over = threading.Event()

    def run() -> None:
        while not over.is_set():
            with contextlib.suppress(TimeoutError, OSError):
                connection, _ = listener.accept()
                connection.settimeout(5)
                with connection, contextlib.suppress(OSError, ValueError, IndexError):
                    _serve(connection, answer)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        over.set()
        listener.close()
        thread.join(6)


def collected(answer: Answer, **options: object) -> Evidence:
    with serving(answer) as port:
        given = {
            "ldap_clear": True,
            "ldap_bind_dn": "cn=auditor",
            "ldap_password": "x",
            "connect_timeout_s": 1,
            "host_timeout_s": 2,
            **options,
        }
        return collect(parse_target(f"ldap://127.0.0.1:{port}/{BASE}"), CollectOptions(**given))  # type: ignore[arg-type]


def only(search: Sequence[str], reply: Answer) -> Answer:
    """This answer where these attributes are asked for, nothing elsewhere."""

    def answer(asked: Asked) -> bytes | None:
        return reply(asked) if set(search) <= set(asked.attributes) else done(asked.number)

    return answer
