"""What an audit log says about its own completeness: its runs of serial numbers, the holes in them, and the daemon's starts and stops.

The kernel numbers its events from 1 at each boot. auditd's own records (DAEMON_*) carry numbers of their own and are told apart. Pure; serials() in
posix/serials.awk says the same.

Rows, tab-separated: `F path w|c` a file, whole or only its end; `R node first-time first last-time last` a run within one boot;
`H node from to missing time-before time-after` a hole in the run above; `D type time` a record of the daemon itself; `M` more than this follows.
"""

from __future__ import annotations

import re

TAIL = 2 * 1024 * 1024  # bytes of one log
MAX_FILES = 6
MAX_HOLES = 40  # of one file
MAX_DAEMON = 200
MAX_BOOTS = 100
MAX_NODES = 50
_HEAD = re.compile(rb"(node=[^ ]+ )?type=[^ ]+ ")
_STAMP = re.compile(rb"([0-9]+)\.[0-9]+:([0-9]+)")
_DAEMON = b"DAEMON_"
_LATE = 1000  # records of one boot are out of order by less than this


class _Run:
    def __init__(self, node: bytes, time: int, serial: int) -> None:
        self.node, self.first_time, self.first = node, time, serial
        self.last_time, self.last = time, serial
        self.holes: list[list[int]] = []
        self.filled: set[int] = set()

    def rows(self) -> list[bytes]:
        found = [b"R\t%s\t%d\t%d\t%d\t%d" % (self.node, self.first_time, self.first, self.last_time, self.last)]
        return found + [b"\t".join([b"H", self.node, *(b"%d" % number for number in hole)]) for hole in self.holes if hole[2] > 0]


def rows(path: bytes, data: bytes, *, cut: bool) -> list[bytes]:
    """The rows of one log. cut: `data` is only its end, and begins in the middle of a line."""
    lines = data.split(b"\n")
    if cut:
        lines = lines[1:]
    found = [b"F\t%s\t%s" % (path, b"c" if cut else b"w")]
    runs: dict[bytes, _Run] = {}
    done: list[_Run] = []
    order: list[bytes] = []
    holes, last, more = 0, b"", False
    for line in lines:
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
        time, serial = int(number[1]), int(number[2])
        if kind[:7] == _DAEMON:
            if len(order) < MAX_DAEMON:
                order.append(b"D\t%s\t%d" % (kind, time))
            continue
        last = stamp
        run = runs.get(node)
        if run is not None and serial < run.last and (serial < run.last - _LATE or time > run.last_time + 5):
            if len(done) >= MAX_BOOTS:
                more = True
                break
            done.append(run)
            run = None
        elif run is None and len(runs) >= MAX_NODES:
            more = True
            continue
        if run is None:
            runs[node] = _Run(node, time, serial)
            continue
        if serial > run.last:
            if serial > run.last + 1:
                holes += 1
                if holes <= MAX_HOLES:
                    run.holes.append([run.last + 1, serial - 1, serial - run.last - 1, run.last_time, time])
            run.last, run.last_time = serial, max(time, run.last_time)
        elif serial < run.last:
            _fill(run, serial)
    for run in [*done, *(runs[node] for node in sorted(runs))]:
        found += run.rows()
    found += order
    if holes > MAX_HOLES or len(order) >= MAX_DAEMON or more:
        found.append(b"M")
    return found


def _fill(run: _Run, serial: int) -> None:
    if serial < run.first:
        run.first = serial if serial >= run.first - 50 else run.first
        return
    for hole in reversed(run.holes):
        if hole[0] <= serial <= hole[1]:
            if serial not in run.filled:
                run.filled.add(serial)
                hole[2] -= 1
            return


def age(path: str) -> int | None:
    """How old a log is by its name: 0 audit.log, 1 audit.log.1 …; None for another name."""
    match = re.fullmatch(r"/var/log/audit/audit\.log(?:\.([0-9]+))?", path)
    return None if match is None else int(match[1] or 0)
