"""journald's entries as `journalctl -o export` (also what systemd-journal-upload sends) and `-o json` write them.

A cursor names the numbering (s), the entry's number in it (i) and the boot (b); within one numbering, all files together have no holes.
"""

from __future__ import annotations

import json
import re

from sovaudit.collectors.logs.reading import Reader
from sovaudit.collectors.logs.tally import Part
from sovaudit.collectors.logs.times import Clock

_CURSOR = re.compile(r"s=([0-9a-f]{1,32});i=([0-9a-f]{1,16});b=([0-9a-f]{1,32});")
_SUPPRESSED = re.compile(r"Suppressed (\d{1,12}) messages from (\S{1,200})")
_DOWN = re.compile(r"Journal stopped|System is (powering|rebooting|halting|shutting)|Shutting down\.")
_WANTED = frozenset(
    (
        "__CURSOR",
        "__REALTIME_TIMESTAMP",
        "__MONOTONIC_TIMESTAMP",
        "_HOSTNAME",
        "_BOOT_ID",
        "MESSAGE",
        "SYSLOG_IDENTIFIER",
        "_PID",
        "SYSLOG_PID",
        "_COMM",
    )
)
MAX_FIELD = 1 << 20
MAX_BOOTS = 100_000
DRIFT = 1_000_000  # microseconds by which wall and monotonic clock may part within a boot


class _Journal(Reader):
    def __init__(self, part: Part, clock: Clock, host: str, chain: str, noting: tuple[int, int] | None) -> None:
        super().__init__(part, clock, host, chain, noting)
        self._boots: dict[tuple[str, str], int] = {}  # host and boot → wall minus monotonic clock, microseconds

    def entry(self, fields: dict[str, str]) -> None:
        real, cursor = fields.get("__REALTIME_TIMESTAMP", ""), _CURSOR.match(fields.get("__CURSOR", ""))
        if not re.fullmatch(r"[0-9]{1,17}", real):
            self.trouble("no-stamp")
            return
        self.part.records += 1
        when = int(real) // 10**6
        host = fields.get("_HOSTNAME", "")
        tally = self.tally(host.encode("ascii", "replace")[:255], when)
        if tally is None:
            return
        if cursor:
            self.part.numbering(tally.name, "journal", cursor[1]).add(int(cursor[2], 16), when)
        else:
            self.trouble("no-cursor")
        boot = fields.get("_BOOT_ID") or (cursor[3] if cursor else "")
        self._clock(tally.name, boot, int(real), fields.get("__MONOTONIC_TIMESTAMP", ""), when)
        message = fields.get("MESSAGE", "")
        program = fields.get("SYSLOG_IDENTIFIER") or fields.get("_COMM", "")
        if program == "systemd-journald" and (said := _SUPPRESSED.match(message)):
            tally.mark(when, "suppressed", int(said[1]), said[2])
        elif program in ("systemd-journald", "systemd-logind", "systemd", "systemd-shutdown") and _DOWN.match(message):
            tally.mark(when, "shutdown")
        if self.noting is not None:
            process = fields.get("SYSLOG_PID") or fields.get("_PID", "")
            self.note_record(when, tally.name, program.encode(), process.encode(), message.encode("utf-8", "replace"))

    def _clock(self, name: str, boot: str, real: int, mono: str, when: int) -> None:
        tally = self.part.tallies[name]
        known = self._boots.get((name, boot))
        if boot and known is None and len(self._boots) < MAX_BOOTS:
            if any(host == name for host, _ in self._boots):
                tally.mark(when, "boot")
            else:
                tally.mark(when, "first-boot")
        if not boot or not re.fullmatch(r"[0-9]{1,17}", mono):
            self._boots.setdefault((name, boot), 0)
            return
        apart = real - int(mono)
        if known and abs(apart - known) > DRIFT and abs(apart - known) // 10**6 >= 1:
            tally.mark(when, "clock-set", (apart - known) // 10**6)
        if len(self._boots) < MAX_BOOTS:
            self._boots[(name, boot)] = apart


class JournalExport(_Journal):
    """Fields as NAME=value lines, or NAME, a size of eight bytes and that many bytes; an empty line ends an entry."""

    format = "journal-export"
    raw = True  # a field's bytes may go on for megabytes without a newline

    def __init__(self, part: Part, clock: Clock, host: str, chain: str, noting: tuple[int, int] | None) -> None:
        super().__init__(part, clock, host, chain, noting)
        self._buffer = b""
        self._fields: dict[str, str] = {}
        self._skip = 0  # bytes of a binary field still to pass by
        self._over = False  # within a line that is too long

    def feed(self, block: bytes) -> None:
        self.part.lines += block.count(b"\n")
        data = self._buffer + block if self._buffer else block
        at = 0
        if self._over:
            at = data.find(b"\n") + 1
            if not at:
                return
            self._over = False
        if self._skip:
            at = min(self._skip, len(data))
            self._skip -= at
        size = len(data)
        while at < size:
            end = data.find(b"\n", at)
            if end < 0:
                break
            line = data[at:end]
            if not line:
                self._ended()
                at = end + 1
                continue
            equals = line.find(b"=")
            if equals > 0:
                self._field(line[:equals], line[equals + 1 :])
                at = end + 1
                continue
            if not re.fullmatch(rb"[A-Z0-9_]{1,64}", line):
                self.trouble("no-field")
                at = end + 1
                continue
            if size - end - 1 < 8:
                break
            length = int.from_bytes(data[end + 1 : end + 9], "little")
            if length > 1 << 40:
                self.trouble("no-field")
                at = end + 1
                continue
            if length > MAX_FIELD:
                self.trouble("long-field")
                there = size - end - 9
                at = end + 9 + min(length + 1, there)
                self._skip = max(0, length + 1 - there)
                continue
            if size - end - 9 < length + 1:
                break
            self._field(line, data[end + 9 : end + 9 + length])
            at = end + 9 + length + 1
        self._buffer = data[at:]
        if len(self._buffer) > 2 * MAX_FIELD:
            self.trouble("long-field")
            self._buffer, self._over = b"", True

    def _field(self, name: bytes, value: bytes) -> None:
        key = name.decode("ascii", "replace")
        if key in _WANTED:
            if key != "MESSAGE" and key in self._fields:
                return
            self._fields[key] = value.decode("utf-8", "replace")

    def _ended(self) -> None:
        if self._fields:
            self.entry(self._fields)
            self._fields = {}

    def finish(self) -> None:
        if self._buffer.strip() or self._skip:
            self.trouble("cut-short")
        if self._fields:
            self._ended()
        super().finish()


class JournalJson(_Journal):
    """One object a line."""

    format = "journal-json"

    def feed(self, block: bytes) -> None:
        for line in block.split(b"\n"):
            if not line.strip(b"\0 \t\r"):
                if b"\0" in line:
                    self.trouble("nul")
                continue
            self.part.lines += 1
            try:
                found = json.loads(line.strip(b"\0 \t\r\x1e"))
            except (ValueError, RecursionError):
                self.trouble("not-json")
                continue
            if not isinstance(found, dict):
                self.trouble("not-json")
                continue
            self.entry({key: _text(found[key]) for key in _WANTED & found.keys()})


def _text(value: object) -> str:
    """A field's value: a text; a list of bytes where it was no UTF-8; null where it was too long; a list of such where it stood twice."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        if value and all(isinstance(one, int) and 0 <= one < 256 for one in value):
            return bytes(value).decode("utf-8", "replace")
        return _text(value[0]) if value and isinstance(value[0], str) else ""
    return ""
