"""`people:FILE`: who works here and who has left, as human resources keep it. Names of persons are read to tell them apart, and not kept."""

from __future__ import annotations

from collections.abc import Iterator

from sovaudit.collectors import pseudonyms, tabular
from sovaudit.collectors.cells import List, Row
from sovaudit.collectors.options import CollectOptions
from sovaudit.model.evidence import Evidence, Target

__all__ = ["collect", "parse", "plan"]

PEOPLE = List(
    "people",
    columns=("id", "name", "account", "badge", "status", "left_on", "joined_on"),
    needed=("id",),
    several=("account", "badge"),
    days=("left_on", "joined_on"),
    words={"status": ("active", "left", "suspended")},
    unkept=("name",),
)


def parse(text: str) -> Target:
    """Raises UsageError."""
    return tabular.parse(text, PEOPLE)


def collect(target: Target, options: CollectOptions) -> Evidence:
    """Every row of the roster. `person` and each `badge` as pseudonyms, the same as in evidence of badges, unless names were asked for."""

    def finish(rows: list[Row]) -> None:
        _forget_names(rows)
        if options.identify:
            return
        person, badge = (pseudonyms.under(options.people_key, kind) for kind in ("person", "badge"))
        for row in rows:
            if "id" in row:
                row["person"] = person(row["id"])
            if "badge" in row:
                row["badge"] = list(map(badge, row["badge"]))

    found = tabular.collect(target, options, PEOPLE, finish=finish)
    return redact(found, options) if options.redact else found


def redact(evidence: Evidence, options: CollectOptions) -> Evidence:
    """Evidence to hand over: ids and badges under pseudonyms. Logins stay, since hosts and directories have them. Raises UsageError."""
    named = evidence.identity.get("people") == pseudonyms.NAMED
    person, badge = (pseudonyms.under(options.people_key, kind) for kind in ("person", "badge"))

    def change(rows: list[Row]) -> None:
        for row in rows:
            if "id" in row:
                row["id"] = row.pop("person", None) or person(row["id"])
            if "badge" in row and named:
                row["badge"] = list(map(badge, row["badge"]))

    return tabular.rewritten(evidence, PEOPLE, change)


def names_in(evidence: Evidence) -> Iterator[tuple[str, str]]:
    """(`person` or `badge`, id or badge), each once, of a roster taken with `identify`."""
    found: dict[tuple[str, str], None] = {}
    for row in tabular.rows_in(evidence, PEOPLE):
        found.update({("person", row[name]): None for name in ("id",) if name in row})
        found.update({("badge", badge): None for badge in row.get("badge", ())})
    yield from found


def _forget_names(rows: list[Row]) -> None:
    """Take the names out of the rows. One id under two of them is two persons, or a mistake: its rows say so."""
    names: dict[str, str] = {}
    wrong: set[str] = set()
    for row in rows:
        name = row.pop("name", None)
        if name is not None and "id" in row:
            first = names.setdefault(row["id"], name)
            if first != name and _plain(first) != _plain(name):
                wrong.add(row["id"])
    for row in rows if wrong else ():
        if row.get("id") in wrong:
            row["refused"] = [*row.get("refused", ()), "id: under two names"]


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())


def plan(target: Target, options: CollectOptions) -> tuple[str, ...]:
    return tabular.plan_lines(target, PEOPLE)
