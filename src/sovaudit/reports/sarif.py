"""The report as SARIF 2.1.0 (OASIS), for code-scanning panes: failures as results, what was not seen as open questions.

A host is no repository: a result's place is a pseudo-path `<target>/<file>`, and its fingerprint is check, parameters, target and
subject, so that the same finding keeps its identity from run to run. Passes are left out: a SARIF pane shows problems.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from sovaudit import canon
from sovaudit.model.report import Report
from sovaudit.model.verdict import Severity
from sovaudit.reports.pages import CheckText, installed_checks
from sovaudit.reports.rows import Row, rows

_LEVELS = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}
_SCORES = {Severity.CRITICAL: "9.5", Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "2.0"}  # GitHub's bands
_KINDS = {"fail": "fail", "waived": "fail", "unknown": "open", "error": "open"}


def render_sarif(report: Report, *, language: str = "fr", pages: Mapping[str, CheckText] | None = None) -> str:
    """JSON text. Raises UsageError for a language we do not have."""
    words = installed_checks() if pages is None else pages
    told = [row for row in rows(report, language, words, passes=False) if row.verdict in _KINDS]
    first = {row.check: row for row in reversed(told)}
    names = sorted(first)
    run = {
        "tool": {"driver": {"name": report.tool.name, "version": report.tool.version, "rules": [_rule(first[name]) for name in names]}},
        "automationDetails": {"id": f"{report.profile.id}/{report.serial}"},
        "invocations": [{"executionSuccessful": True, "endTimeUtc": report.issued_at, "exitCode": report.gate.code}],
        "columnKind": "unicodeCodePoints",
        "results": [_result(row, names.index(row.check)) for row in told],
    }
    document = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _rule(row: Row) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": row.check,
        "shortDescription": {"text": row.title or row.check},
        "defaultConfiguration": {"level": _LEVELS[row.severity]},
        "properties": {"security-severity": _SCORES[row.severity], "tags": ["security", row.check.split(".")[0]]},
    }
    if row.remedy:
        rule["help"] = {"text": row.remedy}
    return rule


def _result(row: Row, index: int) -> dict[str, Any]:
    said = row.message + (f" ({row.settle})" if row.settle else "")
    kind = _KINDS[row.verdict]
    identity = "\0".join((row.check, row.params, row.target, row.subject, kind))
    result: dict[str, Any] = {
        "ruleId": row.check,
        "ruleIndex": index,
        "kind": kind,
        "level": _LEVELS[row.severity] if kind == "fail" else "none",
        "message": {"text": said},
        "locations": [_location(row)],
        "partialFingerprints": {"sovaudit/v1": canon.digest(identity.encode())},
        "properties": {"verdict": row.verdict, "severity": row.severity.value, "controls": list(row.controls), "target": row.target},
    }
    if row.verdict == "waived":
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": row.waiver}]
    return result


def _location(row: Row) -> dict[str, Any]:
    because = row.finding.because if row.finding else []
    path = because[0].file if because and because[0].file.startswith("/") else ""
    physical: dict[str, Any] = {"artifactLocation": {"uri": quote(row.label.replace("/", "_") + (path or "/"), safe="/")}}
    if path and because[0].line:
        physical["region"] = {"startLine": because[0].line}
    name = row.subject or row.label
    return {"physicalLocation": physical, "logicalLocations": [{"name": name, "fullyQualifiedName": f"{row.target} {row.subject}".strip()}]}
