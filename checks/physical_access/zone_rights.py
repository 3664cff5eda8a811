"""Restricted zones are entered only by people with a right to them.

Why: a reader opens to whom its controller knows; whether that is whom the site allows shows only beside the list of rights.

Judged for each area whose level is restricted (words as in physical-access.zones), on the `rights` table: a row gives a person, or a group
of the `members` table (groups within groups, too), an area or a reader, with a time if it has one. It fails for an area that somebody
entered without such a right on that day, and passes where everybody who entered had one. Whose a badge is says the event itself, the
`credentials` table or the roster (`people:`). Leaving an area needs no right.

Unknown without the tables, without a level for any area, for an area whose words mean no level or two, where nothing says whose a badge is,
and where rows of the export could not be read or have codes or directions that the map does not name. A badge of which it is not clear who
held it then is nobody's: what it opens has no right. Hours are judged by physical-access.schedule, visitors by physical-access.escort.

Remedy: withdraw the badge's access in the controllers, or grant the right and write it down.
"""

from sovaudit.authoring import BadgeLog, Gap, Line, Outcomes, Reason, Roster, check, failed, not_applicable, passed, unknown
from sovaudit.facts import badge_moves, badge_rights, badge_zones
from sovaudit.facts.badges import utc

# badges through readers of restricted areas, but those that each time were somebody's who may always enter there
DOUBTED = """
SELECT DISTINCT p.credential, coalesce(p.access_point, '') AS access_point
FROM ({by_use}) p LEFT JOIN holder h ON p.credential = h.credential AND h.low <= p.ms AND h.high >= p.number
WHERE p.area IN (SELECT area FROM restricted_areas) AND p.credential NOT IN (SELECT credential FROM visitors_badges)
  AND NOT EXISTS (SELECT 1 FROM always a WHERE a.person = coalesce(p.subject, h.person) AND a.area = p.area)
  AND NOT EXISTS (SELECT 1 FROM always a WHERE a.person = coalesce(p.subject, h.person) AND a.access_point = p.access_point)
"""
ALWAYS = "SELECT DISTINCT person, area, access_point FROM granted WHERE valid_from IS NULL AND valid_to IS NULL"
ENTERED = """
WITH each_ AS (
  SELECT e.area, e.credential, e.ms, e.row, e.access_point, coalesce(e.person, '') AS person FROM ({entries}) e
  SEMI JOIN doubted d ON d.credential = e.credential AND d.access_point = coalesce(e.access_point, '')
  WHERE e.area IN (SELECT area FROM restricted_areas)),
wrong AS (
  SELECT * FROM each_ WHERE NOT EXISTS (
    SELECT 1 FROM granted g WHERE g.person = each_.person AND (g.area = each_.area OR g.access_point = each_.access_point)
    AND (g.valid_from IS NULL OR each_.ms >= g.valid_from) AND (g.valid_to IS NULL OR each_.ms <= g.valid_to)))
SELECT area, credential, person, count(*), min(ms), max(ms), min_by(row, (ms, row)) FROM wrong GROUP BY area, credential, person
ORDER BY area, credential, person
"""


@check("physical-access.zone-rights", severity="high", since="0.2")
def zone_rights(
    log: BadgeLog, people: Roster | None, *, restricted: tuple[str, ...] = badge_zones.RESTRICTED_WORDS,
    other: tuple[str, ...] = badge_zones.PUBLIC_WORDS + badge_zones.INTERNAL_WORDS,
) -> Outcomes:  # fmt: skip
    levels = badge_zones.Levels(log, other, (), restricted)
    if not levels.given:
        yield unknown("no table gives the level of an area", settle="Give the level of each area in the table of zones.")
        return
    if not levels.restricted and not levels.unclear:
        yield not_applicable("no area is restricted")
        return
    badge_rights.prepare(log, people)
    doubts = [*badge_moves.doubts(log), *(people.gaps if people else ())]
    log.load("restricted_areas", {"area": "VARCHAR"}, [[area] for area in levels.restricted])
    log.keep("always", ALWAYS)
    log.keep("doubted", DOUBTED.format(by_use=badge_moves.passages_by_use(log)))
    entries = badge_rights.entries(log, badges="AND credential IN (SELECT credential FROM doubted)")
    lines: dict[str, list[Line]] = {}
    for area, badge, person, times, first, last, row in log.query(ENTERED.format(entries=entries)):
        who = f"{badge} of {person}" if person else f"{badge}, whose holder is not known"
        lines.setdefault(area, []).append(log.line(row, f"{who}: {times} times without a right, {utc(first)} to {utc(last)}"))
    for area in levels.restricted:
        found = lines.get(area, [])
        if found and not (people and people.gaps):
            yield failed("{count} badges entered without a right", subject=area, because=found[: badge_moves.QUOTED], count=len(found))
        elif doubts:
            yield unknown(
                "not every row was understood: somebody else may have entered", subject=area, because=found[: badge_moves.QUOTED], gaps=doubts,
                settle="Mend the export, its map and the roster, so that every row can be read.",
            )  # fmt: skip
        else:
            yield passed("everybody who entered had a right to", subject=area)
    for area in levels.unclear:
        gap = Gap(f"badges/zones: {area}", Reason.AMBIGUOUS, levels.said(area))
        yield unknown("whether {area} is restricted is not known", subject=area, area=area, gaps=[gap],
                      settle="Give the level of each area in the table of zones, in words that the knobs name.")  # fmt: skip
