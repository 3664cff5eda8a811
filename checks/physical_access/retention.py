"""Records of physical access are kept long enough, and video not longer than allowed.

Why: an intrusion is often found months later; without the records of those months nobody can say who was inside. Video shows everybody, and
the law on personal data bounds how long it may be kept.

Events pass when the oldest is at least `months` old at the time of the export, and each calendar month since then holds events. They fail
when the oldest is younger, or a whole month in between is empty. Video is judged only if the `video` table (camera, oldest and newest
record) or the `recordings` table (camera, start and end of each recorded segment) is given, one answer for each camera: it passes when its
oldest record is at most `video_months` old.

With `recordings` there is a second answer for each camera: it passes when, from its first record to its last, no hole between segments is
longer than `hole_minutes`, and fails when one is, or when it stopped: others recorded on for more than its longest segment and
`hole_minutes`. The dates of the `video` table count as recorded.

Unknown where the export holds no event that could be read, where rows that could not be read may be the ones that are missing, for a
camera without a date, and for holes of one that records on motion (any `mode` but continuous or by schedule), that has segments without a
beginning or an end, or whose clock was put back in them. Out of reach: what was kept and not exported (an export of one month shows one
month), what came after the newest recording of the list, and what the pictures show.

Remedy: raise the retention of the access control system and of its controllers' memory; export the whole period; erase video in time; find
out why a camera did not record.
"""

from datetime import UTC, datetime

from sovaudit.authoring import BadgeLog, Outcomes, check, failed, passed, unknown
from sovaudit.facts import badge_video
from sovaudit.facts.badges import utc

MONTHS = """
SELECT DISTINCT CAST(strftime(make_timestamp(day * 86400000000), '%Y%m') AS INTEGER)
FROM (SELECT DISTINCT event_time // 86400000 AS day FROM events) ORDER BY 1"""
CAMERAS = "SELECT camera, min(oldest) FROM ({given}) WHERE camera IS NOT NULL GROUP BY camera ORDER BY camera"
VIDEO = "SELECT camera, oldest FROM video"
RECORDINGS = "SELECT camera, start AS oldest FROM recordings"


@check("physical-access.retention", severity="high", since="0.2")
def retention(log: BadgeLog, *, months: int = 3, video_months: int = 3, hole_minutes: int = 5) -> Outcomes:
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
    tables = [sql for name, sql in (("video", VIDEO), ("recordings", RECORDINGS)) if log.has(name)]
    if tables:
        bound = ms(earlier(log.taken_at, video_months))
        for camera, oldest in log.query(CAMERAS.format(given=" UNION ALL ".join(tables))):
            if oldest is None:
                yield unknown("{camera} has no date", subject=camera, camera=camera, settle="Give the camera's oldest record.")
            elif oldest < bound:
                yield failed(
                    "{camera} keeps records since {oldest}; at most {months} months are allowed", subject=camera, camera=camera,
                    oldest=utc(oldest), months=video_months,
                )  # fmt: skip
            else:
                yield passed("{camera} keeps records since {oldest}", subject=camera, camera=camera, oldest=utc(oldest))
    if log.has("recordings"):
        yield from without_holes(log, hole_minutes)


def without_holes(log: BadgeLog, minutes: int) -> Outcomes:
    for camera in badge_video.cameras(log, minutes):
        subject = f"{camera.name}: recordings"
        if camera.doubt and (camera.holes or not camera.last):
            yield unknown(
                "whether {camera} recorded without a hole is not known: {why}", subject=subject, camera=camera.name, why=camera.doubt,
                because=camera.lines, settle="Give every recorded segment with its beginning and end, in UTC or with an offset, and how it records.",
            )  # fmt: skip
        elif camera.holes:
            yield failed(
                "{camera} did not record for {missing} minutes in {count} holes of more than {minutes} minutes", subject=subject,
                camera=camera.name, missing=camera.missing // 60_000, count=camera.holes, minutes=minutes, because=camera.lines,
            )  # fmt: skip
        else:
            yield passed(
                "{camera} recorded from {first} to {last} without a hole of more than {minutes} minutes", subject=subject,
                camera=camera.name, first=utc(camera.first), last=utc(camera.last), minutes=minutes,
            )  # fmt: skip


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
