"""The report on a terminal: order, words, one line of evidence, and a last line that scripts rely on."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from sovaudit.gates import policy_line
from sovaudit.model.finding import Because
from sovaudit.reports.html import render_html
from sovaudit.reports.text import render_text
from tests import report_samples as samples

GOLDEN = Path(__file__).parent / "data" / "golden"
WHERE = {"report.json": "sovaudit-out/report.json", "report.html": "sovaudit-out/report.html"}


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_text_reads_as_it_was_reviewed(language: str) -> None:
    text = render_text(samples.small(), language=language, where=WHERE, pages=samples.PAGES)
    golden = GOLDEN / f"small-{language}.txt"
    if os.environ.get("SOVAUDIT_GOLDEN") == "write":
        golden.write_text(text, "utf-8")
    assert text == golden.read_text("utf-8")


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("sample", [samples.small, samples.hostile])
def test_the_last_line_has_one_shape_in_every_language(language: str, sample: object) -> None:
    report = sample()  # type: ignore[operator]
    last = render_text(report, language=language, pages={}).splitlines()[-1]
    assert last == policy_line(report.summary, report.gate)
    assert re.fullmatch(r"policy: \d+ failing \(\d+ \w+\) · completeness: \d+/\d+ judged, \d+ unknown · gate: \w+ \(exit \d+\)", last)


def test_what_was_not_seen_comes_first_and_failures_by_severity() -> None:
    text = render_text(samples.small(), pages=samples.PAGES)
    order = [
        text.index(part)
        for part in (
            "What was not seen",
            "srv-mail-01:2222",
            "Critical",
            "least-privilege.root-ssh",
            "High",
            "password-policy.min-length",
            "policy:",
        )
    ]
    assert order == sorted(order)


def test_colour_adds_nothing_that_words_do_not_say() -> None:
    coloured = render_text(samples.small(), color=True, pages=samples.PAGES)
    plain = render_text(samples.small(), color=False, pages=samples.PAGES)
    assert "\x1b[" in coloured
    squeeze = re.compile(r"\s+")
    assert squeeze.sub(" ", re.sub(r"\x1b\[\d+m", "", coloured)) == squeeze.sub(" ", plain)
    for glyph, word in (("✗", "failing"), ("?", "unknown"), ("⊘", "not applicable"), ("✓", "holding"), ("◐", "waived")):
        assert f"{glyph} {word}" in plain


def test_hostile_text_is_inert_on_a_terminal() -> None:
    text = render_text(samples.hostile(), pages=samples.PAGES)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b\u2060\ue000\ufffe]", text)
    assert "⟨ESC⟩[31mred" in text


@pytest.mark.parametrize("width", [1, 60, 80, 200])
def test_lines_keep_to_the_width(width: int) -> None:
    lines = render_text(samples.small(), width=width, pages=samples.PAGES).splitlines()[:-1]
    assert max(len(line) for line in lines) <= max(40, width)


def test_a_fleet_is_summed_up() -> None:
    assert len(render_text(samples.fleet(200), pages=samples.PAGES).splitlines()) < 80


def test_tabs_between_the_words_of_a_quoted_line_are_blanks() -> None:
    held = samples.small()
    line = Because(file="/etc/pam.d/tab\tin-name", line=4, text="password\t[success=1]\t\t\tpam_unix.so")
    findings = [held.findings[0].model_copy(update={"because": [line]}), *held.findings[1:]]
    report = held.model_copy(update={"findings": findings})
    page = render_html(samples.bytes_of(report), None, language="en").decode()
    assert "password  [success=1]  pam_unix.so" in page and "\t" not in page
    text = render_text(report, language="en")
    assert "password  [success=1]" in text and "tab⟨TAB⟩in-name" in text
