"""Programs that ask for factors, run inside a root and answered prompt by prompt, and the accounts of the lab that answer."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import select
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from sovaudit.facts.accounts import Account
from sovaudit.facts.host import Host
from tests import lab

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEH"
PASSWORDS = {"root": "Root-41x-harbour", "alice": "Kx7-quiet-Harbour", "bob": "Quiet.41x-lamps", "carol": "Lamp;7-over-sea"}
UIDS = {"alice": 1001, "bob": 1002, "carol": 1003}


def code(secret: str = "") -> str:
    """The one-time code just now, of SECRET or of another one in hexadecimal digits."""
    key = bytes.fromhex(secret) if secret else base64.b32decode(SECRET + "=" * (-len(SECRET) % 8))
    digest = hmac.new(key, struct.pack(">Q", int(time.time()) // 30), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(int.from_bytes(digest[at : at + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06d}"


def account(host: Host, name: str) -> Account:
    found = host.accounts.get(name)
    assert found is not None, name
    return found


def answered(
    root: Path,
    command: Sequence[str],
    *,
    passwords: Mapping[str, str],
    asked: str,
    codes: bool,
    user: str,
    seconds: float = 8,
    secret: str = "",
) -> str:
    """What a program prints when each prompt is answered with what is offered; an empty line where nothing is. Ends at the sixth prompt.

    asked: whose password an unnamed prompt wants. user: who runs it; empty for root.
    """
    who = ["setpriv", "--reuid", user, "--regid", str(UIDS[user]), "--init-groups"] if user else []
    who += ["sh", "-c", 'exec "$@"', "sh"] if user else []  # setpriv itself still has root's rights when it starts a program
    program = subprocess.Popen(
        ["chroot", str(root), *who, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "TERM": "dumb"}, start_new_session=True,
    )  # fmt: skip
    assert program.stdin is not None and program.stdout is not None
    said, done, prompts = "", 0, 0
    until = time.monotonic() + seconds
    try:
        while (left := until - time.monotonic()) > 0:
            if not select.select([program.stdout], [], [], left)[0]:
                break
            data = os.read(program.stdout.fileno(), 4096)
            if not data:
                break
            said += data.decode("utf-8", "replace")
            if not said[done:].rstrip("\n").endswith(": "):
                continue
            prompt, done = said[done:].rpartition("\n")[2] or said[done:], len(said)
            prompts += 1
            if prompts > 5:
                break
            program.stdin.write(_answer(prompt, passwords, asked, codes, secret).encode() + b"\n")
    except BrokenPipeError:
        pass
    finally:
        program.kill()
        program.stdin.close()
        program.stdout.close()
        program.wait()
    return said


def on_terminal(
    root: Path, command: Sequence[str], *, types: str, passwords: Mapping[str, str], codes: bool, seconds: float = 12
) -> set[str]:
    """Which accounts open when a program is started on a terminal of its own, as root: `types` is the name given at its first `login:`.

    /etc/profile of that root must say `IN-42 NAME`; a shell that asks for commands is asked who it is.
    """
    master, slave = os.openpty()
    program = subprocess.Popen(
        ["setsid", "-c", "chroot", str(root), *command], stdin=slave, stdout=slave, stderr=slave, close_fds=True,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "TERM": "linux"},
    )  # fmt: skip
    os.close(slave)
    said, done, names, asked = "", 0, 0, 0
    until = time.monotonic() + seconds
    try:
        while (left := until - time.monotonic()) > 0 and not re.search(r"IN-42 \w+", said):
            if not select.select([master], [], [], min(left, 0.3))[0]:
                if program.poll() is not None:
                    break
                continue
            try:
                data = os.read(master, 4096)
            except OSError:
                break
            if not data:
                break
            said += data.decode("utf-8", "replace")
            prompt = said[done:].rpartition("\n")[2]
            if not re.search(r"(: |[$#] )$", prompt):
                continue
            done, asked = len(said), asked + 1
            if asked > 6:
                break
            if "ogin: " in prompt:
                names += 1
                if names > 1 or not types:
                    break
                answer = types
            elif prompt.endswith(": "):
                answer = _answer(prompt, passwords, types, codes)
            else:
                answer = "echo IN-$((40+2)) $(id -un)"
            os.write(master, answer.encode() + b"\n")
    finally:
        program.kill()
        program.wait()
        os.close(master)
    return set(re.findall(r"IN-42 (\w+)", said))


def _answer(prompt: str, passwords: Mapping[str, str], asked: str, codes: bool, secret: str = "") -> str:
    if "ew password" in prompt:
        return "Brand-new.83-Lamp"
    name = next((name for name in PASSWORDS if f"for {name}" in prompt), asked)
    password, now = passwords.get(name, ""), code(secret) if codes else ""
    if "&" in prompt:
        return password + now
    return now if "code" in prompt or "One-time" in prompt else password


@contextmanager
def people(files: Mapping[str, str], prepare: str = "", modes: Mapping[str, int] | None = None) -> Iterator[Path]:
    """A root with alice (in group sudo), bob and carol, each with a password; root has none. alice holds a code: ~/.google_authenticator."""
    with lab.overlay({"/etc/hosts": f"127.0.0.1 localhost {socket.gethostname()}\n"}) as root:
        subprocess.run(["mount", "-t", "proc", "proc", str(root / "proc")], check=True)
        subprocess.run(["mount", "--bind", "/dev/pts", str(root / "dev/pts")], check=True)
        steps = [f"useradd -m -u {uid} -s /bin/bash {name}" for name, uid in UIDS.items()]
        steps += ["usermod -aG sudo alice", f"printf '%s\\n' '{SECRET}' '\" TOTP_AUTH' > /home/alice/.google_authenticator"]
        steps += ["chown alice: /home/alice/.google_authenticator", "chmod 400 /home/alice/.google_authenticator"]
        lab.run(root, ["sh", "-c", "\n".join(steps)])
        hashes = _hashes(root)
        shadow = root / "etc/shadow"
        rows = [row.split(":") for row in shadow.read_text().splitlines()]
        shadow.write_text("".join(":".join([row[0], hashes.get(row[0], row[1]), *row[2:]]) + "\n" for row in rows))
        lab.write(root, files, modes)
        if prepare:
            done = lab.run(root, ["sh", "-ec", prepare.replace("ROOT_HASH", hashes["#root"])])
            assert done.returncode == 0, done.stderr
        yield root


_HASHED: dict[str, str] = {}
_HASHING = threading.Lock()


def _hashes(root: Path) -> dict[str, str]:
    with _HASHING:
        if not _HASHED:
            for name, password in PASSWORDS.items():
                found = lab.run(root, ["openssl", "passwd", "-6", "-salt", "abcdefgh", password]).stdout.strip()
                _HASHED["#root" if name == "root" else name] = found
    return _HASHED
