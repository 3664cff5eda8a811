"""A host whose audit system is in order, to change one thing of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sovaudit.facts.host import Host
from sovaudit.testing import host_with

UNIT = "[Service]\nExecStart=/sbin/auditd\nExecStartPost=-/sbin/augenrules --load\n"
CONF = (
    "log_file = /var/log/audit/audit.log\nlog_format = ENRICHED\nflush = INCREMENTAL_ASYNC\nfreq = 50\nmax_log_file = 8\nnum_logs = 5\n"
    "max_log_file_action = KEEP_LOGS\nspace_left = 75\nspace_left_action = EMAIL\naction_mail_acct = root\nadmin_space_left = 50\n"
    "admin_space_left_action = SINGLE\ndisk_full_action = HALT\ndisk_error_action = SYSLOG\n"
)
WATCHES = "".join(
    f"-w {path} -p wa -k w\n"
    for path in (
        "/etc/passwd",
        "/etc/shadow",
        "/etc/group",
        "/etc/gshadow",
        "/etc/sudoers",
        "/etc/sudoers.d/",
        "/etc/audit/",
        "/etc/rsyslog.conf",
        "/etc/rsyslog.d/",
        "/etc/systemd/journald.conf",
    )
)
CALLS = "".join(
    f"-a always,exit -F arch={arch} -S adjtimex,clock_adjtime,clock_settime,settimeofday{more} -k time\n"
    f"-a always,exit -F arch={arch} -S init_module,finit_module,delete_module -k modules\n"
    f"-a always,exit -F arch={arch} -S execve -F euid=0 -F auid>=1000 -F auid!=unset -k root\n"
    for arch, more in (("b64", ""), ("b32", ",stime"))
)
RULES = f"-D\n-b 8192\n-f 1\n{WATCHES}{CALLS}-e 2\n"
LOGINUID = "session required pam_loginuid.so\nsession required pam_unix.so\n"
PLAIN = "session required pam_unix.so\n"
AUTH = "auth required pam_unix.so\naccount required pam_unix.so\npassword required pam_unix.so\n"
FILES = {
    "/etc/audit/rules.d/audit.rules": RULES,
    "/etc/audit/auditd.conf": CONF,
    "/usr/lib/systemd/system/auditd.service": UNIT,
    "/etc/sudoers": "root ALL=(ALL:ALL) ALL\n",
    "/etc/sudoers.d/README": "",
    "/etc/rsyslog.conf": "*.* /var/log/syslog\n",
    "/etc/rsyslog.d/.keep": "",
    "/etc/systemd/journald.conf": "[Journal]\n",
    "/etc/gshadow": "root:*::\n",
    "/etc/security/opasswd": "",
    "/etc/ssh/sshd_config": "UsePAM yes\n",
    "/etc/os-release": 'ID=debian\nVERSION_ID="12"\n',
    "/etc/default/grub": 'GRUB_CMDLINE_LINUX=""\n',
    "/etc/pam.d/sshd": AUTH + LOGINUID,
    "/etc/pam.d/login": AUTH + LOGINUID,
    "/etc/pam.d/cron": AUTH + LOGINUID,
    "/etc/pam.d/su": AUTH + PLAIN,
    "/etc/pam.d/sudo": AUTH + PLAIN,
    "/etc/pam.d/passwd": AUTH,
    "/var/log/audit/.keep": "",
    **dict.fromkeys(
        (
            "/sbin/auditd",
            "/usr/sbin/sshd",
            "/bin/login",
            "/usr/sbin/cron",
            "/bin/su",
            "/usr/bin/sudo",
            "/usr/sbin/rsyslogd",
            "/usr/lib/systemd/systemd-journald",
            "/usr/lib/systemd/systemd",
            "/usr/lib/security/pam_unix.so",
            "/usr/lib/security/pam_loginuid.so",
            "/usr/lib/security/pam_succeed_if.so",
            "/usr/lib/security/pam_permit.so",
            "/usr/bin/mawk",
        ),
        "",
    ),
}
LINKS = {
    "/etc/systemd/system/multi-user.target.wants/auditd.service": "/usr/lib/systemd/system/auditd.service",
    "/sbin/init": "/usr/lib/systemd/systemd",
    "/usr/bin/awk": "/usr/bin/mawk",
}
STATUS = "enabled 2\nfailure 1\npid 321\nrate_limit 0\nbacklog_limit 8192\nlost 0\nbacklog 0\n"
SERIALS = "F\t/var/log/audit/audit.log\tw\nR\t-\ts\tb\t1700000000\t1\t1700009000\t500\n"


def listing(rules: str = RULES) -> str:
    """Rules as `auditctl -l` prints these."""
    rows = [row for row in rules.splitlines() if row.startswith(("-w", "-a", "-A"))]
    return "\n".join(row.replace("/ -p", " -p") for row in rows) + "\n"


def audit_host(
    change: Mapping[str, str | None] | None = None,
    *,
    rules: str | None = None,
    conf: str | None = None,
    live: bool = False,
    commands: Mapping[str, tuple[int, str]] | None = None,
    serials: str | None = SERIALS,
    links: Mapping[str, str] | None = None,
    modes: Mapping[str, tuple[int, int, int]] | None = None,
    unseen: Iterable[str] = (),
) -> Host:
    """change: path → text, None removes it. rules: what stands in place of the good ones."""
    files = {**FILES, **(change or {})}
    if rules is not None:
        files["/etc/audit/rules.d/audit.rules"] = rules
    if conf is not None:
        files["/etc/audit/auditd.conf"] = conf
    running = {
        "processes": (0, "systemd\nauditd\nsshd\n"),
        "cmdline": (0, "root=/dev/vda quiet\n"),
        "kernel": (0, "Linux h 6.1.0 #1 SMP x86_64 GNU/Linux\n"),
        "auditctl-l": (0, listing(files["/etc/audit/rules.d/audit.rules"] or "")),
        "auditctl-s": (0, STATUS),
        "mounts": (0, ""),
    }
    log = {"/var/log/audit/audit.log": (0o600, 0, 0)} if serials else {}
    return host_with(
        {path: text for path, text in files.items() if text is not None},
        links=LINKS if links is None else links,
        modes={**log, **(modes or {})},
        commands={**running, **(commands or {})} if live else {},
        artifacts={} if serials is None else {"audit-serials": serials},
        kind="ssh" if live else "root",
        unseen=unseen,
    )
