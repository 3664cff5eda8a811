"""Which services this host starts: systemd's enablement links and masks, System V and OpenRC links, and, on a live host, what runs.

Sources: systemd.unit(5), systemctl(1) "enable" and "mask", update-rc.d(8).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sovaudit.facts.files import Files, Unseen
from sovaudit.facts.parse.ini import Assignment, parse_ini
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

_UNIT_FOLDERS = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)


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
        """A link to /dev/null (or an empty file) of this name in /etc or /run hides the unit. Raises Unseen."""
        for folder in ("/etc/systemd/system", "/run/systemd/system"):
            try:
                stat = self._files.stat(f"{folder}/{unit}")
            except Unseen:
                if folder.startswith("/run"):
                    continue  # nothing there survives a boot; a live host's processes are asked instead
                raise
            if stat is not None and (stat.link == "/dev/null" or (stat.kind == "f" and stat.size == 0)):
                return True
        return False

    def enabled(self, unit: str, *aliases: str) -> Running:
        """Whether systemd or init starts the unit at boot. Raises Unseen where the links were not seen."""
        names = (unit, *aliases)
        if self.masked(unit):
            return Running(False, Line(f"/etc/systemd/system/{unit}", 0, f"{unit} is masked"))
        if (link := self._wanted(names)) is not None:
            return Running(True, Line(link, 0, f"{unit} is started at boot"))
        if (link := self._sysv(unit.rpartition(".")[0])) is not None:
            return Running(True, Line(link, 0, f"{unit} is started at boot"))
        return Running(False, Line("/etc/systemd/system", 0, f"nothing starts {unit}"))

    def _wanted(self, names: tuple[str, ...]) -> str | None:
        """A link in some `.wants` or `.requires` folder, or an enabled alias."""
        top = "/etc/systemd/system"
        for entry in self._files.listdir(top) or ():
            if entry.endswith((".wants", ".requires")):
                for name in self._files.listdir(f"{top}/{entry}") or ():
                    if name in names:
                        return f"{top}/{entry}/{name}"
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
        for folder in _UNIT_FOLDERS:
            try:
                if (real := self._files.resolve(folder)) is not None and self._files.stat(f"{real}/{unit}") is not None:
                    return True
            except Unseen:
                continue
        return False

    def seen(self, unit: str) -> bool:
        """Whether the unit has a file, which was read. Raises Unseen where it, or a folder that may hold it, was not."""
        for folder in _UNIT_FOLDERS:
            real = self._files.resolve(folder)
            if real is not None and self._files.exists(f"{real}/{unit}"):
                return self._files.lines(f"{real}/{unit}") is not None
        return False

    def service(self, unit: str) -> dict[str, str]:
        """The last value of each key in the unit's [Service] section, drop-ins included; an empty assignment clears. Raises Unseen for /etc."""
        return {row.key: row.value for row in self._rows(unit)}

    def commands(self, unit: str, key: str) -> tuple[Line, ...]:
        """The lines of a key that lists commands (ExecStart, ExecStartPost), in order; an empty one clears those before it. Raises Unseen."""
        found: list[Line] = []
        for row in self._rows(unit):
            if row.key == key:
                found = [*found, row.line] if row.value else []
        return tuple(found)

    def values(self, unit: str, section: str, *keys: str) -> tuple[str, ...]:
        """What keys that list something hold in the end: an empty assignment clears those of its key before it. Raises Unseen."""
        found: list[tuple[str, str]] = []
        for row in self._rows(unit, section):
            if row.key in keys:
                found = [*found, (row.key, row.value)] if row.value else [each for each in found if each[0] != row.key]
        return tuple(value for _, value in found)

    def assignments(self, unit: str, section: str = "Service") -> list[Assignment]:
        """Assignments in a section as systemd applies them: the unit's file or its template's, then drop-ins by file name. Raises Unseen for /etc."""
        return self._rows(unit, section)

    def _names(self, unit: str) -> tuple[str, ...]:
        """Names under which a unit's drop-ins may stand: its own, those of links to it, its template's, its name up to each dash, its type."""
        stem, _, kind = unit.rpartition(".")
        template = re.sub(r"@.+$", "@", stem)
        above = [f"{stem[: dash.end()]}.{kind}" for dash in re.finditer("-(?=.)", stem)]
        return tuple(dict.fromkeys((unit, *self._files.once(_aliases).get(unit, ()), f"{template}.{kind}", *reversed(above), kind)))

    def _rows(self, unit: str, section: str = "Service") -> list[Assignment]:
        paths: list[str] = []
        drop_ins: dict[str, str] = {}
        names = self._names(unit)
        for name in names:
            for folder in _UNIT_FOLDERS:
                try:
                    real = self._files.resolve(folder)
                    entries = (self._files.listdir(f"{real}/{name}.d") or ()) if real is not None else ()
                    if real is not None and not paths and "-." not in name and self._files.exists(f"{real}/{name}"):
                        paths.append(f"{real}/{name}")
                except Unseen:
                    if folder.startswith("/etc/"):
                        raise
                    continue  # a vendor's folder that was not listed: its unit says what every distribution's says
                for entry in entries:
                    if entry.endswith(".conf"):
                        drop_ins.setdefault(entry, f"{real}/{name}.d/{entry}")
        found: list[Assignment] = []
        for path in [*paths, *(drop_ins[name] for name in sorted(drop_ins))]:
            try:
                rows = parse_ini(self._files.lines(path) or ())
            except Unseen:
                if path.startswith("/etc/"):
                    raise
                continue
            found += [row for row in rows if row.section == section]
        return found

    def runs(self, process: str, unit: str, *aliases: str) -> Running:
        """Whether a daemon is in force: on a live host whether it runs, on a mounted root whether it would be started. Raises Unseen."""
        if self._host.live:
            yes = process[:15] in self.processes()
            return Running(yes, Line("cmd:processes", 0, f"{process} {'runs' if yes else 'does not run'}"))
        return self.enabled(unit, *aliases)


def _aliases(files: Files) -> dict[str, tuple[str, ...]]:
    """Unit → names of links to it in /etc. Raises Unseen."""
    found: dict[str, tuple[str, ...]] = {}
    top = _UNIT_FOLDERS[0]
    for name in files.listdir(top) or ():
        stat = files.stat(f"{top}/{name}")
        if stat is not None and stat.kind == "l" and (target := stat.link.rpartition("/")[2]) != name:
            found[target] = (*found.get(target, ()), name)
    return found
