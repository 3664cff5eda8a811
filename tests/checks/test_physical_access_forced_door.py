"""physical-access.forced-door: no door was forced open without somebody accounting for it."""

from __future__ import annotations

from typing import Any

import pytest
from sovaudit.content.checks.physical_access.forced_door import forced_door

from sovaudit.testing import badges_with, run, verdicts

FORCED = {"event_time": "2026-03-02 08:00", "access_point": "D1", "source": "C1", "event": "DOOR_FORCED_OPEN"}
QUIET = {"event_time": "2026-03-02 07:00", "access_point": "D2", "source": "C1", "event": "DOOR_OPENED"}


def answered(at: str | None = None, done: str | None = "2026-03-02 08:03", place: str = "D1") -> dict[str, Any]:
    return {"access_point": place, "event_time": at, "acknowledged_at": done}


def said(*rows: dict[str, Any], **more: Any) -> dict[str, str]:
    return verdicts(run(forced_door, badges_with(rows, **more)))


def test_a_forced_door_fails_and_the_others_pass() -> None:
    assert said(FORCED, QUIET) == {"D1": "fail", "D2": "pass"}


def test_the_opening_is_named() -> None:
    (outcome, _) = run(forced_door, badges_with([QUIET, FORCED]))
    assert outcome.because[0].number == 2
    assert outcome.because[0].text == "DOOR_FORCED_OPEN at 2026-03-02 08:00:00Z, not acknowledged in time"


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        (answered(), "pass"),
        (answered("2026-03-02 08:00"), "pass"),
        (answered("2026-03-02 08:00:00.999"), "pass"),
        (answered("2026-03-02 08:00:01"), "fail"),
        (answered(done="2026-03-02 08:05"), "pass"),
        (answered(done="2026-03-02 08:05:00.001"), "fail"),
        (answered(done="2026-03-02 07:59:59.999"), "fail"),
        (answered(done="2026-03-02 08:00"), "pass"),
        (answered(done=None), "fail"),
        (answered(place="D2"), "fail"),
    ],
)
def test_an_acknowledgement_counts_for_its_door_in_its_time(row: dict[str, Any], verdict: str) -> None:
    assert said(FORCED, acknowledgements=[row]) == {"D1": verdict}


def test_an_acknowledgement_may_stand_in_the_log() -> None:
    event = {"access_point": "D1", "event": "ALARM_ACKNOWLEDGED"}
    assert said(FORCED, {"event_time": "2026-03-02 08:05", **event}) == {"D1": "pass"}
    assert said(FORCED, {"event_time": "2026-03-02 08:05:01", **event}) == {"D1": "fail"}
    assert said(FORCED, {"event_time": "2026-03-02 08:01", **event, "access_point": "D2"}) == {"D1": "fail", "D2": "pass"}


def test_one_in_time_does_not_account_for_another_alarm() -> None:
    assert said(FORCED, {**FORCED, "event_time": "2026-03-02 09:00"}, acknowledgements=[answered()]) == {"D1": "fail"}


def test_a_log_that_cannot_show_it_is_unknown() -> None:
    assert said(QUIET) == {"D2": "unknown"}
    assert said(QUIET, events={"102": "DOOR_FORCED_OPEN"}) == {"D2": "pass"}


def test_what_was_not_understood_may_be_an_alarm_or_its_answer() -> None:
    strange = {"event_time": "2026-03-02 09:00", "access_point": "D2", "event": "UNMAPPED", "event_native": "77"}
    assert said(FORCED, strange) == {"D1": "fail", "D2": "unknown"}
    assert said(FORCED, QUIET, refused={"time": 1}) == {"D1": "fail", "D2": "unknown"}
    assert said(FORCED, strange, events={"9": "ALARM_ACKNOWLEDGED"}) == {"D1": "unknown", "D2": "unknown"}


def test_a_fresh_alarm_is_not_yet_late() -> None:
    assert said({**FORCED, "event_time": "2026-06-01 11:55:00.001"}) == {"D1": "unknown"}
    assert said({**FORCED, "event_time": "2026-06-01 11:55"}) == {"D1": "fail"}


def test_a_reader_without_a_name_is_its_controller() -> None:
    assert said({**FORCED, "access_point": None}) == {"C1": "fail"}
