"""People come in when they are entitled to.

Why: the same person at the same door is another matter at three in the morning.

Judged for each area or reader for which a row of the `rights` table names a schedule, on the clock of the doors' own time zone (`zone`;
Morocco's Ramadan clock as well). A passage of somebody who has a right there on that day passes if one of these rights has no schedule, or
has one that is open in that minute; it fails otherwise. The `schedules` table gives days (`mon-fri`, `sat,sun`, `1-5`, `daily`; French too)
and times; an end at or before the start is on the next day, and 23:59 is the end of the day. Ends are excluded: at 18:00 a schedule until
18:00 is over. On the dates of its `closed` column (`2026-01-11`, `2026-07-30..2026-08-02`, `holidays` for those of the `holidays` table, for
all sites or that of the passage) no stretch of a row begins.

Not applicable where no right names a schedule. Unknown without the tables or the time zone; for an area or reader with a schedule that the
table does not hold or that cannot be read; and where rows of the export could not be read or have codes or directions that the map does not
name. Who has no right at all is judged by physical-access.zone-rights.

Remedy: ask the person; let the controllers enforce the schedule, or widen it where it is too narrow.
"""

from sovaudit.authoring import BadgeLog, Gap, Line, Outcomes, Reason, Roster, check, failed, not_applicable, passed, unknown
from sovaudit.facts import badge_moves, badge_rights
from sovaudit.facts.badges import utc

BOUND = "SELECT coalesce(area, access_point), schedule FROM granted WHERE schedule IS NOT NULL GROUP BY ALL ORDER BY ALL"
MINUTE, DATE = "({at} // 60000 + 4320) % 10080", "{at} // 86400000"
# at a minute at which every schedule that can be read is open, and on no day that one of them leaves out, nobody comes outside of theirs
SHUT = "AND {minute} IN (SELECT minute FROM shut_minutes)"
SHUT_OR_CLOSED = """AND ({minute} IN (SELECT minute FROM shut_minutes)
  OR {day} IN (SELECT day FROM closed_days UNION SELECT day + 1 FROM closed_days))"""
OUTSIDE = """
WITH entries AS (
  SELECT *, CAST({minute} AS INTEGER) AS minute, CAST({day} AS INTEGER) AS day
  FROM ({entries}) WHERE person IN (SELECT person FROM granted WHERE schedule IS NOT NULL)),
allowed AS (
  SELECT e.row, e.ms, e.credential, e.person, e.minute, e.day, e.site, coalesce(g.area, g.access_point) AS place, g.schedule,
         g.schedule IS NULL AS always
  FROM entries e JOIN granted g ON g.person = e.person AND g.area = e.area
  WHERE (g.valid_from IS NULL OR e.ms >= g.valid_from) AND (g.valid_to IS NULL OR e.ms <= g.valid_to)
  UNION ALL
  SELECT e.row, e.ms, e.credential, e.person, e.minute, e.day, e.site, coalesce(g.area, g.access_point), g.schedule, g.schedule IS NULL
  FROM entries e JOIN granted g ON g.person = e.person AND g.access_point = e.access_point AND (g.area IS NULL OR g.area IS DISTINCT FROM e.area)
  WHERE (g.valid_from IS NULL OR e.ms >= g.valid_from) AND (g.valid_to IS NULL OR e.ms <= g.valid_to)),
timed AS (
  SELECT a.row, list(DISTINCT a.place) AS places, min(a.ms) AS ms, min(a.credential) AS credential, min(a.person) AS person,
         bool_or(a.always OR (o.minute IS NOT NULL AND c.part IS NULL)) AS open_,
         min(a.schedule) FILTER (WHERE a.schedule IN (SELECT schedule FROM unread_schedules)) AS unread
  FROM allowed a LEFT JOIN open_minutes o ON o.schedule = a.schedule AND o.minute = a.minute
  LEFT JOIN closed_days c ON c.part = o.part AND c.day = a.day - o.later AND c.site IN ('', coalesce(a.site, '')) GROUP BY a.row)
SELECT unnest(places) AS place, row, ms, credential, person, unread FROM timed WHERE NOT open_ ORDER BY place, ms, row
"""


@check("physical-access.schedule", severity="medium", since="0.2")
def schedule(log: BadgeLog, people: Roster | None) -> Outcomes:
    badge_rights.prepare(log, people)
    bound: dict[str, set[str]] = {}
    for place, name in log.query(BOUND):
        bound.setdefault(place, set()).add(name)
    if not bound:
        log.need_columns("rights", "schedule")
        yield not_applicable("no right names a schedule")
        return
    unread = badge_rights.timetable(log)
    log.load("unread_schedules", {"schedule": "VARCHAR"}, [[name] for name in unread])
    doubts = [*badge_moves.doubts(log), *(people.gaps if people else ())]
    lines: dict[str, list[Line]] = {}
    counts: dict[str, int] = {}
    unclear = {place: names & set(unread) for place, names in bound.items()}
    at, told = log.local("ms"), log.local("event_time")
    suspect = SHUT_OR_CLOSED if log.query("SELECT day FROM closed_days ORDER BY day LIMIT 1") else SHUT
    entries = badge_rights.entries(log, only=suspect.format(minute=MINUTE.format(at=told), day=DATE.format(at=told)))
    found = log.query(OUTSIDE.format(entries=entries, minute=MINUTE.format(at=at), day=DATE.format(at=at)))
    for place, row, ms, badge, person, name in found:
        if name is not None:
            unclear.setdefault(place, set()).add(name)
            continue
        counts[place] = counts.get(place, 0) + 1
        if counts[place] <= badge_moves.QUOTED:
            lines.setdefault(place, []).append(log.line(row, f"{badge} of {person} at {utc(ms)}"))
    for place in sorted(bound):
        strange = sorted(unclear[place])
        if place in counts:
            yield failed("{count} times somebody came outside of their schedule", subject=place, because=lines[place], count=counts[place])
        elif strange:
            yield unknown(
                "the schedule {name} cannot be read", subject=place, name=strange[0],
                gaps=[Gap("badges/schedules", Reason.AMBIGUOUS, ", ".join(strange))], settle="Give its days and times in the table of schedules.",
            )  # fmt: skip
        elif doubts:
            yield unknown(
                "not every row was understood: somebody else may have come", subject=place, gaps=doubts,
                settle="Mend the export, its map and the roster, so that every row can be read.",
            )  # fmt: skip
        else:
            yield passed("everybody bound to a schedule kept to it", subject=place)
