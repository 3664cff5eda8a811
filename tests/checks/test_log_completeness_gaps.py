from __future__ import annotations

from typing import Any

import pytest

from checks.log_completeness.gaps import gaps
from sovaudit.model.evidence import Gap
from sovaudit.model.verdict import Reason
from sovaudit.testing import NOW, archive_with, host_with, run, verdicts
from tests.audit_hosts import SERIALS, audit_host

HOUR = 3600
END = int(NOW.timestamp())
OFFICE = [0] * 8 + [60] * 10 + [0] * 6


def back(hours: float) -> int:
    return END - int(hours * HOUR)


def answer(source: dict[str, Any], **more: Any) -> str:
    knobs = {key: more.pop(key) for key in ("one_in", "weeks", "blind_hours", "holidays") if key in more}
    return verdicts(run(gaps, archive_with({"web": source, "other": {}}, **more), **knobs))["web"]


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        pytest.param({}, "pass", id="a busy source without a silence"),
        pytest.param({"silent": [(50, 40)]}, "fail", id="ten hours where 300 records were due"),
        pytest.param({"silent": [(50, 49)]}, "fail", id="one hour of a steady source"),
        pytest.param({"silent": [(50.2, 49.9)]}, "pass", id="a quarter of an hour may be chance"),
        pytest.param({"ago": 6}, "fail", id="silent until the archive ends"),
        pytest.param({"hourly": OFFICE, "silent": [(50, 45)]}, "fail", id="an office's morning: 10 to 15 on a Saturday like any day"),
        pytest.param({"hourly": OFFICE, "silent": [(18, 4)]}, "pass", id="every night is silent"),
        pytest.param({"days": 27}, "unknown", id="too short a history"),
        pytest.param({"days": 28}, "pass", id="just long enough"),
        pytest.param({"hourly": [1] + [0] * 23}, "unknown", id="one record a day: a week of silence would not show"),
        pytest.param({"steps": [[back(30), back(33)]]}, "unknown", id="the clock went back"),
        pytest.param({"marks": [[back(9), "clock-set", 3600, ""]]}, "unknown", id="the clock was set"),
        pytest.param({"marks": [[back(9), "suppressed", 40, "sshd.service"]]}, "fail", id="journald dropped messages"),
        pytest.param({"marks": [[back(9), "rate-limited", 7, ""]]}, "fail", id="rsyslogd dropped messages"),
        pytest.param({"marks": [[back(9), "audit-lost", 7, ""]]}, "fail", id="the kernel lost audit records"),
        pytest.param({"marks": [[back(9), "discarded", 7, "fwd queue"]]}, "fail", id="a queue was full"),
        pytest.param({"marks": [[back(9), "cleared", 1, "Security"]]}, "fail", id="a Windows log was cleared"),
        pytest.param({"marks_left": 3}, "unknown", id="more notices than were kept"),
        pytest.param({"marks": [[back(9), "boot", 1, ""], [back(9.01), "shutdown", 1, ""]]}, "pass", id="a quick restart"),
    ],
)
def test_one_source(source: dict[str, Any], wanted: str) -> None:
    assert answer(source) == wanted


@pytest.mark.parametrize(
    ("marks", "wanted"),
    [
        pytest.param([], "fail", id="nothing explains it"),
        pytest.param([(50, "shutdown"), (40, "boot")], "pass", id="shut down, and booted"),
        pytest.param([(50.05, "shutdown"), (39.95, "boot")], "pass", id="within five minutes"),
        pytest.param([(50, "shutdown"), (39, "boot")], "fail", id="booted an hour after it spoke again"),
        pytest.param([(40, "boot")], "unknown", id="booted, but nobody shut it down"),
        pytest.param([(50, "shutdown"), (900, "boot")], "fail", id="shut down, and yet it spoke without a boot"),
        pytest.param([(50, "shutdown")], "unknown", id="shut down, and its boots are never collected"),
        pytest.param([(50, "shutdown"), (49.99, "daemon-end"), (40, "daemon-start")], "unknown", id="the same, and the log daemon says so"),
        pytest.param([(50, "daemon-end"), (40, "daemon-start")], "fail", id="only the log daemon was stopped"),
    ],
)
def test_what_explains_a_silence(marks: list[tuple[float, str]], wanted: str) -> None:
    assert answer({"silent": [(50, 40)], "marks": [[back(ago), kind, 1, ""] for ago, kind in marks]}) == wanted


def test_a_log_daemon_that_was_away_is_a_gap_even_where_silence_is_usual() -> None:
    stop = [[back(10), "daemon-end", 1, ""], [back(9), "daemon-start", 1, ""]]
    assert answer({"hourly": [1] * 24, "silences": [[back(10), back(9)]], "marks": stop, "days": 90}) == "fail"
    again = [[back(10), "daemon-end", 1, ""], [back(10) + 3, "daemon-start", 1, ""]]
    assert answer({"hourly": [30] * 24, "marks": again}) == "pass"


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ({}, "fail"), ({"steps": [[back(20), back(30)]]}, "unknown"), ({"steps": [[back(20), back(22)]]}, "fail"),
        ({"marks": [[back(40), "clock-set", 36000, ""]]}, "unknown"), ({"marks": [[back(30), "clock-set", 36000, ""]]}, "fail"),
    ],
)  # fmt: skip
def test_a_clock_that_was_put_forward_makes_a_silence_of_nothing(more: dict[str, Any], wanted: str) -> None:
    assert answer({"silent": [(50, 40)], **more}) == wanted


def test_the_last_record_before_a_shutdown_that_never_ended() -> None:
    assert answer({"ago": 6, "marks": [[back(6), "shutdown", 1, ""]]}) == "unknown"


def test_holidays_are_silent_by_right() -> None:
    day = NOW.date().isoformat()
    assert answer({"silent": [(11, 1)]}) == "fail"
    assert answer({"silent": [(11, 1)]}, holidays=(day,)) == "pass"


def test_how_improbable_and_how_long_are_knobs() -> None:
    quarter = {"silent": [(50.7, 49.9)]}
    assert answer(quarter) == "pass"
    assert answer(quarter, one_in=10) == "fail"
    assert answer({"days": 20}, weeks=2) == "pass"
    seldom = {"hourly": [1] + [0] * 23, "days": 400}
    assert answer(seldom) == "unknown"
    assert answer(seldom, blind_hours=2000) == "pass"


def test_the_week_is_the_places_own() -> None:
    """Morocco keeps UTC+1, and UTC in Ramadan: by UTC its offices open an hour later then, and a silent first hour can only be told by local time."""
    start, day = END - 200 * 24 * HOUR, END // (24 * HOUR) - 45
    shift = [(0, HOUR), (END - 60 * 24 * HOUR, 0), (END - 30 * 24 * HOUR, HOUR)]
    opens = day * 24 * HOUR + 8 * HOUR
    found = []
    for at in range(start, END, HOUR):
        away = next(seconds for begin, seconds in reversed(shift) if at >= begin)
        found.append(0 if at == opens else OFFICE[(at + away) // HOUR % 24])
    world = {"first": start, "from": start // HOUR, "hours": [count or -1 for count in found], "records": sum(found)}
    quiet = {**world, "silences": [[opens - 14 * HOUR, opens + HOUR]]}
    assert answer(quiet, offsets=shift) == "fail"
    assert answer(quiet, offsets=[(0, HOUR)]) == "pass"  # by a clock that is never put back, the counts of that hour spread too much
    usual = {**world, "silences": [[opens - 38 * HOUR, opens - 24 * HOUR]]}
    assert answer(usual, offsets=shift) == "pass"


@pytest.mark.parametrize(
    ("numbers", "wanted"),
    [
        ([{"high": 900}], "pass"),
        ([{"high": 900, "holes": [[10, 12, back(9), back(8)]]}], "fail"),
        ([{"high": 900, "more": True}], "unknown"),
        ([{"high": 900, "scheme": "windows", "key": "Security"}], "pass"),
        ([{"scheme": "audit", "key": "syslog\t0.0", "low": 5, "high": 90, "to": back(9)},
          {"scheme": "audit", "key": "syslog\t0.1", "low": 91, "high": 99, "from": back(8)}], "pass"),
        ([{"scheme": "audit", "key": "syslog\t0.0", "low": 5, "high": 90, "to": back(9)},
          {"scheme": "audit", "key": "syslog\t0.1", "low": 95, "high": 99, "from": back(8)}], "fail"),
        ([{"scheme": "audit", "key": "syslog\t0.0", "low": 5, "high": 90, "to": back(9)},
          {"scheme": "audit", "key": "syslog\t0.1", "low": 1, "high": 99, "from": back(8)}], "pass"),
        ([{"scheme": "audit", "key": "elsewhere\t0.0", "low": 5, "high": 90, "holes": [[7, 7, 1, 2]]}], "unknown"),
    ],
)  # fmt: skip
def test_numbers_decide_where_silence_cannot(numbers: list[dict[str, Any]], wanted: str) -> None:
    form = {"windows": "windows-json", "audit": "audit"}.get(numbers[0].get("scheme", ""), "journal-json")
    assert answer({"days": 3, "format": form}, numbers=[{"source": "web", **row} for row in numbers]) == wanted


def test_numbers_of_another_log_of_the_host_say_nothing_of_this_one() -> None:
    world = archive_with(
        {"web": {"days": 3}, "WEB": {"chain": "journal", "format": "journal-json"}},
        numbers=[{"source": "web", "high": 9, "holes": [[3, 4, 0, 0]]}],
    )
    assert verdicts(run(gaps, world)) == {"web in syslog": "unknown", "WEB in journal": "fail"}


def test_a_boot_begins_new_numbers() -> None:
    numbers = [
        {"source": "web", "scheme": "audit", "key": "syslog\t0.0", "low": 5, "high": 90, "to": back(9)},
        {"source": "web", "scheme": "audit", "key": "syslog\t0.1", "low": 95, "high": 99, "from": back(8)},
    ]
    assert answer({"marks": [[back(8), "boot", 1, ""]], "format": "audit"}, numbers=numbers) == "pass"
    assert answer({"format": "audit"}, numbers=numbers) == "fail"


def test_a_file_that_was_not_read_leaves_doubt_in_its_chain() -> None:
    broken = {"name": "syslog.2.gz", "chain": "syslog", "troubles": {"cut-short": 1}}
    world = archive_with({"web": {"silent": [(50, 40)]}, "db": {"chain": "db.log"}}, files=[broken])
    assert verdicts(run(gaps, world)) == {"web": "unknown", "db": "pass", "syslog.2.gz": "unknown"}
    world = archive_with({"db": {"chain": "db.log"}}, gaps=[Gap("logs:secret", Reason.DENIED, "cannot be listed")])
    assert verdicts(run(gaps, world)) == {"db": "pass", "secret": "unknown"}


def test_one_host_in_two_chains_is_two_sources() -> None:
    world = archive_with({"web": {}, "WEB": {"chain": "auth.log", "silent": [(50, 40)]}})
    assert verdicts(run(gaps, world)) == {"web in syslog": "pass", "WEB in auth.log": "fail"}


def test_an_archive_without_records_is_unknown() -> None:
    assert verdicts(run(gaps, archive_with())) == {"": "unknown"}


@pytest.mark.parametrize("name", ["logs/archive", "logs/sources", "logs/numbers", "logs/files"])
def test_without_a_part_of_the_extract_nothing_is_said(name: str) -> None:
    assert set(verdicts(run(gaps, archive_with({"web": {}}, gaps=[Gap(name, Reason.ABSENT)]))).values()) == {"unknown"}


def test_a_hosts_own_audit_trail() -> None:
    assert verdicts(run(gaps, audit_host())) == {"audit": "pass"}
    assert verdicts(run(gaps, audit_host(serials=SERIALS + "H\t-\t101\t103\t3\t1700000100\t1700000900\n"))) == {"audit": "fail"}
    assert verdicts(run(gaps, audit_host(serials=None))) == {"audit": "unknown"}
    assert verdicts(run(gaps, audit_host(serials=SERIALS + "M\n"))) == {"audit": "unknown"}
    assert verdicts(run(gaps, host_with(kind="root"))) == {"": "unknown"}


ROW = "abc {} {} 1780000000 1780000009\n"


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        pytest.param(ROW.format(1, 3000), "pass", id="whole"),
        pytest.param(ROW.format(1, 10) + ROW.format(12, 20), "fail", id="one is missing"),
        pytest.param(ROW.format(1, 10) + ROW.format(11, 20), "pass", id="two runs that touch"),
        pytest.param(ROW.format(1, 5) + ROW.format(8, 9) + ROW.format(6, 7) + ROW.format(10, 20), "pass", id="out of order"),
        pytest.param(ROW.format(105, 105) + ROW.format(102, 104) + ROW.format(106, 120), "pass", id="cut where they were out of order"),
        pytest.param(ROW.format(1, 10) + ROW.format(1, 20).replace("abc", "def"), "pass", id="two numberings"),
        pytest.param(ROW.format(7, 7), "unknown", id="a single entry"),
        pytest.param("", "unknown", id="an empty journal"),
        pytest.param("abc one two three four\n", "unknown", id="what nobody writes"),
    ],
)
def test_a_hosts_own_journal(said: str, wanted: str) -> None:
    assert verdicts(run(gaps, host_with(commands={"journal-numbers": (0, said)}))) == {"journal": wanted}


def test_a_host_without_a_journal() -> None:
    assert verdicts(run(gaps, host_with())) == {"journal": "unknown"}
    from dataclasses import replace

    from sovaudit.facts.host import Host

    bare = host_with().evidence
    none = replace(bare, gaps=(Gap("cmd:journal-numbers", Reason.ABSENT, "no journalctl here"),))
    assert verdicts(run(gaps, Host(none))) == {"": "unknown"}
    assert verdicts(run(gaps, Host(replace(none, gaps=(Gap("cmd:journal-numbers", Reason.DENIED),))))) == {"journal": "unknown"}
