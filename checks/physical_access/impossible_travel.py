"""No badge is at two sites sooner than anybody can travel between them.

Why: one badge in two towns within minutes is two badges.

The `travel` table says how many minutes the way between two sites takes at least (either way, unless both are given). One answer for each
pair of sites between which a badge went: it fails where a badge was presented at the one less than that after it was presented at the
other, granted or not, and passes where every such way took as long or longer. Sites come from the events or from the `doors` table.

Not applicable where every badge was presented at one and the same site. Unknown for a pair that the table does not name; where events have
no site; where rows of the export could not be read or have codes that the map does not name; and where a time is one that a wall clock does
not tell. Out of reach: controllers whose clocks differ by more than the way takes (physical-access.clock).

Remedy: ask the holder where they were; withdraw the badge, and look for its copy.
"""

from sovaudit.authoring import BadgeLog, Line, Outcomes, check, failed, not_applicable, passed, unknown
from sovaudit.facts import badge_moves
from sovaudit.facts.badges import utc

TRAVELLERS = f"""
SELECT credential FROM uses u LEFT JOIN ways w ON u.access_point = w.access_point
WHERE {badge_moves.PRESENTED} AND credential IS NOT NULL AND coalesce(u.site, w.site) IS NOT NULL
GROUP BY credential HAVING min(coalesce(u.site, w.site)) <> max(coalesce(u.site, w.site))"""
WAYS = f"""
WITH shown AS (
  SELECT e.row, e.event_time AS ms, e.time_note AS note, e.source, coalesce(e.sequence, 0) AS number, credential,
         coalesce(e.site, w.site) AS site
  FROM events e LEFT JOIN ways w ON e.access_point = w.access_point
  WHERE credential IN (SELECT credential FROM travellers) AND {badge_moves.PRESENTED}),
steps AS (
  SELECT *, lag(site) OVER w AS left_site, lag(ms) OVER w AS left_ms, lag(note) OVER w AS left_note
  FROM shown WHERE site IS NOT NULL WINDOW w AS (PARTITION BY credential ORDER BY ms, source, number, row))
SELECT least(left_site, site) AS a, greatest(left_site, site) AS b, row, credential, ms, left_ms, left_site, site,
       note IS NOT NULL OR left_note IS NOT NULL AS doubtful, coalesce(there.minutes, back.minutes) AS minutes
FROM steps
LEFT JOIN travel_ there ON there.site_a = left_site AND there.site_b = site
LEFT JOIN travel_ back ON back.site_a = site AND back.site_b = left_site
WHERE left_site <> site
"""
PAIRS = """
SELECT a, b, count(*), count(minutes), count(*) FILTER (ms - left_ms < minutes * 60000 AND NOT doubtful),
       count(*) FILTER (ms - left_ms < minutes * 60000 AND doubtful) FROM site_ways GROUP BY a, b ORDER BY a, b"""
FAULTS = """
WITH numbered AS (
  SELECT *, row_number() OVER (PARTITION BY a, b ORDER BY ms, row) AS place FROM site_ways WHERE ms - left_ms < minutes * 60000)
SELECT a, b, row, credential, left_site, left_ms, site, ms, minutes FROM numbered WHERE place <= $most ORDER BY a, b, ms, row"""
NOWHERE = f"""
SELECT CAST(coalesce(sum(times), 0) AS BIGINT) FROM uses u LEFT JOIN ways w ON u.access_point = w.access_point
WHERE credential IS NOT NULL AND {badge_moves.PRESENTED} AND coalesce(u.site, w.site) IS NULL"""


@check("physical-access.impossible-travel", severity="high", since="0.2")
def impossible_travel(log: BadgeLog) -> Outcomes:
    log.need("credential")
    sites = list(badge_moves.sites(log))
    ((nowhere,),) = log.query(NOWHERE)
    if len(sites) == 1 and not nowhere and not log.doubts:
        yield not_applicable("every badge was presented at {site}", site=sites[0])
        return
    if len(sites) > 1:
        log.need_table("travel")
        log.keep("travel_", "SELECT site_a, site_b, max(minutes) AS minutes FROM travel GROUP BY site_a, site_b")
        log.keep("travellers", TRAVELLERS)
        log.keep("site_ways", WAYS)
        yield from _pairs(log)
    if nowhere or log.doubts:
        yield unknown(
            "{count} events of badges have no site, and {others} were not understood", gaps=log.doubts, count=nowhere,
            others=log.refused + log.unmapped, settle="Give every reader its site, and mend what could not be read.",
        )  # fmt: skip
    elif len(sites) > 1:
        yield passed("no other badge went between {count} sites", count=len(sites))


def _pairs(log: BadgeLog) -> Outcomes:
    lines: dict[tuple[str, str], list[Line]] = {}
    for a, b, row, badge, start, left, end, came, minutes in log.query(FAULTS, {"most": badge_moves.QUOTED}):
        text = f"{badge} at {start} {utc(left)}, at {end} {utc(came)}; the way takes {minutes} minutes"
        lines.setdefault((a, b), []).append(log.line(row, text))
    for a, b, count, timed, certain, doubtful in log.query(PAIRS):
        name, because = f"{a} - {b}", lines.get((a, b), [])
        if certain:
            yield failed("{count} ways of a badge were too quick", subject=name, because=because, count=certain)
        elif doubtful:
            yield unknown(
                "{count} ways of a badge were too quick, if a wall clock can be believed", subject=name, because=because, count=doubtful,
                settle="Export times that name a moment.",
            )  # fmt: skip
        elif timed < count:
            yield unknown(
                "badges went between {a} and {b}; how long that takes is not said", subject=name, a=a, b=b,
                settle="Give the pair a row in the table of travel.",
            )  # fmt: skip
        else:
            yield passed("{count} ways of badges took long enough", subject=name, count=count)
