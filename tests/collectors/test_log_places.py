"""What surrounds the readers of log archives: bounds, what is not a log, the register, records noted one by one."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from sovaudit.collectors import CollectOptions, collect, parse_target, plan
from sovaudit.errors import UsageError
from sovaudit.facts.log_archive import LogArchive
from tests.collectors.test_logs import BSD, archive, at


def test_ten_thousand_small_files(tmp_path: Path) -> None:
    for number in range(10_000):
        (tmp_path / f"host{number}").write_bytes(BSD % (number % 60, number))
    began = time.monotonic()
    found = LogArchive(collect(parse_target(f"logs:{tmp_path}")))
    assert len(found.files) == 10_000
    assert sum(source.records for source in found.sources) == 10_000
    assert time.monotonic() - began < 20


def test_nothing_but_files_is_read_and_what_is_left_is_named(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (tmp_path / "outside").write_bytes(BSD % (1, 1))
    os.symlink(tmp_path / "outside", logs / "link")
    os.symlink(tmp_path, logs / "folder")
    os.mkfifo(logs / "pipe")
    found = archive(logs, {"syslog": BSD % (1, 1)})
    assert [file.name for file in found.files] == ["syslog"]
    assert [(name, why) for name, _, why in found.unread] == [
        ("folder", "a link is not followed"),
        ("link", "a link is not followed"),
        ("pipe", "not a regular file"),
    ]


def test_odd_names_and_empty_files(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9\n")).write_bytes(BSD % (1, 1))
    found = archive(tmp_path, {"empty": b"", "blank": b"\n\n"})
    assert [file.name for file in found.files] == ["blank", r"caf\xe9\n", "empty"]
    assert [file.format for file in found.files] == ["empty", "syslog", "empty"]
    assert not found.unread


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"LPKSHHRH" + b"\0" * 100, "export it with journalctl -o export"), (b"ElfFile\0" + b"\0" * 100, "export it as JSON or CSV"),
        (b"\x7fELF\x02\x01" + b"\0\n" * 100, "unrecognised"), (b"a,b,c\n1,2,3\n", "unrecognised"),
    ],
)  # fmt: skip
def test_what_is_no_log_is_named(tmp_path: Path, data: bytes, why: str) -> None:
    assert [row[2] for row in archive(tmp_path, {"x": data}).unread] == [why]


def test_pieces_of_a_large_file_join(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = b"".join(b"Nov  5 %02d:%02d:%02d web%d a: %d\n" % (n // 3600, n // 60 % 60, n % 60, n % 3, n) for n in range(0, 80_000, 7))
    whole = archive(tmp_path, {"syslog": lines}, "?records=2000-01-01")
    monkeypatch.setattr("sovaudit.collectors.logs.work.PIECE", 40_000)
    monkeypatch.setattr("sovaudit.collectors.logs.work.SHARED", 1)
    pieces = archive(tmp_path, {}, "?records=2000-01-01")
    assert pieces.evidence.artifacts == whole.evidence.artifacts
    assert sum(source.records for source in whole.sources) == len(range(0, 80_000, 7))


def test_the_time_for_reading_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "syslog").write_bytes(BSD % (1, 1))
    evidence = collect(parse_target(f"logs:{tmp_path}"), CollectOptions(host_timeout_s=0))
    assert [gap.reason.value for gap in evidence.gaps] == ["timeout"]
    assert LogArchive(evidence).unread[0][2] == "not read to its end in time"


@pytest.mark.parametrize(
    "query",
    ["?zone=Nowhere/City", "?register=/no/such", "?colour=red", "?zone", "?host=a b", "?format=odd", "?year=26", "?records=yesterday",
     "?records=2026-02-02/2026-01-01", "?year=2026&year=2025"],
)  # fmt: skip
def test_what_the_caller_must_mend(tmp_path: Path, query: str) -> None:
    with pytest.raises(UsageError):
        parse_target(f"logs:{tmp_path}{query}")
    with pytest.raises(UsageError, match="no folder"):
        parse_target(f"logs:{tmp_path}/absent")


def test_a_plan_says_what_is_read(tmp_path: Path) -> None:
    assert any(str(tmp_path) in line for line in plan(parse_target(f"logs:{tmp_path}")))


def test_the_register_is_read_or_its_fault_named(tmp_path: Path) -> None:
    register = tmp_path / "register.csv"
    logs = tmp_path / "logs"
    register.write_text("Source;since\nweb;2026-01-01\ndb;\n")
    found = archive(logs, {"syslog": BSD % (1, 1)}, f"?register={register}")
    assert [(one.source, one.since, one.line) for one in found.register] == [("db", "", 3), ("web", "2026-01-01", 2)]
    for text in ("", "host\nweb\n", "source\n", "source,since\nweb,soon\n", "source,since\n,2026-01-01\n", 'source\n"web\n'):
        register.write_text(text)
        evidence = archive(logs, {}, f"?register={register}").evidence
        assert [gap.item for gap in evidence.gaps] == ["logs/register", "logs/zone"], text


def test_records_are_noted_where_the_size_allows_or_the_days_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = b"Nov  5 10:00:01 web sshd[17]: hello\nNov  6 10:00:01 web sshd: hello\n"
    found = archive(tmp_path, {"syslog": lines})
    assert [row[:4] for row in found.records] == [
        ("web", at("2026-11-05T10:00:01Z"), "sshd", "17"),
        ("web", at("2026-11-06T10:00:01Z"), "sshd", ""),
    ]
    same = b"<38>1 2026-11-05T10:00:01.5Z web sshd 17 - - hello\n"
    assert archive(tmp_path / "5424", {"syslog": same}).records[0] == found.records[0]
    assert len(archive(tmp_path, {}, "?records=2026-11-06").records) == 1
    monkeypatch.setattr("sovaudit.collectors.logs.NOTED", 10)
    assert [gap.item for gap in archive(tmp_path, {}).evidence.gaps] == ["logs/records", "logs/zone"]


def test_no_message_is_in_the_evidence(tmp_path: Path) -> None:
    evidence = archive(tmp_path, {"syslog": b"Nov  5 10:00:01 web sshd[17]: password hunter2\n"}).evidence
    assert not any(b"hunter2" in data for data in evidence.artifacts.values())


def test_samba_and_accesslog(tmp_path: Path) -> None:
    row = {"timestamp": "2026-11-05T10:00:01.123456+0100", "type": "Authentication", "Authentication": {"status": "NT_STATUS_OK"}}
    samba = f"[2026/11/05 10:00:01.123,  3] ../../auth.c:1 (log)\n  {json.dumps(row)}\n{json.dumps(row)}\nbroken {{\n"
    ldif = (
        "dn: cn=accesslog\nobjectClass: auditContainer\ncn: accesslog\n\ndn: reqStart=20261105100001.000001Z,cn=accesslog\nobjectClass: auditBind\n"
        "reqStart: 20261105100001.000001Z\n\ndn: reqStart=20261105100002.000002Z,cn=accesslog\nreqStart: 20261105100002.000002Z\n\n"
    )
    found = archive(tmp_path, {"log.smbd": samba.encode(), "access.ldif": ldif.encode()}, "?host=dc1")
    assert {file.name: (file.format, file.records) for file in found.files} == {"access.ldif": ("accesslog", 2), "log.smbd": ("samba", 2)}
    assert {source.first for source in found.sources} == {at("2026-11-05T10:00:01Z"), at("2026-11-05T09:00:01Z")}
    assert found.files[1].troubles == {"other-line": 1, "not-json": 1}


def test_so_many_records_and_no_more_are_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sovaudit.collectors.logs.extract.MAX_NOTED", 50)
    lines = b"".join(BSD % (number % 60, number) for number in range(50))
    assert len(archive(tmp_path, {"a": lines}).records) == 50
    evidence = archive(tmp_path, {"b": BSD % (1, 1)}).evidence
    assert "logs/records" not in evidence.artifacts
    assert any(gap.item == "logs/records" and gap.detail.startswith("more records") for gap in evidence.gaps)


def test_many_sources_in_one_file_are_read_in_linear_time(tmp_path: Path) -> None:
    """Twenty times the sources cost about twenty times as much."""
    spent = []
    for count in (500, 10_000):
        lines = b"".join(b"Nov  5 10:00:%02d host%d a: b\n" % (number % 60, number % count) for number in range(count * 3))
        began = time.process_time()
        archive(tmp_path / str(count), {"syslog": lines})
        spent.append(time.process_time() - began)
    assert spent[1] < 80 * max(spent[0], 0.01)


def test_what_is_skipped_is_named_up_to_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["sovaudit.collectors.logs.walk"], "MAX_SKIPPED", 3)
    for number in range(5):
        os.symlink("/etc/passwd", tmp_path / f"link{number}")
    evidence = archive(tmp_path, {"syslog": BSD % (1, 1)}, "?zone=UTC").evidence
    assert [gap.item for gap in evidence.gaps] == ["logs/files", "logs:link0", "logs:link1", "logs:link2"]
    assert evidence.status.value == "partial"
