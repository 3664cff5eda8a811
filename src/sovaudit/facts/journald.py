"""systemd-journald: what it keeps, where, for how long, and what it passes on (journald.conf(5), systemd-journald.service(8))."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sovaudit.facts.files import Files, Unseen
from sovaudit.facts.parse.ini import Assignment, boolean, parse_ini
from sovaudit.facts.systemd_units import Running, Units
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

FOLDER = "/var/log/journal"
_ROOTS = ("/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd", "/lib/systemd")
_LEVELS = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
_UNITS = {
    "us": 1, "usec": 1, "ms": 10**3, "msec": 10**3, "s": 10**6, "sec": 10**6, "second": 10**6, "seconds": 10**6, "m": 60 * 10**6, "min":
    60 * 10**6,
    "minute": 60 * 10**6, "minutes": 60 * 10**6, "h": 3600 * 10**6, "hr": 3600 * 10**6, "hour": 3600 * 10**6, "hours": 3600 * 10**6,
    "d": 86400 * 10**6, "day": 86400 * 10**6, "days": 86400 * 10**6, "w": 604800 * 10**6, "week": 604800 * 10**6, "weeks": 604800 * 10**6,
    "M": 2629800 * 10**6, "month": 2629800 * 10**6, "months": 2629800 * 10**6, "y": 31557600 * 10**6, "year": 31557600 * 10**6,
    "years": 31557600 * 10**6, "": 10**6,
}  # fmt: skip

_SPAN = re.compile(r"\s*([0-9]{1,12})(?:\.([0-9]{1,9}))?\s*([A-Za-z]*)\s*")


@dataclass(frozen=True, slots=True)
class Setting:
    value: str
    line: Line | None  # None: the compiled default


def config_paths(files: Files, name: str) -> tuple[str, ...]:
    """The files of `name` (say `journald.conf`) in systemd's order: one main file, then drop-ins by file name. Raises Unseen.

    The first main file of /etc, /run, /usr/local/lib, /usr/lib counts. A drop-in of a name hides those of the same name in later folders;
    one that is a link to /dev/null hides them and says nothing.
    """
    paths: list[str] = []
    for root in _ROOTS:
        if _exists(files, f"{root}/{name}", optional=root == "/lib/systemd"):
            paths.append(f"{root}/{name}")
            break
    names: dict[str, str] = {}
    for root in _ROOTS:
        for entry in _entries(files, f"{root}/{name}.d", optional=root == "/lib/systemd"):
            if entry.endswith(".conf") and not entry.startswith("."):
                names.setdefault(entry, f"{root}/{name}.d/{entry}")
    paths += [names[entry] for entry in sorted(names)]
    links = {path: files.stat(path) for path in paths}
    return tuple(path for path, stat in links.items() if stat is None or stat.kind != "l" or stat.link != "/dev/null")


def read_config(files: Files, name: str, section: str) -> dict[str, list[Assignment]]:
    """All assignments in a section of `name` and its drop-ins, by key, in the order in which systemd applies them. Raises Unseen."""
    found: dict[str, list[Assignment]] = {}
    for path in config_paths(files, name):
        for row in parse_ini(files.lines(path) or ()):
            if row.section == section:
                found.setdefault(row.key, []).append(row)
    return found


# /lib is a link to /usr/lib on every merged system: there it was read already
def _exists(files: Files, path: str, *, optional: bool) -> bool:
    try:
        return files.exists(path)
    except Unseen:
        if optional:
            return False
        raise


def _entries(files: Files, path: str, *, optional: bool) -> tuple[str, ...]:
    try:
        return files.listdir(path) or ()
    except Unseen:
        if optional:
            return ()
        raise


class Journald:
    """The journal of the default namespace."""

    def __init__(self, host: Host, units: Units) -> None:
        self._host = host
        self._files = host.files
        self._units = units
        self._config: dict[str, list[Assignment]] | None = None

    def running(self) -> Running:
        """Whether journald is in force: it runs (live), or is installed, with systemd as init, and not masked. Raises Unseen."""
        if self._host.live:
            yes = "systemd-journald"[:15] in self._units.processes()
            return Running(yes, Line("cmd:processes", 0, f"systemd-journald {'runs' if yes else 'does not run'}"))
        path = self._units.program("/usr/lib/systemd/systemd-journald", "/lib/systemd/systemd-journald")
        if path is None:
            return Running(False, Line("/usr/lib/systemd/systemd-journald", 0, "systemd-journald is not installed"))
        if not self._units.systemd:
            return Running(False, Line("/sbin/init", 0, "systemd is not this host's init"))
        if self._units.masked("systemd-journald.service"):
            return Running(False, Line("/etc/systemd/system/systemd-journald.service", 0, "systemd-journald is masked"))
        return Running(True, Line(path, 0, "systemd-journald is installed, and systemd is init"))

    def setting(self, key: str, default: str = "") -> Setting:
        """The last assignment that journald accepts (an invalid value is ignored, an empty one takes the default back). Raises Unseen."""
        if self._config is None:
            self._config = read_config(self._files, "journald.conf", "Journal")
        found = Setting(default, None)
        for row in self._config.get(key, ()):
            if row.value == "":
                found = Setting(default, row.line)
            elif _valid(key, row.value):
                found = Setting(row.value, row.line)
        return found

    def storage(self) -> Setting:
        """`persistent`, `volatile` or `none`: where entries are kept once the host is up (`auto` resolved). Raises Unseen."""
        found = self.setting("Storage", "auto")
        if found.value == "none" or found.value == "volatile":
            return found
        if self._units.masked("systemd-journal-flush.service"):
            return Setting("volatile", Line("/etc/systemd/system/systemd-journal-flush.service", 0, "the flush to disk is masked"))
        if found.value == "auto":
            stat = self._files.follow(FOLDER)
            if stat is None or stat.kind != "d":
                return Setting("volatile", found.line or Line(FOLDER, 0, "Storage=auto, and the folder does not exist"))
            return Setting("persistent", found.line or Line(FOLDER, 0, "Storage=auto, and the folder exists"))
        return found

    def forwards_to_syslog(self) -> bool:
        """Whether entries reach a syslog daemon's socket. The compiled default is yes on Debian and its descendants, no elsewhere. Raises
        Unseen.
        """
        found = self.setting("ForwardToSyslog")
        if found.value:
            return bool(boolean(found.value))
        if self._files.exists("/etc/debian_version"):
            return True
        family = f"{self._host.os.get('ID', '')} {self._host.os.get('ID_LIKE', '')}".split()
        if not family:
            raise Unseen(Gap("file:/etc/os-release", Reason.ABSENT, "the compiled default of ForwardToSyslog depends on the distribution"))
        return bool({"debian", "ubuntu"} & set(family))

    def keeps(self, severity: int) -> bool:
        """Whether messages of this severity (0 emerg to 7 debug) are stored: MaxLevelStore. Raises Unseen."""
        return severity <= _level(self.setting("MaxLevelStore", "debug").value)

    def passes(self, severity: int) -> bool:
        """The same for forwarding to syslog: MaxLevelSyslog. Raises Unseen."""
        return severity <= _level(self.setting("MaxLevelSyslog", "debug").value)

    def max_retention(self) -> tuple[int, Line | None]:
        """MaxRetentionSec in seconds, 0 for no limit. Raises Unseen."""
        found = self.setting("MaxRetentionSec", "0")
        return (seconds(found.value) or 0), found.line

    def oldest(self) -> int | None:
        """Seconds since the epoch of the oldest entry really there, None if the journal is empty. Raises Unseen.

        Without journalctl's word, the name of an archived file tells when its first entry was written
        (`system@<id>-<number>-<microseconds>.journal`, hexadecimal).
        """
        try:
            words = self._files.command("journal-oldest").output.split()
            return int(words[0]) if words and re.fullmatch(r"[0-9]{1,12}", words[0]) else None
        except Unseen:
            names = [re.search(r"/system@[0-9a-f]{32}-[0-9a-f]{16}-([0-9a-f]{16})\.journal$", stat.path) for stat in self._files.paths()]
            times = [int(match[1], 16) // 10**6 for match in names if match and match.string.startswith(f"{FOLDER}/")]
            if not times:
                raise
            return min(times)

    def loose(self) -> Line | None:
        """A journal file or folder that an unprivileged account could read or change. Raises Unseen if the folder was not seen."""
        for stat in self._files.paths():
            inside = stat.path == FOLDER or stat.path.startswith(f"{FOLDER}/")
            if inside and stat.kind in "fd" and (stat.world_writable or (stat.kind == "f" and stat.mode & 0o004)):
                return Line(stat.path, 0, f"mode {stat.mode:04o}")
        return None


def _level(word: str) -> int:
    return int(word) if word.isdigit() else _LEVELS.index(word)


def _valid(key: str, value: str) -> bool:
    if key == "Storage":
        return value in ("auto", "volatile", "persistent", "none")
    if key.startswith("MaxLevel"):
        return value in _LEVELS or value in tuple("01234567")
    if key.startswith("ForwardTo"):
        return boolean(value) is not None
    if key.endswith("Sec"):
        return seconds(value) is not None
    return True


def seconds(text: str) -> int | None:
    """A systemd time span (systemd.time(7)) in whole seconds, rounded down; None if it is none. `infinity` is 0: no limit."""
    if text == "infinity":
        return 0
    total, at, text = 0, 0, text.strip()
    if not text or len(text) > 100:
        return None
    while at < len(text):
        match = _SPAN.match(text, at)
        if match is None or match[3] not in _UNITS:
            return None
        at = match.end()
        total += int(match[1]) * _UNITS[match[3]]
        if match[2]:
            total += int(match[2]) * _UNITS[match[3]] // 10 ** len(match[2])
    return total // 10**6
