"""physical-access.denied-burst: nobody tried doors again and again without somebody accounting for it."""

from __future__ import annotations

from typing import Any

from sovaudit.content.checks.physical_access.denied_burst import denied_burst

from sovaudit.testing import badges_with, run, verdicts


def no(second: int, who: str | None = "B1", place: str = "D1", event: str = "DENIED_NO_RIGHTS", millis: int = 0) -> dict[str, Any]:
    at = f"2026-03-02 08:{second // 60:02}:{second % 60:02}.{millis:03}"
    return {"event_time": at, "credential": who, "access_point": place, "source": "C1", "event": event}


def said(*rows: dict[str, Any], **more: Any) -> dict[str, str]:
    return verdicts(run(denied_burst, badges_with(rows, **more)))


def every(step: int, count: int = 5, **more: Any) -> list[dict[str, Any]]:
    return [no(step * number, **more) for number in range(count)]


def test_five_within_ten_minutes_fail() -> None:
    assert said(*every(150)) == {"B1": "fail", "": "pass"}


def test_four_pass_and_so_do_five_in_more_than_ten_minutes() -> None:
    assert said(*every(1, 4)) == {"": "pass"}
    assert said(*every(150, 4), no(600, millis=1)) == {"": "pass"}


def test_tries_at_different_doors_count_together() -> None:
    assert said(*[no(number, place=f"D{number}") for number in range(5)]) == {"B1": "fail", "": "pass"}


def test_different_badges_do_not() -> None:
    assert said(*[no(number, who=f"B{number}") for number in range(5)]) == {"": "pass"}


def test_tries_without_a_badge_count_at_their_reader() -> None:
    assert said(*every(1, who=None, event="DENIED_INCORRECT_PIN")) == {"D1": "fail", "": "pass"}
    assert said(*[no(number, None, f"D{number}") for number in range(5)]) == {"": "pass"}


def test_a_grant_is_no_refusal() -> None:
    assert said(*every(1, 4), no(5, event="GRANTED")) == {"": "pass"}


def test_an_acknowledgement_accounts_for_it() -> None:
    def answer(at: str, place: str = "D1") -> list[dict[str, Any]]:
        return [{"access_point": place, "event_time": None, "acknowledged_at": f"2026-03-02 {at}"}]

    assert said(*every(1), acknowledgements=answer("08:30")) == {"": "pass"}
    assert said(*every(1), acknowledgements=answer("09:00:04")) == {"": "pass"}
    assert said(*every(1), acknowledgements=answer("09:00:05")) == {"B1": "fail", "": "pass"}
    assert said(*every(1), acknowledgements=answer("08:30", "D2")) == {"B1": "fail", "": "pass"}
    assert said(*every(1), acknowledgements=answer("07:59")) == {"B1": "fail", "": "pass"}
    assert said(*every(1), no(600, who="B9", event="ALARM_ACKNOWLEDGED")) == {"": "pass"}


def test_a_log_without_refusals_says_nothing() -> None:
    assert said(no(1, event="GRANTED")) == {"": "unknown"}
    assert said(no(1, event="GRANTED"), events={"23": "DENIED_NO_RIGHTS"}) == {"": "pass"}


def test_what_was_not_understood_keeps_it_unknown() -> None:
    assert said(*every(1), refused={"time": 1}) == {"B1": "fail", "": "unknown"}
    assert said(*every(1), no(9, event="UNMAPPED"), events={"1": "ALARM_ACKNOWLEDGED"}) == {"B1": "unknown", "": "unknown"}


def test_the_knobs() -> None:
    rows = badges_with(every(30, 3))
    assert verdicts(run(denied_burst, rows, attempts=3, minutes=1)) == {"B1": "fail", "": "pass"}
    assert verdicts(run(denied_burst, rows, attempts=1)) == {"B1": "fail", "": "pass"}
