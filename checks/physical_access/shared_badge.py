"""No badge is in two areas at once.

Why: two people with one badge, or a copy of it, are one person to the log; what either did cannot be told.

One answer for each area that a door leads to. It fails for a badge that entered the area and later left it, and in between came into
another area from a third one and later left that, too: one person cannot have done both. It passes where no badge did.

Not applicable to a public area (words as in physical-access.zones): one walks on from there as one likes. Unknown, by construction, for an
area one of whose doors does not record both ways (no reader for the way back in the `doors` table, and no `has_exit_reader` beside events
with a direction), or where the table names no area before a reader: nested areas cannot be told from two places then; where rows of the
export could not be read or have codes or directions that the map does not name; and where a time is one that a wall clock does not tell.
Out of reach: a badge lent while its holder is at home; physical-access.individual and .impossible-travel look at more.

Remedy: ask the holder; withdraw the badge and give each person one of their own.
"""

from sovaudit.authoring import BadgeLog, Gap, Outcomes, Reason, check, failed, not_applicable, passed, unknown
from sovaudit.facts import badge_moves


@check("physical-access.shared-badge", severity="high", since="0.2")
def shared_badge(log: BadgeLog) -> Outcomes:
    areas = badge_moves.areas(log)
    doubts = badge_moves.doubts(log)
    found = badge_moves.doubles(log, areas)
    nameless = {area for (area,) in log.query("SELECT DISTINCT t FROM ways WHERE f IS NULL AND t IS NOT NULL ORDER BY 1")}
    if not areas.closed and not areas.open and not areas.public:
        yield unknown("the table of doors names no area", settle="Give the area before and behind each reader.")
    for area in sorted(areas.public):
        yield not_applicable("{area} is public: who is there is nobody's concern", subject=area, area=area)
    for area, why in areas.open.items():
        yield unknown(
            "not every door of {area} records both ways", subject=area, area=area, gaps=[Gap(f"badges/doors: {area}", Reason.ABSENT, why)],
            settle="Put readers on both sides of each door, and name them in the table of doors.",
        )  # fmt: skip
    for area in sorted(areas.closed):
        here = found.get(area, badge_moves.Found())
        if here.certain and not doubts:
            yield failed(
                "{count} times a badge was in {area} and came into another area",
                subject=area,
                because=here.lines,
                count=here.certain,
                area=area,
            )
        elif doubts or here.doubtful:
            yield unknown(
                "{count} times a badge was in two areas at once, as far as the log was understood", subject=area, because=here.lines, gaps=doubts,
                count=here.certain + here.doubtful,
                settle="Mend the export or its map, so that every row can be read and every time names a moment.",
            )  # fmt: skip
        elif nameless:
            yield unknown(
                "the table does not say from where one comes into {areas}", subject=area, areas=", ".join(sorted(nameless)[:5]),
                settle="Give the area before and behind each reader.",
            )  # fmt: skip
        else:
            yield passed("no badge was in {area} and elsewhere at once", subject=area, area=area)
