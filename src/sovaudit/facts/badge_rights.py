"""What the `rights` table allows: persons, and through `members` their groups, into areas and through readers, at times, within schedules."""

from __future__ import annotations

from sovaudit.facts import badge_holders, badge_moves, schedules
from sovaudit.facts.badges import BadgeLog
from sovaudit.facts.files import Unseen
from sovaudit.facts.roster import Roster
from sovaudit.model.evidence import Gap
from sovaudit.model.verdict import Reason

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
SELECT p.row, p.ms, p.credential, coalesce(p.subject, h.person) AS person, p.access_point, p.area, p.site
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


def entries(log: BadgeLog, *, badges: str = "", only: str = "") -> str:
    """SQL of passages with the person: row, ms, credential, person, access_point, area, site. badges, only: as for passages."""
    return _ENTRIES.format(passages=badge_moves.passages(log, badges, only), holds=badge_holders.HOLDS)


def timetable(log: BadgeLog) -> list[str]:
    """The tables `open_minutes`, `closed_days` and `shut_minutes`; names of schedules that rights name and that cannot be read.

    open_minutes: schedule, minute of the local week, later (1 where its stretch began the day before), part (of the schedule). closed_days: part, day
    (number of the local date) on which no stretch of that part begins, site ('' for all). shut_minutes: minute of
    the week at which a schedule that can be read, and that a right names, is never open.
    """
    known: dict[str, set[tuple[int, int, int]] | None] = {}
    closed: set[tuple[int, int, str]] = set()
    feasts = None
    given = "SELECT schedule, days, time_from, time_to, closed FROM schedules WHERE schedule IS NOT NULL ORDER BY ALL"
    for part, (name, days, start, end, off) in enumerate(log.query(given) if log.has("schedules") else [], 1):
        found, dates = schedules.stretches(days, start, end), schedules.dates(off)
        held = known.setdefault(name, set())
        if dates is not None and dates[1]:
            feasts = _feasts(log) if feasts is None else feasts
        if found is None or held is None or dates is None or (dates[1] and not log.has("holidays")):
            known[name] = None
            continue
        apart = part if dates[0] or dates[1] else 0
        held.update(
            (minute % schedules.WEEK, minute // schedules.DAY - low // schedules.DAY, apart)
            for low, high in found
            for minute in range(low, high)
        )
        closed |= {(apart, day, "") for day in dates[0]} | {(apart, day, site) for day, site in (feasts or ()) if dates[1]}
    log.load(
        "open_minutes",
        {"schedule": "VARCHAR", "minute": "INTEGER", "later": "INTEGER", "part": "INTEGER"},
        [[name, *minute] for name, minutes in sorted(known.items()) for minute in sorted(minutes or ())],
    )
    log.load("closed_days", {"part": "INTEGER", "day": "INTEGER", "site": "VARCHAR"}, [list(row) for row in sorted(closed)])
    asked = [name for (name,) in log.query("SELECT DISTINCT schedule FROM granted WHERE schedule IS NOT NULL ORDER BY 1")]
    week = set(range(schedules.WEEK))
    shut = {minute for name in asked if (held := known.get(name)) is not None for minute in week - {minute for minute, _, _ in held}}
    log.load("shut_minutes", {"minute": "INTEGER"}, [[minute] for minute in sorted(shut)])
    return [name for name in asked if known.get(name) is None]


def _feasts(log: BadgeLog) -> list[tuple[int, str]]:
    """Number of the date and site ('' for all) of each row of `holidays`. Raises Unseen."""
    found = log.query("SELECT day, coalesce(site, '') FROM holidays WHERE day IS NOT NULL ORDER BY 1, 2") if log.has("holidays") else []
    try:
        return [(schedules.number(day), site) for day, site in found]
    except ValueError as error:
        raise Unseen(Gap("badges/holidays", Reason.UNSUPPORTED, "a day is no date such as 2026-03-02")) from error
