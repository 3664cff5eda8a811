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
