"""What the `rights` table allows: persons, and through `members` their groups, into areas and through readers, at times, within schedules."""

from __future__ import annotations

from sovaudit.facts import badge_holders, badge_moves, schedules
from sovaudit.facts.badges import BadgeLog
from sovaudit.facts.roster import Roster

_ALL = """
WITH RECURSIVE within AS (
  SELECT subject AS person, member_of AS team FROM belongs
  UNION
  SELECT w.person, b.member_of FROM within w JOIN belongs b ON b.subject = w.team),
named AS (SELECT subject AS person, subject AS team FROM rights WHERE subject IS NOT NULL UNION SELECT person, team FROM within)
SELECT DISTINCT n.person, r.area, r.access_point, r.schedule, r.valid_from, r.valid_to FROM rights r JOIN named n ON n.team = r.subject
WHERE r.area IS NOT NULL OR r.access_point IS NOT NULL
"""
_ENTRIES = """
SELECT p.row, p.ms, p.credential, coalesce(p.subject, h.person) AS person, p.access_point, p.area
FROM ({passages}) p {holds}
"""


def prepare(log: BadgeLog, people: Roster | None) -> None:
    """Tables `granted` (person, area, access_point, schedule, valid_from, valid_to) and `holder`. Raises Unseen without rights or holders."""
    log.need_table("rights")
    log.need("access_point")
    badge_holders.need_link(log, people)
    badge_holders.one_holder(log, people)
    badge_holders.visitors(log)
    empty = "SELECT CAST(NULL AS VARCHAR) AS member_of, CAST(NULL AS VARCHAR) AS subject WHERE false"
    log.keep("belongs", "SELECT DISTINCT member_of, subject FROM members" if log.has("members") else empty)
    log.keep("granted", _ALL)


def entries(log: BadgeLog) -> str:
    """SQL of passages with the person: row, ms, credential, person, access_point, area."""
    return _ENTRIES.format(passages=badge_moves.passages(log), holds=badge_holders.HOLDS)


def timetable(log: BadgeLog) -> list[str]:
    """The table `open_minutes` (schedule, minute of the local week); names of schedules that rights name and that cannot be read."""
    known: dict[str, set[int] | None] = {}
    for name, days, start, end in (
        log.query("SELECT schedule, days, time_from, time_to FROM schedules WHERE schedule IS NOT NULL ORDER BY ALL")
        if log.has("schedules")
        else []
    ):
        found = schedules.minutes(days, start, end)
        held = known.setdefault(name, set())
        if found is None or held is None:
            known[name] = None
        else:
            held.update(minute for low, high in found for minute in range(low, high))
    log.load(
        "open_minutes",
        {"schedule": "VARCHAR", "minute": "INTEGER"},
        [[name, minute] for name, minutes in sorted(known.items()) for minute in sorted(minutes or ())],
    )
    asked = [name for (name,) in log.query("SELECT DISTINCT schedule FROM granted WHERE schedule IS NOT NULL ORDER BY 1")]
    return [name for name in asked if known.get(name) is None]
