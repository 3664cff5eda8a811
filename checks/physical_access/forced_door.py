"""No door was forced open without somebody accounting for it.

Why: a door that opens without a grant is a break-in, a failed lock or a habit; each wants an answer while it can still be given.

One answer for each reader. It passes where no forced opening (DOOR_FORCED_OPEN) stands in the log, or where each was acknowledged within
`within_minutes`: by a row of the `acknowledgements` table, or by an ALARM_ACKNOWLEDGED event of the same reader. It fails for a forced
opening that nothing acknowledges, that was acknowledged too late, or before it happened.

Unknown where the log would not show a forced opening: no such event is there and the map names no code for it; where rows of the export
could not be read or have codes that the map does not name; and for an alarm younger than `within_minutes` when the export was read. Out of
reach: a door without a contact, which can be forced in silence.

Remedy: find out what happened at each opening named; acknowledge such alarms when they ring, with the reason.
"""

from sovaudit.authoring import BadgeLog, Outcomes, check, failed, passed, unknown
from sovaudit.facts import badge_alarms

CODE = "DOOR_FORCED_OPEN"
WOULD = "Name the code of a forced opening in the map, and mend the rows that could not be read."


@check("physical-access.forced-door", severity="high", since="0.2")
def forced_door(log: BadgeLog, *, within_minutes: int = 5) -> Outcomes:
    gaps = badge_alarms.unheard(log, CODE)
    hidden = bool(log.doubts) and log.reports(badge_alarms.ACKNOWLEDGED)
    for door in badge_alarms.alarms(log, CODE, within_minutes * 60_000):
        if door.open and not hidden:
            yield failed(
                "forced open {count} times without an acknowledgement within {minutes} minutes", subject=door.place, because=door.lines,
                count=door.open, minutes=within_minutes,
            )  # fmt: skip
        elif door.open:
            yield unknown(
                "forced open {count} times; the acknowledgement may stand in a row that was not understood", subject=door.place,
                because=door.lines, gaps=gaps, settle=WOULD, count=door.open,
            )  # fmt: skip
        elif door.pending:
            yield unknown("forced open a moment ago: it may still be acknowledged", subject=door.place, settle="Export the log again.")
        elif gaps:
            yield unknown("a forced opening may not show in this log", subject=door.place, gaps=gaps, settle=WOULD)
        else:
            yield passed("no forced opening without an acknowledgement; {count} with one", subject=door.place, count=door.answered)
