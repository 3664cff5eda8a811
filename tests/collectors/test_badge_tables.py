"""The tables beside the events, pseudonyms, and what a bundle of badge events keeps."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sovaudit import canon
from sovaudit.bundle import Bundle, BundleWriter
from sovaudit.collectors import CollectOptions, collect, parse_target, redacted
from sovaudit.collectors.pseudonyms import pseudonym
from sovaudit.errors import UsageError
from sovaudit.facts.badge_events import PEOPLE, SIDE_TABLES, TIME
from sovaudit.facts.badges import BadgeLog, utc
from sovaudit.facts.files import Unseen
from sovaudit.model.verdict import TargetStatus
from sovaudit.tables import Engine, Pieces, Scratch
from tests.badge_files import HEAD, evidence, log, row

KEY = b"k" * 32


def test_tables_are_named_by_the_map_or_the_target(tmp_path: Path) -> None:
    (tmp_path / "doors.csv").write_text("access_point;area_to;has_exit_reader;colour\nD1;hall;oui;red\nD2;room;no;\n")
    (tmp_path / "zones.jsonl").write_text('{"area": "room", "level": "restricted", "min_persons": 2}\n')
    maps = 'base = "generic"\n[files]\ndoors = "doors.csv"\n'
    found = log(tmp_path, HEAD + row(), maps, query=f"&zones={tmp_path}/zones.jsonl")
    assert found.query("SELECT access_point, area_to, has_exit_reader, level FROM doors ORDER BY access_point") == [
        ("D1", "hall", True, None),
        ("D2", "room", False, None),
    ]
    assert found.query("SELECT area, level, min_persons FROM zones ORDER BY area") == [("room", "restricted", 2)]
    assert found.has("doors") and not found.has("rights")
    with pytest.raises(Unseen, match="rights"):
        found.need_table("rights")


def test_times_in_tables_are_the_maps_own_and_a_last_day_is_whole(tmp_path: Path) -> None:
    (tmp_path / "credentials.csv").write_text(
        "credential,subject,valid_from,valid_to\nB1,u1,2026-02-01,2026-03-31\nB2,u2,2026-02-01T10:00:00Z,\n"
    )
    found = log(
        tmp_path, HEAD + row(), 'base = "generic"\n[time]\nzone = "Africa/Casablanca"\n', query=f"&credentials={tmp_path}/credentials.csv"
    )
    rows = found.query("SELECT valid_from, valid_to FROM credentials ORDER BY credential")
    assert [tuple(at and utc(at) for at in each) for each in rows] == [
        ("2026-01-31 23:00:00Z", "2026-03-31 22:59:59.999Z"),
        ("2026-02-01 10:00:00Z", None),
    ]


def test_a_map_says_how_the_file_of_a_table_is_read(tmp_path: Path) -> None:
    """As recorders export their segments: other names, other times, other encodings."""
    text = "Export du 01/06/2026\nCaméra;Début;Fin;Déclencheur\nEntrée;20/05/2026 00:00:00;20/05/2026 01:00:00;Permanent\nEntrée;20/05/2026 01:00:00;;Mvt\n"
    (tmp_path / "segments.csv").write_bytes(text.encode("cp1252"))
    columns = 'camera = "Caméra"\nstart = "Début"\nend = "Fin"\nmode = { column = "Déclencheur", map = { Permanent = "continuous", Mvt = "motion" } }\n'
    maps = (
        'base = "generic"\n[files.recordings]\nfile = "segments.csv"\nencoding = "cp1252"\nskip = 1\n'
        f'[files.recordings.time]\nformat = "%d/%m/%Y %H:%M:%S"\nzone = "Africa/Casablanca"\n[files.recordings.columns]\n{columns}'
    )
    found = log(tmp_path, HEAD + row(), maps)
    rows = found.query('SELECT camera, start, "end", mode FROM recordings ORDER BY start')
    assert [(camera, utc(start), end and utc(end), mode) for camera, start, end, mode in rows] == [
        ("Entrée", "2026-05-19 23:00:00Z", "2026-05-20 00:00:00Z", "continuous"),
        ("Entrée", "2026-05-20 00:00:00Z", None, "motion"),
    ]
    # the map says how, the target which file
    later = log(tmp_path, HEAD + row(), maps.replace('file = "segments.csv"\n', ""), query=f"&recordings={tmp_path}/segments.csv")
    assert later.query("SELECT count(*) FROM recordings") == [(2,)]
    assert not log(tmp_path, HEAD + row(), maps.replace('file = "segments.csv"\n', "")).has("recordings")


def test_a_table_in_json_or_xml_through_the_map(tmp_path: Path) -> None:
    items = [{"source": {"name": "K1"}, "from": 1779235200, "to": 1779238800}, {"source": {"name": "K2"}, "from": 1779235200, "to": None}]
    (tmp_path / "segments.json").write_text(json.dumps({"result": {"items": items}}))
    (tmp_path / "segments.xml").write_text(
        "<r><t>1</t><seg><cam>K1</cam><begin>2026-05-20T00:00:00Z</begin><stop>2026-05-20T01:00:00Z</stop></seg><seg><cam>K2</cam><begin>2026-05-20T00:00:00Z"
        "</begin></seg></r>"
    )
    forms = {
        "json": ('records = "result.items"\ntime = { format = "epoch_s" }\n', 'camera = "source.name"\nstart = "from"\nend = "to"\n'),
        "xml": ('records = "seg"\n', 'camera = "cam"\nstart = "begin"\nend = "stop"\n'),
    }
    for kind, (more, columns) in forms.items():
        maps = f'base = "generic"\n[files.recordings]\nfile = "segments.{kind}"\n{more}[files.recordings.columns]\n{columns}'
        found = log(tmp_path, HEAD + row(), maps)
        rows = found.query('SELECT camera, start, "end" FROM recordings ORDER BY camera')
        assert rows == [("K1", 1779235200000, 1779238800000), ("K2", 1779235200000, None)], kind


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[files.recordings]\ncolumns = { lens = 'x' }\n", "files.recordings.columns.lens"), ("[files.cameras]\nfile = 'x'\n", "files.cameras"),
        ("[files.recordings]\nencoding = 'klingon'\n", "klingon"), ("[files.recordings]\nfile = 'segments.csv'\nclock = 1\n", "clock"),
    ],
)  # fmt: skip
def test_a_map_of_a_table_that_does_not_hold_together(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        log(tmp_path, HEAD + row(), f'base = "generic"\n{text}')
    assert said in str(error.value)


def test_a_map_of_a_table_whose_file_has_other_columns(tmp_path: Path) -> None:
    (tmp_path / "segments.csv").write_text("camera,from\nK1,2026-05-20\n")
    seen = evidence(tmp_path, HEAD + row(), 'base = "generic"\n[files.recordings]\nfile = "segments.csv"\ncolumns = { start = "begin" }\n')
    assert "has no column 'begin'" in seen.error


def test_rows_of_a_table_that_cannot_be_read_are_a_doubt(tmp_path: Path) -> None:
    (tmp_path / "zones.csv").write_text("area,min_persons\nroom,two\n,1\nhall,1\nyard\n")
    found = log(tmp_path, HEAD + row(), query=f"&zones={tmp_path}/zones.csv")
    assert found.query("SELECT area FROM zones ORDER BY area") == [("hall",)]
    assert found.reading.refused == {"zones: row": 3}


def test_a_table_without_its_first_column_is_refused(tmp_path: Path) -> None:
    (tmp_path / "doors.csv").write_text("door,area\n1,2\n")
    found = evidence(tmp_path, HEAD + row(), query=f"&doors={tmp_path}/doors.csv")
    assert found.status is TargetStatus.FAILED
    assert "has no column 'access_point'" in found.error
    with pytest.raises(UsageError, match="there is no file"):
        evidence(tmp_path, HEAD + row(), query="&doors=none.csv")


def test_people_stand_under_pseudonyms_unless_they_are_to_be_named(tmp_path: Path) -> None:
    (tmp_path / "credentials.csv").write_text("credential,subject\nB1,u1\n")
    (tmp_path / "visits.csv").write_text("visitor,host,credential\nguest,u1,B9\n")
    query = f"&credentials={tmp_path}/credentials.csv&visits={tmp_path}/visits.csv"
    kept = evidence(tmp_path, HEAD + row(), query=query, identify=False, people_key=KEY)
    found = BadgeLog(kept)
    badge, person = pseudonym(KEY, "badge", "B1"), pseudonym(KEY, "person", "u1")
    assert found.query("SELECT credential, subject FROM events") == [(badge, person)]
    assert found.query("SELECT credential, subject FROM credentials") == [(badge, person)]
    assert found.query("SELECT visitor, host FROM visits") == [(pseudonym(KEY, "person", "guest"), person)]
    assert kept.identity["people"] == "pseudonyms"
    raw = b"".join(kept.artifacts.values())
    assert not any(name in raw for name in (b"B1", b"u1", b"guest", KEY, KEY.hex().encode()))
    assert len(badge) == len(person) == 12 and badge[0] == "b" and person[0] == "p"


def test_every_column_that_may_say_who_is_hidden() -> None:
    harmless = set(
        "access_point door site area_from area_to level has_exit_reader area min_persons source last_sequence read_at kind".split()
    )
    harmless |= set(
        "valid_from valid_to status schedule days time_from time_to time_in time_out site_a site_b minutes day event_time".split()
    )
    harmless |= set("acknowledged_at reason camera oldest newest start end mode closed".split())
    assert {column for columns in SIDE_TABLES.values() for column in columns} - harmless == set(PEOPLE)


def test_every_table_can_be_read_with_all_its_columns(tmp_path: Path) -> None:
    values = {"BIGINT": "1", "BOOLEAN": "yes", "VARCHAR": "x", TIME: "2026-03-02T00:00:00Z"}
    for name, columns in SIDE_TABLES.items():
        head, line = ",".join(columns), ",".join(values[kind] for kind in columns.values())
        (tmp_path / f"{name}.csv").write_text(f"{head}\n{line}\n")
        found = log(tmp_path, HEAD + row(), query=f"&{name}={tmp_path}/{name}.csv")
        found.need_columns(name, *columns)
        assert found.query(f"SELECT count(*) FROM {name}") == [(1,)]


def test_another_key_gives_other_pseudonyms(tmp_path: Path) -> None:
    one = BadgeLog(evidence(tmp_path, HEAD + row(), identify=False))
    other = BadgeLog(evidence(tmp_path, None, identify=False))
    assert one.query("SELECT credential FROM events") != other.query("SELECT credential FROM events")


def test_a_bundle_gives_the_log_back(tmp_path: Path) -> None:
    kept = evidence(tmp_path, HEAD + "".join(row(n) for n in range(1, 5000)))
    with BundleWriter(tmp_path / "e.sova") as writer:
        writer.add(kept)
        root = writer.finish()
    with Bundle(tmp_path / "e.sova") as bundle:
        bundle.verify()
        assert bundle.root() == root
        (again,) = bundle
        assert not isinstance(again.artifacts, dict)  # read when asked for
        assert dict(again.artifacts) == dict(kept.artifacts)
        assert BadgeLog(again).query("SELECT count(*) FROM events") == [(4999,)]


def test_evidence_with_a_part_missing_or_changed_is_not_seen(tmp_path: Path) -> None:
    (tmp_path / "doors.csv").write_text("access_point\nD1\n")
    kept = evidence(tmp_path, HEAD + row(), query=f"&doors={tmp_path}/doors.csv")
    whole = dict(kept.artifacts)
    for name in whole:
        broken = BadgeLog(replace(kept, artifacts={other: data for other, data in whole.items() if other != name}))
        with pytest.raises(Unseen):
            broken.query("SELECT count(*) FROM events")
    said = json.loads(whole["badges/source"])
    said["events"]["rows"] = 2
    changes = [
        {"badges/source": b"{}"},
        {"badges/source": b"nothing"},
        {"badges/source": json.dumps(said).encode()},
        {"badges/events.parquet/000": whole["badges/events.parquet/000"][:-1]},
        {"badges/events.parquet/000": b"PAR1" + bytes(100) + b"PAR1"},
    ]
    for change in changes:
        with pytest.raises(Unseen):
            BadgeLog(replace(kept, artifacts={**whole, **change})).query("SELECT count(*) FROM events")


def test_a_table_with_other_columns_is_not_seen(tmp_path: Path) -> None:
    """A bundle that somebody made by hand: every digest holds, and what it holds is no log."""
    kept = evidence(tmp_path, HEAD + row())
    for query in ("SELECT 1 AS event_time", "SELECT * REPLACE (source::BLOB AS source) FROM log", "SELECT *, 1 AS more FROM log"):
        scratch = Scratch()
        engine, pieces = Engine(scratch), Pieces(scratch)
        (scratch.path / "log.parquet").write_bytes(kept.artifacts["badges/events.parquet/000"])
        engine.view("log", scratch.file("log.parquet"))
        said = json.loads(kept.artifacts["badges/source"])
        engine.write(query, scratch.file("other.parquet"))
        said["events"] |= pieces.add_table("badges/events.parquet", scratch.file("other.parquet"))
        pieces.add("badges/source", canon.canonical(said))
        with pytest.raises(Unseen, match="columns are not those"):
            BadgeLog(replace(kept, artifacts=pieces)).query("SELECT count(*) FROM events")
    broken = b"PAR1" + bytes(200) + b"PAR1"
    said["events"] |= {"bytes": len(broken), "pieces": 1, "sha256": canon.digest(broken)}
    by_hand = replace(kept, artifacts={"badges/source": canon.canonical(said), "badges/events.parquet/000": broken})
    with pytest.raises(Unseen):
        BadgeLog(by_hand).query("SELECT count(*) FROM events")


def test_a_log_may_be_joined_with_other_facts(tmp_path: Path) -> None:
    found = log(tmp_path, HEAD + row(1, badge="B1") + row(2, badge="B2"))
    found.load("people", {"badge": "VARCHAR", "left_on": "BIGINT"}, [("B1", 5), ("é'", None)])
    assert found.query("SELECT e.credential, left_on FROM events e LEFT JOIN people p ON p.badge = e.credential ORDER BY row") == [
        ("B1", 5),
        ("B2", None),
    ]
    with pytest.raises(ValueError, match="is a table of the log"):
        found.load("events", {"x": "BIGINT"}, [])
    found.load("nobody", {"badge": "VARCHAR"}, [])
    assert found.query("SELECT count(*) FROM nobody") == [(0,)]


def test_queries_reach_nothing_outside(tmp_path: Path) -> None:
    found = log(tmp_path, HEAD + row())
    for sql in (
        f"SELECT * FROM read_text('{tmp_path}/log.csv')",
        "COPY (SELECT 1) TO '/tmp/sovaudit-out'",
        "INSTALL httpfs",
        "ATTACH '/etc/passwd'",
        "SET enable_external_access = true",
    ):
        with pytest.raises(ValueError):  # noqa: PT011 - whatever the engine says
            found.query(sql)


def test_collecting_through_the_door_of_targets(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(HEAD + row())
    found = collect(parse_target(f"badges:{tmp_path}/log.csv?map=generic"), CollectOptions(people_key=KEY))
    assert found.identity == {"file": "log.csv", "sha256": found.identity["sha256"], "people": "pseudonyms"}
    assert found.target.kind == "badges"


def test_redacting_evidence_gives_what_pseudonyms_would_have_given(tmp_path: Path) -> None:
    (tmp_path / "rights.csv").write_text("subject,area\nu1,hall\nstaff,hall\n")
    query = f"&rights={tmp_path}/rights.csv"
    named = evidence(tmp_path, HEAD + row(1) + row(2, badge="B2"), query=query)
    options = CollectOptions(redact=True, people_key=KEY)
    found, wanted = redacted(named, options), evidence(tmp_path, None, query=query, identify=False, people_key=KEY)
    assert found.identity == wanted.identity
    for sql in ("SELECT * FROM events ORDER BY row", "SELECT * FROM rights ORDER BY ALL"):
        assert BadgeLog(found).query(sql) == BadgeLog(wanted).query(sql)
    assert not any(name in data for data in found.artifacts.values() for name in (b"B2", b"u1", b"staff"))
    assert redacted(found, options) is found


def test_names_and_no_names_exclude_each_other() -> None:
    with pytest.raises(UsageError, match="Choose one"):
        CollectOptions(identify=True, redact=True)
