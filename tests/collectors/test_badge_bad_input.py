"""Bad exports: one clear line each, every row counted, nothing guessed and nothing lost."""

from __future__ import annotations

import resource
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from sovaudit.collectors import collect, parse_target, pseudonyms
from sovaudit.collectors.badges.columns import events_query, know_words
from sovaudit.collectors.badges.mapping import load_map, ready_maps
from sovaudit.errors import UsageError
from sovaudit.facts.badges import BadgeLog
from sovaudit.model.verdict import TargetStatus
from sovaudit.tables import Engine
from tests.badge_files import GENERIC, HEAD, evidence, log, numbers, row


def test_two_events_with_one_id_are_both_kept(tmp_path: Path) -> None:
    assert numbers(log(tmp_path, HEAD + row(1) + row(1, badge="B2"))) == [1, 1]


def test_dates_of_two_formats(tmp_path: Path) -> None:
    maps = 'base = "generic"\n[time]\nformat = "%d/%m/%Y %H:%M:%S"\nzone = "UTC"\n'
    found = log(
        tmp_path, HEAD + row(1, at="02/03/2026 08:00:00") + row(2, at="2026-03-02 08:00:00") + row(3, at="03/25/2026 08:00:00"), maps
    )
    assert numbers(found) == [1]
    assert found.reading.refused == {"time": 2}


def test_a_clock_going_back_keeps_every_row_in_the_order_of_the_file(tmp_path: Path) -> None:
    found = log(tmp_path, HEAD + row(1, at="2026-03-02T09:00:00Z") + row(2, at="2026-03-02T08:00:00Z"))
    assert found.query("SELECT row, sequence FROM events ORDER BY row") == [(1, 1), (2, 2)]


@pytest.mark.parametrize(("end", "refused"), [("2026-03-02T08:00:05Z,C1,2", {"missing columns": 1}), ("2026-03-0", {"missing columns": 1})])
def test_a_half_written_line(tmp_path: Path, end: str, refused: dict[str, int]) -> None:
    found = log(tmp_path, HEAD + row(1) + end)
    assert numbers(found) == [1]
    assert found.reading.refused == refused


def test_a_last_line_without_end_is_read_and_said(tmp_path: Path) -> None:
    found = log(tmp_path, (HEAD + row(1) + row(2)).rstrip("\n"))
    assert numbers(found) == [1, 2]
    assert not found.reading.complete
    assert [gap.detail for gap in found.doubts] == ["the last line has no end: it may be cut off"]


def test_an_endless_line_costs_itself_and_no_memory(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with (tmp_path / "log.csv").open("wb") as file:
        file.write((HEAD + row(1)).encode())
        file.write(b"x,")
        file.seek(2 << 30, 1)  # 2 GB that take no room
        file.write(b"\n" + row(2).encode())
    found = log(tmp_path, None)
    assert numbers(found) == [1, 2]
    assert found.reading.refused == {"long line": 1}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000


def test_nuls(tmp_path: Path) -> None:
    found = log(tmp_path, HEAD + row(1) + row(2, badge="B\0") + row(3))
    assert numbers(found) == [1, 3]
    assert found.reading.refused == {"NUL": 1}


def test_mixed_encodings(tmp_path: Path) -> None:
    found = log(tmp_path, (HEAD + row(1, badge="É")).encode() + row(2, badge="É").encode("cp1252") + row(3).encode())
    assert numbers(found) == [1, 3]
    assert found.reading.refused == {"encoding": 1}


def test_other_encodings_are_named_by_the_map(tmp_path: Path) -> None:
    text = HEAD + row(1, badge="بطاقة") + row(2, badge="é")
    for encoding, content in (("utf-16", text.encode("utf-16")), ("utf-8", text.encode("utf-8-sig")), ("cp1256", text.encode("cp1256"))):
        found = log(tmp_path, content, f'base = "generic"\nencoding = "{encoding}"\n')
        assert numbers(found) == [1, 2], encoding
        assert found.query("SELECT credential FROM events ORDER BY row")[0] == ("بطاقة",), encoding


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-be", "utf-16-le"])
def test_a_blank_is_one_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    text = (HEAD + row(1, badge="\u3000B1", event="GRANTED\u3000")).encode(encoding)  # of ASCII bytes alone in UTF-16
    found = log(tmp_path, text, f'base = "generic"\nencoding = "{encoding}"\n')
    assert found.query("SELECT credential, event FROM events ORDER BY row") == [("B1", "GRANTED")]


def test_windows_line_ends(tmp_path: Path) -> None:
    found = log(tmp_path, (HEAD + row(1) + row(2)).replace("\n", "\r\n"))
    assert numbers(found) == [1, 2]
    assert found.query("SELECT DISTINCT event FROM events") == [("GRANTED",)]


def test_mixed_and_old_line_ends(tmp_path: Path) -> None:
    assert numbers(log(tmp_path, HEAD + row(1).replace("\n", "\r\n") + row(2))) == [1, 2]
    assert numbers(log(tmp_path, (HEAD + row(1) + row(2)).replace("\n", "\r"))) == [1, 2]
    found = log(tmp_path, HEAD + row(1, badge="B\r1") + row(2))
    assert numbers(found) == [2]
    assert found.reading.refused == {"carriage return": 1}


@pytest.mark.parametrize("content", ["", "\n", "   \n\n"])
def test_an_empty_file(tmp_path: Path, content: str) -> None:
    found = evidence(tmp_path, content)
    assert found.status is TargetStatus.FAILED
    assert "is empty" in found.error


def test_a_header_and_nothing_else(tmp_path: Path) -> None:
    found = evidence(tmp_path, HEAD)
    assert found.status is TargetStatus.FAILED
    assert "holds no event" in found.error


def test_a_csv_bomb_of_columns(tmp_path: Path) -> None:
    found = evidence(tmp_path, ",".join(f"c{n}" for n in range(50_000)) + "\n1\n")
    assert found.status is TargetStatus.FAILED
    assert "50000 columns" in found.error


def test_a_quote_that_never_closes_costs_its_own_line(tmp_path: Path) -> None:
    found = log(tmp_path, HEAD + row(1) + row(2, badge='"B2') + "".join(row(n) for n in range(3, 5000)))
    assert numbers(found) == [1, *range(3, 5000)]
    assert found.reading.refused == {"open quote": 1}


def test_values_of_several_lines_are_named_by_the_map(tmp_path: Path) -> None:
    text = HEAD + row(1, badge='"B\n1"') + row(2)
    assert log(tmp_path, text).reading.refused == {"open quote": 2}
    assert numbers(log(tmp_path, text, 'base = "generic"\nmultiline = true\n')) == [1, 2]


def test_blank_lines_are_no_rows(tmp_path: Path) -> None:
    found = log(tmp_path, HEAD + "\n" + row(1) + "\n\r\n\n" + row(2) + "\n\n")
    assert numbers(found) == [1, 2]
    assert found.reading.refused == {}


LATER = {
    "nothing": b"",
    "a blank": row(7, badge=" B7 ").encode(),
    "a NUL": row(7, badge="B\0").encode(),
    "another encoding": row(7, badge="É").encode("cp1252"),
    "an open quote": row(7, badge='"B7').encode(),
    "other line ends": row(7).replace("\n", "\r\n").encode(),
    "another controller and reader": row(7, source="C9").replace("D1", "D9").encode(),
    "a half line": b"2026-03-02T08:00:05Z,C1,7",
    "a long line": b"x" * (3 << 20) + b"\n" + row(7).encode(),
    "no UTF-8 and no end": row(7).encode() + b"\xff",
}


@pytest.mark.parametrize("what", LATER)
def test_what_comes_late_in_a_file_is_seen(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The events are read while the file is looked at: what only its end tells must count all the same."""
    for multiline in ("", "multiline = true\n"):
        content = (HEAD + "".join(row(number) for number in range(25_000))).encode() + LATER[what]
        found = evidence(tmp_path, content, f'base = "generic"\n{multiline}')
        with monkeypatch.context() as patched:
            patched.setattr("sovaudit.collectors.badges.storing.guessed", lambda *_: None)
            whole = evidence(tmp_path, content, f'base = "generic"\n{multiline}')
        assert (found.status, found.error, found.gaps, found.identity) == (whole.status, whole.error, whole.gaps, whole.identity)
        assert dict(found.artifacts) == dict(whole.artifacts)


@pytest.mark.parametrize("late", [{"source": "C2"}, {"source": ""}, {"source": " C1 "}, {"source": "C\u00e9"}, {}])
def test_words_that_the_beginning_of_a_log_does_not_have(late: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = HEAD + "".join(row(number) for number in range(60)) + row(60, **late) + row(61, **late).replace("D1", "D2")
    found = log(tmp_path, content)
    monkeypatch.setattr("sovaudit.collectors.badges.columns.BEGINNING", 20)
    early = log(tmp_path, content)
    asked = "SELECT row, source, access_point, credential, event FROM events ORDER BY row"
    assert early.query(asked) == found.query(asked)
    assert found.query("SELECT count(*), count(DISTINCT access_point) FROM events") == [(62, 2)]


def test_rows_stand_in_the_order_of_the_file_however_many_they_are(tmp_path: Path) -> None:
    """A record is found by its place in the export: threads that read parts of it must not shuffle them."""
    lines = (f"2026-03-02T08:00:00Z,C1,{number},D1,in,B{number % 9},u1,GRANTED\n" for number in range(300_000))
    found = evidence(tmp_path, HEAD + "".join(lines))
    assert BadgeLog(found).query("SELECT count(*), count(*) FILTER (row <> sequence + 1) FROM events") == [(300_000, 0)]


@pytest.mark.parametrize("name", ready_maps())
def test_no_map_joins_what_it_reads(name: str) -> None:
    """The engine gives joined rows in any order, and makes a join of a long IN by itself."""
    plan, _ = load_map(name, {})
    engine = Engine(ordered=True)
    pseudonyms.teach(engine, b"k" * 32)
    know_words(engine)
    engine.run("CREATE TABLE given (text VARCHAR)")
    ((_, steps),) = engine.rows(f"EXPLAIN {events_query(plan, lambda _: 'text', 'given', 'log')}")
    assert "projection" in steps.lower()
    assert "join" not in steps.lower()
    engine.close()


@pytest.mark.parametrize("by", ["another file", "nothing", "more"])
@pytest.mark.parametrize("place", ["storing.guessed", "storing.prepare", "events.events_query", "side.prepare"])
def test_a_file_that_is_replaced_while_it_is_read(by: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The digest must be that of the bytes whose events stand beside it."""
    name = "hosts.csv" if place == "side.prepare" else "log.csv"
    given = {"log.csv": HEAD + row(1), "hosts.csv": "source,host\nC1,h1\n"}
    maps = f'{GENERIC}[files]\nhosts = "hosts.csv"\n'
    module, _, function = place.partition(".")
    whole = import_module(f"sovaudit.collectors.badges.{module}")
    ask = getattr(whole, function)

    def and_replace(*args: Any, **more: Any) -> Any:
        found = ask(*args, **more)
        if by == "nothing":
            (tmp_path / name).unlink(missing_ok=True)
        elif by == "more":
            (tmp_path / name).write_text(given[name] + given[name].splitlines(keepends=True)[1])
        else:
            (tmp_path / "other").write_text(given[name].replace("C1", "C2"))
            (tmp_path / "other").replace(tmp_path / name)
        return found

    for file, content in given.items():
        (tmp_path / file).write_text(content)
    monkeypatch.setattr(whole, function, and_replace)
    found = evidence(tmp_path, None, maps)
    assert found.status is TargetStatus.FAILED or (by, found.status) == ("nothing", TargetStatus.REFUSED)
    assert "changed while it was read" in found.error or by == "nothing"
    assert not found.artifacts


def test_the_text_of_an_error_names_no_copy_of_ours(tmp_path: Path) -> None:
    found = evidence(tmp_path, ("\r" + HEAD).encode("utf-16-le"), f'{GENERIC}encoding = "utf-16-le"\n')
    assert found.error.startswith(f"{tmp_path}/log.csv: ")


def test_packed_files_say_so(tmp_path: Path) -> None:
    found = evidence(tmp_path, b"\x1f\x8b\x08\x00" + bytes(100))
    assert found.status is TargetStatus.FAILED
    assert "is packed (gzip)" in found.error


def test_pipes_and_devices_are_not_waited_for(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    found = collect(parse_target(f"badges:{tmp_path / 'pipe'}?map=generic"))
    assert found.status is TargetStatus.FAILED
    assert "is not a regular file" in found.error


def test_ten_thousand_tiny_files(tmp_path: Path) -> None:
    folder = tmp_path / "days"
    folder.mkdir()
    for number in range(10_000):
        (folder / f"{number:05}.csv").write_text(HEAD + row(number + 1))
    (folder / "10000.csv").write_text("")
    (folder / "10001.csv").write_text("when,who\n1,2\n")
    (folder / "10002.csv").write_text(HEAD + row(10_001).rstrip("\n"))
    (folder / "notes.md").write_text("no export")
    found = log(tmp_path, None, name="days")
    assert numbers(found) == list(range(1, 10_002))
    assert found.reading.refused == {"empty file": 1, "file with other columns": 1}
    assert found.reading.files == 10_003


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    found = log(tmp_path, HEAD + row(1, badge="'; DROP TABLE events; --", source='"x"" y"', event="=cmd|' /C calc'!A0"))
    assert found.query("SELECT credential, source, event_native FROM events") == [
        ("'; DROP TABLE events; --", 'x" y', "=cmd|' /C calc'!A0")
    ]


def test_a_map_cannot_speak_sql(tmp_path: Path) -> None:
    maps = """
    [columns]
    event_time = "event_time"
    source = { value = "x'; SELECT 1; --" }
    credential = { column = "credential", match = "(B')" }
    event = "event"
    [events]
    "x' OR '1'='1" = "GRANTED"
    """
    found = log(tmp_path, HEAD + row(1, event="y"), maps)
    assert found.query("SELECT source, credential, event FROM events") == [("x'; SELECT 1; --", None, "UNMAPPED")]


@pytest.mark.parametrize(("match", "says"), [("((", "match is no expression"), ("B", "match needs a group")])
def test_an_expression_that_is_none_is_said(tmp_path: Path, match: str, says: str) -> None:
    maps = f"[columns]\nevent_time='event_time'\nevent={{column='event', match='{match}'}}\n"
    with pytest.raises(UsageError, match=says):
        evidence(tmp_path, HEAD + row(1), maps)


def test_whatever_was_odd_is_one_line_of_the_report(tmp_path: Path) -> None:
    (tmp_path / "zones.csv").write_text("area,min_persons\nroom,two\n")
    rows = [
        row(1),
        row(2, at="02/03/2026"),
        row(3, event="PASSED"),
        row(4, at="never"),
        row(5).replace(",in,", ",up,"),
        "\0\n",
        row(7).rstrip("\n"),
    ]
    seen = evidence(tmp_path, HEAD + "".join(rows), query=f"&zones={tmp_path}/zones.csv")
    assert [(gap.item, gap.detail) for gap in seen.gaps] == [
        ("rows:log.csv", "not read: NUL: 1 (at 7), time: 2 (at 2, 4)"),
        ("rows:zones.csv", "of zones not read: 1"),
        ("end:log.csv", "its last line has no end: it may be cut off"),
        ("codes:log.csv", "events with codes that the map does not name: 1, most often PASSED"),
        ("directions:log.csv", "directions that are neither in nor out: 1"),
    ]
    many = evidence(tmp_path, HEAD + row(1) + row(2, at="never") * 9)
    assert [gap.detail for gap in many.gaps] == ["not read: time: 9 (at 2, 3, 4, 5, 6, …)"]
    assert evidence(tmp_path, HEAD + row(1)).gaps == ()
    clock = 'base = "generic"\n[time]\nformat = "%Y-%m-%d %H:%M:%S"\nzone = "Africa/Casablanca"\n'
    twice = evidence(tmp_path, HEAD + row(1, at="2026-02-15 02:30:00") + row(2, at="2026-03-22 02:30:00"), clock)
    assert [gap.detail for gap in twice.gaps] == ["wall clock times that came twice: 1", "wall clock times that never were: 1"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ((HEAD + row(1)).encode("utf-16"), "its header line cannot be read (NUL)"), (b"caf\xe9," + (HEAD + row(1)).encode(), "its header line cannot be read (encoding)"),
        (b"c" * (2 << 20) + b"\n1\n", "its header line cannot be read (long line)"), (b'"event' + (HEAD + row(1)).encode(), "its header line cannot be read (open quote)"),
    ],
)  # fmt: skip
def test_a_header_that_cannot_be_read_is_named(tmp_path: Path, content: bytes, why: str) -> None:
    seen = evidence(tmp_path, content)
    assert why in seen.error and str(tmp_path / "log.csv") in seen.error and "sieved" not in seen.error


@pytest.mark.parametrize("header", [True, False])
def test_files_of_a_folder_may_end_their_lines_each_in_its_way(header: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sovaudit.collectors.badges.preparing.CHUNK", 7)
    (tmp_path / "log").mkdir()
    for number, change in enumerate((("\n", "\r\n"), ("", ""), ("\n", "\r"), ("\n", "\r\n"))):
        text = "\ufeff" + HEAD * header + row(2 * number) + row(2 * number + 1)
        (tmp_path / "log" / f"{number}.csv").write_text(text.replace(*change), newline="")
    names = HEAD.strip().split(",")
    found = log(tmp_path, None, GENERIC if header else f"header = false\nnames = {names}\n{GENERIC}", name="log")
    assert numbers(found) == list(range(8))
    assert found.reading.refused == {}
    assert found.query("SELECT DISTINCT event FROM events") == [("GRANTED",)]


def test_files_of_a_folder_that_are_none_cost_themselves(tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    for name, content in {
        "a.csv": b"",
        "b.csv": b"x,y\n1,2\n",
        "c.csv": (HEAD + row(9)).encode("utf-16"),
        "d.csv": (HEAD + row(1)).encode(),
    }.items():
        (folder / name).write_bytes(content)
    found = log(tmp_path, None, name="exports")
    assert numbers(found) == [1]
    assert found.reading.refused == {"empty file": 1, "file with other columns": 2}
    (folder / "d.csv").unlink()
    assert "has no column" in evidence(tmp_path, None, name="exports").error
