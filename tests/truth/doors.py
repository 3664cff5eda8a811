"""Programs that ask for factors, run inside a root and answered prompt by prompt, and the accounts of the lab that answer."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import select
import socket
import struct
import subprocess
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


def code() -> str:
    """The one-time code of SECRET just now."""
    digest = hmac.new(base64.b32decode(SECRET + "=" * (-len(SECRET) % 8)), struct.pack(">Q", int(time.time()) // 30), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(int.from_bytes(digest[at : at + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06d}"


def account(host: Host, name: str) -> Account:
    found = host.accounts.get(name)
    assert found is not None, name
    return found


def answered(
    root: Path, command: Sequence[str], *, passwords: Mapping[str, str], asked: str, codes: bool, user: str, seconds: float = 8
) -> str:
    """What a program prints when each prompt is answered with what is offered; an empty line where nothing is. Ends at the sixth prompt.

    asked: whose password an unnamed prompt wants. user: who runs it; empty for root.
    """
    who = ["setpriv", "--reuid", user, "--regid", str(UIDS[user]), "--init-groups"] if user else []
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
            program.stdin.write(_answer(prompt, passwords, asked, codes).encode() + b"\n")
    except BrokenPipeError:
        pass
    finally:
        program.kill()
        program.stdin.close()
        program.stdout.close()
        program.wait()
    return said


def _answer(prompt: str, passwords: Mapping[str, str], asked: str, codes: bool) -> str:
    if "ew password" in prompt:
        return "Brand-new.83-Lamp"
    if "code" in prompt or "One-time" in prompt:
        return code() if codes else ""
    name = next((name for name in PASSWORDS if f"for {name}" in prompt), asked)
    return passwords.get(name, "") + (code() if "&" in prompt and codes else "")


@contextmanager
def people(files: Mapping[str, str], prepare: str = "", modes: Mapping[str, int] | None = None) -> Iterator[Path]:
    """A root with alice (in group sudo), bob and carol, each with a password; root has none. alice holds a code: ~/.google_authenticator."""
    with lab.overlay({"/etc/hosts": f"127.0.0.1 localhost {socket.gethostname()}\n"}) as root:
        subprocess.run(["mount", "-t", "proc", "proc", str(root / "proc")], check=True)
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


def _hashes(root: Path) -> dict[str, str]:
    if not _HASHED:
        for name, password in PASSWORDS.items():
            found = lab.run(root, ["openssl", "passwd", "-6", "-salt", "abcdefgh", password]).stdout.strip()
            _HASHED["#root" if name == "root" else name] = found
    return _HASHED
