"""The security events whose records we follow, and the messages with which the programs that ship with Debian write them.

Facilities and severities after the programs' own sources: sshd (log.c, auth.c), login and su (shadow, util-linux), sudo (sudoers(5):
syslog,
syslog_goodpri, syslog_badpri), pam_unix (pam_syslog with LOG_AUTHPRIV).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sovaudit.facts.files import Files, Unseen
from sovaudit.facts.parse.rsyslog_legacy import FACILITIES, SEVERITIES
from sovaudit.facts.rsyslog import Message
from sovaudit.facts.sudo_records import value_of
from sovaudit.facts.systemd_units import Units
from sovaudit.model.finding import Line

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

_QUIET = ("quiet", "fatal", "error")
_BINS = ("/usr/bin", "/usr/sbin", "/bin", "/sbin")
_MAX_FILES = 200


@dataclass(frozen=True, slots=True)
class Event:
    """name: the subject in findings. All messages must land. silent: the line that keeps the program from writing them at all.

    own_file: a file that the program itself writes to (sudo's `logfile`), "" for none.
    """

    name: str
    messages: tuple[Message, ...]
    because: tuple[Line, ...] = ()
    silent: Line | None = None
    own_file: str = ""


def events_of(host: Host, units: Units) -> tuple[Event, ...]:
    """Events of the programs that are installed; one whose presence was not seen counts as installed. Raises Unseen for their
    configuration.
    """
    found: list[Event] = []
    if _installed(units, "sshd"):
        found += _ssh(host)
    if _installed(units, "login"):
        texts = ((6, "pam_unix(login:session): session opened for user {user}(uid={uid}) by {user}(uid=0)"),
                 (5, "FAILED LOGIN ({n}) on '{tty}' FOR '{user}', Authentication failure"))  # fmt: skip
        found.append(Event("login", tuple(Message(10, severity, "login", text, pid=None) for severity, text in texts)))
    if _installed(units, "sudo"):
        found.append(_sudo(host))
    if _installed(units, "su"):
        texts = ((5, "(to root) {user} on {tty}"), (5, "FAILED SU (to root) {user} on {tty}"))
        found.append(Event("su", tuple(Message(10, severity, "su", text, pid=None) for severity, text in texts)))
    return tuple(found)


def _installed(units: Units, name: str) -> bool:
    try:
        return units.program(*(f"{folder}/{name}" for folder in _BINS)) is not None
    except Unseen:
        return True


# sshd


def _ssh(host: Host) -> list[Event]:
    facility, level = _first_values(host.files)
    silent = next((line for word, line in level if word in _QUIET), None)
    number = {"auth": 4, "authpriv": 10}.get(facility[0], _facility(facility[0]))
    accepted = "Accepted publickey for {user} from {address} port {port} ssh2"
    refused = "Failed password for {user} from {address} port {port} ssh2"
    because = tuple(line for line in (facility[1], *(line for _, line in level)) if line is not None)
    return [
        Event(name, (Message(number, 6, "sshd", text, pid=None),), because, silent)
        for name, text in (("ssh-login", accepted), ("ssh-failure", refused))
    ]


def _facility(word: str) -> int:
    return FACILITIES.index(word) if word in FACILITIES else 4


def _first_values(files: Files) -> tuple[tuple[str, Line | None], list[tuple[str, Line]]]:
    """SyslogFacility (the global one), and every LogLevel that can apply: the first global one and those inside Match blocks."""
    facility: tuple[str, Line | None] = ("auth", None)
    levels: list[tuple[str, Line]] = []
    seen: set[str] = set()
    in_match = False
    main = "/etc/ssh/sshd_config"
    if not files.exists(main) and files.exists(f"/usr{main}"):
        main = f"/usr{main}"  # SUSE's vendor file
    for line in _sshd_lines(files, main, 0):
        words = re.split(r"[\s=]+", line.text.strip(), maxsplit=1)
        key, value = words[0].lower(), words[1].strip().strip('"').split()[0].lower() if len(words) > 1 and words[1].strip() else ""
        if key == "match":
            in_match = value != "all"
        elif key == "loglevel" and (in_match or key not in seen):
            levels.append((value, line))
            if not in_match:
                seen.add(key)
        elif key == "syslogfacility" and key not in seen and not in_match:
            facility = (value, line)
            seen.add(key)
    return facility, levels


def _sshd_lines(files: Files, path: str, depth: int) -> list[Line]:
    """The lines of sshd_config with its includes in place. A Match block opened in an included file ends with that file."""
    found: list[Line] = []
    for line in files.lines(path) or ():
        words = line.text.split("#")[0].split()
        if not words:
            continue
        if words[0].lower() == "include" and depth < 16:
            for pattern in words[1:]:
                name = pattern.strip('"')
                for place in files.glob(name if name.startswith("/") else f"/etc/ssh/{name}")[:_MAX_FILES]:
                    inner = _sshd_lines(files, place, depth + 1)
                    found += inner
                    if any(row.text.split()[0].lower() == "match" for row in inner):
                        found.append(Line(place, 0, "Match all"))
        else:
            found.append(line)
    return found


# sudo


def _sudo(host: Host) -> Event:
    """The messages of allowed and of refused command lines, as the Defaults for everybody have them; one that silences somebody, silences."""
    if host.sudo.gaps:
        raise Unseen(host.sudo.gaps[0])
    settings: dict[str, tuple[str, Line]] = {}
    silent: Line | None = None
    for default in host.sudo.policy.defaults:
        value = value_of(default)
        if value is None or default.name not in ("syslog", "syslog_goodpri", "syslog_badpri", "logfile", "log_allowed", "log_denied"):
            continue
        if not default.scope:
            settings[default.name] = (value, default.line)
        elif value in ("", "off") and default.name != "logfile":
            silent = default.line
    for name, (value, line) in settings.items():
        if value in ("", "off") and name != "logfile":
            silent = line
    facility = FACILITIES.index(settings["syslog"][0] or "authpriv") if "syslog" in settings else 10
    good, bad = (
        SEVERITIES.index(settings[name][0]) if name in settings and settings[name][0] else usual
        for name, usual in (("syslog_goodpri", 5), ("syslog_badpri", 1))
    )
    texts = ((good, "{user} : TTY={tty} ; PWD={path} ; USER=root ; COMMAND={path}"),
             (bad, "{user} : user NOT in sudoers ; TTY={tty} ; PWD={path} ; USER=root ; COMMAND={path}"))  # fmt: skip
    messages = tuple(Message(facility, severity, "sudo", text, pid=None) for severity, text in texts)
    own = settings.get("logfile", ("", None))[0]
    return Event("sudo", messages, tuple(row for _, row in settings.values()), silent, own)
