"""Nobody enters an area twice without leaving it, or leaves it twice without entering.

Why: a badge that enters where it already is was handed back over the turnstile, was copied, or follows a person who left unseen behind
somebody else; in each case nobody knows who is inside.

One answer for each area that a door leads to. For each badge its passages into and out of the area are put in order of time: it passes when
entries and exits alternate, and fails for two entries or two exits in a row. A passage is a grant, unless NO_ENTRY_AFTER_GRANT of the same
badge at the same reader follows within a minute.

Not applicable to a public area (words as in physical-access.zones): one walks on from there as one likes. Unknown, by construction, for an
area one of whose doors does not record both ways (no reader for the way back in the `doors` table, and no `has_exit_reader` beside events
with a direction); where rows of the export could not be read or have codes or directions that the map does not name: they may be the
passage between; and where one of the two has a time that a wall clock does not tell. Out of reach: a record that was lost looks the same
(physical-access.sequence), and so do clocks of controllers that differ (physical-access.clock).

Remedy: put readers on both sides; let the controllers enforce anti-passback; ask the persons named.
"""

from sovaudit.authoring import BadgeLog, Gap, Outcomes, Reason, check, failed, not_applicable, passed, unknown
from sovaudit.facts import badge_moves


@check("physical-access.anti-passback", severity="medium", since="0.2")
def anti_passback(log: BadgeLog) -> Outcomes:
    areas = badge_moves.areas(log)
    doubts = badge_moves.doubts(log)
    found = badge_moves.contradictions(log, areas.closed)
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
                "{count} entries or exits follow one of the same badge in the same direction", subject=area, because=here.lines,
                count=here.certain,
            )  # fmt: skip
        elif doubts or here.doubtful:
            yield unknown(
                "{count} entries or exits follow one in the same direction; what lies between may not have been understood", subject=area,
                because=here.lines, gaps=doubts, count=here.certain + here.doubtful,
                settle="Mend the export or its map, so that every row can be read and every time names a moment.",
            )  # fmt: skip
        else:
            yield passed("entries and exits of every badge alternate", subject=area)
