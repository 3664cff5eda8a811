"""`rights:FILE`: the declared matrix of rights. See docs/rights.md for its words."""

from __future__ import annotations

from sovaudit.collectors import tabular
from sovaudit.collectors.options import CollectOptions
from sovaudit.model.evidence import Evidence, Target

__all__ = ["collect", "parse", "plan"]

RIGHTS = tabular.List(
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
    return tabular.collect(target, options, RIGHTS)


def plan(target: Target, options: CollectOptions) -> tuple[str, ...]:
    return tabular.plan_lines(target, RIGHTS)
