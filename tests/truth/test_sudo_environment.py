"""Does a library of one's own really get into what sudo runs? Its name stands in the program's /proc/self/maps; and who is root through passwd and su."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from checks.least_privilege.sudo_root import sudo_root
from sovaudit.facts.host import Host
from sovaudit.testing import run
from tests import lab
from tests.truth.test_sudo import BASE, GIDS

pytestmark = pytest.mark.lab

RULE = "alice ALL={tag}NOPASSWD: /usr/bin/cat /proc/self/maps\n"
CASES: dict[str, str] = {
    name: f"{defaults}\n{RULE.format(tag=tag)}"
    for name, (defaults, tag) in {
        "as it comes": ("", ""),
        "the tag": ("", "SETENV:"),
        "the tag against Defaults": ("Defaults setenv", "NOSETENV:"),
        "Defaults": ("Defaults setenv", ""),
        "Defaults for another": ("Defaults:bob setenv", ""),
        "Defaults for the command": ("Defaults!/usr/bin/cat setenv", ""),
        "Defaults taken back": ("Defaults setenv\nDefaults !setenv", ""),
        "kept": ('Defaults env_keep += "LD_PRELOAD"', ""),
        "kept and taken off": ('Defaults env_keep += "LD_PRELOAD X"\nDefaults env_keep -= LD_PRELOAD', ""),
        "kept by a pattern": ('Defaults env_keep = "LD_*"', ""),
        "everything kept": ('Defaults env_keep = "*"', ""),
        "kept, then replaced": ('Defaults env_keep += LD_PRELOAD\nDefaults env_keep = "A B"', ""),
        "kept, then none": ("Defaults env_keep += LD_PRELOAD\nDefaults !env_keep", ""),
        "kept for a value": ('Defaults env_keep += "LD_PRELOAD=/srv/none"', ""),
        "checked": ("Defaults env_check += LD_PRELOAD", ""),
        "another library variable": ("Defaults env_keep += LD_LIBRARY_PATH", ""),
        "another variable": ("Defaults env_keep += EDITOR", ""),
        "not reset": ("Defaults !env_reset", ""),
        "not reset, nothing deleted": ("Defaults !env_reset, !env_delete", ""),
        "not reset, not deleted": ('Defaults !env_reset\nDefaults env_delete -= "LD_*"', ""),
        "reset, nothing deleted": ("Defaults !env_delete", ""),
    }.items()
}


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    with lab.overlay(BASE) as place:
        (place / "srv/l").mkdir()
        shutil.copy(next(place.glob("usr/lib/*/libc.so.6")), place / "srv/l/libc.so.6")
        shutil.copy(next(place.glob("usr/lib/*/libm.so.6")), place / "srv/l/mine.so")
        yield place


@pytest.mark.parametrize("name", CASES)
def test_a_library_of_ones_own(root: Path, name: str) -> None:
    lab.write(root, {"/etc/sudoers": CASES[name]})
    user = f"setpriv --reuid alice --regid {GIDS['alice']} --init-groups sudo -n"
    lines = [
        "mount -t proc proc /proc 2>/dev/null; hostname web1",
        *(
            f"{user} {variable} /usr/bin/cat /proc/self/maps 2>/dev/null"
            for variable in ("LD_PRELOAD=/srv/l/mine.so", "LD_LIBRARY_PATH=/srv/l")
        ),
    ]
    (root / "ask").write_text("\n".join(lines) + "\n")
    real = "/srv/l/" in lab.run(root, ["unshare", "--uts", "sh", "/ask"]).stdout
    host = Host(lab.mounted(root) if list(CASES).index(name) % 4 else lab.local(root))
    failed = {outcome.subject for outcome in run(sudo_root, host) if outcome.verdict == "fail"}
    assert failed == ({"alice"} if real else set())


SU = "auth sufficient pam_rootok.so\nauth required pam_deny.so\naccount required pam_permit.so\nsession required pam_permit.so\n"
OTHERS: dict[str, str] = {
    "su to bob": "alice ALL=NOPASSWD: /usr/bin/su bob -c *\n",
    "su to bob, who may all unasked": "alice ALL=NOPASSWD: /usr/bin/su bob -c *\nbob ALL=NOPASSWD: ALL\n",
    "su to root": "alice ALL=NOPASSWD: /usr/bin/su root -c *\n",
    "su to whom one likes": "alice ALL=NOPASSWD: /usr/bin/su *\n",
    "su to whom one likes but root": "alice ALL=NOPASSWD: /usr/bin/su [a-z]*, !/usr/bin/su *root*\n",
    "su to whom one likes but root, and bob": "alice ALL=NOPASSWD: /usr/bin/su [a-z]*, !/usr/bin/su *root*\nbob ALL=NOPASSWD: ALL\n",
}


@pytest.mark.parametrize("name", OTHERS)
def test_by_way_of_another_account(root: Path, name: str) -> None:
    lab.write(root, {"/etc/sudoers": OTHERS[name], "/etc/pam.d/su": SU, "/etc/pam.d/su-l": SU})
    user = f"setpriv --reuid alice --regid {GIDS['alice']} --init-groups sudo -n /usr/bin/su"
    tries = [f"{user} {who} -c '{what}' 2>/dev/null" for who in ("bob", "root", "carol") for what in ("id -u", "sudo -n id -u")]
    (root / "ask").write_text("\n".join(["mount -t proc proc /proc 2>/dev/null; hostname web1", *tries]) + "\n")
    real = "0" in lab.run(root, ["unshare", "--uts", "sh", "/ask"]).stdout.split()
    failed = {outcome.subject for outcome in run(sudo_root, Host(lab.mounted(root))) if outcome.verdict == "fail"}
    assert ("alice" in failed) is real
