"""How long a real sudo asks no more: a ticket is made, the clock is moved (a time namespace), and `sudo -n` is tried again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from checks.least_privilege.sudo_timeout import sudo_timeout
from sovaudit.facts.host import Host
from sovaudit.testing import run, verdicts
from tests import lab
from tests.truth.test_sudo import BASE, GIDS

pytestmark = pytest.mark.lab

LATER = (0.2, 0.9, 4.9, 5.1, 14.9, 15.1, 29.9, 61, 2_000_000)  # minutes after the answer
ALL = "alice ALL=(ALL) ALL\n"
ID = ("root", "/usr/bin/id -u")
LS = ("root", "/usr/bin/ls /etc")
BOB = ("bob", "/usr/bin/id -u")
CASES: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "what is compiled in": (ALL, (ID,)),
    "fifteen": ("Defaults timestamp_timeout=15\n" + ALL, (ID,)),
    "more": ("Defaults timestamp_timeout=60\n" + ALL, (ID,)),
    "zero": ("Defaults timestamp_timeout=0\n" + ALL, (ID,)),
    "negative": ("Defaults timestamp_timeout=-1\n" + ALL, (ID,)),
    "barely negative": ("Defaults timestamp_timeout=-0.01\n" + ALL, (ID,)),
    "minus zero": ("Defaults timestamp_timeout=-0\n" + ALL, (ID,)),
    "negated": ("Defaults !timestamp_timeout\n" + ALL, (ID,)),
    "bare word": ("Defaults timestamp_timeout=60\nDefaults timestamp_timeout\n" + ALL, (ID,)),
    "fraction": ("Defaults timestamp_timeout=.5\n" + ALL, (ID,)),
    "a dot at the end": ("Defaults timestamp_timeout=5.\n" + ALL, (ID,)),
    "plus sign": ("Defaults timestamp_timeout=+5\n" + ALL, (ID,)),
    "quoted": ('Defaults timestamp_timeout="30"\n' + ALL, (ID,)),
    "empty": ('Defaults timestamp_timeout=60\nDefaults timestamp_timeout=""\n' + ALL, (ID,)),
    "a unit": ("Defaults timestamp_timeout=1h\n" + ALL, (ID,)),
    "a word": ("Defaults timestamp_timeout=30\nDefaults timestamp_timeout=never\n" + ALL, (ID,)),
    "added": ("Defaults timestamp_timeout+=60\n" + ALL, (ID,)),
    "taken off": ("Defaults timestamp_timeout=30\nDefaults timestamp_timeout -= 5\n" + ALL, (ID,)),
    "the last one": ("Defaults timestamp_timeout=60\nDefaults timestamp_timeout=5\n" + ALL, (ID,)),
    "twice in a line": ("Defaults timestamp_timeout=5, timestamp_timeout=60\n" + ALL, (ID,)),
    "after the rule": (ALL + "Defaults timestamp_timeout=60\n", (ID,)),
    "of this user": ("Defaults:alice timestamp_timeout=60\n" + ALL, (ID,)),
    "of this user, then of all": ("Defaults:alice timestamp_timeout=60\nDefaults timestamp_timeout=5\n" + ALL, (ID,)),
    "of another user": ("Defaults:bob timestamp_timeout=60\n" + ALL, (ID,)),
    "of a group": ("Defaults:%sudo timestamp_timeout=60\n" + ALL, (ID,)),
    "of all but one": ("Defaults:ALL,!alice timestamp_timeout=60\n" + ALL, (ID,)),
    "of this host": ("Defaults@web1 timestamp_timeout=-1\n" + ALL, (ID,)),
    "of another host": ("Defaults@web2 timestamp_timeout=-1\n" + ALL, (ID,)),
    "of a target": ("Defaults>root timestamp_timeout=60\nDefaults timestamp_timeout=5\n" + ALL, (ID, BOB)),
    "of another target": ("Defaults>bob timestamp_timeout=60\n" + ALL, (ID, BOB)),
    "of a target out of reach": ("Defaults>bob timestamp_timeout=60\nalice ALL=(root) ALL\n", (ID,)),
    "of a command": ("Defaults!/usr/bin/ls timestamp_timeout=60\n" + ALL, (ID, LS)),
    "of a command and a target": ("Defaults!/usr/bin/id timestamp_timeout=5\nDefaults>root timestamp_timeout=60\n" + ALL, (ID, LS)),
    "of a command that may not be run": ("Defaults!/usr/bin/ls timestamp_timeout=60\nalice ALL=/usr/bin/id\n", (ID,)),
    "of an alias": ("Cmnd_Alias C = /usr/bin/id, /usr/bin/ls\nDefaults!C timestamp_timeout=0\n" + ALL, (ID, LS, ("root", "/usr/bin/true"))),
    "of a command that asks nothing": ("Defaults!/usr/bin/ls timestamp_timeout=60\nalice ALL=ALL, NOPASSWD: /usr/bin/ls\n", (ID,)),
    "in a folder": (
        "Defaults timestamp_timeout=0\n@includedir /etc/sudoers.d\n" + ALL, (ID,)
    ),
    "after a broken line": ("Defaults timestamp_timeout=5 60\n" + ALL, (ID,)),
    "continued": ("Defaults env_reset, \\\n  timestamp_timeout=60\n" + ALL, (ID,)),
    "commented": ("#Defaults timestamp_timeout=60\nDefaults timestamp_timeout=5 # =60\n" + ALL, (ID,)),
}  # fmt: skip


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    with lab.overlay({**BASE, "/etc/sudoers.d/x": "Defaults timestamp_timeout=60\n"}) as place:
        yield place


def lasts(root: Path, commands: tuple[tuple[str, str], ...]) -> list[bool]:
    """For each time later: whether sudo runs one of the commands without another answer."""
    user = f"setpriv --reuid alice --regid {GIDS['alice']} --init-groups sudo"
    lines = ["mount -t proc proc /proc 2>/dev/null; hostname web1"]
    for minutes in LATER:
        attempts = []
        for runas, command in commands:
            later = f"unshare -T --boottime {int(minutes * 60)} {user} -n -u {runas} {command} >/dev/null 2>&1"
            attempts.append(f"{{ rm -rf /run/sudo/ts; {user} -u {runas} {command} >/dev/null 2>&1 && {later}; }}")
        lines.append(f"if {' || '.join(attempts)}; then echo 1; else echo 0; fi")
    (root / "ask").write_text("\n".join(lines) + "\n")
    done = lab.run(root, ["unshare", "--uts", "sh", "/ask"], timeout=60)
    answers = [line == "1" for line in done.stdout.split()]
    assert len(answers) == len(LATER), done.stderr
    return answers


@pytest.mark.parametrize("name", CASES)
def test_the_ticket_lasts_as_long_as_we_say(root: Path, name: str) -> None:
    text, commands = CASES[name]
    lab.write(root, {"/etc/sudoers": "Defaults timestamp_type=global\n" + text})
    real = lasts(root, commands)
    host = Host(lab.mounted(root) if list(CASES).index(name) % 4 else lab.local(root))
    for minutes, kept in zip(LATER, real, strict=True):
        if minutes < 1:
            continue
        found = verdicts(run(sudo_timeout, host, minutes=int(minutes)))
        assert found == {"alice": "fail" if kept else "pass"}, (minutes, real)
