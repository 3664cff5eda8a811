"""systemd-journald: what it keeps, where, for how long, and what it passes on (journald.conf(5), systemd-journald.service(8))."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from sovaudit.facts import systemd_boot
from sovaudit.facts.files import Files, Unseen
from sovaudit.facts.parse.ini import Assignment, boolean, read_ini
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
    "us": 1, "µs": 1, "μs": 1, "usec": 1, "ms": 10**3, "msec": 10**3, "s": 10**6, "sec": 10**6, "second": 10**6, "seconds": 10**6,
    "m": 60 * 10**6, "min": 60 * 10**6,
    "minute": 60 * 10**6, "minutes": 60 * 10**6, "h": 3600 * 10**6, "hr": 3600 * 10**6, "hour": 3600 * 10**6, "hours": 3600 * 10**6,
    "d": 86400 * 10**6, "day": 86400 * 10**6, "days": 86400 * 10**6, "w": 604800 * 10**6, "week": 604800 * 10**6, "weeks": 604800 * 10**6,
    "M": 2629800 * 10**6, "month": 2629800 * 10**6, "months": 2629800 * 10**6, "y": 31557600 * 10**6, "year": 31557600 * 10**6,
    "years": 31557600 * 10**6, "": 10**6,
}  # fmt: skip

_SPAN = re.compile(r"\s*\+?(?:([0-9]{1,20})(?:\.([0-9]{1,9}))?|\.([0-9]{1,9}))\s*([A-Za-zµμ]*)\s*")
_MOST = 2**64 - 2  # microseconds


@dataclass(frozen=True, slots=True)
class Setting:
    value: str
    line: Line | None  # None: the compiled default


def config_paths(files: Files, name: str) -> tuple[str, ...]:
    """The files of `name` (say `journald.conf`) in systemd's order: one main file, then drop-ins by file name. Raises Unseen.

    The main file is the one in /etc; since 254 those of /run, /usr/local/lib and /usr/lib stand in for it where it is absent. A drop-in of
    a name hides those of the same name in later folders; one that is a link to /dev/null hides them and says nothing.
    """
    paths: list[str] = []
    for root in _ROOTS:
        if _exists(files, f"{root}/{name}", optional=root == "/lib/systemd"):
            if root == _ROOTS[0] or _mains_elsewhere(files):
                paths.append(f"{root}/{name}")
            break
    names: dict[str, str] = {}
    for root in _ROOTS:
        for entry in _entries(files, f"{root}/{name}.d", optional=root == "/lib/systemd"):
            if entry.endswith(".conf") and not entry.startswith("."):
                names.setdefault(entry, f"{root}/{name}.d/{entry}")
    paths += [names[entry] for entry in sorted(names)]
    return tuple(path for path in paths if not systemd_boot.hides(files, path))


def _mains_elsewhere(files: Files) -> bool:
    """Whether this systemd looks for main files outside /etc. Raises Unseen."""
    version = _version(files)
    if version is None:
        raise Unseen(Gap("packages", Reason.ABSENT, "systemd's version tells where its main files are"))
    return version >= 254


def _version(files: Files) -> int | None:
    try:
        rows = [row.split(" ") for row in files.artifact("packages").splitlines()]
    except Unseen:
        return None
    found = next((re.match(r"(?:\d+:)?(\d{3})\b", row[1]) for row in rows if len(row) > 1 and row[0] == "systemd"), None)
    return int(found[1]) if found is not None else None


def read_config(files: Files, name: str, section: str) -> dict[str, list[Assignment]]:
    """All assignments in a section of `name` and its drop-ins, by key, in the order in which systemd applies them. Raises Unseen.

    At a line that it cannot read systemd leaves the file, and all later ones.
    """
    found: dict[str, list[Assignment]] = {}
    for path in config_paths(files, name):
        rows, broken = read_ini(files.lines(path) or ())
        for row in rows:
            if row.section == section:
                found.setdefault(row.key, []).append(row)
        if broken is not None:
            break
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
            return Running(yes, Line("cmd:processes", 0, "systemd-journald runs" if yes else "systemd-journald does not run"))
        path = self._units.program("/usr/lib/systemd/systemd-journald", "/lib/systemd/systemd-journald")
        if path is None:
            return Running(False, Line("/usr/lib/systemd/systemd-journald", 0, "systemd-journald is not installed"))
        if not self._units.systemd:
            return Running(False, Line("/sbin/init", 0, "systemd is not this host's init"))
        if self._units.masked("systemd-journald.service"):
            return Running(False, Line("/etc/systemd/system/systemd-journald.service", 0, "systemd-journald is masked"))
        return Running(True, Line(path, 0, "systemd-journald is installed, and systemd is init"))

    def setting(self, key: str, default: str = "") -> Setting:
        """The last assignment that journald accepts: one that is invalid, or empty, is ignored. Raises Unseen."""
        if self._config is None:
            self._config = read_config(self._files, "journald.conf", "Journal")
        found = Setting(default, None)
        for row in self._config.get(key, ()):
            if row.value and _valid(key, row.value):
                found = Setting(row.value, row.line)
        return found

    def storage(self) -> Setting:
        """`persistent`, `volatile` or `none`: where entries are kept once the host is up (`auto` resolved). Raises Unseen."""
        found = self.setting("Storage", "auto")
        if found.value == "none" or found.value == "volatile":
            return found
        if self._units.masked("systemd-journal-flush.service"):
            return Setting("volatile", Line("/etc/systemd/system/systemd-journal-flush.service", 0, "the flush to disk is masked"))
        stat = self._files.follow(FOLDER)
        if found.value == "auto" and stat is None:
            return Setting("volatile", found.line or Line(FOLDER, 0, "Storage=auto, and the folder does not exist"))
        if (bad := self._unusable(FOLDER) or self._unusable_below()) is not None:
            return Setting("volatile", bad)
        if found.value == "auto":
            return Setting("persistent", found.line or Line(FOLDER, 0, "Storage=auto, and the folder exists"))
        return found

    def _unusable(self, path: str) -> Line | None:
        """What stands in the place of a folder that journald makes where it is absent: a file, or a link that leads to none."""
        parent = self._files.resolve(posixpath.dirname(path))
        here = self._files.stat(f"{parent}/{posixpath.basename(path)}") if parent is not None else None
        if here is None or here.kind == "d":
            return None
        real = self._files.follow(path)
        return None if real is not None and real.kind == "d" else Line(path, 0, "is no folder")

    def _unusable_below(self) -> Line | None:
        """The same of this machine's own folder, whose name is not asked for. Raises Unseen where two of them could be it."""
        names = [name for name in self._files.listdir(FOLDER) or () if re.fullmatch(r"[0-9a-f]{32}", name)]
        bad = [line for name in names if (line := self._unusable(f"{FOLDER}/{name}")) is not None]
        if bad and len(names) > 1:
            raise Unseen(Gap(f"file:{bad[0].file}", Reason.AMBIGUOUS, "whether this is this machine's folder"))
        return bad[0] if bad else None

    def forwards_to_syslog(self) -> bool:
        """Whether entries reach a syslog daemon's socket. The compiled default is no; Debian and its descendants turned that round, and say it
        in a drop-in of their own since about 254. Raises Unseen.
        """
        found = self.setting("ForwardToSyslog")
        if found.value:
            return bool(boolean(found.value))
        if any(_entries(self._files, f"{root}/journald.conf.d", optional=True).count("syslog.conf") for root in _ROOTS[3:]):
            return False
        if self._files.exists("/etc/debian_version"):
            return (_version(self._files) or 0) < 256
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
        return self._loose

    @cached_property
    def _loose(self) -> Line | None:
        for path, kind in self._files.kinds():
            if kind in "fd" and (path == FOLDER or path.startswith(f"{FOLDER}/")):
                stat = self._files.stat(path)
                if stat is not None and (stat.world_writable or (kind == "f" and stat.mode & 0o004)):
                    return Line(path, 0, f"mode {stat.mode:04o}")
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
        if match is None or match[4] not in _UNITS:
            return None
        at = match.end()
        if match[4] == "" and text[at : at + 1] == ".":
            return None
        total += int(match[1] or "0") * _UNITS[match[4]]
        if part := match[2] or match[3]:
            total += int(part) * _UNITS[match[4]] // 10 ** len(part)
    return total // 10**6 if total <= _MOST else None
