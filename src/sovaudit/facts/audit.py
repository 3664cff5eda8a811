"""The kernel's audit system: which changes leave a record, now and after the next boot.

host.audit.identity()          # one Recorded for each file of accounts
host.audit.commands()          # what administrators run

Both must hold on a live host: the rules in the kernel say what is recorded now, the files what will be. A mounted root has the files only.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from sovaudit.facts import audit_acts as acts
from sovaudit.facts.audit_acts import Subject
from sovaudit.facts.audit_daemon import AuditDaemon
from sovaudit.facts.audit_load import RULES, RULES_D, Loaded, Loader, Placed, World, merged, shape, shapes
from sovaudit.facts.audit_match import Actor, Coverage, cover
from sovaudit.facts.files import Unseen
from sovaudit.facts.log_protection import Answer
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

IDENTITY = ("/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow")
OLD_PASSWORDS = "/etc/security/opasswd"
_MACHINES = {"x86_64-linux-gnu": "x86_64", "i386-linux-gnu": "i386"}


@dataclass(frozen=True, slots=True)
class Recorded:
    """Whether changes of something leave a record. why, seen: what is missing, the act and its actor; empty where nothing is."""

    name: str
    yes: bool | None
    why: str = ""
    seen: str = ""
    because: tuple[Line, ...] = ()
    gaps: tuple[Gap, ...] = ()


class Audit:
    """Facts about auditing. Questions raise Unseen where nothing at all can be said."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._files = host.files
        self.daemon = AuditDaemon(host)

    @cached_property
    def machine(self) -> str:
        """The machine's name as uname(1) gives it; x86_64 where nothing says otherwise. Raises Unseen."""
        if self._host.live:
            try:
                words = self._files.command("kernel").output.split()
                return next(
                    word for word in words if re.fullmatch(r"x86_64|i[3-6]86|aarch64|armv\d\w*|ppc64\w*|s390x|riscv64|mips\w*", word)
                )
            except (Unseen, StopIteration):
                pass
        found = {
            stat.path.split("/")[-1] for stat in self._files.paths() if re.fullmatch(r"(/usr)?/lib/[a-z0-9_]+-linux-gnu\w*", stat.path)
        }
        return "x86_64" if not found or "x86_64-linux-gnu" in found else sorted(found)[0].split("-")[0]

    # Rules

    @cached_property
    def boot(self) -> Loaded:
        """The kernel's rules after the next boot. Raises Unseen."""
        self._known_machine()
        loaders = self.daemon.loaders()
        if not loaders:
            return Loaded((World(),))
        what, line = loaders[-1]
        if what == "augenrules":
            return self._from_augenrules(line)
        return self._from_file(what, line)

    def _known_machine(self) -> None:
        if self.machine != "x86_64":
            raise Unseen(Gap("cmd:kernel", Reason.UNSUPPORTED, f"system calls of {self.machine} are not modelled"))

    @property
    def _loader(self) -> Loader:
        accounts = self._host.accounts

        def uid(name: str) -> int | None:
            account = accounts.get(name)
            if account is None and accounts.elsewhere:
                raise Unseen(Gap("file:/etc/nsswitch.conf", Reason.UNSUPPORTED, f"{name} may come from {accounts.elsewhere[0]}"))
            return None if account is None else account.uid

        def gid(name: str) -> int | None:
            group = accounts.groups.get(name)
            return None if group is None else group.gid

        return Loader(self._files, uid, gid)

    def _from_augenrules(self, line: Line) -> Loaded:
        ways = [merged(self._files, way) for way in self._awks()]
        rows = ways[0]
        if any(way != rows for way in ways):
            raise Unseen(Gap("file:/usr/bin/awk", Reason.AMBIGUOUS, "how this awk reads the blanks in augenrules is not known"))
        if rows is None:
            return self._from_file(RULES, line)
        stat = self._files.follow(RULES)
        if stat is not None and stat.kind == "f" and stat.uid != 0:
            return _refused(Line(RULES, 0, f"owned by uid {stat.uid}"), self.daemon.first_enabled())
        return self._load(rows)

    def _awks(self) -> tuple[str, ...]:
        real = self._files.resolve("/usr/bin/awk") or ""
        name = posixpath.basename(real)
        if name in ("gawk", "busybox"):
            return ("gawk",)
        old = self._host.os.get("VERSION_ID", "").split(".")[0] in ("10", "11", "12", "20", "22")
        return ("mawk",) if name in ("mawk", "original-awk") and old else ("mawk", "gawk")

    def _from_file(self, path: str, line: Line) -> Loaded:
        """auditctl opens its file itself, and refuses one that others could have written."""
        stat = self._files.follow(path)
        if stat is None:
            return _refused(Line(path, 0, "absent"), self.daemon.first_enabled())
        if stat.kind != "f" or stat.uid != 0 or stat.world_writable:
            return _refused(Line(path, 0, f"mode {stat.mode:04o}, owned by uid {stat.uid}"), self.daemon.first_enabled())
        return self._load(self._files.lines(path) or ())

    def _load(self, rows: Sequence[Line]) -> Loaded:
        return self._loader.load(rows, self.daemon.first_enabled())

    @cached_property
    def now(self) -> Loaded | None:
        """The rules in the running kernel; None for a mounted root. Raises Unseen."""
        if not self._host.live:
            return None
        self._known_machine()
        listing, status = self._files.command("auditctl-l"), self.status
        if listing.code != 0:
            raise Unseen(Gap("cmd:auditctl-l", Reason.AMBIGUOUS, listing.output.strip()[:80]))
        world = self._loader.listed(Line("cmd:auditctl-l", number, text) for number, text in enumerate(listing.output.splitlines(), 1))
        world.rules = self._told_apart(world)
        world.enabled = int(status.get("enabled", "1")) if status.get("enabled", "1").isdigit() else 1
        world.enabled_by = Line("cmd:auditctl-s", 0, f"enabled {world.enabled}")
        return Loaded((world,))

    def _told_apart(self, listed: World) -> list[Placed]:
        """The listing shows a `never` on a path like a watch. Where it shows what the files would load, those are the rules."""
        try:
            loaded = self.boot.worlds[0]
        except Unseen:
            return listed.rules
        if shapes(loaded) == shapes(listed):
            return loaded.rules
        hidden = {shape(place.rule) for place in loaded.rules if place.rule.action == "never"}
        for place in listed.rules:
            if shape(place.rule)[1] == "" and shape(place.rule) in hidden:
                raise Unseen(Gap("cmd:auditctl-l", Reason.AMBIGUOUS, "a watch that may be a never rule"))
        return listed.rules

    @cached_property
    def status(self) -> dict[str, str]:
        """`auditctl -s` of a live host. Raises Unseen."""
        command = self._files.command("auditctl-s")
        rows = dict(row.strip().split(" ", 1) for row in command.output.splitlines() if " " in row.strip())
        if command.code != 0 or "enabled" not in rows:
            raise Unseen(Gap("cmd:auditctl-s", Reason.AMBIGUOUS, command.output.strip()[:80]))
        return {key: value.strip() for key, value in rows.items()}

    # Answers

    @cached_property
    def _loads(self) -> tuple[Loaded, ...]:
        """What was seen of the rules, after the next boot and now."""
        loads: list[Loaded] = []
        with suppress(Unseen):
            loads.append(self.boot)
        with suppress(Unseen):
            loads += [self.now] if self.now is not None else []
        return tuple(loads)

    @cached_property
    def people(self) -> tuple[Actor, ...]:
        return acts.people(self._host, self._loads)

    def recorded(self, subject: Subject, actors: Iterable[Actor]) -> Recorded:
        """Whether every act on the subject leaves a record, by whomever of these, now and after the next boot."""
        who = tuple(actors)
        answers = [self._one(subject, who, after_boot=True)]
        if self._host.live:
            answers.append(self._one(subject, who, after_boot=False))
        worst = min(answers, key=lambda answer: {False: 0, None: 1, True: 2}[answer.yes])
        if worst.yes:
            lines = tuple(dict.fromkeys(line for answer in answers for line in answer.because))
            return Recorded(subject.name, True, because=lines[:8])
        return worst

    def _one(self, subject: Subject, actors: tuple[Actor, ...], *, after_boot: bool) -> Recorded:
        when = "after the next boot: " if after_boot and self._host.live else ""
        try:
            state = self._boot_state if after_boot else self.daemon.runs()
            if state.yes is False:
                return Recorded(subject.name, False, state.why, when.rstrip(": "), state.because)
            loaded = self.boot if after_boot else self.now
            assert loaded is not None
            coverage = cover(loaded, subject.acts, actors)
        except Unseen as unseen:
            return Recorded(subject.name, None, "the rules were not seen in full", when.rstrip(": "), gaps=(unseen.gap,))
        seen = when + _act(coverage) if coverage.missed else when.rstrip(": ")
        if coverage.yes is False:
            return Recorded(subject.name, False, coverage.why, seen, coverage.because)
        if coverage.yes is None or state.yes is None:
            return Recorded(
                subject.name,
                None,
                coverage.why if coverage.yes is None else state.why,
                seen,
                coverage.because or state.because,
                coverage.gaps or state.gaps,
            )
        return Recorded(subject.name, True, because=coverage.because)

    @cached_property
    def _boot_state(self) -> Answer:
        state = self.daemon.starts()
        if state.yes is not False and not self.daemon.loaders():
            return Answer(
                False,
                "nothing loads audit rules at boot",
                (Line("/usr/lib/systemd/system/auditd.service", 0, "no augenrules, no auditctl -R"),),
            )
        return state if state.yes is False else (self._killed() or state)

    def _killed(self) -> Answer | None:
        """Where the unit has no `-` before the command that loads the rules, and that fails, systemd stops auditd again. Raises Unseen."""
        what, line = self.daemon.loaders()[-1]
        command = line.text.strip().partition("=")
        if command[0].strip() != "ExecStartPost" or not re.match(r"\s*[@:+!]*/\S*/(augenrules|auditctl)\s", command[2]):
            return None  # with a `-`, or inside a shell that may say otherwise
        fails = [world.stopped is not None for world in self.boot.worlds]
        if what == "augenrules" and self._files.follow(RULES_D) is None:
            fails = [True]
        if not any(fails):
            return None
        lines = (line, *self.boot.places())
        if all(fails):
            return Answer(False, "the rules do not load, and auditd's unit fails with them", lines)
        return Answer(None, "whether the rules load, without which auditd's unit fails, was not seen", lines, self.boot.gaps)

    # What is asked

    def identity(self) -> tuple[Recorded, ...]:
        """Files of accounts, whoever changes them. Old passwords count where they are kept."""
        people = self.people
        actors = (*people, *(acts.as_setuid(actor) for actor in people if actor.auid != 0), acts.service())
        paths = [*IDENTITY, *([OLD_PASSWORDS] if self._keeps_old_passwords() else [])]
        return tuple(self.recorded(self.subject(path), actors) for path in paths)

    def _keeps_old_passwords(self) -> bool:
        stat = self._files.follow(OLD_PASSWORDS)
        if stat is not None and stat.size > 0:
            return True
        steps = self._host.pam.service("passwd").stack("password")
        return any(step.module == "pam_pwhistory.so" or any(word.startswith("remember=") for word in step.args) for step in steps)

    def privilege(self) -> tuple[Recorded, ...]:
        """sudo's configuration; empty where sudo is not installed."""
        paths = ["/etc/sudoers", "/etc/sudoers.d"]
        if not any(self._files.exists(path) for path in (*paths, "/usr/bin/sudo", "/usr/local/bin/sudo")):
            return ()
        actors = (*self.people, acts.service())
        return tuple(self.recorded(self.subject(path), actors) for path in paths)

    def logging(self) -> tuple[Recorded, ...]:
        """The configuration of auditd, and of the logging daemons that are here."""
        actors = (*self.people, acts.service())
        paths = ["/etc/audit"]
        units = self._host.logs.units
        if units.program("/usr/sbin/rsyslogd", "/sbin/rsyslogd") is not None:
            paths += ["/etc/rsyslog.conf", "/etc/rsyslog.d"]
        if units.program("/usr/sbin/syslog-ng", "/sbin/syslog-ng") is not None:
            paths.append("/etc/syslog-ng")
        if units.program("/usr/lib/systemd/systemd-journald", "/lib/systemd/systemd-journald") is not None:
            paths.append("/etc/systemd/journald.conf")
            if self._files.exists("/etc/systemd/journald.conf.d"):
                paths.append("/etc/systemd/journald.conf.d")
        return tuple(self.recorded(self.subject(path), actors) for path in paths)

    def clock(self) -> tuple[Recorded, ...]:
        return tuple(self.recorded(subject, self.people) for subject in acts.clock())

    def modules(self) -> tuple[Recorded, ...]:
        return tuple(self.recorded(subject, self.people) for subject in acts.modules())

    def commands(self) -> Recorded:
        """Programs that somebody who logged in runs as root."""
        return self.recorded(Subject("commands", acts.commands()), self.people)

    # Losses

    def rate_limits(self) -> tuple[Line, ...]:
        """Limits on the rate of records, at boot and now. Raises Unseen."""
        found = [world.rate_by or Line(RULES, 0, f"rate {world.rate}") for world in self.boot.worlds if world.rate]
        if self._host.live and self.status.get("rate_limit", "0").split(" ")[0] != "0":
            found.append(Line("cmd:auditctl-s", 0, f"rate_limit {self.status['rate_limit']}"))
        return tuple(dict.fromkeys(found))

    def subject(self, path: str) -> Subject:
        """With each file in a folder that some rule leaves out."""
        found = acts.of_path(self._files, path)
        real = self._files.resolve(path) or path
        below = {
            placed.real
            for load in self._loads
            for world in load.worlds
            for placed in world.rules
            if placed.rule.action == "never" and placed.real.startswith(f"{real}/")
        }
        return Subject(path, (*found, *(act for name in sorted(below) for act in acts.of_file(name))))


def _refused(line: Line, enabled: int) -> Loaded:
    return Loaded((World(enabled=enabled, stopped=(line, "auditctl does not read this file")),))


def _act(coverage: Coverage) -> str:
    assert coverage.missed is not None
    act, actor = coverage.missed
    return f"{act.call}{' (32-bit)' if act.arch == 'b32' else ''} by {actor.name}"
