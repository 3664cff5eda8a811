"""sovaudit: audit hosts and directories against national cybersecurity directives, and leave a signed report that anyone can check again.

The public API is what `__all__` names. Everything is imported when first used: `import sovaudit` costs a millisecond.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.2.0"

if TYPE_CHECKING:
    from sovaudit.audit import Audit, AuditResult, collect, gate, render
    from sovaudit.authoring import Check, check, failed, not_applicable, passed, unknown
    from sovaudit.bundle import Bundle
    from sovaudit.collectors import CollectOptions, parse_target
    from sovaudit.errors import IntegrityError, SovauditError, UsageError
    from sovaudit.facts.host import Host
    from sovaudit.history import replay
    from sovaudit.model.evidence import Evidence, Target
    from sovaudit.model.finding import Finding
    from sovaudit.model.report import ExitCode, Report
    from sovaudit.model.verdict import Severity, Status, Verdict
    from sovaudit.verification import verify

_HOME = {
    "AuditResult": "audit",
    "Audit": "audit",
    "collect": "audit",
    "gate": "audit",
    "render": "audit",
    "Check": "authoring",
    "check": "authoring",
    "failed": "authoring",
    "not_applicable": "authoring",
    "passed": "authoring",
    "unknown": "authoring",
    "Bundle": "bundle",
    "CollectOptions": "collectors",
    "parse_target": "collectors",
    "IntegrityError": "errors",
    "SovauditError": "errors",
    "UsageError": "errors",
    "Host": "facts.host",
    "replay": "history",
    "Evidence": "model.evidence",
    "Target": "model.evidence",
    "Finding": "model.finding",
    "ExitCode": "model.report",
    "Report": "model.report",
    "Severity": "model.verdict",
    "Status": "model.verdict",
    "Verdict": "model.verdict",
    "verify": "verification",
}

__all__ = [  # noqa: RUF022 - grouped by what a reader looks for
    "Audit",
    "collect",
    "replay",
    "render",
    "verify",
    "gate",
    "AuditResult",
    "Report",
    "Finding",
    "Verdict",
    "Severity",
    "Status",
    "ExitCode",
    "Bundle",
    "Evidence",
    "Target",
    "CollectOptions",
    "parse_target",
    "Check",
    "Host",
    "check",
    "passed",
    "failed",
    "unknown",
    "not_applicable",
    "SovauditError",
    "UsageError",
    "IntegrityError",
]


def __getattr__(name: str) -> object:
    if name in _HOME:
        from importlib import import_module

        value = getattr(import_module(f"sovaudit.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'sovaudit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
