"""syslog files: RFC 3164 and RFC 5424 as relays and daemons write them, with and without priority, year and zone.

The inner loops see every line of what may be many gigabytes: they know one way of writing a line each, and hand the rest to `_other`.
"""

from __future__ import annotations

import re

from sovaudit.collectors.logs.reading import Reader, tagged
from sovaudit.collectors.logs.tally import SILENCE
from sovaudit.collectors.logs.times import KNOWN

_PRI = re.compile(rb"<(\d{1,3})>")
_BSD_YEAR = re.compile(
    rb"[*.]?([A-Z][a-z]{2}) +(\d{1,2}) (?:(\d{4}) (\d\d):(\d\d):(\d\d)|(\d\d):(\d\d):(\d\d) (\d{4}))(?:\.\d{1,9})?(?: [A-Z]{2,5})?:? (.*)",
    re.S,
)
_BSD = re.compile(rb"([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d:\d\d:\d\d)(?:\.\d{1,9})?:? (?!(?:19|20)\d\d )(.*)", re.S)
_SPACED = re.compile(rb"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?) (.*)", re.S)
_DISCARDED = re.compile(rb'(?:discarded\.(?:full|nf)|ratelimit\.discarded)"?[=:] ?(\d+)')
_QUEUE = re.compile(rb'"name": ?"([^"]{1,80})"|pstats: (.{1,80}?): origin=')
SECONDS = {b":%02d" % second: second for second in range(61)}
SAID = 8192  # bytes of a line in which it may stand
_HOST = re.compile(rb"[A-Za-z0-9_][A-Za-z0-9_.:%-]{0,254}")
# What is seldom there and says that records are missing, or why: searched in whole blocks, then understood line by line.
NEEDLES = (
    b"ate-limiting",
    b"Suppressed ",
    b"audit_lost=",
    b"Linux version ",
    b"hutdown",
    b"System is ",
    b'software="rsyslogd"',
    b"callbacks suppressed",
    b"rsyslogd-pstats",
)
_SAID = re.compile(
    rb"(?:rsyslogd(?:\[\d+\])?: [^\n]{0,300}?(?P<relimit>\d+) messages lost due to rate-limiting"
    rb"|rsyslogd(?:\[\d+\])?: [^\n]{0,300}?(?P<rsbegin>begin to drop messages due to rate-limiting)"
    rb'|rsyslogd(?:\[\d+\])?: [^\n]{0,40}?software="rsyslogd"[^\n\]]{0,200}\] ?(?P<daemon>start|exiting on signal)'
    rb"|(?P<stats>rsyslogd-pstats: [^\n]*(?:discarded\.(?:full|nf)|ratelimit\.discarded))"
    rb"|(?:systemd-journald?|journal)(?:\[\d+\])?: Suppressed (?P<journal>\d+) messages from (?P<unit>\S{1,200})"
    rb"|kernel: [^\n]{0,80}?audit_lost=(?P<audit>\d+) "
    rb"|kernel: [^\n]{0,80}?(?P<callbacks>\d+) callbacks suppressed"
    rb"|kernel: (?:\[ *[\d.]+\] )?(?P<boot>Linux version )"
    rb"|(?P<down>systemd-logind(?:\[\d+\])?: System is (?:powering|rebooting|halting|shutting)"
    rb"|systemd(?:\[1\])?: (?:Reached target [^\n]{0,60}?[Ss]hutdown|Shutting down\.)"
    rb"|systemd-shutdown(?:\[1\])?: |shutdown\[\d+\]: shutting down))"
)


class Syslog(Reader):
    """One file or piece."""

    format = "syslog"

    def feed(self, block: bytes) -> None:
        lines = block.split(b"\n")
        if lines[-1] == b"":
            lines.pop()
        self.part.lines += len(lines)
        self.troubles_of(block, lines)
        if self.noting is not None:
            for line in lines:
                self._other(line)
        else:
            first = lines[0] if lines else b""
            if first[3:4] == b" " and first[15:16] == b" ":
                self._bsd(lines)
            else:
                self._iso(lines)
        for needle in NEEDLES:
            at = block.find(needle)
            while at >= 0:
                end = block.find(b"\n", at)
                end = len(block) if end < 0 else end
                self._said(block[block.rfind(b"\n", 0, at) + 1 : end])
                at = block.find(needle, end)

    def _bsd(self, lines: list[bytes]) -> None:
        known, tallies = self.clock.known, self.by_host
        other, minutes = self._other, self.clock.minutes
        if len(known) > KNOWN:
            known.clear()
        for line in lines:
            when = known.get(line[:15])
            end = line.find(b" ", 16)
            tally = tallies.get(line[16:end])
            if when is None and tally is not None and line[15:16] == b" ":
                minute, second = minutes.get(line[:12]), SECONDS.get(line[12:15])
                if minute is not None and second is not None:
                    known[line[:15]] = when = minute + second
            if when is None or tally is None:
                other(line)
                continue
            gone = when - tally.last
            if 0 <= gone < SILENCE and when < tally.hour_end:
                tally.last = when
                tally.pending += 1
            else:
                tally.turn(when)

    def _iso(self, lines: list[bytes]) -> None:
        known, tallies = self.clock.known, self.by_host
        other, stamp = self._other, self._stamp
        for line in lines:
            start = line.find(b" ") + 1 if line[:1] == b"<" else 0
            space = line.find(b" ", start)
            # the stamp without its fraction: alone where it ends with Z, else with the offset that ends it
            key = line[start : start + 19] if line[space - 1 : space] == b"Z" else line[start : start + 19] + line[space - 6 : space]
            when = known.get(key)
            end = line.find(b" ", space + 1)
            tally = tallies.get(line[space + 1 : end])
            if when is None and tally is not None:
                when = stamp(line[start:space])
            if when is None or tally is None:
                other(line)
                continue
            gone = when - tally.last
            if 0 <= gone < SILENCE and when < tally.hour_end:
                tally.last = when
                tally.pending += 1
            else:
                tally.turn(when)

    def _other(self, line: bytes) -> None:
        """Any line, one by one."""
        found = self.head(line)
        if found is None:
            return
        when, host, rest = found
        tally = self.tally(host, when)
        if tally is None:
            return
        if self.noting is not None:
            self.note(when, tally.name, rest)

    def head(self, line: bytes) -> tuple[int, bytes, bytes] | None:
        """Time, host and the rest of a line, else None, counted."""
        line = line.strip(b"\0\r")
        if not line.strip():
            self.trouble("empty-line")
            return None
        match = _PRI.match(line)
        body = line[match.end() :] if match else line
        if match and body[:2] == b"1 ":
            return self._rfc5424(body[2:])
        when: int | None
        bsd = _BSD.fullmatch(body)
        if bsd:
            when, rest = self.clock.bsd(b"%s %2d %s" % (bsd[1], int(bsd[2]), bsd[3])), bsd[4]
        elif body[:4].isdigit() and body[4:5] == b"-":
            stamp, _, rest = body.partition(b" ")
            when = self._stamp(stamp)
            if when is None and (spaced := _SPACED.fullmatch(body)):
                when, rest = self.clock.iso(spaced[1]), spaced[2]
        elif dated := _BSD_YEAR.fullmatch(body):
            when, rest = self._dated(dated), dated[11]
        else:
            self.trouble("continuation" if line[:1] in b" \t" else "no-stamp")
            return None
        if when is None:
            self.trouble("no-such-time")
            return None
        host, _, after = rest.partition(b" ")
        if not _HOST.fullmatch(host) or host[-1:] == b":":
            return when, b"", rest
        return when, host, after

    def _stamp(self, stamp: bytes) -> int | None:
        when = self.clock.iso(stamp)
        if when is not None and len(stamp) > 19 and (stamp[-1:] == b"Z" or stamp[-6:-5] in (b"+", b"-")):
            self.clock.keep(stamp[:19] if stamp[-1:] == b"Z" else stamp[:19] + stamp[-6:], when)
        return when

    def _dated(self, match: re.Match[bytes]) -> int | None:
        from sovaudit.collectors.logs.times import MONTHS

        month = MONTHS.get(match[1])
        parts = (match[3], match[4], match[5], match[6]) if match[3] else (match[10], match[7], match[8], match[9])
        year, hour, minute, second = (int(part) for part in parts)
        return None if month is None else self.clock.of(year, month, int(match[2]), hour, minute, second)

    def _rfc5424(self, body: bytes) -> tuple[int, bytes, bytes] | None:
        stamp, _, rest = body.partition(b" ")
        host, blank, rest = rest.partition(b" ")
        if stamp == b"-" or not blank:
            self.trouble("no-stamp")
            return None
        when = self._stamp(stamp)
        if when is None:
            self.trouble("no-such-time")
            return None
        return when, host if _HOST.fullmatch(host) else b"", b"\x01" + rest

    def _said(self, line: bytes) -> None:
        counted, self.part.troubles = self.part.troubles, self.part.troubles.copy()
        found = self.head(line)
        self.part.troubles = counted
        said = _SAID.match(tagged(found[2][:SAID])) if found else None
        tally = self.known_tally(found[1]) if found else None
        if found is None or said is None or tally is None:
            return
        when, kind = found[0], said.lastgroup or ""
        if kind == "unit":
            tally.mark(when, "suppressed", int(said["journal"]), said["unit"].decode("utf-8", "replace"))
        elif kind == "stats":
            text = tagged(found[2][:SAID])
            lost = sum(int(number) for number in _DISCARDED.findall(text))
            queue = _QUEUE.search(text)
            if lost:
                tally.mark(when, "discarded", lost, (queue[1] or queue[2]).decode("utf-8", "replace") if queue else "")
        elif kind == "relimit":
            tally.mark(when, "rate-limited", int(said["relimit"]))
        elif kind == "rsbegin":
            tally.mark(when, "rate-limit-begins")
        elif kind == "callbacks":
            tally.mark(when, "suppressed", int(said["callbacks"]), "kernel")
        elif kind == "audit":
            tally.mark(when, "audit-lost", int(said["audit"]))
        elif kind == "boot":
            tally.mark(when, "boot")
        elif kind == "down":
            tally.mark(when, "shutdown")
        else:
            tally.mark(when, "daemon-start" if said["daemon"] == b"start" else "daemon-end")
