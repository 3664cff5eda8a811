"""Alarms of doors, and what accounts for them: an acknowledgement in time, from the table or from the log itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sovaudit.facts.badges import BadgeLog, utc
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

QUOTED = 8
ACKNOWLEDGED = "ALARM_ACKNOWLEDGED"
_EVENTS = f"""
SELECT access_point, CAST(NULL AS BIGINT) AS alarm, event_time AS done FROM events
WHERE event = '{ACKNOWLEDGED}' AND access_point IS NOT NULL"""
_TABLE = """
UNION ALL SELECT access_point, event_time, acknowledged_at FROM acknowledgements
WHERE access_point IS NOT NULL AND acknowledged_at IS NOT NULL"""
_ALARMS = """
WITH done AS ({done}),
alarms AS (SELECT row, event_time AS at, coalesce(access_point, source, '') AS place, access_point FROM events WHERE event = $code),
answered AS (
  SELECT DISTINCT a.row FROM alarms a JOIN done d ON a.access_point = d.access_point
  WHERE d.done BETWEEN a.at AND a.at + $within AND (d.alarm IS NULL OR abs(d.alarm - a.at) < 1000))
SELECT a.place, a.row, a.at, a.row IN (SELECT row FROM answered) FROM alarms a ORDER BY a.place, a.at, a.row
"""
PLACES = "SELECT DISTINCT coalesce(access_point, source, '') AS place FROM (SELECT DISTINCT access_point, source FROM events)"


@dataclass(slots=True)
class Alarms:
    """Of one door. answered: acknowledged in time. open: nothing accounts for them. pending: too young to say."""

    place: str
    answered: int = 0
    open: int = 0
    pending: int = 0
    lines: list[Line] = field(default_factory=list)


def alarms(log: BadgeLog, code: str, within_ms: int) -> Iterator[Alarms]:
    """Every door of the log, sorted, with its alarms of one kind. Raises Unseen."""
    _ = log.span  # a log in which no row could be read has no door to answer for
    log.keep("places", PLACES)
    found = {place: Alarms(place) for (place,) in log.query("SELECT place FROM places ORDER BY place")}
    now = int(log.taken_at.timestamp() * 1000)
    done = _EVENTS + (_TABLE if log.has("acknowledgements") else "")
    for place, row, at, answered in log.query(_ALARMS.format(done=done), {"code": code, "within": within_ms}):
        here = found[place]
        if answered:
            here.answered += 1
        elif at + within_ms > now:
            here.pending += 1
        else:
            here.open += 1
            if len(here.lines) < QUOTED:
                here.lines.append(log.line(row, f"{code} at {utc(at)}, not acknowledged in time"))
    yield from (found[place] for place in sorted(found))


def unheard(log: BadgeLog, code: str) -> tuple[Gap, ...]:
    """Why such an alarm might have happened without standing in the log. Raises Unseen."""
    if log.reports(code):
        return log.doubts
    return (Gap(f"badges/events: {code}", Reason.ABSENT, "no such event is there, and the map names no code for it"), *log.doubts)
