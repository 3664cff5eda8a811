"""No door is silent longer than its own rhythm makes credible.

Why: a reader that is unplugged, bypassed or propped open falls silent; so does one whose records somebody took out and numbered anew.

One answer for each reader. Its own history gives the events to expect at each hour of the local week (holidays of the `holidays` table for
its site aside), and how much more than chance they spread. It fails for a silence, also one that lasts until the end of the log, that is
improbable: less than one chance in `one_in`, divided by the number of silences of the whole log. It passes where none is.

Unknown with less than `weeks` weeks of history; for a reader with less than an event a day, which may be silent for long without anything
being wrong; without the doors' time zone; and where rows of the export could not be read: they may fill the silence.

Remedy: find out what happened to the reader in the time named; give the holidays of the site if it was closed.
"""

from sovaudit.authoring import BadgeLog, Outcomes, check, failed, passed, unknown
from sovaudit.facts import badge_silence


@check("physical-access.silent-door", severity="medium", since="0.2")
def silent_door(log: BadgeLog, *, one_in: int = 1_000_000, weeks: int = 4) -> Outcomes:
    log.need("access_point")
    for door in badge_silence.doors(log, one_in):
        if door.lines and not log.refused:
            yield failed(
                "silent {count} times longer than its rhythm makes credible", subject=door.name, because=door.lines, count=len(door.lines)
            )
        elif door.lines:
            yield unknown(
                "silent {count} times, and {refused} rows of the export could not be read", subject=door.name, because=door.lines, gaps=log.doubts,
                settle="Mend the export or its map, so that every row can be read.", count=len(door.lines), refused=log.refused,
            )  # fmt: skip
        elif door.days < 7 * weeks:
            yield unknown(
                "{days} days are too short a history to know its rhythm", subject=door.name, days=door.days, settle="Export a longer time."
            )
        elif door.events < door.days:
            yield unknown(
                "{events} events in {days} days are too few: a long silence would not show", subject=door.name, events=door.events,
                days=door.days, settle="Let its controller report regularly that the reader is there.",
            )  # fmt: skip
        else:
            yield passed(
                "{events} events in {days} days without an improbable silence", subject=door.name, events=door.events, days=door.days
            )
