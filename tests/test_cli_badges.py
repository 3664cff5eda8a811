"""Badge events through the command: pseudonyms, names that were asked for, and a bundle to hand over."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from sovaudit.cli.main import main
from sovaudit.collectors.pseudonyms import pseudonym
from tests.badge_files import HEAD, row

CHECKS = "physical-access.sequence"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "log.csv").write_text(HEAD + row(1) + row(3))
    return tmp_path


def audit(*more: str) -> int:
    return main(["audit", "badges:log.csv?map=generic", "--select", CHECKS, "--isolated", "--lang", "en", *more])


def test_an_audit_of_badges_is_replayed_and_verified(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit("--out", "out") == 1
    assert "stand under pseudonyms" in capsys.readouterr().out
    assert "stand under pseudonyms" in (home / "out/report.html").read_text()
    assert main(["replay", "out/evidence.sova", "--against", "out/report.json"]) == 0
    assert main(["verify", "out/report.json", "--trust", str(home / "config/sovaudit/cert.pem")]) == 0
    key = home / "config/sovaudit/people.key"
    assert key.stat().st_mode & 0o777 == 0o600
    text = (home / "out/report.json").read_text()
    assert "B1" not in text and '"people":"pseudonyms"' in text
    assert key.read_text().strip() not in text
    assert bytes.fromhex(key.read_text()) not in (home / "out/evidence.sova").read_bytes()
    assert pseudonym(bytes.fromhex(key.read_text()), "badge", "B1").startswith("b")


def test_names_are_asked_for_and_said_so(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit("--out", "out", "--identify") == 1
    assert "names people and badges" in capsys.readouterr().out.replace("\n", " ")
    assert "names people and badges" in (home / "out/report.html").read_text()
    assert json.loads((home / "out/report.json").read_text())["targets"][0]["identity"]["people"] == "named"
    assert not any(target["cost"]["bytes"] == 0 for target in json.loads((home / "out/report.json").read_text())["targets"])


def test_a_bundle_to_hand_over_has_no_names_and_the_same_verdicts(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit("--out", "out", "--identify") == 1
    assert main(["collect", "bundle:out/evidence.sova", "--redact", "-o", "given.sova"]) == 0
    capsys.readouterr()
    assert main(["replay", "given.sova", "--against", "out/report.json"]) == 4  # it is other evidence, and says so
    assert main(["audit", "bundle:given.sova", "--select", CHECKS, "--isolated", "--out", "again"]) == 1
    one, other = (json.loads((home / name / "report.json").read_text())["findings"] for name in ("out", "again"))
    assert [(row["check"], row["subject"], row["verdict"]) for row in one] == [
        (row["check"], row["subject"], row["verdict"]) for row in other
    ]
    assert main(["collect", "bundle:out/evidence.sova", "--redact", "--identify", "-o", "x.sova"]) == 2


def test_the_original_is_recognised(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "doors.csv").write_text("access_point\nD1\n")
    assert main(["audit", "badges:log.csv?map=generic&doors=doors.csv", "--select", CHECKS, "--isolated", "--out", "out"]) == 1
    trust = ["--trust", str(home / "config/sovaudit/cert.pem")]
    capsys.readouterr()
    assert main(["verify", "out/report.json", *trust, "--source", "log.csv", "--source", "doors.csv"]) == 0
    out = capsys.readouterr().out
    assert "ok   source: log.csv: 1 of 1 files are as they were read" in out
    assert "ok   source: doors.csv: it is as it was read for the table doors" in out
    (home / "log.csv").write_text(HEAD)
    assert main(["verify", "out/report.json", *trust, "--source", "log.csv"]) == 4
    assert "FAIL source: log.csv: 0 of 1 files" in capsys.readouterr().out
    assert main(["verify", "out/report.json", *trust, "--source", "none.csv"]) == 2


def test_a_folder_is_recognised_too(home: Path) -> None:
    (home / "days").mkdir()
    for day in range(3):
        (home / f"days/{day}.csv").write_text(HEAD + row(day))
    assert main(["audit", "badges:days?map=generic", "--select", CHECKS, "--isolated", "--out", "out"]) == 0
    trust = ["--trust", str(home / "config/sovaudit/cert.pem")]
    assert main(["verify", "out/report.json", *trust, "--source", "days"]) == 0
    (home / "days/2.csv").unlink()
    assert main(["verify", "out/report.json", *trust, "--source", "days"]) == 4


def test_who_holds_the_key_and_the_export_can_say_whom_a_pseudonym_means(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "log.csv").write_text(HEAD + row(1, badge="B1") + row(2, badge="B7") + row(2, badge="B7"))
    (home / "cards.csv").write_text(
        "credential,subject,kind,valid_from,valid_to\nB1,u1,staff,2025-01-01,2026-01-01\nB7,u2,staff,2025-01-01,2027-01-01\n"
    )
    target = "badges:log.csv?map=generic&zone=UTC&credentials=cards.csv"
    assert main(["audit", target, "--select", "physical-access.expired-badge", "--isolated", "--out", "out"]) in (0, 1, 3)
    capsys.readouterr()
    assert main(["names", "out/report.json", "badges:log.csv?map=generic"]) == 0
    shown = capsys.readouterr().out
    words = set(re.findall(r"\b[pb][0-9A-Z]{11}\b", (home / "out/report.json").read_text()))
    key = bytes.fromhex((home / "config/sovaudit/people.key").read_text())
    assert pseudonym(key, "badge", "B1") in words
    for badge in ("B1", "B7"):
        assert (f"{pseudonym(key, 'badge', badge)}  {badge}" in shown) == (pseudonym(key, "badge", badge) in words)
    (home / "staff.csv").write_text("id,badge\nu1,B1\nu2,B7;B8\n")
    assert main(["names", "out/report.json", "people:staff.csv"]) == 0
    assert f"{pseudonym(key, 'badge', 'B1')}  B1" in capsys.readouterr().out
    (home / "other.key").write_text("11" * 32)
    assert main(["names", "out/report.json", "badges:log.csv?map=generic", "--people-key", "other.key"]) == 0
    assert "B1" not in capsys.readouterr().out
    assert main(["names", "out/report.json", "badges:log.csv?map=generic", "--people-key", "none.key"]) == 2
    assert main(["names", "out/report.json", "local:"]) == 2


def test_little_memory_is_enough(home: Path) -> None:
    from sovaudit.tables import enough

    before = enough.memory_mb
    try:
        assert audit("--out", "out", "--memory", "250") == 1
        assert enough.memory_mb == 250
    finally:
        enough.memory_mb = before


def test_a_key_that_is_none_is_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "people.key").write_text("abc")
    assert audit("--people-key", "people.key", "--out", "out") == 2
    assert "key of pseudonyms" in capsys.readouterr().err
    (home / "people.key").write_text("00" * 31)
    assert audit("--people-key", "people.key", "--out", "out") == 2


def test_plan_reads_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "badges:log.csv?map=generic"]) == 0
    assert "read log.csv through the map generic (csv)" in capsys.readouterr().out
    assert not (home / "config").exists()


def test_what_was_not_read_is_said_in_one_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "log.csv").write_text(HEAD + row(1) + row(2, at="yesterday") + row(3, event="PASSED"))
    assert audit("--out", "out") == 3
    said = capsys.readouterr().out
    assert "~ badges:log.csv?map=generic  rows:log.csv: not read: time: 1 (at 2)\n" in said
    assert "most often PASSED" in " ".join(said.split())
    assert "not read: time: 1 (at 2)" in (home / "out/report.html").read_text()
