"""physical-access.held-door: no door was held open without somebody accounting for it."""

from __future__ import annotations

from typing import Any

from sovaudit.content.checks.physical_access.held_door import held_door

from sovaudit.testing import badges_with, run, verdicts


def held(at: str, place: str = "D1") -> dict[str, Any]:
    return {"event_time": f"2026-03-02 {at}", "access_point": place, "event": "DOOR_OPEN_TOO_LONG"}


def answered(done: str, place: str = "D1") -> dict[str, Any]:
    return {"access_point": place, "event_time": None, "acknowledged_at": f"2026-03-02 {done}"}


def said(*rows: dict[str, Any], most: int = 0, **more: Any) -> dict[str, str]:
    return verdicts(run(held_door, badges_with(rows, **more), most=most))


def test_a_door_held_open_fails() -> None:
    assert said(held("08:00"), held("08:00", "D2"), acknowledgements=[answered("08:01", "D2")]) == {"D1": "fail", "D2": "pass"}


def test_as_many_as_the_site_allows() -> None:
    assert said(held("08:00"), held("09:00"), most=2) == {"D1": "pass"}
    assert said(held("08:00"), held("09:00"), held("10:00"), most=2) == {"D1": "fail"}


def test_the_edge_of_the_answer() -> None:
    assert said(held("08:00"), acknowledgements=[answered("08:05")]) == {"D1": "pass"}
    assert said(held("08:00"), acknowledgements=[answered("08:05:00.001")]) == {"D1": "fail"}


def test_a_log_that_cannot_show_it_is_unknown() -> None:
    quiet = {"event_time": "2026-03-02 08:00", "access_point": "D1", "event": "DOOR_OPENED"}
    assert said(quiet) == {"D1": "unknown"}
    assert said(quiet, events={"28": "DOOR_OPEN_TOO_LONG"}) == {"D1": "pass"}
    assert said(quiet, events={"28": "DOOR_OPEN_TOO_LONG"}, refused={"time": 2}) == {"D1": "unknown"}


def test_what_was_not_understood_may_be_the_answer() -> None:
    assert said(held("08:00"), refused={"time": 1}) == {"D1": "fail"}
    assert said(held("08:00"), refused={"time": 1}, events={"5": "ALARM_ACKNOWLEDGED"}) == {"D1": "unknown"}


def test_a_fresh_alarm_is_not_yet_late() -> None:
    fresh = {"event_time": "2026-06-01 11:58", "access_point": "D1", "event": "DOOR_OPEN_TOO_LONG"}
    assert said(fresh) == {"D1": "unknown"}
    assert said(fresh, most=1) == {"D1": "pass"}
