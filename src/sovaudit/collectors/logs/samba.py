"""Samba's JSON audit (`log level = auth_json_audit:3`), alone or below the header lines of log.smbd."""

from __future__ import annotations

import json
import re

from sovaudit.collectors.logs.reading import Reader

_HEADER = re.compile(rb"\[\d{4}/\d\d/\d\d \d\d:\d\d:\d\d")


class SambaJson(Reader):
    format = "samba"

    def feed(self, block: bytes) -> None:
        lines = block.split(b"\n")
        self.troubles_of(block, lines)
        for line in lines:
            text = line.strip(b"\0 \t\r")
            if not text:
                continue
            self.part.lines += 1
            begin = text.find(b"{")
            if begin < 0 or _HEADER.match(text):
                self.trouble("other-line")
                continue
            self._entry(text[begin:])

    def _entry(self, text: bytes) -> None:
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            self.trouble("not-json")
            return
        stamp = found.get("timestamp") if isinstance(found, dict) else None
        when = self.clock.iso(stamp.encode("ascii", "replace")) if isinstance(stamp, str) else None
        if when is None:
            self.trouble("no-stamp")
            return
        self.part.records += 1
        tally = self.tally(b"", when)
        if tally is not None and isinstance(found.get("type"), str):
            tally.kinds[found["type"][:40]] += 1
