"""Over every check of archives: removing evidence never improves an answer, and no shape of it breaks one."""

from __future__ import annotations

import gzip
import lzma
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from sovaudit import canon
from sovaudit.cli.docs import builtin
from sovaudit.collectors import collect, parse_target
from sovaudit.engine import judge
from sovaudit.model.evidence import Evidence, Gap
from sovaudit.model.verdict import Reason
from sovaudit.testing import NOW, archive_evidence
from tests.collectors.test_log_formats import SAMPLES
from tests.log_hosts import log_evidence
from tests.test_properties import Chosen, _each, improved

CHECKS = [builtin()[f"log-completeness.{name}"] for name in ("gaps", "reconciled", "retention", "sources")]
END = int(NOW.timestamp())
Row = tuple[str, int, str, str, str]


def world() -> list[Evidence]:
    """An archive in which each check fails, passes and doubts; a host's own copy; and visits of hosts that brought the end of their logs."""
    rows = [("web", END - 60 * number, "sshd", str(number), f"{number:016x}") for number in range(100)]
    sources = {
        "web": {"silent": [(50, 40)]}, "db": {"days": 200}, "old": {"ago": 40, "marks": [[END - 3600 * 40, "shutdown", 1, ""]]},
        "few": {"days": 3}, "odd": {"chain": "odd.log", "steps": [[END, END - 9999]]}, "win": {"chain": "win", "days": 9, "format": "windows-json"},
    }  # fmt: skip
    numbers = [{"source": "win", "scheme": "windows", "low": 7, "high": 90, "holes": [[8, 9, END - 99, END - 9]]}]
    noted = [*rows[1:], *visited("sent", rows), *visited("cut", rows)]
    archive = archive_evidence(
        {**sources, "sent": {}, "cut": {}}, numbers=numbers, register=[{"source": "db"}, {"source": "gone", "line": 3}], records=noted,
        target="logs:/archive", gaps=[Gap("logs:locked", Reason.DENIED, "cannot be listed")],
        files=[{"name": "odd.log.1", "chain": "odd.log", "troubles": {"cut-short": 1}}],
    )  # fmt: skip
    own = archive_evidence({"web": {"days": 1}}, records=[*rows[:70], *rows[71:]], host="web", target="logs:/own?host=web")
    return [archive, own, visit("sent", rows), visit("cut", [*rows[:70], *rows[71:]]), visit("gone", rows)]


def visited(name: str, rows: list[Row]) -> list[Row]:
    return [(name, *row[1:]) for row in rows]


def visit(name: str, rows: list[Row]) -> Evidence:
    tail = "F\t/var/log/auth.log\tw\t100\t0\n" + "".join("R\t" + "\t".join(map(str, row)) + "\n" for row in reversed(visited(name, rows)))
    evidence = log_evidence(artifacts={"log-records": tail}, target=f"ssh://{name}")
    return replace(evidence, taken_at=NOW, identity={"hostname": name})


def answers(evidences: list[Evidence]) -> dict[str, dict[str, set[str]]]:
    found: dict[str, dict[str, set[str]]] = {check.id: {} for check in CHECKS}
    for judgement in judge([Chosen(check) for check in CHECKS], evidences):
        for subject, verdict in _each(judgement):
            found[judgement.check].setdefault(f"{judgement.target} {subject}", set()).add(verdict)
    return found


def test_the_world_is_worth_it() -> None:
    said = {check: set().union(*rows.values()) for check, rows in answers(world()).items()}
    assert all("fail" in verdicts or "unknown" in verdicts for verdicts in said.values()), said
    assert not any("error" in verdicts for verdicts in said.values())


def test_removing_evidence_never_improves_an_answer() -> None:
    before = answers(world())
    wrong = []
    for number, evidence in enumerate(world()):
        for name in evidence.artifacts:
            less = world()
            less[number] = replace(evidence, artifacts={other: data for other, data in evidence.artifacts.items() if other != name})
            wrong += [f"without {name} of {number}: {what}" for what in improved(before, answers(less))]
        for gap in evidence.gaps:
            less = world()
            less[number] = replace(evidence, gaps=tuple(other for other in evidence.gaps if other != gap))
            wrong += [f"without the gap {gap.item}: {what}" for what in improved(before, answers(less))]
    assert wrong == []


def test_no_evidence_at_all_passes_nothing() -> None:
    for check, rows in answers([replace(one, artifacts={}, gaps=()) for one in world()]).items():
        assert all(verdicts == {"unknown"} for verdicts in rows.values()), check


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["logs/archive", "logs/files", "logs/sources", "logs/numbers", "logs/records", "logs/register"]), st.data())
def test_no_shape_of_the_extract_breaks_a_check(name: str, data: st.DataObject) -> None:
    (archive, *rest), text = world(), None
    raw = bytearray(archive.artifacts[name])
    if data.draw(st.booleans()):
        text = data.draw(
            st.sampled_from([b"", b"{}\n", b"[]\n", b"null\n", b'{"name": 1}\n', b"\xff\n", b"[" * 5000, b"x\ty\n", b"0\n", b'""\n'])
        )
    else:
        for _ in range(data.draw(st.integers(1, 5))):
            raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.sampled_from(b'019-"{}[],:ax\t\n'))
    broken = replace(archive, artifacts={**archive.artifacts, name: bytes(raw) if text is None else text})
    for check, rows in answers([broken, *rest]).items():
        assert not any("error" in verdicts for verdicts in rows.values()), (check, rows)


@pytest.mark.parametrize("huge", [10**30, -1, 0, 1 << 62])
def test_no_number_in_the_extract_breaks_a_check(huge: int) -> None:
    archive, *rest = world()
    for name in ("first", "last", "from", "low", "high"):
        for artifact in ("logs/archive", "logs/sources", "logs/numbers"):
            text = archive.artifacts[artifact].replace(f'"{name}":'.encode(), f'"{name}":{huge},"was":'.encode())
            broken = replace(archive, artifacts={**archive.artifacts, artifact: text})
            for check, rows in answers([broken, *rest]).items():
                assert not any("error" in verdicts for verdicts in rows.values()), (check, name, artifact, rows)


NAMES = ("syslog", "syslog.1", "syslog.2.gz", "2026/11/05/web.log", "audit.log", "web.log-20261105", "x.json", "10.0.0.1")
PACK = {"plain": bytes, "gzip": gzip.compress, "xz": lzma.compress, "zstd": zstandard.ZstdCompressor().compress}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_files_are_read_and_judged(data: st.DataObject) -> None:
    """Whatever lies in an archive: it is collected, the evidence is canonical, and no check breaks."""
    with tempfile.TemporaryDirectory() as folder:
        for name in data.draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True)):
            content = bytearray(b"".join(data.draw(st.lists(st.sampled_from(sorted(SAMPLES.values())), max_size=4))))
            for _ in range(data.draw(st.integers(0, 6)) if content else 0):
                content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
            packed = PACK[data.draw(st.sampled_from(sorted(PACK)))](bytes(content))
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(packed[: data.draw(st.integers(0, len(packed)))] if data.draw(st.booleans()) else packed)
        query = data.draw(
            st.sampled_from(["", "?zone=Africa/Casablanca", "?host=web", "?year=2026", "?format=syslog", "?records=2026-11-05"])
        )
        evidence = collect(parse_target(f"logs:{folder}{query}"))
    assert evidence.error == ""
    for name in ("logs/archive", "logs/files", "logs/sources", "logs/numbers"):
        for line in evidence.artifacts[name].splitlines():
            canon.loads_strict(line)
    for check, rows in answers([evidence]).items():
        assert not any("error" in verdicts for verdicts in rows.values()), (check, rows)
