"""Visitors are escorted in restricted zones, and give their badges back.

Why: a visitor who walks alone in a restricted zone is somebody whom nobody has vetted and nobody watches.

Judged on the `visits` table (visitor, host, badge, time in and out). For each area whose level is restricted (words as in
physical-access.zones) it fails if a visitor's badge was let in outside of any visit, in a visit without a host, or without a grant of the
host at the same reader within `within_seconds`; and, where it is known who is inside (physical-access.anti-passback), if the host left the
area more than `within_seconds` before the visitor did. Visitors' badges are those of the visits, and those of kind `visitor` in the
`credentials` table. For the visits themselves it fails if one was not closed within `open_hours`.

Not applicable where no area is restricted. Unknown without a table of visits; without a level for any area; where nothing says which badge
the host has; for an area whose words mean no level or two; and where rows of the export could not be read or have codes or directions that
the map does not name. Out of reach: a visitor without a badge.

Remedy: let visitors' badges open restricted zones only after the host's; close each visit, and take the badge back.
"""

from sovaudit.authoring import BadgeLog, Gap, Line, Outcomes, Reason, Roster, check, failed, not_applicable, passed, unknown
from sovaudit.facts import badge_moves, badge_visits, badge_zones
from sovaudit.facts.badges import utc
from sovaudit.facts.files import Unseen

OPEN = """
SELECT coalesce(credential, visitor), time_in, time_out FROM visits WHERE time_in IS NOT NULL
  AND coalesce(time_out, $now) > time_in + $hours ORDER BY time_in, 1"""


@check("physical-access.escort", severity="high", since="0.2")
def escort(
    log: BadgeLog, people: Roster | None, *, within_seconds: int = 60, open_hours: int = 24,
    restricted: tuple[str, ...] = badge_zones.RESTRICTED_WORDS,
    other: tuple[str, ...] = badge_zones.PUBLIC_WORDS + badge_zones.INTERNAL_WORDS,
) -> Outcomes:  # fmt: skip
    log.need_table("visits")
    if log.query("SELECT 1 FROM visits LIMIT 1"):
        log.need_columns("visits", "host", "credential", "time_in", "time_out")
    log.need("credential", "access_point")
    now = int(log.taken_at.timestamp() * 1000)
    late = log.query(OPEN, {"now": now, "hours": open_hours * 3_600_000})
    lines = [
        Line("visits", 0, f"{who}: in at {utc(begun)}, {'out at ' + utc(end) if end is not None else 'not out'}")
        for who, begun, end in late
    ]
    if late:
        yield failed(
            "{count} visits were not closed within {hours} hours", subject="visits", because=lines[: badge_moves.QUOTED], count=len(late),
            hours=open_hours,
        )  # fmt: skip
    else:
        yield passed("every visit was closed within {hours} hours", subject="visits", hours=open_hours)
    levels = badge_zones.Levels(log, other, (), restricted)
    if not levels.given:
        yield unknown("no table gives the level of an area", settle="Give the level of each area in the table of zones.")
    elif not levels.restricted and not levels.unclear:
        yield not_applicable("no area is restricted")
    else:
        yield from _areas(log, people, levels, within_seconds * 1000)


def _areas(log: BadgeLog, people: Roster | None, levels: badge_zones.Levels, within: int) -> Outcomes:
    try:
        closed = badge_moves.areas(log).closed
    except Unseen:
        closed = frozenset()
    doubts = [*badge_moves.doubts(log), *(people.gaps if people else ())]
    badge_visits.prepare(log, people, levels.restricted, closed)
    wrong: dict[str, list[Line]] = {}
    doubtful: dict[str, list[Line]] = {}
    for area, row, ms, badge, reader, hosted, known in log.query(badge_visits.ALONE, {"within": within}):
        why = "no badge of the host is known" if hosted and not known else "without the host" if hosted else "in no visit with a host"
        (doubtful if hosted and not known else wrong).setdefault(area, []).append(log.line(row, f"{badge} at {reader}, {utc(ms)}: {why}"))
    for area, ms, badge, start, row in log.query(badge_visits.LEFT, {"within": within, "end": log.span[1]}):
        wrong.setdefault(area, []).append(
            log.line(row, f"{badge} came in at {utc(start)}; the host left at {utc(ms)}, and the badge later")
        )
    for area in levels.restricted:
        found, unclear = wrong.get(area, []), doubtful.get(area, [])
        if found and not doubts:
            yield failed(
                "{count} times a visitor was there without an escort", subject=area, because=found[: badge_moves.QUOTED], count=len(found)
            )
        elif doubts or unclear:
            yield unknown(
                "whether visitors were escorted cannot be told for {count} entries, or rows were not understood", subject=area,
                because=[*found, *unclear][: badge_moves.QUOTED], gaps=doubts, count=len(found) + len(unclear),
                settle="Give the host's badge in the table of credentials, and mend what could not be read.",
            )  # fmt: skip
        else:
            yield passed("every visitor was escorted into {area}", subject=area, area=area)
    for area in levels.unclear:
        gap = Gap(f"badges/zones: {area}", Reason.AMBIGUOUS, levels.said(area))
        yield unknown(
            "whether {area} is restricted is not known", subject=area, area=area, gaps=[gap],
            settle="Give the level of each area in the table of zones, in words that the knobs name.",
        )  # fmt: skip
