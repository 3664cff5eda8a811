"""The numbers of a running host's youngest journal entries: within one numbering, all journal files together have none missing.

Entries are shown by time, and after a restart of journald numbers may step back for a while (systemd.journal-fields(7), __SEQNUM): so they are
taken as a set, and at its lower end as many are left out as were out of order within.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sovaudit.facts.files import Unseen
from sovaudit.facts.log_archive import moment
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

NAME = "journal-numbers"
_Run = tuple[int, int, int, int]  # first and last number, times of both


@dataclass
class Numbered:
    """count: entries whose numbers were taken. holes: where some are missing, `missing` of them in all."""

    count: int = 0
    missing: int = 0
    holes: list[Line] = field(default_factory=list)


def read(host: Host) -> Numbered | None:
    """None where there is no journal to ask: a mounted image, a host without journalctl. Raises Unseen."""
    if not host.live:
        return None
    try:
        rows = host.files.command(NAME).output.splitlines()
    except Unseen as unseen:
        if unseen.gap.reason is Reason.ABSENT and unseen.gap.detail.startswith("no journalctl"):
            return None
        raise
    runs: dict[str, list[_Run]] = {}
    for row in rows:
        cells = row.split(" ")
        if len(cells) != 5 or not all(cell.isdigit() and len(cell) < 18 for cell in cells[1:]):
            raise Unseen(Gap(f"cmd:{NAME}", Reason.AMBIGUOUS, row[:80]))
        first, last, begin, end = (int(cell) for cell in cells[1:])
        runs.setdefault(cells[0], []).append((first, last, begin, end))
    found = Numbered()
    for numbering in runs.values():
        _judge(numbering, found)
    return found


def _judge(runs: list[_Run], found: Numbered) -> None:
    high = late = 0
    for first, last, _, _ in runs:
        late = max(late, high - first)
        high = max(high, last)
    low = runs[0][0] + max(0, late)
    before: _Run | None = None
    for run in sorted(runs):
        first, last, _, end = run
        if last < low:
            continue
        found.count += last - max(first, low) + 1
        if before is not None and first > before[1] + 1:
            missing = first - before[1] - 1
            found.missing += missing
            text = f"{missing} missing, {before[1] + 1} to {first - 1}, between {moment(before[3])} and {moment(run[2])}"
            found.holes.append(Line(f"cmd:{NAME}", 0, text))
        if before is None or last > before[1]:
            before = (first, last, run[2], end)
