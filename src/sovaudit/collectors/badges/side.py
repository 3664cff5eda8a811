"""The tables beside the events: plain files with fixed columns, or with what the map says (docs/badges.md)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sovaudit.collectors.badges import reading, times
from sovaudit.collectors.badges.columns import FARTHEST, MOST, NOTHING, text, whole
from sovaudit.collectors.badges.mapping import BadgeMap, Beside, Column, Time
from sovaudit.collectors.badges.preparing import Prepared, prepare
from sovaudit.errors import CollectError
from sovaudit.facts.badge_events import KEYS, PEOPLE, SIDE_TABLES, TIME
from sovaudit.tables import Engine, Pieces, Scratch, identifier

_FORMATS = {".tsv": "tsv", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl", ".xlsx": "excel", ".xml": "xml"}
_ENDS = ("valid_to", "time_out", "newest", "end")  # a bare date there means the whole of that day
_LAST = 86_399_999
_YES = "('true', 'yes', 'y', '1', 'oui', 'o', 'vrai')"
_NO = "('false', 'no', 'n', '0', 'non', 'faux')"


def keep(name: str, path: Path, beside: Beside, zone: str | None, scratch: Scratch, pieces: Pieces, teach: Any) -> dict[str, Any]:
    """Write one table as an artifact; what `badges/source` says of it. Raises CollectError."""
    kinds = SIDE_TABLES[name]
    ready = prepare(str(path), _shape(path, beside), scratch)
    reading.need_header(ready.refused, ready.plan, str(path))
    have = _columns(ready, str(path))
    given = {column: beside.columns.get(column) or Column(column=column) for column in kinds if column in beside.columns or column in have}
    if KEYS[name] not in given:
        raise CollectError(
            f"has no column {KEYS[name]!r}", status="failed", where=str(path),
            hint=f"The columns of {name} are {', '.join(kinds)}; a map says which others they are: [files.{name}.columns].",
        )  # fmt: skip
    plan = ready.plan.model_copy(update={"columns": given})
    engine = Engine(scratch, reads=[ready.path], ordered=True)
    try:
        teach(engine)
        table = reading.json_lines(ready.path, plan) if plan.format == "jsonl" else reading.delimited(ready.path, plan, str(path))
        used = [column for column in kinds if column in table.plan.columns]
        texts = {column: text(table.plan.columns[column], table.field) if column in used else NOTHING for column in kinds}
        given_ = ", ".join(f'{texts[column]} AS "{column}"' for column in kinds)
        time = beside.time if beside.time.zone else beside.time.model_copy(update={"zone": zone})
        typed = {column: f'"{column} typed"' for column in used if kinds[column] != "VARCHAR"}
        engine.run(f"CREATE TEMP TABLE given AS SELECT {given_} FROM {table.expression}")
        refused = dict(ready.refused) | reading.rejected(engine)
        _type(engine, {column: kinds[column] for column in typed}, time)
        wrong = " OR ".join(
            [f"{KEYS[name]} IS NULL", *(f'("{column}" IS NOT NULL AND {value} IS NULL)' for column, value in typed.items())]
        )
        ((bad,),) = engine.rows(f"SELECT count(*) FROM typed WHERE {wrong}")
        out = scratch.file(f"{identifier(name)}.parquet")
        nothing = {column: f"CAST(NULL AS {kind})" for column, kind in kinds.items() if kind != "VARCHAR"}
        values = {column: f'"{column}"' for column in kinds} | nothing | typed
        chosen = ", ".join(f'{hidden(name, column, value)} AS "{column}"' for column, value in values.items())
        rows = engine.write(f"SELECT DISTINCT {chosen} FROM typed WHERE NOT ({wrong}) ORDER BY ALL", out)
    except ValueError as error:
        raise CollectError(f"cannot be read ({error})", status="failed", where=str(path)) from error
    finally:
        engine.close()
    ready.need_same()
    return {
        "file": ready.name,
        "file_bytes": ready.size,
        "file_sha256": ready.sha256,
        "rows": rows,
        "refused": bad + sum(each.count for each in refused.values()),
        "columns": used,
        "ignored_columns": sorted(set(have) - set(reading.wanted(table.plan)))[:50],
        **pieces.add_table(f"badges/{name}.parquet", out),
    }


def _shape(path: Path, beside: Beside) -> BadgeMap:
    """How the file is taken apart; its columns are not known yet."""
    format_ = beside.format or _format(path)
    return BadgeMap(
        format=format_, encoding=beside.encoding, quote=beside.quote, skip=beside.skip, records=beside.records, sheet=beside.sheet,
        delimiter=beside.delimiter or _delimiter(path, beside, format_), columns={"event_time": Column(value=""), "event": Column(value="")},
    )  # fmt: skip


def _format(path: Path) -> str:
    return _FORMATS.get(path.suffix.lower(), "csv")


def _delimiter(path: Path, beside: Beside, format_: str) -> str | None:
    """A CSV file's own: the one of `, ; tab |` that its header line holds most of."""
    if format_ != "csv":
        return None
    with path.open("rb") as file:
        lines = file.read(1 << 16).decode(beside.encoding, "replace").split("\n")
    return max(",;\t|", key=lines[min(beside.skip, len(lines) - 1)].count)


def _columns(ready: Prepared, where: str) -> list[str]:
    if ready.plan.format != "jsonl":
        return reading.header(ready.path, ready.plan, where)[0]
    import json

    found: dict[str, None] = {}
    with ready.path.open("rb") as file:
        for _, line in zip(range(1000), file, strict=False):
            try:
                row = json.loads(line)
            except ValueError:
                continue
            found |= dict.fromkeys(row) if isinstance(row, dict) else {}
    return list(found)


def _type(engine: Engine, kinds: Mapping[str, str], time: Time) -> None:
    """The table `typed`: `given`, and beside each of these columns its value as `… typed`, NULL for what is none. Names are quoted: one of them,
    `by`, is a word of SQL.
    """
    walls = [
        f'{times.parsed(text, time)} AS "{column} wall", {times.is_local(text, time)} AS "{column} local"'
        for text, column, kind in ((f'"{column}"', column, kind) for column, kind in kinds.items())
        if kind == TIME
    ]
    values = [f'{_value(column, kind, time)} AS "{column} typed"' for column, kind in kinds.items()]
    engine.run(f"CREATE TEMP TABLE typed AS SELECT {', '.join(['*', *values])} FROM (SELECT {', '.join(['*', *walls])} FROM given)")


def _value(column: str, kind: str, time: Time) -> str:
    text = f'"{column}"'
    if kind == "BOOLEAN":
        return f"CASE WHEN lower({text}) IN {_YES} THEN true WHEN lower({text}) IN {_NO} THEN false END"
    if kind == "BIGINT":
        return whole(text, FARTHEST if column == "last_sequence" else MOST)
    end = f" + CASE WHEN length({text}) = 10 THEN {_LAST} ELSE 0 END" if column in _ENDS and time.format == "iso" else ""
    return times.moment(f'"{column} local"', f'"{column} wall"', time) + end


def hidden(table: str, column: str, value: str) -> str:
    """SQL: a value, or its pseudonym where the column says who."""
    kind = PEOPLE.get(column, "")
    return f"{kind}({value})" if kind and (table, column) not in (("hosts", "host"),) else value
