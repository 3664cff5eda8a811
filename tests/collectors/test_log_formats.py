"""Readers of numbered logs: journald, auditd, Windows; and any bytes under every reader."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sovaudit.collectors.logs.numbers import Numbers
from sovaudit.collectors.logs.sniff import READERS
from sovaudit.collectors.logs.tally import Part
from sovaudit.collectors.logs.times import Clock
from sovaudit.facts.log_archive import LogArchive, Numbering
from tests.collectors.test_logs import archive, at

SEQUENCE = "0123456789abcdef0123456789abcdef"
BOOT = "fedcba9876543210fedcba9876543210"
START = at("2026-11-05T10:00:00Z")


def numbering(found: LogArchive) -> Numbering:
    (one,) = found.numberings
    return one


def entry(
    number: int, message: str = "hello", *, boot: str = BOOT, seconds: int | None = None, shift: int = 0, program: str = "app"
) -> dict[str, str]:
    seconds = number if seconds is None else seconds
    real = (START + seconds + shift) * 10**6
    return {
        "__CURSOR": f"s={SEQUENCE};i={number:x};b={boot};m={seconds * 10**6:x};t={real:x};x=1",
        "__REALTIME_TIMESTAMP": str(real),
        "__MONOTONIC_TIMESTAMP": str(seconds * 10**6),
        "_BOOT_ID": boot,
        "_HOSTNAME": "web",
        "SYSLOG_IDENTIFIER": program,
        "_PID": "17",
        "MESSAGE": message,
    }


def exported(entries: list[dict[str, str]]) -> bytes:
    """As systemd's journal-importer.c reads them: text with a newline goes as a size and bytes."""
    out = b""
    for one in entries:
        for name, value in one.items():
            data = value.encode()
            if b"\n" in data:
                out += name.encode() + b"\n" + len(data).to_bytes(8, "little") + data + b"\n"
            else:
                out += f"{name}={value}\n".encode()
        out += b"\n"
    return out


def as_json(entries: list[dict[str, str]]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in entries)


WRITERS = pytest.mark.parametrize("write", [exported, as_json])


@WRITERS
def test_a_journal_without_a_hole(tmp_path: Path, write: object) -> None:
    found = archive(tmp_path, {"j": write([entry(n, "two\nlines" if n % 5 == 0 else "one") for n in range(100, 200)])})  # type: ignore[operator]
    one = numbering(found)
    assert (one.source, one.scheme, one.key, one.low, one.high, one.holes) == ("web", "journal", SEQUENCE, 100, 199, ())
    assert [(source.name, source.records) for source in found.sources] == [("web", 100)]


@WRITERS
def test_a_journal_with_holes_also_over_several_files(tmp_path: Path, write: object) -> None:
    numbers = [n for n in range(1, 100) if n not in (40, 41, 77)]
    system, user = [n for n in numbers if n % 3], [n for n in numbers if not n % 3]
    found = archive(tmp_path, {"system": write([entry(n) for n in system]), "user": write([entry(n) for n in user])})  # type: ignore[operator]
    assert [(hole[0], hole[1]) for hole in numbering(found).holes] == [(40, 41), (77, 77)]
    assert numbering(found).missing == 3


@WRITERS
def test_what_journald_says(tmp_path: Path, write: object) -> None:
    other = "a" * 32
    rows = [
        entry(1),
        entry(2, "Suppressed 85 messages from sshd.service", program="systemd-journald"),
        entry(3, "Suppressed 9 messages from sshd.service"),
        entry(4, "Journal stopped", program="systemd-journald"),
        entry(5, boot=other),
        entry(6, boot=other, shift=-3600),
        entry(7, boot=other, shift=-3600),
    ]
    (source,) = archive(tmp_path, {"j": write(rows)}).sources  # type: ignore[operator]
    assert sorted((mark.kind, mark.count) for mark in source.marks) == [
        ("boot", 1),
        ("clock-set", -3600),
        ("first-boot", 1),
        ("shutdown", 1),
        ("suppressed", 85),
    ]


def test_a_journal_export_that_breaks_off(tmp_path: Path) -> None:
    whole = exported([entry(n, "two\nlines") for n in range(1, 50)])
    found = archive(tmp_path, {"j": whole[:-20]})
    assert numbering(found).high == 49
    assert found.files[0].troubles == {"cut-short": 1}
    large = exported([entry(1), entry(2, "x\n" * 1_000_000), entry(3)])
    found = archive(tmp_path / "large", {"j": large})
    assert (numbering(found).low, numbering(found).high) == (1, 3)
    assert found.files[0].troubles == {"long-field": 1}


def audit(serial: int, kind: str = "SYSCALL", *, node: str = "", seconds: int | None = None) -> bytes:
    stamp = START + (serial if seconds is None else seconds)
    return f"{node}type={kind} msg=audit({stamp}.123:{serial}): arch=c000003e\n".encode()


def test_audit_events(tmp_path: Path) -> None:
    lines = b"".join(audit(n) + audit(n, "PATH") for n in range(1, 50) if n not in (12, 13)) + audit(9000, "DAEMON_ROTATE")
    one = numbering(archive(tmp_path, {"audit.log": lines}))
    assert [(hole[0], hole[1]) for hole in one.holes] == [(12, 13)]
    assert (one.low, one.high) == (1, 49)


def test_audit_events_that_come_late_are_there(tmp_path: Path) -> None:
    assert numbering(archive(tmp_path, {"audit.log": b"".join(audit(n) for n in (5, 8, 6, 7, 9, 4))})).holes == ()


def test_a_boot_and_a_start_of_auditd_begin_anew(tmp_path: Path) -> None:
    first = b"".join(audit(n) for n in range(6000, 6100))
    again = audit(1, "SYSTEM_BOOT", seconds=90000) + b"".join(audit(n, seconds=90000 + n) for n in range(2, 50))
    assert [(n.low, n.high, n.holes) for n in archive(tmp_path, {"audit.log": first + again}).numberings] == [(6000, 6099, ()), (1, 49, ())]
    later = audit(7, "DAEMON_START") + b"".join(audit(n) for n in range(6150, 6200))
    found = archive(tmp_path / "b", {"audit.log": first + later})
    assert [(n.low, n.high) for n in found.numberings] == [(6000, 6099), (6150, 6199)]


def test_rotated_audit_logs_are_one_numbering(tmp_path: Path) -> None:
    files = {"audit.log.1": b"".join(audit(n) for n in range(1, 50)), "audit.log": b"".join(audit(n) for n in range(50, 99))}
    assert [(n.low, n.high, n.holes) for n in archive(tmp_path, files).numberings] == [(1, 98, ())]
    files["audit.log"] = b"".join(audit(n) for n in range(60, 99))
    assert [(n.low, n.high, len(n.holes)) for n in archive(tmp_path, files).numberings] == [(1, 98, 1)]


def test_two_nodes_have_two_numberings(tmp_path: Path) -> None:
    lines = b"".join(audit(n, node="node=a ") + audit(n + 7, node="node=b ") for n in range(1, 50))
    assert {(n.source, n.low, n.high, n.holes) for n in archive(tmp_path, {"audit.log": lines}).numberings} == {
        ("a", 1, 49, ()),
        ("b", 8, 56, ()),
    }
    same = b"".join(audit(n, node=f"node={node} ") for n in range(1, 50) for node in "ab")
    again = audit(9000, "DAEMON_START", node="node=a ") + audit(51, node="node=b ") + audit(50, node="node=b ")
    assert {(n.source, n.low, n.high, n.holes) for n in archive(tmp_path / "same", {"audit.log": same + again}).numberings} == {
        ("a", 1, 49, ()),
        ("b", 1, 51, ()),
    }


def test_a_boot_at_the_end_of_a_file_begins_a_numbering(tmp_path: Path) -> None:
    files = {"audit.log.1": b"".join(audit(n) for n in range(1, 9)) + audit(9000, "DAEMON_START")}
    files["audit.log"] = b"".join(audit(n) for n in range(3, 50) if n != 7)
    found = archive(tmp_path, files).numberings
    assert [(n.low, n.high, [hole[:2] for hole in n.holes]) for n in found] == [(1, 8, []), (3, 49, [(7, 7)])]


def windows(number: int, event: int = 4624, log: str = "Security") -> dict[str, object]:
    created = f"2026-11-05T10:{number // 60:02d}:{number % 60:02d}.1234567Z"
    system = {
        "EventID": event,
        "TimeCreated": {"#attributes": {"SystemTime": created}},
        "EventRecordID": number,
        "Channel": log,
        "Computer": "dc1",
    }
    return {"Event": {"System": system, "EventData": {}}}


def flat(number: int, event: int = 4624) -> dict[str, object]:
    return {
        "RecordId": number,
        "Id": event,
        "LogName": "Security",
        "MachineName": "dc1",
        "TimeCreated": f"/Date({(START + number) * 1000})/",
    }


def table(rows: list[dict[str, object]]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, [*rows[0], "Message"], quoting=csv.QUOTE_ALL)
    writer.writeheader()
    for row in rows:
        writer.writerow({**row, "TimeCreated": "2026-11-05T10:00:00Z", "Message": 'An account, "x",\r\nwas logged on.'})
    return b"#TYPE System.Diagnostics.Eventing.Reader.EventLogRecord\r\n" + out.getvalue().encode()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"".join(json.dumps(windows(n)).encode() + b"\n" for n in range(5, 90) if n != 44), id="evtx_dump, a line each"),
        pytest.param(json.dumps([windows(n) for n in range(5, 90) if n != 44]).encode(), id="a list in one line"),
        pytest.param(json.dumps([windows(n) for n in range(5, 90) if n != 44], indent=2).encode(), id="a list over many lines"),
        pytest.param(json.dumps([flat(n) for n in range(5, 90) if n != 44], indent=4).encode("utf-16"), id="ConvertTo-Json, UTF-16"),
        pytest.param(
            b"[\r\n" + b",\r\n".join(json.dumps(flat(n)).encode() for n in range(5, 90) if n != 44) + b"\r\n]\r\n", id="a list, a line each"
        ),
        pytest.param(table([flat(n) for n in range(5, 90) if n != 44]), id="Export-Csv"),
    ],
)
def test_windows_event_logs(tmp_path: Path, data: bytes) -> None:
    one = numbering(archive(tmp_path, {"Security": data}))
    assert (one.source, one.scheme, one.low, one.high) == ("dc1", "windows", 5, 89)
    assert [(hole[0], hole[1]) for hole in one.holes] == [(44, 44)]


def test_a_cleared_windows_log_says_so(tmp_path: Path) -> None:
    rows = [windows(7), windows(8, 1102), windows(9, 6006, "System"), windows(10, 6005, "System")]
    (source,) = archive(tmp_path, {"x": b"".join(json.dumps(row).encode() + b"\n" for row in rows)}).sources
    assert [mark.kind for mark in source.marks] == ["cleared", "shutdown", "boot"]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("25/11/2026 10:00:00", True), ("11/25/2026 10:00:00 AM", True), ("11/12/2026 10:00:00", False), ("12/12/2026 10:00:00", True),
        ("25.11.2026 10:00:00", True), ("yesterday", False),
    ],
)  # fmt: skip
def test_a_date_that_could_be_another_is_not_guessed(tmp_path: Path, text: str, read: bool) -> None:
    data = f"RecordId,Id,LogName,MachineName,TimeCreated\n7,1,System,dc1,{text}\n".encode()
    found = archive(tmp_path, {"x.csv": data})
    assert found.files[0].records == int(read)
    assert bool(found.files[0].unread) is not read


@given(st.lists(st.integers(1, 60), max_size=80), st.lists(st.integers(1, 60), max_size=80))
def test_runs_are_the_numbers_that_were_seen(first: list[int], second: list[int]) -> None:
    one, other = Numbers(), Numbers()
    for number in first:
        one.add(number, number)
    for number in second:
        other.add(number, number)
    assert {n for run in one.runs for n in range(run[0], run[1] + 1)} == set(first)
    assert one.count == len(set(first))
    one.merge(other)
    assert {n for run in one.runs for n in range(run[0], run[1] + 1)} == {*first, *second}
    assert all(a[1] + 1 < b[0] for a, b in zip(one.runs, one.runs[1:], strict=False))


SAMPLES = {
    "syslog": b"Nov  5 10:00:01 web sshd[17]: hello\n<34>1 2026-11-05T10:00:01Z web su - - - x\nNov  5 10:00:01 web kernel: Linux version 6\n",
    "audit": audit(1) + audit(2, "DAEMON_START"), "journal-export": exported([entry(1), entry(2, "a\nb")]), "journal-json": as_json([entry(1)]),
    "windows-json": json.dumps(windows(7)).encode() + b"\n", "windows-csv": table([flat(7), flat(8)]), "samba": b'{"timestamp": "2026-11-05T10:00:01Z"}\n',
    "accesslog": b"dn: reqStart=20261105100001.000001Z,cn=accesslog\n",
}  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(sorted(READERS)), data=st.data())
def test_any_bytes_under_every_reader(kind: str, data: st.DataObject) -> None:
    """No reader raises, and cutting what it reads into other blocks gives the same."""
    sample = SAMPLES[kind]
    text = bytearray(sample * 3)
    for at_, byte in data.draw(st.lists(st.tuples(st.integers(0, len(text) - 1), st.integers(0, 255)), max_size=20)):
        text[at_] = byte
    text += data.draw(st.binary(max_size=60))
    reader = READERS[kind](Part(), Clock("Africa/Casablanca", START), "web", "chain", (0, 1 << 40))
    reader.feed(bytes(text))
    reader.finish()
    assert all(count > 0 for count in reader.part.troubles.values())
    assert all(sum(tally.hours.values()) > 0 for tally in reader.part.tallies.values())


@pytest.mark.parametrize("kind", sorted(READERS))
@pytest.mark.parametrize(
    "junk", [b"\n" * 50, b"\0" * 5000, b"{" * 20000 + b"\n", b"[" * 20000 + b"\n", b'"' * 999 + b"\n", b"\xff" * 999 + b"\n", b"A\n" * 999]
)
def test_junk_under_every_reader(kind: str, junk: bytes) -> None:
    reader = READERS[kind](Part(), Clock("", START), "web", "chain", None)
    reader.feed(SAMPLES[kind] + junk)
    reader.finish()
    assert sum(reader.part.troubles.values()) >= (1 if junk.strip() else 0)


def test_a_core_dump_in_a_journal_is_passed_by(tmp_path: Path) -> None:
    core = b"COREDUMP\n" + (5_000_000).to_bytes(8, "little") + b"\x7fELF" + b"x" * 4_999_996 + b"\n"
    rows = [exported([entry(n)]) for n in range(1, 6)]
    rows[2] = core + rows[2]
    found = archive(tmp_path, {"j": b"".join(rows)})
    assert (numbering(found).low, numbering(found).high, numbering(found).holes) == (1, 5, ())
    assert found.files[0].troubles == {"long-field": 1}
    rows[2] = b"LONG=" + b"y" * 5_000_000 + b"\n" + exported([entry(3)])
    found = archive(tmp_path / "text", {"j": b"".join(rows)})
    assert (numbering(found).high, numbering(found).holes) == (5, ())


def test_two_ways_of_writing_stamps_in_one_file(tmp_path: Path) -> None:
    lines = b"Nov  5 10:00:01 web a: b\n2026-11-05T10:00:02Z web a: b\n<34>1 2026-11-05T10:00:03Z web a - - - b\nNov 05 2026 10:00:04 web a: b\n"
    (source,) = archive(tmp_path, {"syslog": lines * 3000}).sources
    assert source.records == 12000
    assert {before - after for before, after in source.steps} == set()
