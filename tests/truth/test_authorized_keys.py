"""Which keys open, how strong they are and who could change their files: real logins, ssh-keygen and attempts to write, beside the check.

For every account each private key is tried alone. The account must fail exactly where a key that got in is short by `ssh-keygen -l`, is not among the
known ones, or lies where another account manages to move or write something on the way to it.
"""

from __future__ import annotations

import os
import posixpath
import struct
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import paramiko
import pytest
from sovaudit.content.checks.least_privilege.authorized_keys import authorized_keys
from sovaudit.content.checks.least_privilege.shared_keys import shared_keys

from sovaudit.facts.factors import Factor
from sovaudit.facts.host import Host
from sovaudit.testing import run, verdicts
from tests import lab
from tests.truth import test_ssh
from tests.truth.test_accounts import QUICK
from tests.truth.test_ssh import BASE, KEY, KEY2, line

base = test_ssh.base
PRIVATE: dict[str, paramiko.PKey] = {
    "ed": KEY, "ed2": KEY2, "rsa1024": paramiko.RSAKey.generate(1024), "rsa2048": paramiko.RSAKey.generate(2048),
    "rsa3072": paramiko.RSAKey.generate(3072), "ec": paramiko.ECDSAKey.generate(),
}  # fmt: skip
ED, ED2, R1, R2, R3, EC = (line(key) for key in PRIVATE.values())
ONLY = BASE + "PasswordAuthentication no\n"
HOME = "/home/bob/.ssh/authorized_keys"
LINKED = "rm /home/bob/.ssh/authorized_keys; ln -s {} /home/bob/.ssh/authorized_keys; "


REACH = "chmod 711 /home/bob /home/bob/.ssh"  # others can get at what they may write


@dataclass(frozen=True)
class Case:
    """keys: bob's file. known: names of private keys. places: files that hold keys."""

    keys: str = ED
    prepare: str = ""
    sshd: str = ONLY
    files: dict[str, str] = field(default_factory=dict)
    places: tuple[str, ...] = (HOME,)
    known: tuple[str, ...] = ()
    bits: int = 3072
    lists: dict[str, str] = field(default_factory=dict)  # path → one entry of its access control list


CASES: dict[str, Case] = {
    "strong": Case(ED + EC + R3),
    "rsa 2048": Case(R2),
    "rsa 2048 allowed": Case(R2, bits=2048),
    "rsa 1024 refused by sshd": Case(ED + R1, sshd=ONLY + "RequiredRSASize 2048\n"),
    "rsa 1024": Case(ED + R1, bits=2048),
    "weak and commented": Case(ED + "#" + R1 + "no-such-option " + R1),
    "weak and expired": Case(ED + 'expiry-time="20200101" ' + R1),
    "weak, from nowhere": Case(ED + 'from="!*" ' + R1),
    "weak, with a command": Case('restrict,command="true" ' + R1),
    "weak by algorithm only": Case(ED + R1, sshd=ONLY + "PubkeyAcceptedAlgorithms ssh-ed25519\n"),
    "weak, revoked": Case(ED + R1, sshd=ONLY + "RevokedKeys /etc/ssh/revoked\n", files={"/etc/ssh/revoked": R1}),
    "weak in the second file": Case(ED, files={HOME + "2": R1}, places=(HOME, HOME + "2")),
    "weak in a file that is not read": Case(ED, sshd=ONLY + "AuthorizedKeysFile .ssh/authorized_keys\n", files={HOME + "2": R1}),
    "weak by Match": Case(ED, sshd=ONLY + "Match User bob\nAuthorizedKeysFile /etc/keys/%u\n", files={"/etc/keys/bob": R1}, places=("/etc/keys/bob",)),
    "weak, account kept out": Case(R1, sshd=ONLY + "DenyUsers bob\n"),
    "weak, no shell": Case(R1, "usermod -s /usr/sbin/nologin bob"),
    "weak, publickey off": Case(R1, sshd=BASE + "PubkeyAuthentication no\n"),
    "known": Case(ED + EC, known=("ed", "ec")),
    "one is not known": Case(ED + EC, known=("ed",)),
    "unknown one is refused": Case(ED + "x " + EC, known=("ed",)),
    "file group-writable, private group": Case(prepare="chmod 664 " + HOME),
    "file group-writable, shared group": Case(prepare="chmod 664 " + HOME + "; gpasswd -a carol bob"),
    "file group-writable, shared group, not strict": Case(prepare="chmod 664 " + HOME + "; gpasswd -a carol bob", sshd=ONLY + "StrictModes no\n"),
    "file of carol, not strict": Case(prepare="chown carol " + HOME + "; chmod 444 " + HOME, sshd=ONLY + "StrictModes no\n"),
    "home writable by all, not strict": Case(prepare="chmod 777 /home/bob", sshd=ONLY + "StrictModes no\n"),
    "home sticky and writable by all, not strict": Case(prepare="chmod 1777 /home/bob", sshd=ONLY + "StrictModes no\n"),
    "folder above the home writable": Case(prepare="chmod 777 /home"),
    "folder above the home sticky": Case(prepare="chmod 1777 /home"),
    "folder above the home of carol": Case(prepare="mkdir /srv/h; mv /home/bob /srv/h/; chown carol /srv/h; usermod -d /srv/h/bob bob", places=("/srv/h/bob/.ssh/authorized_keys",)),
    "folder above the home of a group": Case(prepare="chgrp carol /home; chmod 775 /home"),
    "folder above the home of an empty group": Case(prepare="groupadd g7; chgrp g7 /home; chmod 775 /home"),
    "file with a list that lets carol write": Case(prepare="chmod 664 " + HOME, lists={HOME: "user:1002:6"}),
    "file with a list that lets carol read": Case(prepare="chmod 644 " + HOME, lists={HOME: "user:1002:4"}),
    "folder with a list that lets carol write": Case(prepare="chmod 771 /home/bob/.ssh", lists={"/home/bob/.ssh": "user:1002:7"}),
    "link to a safe place": Case(ED, LINKED.format("/etc/keys/k") + "chmod 755 /etc/keys", files={"/etc/keys/k": ED}),
    "link from a writable folder": Case(ED, LINKED.format("/etc/keys/k") + "chmod 777 /home/bob/.ssh", files={"/etc/keys/k": ED}),
    "link through a writable folder": Case(ED, LINKED.format("/srv/l/k") + "ln -s /etc/keys/k /srv/l/k; chmod 777 /srv/l", files={"/etc/keys/k": ED, "/srv/l/x": ""}),
    "link of carol in a sticky folder": Case(ED, LINKED.format("/srv/l/k") + "ln -s /etc/keys/k /srv/l/k; chmod 1777 /srv/l; chown -h carol /srv/l/k", files={"/etc/keys/k": ED, "/srv/l/x": ""}),
    "link of root in a sticky folder": Case(ED, LINKED.format("/srv/l/k") + "ln -s /etc/keys/k /srv/l/k; chmod 1777 /srv/l", files={"/etc/keys/k": ED, "/srv/l/x": ""}),
    "ssh folder is a link": Case(ED, "mv /home/bob/.ssh /srv/s; ln -s ../../srv/s /home/bob/.ssh"),
    "one file for all": Case("", sshd=ONLY + "AuthorizedKeysFile /etc/keys/all\n", files={"/etc/keys/all": ED}, places=("/etc/keys/all",)),
    "quoted name with tokens": Case("", sshd=ONLY + 'AuthorizedKeysFile "/etc/keys/%%%u.%U"\n', files={"/etc/keys/%bob.1001": R2}, places=("/etc/keys/%bob.1001",)),
    "password opens, weak key too": Case(R1, sshd=BASE),
    "empty password opens, weak key too": Case(R1, "passwd -d bob", sshd=BASE + "PermitEmptyPasswords yes\n"),
    "no keys": Case(""),
}  # fmt: skip


def enters(port: int, key: paramiko.PKey) -> bool:
    transport = test_ssh.socket.create_connection(("127.0.0.1", port), 10)
    with transport as sock:
        session = paramiko.Transport(sock)
        try:
            session.start_client(timeout=15)
            session.auth_publickey("bob", key)
            channel = session.open_session(timeout=10)
            channel.exec_command("true")
            return channel.recv_exit_status() == 0
        except (paramiko.SSHException, EOFError, OSError):
            return False
        finally:
            session.close()


def allow(path: Path, uid: int, rights: int) -> None:
    """Add one user to a path's access control list (acl(5), version 2 of its attribute); the mode's bits stay."""
    mode = path.stat().st_mode
    mask = mode >> 3 & 7
    rows = [(0x01, mode >> 6 & 7, -1), (0x02, rights, uid), (0x04, mask, -1), (0x10, mask | rights, -1), (0x20, mode & 7, -1)]
    data = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", tag, perm, number & 0xFFFFFFFF) for tag, perm, number in rows)
    os.setxattr(path, "system.posix_acl_access", data)


def way(root: Path, path: str) -> list[str]:
    """Every name that is looked up on the way to a file."""
    found, done, parts = [], "", path.strip("/").split("/")
    while parts:
        here = f"{done}/{parts.pop(0)}"
        found.append(here)
        if os.path.islink(root / here[1:]):
            target = os.readlink(root / here[1:])
            parts = posixpath.normpath(posixpath.join(done or "/", target)).strip("/").split("/") + parts
            done = ""
        else:
            done = here
    return found


def changed_by_another(root: Path, path: str) -> bool:
    """Whether carol or dave can move or write anything on the way to the file."""
    names = [name for name in way(root, path) if name.count("/") > 1 or name not in ("/etc", "/usr")]
    acts = "; ".join(f"chmod u+w '{name}'; mv -T '{name}' '{name}.x' && mv -T '{name}.x' '{name}' && echo CHANGED" for name in names)
    acts += f"; : >> '{names[-1]}' && echo CHANGED"
    return any("CHANGED" in lab.run(root, ["sh", "-c", acts], user=user).stdout for user in ("carol", "dave"))


@pytest.mark.lab
@pytest.mark.parametrize("name", CASES)
def test_keys(name: str, base: str) -> None:
    case = CASES[name]
    with lab.overlay() as root:
        prepared = test_ssh.Case(case.sshd, {"bob": case.keys}, prepare=f"{QUICK}; {REACH}; {case.prepare or 'true'}", files=case.files)
        test_ssh.prepare(root, prepared, base)
        for path, entry in case.lists.items():
            allow(root / path[1:], *map(int, entry.split(":")[1:]))
        evidence = lab.local(root) if list(CASES).index(name) % 6 == 0 else lab.mounted(root)
        with lab.sshd(root) as port, ThreadPoolExecutor(6) as together:
            opened = [key for key, came in zip(PRIVATE, together.map(lambda k: enters(port, k), PRIVATE.values()), strict=True) if came]
        weak, marks = set(), {}
        for key in {*opened, *case.known}:
            said = lab.run(root, ["ssh-keygen", "-l", "-f", "-"], stdin=line(PRIVATE[key])).stdout.split()
            marks[key] = said[1]
            if "RSA" in said[-1] and int(said[0]) < case.bits:
                weak.add(key)
        unsafe = any(os.path.lexists(root / place[1:]) and changed_by_another(root, place) for place in case.places)
    known = tuple(marks[key] for key in case.known)
    wrong = bool(opened) and bool(weak or unsafe or (known and any(marks[key] not in known for key in opened)))
    found = verdicts(run(authorized_keys, Host(evidence), known=known, rsa_bits=case.bits))
    assert found.get("bob", "pass") == ("fail" if wrong else "pass"), (opened, weak, unsafe, found)


SHARED: dict[str, tuple[dict[str, str], dict[str, str], str]] = {  # keys on one host, keys on another, preparation of both
    "own keys": ({"bob": ED, "carol": ED2}, {"bob": ED}, ""),
    "two names": ({"bob": ED, "carol": ED + ED2}, {}, ""),
    "two names on two hosts": ({"bob": ED}, {"carol": ED}, ""),
    "other comment and options": ({"bob": ED}, {"carol": "no-pty " + ED.replace("test", "x")}, ""),
    "one of them refused": ({"bob": ED, "carol": "#" + ED}, {}, ""),
    "one of them has no shell": ({"bob": ED, "carol": ED}, {}, "usermod -s /usr/sbin/nologin carol"),
    "root too": ({"bob": ED, "root": ED}, {}, ""),
    "nobody": ({}, {}, ""),
}


@pytest.mark.lab
@pytest.mark.parametrize("name", SHARED)
def test_shared(name: str, base: str) -> None:
    *keys, prepare = SHARED[name]
    hosts, opened = [], set()
    for number, held in enumerate(keys):
        with lab.overlay({"/etc/hostname": f"host{number}\n"}) as root:
            test_ssh.prepare(root, test_ssh.Case(ONLY, held, prepare=f"{QUICK}; {prepare or 'true'}"), base)
            hosts.append(Host(lab.mounted(root)))
            if held:
                with lab.sshd(root) as port:
                    users = ("bob", "carol", "root")
                    opened |= {user for user in users if test_ssh.login(port, user, "127.0.0.1", frozenset({Factor.KEY}), ONLY, "")}
    found = set(verdicts(run(shared_keys, tuple(hosts))).values())
    own = name == "own keys"  # the login above offers both keys
    assert found == ({"pass"} if own or len(opened) == 1 else {"not_applicable"} if not opened else {"fail", "pass"} & found | {"fail"}), (
        opened,
        found,
    )
