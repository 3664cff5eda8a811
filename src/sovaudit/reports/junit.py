"""The report as JUnit XML, for the test panes of CI servers: a suite a target, a case an answer.

A failure is a `failure`; what could not be seen is an `error`, never a pass and never merely skipped; `skipped` is for what does not
apply and for accepted failures. There is no single official schema: the elements are those that Jenkins, GitLab and GitHub's readers share.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import escape, quoteattr

from sovaudit.model.report import Report
from sovaudit.reports.hostile import visible
from sovaudit.reports.pages import CheckText, installed_checks
from sovaudit.reports.rows import Row, rows

_ELEMENTS = {"fail": "failure", "unknown": "error", "error": "error", "waived": "skipped", "not_applicable": "skipped"}


def render_junit(report: Report, *, language: str = "fr", pages: Mapping[str, CheckText] | None = None) -> str:
    """XML 1.0, UTF-8. Raises UsageError for a language we do not have."""
    suites: dict[str, list[Row]] = {target.id: [] for target in report.targets}
    for row in rows(report, language, installed_checks() if pages is None else pages):
        suites.setdefault(row.target, []).append(row)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<testsuites name={quoteattr(_xml(visible(f'sovaudit {report.profile.id}')))}>"]
    for target, held in suites.items():
        lines.append(
            f"  <testsuite name={quoteattr(_xml(visible(target)))} {_counts(held)} timestamp={quoteattr(_xml(visible(report.issued_at)))}>"
        )
        lines += [line for row in held for line in _case(row)]
        lines.append("  </testsuite>")
    return "\n".join([*lines, "</testsuites>", ""])


def _counts(held: list[Row]) -> str:
    kinds = [_ELEMENTS.get(row.verdict, "") for row in held]
    return " ".join(
        f'{name}="{kinds.count(kind)}"' for name, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))
    ).join((f'tests="{len(held)}" ', ""))


def _case(row: Row) -> list[str]:
    name = " ".join(part for part in (row.title or row.check, f"[{row.subject}]" if row.subject else "") if part)
    head = f"    <testcase classname={quoteattr(_xml(row.check))} name={quoteattr(_xml(name))}"
    element = _ELEMENTS.get(row.verdict)
    if element is None:
        return [head + "/>"]
    told = [row.message, row.seen, row.place, row.settle, row.remedy, row.waiver, " ".join(row.controls)]
    body = escape(_xml("\n".join(part for part in told if part)))
    kind = quoteattr(f"{row.verdict} ({row.severity.value})")
    return [head + ">", f"      <{element} type={kind} message={quoteattr(_xml(row.message))}>{body}</{element}>", "    </testcase>"]


def _xml(text: str) -> str:
    """Only characters that XML 1.0 allows; `visible` has left no control character but newlines that we put in."""
    return "".join(c for c in text if c in "\n\t" or 0x20 <= ord(c) <= 0xD7FF or 0xE000 <= ord(c) <= 0xFFFD or ord(c) >= 0x10000)
