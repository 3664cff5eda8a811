"""Nobody who has left opens a door.

Why: a badge that was not taken back is a key in the hands of somebody whom nobody expects.

Each badge of a person whom the roster (`people:`) says has left is judged: the badges that the roster names, and those that the
`credentials` table or the events themselves give to the person. It fails for a badge with a grant after the person's last day, in the
doors' own time zone (without one: after that day has ended everywhere). A badge that somebody else holds, too, who has not left, is that
person's; of one that went from hand to hand the `credentials` table says whose it was then. One answer for each badge that fails or cannot
be told, and one for all the rest.

Unknown for a badge used by somebody who has left without a date, who is suspended, or whose rows contradict each other; for somebody who
has left and of whom nothing says which badge was theirs; where rows of the roster or of the export could not be read; and where events have
codes that the map does not name. Out of reach: a leaver who uses the badge of a colleague.

Remedy: block the badge on the last day, and take it back; find out what was done with it.
"""

from datetime import UTC, datetime, time, timedelta

from sovaudit.authoring import BadgeLog, Gap, Line, Outcomes, Reason, Roster, Unseen, check, failed, passed, unknown
from sovaudit.facts import badge_holders, badge_uses
from sovaudit.facts.badges import utc
from sovaudit.facts.roster import Person, Standing

AFTER = f"""
WITH used AS (
  SELECT p.credential, p.ms, p.row, ended.strangers, coalesce(p.subject, h.person) AS who
  FROM (SELECT credential, subject, event_time AS ms, row FROM events WHERE event = 'GRANTED') p
  JOIN ended ON p.credential = ended.credential AND p.ms > ended.until {badge_holders.HOLDS})
SELECT credential, count(*), count(*) FILTER (who IS NULL AND strangers), min(ms), max(ms), min_by(row, (ms, row)) FROM used
WHERE who IS NULL OR who IN (SELECT person FROM gone_people) GROUP BY credential ORDER BY credential
"""
THEIRS = """
WITH known AS (
  SELECT credential, person FROM holders
  UNION SELECT credential, subject FROM uses WHERE credential IS NOT NULL AND subject IS NOT NULL AND event = 'GRANTED')
SELECT credential, person FROM known WHERE credential IN (SELECT credential FROM known WHERE person IN (SELECT person FROM gone_people)) ORDER BY 1, 2
"""


@check("physical-access.leaver-badge", severity="high", since="0.2")
def leaver_badge(log: BadgeLog, people: Roster) -> Outcomes:
    badge_holders.need_link(log, people)
    badge_holders.one_holder(log, people)
    badge_uses.fold(log)
    today = people.taken_at.date()
    gone = {badge_holders.name_of(each): each for each in people.people if each.standing(today)[0] is not Standing.ACTIVE}
    here = {badge_holders.name_of(each) for each in people.people} - set(gone)
    log.load("gone_people", {"person": "VARCHAR"}, [[name] for name in sorted(gone)])
    badges: dict[str, set[str]] = {}
    for badge, person in log.query(THEIRS):
        badges.setdefault(badge, set()).add(person)
    ended = {badge: names for badge, names in badges.items() if names & set(gone) and not names & here}
    shift = _shift(log)
    rows = [
        (badge, max(_end(gone[name], shift) for name in names & set(gone)), bool(names - set(gone)))
        for badge, names in sorted(ended.items())
    ]
    log.load("ended", {"credential": "VARCHAR", "until": "BIGINT", "strangers": "BOOLEAN"}, rows)
    failing = unclear = 0
    for badge, count, unsure, first, last, row in log.query(AFTER):
        lines: list[Line] = [log.line(row, f"granted at {utc(first)}; last at {utc(last)}")]
        names = sorted(badges[badge] & set(gone))
        lines += [line for name in names for line in gone[name].because]
        doubts = ["somebody else has held it, too"] if unsure else []
        doubts += [why for name in names if (why := _unclear(gone[name], people))]
        if doubts or people.gaps:
            unclear += 1
            if unclear <= badge_holders.MOST:
                yield unknown(
                    "opens doors, and when its holder's right to it ended cannot be told", subject=badge, because=lines,
                    gaps=[*(Gap(f"people: {badge}", Reason.AMBIGUOUS, why) for why in doubts), *people.gaps],
                    settle="Give each person's last day in the roster.",
                )  # fmt: skip
            continue
        failing += 1
        if failing <= badge_holders.MOST:
            yield failed("opened doors {count} times after its holder had left", subject=badge, because=lines, count=count)
    if failing > badge_holders.MOST:
        yield failed("{count} more badges opened doors after their holders had left", subject="others", count=failing - badge_holders.MOST)
    linked = {name for names in badges.values() for name in names}
    nameless = [] if log.has("credentials") or log.filled["subject"] else sorted(name for name in gone if name not in linked)
    left = [name for name in gone if gone[name].standing(today)[0] is not Standing.SUSPENDED]
    if log.doubts or people.gaps or nameless:
        yield unknown(
            "for {count} of {total} who have left nothing says which badge was theirs, or rows were not understood",
            gaps=[*log.doubts, *people.gaps], count=len(nameless), total=len(left),
            settle="Give the table of credentials, and mend the rows that could not be read.",
        )  # fmt: skip
    else:
        yield passed("no other badge of {count} who have left opened a door since", count=len(left))


def _shift(log: BadgeLog) -> list[tuple[int, int]]:
    try:
        return list(log.offsets)
    except Unseen:
        return [(0, -12 * 3_600_000)]  # the last place on earth where a day ends


def _end(person: Person, shift: list[tuple[int, int]]) -> int:
    """The end of the last day in milliseconds; 0 where no day is given."""
    if person.left_on is None:
        return 0
    midnight = int(datetime.combine(person.left_on + timedelta(days=1), time(), UTC).timestamp()) * 1000
    east = [offset for start, offset in shift if start <= midnight] or [shift[0][1]]
    return midnight - east[-1] - 1


def _unclear(person: Person, people: Roster) -> str:
    standing, why = person.standing(people.taken_at.date())
    if standing is Standing.LEFT and person.left_on is None:
        return "the roster does not say when"
    return "the holder is suspended, and the roster does not say since when" if standing is Standing.SUSPENDED else why
