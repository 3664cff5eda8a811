"""Who went from which area to which: passages through readers, and for which areas the log tells who is inside.

A reader leads from the area before it to the area behind it. Its row of the `doors` table says which these are; an event that names areas itself is
believed over it. Direction `out` turns the way round, except where the door has a reader of its own for the way back, or where another
leads back and this one never says `in`. A grant is a passage unless the next that the badge does at that reader, within a minute, is
NO_ENTRY_AFTER_GRANT.

Who is inside is known only of an area each of whose doors records both ways: by a second reader, or by one whose row says
`has_exit_reader` in a log that has directions. Such an area is closed; of any other the answer is unknown by construction. Of an
area that is public nobody can be said to be inside: one walks on from there as one likes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sovaudit.facts import badge_uses, badge_zones
from sovaudit.facts.badges import BadgeLog, utc
from sovaudit.facts.files import Unseen
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

QUOTED = 20
ORDER = "ms, source, number, row"  # of events: by time, then as their controller numbered them, then as they were exported
NO_ENTRY = "NO_ENTRY_AFTER_GRANT"
_NONE = (
    "SELECT CAST(NULL AS VARCHAR) AS access_point, CAST(NULL AS VARCHAR) AS door, CAST(NULL AS VARCHAR) AS site, "
    "CAST(NULL AS VARCHAR) AS area_from, CAST(NULL AS VARCHAR) AS area_to, CAST(NULL AS BOOLEAN) AS has_exit_reader WHERE false"
)
_WAYS = """
WITH given AS ({given}),
one AS (
  SELECT access_point, min(door) AS door, min(site) AS site, min(area_from) AS f, min(area_to) AS t, bool_or(has_exit_reader) AS exit_reader,
         count(DISTINCT (coalesce(area_from, ''), coalesce(area_to, ''))) > 1 AS clash
  FROM given WHERE access_point IS NOT NULL GROUP BY access_point)
SELECT one.*,
  EXISTS (
    SELECT 1 FROM one o WHERE o.f IS NOT DISTINCT FROM one.t AND o.t IS NOT DISTINCT FROM one.f AND (o.door = one.door OR NOT EXISTS (
      SELECT 1 FROM uses u WHERE u.access_point = one.access_point AND u.direction = 'in'))) AS twin,
  EXISTS (SELECT 1 FROM one o WHERE o.f IS NOT DISTINCT FROM one.t AND o.t IS NOT DISTINCT FROM one.f AND o.door = one.door)
    OR (one.door IS NULL AND one.f IS NOT NULL AND one.t IS NOT NULL
      AND (SELECT count(*) FROM one o WHERE o.door IS NULL AND o.f = one.t AND o.t = one.f)
        >= (SELECT count(*) FROM one o WHERE o.door IS NULL AND o.f = one.f AND o.t = one.t)) AS way_back
FROM one
"""
_PASSAGES = """
SELECT row, ms, note, source, number, credential, subject, access_point, site,
       CASE WHEN back THEN t ELSE f END AS left_area, CASE WHEN back THEN f ELSE t END AS area
FROM (
  SELECT e.row, e.event_time AS ms, e.time_note AS note, e.source, coalesce(e.sequence, 0) AS number, e.credential, e.subject, e.access_point,
         coalesce(e.site, w.site) AS site, {cancelled} AS cancelled,
         CASE WHEN e.area_from IS NULL AND e.area_to IS NULL THEN w.f ELSE e.area_from END AS f,
         CASE WHEN e.area_from IS NULL AND e.area_to IS NULL THEN w.t ELSE e.area_to END AS t,
         coalesce(e.direction = 'out', false) AND CASE WHEN e.area_from IS NULL AND e.area_to IS NULL THEN NOT coalesce(w.twin, false)
           ELSE e.area_from IS NULL END AS back
  FROM {events} e LEFT JOIN ways w ON e.access_point = w.access_point)
WHERE NOT cancelled
"""
_ENTERED = """(
  SELECT *, coalesce(lead(event) OVER following = 'NO_ENTRY_AFTER_GRANT' AND access_point IS NOT NULL
    AND lead(event_time) OVER following - event_time <= 60000, false) OR event = 'NO_ENTRY_AFTER_GRANT' AS no_entry
  FROM events WHERE event IN ('GRANTED', 'NO_ENTRY_AFTER_GRANT') AND credential IS NOT NULL {badges}
  WINDOW following AS (PARTITION BY credential, access_point ORDER BY event_time, source, coalesce(sequence, 0), row))"""


def ways(log: BadgeLog) -> None:
    """The table `ways`: access_point, door, site, f(rom), t(o), exit_reader, clash, twin, way_back. Empty without a table of doors."""
    badge_uses.fold(log)
    log.keep(
        "ways",
        _WAYS.format(
            given="SELECT access_point, door, site, area_from, area_to, has_exit_reader FROM doors" if log.has("doors") else _NONE
        ),
    )


def passages(log: BadgeLog, badges: str = "", only: str = "") -> str:
    """SQL of passages: row, ms, note, source, number, credential, subject, access_point, site, left_area, area.

    badges: a condition on events that holds for all of a badge or for none; only: one on single events, as `AND …`.
    """
    ways(log)
    if NO_ENTRY in log.codes:
        return _PASSAGES.format(cancelled="e.no_entry", events=f"(SELECT * FROM {_ENTERED.format(badges=badges)} WHERE true {only})")
    plain = f"(SELECT * FROM events WHERE event = 'GRANTED' AND credential IS NOT NULL {badges} {only})"
    return _PASSAGES.format(cancelled="false", events=plain)


def passages_by_use(log: BadgeLog) -> str:
    """SQL like that of passages, but one row for all of one badge through one reader: ms of the first, number: ms of the last; row 0.
    Some of them may have been no passage (NO_ENTRY_AFTER_GRANT)."""
    ways(log)
    badge_uses.fold(log)
    folded = (
        "(SELECT 0 AS row, first AS event_time, CAST(NULL AS VARCHAR) AS time_note, CAST(NULL AS VARCHAR) AS source, last AS sequence, "
        f"* EXCLUDE (first, last) FROM uses WHERE {badge_uses.GRANTS})"
    )
    return _PASSAGES.format(cancelled="false", events=folded)


@dataclass(frozen=True, slots=True)
class Areas:
    """Of the whole log. closed: areas of which it is known who is inside. public: those where nobody can be said to be. open: the others → why
    it is not known. apart: areas in pieces of the building between which no door leads."""

    closed: frozenset[str]
    public: frozenset[str]
    open: dict[str, str]
    apart: dict[str, int]


def areas(log: BadgeLog) -> Areas:
    """Raises Unseen without a table of doors, readers or badges."""
    log.need_table("doors")
    log.need("access_point", "credential")
    ways(log)
    badge_uses.fold(log)
    ((outs,),) = log.query("SELECT count(*) FROM uses WHERE direction = 'out'")
    why: dict[str, str] = {}
    named: set[str] = set()
    joined: list[set[str]] = []
    for reader, before, behind, exit_reader, clash, way_back in log.query(
        "SELECT access_point, coalesce(f, ''), coalesce(t, ''), coalesce(exit_reader, false), clash, way_back FROM ways ORDER BY 1"
    ):
        sides = {before, behind} - {""}
        named |= sides
        joined.append(sides)
        if clash:
            reason = f"{reader} stands in the table with different areas"
        elif way_back or (exit_reader and outs):
            continue
        elif exit_reader:
            reason = f"no event says `out`, though {reader} is said to read exits"
        else:
            reason = f"{reader} has no exit reader"
        for area in sides:
            why.setdefault(area, reason)
    inner = "SELECT area_from AS area FROM uses WHERE area_from IS NOT NULL UNION SELECT area_to FROM uses WHERE area_to IS NOT NULL"
    strange = {area for (area,) in log.query(f"SELECT DISTINCT area FROM ({inner}) ORDER BY 1")} - named
    why.update((area, "no door of the table leads there") for area in strange)
    levels = badge_zones.Levels(log, badge_zones.PUBLIC_WORDS, (), ())
    public = frozenset(area for area in named if levels.of(area) == badge_zones.PUBLIC)
    opened = {area: reason for area, reason in sorted(why.items()) if area not in public}
    return Areas(frozenset(named - set(why) - public), public, opened, _pieces(joined))


def _pieces(joined: list[set[str]]) -> dict[str, int]:
    """Area → number of the piece that it belongs to."""
    near: dict[str, set[str]] = {}
    for sides in joined:
        for area in sides:
            near.setdefault(area, set()).update(sides)
    found: dict[str, int] = {}
    for area in sorted(near):
        pending = [] if area in found else [area]
        while pending:
            here = pending.pop()
            if here not in found:
                found[here] = len(found) if here == area else found[area]
                pending += near[here]
    return found


def doubts(log: BadgeLog) -> tuple[Gap, ...]:
    """What may be a passage, or may have been one the other way. Raises Unseen."""
    found = list(log.doubts)
    if log.reading.unmapped_directions:
        count = log.reading.unmapped_directions
        found.append(Gap("badges/events: direction", Reason.UNSUPPORTED, f"{count} events with a direction that is neither in nor out"))
    return tuple(found)


_COMBOS = f"""
SELECT *, row_number() OVER (ORDER BY access_point, area_from, area_to, direction) AS row
FROM (SELECT DISTINCT access_point, area_from, area_to, direction FROM uses WHERE {badge_uses.GRANTS})"""
_TURNS = """
WITH numbered AS (SELECT area, CAST(row_number() OVER (ORDER BY area) AS INTEGER) AS n FROM closed_areas)
SELECT c.access_point, c.area_from, c.area_to, c.direction, coalesce(f.n, 0) AS before, coalesce(t.n, 0) AS behind
FROM combos c JOIN ({passages}) p ON p.row = c.row LEFT JOIN numbered f ON p.left_area = f.area LEFT JOIN numbered t ON p.area = t.area
WHERE coalesce(f.n, 0) <> coalesce(t.n, 0)
"""
_STRAYS = """
WITH steps AS (
  SELECT ((((CAST({number} AS {wide}) << {second}) + (e.event_time - {start}) // 1000 << {area}) + t.before) << {area}) + t.behind AS code
  FROM events e JOIN turns t ON {same} {numbers} WHERE e.event = 'GRANTED' AND e.credential IS NOT NULL),
followed AS (SELECT code, lag(code) OVER (ORDER BY code) AS last FROM steps),
astray AS (
  SELECT DISTINCT code >> {badge} AS number FROM followed
  WHERE last >> {badge} = code >> {badge} AND (last >> {areas} = code >> {areas} OR (last & {mask}) <> ((code >> {area}) & {mask})))
SELECT e.credential FROM seen_badges e {numbers} WHERE {number} IN (SELECT number FROM astray)
UNION SELECT credential FROM uses WHERE event = 'NO_ENTRY_AFTER_GRANT' AND credential IS NOT NULL
"""
_NUMBERS = "JOIN (SELECT credential, row_number() OVER (ORDER BY credential) AS number FROM seen_badges) n ON e.credential = n.credential"
WIDTH = 62  # bits that a code of four numbers may have to be sorted in eight bytes


def strays(log: BadgeLog, closed: frozenset[str]) -> None:
    """The table `moves`: passages of every badge that once left an area in which its last passage had not put it, and of some others.

    The rest moves without a contradiction, so that nothing more needs to be asked of it. One pass over the log, of one number for each passage
    (badge, second, area before, area behind): sorting is what costs. What it cannot tell (two passages in a second, a grant that was no entry)
    is astray.
    """
    ways(log)
    badge_uses.know_badges(log)
    log.load("closed_areas", {"area": "VARCHAR"}, [[area] for area in sorted(closed)])
    log.keep("combos", _COMBOS)
    blank = "'' AS time_note, '' AS source, 0 AS sequence, '' AS credential, '' AS subject, CAST(NULL AS VARCHAR) AS site, 0 AS event_time"
    log.keep("turns", _TURNS.format(passages=_PASSAGES.format(cancelled="false", events=f"(SELECT *, {blank} FROM combos)")))
    keys = ["access_point", *(name for name in ("area_from", "area_to", "direction") if log.filled[name])]
    same = " AND ".join(f"e.{key} IS NOT DISTINCT FROM t.{key}" for key in keys)
    ((badges,),) = log.query("SELECT count(*) FROM seen_badges")
    area, second = len(closed).bit_length(), ((log.span[1] - log.span[0]) // 1000).bit_length()
    places = {"second": second, "area": area, "areas": 2 * area, "badge": second + 2 * area, "mask": (1 << area) - 1, "start": log.span[0]}
    number = log.number("credential", "e")
    found = {"number": number or "n.number", "numbers": "" if number else _NUMBERS}
    wide = "BIGINT" if (badges + 1).bit_length() + places["badge"] <= WIDTH else "HUGEINT"
    log.keep("stray_badges", _STRAYS.format(same=same, wide=wide, **places, **found))
    few = passages(log, "AND credential IN (SELECT credential FROM stray_badges)")
    # a record that was delivered twice is one passage
    once = "QUALIFY row_number() OVER (PARTITION BY credential, source, number, ms, access_point, left_area, area ORDER BY row) = 1"
    log.keep("moves", f"SELECT * FROM ({few}) {once}")


_TOUCHES = """
WITH touches AS (
  SELECT credential, left_area AS place, -1 AS sign, ms, note, source, number, row, access_point, area AS other FROM moves
  WHERE left_area IN (SELECT area FROM closed_areas) AND left_area IS DISTINCT FROM area
  UNION ALL
  SELECT credential, area, 1, ms, note, source, number, row, access_point, left_area FROM moves
  WHERE area IN (SELECT area FROM closed_areas) AND left_area IS DISTINCT FROM area),
paired AS (
  SELECT *, lag(sign) OVER w AS last_sign, lag(ms) OVER w AS last_ms, lag(note) OVER w AS last_note, lead(sign) OVER w AS next_sign,
         lead(ms) OVER w AS next_ms, lead(note) OVER w AS next_note
  FROM touches WINDOW w AS (PARTITION BY credential, place ORDER BY ms, source, number, row))
"""


@dataclass(slots=True)
class Found:
    """What was found in one area. certain, doubtful: how many; doubtful where a wall clock does not tell the moment."""

    certain: int = 0
    doubtful: int = 0
    lines: list[Line] = field(default_factory=list)
    moments: list[int] = field(default_factory=list)


def contradictions(log: BadgeLog, closed: frozenset[str]) -> dict[str, Found]:
    """Closed area → passages of a badge into it while inside, or out of it while outside."""
    strays(log, closed)
    found: dict[str, Found] = {}
    for place, row, at, badge, reader, sign, before, doubtful in log.query(
        _TOUCHES
        + "SELECT place, row, ms, credential, coalesce(access_point, ''), sign, last_ms, note IS NOT NULL OR last_note IS NOT NULL "
        "FROM paired WHERE sign = last_sign ORDER BY place, ms, row"
    ):
        word = "enters" if sign > 0 else "leaves"
        here = found.setdefault(place, Found())
        _add(here, doubtful, at, log.line(row, f"{badge} {word} by {reader} at {utc(at)}, as it did at {utc(before)}"))
    return found


def doubles(log: BadgeLog, areas: Areas) -> dict[str, Found]:
    """Closed area → presences of a badge in it, from entry to exit, during which the badge came into another area from a third one.

    Between pieces of a building one walks in the open: such a presence counts only in an area that is said not to be public.
    """
    strays(log, areas.closed)
    levels = badge_zones.Levels(log, (), (), ())
    found: dict[str, Found] = {}
    for place, row, badge, other, third, at, start, end, doubtful in log.query(
        _TOUCHES
        + """, stays AS (
          SELECT credential, place, ms AS start, next_ms AS stop, row, source, number, other AS came_from,
                 note IS NOT NULL OR next_note IS NOT NULL AS doubtful
          FROM paired WHERE sign = 1 AND next_sign = -1)
        SELECT a.place, b.row, a.credential, b.place, b.came_from, b.start, a.start, a.stop, a.doubtful OR b.doubtful
        FROM stays a JOIN stays b ON a.credential = b.credential AND a.place <> b.place AND b.start > a.start AND b.start < a.stop
        WHERE b.came_from IS NOT NULL AND b.came_from <> a.place
        ORDER BY a.place, b.start, b.row, a.start"""
    ):
        if areas.apart.get(third) != areas.apart.get(place) and place not in levels.given:
            continue
        text = f"{badge} comes into {other} at {utc(at)}, inside {place} from {utc(start)} to {utc(end)}"
        _add(found.setdefault(place, Found()), doubtful, at, log.line(row, text))
    return found


def _add(here: Found, doubtful: bool, at: int, line: Line) -> None:
    if doubtful:
        here.doubtful += 1
    else:
        here.certain += 1
    here.moments.append(at)
    if len(here.lines) < QUOTED:
        here.lines.append(line)


def sites(log: BadgeLog) -> Iterator[str]:
    """Names of sites at which badges were presented. Raises Unseen where nothing says. Makes the tables `ways` and `uses`."""
    ways(log)
    badge_uses.fold(log)
    names = [name for (name,) in log.query(SITES)]
    if not names:
        raise Unseen(Gap("badges/events: site", Reason.ABSENT, "neither the events nor the table of doors name a site"))
    yield from names


PRESENTED = "(event IN ('GRANTED', 'NO_ENTRY_AFTER_GRANT', 'PASSBACK_DETECTED', 'DURESS', 'PRESENCE') OR starts_with(event, 'DENIED_'))"
SITES = f"""
SELECT DISTINCT coalesce(u.site, w.site) FROM uses u LEFT JOIN ways w ON u.access_point = w.access_point
WHERE {PRESENTED} AND credential IS NOT NULL AND coalesce(u.site, w.site) IS NOT NULL ORDER BY 1
"""
