"""Real su as ordinary accounts that know root's password, and what we say of each; stacks and programs of many kinds."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from checks.least_privilege.su_restricted import su_restricted
from sovaudit.facts.host import Host
from sovaudit.testing import run, verdicts
from tests import lab

pytestmark = pytest.mark.lab

PASSWORD = "Kasbah-7-Olive"
HASH = subprocess.run(["openssl", "passwd", "-6", "-salt", "ab", PASSWORD], capture_output=True, text=True, check=True).stdout.strip()
PEOPLE = (("alice", 1000, 1000), ("bob", 1001, 1001), ("carol", 1002, 10), ("dave", 1003, 1003))
BASE = {
    "/etc/passwd": "root:x:0:0:root:/root:/bin/bash\n" + "".join(f"{n}:x:{u}:{g}::/tmp:/bin/sh\n" for n, u, g in PEOPLE),
    "/etc/group": "root:x:0:\nwheel:x:10:bob\nadm:x:4:dave\nalice:x:1000:\nbob:x:1001:\ndave:x:1003:\nshadow:x:42:\n",
    "/etc/shadow": f"root:{HASH}:19000:0:99999:7:::\n" + "".join(f"{n}:*:19000:0:99999:7:::\n" for n, _, _ in PEOPLE),
    "/etc/shells": "/bin/sh\n/bin/bash\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\n",
}
REST = "@include common-auth\n@include common-account\nsession required pam_permit.so\n"
ROOTOK = "auth sufficient pam_rootok.so\n"


def su(text: str) -> dict[str, str]:
    return {"/etc/pam.d/su": ROOTOK + text}


CASES: dict[str, tuple[Mapping[str, str], Mapping[str, int]]] = {
    name: (files, {})
    for name, files in {
        "Debian's own": {},
        "wheel": su("auth required pam_wheel.so use_uid\n" + REST),
        "wheel without use_uid": su("auth required pam_wheel.so\n" + REST),
        "wheel commented": su("#auth required pam_wheel.so\n" + REST),
        "wheel of another group": su("auth required pam_wheel.so group=adm use_uid\n" + REST),
        "wheel of a group that is not there": su("auth required pam_wheel.so group=none\n" + REST),
        "wheel of an empty name": su("auth required pam_wheel.so group=\n" + REST),
        "two groups, the last counts": su("auth required pam_wheel.so group=adm group=wheel\n" + REST),
        "requisite": su("auth requisite pam_wheel.so\n" + REST),
        "sufficient without trust": su("auth sufficient pam_wheel.so\n" + REST),
        "trust": su("auth sufficient pam_wheel.so trust use_uid\n" + REST),
        "trust, then only wheel": su("auth sufficient pam_wheel.so trust\nauth required pam_wheel.so\n" + REST),
        "required with trust alone": su("auth required pam_wheel.so trust\n@include common-account\n"),
        "deny": su("auth required pam_wheel.so deny group=adm\n" + REST),
        "deny a group that is not there": su("auth required pam_wheel.so deny group=none\n" + REST),
        "deny with trust": su("auth sufficient pam_wheel.so deny trust group=adm\n" + REST),
        "optional": su("auth optional pam_wheel.so\n" + REST),
        "root only": su("auth required pam_wheel.so root_only\n" + REST),
        "after a sufficient pam_unix": su("auth sufficient pam_unix.so nodelay\nauth required pam_wheel.so\n@include common-account\nsession required pam_permit.so\n"),
        "after common-auth": su("@include common-auth\nauth required pam_wheel.so\n@include common-account\nsession required pam_permit.so\n"),
        "in account": su("account required pam_wheel.so\n" + REST),
        "wheel after a sufficient account": su("account sufficient pam_permit.so\naccount required pam_wheel.so\n" + REST),
        "ignored by its control": su("auth [default=ignore] pam_wheel.so\n" + REST),
        "jumped over": su("auth [success=ignore default=1] pam_wheel.so\n" + REST + "auth required pam_deny.so\n"),
        "a jump that skips wheel": su("auth [success=1 default=ignore] pam_localuser.so\nauth required pam_wheel.so\n" + REST),
        "su-l without wheel": su("auth required pam_wheel.so\n" + REST) | {"/etc/pam.d/su-l": ROOTOK + REST},
        "su-l wheel, su not": {"/etc/pam.d/su-l": ROOTOK + "auth required pam_wheel.so\n" + REST},
        "both closed": su("auth required pam_deny.so\n@include common-account\n"),
        "a module that is not there": su("auth required pam_whele.so\n" + REST),
        "an optional module that is not there": su("-auth optional pam_whele.so\n" + REST),
        "succeed_if by group": su("auth required pam_succeed_if.so use_uid user ingroup wheel\n" + REST),
        "succeed_if by name": su("auth required pam_succeed_if.so use_uid user in bob:dave\n" + REST),
        "succeed_if of the target": su("auth required pam_succeed_if.so user ingroup wheel\n" + REST),
        "wheel by a second name": {**su("auth required pam_wheel.so\n" + REST), "/etc/group": BASE["/etc/group"] + "operators:x:10:alice\n"},
        "no wheel, so group 0": {**su("auth required pam_wheel.so\n" + REST), "/etc/group": "root:x:0:dave\nadm:x:4:\nalice:x:1000:\nbob:x:1001:\nshadow:x:42:\n"},
        "two uids": {**su("auth required pam_wheel.so\n" + REST), "/etc/passwd": BASE["/etc/passwd"] + "eve:x:1001:1001::/tmp:/bin/sh\n", "/etc/shadow": BASE["/etc/shadow"] + "eve:*:19000::::::\n"},
        "root has no password": {"/etc/shadow": BASE["/etc/shadow"].replace(HASH, "*")},
        "root is locked": {"/etc/shadow": BASE["/etc/shadow"].replace(HASH, "!" + HASH)},
        "root has expired": {"/etc/shadow": BASE["/etc/shadow"].replace(":7:::", ":7::10:", 1)},
        "root has no shell": {"/etc/passwd": BASE["/etc/passwd"].replace("/bin/bash", "/usr/sbin/nologin")},
        "a listed shell that is none": {"/etc/passwd": BASE["/etc/passwd"].replace("/bin/bash", "/usr/sbin/nologin"), "/etc/shells": "/bin/sh\n/usr/sbin/nologin\n"},
        "another root": {"/etc/passwd": BASE["/etc/passwd"] + "toor:x:0:0::/root:/bin/sh\n", "/etc/shadow": BASE["/etc/shadow"].replace(HASH, "*") + f"toor:{HASH}:19000:0:99999:7:::\n"},
        "a required one-time code": su("auth required pam_google_authenticator.so\n" + REST),
        "permit": su("auth sufficient pam_permit.so\n" + REST),
        "suauth": {"/etc/suauth": "root:ALL:DENY\n"},
        "a session that is denied": su("@include common-auth\n@include common-account\nsession required pam_deny.so\n"),
        "a session that is only denied, optionally": su("@include common-auth\n@include common-account\nsession optional pam_deny.so\n"),
        "a session that is allowed first": su("@include common-auth\n@include common-account\nsession sufficient pam_permit.so\nsession required pam_deny.so\n"),
        "a session for a group of the target": su("@include common-auth\n@include common-account\nsession required pam_succeed_if.so user ingroup wheel\n"),
        "wheel as a session": su("@include common-auth\n@include common-account\nsession required pam_wheel.so\n"),
        "a session module that is not there": su("@include common-auth\n@include common-account\nsession required pam_nothere.so\n"),
        "no session stack": su("@include common-auth\n@include common-account\n"),
        "no account stack": su("@include common-auth\n"),
    }.items()
}  # fmt: skip
CASES |= {
    "a program for a group": ({}, {"/usr/bin/su": 0o4750}),
    "a program that is not setuid": ({}, {"/usr/bin/su": 0o755}),
    "a program that only others may start": ({}, {"/usr/bin/su": 0o4705}),
    "setgid only": ({}, {"/usr/bin/su": 0o2755}),
}


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    with lab.overlay(BASE) as place:
        common = (place / "etc/pam.d/common-auth").read_text()
        (place / "etc/pam.d/common-auth").write_text(common.replace("pam_unix.so", "pam_unix.so nodelay"))
        (place / "etc/login.defs").write_text("FAIL_DELAY 0\n")
        for name in ("su", "su-l"):
            (place / f"root/{name}").write_bytes((place / f"etc/pam.d/{name}").read_bytes())
        (place / "root").chmod(0o700)
        (place / "p").write_text(PASSWORD + "\n")
        (place / "p").chmod(0o644)
        yield place


def becomes(root: Path, users: list[str]) -> list[bool]:
    """Whether `su` or `su -`, to any name with uid 0, gives uid 0 when it is told the password."""
    lines = ["mount -t proc proc /proc 2>/dev/null"]
    for user in users:
        one = " || ".join(
            f"setpriv --reuid {user} --regid $(id -g {user}) --init-groups sh -c 'timeout 8 su {dash} -s /bin/sh {name} -c \"echo yes; id -u\" </p 2>/dev/null' | tail -n 1 | grep -qx 0"
            for dash in ("", "-")
            for name in ("root", *(["toor"] if (root / "etc/passwd").read_text().count("toor") else []))
        )
        lines.append(f"( if {one}; then echo {user}; fi ) &")
    (root / "ask").write_text("\n".join([*lines, "wait"]) + "\n")
    done = lab.run(root, ["sh", "/ask"], timeout=60)
    return [user in done.stdout.split() for user in users]


@pytest.mark.parametrize("name", CASES)
def test_su(root: Path, name: str) -> None:
    files, modes = CASES[name]
    for service in ("su", "su-l"):
        (root / f"etc/pam.d/{service}").write_bytes((root / f"root/{service}").read_bytes())
    (root / "etc/suauth").unlink(missing_ok=True)
    lab.write(root, {**BASE, **files}, modes)
    program = root / "usr/bin/su"
    os.chown(program, 0, 10 if modes else 0)
    program.chmod(modes.get("/usr/bin/su", 0o4755))
    host = Host(lab.mounted(root) if list(CASES).index(name) % 4 else lab.local(root))
    users = [account.name for account in host.accounts if account.uid]
    real = becomes(root, users)
    found = verdicts(run(su_restricted, host))
    strict = verdicts(run(su_restricted, host, groups=("no-such-group",)))
    for user, really in zip(users, real, strict=True):
        verdict = strict.get(user) or strict["su"]
        assert verdict == ("fail" if really else "pass"), (user, real, run(su_restricted, host))
        if not really:
            assert (found.get(user) or found["su"]) == "pass", user
