"""Where log messages really go, how long they live there, and who could touch them: rsyslog, journald and logrotate together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from sovaudit.facts import rsyslog_config, rsyslog_includes
from sovaudit.facts.files import Unseen
from sovaudit.facts.journald import FOLDER, Journald
from sovaudit.facts.log_events import Event, events_of
from sovaudit.facts.log_forwarding import Forwarding
from sovaudit.facts.log_protection import Answer, Protection
from sovaudit.facts.log_retention import Kept, Retention
from sovaudit.facts.log_tamper import Guarded, Tamper
from sovaudit.facts.logrotate import Logrotate
from sovaudit.facts.parse.rsyslog_legacy import FACILITIES, SEVERITIES
from sovaudit.facts.rsyslog import Message, Routing, route
from sovaudit.facts.rsyslog_model import Configuration, Destination
from sovaudit.facts.sudo_records import Recorded, Records
from sovaudit.facts.systemd_units import Running, Units
from sovaudit.facts.unit_sandbox import Sandbox
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

_OTHER_DAEMONS = (
    ("syslog-ng", ("syslog-ng.service",), ("/usr/sbin/syslog-ng",)),
    (
        "syslogd",
        tuple(f"{name}.service" for name in ("inetutils-syslogd", "sysklogd", "syslogd", "busybox-syslogd", "syslog")),
        ("/usr/sbin/syslogd", "/sbin/syslogd"),
    ),
    ("metalog", ("metalog.service",), ("/usr/sbin/metalog",)),
)


class Logs:
    """A host's logging. Attributes raise Unseen for what was not seen; the answers weaken instead."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._files = host.files
        self.units = Units(host)
        self.journald = Journald(host, self.units)

    @cached_property
    def rsyslog(self) -> Configuration | None:
        """rsyslog's configuration, None without its main file. Raises Unseen."""
        unit = self.units.service("rsyslog.service") if self.units.systemd else {}
        main = re.search(r"\s-[dnqQwx46AD]*f\s*(/[^\s;\"'`]+)", unit.get("ExecStart", ""))
        umask = unit.get("UMask", "")
        config = rsyslog_config.load(
            self._files,
            main[1] if main else rsyslog_includes.MAIN,
            int(umask, 8) if re.fullmatch(r"[0-7]{1,4}", umask) else 0o022,
            self._version,
        )
        if config is not None and not config.drop_user and unit.get("User", "root") not in ("", "root", "0"):
            config.drop_user, config.drop_group = unit["User"], unit.get("Group", "")
        return config

    @cached_property
    def sandbox(self) -> Sandbox:
        """What rsyslog's unit keeps it from. Raises Unseen."""
        return Sandbox(self.units.assignments("rsyslog.service") if self.units.systemd else ())

    @cached_property
    def _muted(self) -> dict[str, Sandbox]:
        """Programs whose messages come from a unit of their own → what it says about them. Raises Unseen."""
        if not self.units.systemd:
            return {}
        unit = next((name for name in ("ssh.service", "sshd.service") if self.units.assignments(name)), "ssh.service")
        return {"sshd": Sandbox(self.units.assignments(unit))}

    def unheard(self, message: Message) -> Line | None:
        """The setting of the program's unit for which journald drops the message. Raises Unseen."""
        unit = self._muted.get(message.program)
        return unit.quiet(message.severity) if unit is not None else None

    def elsewhere(self, message: Message) -> Line | None:
        """The setting of the program's unit that sends the message to a journald of its own. Raises Unseen."""
        unit = self._muted.get(message.program)
        return unit.elsewhere() if unit is not None else None

    @property
    def _version(self) -> str:
        try:
            return self._host.packages.get("rsyslog", "")
        except Unseen:
            return ""

    @property
    def _hostname(self) -> str | None:
        """As local messages carry it: without its domain."""
        return next(iter(sorted(self.own_names, key=len)), None)

    @cached_property
    def own_names(self) -> tuple[str, ...]:
        """This host's name and its first part, in small letters."""
        name = self._host.evidence.identity.get("hostname", "")
        try:
            if not name or not self._host.live:
                rows = [row.strip() for row in (self._files.read("/etc/hostname") or "").splitlines()]
                name = next((row for row in rows if row and not row.startswith("#")), name)
        except Unseen:
            pass
        return tuple(dict.fromkeys(each for each in (name.lower(), name.lower().partition(".")[0]) if each))

    @cached_property
    def logrotate(self) -> Logrotate:
        return Logrotate(self._host, self.units)

    @cached_property
    def protection(self) -> Protection:
        try:
            return Protection(self._host, self.rsyslog)
        except Unseen:
            return Protection(self._host, None)  # then no file of rsyslog's is judged either

    @cached_property
    def forwarding(self) -> Forwarding:
        return Forwarding(self._host, self)

    def leaves(self, event: Event) -> Answer:
        """Whether every message of the event is certainly sent to a collector that is not this host."""
        return self.forwarding.leaves(event)

    def survives(self, event: Event) -> Answer:
        """Whether it goes there by a way that survives the collector's absence."""
        return self.forwarding.survives(event)

    def hidden(self, event: Event) -> Answer:
        """Whether it goes there encrypted, to an authenticated collector, and by no way in clear."""
        return self.forwarding.hidden(event)

    def sudo_records(self) -> Iterator[tuple[str, Recorded]]:
        """Account that may use sudo → whether all it runs is recorded; `others` stands for the refusals of the rest. Raises Unseen."""
        records, rest = Records(self._host), None
        for account in self._host.accounts:
            if self._host.sudo.rules(account):
                yield account.name, records.of(account)
            elif rest is None or rest.yes:
                rest = records.refused(account)
        if rest is not None:
            yield "others", rest

    def guarded(self) -> tuple[Guarded, ...]:
        """Each log, and whether an unprivileged account could alter or remove it. Raises Unseen."""
        return Tamper(self._host, self).guarded()

    def retained(self, months: int) -> tuple[Kept, ...]:
        """Each log on disk that holds security events, and whether it is certainly kept for so many calendar months. Raises Unseen."""
        return Retention(self._host, self).kept(months)

    @cached_property
    def events(self) -> tuple[Event, ...]:
        return events_of(self._host, self.units)

    # Which daemons are in force

    @cached_property
    def rsyslog_running(self) -> Running:
        """Whether rsyslogd is in force: it runs, or is installed, configured and started at boot. Raises Unseen."""
        if not self._host.live and self.units.program("/usr/sbin/rsyslogd", "/sbin/rsyslogd", "/usr/bin/rsyslogd") is None:
            return Running(False, Line("/usr/sbin/rsyslogd", 0, "rsyslogd is not installed"))
        found = self.units.runs("rsyslogd", "rsyslog.service", "syslog.service")
        if found.yes and self.rsyslog is None:
            return Running(False, Line(rsyslog_includes.MAIN, 0, "rsyslogd has no configuration and does not start"))
        if found.yes and self.rsyslog is not None and self.rsyslog.refused and not self._host.live:
            return Running(False, Line(rsyslog_includes.MAIN, 0, "no action is configured: rsyslogd exits"))
        return found

    @cached_property
    def other_daemons(self) -> tuple[str, ...]:
        """Syslog daemons in force that we do not model."""
        found = []
        for name, units, paths in _OTHER_DAEMONS:
            try:
                if self._host.live:
                    if name in self.units.processes():
                        found.append(name)
                elif self.units.program(*paths) is not None and any(self.units.enabled(unit).yes for unit in units):
                    found.append(name)
            except Unseen:
                continue
        return tuple(found)

    # Routing

    def entries(self, message: Message) -> tuple[tuple[str, str], ...]:
        """By which input a local message reaches rsyslog, and which ruleset it enters: (input, ruleset). Raises Unseen."""
        severity = message.severity
        config = self.rsyslog
        if config is None:
            return ()
        journald = self.units.systemd and self.journald.running().yes
        if journald and (self.unheard(message) or self.elsewhere(message)):
            return ()
        found: list[tuple[str, str]] = []
        if "imjournal" in config.modules and journald and self.journald.storage().value != "none" and self.journald.keeps(severity):
            found.append(("imjournal", config.default))
        if "imuxsock" in config.modules:
            found += [("imuxsock", ruleset) for ruleset in self._sockets(config, severity, journald)]
        return tuple(dict.fromkeys(found))

    def _sockets(self, config: Configuration, severity: int, journald: bool) -> list[str]:
        def fed(path: str) -> bool:
            if path == "/run/systemd/journal/syslog" or (path == "" and journald):
                return journald and self.journald.forwards_to_syslog() and self.journald.passes(severity)
            return path in ("", "/dev/log")

        module = {key: value for key, value in config.modules["imuxsock"].items() if isinstance(value, str)}
        off = module.get("syssock.use", "on").lower() in ("off", "no", "0", "false")
        off = off or config.settings.get("omitlocallogging", "off").lower() in ("on", "yes", "1", "true")
        found = []
        if not off and fed(module.get("syssock.name", config.settings.get("systemlogsocketname", ""))):
            found.append(config.default)
        found += [ruleset or config.default for path, ruleset, _ in config.sockets if path and fed(path)]
        return found

    def route(self, message: Message) -> Routing:
        """Where rsyslog sends a local message. No worlds but the empty one if nothing brings it there. Raises Unseen."""
        config = self.rsyslog
        if config is None or not self.rsyslog_running.yes:
            return Routing((frozenset(),))
        if config.gaps:
            raise Unseen(config.gaps[0])
        combined: tuple[frozenset[Destination], ...] = (frozenset(),)
        doubts: tuple[str, ...] = ()
        stops: tuple[Line, ...] = ()
        complete = True
        for source, ruleset in self.entries(message):
            one = route(config, replace(message, source=source, hostname=message.hostname or self._hostname), ruleset)
            combined = tuple({left | right for left in combined for right in one.worlds})[:256]
            doubts += one.doubts
            stops += one.stops
            complete = complete and one.complete
        named = tuple({frozenset(_named(place, message) for place in world) for world in combined})
        return Routing(named, doubts, tuple(dict.fromkeys(stops)), complete)

    # Where an event's record ends up

    def lands(self, event: Event) -> Answer:
        """Whether every message of the event certainly lands in a log that lasts and that unprivileged accounts can neither read nor
        change.
        """
        if event.silent is not None:
            return Answer(False, "the program is told not to log", (event.silent,))
        if event.own_file:
            own = self.protection.protected(
                Destination("file", event.own_file, event.because[0] if event.because else Line("/etc/sudoers", 0, ""), mode=0o600)
            )
            if own.yes:
                return replace(own, why="its own log file", places=(event.own_file,))
        answers = [self._lands(message) for message in event.messages]
        worst = min(answers, key=lambda answer: {False: 0, None: 1, True: 2}[answer.yes])
        places = tuple(dict.fromkeys(place for answer in answers for place in answer.places))
        return replace(worst, places=places, because=tuple(dict.fromkeys(worst.because + event.because)))

    def _lands(self, message: Message) -> Answer:
        return self._either(self.in_journal(message), self._in_files(message, self.protection.protected))

    def _either(self, journal: Answer, syslog: Answer) -> Answer:
        if True in (journal.yes, syslog.yes):
            held = [answer for answer in (journal, syslog) if answer.yes]
            return Answer(True, held[0].why, held[0].because, (), tuple(place for answer in held for place in answer.places))
        if self.other_daemons:
            return Answer(None, f"{self.other_daemons[0]} is not modelled", (), (Gap(self.other_daemons[0], Reason.UNSUPPORTED),))
        if None in (journal.yes, syslog.yes):
            open_ones = [answer for answer in (syslog, journal) if answer.yes is None]
            return replace(open_ones[0], gaps=tuple(gap for answer in open_ones for gap in answer.gaps))
        return Answer(False, f"{syslog.why}; {journal.why}", syslog.because + journal.because)

    def kept(self, message: Message) -> Answer:
        """Whether a message certainly stays on disk, in the journal or in a file, whoever may read or change it."""
        try:
            journal = self.in_journal()
            if journal.yes and self.elsewhere(message):
                journal = self.in_journal(message)
            if journal.yes and (self.unheard(message) or not self.journald.keeps(message.severity)):
                journal = Answer(False, "the journal drops messages of this severity")
        except Unseen as unseen:
            journal = Answer(None, "the journal was not seen", (), (unseen.gap,))
        return self._either(journal, self._in_files(message, self.protection.lasting))

    def in_journal(self, message: Message | None = None) -> Answer:
        """Whether the journal keeps the message (or, without one, anything) on disk."""
        try:
            running = self.journald.running()
            if not running.yes:
                return Answer(False, "no journal is kept", (running.because,))
            if message is not None and (line := self.unheard(message)) is not None:
                return Answer(False, "journald drops what this service says at this severity", (line,))
            if message is not None and (line := self.elsewhere(message)) is not None:
                gap = Gap(f"file:{line.file}", Reason.UNSUPPORTED, "a journal of a namespace of its own")
                return Answer(None, "its service logs to a journal of its own", (line,), (gap,))
            storage = self.journald.storage()
            lines = (storage.line,) if storage.line else ()
            if storage.value != "persistent":
                words = "the journal keeps nothing" if storage.value == "none" else "the journal is lost at every boot"
                return Answer(False, words, lines)
            if message is not None and not self.journald.keeps(message.severity):
                line = self.journald.setting("MaxLevelStore").line
                return Answer(False, "the journal drops messages of this severity", (line,) if line else ())
            if self.protection.nowhere(FOLDER):
                return Answer(False, "the journal's folder is in memory", (Line(FOLDER, 0, "tmpfs"),))
            loose = self.journald.loose() or self._journal_altered
            if loose is not None and message is not None:
                return Answer(False, "unprivileged accounts can touch the journal's files", (loose,))
        except Unseen as unseen:
            return Answer(None, "the journal was not seen", (), (unseen.gap,))
        return Answer(True, "in the persistent journal", (running.because, *lines), (), ("journal",))

    @cached_property
    def _journal_altered(self) -> Line | None:
        """What shows that an unprivileged account could alter a file of the journal. Raises Unseen."""
        for stat in self._host.files.paths():
            if stat.kind == "f" and stat.path.startswith(f"{FOLDER}/"):
                access = self.protection.access.alters(stat.path)
                if access.yes:
                    return access.line
        return None

    def _in_files(self, message: Message, judge: Callable[[Destination], Answer]) -> Answer:
        try:
            running = self.rsyslog_running
            if not running.yes:
                return Answer(False, "rsyslog is not in force", (running.because,))
            if not self.entries(message):
                return Answer(False, "nothing brings local messages to rsyslog", (Line(rsyslog_includes.MAIN, 0, "no input"),))
            routing = self.route(message)
        except Unseen as unseen:
            return Answer(None, "rsyslog's configuration was not seen in full", (), (unseen.gap,))
        return self._judge(routing, judge)

    def _judge(self, routing: Routing, judge: Callable[[Destination], Answer]) -> Answer:
        judged = {place: judge(place) for place in routing.possible if place.kind in ("file", "dynafile")}
        sure = routing.lands(lambda place: place in judged and judged[place].yes is True)
        good = [place for place, answer in judged.items() if answer.yes is True]
        if sure:
            names = tuple(sorted(place.target for place in good))
            return Answer(True, "in a protected log file", tuple(place.line for place in good), (), names)
        maybe = routing.lands(lambda place: place in judged and judged[place].yes is not False)
        gaps = tuple(gap for answer in judged.values() for gap in answer.gaps)
        if maybe is not False:
            doubts = tuple(Gap("file:" + rsyslog_includes.MAIN, Reason.AMBIGUOUS, doubt[:120]) for doubt in routing.doubts)
            if not gaps and not doubts and routing.complete:
                return Answer(False, "only some of the messages reach a log file", tuple(place.line for place in judged))
            return Answer(
                None, "whether rsyslog writes it depends on what was not seen", tuple(place.line for place in judged), gaps + doubts
            )
        if judged:
            worst = next(iter(judged.values()))
            return Answer(False, worst.why, worst.because)
        return Answer(False, "rsyslog writes it to no file", (*routing.stops, *self._refused_lines()))

    def _refused_lines(self) -> list[Line]:
        return [line for line, _ in (self.rsyslog.problems if self.rsyslog else [])][:3]

    @cached_property
    def journal_wanted(self) -> bool:
        """Whether journald is in force, so that a journal is there to survive. Raises Unseen."""
        return self.journald.running().yes

    def all_in_files(self) -> Answer:
        """Whether every message of every event certainly lands in protected files on disk."""
        if self.other_daemons:
            return Answer(None, f"{self.other_daemons[0]} is not modelled", (), (Gap(self.other_daemons[0], Reason.UNSUPPORTED),))
        answers = [self._in_files(message, self.protection.protected) for event in self.events for message in event.messages]
        if not answers:
            return Answer(False, "there are none")
        return min(answers, key=lambda answer: {False: 0, None: 1, True: 2}[answer.yes])


def _named(place: Destination, message: Message) -> Destination:
    """A file whose name a template makes, under the name that this message gives it, where the message alone decides that."""
    if place.kind != "dynafile" or not place.target.startswith("/"):
        return place
    known = {
        "programname": message.program, "app-name": message.program, "syslogfacility-text": FACILITIES[message.facility],
        "syslogseverity-text": SEVERITIES[message.severity],
        "syslogfacility": str(message.facility), "syslogseverity": str(message.severity),
    }  # fmt: skip
    name = re.sub(r"%([A-Za-z\-]+)%", lambda match: known.get(match[1].lower(), match[0]), place.target)
    return replace(place, target=name, kind="dynafile" if "%" in name else "file")
