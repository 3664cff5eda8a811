"""`ssh://`: the script over one session channel and one command, on a TCP_NODELAY socket.

Before: an address. After: evidence, or CollectError with what stopped us. Never: an unknown host key accepted, a secret in argv, a wait without end.
"""

from __future__ import annotations

import logging
import socket
import time
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from sovaudit.collectors.options import CollectOptions
from sovaudit.collectors.script_run import evidence_of, invocation, sudo_refusal
from sovaudit.collectors.ssh_auth import Answer, authenticate, login_artifact, one_line
from sovaudit.collectors.ssh_config import KnownHosts, Route, fingerprint, route
from sovaudit.collectors.ssh_target import Address, ssh_address
from sovaudit.collectors.stream import Receiver
from sovaudit.errors import CollectError
from sovaudit.model.evidence import Evidence, Target

if TYPE_CHECKING:
    import paramiko

MAX_SAID = 16 * 1024
MAX_JUMPS = 4
# Elliptic curves first: a finite-field exchange costs the client 5 to 15 times more.
CURVES = ("curve25519-sha256@libssh.org", "curve25519-sha256", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521")


def collect_ssh(target: Target, options: CollectOptions) -> Evidence:
    """Evidence of one host. Raises CollectError."""
    import paramiko

    logging.getLogger("paramiko").addHandler(logging.NullHandler())
    began = time.monotonic()
    deadline = began + options.host_timeout_s
    with ExitStack() as stack:
        try:
            transport, way, answers = _connect(ssh_address(target.uri), options, deadline, target.uri, stack, MAX_JUMPS)
            key = transport.get_remote_server_key()
            extra = {"host_key": f"{key.get_name()} {fingerprint(key)}", "login": way.user}
            evidence = _run(target, transport, options, began, deadline, extra)
            return replace(evidence, artifacts={**evidence.artifacts, "ssh-login": login_artifact(answers)})
        except (paramiko.SSHException, EOFError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise CollectError(
                    "did not answer in time", status="failed", where=target.uri, hint="Raise --host-timeout, or look at the host's load"
                ) from error
            raise CollectError(f"the connection broke ({one_line(error)})", status="failed", where=target.uri, hint="Try again") from error
        except CollectError as error:
            error.where = error.where or target.uri
            raise


def _connect(
    address: Address, options: CollectOptions, deadline: float, where: str, stack: ExitStack, jumps: int
) -> tuple[paramiko.Transport, Route, list[Answer]]:
    """An authenticated transport; it and what it stands on are closed with the stack. Raises CollectError."""
    import paramiko

    way = route(address, options)
    wait = min(way.connect_timeout, max(0.1, deadline - time.monotonic()))
    try:
        sock = _socket(way, options, deadline, where, stack, jumps, wait)
    except CollectError:
        raise
    except (OSError, paramiko.SSHException) as error:
        reason = "no answer in time" if isinstance(error, TimeoutError) else one_line(error)
        raise CollectError(
            f"cannot be reached at {way.host} port {way.port} ({reason})",
            status="unreachable",
            where=where,
            hint="Check name, port and network",
        ) from error
    known = KnownHosts(way.known_hosts)
    try:
        transport = paramiko.Transport(sock)
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise CollectError(f"speaks no SSH ({one_line(error)})", status="failed", where=where, hint="Check the port") from error
    stack.callback(transport.close)
    transport.banner_timeout = transport.auth_timeout = transport.channel_timeout = wait
    _prefer(transport, known.types(way.name))
    try:
        transport.start_client(timeout=wait)
    except (paramiko.SSHException, EOFError, OSError) as error:
        what = (
            "refused to agree on algorithms"
            if isinstance(error, paramiko.ssh_exception.IncompatiblePeer)
            else "speaks no SSH that we understand"
        )
        raise CollectError(
            f"{what} ({one_line(error)})", status="failed", where=where, hint="Check the port and what listens there"
        ) from error
    known.refuse(way.name, transport.get_remote_server_key(), where)
    return transport, way, authenticate(transport, way, options, where)


def _socket(
    way: Route, options: CollectOptions, deadline: float, where: str, stack: ExitStack, jumps: int, wait: float
) -> socket.socket | paramiko.Channel | paramiko.ProxyCommand:
    import paramiko

    if way.jump:
        if jumps == 0:
            raise CollectError("too many jump hosts", status="failed", where=where, hint="Look for a circle of ProxyJump lines")
        *before, last = (part.strip() for part in way.jump.split(","))
        hop = ssh_address(last if "://" in last else f"ssh://{last}")
        inner = replace(options, jump=",".join(before), password=None, sudo_password=None)
        transport, _, _ = _connect(hop, inner, deadline, f"{where} (through {hop.uri})", stack, jumps - 1)
        return transport.open_channel("direct-tcpip", (way.host, way.port), ("127.0.0.1", 0), timeout=wait)
    if way.proxy_command:
        proxy = paramiko.ProxyCommand(way.proxy_command)
        stack.callback(_end_proxy, proxy)
        return proxy
    sock = socket.create_connection((way.host, way.port), timeout=wait)
    stack.callback(sock.close)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _end_proxy(proxy: paramiko.ProxyCommand) -> None:
    with suppress(OSError):
        proxy.close()


def _prefer(transport: paramiko.Transport, known: list[str]) -> None:
    """Curves first, ciphers first that authenticate what they encrypt (paramiko compares each other tag in Python), and those host keys first that
    known_hosts can confirm.
    """
    security = transport.get_security_options()
    offered = list(security.kex)
    security.kex = tuple([name for name in CURVES if name in offered] + [name for name in offered if name not in CURVES])
    ciphers = list(security.ciphers)
    security.ciphers = tuple([name for name in ciphers if "gcm" in name] + [name for name in ciphers if "gcm" not in name])
    types = list(security.key_types)
    spelled = {name for kind in known for name in (("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa") if kind == "ssh-rsa" else (kind,))}
    security.key_types = tuple([name for name in types if name in spelled] + [name for name in types if name not in spelled])


def _run(
    target: Target, transport: paramiko.Transport, options: CollectOptions, began: float, deadline: float, extra: dict[str, str]
) -> Evidence:
    run = invocation(options)
    receiver = Receiver(run.nonce, options.max_bytes)
    asked = time.monotonic()
    channel = transport.open_session(timeout=max(0.1, deadline - asked))
    round_trip = time.monotonic() - asked
    channel.settimeout(max(0.1, deadline - time.monotonic()))
    channel.exec_command(run.line)
    said = bytearray()
    with suppress(OSError):
        channel.sendall(run.stdin)
        channel.shutdown_write()
    skew: int | None = None
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            raise CollectError(
                "did not finish in time", status="failed", where=target.uri, hint="Raise --host-timeout, or look at the host's load"
            )
        channel.settimeout(min(0.5, left))
        data: bytes | None
        try:
            data = channel.recv(65536)
        except TimeoutError:
            data = None
        while channel.recv_stderr_ready():
            more = channel.recv_stderr(65536)
            said += more[: max(0, MAX_SAID - len(said))]
        if data:
            new = not receiver.began
            receiver.feed(data)
            if new and receiver.began and receiver.epoch_ms is not None:
                skew = receiver.epoch_ms - int((time.time() - round_trip / 2) * 1000)
        elif data is not None:
            break
    if not receiver.began and (refusal := sudo_refusal(said.decode("utf-8", "replace"), options)):
        raise refusal
    return evidence_of(target, receiver, options, skew_ms=skew, wall_ms=int((time.monotonic() - began) * 1000), extra=extra)
