"""Controllers agree on the time with the server that collects their events.

Why: who was first at a door, and whether one person could be at two, is told by the clocks of the controllers; a clock that is wrong or runs away
makes every such answer wrong.

Judged where the export has both times of an event: when the controller says it happened and when the server received it. One answer for
each controller. It fails if on some day the median of received minus happened is beyond `max_seconds` in either direction, or if over the days the
medians move by more than `max_slope_ms` a day (least squares; judged from `days` days on). Days with fewer than `few` events do not count, nor do
those on which the controller lost or found its line (CONTROLLER_OFFLINE, CONTROLLER_ONLINE): what it had kept comes late then.

Unknown where one of the times is missing, where no day has enough events, and where rows of the export could not be read. Out of reach: a
server whose own clock is wrong; its host is judged by log-completeness.clock.

Remedy: synchronise the controllers with the time server that the whole site uses, and watch that they stay so.
"""

from sovaudit.authoring import BadgeLog, Line, Outcomes, check, failed, passed, unknown
from sovaudit.facts.badges import utc

DAY = 86_400_000
MEDIANS = f"""
WITH broken AS (
  SELECT DISTINCT source, coalesce(received_time, event_time) // {DAY} AS day FROM events
  WHERE event IN ('CONTROLLER_OFFLINE', 'CONTROLLER_ONLINE')),
days AS (
  SELECT source, received_time // {DAY} AS day, count(*) AS events, quantile_disc(received_time - event_time, 0.5) AS late FROM events
  WHERE received_time IS NOT NULL AND source IS NOT NULL AND time_note IS NULL GROUP BY ALL)
SELECT days.source, days.day, CAST(late AS BIGINT) FROM days ANTI JOIN broken ON days.source = broken.source AND days.day = broken.day
WHERE events >= $few ORDER BY 1, 2
"""
QUOTED = 8


@check("physical-access.clock", severity="medium", since="0.2")
def clock(log: BadgeLog, *, max_seconds: int = 60, max_slope_ms: int = 500, few: int = 3, days: int = 14) -> Outcomes:
    log.need("received_time")
    medians: dict[str, list[tuple[int, int]]] = {}
    for source, day, late in log.query(MEDIANS, {"few": few}):
        medians.setdefault(source, []).append((day, late))
    for source in log.sources:
        rows = medians.get(source, [])
        off = [(day, late) for day, late in rows if abs(late) > max_seconds * 1000]
        slope = _slope(rows) if len(rows) >= days else 0
        if off:
            yield failed(
                "on {count} days the clock of {source} and the server's were more than {seconds} seconds apart", subject=source,
                because=[_line(*each) for each in off[:QUOTED]], count=len(off), source=source, seconds=max_seconds,
            )  # fmt: skip
        elif abs(slope) > max_slope_ms:
            yield failed(
                "the clock of {source} moves by {slope} ms a day against the server's", subject=source,
                because=[_line(*rows[0]), _line(*rows[-1])], source=source, slope=slope,
            )  # fmt: skip
        elif not rows:
            yield unknown(
                "no day of {source} shows when enough events were received", subject=source, source=source,
                settle="Export the time at which the server received each event.",
            )  # fmt: skip
        elif log.refused:
            yield unknown(
                "{refused} rows of the export could not be read", subject=source, gaps=log.doubts, refused=log.refused,
                settle="Mend the export or its map, so that every row can be read.",
            )  # fmt: skip
        else:
            yield passed("on {count} days the clock of {source} agreed with the server's", subject=source, count=len(rows), source=source)


def _slope(rows: list[tuple[int, int]]) -> int:
    """Milliseconds a day by least squares, cut to whole ones."""
    count, first = len(rows), rows[0][0]
    days = [day - first for day, _ in rows]
    spread = count * sum(day * day for day in days) - sum(days) ** 2
    if spread == 0:
        return 0
    lean = count * sum(day * late for day, (_, late) in zip(days, rows, strict=True)) - sum(days) * sum(late for _, late in rows)
    return lean // spread if lean >= 0 else -(-lean // spread)


def _line(day: int, late: int) -> Line:
    return Line("badges/events", 0, f"{utc(day * DAY)[:10]}: half of the events were received {late} ms after they happened, or earlier")
