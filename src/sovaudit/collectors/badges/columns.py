"""A map as one query: text from a file in, canonical events out. Everything that comes from the map enters as an SQL literal."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sovaudit.collectors.badges import times
from sovaudit.collectors.badges.mapping import BadgeMap, Column
from sovaudit.facts.badge_events import CODES, EVENT_COLUMNS, UNMAPPED
from sovaudit.tables import literal

Field = Callable[[str], str]
"""Column of the file → SQL that gives its text."""
_TEXT = tuple(name for name in EVENT_COLUMNS if EVENT_COLUMNS[name] == "VARCHAR" and name not in ("time_note", "event_native", "refused"))
NOTHING = "CAST(NULL AS VARCHAR)"


def events_query(plan: BadgeMap, field: Field, source: str, default_source: str, *, broken: str = "") -> str:
    """SQL for the columns of EVENT_COLUMNS from `source`, a table expression. broken: a condition that refuses a row as not readable."""
    given = {name: text(column, field) for name, column in plan.columns.items()}
    given.setdefault("source", literal(default_source))
    received = plan.received or plan.time
    return (
        f"WITH given AS (SELECT {_unique(given)}, {broken or 'false'} AS broken FROM {source}), "
        f"timed AS (SELECT *, {times.parsed('event_time', plan.time)} AS wall, {times.is_local('event_time', plan.time)} AS zoneless, "
        f"{times.parsed('received_time', received)} AS received_wall, {times.is_local('received_time', received)} AS received_zoneless, "
        f"TRY_CAST(sequence AS BIGINT) AS number FROM given), "
        f"placed AS (SELECT *, {times.moment('zoneless', 'wall', plan.time)} AS moment, {times.note('zoneless', 'wall', plan.time)} AS note, "
        f"{times.moment('received_zoneless', 'received_wall', received)} AS received_moment FROM timed) "
        f"SELECT moment AS event_time, received_moment AS received_time, note AS time_note, source, number AS sequence, site, "
        f"area_from, area_to, access_point, {_direction()} AS direction, badge(credential) AS credential, person(subject) AS subject, "
        f"{_event(plan.events)} AS event, "
        f"coalesce(event, '') AS event_native, verify_mode, CASE WHEN broken THEN 'unreadable' WHEN moment IS NULL THEN 'time' "
        f"WHEN received_time IS NOT NULL AND received_moment IS NULL THEN 'received_time' "
        f"WHEN sequence IS NOT NULL AND number IS NULL THEN 'sequence' END AS refused FROM placed"
    )


def _unique(given: Mapping[str, str]) -> str:
    names = ("event_time", "received_time", "sequence", *_TEXT)
    return ", ".join(f"{given.get(name, NOTHING)} AS {name}" for name in names)


def text(column: Column, field: Field) -> str:
    """SQL for a column's text, trimmed, NULL if empty."""
    if column.value is not None:
        found = literal(column.value)
    elif column.column is not None:
        found = field(column.column)
    elif column.either:
        several = ", ".join(f"nullif(trim({field(name)}), '')" for name in column.either)
        found = f"coalesce({several})"
    else:
        found = f"concat_ws({literal(column.join)}, {', '.join(field(name) for name in column.columns)})"
    if column.match is not None:
        found = f"regexp_extract({found}, {literal(column.match)}, 1)"
    found = _trimmed(found)
    if column.map:
        whens = " ".join(f"WHEN {literal(key)} THEN {literal(value) if value else 'NULL'}" for key, value in column.map.items())
        found = f"CASE {found} {whens} ELSE {found} END"
    return found


def _trimmed(found: str) -> str:
    """SQL: a text without blanks around it, NULL if nothing is left. Most values need no trimming, and are seen to for a third of what it costs."""
    trimmed = f"nullif(trim({found}), '')"
    if not found.isidentifier():
        return trimmed
    return (
        f"CASE WHEN {found} BETWEEN '!' AND '~' AND NOT suffix({found}, ' ') AND length({found}) = strlen({found}) THEN {found} "
        f"ELSE {trimmed} END"
    )


def _direction() -> str:
    return (
        "CASE WHEN direction IN ('in', 'out') THEN direction WHEN lower(direction) IN ('in', 'out') THEN lower(direction) "
        "WHEN direction IS NOT NULL THEN 'unmapped' END"
    )


def _event(events: Mapping[str, str]) -> str:
    """Without a table of codes, the canonical words themselves are understood."""
    if not events:
        known = ", ".join(literal(code) for code in sorted(CODES - {UNMAPPED}))
        return f"CASE WHEN event IN ({known}) THEN event ELSE '{UNMAPPED}' END"
    whole = [f"WHEN event = {literal(key)} THEN {literal(code)}" for key, code in events.items() if not key.endswith("*")]
    begins = sorted((key[:-1] for key in events if key.endswith("*")), key=len, reverse=True)
    whole += [f"WHEN starts_with(event, {literal(key)}) THEN {literal(events[key + '*'])}" for key in begins]
    return f"CASE {' '.join(whole)} ELSE '{UNMAPPED}' END"
