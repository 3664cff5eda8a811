"""Who becomes root by doas: the real program of Debian beside what the facts say.

Which rule decides is asked of `doas -C`, file by file on one root; whether root is had, of doas itself on a terminal, answered with nothing, the password,
a one-time code and both.
"""

from __future__ import annotations

import os
import re
import select
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from checks.two_factor.privilege_escalation import privilege_escalation
from sovaudit.facts.escalation import escalations
from sovaudit.facts.factors import Factor
from sovaudit.facts.host import Host
from sovaudit.facts.parse.doas_conf import Refused, parse_doas
from sovaudit.testing import run
from tests import lab
from tests.truth.doors import PASSWORDS, UIDS, account, code, people

pytestmark = pytest.mark.lab

READ = {
    "plain": "permit alice\n", "no newline at the end": "permit alice", "comment without newline": "permit alice\n# x", "comment behind a rule without newline": "permit alice # x",
    "carriage returns": "permit alice\r\n", "keyword on a continued line": "permit alice \\\n as root\n", "word on a continued line": "permit \\\nalice as root\n",
    "options continued": "permit nopass\\\n alice\n", "escaped keyword": "\\permit alice\n", "quoted keyword": '"permit" alice\n', "deny with an option": "permit alice\ndeny nopass bob\n",
    "nopass and persist": "permit nopass persist alice\n", "option behind the name": "permit alice nopass\n", "setenv over lines": "permit setenv {\nA B\n} alice\n",
    "setenv": "permit setenv { A B=c -D } alice\n", "setenv glued": "permit setenv{A}alice\n", "two setenv": "permit setenv { A } setenv { B } alice\n",
    "keyword in setenv": "permit setenv { cmd } alice\n", "uid": "permit 1001\n", "signed uid": "permit +1001\n", "uid behind a blank": 'permit " 1001"\n',
    "uid with a zero": "permit 01001\n", "sudo's uid": "permit #1001\n", "sudo's group": "permit %sudo\n", "group": "permit :sudo\n", "gid": "permit :27\n", "no group": "permit :\n",
    "as a number": "permit alice as 0\n", "as nobody": 'permit alice as ""\n', "as another": "permit alice as bob\n", "as another by number": "permit nopass alice as 1002\n",
    "cmd": "permit alice cmd id\n", "cmd by path": "permit alice cmd /usr/bin/id\n", "args": "permit alice cmd id args -u\n", "no args": "permit alice cmd id args\n",
    "an empty arg": 'permit alice cmd id args ""\n', "group denied behind": "permit alice\ndeny :sudo\n", "group denied before": "deny :sudo\npermit nopass alice\n",
    "keyword in args": "permit alice cmd id args as\n", "brace in args": "permit alice cmd id args {\n", "blank lines": "\n\n  \t\npermit alice\n\n", "group root": "permit nopass :root\n",
    "as before the name": "permit as root alice\n", "upper case": "Permit alice\n", "ALL": "permit ALL\n", "open quote": 'permit "alice\n', "quotes inside": 'permit al"ic"e\n',
    "hash in a word": "permit alice#x\n", "escaped hash": "permit alice\\#x\n", "escape at the end": "permit alice\n\\", "NUL in a comment": "permit alice\n#\0\n",
    "NUL": "permit ali\0ce\n", "byte order mark": "\ufeffpermit alice\n", "comments do not go on": "# x \\\npermit alice\n", "nothing on the continued line": "permit alice \\\n\n",
    "too long a word": "permit " + "a" * 1024 + "\npermit alice\n", "as long as it may be": "permit " + "a" * 1023 + "\npermit alice\n",
    "all options": "permit setenv { A } nopass keepenv nolog alice as root cmd id\n", "brace for a name": "permit { alice\n", "no name": "permit\n", "nopass twice": "permit nopass nopass alice\n",
    "same number, another name": "permit nopass twin\n", "group of one's own": "permit :alice\n", "command denied, any other not": "permit nopass alice\ndeny alice cmd id\n",
    "arguments denied": "permit alice\ndeny alice cmd id args -u\n", "denied as bob": "permit nopass alice\ndeny alice as bob\n", "wheel": "permit persist :wheel\n",
    "root alone": "permit nopass keepenv root\n", "blank in an arg": 'permit alice cmd id args "-u "\n', "numbers too great": "permit 65535\npermit :65535\n",
}  # fmt: skip
ASKED = (
    ("", "id", "-u"), ("", "id"), ("", "/usr/bin/id"), ("bob", "id", "-u"), ("root", "sh"),
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    if not Path("/usr/bin/doas").exists():
        if os.environ.get("SOVAUDIT_CI"):
            pytest.fail("install what tests/packages.txt names")
        pytest.skip("opendoas is not installed")


@contextmanager
def with_doas(files: dict[str, str], prepare: str = "", modes: dict[str, int] | None = None) -> Iterator[Path]:
    """The lab's people on a root with Debian's doas, which this machine lends."""
    with people({}) as root:
        shutil.copy2("/usr/bin/doas", root / "usr/bin/doas")
        (root / "usr/bin/doas").chmod(0o4755)
        shutil.copy2("/etc/pam.d/doas", root / "etc/pam.d/doas")
        lab.write(root, files, modes)
        if prepare:
            done = lab.run(root, ["sh", "-ec", prepare])
            assert done.returncode == 0, done.stderr
        yield root


def test_which_rule_decides() -> None:
    """Every file, every question, alice and bob: permit, with nopass or without, deny, or a file that doas refuses."""
    with with_doas({"/etc/doas.conf": "permit alice\n"}, "useradd -o -u 1001 twin") as root:
        script = []
        for number, text in enumerate(READ.values()):
            (root / f"c{number}").write_bytes(text.encode())
            for user in ("alice", "bob"):
                who = f"setpriv --reuid {UIDS[user]} --regid {UIDS[user]} --groups {'1001,27' if user == 'alice' else '1002'}"
                for target, *words in ASKED:
                    line = f"{who} doas -C /c{number} {f'-u {target}' if target else ''} {shlex.join(words)}"
                    script.append(f'echo "$({line} 2>/dev/null)"')
        said = lab.run(root, ["sh", "-c", "\n".join(script)], timeout=60).stdout.splitlines()
        evidence = lab.mounted(root)
    told = []
    for text in READ.values():
        host = Host(replace(evidence, artifacts={**evidence.artifacts, "file:/etc/doas.conf": text.encode()}))
        try:
            parse_doas(text, "/etc/doas.conf")
        except Refused:
            assert not host.doas.usable
            told += [""] * 2 * len(ASKED)
            continue
        for user in ("alice", "bob"):
            for target, *words in ASKED:
                (rule,) = host.doas.decide(account(host, user), account(host, target or "root"), words[0], tuple(words[1:]))
                told.append("deny" if rule is None or not rule.permit else "permit nopass" if rule.nopass else "permit")
    assert len(said) == len(told)
    names = [(name, user, asked) for name in READ for user in ("alice", "bob") for asked in ASKED]
    assert [(name, real, fact) for name, real, fact in zip(names, said, told, strict=True) if real != fact] == []
    assert {"", "deny", "permit", "permit nopass"} == set(said)


GA = "auth required pam_google_authenticator.so\n"
LOOSE = "@include common-auth\n@include common-account\nsession required pam_permit.so\n"
ID = ("doas", "id", "-u")
AS_BOB = ("doas", "-u", "bob")


@dataclass(frozen=True)
class Case:
    """conf: doas.conf. tries: commands that would print 0 as root."""

    conf: str
    files: dict[str, str] = field(default_factory=dict)
    prepare: str = ""
    tries: tuple[tuple[str, ...], ...] = (ID,)
    users: tuple[str, ...] = ("alice",)
    modes: dict[str, int] = field(default_factory=dict)


MINE = "install -D -o alice -m 755 /dev/stdin /home/alice/x.sh <<E\n#!/bin/sh\nexec id -u\nE"
CASES: dict[str, Case] = {
    "for the group": Case("permit persist :sudo\n", users=("alice", "bob")),
    "nopass": Case("permit nopass :sudo\n", users=("alice", "bob")),
    "code after the password": Case("permit :sudo\n", {"/etc/pam.d/doas": "@include common-auth\n" + GA + "@include common-account\nsession required pam_permit.so\n"}),
    "nopass, whatever PAM asks": Case("permit nopass alice\n", {"/etc/pam.d/doas": GA + LOOSE}),
    "nopass, account phase refuses": Case("permit nopass alice\n", {"/etc/pam.d/doas": "auth required pam_permit.so\naccount required pam_deny.so\nsession required pam_permit.so\n"}),
    "session refuses, and doas minds": Case("permit nopass alice\n", {"/etc/pam.d/doas": LOOSE.replace("session required pam_permit.so", "session required pam_deny.so")}),
    "session refused to root": Case("permit nopass alice\n", {"/etc/pam.d/doas": LOOSE + "session required pam_access.so\n", "/etc/security/access.conf": "-:root:ALL\n"}),
    "no file of its own": Case("permit alice\n", prepare="rm /etc/pam.d/doas"),
    "no file of its own, other is strict": Case("permit alice\n", {"/etc/pam.d/other": GA + LOOSE}, prepare="rm /etc/pam.d/doas"),
    "the group may write the file": Case("permit nopass alice\n", modes={"/etc/doas.conf": 0o664}),
    "the file is somebody's": Case("permit nopass alice\n", prepare="chown bob /etc/doas.conf"),
    "the file is a link": Case("", prepare="echo 'permit nopass alice' > /etc/real; ln -sf real /etc/doas.conf"),
    "no file": Case("", prepare="rm /etc/doas.conf"),
    "a folder": Case("", prepare="rm /etc/doas.conf; mkdir /etc/doas.conf"),
    "not setuid": Case("permit nopass alice\n", prepare="chmod 755 /usr/bin/doas"),
    "for a group only": Case("permit nopass alice\npermit nopass bob\n", prepare="chgrp staff /usr/bin/doas; chmod 4750 /usr/bin/doas; usermod -aG staff bob", users=("alice", "bob")),
    "no newline at the end": Case("permit nopass alice"),
    "expired": Case("permit nopass alice\n", prepare="chage -E 1 alice"),
    "locked password": Case("permit alice\n", prepare="usermod -p '!' alice"),
    "a command that gives a shell": Case("permit nopass alice cmd find\n", tries=(("doas", "find", "/", "-maxdepth", "0", "-exec", "id", "-u", ";"),)),
    "the same by path": Case("permit nopass alice as root cmd /usr/bin/env\n", tries=(("doas", "/usr/bin/env", "id", "-u"), ("doas", "env", "id", "-u"))),
    "fixed arguments": Case("permit nopass alice cmd find args /tmp\n", tries=(("doas", "find", "/", "-maxdepth", "0", "-exec", "id", "-u", ";"),)),
    "one that gives none": Case("permit nopass alice cmd whoami\n", tries=(("doas", "whoami"), ID)),
    "denied again": Case("permit nopass alice cmd env\ndeny :sudo\n", tries=(("doas", "env", "id", "-u"),)),
    "a shell denied": Case("permit nopass alice\ndeny alice cmd sh\ndeny alice cmd id\n", tries=(("doas", "/usr/bin/id", "-u"),)),
    "password for any, none for one": Case("permit alice\npermit nopass alice cmd env\n", tries=(ID, ("doas", "env", "id", "-u"))),
    "none for any, password for one": Case("permit nopass alice\npermit alice cmd id\n", tries=(ID, ("doas", "/usr/bin/id", "-u"))),
    "a script of one's own": Case("permit nopass alice cmd /home/alice/x.sh\n", prepare=MINE, tries=(("doas", "/home/alice/x.sh"),)),
    "a script of root's": Case("permit nopass alice cmd /opt/x.sh\n", {"/opt/x.sh": "#!/bin/sh\nexec true\n"}, prepare="chmod 755 /opt/x.sh", tries=(("doas", "/opt/x.sh"),)),
    "a relative path": Case("permit nopass alice cmd ./x.sh\n", prepare=MINE, tries=(("sh", "-c", "cd /home/alice; exec doas ./x.sh"),)),
    "a library by setenv": Case("permit nopass setenv { PERL5OPT PERL5LIB } alice cmd perl args /opt/x\n", {"/opt/x": "1;\n", "/home/x.pm": "exec qw(id -u);\n"}, tries=(("env", "PERL5LIB=/home", "PERL5OPT=-Mx", "doas", "perl", "/opt/x"),)),
    "as another who has doas": Case("permit nopass alice as bob\npermit nopass bob\n", tries=((*AS_BOB, "doas", "id", "-u"),)),
    "as another who is asked": Case("permit nopass alice as bob\npermit bob\n", tries=((*AS_BOB, "doas", "id", "-u"),)),
    "as another who has sudo": Case("permit nopass alice as bob\n", {"/etc/sudoers": "bob ALL=(ALL) NOPASSWD: ALL\n"}, tries=((*AS_BOB, "sudo", "-n", "id", "-u"),)),
    "sudo to another who has doas": Case("permit nopass bob\n", {"/etc/sudoers": "alice ALL=(bob) NOPASSWD: ALL\n"}, tries=(("sudo", "-n", "-u", "bob", "doas", "id", "-u"),)),
    "round and round": Case("permit nopass alice as bob\npermit nopass bob as alice\npermit nopass bob as carol\npermit nopass carol\n", tries=((*AS_BOB, "doas", "-u", "carol", "doas", "id", "-u"),)),
    "as another who has nothing": Case("permit nopass alice as bob\n", tries=((*AS_BOB, "id", "-u"),)),
    "su to another by doas": Case("permit nopass alice cmd su args bob\npermit nopass bob\n", tries=(("sh", "-c", "echo doas id -u | doas su bob"),)),
}  # fmt: skip
P, C = Factor.PASSWORD, Factor.OTP
OFFERS: tuple[frozenset[Factor], ...] = (frozenset(), frozenset({P}), frozenset({C}), frozenset({P, C}))


def on_terminal(root: Path, user: str, command: tuple[str, ...], offered: frozenset[Factor], seconds: float = 8) -> bool:
    """Whether `0` is printed. doas takes answers from a terminal only."""
    master, slave = os.openpty()
    who = ["setpriv", "--reuid", user, "--regid", str(UIDS[user]), "--init-groups", "sh", "-c", 'exec "$@"', "sh"]
    program = subprocess.Popen(
        ["setsid", "-w", "-c", "chroot", str(root), *who, *command], stdin=slave, stdout=slave, stderr=slave, close_fds=True,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "TERM": "dumb"},
    )  # fmt: skip
    os.close(slave)
    said, done, prompts = "", 0, 0
    until = time.monotonic() + seconds
    try:
        while time.monotonic() < until:
            if not select.select([master], [], [], 0.2)[0]:
                continue
            try:
                data = os.read(master, 4096)
            except OSError:  # the program has ended
                break
            if not data:
                break
            said += data.decode("utf-8", "replace")
            if said[done:].endswith(": "):
                prompt, done, prompts = said[done:], len(said), prompts + 1
                if prompts > 3:
                    break
                answer = (code() if C in offered else "") if "code" in prompt else PASSWORDS[user] if P in offered else ""
                os.write(master, answer.encode() + b"\n")
    finally:
        program.kill()
        program.wait()
        os.close(master)
    return re.search(r"^0\r?$", said, re.MULTILINE) is not None


def look(name: str) -> tuple[dict[tuple[str, frozenset[Factor]], bool], list[Host]]:
    case = CASES[name]
    files = {"/etc/sudoers": "root ALL=(ALL:ALL) ALL\n", "/etc/doas.conf": case.conf, **case.files}
    with with_doas(files, case.prepare, case.modes) as root:
        hosts = [Host(lab.mounted(root))]
        if list(CASES).index(name) % 6 == 0:
            hosts.append(Host(lab.local(root)))
        with ThreadPoolExecutor(4) as together:
            pairs = [(user, offered) for user in case.users for offered in OFFERS]
            came = together.map(lambda pair: any(on_terminal(root, pair[0], command, pair[1]) for command in case.tries), pairs)
            return dict(zip(pairs, came, strict=True)), hosts


@pytest.fixture(scope="module")
def seen() -> Iterator[dict[str, tuple[dict[tuple[str, frozenset[Factor]], bool], list[Host]]]]:
    """Every case at once: a refused password costs two seconds of waiting and no work."""
    lab.base_root()
    with ThreadPoolExecutor(16) as together:
        yield dict(zip(CASES, together.map(look, CASES), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_becoming_root(name: str, seen: dict[str, tuple[dict[tuple[str, frozenset[Factor]], bool], list[Host]]]) -> None:
    reached, hosts = seen[name]
    for host in hosts:
        verdicts = {outcome.subject: outcome.verdict.value for outcome in run(privilege_escalation, host)}
        for user in CASES[name].users:
            roads = escalations(host, account(host, user))
            told = {offered: any(factors <= offered for road in roads for factors in road.ways.certain) for offered in OFFERS}
            assert told == {offered: reached[user, offered] for offered in OFFERS}, (user, roads)
            assert not any(road.ways.possible for road in roads), (user, roads)
            cheap = reached[user, frozenset()] or reached[user, frozenset({P})]
            assert verdicts[user] == ("fail" if cheap else "pass"), user
