"""The glyph and word of every verdict, status, severity and reason. A state is never told by colour alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sovaudit.model.report import Report
from sovaudit.model.verdict import Reason, Severity, Status, TargetStatus
from sovaudit.reports.hostile import visible
from sovaudit.reports.locale import Words


def mark(text: str) -> str:
    """Says that this text is a translation key; the catalogue is checked for it."""
    return text


@dataclass(frozen=True, slots=True)
class Sign:
    """css: the class that colours it. glyph: drawn beside or instead of the colour. word: what it means."""

    css: str
    glyph: str
    word: str


VERDICTS = {
    "fail": ("bad", "✗", mark("Failing")),
    "waived": ("held", "◐", mark("Waived")),
    "error": ("bug", "!", mark("Error")),
    "unknown": ("open", "?", mark("Unknown")),
    "not_applicable": ("none", "⊘", mark("Not applicable")),
    "pass": ("good", "✓", mark("Holding")),
}
STATUSES = {
    Status.CONFORMING: ("good", "✓", mark("Conforming")),
    Status.PARTIAL: ("held", "◐", mark("Partially conforming")),
    Status.NON_CONFORMING: ("bad", "✗", mark("Non-conforming")),
    Status.NOT_VERIFIABLE: ("open", "?", mark("Not verifiable")),
    Status.DECLARED: ("said", "✎", mark("Declared")),
    Status.NOT_APPLICABLE: ("none", "⊘", mark("Not applicable")),
}
SEVERITIES = {
    Severity.CRITICAL: ("critical", "●●●●", mark("Critical")),
    Severity.HIGH: ("high", "●●●○", mark("High")),
    Severity.MEDIUM: ("medium", "●●○○", mark("Medium")),
    Severity.LOW: ("low", "●○○○", mark("Low")),
}
TARGETS = {
    TargetStatus.COLLECTED: ("good", "✓", mark("Collected")),
    TargetStatus.PARTIAL: ("held", "◐", mark("Collected in part")),
    TargetStatus.UNREACHABLE: ("bug", "!", mark("Unreachable")),
    TargetStatus.REFUSED: ("bug", "!", mark("Refused")),
    TargetStatus.FAILED: ("bug", "!", mark("Unusable answer")),
}
REASONS = {
    Reason.DENIED: mark("access denied"),
    Reason.ABSENT: mark("not collected"),
    Reason.TIMEOUT: mark("no answer in time"),
    Reason.UNSUPPORTED: mark("this kind of target cannot show it, or it is not modelled"),
    Reason.TRUNCATED: mark("larger than the limit"),
    Reason.AMBIGUOUS: mark("what was seen allows more than one answer"),
}
BASES = {"evidence": mark("evidence"), "declaration": mark("declaration"), "none": mark("none")}
ORIGINS = {"law": mark("law"), "guidance": mark("guidance"), "default": mark("our default")}
PROVABLE = {
    "machine": mark("evidence taken from machines"),
    "import": mark("a register or export to be imported"),
    "declaration": mark("a declaration by the organisation"),
}
WAIVERS = {
    "applied": ("held", "◐", mark("Applied")),
    "expired": ("bad", "✗", mark("Expired")),
    "unmatched": ("none", "⊘", mark("Matches nothing")),
    "self_approved": ("bad", "✗", mark("Refused: approved by its own owner")),
}
FAMILIES = {
    "two-factor": mark("Two-factor authentication"),
    "password-policy": mark("Passwords"),
    "least-privilege": mark("Least privilege"),
    "log-completeness": mark("Logging"),
    "physical-access": mark("Physical access"),
}

SHORT_FAMILIES = {
    "two-factor": mark("2FA"),
    "password-policy": mark("Passwords"),
    "least-privilege": mark("Rights"),
    "log-completeness": mark("Logging"),
    "physical-access": mark("Access"),
}


def sign(table: dict[str, tuple[str, str, str]], key: str, t: Words) -> Sign:
    css, glyph, word = table[key]
    return Sign(css, glyph, t(word))


def verdict_sign(word: str, t: Words) -> Sign:
    return sign(VERDICTS, word, t)


def status_sign(status: Status, t: Words) -> Sign:
    css, glyph, word = STATUSES[status]
    return Sign(css, glyph, t(word))


def severity_sign(severity: Severity, t: Words) -> Sign:
    css, glyph, word = SEVERITIES[severity]
    return Sign(css, glyph, t(word))


def target_sign(status: TargetStatus, t: Words) -> Sign:
    css, glyph, word = TARGETS[status]
    return Sign(css, glyph, t(word))


def people(report: Report, t: Words) -> str:
    """How the report calls people and badges; empty where it speaks of none."""
    kinds = {note.identity.get("people", "") for note in report.targets}
    if "named" in kinds:
        return t("This report names people and badges, as was asked for: it holds personal data.")
    said = []
    if "pseudonyms" in kinds:
        said.append(t("People and badges stand under pseudonyms; only the holder of the auditor's key can say whom they mean."))
    if "ids" in kinds:
        said.append(t("Accounts, and persons by their id, stand as the lists of the site give them: this is personal data."))
    return " ".join(said)


def family_name(check: str, t: Words) -> str:
    family = check.split(".", 1)[0]
    return t(FAMILIES[family]) if family in FAMILIES else family


def short_family(check: str, t: Words) -> str:
    family = check.split(".", 1)[0]
    return t(SHORT_FAMILIES[family]) if family in SHORT_FAMILIES else family


def params_text(params: Mapping[str, Any]) -> str:
    """`minimum = 12 · ways = key, password`."""

    def one(value: Any) -> str:
        if isinstance(value, list):
            return (
                ", ".join(visible(str(item), limit=80) for item in value[:20]) + (f" … (+{len(value) - 20})" if len(value) > 20 else "")
                or "∅"
            )
        return (
            {True: "true", False: "false", None: "none"}[value]
            if value is None or isinstance(value, bool)
            else visible(str(value), limit=80)
        )

    return " · ".join(f"{name} = {one(value)}" for name, value in sorted(params.items()))
