"""Visitors and those who receive them: who was with whom, by the `visits` table and the passages of both."""

from __future__ import annotations

from sovaudit.facts import badge_holders, badge_moves, badge_uses
from sovaudit.facts.badges import BadgeLog
from sovaudit.facts.roster import Roster

_VISITED = """
SELECT p.row, p.ms, p.credential, p.access_point, p.area, v.host
FROM ({passages}) p LEFT JOIN visits v ON v.credential = p.credential AND p.ms >= v.time_in AND (v.time_out IS NULL OR p.ms <= v.time_out)
WHERE p.area IN (SELECT area FROM restricted_areas)
"""
_HOSTS = """
SELECT p.row, p.ms, p.source, p.number, p.note, p.credential, coalesce(p.subject, h.person) AS person, p.access_point, p.left_area, p.area
FROM ({passages}) p {holds}
WHERE coalesce(p.subject, h.person) IN (SELECT host FROM visits)
"""
_BADGES = """
SELECT credential FROM holder WHERE person IN (SELECT host FROM visits)
UNION SELECT credential FROM uses WHERE credential IS NOT NULL AND subject IN (SELECT host FROM visits)
"""
ALONE = """
SELECT v.area, v.row, v.ms, v.credential, coalesce(v.access_point, ''), bool_or(v.host IS NOT NULL),
       bool_or(v.host IN (SELECT person FROM host_moves))
FROM visited v GROUP BY v.area, v.row, v.ms, v.credential, v.access_point
HAVING NOT bool_or(EXISTS (
  SELECT 1 FROM host_moves h WHERE h.person = v.host AND h.access_point = v.access_point AND h.ms BETWEEN v.ms - $within AND v.ms + $within))
ORDER BY v.area, v.ms, v.row
"""
LEFT = """
WITH stays AS (
  SELECT p.area, p.row, p.ms AS start, p.credential, p.host,
         coalesce((SELECT min(o.ms) FROM visitor_moves o WHERE o.credential = p.credential AND o.left_area = p.area AND o.ms >= p.ms), $end) AS stop
  FROM visited p WHERE p.host IS NOT NULL AND p.area IN (SELECT area FROM closed_areas)),
gone AS (
  SELECT s.*, h.ms AS left_at FROM stays s JOIN host_moves h ON h.person = s.host AND h.left_area = s.area AND h.ms > s.start
    AND h.ms < s.stop - $within
  WHERE NOT EXISTS (SELECT 1 FROM host_moves b WHERE b.person = s.host AND b.area = s.area AND b.ms BETWEEN h.ms AND h.ms + $within))
SELECT area, min(left_at), credential, start, row FROM gone GROUP BY area, row, credential, start ORDER BY area, start, row
"""


def prepare(log: BadgeLog, people: Roster | None, restricted: list[str], closed: frozenset[str]) -> None:
    """The tables `visited` (entries of visitors' badges into restricted areas, with the host of the visit), `visitor_moves`, `host_moves`."""
    badge_holders.one_holder(log, people)
    log.load("restricted_areas", {"area": "VARCHAR"}, [[area] for area in restricted])
    log.load("closed_areas", {"area": "VARCHAR"}, [[area] for area in sorted(closed)])
    badge_holders.visitors(log)
    log.keep(
        "visitor_moves", badge_moves.passages(log, f"AND credential IN ({badge_uses.seen(log, 'SELECT credential FROM visitors_badges')})")
    )
    log.keep("visited", _VISITED.format(passages="SELECT * FROM visitor_moves"))
    log.keep("hosts_badges", badge_uses.seen(log, _BADGES))
    moves = badge_moves.passages(log, "AND credential IN (SELECT credential FROM hosts_badges)")
    log.keep("host_moves", _HOSTS.format(passages=moves, holds=badge_holders.HOLDS))
