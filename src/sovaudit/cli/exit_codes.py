"""The exit codes: one table for `sovaudit explain exit-codes`, docs/exit-codes.md and the tests that provoke each."""

from __future__ import annotations

CODES = (
    (0, "ok", "the gate is met: no unwaived failure at or above --fail-on, and nothing unknown beyond --max-unknown"),
    (1, "findings", "at least one unwaived failure at or above --fail-on; an expired waiver is no waiver"),
    (2, "usage", "a flag, setting, waiver, inventory, profile or id to correct; said before any connection"),
    (3, "incomplete", "no blocking failure, but more unknown, error or unreachable than --max-unknown"),
    (4, "integrity", "verify, replay: a digest, signature, trust anchor or recomputed verdict differs"),
    (5, "nothing", "no target or no check was selected"),
    (70, "internal", "a defect of ours; the traceback is saved and its place named"),
    (74, "output", "a result cannot be written; what was collected is kept where it could be"),
    (130, "interrupted", "Ctrl-C; finished targets are kept, audit --resume DIR goes on"),
    (141, "closed pipe", "whoever read standard output went away"),
    (143, "terminated", "SIGTERM; as 130"),
)
PRECEDENCE = "Where several hold: 70 > 2 > 74 > 4 > 1 > 3 > 5 > 0."


def table() -> str:
    """Plain text, a code per line."""
    rows = [f"{code:>3}  {name:<12} {text}" for code, name, text in CODES]
    return "\n".join([*rows, "", PRECEDENCE]) + "\n"


def markdown() -> str:
    """docs/exit-codes.md."""
    rows = [f"| {code} | {name} | {text} |" for code, name, text in CODES]
    head = "# Exit codes\n\nOther people's pipelines depend on these; they do not change.\n\n| code | name | when |\n|---|---|---|\n"
    tail = f"\n\n{PRECEDENCE}\n\nDefaults: `--fail-on high`, `--max-unknown 0`. The last line of the text output always has one shape:\n\n"
    line = "`policy: 3 failing (2 high) · completeness: 97/104 judged, 7 unknown · gate: findings (exit 1)`\n"
    return head + "\n".join(rows) + tail + line
