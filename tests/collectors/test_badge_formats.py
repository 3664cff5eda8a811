"""One export in every format gives the same events."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sovaudit.errors import UsageError
from sovaudit.facts.badges import BadgeLog
from sovaudit.model.verdict import TargetStatus
from tests.badge_files import evidence, log

COLUMNS = ("when", "controller", "n", "door", "way", "card", "what")
ROWS = [
    ("2026-03-02 08:00:00", "C1", 1, "D1", "in", "0042", "ok"),
    ("2026-03-02 08:00:05.250", "C1", 2, "D1", "out", "B;2", "no"),
    ("2026-03-02 08:00:09", "C1", 3, "D1", None, "B,3", "odd"),
]
MAP = """
format = "{format}"
time = {{ zone = "Africa/Casablanca" }}
columns = {{ event_time = "when", source = "controller", sequence = "n", access_point = "door", direction = "way", credential = "card", event = "what" }}
events = {{ ok = "GRANTED", no = "DENIED_OTHER" }}
{more}
"""


def maps(format_: str, more: str = "") -> str:
    return MAP.format(format=format_, more=more)


def events(found: BadgeLog) -> list[tuple[Any, ...]]:
    return found.query(
        "SELECT row, event_time, source, sequence, access_point, direction, credential, event, event_native FROM events ORDER BY row"
    )


EXPECTED = [
    (1, 1772438400000, "C1", 1, "D1", "in", "0042", "GRANTED", None),
    (2, 1772438405250, "C1", 2, "D1", "out", "B;2", "DENIED_OTHER", None),
    (3, 1772438409000, "C1", 3, "D1", None, "B,3", "UNMAPPED", "odd"),
]


def objects() -> list[dict[str, Any]]:
    return [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]


def delimited(separator: str) -> str:
    cell = lambda value: "" if value is None else f'"{value}"' if separator in str(value) else str(value)  # noqa: E731
    return "\n".join(separator.join(map(cell, row)) for row in [COLUMNS, *ROWS]) + "\n"


def test_csv_and_tsv(tmp_path: Path) -> None:
    for format_, separator, more in (("csv", ",", ""), ("csv", ";", 'delimiter = ";"'), ("tsv", "\t", ""), ("csv", "|", 'delimiter = "|"')):
        found = log(tmp_path, delimited(separator), maps(format_, more))
        assert events(found) == EXPECTED, format_
        assert found.reading.unmapped == {"odd": 1}


def test_a_file_without_header(tmp_path: Path) -> None:
    text = "a report\n" + delimited(",").split("\n", 1)[1]
    more = f"header = false\nskip = 1\nnames = {json.dumps(COLUMNS)}"
    assert events(log(tmp_path, text, more + "\n" + maps("csv"))) == EXPECTED


def test_json_lines(tmp_path: Path) -> None:
    text = "\n".join(json.dumps(each) for each in objects()) + "\n\n"
    assert events(log(tmp_path, text, maps("jsonl"), name="log.jsonl")) == EXPECTED
    found = log(tmp_path, text + '{"when": "2026-03-02\n[1]\n', maps("jsonl"), name="log.jsonl")
    assert events(found) == EXPECTED
    assert found.reading.refused == {"unreadable": 2}


@pytest.mark.parametrize("indent", [None, 2])
def test_json_documents(tmp_path: Path, indent: int | None) -> None:
    assert events(log(tmp_path, json.dumps(objects(), indent=indent), maps("json"), name="log.json")) == EXPECTED
    inside = {"AcsEvent": {"total": 3, "InfoList": objects()}}
    more = 'records = "AcsEvent.InfoList"'
    assert events(log(tmp_path, json.dumps(inside, indent=indent), more + "\n" + maps("json"), name="log.json")) == EXPECTED
    pages = [{"AcsEvent": {"InfoList": objects()[:1]}}, {"AcsEvent": {"InfoList": objects()[1:]}}]
    text = "\n".join(json.dumps(page, indent=indent) for page in pages)
    assert events(log(tmp_path, text, more + "\n" + maps("json"), name="log.json")) == EXPECTED


def test_names_inside_names(tmp_path: Path) -> None:
    text = json.dumps([{"a": {"b/c": "2026-03-02T08:00:00Z"}, "e": {"f": ["x", "y"]}}])
    found = log(tmp_path, text, 'format = "json"\n[columns]\nevent_time = "a.b/c"\nevent = "e.f.1"\n', name="log.json")
    assert found.query("SELECT event_time, event_native FROM events") == [(1772438400000, "y")]


def test_a_large_array_is_read_in_pieces(tmp_path: Path) -> None:
    many = [{**objects()[0], "n": number, "pad": "x" * 500} for number in range(6000)]
    found = log(tmp_path, json.dumps(many), maps("json"), name="log.json")
    assert [row[3] for row in events(found)] == list(range(6000))


def test_an_array_that_was_cut_off(tmp_path: Path) -> None:
    text = json.dumps(objects())
    found = log(tmp_path, text[:-30], maps("json"), name="log.json")
    assert events(found) == EXPECTED[:2]
    assert found.reading.refused == {"cut off": 1}


@pytest.mark.parametrize("text", ["{", "[1, oops, 2]", "[{}] x", "nothing", '{"a": 1} {'])
def test_what_is_no_json(tmp_path: Path, text: str) -> None:
    found = evidence(tmp_path, text, maps("json"), name="log.json")
    assert found.status is TargetStatus.FAILED or found.artifacts["badges/source"].count(b'"cut off"') == 1
    assert "Traceback" not in found.error


def workbook(path: Path, rows: list[tuple[Any, ...]], sheet: str = "Sheet") -> None:
    import openpyxl

    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in rows:
        book.active.append(row)
    book.save(path)


def test_excel(tmp_path: Path) -> None:
    rows: list[tuple[Any, ...]] = [COLUMNS, *((datetime.fromisoformat(row[0]), *row[1:]) for row in ROWS)]
    workbook(tmp_path / "log.xlsx", rows)
    assert events(log(tmp_path, None, maps("excel"), name="log.xlsx")) == EXPECTED


def test_excel_cells_in_the_maps_own_time_format(tmp_path: Path) -> None:
    rows: list[tuple[Any, ...]] = [
        COLUMNS,
        (datetime.fromisoformat("2026-03-02 08:00"), *ROWS[0][1:]),
        ("02/03/2026 08:00:05", *ROWS[1][1:]),
    ]
    workbook(tmp_path / "log.xlsx", rows)
    text = maps("excel").replace("zone =", 'format = "%d/%m/%Y %H:%M:%S", zone =')
    assert [row[1] for row in events(log(tmp_path, None, text, name="log.xlsx"))] == [1772438400000, 1772438405000]


def test_excel_formulas_are_no_values(tmp_path: Path) -> None:
    rows: list[tuple[Any, ...]] = [(*COLUMNS, "note"), (*ROWS[0], "=1+1"), ("=NOW()", *ROWS[1][1:], ""), (*ROWS[2], "")]
    workbook(tmp_path / "log.xlsx", rows)
    found = log(tmp_path, None, maps("excel"), name="log.xlsx")
    assert [row[3] for row in events(found)] == [1, 3]
    assert found.reading.refused == {"formula": 1}


def test_excel_that_is_none(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", b"\0" * (300 << 20))
    assert "unpacks to" in evidence(tmp_path, None, maps("excel"), name="bomb.xlsx").error
    assert "is no workbook" in evidence(tmp_path, "no zip", maps("excel"), name="log.xlsx").error
    with zipfile.ZipFile(tmp_path / "odd.xlsx", "w") as archive:
        archive.writestr("hello.txt", b"hello")
    assert "is no workbook" in evidence(tmp_path, None, maps("excel"), name="odd.xlsx").error
    workbook(tmp_path / "log.xlsx", [COLUMNS])
    assert "has no sheet 'Other'" in evidence(tmp_path, None, 'sheet = "Other"\n' + maps("excel"), name="log.xlsx").error


def test_a_table_of_sqlite(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "log.db")
    connection.execute(f'CREATE TABLE "Access Log" ({", ".join(f"{name!r}" for name in COLUMNS)}, other)')
    connection.executemany(f'INSERT INTO "Access Log" VALUES ({",".join("?" * len(COLUMNS))}, 1)', ROWS)
    connection.commit()
    connection.close()
    (tmp_path / "map.toml").write_text(maps("sql"))
    from sovaudit.collectors import CollectOptions, collect, parse_target

    uri = f"badges:sqlite:///{tmp_path}/log.db?map={tmp_path}/map.toml&table="
    found = collect(parse_target(uri + "Access+Log"), CollectOptions(identify=True))
    assert found.status is TargetStatus.COLLECTED, found.error
    assert events(BadgeLog(found)) == EXPECTED
    assert "has no table" in collect(parse_target(uri + "none")).error
    assert "no such database file" in collect(parse_target(uri.replace("log.db", "no.db") + "x")).error
    assert not (tmp_path / "no.db").exists()


def test_a_database_without_its_table_or_driver(tmp_path: Path) -> None:
    from sovaudit.collectors import collect, parse_target

    (tmp_path / "map.toml").write_text(maps("sql"))
    with pytest.raises(UsageError, match="names no table"):
        parse_target(f"badges:sqlite:///x.db?map={tmp_path}/map.toml")
    with pytest.raises(UsageError, match='format = "sql"'):
        parse_target("badges:sqlite:///x.db?map=generic&table=x")
    assert "no driver" in collect(parse_target(f"badges:nosuch://h/x?map={tmp_path}/map.toml&table=x")).error
