"""physical-access.silent-door: no door is silent longer than its own rhythm makes credible."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from sovaudit.content.checks.physical_access.silent_door import silent_door

from sovaudit.testing import badges_with, run, verdicts

HOUR = 3_600_000
DAY = 24 * HOUR
MONDAY = 1_767_571_200_000  # 2026-01-05


def office(
    door: str = "D1", *, weeks: int = 8, a_day: int = 40, seed: int = 1, keep: Callable[[int], bool] = lambda at: True
) -> list[dict[str, Any]]:
    """Events on weekdays from 08:00 to 18:00 UTC."""
    chance = random.Random(seed)
    found = []
    for day in range(7 * weeks):
        if day % 7 < 5:
            for _ in range(chance.randint(a_day * 8 // 10, a_day * 12 // 10)):
                at = MONDAY + day * DAY + 8 * HOUR + chance.randrange(10 * HOUR)
                if keep(at):
                    found.append({"event_time": at, "access_point": door})
    return found


def away(start: int, end: int) -> Callable[[int], bool]:
    return lambda at: not start <= at < end


def said(rows: list[dict[str, Any]], **more: Any) -> dict[str, str]:
    return verdicts(run(silent_door, badges_with(rows, **more)))


def test_nights_and_weekends_are_no_silence() -> None:
    assert said(office()) == {"D1": "pass"}


def test_a_working_day_without_events_is_one() -> None:
    tuesday = MONDAY + 22 * DAY
    (outcome,) = run(silent_door, badges_with(office(keep=away(tuesday, tuesday + DAY))))
    assert outcome.verdict == "fail"
    assert outcome.because[0].text.startswith("silent from 2026-01-26 1")
    assert 30 <= int(outcome.because[0].text.split(": ")[1].split(" ")[0]) <= 50


def test_an_hour_without_events_is_none() -> None:
    tuesday = MONDAY + 22 * DAY + 10 * HOUR
    assert said(office(keep=away(tuesday, tuesday + HOUR))) == {"D1": "pass"}


def test_a_silence_until_the_end_of_the_log() -> None:
    end = MONDAY + 50 * DAY
    assert said([*office(keep=lambda at: at < end), *office("D2", seed=2)]) == {"D1": "fail", "D2": "pass"}


def test_holidays_are_expected_to_be_silent() -> None:
    tuesday = MONDAY + 22 * DAY
    rows = office(keep=away(tuesday, tuesday + DAY))
    assert said(rows, holidays=[{"day": "2026-01-27", "site": None}]) == {"D1": "pass"}
    assert said(rows, holidays=[{"day": "2026-01-28", "site": None}]) == {"D1": "fail"}
    assert said(rows, holidays=[{"day": "2026-01-27", "site": "north"}], doors=[{"access_point": "D1", "site": "north"}]) == {"D1": "pass"}
    assert said(rows, holidays=[{"day": "2026-01-27", "site": "north"}], doors=[{"access_point": "D1", "site": "south"}]) == {"D1": "fail"}
    assert said(rows, holidays=[{"day": "27/01/2026", "site": None}]) == {"": "unknown"}


def test_a_short_history_says_nothing() -> None:
    assert said(office(weeks=4)) == {"D1": "unknown"}  # until Friday only: 26 days
    assert said(office(weeks=5)) == {"D1": "pass"}


def test_a_door_that_is_seldom_used_says_nothing() -> None:
    rows = [{"event_time": MONDAY + 3 * day * DAY, "access_point": "D1"} for day in range(20)]
    assert said(rows) == {"D1": "unknown"}


def test_rows_that_could_not_be_read_may_fill_it() -> None:
    tuesday = MONDAY + 22 * DAY
    assert said(office(keep=away(tuesday, tuesday + DAY)), refused={"time": 9}) == {"D1": "unknown"}


def test_without_a_zone_or_readers_nothing_is_said() -> None:
    assert said(office(weeks=5), zone=None) == {"": "unknown"}
    assert said([{"event_time": MONDAY}]) == {"": "unknown"}


def test_clumps_are_no_silence() -> None:
    """A guard's round: five events within a minute, about four times a day, at any hour."""
    chance, at, rows = random.Random(5), MONDAY, []
    while at < MONDAY + 100 * DAY:
        at += int(chance.expovariate(4 / DAY))
        rows += [{"event_time": at + 1000 * number, "access_point": "D1"} for number in range(5)]
    assert said(rows) == {"D1": "pass"}
