"""A badge is one person's, and a person has one badge.

Why: who was inside is told by badges; where several people have one, or one person several to lend, it is not told at all.

A badge fails if at one time it was two people's: two rows of the `credentials` table give it to different persons for times that overlap (a
row without an end goes on), the roster (`people:`) names it for two people who are both here, or events name two persons for it in turn. A
person fails with more than `most` badges in use: rows of the `credentials` table whose status says so (or says nothing) and whose end has
not come; without that table, badges that the roster names. One answer for each badge or person that fails, and one for all the rest.

Unknown where nothing says whose a badge is; and for the rest where rows of the roster or of the export could not be read, or a status is
not known. Out of reach: a generic badge that the tables give to one person's name; physical-access.orphan-badge finds those that the roster
does not know.

Remedy: give each person one badge of their own; close the old row when a badge is given to somebody else.
"""

from sovaudit.authoring import BadgeLog, Line, Outcomes, Roster, check, failed, passed, unknown
from sovaudit.facts import badge_holders, badge_uses
from sovaudit.facts.roster import Standing

OVERLAPS = """
SELECT a.credential, least(a.subject, b.subject), greatest(a.subject, b.subject) FROM credentials a JOIN credentials b ON a.credential = b.credential
WHERE a.subject < b.subject AND (a.valid_to IS NULL OR b.valid_from IS NULL OR b.valid_from < a.valid_to)
  AND (b.valid_to IS NULL OR a.valid_from IS NULL OR a.valid_from < b.valid_to)
GROUP BY ALL ORDER BY ALL
"""
IN_TURN = """
WITH several AS (
  SELECT credential FROM uses WHERE credential IS NOT NULL AND subject IS NOT NULL GROUP BY credential HAVING min(subject) <> max(subject)),
spans AS (
  SELECT credential, subject, min(first) AS first, max(last) AS last FROM uses
  WHERE subject IS NOT NULL AND credential IN (SELECT credential FROM several) GROUP BY credential, subject)
SELECT a.credential, a.subject, b.subject FROM spans a JOIN spans b ON a.credential = b.credential AND a.subject < b.subject
WHERE a.first <= b.last AND b.first <= a.last ORDER BY 1, 2, 3
"""
HELD = f"""
SELECT subject, credential, {badge_holders.STATES}
WHERE subject IS NOT NULL AND credential IS NOT NULL AND (valid_to IS NULL OR valid_to >= $now) GROUP BY subject, credential ORDER BY 1, 2
"""


@check("physical-access.individual", severity="high", since="0.2")
def individual(log: BadgeLog, people: Roster | None, *, most: int = 1) -> Outcomes:
    badge_holders.need_link(log, people)
    table = log.has("credentials")
    badge_uses.fold(log)
    shared: dict[str, set[str]] = {}
    for badge, one, other in [
        *(log.query(OVERLAPS) if table else []),
        *(log.query(IN_TURN) if log.filled["subject"] else []),
        *_rostered(people),
    ]:
        shared.setdefault(badge, set()).update((one, other))
    held, strange = _held(log, people, table)
    many = {person: badges for person, badges in held.items() if len(badges) > most}
    gaps = [*(log.doubts if log.refused and log.filled["subject"] else ()), *(people.gaps if people else ())]
    for badge in sorted(shared)[: badge_holders.MOST]:
        names = sorted(shared[badge])
        yield failed(
            "is the badge of {count} persons at one time", subject=badge, because=[Line("badges", 0, f"{badge}: {', '.join(names[:8])}")],
            count=len(names),
        )  # fmt: skip
    for person in sorted(many)[: badge_holders.MOST]:
        badges = sorted(many[person])
        yield failed(
            "has {count} badges in use",
            subject=person,
            because=[Line("badges", 0, f"{person}: {', '.join(badges[:8])}")],
            count=len(badges),
        )
    rest = max(0, len(shared) - badge_holders.MOST) + max(0, len(many) - badge_holders.MOST)
    if rest:
        yield failed("{count} more badges or persons", subject="others", count=rest)
    if gaps or strange:
        yield unknown(
            "{count} badges have a status that we do not know, or rows were not understood", gaps=gaps, count=strange,
            settle="Give the status of each badge in known words, and mend the rows that could not be read.",
        )  # fmt: skip
    else:
        yield passed("{count} persons have at most {most} badges, and share none", count=len(held) - len(many), most=most)


def _rostered(people: Roster | None) -> list[tuple[str, str, str]]:
    """Badges that the roster gives to two people who are both here."""
    if people is None:
        return []
    today = people.taken_at.date()
    found = []
    for badge, persons in sorted((badge, persons) for badge, persons in people.by_badge.items() if len(persons) > 1):
        here = sorted({badge_holders.name_of(person) for person in persons if person.standing(today)[0] is not Standing.LEFT})
        found += [(badge, here[0], other) for other in here[1:]]
    return found


def _held(log: BadgeLog, people: Roster | None, table: bool) -> tuple[dict[str, set[str]], int]:
    """Person → badges in use; and how many badges have a status that we do not know."""
    found: dict[str, set[str]] = {}
    strange = 0
    if table:
        badge_holders.know_states(log)
        for person, badge, lives, _, unknown_word in log.query(HELD, {"now": int(log.taken_at.timestamp() * 1000)}):
            strange += unknown_word
            held = found.setdefault(person, set())
            if lives:
                held.add(badge)
    elif people is not None:
        today = people.taken_at.date()
        for each in people.people:
            if each.standing(today)[0] is not Standing.LEFT:
                found[badge_holders.name_of(each)] = set(each.badges)
    return found, strange
