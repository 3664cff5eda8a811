"""Who can really change a path: each account tries (write it, replace it, create it) in a real root, and we say who could, beforehand."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from checks.least_privilege.sudo_root import sudo_root
from checks.least_privilege.sudo_writable import sudo_writable
from sovaudit.facts.changers import Changers
from sovaudit.facts.host import Host
from sovaudit.testing import run
from tests import lab

pytestmark = pytest.mark.lab

PEOPLE = (("alice", 1000, 1000), ("bob", 1001, 1001), ("svc", 990, 990))
BASE = {
    "/etc/passwd": "root:x:0:0:root:/root:/bin/bash\n" + "".join(f"{n}:x:{u}:{g}::/:/bin/sh\n" for n, u, g in PEOPLE),
    "/etc/group": "root:x:0:\nalice:x:1000:\nbob:x:1001:\nsvc:x:990:\nops:x:2000:bob\nempty:x:2001:\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\n",
}
T = "/srv/t/run.sh"
# what is done to the root: (path, mode, uid, gid), or a link (path, target); the path that sudo runs
Case = tuple[str, tuple[tuple[str, int, int, int] | tuple[str, str], ...]]
CASES: dict[str, Case] = {
    "root's": (T, ((T, 0o755, 0, 0),)),
    "owned by alice": (T, ((T, 0o755, 1000, 0),)),
    "owned and read-only": (T, ((T, 0o555, 1000, 0),)),
    "for everybody": (T, ((T, 0o757, 0, 0),)),
    "for a group with a member": (T, ((T, 0o775, 0, 2000),)),
    "for a group without": (T, ((T, 0o775, 0, 2001),)),
    "for root's group": (T, ((T, 0o775, 0, 0),)),
    "for a primary group": (T, ((T, 0o775, 0, 1000),)),
    "folder owned by alice": (T, (("/srv/t", 0o755, 1000, 0), (T, 0o755, 0, 0))),
    "folder for everybody": (T, (("/srv/t", 0o777, 0, 0), (T, 0o755, 0, 0))),
    "folder for a group": (T, (("/srv/t", 0o2775, 0, 2000), (T, 0o755, 0, 0))),
    "sticky folder": (T, (("/srv/t", 0o1777, 0, 0), (T, 0o755, 0, 0))),
    "sticky folder, file of bob": (T, (("/srv/t", 0o1777, 0, 0), (T, 0o700, 1001, 0))),
    "sticky folder of alice": (T, (("/srv/t", 0o1755, 1000, 0), (T, 0o755, 0, 0))),
    "sticky folder, no file": (T, (("/srv/t", 0o1777, 0, 0),)),
    "no file, folder of root": (T, (("/srv/t", 0o755, 0, 0),)),
    "no folder": (T, ()),
    "no folder in a folder for all": ("/srv/open/a/b", (("/srv/open", 0o777, 0, 0),)),
    "higher folder of alice": ("/srv/up/t/run", (("/srv/up", 0o755, 1000, 0), ("/srv/up/t", 0o755, 0, 0), ("/srv/up/t/run", 0o755, 0, 0))),
    "open file in a closed folder": (T, (("/srv/t", 0o700, 0, 0), (T, 0o777, 0, 0))),
    "open file in a folder for a group": (T, (("/srv/t", 0o750, 0, 2000), (T, 0o777, 0, 0))),
    "own file in a closed folder": (T, (("/srv/t", 0o700, 0, 0), (T, 0o777, 1000, 0))),
    "open folder in a closed one": ("/srv/up/t/run", (("/srv/up", 0o710, 0, 2001), ("/srv/up/t", 0o777, 0, 0), ("/srv/up/t/run", 0o755, 0, 0))),
    "group may not, others may": (T, ((T, 0o707, 0, 2000),)),
    "write without search": (T, (("/srv/t", 0o756, 0, 0), (T, 0o755, 0, 0))),
    "link to a file of alice": (T, (("/srv/mine", 0o755, 1000, 0), (T, "/srv/mine"))),
    "link to nothing in a folder for all": (T, (("/srv/open", 0o777, 0, 0), (T, "/srv/open/x"))),
    "relative link": (T, (("/srv/t", 0o755, 0, 0), ("/srv/mine", 0o757, 0, 0), (T, "../mine"))),
    "link through a link": (T, (("/srv/mine", 0o757, 0, 0), ("/srv/two", "mine"), (T, "/srv/two"))),
    "linked folder": ("/srv/l/run", (("/srv/t", 0o777, 0, 0), ("/srv/l", "t"), ("/srv/t/run", 0o755, 0, 0))),
    "link in a folder for all": (T, (("/srv/t", 0o777, 0, 0), ("/srv/safe", 0o755, 0, 0), (T, "/srv/safe"))),
    "link in a sticky folder": (T, (("/srv/t", 0o1777, 0, 0), ("/srv/safe", 0o755, 0, 0), (T, "/srv/safe"))),
    "in /usr/local, for all": ("/usr/local/bin/x", (("/usr/local/bin/x", 0o757, 0, 0),)),
    "in /usr/local, of root": ("/usr/local/bin/x", (("/usr/local/bin/x", 0o755, 0, 0),)),
    "in /usr/local, folder for a group": ("/usr/local/bin/x", (("/usr/local/bin", 0o775, 0, 2000), ("/usr/local/bin/x", 0o755, 0, 0))),
    "in /usr/local, a link out": ("/usr/local/bin/x", (("/srv/mine", 0o755, 1001, 0), ("/usr/local/bin/x", "/srv/mine"))),
    "in /usr/local, a link to what is open": ("/usr/local/bin/x", (("/usr/local/lib/y", 0o757, 0, 0), ("/usr/local/bin/x", "../lib/y"))),
    "in /usr/local, a link to what is root's": ("/usr/local/bin/x", (("/usr/local/lib/y", 0o755, 0, 0), ("/usr/local/bin/x", "../lib/y"))),
    "in /usr/local, not there": ("/usr/local/bin/x", ()),
    "through /bin": ("/bin/x", (("/usr/bin/x", 0o777, 0, 0),)),
    "through .. and .": ("/srv/t/../t/./run.sh", ((T, 0o757, 0, 0),)),
    "in /opt, of a service": ("/opt/app/run", (("/opt/app", 0o755, 990, 990), ("/opt/app/run", 0o755, 0, 0))),
}  # fmt: skip
LISTS: dict[str, tuple[Case, str]] = {
    "a list for alice": ((T, ((T, 0o755, 0, 0),)), "u:1000:rw"),
    "a list for alice that is masked": ((T, ((T, 0o755, 0, 0),)), "u:1000:rw,m::r"),
    "a list that reads": ((T, ((T, 0o775, 0, 2001),)), "u:1000:r"),
    "a list for a group": ((T, ((T, 0o755, 0, 0),)), "g:2000:rwx"),
    "a list that takes from the group": ((T, ((T, 0o755, 0, 2000),)), "g::r,u:1000:rw"),
}  # fmt: skip


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    with lab.overlay(BASE) as place:
        yield place


def build(root: Path, case: Case) -> None:
    """Anew, whatever somebody made of it."""
    for folder in ("srv", "opt/app", "usr/local/bin", "usr/local/lib/y"):
        subprocess.run(["rm", "-rf", str(root / folder)], check=True)
    for folder in ("srv", "usr/local/bin"):
        (root / folder).mkdir()
        (root / folder).chmod(0o755)
    (root / "usr/bin/x").unlink(missing_ok=True)
    for step in case[1]:
        place = root / step[0][1:]
        place.parent.mkdir(parents=True, exist_ok=True)
        if len(step) == 2:
            place.symlink_to(step[1])
            continue
        path, mode, uid, gid = step
        if place.is_dir() or any(other[0].startswith(path + "/") for other in case[1]) or path in ("/srv/t", "/srv/open"):
            place.mkdir(exist_ok=True)
        else:
            place.write_text("#!/bin/sh\nid -u\n")
        os.chown(place, uid, gid)
        place.chmod(mode)


TRIES = """
say() { [ "$(cat "$1" 2>/dev/null)" = "echo $me" ]; }
{ echo "echo $me" >"$p"; } 2>/dev/null; say "$p" && echo "$me" && exit
chmod u+w "$p" 2>/dev/null && { echo "echo $me" >"$p"; } 2>/dev/null; say "$p" && echo "$me" && exit
real=$(readlink -m "$p")
for one in "$p" "$real"; do
  part=$one
  while [ "$part" != / ]; do
    above=$(dirname "$part")
    chmod u+rwx "$above" "$part" 2>/dev/null
    rm -f "$part" 2>/dev/null || mv "$part" "$above/.old.$$" 2>/dev/null
    mkdir -p "$(dirname "$one")" 2>/dev/null
    { echo "echo $me" >"$one"; } 2>/dev/null
    say "$p" && echo "$me" && exit
    part=$above
  done
done
"""


def changed_by(root: Path, case: Case, rule: str = "") -> set[str]:
    """Which accounts make the path another program: each tries on a fresh one, by writing it, then by replacing every part of the way."""
    found = set()
    for name, uid, gid in PEOPLE:
        build(root, case)
        if rule:
            subprocess.run(["setfacl", "-m", rule, str(root / case[0][1:])], check=True)
        inner = f'setpriv --reuid {uid} --regid {gid} --init-groups sh -c "$0"'
        found |= set(lab.run(root, ["sh", "-c", inner, f"me={name} p={case[0]!r}{TRIES}"]).stdout.split())
    return found


def ours(host: Host, path: str) -> set[str]:
    changes = Changers(host).of(path)
    assert changes.gaps == ()
    names = {change.who for change in changes.found}
    return {"everybody"} if "everybody" in names else names


@pytest.mark.parametrize("name", CASES)
def test_who_can_change_it(root: Path, name: str) -> None:
    case = CASES[name]
    lab.write(root, {"/etc/sudoers": f"alice ALL=(root) NOPASSWD: {os.path.normpath(case[0])}\n"})
    build(root, case)
    host = Host(lab.mounted(root) if list(CASES).index(name) % 4 else lab.local(root))
    real = changed_by(root, case)
    names = ours(host, case[0])
    assert real if names == {"everybody"} else names == real
    verdicts = {outcome.subject: outcome.verdict.value for outcome in run(sudo_writable, host)}
    assert verdicts == {"sudo": "pass", os.path.normpath(case[0]): "fail" if real else "pass"}
    through = {outcome.subject for outcome in run(sudo_root, host) if outcome.verdict == "fail"}
    assert through == ({"alice"} & real)  # who may run it and can change it is root


@pytest.mark.parametrize("name", LISTS)
def test_access_lists(root: Path, name: str) -> None:
    case, rule = LISTS[name]
    lab.write(root, {"/etc/sudoers": f"alice ALL=(root) NOPASSWD: {case[0]}\n"})
    build(root, case)
    subprocess.run(["setfacl", "-m", rule, str(root / case[0][1:])], check=True)
    host = Host(lab.mounted(root))
    assert ours(host, case[0]) == changed_by(root, case, rule)
