"""auditd's own files: one number per event, from 1 at each boot; records of one event share it, and the daemon's own carry others."""

from __future__ import annotations

import re
from collections import Counter

from sovaudit.collectors.logs.numbers import Numbers
from sovaudit.collectors.logs.reading import Reader
from sovaudit.collectors.logs.tally import Part, Tally
from sovaudit.collectors.logs.times import Clock

_RECORD = re.compile(rb"(?:node=(\S{1,255}) )?type=([A-Z0-9_\[\]]{1,40}) msg=audit\((\d{1,11})\.\d{1,6}:(\d{1,20})\):")
AGAIN = 5000  # numbers by which an event may come late; more is another boot
_MARKS = {
    b"SYSTEM_BOOT": "boot",
    b"SYSTEM_SHUTDOWN": "shutdown",
    b"DAEMON_START": "daemon-start",
    b"DAEMON_END": "daemon-end",
    b"DAEMON_ABORT": "daemon-end",
    b"DAEMON_ROTATE": "",
}


class AuditLog(Reader):
    """One file. Each start of auditd, and each boot, begins a numbering of its own."""

    format = "audit"

    def __init__(self, part: Part, clock: Clock, host: str, chain: str, noting: tuple[int, int] | None) -> None:
        super().__init__(part, clock, host, chain, noting)
        self._runs: Counter[str] = Counter()  # source → how often its numbering began anew

    def feed(self, block: bytes) -> None:
        lines = block.split(b"\n")
        if lines[-1] == b"":
            lines.pop()
        self.part.lines += len(lines)
        self.troubles_of(block, lines)
        stamp, of, numbering = b"", None, None
        for line in lines:
            match = _RECORD.match(line)
            if match is None:
                self.trouble("empty-line" if not line.strip(b"\0 \t\r") else "no-stamp")
                continue
            node, kind, seconds, serial = match.groups()
            when = int(seconds)
            self.part.records += 1
            tally = self.tally(node or b"", when)
            if tally is None:
                continue
            if kind in _MARKS or kind.startswith(b"DAEMON_"):
                self._marked(tally, kind, when)
                if kind.startswith(b"DAEMON_"):
                    continue
            if serial != stamp or tally is not of or numbering is None:
                stamp, of = serial, tally
                numbering = self._numbering(tally, int(serial))
                numbering.add(int(serial), when)

    def _key(self, name: str) -> tuple[str, str, str]:
        return name, "audit", f"{self.chain}\t{self.part.file}.{self._runs[name]}"

    def _numbering(self, tally: Tally, serial: int) -> Numbers:
        found = self.part.numbering(*self._key(tally.name))
        if found.runs and serial + AGAIN < found.runs[-1][1]:
            self._runs[tally.name] += 1
            found = self.part.numbering(*self._key(tally.name))
        return found

    def _marked(self, tally: Tally, kind: bytes, when: int) -> None:
        mark = _MARKS.get(kind, "")
        if mark:
            tally.mark(when, mark)
        if kind == b"DAEMON_START":
            self._runs[tally.name] += 1
            self.part.numbering(*self._key(tally.name))  # also where its first event stands in the next file
