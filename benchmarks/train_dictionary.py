"""Train src/sovaudit/data/evidence.dict.zst, the dictionary that new bundles carry a copy of.

    python benchmarks/train_dictionary.py [--check]

The texts are made here, from the formats that collectors bring back and the words that Debian, Ubuntu and Red Hat files are made of;
nothing is copied from any machine. The same script and the same zstandard give the same bytes. A bundle holds its own copy,
so training again never touches an old one.
"""

from __future__ import annotations

import json
import random
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import zstandard

PLACE = Path(__file__).parents[1] / "src/sovaudit/data/evidence.dict.zst"
SIZE = 98_304
HOSTS = 160
WORDS = {name: lines.split("\n") for name, lines in tomllib.loads((Path(__file__).parent / "words.toml").read_text()).items()}


def corpus() -> Iterator[bytes]:
    """What one host after another might bring back, one artifact at a time."""
    chance = random.Random(20260601)
    for number in range(HOSTS):
        yield from (text.encode() for text in _host(random.Random(chance.random()), number))


def _host(r: random.Random, number: int) -> Iterator[str]:
    people = r.sample(WORDS["people"], r.randint(2, 8))
    host = r.choice(("web", "db", "app", "mail", "dns", "bastion", "proxy", "log")) + f"{number:02d}"

    def some(name: str, least: float = 0.5) -> list[str]:
        kept = [line for line in WORDS[name] if r.random() < r.uniform(least, 1)]
        return kept or WORDS[name][:1]

    def text(lines: Iterable[str]) -> str:
        return "\n".join(lines) + "\n"

    yield text([*some("accounts", 0.9), *(f"{who}:x:{n}:{n}:{who.title()},,,:/home/{who}:/bin/bash" for n, who in enumerate(people, 1000))])
    yield text(_shadow(r, some("accounts", 0.9), people))
    members = ("sudo", "wheel", "adm", "docker")
    yield text(line + (r.choice(people) if line.startswith(members) else "") for line in some("groups", 0.9))
    yield "exit 0\n" + text(some("sshd", 0.95))
    yield text("#" * (r.random() < 0.6) + line for line in some("sshd_file"))
    for service in r.sample(WORDS["services"], 9):
        yield text([f"#\n# The PAM configuration file for the `{service}' service\n#", *some("pam", 0.1)])
    for name in ("login_defs", "sudo", "rsyslog", "other"):
        yield text(some(name))
        yield text(some(name, 0.1))
    yield text(_tree(r, some("folders", 0.7)))
    yield text(sorted(f"{name} {r.randint(1, 9)}.{r.randint(0, 20)}{r.choice(('p1', '.2', ''))}-{_build(r)}" for name in some("packages")))
    yield "exit 0\n" + text(sorted(some("processes")))
    states = ("loaded\tactive\trunning", "loaded\tactive\texited", "loaded\tinactive\tdead", "not-found\tinactive\tdead")
    yield "exit 0\n" + text(f"{unit}.service\t{r.choice(states)}" for unit in some("units"))
    yield "exit 0\n" + text(some("mounts", 0.7))
    yield f"exit 0\nLinux {host} 6.1.0-{r.randint(9, 40)}-amd64 #1 SMP PREEMPT_DYNAMIC Debian 6.1.{r.randint(50, 150)}-1 x86_64 GNU/Linux\n"
    kinds = ("ssh-ed25519", "ssh-rsa", "sk-ssh-ed25519@openssh.com")
    yield text(f"{r.choice(kinds)} SHA256:{r.randbytes(16).hex()} {who}@{host}" for who in people)
    places = ("0.0.0.0", "127.0.0.1", "[::]", "*")
    yield "exit 0\n" + text(
        f"tcp LISTEN 0 {r.choice((128, 511, 4096))} {r.choice(places)}:{r.choice((22, 80, 443, 25, 53))}" for _ in range(8)
    )
    yield text(
        f"/var/log/{leaf}\tJun  {r.randint(1, 9)} 06:25:0{r.randint(1, 9)} {host} systemd[1]: Starting"
        for leaf in r.sample(WORDS["leaves"], 6)
    )
    gaps = [{"detail": "Permission denied", "item": f"file:/etc/{leaf}", "reason": "denied"} for leaf in r.sample(WORDS["leaves"], 5)]
    identity = {"hostname": host, "kernel": "6.1.0-amd64", "machine_id": r.randbytes(16).hex(), "os": "Debian GNU/Linux 12 (bookworm)"}
    head = {
        "clock_skew_ms": r.randint(-900, 900),
        "collector": "posix-sh/1",
        "error": "",
        "gaps": gaps,
        "identity": identity,
        "status": "collected",
    }
    target = {"id": f"ssh://auditor@{host}", "kind": "ssh", "uri": f"ssh://auditor@{host}"}
    yield json.dumps({**head, "taken_at": "2026-06-01T12:00:00Z", "target": target}, separators=(",", ":"))


def _shadow(r: random.Random, accounts: list[str], people: list[str]) -> Iterator[str]:
    day = r.randint(19000, 20500)
    yield from (f"{line.split(':')[0]}:{r.choice('*!')}:{day}:0:99999:7:::" for line in accounts)
    fields = ("$y$j9T$masked", "$6$masked", "!", "!$6$masked")
    for who in people:
        yield f"{who}:{r.choice(fields)}:{day + r.randint(0, 300)}:0:{r.choice((90, 365, 99999))}:7:::"


def _tree(r: random.Random, folders: list[str]) -> Iterator[str]:
    stamp = r.randint(1_650_000_000, 1_780_000_000)
    for folder in folders:
        yield f"d\t{r.choice(('755', '755', '750', '700', '2755'))}\t0\t0\t4096\t{stamp - r.randint(0, 10**7)}\t{folder}"
        for leaf in r.sample(WORDS["leaves"], r.randint(0, 14)):
            mode, group = r.choice(("644", "644", "600", "640", "440", "755", "777")), r.choice((0, 0, 0, 42, 4))
            yield f"{r.choice('fffffl')}\t{mode}\t0\t{group}\t{r.randint(0, 9000)}\t{stamp - r.randint(0, 10**7)}\t{folder}/{leaf}"
        yield from (f"-\t\t\t\t\t\t{folder}/{leaf}" for leaf in r.sample(WORDS["leaves"], 1))
        yield f"D\t\t\t\t\t\t{folder}"


def _build(r: random.Random) -> str:
    return f"{r.randint(1, 9)}{r.choice(('+deb12u', 'ubuntu', '.el9_'))}{r.randint(1, 9)}"


def train() -> bytes:
    """The dictionary's compressed bytes, as shipped."""
    trained = zstandard.train_dictionary(SIZE, list(corpus()), level=3, dict_id=20260601)
    packer = zstandard.ZstdCompressor(level=19, write_content_size=True)
    return packer.compress(trained.as_bytes())


def main() -> int:
    made = train()
    if "--check" in sys.argv[1:]:
        same = PLACE.read_bytes() == made
        print(
            "the shipped dictionary is what this script makes"
            if same
            else "the shipped dictionary is another one: train again, or name the zstandard version"
        )
        return 0 if same else 1
    PLACE.parent.mkdir(exist_ok=True)
    PLACE.write_bytes(made)
    print(f"{PLACE}: {len(made)} bytes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
