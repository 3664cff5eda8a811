"""Every byte of a file once: its digest, and whether its text can be read as it stands.

A clean file (UTF-8, no NUL, no endless line) is then read where it lies. Any other is written anew, as UTF-8, without the lines that cannot
be read: each is counted, by reason, with its number, and an empty line keeps its place so that the numbers of the others stay right.
"""

from __future__ import annotations

import codecs
import io
import os
import stat
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from sovaudit import canon
from sovaudit.errors import CollectError
from sovaudit.tables import Scratch

MAX_LINE = 1 << 20
CHUNK = 1 << 20
FEW = 5  # line numbers kept for each reason
_PACKED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"\xfd7zXZ": "xz", b"BZh": "bzip2", b"PK\x03\x04": "a zip archive"}


State = tuple[int, int, int, int]
"""Of a file: another one, or the same with other bytes, has another."""


@dataclass(slots=True)
class Refused:
    """Rows that were not read, by reason: how many, and where the first few stand (lines or records, counted from 1)."""

    count: int = 0
    first: list[int] = field(default_factory=list)

    def add(self, place: int) -> None:
        self.count += 1
        if len(self.first) < FEW:
            self.first.append(place)


@dataclass(slots=True)
class Sieved:
    """path: text to read, UTF-8. size, sha256: of the original. complete: whether its last line has an end. lines: of the text.

    spaced: whether it holds a blank anywhere. state: of the original, if that is the text.
    """

    path: Path
    size: int
    sha256: str
    complete: bool
    lines: int
    refused: dict[str, Refused]
    spaced: bool
    state: State | None


def sieve(path: Path, encoding: str, scratch: Scratch, *, quote: str = "") -> Sieved:
    """quote: what opens and closes a value within one line; a line that leaves it open is refused, because it would swallow those after it.

    Raises CollectError for what cannot be read at all.
    """
    with regular(path) as file:
        before = state_of(file.fileno())
        start = file.read(8)
        packed_as(start, path)
        file.seek(0)
        unicode = codecs.lookup(encoding).name in ("utf-8", "utf-8-sig")
        survey = _Survey(file, quote.encode())
        digest = canon.digest_beside(survey.chunks())
        found = Sieved(path, survey.bytes, digest, survey.complete, survey.lines, {}, survey.spaced or not unicode, before)
        if not (survey.clean and unicode):
            found.path, found.lines, found.state = scratch.file("sieved.txt"), 0, None
            file.seek(0)
            with _unix(file, scratch) if survey.old else nullcontext(file) as text, found.path.open("wb") as out:
                for line in _lines(text, encoding, quote.encode(), found.refused):
                    out.write(line)
                    found.lines += 1
        after = state_of(file.fileno())
    if before != after:
        raise _changed(path)
    return found


def state_of(file: Path | int) -> State:
    """Raises OSError."""
    seen = os.stat(file)
    return seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns


def need_same(path: Path, before: State | None) -> None:
    """To be asked of an original when it was read once more by its name. Raises CollectError if another file lies there now, or other bytes."""
    if before is None:
        return
    try:
        same = state_of(path) == before
    except OSError:
        same = False
    if not same:
        raise _changed(path)


def _changed(path: Path) -> CollectError:
    return CollectError("changed while it was read", status="failed", where=str(path), hint="Export it again, or read a copy.")


def as_it_stands(path: Path, encoding: str, *, quote: str = "") -> tuple[bool, State] | None:
    """Whether blanks stand in the first lines of a file, and its state; None unless these are clean. Raises CollectError for what cannot be
    read at all.
    """
    if codecs.lookup(encoding).name not in ("utf-8", "utf-8-sig"):
        return None
    with regular(path) as file:
        state, start = state_of(file.fileno()), file.read(CHUNK)
    survey = _Survey(io.BytesIO(start[: start.rfind(b"\n") + 1]), quote.encode())
    for _ in survey.chunks():
        pass
    return (survey.spaced, state) if survey.lines and survey.clean and not survey.old else None


def packed_as(start: bytes, path: Path) -> None:
    """Raises CollectError for a file that begins as packed ones do."""
    for magic, name in _PACKED.items():
        if start.startswith(magic):
            raise CollectError(f"is packed ({name})", status="failed", where=str(path), hint="Unpack it first.")


def regular(path: Path) -> BinaryIO:
    """A regular file, open; never waits for a pipe. Raises CollectError."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise CollectError(f"cannot be read ({error.strerror})", status="refused", where=str(path)) from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise CollectError("is not a regular file", status="failed", where=str(path))
    return os.fdopen(handle, "rb")


class _Survey:
    """What a file's bytes are like. clean: UTF-8 text of lines, none endless, none with a quote left open.

    complete: whether the last line has an end. old: lines end with a carriage return alone, as on old machines. spaced: there is a blank, or what
    may be one beyond ASCII.
    """

    def __init__(self, file: BinaryIO | io.BytesIO, quote: bytes) -> None:
        self._file = file
        self._quote = quote
        self.clean = True
        self.complete = True
        self.old = False
        self.spaced = False
        self.lines = 0
        self.bytes = 0

    def chunks(self) -> Iterator[bytes]:
        decoder = codecs.getincrementaldecoder("utf-8")("strict")
        carried, opened, before = 0, 0, b""
        returns = pairs = 0
        while chunk := self._file.read(CHUNK):
            yield chunk
            self.bytes += len(chunk)
            self.complete = chunk.endswith(b"\n")
            self.lines += len(chunk) - len(chunk.replace(b"\n", b""))  # as count does, in half of its time
            ascii_ = chunk.isascii()
            self.spaced = self.spaced or not ascii_ or b" " in chunk
            if b"\r" in chunk or before:
                returns += chunk.count(b"\r")
                pairs += chunk.count(b"\r\n") + (before == b"\r" and chunk.startswith(b"\n"))
            before = chunk[-1:] if chunk.endswith(b"\r") else b""
            if not self.clean:
                continue
            first = chunk.find(b"\n")
            if b"\0" in chunk or carried + (len(chunk) if first < 0 else first) > MAX_LINE:
                self.clean = False
            carried = carried + len(chunk) if first < 0 else len(chunk) - chunk.rfind(b"\n") - 1
            try:
                if not ascii_ or decoder.getstate()[0]:
                    decoder.decode(chunk)
            except UnicodeDecodeError:
                self.clean = False
            if self._quote and (opened or self._quote in chunk):
                first_line, *whole = chunk.split(b"\n")
                opened = (opened + first_line.count(self._quote)) % 2
                if whole:
                    last = whole.pop()
                    if opened or any(line.count(self._quote) % 2 for line in whole):
                        self.clean = False
                    opened = last.count(self._quote) % 2
        if returns not in (0, pairs) or pairs not in (0, self.lines):
            self.clean = False  # the engine wants one kind of line end throughout
        self.old = returns > 0 and not self.lines
        self.complete = self.complete or self.old
        self.lines += not self.complete
        self.clean = self.clean and not opened and not decoder.getstate()[0]


def _lines(file: BinaryIO, encoding: str, quote: bytes, refused: dict[str, Refused]) -> Iterator[bytes]:
    """Lines as UTF-8; an empty one where a line is refused."""
    wide = codecs.lookup(encoding).name.startswith(("utf-16", "utf-32"))
    raw = _recoded(file, encoding) if wide else _split(file)
    for number, line in enumerate(raw, 1):
        if line is None:
            refused.setdefault("long line", Refused()).add(number)
            yield b"\n"
            continue
        reason = ""
        if line.endswith(b"\r\n"):
            line = line[:-2] + b"\n"
        if b"\0" in line:
            reason = "NUL"
        elif b"\r" in line:
            reason = "carriage return"
        elif not wide:
            try:
                line = line.decode(encoding).encode()
            except UnicodeError:
                reason = "encoding"
        elif "\ufffd".encode() in line:
            reason = "encoding"
        if not reason and quote and line.count(quote) % 2:
            reason = "open quote"
        if reason:
            refused.setdefault(reason, Refused()).add(number)
        yield b"\n" if reason else line


def _unix(file: BinaryIO, scratch: Scratch) -> BinaryIO:
    """The same text with a newline for each carriage return."""
    text = scratch.file("unix.txt").open("w+b")
    while chunk := file.read(CHUNK):
        text.write(chunk.replace(b"\r", b"\n"))
    text.seek(0)
    return text


def _split(file: BinaryIO) -> Iterator[bytes | None]:
    """Lines with their ends; None for one that is longer than MAX_LINE."""
    while line := file.readline(MAX_LINE + 1):
        if len(line) > MAX_LINE:
            while line and not line.endswith(b"\n"):
                line = file.readline(CHUNK)
            yield None
        else:
            yield line


def _recoded(file: BinaryIO, encoding: str) -> Iterator[bytes | None]:
    """The same for encodings whose line ends are wider than a byte."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    held, skipping = "", False
    while True:
        chunk = file.read(CHUNK)
        held += decoder.decode(chunk, not chunk)
        *whole, held = held.split("\n")
        for line in whole:
            yield None if skipping or len(line) > MAX_LINE else (line + "\n").encode()
            skipping = False
        if len(held) > MAX_LINE:
            held, skipping = "", True
        if not chunk:
            break
    if held or skipping:
        yield None if skipping else held.encode()
