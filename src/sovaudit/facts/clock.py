"""What keeps this host's time: chrony, systemd-timesyncd, ntpd (ntp, ntpsec) or OpenNTPD, whether it is in force, and from where it takes
the time.
"""

from __future__ import annotations

import csv
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sovaudit.facts import systemd_boot
from sovaudit.facts.chrony_conf import read_chrony, started_with
from sovaudit.facts.files import Files, Unseen
from sovaudit.facts.journald import read_config
from sovaudit.facts.systemd_units import Running, Units
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

_OPENNTPD, _NTPSEC = ("/etc/openntpd/ntpd.conf", "/etc/ntpd.conf"), ("/etc/ntpsec/ntp.conf",)
# What keeps the time as well, and is not modelled
_OTHERS = re.compile(r"(phc2sys|ptp4l|timemaster|ntpd-rs|htpdate|tlsdate|ntpdate|busybox-ntpd|vmtoolsd|open-vm-tools)\b.*")
_LOOPBACK = re.compile(r"127\.\S*|::1|localhost", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Service:
    """One time service that is installed. sources: the lines that name a server, pool, peer or reference clock."""

    name: str
    running: Running | None
    sources: tuple[Line, ...] | None
    gap: Gap | None = None

    @property
    def works(self) -> bool | None:
        """In force and with a source; None if either was not seen."""
        known = (None if self.running is None else self.running.yes, None if self.sources is None else bool(self.sources))
        return False if False in known else None if None in known else True


@dataclass(frozen=True, slots=True)
class Source:
    """yes None: not decided. why: the service's name, or what is missing. container: the mark of one, where no service is installed."""

    yes: bool | None
    why: str
    because: tuple[Line, ...] = ()
    gaps: tuple[Gap, ...] = ()
    container: Line | None = None


@dataclass(frozen=True, slots=True)
class Skew:
    """ms: without sign. exact: False where only this upper bound is known."""

    ms: int
    exact: bool
    because: tuple[Line, ...]


class Clock:
    """Time services of a host. Nothing here raises Unseen but `synchronised` and `offset_ms`."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._files: Files = host.files
        self._units = Units(host)

    def services(self) -> tuple[Service, ...]:
        """Every time service that is installed, or might be."""
        kinds = (
            ("chrony", ("/usr/sbin/chronyd", "/usr/bin/chronyd"), "chronyd", ("chrony.service", "chronyd.service"), self._chrony),
            (
                "systemd-timesyncd",
                ("/usr/lib/systemd/systemd-timesyncd", "/lib/systemd/systemd-timesyncd"),
                "systemd-timesyncd",
                ("systemd-timesyncd.service", "dbus-org.freedesktop.timesync1.service"),
                self._timesyncd,
            ),
            ("ntpd", ("/usr/sbin/ntpd",), "ntpd", ("ntp.service", "ntpd.service", "ntpsec.service", "openntpd.service"), self._ntpd),
        )
        found = []
        for name, programs, process, units, sources in kinds:
            gap: Gap | None = None
            try:
                if self._units.program(*programs) is None:
                    continue
            except Unseen as unseen:
                gap = unseen.gap
                if self._host.live and self._absent_process(process):
                    continue
            running: Running | None = None
            lines: tuple[Line, ...] | None = None
            try:
                running = self._running(process, units)
            except Unseen as unseen:
                gap = unseen.gap
            try:
                lines = tuple(sources())
            except Unseen as unseen:
                gap = unseen.gap
            found.append(Service(name, running, lines, gap))
        return tuple(found)

    def _absent_process(self, process: str) -> bool:
        try:
            return process[:15] not in self._units.processes()
        except Unseen:
            return False

    def _running(self, process: str, units: tuple[str, ...]) -> Running:
        if self._host.live:
            return self._units.runs(process, units[0])
        found = Running(False, Line("/etc/systemd/system", 0, f"nothing starts {process}"))
        for unit in units:
            found = self._units.runs(process, unit)
            if found.yes:
                return found
        return found

    # Sources

    def _chrony(self) -> Iterator[Line]:
        """The sources of chrony.conf(5). Raises Unseen where all of them wait for somebody's word that the network is there."""
        main, lines, keeps = started_with(self._chrony_words())
        if not keeps:
            return  # chronyd is told to leave the clock alone, or to set it once
        found = read_chrony(self._files, main, lines)
        if found.fault is not None and not self._host.live:
            return  # chronyd would not start; on a running host what runs counts, whatever it was started with
        if found.doubt is not None and not self._host.live:
            raise Unseen(Gap(f"file:{found.doubt.file}", Reason.AMBIGUOUS, f"whether a name is found: {found.doubt.text.strip()[:80]}"))
        yield from found.sources
        if found.waiting and not found.sources:
            line = found.waiting[0]
            raise Unseen(Gap(f"file:{line.file}", Reason.AMBIGUOUS, f"offline until chronyc says otherwise: {line.text.strip()[:80]}"))

    def _chrony_words(self) -> list[Line]:
        """chronyd's arguments: those of its unit, or those that the distribution's file of options gives it."""
        options: dict[str, list[Line]] = {}
        for path, name in (("/etc/default/chrony", "DAEMON_OPTS"), ("/etc/sysconfig/chronyd", "OPTIONS")):
            for line in self._files.lines(path) or ():
                if match := re.fullmatch(rf"\s*{name}=[\"']?([^\"']*)[\"']?\s*", line.text):
                    options[name] = [Line(line.file, line.number, word) for word in match[1].split()]
        for unit in ("chrony.service", "chronyd.service"):
            for line in self._units.commands(unit, "ExecStart")[-1:] if self._units.systemd else ():
                words = [Line(line.file, line.number, word) for word in _split(line.text.partition("=")[2])[1:]]
                return [
                    each for word in words for each in options.get(re.sub(r"\W", "", word.text), [word] if word.text[:1] != "$" else [])
                ]
        return [word for words in options.values() for word in words]

    def _timesyncd(self) -> Iterator[Line]:
        """NTP=, and FallbackNTP= where that names nobody (timesyncd.conf(5)). Both are lists: assignments add up, an empty one clears. Unset,
        the distribution's own servers are the fallback.
        """
        settings = read_config(self._files, "timesyncd.conf", "Time")
        for key in ("NTP", "FallbackNTP"):
            rows: list[Line] = []
            for row in settings.get(key, ()):
                rows = [*rows, row.line] if row.value else []
            if key == "FallbackNTP" and key not in settings:
                rows = [Line("/etc/systemd/timesyncd.conf", 0, "FallbackNTP is the distribution's own")]
            if rows:
                yield from (
                    row for row in rows if not all(_LOOPBACK.fullmatch(name) for name in row.text.partition("=")[2].split() or [""])
                )
                return

    def _ntpd(self) -> Iterator[Line]:
        path = next((path for path in self._ntpd_paths() if self._files.exists(path)), None)
        if path is not None:
            yield from self._ntpd_file(path, 0)

    def _ntpd_paths(self) -> tuple[str, ...]:
        """Where the ntpd that is installed has its file: what its relatives left behind is not read."""
        try:
            packages = self._host.packages
        except Unseen:
            packages = {}
        if "openntpd" in packages or self._files.exists("/usr/sbin/openntpd"):
            return _OPENNTPD
        return (*_NTPSEC, "/etc/ntp.conf", *(() if {"ntp", "ntpsec"} & set(packages) else _OPENNTPD))

    def _ntpd_file(self, path: str, depth: int) -> Iterator[Line]:
        for line in self._files.lines(path) or ():
            words = line.text.split("#")[0].split()
            if len(words) < 2:
                continue
            if words[0] == "includefile" and depth < 5:
                yield from self._ntpd_file(words[1] if words[1].startswith("/") else f"/etc/{words[1]}", depth + 1)
            named = words[0] in ("server", "servers", "pool", "peer", "sensor", "refclock", "broadcastclient")
            if named and not _LOOPBACK.fullmatch(words[1]) and "noselect" not in words:  # 127.127.1.0 is the host's own clock
                yield line

    # What the running service says

    def synchronised(self, service: str) -> tuple[bool, Line]:
        """Whether the service says that it follows its source. Raises Unseen."""
        if service == "chrony":
            cells = self._tracking()
            if cells is None:
                raise Unseen(Gap("cmd:chronyc-tracking", Reason.AMBIGUOUS, "chronyd did not answer"))
            leap = cells.get("leap status", "")
            return leap.lower() != "not synchronised", Line("cmd:chronyc-tracking", 0, f"Leap status: {leap}")
        if service == "systemd-timesyncd":
            found = re.search(r"^NTPSynchronized=(yes|no)$", self._files.command("timedatectl").output, re.MULTILINE)
            if found is None:
                raise Unseen(Gap("cmd:timedatectl", Reason.AMBIGUOUS, "it does not say NTPSynchronized"))
            return found[1] == "yes", Line("cmd:timedatectl", 0, found[0])
        command = self._files.command("ntpq-peers")
        if command.code != 0 or "remote" not in command.output:
            raise Unseen(Gap("cmd:ntpq-peers", Reason.AMBIGUOUS, "ntpd did not answer"))
        chosen = [row for row in command.output.splitlines() if row[:1] in "*o" and row.strip()]
        return bool(chosen), Line("cmd:ntpq-peers", 0, chosen[0] if chosen else "no peer is selected")

    def offset_ms(self) -> tuple[int, Line]:
        """The service's own estimate of this clock's error, in milliseconds, without sign. Raises Unseen."""
        cells = self._tracking()
        text = (cells or {}).get("system time", "")
        number = re.match(r"-?\d{1,12}(\.\d{1,12})?", text)
        if cells is None or number is None or cells.get("leap status", "").lower() == "not synchronised":
            raise Unseen(Gap("cmd:chronyc-tracking", Reason.AMBIGUOUS, "no offset from a synchronised service"))
        whole, _, fraction = number[0].lstrip("-").partition(".")
        micro = int(whole) * 10**6 + int((fraction + "000000")[:6])
        return -(-micro // 1000), Line("cmd:chronyc-tracking", 0, f"System time: {text}")

    def _tracking(self) -> dict[str, str] | None:
        """chronyc's tracking report, as words or as comma-separated fields. Raises Unseen."""
        command = self._files.command("chronyc-tracking")
        if command.code != 0:
            return None
        for row in csv.reader(line[:1000] for line in command.output.splitlines()[:50]):  # beyond a bound of its own, csv raises
            if len(row) >= 14:
                return {"system time": row[4].strip(), "leap status": row[13].strip()}
        rows = (row.partition(":") for row in command.output.splitlines())
        found = {key.strip().lower(): value.strip() for key, colon, value in rows if colon}
        return found if "leap status" in found else None

    def source(self) -> Source:
        """Whether some service that is in force certainly has a source and does not say that it lost it."""
        services = self.services()
        because = tuple(
            line
            for service in services
            for line in (service.running.because if service.running else None, *(service.sources or ())[:2])
            if line
        )
        gaps = tuple(service.gap for service in services if service.gap)
        for service in services:
            if service.works:
                said, gap = self._said(service.name)
                if said is not None and not said[0]:
                    return Source(False, f"{service.name} is not synchronised", (*because, said[1]))
                if gap is not None:
                    return Source(None, f"whether {service.name} is synchronised was not seen", because, (*gaps, gap))
                return Source(True, service.name, (*because, said[1]) if said else because)
        unsure = [service.name for service in services if service.works is None]
        if unsure:
            return Source(None, f"{unsure[0]} was not seen in full", because, gaps)
        if (other := self._unmodelled()) is not None:
            return Source(None, f"{other} is not modelled", because, (Gap(other, Reason.UNSUPPORTED),))
        if not services:
            return Source(False, "no time service is installed", (Line("/usr/sbin/chronyd", 0, "absent"),), (), self.container())
        stopped = [service for service in services if service.running is not None and not service.running.yes]
        why = "none is in force" if len(stopped) == len(services) else "the service in force has no source"
        return Source(False, why, because)

    def _unmodelled(self) -> str | None:
        """A service in force that may keep the time, too."""
        try:
            names = self._units.processes() if self._host.live else self._files.once(systemd_boot.read).started
        except Unseen:
            return None
        return next((name for name in sorted(names) if _OTHERS.fullmatch(name)), None)

    def _said(self, service: str) -> tuple[tuple[bool, Line] | None, Gap | None]:
        if not self._host.live:
            return None, None
        try:
            return self.synchronised(service), None
        except Unseen as unseen:
            openntpd = service == "ntpd" and self._files.exists("/etc/openntpd/ntpd.conf")  # it does not answer ntpq
            return None, None if openntpd else unseen.gap

    def skew(self) -> Skew:
        """This clock's error: against the auditor's clock, or, on the auditor's own machine, as the time service estimates it. Raises Unseen."""
        evidence = self._host.evidence
        if evidence.target.kind != "local":
            if evidence.clock_skew_ms is None or not evidence.artifacts:
                raise Unseen(Gap("clock_skew_ms", Reason.ABSENT, "the clock was not compared"))
            return Skew(abs(evidence.clock_skew_ms), True, ())
        try:
            offset, line = self.offset_ms()
            return Skew(offset, True, (line,))
        except Unseen:
            yes, line = self.synchronised("systemd-timesyncd")
            if not yes or self._absent_process("systemd-timesyncd"):
                raise
            return Skew(1000, False, (line,))  # it slews up to 0.4 s and steps beyond; between two polls a clock drifts less than the rest

    def container(self) -> Line | None:
        """The mark of a container, whose clock is its host's. None if there is none, or none was seen."""
        for path in ("/.dockerenv", "/run/.containerenv"):
            try:
                if self._files.exists(path):
                    return Line(path, 0, "this is a container")
            except Unseen:
                continue
        return None


def _split(command: str) -> list[str]:
    """A command line in systemd's quotes."""
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()
