"""Wall clocks as moments: SQL over text that gives milliseconds since 1970 in UTC, and says where a wall clock cannot tell.

Zones come from Python's own tables, not from the engine's: a transition is written into the query, and what came out stands in the evidence,
so that a later change of tables changes no verdict. Morocco goes back an hour when Ramadan begins and forward when it ends: once a year an
hour comes twice, and once an hour never comes.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from sovaudit.collectors.badges.mapping import Time
from sovaudit.tables import literal

FIRST = 1980
LAST = 2060
_DAY = 86_400_000
EARLIEST = int(datetime(FIRST, 1, 1, tzinfo=UTC).timestamp()) * 1000
LATEST = int(datetime(LAST, 1, 1, tzinfo=UTC).timestamp()) * 1000


def parsed(text: str, time: Time) -> str:
    """SQL: milliseconds of a text expression, as if its wall clock were UTC; an offset written in the value is taken off. NULL if unreadable.

    Nothing in a value makes the query fail: one bad row would cost all others. `moment` refuses what lies beyond the years that can be.
    """
    if time.format == "iso":
        found = _iso(text)
    elif time.format == "epoch_ms":
        found = f"TRY_CAST({text} AS BIGINT)"
    elif time.format == "epoch_s":
        found = f"CAST(TRY_CAST({text} AS DECIMAL(13, 3)) * 1000 AS BIGINT)"
    elif time.format == "zkteco":
        found = _packed(f"TRY_CAST({text} AS INTEGER)")
    elif time.format.endswith("%f"):
        found = _fraction(text, time.format)
    else:
        found = f"epoch_ms(try_strptime({text}, {literal(time.format)}))"
    return found


def _fraction(text: str, format_: str) -> str:
    """A format that ends in a mark and `%f`: how many digits that takes depends on the engine's version."""
    length = f"instr(reverse({text}), {literal(format_[-3])})"
    whole = f"left({text}, length({text}) - {length})"
    return (
        f"CASE WHEN {length} > 1 THEN epoch_ms(try_strptime({whole}, {literal(format_[:-3])})) "
        f"+ TRY_CAST(rpad(left(right({text}, {length} - 1), 3), 3, '0') AS INTEGER) END"
    )


def _iso(text: str) -> str:
    """Date and time of day, then Z, an offset or nothing. The offset is read here: what the engine makes of one depends on its version."""
    tail = f"substr({text}, 11)"
    plus, minus = f"instr({tail}, '+')", f"instr({tail}, '-')"

    def wall(end: str) -> str:
        return f"epoch_ms(TRY_CAST(rtrim(left({text}, {end})) AS TIMESTAMP))"

    return (
        # by far the commonest shapes first; the rest costs ten times as much. A Z at the end means the same to every version
        f"CASE WHEN strlen({text}) IN (20, 24) AND suffix({text}, 'Z') "
        f"THEN coalesce(epoch_ms(TRY_CAST({text} AS TIMESTAMP)), {wall(f'length({text}) - 1')}) "
        f"WHEN length({text}) = 19 AND substr({text}, 14, 1) = ':' AND substr({text}, 17, 1) = ':' THEN epoch_ms(TRY_CAST({text} AS TIMESTAMP)) "
        # only digits and marks: the engine would also accept `infinity` and names of zones
        f"WHEN length({text}) < 8 OR translate({text}, '0123456789T:.+-/Zz ', '') <> '' OR contains(substr({text}, 12), 'T') "
        "THEN NULL "
        f"WHEN {tail} = '' THEN {wall('10')} "
        f"WHEN suffix({text}, 'Z') OR suffix({text}, 'z') THEN {wall(f'length({text}) - 1')} "
        f"WHEN {plus} > 0 THEN {wall(f'9 + {plus}')} - {_east(f'substr({tail}, {plus} + 1)')} "
        f"WHEN {minus} > 0 THEN {wall(f'9 + {minus}')} + {_east(f'substr({tail}, {minus} + 1)')} "
        f"ELSE {wall(f'length({text})')} END"
    )


def _east(offset: str) -> str:
    """`0130`, `01:30` or `01` in milliseconds."""
    digits = f"replace({offset}, ':', '')"
    hours, minutes = f"TRY_CAST(left({digits}, 2) AS INTEGER)", f"TRY_CAST(right({digits}, 2) AS INTEGER)"
    return (
        f"CASE WHEN {hours} <= 15 AND length({digits}) = 2 THEN {hours} * 3600000 "
        f"WHEN {hours} <= 15 AND length({digits}) = 4 AND {minutes} < 60 THEN ({hours} * 60 + {minutes}) * 60000 END"
    )


def _packed(seconds: str) -> str:
    """((year % 100 * 12 + month - 1) * 31 + day - 1) * 86400 + seconds of the day, as ZKTeco's panels count."""
    days = f"({seconds} // 86400)"
    date = f"try_strptime(concat(2000 + {days} // 372, '-', {days} // 31 % 12 + 1, '-', {days} % 31 + 1), '%Y-%m-%d')"
    return f"CASE WHEN {seconds} >= 0 THEN epoch_ms({date}) + {seconds} % 86400 * 1000 END"


def is_local(text: str, time: Time) -> str:
    """SQL: whether a value says nothing of its zone."""
    if time.tells_zone:
        return "false"
    if time.format == "iso":
        tail = f"substr({text}, 11)"
        others = f"suffix({text}, 'z') OR contains({tail}, '+') OR contains({tail}, '-')"
        return f"CASE WHEN suffix({text}, 'Z') THEN false WHEN length({text}) = 19 AND substr({text}, 17, 1) = ':' THEN true ELSE NOT ({others}) END"
    return "true"


@cache
def _changes(zone: str) -> tuple[tuple[int, int, int], ...]:
    """(moment in ms, offset before in ms, offset after in ms) of each change of a zone's clock."""
    table = ZoneInfo(zone)

    def offset(at: int) -> int:
        shift = datetime.fromtimestamp(at // 1000, UTC).astimezone(table).utcoffset() or timedelta()
        return int(shift.total_seconds()) * 1000

    found = []
    for start in range(EARLIEST, LATEST, _DAY):
        before, after = offset(start), offset(start + _DAY)
        if before != after:
            low, high = start, start + _DAY
            while high - low > 1000:
                middle = (low + high) // 2000 * 1000
                low, high = (middle, high) if offset(middle) == before else (low, middle)
            found.append((high, before, after))
    return tuple(found)


def offsets(zone: str | None) -> list[list[int]]:
    """[from when in ms, milliseconds east of UTC], ascending, the first from the beginning: the local time of each moment. Empty without a zone."""
    if zone is None:
        return []
    changes = _changes(zone)
    shift = datetime(FIRST, 1, 1, tzinfo=ZoneInfo(zone)).utcoffset() or timedelta()
    first = changes[0][1] if changes else int(shift.total_seconds()) * 1000
    return [[EARLIEST, first], *([moment, after] for moment, _, after in changes)]


def _pieces(zone: str) -> list[tuple[int, str, str]]:
    """(first wall clock ms, UTC offset as SQL, note as SQL), ascending; the first holds from the beginning."""
    changes = _changes(zone)
    first = (
        changes[0][1] if changes else int((datetime(FIRST, 1, 1, tzinfo=ZoneInfo(zone)).utcoffset() or timedelta()).total_seconds()) * 1000
    )
    rows = [(EARLIEST - _DAY, str(first), "NULL")]
    for moment, before, after in changes:
        low, high = sorted((moment + before, moment + after))
        # forward: clocks jump from low to high, nothing lies between. back: what lies between comes twice, and counts as the first time.
        rows.append((low, str(before), "'missing'" if after > before else "'repeated'"))
        rows.append((high, str(after), "NULL"))
    return rows


def _search(column: str, rows: list[tuple[int, str]]) -> str:
    """SQL: the value that holds at a time, by halving."""
    if len(rows) == 1:
        return rows[0][1]
    middle = len(rows) // 2
    low, high = _search(column, rows[:middle]), _search(column, rows[middle:])
    return low if low == high else f"CASE WHEN {column} < {rows[middle][0]} THEN {low} ELSE {high} END"


def moment(local: str, wall: str, time: Time) -> str:
    """SQL: the moment of a parsed value. local: whether it names no zone. NULL without a zone for such a value, and before 1980 or after 2060."""
    within = f"{wall} BETWEEN {EARLIEST} AND {LATEST}"
    if time.tells_zone:
        return f"CASE WHEN {within} THEN {wall} END"
    if time.zone is None:
        return f"CASE WHEN {within} AND NOT {local} THEN {wall} END"
    east = _search(wall, [(at, offset) for at, offset, _ in _pieces(time.zone)])
    if east == "0":
        return f"CASE WHEN {within} THEN {wall} END"
    return f"CASE WHEN {within} THEN {wall} - CASE WHEN {local} THEN {east} ELSE 0 END END"


def note(local: str, wall: str, time: Time) -> str:
    """SQL: `repeated` or `missing` where a wall clock does not tell the moment, else NULL."""
    if time.tells_zone or time.zone is None:
        return "CAST(NULL AS VARCHAR)"
    found = _search(wall, [(at, note) for at, _, note in _pieces(time.zone)])
    return "CAST(NULL AS VARCHAR)" if found == "NULL" else f"CASE WHEN {local} THEN CAST({found} AS VARCHAR) END"
