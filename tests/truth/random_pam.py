"""Random but plausible PAM stacks: for tests/truth/test_random.py."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import random
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests import lab

PASSWORD = "Kx7-quiet-Harbour"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEH"
HEX = base64.b32decode(SECRET + "=" * (-len(SECRET) % 8)).hex()
# name → (uid, gid, shadow: `set` `locked` `none` `empty` `overdue` `expired`, enrolled)
PEOPLE: dict[str, tuple[int, int, str, str]] = {
    "root": (0, 0, "set", ""),
    "bob": (1001, 1001, "set", "good"),
    "carol": (1002, 1002, "set", ""),
    "dave": (1003, 1003, "set", "open to all"),
    "erin": (1004, 100, "empty", ""),
    "frank": (1005, 1005, "locked", "good"),
    "svc": (200, 200, "none", ""),
    "gina": (1006, 1006, "overdue", "good"),
    "hans": (1007, 1007, "expired", ""),
}
GROUP = (
    "root:x:0:\nadm:x:4:bob\nsudo:x:27:bob,frank\nstaff:x:50:carol\nusers:x:100:\nbob:x:1001:\ncarol:x:1002:\ndave:x:1003:carol\n"
    "frank:x:1005:\nsvc:x:200:\ngina:x:1006:\nhans:x:1007:\nwheel:x:998:bob\nops:x:999:erin,bob\n"
)
PLACES: dict[str, tuple[dict[str, str], ...]] = {
    "sshd": ({"rhost": "10.0.0.7", "tty": "ssh"}, {"rhost": "192.0.2.9", "tty": "ssh"}),
    "login": ({"tty": "tty1"}, {"tty": "pts/3"}),
    "su": ({"tty": "pts/3"}, {"tty": "tty1"}),
    "sudo": ({"tty": "/dev/pts/3"}, {"tty": "/dev/tty1"}),
    "app": ({},),
}


def code() -> str:
    digest = hmac.new(bytes.fromhex(HEX), struct.pack(">Q", int(time.time()) // 30), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(int.from_bytes(digest[at : at + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06d}"


def files(hashed: str) -> dict[str, str]:
    """The accounts of a root. hashed: crypt(5) of PASSWORD."""
    rows = {"passwd": [], "shadow": []}  # type: dict[str, list[str]]
    for name, (uid, gid, kind, _) in PEOPLE.items():
        home = "/root" if name == "root" else f"/home/{name}"
        rows["passwd"].append(f"{name}:x:{uid}:{gid}::{home}:{'/usr/sbin/nologin' if name == 'svc' else '/bin/bash'}\n")
        stored = {"locked": "!" + hashed, "none": "*", "empty": ""}.get(kind, hashed)
        ages = {"overdue": "18000:0:90:7:::", "expired": "19800:0:99999:7::19900:"}.get(kind, "19800:0:99999:7:::")
        rows["shadow"].append(f"{name}:{stored}:{ages}\n")
    written = {
        "/etc/passwd": "".join(rows["passwd"]),
        "/etc/shadow": "".join(rows["shadow"]),
        "/etc/group": GROUP,
        "/etc/users.oath": OATH,
    }
    return {**written, **{f"/home/{name}/.google_authenticator": f'{SECRET}\n" TOTP_AUTH\n' for name, row in PEOPLE.items() if row[3]}}


OATH = "".join(f"HOTP/T30/6 {name} - {HEX}\n" for name in ("bob", "dave", "gina"))


def modes() -> dict[str, tuple[int, int, int]]:
    """Modes and owners of those files, as `host_with` and chown take them."""
    found: dict[str, tuple[int, int, int]] = {"/etc/shadow": (0o640, 0, 42), "/etc/users.oath": (0o600, 0, 0)}
    for name, (uid, gid, _, enrolled) in PEOPLE.items():
        if name != "root":
            found[f"/home/{name}"] = (0o700, uid, gid)
        if enrolled:
            found[f"/home/{name}/.google_authenticator"] = (0o400 if enrolled == "good" else 0o644, uid, gid)
    return found


def settle(root: Path, written: Mapping[str, str]) -> None:
    """Puts the accounts into a root, with homes, owners and modes."""
    lab.write(root, written)
    for path, (mode, uid, gid) in modes().items():
        place = root / path[1:]
        place.mkdir(exist_ok=True) if not place.exists() else None
        os.chown(place, uid, gid)
        place.chmod(mode)


# Stacks


def control(dice: random.Random) -> str:
    plain = ["required", "requisite", "sufficient", "optional"]
    if dice.random() < 0.6:
        return dice.choice(plain)
    if dice.random() < 0.05:
        return dice.choice(["Required", "SUFFICIENT", "binding", "[success=ok", "[]", "[success]", "[default=bad success=huh]", "requird"])
    names = [
        "success",
        "auth_err",
        "ignore",
        "user_unknown",
        "perm_denied",
        "authinfo_unavail",
        "new_authtok_reqd",
        "acct_expired",
        "module_unknown",
    ]
    actions = ["ok", "ignore", "bad", "die", "done", "reset", "1", "2", "3"]
    some = [f"{name}={dice.choice(actions)}" for name in dict.fromkeys(["success", *dice.sample(names, dice.randint(0, 3))])]
    some += [f"default={dice.choice(actions)}"] if dice.random() < 0.8 else []
    if dice.random() < 0.2:
        dice.shuffle(some)
    return "[" + " ".join(some) + "]"


def _module(dice: random.Random, phase: str) -> str:
    def some(*words: str, most: int = 2) -> str:
        return " ".join(dice.sample(words, dice.randint(0, min(most, len(words)))))

    first = ("try_first_pass", "use_first_pass")
    auth = [
        lambda: f"pam_unix.so nodelay {some('nullok', *first, 'nullok_secure', 'likeauth')}",
        lambda: f"pam_unix.so nodelay {some('nullok', *first)}",
        lambda: f"pam_google_authenticator.so noskewadj {some('nullok', *first, 'forward_pass', 'no_strict_owner', 'allowed_perm=0644', 'secret=/home/bob/.google_authenticator', 'user=root', 'secret=${HOME}/.google_authenticator', 'debug')}",
        lambda: f"pam_google_authenticator.so noskewadj {some('nullok', *first, 'forward_pass')}",
        lambda: f"pam_oath.so usersfile=/etc/users.oath {some('window=20', 'digits=6', 'alwaysok')}",
    ]  # fmt: skip
    either = [
        lambda: "pam_permit.so",
        lambda: "pam_deny.so",
        lambda: f"pam_succeed_if.so {_condition(dice)}{dice.choice(['', '', ' quiet', ' use_uid'])}",
        lambda: f"pam_succeed_if.so quiet {_condition(dice)} {_condition(dice)}",
        lambda: f"pam_wheel.so {some('group=ops', 'trust', 'deny', 'use_uid', 'root_only', 'group=sudo', most=3)}",
        lambda: "pam_rootok.so",
        lambda: f"pam_faillock.so {dice.choice(['preauth', 'authfail', 'authsucc', ''])} {some('silent', 'deny=500', 'even_deny_root')} nodelay",
        lambda: f"pam_access.so {some('nodefgroup', 'accessfile=/etc/access.other', 'listsep=,', 'accessfile=/etc/nothing')}",
        lambda: f"pam_nologin.so {some('successok', 'file=/etc/closed')}",
        lambda: f"pam_listfile.so item={dice.choice(['user', 'user', 'group', 'shell', 'rhost', 'tty', 'ruser', 'moon'])} sense={dice.choice(['allow', 'deny'])} "
        f"file={dice.choice(['/etc/list', '/etc/list', '/etc/none'])} {some('onerr=succeed', 'onerr=fail', 'apply=bob', 'apply=@staff', 'quiet')}",
        lambda: "pam_shells.so",
        lambda: f"pam_localuser.so {some('file=/etc/local')}",
        lambda: f"pam_usertype.so {dice.choice(['issystem', 'isregular', ''])} {some('use_uid')}",
        lambda: "pam_securetty.so " + some("noconsole"),
        lambda: f"pam_debug.so {some('auth=perm_denied', 'acct=user_unknown', 'auth=ignore', 'auth=success')}",
        lambda: dice.choice(["pam_env.so", "pam_warn.so", "pam_faildelay.so delay=1", "pam_echo.so hello", "pam_missing.so", "pam_group.so", "pam_issue.so", "pam_mail.so", "pam_time.so"]),
    ]  # fmt: skip
    account = [
        lambda: f"pam_unix.so {some('broken_shadow')}",
        lambda: "pam_google_authenticator.so",
    ]
    weights = auth if phase == "auth" else account
    return dice.choice(weights if dice.random() < 0.45 else either)().strip()


def _condition(dice: random.Random) -> str:
    return dice.choice(
        [
            "user ingroup sudo", "user notingroup ops", "user = bob", "user != carol", "uid >= 1000", "uid < 1000", "uid eq 0", "user in bob:frank",
            "user notin root", "shell = /bin/bash", "user =~ b*", "user !~ *a*", "gid ge 0x3e8", "service = sshd", "rhost = 10.0.0.7", "tty =~ /dev/tty*", "tty =~ tty*",
            "ruser = bob", "user ingroup sudo:wheel", "uid > x", "home = /home/bob", "service in sshd:login", "rhost !~ 10.*", "ruser ingroup wheel", "user", "uid < ",
            "User = bob", "user EQ bob", "ruser != root", "tty = ssh",
        ]
    )  # fmt: skip


@dataclass(frozen=True)
class Stack:
    """A configuration: the service whose file is /etc/pam.d/SERVICE, and every other file that its modules read. None: the file is absent."""

    service: str
    files: Mapping[str, str | None]


OPTIONAL = ("/etc/pam.d/one", "/etc/pam.d/two", "/etc/pam.d/other", "/etc/nologin", "/etc/closed", "/etc/list", "/etc/local", "/etc/access.other",
            "/etc/securetty", "/etc/security/access.conf")  # fmt: skip


def stack(dice: random.Random) -> Stack:
    service = dice.choice(["sshd", "sshd", "login", "su", "sudo", "app"])
    made: dict[str, str | None] = dict.fromkeys(OPTIONAL)
    made["/etc/pam.d/one"] = _lines(dice, ["two"], most=3)
    made["/etc/pam.d/two"] = _lines(dice, [], most=3)
    made["/etc/pam.d/other"] = dice.choice(
        ["auth required pam_deny.so\naccount required pam_deny.so\n", "auth required pam_permit.so\naccount required pam_permit.so\n"]
    )
    made[f"/etc/pam.d/{service}"] = _lines(dice, ["one", "two", "one", "three"] if dice.random() < 0.1 else ["one", "two"], most=5)
    if dice.random() < 0.3:
        made["/etc/nologin"] = "down\n"
    if dice.random() < 0.3:
        made["/etc/closed"] = "down\n"
    if dice.random() < 0.8:
        made["/etc/list"] = "".join(
            dice.sample(
                [
                    "bob\n",
                    "carol\n",
                    "root\n",
                    "sudo\n",
                    "staff\n",
                    "/bin/bash\n",
                    "10.0.0.7\n",
                    "tty1\n",
                    "# bob\n",
                    "\n",
                    "bob \n",
                    "b*\n",
                ],
                dice.randint(0, 4),
            )
        )
    if dice.random() < 0.5:
        made["/etc/local"] = dice.choice(["bob:x:1001:\n", "root:x\ncarol\n", ""])
    if dice.random() < 0.5:
        made["/etc/securetty"] = dice.choice(["tty1\n", "", "# x\n", "ssh\n", "pts/3\n"])
    for path in ("/etc/security/access.conf", "/etc/access.other"):
        if dice.random() < 0.7:
            made[path] = access(dice)
    return Stack(service, made)


def _lines(dice: random.Random, includes: list[str], *, most: int) -> str:
    made = []
    for phase in ("auth", "account"):
        for _ in range(dice.randint(0 if dice.random() < 0.05 else 1, most)):
            word = dice.random()
            if includes and word < 0.12:
                made.append(f"{phase} include {dice.choice(includes)}")
            elif includes and word < 0.24:
                made.append(f"{phase} substack {dice.choice(includes)}")
            elif includes and word < 0.3:
                made.append(f"@include {dice.choice(includes)}")
            elif word < 0.33:
                made.append(
                    dice.choice(
                        [
                            "# auth required pam_deny.so",
                            f"{phase} required \\\n pam_permit.so",
                            "",
                            f"-{phase} {control(dice)} {_module(dice, phase)}",
                            f"{phase}",
                            f"{phase.upper()} required pam_deny.so # no",
                        ]
                    )
                )
            else:
                made.append(f"{phase} {control(dice)} {_module(dice, phase)}")
    if dice.random() < 0.2:
        dice.shuffle(made)
    return "\n".join(made) + "\n"


def access(dice: random.Random) -> str:
    who = [
        "root",
        "bob",
        "carol",
        "ALL",
        "(sudo)",
        "sudo",
        "ALL EXCEPT root",
        "bob carol",
        "(staff) bob",
        "ALL EXCEPT (sudo) carol",
        "Bob",
        "wheel",
    ]
    where = [
        "ALL",
        "LOCAL",
        "10.0.0.0/8",
        "10.",
        "192.0.2.9",
        "tty1",
        "ALL EXCEPT LOCAL",
        "cron",
        "10.0.0.7 tty1",
        "none.example.org",
        ".example.org",
        "ALL EXCEPT 10.0.0.0/8",
    ]
    rows = [
        f"{dice.choice('+-')}{dice.choice([':', ' : '])}{dice.choice(who)}{dice.choice([':', ' : '])}{dice.choice(where)}"
        for _ in range(dice.randint(0, 3))
    ]
    if dice.random() < 0.5:
        rows.append("-:ALL:ALL" if dice.random() < 0.8 else "# -:ALL:ALL")
    if dice.random() < 0.1:
        rows.insert(0, dice.choice(["+:bob", "bob:ALL", "", "*:bob:ALL", "+ : ALL : ALL : x"]))
    return "\n".join(rows) + "\n"
