"""Every badge that opens a door belongs to somebody.

Why: what an unknown badge did cannot be held against anybody, and nobody will return it.

A badge with at least one grant belongs to somebody if the roster (`people:`) names it, or if the `credentials` table or the events
themselves give it to a person of the roster; without a roster, if the `credentials` table gives it to anybody. A visitor's badge (kind
`visitor` in the `credentials` table, or a row of the `visits` table) belongs to whoever had it then: each of its grants must lie within a
visit. It fails for each badge of which that is not so, and there is one answer for all the rest.

Unknown without any of these; for a visitor's badge without a table of visits; where rows of the export or of the roster could not be read;
and where events have codes that the map does not name. Only grants count: a refused badge opens nothing.

Remedy: find out who carries the badge, or block it; keep the table of badges complete.
"""

from sovaudit.authoring import BadgeLog, Outcomes, Roster, check, failed, not_applicable, passed, unknown
from sovaudit.facts import badge_holders, badge_uses
from sovaudit.facts.badges import utc

VISITS = """
WITH used AS (SELECT credential, row, event_time AS ms FROM events WHERE event = 'GRANTED' AND credential IN ({visitors}))
SELECT credential, count(*), count(*) FILTER (NOT EXISTS (SELECT 1 FROM visits v WHERE v.credential = used.credential
  AND used.ms >= v.time_in AND (v.time_out IS NULL OR used.ms <= v.time_out))) FROM used GROUP BY credential ORDER BY credential
"""
UNLISTED = "credential NOT IN (SELECT credential FROM roster_badges)"  # a badge that the roster gives to somebody is nobody's orphan


@check("physical-access.orphan-badge", severity="high", since="0.2")
def orphan_badge(log: BadgeLog, people: Roster | None) -> Outcomes:
    badge_holders.need_link(log, people)
    badge_holders.holders(log, people)
    known = {badge_holders.name_of(person) for person in people.people} if people else None
    held: dict[str, set[str]] = {}
    for badge, person in log.query(f"SELECT credential, person FROM holders WHERE {UNLISTED} ORDER BY 1, 2"):
        held.setdefault(badge, set()).add(person)
    rostered = {badge for person in people.people for badge in person.badges} if people else set()
    visitors = _visitors(log)
    doubts = [*log.doubts, *(people.gaps if people else ())]
    badge_uses.fold(log)
    ((count,),) = log.query(f"SELECT count(DISTINCT credential) FROM uses WHERE {badge_uses.GRANTS}")
    faults: list[badge_uses.Use] = []
    for use in badge_uses.uses(log, f"event = 'GRANTED' AND {UNLISTED}"):
        if use.badge in rostered or visitors.get(use.badge) == 0:
            continue
        names = {*held.get(use.badge, ()), *use.subjects}
        if use.badge in visitors or not (names & known if known is not None else names):
            faults.append(use)
    if known is not None:
        named = badge_uses.subjects(log, [use.badge for use in faults if len(use.subjects) > 1])
        faults = [use for use in faults if use.badge in visitors or not named.get(use.badge, set()) & known]
    rows = badge_uses.first_grants(log, [use.badge for use in faults[: badge_holders.MOST]])
    for use in faults[: badge_holders.MOST]:
        lines = [log.line(rows[use.badge], f"granted {use.count} times from {utc(use.first)} to {utc(use.last)}")]
        if use.badge in visitors and visitors[use.badge] < 0:
            yield unknown(
                "a visitor's badge, and no table of visits says who had it",
                subject=use.badge,
                because=lines,
                settle="Give the table of visits.",
            )
        elif use.badge in visitors:
            yield failed(
                "{count} of its {total} grants lie in no visit",
                subject=use.badge,
                because=lines,
                count=visitors[use.badge],
                total=use.count,
            )
        elif people is not None and people.gaps:
            yield unknown(
                "belongs to nobody of the roster, as far as its rows could be read", subject=use.badge, because=lines, gaps=people.gaps,
                settle="Mend the rows of the roster.",
            )  # fmt: skip
        elif held.get(use.badge) or use.subjects:
            yield failed("belongs to somebody who is not in the roster", subject=use.badge, because=lines)
        else:
            yield failed("opens doors and belongs to nobody", subject=use.badge, because=lines)
    if len(faults) > badge_holders.MOST:
        yield failed("{count} more badges open doors and belong to nobody", subject="others", count=len(faults) - badge_holders.MOST)
    if doubts:
        yield unknown(
            "not every row was understood: another badge may have been used, or another person may be meant", gaps=doubts,
            settle="Mend the export, its map and the roster, so that every row can be read.",
        )  # fmt: skip
    elif not count:
        yield not_applicable("no badge opened a door")
    else:
        yield passed("{count} of {total} badges that open doors belong to somebody", count=count - len(faults), total=count)


def _visitors(log: BadgeLog) -> dict[str, int]:
    """Visitor's badge → its grants outside of any visit; -1 without a table of visits."""
    badge_holders.visitors(log)
    if not log.has("visits"):
        return {badge: -1 for (badge,) in log.query("SELECT credential FROM visitors_badges ORDER BY 1")}
    visitors = badge_uses.seen(log, "SELECT credential FROM visitors_badges")
    return {badge: outside for badge, _, outside in log.query(VISITS.format(visitors=visitors))}
