"""Idle shells: real `login -f` on terminals that nobody types on, and ssh with ChannelTimeout, beside the check's answers. All wait at once."""

from __future__ import annotations

import os
import pty
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sovaudit.content.checks.least_privilege.session_timeout import session_timeout

from sovaudit.facts.host import Host
from sovaudit.facts.idle import IdleShells
from sovaudit.testing import run
from tests import lab
from tests.truth.test_umask import BASHRC, SKEL, furnish, served

pytestmark = pytest.mark.lab

LIMIT = 2
WAIT = 3.2
TMOUT = "/etc/profile.d/tmout.sh"
# name: files, alice's shell
CASES: dict[str, tuple[dict[str, str], str]] = {
    "stock": ({}, "/bin/bash"),
    "readonly and exported": ({TMOUT: "readonly TMOUT=1\nexport TMOUT\n"}, "/bin/bash"),
    "plain": ({TMOUT: "TMOUT=1\n"}, "/bin/bash"),
    "exported only": ({TMOUT: "export TMOUT=1\n"}, "/bin/bash"),
    "too long": ({TMOUT: "TMOUT=90\n"}, "/bin/bash"),
    "zero": ({TMOUT: "TMOUT=0\n"}, "/bin/bash"),
    "no number": ({TMOUT: "TMOUT=two\n"}, "/bin/bash"),
    "with a unit": ({TMOUT: "TMOUT=1m\n"}, "/bin/bash"),
    "negative": ({TMOUT: "TMOUT=-1\n"}, "/bin/bash"),
    "quoted": ({TMOUT: "TMOUT=' 1 '\n"}, "/bin/bash"),
    "hexadecimal": ({TMOUT: "TMOUT=0x1\n"}, "/bin/bash"),
    "lower case": ({TMOUT: "tmout=2\n"}, "/bin/bash"),
    "not a .sh file": ({"/etc/profile.d/tmout.conf": "TMOUT=1\n"}, "/bin/bash"),
    "for dash": ({TMOUT: "readonly TMOUT=1\nexport TMOUT\n"}, "/bin/dash"),
    "for sh": ({TMOUT: "readonly TMOUT=1\nexport TMOUT\n"}, "/bin/sh"),
    "in bash.bashrc": ({"/etc/bash.bashrc": '[ -z "$PS1" ] && return\nTMOUT=1\n'}, "/bin/bash"),
    "own file turns it off": ({TMOUT: "TMOUT=1\n", "/home/alice/.profile": SKEL + "unset TMOUT\n"}, "/bin/bash"),
    "own file sets it to 0": ({TMOUT: "TMOUT=1\n", "/home/alice/.profile": SKEL, "/home/alice/.bashrc": BASHRC + "TMOUT=0\n"}, "/bin/bash"),
    "own file is refused": ({TMOUT: "readonly TMOUT=1\n", "/home/alice/.profile": "unset TMOUT\nTMOUT=0\n"}, "/bin/bash"),
    "two files, the last wins": ({TMOUT: "TMOUT=1\n", "/etc/profile.d/z.sh": "TMOUT=900\n"}, "/bin/bash"),
    "two files, readonly first": ({"/etc/profile.d/a.sh": "readonly TMOUT=900\n", TMOUT: "TMOUT=1\n"}, "/bin/bash"),
    "for root only": ({TMOUT: '[ "$(id -u)" = 0 ] && TMOUT=1\n'}, "/bin/bash"),
    "for everybody but root": ({TMOUT: '[ "$(id -u)" != 0 ] && TMOUT=1\n'}, "/bin/bash"),
    "over ssh only": ({TMOUT: '[ -n "$SSH_CONNECTION" ] && TMOUT=1\n'}, "/bin/bash"),
    "environment": ({"/etc/environment": "TMOUT=1\n"}, "/bin/bash"),
    "typeset": ({TMOUT: "typeset -xr TMOUT=1\n"}, "/bin/bash"),
    "a function's own": ({TMOUT: "f() { local TMOUT=1; }\nf\n"}, "/bin/bash"),
    "declared in a function": ({TMOUT: "f() { declare -rx TMOUT=1; }\nf\n"}, "/bin/bash"),
    "readonly in a function": ({TMOUT: "f() { readonly TMOUT=1; }\nf\nTMOUT=0\n"}, "/bin/bash"),
    "an integer": ({TMOUT: "typeset -i TMOUT=1*90\n"}, "/bin/bash"),
    "printf": ({TMOUT: "printf -v TMOUT %d 1\n"}, "/bin/bash"),
    "arithmetic": ({TMOUT: "((TMOUT = 60 / 60))\n"}, "/bin/bash"),
    "commented": ({TMOUT: "#TMOUT=1\n"}, "/bin/bash"),
    "after a return": ({"/etc/profile.d/a.sh": "return\n", "/etc/profile.d/b.sh": "return\nTMOUT=1\n"}, "/bin/bash"),
    "PROMPT_COMMAND takes it away": ({TMOUT: "TMOUT=1\nPROMPT_COMMAND='unset TMOUT'\n"}, "/bin/bash"),
    "ClientAlive is not for the console": ({"/etc/ssh/sshd_config.d/x.conf": "ClientAliveInterval 1\nClientAliveCountMax 1\n"}, "/bin/bash"),
}  # fmt: skip
# name: what sshd_config.d holds
SSH: dict[str, str] = {
    "every session": "ChannelTimeout session:*=1\n",
    "shells": "ChannelTimeout x11-connection=5m session:shell=1s\n",
    "any channel": "ChannelTimeout *=1\n",
    "commands only": "ChannelTimeout session:command=1\n",
    "no wildcard": "ChannelTimeout session=1\n",
    "first pattern wins": "ChannelTimeout session:*=0 *=1\n",
    "first line wins": "ChannelTimeout agent-connection=1\nChannelTimeout session:*=1\n",
    "too long": "ChannelTimeout session:*=15m\n",
    "clients that answer": "ClientAliveInterval 1\nClientAliveCountMax 1\n",
    "unused connections": "UnusedConnectionTimeout 1\n",
    "for bob": "Match User bob\n ChannelTimeout session:*=1\n",
    "for alice": "Match User alice\n ChannelTimeout session:*=1\n",
}  # fmt: skip


def ended(command: list[str], **more: object) -> bool:
    """Two attempts: on a busy machine a session may not come to its prompt."""
    gone = _ended(command, **more)
    if gone is None:
        gone = _ended(command, **more)
    assert gone is not None, command
    return gone


def _ended(command: list[str], **more: object) -> bool | None:
    """Whether a program on a terminal where nothing is typed ends while we wait, once it has come to its prompt; None where it did not."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(command, stdin=follower, stdout=follower, stderr=follower, start_new_session=True, **more)  # type: ignore[call-overload]
    os.close(follower)
    os.set_blocking(leader, False)
    seen, start = b"", time.monotonic()
    prompt: float | None = None
    while process.poll() is None and time.monotonic() - start < 25:
        try:
            seen += os.read(leader, 4096)
        except (BlockingIOError, OSError):
            time.sleep(0.05)
        if prompt is None and seen.rstrip().endswith((b"$", b"#")):
            prompt = time.monotonic()
        if prompt is not None and time.monotonic() - prompt > WAIT:
            break
    gone = process.poll() is not None
    process.kill()
    process.wait()
    os.close(leader)
    return gone if prompt is not None else None


def console(name: str) -> str:
    files, shell = CASES[name]
    with lab.overlay() as root:
        furnish(root, (files, shell, ""))
        evidence = lab.local(root) if len(name) % 5 == 0 else lab.mounted(root)
        (root / "etc/ssh/sshd_config.d/none").write_text("")
        said = {outcome.subject: outcome for outcome in run(session_timeout, Host(without_sshd(evidence)), seconds=LIMIT)}["alice"]
        mounts = f'mount -t proc proc "{root}/proc"; mount --rbind /dev "{root}/dev"; exec chroot "{root}" login -f alice'
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TERM": "dumb"}
        real = ended(["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", mounts], env=environment)
    if said.verdict.value == "unknown":
        return "" if name.startswith("PROMPT_COMMAND") else f"{name}: {said}"
    return "" if said.verdict.value == ("pass" if real else "fail") else f"{name}: ended {real}, {said}"


def without_sshd(evidence: object) -> object:
    """The console alone: sshd is not asked."""
    from dataclasses import replace

    artifacts = {
        name: b"\n".join(row for row in data.split(b"\n") if b"sshd" not in row.split(b"\t")[-1] or b"/etc/" in row)
        if name == "tree"
        else data
        for name, data in evidence.artifacts.items()  # type: ignore[attr-defined]
        if not name.startswith("cmd:sshd")
    }
    tree = artifacts["tree"] + b"".join(b"-\t\t\t\t\t\t%s\n" % path for path in (b"/usr/sbin/sshd", b"/sbin/sshd"))
    return replace(evidence, artifacts={**artifacts, "tree": tree})  # type: ignore[type-var]


def test_idle_shells_at_the_console() -> None:
    with ThreadPoolExecutor(15) as together:
        wrong = [answer for answer in together.map(console, CASES) if answer]
    assert wrong == []


def test_idle_shells_over_ssh(tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "id")], check=True)

    def over(name: str) -> str:
        with lab.overlay() as root:
            furnish(root, ({"/etc/ssh/sshd_config.d/x.conf": SSH[name]}, "/bin/sh", ""))
            outcome = {each.subject: each for each in run(session_timeout, Host(lab.mounted(root)), seconds=LIMIT)}["alice"]
            host = Host(lab.mounted(root))
            account = host.accounts.get("alice")
            assert account is not None
            said = IdleShells(host).idle(account, "ssh", LIMIT)
            with served(root, tmp_path) as ssh:
                real = ended([*ssh, "-tt", "alice@127.0.0.1"])
        assert outcome.verdict.value == "fail"  # the console has no end
        good = said.seconds is not None and 0 < said.seconds <= LIMIT
        return "" if good == real else f"{name}: ended {real}, {said}"

    with ThreadPoolExecutor(8) as together:
        wrong = [answer for answer in together.map(over, SSH) if answer]
    assert wrong == []
