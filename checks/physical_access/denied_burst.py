"""Nobody tried doors again and again without somebody accounting for it.

Why: a badge that is refused many times in a few minutes is a lost one being tried, a guessed PIN, or a right that is missing where it is needed.

Refusals (DENIED_…) of one badge at whatever reader, and at each reader those of no badge that could be read, are counted over time. It fails
for a badge or reader with `attempts` refusals within `minutes` of which none was acknowledged (a row of the `acknowledgements` table for that
reader, or an ALARM_ACKNOWLEDGED event) before `answer_minutes` after the last of them. One answer for each, and one for all the rest.

Unknown where the log would not show a refusal (none is there, and the map names no code for one), and where rows of the export could not be
read or have codes that the map does not name. Out of reach: tries with a different badge each time.

Remedy: ask the holder; block the badge if it is not with its holder; grant the right or explain why there is none.
"""

from sovaudit.authoring import BadgeLog, Gap, Outcomes, Reason, check, failed, passed, unknown
from sovaudit.facts.badge_alarms import ACKNOWLEDGED
from sovaudit.facts.badge_events import DENIED
from sovaudit.facts.badges import utc

BURSTS = """
WITH denied AS (
  SELECT coalesce(credential, access_point, source, '') AS who, access_point, event_time AS moment, source, coalesce(sequence, 0) AS number, row
  FROM events WHERE event IN {denied}),
reached AS (
  SELECT *, moment - lag(moment, $before) OVER w AS span FROM denied WINDOW w AS (PARTITION BY who ORDER BY moment, source, number, row)),
done AS ({done}),
full_ AS (SELECT r.* FROM reached r WHERE span <= $window),
answered AS (
  SELECT DISTINCT f.row FROM full_ f JOIN denied d ON d.who = f.who AND d.moment BETWEEN f.moment - f.span AND f.moment
  JOIN done ON done.access_point = d.access_point WHERE done.done BETWEEN d.moment AND f.moment + $answer)
SELECT who, count(*), min(moment - span), max(moment), min(row), min_by(access_point, (moment, row)) FROM full_
WHERE row NOT IN (SELECT row FROM answered) GROUP BY who ORDER BY who
"""
DONE = f"SELECT access_point, event_time AS done FROM events WHERE event = '{ACKNOWLEDGED}'"
TABLE = " UNION ALL SELECT access_point, acknowledged_at FROM acknowledgements"
TOTAL = f"SELECT count(*) FROM events WHERE event IN {DENIED}"


@check("physical-access.denied-burst", severity="medium", since="0.2")
def denied_burst(log: BadgeLog, *, attempts: int = 5, minutes: int = 10, answer_minutes: int = 60) -> Outcomes:
    knobs = {"before": max(0, attempts - 1), "window": minutes * 60_000, "answer": answer_minutes * 60_000}
    hidden = bool(log.doubts) and log.reports(ACKNOWLEDGED)
    doubts = list(log.doubts)
    ((total,),) = log.query(TOTAL)
    if not total and not log.reports_any("DENIED_"):
        doubts.append(Gap("badges/events: DENIED_…", Reason.ABSENT, "no refusal is there, and the map names no code for one"))
    for who, _, first, last, row, place in log.query(
        BURSTS.format(denied=DENIED, done=DONE + (TABLE if log.has("acknowledgements") else "")), knobs
    ):
        lines = [log.line(row, f"refused at {place or 'a reader without a name'}, {utc(first)} to {utc(last)}")]
        if hidden:
            yield unknown(
                "refused {attempts} times within {minutes} minutes; the acknowledgement may stand in a row that was not understood",
                subject=who, because=lines, gaps=doubts, settle="Mend the export or its map, so that every row can be read.",
                attempts=attempts, minutes=minutes,
            )  # fmt: skip
        else:
            yield failed(
                "refused {attempts} times or more within {minutes} minutes, and nobody accounted for it", subject=who, because=lines,
                attempts=attempts, minutes=minutes,
            )  # fmt: skip
    if doubts:
        yield unknown(
            "refusals may not show in this log",
            gaps=doubts,
            settle="Name the codes of refusals in the map, and mend what could not be read.",
        )
    else:
        yield passed("{total} refusals; none of the rest came in a burst", total=total)
