"""What the readers of all formats share: whose record it is, what is wrong with it, and the note of single records."""

from __future__ import annotations

import hashlib
import re

from sovaudit.collectors.logs.tally import MAX_SOURCES, Part, Tally
from sovaudit.collectors.logs.times import Clock

MAX_NOTED = 200_000
_TAG = re.compile(rb"([^\[\s:]{1,128})(?:\[([^\]\s]{0,64})\])?:? ?(.*)", re.S)
# what busybox's syslogd writes before the tag
LEVEL = re.compile(
    rb"(?:kern|user|mail|daemon|auth|syslog|lpr|news|uucp|cron|authpriv|ftp|local[0-7])\.(?:emerg|alert|crit|err|warn|notice|info|debug) "
)
_RFC5424 = re.compile(rb"\x01(\S+) (\S+) \S+ (?:-|(?:\[(?:[^\]\\\"]|\\.|\"(?:[^\"\\]|\\.)*\")*\])+)(?: (?:\xef\xbb\xbf)?(.*))?", re.S)


class Reader:
    """One file or piece of one. feed() gets blocks of whole lines; finish() what ends it.

    noting: from and to, seconds since the epoch, between which single records are noted; None for never.
    """

    format = ""
    raw = False  # whether it wants blocks as they come, not cut at ends of lines

    def __init__(self, part: Part, clock: Clock, host: str, chain: str, noting: tuple[int, int] | None) -> None:
        self.part, self.clock, self.noting = part, clock, noting
        self.chain = chain
        self.default = host
        self.by_host: dict[bytes, Tally] = {}

    def feed(self, block: bytes) -> None:
        raise AssertionError(block)

    def finish(self) -> None:
        for tally in self.part.tallies.values():
            tally.flush()

    def trouble(self, reason: str, count: int = 1) -> None:
        self.part.troubles[reason] += count

    def troubles_of(self, block: bytes, lines: list[bytes]) -> None:
        """Count lines that are no UTF-8 and lines with NUL bytes; both are read all the same."""
        if b"\0" in block:
            self.trouble("nul", sum(b"\0" in line for line in lines))
        if block.isascii():
            return
        try:
            block.decode()
        except UnicodeDecodeError:
            self.trouble("not-utf8", sum(not _decodes(line) for line in lines))

    def tally(self, host: bytes, when: int) -> Tally | None:
        """The source's tally with this record booked; None where there are too many sources, counted."""
        found = self.by_host.get(host)
        if found is None:
            name = host.decode("ascii", "replace") if host else self.default
            found = self.part.tallies.get(name)
            if found is None:
                if len(self.part.tallies) >= MAX_SOURCES:
                    self.trouble("too-many-sources")
                    return None
                found = self.part.tallies[name] = Tally(name, self.chain, when)
            self.by_host[host] = found
        found.at(when)
        return found

    def known_tally(self, host: bytes) -> Tally | None:
        return self.by_host.get(host)

    def note(self, when: int, source: str, rest: bytes) -> None:
        """Note one syslog record: its program, its process and a digest of its message; never the message."""
        program, process, message = parted(rest)
        self.note_record(when, source, program, process, message)

    def note_record(self, when: int, source: str, program: bytes, process: bytes, message: bytes) -> None:
        if self.noting is None or not self.noting[0] <= when < self.noting[1]:
            return
        if self.part.noted_count >= MAX_NOTED:
            self.part.noted_left += 1
            return
        self.part.noted_count += 1
        row = (when, word(program), word(process), digest_of(message))
        self.part.noted.setdefault(source, []).append(row)


def parted(rest: bytes) -> tuple[bytes, bytes, bytes]:
    """Program, process and message of what follows the host in a record; empty where it names none."""
    if level := LEVEL.match(rest):
        rest = rest[level.end() :]
    match = (_RFC5424 if rest[:1] == b"\x01" else _TAG).fullmatch(rest)
    if match is None:
        return b"", b"", rest.lstrip(b"\x01")
    program, process, message = (part or b"" for part in match.groups())
    return b"" if program == b"-" else program, b"" if process == b"-" else process, message


def digest_of(message: bytes) -> str:
    """What a record is compared by beside its time, program and process; its message cannot be had from it."""
    return hashlib.blake2b(message.strip(), digest_size=8).hexdigest()


def tagged(rest: bytes) -> bytes:
    """What follows the host in a syslog line, as `program[process]: message`, whichever way it was written."""
    match = _RFC5424.fullmatch(rest) if rest[:1] == b"\x01" else None
    if match is None:
        level = LEVEL.match(rest)
        return rest[level.end() :] if level else rest
    process = b"" if match[2] == b"-" else b"[%s]" % match[2]
    return b"%s%s: %s" % (match[1], process, (match[3] or b"").lstrip())


def word(text: bytes) -> str:
    """A name as the evidence holds it."""
    return re.sub(r"[^A-Za-z0-9_./@-]", "?", text[:48].decode("ascii", "replace"))


def _decodes(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
