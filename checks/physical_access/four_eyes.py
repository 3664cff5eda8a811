"""Nobody is alone where two people are required.

Why: the rule of two protects against one person's mistake and one person's crime, and only while it is kept.

Judged for each area for which the `zones` table gives `min_persons` of two or more. Passages in order of time say who is inside; persons
are told apart by the events' subject, by the `credentials` table or the roster (`people:`), or else by the badge. It fails when fewer than
required, but at least one, are inside for longer than `alone_seconds` at a stretch; it passes when that never happened.

Not applicable where every zone of the table is seen to need nobody beside another. Unknown without that table; by construction for an area
one of whose doors does not record both ways; where rows of the export could not be read or have codes or directions that the map does not
name; and for a stretch within a day of an entry or exit that contradicts the one before (physical-access.anti-passback), since who was
inside is not known then. Who was inside when the log begins shows only by leaving.

Remedy: let the controllers open only to two badges within a short time, and let the last but one leave only with the last.
"""

from sovaudit.authoring import BadgeLog, Gap, Outcomes, Reason, Roster, check, failed, not_applicable, passed, unknown
from sovaudit.facts import badge_moves, badge_presence

DAY = 86_400_000
ZONES = "SELECT area, max(min_persons) FROM zones WHERE area IS NOT NULL GROUP BY area ORDER BY area"


@check("physical-access.four-eyes", severity="high", since="0.2")
def four_eyes(log: BadgeLog, people: Roster | None, *, alone_seconds: int = 60) -> Outcomes:
    log.need_table("zones")
    given = log.query(ZONES)
    if given:
        log.need_columns("zones", "min_persons")
    required = {area: count for area, count in given if count is not None and count >= 2}
    if not given:
        yield unknown("the table of zones is empty", settle="Give the zones, with min_persons for those that need two people.")
    elif not required:
        yield not_applicable("no zone of the table requires two people")
    if not required:
        return
    areas = badge_moves.areas(log)
    doubts = badge_moves.doubts(log)
    wrong = badge_moves.contradictions(log, areas.closed)
    table = badge_presence.watch(log, people, required)
    for area, count in required.items():
        if area not in areas.closed:
            reason = "it is public" if area in areas.public else areas.open.get(area, "no door of the table leads there")
            yield unknown(
                "not every door of {area} records both ways", subject=area, area=area, gaps=[Gap(f"badges/doors: {area}", Reason.ABSENT, reason)],
                settle="Put readers on both sides of each door, and name them in the table of doors.",
            )  # fmt: skip
            continue
        alone = badge_presence.too_few(log, table, area, count, alone_seconds * 1000)
        moments = wrong[area].moments if area in wrong else []
        certain = [stretch for stretch in alone if not any(stretch.start - DAY <= at <= stretch.end + DAY for at in moments)]
        lines = [stretch.line for stretch in (certain or alone)[: badge_moves.QUOTED]]
        if certain and not doubts:
            yield failed(
                "{count} times fewer than {required} people were inside for more than {seconds} seconds", subject=area, because=lines,
                count=len(certain), required=count, seconds=alone_seconds,
            )  # fmt: skip
        elif doubts or alone or moments:
            gap = Gap(f"badges/events: {area}", Reason.AMBIGUOUS, f"{len(moments)} entries or exits contradict the one before")
            yield unknown(
                "who was inside {area} is not always known", subject=area, because=lines, gaps=[*doubts, *([gap] if moments else [])], area=area,
                settle="Find out what the contradicting passages were, and mend what could not be read.",
            )  # fmt: skip
        else:
            yield passed("nobody was alone in {area} for more than {seconds} seconds", subject=area, area=area, seconds=alone_seconds)
