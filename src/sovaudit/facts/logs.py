"""Where log messages really go, how long they live there, and who could touch them: rsyslog, journald and logrotate together."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from sovaudit.facts import rsyslog_config
from sovaudit.facts.files import Stat, Unseen
from sovaudit.facts.journald import FOLDER, Journald
from sovaudit.facts.log_events import Event, events_of
from sovaudit.facts.logrotate import Logrotate, days_of
from sovaudit.facts.rsyslog import Message, Routing, route
from sovaudit.facts.rsyslog_config import Configuration, Destination
from sovaudit.facts.systemd_units import Running, Units
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

_MEMORY = ("/run", "/var/run", "/dev", "/proc", "/sys", "/tmp")
_LOOPBACK = re.compile(r"(127\.\S*|::1|localhost(\.localdomain)?|0\.0\.0\.0|ip6-localhost|::ffff:127\.\S*)", re.IGNORECASE)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_OTHER_DAEMONS = (
    ("syslog-ng", "syslog-ng.service", ("/usr/sbin/syslog-ng",)),
    ("syslogd", "inetutils-syslogd.service", ("/usr/sbin/syslogd", "/sbin/syslogd")),
    ("metalog", "metalog.service", ("/usr/sbin/metalog",)),
)
_SHIPPERS = {
    "filebeat": "/etc/filebeat", "fluent-bit": "/etc/fluent-bit", "vector": "/etc/vector", "splunkforwarder": "/opt/splunkforwarder",
    "promtail": "/etc/promtail", "td-agent": "/etc/td-agent", "nxlog": "/etc/nxlog", "wazuh": "/var/ossec",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """A three-valued answer with what led there. yes None: not decided; `gaps` or `why` say what is missing."""

    yes: bool | None
    why: str
    because: tuple[Line, ...] = ()
    gaps: tuple[Gap, ...] = ()
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """One log and whether it is kept for long enough. yes None: not decided."""

    name: str
    yes: bool | None
    why: str
    because: tuple[Line, ...] = ()
    gaps: tuple[Gap, ...] = ()


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
        return rsyslog_config.load(self._files)

    @cached_property
    def logrotate(self) -> Logrotate:
        return Logrotate(self._host, self.units)

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
            return Running(False, Line(rsyslog_config.MAIN, 0, "rsyslogd has no configuration and does not start"))
        if found.yes and self.rsyslog is not None and self.rsyslog.refused and not self._host.live:
            return Running(False, Line(rsyslog_config.MAIN, 0, "no action is configured: rsyslogd exits"))
        return found

    @cached_property
    def other_daemons(self) -> tuple[str, ...]:
        """Syslog daemons in force that we do not model."""
        found = []
        for name, unit, paths in _OTHER_DAEMONS:
            try:
                if self._host.live:
                    if name in self.units.processes():
                        found.append(name)
                elif self.units.program(*paths) is not None and (self.units.enabled(unit).yes or self.units.enabled(f"{name}.service").yes):
                    found.append(name)
            except Unseen:
                continue
        return tuple(found)

    @cached_property
    def shippers(self) -> tuple[tuple[str, str], ...]:
        """Forwarding agents with a configuration here that we do not model: (name, folder)."""
        found = []
        for name, folder in _SHIPPERS.items():
            try:
                if self._files.exists(folder):
                    found.append((name, folder))
            except Unseen:
                continue
        return tuple(found)

    # Routing

    def entries(self, severity: int) -> tuple[tuple[str, str], ...]:
        """By which input a local message of this severity reaches rsyslog, and which ruleset it enters: (input, ruleset). Raises Unseen."""
        config = self.rsyslog
        if config is None:
            return ()
        journald = self.units.systemd and self.journald.running().yes
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
        complete = True
        for source, ruleset in self.entries(message.severity):
            one = route(config, replace(message, source=source), ruleset)
            combined = tuple({left | right for left in combined for right in one.worlds})[:256]
            doubts += one.doubts
            complete = complete and one.complete
        return Routing(combined, doubts, complete)

    # Where an event's record ends up

    def lands(self, event: Event) -> Answer:
        """Whether every message of the event certainly lands in a log that lasts and that unprivileged accounts can neither read nor
        change.
        """
        if event.silent is not None:
            return Answer(False, "the program is told not to log", (event.silent,))
        if event.own_file:
            own = self.protected(
                Destination("file", event.own_file, event.because[0] if event.because else Line("/etc/sudoers", 0, ""), mode=0o600)
            )
            if own.yes:
                return replace(own, why="its own log file", places=(event.own_file,))
        answers = [self._lands(message) for message in event.messages]
        worst = min(answers, key=lambda answer: {False: 0, None: 1, True: 2}[answer.yes])
        places = tuple(dict.fromkeys(place for answer in answers for place in answer.places))
        return replace(worst, places=places, because=tuple(dict.fromkeys(worst.because + event.because)))

    def _lands(self, message: Message) -> Answer:
        journal, syslog = self.in_journal(message), self._in_files(message)
        if True in (journal.yes, syslog.yes):
            held = [answer for answer in (journal, syslog) if answer.yes]
            return Answer(True, held[0].why, held[0].because, (), tuple(place for answer in held for place in answer.places))
        if self.other_daemons:
            return Answer(None, f"{self.other_daemons[0]} is not modelled", (), (Gap(self.other_daemons[0], Reason.UNSUPPORTED),))
        if None in (journal.yes, syslog.yes):
            open_ones = [answer for answer in (syslog, journal) if answer.yes is None]
            return replace(open_ones[0], gaps=tuple(gap for answer in open_ones for gap in answer.gaps))
        return Answer(False, f"{syslog.why}; {journal.why}", syslog.because + journal.because)

    def in_journal(self, message: Message | None = None) -> Answer:
        """Whether the journal keeps the message (or, without one, anything) on disk."""
        try:
            running = self.journald.running()
            if not running.yes:
                return Answer(False, "no journal is kept", (running.because,))
            storage = self.journald.storage()
            lines = (storage.line,) if storage.line else ()
            if storage.value != "persistent":
                words = "the journal keeps nothing" if storage.value == "none" else "the journal is lost at every boot"
                return Answer(False, words, lines)
            if message is not None and not self.journald.keeps(message.severity):
                line = self.journald.setting("MaxLevelStore").line
                return Answer(False, "the journal drops messages of this severity", (line,) if line else ())
            if self.in_memory(FOLDER):
                return Answer(False, "the journal's folder is in memory", (Line(FOLDER, 0, "tmpfs"),))
            loose = self.journald.loose()
            if loose is not None and message is not None:
                return Answer(False, "unprivileged accounts can touch the journal's files", (loose,))
        except Unseen as unseen:
            return Answer(None, "the journal was not seen", (), (unseen.gap,))
        return Answer(True, "in the persistent journal", (running.because, *lines), (), ("journal",))

    def _in_files(self, message: Message) -> Answer:
        try:
            running = self.rsyslog_running
            if not running.yes:
                return Answer(False, "rsyslog is not in force", (running.because,))
            if not self.entries(message.severity):
                return Answer(False, "nothing brings local messages to rsyslog", (Line(rsyslog_config.MAIN, 0, "no input"),))
            routing = self.route(message)
        except Unseen as unseen:
            return Answer(None, "rsyslog's configuration was not seen in full", (), (unseen.gap,))
        return self._judge(routing)

    def _judge(self, routing: Routing) -> Answer:
        judged = {place: self.protected(place) for place in routing.possible if place.kind in ("file", "dynafile")}
        sure = routing.lands(lambda place: place in judged and judged[place].yes is True)
        good = [place for place, answer in judged.items() if answer.yes is True]
        if sure:
            names = tuple(sorted(place.target for place in good))
            return Answer(True, "in a protected log file", tuple(place.line for place in good), (), names)
        maybe = routing.lands(lambda place: place in judged and judged[place].yes is not False)
        gaps = tuple(gap for answer in judged.values() for gap in answer.gaps)
        if maybe is not False:
            doubts = tuple(Gap("file:" + rsyslog_config.MAIN, Reason.AMBIGUOUS, doubt[:120]) for doubt in routing.doubts)
            if not gaps and not doubts and routing.complete:
                return Answer(False, "only some of the messages reach a log file", tuple(place.line for place in judged))
            return Answer(
                None, "whether rsyslog writes it depends on what was not seen", tuple(place.line for place in judged), gaps + doubts
            )
        if judged:
            worst = next(iter(judged.values()))
            return Answer(False, worst.why, worst.because)
        return Answer(False, "rsyslog writes it to no file", tuple(self._culprits()))

    def _culprits(self) -> list[Line]:
        return [line for line, _ in (self.rsyslog.problems if self.rsyslog else [])][:3]

    @cached_property
    def journal_wanted(self) -> bool:
        """Whether journald is in force, so that a journal is there to survive. Raises Unseen."""
        return self.journald.running().yes

    def all_in_files(self) -> Answer:
        """Whether every message of every event certainly lands in protected files on disk."""
        if self.other_daemons:
            return Answer(None, f"{self.other_daemons[0]} is not modelled", (), (Gap(self.other_daemons[0], Reason.UNSUPPORTED),))
        answers = [self._in_files(message) for event in self.events for message in event.messages]
        if not answers:
            return Answer(False, "there are none")
        return min(answers, key=lambda answer: {False: 0, None: 1, True: 2}[answer.yes])

    # Protection

    def protected(self, place: Destination) -> Answer:
        """Whether a log file, existing or yet to be made, is on disk and out of reach of unprivileged accounts, for reading and for
        writing.
        """
        path = posixpath.normpath(place.target)
        if place.kind == "dynafile":
            return Answer(True, "a file per message, made with a closed mode", (place.line,)) if not (place.mode or 0) & ~self._umask() & 0o006 else Answer(
                False, "files are made for everybody to read", (place.line,)
            )  # fmt: skip
        try:
            if self.in_memory(path) or any(path == top or path.startswith(f"{top}/") for top in _MEMORY):
                return Answer(False, "the file is in memory, or no file at all", (place.line,))
            real = self._files.resolve(path)
            stat = self._files.stat(real) if real is not None else None
            folder = self._folder(real or path)
            if stat is not None and stat.kind not in ("f",):
                return Answer(False, "it is no regular file", (place.line, Line(path, 0, f"type {stat.kind}")))
            if stat is None and not place.make_folders and folder.path != posixpath.dirname(path):
                return Answer(False, "its folder does not exist and is not made", (place.line,))
            if (line := self._unwritable(place, stat, folder)) is not None:
                return Answer(False, "rsyslogd may not write there", (place.line, line))
            return self._closed(place, path, stat, folder)
        except Unseen as unseen:
            return Answer(None, f"whether {path} is protected was not seen", (place.line,), (unseen.gap,))

    def _umask(self) -> int:
        return self.rsyslog.umask if self.rsyslog is not None else 0o022

    def _folder(self, path: str) -> Stat:
        here = posixpath.dirname(path)
        while True:
            stat = self._files.follow(here) if here != "/" else None
            if stat is not None and stat.kind == "d":
                return stat
            if here == "/":
                return Stat("/", "d", 0o755, 0, 0, 0, 0)  # a root that is not root's own would be no host
            here = posixpath.dirname(here)

    def _closed(self, place: Destination, path: str, stat: Stat | None, folder: Stat) -> Answer:
        mode = stat.mode if stat is not None else (place.mode if place.mode is not None else 0o644) & ~self._umask()
        said = f"mode {mode:04o}" if stat is not None else f"will be made with mode {mode:04o}"
        line = Line(path, 0, said)
        if mode & 0o002 or (stat is not None and ((stat.group_writable and self._people(stat.gid)) or not self._privileged(stat.uid))):
            return Answer(False, "unprivileged accounts can write to the file", (place.line, line))
        if mode & 0o004:
            return Answer(False, "every account can read the file", (place.line, line))
        here = folder.path
        while here != "/":
            above = self._files.follow(here)
            if above is not None and (
                above.world_writable or (above.group_writable and self._people(above.gid)) or not self._privileged(above.uid)
            ):
                return Answer(False, "unprivileged accounts can replace the file", (place.line, Line(here, 0, f"mode {above.mode:04o}")))
            here = posixpath.dirname(here)
        return Answer(True, "in a protected log file", (place.line, line), (), (path,))

    def _privileged(self, uid: int) -> bool:
        """root or a system account that nobody logs in to."""
        if uid == 0:
            return True
        owners = self._host.accounts.by_uid(uid)
        return uid < 1000 and all(not owner.has_shell or not owner.password or not owner.password.usable for owner in owners)

    def _people(self, gid: int) -> bool:
        """Whether an account that is a person's is in the group. Group 0 is root's own."""
        if gid == 0:
            return False
        names = {group.name for group in self._host.accounts.groups.values() if group.gid == gid}
        return any(account.uid != 0 and account.uid >= 1000 and names & account.groups for account in self._host.accounts)

    def _unwritable(self, place: Destination, stat: Stat | None, folder: Stat) -> Line | None:
        """Where rsyslogd drops root's rights, its account must be able to open or make the file."""
        config = self.rsyslog
        if place.module != "omfile" or config is None or not config.drop_user or config.drop_user in ("root", "0"):
            return None
        account = self._host.accounts.get(config.drop_user)
        if account is None and config.drop_user.isdigit():
            account = next(iter(self._host.accounts.by_uid(int(config.drop_user))), None)
        if account is None:
            return Line(rsyslog_config.MAIN, 0, f"there is no account {config.drop_user}")
        groups = {
            group.gid for group in self._host.accounts.groups.values() if group.name in account.groups or group.name == config.drop_group
        }
        target = stat or folder
        allowed = target.mode & 0o200 if target.uid == account.uid else target.mode & 0o020 if target.gid in groups else target.mode & 0o002
        return None if allowed else Line(target.path, 0, f"mode {target.mode:04o}, and rsyslogd runs as {config.drop_user}")

    @cached_property
    def _mounts(self) -> dict[str, str]:
        """Mount point → file system type, from the live host or from fstab."""
        try:
            text = self._files.command("mounts").output
        except Unseen:
            text = ""
            try:
                text = self._files.read("/etc/fstab") or ""
            except Unseen:
                text = ""
        rows = (row.split() for row in text.splitlines() if not row.startswith("#"))
        return {row[1]: row[2] for row in rows if len(row) >= 3 and row[1].startswith("/")}

    def in_memory(self, path: str) -> bool:
        """Whether a path lies on a file system that a boot empties."""
        here = path
        while here != "/":
            if here in self._mounts:
                return self._mounts[here] in ("tmpfs", "ramfs")
            here = posixpath.dirname(here)
        return False  # a root in memory is how live systems and test roots look; it says nothing about the log folder

    # How long

    def retained(self, months: int) -> tuple[Kept, ...]:
        """Each log on disk that holds security events, and whether it is certainly kept for so many calendar months. Raises Unseen."""
        found: dict[str, Kept] = {}
        enough = True
        for event in self.events:
            if event.own_file and event.own_file not in found:
                found[event.own_file] = self._kept(event.own_file, months)
            for message in event.messages:
                places = [] if event.silent else [place for place in self.route(message).possible if place.kind in ("file", "dynafile")]
                for place in sorted(places, key=lambda place: place.target):
                    if place.target not in found and (place.kind == "dynafile" or not self._nowhere(place.target)):
                        found[place.target] = self._kept(place.target, months, dynamic=place.kind == "dynafile")
                if not any(found[place.target].yes for place in places if place.target in found):
                    enough = False
        for name in self.other_daemons:
            found[name] = Kept(name, None, f"{name} is not modelled", (), (Gap(name, Reason.UNSUPPORTED),))
        journal = self.in_journal()
        if journal.yes is not False:
            found["journal"] = self._journal_kept(months, covered=enough and bool(self.events), journal=journal)
        return tuple(found.values())

    def _nowhere(self, path: str) -> bool:
        return self.in_memory(path) or any(path == top or path.startswith(f"{top}/") for top in _MEMORY)

    def _kept(self, path: str, months: int, *, dynamic: bool = False) -> Kept:
        if dynamic:
            gap = Gap(f"file:{rsyslog_config.MAIN}", Reason.UNSUPPORTED, f"file names made by template {path}")
            return Kept(path, None, "its file names are made by a template", (), (gap,))
        try:
            keep = self.logrotate.keeps(path)
        except Unseen as unseen:
            return Kept(path, None, "how it is rotated was not seen", (), (unseen.gap,))
        lasts = keep.lasts(months)
        if lasts:
            return Kept(path, True, keep.note or f"{keep.amount} {keep.kind}", keep.because)
        if lasts is False:
            return Kept(path, False, f"{keep.amount} {keep.kind}", keep.because)
        if keep.upper is not None and keep.upper.lasts(months) is False:
            return Kept(path, False, f"at most {keep.upper.amount} {keep.upper.kind}", keep.because)
        oldest = self.oldest(path)
        if oldest is not None and self._age_days(oldest) >= days_of(months):
            return Kept(path, True, f"its oldest record is {self._age_days(oldest)} days old", keep.because)
        gap = Gap(f"file:{path}", Reason.AMBIGUOUS, "rotation by size guarantees no time")
        return Kept(path, None, "it is rotated by size", keep.because, (gap,))

    def _journal_kept(self, months: int, *, covered: bool, journal: Answer) -> Kept:
        if journal.yes is None:
            return Kept("journal", None, journal.why, (), journal.gaps)
        limit, line = self.journald.max_retention()
        if limit and limit < days_of(months) * 86400:
            return Kept("journal", False, f"MaxRetentionSec allows {limit // 86400} days", (line,) if line else ())
        if covered:
            return Kept("journal", True, "files keep the same events for long enough", journal.because)
        try:
            oldest = self.journald.oldest()
        except Unseen as unseen:
            return Kept("journal", None, "its size, not time, limits it, and its oldest entry was not seen", journal.because, (unseen.gap,))
        age = self._age_days(oldest) if oldest is not None else 0
        if age >= days_of(months):
            return Kept("journal", True, f"its oldest entry is {age} days old", journal.because)
        gap = Gap("cmd:journal-oldest", Reason.AMBIGUOUS, f"the oldest entry is {age} days old, and no time is guaranteed")
        return Kept("journal", None, f"its size, not time, limits it; the oldest entry is {age} days old", journal.because, (gap,))

    def _age_days(self, when: int) -> int:
        return (int(self._host.taken_at.timestamp()) - when) // 86400

    def oldest(self, path: str) -> int | None:
        """Seconds since the epoch of the oldest record in a log file or its rotated copies, as far as their first lines were seen and
        understood.
        """
        try:
            rows = self._files.artifact("log-starts").splitlines()
        except Unseen:
            return None
        found = []
        for row in rows:
            name, tab, start = row.partition("\t")
            if tab and (name == path or name.startswith((f"{path}.", f"{path}-"))):
                when = record_time(start, int(self._host.taken_at.timestamp()))
                if when is not None:
                    found.append(when)
        return min(found) if found else None

    # Leaving for a collector

    def leaves(self, event: Event) -> Answer:
        """Whether every message of the event is certainly sent to a collector that is not this host."""
        if event.silent is not None:
            return Answer(False, "the program is told not to log", (event.silent,))
        upload = self.uploads()
        answers = []
        for message in event.messages:
            journal = self.in_journal_at_all(message)
            if upload.yes and journal.yes:
                answers.append(upload)
                continue
            forwarded = self._forwarded(message)
            undecided = (upload.yes is None and journal.yes is not False) or (upload.yes and journal.yes is None)
            if not forwarded.yes and undecided:
                forwarded = replace(upload, yes=None, gaps=upload.gaps + journal.gaps)
            answers.append(forwarded)
        worst = min(answers, key=lambda answer: {False: 0, None: 1, True: 2}[answer.yes])
        if worst.yes is False and (names := self._others()):
            return Answer(None, f"{names[0]} is not modelled", (), tuple(Gap(name, Reason.UNSUPPORTED) for name in names))
        return worst

    def _others(self) -> tuple[str, ...]:
        return self.other_daemons + tuple(name for name, _ in self.shippers)

    def in_journal_at_all(self, message: Message) -> Answer:
        """Whether the journal takes the message, in memory or on disk."""
        try:
            yes = self.journald.running().yes and self.journald.storage().value != "none" and self.journald.keeps(message.severity)
        except Unseen as unseen:
            return Answer(None, "the journal was not seen", (), (unseen.gap,))
        return Answer(yes, "in the journal" if yes else "the journal does not take it")

    def _forwarded(self, message: Message) -> Answer:
        try:
            running = self.rsyslog_running
            if not running.yes:
                return Answer(False, "rsyslog is not in force", (running.because,))
            if not self.entries(message.severity):
                return Answer(False, "nothing brings local messages to rsyslog", (Line(rsyslog_config.MAIN, 0, "no input"),))
            routing = self.route(message)
        except Unseen as unseen:
            return Answer(None, "rsyslog's configuration was not seen in full", (), (unseen.gap,))
        sent = [place for place in routing.possible if away(place)]
        names = tuple(sorted(f"{place.protocol}://{place.target}:{place.port}" for place in sent))
        yes = routing.lands(away)
        if yes:
            return Answer(True, "rsyslog sends it", tuple(place.line for place in sent), (), names)
        programs = [place for place in routing.possible if place.kind in ("program", "other", "pipe")]
        if yes is False and programs:
            line = programs[0].line
            return Answer(
                None, f"{programs[0].target} may send it on", (line,), (Gap(f"file:{line.file}", Reason.UNSUPPORTED, programs[0].target),)
            )
        if yes is None:
            doubts = tuple(Gap("file:" + rsyslog_config.MAIN, Reason.AMBIGUOUS, doubt[:120]) for doubt in routing.doubts)
            if not doubts and routing.complete:
                return Answer(False, "only some of the messages are sent", tuple(place.line for place in sent))
            return Answer(None, "whether rsyslog sends it depends on what was not seen", tuple(place.line for place in sent), doubts)
        local = [place for place in routing.possible if place.kind == "forward"]
        return Answer(
            False, "the collector is this host itself" if local else "rsyslog sends it nowhere", tuple(place.line for place in local)
        )

    def uploads(self) -> Answer:
        """Whether systemd-journal-upload is in force and has a collector's URL."""
        from sovaudit.facts.journald import read_config

        try:
            rows = read_config(self._files, "journal-upload.conf", "Upload").get("URL", [])
            url = rows[-1].value if rows else ""
            if not url:
                return Answer(False, "systemd-journal-upload has no URL")
            running = self.units.runs("systemd-journal-upload", "systemd-journal-upload.service")
        except Unseen as unseen:
            return Answer(None, "systemd-journal-upload was not seen", (), (unseen.gap,))
        host = re.sub(r"^[a-z]+://", "", url).split("/")[0].rsplit(":", 1)[0].strip("[]")
        if not running.yes or _LOOPBACK.fullmatch(host):
            return Answer(False, "systemd-journal-upload sends nothing away", (running.because, rows[-1].line))
        return Answer(True, "systemd-journal-upload sends it", (running.because, rows[-1].line), (), (url,))


def record_time(text: str, now: int) -> int | None:
    """When a record was written, from the first bytes of its line: ISO 8601, or syslog's `Nov 24 04:17:11` (taken as UTC), which lacks the
    year: the latest that fits.
    """
    match = re.match(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)", text)
    if match:
        return _epoch(*(int(cell) for cell in match.groups()))
    match = re.match(r"([A-Z][a-z]{2}) +(\d{1,2}) (\d\d):(\d\d)", text)
    if match is None or match[1] not in _MONTHS:
        return None
    year = datetime.fromtimestamp(now, UTC).year
    for guess in (year, year - 1):
        when = _epoch(guess, _MONTHS.index(match[1]) + 1, int(match[2]), int(match[3]), int(match[4]))
        if when is not None and when <= now + 86400:
            return when
    return None


def _epoch(year: int, month: int, day: int, hour: int, minute: int) -> int | None:
    try:
        return int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp())
    except ValueError:
        return None


def away(place: Destination) -> bool:
    """A forwarding action whose target is not this host."""
    if place.kind != "forward":
        return False
    return all(name.strip() and not _LOOPBACK.fullmatch(re.sub(r"^[a-z]+://", "", name.strip()).split("/")[0].split(":")[0] or "::1")
               for name in place.target.split(","))  # fmt: skip
