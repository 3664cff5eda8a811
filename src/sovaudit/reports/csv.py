"""The report as CSV (RFC 4180, UTF-8 with a byte order mark, which spreadsheets need): one answer a row."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

from sovaudit.model.report import Report
from sovaudit.reports.pages import CheckText, installed_checks
from sovaudit.reports.rows import rows

COLUMNS = (
    "verdict", "severity", "check", "title", "target", "subject", "message", "seen", "place", "parameters", "controls", "waiver", "remedy",
    "settle",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "|", "%")


def render_csv(report: Report, *, language: str = "fr", pages: Mapping[str, CheckText] | None = None) -> str:
    """Column names are fixed; texts are in the language asked for. Raises UsageError for a language we do not have."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows(report, language, installed_checks() if pages is None else pages):
        cells = (
            row.verdict, row.severity.value, row.check, row.title, row.target, row.subject, row.message, row.seen, row.place, row.params,
            " ".join(row.controls), row.waiver, row.remedy, row.settle,
        )  # fmt: skip
        writer.writerow([cell_of(cell) for cell in cells])
    return "\ufeff" + out.getvalue()


def cell_of(text: str) -> str:
    """No cell begins a formula: a spreadsheet would run what a host wrote."""
    return "'" + text if text.lstrip(" \u00a0\u202f").startswith(_FORMULA) else text
