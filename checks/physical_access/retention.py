"""Records of physical access are kept long enough, and video not longer than allowed.

Why: an intrusion is often found months later; without the records of those months nobody can say who was inside. Video shows everybody, and
the law on personal data bounds how long it may be kept.

Events pass when the oldest is at least `months` old at the time of the export, and each calendar month since then holds events. They fail
when the oldest is younger, or a whole month in between is empty. Video is judged only if the `video` table (camera, oldest and newest
record) is given, one answer for each camera: it passes when its oldest record is at most `video_months` old.

Unknown where the export holds no event that could be read, where rows that could not be read may be the ones that are missing, and for a
camera without a date. Out of reach: what was kept and not exported; an export of one month shows one month.

Remedy: raise the retention of the access control system and of its controllers' memory; export the whole period; erase video in time.
"""

from datetime import UTC, datetime

from sovaudit.authoring import BadgeLog, Outcomes, check, failed, passed, unknown
from sovaudit.facts.badges import utc

MONTHS = "SELECT DISTINCT CAST(strftime(make_timestamp(event_time * 1000), '%Y%m') AS INTEGER) FROM events ORDER BY 1"
CAMERAS = "SELECT camera, min(oldest) FROM video GROUP BY camera ORDER BY camera"


@check("physical-access.retention", severity="high", since="0.2")
def retention(log: BadgeLog, *, months: int = 3, video_months: int = 3) -> Outcomes:
    required = earlier(log.taken_at, months)
    first, last = log.span
    there = {month for (month,) in log.query(MONTHS)}
    absent = [month for month in between(required, log.taken_at) if month not in there]
    lines = [log.line(0, f"first event {utc(first)}, last {utc(last)}")]
    long_enough = first <= ms(required)
    if long_enough and not absent:
        yield passed("events from {first} on are kept", subject="events", because=lines, first=utc(first))
    elif log.refused:
        yield unknown(
            "{refused} rows could not be read, and may hold what is missing", subject="events", because=lines, gaps=log.doubts,
            settle="Mend the export or its map, so that every row can be read.", refused=log.refused,
        )  # fmt: skip
    elif not long_enough:
        yield failed(
            "the oldest event is of {first}; {months} months are required", subject="events", because=lines, first=utc(first), months=months
        )
    else:
        yield failed(
            "there is no event in {absent}", subject="events", because=lines, absent=", ".join(f"{m // 100}-{m % 100:02}" for m in absent)
        )
    if log.has("video"):
        bound = ms(earlier(log.taken_at, video_months))
        for camera, oldest in log.query(CAMERAS):
            if oldest is None:
                yield unknown("{camera} has no date", subject=camera, camera=camera, settle="Give the camera's oldest record.")
            elif oldest < bound:
                yield failed(
                    "{camera} keeps records since {oldest}; at most {months} months are allowed", subject=camera, camera=camera,
                    oldest=utc(oldest), months=video_months,
                )  # fmt: skip
            else:
                yield passed("{camera} keeps records since {oldest}", subject=camera, camera=camera, oldest=utc(oldest))


def ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def earlier(moment: datetime, months: int) -> datetime:
    """The same day so many months before, or the last of that month."""
    count = moment.year * 12 + moment.month - 1 - months
    year, month = divmod(count, 12)
    for day in range(moment.day, 27, -1):
        try:
            return moment.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    return moment.replace(year=year, month=month + 1, day=min(moment.day, 28))


def between(start: datetime, end: datetime) -> list[int]:
    """Calendar months that lie wholly between two moments, as yyyymm."""
    first = start.astimezone(UTC)
    count = first.year * 12 + first.month  # the month after the one in which it begins
    last = end.astimezone(UTC)
    stop = last.year * 12 + last.month - 1
    return [month // 12 * 100 + month % 12 + 1 for month in range(count, stop)]
