"""No door leads from a public to a restricted zone.

Why: between the street and the machine room stands a zone where strangers are noticed; a door that skips it skips them.

Judged on the `doors` table (what lies before a reader and what behind) and the level of each area: from the `zones` table, or from the
`doors` rows that lead into it. One answer for each door (a reader without a door's name stands for itself). It fails if one side is `public` and
the other `restricted`, in either direction; it passes if both levels are known and no reader of the door joins those two. The knobs say which
words mean which level; case does not matter.

Unknown where an area or its level is missing, has a word that no knob names, or is given two levels. Out of reach: walls, windows, false floors and
doors that are not in the table.

Remedy: put a controlled zone in between, or classify the areas as they are.
"""

from sovaudit.authoring import BadgeLog, Line, Outcomes, check, failed, passed, unknown
from sovaudit.facts import badge_zones

DOORS = """
SELECT coalesce(door, access_point), access_point, coalesce(area_from, ''), coalesce(area_to, '') FROM doors
ORDER BY 1, 2, 3, 4"""


@check("physical-access.zones", severity="high", since="0.2")
def zones(
    log: BadgeLog, *, public: tuple[str, ...] = badge_zones.PUBLIC_WORDS, internal: tuple[str, ...] = badge_zones.INTERNAL_WORDS,
    restricted: tuple[str, ...] = badge_zones.RESTRICTED_WORDS,
) -> Outcomes:  # fmt: skip
    log.need_table("doors")
    levels = badge_zones.Levels(log, public, internal, restricted)
    doors: dict[str, list[tuple[str, str, str]]] = {}
    for door, *reader in log.query(DOORS):
        doors.setdefault(door, []).append((reader[0], reader[1], reader[2]))
    if not doors:
        yield unknown("the table of doors is empty", settle="Give the doors: reader, area before it, area behind it.")
    for door, readers in doors.items():
        joined = [{levels.of(before), levels.of(behind)} for _, before, behind in readers]
        lines = [Line("doors", 0, f"{reader}: {levels.said(before)} to {levels.said(behind)}") for reader, before, behind in readers]
        if {badge_zones.PUBLIC, badge_zones.RESTRICTED} in joined:
            yield failed("{door} joins a public and a restricted zone", subject=door, because=lines, door=door)
        elif any(None in sides for sides in joined):
            yield unknown(
                "the level of a side of {door} is not known", subject=door, because=lines, door=door,
                settle="Give the level of each area in the table of zones, in words that the knobs name.",
            )  # fmt: skip
        else:
            yield passed("{door} joins no public and restricted zone", subject=door, because=lines, door=door)
