"""The page on paper: printed by a real Chromium and read by poppler; and what becomes of browsers that are missing, hang, or lie."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from sovaudit import printing
from sovaudit.audit import render
from sovaudit.cli.main import main
from sovaudit.errors import OutputError, UsageError
from sovaudit.model.report import Passed
from tests import report_samples as samples

MARGIN = 13 / 25.4 * 72
"""Points between the edge of a sheet and what stands on it."""


def many_checks() -> bytes:
    """One host under more checks than one table of a sheet can hold, and the small sample's findings."""
    small = samples.small()
    checks = [f"{family}.made-up-{n:02}" for family in ("least-privilege", "log-completeness") for n in range(33)]
    passed = [*small.passed, *(Passed(check=check, params={}, target=small.targets[0].id, subjects=["root"]) for check in checks)]
    return samples.bytes_of(small.model_copy(update={"passed": passed}))


@cache
def printed(language: str) -> bytes:
    return render(many_checks(), samples.SIGNATURE, to="pdf", language=language)


def words_of(pdf: bytes, *options: str) -> str:
    return subprocess.run(["pdftotext", *options, "-", "-"], input=pdf, capture_output=True, check=True).stdout.decode()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that nobody, too, may enter."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def fake(folder: Path, script: str) -> str:
    """A browser that is a shell script; $out is where the PDF is wanted."""
    path = folder / "browser"
    path.write_text(f"#!/bin/sh\nfor a; do case $a in --print-to-pdf=*) out=${{a#*=}};; esac; done\n{script}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.browser
@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_sheet_names_the_document_and_its_own_number(language: str) -> None:
    pdf = printed(language)
    digest = hashlib.sha256(many_checks()).hexdigest()
    word = {"fr": "Confidentiel", "en": "Confidential"}[language]
    sheets = words_of(pdf, "-layout").removesuffix("\f").split("\f")
    assert len(sheets) > 5
    for number, sheet in enumerate(sheets, 1):
        foot = sheet.rstrip().splitlines()[-1].split("   ")
        assert foot[0].strip() == f"{word} · report.json sha256:{digest}"
        assert foot[-1].strip() == f"{number} / {len(sheets)}"


@pytest.mark.browser
def test_the_file_is_a4_tagged_titled_and_dated_by_the_report() -> None:
    told = subprocess.run(["pdfinfo", "-isodates", "-"], input=printed("fr"), capture_output=True, check=True, text=False).stdout.decode()
    assert "(A4)" in told and re.search(r"Tagged: +yes", told) and re.search(r"JavaScript: +no", told)
    assert re.search(r"Title: +Rapport de conformité 20260601T120000Z-5f0c1d2e3a4b\n", told)
    assert re.search(r"CreationDate: +2026-06-01T12:00:00", told) and re.search(r"ModDate: +2026-06-01T12:00:00", told)
    assert b"/Outlines" in printed("fr")


@pytest.mark.browser
def test_one_browser_prints_the_same_bytes_again() -> None:
    assert render(many_checks(), samples.SIGNATURE, to="pdf", language="fr") == printed("fr")


@pytest.mark.browser
def test_nothing_of_the_page_is_lost_on_paper() -> None:
    text = words_of(printed("en"))
    assert "Profile" in text and not re.search("[ﬀ-ﬆ]", text), "a ligature, which nobody searches for"
    everything = re.sub(r"\s", "", text)
    for n in range(33):
        assert everything.count(f"made-up-{n:02}") >= 2, "a column of the matrix ran off the sheet"
    for control in samples.DIRECTIVES["ma-dnssi-2023"].controls:  # these stand in details that a reader would have to open
        assert control in everything


@pytest.mark.browser
def test_nothing_runs_off_the_sheet() -> None:
    boxes = re.findall(r'<word xMin="([\d.]+)" yMin="[\d.]+" xMax="([\d.]+)"', words_of(printed("fr"), "-bbox"))
    assert len(boxes) > 1000
    assert min(float(left) for left, _ in boxes) > MARGIN - 1
    assert max(float(right) for _, right in boxes) < 595 - MARGIN + 1


@pytest.mark.browser
def test_table_heads_are_repeated() -> None:
    sheets = words_of(render(samples.bytes_of(samples.fleet(120)), None, to="pdf", language="en")).split("\f")
    targets = [sheet for sheet in sheets if sheet.count("Collected") > 10]
    assert len(targets) > 1 and all("Clock skew" in sheet for sheet in targets)


@pytest.mark.browser
def test_hostile_words_are_printed_as_words() -> None:
    pdf = render(samples.bytes_of(samples.hostile()), None, to="pdf", language="en")
    text = words_of(pdf)
    assert "<script>alert(2)</script>" in text and "\u202e" not in text and "\x1b" not in text
    assert b"/JavaScript" not in pdf and b"/URI" not in pdf and b"/Launch" not in pdf


def test_no_browser_is_a_usage_error_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    out = tmp_path / "out"
    assert main(["audit", "local:", "--isolated", "--out", str(out), "-o", "pdf"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "apt-get install chromium" in said and "--browser" in said
    assert not out.exists(), "it is said before anything is collected"
    with pytest.raises(UsageError, match="is no program that can be run"):
        printing.find_browser(str(tmp_path / "missing"))


def test_the_browser_is_found_on_the_path_or_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    named = fake(tmp_path, ":")
    assert printing.find_browser(named) == named
    Path(named).rename(tmp_path / "google-chrome")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert printing.find_browser() == str(tmp_path / "google-chrome")


def test_the_browser_keeps_its_sandbox_and_is_never_root(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOVAUDIT_KEY_PASSPHRASE", "secret")
    said = printing.print_page(
        b"<p>", issued_at="", browser=fake(open_folder, '(echo "%PDF-1.4"; id -u; echo "$@"; env; echo "%%EOF") >"$out"')
    )
    lines = said.decode().splitlines()
    assert int(lines[1]) == (printing.NOBODY if os.geteuid() == 0 else os.geteuid())
    assert "--no-sandbox" not in lines[2] and "MAP * ~NOTFOUND" in lines[2]
    assert "secret" not in said.decode()


NO_SANDBOX = """
case "$*" in
  *--no-sandbox*) printf '%%PDF-1.4\\n%%%%EOF\\n' >"$out" ;;
  *) echo '[1:1:0101/1:FATAL:zygote.cc(132)] No usable sandbox! See' >&2; exit 1 ;;
esac"""


@pytest.mark.root
def test_where_root_can_have_no_sandbox_nobody_goes_without(open_folder: Path) -> None:
    assert printing.print_page(b"<p>", issued_at="", browser=fake(open_folder, NO_SANDBOX)).startswith(b"%PDF")


def test_a_user_never_goes_without_a_sandbox(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(OutputError, match=r"it printed nothing \(No usable sandbox! See\)"):
        printing.print_page(b"<p>", issued_at="", browser=fake(open_folder, NO_SANDBOX))


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("exit 0", "it said nothing"),
        ('echo "cannot open display" >&2; exit 1', "cannot open display"),
        ("printf '%%PDF-1.4 cut short' >\"$out\"", "it said nothing"),
        ('ln -s /etc/passwd "$out"', "it said nothing"),
        ('mkfifo "$out"', "it said nothing"),
        ('mkdir "$out"', "it said nothing"),
    ],
)
def test_a_browser_that_prints_no_pdf_is_an_output_error(script: str, why: str, open_folder: Path) -> None:
    with pytest.raises(OutputError, match=why):
        printing.print_page(b"<p>", issued_at="", browser=fake(open_folder, script))


def test_a_browser_that_hangs_is_ended_with_its_children(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printing, "LONGEST", 0.3)
    child = f"sleep 4321.{os.getpid()}"  # no other run's
    with pytest.raises(OutputError, match="printed nothing within"):
        printing.print_page(b"<p>", issued_at="", browser=fake(open_folder, f"{child} & wait"))
    for _ in range(100):  # killed at once, gone when its new parent has noticed
        if child not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout:
            return
        time.sleep(0.05)
    pytest.fail("a child goes on")


def test_a_pdf_given_to_verify_is_told_what_to_verify(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "report.fr.pdf"
    path.write_bytes(b"%PDF-1.4\n%%EOF\n")
    shutil.copy(path, tmp_path / "cert.pem")
    assert main(["verify", str(path), "--trust", str(tmp_path / "cert.pem"), "--isolated"]) == 2
    assert "is a PDF, a copy for reading" in capsys.readouterr().err
