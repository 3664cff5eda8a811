"""No controller's numbering has holes, repeats or steps back.

Why: a controller numbers its own events. A missing number is an event that somebody or something took out of the log; a number that stands
twice, or a clock that goes back while the numbers go on, makes the order of events doubtful.

One answer for each controller. It passes when its numbers follow one another without a hole, each stands once, and time does not go back
by more than `tolerance_ms` from one number to the next. It fails where a number is missing between the first and the last of the log, stands
twice (the same event written twice, or two events with one number: both are said), or time goes back; and where the controller's own
counter, if the `controllers` table gives it, is ahead of the last number in the log: what is missing at the end leaves no hole.

Unknown when the export has no numbers; when some events of a controller have none, and no more numbers are missing than these may have had;
and where rows of the export could not be read: they may fill the holes, or stand again. Out of reach: events that were taken out before they
were numbered.

Remedy: export the log again from the controllers; if numbers are still missing, find out who cleared or filtered the log.
"""

from sovaudit.authoring import BadgeLog, Line, Outcomes, check, failed, passed, unknown
from sovaudit.facts.badges import utc

# one sort of the log, of numbers alone, tells near which of them something is odd; what stands right before each is then told exactly for these
STEPS = """
WITH near AS (
  SELECT source, sequence, lag(sequence) OVER w AS before, lag(event_time) OVER w - event_time AS back
  FROM events WHERE source IS NOT NULL AND sequence IS NOT NULL WINDOW w AS (PARTITION BY source ORDER BY sequence)),
odd AS (SELECT DISTINCT source, sequence, before FROM near WHERE sequence - before <> 1 OR back > {tolerance}),
asked AS (SELECT source, sequence FROM odd UNION SELECT source, sequence + 1 FROM odd WHERE sequence = before),
around AS (SELECT * FROM asked UNION SELECT source, sequence - 1 FROM asked UNION SELECT source, before FROM odd),
steps AS (
  SELECT e.source, e.sequence, e.row, e.event_time, e.sequence - lag(e.sequence) OVER w AS step, lag(e.event_time) OVER w - e.event_time AS back,
         lag(e.row) OVER w AS row_before
  FROM events e SEMI JOIN around a ON e.source = a.source AND e.sequence = a.sequence
  WINDOW w AS (PARTITION BY e.source ORDER BY e.sequence, e.event_time, e.row))
SELECT s.* FROM steps s SEMI JOIN asked a ON s.source = a.source AND s.sequence = a.sequence WHERE step <> 1 OR back > {tolerance}
"""
FAULTS = """
WITH twice AS (
  SELECT row, credential, access_point, event, event_native FROM events
  WHERE row IN (SELECT row FROM {steps} WHERE step = 0 UNION SELECT row_before FROM {steps} WHERE step = 0)),
others AS (
  SELECT s.row FROM {steps} s JOIN twice a ON s.row = a.row JOIN twice b ON s.row_before = b.row
  WHERE s.step = 0 AND (s.back <> 0
    OR (a.credential, a.access_point, a.event, a.event_native) IS DISTINCT FROM (b.credential, b.access_point, b.event, b.event_native)))
SELECT source, sequence, row, event_time, greatest(step - 1, 0) AS missing, step = 0 AS again, row IN (SELECT row FROM others) AS clash, back
FROM {steps}
"""
SUMS = """
SELECT source, sum(missing)::BIGINT, count(*) FILTER (again), count(*) FILTER (clash), count(*) FILTER (back > $tolerance)
FROM {faults} GROUP BY source ORDER BY source
"""
LINES = """
SELECT source, sequence, row, event_time, missing, again, clash, back FROM {faults}
QUALIFY row_number() OVER (PARTITION BY source ORDER BY sequence, event_time, row) <= $most ORDER BY source, sequence, event_time, row
"""
TOTALS = """
SELECT source, count(*), count(sequence), min(sequence), max(sequence) FROM events WHERE source IS NOT NULL GROUP BY source ORDER BY source
"""
QUOTED = 8


@check("physical-access.sequence", severity="high", since="0.2")
def sequence(log: BadgeLog, *, tolerance_ms: int = 2000) -> Outcomes:
    log.need("sequence")
    faults = f"number_faults_{int(tolerance_ms)}"
    steps = f"number_steps_{int(tolerance_ms)}"
    log.keep(steps, STEPS.format(tolerance=int(tolerance_ms)))
    log.keep(faults, FAULTS.format(steps=steps))
    sums = {source: found for source, *found in log.query(SUMS.format(faults=faults), {"tolerance": tolerance_ms})}
    lines: dict[str, list[Line]] = {}
    for source, *fault in log.query(LINES.format(faults=faults), {"most": QUOTED}):
        lines.setdefault(source, []).append(_line(log, *fault))
    counters = dict(log.query("SELECT source, max(last_sequence) FROM controllers GROUP BY source")) if log.has("controllers") else {}
    for source, events, numbered, first, last in log.query(TOTALS):
        missing, repeats, clashes, back = sums.get(source, (0, 0, 0, 0))
        if last is not None:
            missing += max(0, (counters.get(source) or 0) - last)  # what the controller counted and the log does not hold
        because = lines.get(source, [])
        certain = repeats or back or (missing > events - numbered and not log.refused)
        if certain:
            yield failed(
                "{missing} numbers are missing, {repeats} stand again ({clashes} of them for another event), time goes back {back} times",
                subject=source, because=because, missing=missing, repeats=repeats, clashes=clashes, back=back,
            )  # fmt: skip
        elif log.refused:
            yield unknown(
                "{missing} numbers are missing, and {refused} rows of the export could not be read",
                subject=source, because=because, gaps=log.doubts, settle="Mend the export or its map, so that every row can be read.",
                missing=missing, refused=log.refused,
            )  # fmt: skip
        elif numbered < events:
            yield unknown(
                "{count} of {events} events have no number", subject=source, because=because, settle="Export the controller's own numbers.",
                count=events - numbered, events=events,
            )  # fmt: skip
        else:
            yield passed(
                "{events} events are numbered {first} to {last} without a hole", subject=source, events=events, first=first, last=last
            )


def _line(log: BadgeLog, number: int, row: int, at: int, missing: int, again: bool, clash: bool, back: int) -> Line:
    said = f"number {number} at {utc(at)}"
    if missing:
        said += f"; {missing} missing before it"
    if back > 0:
        said += f"; {f'{back // 1000} s' if back >= 10_000 else f'{back} ms'} before the number before it"
    if again:
        said += "; stands again" + (", for another event" if clash else "")
    return log.line(row, said)
