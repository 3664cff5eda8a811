"""How sudo finds out who is meant: names of hosts, netgroups, groups by number and by plugin, targets with a group; each release by its own rules."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from sovaudit.facts.host import Host
from sovaudit.facts.sudo_match import Request, Target
from tests import lab
from tests.truth.test_sudo import BASE, GIDS, GROUP, MAIN, judged

pytestmark = pytest.mark.lab

ID = "/usr/bin/id"
USERS = ("alice", "bob", "carol")
ASKED = ("root", "bob", ":docker", "root:docker", ":users", "bob:users")  # targets: user, group alone, both
FILES = {"/etc/nsswitch.conf": BASE["/etc/nsswitch.conf"] + "netgroup: files\n"}
TWO = GROUP + "sudo2:x:27:carol\nstaff:x:1400:bob\nstaff2:x:1400:\n"
WEB = "10.0.0.1 web1.example.org web1\n"


def ng(text: str, policy: str) -> dict[str, str]:
    return {**FILES, "/etc/netgroup": text, "/etc/sudoers": policy}


def hosts(text: str, policy: str) -> dict[str, str]:
    return {"/etc/hosts": text, "/etc/sudoers": policy}


CASES: dict[str, dict[str, str]] = {
    "a long name": hosts(WEB, "alice web1=ALL\nbob web1.example.org=ALL\ncarol web1.=ALL\n"),
    "a long name that is not asked for": hosts(WEB, "Defaults !fqdn\nalice web1=ALL\nbob web1.example.org=ALL\n"),
    "a long name that one does not ask for": hosts(WEB, "Defaults:alice !fqdn\nalice,bob web1.example.org=ALL\n"),
    "the loopback's name": hosts("127.0.0.1 localhost web1\n" + WEB, "alice web1=ALL\nbob localhost=ALL\ncarol web1.example.org=ALL\n"),
    "the first line of two": hosts("::1 v6.example.org web1\n127.0.0.1 v4.example.org web1\n", "alice v6.example.org=ALL\nbob v4=ALL\n"),
    "case and comments": hosts("#127.0.1.1 no web1\n 10.0.0.1\tWeb1.Example.org\tWEB1#x\n", "alice web1.example.org=ALL\nbob web1=ALL\n"),
    "no line for it": hosts("127.0.0.1 localhost\n", "alice web1=ALL\nbob web1.example.org=ALL\n"),
    "netgroups of users and hosts": ng("admins (-,alice,) (,bob,)\nweb (web1,,)(db1,,)\n", "+admins +web=ALL\ncarol +db=ALL\n"),
    "netgroups in netgroups": ng("all admins ops\nadmins (-,alice,) \\\n (x, carol ,)\nops (,bob,ex.org) all\n", "+all ALL=ALL\n"),
    "netgroups turned off": ng("all (,,)\n", "+all ALL=ALL\nDefaults !use_netgroups\n"),
    "netgroups that nobody names": {"/etc/netgroup": "all (,,)\n", "/etc/sudoers": "+all ALL=ALL\n"},
    "netgroups of NIS": {**ng("all (,,)\n", "+all ALL=ALL\n"), "/etc/nsswitch.conf": BASE["/etc/nsswitch.conf"] + "netgroup: nis\n"},
    "netgroups with the host": ng("all (web1,alice,) (db1,bob,)\n", "Defaults netgroup_tuple\n+all ALL=ALL\n"),
    "netgroups as targets": ng("all (,root,)\n", "alice ALL=(+all) ALL\nbob ALL=(ALL,!+all) ALL\n"),
    "groups by number": {"/etc/group": TWO, "/etc/sudoers": "Defaults match_group_by_gid\n%sudo2 ALL=ALL\n%staff2 ALL=ALL\n"},
    "groups by name": {"/etc/group": TWO, "/etc/sudoers": "%sudo2 ALL=ALL\n%staff2 ALL=ALL\n"},
    "a plugin that knows the system's groups": {"/etc/sudoers": "Defaults group_plugin=system_group.so\n%:sudo,%:users,%:docker ALL=ALL\n"},
    "a plugin that is not there": {"/etc/sudoers": "%:sudo ALL=ALL\n"},
    "a group beside the default target": {"/etc/sudoers": "alice ALL=(ALL) ALL\nbob ALL=(root) ALL\ncarol ALL=ALL\n"},
    "a group of a target": {"/etc/sudoers": "alice ALL=(:docker) ALL\nbob ALL=(root:docker) ALL\ncarol ALL=(ALL:docker) ALL\n"},
    "all groups but one": {"/etc/sudoers": "alice ALL=(:ALL,!docker) ALL\nbob ALL=(ALL:ALL,!docker) ALL\ncarol ALL=(root:!docker) ALL\n"},
    "groups of an alias": {"/etc/sudoers": "Runas_Alias G = docker, users\nRunas_Alias U = root\nalice ALL=(:G) ALL\nbob ALL=(root:G,!users) ALL\ncarol ALL=(U:docker) ALL\n"},
    "the caller's groups": {"/etc/sudoers": "Defaults preserve_groups\nalice ALL=(bob) ALL\n"},
    "privileges of Solaris": {"/etc/sudoers": 'alice ALL=PRIVS="x" ALL\nbob ALL=(root) LIMITPRIVS=y ALL\n'},
    "missing files": {"/etc/sudoers": "@include /etc/none\n@include /etc/none\n@include /etc/none\nbob ALL=ALL\nalice ALL=ALL\n"},
    "a missing file in a folder": {"/etc/sudoers": MAIN + "bob ALL=ALL\n", "/etc/sudoers.d/a": "@include /etc/none\nalice ALL=ALL\n", "/etc/sudoers.d/b": "carol ALL=ALL\n"},
    "a missing file at the end": {"/etc/sudoers": "bob ALL=ALL\n@include /etc/none\n"},
    "words after a file's name": {"/etc/sudoers": "@include /etc/sudoers.more # and so on\nbob ALL=ALL\n", "/etc/sudoers.more": "alice ALL=ALL\n"},
}  # fmt: skip
EVERYWHERE = ("netgroups as targets", "groups by number", "a group beside the default target", "a group of a target", "groups of an alias",
              "privileges of Solaris", "missing files", "a missing file in a folder", "a missing file at the end")  # fmt: skip


def ask(root: Path, questions: list[tuple[str, str]]) -> list[bool]:
    lines = ["mount -t proc proc /proc 2>/dev/null; hostname web1"]
    for user, target in questions:
        who, _, group = target.partition(":")
        options = (f"-u {shlex.quote(who)} " if who else "") + (f"-g {group}" if group else "")
        asking = f"setpriv --reuid {user} --regid {GIDS[user]} --init-groups sudo -l {options} {ID}"
        lines.append(f"{asking} >/dev/null 2>&1 && echo 1 || echo 0")
    (root / "ask").write_text("\n".join(lines) + "\n")
    done = lab.run(root, ["unshare", "--uts", "sh", "/ask"], timeout=60)
    return [line == "1" for line in done.stdout.split()]


def ours(host: Host, user: str, target: str) -> bool | None:
    account = host.accounts.get(user)
    assert account is not None
    who, _, group = target.partition(":")
    if who:
        return host.sudo.may_run(account, ID, runas=who, group=group or None).allowed
    return host.sudo.decide(account, Request(ID), Target(account, group, True)).allowed


@pytest.mark.parametrize("suite", ["bookworm", *lab.OTHER_SUITES])
def test_who_is_meant(suite: str) -> None:
    wrong = []
    with lab.on(suite), lab.overlay(BASE) as root:
        for number, (name, files) in enumerate(CASES.items()):
            if suite != "bookworm" and name not in EVERYWHERE:
                continue
            for old in [*(root / "etc/sudoers.d").iterdir(), root / "etc/netgroup"]:
                old.unlink(missing_ok=True)
            everything = {**BASE, "/etc/group": GROUP, **files}
            lab.write(root, everything)
            host = judged(everything) if number % 3 else Host(lab.mounted(root))
            questions = [(user, target) for user in USERS for target in ASKED]
            real = ask(root, questions)
            assert len(real) == len(questions)
            wrong += [
                f"{name} {user} {target}: sudo {really}, we {mine}"
                for (user, target), really in zip(questions, real, strict=True)
                if (mine := ours(host, user, target)) is not really
            ]
    assert wrong == []
