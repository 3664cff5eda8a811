"""The real libpam, asked by pamtester: every answer to every prompt is tried."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sovaudit.facts.factors import Factor
from tests.truth.random_pam import OATH, PASSWORD, PEOPLE, PLACES, code

TRIES = 30
LOOP = 'mount -t proc proc /proc; while read -r line; do eval "$line"; echo "=== $?" >&2; done'


@dataclass
class Driver:
    """pamtester inside a root, one after the other, each prompt answered."""

    root: Path
    process: subprocess.Popen[bytes]
    runs: int = 0
    memory: dict[tuple[object, ...], tuple[bool, int, str]] = field(default_factory=dict)

    def run(self, command: str, answers: list[str]) -> tuple[int, int, str]:
        """Exit code, how many prompts there were, and what was printed. Missing answers are empty lines."""
        self.runs += 1
        assert self.process.stdin is not None and self.process.stderr is not None
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()
        seen, asked, start = b"", 0, 0
        while True:
            more = os.read(self.process.stderr.fileno(), 65536)
            if not more:
                raise RuntimeError(seen.decode(errors="replace"))
            seen += more
            tail = seen[start:]
            if tail.endswith(b"\n") and b"=== " in tail.rstrip(b"\n").rsplit(b"\n", 1)[-1]:
                return int(tail.rstrip().rsplit(b" ", 1)[-1]), asked, seen.decode(errors="replace")
            if tail.endswith(b": ") and not tail.rsplit(b"\n", 1)[-1].startswith(b"==="):
                answer = answers[asked] if asked < len(answers) else ""
                asked += 1
                start = len(seen)
                (self.root / "etc/users.oath").write_text(OATH)  # pam_oath takes no code twice: time passes between two prompts
                self.process.stdin.write(answer.encode() + b"\n")
                self.process.stdin.flush()

    def opens(
        self, service: str, user: str, held: frozenset[Factor], *, invoker: str = "", null: bool = False, text: str = ""
    ) -> bool | None:
        """Whether somebody with these factors can get through pam_authenticate, whatever it takes to answer, from any place. text: the stack's.

        None: not found within the number of tries that a test can afford.
        """
        flag = "(PAM_DISALLOW_NULL_AUTHTOK)" if null else ""
        where = PLACES[service] if re.search("tty|rhost|access|list", text) else PLACES[service][:1]
        words = ["code"] if Factor.OTP in held else []
        words += ["both"] if len(held) == 2 and re.search("forward_pass|digits", text) else []
        words += ["password"] if Factor.PASSWORD in held else []
        words += (["short", *(["password+"] if Factor.PASSWORD in held else [])]) if "digits" in text else []
        found: bool | None = False
        for place in where:
            answer = self._search(command(service, user, f"'authenticate{flag}'", place, invoker), [*words, "wrong"])
            if answer:
                return True
            found = None if answer is None else found
        return found

    def _search(self, command: str, words: list[str]) -> bool | None:
        """Breadth first over what may be typed at each prompt."""
        waiting: list[tuple[str, ...]] = [()]
        for tried, chosen in enumerate(waiting):
            if tried > TRIES:
                return None
            shutil.rmtree(self.root / "run/faillock", ignore_errors=True)
            result, asked, _ = self.run(command, [typed(word) for word in chosen])
            if result == 0:
                return True
            if asked > len(chosen):
                waiting += [(*chosen, word) for word in words]
        return False

    def account(self, service: str, user: str, *, invoker: str = "") -> bool:
        for place in PLACES[service]:
            result, _, said = self.run(command(service, user, "acct_mgmt", place, invoker), [])
            if result == 0 or "new one required" in said:
                return True
        return False


def typed(word: str) -> str:
    return {
        "code": code(),
        "password": PASSWORD,
        "both": PASSWORD + code(),
        "wrong": "nonsense",
        "short": "x",
        "password+": PASSWORD + "000000",
    }[word]


def command(service: str, user: str, operation: str, place: Mapping[str, str], invoker: str) -> str:
    items = " ".join(f"-I {key}={value}" for key, value in {**place, **({"ruser": invoker} if invoker else {})}.items())
    who = f"setpriv --ruid={PEOPLE[invoker][0]} " if invoker else ""
    return f"{who}pamtester {items} {service} {user} {operation}"


@contextmanager
def driver(root: Path) -> Iterator[Driver]:
    process = subprocess.Popen(
        ["unshare", "--mount", "--pid", "--fork", "--kill-child", "chroot", str(root), "sh", "-c", LOOP],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"},
    )  # fmt: skip
    try:
        yield Driver(root, process)
    finally:
        process.kill()
        process.wait()
