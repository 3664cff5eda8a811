"""Lines of authorized_keys: one account per line, one login with the same key each, beside what the facts say of that line."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor

import paramiko
import pytest

from sovaudit.facts.host import Host
from sovaudit.facts.sshd_match import Connection
from tests import lab
from tests.truth.test_ssh import KEY, KEY2, RSA, line

ED = line(KEY).strip()
TYPE, BLOB, _ = ED.split(" ")
OTHER = line(KEY2)
LINES: dict[str, str] = {
    "plain": ED,
    "no comment": f"{TYPE} {BLOB}",
    "no newline at the end": ED.rstrip(),
    "leading blanks": f" \t{ED}",
    "several blanks": f"{TYPE}  \t {BLOB} x",
    "carriage return": f"{ED}\r\n",
    "carriage return right after the key": f"{TYPE} {BLOB}\r\n",
    "carriage return before": f"\r{ED}\n",
    "form feed before": f"\f{ED}\n",
    "commented": f"# {ED}",
    "two on one line": f"{OTHER.strip()} {ED}",
    "second line": f"{OTHER}{ED}",
    "after a broken line": f"ssh-ed25519 AAAA\n{ED}",
    "after an open quote": f'command="x {OTHER}{ED}',
    "type in upper case": f"{TYPE.upper()} {BLOB}",
    "wrong type": f"ssh-rsa {BLOB}",
    "base64 without its end": f"{TYPE} {BLOB[:-2]}",
    "base64 with padding added": f"{TYPE} {BLOB}==",
    "base64 with a blank in it": f"{TYPE} {BLOB[:20]} {BLOB[20:]}",
    "base64 with something behind": f"{TYPE} {BLOB}AAAA",
    "base64 with a dash": f"{TYPE} {BLOB}-x",
    "quoted key": f'"{TYPE}" {BLOB}',
    "equals sign": f"{TYPE}={BLOB}",
    "nul": f"{TYPE} {BLOB}\0x",
    "byte order mark": f"\ufeff{ED}",
    "option": f"no-pty {ED}",
    "option in upper case": f"NO-PTY {ED}",
    "options with a blank": f"no-pty, no-user-rc {ED}",
    "options with a comma at the end": f"no-pty, {ED}",
    "options with a comma first": f",no-pty {ED}",
    "options with two commas": f"no-pty,,no-user-rc {ED}",
    "unknown option": f"no-such {ED}",
    "no-restrict": f"no-restrict {ED}",
    "restrict and pty": f"restrict,pty {ED}",
    "tab behind options": f"no-pty\t{ED}",
    "option with a value that takes none": f'no-pty="x" {ED}',
    "command": f'command="true" {ED}',
    "command in upper case": f'COMMAND="true" {ED}',
    "command with quotes": f'command="echo \\"a b\\"; true" {ED}',
    "command with a backslash": f'command="true \\\\" {ED}',
    "command without quotes": f"command=true {ED}",
    "command in single quotes": f"command='true' {ED}",
    "command and a blank": f'command= "true" {ED}',
    "command twice": f'command="true",command="false" {ED}',
    "command not closed": f'command="true {ED}',
    "command that is empty": f'command="" {ED}',
    "two options glued": f'command="true"no-pty {ED}',
    "command that fails": f'command="false" {ED}',
    "from here": f'from="127.0.0.1" {ED}',
    "from a network": f'from="127.0.0.0/8" {ED}',
    "from a network with host bits": f'from="127.0.0.1/8" {ED}',
    "from elsewhere": f'from="!*,192.0.2.1" {ED}',
    "from all but here": f'from="*,!127.0.0.1" {ED}',
    "from a name": f'from="localhost,!*" {ED}',
    "from twice": f'from="*",from="*" {ED}',
    "from nobody": f'from="" {ED}',
    "from with blanks": f'from="127.0.0.1, 10.0.0.1" {ED}',
    "environment": f'environment="A=B" {ED}',
    "environment without a value": f'environment="A" {ED}',
    "environment with a bad name": f'environment="A-B=C" {ED}',
    "environment without a name": f'environment="=C" {ED}',
    "permitopen": f'permitopen="host:22" {ED}',
    "permitopen without a port": f'permitopen="host" {ED}',
    "permitopen any port": f'permitopen="host:*" {ED}',
    "permitopen port 0": f'permitopen="host:0" {ED}',
    "permitlisten": f'permitlisten="8080",permitlisten="localhost:1" {ED}',
    "permitlisten without a port": f'permitlisten="host" {ED}',
    "permitopen with a slash": f'permitopen="host/22" {ED}',
    "permitopen in brackets": f'permitopen="[::1]:22" {ED}',
    "permitopen in half brackets": f'permitopen="[::1:22" {ED}',
    "permitopen without a host": f'permitopen=":22" {ED}',
    "permitlisten port 0": f'permitlisten="0" {ED}',
    "tunnel any": f'tunnel="ANY" {ED}',
    "tunnel of two": f'tunnel="0:1" {ED}',
    "nothing but a comma": f", {ED}",
    "expiry, small letters": f'expiry-time="29990101utc" {ED}',
    "backslashes before the quote": f'command="true \\\\" {ED}" {ED}',
    "tunnel": f'tunnel="0" {ED}',
    "tunnel that is none": f'tunnel="x" {ED}',
    "expired": f'expiry-time="20200101" {ED}',
    "not expired": f'expiry-time="299901012359" {ED}',
    "not expired, seconds": f'expiry-time="29990101235959Z" {ED}',
    "expiry of nine digits": f'expiry-time="299901011" {ED}',
    "expiry that is no date": f'expiry-time="29991301" {ED}',
    "expiry, UTC": f'expiry-time="29990101UTC" {ED}',
    "expiry twice, the earlier counts": f'expiry-time="29990101",expiry-time="20200101" {ED}',
    "expiry twice, the other way round": f'expiry-time="20200101",expiry-time="29990101" {ED}',
    "cert-authority": f"cert-authority {ED}",
    "principals without authority": f'principals="x" {ED}',
    "no-touch-required": f"no-touch-required {ED}",
    "verify-required": f"verify-required {ED}",
    "no-cert-authority": f"no-cert-authority {ED}",
    "rsa": line(RSA),
    "long option": f'environment="A={"x" * 7000}" {ED}',
    "very long line": f'environment="A={"x" * 9000}" {ED}',
    "many comments": "# x\n" * 200 + ED,
}  # fmt: skip


def enters(port: int, user: str) -> bool:
    for key in (KEY, RSA):
        with socket.create_connection(("127.0.0.1", port), 10) as sock, paramiko.Transport(sock) as transport:
            try:
                transport.start_client(timeout=30)
                transport.auth_publickey(user, key)
                return transport.is_authenticated()
            except (paramiko.SSHException, EOFError, OSError):
                continue
    return False


@pytest.mark.lab
def test_lines() -> None:
    names = {f"u{number}": name for number, name in enumerate(LINES)}
    with lab.overlay(
        {"/etc/ssh/sshd_config": "UsePAM no\nPasswordAuthentication no\nMaxStartups 100\nAuthorizedKeysFile /etc/keys/%u\n"}
    ) as root:
        passwd = "".join(f"{user}:x:{2000 + number}:100::/:/bin/sh\n" for number, user in enumerate(names))
        shadow = "".join(f"{user}:*:19000:0:99999:7:::\n" for user in names)
        lab.run(root, ["sh", "-c", "cat >> /etc/passwd"], stdin=passwd)
        lab.run(root, ["sh", "-c", "cat >> /etc/shadow"], stdin=shadow)
        (root / "etc/keys").mkdir()
        for user, name in names.items():
            (root / f"etc/keys/{user}").write_bytes(LINES[name].encode())
        host = Host(lab.mounted(root))
        with lab.sshd(root) as port, ThreadPoolExecutor(4) as together:
            entered = dict(zip(names, together.map(lambda user: enters(port, user), names), strict=True))
    wrong = {}
    for user, name in names.items():
        account = host.accounts.get(user)
        assert account is not None
        effective = host.ssh.effective(user, "127.0.0.1")
        keys = host.ssh.finder.keys(account, effective, Connection("127.0.0.1", "127.0.0.1"))
        if keys.gaps:
            assert name == "nul", keys.gaps  # a file with a NUL byte is not brought
            continue
        says = any(not key.authority and key.blob in (BLOB, RSA.get_base64()) for key in keys.usable)
        if says != entered[user]:
            wrong[name] = f"sshd {'lets in' if entered[user] else 'refuses'}"
    assert not wrong
