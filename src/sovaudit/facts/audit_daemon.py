"""auditd: whether it starts, what its configuration says, and which command loads the rules (auditd(8), auditd.conf(5), audit 3.0).

auditd does not start on a configuration that it cannot read to the end, so one wrong line there silences it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sovaudit.facts.files import Files, Unseen
from sovaudit.facts.log_protection import Answer
from sovaudit.facts.parse.audit_fields import number
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

CONF = "/etc/audit/auditd.conf"
PROGRAMS = ("/sbin/auditd", "/usr/sbin/auditd")
DEFAULTS = {
    "local_events": "yes", "write_logs": "yes", "log_file": "/var/log/audit/audit.log", "log_format": "enriched", "num_logs": "0",
    "max_log_file": "0", "max_log_file_action": "ignore", "space_left": "0", "space_left_action": "ignore", "admin_space_left": "0",
    "admin_space_left_action": "ignore", "disk_full_action": "ignore", "disk_error_action": "syslog", "flush": "none", "freq": "0",
    "log_group": "0", "verify_email": "yes", "plugin_dir": "/etc/audit/plugins.d", "overflow_action": "syslog",
}  # fmt: skip
_YES_NO = frozenset(("yes", "no"))
_FAILURE = frozenset("ignore syslog rotate email exec suspend single halt".split())
_CHOICES: dict[str, frozenset[str]] = {
    **dict.fromkeys("local_events write_logs verify_email use_libwrap enable_krb5 distribute_network".split(), _YES_NO),
    "log_format": frozenset("raw nolog enriched".split()),
    "flush": frozenset("none incremental incremental_async data sync".split()),
    "name_format": frozenset("none hostname fqd numeric user".split()),
    "max_log_file_action": frozenset("ignore syslog suspend rotate keep_logs".split()),
    "space_left_action": _FAILURE,
    "admin_space_left_action": _FAILURE,
    "disk_full_action": _FAILURE - {"email"},
    "disk_error_action": _FAILURE - {"email", "rotate"},
    "overflow_action": frozenset("ignore syslog suspend single halt".split()),
    "transport": frozenset("tcp krb5".split()),
}
_NUMBERS = frozenset(
    "num_logs max_log_file freq priority_boost tcp_listen_queue tcp_max_per_addr q_depth max_restarts end_of_event_timeout".split()
)
_NUMBERS |= {"tcp_listen_port", "tcp_client_max_idle"}
_TEXTS = frozenset("log_file log_group dispatcher name disp_qos action_mail_acct space_left admin_space_left tcp_client_ports".split())
_TEXTS |= frozenset("krb5_principal krb5_key_file plugin_dir".split())
_OPTION = frozenset("space_left_action admin_space_left_action disk_full_action disk_error_action".split())


@dataclass
class Conf:
    """auditd.conf in effect. values: key → lower-case value (paths as they stand) and its line. broken: the line that auditd refuses, and why."""

    values: dict[str, tuple[str, Line]] = field(default_factory=dict)
    broken: tuple[Line, str] | None = None

    def value(self, key: str) -> str:
        return self.values[key][0] if key in self.values else DEFAULTS.get(key, "")

    def line(self, key: str) -> Line:
        return self.values[key][1] if key in self.values else Line(CONF, 0, f"{key} is not set: {DEFAULTS.get(key, '')}")


def read_conf(files: Files, groups: Iterable[str]) -> Conf:
    """What auditd makes of its file. groups: names that exist. Raises Unseen."""
    conf = Conf()
    stat = files.stat(CONF)
    if stat is None:
        return conf
    for wrong, why in (
        (stat.kind != "f", "it is no regular file"),
        (stat.uid != 0, "it does not belong to root"),
        (stat.world_writable, "everybody can write to it"),
    ):
        if wrong:
            conf.broken = Line(CONF, 0, why), why
            return conf
    names = frozenset(groups)
    rows = [line for line in files.lines(CONF) or () if len(line.text) <= 158]  # auditd skips longer ones
    for line in rows:
        words = [word for word in line.text.split(" ") if word]
        if not words or words[0].startswith("#"):
            continue
        why = _wrong(files, words, names, conf)
        if why:
            conf.broken = line, why
            return conf
        key = words[0].lower()
        value = words[2] if key in _TEXTS else words[2].lower()
        conf.values[key] = value, line
        if (key, value) == ("log_format", "nolog"):
            conf.values["write_logs"] = "no", line
    if rows:  # comments are enough: auditd then looks at its defaults too
        conf.broken = _insane(conf)
    return conf


def _wrong(files: Files, words: list[str], groups: frozenset[str], conf: Conf) -> str:
    key = words[0].lower()
    if len(words) < 3 or words[1] != "=":
        return "not `name = value` with blanks around the sign"
    value = words[2]
    if key not in _CHOICES and key not in _NUMBERS and key not in _TEXTS:
        return "a keyword that auditd does not know"
    if len(words) > 3 and key not in _OPTION:
        return "a word too many"
    if key in _CHOICES and value.lower() not in _CHOICES[key]:
        return "a value that auditd does not know"
    if value.lower() == "exec" and key in _OPTION:
        return _program(files, words[3] if len(words) > 3 else "")
    if key in _NUMBERS and (not value.isdigit() or (key == "num_logs" and int(value) > 999)):
        return "not a number that auditd takes"
    if key in ("space_left", "admin_space_left") and not re.fullmatch(r"\d+|\d{1,2}%", value):
        return "not a number that auditd takes"
    if key == "log_file":
        return _log_file(files, value)
    if key == "log_group" and not value.isdigit() and value not in groups:
        return "a group that does not exist"
    if key == "action_mail_acct" and conf.value("verify_email") == "yes" and not re.fullmatch(r"[A-Za-z0-9@._-]{2,}", value):
        return "no address that auditd takes"
    return ""


def _program(files: Files, path: str) -> str:
    stat = files.follow(path) if path.startswith("/") else None
    if stat is None or stat.kind != "f" or stat.uid != 0 or stat.mode & 0o777 not in (0o750, 0o755, 0o555, 0o550):
        return "a program that auditd does not run"
    return ""


def _log_file(files: Files, path: str) -> str:
    folder = posixpath.dirname(path)
    if len(folder) < 4:
        return "a log file so near the root is refused"
    stat = files.follow(folder)
    if stat is None or stat.kind != "d":
        return "the folder of the log file does not exist"
    log = files.follow(path)
    if log is not None and (log.kind != "f" or log.uid != 0):
        return "the log file is not a regular file of root's"
    return ""


def _insane(conf: Conf) -> tuple[Line, str] | None:
    low, lower = conf.value("space_left"), conf.value("admin_space_left")
    if "%" not in low + lower and int(low) <= int(lower):
        return conf.line("space_left"), "space_left must be larger than admin_space_left"
    if conf.value("flush").startswith("incremental") and (number(conf.value("freq")) or 0) == 0:
        return conf.line("freq"), "flushing in steps of freq = 0 is refused"
    if conf.value("log_group") not in ("0", "root") and posixpath.dirname(conf.value("log_file")) == "/var/log":
        return conf.line("log_file"), "a log directly in /var/log with a group of its own is refused"
    return None


class AuditDaemon:
    """Over one host. Questions raise Unseen."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._files = host.files
        self._units = host.logs.units
        self._conf: Conf | None = None

    @property
    def conf(self) -> Conf:
        if self._conf is None:
            self._conf = read_conf(self._files, self._host.accounts.groups)
        return self._conf

    @property
    def installed(self) -> bool:
        return self._units.program(*PROGRAMS) is not None

    def boot_parameter(self) -> Line | None:
        """The line that starts the kernel without auditing, if there is one: now on a live host, else as the boot loader will be set up."""
        if self._host.live:
            text = self._files.command("cmdline").output
            return Line("cmd:cmdline", 0, text.strip()) if _off(text) else None
        rows: list[Line] = []
        for path in ("/etc/default/grub", *self._files.glob("/etc/default/grub.d/*.cfg")):
            rows += [line for line in self._files.lines(path) or () if re.match(r"\s*GRUB_CMDLINE_LINUX(_DEFAULT)?=", line.text)]
        rows += self._files.lines("/etc/kernel/cmdline") or ()
        return next((line for line in rows if _off(line.text)), None)

    def starts(self) -> Answer:
        """Whether auditd is started at each boot and keeps what the kernel tells it."""
        if not self.installed:
            return Answer(False, "auditd is not installed", (Line(PROGRAMS[0], 0, "absent"),))
        if (line := self.boot_parameter()) is not None:
            return Answer(False, "the kernel is started without auditing", (line,))
        enabled = self._units.enabled("auditd.service")
        if enabled.yes and self._units.systemd:
            enabled = self._units.misled("auditd.service", "auditd") or enabled
        if not enabled.yes:
            return Answer(False, "nothing starts auditd", (enabled.because,))
        return self.keeps()

    def keeps(self) -> Answer:
        """Whether its configuration lets it start and write records to disk."""
        conf = self.conf
        if conf.broken is not None:
            return Answer(False, "auditd refuses its configuration and does not start", (conf.broken[0],))
        if conf.value("local_events") == "no":
            return Answer(False, "auditd does not take this host's events", (conf.line("local_events"),))
        if conf.value("write_logs") == "no":
            if self._plugins():
                return Answer(
                    None, "auditd writes no log, and where its plugins send the records is not modelled", (conf.line("write_logs"),)
                )
            return Answer(False, "auditd writes no log", (conf.line("write_logs"),))
        folder = self._files.follow(posixpath.dirname(conf.value("log_file")))
        if folder is None or folder.kind != "d":
            return Answer(False, "the folder of the audit log does not exist", (conf.line("log_file"),))
        if self._host.logs.protection.nowhere(conf.value("log_file")):
            return Answer(False, "the audit log is kept in memory", (conf.line("log_file"),))
        return Answer(True, "auditd keeps records on disk", (conf.line("log_file"),))

    def _plugins(self) -> bool:
        for path in self._files.glob(f"{self.conf.value('plugin_dir')}/*.conf"):
            if any(re.match(r"\s*active\s*=\s*yes", line.text, re.IGNORECASE) for line in self._files.lines(path) or ()):
                return True
        return False

    def runs(self) -> Answer:
        """On a live host: whether auditd runs now."""
        if "auditd" in self._units.processes():
            return Answer(True, "auditd runs", (Line("cmd:processes", 0, "auditd runs"),))
        line = Line("cmd:processes", 0, "auditd does not run")
        try:
            socket = "systemd-journald-audit.socket" in self._files.command("units").output
        except Unseen:
            socket = True
        if socket and self.installed:
            return Answer(None, "auditd does not run, and whether the journal takes each record is not certain", (line,))
        return Answer(False, "auditd does not run", (line,))

    def loaders(self) -> tuple[tuple[str, Line], ...]:
        """What loads rules at boot: `augenrules`, or the file that `auditctl -R` reads; in order."""
        found: list[tuple[str, Line]] = []
        if self._units.systemd:
            self._units.seen("auditd.service")
            others: list[Line] = []
            for unit, key in (("auditd.service", "ExecStartPost"), ("audit-rules.service", "ExecStart")):
                if not self._units.masked(unit):
                    for row in self._units.commands(unit, key):
                        if what := _loads(row.text):
                            found.append((what, row))
                        else:
                            others.append(row)
            if others and not found:
                raise Unseen(
                    Gap(f"file:{others[0].file}", Reason.UNSUPPORTED, f"whether this loads rules is not known: {others[0].text[:80]}")
                )
            return tuple(found)
        for line in self._files.lines("/etc/default/auditd") or ():
            if re.match(r"USE_AUGENRULES=[\"']?(no|NO|false)", line.text):
                return (("/etc/audit/audit.rules", line),)
        return (("augenrules", Line("/etc/init.d/auditd", 0, "augenrules")),)

    def first_enabled(self) -> int:
        """The kernel's switch when the rules are loaded: auditd sets it to 1 unless `-s` says otherwise."""
        if not self._units.systemd:
            return 1
        for row in self._units.commands("auditd.service", "ExecStart"):
            match = re.search(r"\s-s\s*(\w+)", row.text)
            if match and match[1] in ("disable", "nochange"):
                return 0
        return 1


def _off(text: str) -> bool:
    words = re.findall(r"(?:^|[\s\"'=])audit=(\w+)", text)
    return bool(words) and words[-1] in ("0", "off")


def _loads(command: str) -> str:
    """Also inside `sh -c '…'`."""
    if re.search(r"\baugenrules\s+--load\b", command):
        return "augenrules"
    match = re.search(r"\bauditctl\s+-R\s*([^\s\"';]+)", command)
    return match[1] if match else ""
