"""The report as OCSF events (class 2003, Compliance Finding, schema 1.3.0), one JSON object a line, for security lakes and SIEMs.

One event an answer. What was not seen is `Warning` (the standard's word for no result for want of information), never `Pass`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sovaudit import canon
from sovaudit.model.report import Report
from sovaudit.model.verdict import Severity
from sovaudit.reports.pages import CheckText, installed_checks
from sovaudit.reports.rows import Row, rows

_SEVERITIES = {Severity.LOW: (2, "Low"), Severity.MEDIUM: (3, "Medium"), Severity.HIGH: (4, "High"), Severity.CRITICAL: (5, "Critical")}
_STATUSES = {"pass": (1, "Pass"), "fail": (3, "Fail"), "waived": (3, "Fail"), "unknown": (2, "Warning"), "error": (2, "Warning")}


def render_ocsf(report: Report, *, language: str = "fr", pages: Mapping[str, CheckText] | None = None) -> str:
    """JSON Lines. What does not apply is left out: the class has no word for it. Raises UsageError for a language we do not have."""
    kinds = {note.id: note.kind for note in report.targets}
    standards = sorted(note.id for note in report.directives)
    time = int(datetime.fromisoformat(report.issued_at).timestamp() * 1000)
    told = (row for row in rows(report, language, installed_checks() if pages is None else pages) if row.verdict in _STATUSES)
    return "".join(json.dumps(_event(report, row, kinds, standards, time), ensure_ascii=False, sort_keys=True) + "\n" for row in told)


def _event(report: Report, row: Row, kinds: Mapping[str, str], standards: list[str], time: int) -> dict[str, Any]:
    status_id, status = _STATUSES[row.verdict]
    severity_id, severity = (1, "Informational") if row.verdict == "pass" else _SEVERITIES[row.severity]
    identity = "\0".join((row.check, row.params, row.target, row.subject))
    compliance: dict[str, Any] = {
        "standards": standards,
        "control": row.check,
        "status_id": status_id,
        "status": status,
        "status_code": row.verdict,
    }
    if row.controls:
        compliance["requirements"] = list(row.controls)
    detail = " ".join(part for part in (row.message, row.settle) if part)
    if detail:
        compliance["status_detail"] = detail
    event: dict[str, Any] = {
        "activity_id": 1,
        "activity_name": "Create",
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": 2003,
        "class_name": "Compliance Finding",
        "type_uid": 200301,
        "type_name": "Compliance Finding: Create",
        "time": time,
        "severity_id": severity_id,
        "severity": severity,
        "message": row.message or row.title or row.check,
        "metadata": {
            "version": "1.3.0",
            "uid": report.serial,
            "product": {"name": report.tool.name, "vendor_name": report.tool.name, "version": report.tool.version},
        },
        "finding_info": {"uid": canon.digest(identity.encode()), "title": row.title or row.check, "types": [row.check.split(".")[0]]},
        "compliance": compliance,
        "resources": [{"uid": row.target, "name": row.subject or row.label, "type": kinds.get(row.target, "targets")}],
    }
    if row.verdict == "waived":
        event["status_id"], event["status"] = 3, "Suppressed"
        event["comment"] = row.waiver
    if row.remedy:
        event["remediation"] = {"desc": row.remedy}
    return event
