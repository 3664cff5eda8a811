"""Exports of badge systems as evidence: every row is an event or is counted, and nothing is guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from sovaudit.collectors import collect, parse_target
from sovaudit.errors import UsageError
from sovaudit.facts.badges import utc
from sovaudit.model.verdict import TargetStatus
from tests.badge_files import HEAD, log


def test_rows_become_events(tmp_path: Path) -> None:
    found = log(tmp_path, HEAD + "2026-03-02T08:00:00+01:00,C1,1, D1 ,IN,B1,u1,GRANTED\n2026-03-02T08:00:05Z,C1,2,D1,,B2,,weird\n")
    rows = found.query(
        "SELECT row, event_time, source, sequence, access_point, direction, subject, event, event_native FROM events ORDER BY row"
    )
    assert [(row[0], utc(row[1]), *row[2:]) for row in rows] == [
        (1, "2026-03-02 07:00:00Z", "C1", 1, "D1", "in", "u1", "GRANTED", None),
        (2, "2026-03-02 08:00:05Z", "C1", 2, "D1", None, None, "UNMAPPED", "weird"),
    ]
    assert found.reading.unmapped == {"weird": 1}


def test_what_cannot_be_read_is_counted(tmp_path: Path) -> None:
    found = log(
        tmp_path, HEAD + "yesterday,C1,1,D1,in,B1,u1,GRANTED\n2026-03-02T08:00:05Z,C1\n2026-03-02T08:00:05Z,C1,x,D1,in,B2,u1,GRANTED\n"
    )
    assert found.reading.refused == {"time": 1, "missing columns": 1, "sequence": 1}
    assert found.query("SELECT * FROM events ORDER BY row") == []
    assert found.query("SELECT * FROM refused ORDER BY row") == [(1, "time"), (2, "sequence")]


def test_a_wall_clock_without_a_zone_is_refused(tmp_path: Path) -> None:
    assert log(tmp_path, HEAD + "2026-03-02 08:00:00,C1,1,D1,in,B1,u1,GRANTED\n").reading.refused == {"time": 1}


def test_moroccos_clock_goes_back_and_forward_at_ramadan(tmp_path: Path) -> None:
    # in 2026 from UTC+1 to UTC on 15 February at 3:00, and back on 22 March at 2:00
    times = [
        "2026-02-15 01:59:59",
        "2026-02-15 02:30:00",
        "2026-02-15 03:00:00",
        "2026-03-22 01:59:59",
        "2026-03-22 02:30:00",
        "2026-03-22 03:00:00",
    ]
    text = HEAD + "".join(f"{time},C1,{number},D1,in,B1,u1,GRANTED\n" for number, time in enumerate(times))
    found = log(tmp_path, text, 'base = "generic"\n[time]\nzone = "Africa/Casablanca"\n')
    assert [(utc(at), note) for at, note in found.query("SELECT event_time, time_note FROM events ORDER BY row")] == [
        ("2026-02-15 00:59:59Z", None),
        ("2026-02-15 01:30:00Z", "repeated"),
        ("2026-02-15 03:00:00Z", None),
        ("2026-03-22 01:59:59Z", None),
        ("2026-03-22 02:30:00Z", "missing"),
        ("2026-03-22 02:00:00Z", None),
    ]
    assert (found.reading.repeated_times, found.reading.missing_times) == (1, 1)


TIMES = {
    # format: value → moment in UTC, None where it cannot be read; zone Africa/Casablanca, an hour ahead on this day
    "iso": {
        "2026-03-25T08:00:00.123456789Z": "2026-03-25 08:00:00.123Z", "2026-03-25T08:00:00.1234567+01:00": "2026-03-25 07:00:00.123Z",
        "2026-03-25T08:00Z": "2026-03-25 08:00:00Z", "2026-03-25 08:00:00 +0100": "2026-03-25 07:00:00Z",
        "2026-03-25 08:00:00+01": "2026-03-25 07:00:00Z", "2026-03-25T08:00:00z": "2026-03-25 08:00:00Z", "2026-03-25 08:00": "2026-03-25 07:00:00Z",
        "2026-03-25": "2026-03-24 23:00:00Z", "2026-03-25T08:00:00-00:30": "2026-03-25 08:30:00Z", "2026-03-25T08:00:60": None,
        "2026-02-29 00:00:00": None, "1970-01-01T00:00:00Z": None, "20260325T080000Z": None, "2026-03-25T08:00:00Z[UTC]": None,
        "2026-03-25 08:00:00 T": None, "2026-03-25 08:00:00+99:00": None, "infinity": None, "2026-03-25 08:00:00 Europe/Paris": None, "Z": None,
        "2026-03-25 08:00:00+": None, "--------": None, "2026-03-25T08:00+01": "2026-03-25 07:00:00Z", "2026-03-25 08:00-02": "2026-03-25 10:00:00Z",
        "2026/03/25 08:00:00Z": "2026-03-25 08:00:00Z", "2026/03/25T08:00:01.25Z": "2026-03-25 08:00:01.250Z", "2026/03/25 08:00": "2026-03-25 07:00:00Z",
        "25/03/2026 08:00:00Z": None, "03/25/2026": None, "02/03/2026 08:00:00Z": None, "2026/03-25 08:00:00": None,
    },
    "%d/%m/%Y %H:%M:%S": {"25/03/2026 08:00:00": "2026-03-25 07:00:00Z", "5/4/2026 8:00:00": "2026-04-05 07:00:00Z", "03/25/2026 08:00:00": None},
    "%m/%d/%Y %I:%M:%S %p": {"03/25/2026 08:00:00 PM": "2026-03-25 19:00:00Z", "03/25/2026 13:00:00 PM": None},
    "%Y-%m-%d %H:%M:%S.%f": {"2026-03-25 08:00:00.250": "2026-03-25 07:00:00.250Z", "2026-03-25 08:00:00.25": "2026-03-25 07:00:00.250Z",
                             "2026-03-25 08:00:00.2509": "2026-03-25 07:00:00.250Z", "2026-03-25 08:00:00": None, "2026-03-25 08:00:00.": None},
    "%Y-%m-%dT%H:%M:%S%z": {"2026-03-25T08:00:00+0100": "2026-03-25 07:00:00Z"},
    "epoch_s": {"1772438400.5": "2026-03-02 08:00:00.500Z", "99999999999999": None, "1e9": "2001-09-09 01:46:40Z", "x": None},
    "epoch_ms": {"1772438400500": "2026-03-02 08:00:00.500Z", "99999999999999999999": None},
    "zkteco": {"9223372036854775807": None, "-5": None},
}  # fmt: skip


@pytest.mark.parametrize("format_", TIMES)
def test_times(format_: str, tmp_path: Path) -> None:
    """One that cannot be read costs its own row, on every version of the engine."""
    text = HEAD + "".join(f'"{value}",C1,{number},D1,in,B1,u1,GRANTED\n' for number, value in enumerate(TIMES[format_], 1))
    found = log(tmp_path, text, f'base = "generic"\n[time]\nformat = "{format_}"\nzone = "Africa/Casablanca"\n')
    read = dict(found.query("SELECT row, event_time FROM events ORDER BY row"))
    moments = {value: utc(read[number]) if number in read else None for number, value in enumerate(TIMES[format_], 1)}
    assert moments == TIMES[format_]


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("badges:", "names no file"),
        ("badges:none.csv?map=generic", "there is no file"),
        ("badges:/?x=1", "unknown option"),
        ("badges:/", "names no map"),
        ("badges:/?map=nothing", "there is no such map"),
        ("badges:postgresql://u:secret@h/db?map=generic", "a password stands in the URL"),
    ],
)
def test_a_target_that_cannot_be_is_refused(uri: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        parse_target(uri)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = 1\n[columns]\nevent_time='a'\nevent='b'", "unknown key x"),
        ("[columns]\nevent_time='a'", "columns.event is missing"),
        ("[columns]\nevent_time='a'\nevent='b'\nwhat='c'", "no canonical column"),
        ("[columns]\nevent_time='a'\nevent='b'\n[events]\n1='OPEN'", "OPEN is no canonical event"),
        ("[columns]\nevent_time='a'\nevent='b'\n[time]\nzone='Mars'", "no time zone"),
        ("[columns]\nevent_time='a'\nevent='b'\n[time]\nformat='dd/mm'", "no time format"),
        ("encoding='x'\n[columns]\nevent_time='a'\nevent='b'", "no encoding"),
        ("base='x'", "base names a ready map"),
        ("[columns]\nevent_time={column='a', value='b'}\nevent='b'", "give one of"),
        ("[files]\ndoors='none.csv'\n[columns]\nevent_time='a'\nevent='b'", "there is no file"),
        ("not toml", "not TOML"),
    ],
)
def test_a_map_that_does_not_hold_together_is_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "log.csv").write_text(HEAD)
    (tmp_path / "map.toml").write_text(text)
    with pytest.raises(UsageError, match=says):
        parse_target(f"badges:{tmp_path / 'log.csv'}?map={tmp_path / 'map.toml'}")


def test_a_map_that_names_absent_columns_says_which(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("when,who\n")
    evidence = collect(parse_target(f"badges:{tmp_path / 'log.csv'}?map=generic"))
    assert evidence.status is TargetStatus.FAILED
    assert "has no column 'event', 'event_time'" in evidence.error
    assert "'when', 'who'" in evidence.error


def test_the_products_own_code_is_kept_where_the_event_does_not_tell_it(tmp_path: Path) -> None:
    codes = 'base = "generic"\n[events]\nin = "GRANTED"\n"no*" = "DENIED_OTHER"\nlost = "DURESS"\nstolen = "DURESS"\n'
    given = ("in", "nobody", "lost", "stolen", "else", "")
    text = HEAD + "".join(f"2026-03-02T08:00:0{number}Z,C1,{number},D1,in,B1,u1,{code}\n" for number, code in enumerate(given))
    found = log(tmp_path, text, codes)
    assert found.query("SELECT event, event_native FROM events ORDER BY row") == [
        ("GRANTED", None),
        ("DENIED_OTHER", "nobody"),
        ("DURESS", "lost"),
        ("DURESS", "stolen"),
        ("UNMAPPED", "else"),
        ("UNMAPPED", ""),
    ]


def test_a_number_beyond_what_anybody_counts_is_refused(tmp_path: Path) -> None:
    numbers = ("9223372036854775807", "-9223372036854775808", str(2**61), str(2**61 + 1), str(-(2**61)), "99999999999999999999")
    text = HEAD + "".join(f"2026-03-02T08:00:00Z,C1,{number},D1,in,B1,u1,GRANTED\n" for number in numbers)
    found = log(tmp_path, text)
    assert found.reading.refused == {"sequence": 4}
    assert found.query("SELECT sequence FROM events ORDER BY row") == [(2**61,), (-(2**61),)]
