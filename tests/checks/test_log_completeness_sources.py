from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from checks.log_completeness.sources import sources
from sovaudit.model.evidence import Gap
from sovaudit.model.verdict import Reason
from sovaudit.testing import NOW, archive_with, run, verdicts

WORLD: dict[str, dict[str, Any]] = {
    "web": {}, "db.example.com": {}, "old": {"ago": 25}, "edge": {"ago": 24}, "mail.a.example": {}, "mail.b.example": {},
    "10.0.0.7": {"chain": "audit.log"},
}  # fmt: skip
AUDIT = [{"name": "audit.log.1", "chain": "audit.log", "format": "audit"}]


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        ({"source": "web"}, "pass"), ({"source": "WEB"}, "pass"), ({"source": "web.example.com"}, "pass"), ({"source": "db"}, "pass"),
        ({"source": "db.example.com."}, "pass"), ({"source": "db.other.com"}, "fail"), ({"source": "edge"}, "pass"), ({"source": "old"}, "fail"),
        ({"source": "absent"}, "fail"), ({"source": "mail"}, "unknown"), ({"source": "mail.c.example"}, "fail"), ({"source": "10.0.0.7"}, "pass"),
        ({"source": "absent", "until": "2026-05-31"}, "not_applicable"), ({"source": "absent", "until": "2026-06-01"}, "fail"),
        ({"source": "web", "log": "syslog"}, "pass"), ({"source": "web", "log": "audit"}, "fail"), ({"source": "10.0.0.7", "log": "Audit"}, "pass"),
        ({"source": "web", "log": "telex"}, "unknown"),
    ],
)  # fmt: skip
def test_each_declared_source(row: dict[str, str], wanted: str) -> None:
    found = run(sources, archive_with(WORLD, register=[row], files=AUDIT))
    assert [outcome.verdict.value for outcome in found] == [wanted]


def test_a_short_name_of_two_declared_hosts_is_neither() -> None:
    register = [{"source": "web.a.example"}, {"source": "web.b.example", "line": 3}]
    assert verdicts(run(sources, archive_with({"web": {}}, register=register))) == {"web.a.example": "fail", "web.b.example": "fail"}


def test_how_old_is_a_knob() -> None:
    assert verdicts(run(sources, archive_with(WORLD, register=[{"source": "old"}]), max_age_hours=25)) == {"old": "pass"}


def test_one_row_twice_is_two_answers() -> None:
    world = archive_with(WORLD, register=[{"source": "web"}, {"source": "web", "line": 3}])
    assert len(run(sources, world)) == len(verdicts(run(sources, world))) == 2


def test_an_archive_that_ended_long_ago_proves_nothing_of_today() -> None:
    register = [{"source": "web"}, {"source": "absent", "line": 3}]
    whole = archive_with(WORLD, register=register)
    assert verdicts(run(sources, whole)) == {"web": "pass", "absent": "fail"}
    from dataclasses import replace

    later = type(whole)(replace(whole.evidence, taken_at=NOW + timedelta(hours=25)))
    assert verdicts(run(sources, later)) == {"web": "unknown", "absent": "fail"}


def test_what_was_not_read_might_hold_what_is_missing() -> None:
    world = archive_with(WORLD, register=[{"source": "absent"}, {"source": "web"}], gaps=[Gap("logs:x", Reason.DENIED, "cannot be listed")])
    assert verdicts(run(sources, world)) == {"absent": "unknown", "web": "pass"}


@pytest.mark.parametrize("gap", [Gap("logs/register", Reason.ABSENT), Gap("logs/register", Reason.UNSUPPORTED, "no CSV")])
def test_without_a_register_nobody_knows(gap: Gap) -> None:
    assert verdicts(run(sources, archive_with(WORLD, gaps=[gap], register=[]))) == {"": "unknown"}
    assert verdicts(run(sources, archive_with(WORLD))) == {"": "unknown"}


def test_a_hosts_own_copy_is_no_archive_of_many() -> None:
    assert verdicts(run(sources, archive_with(WORLD, host="web"))) == {"": "not_applicable"}
    assert verdicts(run(sources, archive_with(WORLD, host="web", gaps=[Gap("logs/archive", Reason.ABSENT)]))) == {"": "unknown"}


def test_without_sources_nothing_is_said() -> None:
    world = archive_with(WORLD, register=[{"source": "web"}], gaps=[Gap("logs/sources", Reason.ABSENT)])
    assert verdicts(run(sources, world)) == {"": "unknown"}
