"""physical-access.retention: records are kept long enough, and video not longer than allowed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sovaudit.content.checks.physical_access.retention import between, earlier, retention

from sovaudit.testing import badges_with, run, verdicts

# badges_with reads the export on 2026-06-01 at noon
MONTHLY = ["2026-03-15", "2026-04-15", "2026-05-15"]


def said(*days: str, **more: object) -> dict[str, str]:
    return verdicts(run(retention, badges_with([{"event_time": day if ":" in day else f"{day} 12:00"} for day in days], **more)))


def test_the_edge_of_three_months() -> None:
    assert said("2026-03-01 12:00", *MONTHLY) == {"events": "pass"}
    assert said("2026-03-01 12:00:00.001", *MONTHLY) == {"events": "fail"}


def test_a_whole_month_without_events_fails() -> None:
    assert said("2026-02-01", "2026-03-15", "2026-05-15") == {"events": "fail"}
    assert said("2026-02-01", "2026-04-15", "2026-05-15") == {"events": "pass"}  # 1 March at noon: that month is not wholly required
    assert said("2026-02-01", "2026-03-15", "2026-04-15") == {"events": "fail"}


def test_rows_that_could_not_be_read_may_be_older() -> None:
    assert said(*MONTHLY, refused={"time": 1}) == {"events": "unknown"}
    assert said("2026-02-01", "2026-05-15", refused={"time": 1}) == {"events": "unknown"}
    assert said("2026-02-01", *MONTHLY, refused={"time": 1}) == {"events": "pass"}


def test_an_export_without_events_is_unknown() -> None:
    assert said() == {"": "unknown"}


def test_video_is_kept_at_most_three_months() -> None:
    video = [
        {"camera": "K1", "oldest": "2026-03-01 12:00", "newest": "2026-06-01"},
        {"camera": "K2", "oldest": "2026-03-01 11:59:59.999", "newest": "2026-06-01"},
        {"camera": "K3", "oldest": None, "newest": "2026-06-01"},
    ]
    assert said("2026-02-01", *MONTHLY, video=video) == {"events": "pass", "K1": "pass", "K2": "fail", "K3": "unknown"}


def test_months_are_the_calendars() -> None:
    assert earlier(datetime(2026, 5, 31, tzinfo=UTC), 3) == datetime(2026, 2, 28, tzinfo=UTC)
    assert earlier(datetime(2024, 5, 31, tzinfo=UTC), 3) == datetime(2024, 2, 29, tzinfo=UTC)
    assert earlier(datetime(2026, 2, 10, tzinfo=UTC), 14) == datetime(2024, 12, 10, tzinfo=UTC)
    assert between(datetime(2025, 11, 30, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)) == [202512, 202601, 202602]
    assert between(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 31, tzinfo=UTC)) == []


@pytest.mark.parametrize("months", [1, 6])
def test_the_knob(months: int) -> None:
    log = badges_with([{"event_time": f"{day} 12:00"} for day in ("2026-04-01", "2026-05-01")])
    assert verdicts(run(retention, log, months=months)) == {"events": "pass" if months == 1 else "fail"}


# holes in recordings

HELD = ("2026-02-01", *MONTHLY)
Row = dict[str, object]


def segments(camera: str, *spans: tuple[object, object], day: str = "2026-05-20", **more: object) -> list[Row]:
    def full(at: object) -> object:
        return f"{day} {at}" if isinstance(at, str) and at[2] == ":" else at

    return [{"camera": camera, "start": full(start), "end": full(end), **more} for start, end in spans]


HOURS = [(f"{hour:02}:00", f"{hour + 1:02}:00") for hour in range(20)]


def holes(*rows: Row, **more: object) -> dict[str, str]:
    found = said(*HELD, recordings=list(rows), **more)
    return {subject: verdict for subject, verdict in found.items() if subject.endswith(": recordings")}


CASES: dict[str, tuple[list[tuple[object, object]], str]] = {
    "hour by hour": (HOURS, "pass"),
    "five minutes": ([("00:00", "06:00"), ("06:05", "20:00")], "pass"),
    "a moment more": ([("00:00", "06:00"), ("06:05:00.001", "20:00")], "fail"),
    "one hour is missing": ([*HOURS[:5], *HOURS[6:]], "fail"),
    "one within another": ([("00:00", "20:00"), ("01:00", "02:00")], "pass"),
    "the longest counts, not the last": ([("00:00", "10:00"), ("01:00", "02:00"), ("10:04", "20:00")], "pass"),
    "and then a hole": ([("00:00", "10:00"), ("01:00", "02:00"), ("10:06", "20:00")], "fail"),
    "nobody says what was before the first": ([("05:00", "20:00")], "pass"),
    "one recording": ([("00:00", "20:00")], "pass"),
    "it goes on": ([("00:00", "10:00"), ("10:00", None)], "pass"),
    "it goes on after a hole": ([("00:00", "10:00"), ("11:00", None)], "fail"),
    "an end that nobody gave": ([("00:00", None), ("10:00", "20:00")], "unknown"),
    "which makes no difference": ([("00:00", None), ("00:04", "20:00")], "pass"),
    "a beginning that nobody gave, and no hole": ([(None, "05:00"), ("06:00", "20:00")], "pass"),
    "which may fill the hole": ([(None, "05:00"), ("00:00", "04:00"), ("06:00", "20:00")], "unknown"),
    "an end before its beginning": ([("08:00", "04:00"), ("00:00", "04:00"), ("06:00", "20:00")], "unknown"),
    "no time at all": ([(None, None)], "unknown"),
}


def test_holes() -> None:
    rows = [row for name, (spans, _) in CASES.items() for row in segments(name, *spans)]
    wanted = {f"{name}: recordings": verdict for name, (_, verdict) in CASES.items()}
    assert holes(*rows, *segments("whole", *HOURS)) == {**wanted, "whole: recordings": "pass"}


def test_a_camera_that_stopped() -> None:
    """What a camera writes just now is not listed: as long as its longest segment."""
    cases: list[tuple[list[tuple[object, object]], str]] = [
        ([("00:00", "19:55")], "pass"), (HOURS[:19], "pass"), (HOURS[:18], "fail"), ([("00:00", "09:59")], "fail"), ([("00:00", "10:00")], "pass"),
        ([("00:00", "18:00"), ("18:00", "19:54:59")], "pass"), ([("00:00", "00:04"), ("00:04", "00:08")], "fail"),
    ]  # fmt: skip
    rows = [row for number, (spans, _) in enumerate(cases) for row in segments(f"K{number}", *spans)]
    found = holes(*rows, *segments("whole", *HOURS))
    assert [found[f"K{number}: recordings"] for number in range(len(cases))] == [verdict for _, verdict in cases]


def test_motion_is_no_proof() -> None:
    spans = [*HOURS[:5], *HOURS[8:]]
    modes = {"motion": "unknown", "Alarm": "unknown", "Continuous": "fail", "permanent": "fail", None: "fail"}
    rows = [row for mode in modes for row in segments(str(mode), *spans, mode=mode)]
    found = holes(*rows, *segments("whole", *HOURS, mode="motion"))
    assert found == {**{f"{mode}: recordings": verdict for mode, verdict in modes.items()}, "whole: recordings": "pass"}


def test_the_dates_of_the_table_of_cameras_count() -> None:
    def with_video(oldest: str | None, newest: str | None) -> dict[str, str]:
        video = [{"camera": "K1", "oldest": oldest, "newest": newest}]
        return holes(*segments("K1", *HOURS), *segments("K2", *HOURS), video=video)

    assert with_video("2026-05-20", "2026-05-20 20:00")["K1: recordings"] == "pass"
    assert with_video("2026-05-19", None)["K1: recordings"] == "fail"
    assert with_video(None, "2026-05-20 21:00")["K1: recordings"] == "fail"
    lost = [{"camera": "K3", "oldest": "2026-05-20", "newest": "2026-05-20 20:00"}]
    assert holes(*segments("K2", *HOURS), video=lost)["K3: recordings"] == "fail"  # the list has nothing of it


def test_how_long_they_are_kept() -> None:
    old = segments("K1", ("2026-03-01 11:59:59.999", "2026-06-01"))
    edge = segments("K2", ("2026-03-01 12:00", "2026-06-01"))
    found = said(*HELD, recordings=[*old, *edge])
    assert (found["K1"], found["K2"]) == ("fail", "pass")
    younger = [{"camera": "K1", "oldest": "2026-04-01", "newest": "2026-06-01"}]
    assert said(*HELD, recordings=old, video=younger)["K1"] == "fail"  # the older of the two


def test_the_hour_that_stands_twice() -> None:
    """The clock of Casablanca went back an hour on 2026-02-15 at 02:00 UTC; wall clocks read as the first of the two leave a hole of an hour."""
    day = [("00:00", "02:00"), ("03:00", "20:00")]
    other = segments("K2", ("00:00", "20:00"), day="2026-02-15")
    assert holes(*segments("K1", *day, day="2026-02-15"), *other, zone="Africa/Casablanca")["K1: recordings"] == "unknown"
    longer = [("00:00", "01:54"), ("03:00", "20:00")]
    assert holes(*segments("K1", *longer, day="2026-02-15"), *other, zone="Africa/Casablanca")["K1: recordings"] == "fail"
    assert (
        holes(
            *segments("K1", *day, day="2026-02-16"), *other, *segments("K2", ("00:00", "20:00"), day="2026-02-16"), zone="Africa/Casablanca"
        )["K1: recordings"]
        == "fail"
    )
    assert holes(*segments("K1", *day, day="2026-02-15"), *other)["K1: recordings"] == "fail"
    assert holes(*segments("K1", *day, day="2026-02-15"), *other, zone=None)["K1: recordings"] == "fail"


def test_the_holes_are_named_and_counted() -> None:
    log = badges_with([{"event_time": f"{day} 12:00"} for day in HELD], recordings=segments("K1", *HOURS[:5], *HOURS[8:12], *HOURS[13:]))
    (found,) = [outcome for outcome in run(retention, log) if outcome.subject == "K1: recordings"]
    assert (found.args["count"], found.args["missing"]) == (2, 240)
    assert [line.text for line in found.because] == [
        "no recording from 2026-05-20 05:00:00Z to 2026-05-20 08:00:00Z, 180 minutes",
        "no recording from 2026-05-20 12:00:00Z to 2026-05-20 13:00:00Z, 60 minutes",
    ]
    assert verdicts(run(retention, log, hole_minutes=180))["K1: recordings"] == "pass"
    assert verdicts(run(retention, log, hole_minutes=179))["K1: recordings"] == "fail"
    many = segments("K1", *[(f"{n // 60:02}:{n % 60:02}", f"{n // 60:02}:{n % 60 + 1:02}") for n in range(0, 1200, 20)])
    (found,) = [
        o for o in run(retention, badges_with([{"event_time": f"{HELD[0]} 12:00"}], recordings=many)) if o.subject == "K1: recordings"
    ]
    assert (found.args["count"], found.args["missing"], len(found.because)) == (59, 59 * 19, 10)


def test_a_list_that_was_not_wholly_read_is_no_list() -> None:
    found = said(*HELD, recordings=segments("K1", *HOURS[:5], *HOURS[8:]), broken={"recordings": 1})
    assert "K1: recordings" not in found and set(found.values()) <= {"unknown", "pass"}
    assert holes() == {} and holes(*segments("", *HOURS)) in ({}, {": recordings": "pass"})
