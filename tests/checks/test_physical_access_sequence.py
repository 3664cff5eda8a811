"""physical-access.sequence: no controller's numbering has holes, repeats or steps back."""

from __future__ import annotations

from typing import Any

from sovaudit.content.checks.physical_access.sequence import sequence

from sovaudit.testing import badges_with, run, verdicts


def at(second: int, number: int | None, source: str = "C1", **more: Any) -> dict[str, Any]:
    return {
        "event_time": f"2026-03-02 08:{second // 60:02}:{second % 60:02}",
        "sequence": number,
        "source": source,
        "credential": "B1",
        **more,
    }


def said(*rows: dict[str, Any], **more: Any) -> dict[str, str]:
    return verdicts(run(sequence, badges_with(rows, **more)))


def test_numbers_without_a_hole_pass() -> None:
    assert said(at(0, 7), at(1, 8), at(2, 9)) == {"C1": "pass"}


def test_the_order_of_rows_does_not_matter() -> None:
    assert said(at(2, 9), at(0, 7), at(1, 8)) == {"C1": "pass"}


def test_a_missing_number_fails_and_is_named() -> None:
    (outcome,) = run(sequence, badges_with([at(0, 7), at(1, 8), at(2, 11)]))
    assert outcome.verdict == "fail"
    assert outcome.args["missing"] == 2
    assert outcome.because[0].text == "number 11 at 2026-03-02 08:00:02Z; 2 missing before it"
    assert outcome.because[0].number == 3


def test_each_controller_is_answered_for() -> None:
    assert said(at(0, 1), at(1, 2), at(0, 1, "C2"), at(1, 3, "C2")) == {"C1": "pass", "C2": "fail"}


def test_one_number_twice_fails() -> None:
    assert said(at(0, 1), at(1, 2), at(1, 2)) == {"C1": "fail"}


def test_two_events_with_one_number_are_told_from_a_repeat() -> None:
    (outcome,) = run(sequence, badges_with([at(0, 1), at(1, 2), at(1, 2, credential="B2")]))
    assert (outcome.args["repeats"], outcome.args["clashes"]) == (1, 1)


def test_time_may_go_back_two_seconds_and_no_more() -> None:
    assert said(at(10, 1), at(8, 2)) == {"C1": "pass"}
    assert said(at(10, 1), at(7, 2)) == {"C1": "fail"}


def test_without_numbers_nothing_is_said() -> None:
    assert said(at(0, None), at(1, None)) == {"": "unknown"}
    assert said({"event_time": "2026-03-02 08:00", "source": "C1"}) == {"": "unknown"}


def test_events_without_a_number_keep_it_unknown() -> None:
    assert said(at(0, 1), at(1, 2), at(2, None)) == {"C1": "unknown"}


def test_events_without_a_number_may_be_those_that_are_missing() -> None:
    assert said(at(0, 1), at(1, None), at(2, 3)) == {"C1": "unknown"}
    assert said(at(0, 1), at(1, None), at(2, 4)) == {"C1": "fail"}
    counters = [{"source": "C2", "last_sequence": 7}]
    assert said(at(0, 1), at(1, 2), at(0, None, "C2"), controllers=counters) == {"C1": "pass", "C2": "unknown"}


def test_rows_that_could_not_be_read_may_fill_the_hole_or_stand_again() -> None:
    assert said(at(0, 1), at(1, 2), refused={"time": 1}) == {"C1": "unknown"}
    assert said(at(0, 1), at(1, 3), refused={"time": 1}) == {"C1": "unknown"}
    assert said(at(0, 1), at(1, 2), at(1, 2), refused={"time": 1}) == {"C1": "fail"}


def test_a_counter_ahead_of_the_log_shows_a_missing_end() -> None:
    rows = [at(0, 1), at(1, 2)]
    assert said(*rows, controllers=[{"source": "C1", "last_sequence": 2}]) == {"C1": "pass"}
    assert said(*rows, controllers=[{"source": "C1", "last_sequence": 5}]) == {"C1": "fail"}
