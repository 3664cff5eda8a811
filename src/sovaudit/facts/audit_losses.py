"""What was lost of the audit trail: the kernel's own count, and holes in the numbers of the events that auditd wrote.

Events of one boot are numbered without holes, so that a missing number is an event that did not reach the log: dropped, written nowhere
while auditd was stopped, or removed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sovaudit.facts.files import Unseen
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

SERIALS = "audit-serials"
FOLDER = "/var/log/audit"
NEWEST = 3  # logs whose events are read


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
    """What one start of auditd wrote of one boot's events. started: it begins with that start. boot: the host started in it."""

    log: str
    node: str
    started: bool
    boot: bool
    first_time: int
    first: int
    last_time: int
    last: int

    @property
    def line(self) -> Line:
        return Line(self.log, 0, f"events {self.first} to {self.last}")


@dataclass
class Trail:
    """logs: those that were read, oldest first. more: not all of it was brought."""

    logs: list[str] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    holes: list[Hole] = field(default_factory=list)
    more: bool = False


def trail(host: Host) -> Trail:
    """What the logs say, holes between runs of one boot included. Raises Unseen."""
    found = Trail()
    last: dict[str, Run] = {}
    for row in host.files.artifact(SERIALS).splitlines():
        cells = row.split("\t")
        try:
            if cells[0] == "F":
                found.logs.append(cells[1])
                if cells[2] == "c":
                    last.clear()
            elif cells[0] == "R":
                at, first, end, final = (int(cell) for cell in cells[4:8])
                run = Run(found.logs[-1], cells[1], cells[2] == "s", cells[3] == "b", at, first, end, final)
                found.holes += _between(last.get(run.node), run)
                found.runs.append(run)
                last[run.node] = run
            elif cells[0] == "H":
                first, final, missing, after, before = (int(cell) for cell in cells[2:7])
                found.holes.append(Hole(found.logs[-1], first, final, missing, after, before))
            elif cells[0] == "M":
                found.more = True
        except (IndexError, ValueError, TypeError) as error:
            raise Unseen(Gap(SERIALS, Reason.AMBIGUOUS, row[:80])) from error
    return found


def _between(older: Run | None, newer: Run) -> list[Hole]:
    """Events of the same boot while auditd was stopped. A new boot begins with low numbers, or says so."""
    if older is None or not newer.started or newer.boot or newer.first <= older.last + 1:
        return []
    missing = newer.first - older.last - 1
    return [Hole(newer.log, older.last + 1, newer.first - 1, missing, older.last_time, newer.first_time, explained=True)]


def unread(host: Host, found: Trail) -> tuple[Gap, ...]:
    """Logs that are there, among those that count, and whose events were not read. Raises Unseen where the folder was not listed."""
    names = [name for name in host.files.listdir(FOLDER) or () if re.fullmatch(r"audit\.log(\.[0-9]+)?", name)]
    names.sort(key=lambda name: _age(name))
    return tuple(Gap(f"{SERIALS}:{FOLDER}/{name}", Reason.ABSENT) for name in names[:NEWEST] if f"{FOLDER}/{name}" not in found.logs)


def lost(host: Host) -> tuple[int, Line]:
    """How many records the running kernel says it dropped. Raises Unseen."""
    status = host.audit.status
    if not re.fullmatch(r"\d{1,12}", status.get("lost", "")):
        raise Unseen(Gap("cmd:auditctl-s", Reason.AMBIGUOUS, "no count of lost records"))
    return int(status["lost"]), Line("cmd:auditctl-s", 0, f"lost {status['lost']}")


def _age(path: str) -> int:
    match = re.search(r"\.log\.(\d{1,6})$", path)
    return int(match[1]) if match else 0
