"""Which services this host starts: systemd's enablement links and masks, System V and OpenRC links, and, on a live host, what runs.

Sources: systemd.unit(5), systemctl(1) "enable" and "mask", update-rc.d(8).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sovaudit.facts import systemd_boot, unit_conditions
from sovaudit.facts.files import Files, Unseen
from sovaudit.facts.parse.ini import Assignment, parse_ini
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host


@dataclass(frozen=True, slots=True)
class Running:
    """Whether a service is in force, and the line that says so."""

    yes: bool
    because: Line


class Units:
    """What is started at boot, and what runs now. Every question may raise Unseen."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._files: Files = host.files

    @property
    def systemd(self) -> bool:
        """Whether systemd is this host's init."""
        if self._host.live:
            try:
                return "systemd" in self.processes() or "systemd-journald" in self.processes()
            except Unseen:
                pass
            try:
                return any(row.count("\t") >= 3 for row in self._files.command("units").output.splitlines())
            except Unseen:
                if self._host.live and self._files.exists("/run/systemd/system"):
                    return True
        real = self._files.resolve("/sbin/init")
        return real is not None and real.endswith("/systemd")

    def processes(self) -> frozenset[str]:
        """Names of the running programs, as the kernel cuts them (15 bytes). Raises Unseen off a live host."""
        if not self._host.live:
            raise Unseen(Gap("cmd:processes", Reason.UNSUPPORTED, "a mounted root runs nothing"))
        command = self._files.command("processes")
        names = frozenset(line.strip() for line in command.output.splitlines() if line.strip())
        if not names:
            raise Unseen(Gap("cmd:processes", Reason.AMBIGUOUS, "no process was listed"))
        return names

    def program(self, *paths: str) -> str | None:
        """The first of these programs that is installed, None if none is. Raises Unseen if that was not seen."""
        gap: Unseen | None = None
        for path in paths:
            try:
                if self._files.exists(path):
                    return path
            except Unseen as unseen:
                gap = gap or unseen
        if gap is not None:
            raise gap
        return None

    def masked(self, unit: str) -> bool:
        """Whether the unit is hidden: the first folder that has its name has a link to /dev/null or an empty file. Raises Unseen."""
        return systemd_boot.masked(self._files, unit) is not None

    def enabled(self, unit: str, *aliases: str) -> Running:
        """Whether systemd or init starts the unit at boot. Raises Unseen where that was not seen."""
        known = self._files.once(_answers)
        if (unit, aliases) not in known:
            known[unit, aliases] = self._enabled(unit, aliases)
        return known[unit, aliases]

    def _enabled(self, unit: str, aliases: tuple[str, ...]) -> Running:
        if (mask := systemd_boot.masked(self._files, unit)) is not None:
            return Running(False, Line(mask, 0, f"{unit} is masked"))
        boot = self._files.once(systemd_boot.read)
        for name in (unit, *aliases):
            if systemd_boot.canonical(self._files, name) in (unit, name) and (path := boot.starts(name)) is not None:
                return self._starts(unit, path, boot)
        if (link := self._sysv(unit.rpartition(".")[0])) is not None:
            return Running(True, Line(link, 0, f"{unit} is started at boot"))
        return Running(False, Line("/etc/systemd/system", 0, f"nothing starts {unit}"))

    def _starts(self, unit: str, path: str, boot: systemd_boot.Boot) -> Running:
        """What is asked for may still not come up."""
        if (other := boot.stopped_by(unit)) is not None:
            return Running(False, Line(path, 0, f"{other} is started and conflicts with {unit}"))
        if (line := unit_conditions.unmet(self._files, self.assignments(unit, "Unit"))) is not None:
            return Running(False, line)
        if unit.endswith(".service") and (why := self._refused(unit)):
            return Running(False, Line(path, 0, f"{unit} {why}"))
        return Running(True, Line(path, 0, f"{unit} is started at boot"))

    def _refused(self, unit: str) -> str:
        """Why systemd does not load the unit, which was read; empty where it does, or its file was not seen."""
        try:
            if not self.seen(unit):
                return ""
        except Unseen:
            return ""
        found, starts = self.service(unit), self.commands(unit, "ExecStart")
        if found.get("Type") == "oneshot":
            return ""
        if len(starts) > 1:
            return "has more than one ExecStart="
        return "" if starts or "ExecStop" in found else "has no command to start"

    def misled(self, unit: str, *programs: str) -> Running | None:
        """Where the administrator has the unit, which is started, run another program than these, or check its configuration only. Raises Unseen
        for a program that nobody knows.
        """
        for line in self.commands(unit, "ExecStart")[-1:]:
            if not line.file.startswith("/etc/"):
                return None  # a distribution's own way to start it, be it a wrapper
            words = line.text.partition("=")[2].split()
            name = posixpath.basename(words[0].lstrip("-@:+!|")) if words else ""
            if name in ("true", "false", "sleep", "echo"):
                return Running(False, line)
            if not any(program in line.text for program in programs):
                raise Unseen(Gap(f"file:{line.file}", Reason.UNSUPPORTED, f"what this starts is not known: {line.text.strip()[:80]}"))
            if name == "rsyslogd" and any(re.fullmatch(r"-[dnqQvwx46AD]*[Nv]\S*", word) for word in words[1:]):
                return Running(False, line)
        return None

    def _sysv(self, name: str) -> str | None:
        if self.systemd and self._unit_file(f"{name}.service"):
            return None  # a unit file hides the init script of the same name
        for level in "2345S":
            folder = f"/etc/rc{level}.d"
            for entry in self._files.listdir(folder) or ():
                if re.fullmatch(rf"S\d\d{re.escape(name)}", entry):
                    return f"{folder}/{entry}"
        for level in ("default", "boot", "sysinit"):
            try:
                if self._files.stat(f"/etc/runlevels/{level}/{name}") is not None:
                    return f"/etc/runlevels/{level}/{name}"
            except Unseen:
                continue
        return None

    def _unit_file(self, unit: str) -> bool:
        """Whether a unit file of this name exists; not having seen the vendor's folder counts as no."""
        for folder in systemd_boot.FOLDERS:
            try:
                if (real := self._files.resolve(folder)) is not None and self._files.stat(f"{real}/{unit}") is not None:
                    return True
            except Unseen:
                continue
        return False

    def seen(self, unit: str) -> bool:
        """Whether the unit has a file, which was read. Raises Unseen where it, or a folder that may hold it, was not."""
        for folder in systemd_boot.FOLDERS:
            real = self._files.resolve(folder)
            if real is not None and self._files.exists(f"{real}/{unit}"):
                return self._files.lines(f"{real}/{unit}") is not None
        return False

    def service(self, unit: str) -> dict[str, str]:
        """The last value of each key in the unit's [Service] section, drop-ins included; an empty assignment clears. Raises Unseen for /etc."""
        return {row.key: row.value for row in self.assignments(unit)}

    def commands(self, unit: str, key: str) -> tuple[Line, ...]:
        """The lines of a key that lists commands (ExecStart, ExecStartPost), in order; an empty one clears those before it. Raises Unseen."""
        found: list[Line] = []
        for row in self.assignments(unit):
            if row.key == key:
                found = [*found, row.line] if row.value else []
        return tuple(found)

    def values(self, unit: str, section: str, *keys: str) -> tuple[str, ...]:
        """What keys that list something hold in the end: an empty assignment clears those of its key before it. Raises Unseen."""
        found: list[tuple[str, str]] = []
        for row in self.assignments(unit, section):
            if row.key in keys:
                found = [*found, (row.key, row.value)] if row.value else [each for each in found if each[0] != row.key]
        return tuple(value for _, value in found)

    def assignments(self, unit: str, section: str = "Service") -> list[Assignment]:
        """Assignments in a section as systemd applies them: the unit's file or its template's, then drop-ins by file name. Raises Unseen for /etc."""
        known = self._files.once(_known)
        if unit not in known:
            known[unit] = self._assignments(unit)
        return [row for row in known[unit] if row.section == section]

    def _assignments(self, unit: str) -> list[Assignment]:
        paths: list[str] = []
        drop_ins: dict[str, str] = {}
        folders = self._files.once(systemd_boot.folders)
        for name in dict.fromkeys((unit, systemd_boot.template_of(unit))):
            for folder, names in folders.items():
                try:
                    if not paths and (names is None or name in names) and self._files.exists(f"{folder}/{name}"):
                        paths.append(f"{folder}/{name}")
                except Unseen:
                    if folder.startswith("/etc/"):
                        raise  # a vendor's folder that was not listed: its unit says what every distribution's says
        for name in self._drop_in_folders(unit):
            for folder, names in folders.items():
                if names is not None and name not in names:
                    continue
                try:
                    entries = self._files.listdir(f"{folder}/{name}") or ()
                except Unseen:
                    if folder.startswith("/etc/"):
                        raise
                    continue
                for entry in entries:
                    if entry.endswith(".conf") and not entry.startswith("."):
                        drop_ins.setdefault(entry, f"{folder}/{name}/{entry}")
        found: list[Assignment] = []
        for path in [*paths, *(drop_ins[name] for name in sorted(drop_ins) if not systemd_boot.hides(self._files, drop_ins[name]))]:
            try:
                rows = parse_ini(self._files.lines(path) or ())
            except Unseen:
                if path.startswith("/etc/"):
                    raise
                continue
            found += rows
        return found

    def _drop_in_folders(self, unit: str) -> list[str]:
        """The unit's own folder, those of its aliases, of what its name begins with up to each dash, and of all units of its type."""
        stem, _, kind = unit.rpartition(".")
        names = [unit, *systemd_boot.aliases(self._files, unit)]
        if "@" in stem:
            names.append(f"{stem.partition('@')[0]}@.{kind}")
        names += [f"{stem[: at + 1]}.{kind}" for at in range(len(stem) - 2, 0, -1) if stem[at] == "-"]
        return [f"{name}.d" for name in dict.fromkeys([*names, kind])]

    def runs(self, process: str, unit: str, *aliases: str) -> Running:
        """Whether a daemon is in force: on a live host whether it runs, on a mounted root whether it would be started. Raises Unseen."""
        if self._host.live:
            yes = process[:15] in self.processes()
            return Running(yes, Line("cmd:processes", 0, f"{process} runs" if yes else f"{process} does not run"))
        found = self.enabled(unit, *aliases)
        return (self.misled(unit, process) or found) if found.yes and self.systemd else found


def written_here(files: Files, unit: str) -> bool:
    """Whether the administrator wrote this unit, or its template. Raises Unseen."""
    names = dict.fromkeys((unit, systemd_boot.template_of(unit)))
    return any((stat := files.stat(f"{systemd_boot.TOP}/{name}")) is not None and stat.kind == "f" for name in names)


def pulled_in(files: Files, matters: Callable[[str], bool]) -> list[str]:
    """Units that a boot starts, as far as they matter. Raises Unseen."""
    return sorted(name for name in files.once(systemd_boot.read).started if matters(name))


def _known(files: Files) -> dict[str, list[Assignment]]:
    """What `assignments` read already."""
    return {}


def _answers(files: Files) -> dict[tuple[str, tuple[str, ...]], Running]:
    """What `enabled` answered already."""
    return {}
