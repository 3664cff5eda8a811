"""A trusted signer who lies is caught: what can be recomputed is believed over any signature."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sovaudit import keys, seal
from sovaudit.audit import Audit, render
from sovaudit.canon import canonical
from sovaudit.errors import UsageError
from sovaudit.verification import Verification, verify
from tests.roots import SECOND_ROOT, make_root

NOW = datetime.now(UTC)
CHECKS = ("least-privilege.uid0", "password-policy.max-age", "password-policy.hash")


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audited")
    root = make_root(folder / "root", SECOND_ROOT)
    signer = keys.create_key(folder / "keys", common_name="auditor")
    Audit(select=CHECKS).run([f"root:{root}"], out=folder / "out", signer=signer, now=NOW)
    return folder


@pytest.fixture
def work(audited: Path, tmp_path: Path) -> Path:
    shutil.copytree(audited / "out", tmp_path / "out")
    shutil.copytree(audited / "keys", tmp_path / "keys")
    return tmp_path


def answer(work: Path, name: str = "report.json") -> Verification:
    return verify(work / "out" / name, trust=[work / "keys/cert.pem"])


def wrong(verification: Verification) -> set[str]:
    return {step.name for step in verification.steps if step.ok is False}


def forge(work: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the document, then sign and render it anew with the trusted key."""
    place = work / "out/report.json"
    document = json.loads(place.read_bytes())
    change(document)
    data = canonical(document)
    signature = seal.sign(data, keys.load_signer(work / "keys/key.pem", work / "keys/cert.pem"), when=NOW)
    place.write_bytes(data)
    (work / "out/report.json.p7s").write_bytes(signature)
    (work / "out/report.html").write_bytes(render(data, signature))


@pytest.mark.parametrize("name", ["report.json", "report.html"])
def test_an_honest_report_holds(work: Path, name: str) -> None:
    verification = answer(work, name)
    assert wrong(verification) == set()
    assert {step.name for step in verification.steps if step.ok} == {
        "document",
        "signature",
        "trust",
        "page",
        "counts",
        "evidence",
        "verdicts",
    }


@pytest.mark.parametrize("name", ["report.json", "report.html"])
def test_each_file_stands_alone(work: Path, name: str) -> None:
    alone = work / "alone"
    alone.mkdir()
    shutil.copy(work / "out" / name, alone / name)
    if name == "report.json":
        shutil.copy(work / "out/report.json.p7s", alone)
    verification = verify(alone / name, trust=[work / "keys/cert.pem"])
    assert wrong(verification) == set()
    assert {step.name for step in verification.steps if step.ok is None} >= {"evidence", "verdicts"}


def drop_a_finding(document: dict[str, Any]) -> None:
    document["findings"] = [row for row in document["findings"] if row["check"] != "least-privilege.uid0"]


def turn_a_finding(document: dict[str, Any]) -> None:
    for row in document["findings"]:
        row["verdict"] = "not_applicable"


def soften(document: dict[str, Any]) -> None:
    for row in document["findings"]:
        row["severity"] = "low"


def add_a_pass(document: dict[str, Any]) -> None:
    document["passed"][0]["subjects"].append("mallory")


def open_the_gate(document: dict[str, Any]) -> None:
    document["gate"].update(code=0, name="ok", reasons=[])


def conform(document: dict[str, Any]) -> None:
    document["controls"][0]["status"] = "conforming"


def drop_a_control(document: dict[str, Any]) -> None:
    document["controls"].pop()


def count_less(document: dict[str, Any]) -> None:
    document["summary"]["failing"] = 0


def other_evidence(document: dict[str, Any]) -> None:
    document["evidence"]["root"] = "sha256:" + "0" * 64


def drop_a_gap(document: dict[str, Any]) -> None:
    document["targets"][0]["gaps"] = []


def loosen(document: dict[str, Any]) -> None:
    for row in document["profile"]["parameters"]:
        if row["check"] == "password-policy.max-age":
            row["params"]["max_days"] = 5


@pytest.mark.parametrize(
    "change",
    [
        drop_a_finding,
        turn_a_finding,
        soften,
        add_a_pass,
        open_the_gate,
        conform,
        drop_a_control,
        count_less,
        other_evidence,
        drop_a_gap,
        loosen,
    ],
)
def test_a_lie_is_caught(work: Path, change: Callable[[dict[str, Any]], None]) -> None:
    forge(work, change)
    assert wrong(answer(work)) & {"counts", "evidence", "verdicts"}


def test_a_changed_page_is_caught(work: Path) -> None:
    page = work / "out/report.html"
    page.write_bytes(page.read_bytes().replace(b"</h1>", b" </h1>", 1))
    assert wrong(answer(work)) == {"page"}
    assert wrong(answer(work, "report.html")) == {"page"}


def test_an_unsigned_report_is_refused(work: Path) -> None:
    (work / "out/report.json.p7s").unlink()
    assert "signature" in wrong(answer(work))


@pytest.mark.parametrize("text", [b"", b"\x00", b"[]", b"{}", b'{"schema":"other"}', b"<!doctype html><html></html>", b"\xff\xfe"])
def test_garbage_never_verifies(work: Path, text: bytes) -> None:
    (work / "out/report.json").write_bytes(text)
    if text[:1] == b"{" or text[:1] == b"<":
        assert wrong(answer(work))
    else:
        with pytest.raises(UsageError, match=r"report\.json"):
            answer(work)


def test_words_that_the_evidence_does_not_give_are_told_from_verdicts(work: Path) -> None:
    def reword(document: dict[str, Any]) -> None:
        document["findings"][0]["message"]["text"] += " (so they say)"

    forge(work, reword)
    (said,) = [step.detail for step in answer(work).steps if step.name == "verdicts"]
    assert said.startswith("each verdict is the same, but what stands beside them in findings is not what the evidence gives; first: ")
