"""A Debian 12 host's logging as evidence: the good thing, to be changed in one place by each test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sovaudit.facts.host import Host
from sovaudit.model.evidence import Evidence
from sovaudit.testing import evidence_with

RSYSLOG = """module(load="imuxsock")
module(load="imklog")
$FileOwner root
$FileGroup adm
$FileCreateMode 0640
$Umask 0022
$IncludeConfig /etc/rsyslog.d/*.conf
*.*;auth,authpriv.none\t\t-/var/log/syslog
auth,authpriv.*\t\t\t/var/log/auth.log
*.emerg\t\t\t\t:omusrmsg:*
"""
ROTATE = "/var/log/syslog\n/var/log/auth.log\n{\n\trotate 26\n\tweekly\n\tmissingok\n\tpostrotate\n\t\tkill -HUP 1\n\tendscript\n}\n"
FILES = {
    "/usr/sbin/sshd": "", "/usr/bin/sudo": "", "/usr/bin/su": "", "/usr/bin/login": "", "/usr/sbin/rsyslogd": "", "/usr/sbin/logrotate": "",
    "/usr/sbin/chronyd": "", "/usr/lib/systemd/systemd": "", "/usr/lib/systemd/systemd-journald": "", "/etc/debian_version": "12.5\n",
    "/etc/ssh/sshd_config": "UsePAM yes\n", "/etc/sudoers": "Defaults env_reset\n@includedir /etc/sudoers.d\n", "/etc/rsyslog.conf": RSYSLOG,
    "/etc/rsyslog.d/10-empty.conf": "# nothing\n", "/etc/systemd/journald.conf": "[Journal]\n#Storage=auto\n",
    "/etc/logrotate.conf": "weekly\nrotate 4\ncreate\ninclude /etc/logrotate.d\n", "/etc/logrotate.d/rsyslog": ROTATE,
    "/etc/chrony/chrony.conf": "confdir /etc/chrony/conf.d\npool 2.debian.pool.ntp.org iburst\nsourcedir /etc/chrony/sources.d\n",
}  # fmt: skip
LINKS = {
    "/lib": "usr/lib",
    "/sbin": "usr/sbin",
    "/bin": "usr/bin",
    "/usr/sbin/init": "/lib/systemd/systemd",
    "/etc/systemd/system/multi-user.target.wants/rsyslog.service": "/lib/systemd/system/rsyslog.service",
    "/etc/systemd/system/multi-user.target.wants/chrony.service": "/lib/systemd/system/chrony.service",
    "/etc/systemd/system/timers.target.wants/logrotate.timer": "/lib/systemd/system/logrotate.timer",
}
JOURNAL = "/var/log/journal/0123456789abcdef0123456789abcdef/system.journal"
TRACKING = "0A000001,10.0.0.1,3,1700000000.1,0.000012,0.00001,0.00002,-1.2,0.0,0.1,0.01,0.001,64.0,Normal\n"
COMMANDS = {
    "processes": (0, "systemd\nsystemd-journald\nsystemd-journal\nrsyslogd\nchronyd\nsshd\n"),
    "mounts": (0, "/dev/sda1 / ext4 rw 0 0\ntmpfs /run tmpfs rw 0 0\n"),
    "chronyc-tracking": (0, TRACKING),
}


def log_evidence(
    changes: Mapping[str, str | None] | None = None,
    *,
    links: Mapping[str, str | None] | None = None,
    modes: Mapping[str, tuple[int, int, int]] | None = None,
    journal: bool = True,
    commands: Mapping[str, tuple[int, str] | None] | None = None,
    **more: Any,
) -> Evidence:
    """The good host with changes; None takes a file, link or command away. journal: whether /var/log/journal exists."""
    files = {path: text for path, text in {**FILES, **(changes or {})}.items() if text is not None}
    places = {"/usr/bin/sudo": (0o4755, 0, 0), "/var/log/auth.log": (0o640, 0, 4), "/var/log/syslog": (0o640, 0, 4)}
    if journal:
        places[JOURNAL] = (0o640, 0, 0)
    kept = {path: to for path, to in {**LINKS, **(links or {})}.items() if to is not None}
    ran = {name: result for name, result in {**COMMANDS, **(commands or {})}.items() if result is not None}
    return evidence_with(files, links=kept, modes={**places, **(modes or {})}, commands=ran, **more)


def log_host(changes: Mapping[str, str | None] | None = None, **more: Any) -> Host:
    """A Host over `log_evidence(...)`."""
    return Host(log_evidence(changes, **more))


# Without a journal, what rsyslog does decides
NO_JOURNAL: dict[str, str | None] = {"/etc/systemd/journald.conf.d/none.conf": "[Journal]\nStorage=none\n"}
