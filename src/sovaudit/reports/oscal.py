"""The report as OSCAL assessment results (NIST, JSON model 1.0.4, which later readers take): for tools of governance and compliance.

One finding a control, `satisfied` only where the report says conforming; one observation for each check of each target, with its answers in
words. Identifiers are UUIDs made of the report's own serial, so that the same report gives the same bytes.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from sovaudit.model.report import ControlNote, Report
from sovaudit.model.verdict import Status
from sovaudit.reports.hostile import visible
from sovaudit.reports.locale import Words
from sovaudit.reports.pages import CheckText, installed_checks
from sovaudit.reports.rows import Row, rows

VERSION = "1.0.4"
SPACE = uuid.UUID("6f3d7a54-8f5c-5d0e-9d62-0c4f1b1f5a11")  # of our own names: any constant will do
NAMESPACE = "https://sovaudit.invalid/ns/oscal"
MAX_SHOWN = 20
"""Answers that an observation quotes of each verdict; the rest are counted."""
_REASONS = {Status.NON_CONFORMING: "fail", Status.PARTIAL: "other", Status.NOT_VERIFIABLE: "other", Status.DECLARED: "other"}
_TOKEN = re.compile(r"[^A-Za-z0-9._-]")


def render_oscal(report: Report, *, language: str = "fr", pages: Mapping[str, CheckText] | None = None) -> str:
    """JSON text. Raises UsageError for a language we do not have."""
    t = Words(language)

    def made(*parts: str) -> str:
        return str(uuid.uuid5(SPACE, "\0".join((report.serial, *parts))))

    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows(report, language, installed_checks() if pages is None else pages):
        groups.setdefault((row.check, row.params, row.target), []).append(row)
    observations = [_observation(made, report, key, held) for key, held in groups.items()]
    by_check: dict[str, list[str]] = {}
    for check, params, target in groups:
        by_check.setdefault(check, []).append(made("observation", check, params, target))
    result: dict[str, Any] = {
        "uuid": made("result"),
        "title": visible(f"{report.profile.id} {report.serial}"),
        "description": t("This document is no audit by a qualified provider."),
        "start": report.issued_at,
        "end": report.issued_at,
        "local-definitions": {"components": [_component(made, note.id, note.kind, note.identity) for note in report.targets]},
        "reviewed-controls": {
            "control-selections": [
                {
                    "description": visible(f"{note.id} {note.edition}"),
                    "include-controls": [{"control-id": _token(one.id)} for one in report.controls if one.directive == note.id],
                }
                for note in report.directives
                if any(one.directive == note.id for one in report.controls)
            ]
            or [{"include-all": {}}]
        },
        "observations": observations,
        "findings": [_finding(made, control, by_check, t) for control in report.controls],
    }
    document = {
        "assessment-results": {
            "uuid": made("document"),
            "metadata": {
                "title": visible(f"sovaudit {report.profile.id}"),
                "last-modified": report.issued_at,
                "version": report.serial,
                "oscal-version": VERSION,
                "props": _props(
                    {"tool": f"{report.tool.name} {report.tool.version}", "evidence-root": report.evidence.root, "gate": report.gate.name}
                ),
            },
            "import-ap": {"href": "#", "remarks": "no assessment plan in OSCAL: the profile of the report says what was asked"},
            "results": [{key: value for key, value in result.items() if value}],
        }
    }
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _component(made: Any, target: str, kind: str, identity: Mapping[str, str]) -> dict[str, Any]:
    about = ", ".join(f"{key}: {value}" for key, value in sorted(identity.items())) or kind
    return {
        "uuid": made("target", visible(target)), "type": "system", "title": visible(target), "description": visible(about, limit=400),
        "status": {"state": "operational"}, "props": _props({"kind": kind}),
    }  # fmt: skip


def _observation(made: Any, report: Report, key: tuple[str, str, str], held: list[Row]) -> dict[str, Any]:
    check, params, target = key
    lines = []
    for verdict in dict.fromkeys(row.verdict for row in held):
        mine = [row for row in held if row.verdict == verdict]
        lines += [f"{verdict}: {' — '.join(filter(None, (row.subject, row.message, row.place)))}" for row in mine[:MAX_SHOWN]]
        if len(mine) > MAX_SHOWN:
            lines.append(f"{verdict}: +{len(mine) - MAX_SHOWN}")
    subjects = [visible(note.id) for note in report.targets] if target == "*" else [target]
    return {
        "uuid": made("observation", check, params, target),
        "title": held[0].title or check,
        "description": "\n".join(lines),
        "methods": ["TEST"],
        "types": ["finding"],
        "subjects": [{"subject-uuid": made("target", name), "type": "component", "title": name} for name in subjects],
        "collected": _collected(report, subjects),
        "props": _props({"check": check, "parameters": params, "severity": held[0].severity.value}),
    }


def _collected(report: Report, targets: Iterable[str]) -> str:
    wanted = set(targets)
    taken = [note.taken_at for note in report.targets if visible(note.id) in wanted and note.taken_at]
    return min(taken, default=report.issued_at)


def _finding(made: Any, control: ControlNote, by_check: Mapping[str, list[str]], t: Words) -> dict[str, Any]:
    met = control.status is Status.CONFORMING or control.status is Status.NOT_APPLICABLE
    status: dict[str, Any] = {"state": "satisfied" if met else "not-satisfied", "reason": "pass" if met else _REASONS[control.status]}
    finding: dict[str, Any] = {
        "uuid": made("finding", control.directive, control.id),
        "title": visible(f"{control.directive} {control.id}"),
        "description": control.status.value,
        "target": {"type": "objective-id", "target-id": _token(control.id), "status": status},
        "props": _props({"status": control.status.value, "basis": control.basis}),
    }
    related = [{"observation-uuid": one} for check in (*control.checks, *control.remarks) for one in by_check.get(check, ())]
    if related:
        finding["related-observations"] = related
    return finding


def _props(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "ns": NAMESPACE, "value": visible(value)} for name, value in values.items() if value.strip()]


def _token(text: str) -> str:
    """OSCAL's token: a letter or underscore first, then letters, digits, `.`, `-`, `_`."""
    token = _TOKEN.sub("_", text)
    return token if token[:1].isalpha() or token[:1] == "_" else f"_{token}"
