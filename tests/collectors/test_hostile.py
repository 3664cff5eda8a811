"""Hosts that mean harm or are broken: a small SSH server answers as it is told to."""

from __future__ import annotations

import base64
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import paramiko
import pytest
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL, OPEN_SUCCEEDED

from sovaudit.collectors import CollectOptions, collect, parse_target
from sovaudit.model.evidence import Evidence
from sovaudit.model.verdict import TargetStatus

HOST_KEY = paramiko.ECDSAKey.generate()


class _Server(paramiko.ServerInterface):
    def __init__(self) -> None:
        self.commands: list[bytes] = []
        self.channels = 0

    def check_auth_password(self, username: str, password: str) -> int:
        return AUTH_SUCCESSFUL if password == "right" else AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        return "password"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        self.channels += 1
        return OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        self.commands.append(command)
        return True


@contextmanager
def host(answer: Callable[[paramiko.Channel], None]) -> Iterator[tuple[int, _Server]]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = _Server()

    def serve() -> None:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        transport = paramiko.Transport(connection)
        transport.add_server_key(HOST_KEY)
        try:
            transport.start_server(server=server)
            channel = transport.accept(10)
            if channel is not None:
                while not server.commands:
                    time.sleep(0.01)
                answer(channel)
                channel.close()
                time.sleep(0.2)
        except (OSError, EOFError, paramiko.SSHException):
            pass
        finally:
            transport.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], server
    finally:
        listener.close()
        thread.join(5)


def visit(port: int, folder: Path, **more: object) -> Evidence:
    known = folder / "known"
    known.write_text(f"[127.0.0.1]:{port} {HOST_KEY.get_name()} {base64.b64encode(HOST_KEY.asbytes()).decode()}\n")
    given = {"password": "right", "host_timeout_s": 10, "connect_timeout_s": 3, "agent": False, **more}
    return collect(
        parse_target(f"ssh://bob@127.0.0.1:{port}"), CollectOptions(known_hosts=(str(known),), ssh_config=str(folder / "none"), **given)
    )  # type: ignore[arg-type]


def nonce(channel: paramiko.Channel) -> str:
    text = b""
    while b"SOVAUDIT_MAX" not in text:
        text += channel.recv(4096)
    return text.split(b"SOVAUDIT_N=")[1][:32].decode()


def endless(channel: paramiko.Channel) -> None:
    channel.sendall(f"SOVAUDIT/1 {nonce(channel)} plain 1790000000\n".encode())
    for _ in range(4000):
        channel.sendall(b"x" * 32768)


def endless_stderr(channel: paramiko.Channel) -> None:
    for _ in range(400):
        channel.sendall_stderr(b"x" * 32768)


def half(channel: paramiko.Channel) -> None:
    mark = nonce(channel)
    channel.sendall(f"SOVAUDIT/1 {mark} plain 1790000000\n\n{mark} f 1 /etc/passwd\nroot".encode())


ANSWERS: dict[str, tuple[Callable[[paramiko.Channel], None], str]] = {
    "nothing": (lambda channel: None, "answers nothing"),
    "garbage": (lambda channel: channel.sendall(b"\x00\xffgarbage" * 20), "something else"),
    "endless noise": (lambda channel: [channel.sendall(b"y\n" * 8000) for _ in range(200)] and None, "something else"),
    "endless answer": (endless, "larger than"),
    "endless stderr": (endless_stderr, "answers nothing"),
    "half": (half, "half-way"),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_a_bad_answer_is_one_clear_line(case: str, tmp_path: Path) -> None:
    answer, words = ANSWERS[case]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with host(answer) as (port, server):
        seen = visit(port, tmp_path, max_bytes=8_000_000)
    assert (seen.status, seen.artifacts) == (TargetStatus.FAILED, {})
    assert words in seen.error and "\n" not in seen.error and f"ssh://bob@127.0.0.1:{port}" in seen.error
    assert (server.channels, len(server.commands)) == (1, 1)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000


def test_silence_ends_at_the_bound(tmp_path: Path) -> None:
    began = time.monotonic()
    with host(lambda channel: time.sleep(4)) as (port, _):
        seen = visit(port, tmp_path, host_timeout_s=2)
    assert seen.status is TargetStatus.FAILED and "in time" in seen.error
    assert time.monotonic() - began < 12


def test_a_wrong_password_is_refused(tmp_path: Path) -> None:
    with host(lambda channel: None) as (port, _):
        seen = visit(port, tmp_path, password="hunter2")
    assert seen.status is TargetStatus.REFUSED and "hunter2" not in seen.error


def test_no_key_and_no_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with host(lambda channel: None) as (port, _):
        seen = visit(port, tmp_path, password=None)
    assert seen.status is TargetStatus.REFUSED and "no key and no password" in seen.error


def test_nobody_listens(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    seen = visit(port, tmp_path)
    assert seen.status is TargetStatus.UNREACHABLE and "cannot be reached" in seen.error


@pytest.mark.parametrize("greeting", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", b"\xff" * 5000])
def test_something_that_is_no_ssh(greeting: bytes, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(greeting)

        threading.Thread(target=serve, daemon=True).start()
        seen = visit(listener.getsockname()[1], tmp_path, connect_timeout_s=1)
    assert seen.status is TargetStatus.FAILED and "SSH" in seen.error
    assert capfd.readouterr().err == ""


def test_an_unknown_and_a_changed_host_key(tmp_path: Path) -> None:
    with host(lambda channel: None) as (port, _):
        seen = collect(
            parse_target(f"ssh://bob@127.0.0.1:{port}"),
            CollectOptions(known_hosts=(str(tmp_path / "none"),), password="right", agent=False),
        )
    assert seen.status is TargetStatus.REFUSED and "not known" in seen.error and "echo " in seen.error
    other = paramiko.ECDSAKey.generate()
    with host(lambda channel: None) as (port, _):
        (tmp_path / "k").write_text(f"[127.0.0.1]:{port} {other.get_name()} {other.get_base64()}\n")
        seen = collect(
            parse_target(f"ssh://bob@127.0.0.1:{port}"), CollectOptions(known_hosts=(str(tmp_path / "k"),), password="right", agent=False)
        )
    assert seen.status is TargetStatus.REFUSED and "CHANGED" in seen.error
    with host(lambda channel: None) as (port, _):
        (tmp_path / "k").write_text(
            f"@revoked * {HOST_KEY.get_name()} {HOST_KEY.get_base64()}\n[127.0.0.1]:{port} {HOST_KEY.get_name()} {HOST_KEY.get_base64()}\n"
        )
        seen = collect(
            parse_target(f"ssh://bob@127.0.0.1:{port}"), CollectOptions(known_hosts=(str(tmp_path / "k"),), password="right", agent=False)
        )
    assert seen.status is TargetStatus.REFUSED and "revoked" in seen.error
