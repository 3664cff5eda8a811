"""No door was held open without somebody accounting for it.

Why: a door that is held open lets in whoever comes along, and leaves no record of them.

One answer for each reader. It passes where at most `most` alarms of a door open too long (DOOR_OPEN_TOO_LONG) lack an acknowledgement within
`within_minutes`: a row of the `acknowledgements` table, or an ALARM_ACKNOWLEDGED event of the same reader. It fails where there are more. How
long is too long is set in the controller, and is not in the log.

Unknown where the log would not show such an alarm: none is there and the map names no code for it; where rows of the export could not be
read or have codes that the map does not name; and for an alarm younger than `within_minutes` when the export was read. Out of reach: a
door without a contact.

Remedy: find out who holds the door and why; mend its closer, or acknowledge the alarm with the reason when it rings.
"""

from sovaudit.authoring import BadgeLog, Outcomes, check, failed, passed, unknown
from sovaudit.facts import badge_alarms

CODE = "DOOR_OPEN_TOO_LONG"
WOULD = "Name the code of a door held open in the map, and mend the rows that could not be read."


@check("physical-access.held-door", severity="medium", since="0.2")
def held_door(log: BadgeLog, *, most: int = 0, within_minutes: int = 5) -> Outcomes:
    gaps = badge_alarms.unheard(log, CODE)
    hidden = bool(log.doubts) and log.reports(badge_alarms.ACKNOWLEDGED)
    for door in badge_alarms.alarms(log, CODE, within_minutes * 60_000):
        if door.open > most and not hidden:
            yield failed(
                "held open {count} times without an acknowledgement within {minutes} minutes", subject=door.place, because=door.lines,
                count=door.open, minutes=within_minutes,
            )  # fmt: skip
        elif door.open > most:
            yield unknown(
                "held open {count} times; the acknowledgement may stand in a row that was not understood", subject=door.place,
                because=door.lines, gaps=gaps, settle=WOULD, count=door.open,
            )  # fmt: skip
        elif door.open + door.pending > most:
            yield unknown("held open a moment ago: it may still be acknowledged", subject=door.place, settle="Export the log again.")
        elif gaps:
            yield unknown("a door held open may not show in this log", subject=door.place, gaps=gaps, settle=WOULD)
        else:
            yield passed(
                "held open {open} times without an acknowledgement, {count} times with one", subject=door.place, because=door.lines,
                open=door.open, count=door.answered,
            )  # fmt: skip
