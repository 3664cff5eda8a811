"""Targets × checks: one table a kind of target."""

from __future__ import annotations

from sovaudit.model.report import Passed
from sovaudit.reports.html import render_html
from tests import report_samples as samples


def page(*kinds: tuple[str, str]) -> str:
    targets = [samples.target(name).model_copy(update={"kind": kind}) for name, kind in kinds]
    checks = {"ssh": "least-privilege.uid0", "ldap": "password-policy.directory-min-length", "badges": "physical-access.sequence"}
    passed = [Passed(check=checks[kind], params={}, target=name, subjects=["one"]) for name, kind in kinds]
    return render_html(samples.bytes_of(samples.report(targets, [], passed)), None, language="en").decode()


def test_each_kind_has_a_table_of_its_own_checks() -> None:
    text = page(("ssh://a@h", "ssh"), ("ldaps://d", "ldap"), ("badges:b.csv", "badges"))
    matrix = text[text.index('id="matrix"') : text.index('id="rules"')]
    assert matrix.count("<table") == 3
    assert [name for name in ("Hosts", "Directories", "Badge systems", "Logs") if f"<h3>{name}</h3>" in matrix] == [
        "Hosts",
        "Directories",
        "Badge systems",
    ]
    hosts, directories, badges = matrix.split("<h3>")[1:]
    assert "uid0" in hosts and "uid0" not in directories + badges
    assert "directory-min-length" in directories and "sequence" in badges


def test_one_kind_alone_needs_no_heading() -> None:
    text = page(("ssh://a@h", "ssh"))
    matrix = text[text.index('id="matrix"') : text.index('id="rules"')]
    assert matrix.count("<table") == 1 and "<h3>" not in matrix
