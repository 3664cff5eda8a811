"""Lists that people keep, as evidence: each row is there, or counted with its line; nothing is guessed."""

from __future__ import annotations

import hmac
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sovaudit.collectors import CollectOptions, collect, parse_target, plan, redacted
from sovaudit.collectors.pseudonyms import pseudonym
from sovaudit.errors import UsageError
from sovaudit.facts.rights import Rights
from sovaudit.facts.roster import Roster, Standing
from sovaudit.model.evidence import Evidence
from sovaudit.model.verdict import TargetStatus

NAMED = CollectOptions(identify=True)


def taken(tmp_path: Path, text: str | bytes, name: str = "staff.csv", map_text: str = "", kind: str = "people") -> Evidence:
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    query = ""
    if map_text:
        (tmp_path / "map.toml").write_text(map_text)
        query = f"?map={tmp_path / 'map.toml'}"
    return collect(parse_target(f"{kind}:{tmp_path / name}{query}"), NAMED)


def rows(evidence: Evidence) -> list[dict[str, Any]]:
    assert evidence.status is TargetStatus.COLLECTED, evidence.error
    kind = evidence.target.kind
    names = sorted(name for name in evidence.artifacts if name.startswith(f"{kind}/rows/"))
    return [json.loads(line) for name in names for line in evidence.artifacts[name].splitlines()]


def said(evidence: Evidence) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(evidence.artifacts[f"{evidence.target.kind}/source"])
    return found


CSV = "id,name,account,badge,status,left_on\n1,Zoe,zoe,B1,active,\n2,Bob,bob;adm-bob,,left,2026-03-31\n"


def test_a_plain_file(tmp_path: Path) -> None:
    evidence = taken(tmp_path, CSV)
    assert rows(evidence) == [
        {"line": 2, "id": "1", "account": ["zoe"], "badge": ["B1"], "status": "active"},
        {"line": 3, "id": "2", "account": ["bob", "adm-bob"], "status": "left", "left_on": "2026-03-31"},
    ]
    assert b"Zoe" not in b"".join(evidence.artifacts.values())
    assert said(evidence)["file"]["sha256"].startswith("sha256:")
    assert [person.id for person in Roster((evidence,)).people] == ["1", "2"]


def test_pseudonyms_join_with_evidence_of_badges(tmp_path: Path) -> None:
    (tmp_path / "staff.csv").write_text(CSV)
    key = b"k" * 32
    evidence = collect(parse_target(f"people:{tmp_path / 'staff.csv'}"), CollectOptions(people_key=key))
    zoe = Roster((evidence,)).by_id["1"]
    assert (zoe.person, zoe.badges) == (pseudonym(key, "person", "1"), (pseudonym(key, "badge", "B1"),))
    assert b"B1" not in evidence.artifacts["people/rows/0000"].replace(zoe.badges[0].encode(), b"")


@pytest.mark.parametrize("key", [b"", b"k" * 64, b"k" * 65])
@pytest.mark.parametrize("value", ["1", "Zoé"])
def test_a_pseudonym_is_a_keyed_hash(key: bytes, value: str) -> None:
    told = hmac.new(key, f"person\n{value}".encode(), "sha256").digest()
    assert re.fullmatch("p[0-9A-Z]{11}", pseudonym(key, "person", value))
    assert int(pseudonym(key, "person", value)[1:], 36) == int.from_bytes(told[:7])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "id;account;status\n1;zoe;left\n"),
        ("a.csv", "ID\tAccount\tStatus\r\n1\tzoe\tleft\r\n"),
        ("a.tsv", "id\taccount\tstatus\n1\tzoe\tleft\n"),
        ("a.csv", "\ufeffid,account,status\n1,zoe,left"),
        ("a.csv", '"id","account","status"\n"1","zoe","left"\n'),
        ("a.csv", "\n\nid,account,status,other\n\n1,zoe,left,\n,,,\n"),
        ("a.csv", "sep=|\nid|account|status\n1|zoe|left\n"),
        ("a.json", '[{"id": 1, "account": "zoe", "status": "left"}]'),
        ("a.json", '[{"id": "1", "account": ["zoe"], "status": "left", "left_on": null}]'),
        ("a.jsonl", '{"id": 1, "account": "zoe", "status": "left"}\n\n'),
        ("a.ldif", "version: 1\n\ndn: x=1\nid: 1\naccount: zoe\nstatus: le\n ft\n"),
        ("a.ldif", "dn: x=1\nid: 1\naccount: zoe\nstatus: left\n\n# search reference\nref: ldap://x/y\n\nsearch: 2\nresult: 0 Success\n"),
        ("a.ldif", "# people\ndn: x=1\nid: 1\naccount:: em9l\nstatus: left\n"),
    ],
)
def test_every_format(tmp_path: Path, name: str, text: str) -> None:
    (row,) = rows(taken(tmp_path, text, name))
    assert {key: row[key] for key in row if key != "line"} == {"id": "1", "account": ["zoe"], "status": "left"}


def test_a_map(tmp_path: Path) -> None:
    text = "Matricule;Nom;Compte;Etat;Sortie\n0012;Él Idrissi;z.idrissi@corp.ma;Parti;31/03/2026\n".encode("cp1252")
    map_text = """
encoding = "windows-1252"
delimiter = ";"
time = { format = "%d/%m/%Y" }
[columns]
id = "Matricule"
account = { column = "Compte", match = "^([^@]+)@" }
status = { column = "Etat", map = { "Parti" = "left", "Présent" = "active" } }
left_on = "Sortie"
"""
    assert rows(taken(tmp_path, text, map_text=map_text)) == [
        {"line": 2, "id": "0012", "account": ["z.idrissi"], "status": "left", "left_on": "2026-03-31"}
    ]


def test_either_of_two_columns_and_one_that_may_lack(tmp_path: Path) -> None:
    map_text = '[columns]\nid = { either = ["matricule", "id"] }\naccount = { either = ["login", "mail"], match = "^([^@]+)" }\n'
    map_text += 'left_on = { column = "sortie", optional = true }\nstatus = "status"\n'
    text = "id,login,mail,status\n1,zoe,z@x,active\n2,,bob@x,left\n"
    assert [row["account"] for row in rows(taken(tmp_path, text, map_text=map_text))] == [["zoe"], ["bob"]]
    assert "has no column 'matricule' or 'id'" in taken(tmp_path, "x,login,status\n1,2,left\n", map_text=map_text).error


def test_arabic_in_its_own_encoding(tmp_path: Path) -> None:
    text = "id,الاسم,account,status\n1,محمد,zoe,left\n"
    map_text = 'encoding = "windows-1256"\n[columns]\nid = "id"\nname = "الاسم"\naccount = "account"\nstatus = "status"\n'
    (row,) = rows(taken(tmp_path, text.encode("cp1256"), map_text=map_text))
    assert row["account"] == ["zoe"]


def test_another_encoding_than_was_said_costs_only_its_lines(tmp_path: Path) -> None:
    evidence = taken(tmp_path, "id,name,status\n1,Zoé,left\n2,Bob,left\n".encode("cp1252"))
    assert [row["id"] for row in rows(evidence)] == ["2"]
    assert said(evidence)["refused"] == {"encoding": {"count": 1, "first": [2]}}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("3,zoe", "missing columns"),
        ("3,zoe,left,,,5", "too many columns"),
        ('3,"zoe,left,', "quotes"),
        ('3,"zoe"x,left,', "quotes"),
        ("3,zo\0e,left,", "NUL"),
        (f"3,{'z' * 131073},left,", "quotes"),
    ],
)
def test_a_broken_line_costs_itself_alone(tmp_path: Path, line: str, reason: str) -> None:
    evidence = taken(tmp_path, f"id,account,status,left_on\n1,bob,left,\n{line}\n2,eve,active,\n")
    assert [row["id"] for row in rows(evidence)] == ["1", "2"]
    assert said(evidence)["refused"] == {reason: {"count": 1, "first": [3]}}
    assert Roster((evidence,)).gaps


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",zoe,left,", "id: missing"),
        ("=1,zoe,left,", "id: a formula"),
        ("@x,zoe,left,", "id: a formula"),
        ("1,zoe,gone,", "status: not understood"),
        ("1,zoe,left,03/04/2026", "left_on: not understood"),
        ("1,zoe,left,45000", "left_on: not understood"),
        ("1,zoe,left,1899-12-31", "left_on: not understood"),
        ("1,zo\u200be,left,", "account: invisible characters"),
        ("1;2,zoe,left,", "id: not understood"),
    ],
)
def test_a_cell_that_is_not_what_it_should_be(tmp_path: Path, row: str, reason: str) -> None:
    evidence = taken(tmp_path, f"id,account,status,left_on\n{row}\n")
    (found,) = rows(evidence)
    assert found["refused"] == [reason]
    assert said(evidence)["doubtful"] == {reason: {"count": 1, "first": [2]}}
    (person,) = Roster((evidence,)).people
    assert person.standing(Roster((evidence,)).taken_at.date())[0] is Standing.UNCLEAR


def test_one_id_under_two_names(tmp_path: Path) -> None:
    evidence = taken(tmp_path, "id,name,account,status\n1,Zoe  A,zoe,active\n1,zoe a,adm,active\n2,X,x,left\n2,Y,y,active\n")
    people = Roster((evidence,)).by_id
    assert people["1"].accounts == ("zoe", "adm")
    assert not people["1"].doubt
    assert "two names" in people["2"].doubt


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "left_on,status,badge,joined_on,account,id\nx,x,=x,x,=x,=x\n"),
        ("a.jsonl", '{"left_on": "x", "status": "x", "badge": "=x", "joined_on": "x", "account": "=x", "id": "=x"}\n'),
    ],
)
def test_reasons_stand_in_the_order_of_the_file(tmp_path: Path, name: str, text: str) -> None:
    (row,) = rows(taken(tmp_path, text, name=name))
    assert [reason.partition(":")[0] for reason in row["refused"]] == ["left_on", "status", "badge", "joined_on", "account", "id"]


def test_a_quoted_line_break(tmp_path: Path) -> None:
    evidence = taken(tmp_path, 'id,name,status\n1,"Zoe\nA",left\n2,Bob,left\n')
    assert [(row["id"], row["line"]) for row in rows(evidence)] == [("1", 2), ("2", 4)]


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a.json", '[{"id": 1, "id": 2}, {"id": 3}]', "a key twice"),
        ("a.json", '[{"id": 3}, 4]', "no object"),
        ("a.json", '[{"id": 3}, {"id": "4', "cut off"),
        ("a.jsonl", '{"id": 3}\n{"id": 4\n', "no JSON"),
        ("a.jsonl", '{"id": 3}\n{"id": "\\ud800"}\n', "encoding"),
        ("a.ldif", "dn: a\nid: 3\n\ndn: b\nid:: !!!\n", "base64"),
        ("a.ldif", "dn: a\nid: 3\n\nid: 4\n", "no LDIF"),
        ("a.ldif", "dn: a\nid: 3\n\nsearch: 2\nresult: 4 Size limit exceeded\n", "the search ended early"),
        ("a.ldif", "dn: a\nid: 3\n\ndn: b\nid: 4\nstatus: le", "cut off"),
        ("a.ldif", "dn: a\nid: 3\n\ndn: b\nid:< file:///etc/passwd\n", "a value elsewhere"),
    ],
)
def test_broken_records(tmp_path: Path, name: str, text: str, reason: str) -> None:
    evidence = taken(tmp_path, text, name)
    assert [row["id"] for row in rows(evidence)] == ["3"]
    assert said(evidence)["refused"][reason]["count"] == 1


@pytest.mark.parametrize(
    ("text", "name", "says"),
    [
        ("", "a.csv", "is empty"),
        ("\n\n", "a.csv", "holds nothing"),
        ("id,status\n", "a.csv", "holds no row"),
        ("matricule,compte\n1,2\n", "a.csv", "has no column 'id'"),
        ("[]", "a.json", "holds no row"),
        ("{", "a.json", "no JSON"),
        ("id,account\n1,2\n".encode("utf-16"), "a.csv", "UTF-16"),
        ("id,prénom,account\n1,x,y\n".encode("cp1252"), "a.csv", "header line cannot be read (encoding)"),
        (b"PK\x03\x04....", "a.csv", "packed"),
        ('[{"matricule": 1}]', "a.json", "has no column 'id'"),
    ],
)
def test_a_file_that_is_no_roster(tmp_path: Path, text: str | bytes, name: str, says: str) -> None:
    evidence = taken(tmp_path, text, name)
    assert evidence.status is TargetStatus.FAILED
    assert says in evidence.error


def test_a_map_that_names_absent_columns_says_which(tmp_path: Path) -> None:
    assert "has no column 'Etat'" in taken(tmp_path, CSV, map_text="[columns]\nid='id'\nstatus='Etat'\n").error
    assert "has two columns 'id'" in taken(tmp_path, "id,id\n1,2\n", map_text="[columns]\nid='id'\n").error
    for header in ("id,id", "ID,id", "id,status,Status"):
        assert "has two columns" in taken(tmp_path, f"{header}\n" + ",".join("123"[: header.count(",") + 1]) + "\n").error
    assert not taken(tmp_path, "id,note,note\n1,2,3\n").error


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[columns]\naccount='a'", "columns.id is missing"),
        ("[columns]\nid='a'\nwhat='b'", "no column of people"),
        ("x=1", "unknown key x"),
        ("encoding='x'", "no encoding"),
        ("encoding='rot13'", "no encoding"),
        ("header=false", "needs names"),
        ("time={format='dd/mm'}", "no format of dates"),
        ("time={format='%m/%Y'}", "no format of dates"),
        ("[columns]\nid={column='a', match='('}", "no expression"),
        ("[columns]\nid={column='a', match='a'}", "needs a group"),
        ("not toml", "not TOML"),
    ],
)
def test_a_map_that_does_not_hold_together_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        taken(tmp_path, CSV, map_text=text)


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("people:", "names no file"),
        ("people:none.csv", "there is no file"),
        ("rights:none.csv?map=x", "there is no file"),
        ("people:/", "is a folder"),
        ("people:/etc/hosts", "tells no format"),
        ("people:/etc/hosts?x=1", "unknown, empty or repeated"),
        ("people:/etc/hosts?map=/none.toml", "not there"),
    ],
)
def test_a_target_that_cannot_be_is_refused(uri: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parse_target(uri)


def test_rights(tmp_path: Path) -> None:
    text = "account,right,granted_by,reviewed_on,place\nzoe,Group: wheel,bob,2026-01-02,web1\nzoe,SSH,,,\nzoe,,,,\n"
    evidence = taken(tmp_path, text, "rights.csv", kind="rights")
    declared = Rights((evidence,)).declared
    assert [(one.right, one.place, one.doubt) for one in declared] == [
        ("group:wheel", "web1", ""),
        ("ssh", "", ""),
        ("", "", "right: missing"),
    ]
    assert [one.right for one in Rights((evidence,)).at("WEB1")][:1] == ["group:wheel"]
    assert "has no column 'right'" in taken(tmp_path, "account\nx\n", "r.csv", kind="rights").error


def test_the_plan_touches_nothing(tmp_path: Path) -> None:
    (tmp_path / "staff.csv").write_text(CSV)
    lines = plan(parse_target(f"people:{tmp_path / 'staff.csv'}"))
    assert "read" in lines[1]


def test_redacted_evidence_names_nobody(tmp_path: Path) -> None:
    key = b"k" * 32
    (tmp_path / "staff.csv").write_text(CSV)
    (tmp_path / "rights.csv").write_text("account,right,granted_by,reviewed_by,reviewed_on\nzoe,ssh,K. Tazi,ZOE,2026-01-01\n")
    for identify in (False, True):
        options = CollectOptions(people_key=key, identify=identify)
        person = pseudonym(key, "person", "1")
        once = redacted(collect(parse_target(f"people:{tmp_path / 'staff.csv'}"), options), options)
        assert redacted(once, options) is once
        first = rows(once)[0]
        assert (first["id"], first["badge"], first["account"]) == (person, [pseudonym(key, "badge", "B1")], ["zoe"])
        taken_so = collect(parse_target(f"people:{tmp_path / 'staff.csv'}"), replace(options, redact=True, identify=False))
        assert taken_so.artifacts == once.artifacts
        rights = redacted(collect(parse_target(f"rights:{tmp_path / 'rights.csv'}"), options), options)
        (row,) = rows(rights)
        assert row["granted_by"] == pseudonym(key, "person", "K. Tazi")
        assert row["reviewed_by"] == "ZOE"


def test_the_examples_of_the_pages_are_read(tmp_path: Path) -> None:
    docs = Path(__file__).resolve().parents[2] / "docs"
    (map_text,) = re.findall(r"```toml\n(.*?)```", (docs / "people.md").read_text("utf-8"), re.DOTALL)
    text = "Matricule;Courriel;Situation;Date de sortie\n7;z.idrissi@corp.ma;Parti;31/03/2026\n8;k@corp.ma;En poste;\n".encode("cp1252")
    first, second = rows(taken(tmp_path, text, map_text=map_text))
    assert (first["account"], first["status"], first["left_on"], second["status"]) == (["z.idrissi"], "left", "2026-03-31", "active")
    (matrix,) = re.findall(r"```csv\n(.*?)```", (docs / "rights.md").read_text("utf-8"), re.DOTALL)
    assert [right.kind for right in Rights((taken(tmp_path, matrix, "m.csv", kind="rights"),)).declared] == ["ssh", "root", "group"]
