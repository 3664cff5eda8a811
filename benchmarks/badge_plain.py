"""The peer of bench_badges: one pass over the CSV with the standard library, dictionaries, and the answers of every check of physical access.

Written as somebody would who knows Python and has an afternoon: rows become small objects, grouped by badge, controller and reader as they are read,
and each check is a loop over the group that it needs (plain_doors.py, plain_moves.py, plain_people.py). It reads the log of badge_log.py and no other
shape. Only the statistics of a reader's rhythm, and words for days of a schedule, are the library's own.
"""

from __future__ import annotations

import csv
import json
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

DAY = 86_400_000
Row = dict[str, str]
Answer = tuple[str, dict[str, int]]
Answers = dict[str, Answer]
"""Subject → verdict and the numbers that are said with it."""


@dataclass(slots=True)
class Event:
    at: int
    received: int
    source: str
    number: int
    reader: str
    badge: str
    code: str

    @property
    def order(self) -> tuple[int, str, int]:
        return self.at, self.source, self.number


@dataclass
class Log:
    """by_*: events in the order of the file; of a badge in the order of time. now: when the log was taken."""

    tables: dict[str, list[Row]]
    logins: dict[str, list[tuple[int, str]]]
    now: int
    first: int = 1 << 60
    last: int = 0
    months: set[int] = field(default_factory=set)
    by_badge: dict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    by_source: dict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    by_reader: dict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))


def read(folder: Path, now: int) -> Log:
    tables = {path.stem: rows(path) for path in folder.glob("*.csv") if path.stem != "log"}
    logins = {host: [(at, who) for at, who in found] for host, found in json.loads((folder / "logins.json").read_text()).items()}
    log = Log(tables, logins, now)
    with (folder / "log.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            at = datetime.fromisoformat(row["event_time"])
            event = Event(
                int(at.timestamp() * 1000), ms(row["received_time"]), sys.intern(row["controller"]), int(row["number"]),
                sys.intern(row["reader"]), sys.intern(row["badge"]), sys.intern(row["code"]),
            )  # fmt: skip
            log.months.add(at.year * 100 + at.month)
            log.first, log.last = min(log.first, event.at), max(log.last, event.at)
            log.by_source[event.source].append(event)
            log.by_reader[event.reader].append(event)
            if event.badge:
                log.by_badge[event.badge].append(event)
    for events in log.by_badge.values():
        events.sort(key=lambda event: event.order)
    return log


def answers(folder: Path, now: int) -> dict[str, Answers]:
    """{check: {subject: (verdict, numbers)}}. now: when the log was taken, in ms."""
    from benchmarks import plain_doors, plain_moves, plain_people

    log = read(folder, now)
    found: dict[str, Answers] = {}
    for part in (plain_doors, plain_moves, plain_people):
        for name, answer in part.CHECKS.items():
            found[f"physical-access.{name}"] = answer(log)
    return found


def rest(found: Answers) -> Answers:
    """Subjects that fail are named, up to 200; all others pass together."""
    kept = dict(list(found.items())[:200])
    if len(found) > 200:
        kept["others"] = ("fail", {"count": len(found) - 200})
    return {**kept, "": ("pass", {})}


def rows(path: Path) -> list[Row]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def day(text: str) -> int | None:
    """The beginning of a date."""
    return ms(text + "T00:00:00+00:00") if text else None


def until(text: str) -> int | None:
    """The end of a date."""
    return ms(text + "T00:00:00+00:00") + DAY - 1 if text else None
