"""What was lost of the audit trail: the kernel's own count, and holes in the numbers of the events that auditd wrote.

Events of one boot are numbered without holes, so that a missing number is an event that did not reach the log: dropped, written nowhere
while auditd was stopped, or removed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from sovaudit.facts.files import Unseen
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

SERIALS = "audit-serials"
FOLDER = "/var/log/audit"
NEWEST = 6  # logs whose events are read
_STOPS = ("DAEMON_END", "DAEMON_ABORT", "DAEMON_START", "DAEMON_ERR")
_OVERLAP = 1000


@dataclass(frozen=True, slots=True)
class Hole:
    """missing: how many numbers between first and last are not there. after, before: seconds since the epoch of the events beside it.

    explained: auditd was stopped or started in between.
    """

    log: str
    first: int
    last: int
    missing: int
    after: int
    before: int
    explained: bool = False

    @property
    def line(self) -> Line:
        return Line(self.log, 0, f"events {self.first} to {self.last}: {self.missing} missing")


@dataclass(frozen=True, slots=True)
class Run:
    """Events of one boot in one log."""

    node: str
    first_time: int
    first: int
    last_time: int
    last: int


@dataclass
class Log:
    """cut: only its end was read. more: it holds more runs or holes than were brought."""

    path: str
    cut: bool
    runs: list[Run] = field(default_factory=list)
    holes: list[Hole] = field(default_factory=list)
    daemon: list[int] = field(default_factory=list)
    more: bool = False


def logs(host: Host) -> tuple[Log, ...]:
    """The logs, oldest first. Raises Unseen."""
    found: list[Log] = []
    for row in host.files.artifact(SERIALS).splitlines():
        cells = row.split("\t")
        try:
            if cells[0] == "F":
                found.append(Log(cells[1], cells[2] == "c"))
            elif cells[0] == "R":
                found[-1].runs.append(Run(cells[1], *(int(cell) for cell in cells[2:6])))
            elif cells[0] == "H":
                first, last, missing, after, before = (int(cell) for cell in cells[2:7])
                found[-1].holes.append(Hole(found[-1].path, first, last, missing, after, before))
            elif cells[0] == "D" and cells[1] in _STOPS:
                found[-1].daemon.append(int(cells[2]))
            elif cells[0] == "M":
                found[-1].more = True
        except (IndexError, ValueError, TypeError) as error:
            raise Unseen(Gap(SERIALS, Reason.AMBIGUOUS, row[:80])) from error
    return tuple(sorted(found, key=lambda log: -_age(log.path)))


def holes(found: tuple[Log, ...]) -> tuple[Hole, ...]:
    """Inside each log and from one to the next, explained where the daemon was stopped or started meanwhile."""
    stops = sorted(time for log in found for time in log.daemon)
    all_holes = [hole for log in found for hole in log.holes]
    for older, newer in pairwise(found):
        if newer.cut:
            continue  # what its beginning holds was not read
        for node in dict.fromkeys(run.node for run in older.runs):
            before = [run for run in older.runs if run.node == node]
            after = [run for run in newer.runs if run.node == node]
            if after and after[0].first > before[-1].last + 1:
                last, first = before[-1], after[0]
                all_holes.append(
                    Hole(newer.path, last.last + 1, first.first - 1, first.first - last.last - 1, last.last_time, first.first_time)
                )
    return tuple(replace(hole, explained=any(hole.after <= time <= hole.before for time in stops)) for hole in all_holes)


def unread(host: Host, found: tuple[Log, ...]) -> tuple[Gap, ...]:
    """Logs that are there, among those that count, and whose events were not read. Raises Unseen where the folder was not listed."""
    read = {log.path for log in found}
    names = [name for name in host.files.listdir(FOLDER) or () if re.fullmatch(r"audit\.log(\.[0-9]+)?", name)]
    names.sort(key=lambda name: _age(name))
    return tuple(Gap(f"{SERIALS}:{FOLDER}/{name}", Reason.ABSENT) for name in names[:NEWEST] if f"{FOLDER}/{name}" not in read)


def summary(log: Log) -> Line:
    """How far a log goes."""
    said = ", ".join(f"{run.first} to {run.last}" for run in log.runs[-3:])
    return Line(log.path, 0, f"{'its end: ' if log.cut else ''}events {said or 'none'}")


def lost(host: Host) -> tuple[int, Line]:
    """How many records the running kernel says it dropped. Raises Unseen."""
    status = host.audit.status
    if not re.fullmatch(r"\d{1,12}", status.get("lost", "")):
        raise Unseen(Gap("cmd:auditctl-s", Reason.AMBIGUOUS, "no count of lost records"))
    return int(status["lost"]), Line("cmd:auditctl-s", 0, f"lost {status['lost']}")


def _age(path: str) -> int:
    match = re.search(r"\.log\.(\d{1,6})$", path)
    return int(match[1]) if match else 0
