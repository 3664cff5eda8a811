"""The flat formats: every answer is there, what was not seen never looks like a pass, and nothing that a host wrote runs anywhere."""

from __future__ import annotations

import csv
import io
import json
import re
from xml.etree import ElementTree

import pytest

from sovaudit.audit import FORMATS, render
from sovaudit.model.finding import GapNote, Message
from sovaudit.model.report import Report
from sovaudit.model.verdict import Reason, Status, Verdict
from sovaudit.reports.csv import COLUMNS, cell_of, render_csv
from sovaudit.reports.junit import render_junit
from sovaudit.reports.locale import Words
from sovaudit.reports.markdown import plain, render_markdown
from sovaudit.reports.ocsf import render_ocsf
from sovaudit.reports.oscal import render_oscal
from sovaudit.reports.rows import settled
from sovaudit.reports.sarif import render_sarif
from tests import report_samples as samples

SAMPLES = [samples.small, samples.hostile]
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


def answers(report: Report) -> int:
    return len(report.findings) + sum(len(row.subjects) for row in report.passed)


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("sample", SAMPLES)
def test_csv_has_one_row_an_answer(sample: object, language: str) -> None:
    report: Report = sample()  # type: ignore[operator]
    text = render_csv(report, language=language, pages=samples.PAGES)
    assert text.startswith("\ufeff")
    found = list(csv.DictReader(io.StringIO(text[1:], newline="")))
    assert tuple(found[0]) == COLUMNS
    assert len(found) == answers(report)
    assert [row["verdict"] for row in found].count("unknown") == sum(f.verdict is Verdict.UNKNOWN for f in report.findings)
    assert not RAW.search(text.replace("\r\n", ""))
    for row in found:
        assert not any(cell.lstrip().startswith(("=", "+", "-", "@")) for cell in row.values())


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\u00a0=1"])
def test_no_cell_begins_a_formula(cell: str) -> None:
    assert cell_of(cell).startswith("'")
    assert cell_of("alice") == "alice"


@pytest.mark.parametrize("sample", SAMPLES)
def test_junit_tells_unknown_from_passing(sample: object) -> None:
    report: Report = sample()  # type: ignore[operator]
    tree = ElementTree.fromstring(render_junit(report, language="en", pages=samples.PAGES).encode())
    cases = list(tree.iter("testcase"))
    assert len(cases) == answers(report)
    assert sum(not list(case) for case in cases) == sum(len(row.subjects) for row in report.passed)
    doubts = sum(finding.verdict in (Verdict.UNKNOWN, Verdict.ERROR) for finding in report.findings)
    failing = sum(finding.verdict is Verdict.FAIL and finding.waiver is None for finding in report.findings)
    assert (len(list(tree.iter("error"))), len(list(tree.iter("failure")))) == (doubts, failing)
    for suite in tree.iter("testsuite"):
        for attribute, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.get(attribute, "")) == len(list(suite.iter(tag)))


def test_junit_names_every_target_even_without_an_answer() -> None:
    report = samples.small()
    tree = ElementTree.fromstring(render_junit(report, pages={}).encode())
    assert {note.id for note in report.targets} <= {suite.get("name") for suite in tree.iter("testsuite")}


@pytest.mark.parametrize("sample", SAMPLES)
def test_sarif_shows_failures_and_open_questions(sample: object) -> None:
    report: Report = sample()  # type: ignore[operator]
    text = render_sarif(report, language="en", pages=samples.PAGES)
    (run,) = json.loads(text)["runs"]
    rules = run["tool"]["driver"]["rules"]
    wanted = [f for f in report.findings if f.verdict in (Verdict.FAIL, Verdict.UNKNOWN, Verdict.ERROR)]
    assert len(run["results"]) == len(wanted)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert (result["kind"] == "fail") == (result["level"] != "none")  # SARIF 2.1.0, 3.27.10
        assert result["properties"]["verdict"] != "pass"
        assert ("suppressions" in result) == (result["properties"]["verdict"] == "waived")
        assert not re.search(r"[\s<>\"]", result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])
    assert not RAW.search(text)
    again = json.loads(render_sarif(report, language="fr", pages=samples.PAGES))["runs"][0]["results"]
    assert [one["partialFingerprints"] for one in again] == [one["partialFingerprints"] for one in run["results"]]


@pytest.mark.parametrize("sample", SAMPLES)
def test_markdown_escapes_what_hosts_wrote(sample: object) -> None:
    report: Report = sample()  # type: ignore[operator]
    text = render_markdown(report, language="fr", pages=samples.PAGES)
    assert not re.search(r"(?<!\\)<", text)
    assert not re.search(r"(?<!\\)!\[|(?<!\\)\]\(", text)
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table}) == 1
    assert "policy: " in text


def test_markdown_plain() -> None:
    assert plain("<b>[x](y)|`z`") == r"&lt;b\>\[x\]\(y\)\|\`z\`"


@pytest.mark.parametrize("sample", SAMPLES)
def test_oscal_satisfies_only_what_conforms(sample: object) -> None:
    report: Report = sample()  # type: ignore[operator]
    text = render_oscal(report, language="en", pages=samples.PAGES)
    assert text == render_oscal(report, language="en", pages=samples.PAGES)
    assert not RAW.search(text)
    (result,) = json.loads(text)["assessment-results"]["results"]
    states = [finding["target"]["status"]["state"] for finding in result["findings"]]
    met = (Status.CONFORMING, Status.NOT_APPLICABLE)
    assert states == ["satisfied" if control.status in met else "not-satisfied" for control in report.controls]
    known = {one["uuid"] for one in result["observations"]}
    assert len(known) == len(result["observations"])
    related = {one["observation-uuid"] for finding in result["findings"] for one in finding.get("related-observations", ())}
    assert related <= known
    components = {one["uuid"] for one in result["local-definitions"]["components"]}
    assert len(components) == len(report.targets)
    assert {one["subject-uuid"] for each in result["observations"] for one in each["subjects"]} <= components
    assert all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9._-]*", finding["target"]["target-id"]) for finding in result["findings"])


@pytest.mark.parametrize("sample", SAMPLES)
def test_ocsf_has_an_event_an_answer_and_unknown_is_no_pass(sample: object) -> None:
    report: Report = sample()  # type: ignore[operator]
    text = render_ocsf(report, language="fr", pages=samples.PAGES)
    assert not RAW.search(text)
    events = [json.loads(line) for line in text.splitlines()]
    away = sum(finding.verdict is Verdict.NOT_APPLICABLE for finding in report.findings)
    assert len(events) == answers(report) - away
    assert len({event["finding_info"]["uid"] for event in events}) <= len(events)
    passes = sum(event["compliance"]["status_id"] == 1 for event in events)
    assert passes == sum(len(row.subjects) for row in report.passed)
    for event in events:
        assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"] == 200301
        assert (event["compliance"]["status_code"] == "pass") == (event["compliance"]["status_id"] == 1)


UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ue000-\uf8ff]")


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"json", "pdf"}))
def test_no_export_carries_what_a_reader_cannot_see(name: str, language: str) -> None:
    text = render(samples.bytes_of(samples.hostile()), None, to=name, language=language).decode().removeprefix("\ufeff")
    assert UNSEEN.findall(text) == []


def test_what_would_settle_an_answer_says_what_the_gap_says() -> None:
    """Where only the gap tells which evidence is meant, it stands outside the page too."""
    finding = next(one for one in samples.small().findings if one.verdict is Verdict.UNKNOWN)
    gap = GapNote(item="badges/visits", reason=Reason.ABSENT, detail="give it as [files] visits of the map, or as &visits=FILE")
    told = finding.model_copy(update={"gaps": [gap], "settle": Message(text="Collect evidence that shows it.", args={})})
    assert settled(told, Words("en")) == "Collect evidence that shows it. (give it as [files] visits of the map, or as &visits=FILE)"
    assert settled(told, Words("fr")).endswith("(la donner par [files] visits dans la carte, ou par &visits=FICHIER)")
    own = told.model_copy(update={"settle": Message(text="Collect as root.", args={})})
    assert settled(own, Words("en")) == "Collect as root."
    assert settled(told.model_copy(update={"settle": None}), Words("en")) == ""
