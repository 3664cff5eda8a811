"""Who is inside an area, from the passages through its doors."""

from __future__ import annotations

from dataclasses import dataclass

from sovaudit.facts import badge_moves
from sovaudit.facts.badges import BadgeLog, utc
from sovaudit.model.finding import Line
from sovaudit.tables import Value


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time, in milliseconds, during which something held; line: the event that began it."""

    start: int
    end: int
    line: Line


def holders(log: BadgeLog) -> None:
    """The table `holders`: credential, person; one row for each badge of the `credentials` table that one person holds throughout."""
    table = (
        "SELECT credential, min(subject) AS person FROM credentials WHERE subject IS NOT NULL "
        "GROUP BY credential HAVING min(subject) = max(subject)"
    )
    nobody = "SELECT CAST(NULL AS VARCHAR) AS credential, CAST(NULL AS VARCHAR) AS person WHERE false"
    log.keep("holders", table if log.has("credentials") else nobody)


def touches(log: BadgeLog) -> str:
    """SQL with `$area`: entries (sign 1) and exits (sign -1) of persons: person, sign, ms, source, number, row, note."""
    holders(log)
    every = badge_moves.passages(log)
    return (
        "SELECT coalesce(p.subject, h.person, p.credential) AS person, CASE WHEN p.area = $area THEN 1 ELSE -1 END AS sign, "
        f"ms, source, number, row, note FROM ({every}) p LEFT JOIN holders h ON p.credential = h.credential "
        "WHERE (p.area = $area OR p.left_area = $area) AND p.area IS DISTINCT FROM p.left_area"
    )


_COUNTED = """
WITH touches AS ({touches}),
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


def too_few(log: BadgeLog, area: str, required: int, longer_ms: int) -> list[Stretch]:
    """Stretches longer than a bound during which at least one and fewer than required were inside a closed area."""
    knobs: dict[str, Value] = {"area": area, "required": required, "longer": longer_ms, "end": log.span[1]}
    found = log.query(_FEW.format(touches=touches(log)), knobs)
    return [
        Stretch(start, end, log.line(row, f"{inside} inside from {utc(start)}, for {(end - start) // 1000} seconds"))
        for start, end, row, inside in found
    ]
