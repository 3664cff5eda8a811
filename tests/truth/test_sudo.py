"""The real sudo and our reading of its files, side by side: `sudo -l command` as each user in real roots, many policies each."""

from __future__ import annotations

import random
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from sovaudit.facts.host import Host
from sovaudit.testing import host_with
from tests import lab

pytestmark = pytest.mark.lab

PASSWD = "".join(
    f"{name}:x:{uid}:{gid}::/home/{name}:/bin/sh\n"
    for name, uid, gid in (
        ("root", 0, 0),
        ("alice", 1000, 1000),
        ("bob", 1001, 1001),
        ("carol", 1002, 100),
        ("Dora", 1003, 1003),
        ("www-data", 33, 33),
    )
)
GROUP = "root:x:0:\nsudo:x:27:alice\nalice:x:1000:\nbob:x:1001:\nusers:x:100:bob\nDora:x:1003:\ndocker:x:999:carol\nops team:x:1200:bob\nwww-data:x:33:\nlong1:x:1300:alice,carol\n"
BASE = {
    "/etc/passwd": PASSWD,
    "/etc/group": GROUP,
    "/etc/shadow": "".join(f"{row.split(':')[0]}:*:19000::::::\n" for row in PASSWD.splitlines()),
    "/etc/hostname": "web1\n",
    "/etc/hosts": "127.0.0.1 localhost\n10.0.0.1 web1.example.org web1\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files\n",
    "/etc/pam.d/sudo": "auth sufficient pam_permit.so\naccount required pam_permit.so\nsession required pam_permit.so\n",
}
VERSIONS = {"bullseye": "1.9.5p2-3+deb11u1", "bookworm": "1.9.13p3-1+deb12u1", "trixie": "1.9.16p2-3+deb13u5"}
USERS = ("alice", "bob", "carol", "Dora")
GIDS = {row.split(":")[0]: row.split(":")[3] for row in PASSWD.splitlines()}
# (command, arguments, runas)
ASKED: tuple[tuple[str, str, str], ...] = (
    ("/usr/bin/id", "", "root"), ("/bin/id", "", "root"), ("/usr/bin/id", "-u", "root"), ("/usr/bin/id", "-u x", "root"), ("/usr/bin/id", "", "bob"),
    ("/usr/bin/id", "", "www-data"), ("/bin/ls", "/etc", "root"), ("/usr/bin/ls", "-l /etc", "root"), ("/usr/bin/su", "", "root"), ("/bin/su", "-", "root"),
    ("/usr/bin/cat", "/var/log/a", "root"), ("/usr/bin/cat", "/var/log/../x", "root"), ("/usr/sbin/useradd", "x", "root"), ("/usr/bin/env", "", "alice"),
)  # fmt: skip


def judged(files: Mapping[str, str], modes: Mapping[str, tuple[int, int, int]] | None = None) -> Host:
    """The same files as evidence."""
    links = {"/bin": "usr/bin", "/sbin": "usr/sbin"}
    seen = {"/usr/bin/sudo": (0o4755, 0, 0), **{path: (0o440, 0, 0) for path in files if "sudoers" in path}, **(modes or {})}
    seen |= {f"/usr/bin/{name}": (0o755, 0, 0) for name in ("id", "ls", "cat", "su", "env")}
    seen["/usr/sbin/useradd"] = (0o755, 0, 0)
    return host_with(
        {"/etc/os-release": "ID=debian\n", **BASE, **files},
        modes=seen,
        links=links,
        artifacts={"packages": f"sudo {VERSIONS[lab.suite()]}\n"},
        kind="root",
    )


def ask(root: Path, questions: list[tuple[str, str, str, str]]) -> list[bool]:
    """The real answers of `sudo -l -u runas command args`, asked as the user (`-l -U` compares with the one who asks), all in one shell."""
    lines = ["mount -t proc proc /proc 2>/dev/null; hostname web1"]
    for user, command, args, runas in questions:
        words = " ".join(shlex.quote(word) for word in args.split())
        lines.append(
            f"setpriv --reuid {user} --regid {GIDS[user]} --init-groups sudo -l -u {runas} {shlex.quote(command)} {words} >/dev/null 2>&1 && echo 1 || echo 0"
        )
    (root / "ask").write_text("\n".join(lines) + "\n")
    done = lab.run(root, ["unshare", "--uts", "sh", "/ask"], timeout=120)
    answers = [line == "1" for line in done.stdout.split()]
    assert len(answers) == len(questions), done.stderr[-2000:]
    return answers


def compare(
    root: Path, files: dict[str, str], *, modes: Mapping[str, tuple[int, int, int]] | None = None, users: tuple[str, ...] = USERS
) -> list[str]:
    """Questions on which sudo and we differ. A None of ours is a difference, too."""
    folder = root / "etc/sudoers.d"
    for old in list(folder.iterdir()):
        old.unlink()
    lab.write(root, {**BASE, **files}, {path: mode[0] for path, mode in (modes or {}).items()})
    host = judged(files, modes)
    questions = [(user, *asked) for user in users for asked in ASKED]
    wrong = []
    for question, real in zip(questions, ask(root, questions), strict=True):
        user, command, args, runas = question
        account = host.accounts.get(user)
        assert account is not None
        mine = host.sudo.may_run(account, command, args, runas)
        if mine.allowed is not real:
            wrong.append(f"{files} {question}: sudo {real}, we {mine}")
    return wrong


MAIN = "@includedir /etc/sudoers.d\n"
WRITTEN: dict[str, dict[str, str]] = {
    name: {"/etc/sudoers": text}
    for name, text in {
        "plain": "alice ALL=ALL\n%users ALL=(ALL:ALL) ALL\n",
        "uid and gid": "#1000 ALL=(#0) ALL\n%#100 ALL=(#33) ALL\n",
        "last match over lines": "alice ALL=ALL\nalice ALL=!/usr/bin/su\nalice ALL=/usr/bin/su -\n",
        "negation before ALL": "alice ALL=!/usr/bin/su, ALL\n",
        "negation after ALL": "alice ALL=ALL, !/usr/bin/su\n",
        "double negation": "alice ALL=!!ALL\nbob ALL=ALL, !!!/usr/bin/id\n",
        "negated user": "ALL, !alice ALL=ALL\n",
        "negated user first": "!alice, ALL ALL=ALL\n",
        "aliases": "User_Alias A = alice, %docker : B = bob\nCmnd_Alias C = /usr/bin/id, !/usr/bin/id -u\nRunas_Alias R = root, bob\nHost_Alias H = web1, !db1\nA H=(R) C\n!B ALL=ALL\n",
        "negated aliases": "Cmnd_Alias C = /usr/bin/id, !/usr/bin/id -u\nalice ALL=ALL, !C\n",
        "alias redefined": "User_Alias A = alice\nUser_Alias A = bob\nA ALL=ALL\n",
        "alias undefined": "NOBODY ALL=ALL\nalice ALL=NOTHING, /usr/bin/id\nbob ALL=(NOONE) ALL\ncarol NOHOST=ALL\n",
        "alias loop": "User_Alias A = B, alice\nUser_Alias B = A, bob\nA ALL=ALL\n",
        "alias named by a user": "User_Alias ADMINS = alice\nADMINS ALL=ALL\nCmnd_Alias ALICE = /usr/bin/id\nbob ALL = ALICE\n",
        "alias kinds are apart": "User_Alias X = alice\nHost_Alias X = web1\nCmnd_Alias X = /usr/bin/id\nRunas_Alias X = bob\nX X=(X) X\n",
        "Cmd_Alias": "Cmd_Alias X = /usr/bin/id\nalice ALL = X\n",
        "reserved alias": "User_Alias ALL = alice\nbob ALL=ALL\nUser_Alias ROLE = bob\n",
        "hosts": "alice web1=ALL\nbob web1.example.org=ALL\ncarol web2=ALL\nDora ALL,!web1=ALL\n",
        "host patterns": "alice web*=ALL\nbob *.example.org=ALL\ncarol WEB1=ALL\nDora w?b[12]=ALL\n",
        "two hosts in a line": "alice web2 = ALL : web1 = /usr/bin/id\n",
        "bad second host": "alice web1 = /usr/bin/id : foo\nbob web1 = ALL : foo bar ALL\n",
        "runas none": "alice ALL=() ALL\nbob ALL=(:) ALL\ncarol ALL=(:docker) ALL\n",
        "runas list": "alice ALL=(bob, www-data) ALL\nbob ALL=(ALL, !root) ALL\ncarol ALL=(%users) ALL\n",
        "runas inherits": "alice ALL=(bob) /usr/bin/id, /usr/bin/ls, (root) /usr/bin/su\n",
        "runas default": "Defaults runas_default=bob\nalice ALL=ALL\n",
        "runas default of one": "Defaults:alice runas_default=bob\nalice,carol ALL=ALL\n",
        "arguments": 'alice ALL=/usr/bin/id -u\nbob ALL=/usr/bin/id ""\ncarol ALL=/usr/bin/id *\n',
        "argument wildcards": "alice ALL=/usr/bin/cat /var/log/*\nbob ALL=/usr/bin/id -[a-z]\ncarol ALL=/usr/bin/id -?\n",
        "escaped arguments": "alice ALL=/usr/bin/ls \\-l /etc, /usr/bin/id\nbob ALL=/usr/bin/ls -l\\ /etc\ncarol ALL=/usr/bin/ls /e\\tc\n",
        "regex": "alice ALL=/usr/bin/id ^-[a-z]$\nbob ALL=^/usr/bin/(id|ls)$\ncarol ALL=^/usr/bin/.*$ ^.*$, !^.*/su$\n",
        "regex of an option": "alice ALL=/usr/bin/cat ^/var/log/[a-z]+$\nbob ALL=/usr/bin/id ^(-u|-g)( x)?$\n",
        "directory": "alice ALL=/usr/bin/\nbob ALL=/bin/, !/usr/bin/su\ncarol ALL=/usr/bin\n",
        "path wildcards": "alice ALL=/usr/*/id\nbob ALL=/usr/bin/*, !/usr/bin/s*\ncarol ALL=/*/ls\nDora ALL=/usr/bin/[a-l]*\n",
        "other spelling of a path": "alice ALL=/bin/id\nbob ALL=/usr/bin/../bin/id\n",
        "missing program": "alice ALL=/opt/none, /usr/bin/id\n",
        "comments": "alice ALL=ALL # all of it\n#1001 ALL=ALL\n# 1002 ALL=ALL\n#-1 ALL=ALL\ncarol ALL=/usr/bin/id#x\n",
        "continuation": "alice ALL=\\\n  /usr/bin/id, \\\n  /usr/bin/su\nbob \\\nALL=ALL\n# comment \\\ncarol ALL=ALL\n",
        "continued keyword": "alice ALL=/usr/bin/id, \\\nDefaults runas_default=bob\nbob ALL=ALL\n",
        "ends in a continuation": "alice ALL=ALL\nbob ALL=ALL \\\n",
        "ends in a continuation at once": "alice ALL=ALL\n\\\n",
        "no newline at the end": "alice ALL=ALL\nbob ALL=ALL",
        "carriage returns": "alice ALL=ALL\r\nbob ALL=/usr/bin/id\r\n",
        "quoted names": '"alice" ALL=ALL\n"%ops team" ALL=ALL\n%ops\\ team ALL=/usr/bin/id\n',
        "escaped names": "al\\x69ce ALL=ALL\nb\\ob ALL=ALL\n",
        "case of names": "ALICE ALL=ALL\nbOB ALL=ALL\ndora ALL=ALL\n%SUDO ALL=/usr/bin/id\n",
        "case counts": "Defaults !case_insensitive_user, !case_insensitive_group\naLICE ALL=ALL\ndora ALL=ALL\n%Sudo ALL=ALL\n%users ALL=ALL\n",
        "netgroups": "+admins ALL=ALL\nalice +hosts=ALL\nbob ALL=ALL\n",
        "syntax error in the middle": "alice ALL=ALL\nbob ALL ALL\ncarol ALL=ALL\n",
        "syntax error in an alias": "User_Alias A = alice,\nA ALL=ALL\nbob ALL=ALL\n",
        "error after an alias": "User_Alias A = alice : B = !!! : C = carol\nA ALL=ALL\nB ALL=ALL\nC ALL=ALL\n",
        "relative command": "alice ALL=id\nbob ALL=ALL, id\ncarol ALL=/usr/bin/id,\n",
        "digest": "alice ALL=sha256:zz /usr/bin/id\nbob ALL=ALL\n",
        "time window": "alice ALL=NOTBEFORE=20200101000000Z ALL\nbob ALL=NOTAFTER=20200101000000Z ALL\ncarol ALL=NOTBEFORE=2020 ALL\nDora ALL=NOTBEFORE=20200101000000Z NOTAFTER=20210101000000Z /usr/bin/id, /usr/bin/ls\n",
        "options": "alice ALL=CWD=/tmp TIMEOUT=10m ROLE=x TYPE=y ALL\nbob ALL=TIMEOUT=10q ALL\ncarol ALL=CWD=tmp ALL\nDora ALL=TIMEOUT=1h2m NOPASSWD: ALL\n",
        "tags": "alice ALL=NOPASSWD:SETENV: ALL\nbob ALL=NOPASSWD : ALL\ncarol ALL=NOEXEC:NOPASSWD:/usr/bin/id,PASSWD:/usr/bin/ls\nDora ALL=LOG_INPUT:NOLOG_OUTPUT:MAIL:FOLLOW:INTERCEPT: ALL\n",
        "unknown tag": "alice ALL=NOPASS: ALL\nbob ALL=ALL\n",
        "tag before runas": "alice ALL=NOPASSWD: (bob) ALL\nbob ALL=(bob) NOPASSWD: ALL\n",
        "unknown defaults": "Defaults nonsense\nDefaults env_reset=5\nalice ALL=ALL\n",
        "broken defaults": "Defaults =x\nDefaults:alice\nDefaults foo=,bar\nalice ALL=ALL\n",
        "defaults of all kinds": "Defaults:alice,bob !lecture\nDefaults>root !set_home\nDefaults@web1 log_year\nDefaults!/usr/bin/id !env_reset\nDefaults env_keep+=\"A B\", env_keep-=A\nalice ALL=ALL\n",
        "a user called Defaults": "Defaultsx ALL=ALL\nalice ALL=ALL\n",
        "no blank": "alice ALL=ALL,!/usr/bin/su\nbob ALL=(root)/usr/bin/id\n",
        "sudoedit": "alice ALL=sudoedit /etc/hosts\nbob ALL=/usr/bin/sudoedit /etc/hosts\ncarol ALL=sudoedit /etc/*\n",
        "list": "alice ALL=list\nbob ALL=ALL\n",
        "empty": "",
        "only a comment": "# nothing",
        "spaces before": "   alice ALL=ALL\n\t bob ALL = ALL\n",
        "commas": "alice , bob ALL = /usr/bin/id , /usr/bin/ls\n",
        "address": "alice 127.0.0.1=ALL\nbob ALL=ALL\n",
        "exclamation with a blank": "alice ALL=ALL, ! /usr/bin/su\nbob ALL=ALL, ! ! /usr/bin/su\n! alice, ALL ALL=/usr/bin/id -u\n",
        "NUL": "alice ALL=ALL\n",
        "unclosed quote": '"alice ALL=ALL\nbob ALL=ALL\n',
        "unclosed parenthesis": "alice ALL=(root ALL\nbob ALL=ALL\n",
        "include missing": "@include /etc/none\nalice ALL=ALL\n",
        "hash include": "#include /etc/none\n#includedir /etc/none.d\nalice ALL=ALL\n",
        "a profile of AppArmor": "alice ALL=APPARMOR_PROFILE=x /usr/bin/id\nbob ALL=/usr/bin/id\n",
        "include after a rule": "alice ALL=ALL @include /x\nbob ALL=ALL\n",
        "what glibc makes of a regular expression": "alice ALL=^/usr/bin/(id$\nbob ALL=^/usr/bin/i\\d$\ncarol ALL=^/usr/bin/\\w{2}$\nDora ALL=/usr/bin/id ^-+*$\n",
        "a regular expression that matches any": "alice ALL=^.*$\nbob ALL=ALL, !^/usr/bin/s.*$\ncarol ALL=/usr/bin/id ^()$\nDora ALL=^/usr/bin/id$ *\n",
        "timeouts": "alice ALL=TIMEOUT=1d1d ALL\nbob ALL=TIMEOUT=1m1h ALL\ncarol ALL=TIMEOUT=99999d ALL\nDora ALL=TIMEOUT=5s3 ALL\n",
        "quotes around a folder": "alice ALL=(root) CWD=\"/tmp\" ALL\nbob ALL=CWD = /tmp ALL\ncarol ALL=CWD=/tmp, ALL\n",
        "an option that cannot be off": "Defaults !runas_default\nalice ALL=ALL\nDefaults runas_default\nbob ALL=(bob) ALL\n",
        "a default target for one target": "Defaults>bob runas_default=bob\nalice ALL=ALL\n",
        "a default target for root": "Defaults>root runas_default=bob\nalice ALL=ALL\n",
        "patterns by name alone": "Defaults fast_glob\nalice ALL=/bin/i*\nbob ALL=/usr/bin/i*\ncarol ALL=/usr/bin/[!i]*\n",
        "a folder of folders": "alice ALL=/*/*\nbob ALL=/usr/*in/*\ncarol ALL=/usr/*/\n",
        "the whole root as its own": "alice ALL=CHROOT=/ /usr/bin/id\n",
    }.items()
}  # fmt: skip
WRITTEN |= {
    "names in a folder": {"/etc/sudoers": MAIN, "/etc/sudoers.d/a.b": "alice ALL=ALL\n", "/etc/sudoers.d/c~": "bob ALL=ALL\n", "/etc/sudoers.d/ok": "carol ALL=ALL\n"},
    "order in a folder": {"/etc/sudoers": MAIN, "/etc/sudoers.d/10-a": "alice ALL=ALL\n", "/etc/sudoers.d/9-b": "alice ALL=!ALL\n", "/etc/sudoers.d/Z": "bob ALL=ALL\n"},
    "rule after a folder": {"/etc/sudoers": MAIN + "alice ALL=!ALL\n", "/etc/sudoers.d/x": "alice ALL=ALL\nbob ALL=ALL\n"},
    "error in a folder": {"/etc/sudoers": MAIN, "/etc/sudoers.d/a": "alice ALL ALL\n", "/etc/sudoers.d/b": "alice ALL=ALL\n"},
    "continued over files": {"/etc/sudoers": MAIN + "bob ALL=ALL\n", "/etc/sudoers.d/a": "alice ALL=/usr/bin/id, \\\n", "/etc/sudoers.d/b": "/usr/bin/ls\n"},
    "alias of another file": {"/etc/sudoers": "A ALL=ALL\n" + MAIN, "/etc/sudoers.d/a": "User_Alias A = alice\n"},
    "relative include": {"/etc/sudoers": "@include sudoers.d/x.conf\n", "/etc/sudoers.d/x.conf": "alice ALL=ALL\n@include y.conf\n", "/etc/sudoers.d/y.conf": "bob ALL=ALL\n"},
    "include of itself": {"/etc/sudoers": "alice ALL=ALL\n@include /etc/sudoers\nbob ALL=ALL\n"},
    "include by host": {"/etc/sudoers": "@include /etc/sudoers.%h\n", "/etc/sudoers.web1": "alice ALL=ALL\n"},
    "quoted include": {"/etc/sudoers": '@include "/etc/sudoers x"\n', "/etc/sudoers x": "alice ALL=ALL\n"},
    "escaped include": {"/etc/sudoers": "@include /etc/sudoers\\ x\n", "/etc/sudoers x": "alice ALL=ALL\n"},
    "rest after an include": {"/etc/sudoers": "@include /etc/sudoers.d/x y z\nbob ALL=ALL\n", "/etc/sudoers.d/x": "alice ALL=ALL\n"},
}  # fmt: skip


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    with lab.overlay(BASE) as place:
        yield place


@pytest.mark.parametrize("name", WRITTEN)
def test_written(root: Path, name: str) -> None:
    assert compare(root, WRITTEN[name]) == []


@pytest.mark.parametrize(
    ("path", "mode"),
    [("/etc/sudoers", 0o666), ("/etc/sudoers", 0o644), ("/etc/sudoers", 0o460), ("/etc/sudoers.d/x", 0o666), ("/etc/sudoers.d/x", 0o660), ("/etc/sudoers.d/x", 0o400)],
)  # fmt: skip
def test_modes(root: Path, path: str, mode: int) -> None:
    files = {"/etc/sudoers": "bob ALL=ALL\n" + MAIN, "/etc/sudoers.d/x": "alice ALL=ALL\n"}
    assert compare(root, files, modes={path: (mode, 0, 0)}) == []


GROUPS = {
    "two groups of one number": GROUP + "staff:x:1400:bob\nstaff2:x:1400:carol\nsudo2:x:27:Dora\n",
    "a second line of a name": GROUP + "sudo:x:27:carol\nsudo:x:1500:bob\n",
    "a line commented out": GROUP + "#sudo:x:27:carol\n#x:x:1600:bob\n",
    "blanks, signs and missing fields": GROUP + " staff:x:01400:bob , carol\nstaff2:x:+1500: carol,Dora\nlean:x:1700\n",
    "a primary group by number only": GROUP.replace("users:x:100:bob\n", ""),
    "a primary group of two names": GROUP.replace("users:x:100:bob\n", "people:x:100:\nusers:x:100:bob\n"),
}


@pytest.mark.parametrize("name", GROUPS)
def test_groups(root: Path, name: str) -> None:
    text = "%sudo ALL=/usr/bin/id\n%sudo2 ALL=/usr/bin/ls\n%staff ALL=/usr/bin/su\n%staff2 ALL=/usr/bin/env\n%users ALL=/bin/ls\n%people ALL=(bob) ALL\n%#100 ALL=/usr/bin/cat\n%#27 ALL=/usr/sbin/useradd\n"
    try:
        assert compare(root, {"/etc/sudoers": text, "/etc/group": GROUPS[name]}) == []
    finally:
        lab.write(root, {"/etc/group": GROUP})


OWNERS: dict[str, str] = {
    "file of alice": "chown 1000 etc/sudoers.d/x",
    "file that alice's group may write": "chown 0:1000 etc/sudoers.d/x; chmod 460 etc/sudoers.d/x",
    "file that alice's group may read": "chown 0:1000 etc/sudoers.d/x",
    "folder for all": "chmod 777 etc/sudoers.d",
    "folder of alice": "chown 1000 etc/sudoers.d",
    "folder for root's group": "chmod 775 etc/sudoers.d",
    "link to a file of root": "mv etc/sudoers.d/x srv/y; ln -s /srv/y etc/sudoers.d/x",
    "link to a file of alice": "mv etc/sudoers.d/x srv/y; chown 1000 srv/y; ln -s /srv/y etc/sudoers.d/x",
    "linked folder": "mv etc/sudoers.d srv/d; ln -s /srv/d etc/sudoers.d",
    "linked main file": "mv etc/sudoers srv/m; ln -s /srv/m etc/sudoers",
    "main file of alice": "chown 1000 etc/sudoers",
    "a folder and a pipe among the files": "mkdir etc/sudoers.d/a; mkfifo etc/sudoers.d/b",
    "a file that nobody may read": "chmod 0 etc/sudoers.d/x",
    "a tilde in the middle": "mv etc/sudoers.d/x etc/sudoers.d/x~y",
    "a dot in front": "mv etc/sudoers.d/x etc/sudoers.d/.x",
    "another policy file": "printf 'Plugin sudoers_policy sudoers.so sudoers_file=/srv/s\\n' >etc/sudo.conf; echo 'alice ALL=ALL' >srv/s; chmod 440 srv/s",
    "another owner": "printf 'Plugin sudoers_policy sudoers.so sudoers_uid=1000\\n' >etc/sudo.conf",
    "an insecure sudo.conf": "printf 'Plugin sudoers_policy sudoers.so sudoers_file=/srv/s\\n' >etc/sudo.conf; chmod 666 etc/sudo.conf",
    "no recovery from errors": "printf 'Plugin sudoers_policy sudoers.so error_recovery=false\\n' >etc/sudo.conf; echo 'foo bar' >>etc/sudoers",
}  # fmt: skip


@pytest.mark.parametrize("name", OWNERS)
def test_owners_and_links(name: str) -> None:
    with lab.overlay({**BASE, "/etc/sudoers": "bob ALL=ALL\n" + MAIN, "/etc/sudoers.d/x": "alice ALL=ALL\n"}) as root:
        subprocess.run(["sh", "-ec", OWNERS[name]], cwd=root, check=True)
        host = Host(lab.mounted(root) if list(OWNERS).index(name) % 4 else lab.local(root))
        real = ask(root, [(user, "/usr/bin/id", "", "root") for user in ("alice", "bob")])
    for user, allowed in zip(("alice", "bob"), real, strict=True):
        account = host.accounts.get(user)
        assert account is not None
        assert host.sudo.may_run(account, "/usr/bin/id").allowed is allowed, user


def random_policy(dice: random.Random) -> str:
    """A policy put together from pieces, most of them right."""
    user = [
        "alice",
        "bob",
        "carol",
        "%users",
        "%sudo",
        "#1000",
        "%#100",
        "ALL",
        "!alice",
        "!%users",
        "UA",
        "UB",
        "!UA",
        "!!bob",
        '"alice"',
        "UNDEF",
    ]
    host = ["ALL", "web1", "HA", "!db", "web*", "ALL, !web1", "web2"]
    runas = [
        "",
        "",
        "(root) ",
        "(ALL) ",
        "(ALL:ALL) ",
        "(bob) ",
        "(RA) ",
        "(!root, ALL) ",
        "(ALL, !root) ",
        "(:docker) ",
        "() ",
        "(#0) ",
        "(%users) ",
    ]
    tags = ["", "", "", "NOPASSWD: ", "PASSWD:", "NOEXEC:NOPASSWD: "]
    command = ["ALL", "/usr/bin/id", "/bin/id -u", '/usr/bin/id ""', "!/usr/bin/su", "!/bin/su -", "/usr/bin/", "/usr/bin/*", "!/usr/bin/s*", "CA", "!CA", "CB", "!CB",
               "/usr/bin/cat /var/log/*", "^/usr/bin/[il].*$", "/usr/bin/id ^-.$", "!ALL", "/usr/bin/ls /etc", "!!/usr/bin/ls", "CUNDEF"]  # fmt: skip

    def some(pieces: list[str], most: int) -> str:
        return ", ".join(dice.choice(pieces) for _ in range(dice.randint(1, most)))

    lines = [
        f"User_Alias UA = {some(user, 3)} : UB = {some(user, 2)}",
        f"Host_Alias HA = {some(host, 2)}",
        f"Runas_Alias RA = {some(['root', 'bob', '!root', 'www-data', 'ALL', '#33', '%users'], 3)}",
        f"Cmnd_Alias CA = {some(command, 3)}",
        f"Cmnd_Alias CB = {some(command, 3)}",
    ]
    for _ in range(dice.randint(1, 5)):
        commands = ", ".join(dice.choice(runas) + dice.choice(tags) + dice.choice(command) for _ in range(dice.randint(1, 4)))
        lines.append(f"{some(user, 2)} {some(host, 2)} = {commands}")
    if dice.random() < 0.3:
        lines.insert(
            dice.randrange(len(lines)),
            dice.choice(
                ["alice ALL", "bob ALL=", "X", "alice ALL=(root ALL", "Defaults", "User_Alias UA = x", ", , ,", "alice ALL=ALL : web1"]
            ),
        )
    if dice.random() < 0.2:
        lines.insert(0, dice.choice(["Defaults runas_default=bob", "Defaults:alice runas_default=bob", "Defaults !case_insensitive_user"]))
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("seed", range(60))
def test_generated(root: Path, seed: int) -> None:
    assert compare(root, {"/etc/sudoers": random_policy(random.Random(seed))}, users=("alice", "bob", "carol")) == []
