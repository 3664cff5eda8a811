"""What cameras recorded, from the list of recorded segments that a recorder gives: the holes between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from sovaudit.facts.badges import BadgeLog, utc
from sovaudit.facts.files import Unseen
from sovaudit.model.finding import Line

QUOTED = 10
# words for a camera that records whatever happens; any other mode records on motion, alarms or by hand
CONTINUOUS = ("continuous", "continu", "continue", "permanent", "constant", "always", "24/7", "schedule", "scheduled", "timing")
_SPANS = """
WITH given AS (
  SELECT camera, start, "end" AS stop, mode FROM recordings WHERE camera IS NOT NULL AND start IS NOT NULL AND coalesce("end", start) >= start
  UNION ALL SELECT camera, oldest, oldest, NULL FROM {video} WHERE camera IS NOT NULL AND oldest IS NOT NULL
  UNION ALL SELECT camera, newest, newest, NULL FROM {video} WHERE camera IS NOT NULL AND newest IS NOT NULL),
spans AS (
  SELECT camera, start, coalesce(stop, CASE WHEN newest THEN greatest(start, $upto) ELSE start END) AS stop, mode,
         stop IS NULL AND NOT newest AS unended
  FROM (SELECT *, start = max(start) OVER (PARTITION BY camera) AS newest FROM given))
"""
_CAMERAS = """
SELECT s.camera, min(s.start), max(s.stop), max(s.stop - s.start),
       bool_or(s.mode IS NOT NULL AND lower(s.mode) NOT IN ({continuous})), count(*) FILTER (s.unended)
FROM spans s GROUP BY s.camera ORDER BY s.camera
"""
_WRONG = """
SELECT camera, count(*) FILTER (start IS NULL OR "end" < start) FROM recordings WHERE camera IS NOT NULL GROUP BY camera ORDER BY camera"""
_UPTO = """SELECT max(greatest(start, coalesce("end", start))) FROM recordings WHERE coalesce("end", start) >= start"""
_HOLES = """
, seen AS (
  SELECT camera, start, max(stop) OVER (PARTITION BY camera ORDER BY start, stop ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS since
  FROM spans),
holes AS (SELECT camera, since, start AS until, start - since - {twice} AS sure FROM seen WHERE start - since > $limit),
placed AS (
  SELECT *, sure > $limit AS certain, row_number() OVER (PARTITION BY camera, sure > $limit ORDER BY since, until) AS place,
         count(*) OVER (PARTITION BY camera, sure > $limit) AS many,
         CAST(sum(until - since) OVER (PARTITION BY camera, sure > $limit) AS BIGINT) AS whole
  FROM holes)
SELECT camera, certain, since, until, many, whole FROM placed WHERE place <= $most ORDER BY camera, certain DESC, since, until
"""
_UNKNOWN = "{} of its recordings have no beginning or no end"
_NONE = "(SELECT CAST(NULL AS VARCHAR) AS camera, CAST(NULL AS BIGINT) AS oldest, CAST(NULL AS BIGINT) AS newest WHERE false)"


@dataclass(slots=True)
class Camera:
    """first, last: of what it recorded, milliseconds. holes: how many, of `missing` milliseconds; lines names the first of them.

    doubt: why they may be none, or why nothing can be said.
    """

    name: str
    first: int
    last: int
    holes: int = 0
    missing: int = 0
    doubt: str = ""
    lines: list[Line] = field(default_factory=list)


def cameras(log: BadgeLog, hole_minutes: int) -> Iterator[Camera]:
    """Every camera that `recordings` names, and of `video` those with a date; sorted. Raises Unseen without columns for beginning and end."""
    log.need_columns("recordings", "start", "end")
    limit = hole_minutes * 60_000
    ((upto,),) = log.query(_UPTO)
    upto = upto or 0
    spans = _SPANS.format(video="video" if log.has("video") else _NONE)
    wrong = dict(log.query(_WRONG))
    found = {name: Camera(name, 0, 0, doubt=_UNKNOWN.format(count)) for name, count in wrong.items() if count}
    sure: dict[str, list[tuple[int, int, Line]]] = {}
    perhaps: dict[str, list[tuple[int, int, Line]]] = {}
    words = ", ".join(f"'{word}'" for word in CONTINUOUS)
    for name, first, last, longest, motion, unended in log.query(spans + _CAMERAS.format(continuous=words), {"upto": upto}):
        bad = wrong.get(name, 0) + unended
        found[name] = Camera(name, first, last, doubt=_UNKNOWN.format(bad) if bad else "it records on motion or alarms" if motion else "")
        # a recorder lists what it has closed: what a camera writes just now is not there
        if upto - last > max(limit, longest):
            text = f"no recording since {utc(last)}, while others go on to {utc(upto)}"
            sure.setdefault(name, []).append((1, upto - last, log.line(0, text)))
    knobs = {"upto": upto, "limit": limit, "most": QUOTED}
    for name, certain, since, until, many, whole in log.query(spans + _HOLES.format(twice=_twice(log)), knobs):
        rows = (sure if certain else perhaps).setdefault(name, [])
        line = log.line(0, f"no recording from {utc(since)} to {utc(until)}, {(until - since) // 60_000} minutes")
        counted = any(one.text.startswith("no recording from") for _, _, one in rows)
        rows.append((0 if counted else many, 0 if counted else whole, line))
    for name in sorted(found):
        camera = found[name]
        rows = sure.get(name) or perhaps.get(name, [])
        if name not in sure and rows and not camera.doubt:
            camera.doubt = "the clock was put back in it, and an hour stands twice"
        camera.holes, camera.missing = sum(many for many, _, _ in rows), sum(whole for _, whole, _ in rows)
        camera.lines = [line for _, _, line in rows]
        yield camera


def _twice(log: BadgeLog) -> str:
    """SQL: how much of a hole may be an hour that a wall clock showed twice, as its second reading was taken for the first."""
    try:
        rows = log.offsets
    except Unseen:
        return "0"
    ((low, high),) = log.query('SELECT coalesce(min(start), 0), coalesce(max(coalesce("end", start)), 0) FROM recordings')
    back = [(at, before - after) for (_, before), (at, after) in pairwise(rows) if after < before and low <= at <= high]
    each = (f"greatest(0, least(start, {at + gone}) - greatest(since, {at}))" for at, gone in back)
    return f"({' + '.join(each)})" if back else "0"
