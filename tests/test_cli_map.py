"""sovaudit map: a map proposed from a file's own columns, and what a map would lose."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sovaudit.cli.main import main
from sovaudit.collectors import CollectOptions, collect, parse_target
from sovaudit.facts.badges import BadgeLog
from tests.badge_files import HEAD, row
from tests.collectors.test_badge_formats import workbook
from tests.collectors.test_badge_maps import hikvision, onvif

FRENCH = (
    "Date;Heure;Lecteur;Badge;Sens;Evénement;Société\n02/03/2026;08:00:00;L1;12;E;Accès autorisé;X\n"
    "25/03/2026;08:01:00;L1;13;S;Accès non autorisé;X\n02/03/2026;08:02:00;L2;13;?;Truc;X\n"
)


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["map", *arguments]) == 0
    return capsys.readouterr().out


def test_a_french_export(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "log.csv").write_bytes(FRENCH.encode("cp1252"))
    out = told(capsys, str(tmp_path / "log.csv"), "--zone", "Africa/Casablanca")
    for line in (
        'encoding = "cp1252"', 'delimiter = ";"', 'format = "%d/%m/%Y %H:%M:%S"', 'event_time = { columns = ["Date", "Heure"] }',
        'direction = { column = "Sens", map = { "E" = "in", "S" = "out" } }   # which way is "?"?', "# not used: Société",
        '"Accès autorisé" = "GRANTED"   # 1 of the first 3 rows; guessed from its words', '"Accès non autorisé" = "DENIED_OTHER"', '# "Truc" = "…"',
        "# 3 rows: 3 events", "# no meaning: 'Truc', 1 events", "# directions without a meaning: 1 events", "# columns that are left behind: Société",
        "# sequence is empty: holes in the numbering cannot be seen",
    ):  # fmt: skip
        assert line in out, line


def test_our_own_words_mean_what_they_say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "".join(
        f"2026-03-02 08:00:00,C1,B1,{code}\n" for code in ("GRANTED", "DENIED_UNKNOWN_CREDENTIAL", "DOOR_FORCED_OPEN", "UNMAPPED")
    )
    (tmp_path / "log.csv").write_text("event_time,source,credential,event\n" + rows)
    out = told(capsys, str(tmp_path / "log.csv"))
    for line in (
        '"DENIED_UNKNOWN_CREDENTIAL" = "DENIED_UNKNOWN_CREDENTIAL"   # 1 of the first 4 rows\n', '"DOOR_FORCED_OPEN" = "DOOR_FORCED_OPEN"',
        '# "UNMAPPED" = "…"', "# 4 rows: 0 events", "# refused: 4 (time;", "# direction is empty",
    ):  # fmt: skip
        assert line in out, line
    assert "# credential is empty" not in out  # no row could be read, which says nothing of its columns


def test_a_proposal_is_a_map_that_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "log.csv").write_bytes(FRENCH.encode("cp1252"))
    place = tmp_path / "map.toml"
    told(capsys, str(tmp_path / "log.csv"), "--zone", "UTC", "-o", str(place))
    log = BadgeLog(collect(parse_target(f"badges:{tmp_path}/log.csv?map={place}"), CollectOptions(identify=True)))
    assert log.query("SELECT credential, event FROM events ORDER BY row") == [("12", "GRANTED"), ("13", "DENIED_OTHER"), ("13", "UNMAPPED")]
    assert main(["map", str(tmp_path / "log.csv"), "-o", str(place)]) == 2


@pytest.mark.parametrize(
    ("name", "content", "lines"),
    [
        ("a.json", hikvision(), ['format = "json"', 'records = "AcsEvent.InfoList"', 'event_time = "time"', 'sequence = "serialNo"']),
        ("a.xml", onvif(), ['format = "xml"', 'records = "NotificationMessage"', 'access_point = "AccessPointToken"']),
        ("a.jsonl", '{"ts": 1772438400, "door": "D"}\n{"ts": 1772438500, "door": "D"}\n', ['format = "jsonl"', 'access_point = "door"']),
        ("a.tsv", "time\tdoor\n2026-03-02T08:00:00Z\tD\n", ['format = "tsv"', 'event_time = "time"']),
        ("a.dat", "12\t2026-03-02 08:00:00\t1\t0\t0\n", ["header = false", '"column2"']),
        ("a.csv", "id,timestamp,card\n1,1772438400,5\n", ['format = "epoch_s"', 'sequence = "id"']),
        ("a.csv", "when,card\n02/03/2026 08:00,5\n", ["it may be %m/%d/%Y %H:%M", "needed: these times name no zone"]),
        ("a.csv", "when,card\nyesterday,5\n", ["no format was recognised"]),
    ],
)
def test_other_shapes(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: str, lines: list[str]) -> None:
    (tmp_path / name).write_text(content)
    out = told(capsys, str(tmp_path / name))
    for line in lines:
        assert line in out, line


def test_excel(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workbook(tmp_path / "log.xlsx", [("Horodatage", "Porte"), ("2026-03-02 08:00:00", "D1")])
    out = told(capsys, str(tmp_path / "log.xlsx"))
    assert 'format = "excel"' in out and 'access_point = "Porte"' in out


def test_what_a_given_map_makes_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "log.csv").write_text(
        HEAD.replace("\n", ",extra\n") + row(1).replace("\n", ",x\n") + row(2, at="x", event="y").replace("\n", ",x\n")
    )
    out = told(capsys, str(tmp_path / "log.csv"), "-m", "generic")
    assert out.startswith("# 2 rows: 1 events\n# refused: 1 (time; first: 2)\n")
    assert "# columns that are left behind: extra" in out


def test_hostile_names_reach_neither_terminal_nor_map(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "log.csv").write_text('time,"a\x1b[31m\u202e""b",event\n2026-03-02T08:00:00Z,x,"\x1b]0;y\x07"\n')
    out = told(capsys, str(tmp_path / "log.csv"))
    assert "\x1b" not in out and "\u202e" not in out and "\x07" not in out


def test_files_that_are_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").write_text("")
    (tmp_path / "broken.json").write_text(json.dumps([{"a": 1}])[:-3])
    (tmp_path / "binary").write_bytes(bytes(range(256)) * 3)
    (tmp_path / "returns.csv").write_bytes(b"a\rb;c;event_time\n1;2;3\n")
    (tmp_path / "wide.csv").write_text(f"event_time;event;{'x' * 200_000}\n1;2;3\n")
    for name in ("binary", "returns.csv", "wide.csv"):
        capsys.readouterr()
        assert main(["map", str(tmp_path / name)]) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1 and said.startswith(f"sovaudit: {tmp_path / name}: its header line cannot be read"), said
    assert main(["map", str(tmp_path / "none")]) == 2
    assert main(["map", str(tmp_path)]) == 2
    assert main(["map", str(tmp_path / "empty")]) == 2
    assert "is empty" in capsys.readouterr().err
    assert main(["map", str(tmp_path / "broken.json")]) in (0, 2)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", b"c" * 200_000 + b",d\n1,2\n", "cannot be read as CSV"), ("a.csv", b"\x1f\x8b\x08\0" + b"x" * 50, "is packed (gzip)"),
        ("a.csv", b"(\xb5/\xfd" + b"x" * 50, "is packed (zstd)"), ("a.csv", b"", "is empty"), ("a.csv", b"\n\n", "is empty"),
    ],
)  # fmt: skip
def test_files_that_give_no_map_say_why(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert main(["map", str(tmp_path / name)]) == 2
    assert says in capsys.readouterr().err


def test_a_deep_document_is_no_defect(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, content in (("a.json", "[" * 100_000), ("b.json", '{"a":' * 100_000), ("c.jsonl", '{"a":1}\n' + '{"a":' * 100_000 + "\n")):
        (tmp_path / name).write_text(content)
        assert main(["map", str(tmp_path / name)]) in (0, 2), name
    capsys.readouterr()
