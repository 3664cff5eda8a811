"""Targets, plans and the least rights."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sovaudit.collectors import CollectOptions, collect, parse_target, plan, privileges, script
from sovaudit.collectors.items import COMMANDS, ITEMS
from sovaudit.errors import UsageError
from sovaudit.model.evidence import Target
from sovaudit.model.verdict import Reason, TargetStatus

GOOD = {
    "local:": ("local", "local:"),
    "ssh://bob@example.org": ("ssh", "ssh://bob@example.org"),
    "ssh://bob@example.org:2222/": ("ssh", "ssh://bob@example.org:2222"),
    "ssh://example.org": ("ssh", "ssh://example.org"),
    "ssh://bob@[::1]:22": ("ssh", "ssh://bob@[::1]:22"),
    "root:/": ("root", "root:/"),
}
BAD = [
    "", "host", "local:/x", "root:", "root:/nowhere/at/all", "ssh://", "ssh://bob:pw@host", "ssh://host:99999", "ssh://host:0", "ssh://-oProxyCommand=x", "ssh://-l@host", "ssh://host/path",
    "ftp://host", "ssh:host", "ssh://a b", "ssh://h\n",
]  # fmt: skip


@pytest.mark.parametrize("text", GOOD)
def test_targets(text: str) -> None:
    target = parse_target(text)
    assert (target.kind, target.uri) == GOOD[text]
    assert parse_target(target.uri) == target


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_target(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_target(text)
    assert caught.value.hint


def test_a_password_in_a_url_is_never_echoed() -> None:
    with pytest.raises(UsageError) as caught:
        parse_target("ssh://bob:hunter2@host")
    assert "hunter2" not in str(caught.value)


def test_secrets_are_not_in_a_repr() -> None:
    shown = repr(CollectOptions(password="hunter2", sudo_password="hunter3", key_passphrase="hunter4"))
    assert "hunter" not in shown


def test_the_plan_names_every_item_and_command_and_no_secret() -> None:
    lines = "\n".join(plan(parse_target("ssh://bob@host"), CollectOptions(sudo=True, sudo_password="hunter2")))
    assert all(item.path in lines for item in ITEMS)
    assert all(command.line in lines for command in COMMANDS)
    assert "hunter2" not in lines and "sudo -S" in lines
    assert "run " not in "\n".join(plan(Target("root:/x", "root:/x", "root")))


def test_a_folder_that_is_no_root(tmp_path: Path) -> None:
    seen = collect(parse_target(f"root:{tmp_path}"))
    assert seen.status is TargetStatus.FAILED and "no root file system" in seen.error and seen.artifacts == {}


def test_a_root_that_vanished(tmp_path: Path) -> None:
    seen = collect(Target("root:/x", f"root:{tmp_path}/gone", "root"))
    assert seen.status is TargetStatus.FAILED and "cannot be opened" in seen.error


def test_a_small_root(tmp_path: Path) -> None:
    (tmp_path / "etc/ssh").mkdir(parents=True)
    (tmp_path / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    (tmp_path / "etc/ssh/sshd_config").symlink_to("/../../../../etc/ssh/real")
    (tmp_path / "etc/ssh/real").write_text("PermitRootLogin no\n")
    os.mkfifo(tmp_path / "etc/group")
    (tmp_path / "etc/shells").write_bytes(b"x" * (1024 * 1024 + 1))
    seen = collect(parse_target(f"root:{tmp_path}"))
    assert seen.artifacts["file:/etc/ssh/real"] == b"PermitRootLogin no\n"
    assert "file:/etc/group" not in seen.artifacts
    assert {gap.item: gap.reason for gap in seen.gaps}["file:/etc/shells"] is Reason.TRUNCATED
    assert seen.status is TargetStatus.PARTIAL
    assert b"-\t\t\t\t\t\t/etc/shadow\n" in seen.artifacts["tree"]
    assert {gap.item for gap in seen.gaps if gap.item.startswith("cmd:")} == {f"cmd:{command.name}" for command in COMMANDS}


def test_a_bound_on_bytes(tmp_path: Path) -> None:
    (tmp_path / "etc/ssh").mkdir(parents=True)
    (tmp_path / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    for name in ("one", "two", "three", "four"):
        (tmp_path / "etc/ssh" / name).write_text("x y " * 100)
    seen = collect(parse_target(f"root:{tmp_path}"), CollectOptions(max_bytes=1000))
    assert sum(len(data) for name, data in seen.artifacts.items() if name.startswith("file:")) <= 1000
    assert any(gap.reason is Reason.TRUNCATED for gap in seen.gaps)


def test_the_sudoers_line_pins_these_bytes() -> None:
    line = privileges.sudoers_line("auditor")
    assert hashlib.sha256(privileges.collector()).hexdigest() in line
    assert line.endswith(' /usr/local/lib/sovaudit/collect ""\n')
    assert line in privileges.sudoers("auditor")
    for user, path in (("a b", "/x"), ("a\nALL", "/x"), ("auditor", "x"), ("auditor", "/x y"), ("auditor", "/a/../b")):
        with pytest.raises(UsageError):
            privileges.sudoers_line(user, path)


def test_the_script_is_plain_sh() -> None:
    for text in (script.body(), script.installed_copy().decode(), privileges.sudoers("auditor")):
        for shell in ("dash", "bash"):
            assert subprocess.run([shell, "-n"], input=text, text=True, capture_output=True, timeout=20).stderr == ""
    assert "<<" not in script.body().replace("<<'", "")  # a here-document may write a temporary file
    assert "'" not in script.awk()


def test_paramiko_is_imported_for_ssh_only() -> None:
    code = "import sys, sovaudit.collectors as c; c.parse_target('ssh://a@b'); c.plan(c.parse_target('local:')); print('paramiko' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_every_place_where_facts_look_for_a_program_is_looked_at() -> None:
    """A place that is not, with a folder there that was not listed, would leave a host without that program `unknown`."""
    from sovaudit.collectors.items import ITEMS
    from sovaudit.facts.ssh import PROGRAMS
    from sovaudit.facts.sudo_policy import BINARIES

    assert {*PROGRAMS, *BINARIES} <= {item.path for item in ITEMS}


def test_the_plan_names_the_command_that_the_script_runs_for_a_journal() -> None:
    from sovaudit.collectors import host_log, plan, script

    assert host_log.COMMAND in script.awk()
    assert any(host_log.COMMAND in line for line in plan(parse_target("local:"), CollectOptions(log_records=True)))
    assert not any("SYSLOG_FACILITY" in line for line in plan(parse_target("local:"), CollectOptions()))


@pytest.mark.parametrize(
    ("uri", "options", "says"),
    [
        ("ldaps://h/dc=a", CollectOptions(), "connect to h port 636, TLS, certificate verified, anonymous"),
        (
            "ldap://h/dc=a",
            CollectOptions(ldap_bind_dn="cn=b"),
            "connect to h port 389, StartTLS, certificate verified, simple bind as cn=b",
        ),
        ("ldap://h/dc=a", CollectOptions(ldap_clear=True), "connect to h port 389, in clear, anonymous"),
        ("ldaps://h", CollectOptions(ldap_insecure=True, ldap_sasl="gssapi"), "connect to h port 636, TLS, any certificate, GSSAPI"),
    ],
)
def test_a_plan_says_how_a_directory_is_reached(uri: str, options: CollectOptions, says: str) -> None:
    lines = plan(parse_target(uri), options)
    assert lines[1].startswith(says + ";")


def test_a_plan_names_the_host_in_between() -> None:
    lines = plan(parse_target("ssh://auditor@web1"), CollectOptions(jump="gate@bastion"))
    assert lines[1].startswith("on one SSH channel, through gate@bastion: ")
