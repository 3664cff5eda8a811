"""Readers of log archives: every format, packing and bad input, each line read or counted."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import zstandard

from sovaudit.collectors import collect, parse_target
from sovaudit.facts.log_archive import LogArchive, LogFile

BSD = b"Nov  5 10:00:%02d web sshd[17]: hello %d\n"


def archive(folder: Path, files: Mapping[str, bytes], query: str = "", *, mtime: str = "2026-11-25") -> LogArchive:
    when = datetime.fromisoformat(mtime).replace(tzinfo=UTC).timestamp()
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (when, when))
    return LogArchive(collect(parse_target(f"logs:{folder}{query}")))


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def only(found: LogArchive) -> LogFile:
    (file,) = found.files
    return file


def spans(found: LogArchive) -> dict[str, tuple[int, int, int]]:
    return {source.name: (source.records, source.first, source.last) for source in found.sources}


@pytest.mark.parametrize(
    ("line", "host", "moment"),
    [
        (b"Nov  5 10:00:01 web sshd[17]: hello", "web", "2026-11-05T10:00:01Z"),
        (b"Nov 15 10:00:01 web.example.com sshd[17]: hello", "web.example.com", "2026-11-15T10:00:01Z"),
        (b"<38>Nov  5 10:00:01 web sshd[17]: hello", "web", "2026-11-05T10:00:01Z"),
        (b"Dec 31 23:59:59 web kernel: hello", "web", "2025-12-31T23:59:59Z"),  # later than the file itself: last year's
        (b"Feb 29 12:00:00 web kernel: hello", "web", "2024-02-29T12:00:00Z"),
        (b"Nov 26 00:00:00 web kernel: hello", "web", "2026-11-26T00:00:00Z"),  # a zone ahead of ours
        (b"Nov  5 2026 10:00:01 web: hello", "syslog", "2026-11-05T10:00:01Z"),
        (b"Nov  5 2024 10:00:01 web sshd: hello", "web", "2024-11-05T10:00:01Z"),
        (b"<189>Nov 5 10:00:01 2024 router : %SYS-5-CONFIG_I", "router", "2024-11-05T10:00:01Z"),
        (b"2026-11-05T10:00:01+01:00 web sshd[17]: hello", "web", "2026-11-05T09:00:01Z"),
        (b"2026-11-05T10:00:01.123456+00:00 web sshd[17]: hello", "web", "2026-11-05T10:00:01Z"),
        (b"2026-11-05T10:00:01.5Z web sshd[17]: hello", "web", "2026-11-05T10:00:01Z"),
        (b"2026-11-05T10:00:01Z web sshd[17]: hello", "web", "2026-11-05T10:00:01Z"),
        (b"2026-11-05T10:00:01 web sshd[17]: hello", "web", "2026-11-05T10:00:01Z"),
        (b"2026-11-05 10:00:01 web sshd[17]: hello", "web", "2026-11-05T10:00:01Z"),
        (b"2026-11-05 10:00:01,250 web sshd[17]: hello", "web", "2026-11-05T10:00:01Z"),
        (b"<34>1 2026-11-05T10:00:01.003Z web su - ID47 - BOM'su root'", "web", "2026-11-05T10:00:01Z"),
        (b'<34>1 2026-11-05T10:00:01-05:00 web app 12 ID47 [a@1 x="]"] hello', "web", "2026-11-05T15:00:01Z"),
        (b"<34>1 2026-11-05T10:00:01Z - app 12 - - nobody's", "syslog", "2026-11-05T10:00:01Z"),
        (b"Nov  5 10:00:01 2001:db8::1 sshd: an address", "2001:db8::1", "2026-11-05T10:00:01Z"),
        (b"Nov  5 10:00:01 sshd[17]: no host at all", "syslog", "2026-11-05T10:00:01Z"),
        (b"\0\0\0Nov  5 10:00:01 web sshd[17]: after a crash", "web", "2026-11-05T10:00:01Z"),
        (b"Nov  5 10:00:60 web sshd[17]: a leap second", "web", "2026-11-05T10:01:00Z"),
    ],
)
def test_syslog_lines(tmp_path: Path, line: bytes, host: str, moment: str) -> None:
    found = archive(tmp_path, {"syslog": line + b"\n" + line + b"\n"})
    assert spans(found) == {host: (2, at(moment), at(moment))}
    assert only(found).unread == ""


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"  at java.lang.Thread", "continuation"), (b"just words", "no-stamp"), (b"", "empty-line"), (b"\0\0\0", "empty-line"),
        (b"Feb 30 10:00:00 web a: b", "no-such-time"), (b"Nov  5 25:00:00 web a: b", "no-such-time"), (b"Xyz  5 10:00:00 web a: b", "no-such-time"),
        (b"2026-13-05T10:00:01Z web a: b", "no-such-time"), (b"<34>1 - web app - - - b", "no-stamp"), (b"<34>1 x y z", "no-such-time"),
        (b"Nov  5 10:0", "no-stamp"),
    ],
)  # fmt: skip
def test_lines_that_are_no_records_are_counted(tmp_path: Path, line: bytes, reason: str) -> None:
    found = archive(tmp_path, {"syslog": BSD % (1, 1) + line + b"\n" + BSD % (2, 2)})
    assert only(found).troubles == {reason: 1, "no-zone": 1} | ({"nul": 1} if b"\0" in line else {})
    assert (only(found).lines, only(found).records) == (3, 2)


@pytest.mark.parametrize(
    ("bad", "counted"),
    [
        (b"Nov  5 10:00:01 web a: caf\xe9\n", {"not-utf8": 1}),
        ("Nov  5 10:00:01 web a: café\n".encode(), {}),
        (b"Nov  5 10:00:01 web a: b\0c\n", {"nul": 1}),
        (b"Nov  5 10:00:01 web a: half a li", {"no-last-newline": 1}),
        (b"Nov  5 10:00:01 web a: dos\r\n", {}),
        (b"Nov  5 10:00:01 web a: " + b"x" * 3_000_000 + b"\n", {"long-line": 1}),
        (b"Nov  5 10:00:01 web a: " + b"x" * 3_000_000, {"long-line": 1}),
    ],
)
def test_bad_bytes_cost_no_record(tmp_path: Path, bad: bytes, counted: dict[str, int]) -> None:
    found = archive(tmp_path, {"syslog": BSD % (0, 0) + bad})
    assert only(found).troubles == counted | {"no-zone": 1}
    assert only(found).records == 2


def test_what_is_odd_is_named_in_one_line_a_file(tmp_path: Path) -> None:
    evidence = archive(
        tmp_path, {"a": BSD % (0, 0) + b"words\nx\0y\nNov  5 1", "b": BSD % (1, 1), "c": gzip.compress(BSD % (1, 1))[:-9]}
    ).evidence
    assert [(gap.item, gap.detail) for gap in evidence.gaps] == [
        ("lines:a", "last lines without an end: 1, lines without a time: 3, lines with NUL bytes: 1"),
        ("logs/zone", "stamps without a zone were read as UTC: name it, zone=Africa/Casablanca"),
    ]
    assert [name for name, _, _ in LogArchive(evidence).unread] == ["a", "c"]
    many = archive(
        tmp_path / "many", {str(number): b"words\n" + BSD % (1, 1) * 2 for number in range(120)}, "?zone=Africa/Casablanca"
    ).evidence
    assert len(many.gaps) == 101
    assert many.gaps[0].detail == "the same in 20 more files: see logs/files"


def test_encodings(tmp_path: Path) -> None:
    text = "Nov  5 10:00:01 web a: café\n" * 3
    found = archive(tmp_path, {"a": b"\xef\xbb\xbf" + text.encode(), "b": text.encode("utf-16"), "c": text.encode("cp1252")})
    assert [(file.records, file.troubles.get("utf-16", 0), file.troubles.get("not-utf8", 0)) for file in found.files] == [
        (3, 0, 0),
        (3, 1, 0),
        (3, 0, 3),
    ]


PACKERS = {
    "gz": gzip.compress, "xz": lzma.compress, "bz2": bz2.compress, "zst": zstandard.ZstdCompressor().compress,
    "twice.gz": lambda data: gzip.compress(data[:1000]) + gzip.compress(data[1000:]),
    "twice.xz": lambda data: lzma.compress(data[:1000]) + lzma.compress(data[1000:]),
    "twice.zst": lambda data: zstandard.ZstdCompressor().compress(data[:1000]) + zstandard.ZstdCompressor().compress(data[1000:]),
    "nameless": gzip.compress,
}  # fmt: skip


@pytest.mark.parametrize("name", PACKERS)
def test_packings(tmp_path: Path, name: str) -> None:
    plain = b"".join(b"2026-11-05T%02d:%02d:%02dZ web a: %d\n" % (n // 3600, n // 60 % 60, n % 60, n * n) for n in range(50_000))
    packed = PACKERS[name](plain)
    found = archive(tmp_path, {name: packed})
    assert only(found).records == 50_000
    assert only(found).troubles == {}
    cut = archive(tmp_path / "cut", {name: packed[: len(packed) // 2]})
    assert 0 < only(cut).records < 50_000
    assert only(cut).unread in ("cut-short", "broken-packing")
    flipped = bytearray(packed)
    flipped[len(packed) // 2] ^= 0xFF
    assert only(archive(tmp_path / "flipped", {name: bytes(flipped)})).unread


@pytest.mark.parametrize(
    ("name", "pack"), [("z.gz", gzip.compress), ("z.zst", zstandard.ZstdCompressor().compress), ("z.xz", lzma.compress)]
)
def test_a_bomb_ends_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, pack: Any) -> None:
    monkeypatch.setattr("sovaudit.collectors.logs.unpack.SPARE", 1 << 20)
    found = archive(tmp_path, {name: pack(BSD % (1, 1) + b"\0" * 50_000_000)})
    assert "grows-too-much" in only(found).unread


def test_rotated_files_continue_each_other(tmp_path: Path) -> None:
    def day(number: int) -> bytes:
        return b"".join(b"Nov %2d %02d:30:00 web a: b\n" % (number, hour) for hour in range(24))

    files = {"syslog": day(10), "syslog.1": day(9), "syslog.2.gz": gzip.compress(day(8)), "syslog.10.xz": lzma.compress(day(7))}
    found = archive(tmp_path, files)
    assert [file.name for file in found.files] == ["syslog.10.xz", "syslog.2.gz", "syslog.1", "syslog"]
    (source,) = found.sources
    assert (source.records, source.steps, source.chain) == (96, (), "syslog")
    assert max(end - start for start, end in source.silences) == 3600


@pytest.mark.parametrize(
    ("paths", "chain"),
    [
        (["web/2026-11-08.log", "web/2026-11-09.log"], "web/*.log"), (["2026/11/08/web.log", "2026/11/09/web.log"], "*/web.log"),
        (["web.log-20261108", "web.log-20261109.gz"], "web.log*"), (["web-20261108-0315.log", "web-20261109-0316.log"], "web*.log"),
        (["2026-11/web.log", "2026-12/web.log"], "*/web.log"), (["web.log-1794052800", "web.log-1794139200"], "web.log*"),
        (["web.log.2", "web.log.1"], "web.log"), (["web.log.2.gz", "web.log"], "web.log"), (["web.log.0.gz", "web.log"], "web.log"),
        (["web.log-20261109", "web.log"], "web.log*"), (["web-20261109.log.gz", "web.log"], "web*.log"),
        (["web.log.2026.11.08", "web.log.2026.11.09"], "web.log*"),
    ],
)  # fmt: skip
def test_names_that_continue_each_other(tmp_path: Path, paths: list[str], chain: str) -> None:
    lines = [b"Nov  8 10:00:00 web a: b\n", b"Nov  9 10:00:00 web a: b\n"]
    found = archive(tmp_path, {path: gzip.compress(line) if path.endswith("gz") else line for path, line in zip(paths, lines, strict=True)})
    assert [(source.chain, source.silences) for source in found.sources] == [
        (chain, ((at("2026-11-08T10:00:00Z"), at("2026-11-09T10:00:00Z")),))
    ]


def test_a_rotated_log_and_its_packed_copy_are_one(tmp_path: Path) -> None:
    lines = b"".join(BSD % (second, second) for second in range(0, 60, 5))
    found = archive(
        tmp_path, {"s.log": b"Nov  6 10:00:01 web a: b\n", "s.log.1": lines, "s.log.1.gz": gzip.compress(lines), "s.log.2": lines}
    )
    (source,) = found.sources
    assert source.records == 1 + 2 * 12  # the second rotation only looks alike
    assert [file.troubles.get("same-as-another", 0) for file in found.files] == [0, 0, 1, 0]
    assert max(found.records.count(row) for row in found.records) == 2


def test_a_log_with_numbers_is_none_of_those_with_dates(tmp_path: Path) -> None:
    """Which of the two came first, names do not tell."""
    found = archive(tmp_path, dict.fromkeys(("s.log", "s.log.1", "s.log-20261105"), BSD % (1, 1)))
    assert sorted({file.chain for file in found.files}) == ["s.log", "s.log*"]


def test_an_address_is_no_rotation(tmp_path: Path) -> None:
    found = archive(tmp_path, {"10.0.0.1": BSD % (1, 1), "10.0.0.2": BSD % (1, 1)})
    assert {file.chain for file in found.files} == {"10.0.0.1", "10.0.0.2"}


@pytest.mark.parametrize(
    ("name", "mtime", "query", "year", "by"),
    [
        ("syslog", "2026-11-25", "", 2026, "mtime"), ("syslog", "2026-11-05", "", 2026, "mtime"), ("syslog", "2026-11-04", "", 2025, "mtime"),
        ("syslog-20241105", "2026-11-25", "", 2024, "name"), ("2023/11/05/syslog", "2026-11-25", "", 2023, "name"),
        ("syslog", "2026-11-25", "?year=2021", 2021, "given"), ("syslog", "2099-11-25", "", None, "now"),
    ],
)  # fmt: skip
def test_what_tells_the_year(tmp_path: Path, name: str, mtime: str, query: str, year: int | None, by: str) -> None:
    found = archive(tmp_path, {name: BSD % (1, 1)}, query, mtime=mtime)
    assert only(found).year_from == by
    if year:
        assert spans(found)["web"][1] == at(f"{year}-11-05T10:00:01Z")


def test_a_gzip_header_remembers_the_year(tmp_path: Path) -> None:
    packed = gzip.compress(BSD % (1, 1), mtime=at("2022-11-06T00:00:00Z"))
    found = archive(tmp_path, {"syslog.1.gz": packed})
    assert (only(found).year_from, spans(found)["web"][1]) == ("gzip", at("2022-11-05T10:00:01Z"))


def test_a_year_turns_within_a_file(tmp_path: Path) -> None:
    found = archive(tmp_path, {"syslog": b"Dec 31 23:59:59 web a: b\nJan  1 00:00:01 web a: b\n"}, mtime="2026-01-01")
    assert spans(found)["web"] == (2, at("2025-12-31T23:59:59Z"), at("2026-01-01T00:00:01Z"))
    assert found.sources[0].steps == ()


# Morocco keeps UTC+1, and UTC in Ramadan: in 2026 its clock goes from 03:00 to 02:00 on 15 February and from 02:00 to 03:00 on 22 March.
@pytest.mark.parametrize(
    ("stamp", "moment"),
    [
        (b"Feb 14 10:00:00", "2026-02-14T09:00:00Z"), (b"Feb 16 10:00:00", "2026-02-16T10:00:00Z"),
        (b"Mar 21 10:00:00", "2026-03-21T10:00:00Z"), (b"Mar 23 10:00:00", "2026-03-23T09:00:00Z"),
    ],
)  # fmt: skip
def test_moroccos_clock(tmp_path: Path, stamp: bytes, moment: str) -> None:
    found = archive(tmp_path, {"syslog": stamp + b" web a: b\n"}, "?zone=Africa/Casablanca", mtime="2026-04-01")
    assert spans(found)["web"][1] == at(moment)
    assert spans(archive(tmp_path, {}, ""))["web"][1] == at(f"2026-{'02' if stamp[:1] == b'F' else '03'}-{stamp[4:6].decode()}T10:00:00Z")


def test_the_hour_that_stands_twice_is_read_in_order(tmp_path: Path) -> None:
    minutes = [f"Feb 15 0{hour}:{minute:02d}:00 web a: b\n" for hour in (1, 2, 2, 3) for minute in range(0, 60, 10)]
    found = archive(tmp_path, {"syslog": "".join(minutes).encode()}, "?zone=Africa/Casablanca", mtime="2026-04-01")
    (source,) = found.sources
    assert (source.first, source.last) == (at("2026-02-15T00:00:00Z"), at("2026-02-15T03:50:00Z"))
    assert source.steps == ()
    assert all(end - start == 600 for start, end in source.silences)
    assert source.hours == [6, 6, 6, 6]
    assert only(found).troubles == {"hour-twice": 12, "no-zone": 1}


def test_the_hour_that_is_left_out_is_no_silence(tmp_path: Path) -> None:
    minutes = [f"Mar 22 0{hour}:{minute:02d}:00 web a: b\n" for hour in (1, 3) for minute in range(0, 60, 10)]
    (source,) = archive(tmp_path, {"syslog": "".join(minutes).encode()}, "?zone=Africa/Casablanca", mtime="2026-04-01").sources
    assert all(end - start == 600 for start, end in source.silences)
    (naive,) = archive(tmp_path, {}).sources
    assert max(end - start for start, end in naive.silences) == 4200  # what UTC would make of it
    assert [row[1] for row in archive(tmp_path, {}, "?zone=Africa/Casablanca").head["offsets"]] == [0, 3600]


def test_a_clock_that_goes_back(tmp_path: Path) -> None:
    lines = [b"Nov  5 10:00:00 web a: b\n", b"Nov  5 10:00:10 web a: b\n", b"Nov  5 09:00:00 web a: b\n", b"Nov  5 09:00:05 web a: b\n"]
    (source,) = archive(tmp_path, {"syslog": b"".join(lines)}).sources
    assert source.steps == ((at("2026-11-05T10:00:10Z"), at("2026-11-05T09:00:00Z")),)
    late = [b"Nov  5 10:00:10 web a: b\n", b"Nov  5 10:00:00 web a: b\n"]
    (source,) = archive(tmp_path / "late", {"syslog": b"".join(late)}).sources
    assert (source.steps, source.records) == ((), 2)


@pytest.mark.parametrize(
    ("said", "mark"),
    [
        ("rsyslogd: imuxsock[pid 12]: 40 messages lost due to rate-limiting (200 allowed within 5 seconds)", ("rate-limited", 40, "")),
        ("rsyslogd: imuxsock[pid 12] from <app>: begin to drop messages due to rate-limiting", ("rate-limit-begins", 1, "")),
        ("systemd-journald[211]: Suppressed 85 messages from sshd.service", ("suppressed", 85, "sshd.service")),
        ("kernel: [   12.100000] audit: audit_lost=7 audit_rate_limit=0 audit_backlog_limit=64", ("audit-lost", 7, "")),
        ("kernel: net_ratelimit: 12 callbacks suppressed", ("suppressed", 12, "kernel")),
        ("kernel: [    0.000000] Linux version 6.1.0-18-amd64 (debian-kernel@lists.debian.org)", ("boot", 1, "")),
        ("systemd-logind[612]: System is powering down.", ("shutdown", 1, "")),
        ("systemd[1]: Reached target shutdown.target - System Shutdown.", ("shutdown", 1, "")),
        ('rsyslogd: [origin software="rsyslogd" swVersion="8.2302.0" x-pid="1" x-info="https://www.rsyslog.com"] start', ("daemon-start", 1, "")),
        ('rsyslogd: [origin software="rsyslogd" swVersion="8.2302.0" x-pid="1"] exiting on signal 15.', ("daemon-end", 1, "")),
        (
            'rsyslogd-pstats: { "name": "fwd queue", "origin": "core.queue", "size": 60, "full": 9, "discarded.full": 7, "discarded.nf": 2, "maxqsize": 60 }',
            ("discarded", 9, "fwd queue"),
        ),
        ("rsyslogd-pstats: main Q: origin=core.queue size=1 enqueued=5 full=0 discarded.full=3 discarded.nf=0 maxqsize=2", ("discarded", 3, "main Q")),
        ('rsyslogd-pstats: { "name": "fwd queue", "origin": "core.queue", "discarded.full": 0, "discarded.nf": 0 }', None),
        ("app: System is fine", None), ("app: Suppressed 5 messages from x", None), ("systemd[1]: Reached target basic.target - Basic System.", None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("stamp", ["Nov  5 10:00:00", "2026-11-05T10:00:00.5+00:00", "<6>1 2026-11-05T10:00:00Z"])
def test_what_a_source_says_of_itself(tmp_path: Path, said: str, mark: tuple[str, int, str] | None, stamp: str) -> None:
    if stamp.startswith("<6>1"):
        program, _, message = said.partition(": ")
        program, _, process = program.rstrip("]").partition("[")
        said = f"{program} {process or '-'} - - {message}"
    found = archive(tmp_path, {"syslog": f"{stamp} web a: b\n{stamp} web {said}\n".encode()})
    (source,) = found.sources
    assert [(one.kind, one.count, one.whose) for one in source.marks] == ([mark] if mark else [])
    assert source.records == 2


@pytest.mark.parametrize("before", [5, 65_535, 70_000, 3 << 20, (3 << 20) + 11])
@pytest.mark.parametrize("packed", [False, True])
def test_a_log_that_was_emptied_under_its_daemon(tmp_path: Path, before: int, packed: bool) -> None:
    """It begins with as many NUL bytes as it was long; what follows them is read, however many they are."""
    text = b"\0" * before + b"".join(b"2026-11-05T17:42:%02d+00:00 web app: x\n" % second for second in range(9))
    found = archive(tmp_path, {"s.log.gz": gzip.compress(text, 1)} if packed else {"s.log": text})
    assert (only(found).format, only(found).records, only(found).troubles["nul"]) == ("syslog", 9, 1)
    assert only(found).unread == ""


def test_a_log_of_nothing_but_nul_bytes_is_named(tmp_path: Path) -> None:
    found = archive(tmp_path, {"s.log": b"\0" * 200_000 + b"\n"})
    assert only(found).unread == "unrecognised" and only(found).records == 0
    assert only(archive(tmp_path / "blank", {"s.log": b"\n" * 200_000})).unread == ""
