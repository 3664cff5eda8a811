"""Simulated lives of log sources, with gaps planted in some: what the silence model finds, misses and imagines.

python -m tests.planted_logs     simulate at full size and write tests/data/planted_logs.json, from which docs/truth.md has its table
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from checks.log_completeness.gaps import gaps
from sovaudit.collectors.logs.extract import Archive
from sovaudit.collectors.logs.tally import Part, Tally
from sovaudit.collectors.logs.walk import LogFile
from sovaudit.facts.log_archive import LogArchive
from sovaudit.model.evidence import Evidence, Target
from sovaudit.model.verdict import TargetStatus
from sovaudit.testing import run

HOUR, DAY = 3600, 86400
BEGIN = int(datetime(2026, 1, 5, tzinfo=UTC).timestamp())
DATA = Path(__file__).parent / "data/planted_logs.json"
Life = Callable[[random.Random, int, int], Iterator[int]]


def _hours(weeks: int) -> Iterator[tuple[int, float]]:
    """Beginning of each hour, and how busy an office is in it."""
    for hour in range(weeks * 168):
        clock, day = hour % 24, hour // 24 % 7
        yield BEGIN + hour * HOUR, (1.0 if 8 <= clock < 18 else 0.15) * (1.0 if day < 5 else 0.3)


def _count(random_: random.Random, mean: float) -> int:
    return max(0, round(random_.gauss(mean, mean**0.5))) if mean > 30 else sum(random_.random() < mean / 64 for _ in range(64))


def steady(random_: random.Random, weeks: int, rate: int) -> Iterator[int]:
    """A server: the same rate by day and night."""
    for begin, _ in _hours(weeks):
        yield from sorted(begin + random_.randrange(HOUR) for _ in range(_count(random_, rate)))


def office(random_: random.Random, weeks: int, rate: int) -> Iterator[int]:
    """People: busy by day, little by night and on two days of the week."""
    for begin, busy in _hours(weeks):
        yield from sorted(begin + random_.randrange(HOUR) for _ in range(_count(random_, rate * busy)))


def pairs(random_: random.Random, weeks: int, rate: int) -> Iterator[int]:
    """A door's way: what comes in goes out soon."""
    for begin, busy in _hours(weeks):
        for at in sorted(begin + random_.randrange(HOUR - 30) for _ in range(_count(random_, rate * busy / 2))):
            yield at
            yield at + random_.randrange(1, 30)


def clumps(random_: random.Random, weeks: int, rate: int) -> Iterator[int]:
    """Logins: a dozen records each, at once."""
    for begin, busy in _hours(weeks):
        for at in sorted(begin + random_.randrange(HOUR - 12) for _ in range(_count(random_, rate * busy / 12))):
            yield from range(at, at + 12)


def daily(random_: random.Random, weeks: int, rate: int) -> Iterator[int]:
    """A job that writes all its records in one hour that moves about."""
    for day in range(weeks * 7):
        at = BEGIN + day * DAY + random_.randrange(20 * HOUR)
        yield from sorted(at + random_.randrange(HOUR) for _ in range(rate * 24))


def clockwork(random_: random.Random, weeks: int, rate: int) -> Iterator[int]:
    """cron: at the same minutes of each hour."""
    step = HOUR // max(1, rate)
    offset = random_.randrange(step)
    yield from range(BEGIN + offset, BEGIN + weeks * 7 * DAY, step)


LIVES: dict[str, Life] = {
    "steady server": steady, "office hours": office, "in and out": pairs, "clumps of a dozen": clumps, "one burst a day": daily, "cron": clockwork,
}  # fmt: skip


def simulate(life: Life, sources: int, weeks: int, hours: int, seed: int) -> tuple[dict[str, str], dict[str, int], set[str]]:
    """Source → verdict, source → hours of silence that a pass says would have shown, and the sources in which a gap of so many hours was
    planted: every other one; 0 hours: none.
    """
    random_ = random.Random(seed)
    part, planted = Part(file=0), set()
    for number in range(sources):
        name, rate = f"s{number:04d}", random_.choice((4, 12, 40))
        cut = (0, 0)
        if hours and number % 2:
            # begins in working hours, so that there is something to miss
            begin = BEGIN + random_.randrange(weeks * 7 // 2, weeks * 7 - 4) // 7 * 7 * DAY + random_.randrange(5) * DAY + 9 * HOUR
            cut = (begin, begin + hours * HOUR)
            planted.add(name)
        tally = None
        for at in life(random_, weeks, rate):
            if cut[0] <= at < cut[1]:
                continue
            if tally is None:
                tally = part.tallies[name] = Tally(name, "archive", at)
            tally.at(at)
    part.tallies["end"] = Tally("end", "archive", BEGIN + weeks * 7 * DAY)
    archive = Archive([LogFile("archive", "archive", 1, 0, "archive", "", 0)])
    archive.add(0, [part], "")
    artifacts = archive.artifacts({"zone": "UTC", "offsets": [[0, 0]], "host": "", "noted": []})
    target = Target("logs:/planted", "logs:/planted", "logs")
    evidence = Evidence(target, TargetStatus.COLLECTED, datetime.fromtimestamp(BEGIN + weeks * 7 * DAY, UTC), artifacts)
    outcomes = [outcome for outcome in run(gaps, LogArchive(evidence)) if outcome.subject != "end"]
    said = {outcome.subject: outcome.verdict.value for outcome in outcomes}
    claims = {outcome.subject: int(outcome.args["hours"]) for outcome in outcomes if "hours" in outcome.args}
    return said, claims, planted


def row(name: str, sources: int, weeks: int, hours: int, seed: int) -> dict[str, object]:
    said, claims, planted = simulate(LIVES[name], sources, weeks, hours, seed)
    failing = {source for source, verdict in said.items() if verdict == "fail"}
    doubtful = {source for source, verdict in said.items() if verdict == "unknown"}
    short = {source for source in planted - failing - doubtful if hours < claims.get(source, 0)}
    return {
        "life": name, "weeks": weeks, "hours": hours, "sources": sources, "planted": len(planted), "found": len(failing & planted),
        "unknown": len(doubtful & planted), "short": len(short), "missed": len(planted - failing - doubtful - short), "false": len(failing - planted),
    }  # fmt: skip


def main() -> None:
    rows = [row(name, 60, 8, hours, 11) for name in LIVES for hours in (8, 24)]
    rows += [row(name, 40, 52, 0, 12) for name in LIVES]
    DATA.write_text("[\n" + ",\n".join(json.dumps(one) for one in rows) + "\n]\n")
    for one in rows:
        print(one)


if __name__ == "__main__":
    main()
