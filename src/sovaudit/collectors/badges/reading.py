"""Files as rows of text that DuckDB can read: what each format needs before its columns have names."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sovaudit.collectors.badges.mapping import BadgeMap
from sovaudit.collectors.badges.sieve import MAX_LINE, Refused, regular
from sovaudit.errors import CollectError
from sovaudit.tables import Engine, literal

MAX_COLUMNS = 1000
_NOTHING = "\x1e"  # no text means NULL: an empty value is one
_SEPARATOR = "\x1f"  # the ASCII unit separator: no text file of lines holds it, so that one line stays one column


@dataclass(frozen=True, slots=True)
class Table:
    """expression: what a query reads from. columns: how each column of the file is written in SQL. skip: lines before the rows.

    plan: the map as it fits the file. broken: which rows are none.
    """

    expression: str
    columns: dict[str, str]
    skip: int
    plan: BadgeMap
    broken: str = ""

    def field(self, name: str) -> str:
        return self.columns[name]


def delimiter(plan: BadgeMap) -> str:
    return plan.delimiter or ("\t" if plan.format == "tsv" else ",")


def header(path: Path, plan: BadgeMap, where: str) -> tuple[list[str], int]:
    """Names of the columns of a delimited file, and how many lines stand before its rows. Raises CollectError."""
    if not plan.header:
        return list(plan.names), plan.skip
    with regular(path) as file:
        lines = [file.readline(MAX_LINE) for _ in range(plan.skip + 1)]
    text = lines[-1].decode("utf-8", "backslashreplace").removeprefix("\ufeff").strip("\r\n")
    if not text.strip():
        raise CollectError("is empty" if not any(map(bytes.strip, lines)) else "has no header line", status="failed", where=where)
    try:
        rows = list(
            csv.reader(
                [text], delimiter=delimiter(plan), quotechar=plan.quote or None, quoting=csv.QUOTE_MINIMAL if plan.quote else csv.QUOTE_NONE
            )
        )
    except csv.Error as error:
        raise CollectError(f"its header line cannot be read as CSV ({error})", status="failed", where=where) from error
    names = [name.strip() for name in rows[0]]
    if len(names) > MAX_COLUMNS:
        raise CollectError(f"has {len(names)} columns: more than {MAX_COLUMNS}", status="failed", where=where)
    return names, plan.skip + 1


def need_header(refused: Mapping[str, Refused], plan: BadgeMap, where: str) -> None:
    """Raises CollectError if the line with the names of the columns could not be read."""
    if plan.format not in ("csv", "tsv") or not plan.header:
        return
    hints = dict.fromkeys(("encoding", "NUL"), 'Name its encoding in the map, such as encoding = "windows-1252" or "utf-16".')
    for reason in ("encoding", "NUL", "long line", "carriage return", "open quote"):
        if reason in refused and plan.skip + 1 in refused[reason].first:
            what = f"its header line cannot be read ({reason})"
            raise CollectError(what, status="failed", where=where, hint=hints.get(reason, ""))


def wanted(plan: BadgeMap) -> list[str]:
    """Columns of the file that a map reads."""
    return sorted({name for column in plan.columns.values() for name in column.names})


def fitted(have: Sequence[str], plan: BadgeMap, where: str) -> BadgeMap:
    """The map without what is optional and not there. Raises CollectError if it names other columns that are not there, or that stand twice."""
    absent = [name for column in plan.columns.values() if not column.optional for name in column.missing(have)]
    if absent:
        raise CollectError(
            f"has no column {', '.join(map(repr, sorted(set(absent))))}", status="failed", where=where,
            hint=f"Its columns are {', '.join(map(repr, have[:30]))}: mend the map.",
        )  # fmt: skip
    kept = {name: column.within(have) for name, column in plan.columns.items() if not column.missing(have)}
    found = plan.model_copy(update={"columns": kept})
    twice = [name for name in wanted(found) if list(have).count(name) > 1]
    if twice:
        raise CollectError(f"has two columns {twice[0]!r}", status="failed", where=where, hint="Rename one, or map a file without header.")
    return found


def delimited(path: Path, plan: BadgeMap, where: str) -> Table:
    """A CSV or TSV file. Rows with too few or too many columns are rejected by the engine; `rejected` counts them."""
    names, skip = header(path, plan, where)
    plan = fitted(names, plan, where)
    types = ", ".join(f"'c{number}': 'VARCHAR'" for number in range(len(names)))
    quote = f"quote = {literal(plan.quote)}, escape = {literal(plan.quote)}"
    expression = (
        f"read_csv({literal(str(path))}, auto_detect = false, columns = {{{types}}}, delim = {literal(delimiter(plan))}, {quote}, "
        f"header = false, skip = {skip}, store_rejects = true, rejects_limit = 0, max_line_size = {2 * MAX_LINE}, nullstr = '{_NOTHING}')"
    )
    return Table(expression, {name: f"c{number}" for number, name in enumerate(names)}, skip, plan)


def json_lines(path: Path, plan: BadgeMap) -> Table:
    """One JSON object a line. A column `a.b` is b inside a; an absent one is empty, as JSON has it."""
    lines = (
        f"(SELECT CASE WHEN json_valid(line) AND json_type(line) = 'OBJECT' THEN line END AS given FROM read_csv({literal(str(path))}, "
        f"auto_detect = false, columns = {{'line': 'VARCHAR'}}, delim = '{_SEPARATOR}', quote = '', escape = '', header = false, "
        f"skip = {plan.skip}, store_rejects = true, rejects_limit = 0, max_line_size = {2 * MAX_LINE}, nullstr = '{_NOTHING}') "
        "WHERE trim(line) <> '')"
    )
    return Table(lines, {name: f"(given ->> {literal(pointer(name))})" for name in wanted(plan)}, plan.skip, plan, "given IS NULL")


def pointer(name: str) -> str:
    """`a.b` as a JSON pointer."""
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in name.split("."))


def rejected(engine: Engine) -> dict[str, Refused]:
    """What the engine could not take apart, by reason, one count a line."""
    found: dict[str, Refused] = {}
    query = "SELECT lower(min(CAST(error_type AS VARCHAR))), line FROM reject_errors GROUP BY line ORDER BY line"
    for reason, line in engine.rows(query):
        found.setdefault(str(reason), Refused()).add(int(line))
    return found
