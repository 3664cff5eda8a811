"""`people:FILE`: who works here and who has left, as human resources keep it. Names of persons are read to tell them apart, and not kept."""

from __future__ import annotations

from sovaudit.collectors import pseudonyms, tabular
from sovaudit.collectors.options import CollectOptions
from sovaudit.collectors.tabular import Row
from sovaudit.model.evidence import Evidence, Target

__all__ = ["collect", "parse", "plan"]

PEOPLE = tabular.List(
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
        _clashes(rows)
        for row in rows:
            row.pop("name", None)
            if options.identify:
                continue
            if "id" in row:
                row["person"] = pseudonyms.pseudonym(options.people_key, "person", row["id"])
            if "badge" in row:
                row["badge"] = [pseudonyms.pseudonym(options.people_key, "badge", badge) for badge in row["badge"]]

    found = tabular.collect(target, options, PEOPLE, finish=finish)
    return redact(found, options) if options.redact else found


def redact(evidence: Evidence, options: CollectOptions) -> Evidence:
    """Evidence to hand over: ids and badges under pseudonyms. Logins stay, since hosts and directories have them. Raises UsageError."""
    named = evidence.identity.get("people") == pseudonyms.NAMED

    def change(rows: list[Row]) -> None:
        for row in rows:
            if "id" in row:
                row["id"] = row.pop("person", None) or pseudonyms.pseudonym(options.people_key, "person", row["id"])
            if "badge" in row and named:
                row["badge"] = [pseudonyms.pseudonym(options.people_key, "badge", badge) for badge in row["badge"]]

    return tabular.rewritten(evidence, PEOPLE, change)


def _clashes(rows: list[Row]) -> None:
    """One id under two names is two persons, or a mistake: the rows say so, since the names are not kept."""
    names: dict[str, str] = {}
    wrong: set[str] = set()
    for row in rows:
        if "id" in row and "name" in row and names.setdefault(row["id"], _plain(row["name"])) != _plain(row["name"]):
            wrong.add(row["id"])
    for row in rows:
        if row.get("id") in wrong:
            row["refused"] = [*row.get("refused", ()), "id: under two names"]


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())


def plan(target: Target, options: CollectOptions) -> tuple[str, ...]:
    return tabular.plan_lines(target, PEOPLE)
