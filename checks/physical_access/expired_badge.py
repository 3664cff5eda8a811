"""No badge outlives its time, and each has one.

Why: a right that ends by itself does not depend on somebody remembering; a badge that works after its end shows that the end is not
enforced.

Judged on the `credentials` table. It fails for a badge with a grant before `valid_from` or after `valid_to` (of every row that the table
has for it); and for a badge in use (by its status, and not yet at its end) without an end, or with a longer time than `staff_months`,
`contractor_months` or `visitor_days` allow its kind. Words for kinds: staff, employee, contractor, visitor, and their French. One answer
for each badge that fails or cannot be told, and one for all the rest.

Unknown for a badge in use whose kind or beginning is not said, unless it fails whatever they are; for a status that we do not know; and for
the rest where rows of the export could not be read or have codes that the map does not name.

Remedy: give each badge an end, no later than its kind allows, and let the controllers enforce it.
"""

from datetime import UTC, datetime

from sovaudit.authoring import BadgeLog, Line, Outcomes, check, failed, passed, unknown
from sovaudit.facts import badge_holders, badge_uses
from sovaudit.facts.badges import utc

DAY = 86_400_000
OUTSIDE = """
WITH bounds AS (
  SELECT credential, CASE WHEN count(valid_from) = count(*) THEN min(valid_from) END AS low,
         CASE WHEN count(valid_to) = count(*) THEN max(valid_to) END AS high, count(*) > 1 AS several
  FROM credentials WHERE credential IS NOT NULL GROUP BY credential),
suspects AS (
  SELECT DISTINCT u.credential FROM uses u JOIN bounds b ON u.credential = b.credential
  WHERE u.event = 'GRANTED' AND (b.several OR u.first < b.low OR u.last > b.high)),
used AS (
  SELECT credential, row, event_time AS ms FROM events WHERE event = 'GRANTED' AND credential IN (SELECT credential FROM suspects)),
outside AS (
  SELECT * FROM used WHERE NOT EXISTS (SELECT 1 FROM credentials c WHERE c.credential = used.credential
    AND (c.valid_from IS NULL OR used.ms >= c.valid_from) AND (c.valid_to IS NULL OR used.ms <= c.valid_to)))
SELECT credential, count(*), min(ms), max(ms), min_by(row, (ms, row)) FROM outside GROUP BY credential ORDER BY credential
"""
ROWS = (
    "SELECT credential, lower(trim(coalesce(kind, ''))) AS kind, valid_from, valid_to, status FROM credentials WHERE credential IS NOT NULL"
)
ASKED = f"""
WITH given AS ({ROWS})
SELECT * FROM given WHERE credential IN (SELECT credential FROM outside_badges UNION SELECT credential FROM given g JOIN wrong_rows w ON
  g.kind = w.kind AND g.valid_from IS NOT DISTINCT FROM w.valid_from AND g.valid_to IS NOT DISTINCT FROM w.valid_to
  AND g.status IS NOT DISTINCT FROM w.status) ORDER BY ALL
"""


@check("physical-access.expired-badge", severity="medium", since="0.2")
def expired_badge(
    log: BadgeLog, *, staff_months: int = 36, contractor_months: int = 12, visitor_days: int = 1
) -> Outcomes:  # fmt: skip
    log.need_columns("credentials", "valid_to")
    log.need("credential")
    now = int(log.taken_at.timestamp() * 1000)
    limits = {"staff": (staff_months, 0), "contractor": (contractor_months, 0), "visitor": (0, visitor_days)}
    badge_uses.fold(log)
    outside = {badge: rest for badge, *rest in log.query(OUTSIDE)}
    kinds = log.query(f"SELECT DISTINCT kind, valid_from, valid_to, status FROM ({ROWS}) ORDER BY ALL")
    faults = {row: fault for row in kinds if (fault := _judge(row, limits, now))}
    log.load("outside_badges", {"credential": "VARCHAR"}, [[badge] for badge in sorted(outside)])
    log.load("wrong_rows", {"kind": "VARCHAR", "valid_from": "BIGINT", "valid_to": "BIGINT", "status": "VARCHAR"}, list(faults))
    rows: dict[str, list[tuple[str, int | None, int | None, str | None]]] = {}
    for badge, kind, begin, end, status in log.query(ASKED):
        rows.setdefault(badge, []).append((kind, begin, end, status))
    ((total,),) = log.query(f"SELECT count(DISTINCT credential) FROM ({ROWS})")
    failing = unclear = 0
    for badge, given in rows.items():
        wrong = [faults[row] for row in given if row in faults]
        lines = [Line("credentials", 0, _said(row)) for row in given[:3]]
        if badge in outside:
            count, first, last, record = outside[badge]
            lines.insert(0, log.line(record, f"granted {count} times outside of its time, {utc(first)} to {utc(last)}"))
        if badge in outside or "fail" in wrong:
            failing += 1
            if failing <= badge_holders.MOST:
                yield failed(
                    "opened doors outside of its time" if badge in outside else "has no end, or a later one than its kind allows", subject=badge,
                    because=lines,
                )  # fmt: skip
        else:
            unclear += 1
            if unclear <= badge_holders.MOST:
                yield unknown(
                    "its kind, beginning or status does not tell how long it may be used", subject=badge, because=lines,
                    settle="Give each badge its kind, its beginning and its end.",
                )  # fmt: skip
    if failing > badge_holders.MOST:
        yield failed("{count} more badges have no end, or outlive it", subject="others", count=failing - badge_holders.MOST)
    if log.doubts or unclear > badge_holders.MOST:
        yield unknown(
            "{count} more badges cannot be told, or rows were not understood", gaps=log.doubts, count=max(0, unclear - badge_holders.MOST),
            settle="Mend the export or its map, so that every row can be read.",
        )  # fmt: skip
    else:
        yield passed("{count} of {total} badges have their time and keep to it", count=total - failing - unclear, total=total)


def _judge(row: tuple[str, int | None, int | None, str | None], limits: dict[str, tuple[int, int]], now: int) -> str:
    """`fail`, `unknown`, or empty for a badge that is well, or not in use."""
    word, begin, end, status = row
    living = badge_holders.live(status)
    if living is False or (end is not None and end < now):
        return ""
    kind = badge_holders.KINDS.get(word)
    start = begin if begin is not None else now
    longest = max(_end(start, *limits[each]) for each in ([kind] if kind else limits))
    if end is None or end > longest:
        return "fail" if living else "unknown"
    return "" if kind and begin is not None and living else "unknown"


def _end(start: int, months: int, days: int) -> int:
    """The last moment of the time that begins then: whole days, so that a badge for one day may be used until its midnight everywhere."""
    moment = datetime.fromtimestamp(min(max(start // 1000, 0), 1 << 34), UTC)
    count = moment.year * 12 + moment.month - 1 + months
    year, month = divmod(count, 12)
    day = moment.day
    while True:
        try:
            last = moment.replace(year=year, month=month + 1, day=day)
            break
        except ValueError:
            day -= 1
    return int(last.timestamp()) * 1000 + max(1, days) * DAY


def _said(row: tuple[str, int | None, int | None, str | None]) -> str:
    kind, begin, end, status = row
    return (
        f"{kind or 'no kind'}, from {utc(begin) if begin is not None else 'no day'} to {utc(end) if end is not None else 'no day'}, "
        f"{status or 'no status'}"
    )
