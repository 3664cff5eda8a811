"""What audit logs say about their own completeness: runs of event numbers, the holes in them, and the daemon's starts and stops.

The kernel numbers its events from 1 at each boot and under load writes them far out of order; auditd's own records (DAEMON_*) carry numbers of their
own. A run is what one start of auditd wrote, over as many logs as it took. Pure; serials() in posix/serials.awk says the same.

Rows, tab-separated, oldest log first: `F path w|c` a log, whole or only its end; `R node o|s b|- first-time first last-time last` a run that begins
somewhere (o) or with a start of auditd (s), with the record of a boot in it (b); `H node from to missing time-before time-after` a hole in
the run above; `D type time` a record of the daemon itself; `M` not all was brought, or a run is too short and disordered to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

TAIL = 9 * 1024 * 1024  # bytes of one log: more than auditd's usual 8 MB
MAX_FILES = 3
MAX_HOLES = 40
MAX_DAEMON = 200
MAX_RUNS = 100
MAX_NODES = 50
_HEAD = re.compile(rb"(node=[^ ]+ )?type=[^ ]+ ")
_STAMP = re.compile(rb"([0-9]+)\.[0-9]+:([0-9]+)")


class _Run:
    def __init__(self, node: bytes, *, started: bool) -> None:
        self.node, self.started, self.boot = node, started, False
        self.begin, self.high, self.late = -1, -1, 0
        self.seen: dict[int, int] = {}  # number → time

    def add(self, serial: int, time: int) -> None:
        if self.begin < 0:
            self.begin = self.high = serial
        if serial in self.seen:
            return
        self.seen[serial] = time
        if serial > self.high:
            self.high = serial
        elif self.high - serial > self.late:
            self.late = self.high - serial


class _Stream:
    def __init__(self) -> None:
        self.rows: list[bytes] = []
        self.runs: dict[bytes, _Run] = {}
        self.holes = self.daemon = self.done = 0
        self.more = False

    def run(self, node: bytes) -> _Run | None:
        if node not in self.runs:
            if len(self.runs) >= MAX_NODES:
                self.more = True
                return None
            self.runs[node] = _Run(node, started=False)
        return self.runs[node]

    def close(self, node: bytes, *, certain: bool) -> None:
        """Write a run down. certain: nothing of it can come later. At an end that is not, as much may be out of order as was within."""
        run = self.runs.get(node)
        if run is None or run.begin < 0:
            return
        if self.done >= MAX_RUNS:
            self.more = True
            return
        self.done += 1
        low = min(run.seen) if run.started else run.begin + run.late
        high = run.high if certain else run.high - run.late
        inside = [serial for serial in run.seen if low <= serial <= high]
        if not inside:
            self.more = True
            return
        low, high, count = min(inside), max(inside), len(inside)
        flags = (b"s" if run.started else b"o", b"b" if run.boot else b"-")
        self.rows.append(b"R\t%s\t%s\t%s\t%d\t%d\t%d\t%d" % (node, *flags, run.seen[low], low, run.seen[high], high))
        if high - low + 1 != count:
            self._holes(run, low, high, count)

    def _holes(self, run: _Run, low: int, high: int, count: int) -> None:
        size = high - low + 1
        if size > 4 * count + 1000:
            self._hole(run.node, low + 1, high - 1, size - count, run.seen[low], run.seen[high])
            return
        at = low
        for serial in range(low, high + 1):
            if serial in run.seen:
                if serial > at + 1:
                    self._hole(run.node, at + 1, serial - 1, serial - at - 1, run.seen[at], run.seen[serial])
                at = serial

    def _hole(self, node: bytes, *numbers: int) -> None:
        self.holes += 1
        if self.holes <= MAX_HOLES:
            self.rows.append(b"\t".join([b"H", node, *(b"%d" % number for number in numbers)]))

    def file(self, path: bytes, data: bytes, cut: bool) -> None:
        if cut:
            for node in sorted(self.runs):
                self.close(node, certain=False)
            self.runs.clear()
        self.rows.append(b"F\t%s\t%s" % (path, b"c" if cut else b"w"))
        last = b""
        for line in data.split(b"\n")[1 if cut else 0 :]:
            at = line.find(b"msg=audit(")
            if at < 6 or at > 300:
                continue
            stamp = line[at + 10 : at + 60].partition(b")")[0]
            if stamp == last and line[:5] != b"node=":
                continue
            head, number = line[:at], _STAMP.fullmatch(stamp)
            if number is None or _HEAD.fullmatch(head) is None or len(number[1]) > 11 or len(number[2]) > 10:
                continue
            node = head[: head.index(b" ")] if head[:5] == b"node=" else b"-"
            kind = head[head.index(b"type=", 0 if node == b"-" else len(node)) + 5 : -1]
            if kind[:7] == b"DAEMON_":
                self._of_daemon(node, kind, int(number[1]))
                continue
            last = stamp
            run = self.run(node)
            if run is not None:
                run.add(int(number[2]), int(number[1]))
                run.boot = run.boot or kind == b"SYSTEM_BOOT"

    def _of_daemon(self, node: bytes, kind: bytes, time: int) -> None:
        if kind == b"DAEMON_START":
            self.close(node, certain=True)
            if node in self.runs or len(self.runs) < MAX_NODES:
                self.runs[node] = _Run(node, started=True)
        self.daemon += 1
        if self.daemon <= MAX_DAEMON:
            self.rows.append(b"D\t%s\t%d" % (kind, time))


def rows(logs: Iterable[tuple[bytes, bytes, bool]]) -> list[bytes]:
    """The rows of logs, given oldest first: path, content, and whether that is only the end, which begins in the middle of a line."""
    stream = _Stream()
    for path, data, cut in logs:
        stream.file(path, data, cut)
    for node in sorted(stream.runs):
        stream.close(node, certain=False)
    if stream.more or stream.holes > MAX_HOLES or stream.daemon > MAX_DAEMON:
        stream.rows.append(b"M")
    return stream.rows


def age(path: str) -> int | None:
    """How old a log is by its name: 0 audit.log, 1 audit.log.1 …; None for another name."""
    match = re.fullmatch(r"/var/log/audit/audit\.log(?:\.([0-9]{1,6}))?", path)
    return None if match is None else int(match[1] or 0)
