"""A map as one query: text from a file in, canonical events out. Everything that comes from the map enters as an SQL literal."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sovaudit.collectors.badges import times
from sovaudit.collectors.badges.mapping import BadgeMap, Column
from sovaudit.facts.badge_events import ALWAYS_FILLED, CODES, EVENT_COLUMNS, UNMAPPED
from sovaudit.tables import Engine, literal

Field = Callable[[str], str]
"""Column of the file → SQL that gives its text."""
CODE, WAY, NOTE, WHY = "event_code", "event_way", "event_note", "event_refused"
WORDS = {
    CODE: sorted(CODES),
    WAY: ("in", "out", "unmapped"),
    NOTE: ("missing", "repeated"),
    WHY: ("received_time", "sequence", "time", "unreadable"),
}
"""Types of columns that hold one of a few words: written as numbers, which costs an eighth, and read as text."""
_TEXT = tuple(name for name in EVENT_COLUMNS if EVENT_COLUMNS[name] == "VARCHAR" and name not in ("time_note", "event_native", "refused"))
REPEATED = {"source": "event_source", "access_point": "event_reader"}
"""Columns of text in which a few words come again and again, and the types of these words if the beginning of a log has them all."""
BEGINNING = 200_000  # rows
MOST_WORDS = 5000
NOTHING = "CAST(NULL AS VARCHAR)"
FARTHEST = 1 << 61  # numbers of records: so that they can be taken from each other
MOST = 1 << 31  # other counts, such as minutes


def know_words(engine: Engine) -> None:
    """The types that `events_query` needs."""
    for kind, words in WORDS.items():
        engine.run(f"CREATE TYPE {kind} AS ENUM ({', '.join(map(literal, words))})")


def few_words(engine: Engine, plan: BadgeMap, field: Field, source: str, *, spaced: bool) -> dict[str, str]:
    """Column of REPEATED → the type of its words, where half of a log's beginning has every word of the whole beginning. Raises ValueError."""
    given = {name: text(plan.columns[name], field, spaced=spaced) for name in REPEATED if name in plan.columns}
    if not given:
        return {}
    words = ", ".join(f"list(DISTINCT {name} ORDER BY {name}), count(DISTINCT {name}) FILTER (place <= {BEGINNING // 2})" for name in given)
    asked = ", ".join(f"{value} AS {name}" for name, value in given.items())
    (found,) = engine.rows(
        f"SELECT {words} FROM (SELECT {asked}, row_number() OVER () AS place FROM (SELECT * FROM {source} LIMIT {BEGINNING}))"
    )
    known: dict[str, str] = {}
    for name, every, early in zip(given, found[::2], found[1::2], strict=True):
        texts = [word for word in every or () if word is not None]
        if len(texts) == early <= MOST_WORDS and texts and not any("\0" in word for word in texts):
            engine.run(f"CREATE TYPE {REPEATED[name]} AS ENUM ({', '.join(map(literal, texts))})")
            known[name] = REPEATED[name]
    return known


def _word(text: str, kind: str) -> str:
    return f"CAST({literal(text)} AS {kind})"


def filled(plan: BadgeMap) -> list[str]:
    """Columns of EVENT_COLUMNS that a map fills, in their order: the others are not written."""
    noted = times.note("zoneless", "wall", plan.time) != NOTHING
    return [name for name in EVENT_COLUMNS if name in ALWAYS_FILLED or name in plan.columns or (name == "time_note" and noted)]


def events_query(
    plan: BadgeMap, field: Field, source: str, default_source: str, *, broken: str = "", spaced: bool = True,
    words: Mapping[str, str] | None = None,
) -> str:  # fmt: skip
    """SQL for the columns of `filled` from `source`, a table expression. broken: a condition that refuses a row as not readable.

    spaced: whether a value may begin or end with a blank. words: types of columns of few words, as `few_words` gives them; the query fails on
    any other.
    """
    given = {name: text(column, field, spaced=spaced) for name, column in plan.columns.items()}
    given.setdefault("source", literal(default_source))
    received = plan.received or plan.time
    shown = {name: name for name in _TEXT} | {"credential": "badge(credential)", "subject": "person(subject)"}
    why = (
        f"CASE WHEN broken THEN {_word('unreadable', WHY)} WHEN moment IS NULL THEN {_word('time', WHY)} "
        f"WHEN received_time IS NOT NULL AND received_moment IS NULL THEN {_word('received_time', WHY)} "
        f"WHEN sequence IS NOT NULL AND number IS NULL THEN {_word('sequence', WHY)} END"
    )
    shown |= {"event_time": "moment", "received_time": "received_moment", "time_note": "note", "sequence": "number", "refused": why}
    shown |= {name: f"CAST({name} AS {kind})" for name, kind in (words or {}).items()}
    shown |= {"direction": _direction(), "event": "code", "event_native": _native(plan.events)}
    return (
        f"WITH given AS (SELECT {_unique(given)}, {broken or 'false'} AS broken FROM {source}), "
        f"timed AS (SELECT *, {times.parsed('event_time', plan.time)} AS wall, {times.is_local('event_time', plan.time)} AS zoneless, "
        f"{times.parsed('received_time', received)} AS received_wall, {times.is_local('received_time', received)} AS received_zoneless, "
        f"{whole('sequence', FARTHEST)} AS number, {_event(plan.events)} AS code FROM given), "
        f"placed AS (SELECT *, {times.moment('zoneless', 'wall', plan.time)} AS moment, "
        f"CAST({times.note('zoneless', 'wall', plan.time)} AS {NOTE}) AS note, "
        f"{times.moment('received_zoneless', 'received_wall', received)} AS received_moment FROM timed) "
        f"SELECT {', '.join(f'{shown[name]} AS {name}' for name in filled(plan))} FROM placed"
    )


def whole(value: str, most: int) -> str:
    """SQL: a text's whole number; NULL for what is none, or beyond what anybody counts."""
    return f"CASE WHEN TRY_CAST({value} AS BIGINT) BETWEEN {-most} AND {most} THEN TRY_CAST({value} AS BIGINT) END"


def _unique(given: Mapping[str, str]) -> str:
    names = ("event_time", "received_time", "sequence", *_TEXT)
    return ", ".join(f"{given.get(name, NOTHING)} AS {name}" for name in names)


def text(column: Column, field: Field, *, spaced: bool = True) -> str:
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
    found = _trimmed(found) if spaced or not found.isidentifier() else f"nullif({found}, '')"
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
    whens = " ".join(f"WHEN {form} = '{way}' THEN {_word(way, WAY)}" for form in ("direction", "lower(direction)") for way in ("in", "out"))
    return f"CASE {whens} WHEN direction IS NOT NULL THEN {_word('unmapped', WAY)} END"


def _event(events: Mapping[str, str]) -> str:
    """Without a table of codes, the canonical words themselves are understood."""
    if not events:
        return f"coalesce(TRY_CAST(event AS {CODE}), {_word(UNMAPPED, CODE)})"
    whole = [f"WHEN event = {literal(key)} THEN {_word(code, CODE)}" for key, code in events.items() if not key.endswith("*")]
    begins = sorted((key[:-1] for key in events if key.endswith("*")), key=len, reverse=True)
    whole += [f"WHEN starts_with(event, {literal(key)}) THEN {_word(events[key + '*'], CODE)}" for key in begins]
    return f"CASE {' '.join(whole)} ELSE {_word(UNMAPPED, CODE)} END"


def _native(events: Mapping[str, str]) -> str:
    """The text that stood for an event, where the event does not tell it: one code of ours for one of theirs."""
    given = list(events.values())
    told = [code for key, code in events.items() if not key.endswith("*") and given.count(code) == 1] if events else CODES
    kept = "coalesce(event, '')"
    # not IN: the engine would join a long list, and what it joins comes in any order
    names = " ".join(f"WHEN {_word(code, CODE)} THEN {NOTHING}" for code in sorted(told) if code != UNMAPPED)
    return f"CASE code {names} ELSE {kept} END" if names else kept
