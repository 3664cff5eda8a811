"""Windows event logs, exported: JSON of evtx_dump, of Get-WinEvent | ConvertTo-Json, one object a line or a list; CSV of Export-Csv.

EventRecordID counts the events of one log on one computer, from 1; clearing a log begins a new numbering, and says so (104, 1102).
"""

from __future__ import annotations

import csv
import json
import re
from typing import Any

from sovaudit.collectors.logs.reading import Reader
from sovaudit.collectors.logs.tally import Part
from sovaudit.collectors.logs.times import Clock

MAX_WHOLE = 64 << 20  # bytes of a list that is not one object a line
_COLUMNS = {"recordid", "timecreated", "machinename"}
_MARKS = {
    ("security", 1102): "cleared", ("system", 104): "cleared", ("security", 1100): "daemon-end", ("system", 6006): "shutdown",
    ("system", 6005): "boot", ("system", 1074): "shutdown-asked", ("system", 6008): "crash",
}  # fmt: skip
_DATE = re.compile(r"/Date\((-?\d{1,16})\)/")


def is_header(line: bytes) -> bool:
    names = {name.strip().strip('"').casefold() for name in line.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").split(",")}
    return names >= _COLUMNS


class _Windows(Reader):
    def event(self, computer: str, log: str, record: str, event: str, created: str) -> None:
        when = self._time(created)
        if when is None:
            self.trouble("no-stamp")
            return
        self.part.records += 1
        tally = self.tally(re.sub(r"[^A-Za-z0-9_.:-]", "?", computer)[:255].encode(), when)
        if tally is None:
            return
        if re.fullmatch(r"[0-9]{1,19}", record):
            self.part.numbering(tally.name, "windows", log[:200]).add(int(record), when)
        else:
            self.trouble("no-number")
        mark = _MARKS.get((log.casefold(), int(event) if re.fullmatch(r"[0-9]{1,6}", event) else 0), "")
        if mark:
            tally.mark(when, mark, 1, log)

    def _time(self, text: str) -> int | None:
        if match := _DATE.fullmatch(text):
            return int(match[1]) // 1000
        when = self.clock.iso(text.strip().encode("ascii", "replace"))
        if when is not None:
            return when
        # Export-Csv writes the date as the culture of whoever ran it does: only what cannot be misread is read
        match = re.fullmatch(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4}) (\d{1,2}):(\d\d):(\d\d)(?: ([AP]M))?", text.strip())
        if match is None:
            return None
        first, second, year, hour, minute, sec = (int(part) for part in match.groups()[:6])
        if match[7]:
            month, day, hour = first, second, hour % 12 + (12 if match[7] == "PM" else 0)
        elif first > 12:
            month, day = second, first
        elif second > 12 or first == second:
            month, day = first, second
        else:
            self.trouble("day-or-month")
            return None
        return self.clock.of(year, month, day, hour, minute, sec)


class WindowsJson(_Windows):
    format = "windows-json"

    def __init__(self, part: Part, clock: Clock, host: str, chain: str, noting: tuple[int, int] | None) -> None:
        super().__init__(part, clock, host, chain, noting)
        self._whole: bytearray | None = None
        self._begun = False

    def feed(self, block: bytes) -> None:
        if not self._begun:
            self._begun = True
            first = block.lstrip().split(b"\n", 1)[0].strip()
            if first in (b"[", b"{", b"[{"):
                self._whole = bytearray()
        self.part.lines += block.count(b"\n")
        if self._whole is not None:
            if len(self._whole) + len(block) > MAX_WHOLE:
                self.trouble("list-too-long")
                return
            self._whole += block
            return
        for line in block.split(b"\n"):
            text = line.strip(b"\0 \t\r,")
            if text in (b"", b"[", b"]"):
                if b"\0" in line:
                    self.trouble("nul")
                continue
            self._object(text)

    def _object(self, text: bytes) -> None:
        if text[:2] == b"[{" and text[-1:] != b"]":
            text = text[1:]
        elif text[-2:] == b"}]" and text[:1] != b"[":
            text = text[:-1]
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            self.trouble("not-json")
            return
        for one in found if isinstance(found, list) else [found]:
            self._event(one)

    def _event(self, found: Any) -> None:
        if not isinstance(found, dict):
            self.trouble("not-json")
            return
        event = found.get("Event", found)
        system = event.get("System", event) if isinstance(event, dict) else {}
        if not isinstance(system, dict):
            self.trouble("not-json")
            return
        created: Any = system.get("TimeCreated", "")
        if isinstance(created, dict):
            created = (
                created.get("#attributes", created).get("SystemTime", "") if isinstance(created.get("#attributes", created), dict) else ""
            )
        number: Any = system.get("EventID", system.get("Id", ""))
        if isinstance(number, dict):
            number = number.get("#text", "")
        self.event(
            str(system.get("Computer", system.get("MachineName", ""))),
            str(system.get("Channel", system.get("LogName", ""))),
            str(system.get("EventRecordID", system.get("RecordId", ""))),
            str(number),
            str(created),
        )

    def finish(self) -> None:
        if self._whole:
            try:
                found = json.loads(self._whole)
            except (ValueError, RecursionError):
                self.trouble("not-json")
                found = []
            for one in found if isinstance(found, list) else [found]:
                self._event(one)
        super().finish()


class WindowsCsv(_Windows):
    """Export-Csv, with or without its #TYPE line; a message may go over several lines, within quotation marks."""

    format = "windows-csv"

    def __init__(self, part: Part, clock: Clock, host: str, chain: str, noting: tuple[int, int] | None) -> None:
        super().__init__(part, clock, host, chain, noting)
        self._columns: dict[str, int] = {}
        self._open = ""

    def feed(self, block: bytes) -> None:
        if b"\0" in block:
            self.trouble("nul", block.count(b"\0"))
        text = self._open + block.decode("utf-8", "replace").replace("\0", "")
        self.part.lines += block.count(b"\n")
        self._open = ""
        if text.count('"') % 2:  # a quotation goes on in the next block
            at = text.rfind("\n", 0, text.rfind('"'))
            while at > 0 and text.count('"', 0, at) % 2:
                at = text.rfind("\n", 0, at)
            if len(text) - at < MAX_WHOLE:
                text, self._open = text[: at + 1], text[at + 1 :]
        self._rows(text)

    def _rows(self, text: str) -> None:
        rows = csv.reader(text.splitlines(keepends=True))
        while True:
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error:
                self.trouble("not-csv")
                continue
            if not row or row[0].startswith("#TYPE"):
                continue
            if not self._columns:
                self._columns = {name.strip().strip("\ufeff").casefold(): at for at, name in enumerate(row)}
                continue
            self.event(
                self._cell(row, "machinename"),
                self._cell(row, "logname") or self._cell(row, "containerlog"),
                self._cell(row, "recordid"),
                self._cell(row, "id"),
                self._cell(row, "timecreated"),
            )

    def _cell(self, row: list[str], column: str) -> str:
        at = self._columns.get(column, -1)
        return row[at] if 0 <= at < len(row) else ""

    def finish(self) -> None:
        if self._open:
            self.trouble("no-closing-quote")
            self._rows(self._open)
        super().finish()
