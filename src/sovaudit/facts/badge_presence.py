"""Who is inside an area, from the passages through its doors."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from sovaudit import canon
from sovaudit.facts import badge_holders, badge_moves
from sovaudit.facts.badges import BadgeLog, utc
from sovaudit.facts.roster import Roster
from sovaudit.model.finding import Line
from sovaudit.tables import Value


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time, in milliseconds, during which something held; line: the event that began it."""

    start: int
    end: int
    line: Line


_NEAR = """AND (area_from IS NOT NULL OR area_to IS NOT NULL OR access_point IN (
  SELECT access_point FROM ways WHERE f IN (SELECT area FROM watched_areas) OR t IN (SELECT area FROM watched_areas)))"""


def watch(log: BadgeLog, people: Roster | None, areas: Iterable[str]) -> str:
    """Name of a table of entries (sign 1) and exits (sign -1) of persons through the doors of some areas, made in one pass:
    place, person, sign, ms, source, number, row.
    """
    badge_holders.one_holder(log, people)
    names = sorted(areas)
    log.load("watched_areas", {"area": "VARCHAR"}, [[name] for name in names])
    table = f"presence_{canon.digest(canon.canonical(names)).removeprefix('sha256:')[:16]}"
    half = (
        "SELECT p.{place} AS place, coalesce(p.subject, h.person, p.credential) AS person, {sign} AS sign, ms, source, number, row "
        f"FROM passing p {badge_holders.HOLDS} "
        "WHERE p.{place} IN (SELECT area FROM watched_areas) AND p.area IS DISTINCT FROM p.left_area"
    )
    log.keep(
        table,
        f"WITH passing AS ({badge_moves.passages(log, only=_NEAR)}) "
        f"{half.format(place='area', sign=1)} UNION ALL {half.format(place='left_area', sign=-1)}",
    )
    return table


_COUNTED = """
WITH touches AS (SELECT * FROM {table} WHERE place = $area),
turned AS (
  SELECT *, lag(sign) OVER (PARTITION BY person ORDER BY ms, source, number, row) AS was FROM touches),
counted AS (
  SELECT ms, source, number, row,
         (SELECT count(*) FROM turned WHERE was IS NULL AND sign = -1)
           + sum(CASE WHEN sign IS DISTINCT FROM was THEN sign ELSE 0 END) OVER (ORDER BY ms, source, number, row) AS inside,
         lead(ms) OVER (ORDER BY ms, source, number, row) AS until
  FROM turned)
"""
_FEW = (
    _COUNTED
    + """
, marked AS (
  SELECT *, inside BETWEEN 1 AND $required - 1 AS few,
         lag(inside BETWEEN 1 AND $required - 1) OVER (ORDER BY ms, source, number, row) AS was_few
  FROM counted WHERE until IS NULL OR until > ms),
islands AS (
  SELECT *, sum(CASE WHEN few AND NOT coalesce(was_few, false) THEN 1 ELSE 0 END) OVER (ORDER BY ms, source, number, row) AS island FROM marked)
SELECT min(ms), max(coalesce(until, $end)), min_by(row, (ms, source, number, row)), CAST(min(inside) AS BIGINT) FROM islands WHERE few GROUP BY island
HAVING max(coalesce(until, $end)) - min(ms) > $longer ORDER BY 1, 3
"""
)


def too_few(log: BadgeLog, table: str, area: str, required: int, longer_ms: int) -> list[Stretch]:
    """Stretches longer than a bound during which at least one and fewer than required were inside a closed area. table: of `watch`."""
    knobs: dict[str, Value] = {"area": area, "required": required, "longer": longer_ms, "end": log.span[1]}
    found = log.query(_FEW.format(table=table), knobs)
    return [
        Stretch(start, end, log.line(row, f"{inside} inside from {utc(start)}, for {(end - start) // 1000} seconds"))
        for start, end, row, inside in found
    ]


_STAYS = """
WITH turned AS (
  SELECT place, person, sign, ms, source, number, row, lag(sign) OVER w AS was
  FROM {table} WINDOW w AS (PARTITION BY place, person ORDER BY ms, source, number, row)),
changes AS (
  SELECT *, lead(ms) OVER w AS next FROM turned WHERE sign IS DISTINCT FROM was
  WINDOW w AS (PARTITION BY place, person ORDER BY ms, source, number, row))
SELECT place, person, CASE WHEN sign > 0 THEN ms ELSE {begin} END AS start, CASE WHEN sign > 0 THEN coalesce(next, {end}) ELSE ms END AS stop
FROM changes WHERE sign > 0 OR was IS NULL
"""
_ALL = """
WITH islands AS (
  SELECT start, stop, CASE WHEN start <= max(stop) OVER (ORDER BY start, stop ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    THEN 0 ELSE 1 END AS begins FROM {stays} WHERE place = $area),
numbered AS (SELECT start, stop, sum(begins) OVER (ORDER BY start, stop ROWS UNBOUNDED PRECEDING) AS island FROM islands)
SELECT min(start), max(stop) FROM numbered GROUP BY island ORDER BY 1
"""
_SOME = """
SELECT person, start, stop FROM {stays} WHERE place = $area AND person IN (SELECT person FROM asked_people) ORDER BY person, start, stop"""


class Presence:
    """When anyone was inside a closed area, and some persons each.

    Who leaves first of all was inside from the beginning; a second entry or exit in a row changes nothing.
    """

    def __init__(self, log: BadgeLog, table: str, area: str, persons: Iterable[str]) -> None:
        stays = f"{table}_stays"
        log.keep(stays, _STAYS.format(table=table, begin=log.span[0], end=log.span[1]))
        knobs: dict[str, Value] = {"area": area}
        self._whole: list[tuple[int, int]] = log.query(_ALL.format(stays=stays), knobs)
        self._times: dict[str, list[tuple[int, int]]] = {}  # person → stretches inside
        log.load("asked_people", {"person": "VARCHAR"}, [[person] for person in sorted(persons)])
        for person, start, stop in log.query(_SOME.format(stays=stays), knobs):
            self._times.setdefault(person, []).append((start, stop))

    def of(self, person: str, start: int, end: int) -> bool:
        """Whether somebody was inside at some moment of a stretch."""
        return _meets(self._times.get(person, []), start, end)

    def anyone(self, start: int, end: int) -> bool:
        return _meets(self._whole, start, end)


def _meets(times: list[tuple[int, int]], start: int, end: int) -> bool:
    place = bisect_right(times, (end, 1 << 62)) - 1
    return place >= 0 and times[place][1] >= start
