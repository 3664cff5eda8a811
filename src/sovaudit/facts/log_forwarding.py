"""Whether security messages leave this host for a collector: rsyslog's forwarding actions and systemd-journal-upload."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from sovaudit.facts import rsyslog_config
from sovaudit.facts.files import Unseen
from sovaudit.facts.journald import read_config
from sovaudit.facts.log_events import Event
from sovaudit.facts.log_protection import Answer
from sovaudit.facts.rsyslog import Message
from sovaudit.facts.rsyslog_config import Destination
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host
    from sovaudit.facts.logs import Logs

_LOOPBACK = re.compile(r"(127\.\S*|::1|localhost(\.localdomain)?|0\.0\.0\.0|ip6-localhost|::ffff:127\.\S*)", re.IGNORECASE)
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
        return self._logs.other_daemons + tuple(name for name, _ in self.shippers)

    def in_journal_at_all(self, message: Message) -> Answer:
        """Whether the journal takes the message, in memory or on disk."""
        try:
            yes = (
                self._logs.journald.running().yes
                and self._logs.journald.storage().value != "none"
                and self._logs.journald.keeps(message.severity)
            )
        except Unseen as unseen:
            return Answer(None, "the journal was not seen", (), (unseen.gap,))
        return Answer(yes, "in the journal" if yes else "the journal does not take it")

    def _forwarded(self, message: Message) -> Answer:
        try:
            running = self._logs.rsyslog_running
            if not running.yes:
                return Answer(False, "rsyslog is not in force", (running.because,))
            if not self._logs.entries(message.severity):
                return Answer(False, "nothing brings local messages to rsyslog", (Line(rsyslog_config.MAIN, 0, "no input"),))
            routing = self._logs.route(message)
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
            False,
            "the collector is this host itself" if local else "rsyslog sends it nowhere",
            (*(place.line for place in local), *routing.stops),
        )

    def uploads(self) -> Answer:
        """Whether systemd-journal-upload is in force and has a collector's URL."""
        try:
            rows = read_config(self._files, "journal-upload.conf", "Upload").get("URL", [])
            url = rows[-1].value if rows else ""
            if not url:
                return Answer(False, "systemd-journal-upload has no URL")
            running = self._logs.units.runs("systemd-journal-upload", "systemd-journal-upload.service")
        except Unseen as unseen:
            return Answer(None, "systemd-journal-upload was not seen", (), (unseen.gap,))
        host = re.sub(r"^[a-z]+://", "", url).split("/")[0].rsplit(":", 1)[0].strip("[]")
        if not running.yes or _LOOPBACK.fullmatch(host):
            return Answer(False, "systemd-journal-upload sends nothing away", (running.because, rows[-1].line))
        return Answer(True, "systemd-journal-upload sends it", (running.because, rows[-1].line), (), (url,))


def away(place: Destination) -> bool:
    """A forwarding action whose target is not this host."""
    if place.kind != "forward":
        return False
    return all(name.strip() and not _LOOPBACK.fullmatch(re.sub(r"^[a-z]+://", "", name.strip()).split("/")[0].split(":")[0] or "::1")
               for name in place.target.split(","))  # fmt: skip
