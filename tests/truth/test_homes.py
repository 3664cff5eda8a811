"""Homes: real accounts that try to enter each other's, and real useradd, adduser and pam_mkhomedir, beside the check's answers."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from sovaudit.content.checks.least_privilege.home_permissions import home_permissions

from sovaudit.facts.host import Host
from sovaudit.testing import run, verdicts
from tests import lab

pytestmark = pytest.mark.lab

PASSWD = (
    "root:x:0:0:root:/root:/bin/bash\nwww:x:33:33::/srv/www:/usr/sbin/nologin\nalice:x:1000:1000::/home/alice:/bin/sh\n"
    "bob:x:1001:1001::/home/bob:/bin/sh\ncarol:x:1002:100::/home/carol:/bin/sh\ndave:x:1003:100::{dave}:/bin/sh\n"
)
GROUP = "root:x:0:\nwww:x:33:\nusers:x:100:\nalice:x:1000:{members}\nbob:x:1001:\nnogroup:x:65534:\n"
ASKERS = ("www", "alice", "bob", "carol", "dave")
# name: (path → (mode, uid, gid) of folders, or a link's target), members of alice's group, dave's home
Folders = dict[str, tuple[int, int, int] | str]
CASES: dict[str, tuple[Folders, str, str]] = {
    "open to all": ({"/home/alice": (0o755, 1000, 1000)}, "", "/home/dave"),
    "shut": ({"/home/alice": (0o700, 1000, 1000)}, "", "/home/dave"),
    "own group": ({"/home/alice": (0o770, 1000, 1000)}, "", "/home/dave"),
    "own group with a guest": ({"/home/alice": (0o750, 1000, 1000)}, "www", "/home/dave"),
    "own group shut, with a guest": ({"/home/alice": (0o700, 1000, 1000)}, "www", "/home/dave"),
    "shared group": ({"/home/carol": (0o750, 1002, 100)}, "", "/home/dave"),
    "shared group shut": ({"/home/carol": (0o700, 1002, 100)}, "", "/home/dave"),
    "others may only pass": ({"/home/alice": (0o711, 1000, 1000)}, "", "/home/dave"),
    "others may only list": ({"/home/alice": (0o704, 1000, 1000)}, "", "/home/dave"),
    "others may write and pass": ({"/home/alice": (0o703, 1000, 1000)}, "", "/home/dave"),
    "belongs to bob": ({"/home/alice": (0o700, 1001, 1000)}, "", "/home/dave"),
    "belongs to root": ({"/home/alice": (0o700, 0, 0)}, "", "/home/dave"),
    "dave lives at carol's": ({"/home/carol": (0o700, 1002, 100)}, "", "/home/carol"),
    "dave lives at the top": ({}, "", "/"),
    "dave's home is a link": ({"/home/dave": "/srv/far/dave", "/srv/far": (0o755, 0, 0), "/srv/far/dave": (0o755, 1003, 100)}, "", "/home/dave"),
    "behind a closed folder": ({"/srv/shut": (0o700, 0, 0), "/srv/shut/dave": (0o755, 1003, 100)}, "", "/srv/shut/dave"),
    "above it all may write": ({"/srv/open": (0o777, 0, 0), "/srv/open/dave": (0o700, 1003, 100)}, "", "/srv/open/dave"),
    "above it all may write, sticky": ({"/srv/open": (0o1777, 0, 0), "/srv/open/dave": (0o700, 1003, 100)}, "", "/srv/open/dave"),
    "above it the group may write": ({"/srv/team": (0o775, 0, 1000), "/srv/team/dave": (0o700, 1003, 100)}, "", "/srv/team/dave"),
    "above it its own group may write": ({"/srv/team": (0o775, 0, 1001), "/srv/team/bob": (0o700, 1001, 1001)}, "", "/home/dave"),
    "inside alice's home": ({"/home/alice": (0o755, 1000, 1000), "/home/alice/dave": (0o700, 1003, 100)}, "", "/home/alice/dave"),
    "no home": ({}, "", "/home/nobody-there"),
    "home is no path": ({}, "", "home"),
    "dots in its path": ({"/home/dave": (0o755, 1003, 100)}, "", "/home/../home/./dave/"),
}  # fmt: skip


def furnish(root: Path, folders: Folders) -> None:
    for path, what in folders.items():
        place = root / path[1:]
        if isinstance(what, str):
            place.symlink_to(what)
            continue
        place.mkdir(parents=True, exist_ok=True)
        os.chown(place, what[1], what[2])
        place.chmod(what[0])


def entered(root: Path, home: str, owner: str) -> str:
    """Who but the owner can use a home or put another in its place, by trying."""
    script = ""
    for who in ASKERS:
        if who == owner:
            continue
        tries = (
            f"{{ ls -A '{home}' | grep -q .; }} || ls '{home}/.' || {{ touch '{home}/.try' && rm '{home}/.try'; }} || cat '{home}/.known' || chmod u+rwx '{home}/.' "
            f"|| {{ mv \"$(dirname $(readlink -f '{home}'))\" /tmp/moved && mv /tmp/moved \"$(dirname $(readlink -f '{home}'))\"; }} "
            f'|| {{ d=$(readlink -f \'{home}\'); mv "$d" "$d.moved" && mv "$d.moved" "$d"; }}'
        )
        script += f"setpriv --reuid={who} --regid=$(id -g {who}) --init-groups sh -c '{tries.replace(chr(39), chr(39) + chr(92) + chr(39) + chr(39))}' >/dev/null 2>&1 && echo {who}\n"
    return lab.run(root, ["sh", "-c", script]).stdout.strip()


@pytest.mark.parametrize("name", CASES)
def test_who_enters(name: str) -> None:
    folders, members, dave = CASES[name]
    with lab.overlay({"/etc/passwd": PASSWD.format(dave=dave), "/etc/group": GROUP.format(members=members)}) as root:
        for home, uid, gid in (("alice", 1000, 1000), ("bob", 1001, 1001), ("carol", 1002, 100), ("dave", 1003, 100)):
            if f"/home/{home}" not in folders:
                furnish(root, {f"/home/{home}": (0o700, uid, gid)})
        furnish(root, folders)
        for row in PASSWD.format(dave=dave).splitlines():
            cells = row.split(":")
            place = root / cells[5].lstrip("/")
            if cells[5].startswith("/home/") and place.is_dir() and ".." not in cells[5]:
                (place / ".known").write_text("secret")
        mine = verdicts(run(home_permissions, Host(lab.local(root) if len(name) % 4 == 0 else lab.mounted(root))))
        for row in PASSWD.format(dave=dave).splitlines()[2:]:
            who, home = row.split(":")[0], row.split(":")[5]
            if not home.startswith("/") or lab.run(root, ["test", "-d", home]).returncode != 0:
                assert mine[who] == "not_applicable", who
                continue
            real = entered(root, home, who)
            assert mine[who] == ("fail" if real else "pass"), (who, real)


# name: (login.defs, adduser.conf); what useradd and adduser make of it is asked of them
NEW: dict[str, tuple[str | None, str | None]] = {
    "stock": (None, None),
    "umask 027": ("UMASK 027\nUSERGROUPS_ENAB yes\n", "DIR_MODE=0750\n"),
    "umask 077": ("UMASK 077\n", "DIR_MODE=700\n"),
    "umask 027, shared group": ("UMASK 027\nUSERGROUPS_ENAB no\n", "DIR_MODE=0750\nUSERGROUPS=no\n"),
    "home mode": ("UMASK 022\nHOME_MODE 0700\n", "DIR_MODE=0755\n"),
    "decimal home mode": ("HOME_MODE 700\n", 'DIR_MODE="0700"\n'),
    "decimal umask": ("UMASK 77\n", "dir_mode = 0711\n"),
    "hexadecimal": ("UMASK 0x3f\n", "DIR_MODE='0700'\n"),
    "comment behind": ("UMASK 077 # private\n", "DIR_MODE=0700 # private\n"),
    "quoted": ('UMASK "077"\n', "# DIR_MODE=0755\n"),
    "two lines": ("UMASK 022\nUMASK 077\n", "DIR_MODE=0755\nDIR_MODE=0700\n"),
    "two lines, strict first": ("HOME_MODE 0700\nHOME_MODE 0755\n", "DIR_MODE=0700\nDIR_MODE=0755\n"),
    "equals sign": ("UMASK=077\n", "DIR_MODE 0755\n"),
    "lower case": ("umask 077\nhome_mode 0700\n", "Dir_Mode=0755\n"),
    "no number": ("UMASK private\n", "DIR_MODE=private\n"),
    "empty": ("", ""),
    "setgid": ("HOME_MODE 2750\nUSERGROUPS_ENAB yes\n", "DIR_MODE=0750\nSETGID_HOME=yes\n"),
    "indented comment": ("  # UMASK 022\n  UMASK 077\n", " DIR_MODE=0755\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", NEW)
def test_how_homes_are_born(name: str) -> None:
    defs, conf = NEW[name]
    files = {path: text for path, text in (("/etc/login.defs", defs), ("/etc/adduser.conf", conf)) if text is not None}
    with lab.overlay(files) as root:
        mine = run(home_permissions, Host(lab.mounted(root)))
        lab.run(root, ["useradd", "-m", "newa"])
        lab.run(root, ["adduser", "--disabled-password", "--gecos", "", "newb"])
        for user, program in (("newa", "useradd"), ("newb", "adduser")):
            born = (root / "home" / user).stat()
            said = next(outcome for outcome in mine if outcome.subject == f"new homes by {program}")
            assert said.seen == f"{born.st_mode & 0o7777:04o}", program
            passwd = (root / "etc/passwd").read_text()
            gid = next(row.split(":")[3] for row in passwd.splitlines() if row.startswith(user + ":"))
            group = next(row for row in (root / "etc/group").read_text().splitlines() if row.split(":")[2] == gid)
            shared = not group.startswith(user)
            private = not born.st_mode & 0o007 and not (shared and born.st_mode & 0o070)
            assert said.verdict.value == ("pass" if private else "fail"), program


@pytest.mark.parametrize(
    ("args", "defs"),
    [
        ("", "UMASK 077\n"), ("", "UMASK 022\nHOME_MODE 0700\n"), ("umask=0077", "UMASK 022\n"), ("umask=077 skel=/none", "HOME_MODE 0755\n"), ("", ""),
        ("umask=27", ""), ("", "HOME_MODE 0750\nHOME_MODE 0755\n"), ("", "HOME_MODE private\n"), ("", "UMASK 77 # x\n"), ("", "HOME_MODE 700\n"), ("umask=0022", "HOME_MODE 0700\n"),
    ],
)  # fmt: skip
def test_homes_made_at_login(args: str, defs: str) -> None:
    pam = f"auth required pam_permit.so\naccount required pam_permit.so\nsession required pam_mkhomedir.so {args}\n"
    with lab.overlay({"/etc/pam.d/login": pam, "/etc/login.defs": defs}) as root:
        lab.write(root, {"/etc/passwd": "root:x:0:0::/root:/bin/sh\neve:x:1004:1004::/home/eve:/bin/sh\n"})
        said = next((o for o in run(home_permissions, Host(lab.mounted(root))) if o.subject == "new homes by pam_mkhomedir"), None)
        lab.run(root, ["pamtester", "login", "eve", "open_session"])
        if said is None:
            assert not (root / "home/eve").exists()
            return
        assert said.seen == f"{(root / 'home/eve').stat().st_mode & 0o7777:04o}"


@pytest.mark.parametrize(
    ("entries", "opens"),
    [
        ("u:1001:rwx", True),
        ("u:1001:rwx,m::rx", True),
        ("u:1001:rwx,m::---", False),
        ("u:1001:w,m::rx", False),
        ("u:1001:---,u:1000:rwx", False),
        ("g:100:rwx", True),
        ("g:1001:rwx", True),
        ("g:4000:rwx", False),
        ("u:1001:rx", True),
        ("u:1001:x", True),
        ("u:0:rx", False),
        ("u:1000:rx,g:100:---", False),
    ],
)
def test_a_list_that_lets_in(entries: str, opens: bool) -> None:
    """A home whose access list names accounts. Asked are the rights that are left behind its mask."""
    with lab.overlay({"/etc/passwd": PASSWD.format(dave="/home/dave"), "/etc/group": GROUP.format(members="")}) as root:
        furnish(root, {"/home/alice": (0o700, 1000, 1000)})
        (root / "home/alice/known").write_text("x")
        subprocess.run(["setfacl", "-m", entries, str(root / "home/alice")], check=True)
        script = "".join(
            f"setpriv --reuid {who} --regid $(id -g {who}) --init-groups sh -c 'ls /home/alice || touch /home/alice/x || cat /home/alice/known' && echo {who}\n"
            for who in ASKERS
            if who != "alice"
        )
        real = set(lab.run(root, ["sh", "-c", script]).stdout.split())
        assert bool(real) is opens
        assert verdicts(run(home_permissions, Host(lab.mounted(root))))["alice"] == ("fail" if opens else "pass")
        hidden = "pass" if "m::---" in entries else "unknown"  # no getfacl there: that there is a list is all that ls shows
        assert verdicts(run(home_permissions, Host(lab.local(root))))["alice"] == hidden
