"""Silences of readers, judged by sovaudit.facts.silence. One pass finds, per reader, the few that may be improbable; these are judged exactly.

The sieve expects too much rather than too little: it takes no account of how the events of a reader spread, nor of holidays, and allows for what a
silence and the holidays take from the history that the rate is measured on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from sovaudit.facts import badge_moves
from sovaudit.facts.badges import BadgeLog, utc
from sovaudit.facts.files import Unseen
from sovaudit.facts.silence import Rhythm, needed
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

HOUR = 3_600_000
WEEK = 168 * HOUR
CLOSEST = 5  # silences of one reader that are judged exactly: the longest by its own rhythm
_DOORS = """
SELECT access_point, count(*), min(event_time), max(event_time) FROM events WHERE access_point IS NOT NULL
GROUP BY access_point ORDER BY access_point"""
_SIEVE = """
WITH told AS (
  SELECT access_point AS door, event_time AS ms, row FROM events WHERE access_point IS NOT NULL
  UNION ALL SELECT access_point, $end, 0 FROM (SELECT DISTINCT access_point FROM events WHERE access_point IS NOT NULL)),
placed AS (SELECT door, ms, row, {local} AS wall, (({local}) // {hour}) % 168 AS k FROM told),
spans AS (SELECT door, min(ms) AS low, greatest(1, ($end - min(ms)) // {hour}) AS hours FROM placed GROUP BY door),
counts AS (SELECT door, k, count(*) AS n FROM placed WHERE row > 0 GROUP BY door, k),
grid AS (
  SELECT s.door, r.k, coalesce(c.n, 0) AS n FROM spans s CROSS JOIN (SELECT unnest(range(168)) AS k) r
  LEFT JOIN counts c ON c.door = s.door AND c.k = r.k),
profile AS (
  SELECT door, k, n, CAST(sum(n) OVER (PARTITION BY door ORDER BY k) AS BIGINT) - n AS before,
         CAST(sum(n) OVER (PARTITION BY door) AS BIGINT) AS whole
  FROM grid),
sums AS (
  SELECT p.door, p.ms, p.row, (p.wall // {week}) * f.whole + f.before + f.n * (p.wall % {hour}) // {hour} AS so_far
  FROM placed p JOIN profile f ON f.door = p.door AND f.k = p.k),
gaps AS (
  SELECT door, row, ms AS stop, lag(ms) OVER w AS start, lag(row) OVER w AS start_row, so_far - lag(so_far) OVER w AS expected
  FROM sums WINDOW w AS (PARTITION BY door ORDER BY ms, row = 0, row)),
weighed AS (
  SELECT g.*, s.hours, s.hours // 168 - 1 AS weeks, (stop - start) // {week} + 2 + $holidays AS lost
  FROM gaps g JOIN spans s ON g.door = s.door WHERE start IS NOT NULL AND stop - start >= {hour}),
likely AS (
  SELECT *, row_number() OVER (PARTITION BY door ORDER BY expected DESC, start, start_row) AS place FROM weighed
  WHERE weeks - lost <= 0 OR 11000 * 168 * expected * weeks > 10 * $needed * hours * (weeks - lost))
SELECT door, start, stop, row, start_row FROM likely WHERE place <= {most} ORDER BY door, start, start_row
"""
_HOURS = """
SELECT access_point, event_time // 3600000, count(*) FROM events WHERE access_point IN (SELECT door FROM watched_doors)
GROUP BY 1, 2 ORDER BY 1, 2"""
_SITES = "SELECT access_point, min(site) FROM events WHERE access_point IS NOT NULL AND site IS NOT NULL GROUP BY 1 ORDER BY 1"


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
    known = log.query(_DOORS)
    silences = max(1, sum(events for _, events, *_ in known))
    off = _holidays(log)
    knobs = {"end": end, "needed": needed(one_in, silences), "holidays": max((len(days) for days in off.values()), default=0)}
    sieve = _SIEVE.format(local=log.local("ms"), hour=HOUR, week=WEEK, most=CLOSEST)
    watched: dict[str, list[tuple[int, int, int, int]]] = {}
    for name, *gap in log.query(sieve, knobs):
        watched.setdefault(name, []).append((gap[0], gap[1], gap[2], gap[3]))
    hours = _hours(log, watched)
    sites = _sites(log) if off else {}
    for name, events, first, _ in known:
        door = Door(name, events, (end - first) // (24 * HOUR))
        if name in watched:
            start, counts = hours[name]
            counts += [0] * (end // HOUR - start + 1 - len(counts))
            days = off.get("", frozenset()) | off.get(sites.get(name, ""), frozenset())
            rhythm = Rhythm(start, counts, offsets, days)
            for since, until, row, start_row in watched[name]:
                silence = rhythm.judge(since // 1000, until // 1000, one_in=one_in, silences=silences)
                if silence.improbable:
                    text = f"silent from {utc(since)} to {utc(until)}: {silence.expected // 1000} events were to be expected"
                    door.lines.append(log.line(row or start_row, text))
        yield door


def _hours(log: BadgeLog, watched: dict[str, list[tuple[int, int, int, int]]]) -> dict[str, tuple[int, list[int]]]:
    """Reader → number of its first hour, events in each hour from then on."""
    log.load("watched_doors", {"door": "VARCHAR"}, [[name] for name in sorted(watched)])
    found: dict[str, tuple[int, list[int]]] = {}
    for name, hour, count in log.query(_HOURS):
        start, counts = found.setdefault(name, (hour, []))
        counts += [0] * (hour - start - len(counts))
        counts.append(count)
    return found


def _sites(log: BadgeLog) -> dict[str, str]:
    badge_moves.ways(log)
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
