"""LDIF (RFC 2849) as exports write it: ldapsearch with or without its comments, slapcat, db2ldif, ldifde.

A stream: records come one by one, faults are counted, nothing is guessed. What a file says about itself (the search that made it, how that
search ended) is kept beside the records, for only that can prove that the file holds all there was.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sovaudit.facts.parse.ber import Attributes

MAX_RECORD = 64 * 1024 * 1024
_BASE = re.compile(rb"# base <(.*)>(?: ?\(default\))? with scope (\w+)")
_FILTER = re.compile(rb"# filter(?: pattern)?: ?(.*)")
_REQUESTING = re.compile(rb"# requesting: ?(.*)")
_COUNT = re.compile(rb"# numEntries: (\d+)")
_COOKIE = re.compile(rb"(?:# )?pagedresults:.*\bcookie=(\S*)")
_NAME = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]*(?:;[A-Za-z0-9._=*-]+)*")
_SCOPES = {b"subtree": "sub", b"oneLevel": "one", b"baseObject": "base"}
_TRAILER = {b"search", b"result", b"text", b"matcheddn", b"ref", b"control", b"pagedresults", b"info"}


@dataclass(slots=True)
class Section:
    """One search whose answer a file holds, as its comments tell; a file without comments is one nameless section.

    scope: `base`, `one`, `sub`, empty if not told. requested: attributes asked for, in lower case, `*` for all user attributes.
    result: how it ended (RFC 4511, 4.1.9), None if the file does not say. cookie: whether further pages were due. declared: how many
    entries it says it holds.
    """

    base: str = ""
    scope: str = ""
    filter: str = ""
    requested: tuple[str, ...] = ()
    result: int | None = None
    cookie: bool = False
    referrals: int = 0
    entries: int = 0
    declared: int | None = None

    @property
    def told(self) -> bool:
        """Whether its comments say what was asked."""
        return bool(self.scope)

    @property
    def ended(self) -> bool:
        """Whether the file says that the search ended well, with all its pages and as many entries as it counts itself."""
        return self.result == 0 and not self.cookie and self.declared in (None, self.entries)


@dataclass(slots=True)
class Record:
    """One entry. line: where it begins. faults: (reason, attribute in lower case) of what was lost in it. change: its changetype, if any."""

    line: int
    section: int
    dn: str
    attributes: Attributes
    change: str = ""
    faults: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Fault:
    """How often something was wrong, and in which lines first."""

    count: int = 0
    lines: list[int] = field(default_factory=list)


class Reader:
    """Iterate once over the records of a file given as its lines, each with its line end.

    Once the iteration is over these are known: faults; losses, the reasons by which entries may be missing altogether; sections; closed,
    whether the last record is followed by an empty line; numbered, whether records carry db2ldif's entry numbers.
    """

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = lines
        self.faults: dict[str, Fault] = {}
        self.losses: list[str] = []
        self.sections = [Section()]
        self.closed = False
        self.numbered = False
        self.records = 0

    def lose(self, reason: str, line: int) -> None:
        """An entry, or what may have been one, is not there."""
        self.fault(reason, line)
        if reason not in self.losses:
            self.losses.append(reason)

    def fault(self, reason: str, line: int) -> None:
        found = self.faults.setdefault(reason, Fault())
        found.count += 1
        if len(found.lines) < 5:
            found.lines.append(line)

    def __iter__(self) -> Iterator[Record]:
        block: list[bytes] = []
        number = begin = size = 0
        raw = b"\n"
        for raw in self._lines:
            number += 1
            if raw == b"\n" or raw == b"\r\n":
                if block:
                    yield from self._block(block, begin)
                    block, size = [], 0
                continue
            if not block:
                begin = number
            size += len(raw)
            if size > MAX_RECORD:
                if size - len(raw) <= MAX_RECORD:
                    self.lose("an entry over 64 MB", begin)
                    block = [b"#\n"]
                continue
            block.append(raw)
        self.closed = not block or (
            raw.endswith(b"\n") and all(line.startswith((b"#", b"search:", b"result:", b"pagedresults:")) for line in block)
        )
        if block and not raw.endswith(b"\n"):
            # half a line is no value, and the entry may have had more: nothing of it is believed
            self.lose("it ends in the middle of an entry", begin)
            block = [line for line in block if line.startswith(b"#")]
        if block:
            yield from self._block(block, begin)

    def _block(self, block: list[bytes], begin: int) -> Iterator[Record]:
        """The records of lines without an empty one between them: one, in a well-formed file."""
        text = b"".join(block)
        if b"\r" in text:
            text = text.replace(b"\r\n", b"\n")
        lines = text.replace(b"\n ", b"").split(b"\n") if b"\n " in text else text.split(b"\n")
        record: Record | None = None
        for line in lines:
            if not line:
                continue
            if line[:1] == b"#":
                self._comment(line)
                continue
            name, colon, rest = line.partition(b":")
            key = name.lower()
            if key == b"dn" and colon:
                if record is not None:
                    self._lost(record, "no empty line between entries", "")
                    yield from self._done(record)
                record = Record(begin, len(self.sections) - 1, "", {})
                value = self._value(record, "dn", rest)
                if value is None:
                    record.change = "lost"
                    continue
                try:
                    record.dn = value.decode("utf-8")
                except UnicodeDecodeError:
                    record.dn = value.decode("utf-8", "surrogateescape")
                    if rest[:1] == b":":
                        self._lost(record, "not UTF-8", "dn")
            elif record is None:
                self._outside(key, rest, line, begin)
            elif key == b"changetype" and not record.attributes:
                record.change = rest.strip().decode("ascii", "replace").lower() or "empty"
            elif record.change not in ("", "add", "lost") or (key == b"control" and not record.attributes):
                continue
            elif not colon or not _NAME.fullmatch(name):
                self._lost(record, "a line that is no LDIF", "")
            else:
                attribute = key.decode("ascii")
                value = self._value(record, attribute, rest)
                if value is not None:
                    record.attributes.setdefault(attribute, []).append(value)
        if record is not None:
            yield from self._done(record)

    def _done(self, record: Record) -> Iterator[Record]:
        if record.change == "lost":
            self.losses += [reason for reason, _ in record.faults if reason not in self.losses]
            return
        if record.change not in ("", "add"):
            self.lose("a record of a change, not of an entry", record.line)
            return
        self.records += 1
        self.sections[record.section].entries += 1
        yield record

    def _lost(self, record: Record, reason: str, attribute: str) -> None:
        self.fault(reason, record.line)
        record.faults.append((reason, attribute))

    def _value(self, record: Record, attribute: str, rest: bytes) -> bytes | None:
        """The value after `attribute:`; None, and a fault, if it is not there."""
        mark = rest[:1]
        if mark == b":":
            try:
                return binascii.a2b_base64(rest[1:].strip(b" "), strict_mode=True)
            except ValueError:
                self._lost(record, "broken base64", attribute)
                return None
        if mark == b"<":
            self._lost(record, "a value kept in another file", attribute)
            return None
        value = rest.lstrip(b" ")
        if not value.isascii():
            try:
                value.decode("utf-8")
            except UnicodeDecodeError:
                self._lost(record, "not UTF-8", attribute)
        return value

    def _outside(self, key: bytes, rest: bytes, line: bytes, begin: int) -> None:
        """A line before any dn: the version, or what ldapsearch says after its entries."""
        if key == b"version":
            if rest.strip() not in (b"1", b"0"):
                self.lose("a version that is not 1", begin)
        elif key not in _TRAILER:
            self.lose("a line that is no LDIF", begin)
        elif key == b"result":
            code = rest.split()
            self.sections[-1].result = int(code[0]) if code and code[0].isdigit() else -1
        elif key == b"ref":
            self.sections[-1].referrals += 1
        elif match := _COOKIE.match(line):
            self.sections[-1].cookie = bool(match[1])

    def _comment(self, line: bytes) -> None:
        if match := _BASE.fullmatch(line.rstrip()):
            base = match[1].decode("utf-8", "surrogateescape")
            self._begin(base, _SCOPES.get(match[2], "other"))
        elif match := _FILTER.fullmatch(line.rstrip()):
            self.sections[-1].filter = match[1].decode("utf-8", "surrogateescape")
        elif match := _REQUESTING.fullmatch(line):
            words = match[1].decode("utf-8", "replace").lower().split()
            self.sections[-1].requested = tuple("*" if word == "all" else word for word in words)
        elif match := _COUNT.match(line):
            self.sections[-1].declared = int(match[1])
        elif match := _COOKIE.match(line):
            self.sections[-1].cookie = bool(match[1])
        elif line.startswith(b"# refldap"):
            self.sections[-1].referrals += 1
        elif line.startswith(b"# entry-id: "):
            self.numbered = True

    def _begin(self, base: str, scope: str) -> None:
        """ldapsearch repeats its comments before each page: a page that was due goes on with the same section."""
        last = self.sections[-1]
        if last.told and last.cookie and last.result == 0 and (last.base, last.scope) == (base, scope):
            last.result = None
            return
        if last.told or last.entries or last.result is not None:
            self.sections.append(Section())
        self.sections[-1].base, self.sections[-1].scope = base, scope
