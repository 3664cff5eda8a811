"""The silence model on simulated lives: what a pass claims would have shown does show, and nothing else is imagined."""

from __future__ import annotations

import json

import pytest

from sovaudit.facts.silence import Rhythm, needed
from tests import planted_logs

UTC = ((0, 0),)


@pytest.mark.parametrize("hours", [8, 24])
@pytest.mark.parametrize("name", planted_logs.LIVES)
def test_no_false_alarm_and_nothing_missed_that_a_pass_claims(name: str, hours: int) -> None:
    found = planted_logs.row(name, 10, 6, hours, 5)
    assert (found["missed"], found["false"]) == (0, 0), found
    if name in ("steady server", "office hours", "cron"):
        assert found["found"] == found["planted"]


def test_what_was_measured_is_what_the_page_says() -> None:
    rows = json.loads(planted_logs.DATA.read_text("utf-8"))
    assert sum(row["missed"] + row["false"] for row in rows) == 0
    assert {row["life"] for row in rows} == set(planted_logs.LIVES)


def test_a_weeks_rhythm() -> None:
    hours = [10 if 8 <= hour % 24 < 18 else 0 for hour in range(168 * 8)]
    rhythm = Rhythm(0, hours, UTC)
    morning = (168 * 4 + 9) * 3600
    assert rhythm.judge(morning, morning + 4 * 3600, one_in=10**6, silences=1000).expected == 40_000
    night = (168 * 4 + 20) * 3600
    assert rhythm.judge(night, night + 10 * 3600, one_in=10**6, silences=1000).expected == 0
    assert not rhythm.judge(night, night + 10 * 3600, one_in=10**6, silences=1000).improbable


def test_clumps_weaken_the_claim() -> None:
    smooth, clumped = [6] * (168 * 8), [0, 0, 18] * (56 * 8)
    begin = 168 * 4 * 3600
    assert Rhythm(0, smooth, UTC).judge(begin, begin + 6 * 3600, one_in=10**6, silences=100).improbable
    assert (
        not Rhythm(0, [n for k in range(8) for n in clumped[k:][:168]], UTC)
        .judge(begin, begin + 6 * 3600, one_in=10**6, silences=100)
        .improbable
    )


def test_the_bound_grows_with_the_number_of_silences() -> None:
    assert needed(10**6, 1) == 13_816
    assert needed(10**6, 10**6) == 27_631
    assert needed(1, 0) > 0


def test_a_silence_is_left_out_of_what_it_is_judged_by() -> None:
    hours = [4] * (168 * 5)
    hours[168 * 2 : 168 * 3] = [0] * 168
    begin, end = 168 * 2 * 3600, 168 * 3 * 3600
    found = Rhythm(0, hours, UTC).judge(begin, end, one_in=10**6, silences=1000)
    assert found.expected == 168 * 4000 and found.improbable


def test_a_source_that_never_writes_is_blind() -> None:
    assert Rhythm(0, [0] * 1000, UTC).blind(one_in=10**6, silences=10) == -1
    assert Rhythm(0, [], UTC).blind(one_in=10**6, silences=10) == -1
    assert Rhythm(0, [60] * 1000, UTC).blind(one_in=10**6, silences=1000) == 1
