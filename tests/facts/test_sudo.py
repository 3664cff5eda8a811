# ruff: noqa: E501 - one table, few lines
"""The lexer, the grammar and the matching of sudoers on hostile input, and what grants say."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sovaudit.facts.netgroups import Netgroups
from sovaudit.facts.parse.globs import Malformed, Unsupported, glob_matches, regex_matches
from sovaudit.facts.parse.sudoers import Policy, parse
from sovaudit.facts.sudo_shells import makes_root
from sovaudit.testing import host_with
from tests.checks.test_least_privilege_sudo_root import host

PIECES = st.sampled_from(
    ["alice", "ALL", "=", " ", "\n", ",", "!", "(", ")", ":", "NOPASSWD:", "User_Alias ", "Cmnd_Alias ", "A", "B", "/bin/sh", "\\", "\\\n", '"', "#", "%sudo", "Defaults", "^a$",
     "sha256:", "@include x", "#includedir /x", "+n", "10.0.0.1/8", "::1", "\t", "\r\n", "\0", "sudoedit", "CWD=/", "TIMEOUT=1", "é", "*", "[", "\udc80"]
)  # fmt: skip


def policy(text: str) -> Policy:
    return parse("/etc/sudoers", text, lambda name, directory, asking: ([], False))


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=60).map("".join))
def test_no_input_crashes(text: str) -> None:
    policy(text)
    machine = host(text.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
    for account in machine.accounts:
        machine.sudo.reaches_root(account)
        machine.sudo.grants(account)


@settings(max_examples=300, deadline=None)
@given(st.text("a*?[]!-\\/.^$(|)+{1,}", max_size=30), st.text("ab/.-", max_size=30))
def test_no_pattern_crashes(pattern: str, text: str) -> None:
    glob_matches(pattern, text, pathname=True, period=True)
    try:
        regex_matches(pattern, text)
    except (Malformed, Unsupported):
        return


def test_aliases_that_double_stay_cheap() -> None:
    rows = ["User_Alias A0 = nobody1, nobody2"] + [f"User_Alias A{n} = A{n - 1}, A{n - 1}" for n in range(1, 60)]
    started = time.process_time()
    machine = host("\n".join([*rows, "A59 ALL=ALL"]))
    assert [machine.sudo.reaches_root(account).level for account in machine.accounts] == ["none"] * 3
    assert time.process_time() - started < 2


def test_patterns_stay_cheap() -> None:
    started = time.process_time()
    assert not glob_matches("*a" * 300, "a" * 3000 + "b")
    assert not regex_matches("^(a|a)*(a*)*b$", "a" * 2000)
    assert time.process_time() - started < 2


def test_a_long_file_stays_cheap() -> None:
    started = time.process_time()
    found = policy("alice ALL=(root) NOPASSWD: /usr/bin/id -u *, !/usr/bin/su\n" * 2000)
    assert len(found.specs) == 2000
    assert time.process_time() - started < 5


def test_grants_say_what_remains() -> None:
    machine = host("alice ALL=(bob) NOPASSWD: /usr/bin/id, PASSWD: /usr/bin/ls\nalice ALL=(bob) !/usr/bin/ls\n")
    alice = machine.accounts.get("alice")
    assert alice is not None
    assert [(grant.command, grant.runas, grant.target, grant.nopasswd, grant.certain) for grant in machine.sudo.grants(alice)] == [
        ("/usr/bin/id", "bob", "bob", True, True)
    ]


def test_the_line_that_decides_is_named() -> None:
    machine = host("alice ALL=ALL\nalice ALL=!/usr/bin/id\n")
    alice = machine.accounts.get("alice")
    assert alice is not None
    decision = machine.sudo.may_run(alice, "/usr/bin/id")
    assert decision.allowed is False
    assert [line.number for line in decision.because] == [2]


NAMES = {"/etc/hostname": "web1\n", "/etc/os-release": "ID=debian\n", "/etc/passwd": "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n",
         "/etc/group": "root:x:0:\n", "/etc/nsswitch.conf": "hosts: files\n", "/etc/sudoers": "alice web1.example.org=ALL\n"}  # fmt: skip


@pytest.mark.parametrize(
    ("files", "allowed"),
    [
        ({"/etc/hosts": "10.0.0.1 web1.example.org web1\n"}, True),
        ({"/etc/hosts": "10.0.0.1 web1.example.org web1\n", "/etc/os-release": "ID=fedora\n"}, False),
        ({"/etc/hosts": "127.0.0.1 localhost\n"}, False),
        ({"/etc/hosts": "127.0.0.1 localhost\n", "/etc/nsswitch.conf": "hosts: files myhostname dns\n"}, False),
        ({"/etc/hosts": "127.0.0.1 localhost\n", "/etc/nsswitch.conf": "hosts: files dns\n"}, None),
        (
            {
                "/etc/hosts": "127.0.0.1 localhost\n",
                "/etc/nsswitch.conf": "hosts: files dns\n",
                "/etc/sudoers": "alice db1.example.org=ALL\n",
            },
            False,
        ),
    ],
)
def test_the_long_name_of_a_host(files: dict[str, str], allowed: bool | None) -> None:
    host = host_with({**NAMES, **files}, modes={"/usr/bin/sudo": (0o4755, 0, 0), "/etc/sudoers": (0o440, 0, 0)}, kind="root")
    account = host.accounts.get("alice")
    assert account is not None
    assert host.sudo.may_run(account, "/usr/bin/id").allowed is allowed


def test_netgroups_of_a_file() -> None:
    groups = Netgroups("all ops (web1,,) \\\n (,eve,)\nops (,bob,ex.org) all\nall (,,)\n#x (,,)\n")
    assert groups.has("all", user="eve") and groups.has("ops", user="bob") and groups.has("all", host="WEB1", user="anybody")
    assert not groups.has("ops", host="web2", user="carol") and not groups.has("x", user="eve") and not groups.has("none")


@pytest.mark.parametrize(
    ("command", "args", "root"),
    [
        ("/usr/sbin/ip", "-batch /tmp/x", True),
        ("/usr/sbin/ip", "link -batch /tmp/x", False),
        ("/usr/sbin/ip", "-n x netns exec x /tmp/x", True),
        ("/usr/bin/dpkg-deb", "-x /tmp/x.deb /", True),
        ("/usr/bin/dpkg-deb", "-I /tmp/x.deb -x /tmp/x.deb", False),
        ("/usr/bin/dpkg-statoverride", "--update --add root root 4755 /bin/sh", True),
        ("/usr/bin/dpkg-statoverride", "--add root root 4755 /bin/sh", False),
        ("/usr/bin/dpkg-statoverride", "--update --add root root 755 /bin/sh", False),
        ("/bin/mkdir", "-m 777 /etc/systemd/system/x.service.d", True),
        ("/bin/mkdir", "--mode=755 /etc/systemd/system/x.service.d", False),
        ("/bin/mkdir", "-m 777 /srv/x", False),
        ("/bin/login", "-f root", True),
        ("/bin/login", "", False),
        ("/usr/bin/m4", "/tmp/x.m4", True),
        ("/usr/bin/java", "-jar /opt/app.jar", False),
        ("/usr/bin/gzip", "/tmp/x /etc/cron.d/x", False),
        ("/usr/bin/systemd-inhibit", "--what=idle /tmp/x", True),
        ("/usr/sbin/apache2ctl", "restart", False),
        ("/usr/bin/flock", "-n /tmp/l /opt/app/fixed.sh", False),
        ("/usr/bin/flock", "-n /run/lock/x /tmp/x", True),
        ("/usr/bin/flock", "/run/lock/x -c /tmp/x", True),
        ("/usr/bin/flock", "-w 5 /run/lock/x timeout -s kill 5 /tmp/x", True),
        ("/usr/bin/taskset", "-c 0,1 /tmp/x", True),
        ("/usr/bin/taskset", "0x1 /usr/bin/id", False),
        ("/usr/bin/taskset", "1 /tmp/x", True),
        ("/usr/bin/env", "-u foo /tmp/x", True),
        ("/usr/bin/xargs", "-I {} sh", True),
        ("/usr/bin/strace", "-o /tmp/log /usr/bin/id", False),
        ("/usr/bin/sudo", "-u bob /tmp/x", False),
        ("/usr/bin/sudo", "-u root /tmp/x", True),
        ("/usr/bin/sudo", "-i -u bob", False),
        ("/usr/bin/gpasswd", "-d x root", False),
        ("/usr/bin/gpasswd", "-a x sudo", True),
        ("/usr/sbin/usermod", "-L -o -u 0 x", True),
        ("/usr/sbin/apache2ctl", "-f /tmp/x", True),
    ],
)
def test_programs_and_arguments(command: str, args: str, root: bool) -> None:
    assert bool(makes_root(command, args)) is root
