"""One file, or one piece of a large one, read from beginning to end; and how a large archive is shared between processes."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain

from sovaudit.collectors.logs.reading import Reader
from sovaudit.collectors.logs.sniff import BINARY, BLANKS, READERS, format_of
from sovaudit.collectors.logs.tally import Part
from sovaudit.collectors.logs.times import Clock
from sovaudit.collectors.logs.unpack import Source

PIECE = 64 << 20
SHARED = 96 << 20  # bytes from which a second process pays
MAX_WORKERS = 4
_DAY = 86400


@dataclass(frozen=True, slots=True)
class Task:
    """What to read. end None: to the end. deadline: of the monotonic clock, which processes of one machine share. now: seconds since the epoch."""

    file: int
    path: str
    chain: str
    date: str
    mtime: int
    start: int
    end: int | None
    zone: str
    year: int
    host: str
    format: str
    noting: tuple[int, int] | None
    now: int
    deadline: float


def read(task: Task) -> Part:
    """Never raises for what a file holds: troubles are counted, and an error ends that file alone."""
    part = Part(file=task.file)
    try:
        source = Source(task.path, task.start, task.end)
    except OSError as error:
        part.error = error.strerror or str(error)
        return part
    try:
        blocks = source.blocks()
        first = _begin(part, blocks)
        part.format = task.format if first and task.format else format_of(first.lstrip(BLANKS)[:65536])
        if part.format in READERS:
            part.year_from, anchor = _anchor(task, source)
            reader = READERS[part.format](part, Clock(task.zone, anchor), task.host or task.chain, task.chain, task.noting)
            whole = chain((first,), blocks)
            _feed(task, reader, whole if reader.raw else source.lines(whole))
        elif part.format in BINARY.values():
            part.troubles[part.format] += 1
            part.error = "export it with journalctl -o export" if part.format == "journal-binary" else "export it as JSON or CSV"
            for _ in blocks:  # its digest is wanted all the same
                continue
        else:
            if part.format == "empty" and part.troubles["nul"]:
                part.format = "unrecognised"
            if part.format != "empty":
                part.troubles[part.format] += 1
            part.lines += first.count(b"\n") + sum(block.count(b"\n") for block in blocks)
    except OSError as error:
        part.error = error.strerror or str(error)
    finally:
        source.close()
    part.troubles += source.troubles
    part.packing, part.sha256 = source.packing, source.sha256
    return part


def _begin(part: Part, blocks: Iterator[bytes]) -> bytes:
    """The first block that holds anything. A log that was emptied while its daemon wrote on begins with NUL bytes, as many as it was long."""
    first = next(blocks, b"")
    while first and not first.strip(BLANKS):
        part.troubles["nul"] = max(part.troubles["nul"], int(b"\0" in first))
        part.lines += first.count(b"\n")
        first = next(blocks, b"")
    if part.troubles["nul"]:
        first = first.lstrip(b"\0")
    return first


def _feed(task: Task, reader: Reader, blocks: Iterable[bytes]) -> None:
    for block in blocks:
        if time.monotonic() > task.deadline:
            reader.part.error = "not read to its end in time"
            reader.part.troubles["timeout"] += 1
            break
        reader.part.bytes += len(block)
        reader.feed(block)
    reader.finish()
    _sum_up(reader.part, reader.clock)


def _sum_up(part: Part, clock: Clock) -> None:
    if part.format == "syslog":
        part.records = sum(sum(tally.hours.values()) for tally in part.tallies.values())
    if clock.zoneless:
        part.troubles["no-zone"] += 1
    if not clock.yearless:
        part.year_from = ""
    if clock.twice:
        part.troubles["hour-twice"] += clock.twice


def _anchor(task: Task, source: Source) -> tuple[str, int]:
    """What tells the year of stamps without one, and the time after which no record lies."""
    if task.year:
        return "given", int(datetime(task.year + 1, 1, 1, tzinfo=UTC).timestamp()) - _DAY
    if re.match(r"\d{6}", task.date):
        day, days = (int(task.date[6:8]), 2) if len(task.date) >= 8 else (1, 32)
        with suppress(ValueError):
            return "name", int(datetime(int(task.date[:4]), int(task.date[4:6]), day, tzinfo=UTC).timestamp()) + days * _DAY
    if 0 < source.packed_at <= task.now:
        return "gzip", source.packed_at
    return ("mtime", task.mtime) if task.mtime <= task.now else ("now", task.now)


def pieces(path: str, size: int) -> list[int]:
    """Where to cut a large plain file, at beginnings of lines; [0] for one that must be read at one go."""
    if size < 2 * PIECE:
        return [0]
    cuts = [0]
    with open(path, "rb") as file:
        if format_of(file.read(65536)) != "syslog":
            return [0]
        for at in range(PIECE, size - PIECE // 2, PIECE):
            file.seek(at)
            found = file.read(1 << 20).find(b"\n")
            if found >= 0:
                cuts.append(at + found + 1)
    return cuts


def read_all(tasks: Sequence[Task], total: int) -> Iterator[tuple[int, Part]]:
    """Where each part starts in its file, and the part, in no particular order. A large archive is shared between processes of our own."""
    workers = min(MAX_WORKERS, os.cpu_count() or 1, len(tasks))
    if total < SHARED or workers < 2 or not sys.executable:
        yield from ((task.start, read(task)) for task in tasks)
        return
    shares: list[list[Task]] = [[] for _ in range(workers)]
    for number, task in enumerate(tasks):
        shares[number % workers].append(task)
    running = []
    try:
        for share in shares:
            process = subprocess.Popen(
                [sys.executable, "-m", "sovaudit.collectors.logs.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            running.append((process, share))
            assert process.stdin is not None
            process.stdin.write(pickle.dumps(share))
            process.stdin.close()
        for process, share in running:
            assert process.stdout is not None
            done = set()
            while True:
                try:
                    number, part = pickle.load(process.stdout)
                except (EOFError, pickle.UnpicklingError):
                    break
                done.add(number)
                yield share[number].start, part
            for number, task in enumerate(share):  # a process that was ended from outside leaves no hole
                if number not in done:
                    yield task.start, read(task)
    finally:
        for process, _ in running:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
