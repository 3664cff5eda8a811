"""physical-access.clock: controllers agree on the time with the server that collects their events."""

from __future__ import annotations

from typing import Any

from sovaudit.content.checks.physical_access.clock import clock

from sovaudit.testing import badges_with, run, verdicts

DAY = 86_400_000
START = 1_772_409_600_000  # 2026-03-02


def day(number: int, *late: int, source: str = "C1", **more: Any) -> list[dict[str, Any]]:
    """Events received one second apart, each so many ms after it happened."""
    received = [START + number * DAY + 1000 * second for second in range(len(late))]
    return [{"received_time": at, "event_time": at - by, "source": source, **more} for at, by in zip(received, late, strict=True)]


def said(*days: list[dict[str, Any]], **more: Any) -> dict[str, str]:
    return verdicts(run(clock, badges_with([row for rows in days for row in rows], **more)))


def test_a_minute_either_way() -> None:
    assert said(day(0, 60_000, 60_000, 60_000)) == {"C1": "pass"}
    assert said(day(0, 60_001, 60_001, 60_001)) == {"C1": "fail"}
    assert said(day(0, -60_000, -60_000, -60_000)) == {"C1": "pass"}
    assert said(day(0, -60_001, -60_001, -60_001)) == {"C1": "fail"}


def test_one_late_event_is_no_clock() -> None:
    assert said(day(0, 1000, 1000, 3_600_000)) == {"C1": "pass"}


def test_the_day_and_the_distance_are_named() -> None:
    (outcome,) = run(clock, badges_with(day(0, 1, 1, 1) + day(1, 420_000, 420_000, 420_000)))
    assert outcome.because[0].text.startswith("2026-03-03: half of the events were received 420000 ms after")


def test_a_clock_that_runs_away() -> None:
    assert said(*[day(n, *[1000 + 500 * n] * 3) for n in range(20)]) == {"C1": "pass"}
    assert said(*[day(n, *[1000 + 501 * n] * 3) for n in range(20)]) == {"C1": "fail"}
    assert said(*[day(n, *[-501 * n] * 3) for n in range(20)]) == {"C1": "fail"}
    assert said(*[day(n, *[-500 * n] * 3) for n in range(20)]) == {"C1": "pass"}
    assert said(*[day(n, *[2000 * n] * 3) for n in range(13)]) == {"C1": "pass"}  # too few days for a slope
    assert said(*[day(n, *[2000 * n] * 3) for n in range(14)]) == {"C1": "fail"}


def test_days_with_few_events_do_not_count() -> None:
    assert said(day(0, 1000, 1000, 1000), day(1, 90_000, 90_000)) == {"C1": "pass"}
    assert said(day(0, 1000, 1000)) == {"C1": "unknown"}


def test_what_a_controller_kept_while_its_line_was_down_comes_late() -> None:
    late = day(0, *[7_200_000] * 5)
    assert said(late) == {"C1": "fail"}
    online = {"received_time": START + 1, "event_time": START, "source": "C1", "event": "CONTROLLER_ONLINE"}
    assert said(late, [online], day(1, 1, 1, 1)) == {"C1": "pass"}
    assert said(late, [{**online, "source": "C2"}]) == {"C1": "fail", "C2": "unknown"}


def test_each_controller_is_answered_for() -> None:
    assert said(day(0, 1, 1, 1), day(0, *[99_000] * 3, source="C2"), [{"event_time": START, "source": "C3"}]) == {
        "C1": "pass",
        "C2": "fail",
        "C3": "unknown",
    }


def test_without_both_times_nothing_is_said() -> None:
    assert said([{"event_time": START, "source": "C1"}]) == {"": "unknown"}
    assert said([{"event_time": START, "source": "C1", "received_time": None}]) == {"": "unknown"}


def test_rows_that_could_not_be_read() -> None:
    assert said(day(0, 1, 1, 1), refused={"time": 1}) == {"C1": "unknown"}
    assert said(day(0, *[99_000] * 3), refused={"time": 1}) == {"C1": "fail"}


def test_an_hour_that_came_twice_does_not_count() -> None:
    assert said(day(0, 1, 1, 1), day(1, *[3_600_000] * 3, time_note="repeated")) == {"C1": "pass"}
