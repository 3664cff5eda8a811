"""The maps that ship, on samples written from the products' public descriptions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sovaudit.collectors.badges.mapping import load_map, ready_maps
from sovaudit.facts.badges import BadgeLog, utc
from tests.badge_files import log

ONVIF = """<?xml version="1.0"?>
<Events xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2" xmlns:tt="http://www.onvif.org/ver10/schema">
{messages}</Events>
"""
MESSAGE = """<wsnt:NotificationMessage><wsnt:Topic Dialect="d">{topic}</wsnt:Topic><wsnt:Message>
 <tt:Message UtcTime="2026-03-02T08:00:0{n}Z" PropertyOperation="Initialized"><tt:Source><tt:SimpleItem Name="{kind}" Value="D1"/></tt:Source>
 <tt:Data>{data}</tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>
"""


def onvif() -> str:
    rows = [
        ("tns1:AccessControl/AccessGranted/Credential", "AccessPointToken", '<tt:SimpleItem Name="CredentialToken" Value="B1"/>'),
        ("tns1:AccessControl/AccessNotTaken/Credential", "AccessPointToken", '<tt:SimpleItem Name="CredentialToken" Value="B1"/>'),
        ("tns1:Door/State/DoorAlarm", "DoorToken", '<tt:SimpleItem Name="State" Value="DoorForcedOpen"/>'),
        ("tns1:Device/Trigger/Relay", "RelayToken", ""),
    ]
    return ONVIF.format(
        messages="".join(MESSAGE.format(n=n, topic=topic, kind=kind, data=data) for n, (topic, kind, data) in enumerate(rows))
    )


def hikvision() -> str:
    base = {"time": "2026-03-02T09:00:00+01:00", "cardNo": "77", "employeeNoString": "e1", "doorNo": 1, "cardReaderNo": 2, "major": 5}
    rows = [{**base, "minor": minor, "serialNo": number} for number, minor in enumerate((75, 9, 27, 999), 1)]
    rows[0]["attendanceStatus"] = "checkIn"
    return json.dumps({"AcsEvent": {"searchID": "1", "totalMatches": 4, "InfoList": rows}})


def packed(year: int, month: int, day: int, hour: int, minute: int, second: int) -> int:
    return ((year % 100 * 12 + month - 1) * 31 + day - 1) * 86400 + hour * 3600 + minute * 60 + second


TRANSACTION = (
    "Cardno,Pin,Verified,DoorID,EventType,InOutState,Time_second\n"
    f"123,7,1,1,0,0,{packed(2026, 3, 2, 8, 0, 0)}\n0,0,200,1,102,2,{packed(2026, 12, 31, 23, 59, 59)}\n123,7,1,1,255,1,{packed(2026, 3, 2, 8, 0, 9)}\n"
)
SUPREMA = "".join(
    json.dumps(
        {"ID": n, "timestamp": 1772438400 + n, "deviceID": 5, "userID": "u1", "eventCode": code, **({"subCode": sub} if sub else {})}
    )
    + "\n"
    for n, (code, sub) in enumerate([(4864, 1), (4096, 0), (6400, 3), (6400, 15), (21504, 0), (29999, 0)])
)
UHPPOTE = "".join(
    json.dumps(each) + "\n"
    for each in (
        {
            "device-id": 405419896,
            "event-index": 1,
            "timestamp": "2026-03-02 08:00:00 WET",
            "door": 3,
            "card": 8165538,
            "granted": True,
            "reason": 1,
        },
        {"device-id": 405419896, "event-id": 2, "timestamp": "2026-03-02 08:00:05", "door-id": 3, "card-number": 0, "event-reason": 20},
        {
            "device-id": 405419896,
            "event-index": 3,
            "timestamp": "2026-03-02 08:00:05",
            "door": 3,
            "card": 9,
            "granted": False,
            "reason": 99,
        },
    )
)
LENEL = json.dumps(
    [
        {
            "SerialNumber": 1,
            "Panel": 4,
            "Device": 2,
            "CardNumber": 9,
            "Type": 0,
            "SubType": 0,
            "CardholderEntered": True,
            "TimeStamp": "2026-03-02T08:00:00Z",
            "AreaEnteredID": 3,
        }
    ]
)
CASES: dict[str, tuple[str, str, str, list[Any]]] = {
    # name of the map: file name, content, query, what each row says
    "zkteco-attlog": (
        "a.dat", " 12\t2026-03-02 08:00:00\t1\t0\t0\n7\t2026-03-02 17:00:00\t15\t1\t0\n7\t2026-03-02\t15\t1\n", "&zone=Asia/Jakarta&source=T1",
        [("2026-03-02 01:00:00Z", "T1", None, None, "in", "12", "GRANTED"), ("2026-03-02 10:00:00Z", "T1", None, None, "out", "7", "GRANTED")],
    ),
    "zkteco-attlog-names": (
        "a.dat", "12\tSiti N\t2026-03-02 08:00:00\t1\t4\n", "&zone=UTC&source=T1",
        [("2026-03-02 08:00:00Z", "T1", None, None, "in", "12", "GRANTED")],
    ),
    "zkteco-transaction": (
        "panel7.csv", TRANSACTION, "&zone=UTC",
        [("2026-03-02 08:00:00Z", "panel7", None, "1", "in", "123", "GRANTED"), ("2026-12-31 23:59:59Z", "panel7", None, "1", None, None, "DOOR_FORCED_OPEN"),
         ("2026-03-02 08:00:09Z", "panel7", None, "1", "out", "123", "UNMAPPED")],
    ),
    "hikvision-acsevent": (
        "door1.json", hikvision(), "",
        [("2026-03-02 08:00:00Z", "door1", 1, "1/2", "in", "77", "GRANTED"), ("2026-03-02 08:00:00Z", "door1", 2, "1/2", None, "77", "DENIED_UNKNOWN_CREDENTIAL"),
         ("2026-03-02 08:00:00Z", "door1", 3, "1/2", None, "77", "DOOR_FORCED_OPEN"), ("2026-03-02 08:00:00Z", "door1", 4, "1/2", None, "77", "UNMAPPED")],
    ),
    "suprema-biostar2": (
        "log.jsonl", SUPREMA, "",
        [(f"2026-03-02 08:00:0{n}Z", "5", n, "5", None, "u1", code) for n, code in enumerate(
            ["GRANTED", "GRANTED", "DENIED_CREDENTIAL_EXPIRED", "DENIED_OTHER", "DOOR_FORCED_OPEN", "UNMAPPED"])],
    ),
    "uhppote": (
        "log.jsonl", UHPPOTE, "&zone=UTC",
        [("2026-03-02 08:00:00Z", "405419896", 1, "3", None, "8165538", "GRANTED"), ("2026-03-02 08:00:05Z", "405419896", 2, "3", None, None, "REQUEST_TO_EXIT"),
         ("2026-03-02 08:00:05Z", "405419896", 3, "3", None, "9", "UNMAPPED")],
    ),
    "onvif": (
        "axis.xml", onvif(), "",
        [("2026-03-02 08:00:00Z", "axis", None, "D1", None, "B1", "GRANTED"), ("2026-03-02 08:00:01Z", "axis", None, "D1", None, "B1", "NO_ENTRY_AFTER_GRANT"),
         ("2026-03-02 08:00:02Z", "axis", None, "D1", None, None, "DOOR_FORCED_OPEN"), ("2026-03-02 08:00:03Z", "axis", None, None, None, None, "UNMAPPED")],
    ),
    "lenel-onguard": ("log.json", LENEL, "", [("2026-03-02 08:00:00Z", "4", 1, "2", None, "9", "UNMAPPED")]),
    "generic": (
        "log.csv", "event_time,event\n2026-03-02T08:00:00Z,GRANTED\n", "",
        [("2026-03-02 08:00:00Z", "log", None, None, None, None, "GRANTED")],
    ),
}  # fmt: skip


def rows(found: BadgeLog) -> list[Any]:
    sql = "SELECT event_time, source, sequence, access_point, direction, credential, event FROM events ORDER BY row"
    return [(utc(at), *rest) for at, *rest in found.query(sql)]


def test_every_ready_map_has_its_sample() -> None:
    assert set(CASES) == set(ready_maps())
    assert all(load_map(name, {})[0].title for name in ready_maps())


@pytest.mark.parametrize("name", CASES)
def test_a_ready_map(name: str, tmp_path: Path) -> None:
    file, content, query, expected = CASES[name]
    found = log(tmp_path, content, f'base = "{name}"\n', name=file, query=query)
    assert rows(found) == expected


def test_a_maps_own_codes_stand_beside_those_of_its_base(tmp_path: Path) -> None:
    maps = 'base = "lenel-onguard"\n[events]\n"0:0:true" = "GRANTED"\n'
    assert rows(log(tmp_path, LENEL, maps, name="log.json"))[0][-1] == "GRANTED"


def test_the_longest_beginning_of_a_code_wins(tmp_path: Path) -> None:
    maps = "[columns]\nevent_time = 'event_time'\nevent = 'event'\n[events]\n'a*' = 'GRANTED'\n'ab*' = 'DURESS'\n'abc' = 'OTHER'\n"
    text = "event_time,event\n" + "".join(f"2026-03-02T08:00:00Z,{code}\n" for code in ("ax", "abx", "abc", "b"))
    assert [row[-1] for row in rows(log(tmp_path, text, maps))] == ["GRANTED", "DURESS", "OTHER", "UNMAPPED"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("<a><b/></a>", "holds no event"),
        ("<a>", "is no XML"),
        ("no", "is no XML"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a/>', "declares entities"),
    ],
)
def test_xml_that_is_none(tmp_path: Path, content: str, says: str) -> None:
    from tests.badge_files import evidence

    assert says in evidence(tmp_path, content, 'base = "onvif"\n', name="log.xml").error


def test_xml_that_was_cut_off(tmp_path: Path) -> None:
    found = log(tmp_path, onvif()[:-300], 'base = "onvif"\n', name="log.xml")
    assert len(rows(found)) == 3
    assert found.reading.refused == {"cut off": 1}
