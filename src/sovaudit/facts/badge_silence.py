"""Silences of readers, judged by sovaudit.facts.silence. One pass finds, per reader, the few that may be improbable; these are judged exactly.

The sieve expects too much rather than too little: it takes no account of how the events of a reader spread, nor of holidays, and allows for what a
silence and the holidays take from the history that the rate is measured on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from math import gcd

from sovaudit.facts import badge_moves, badge_uses
from sovaudit.facts.badges import BadgeLog, utc
from sovaudit.facts.files import Unseen
from sovaudit.facts.silence import Rhythm, needed
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

HOUR = 3_600_000
WEEK = 168 * HOUR
CLOSEST = 5  # silences of one reader that are judged exactly: the longest by its own rhythm
_STRETCHES = """
SELECT access_point AS door, event_time // {step} AS stretch, count(*) AS n, min(event_time) AS first, max(event_time) AS last
FROM events WHERE access_point IS NOT NULL GROUP BY ALL"""
_DOORS = "SELECT door, CAST(sum(n) AS BIGINT), min(first), max(last) FROM door_stretches GROUP BY door ORDER BY door"
_SIEVE = """
WITH spans AS (SELECT door, min(first) AS low, greatest(1, ($end - min(first)) // {hour}) AS hours FROM door_stretches GROUP BY door),
counts AS (SELECT door, (({of_stretch}) // {hour}) % 168 AS k, CAST(sum(n) AS BIGINT) AS n FROM door_stretches GROUP BY ALL),
grid AS (
  SELECT s.door, r.k, coalesce(c.n, 0) AS n FROM spans s CROSS JOIN (SELECT unnest(range(168)) AS k) r
  LEFT JOIN counts c ON c.door = s.door AND c.k = r.k),
profile AS (
  SELECT door, k, n, CAST(sum(n) OVER (PARTITION BY door ORDER BY k) AS BIGINT) - n AS before,
         CAST(sum(n) OVER (PARTITION BY door) AS BIGINT) AS whole
  FROM grid),
told AS (SELECT door, first, last FROM door_stretches UNION ALL SELECT door, $end, $end FROM spans),
gaps AS (
  SELECT door, lag(last) OVER w AS start, first AS stop FROM told WINDOW w AS (PARTITION BY door ORDER BY first, last)),
long AS (SELECT door, start, stop, ({of_start}) AS start_wall, ({of_stop}) AS stop_wall FROM gaps WHERE stop - start >= {hour}),
-- one end after the other: a plan that joins both profiles first has 168 times as many rows
begun AS MATERIALIZED (
  SELECT l.*, (start_wall // {week}) * a.whole + a.before + a.n * (start_wall % {hour}) // {hour} AS until_start
  FROM long l JOIN profile a ON a.door = l.door AND a.k = start_wall // {hour} % 168),
ended AS MATERIALIZED (
  SELECT l.*, (stop_wall // {week}) * b.whole + b.before + b.n * (stop_wall % {hour}) // {hour} - until_start AS expected
  FROM begun l JOIN profile b ON b.door = l.door AND b.k = stop_wall // {hour} % 168),
weighed AS (
  SELECT l.door, start, stop, expected, s.hours, s.hours // 168 - 1 AS weeks, (stop - start) // {week} + 2 + $holidays AS lost
  FROM ended l JOIN spans s ON l.door = s.door),
likely AS (
  SELECT *, row_number() OVER (PARTITION BY door ORDER BY expected DESC, start) AS place FROM weighed
  WHERE weeks - lost <= 0 OR 11000 * 168 * expected * weeks > 10 * $needed * hours * (weeks - lost))
SELECT door, start, stop FROM likely WHERE place <= {most} ORDER BY door, start
"""
_HOURS = """
SELECT door, stretch * {step} // 3600000, CAST(sum(n) AS BIGINT) FROM door_stretches WHERE door IN (SELECT door FROM watched_doors)
GROUP BY 1, 2 ORDER BY 1, 2"""
_SITES = "SELECT access_point, min(site) FROM uses WHERE access_point IS NOT NULL AND site IS NOT NULL GROUP BY 1 ORDER BY 1"
_RECORDS = """
SELECT access_point, event_time, min(row), max(row) FROM events
WHERE (access_point, event_time) IN (SELECT (door, ms) FROM silence_ends) GROUP BY 1, 2 ORDER BY 1, 2"""


@dataclass(slots=True)
class Door:
    """One reader. days: from its first event to the end of the log. lines: improbable silences."""

    name: str
    events: int
    days: int
    lines: list[Line] = field(default_factory=list)


def doors(log: BadgeLog, one_in: int) -> Iterator[Door]:
    """Every reader of the log, sorted. Raises Unseen without a time zone."""
    offsets = tuple((start // 1000, east // 1000) for start, east in log.offsets)
    end = log.span[1]
    # stretches so short that local time runs evenly through each, and no longer than an hour: silences lie between them
    step = gcd(HOUR, *(shift for start, east in log.offsets for shift in (start, east)))
    log.keep("door_stretches", _STRETCHES.format(step=step))
    known = log.query(_DOORS)
    silences = max(1, sum(events for _, events, *_ in known))
    off = _holidays(log)
    knobs = {"end": end, "needed": needed(one_in, silences), "holidays": max((len(days) for days in off.values()), default=0)}
    walls = {"of_stretch": log.local(f"(stretch * {step})"), "of_start": log.local("start"), "of_stop": log.local("stop")}
    watched: dict[str, list[tuple[int, int]]] = {}
    for name, since, until in log.query(_SIEVE.format(**walls, hour=HOUR, week=WEEK, most=CLOSEST), knobs):
        watched.setdefault(name, []).append((since, until))
    hours = _hours(log, watched, step)
    sites = _sites(log) if off else {}
    judged: list[tuple[Door, list[tuple[int, int, int]]]] = []
    for name, events, first, _ in known:
        found: list[tuple[int, int, int]] = []
        if name in watched:
            start, counts = hours[name]
            counts += [0] * (end // HOUR - start + 1 - len(counts))
            days = off.get("", frozenset()) | off.get(sites.get(name, ""), frozenset())
            rhythm = Rhythm(start, counts, offsets, days)
            for since, until in watched[name]:
                silence = rhythm.judge(since // 1000, until // 1000, one_in=one_in, silences=silences)
                if silence.improbable:
                    found.append((since, until, silence.expected // 1000))
        judged.append((Door(name, events, (end - first) // (24 * HOUR)), found))
    records = _records(log, judged)
    for door, found in judged:
        for since, until, expected in found:
            # the record that ends a silence; of one that lasts to the end of the log, the one before it
            row = records[door.name, until][0] if (door.name, until) in records else records[door.name, since][1]
            text = f"silent from {utc(since)} to {utc(until)}: {expected} events were to be expected"
            door.lines.append(log.line(row, text))
        yield door


def _records(log: BadgeLog, judged: list[tuple[Door, list[tuple[int, int, int]]]]) -> dict[tuple[str, int], tuple[int, int]]:
    """(reader, time of an end of a silence) → the first and the last record of that moment."""
    rows: list[tuple[str, int]] = [(door.name, at) for door, found in judged for since, until, _ in found for at in (since, until)]
    if not rows:
        return {}
    log.load("silence_ends", {"door": "VARCHAR", "ms": "BIGINT"}, rows)
    return {(door, at): (low, high) for door, at, low, high in log.query(_RECORDS)}


def _hours(log: BadgeLog, watched: Iterable[str], step: int) -> dict[str, tuple[int, list[int]]]:
    """Reader → number of its first hour, events in each hour from then on."""
    log.load("watched_doors", {"door": "VARCHAR"}, [[name] for name in sorted(watched)])
    found: dict[str, tuple[int, list[int]]] = {}
    for name, hour, count in log.query(_HOURS.format(step=step)):
        start, counts = found.setdefault(name, (hour, []))
        counts += [0] * (hour - start - len(counts))
        counts.append(count)
    return found


def _sites(log: BadgeLog) -> dict[str, str]:
    badge_moves.ways(log)
    badge_uses.fold(log)
    found = dict(log.query("SELECT access_point, site FROM ways WHERE site IS NOT NULL ORDER BY 1"))
    return {**found, **dict(log.query(_SITES))}


def _holidays(log: BadgeLog) -> dict[str, frozenset[str]]:
    """Site → local dates; under the empty name those of every site."""
    if not log.has("holidays"):
        return {}
    found: dict[str, set[str]] = {}
    for day, site in log.query("SELECT day, coalesce(site, '') FROM holidays WHERE day IS NOT NULL ORDER BY 1, 2"):
        try:
            found.setdefault(site, set()).add(date.fromisoformat(day).isoformat())
        except ValueError as error:
            raise Unseen(Gap("badges/holidays", Reason.UNSUPPORTED, f"{day} is no date such as 2026-03-02")) from error
    return {site: frozenset(days) for site, days in found.items()}
