"""Whether security messages leave this host for a collector: rsyslog's forwarding actions and systemd-journal-upload."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from sovaudit.facts import rsyslog_includes
from sovaudit.facts.files import Unseen
from sovaudit.facts.journald import read_config
from sovaudit.facts.log_events import Event
from sovaudit.facts.log_protection import Answer
from sovaudit.facts.rsyslog import Message, Routing
from sovaudit.facts.rsyslog_model import Destination
from sovaudit.facts.rsyslog_sending import Says, Sending
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host
    from sovaudit.facts.logs import Logs

_LOOPBACK = re.compile(r"(127\.\S*|::1|localhost(\.localdomain)?|0\.0\.0\.0|ip6-localhost|::ffff:127\.\S*)", re.IGNORECASE)
_NO = Says(None, "")
_SHIPPERS = {
    "filebeat": "/etc/filebeat", "fluent-bit": "/etc/fluent-bit", "vector": "/etc/vector", "splunkforwarder": "/opt/splunkforwarder",
    "promtail": "/etc/promtail", "td-agent": "/etc/td-agent", "nxlog": "/etc/nxlog", "wazuh": "/var/ossec",
}  # fmt: skip


class Forwarding:
    """Over one host's logs."""

    def __init__(self, host: Host, logs: Logs) -> None:
        self._files = host.files
        self._logs = logs

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

    @cached_property
    def _sending(self) -> Sending | None:
        config = self._logs.rsyslog
        return None if config is None else Sending(self._files, config, lambda path: not self._logs.protection.nowhere(path))

    @cached_property
    def _offline(self) -> Line | None:
        """The setting of rsyslog's unit that keeps it from the network. Raises Unseen."""
        return self._logs.sandbox.offline()

    def goes_out(self, place: Destination) -> bool:
        """A forwarding action to another host that can deliver."""
        return self._away(place) and self._sending is not None and not self._sending.stuck(place) and self._offline is None

    def _away(self, place: Destination) -> bool:
        """To another host, by whatever name this one goes."""
        own = self._logs.own_names
        return away(place) and not any(_host_of(name) in own for name in place.target.split(","))

    def survives(self, event: Event) -> Answer:
        """Whether every message of the event certainly goes to a collector by a way that waits on disk while that one is away."""
        return self._by(event, self._uploads_survive(), "reliable")

    def hidden(self, event: Event) -> Answer:
        """Whether every message of the event certainly goes to an authenticated collector encrypted, and by no way in clear."""
        return self._by(event, self._uploads_hidden(), "encrypted")

    def leaves(self, event: Event) -> Answer:
        """Whether every message of the event is certainly sent to a collector that is not this host."""
        return self._by(event, self.uploads(), "")

    def _by(self, event: Event, upload: Answer, how: str) -> Answer:
        if event.silent is not None:
            return Answer(False, "the program is told not to log", (event.silent,))
        answers = []
        for message in event.messages:
            journal = self.in_journal_at_all(message)
            forwarded = self._forwarded(message, how)
            if upload.yes and journal.yes and (how != "encrypted" or self._clear(message) is None):
                answers.append(upload)
                continue
            if how == "encrypted" and upload.yes is False and upload.places and journal.yes:
                forwarded = upload  # a copy in clear undoes the other's encryption
            undecided = (upload.yes is None and journal.yes is not False) or (upload.yes and journal.yes is None)
            if not forwarded.yes and undecided:
                forwarded = replace(upload, yes=None, gaps=upload.gaps + journal.gaps)
            answers.append(forwarded)
        worst = min(answers, key=lambda answer: {False: 0, None: 1, True: 2}[answer.yes])
        if worst.yes is False and (names := self._others()):
            return Answer(None, f"{names[0]} is not modelled", (), tuple(Gap(name, Reason.UNSUPPORTED) for name in names))
        return worst

    def _others(self) -> tuple[str, ...]:
        return self._logs.other_daemons + tuple(name for name, _ in self.shippers)

    def in_journal_at_all(self, message: Message) -> Answer:
        """Whether the journal takes the message, in memory or on disk."""
        try:
            yes = (
                self._logs.journald.running().yes
                and self._logs.journald.storage().value != "none"
                and self._logs.journald.keeps(message.severity)
                and not self._logs.unheard(message)
                and not self._logs.elsewhere(message)
            )
        except Unseen as unseen:
            return Answer(None, "the journal was not seen", (), (unseen.gap,))
        return Answer(yes, "in the journal" if yes else "the journal does not take it")

    def _clear(self, message: Message) -> Says | None:
        """What an action says that certainly or possibly sends the message away without protection; None if none does, or it was not seen."""
        try:
            if self._sending is None or not self._logs.rsyslog_running.yes:
                return None
            sent = [place for place in self._logs.route(message).possible if self.goes_out(place)]
        except Unseen as unseen:
            return Says(None, "rsyslog's configuration was not seen in full", (unseen.gap,))
        said = [self._sending.encrypted(place) for place in sent]
        return next((one for one in said if one.yes is False), None)

    def _forwarded(self, message: Message, how: str = "") -> Answer:
        try:
            running = self._logs.rsyslog_running
            if not running.yes:
                return Answer(False, "rsyslog is not in force", (running.because,))
            if not self._logs.entries(message):
                return Answer(False, "nothing brings local messages to rsyslog", (Line(rsyslog_includes.MAIN, 0, "no input"),))
            routing = self._logs.route(message)
        except Unseen as unseen:
            return Answer(None, "rsyslog's configuration was not seen in full", (), (unseen.gap,))
        sent = sorted((place for place in routing.possible if self.goes_out(place)), key=lambda place: (place.line.file, place.line.number))
        names = tuple(sorted(f"{place.protocol}://{place.target}:{place.port}" for place in sent))
        yes = routing.lands(self.goes_out)
        if yes and how:
            return self._qualified(routing, sent, names, how)
        if yes:
            return Answer(True, "rsyslog sends it", tuple(place.line for place in sent), (), names)
        if yes is False and self._offline is not None and any(self._away(place) for place in routing.possible):
            return Answer(False, "rsyslog's unit keeps it from the network", (self._offline,))
        dead = [(place, why) for place in routing.possible if self._away(place) and self._sending and (why := self._sending.stuck(place))]
        if yes is False and dead:
            return Answer(False, f"rsyslog can send nothing: {dead[0][1]}", (dead[0][0].line,))
        programs = [place for place in routing.possible if place.kind in ("program", "other", "pipe")]
        if yes is False and programs:
            line = programs[0].line
            return Answer(
                None, f"{programs[0].target} may send it on", (line,), (Gap(f"file:{line.file}", Reason.UNSUPPORTED, programs[0].target),)
            )
        if yes is None:
            doubts = tuple(Gap("file:" + rsyslog_includes.MAIN, Reason.AMBIGUOUS, doubt[:120]) for doubt in routing.doubts)
            if not doubts and routing.complete:
                return Answer(False, "only some of the messages are sent", tuple(place.line for place in sent))
            return Answer(None, "whether rsyslog sends it depends on what was not seen", tuple(place.line for place in sent), doubts)
        local = [place for place in routing.possible if place.kind == "forward"]
        return Answer(
            False,
            "the collector is this host itself" if local else "rsyslog sends it nowhere",
            (*(place.line for place in local), *routing.stops),
        )

    def _qualified(self, routing: Routing, sent: list[Destination], names: tuple[str, ...], how: str) -> Answer:
        """Of a message that is certainly sent away: whether it goes as is asked. Encrypted, it must go no other way besides."""
        assert self._sending is not None
        ask = self._sending.reliable if how == "reliable" else self._sending.encrypted
        said = {place: ask(place) for place in sent}
        worst = next((place for verdict in (False, None) for place in sent if said[place].yes is verdict), None)
        if (
            how == "encrypted"
            and worst is not None
            and not (said[worst].yes is None and routing.lands(lambda place: said.get(place, _NO).yes is False))
        ):
            return Answer(said[worst].yes, said[worst].why, (worst.line,), said[worst].gaps, names)
        if routing.lands(lambda place: place in said and said[place].yes is True):
            good = [place for place in sent if said[place].yes]
            return Answer(True, said[good[0]].why, tuple(place.line for place in good), (), names)
        if routing.lands(lambda place: place in said and said[place].yes is not False) is False:
            assert worst is not None
            return Answer(False, said[worst].why, (worst.line,), (), names)
        gaps = tuple(gap for one in said.values() for gap in one.gaps)
        doubts = tuple(Gap("file:" + rsyslog_includes.MAIN, Reason.AMBIGUOUS, doubt[:120]) for doubt in routing.doubts)
        if not gaps and not doubts and routing.complete:
            return Answer(False, "only some of the messages go this way", tuple(place.line for place in sent), (), names)
        return Answer(None, "how rsyslog sends it depends on what was not seen", tuple(place.line for place in sent), gaps + doubts, names)

    def _uploads_survive(self) -> Answer:
        """systemd-journal-upload goes on where it stopped, as long as the journal lasts and somebody starts it again after it gave up."""
        upload = self.uploads()
        if not upload.yes:
            return upload
        journal = self._logs.in_journal()
        if journal.yes is False:
            return Answer(False, "systemd-journal-upload reads a journal that a reboot empties", (*upload.because, *journal.because))
        gap = Gap("unit:systemd-journal-upload.service", Reason.UNSUPPORTED, "whether it is started again after an outage")
        return Answer(None, "systemd-journal-upload may give up while the collector is away", upload.because, (gap, *journal.gaps))

    def _uploads_hidden(self) -> Answer:
        upload = self.uploads()
        if not upload.yes:
            return upload
        if upload.places[0].startswith("http://"):
            return Answer(False, "systemd-journal-upload sends it in clear", upload.because, (), upload.places)
        try:
            rows = read_config(self._files, "journal-upload.conf", "Upload").get("TrustedCertificateFile", [])
        except Unseen as unseen:
            return Answer(None, "systemd-journal-upload was not seen", (), (unseen.gap,))
        rows = [row for row in rows if row.value in ("", "-") or row.value.startswith("/")]  # another value is ignored
        if rows and rows[-1].value == "-":
            return Answer(False, "systemd-journal-upload checks no certificate", (*upload.because, rows[-1].line), (), upload.places)
        return Answer(True, "systemd-journal-upload sends it encrypted", upload.because, (), upload.places)

    def _half(self) -> Line | None:
        """The line that gives systemd-journal-upload a key without a certificate, or the other way round: it then exits. Raises Unseen."""
        settings = read_config(self._files, "journal-upload.conf", "Upload")
        said = [settings[key][-1] for key in ("ServerKeyFile", "ServerCertificateFile") if key in settings and settings[key][-1].value]
        return said[0].line if len(said) == 1 else None

    def uploads(self) -> Answer:
        """Whether systemd-journal-upload is in force and has a collector's URL."""
        try:
            rows = read_config(self._files, "journal-upload.conf", "Upload").get("URL", [])
            url = rows[-1].value if rows else ""
            if not url:
                return Answer(False, "systemd-journal-upload has no URL")
            if (line := self._half()) is not None:
                return Answer(False, "systemd-journal-upload does not start with a key or a certificate alone", (line,))
            running = self._logs.units.runs("systemd-journal-upload", "systemd-journal-upload.service")
        except Unseen as unseen:
            return Answer(None, "systemd-journal-upload was not seen", (), (unseen.gap,))
        host = re.sub(r"^[a-z]+://", "", url).split("/")[0].rsplit(":", 1)[0].strip("[]")
        if not running.yes or _LOOPBACK.fullmatch(host):
            return Answer(False, "systemd-journal-upload sends nothing away", (running.because, rows[-1].line))
        return Answer(True, "systemd-journal-upload sends it", (running.because, rows[-1].line), (), (url,))


def _host_of(target: str) -> str:
    """The host in `collector:514` or `https://collector/x`, in small letters."""
    return re.sub(r"^[a-z]+://", "", target.strip().lower()).split("/")[0].split(":")[0].rstrip(".")


def away(place: Destination) -> bool:
    """A forwarding action whose target is not this host."""
    if place.kind != "forward":
        return False
    return all(name.strip() and not _LOOPBACK.fullmatch(re.sub(r"^[a-z]+://", "", name.strip()).split("/")[0].split(":")[0] or "::1")
               for name in place.target.split(","))  # fmt: skip
