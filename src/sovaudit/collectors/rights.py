"""`rights:FILE`: the declared matrix of rights. See docs/rights.md for its words."""

from __future__ import annotations

from sovaudit.collectors import pseudonyms, tabular
from sovaudit.collectors.cells import List, Row
from sovaudit.collectors.options import CollectOptions
from sovaudit.model.evidence import Evidence, Target

__all__ = ["collect", "parse", "plan"]

RIGHTS = List(
    "rights",
    columns=("account", "right", "granted_by", "reviewed_on", "reviewed_by", "place"),
    needed=("account", "right"),
    days=("reviewed_on",),
)


def parse(text: str) -> Target:
    """Raises UsageError."""
    return tabular.parse(text, RIGHTS)


def collect(target: Target, options: CollectOptions) -> Evidence:
    """Every row of the matrix. Raises CollectError."""
    found = tabular.collect(target, options, RIGHTS)
    return redact(found, options) if options.redact else found


def redact(evidence: Evidence, options: CollectOptions) -> Evidence:
    """Evidence to hand over: who granted and reviewed under pseudonyms, unless it is a login of the matrix itself. Raises UsageError."""

    person = pseudonyms.under(options.people_key, "person")

    def change(rows: list[Row]) -> None:
        logins = {row["account"].casefold() for row in rows if "account" in row}
        for row in rows:
            for name in ("granted_by", "reviewed_by"):
                if name in row and row[name].casefold() not in logins:
                    row[name] = person(row[name])

    return tabular.rewritten(evidence, RIGHTS, change)


def plan(target: Target, options: CollectOptions) -> tuple[str, ...]:
    return tabular.plan_lines(target, RIGHTS)
