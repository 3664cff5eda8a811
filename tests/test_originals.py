"""`verify --source`: the logs stayed with their owner; are they still what the evidence was taken from?"""

from __future__ import annotations

from pathlib import Path

import pytest

from sovaudit import keys
from sovaudit.audit import Audit
from sovaudit.cli.main import main
from sovaudit.errors import UsageError
from sovaudit.verification import verify

LINES = "".join(f"2026-11-05T10:00:{second:02d}Z web app[1]: record {second}\n" for second in range(60))


@pytest.fixture
def work(tmp_path: Path) -> Path:
    (tmp_path / "logs/deep").mkdir(parents=True)
    for name in ("a.log", "deep/b.log"):
        (tmp_path / "logs" / name).write_text(LINES)
    signer = keys.create_key(tmp_path / "keys", common_name="auditor")
    Audit(select=["log-completeness.gaps"]).run([f"logs:{tmp_path}/logs"], out=tmp_path / "out", signer=signer)
    return tmp_path


def source(work: Path, place: Path | None = None) -> tuple[bool | None, str]:
    answer = verify(work / "out/report.json", trust=[work / "keys/cert.pem"], sources=[place or work / "logs"])
    (step,) = [one for one in answer.steps if one.name == "source"]
    return step.ok, step.detail.partition(": ")[2]


def test_as_it_was(work: Path) -> None:
    assert source(work) == (True, "2 of 2 files are as they were read")


def test_a_copy_elsewhere(work: Path) -> None:
    (work / "logs").rename(work / "copy")
    assert source(work, work / "copy")[0] is True


def test_a_log_that_has_grown(work: Path) -> None:
    with (work / "logs/a.log").open("a") as file:
        file.write(LINES)
    assert source(work)[0] is True


def test_a_record_that_was_changed_a_file_that_shrank_and_one_that_is_gone(work: Path) -> None:
    (work / "logs/a.log").write_text(LINES.replace("record 7\n", "record 8\n"))
    assert source(work) == (False, "1 of 2 files are as they were read; 1 changed: a.log")
    (work / "logs/a.log").write_text(LINES[:-1])
    assert source(work)[0] is False
    (work / "logs/deep/b.log").unlink()
    assert source(work) == (False, "0 of 2 files are as they were read; 1 changed: a.log; 1 not there: deep/b.log")


def test_without_evidence_nothing_can_be_said(work: Path) -> None:
    (work / "out/evidence.sova").unlink()
    answer = verify(work / "out/report.json", trust=[work / "keys/cert.pem"], sources=[work / "logs"])
    assert [step.ok for step in answer.steps if step.name == "source"] == [None]


def test_a_source_that_is_not_there(work: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        source(work, work / "nowhere")


def test_the_command_says_it(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trust = str(work / "keys/cert.pem")
    assert main(["verify", str(work / "out/report.json"), "--trust", trust, "--source", str(work / "logs")]) == 0
    assert "ok   source:" in capsys.readouterr().out
    (work / "logs/a.log").write_text("other\n")
    assert main(["verify", str(work / "out/report.json"), "--trust", trust, "--source", str(work / "logs")]) == 4


def test_a_list_is_named_as_none_of_what_stayed_with_its_owner(work: Path) -> None:
    """A roster is in evidence by its digest alone, so it must not be called the source of several archives."""
    (work / "more").mkdir()
    (work / "more/a.log").write_text(LINES)
    (work / "staff.csv").write_text("id\n1\n")
    signer = keys.create_key(work / "keys2", common_name="auditor")
    audited = [f"logs:{work}/logs", f"logs:{work}/more"]
    Audit(select=["log-completeness.gaps"]).run(audited, out=work / "out2", signer=signer)
    with pytest.raises(UsageError, match=rf"staff.csv: is no log archive .* Those of this evidence are logs:{work}/logs, logs:{work}/more"):
        verify(work / "out2/report.json", trust=[work / "keys2/cert.pem"], sources=[work / "staff.csv"])
