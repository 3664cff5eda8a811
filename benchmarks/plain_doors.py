"""Plain answers about readers and controllers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise

from benchmarks.badge_plain import DAY, Answers, Event, Log, day, ms
from sovaudit.facts.silence import Rhythm, needed

HOUR = 3_600_000
WITHIN = 300_000


def sequence(log: Log) -> Answers:
    counters = {row["source"]: int(row["last_sequence"]) for row in log.tables["controllers"]}
    found: Answers = {}
    for source, events in log.by_source.items():
        events = sorted(events, key=lambda event: (event.number, event.at))
        missing = repeats = clashes = back = 0
        for before, after in pairwise(events):
            step = after.number - before.number
            missing += max(step - 1, 0)
            if step == 0:
                repeats += 1
                clashes += (before.badge, before.reader, before.code, before.at) != (after.badge, after.reader, after.code, after.at)
            back += before.at - after.at > 2000
        missing += max(0, counters.get(source, 0) - events[-1].number)
        numbers = {"missing": missing, "repeats": repeats, "clashes": clashes, "back": back}
        found[source] = ("fail", numbers) if missing or repeats or back else ("pass", {})
    return found


def clock(log: Log) -> Answers:
    found: Answers = {}
    for source, events in log.by_source.items():
        days: dict[int, list[int]] = defaultdict(list)
        for event in events:
            days[event.received // DAY].append(event.received - event.at)
        medians = [(number, sorted(late)[(len(late) - 1) // 2]) for number, late in sorted(days.items()) if len(late) >= 3]
        off = sum(abs(late) > 60_000 for _, late in medians)
        slope = _slope(medians) if len(medians) >= 14 else 0
        if off:
            found[source] = ("fail", {"count": off, "seconds": 60})
        elif abs(slope) > 500:
            found[source] = ("fail", {"slope": slope})
        else:
            found[source] = ("pass", {})
    return found


def _slope(medians: list[tuple[int, int]]) -> int:
    count, first = len(medians), medians[0][0]
    xs, ys = [number - first for number, _ in medians], [late for _, late in medians]
    spread = count * sum(x * x for x in xs) - sum(xs) ** 2
    lean = count * sum(x * y for x, y in zip(xs, ys, strict=True)) - sum(xs) * sum(ys)
    return int(lean / spread) if spread else 0


def silent_door(log: Log) -> Answers:
    """The five longest silences of a reader by what was to be expected in them are judged exactly."""
    silences = sum(len(events) for events in log.by_reader.values())
    site = {row["access_point"]: row["site"] for row in log.tables["doors"]}
    holidays: dict[str, set[str]] = defaultdict(set)
    for row in log.tables["holidays"]:
        holidays[row["site"]].add(row["day"])
    found: Answers = {}
    for reader, events in log.by_reader.items():
        times = sorted(event.at for event in events)
        start = times[0] // HOUR
        hours = [0] * (log.last // HOUR - start + 1)
        for at in times:
            hours[at // HOUR - start] += 1
        rhythm = Rhythm(start, hours, ((0, 0),), frozenset(holidays[site[reader]] | holidays[""]))
        gaps = [(a // 1000, b // 1000) for a, b in pairwise([*times, log.last]) if b - a >= HOUR]
        weighed = sorted(((rhythm.rough(*gap), gap) for gap in gaps), reverse=True)[:5]
        likely = [gap for expected, gap in weighed if 2 * expected > needed(1_000_000, silences)]
        count = sum(rhythm.judge(*gap, one_in=1_000_000, silences=silences).improbable for gap in likely)
        days = (log.last - times[0]) // DAY
        if count:
            found[reader] = ("fail", {"count": count})
        elif days < 28:
            found[reader] = ("unknown", {"days": days})
        elif len(events) < days:
            found[reader] = ("unknown", {"events": len(events), "days": days})
        else:
            found[reader] = ("pass", {})
    return found


def _alarms(log: Log, code: str) -> Answers:
    answered: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for row in log.tables["acknowledgements"]:
        answered[row["access_point"]].append((ms(row["event_time"]), ms(row["acknowledged_at"])))
    found: Answers = {}
    for reader, events in log.by_reader.items():
        open_ = sum(event.code == code and not _answered(event, answered[reader]) for event in events)
        found[reader] = ("fail", {"count": open_, "minutes": 5}) if open_ else ("pass", {})
    return found


def _answered(alarm: Event, answers: list[tuple[int, int]]) -> bool:
    return any(abs(of - alarm.at) < 1000 and alarm.at <= done <= alarm.at + WITHIN for of, done in answers)


def forced_door(log: Log) -> Answers:
    return _alarms(log, "forced")


def held_door(log: Log) -> Answers:
    return _alarms(log, "held")


def retention(log: Log) -> Answers:
    now = datetime.fromtimestamp(log.now / 1000, UTC)
    bound = now.replace(month=now.month - 3) if now.month > 3 else now.replace(year=now.year - 1, month=now.month + 9)
    whole = [month // 12 * 100 + month % 12 + 1 for month in range(bound.year * 12 + bound.month, now.year * 12 + now.month - 1)]
    kept = log.first <= bound.timestamp() * 1000 and all(month in log.months for month in whole)
    found: Answers = {"events": ("pass" if kept else "fail", {} if kept else {"months": 3})}
    for row in log.tables["video"]:
        early = (day(row["oldest"]) or 0) < bound.timestamp() * 1000
        found[row["camera"]] = ("fail", {"months": 3}) if early else ("pass", {})
    return found


def zones(log: Log) -> Answers:
    level = {row["area"]: row["level"] for row in log.tables["zones"]}
    joined: dict[str, list[set[str]]] = defaultdict(list)
    for row in log.tables["doors"]:
        joined[row["door"]].append({level[row["area_from"]], level[row["area_to"]]})
    return {door: ("fail" if {"public", "restricted"} in sides else "pass", {}) for door, sides in joined.items()}


def denied_burst(log: Log) -> Answers:
    """Five refusals within ten minutes; no refusal of this log was acknowledged."""
    refused: dict[str, list[int]] = defaultdict(list)
    for badge, events in log.by_badge.items():
        refused[badge] += [event.at for event in events if event.code == "denied"]
    found: Answers = {"": ("pass", {})}
    for badge, times in refused.items():
        if any(b - a <= 600_000 for a, b in zip(times, times[4:], strict=False)):
            found[badge] = ("fail", {"attempts": 5, "minutes": 10})
    return found


CHECKS: dict[str, Callable[[Log], Answers]] = {
    "sequence": sequence, "clock": clock, "silent-door": silent_door, "forced-door": forced_door, "held-door": held_door,
    "retention": retention, "zones": zones, "denied-burst": denied_burst,
}  # fmt: skip
