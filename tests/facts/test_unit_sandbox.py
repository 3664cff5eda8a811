from __future__ import annotations

import pytest

from checks.log_completeness.auth_events import auth_events
from checks.log_completeness.central import central
from sovaudit.facts.parse.ini import parse_ini
from sovaudit.facts.unit_sandbox import Sandbox
from sovaudit.model.finding import Line
from sovaudit.testing import run, verdicts
from tests.log_hosts import NO_JOURNAL, log_host

UNITS = "/etc/systemd/system"


def sandbox(text: str) -> Sandbox:
    return Sandbox(parse_ini([Line("/x", number, row) for number, row in enumerate(["[Service]", *text.split("\n")], 1)]))


@pytest.mark.parametrize(
    ("text", "shut"),
    [
        ("", False), ("ProtectSystem=yes", False), ("ProtectSystem=full", False), ("ProtectSystem=strict", True),
        ("ProtectSystem=strict\nProtectSystem=full", False), ("ProtectSystem=strict\nReadWritePaths=-/var/log", False),
        ("ProtectSystem=strict\nReadWritePaths=/var/log\nReadWritePaths=", True), ("ProtectSystem=strict\nReadWritePaths=/var/lib", True),
        ("ProtectSystem=strict\nLogsDirectory=x", True), ("ProtectSystem=strict\nReadWritePaths=/var\nReadOnlyPaths=/var/log", True),
        ("ReadOnlyPaths=/var\nReadWritePaths=/var/log/auth.log", False), ("InaccessiblePaths=/var/log", True), ("TemporaryFileSystem=/var:ro", True),
        ("ReadOnlyPaths=/var/lo", False), ("BindReadOnlyPaths=/srv/x:/var/log", True), ("PrivateTmp=yes", False),
    ],
)  # fmt: skip
def test_where_it_may_write(text: str, shut: bool) -> None:
    assert (sandbox(text).shuts("/var/log/auth.log") is not None) is shut


@pytest.mark.parametrize(
    ("text", "offline"),
    [
        ("", False), ("PrivateNetwork=yes", True), ("PrivateNetwork=yes\nPrivateNetwork=no", False), ("RestrictAddressFamilies=AF_UNIX", True),
        ("RestrictAddressFamilies=AF_UNIX AF_INET6", False), ("RestrictAddressFamilies=~AF_PACKET", False),
        ("RestrictAddressFamilies=~AF_INET AF_INET6", True), ("RestrictAddressFamilies=AF_UNIX\nRestrictAddressFamilies=", False),
        ("IPAddressDeny=any", True), ("IPAddressDeny=any\nIPAddressAllow=localhost", True), ("IPAddressDeny=any\nIPAddressAllow=192.0.2.0/24", False),
    ],
)  # fmt: skip
def test_whether_it_reaches_others(text: str, offline: bool) -> None:
    assert (sandbox(text).offline() is not None) is offline


@pytest.mark.parametrize(
    ("level", "quiet"), [("", False), ("info", False), ("6", False), ("notice", True), ("WARNING", True), ("x", False)]
)
def test_how_loud_it_is(level: str, quiet: bool) -> None:
    assert (sandbox(f"LogLevelMax={level}").quiet(6) is not None) is quiet


@pytest.mark.parametrize(
    ("unit", "text", "login", "sudo"),
    [
        ("rsyslog", "ProtectSystem=strict\n", "fail", "fail"), ("rsyslog", "ProtectSystem=full\n", "pass", "pass"),
        ("rsyslog", "User=nosuch\n", "fail", "fail"), ("rsyslog", "User=root\n", "pass", "pass"),
        ("ssh", "LogLevelMax=warning\n", "fail", "pass"), ("ssh", "LogNamespace=ssh\n", "unknown", "pass"),
    ],
)  # fmt: skip
def test_drop_ins_that_take_records_away(unit: str, text: str, login: str, sudo: str) -> None:
    files: dict[str, str | None] = {
        "/usr/lib/systemd/system/rsyslog.service": "[Service]\nExecStart=/usr/sbin/rsyslogd -n\n",
        "/usr/lib/systemd/system/ssh.service": "[Service]\nExecStart=/usr/sbin/sshd -D\n",
        "/usr/lib/systemd/system/multi-user.target": "[Unit]\n",
        f"{UNITS}/{unit}.service.d/a.conf": f"[Service]\n{text}",
    }
    said = verdicts(run(auth_events, log_host({**NO_JOURNAL, **files}, kind="root")))
    assert (said["ssh-login"], said["sudo"]) == (login, sudo)


def test_a_daemon_without_a_network_sends_nothing() -> None:
    files: dict[str, str | None] = {"/etc/rsyslog.d/a.conf": "*.* @@collector.example\n"}
    unit = {f"{UNITS}/rsyslog.service.d/a.conf": "[Service]\nPrivateNetwork=yes\n"}
    assert set(verdicts(run(central, log_host(files, kind="root"))).values()) == {"pass"}
    assert set(verdicts(run(central, log_host({**files, **unit}, kind="root"))).values()) == {"fail"}
