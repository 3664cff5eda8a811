from __future__ import annotations

import pytest

from checks.log_completeness.reconciled import reconciled
from sovaudit.facts.log_archive import LogArchive
from sovaudit.model.evidence import Gap
from sovaudit.model.verdict import Reason
from sovaudit.testing import NOW, archive_with, run, verdicts

END = int(NOW.timestamp())
Row = tuple[str, int, str, str, str]


def rows(count: int = 100, *, host: str = "web", without: tuple[int, ...] = (), every: int = 60) -> list[Row]:
    return [(host, END - number * every, "sshd", str(number), f"{number:016x}") for number in range(count) if number not in without]


def copies(own: list[Row], collected: list[Row], *, ago: int = 0, **more: object) -> tuple[LogArchive, ...]:
    return (
        archive_with({"web": {"days": 1, "ago": ago}, "db": {"days": 1, "ago": ago}}, records=collected, target="logs:/collector"),
        archive_with({"web": {"days": 1}}, records=own, host="web", target="logs:/copy?host=web", **more),
    )


@pytest.mark.parametrize(
    ("own", "collected", "wanted"),
    [
        pytest.param(rows(), rows(), "pass", id="the same"),
        pytest.param(rows(), [*rows(), *rows(host="db")], "pass", id="the collector knows other hosts"),
        pytest.param(rows(), rows(host="WEB.example.com"), "pass", id="by its full name"),
        pytest.param(rows(), rows(without=(70,)), "fail", id="one is missing at the collector"),
        pytest.param(rows(without=(70,)), rows(), "fail", id="one was removed on the host"),
        pytest.param(rows(), rows(without=(60,)), "fail", id="an hour old, and not there"),
        pytest.param(rows(), rows(without=(59,)), "pass", id="younger than an hour: perhaps queued"),
        pytest.param([*rows(), *rows()], rows(), "fail", id="as often as it was written"),
        pytest.param(rows(), [*rows(), *rows()], "pass", id="sent again"),
        pytest.param(rows(), [(*row[:4], "f" * 16) if row[3] == "70" else row for row in rows()], "fail", id="another message"),
        pytest.param(rows(), [(row[0], row[1] - 3600, *row[2:]) for row in rows(every=61)], "unknown", id="nothing agrees"),
        pytest.param([], [], "unknown", id="nothing to compare"),
        pytest.param(rows(), [], "fail", id="the collector has none of it"),
    ],
)
def test_two_copies(own: list[Row], collected: list[Row], wanted: str) -> None:
    assert verdicts(run(reconciled, copies(own, collected))) == {"web": wanted}


def test_the_records_are_named() -> None:
    (found,) = run(reconciled, copies(rows(without=(71,)), rows(without=(70, 72))))
    assert (found.args["missing"], found.args["removed"], found.args["same"]) == (2, 1, 37)
    assert [line.text for line in found.because] == [
        "2026-06-01 10:48:00Z sshd[72] 0000000000000048: only on the host",
        "2026-06-01 10:49:00Z sshd[71] 0000000000000047: only at the collector",
        "2026-06-01 10:50:00Z sshd[70] 0000000000000046: only on the host",
    ]


def test_a_collectors_copy_that_ends_early_is_no_verdict() -> None:
    assert verdicts(run(reconciled, copies(rows(200), rows(200), ago=1))) == {"web": "pass"}
    assert verdicts(run(reconciled, copies(rows(), rows(), ago=2))) == {"web": "unknown"}
    assert verdicts(run(reconciled, copies(rows(400), rows(400), ago=2), delay_minutes=120)) == {"web": "pass"}


def test_some_programs_only() -> None:
    own = [*rows(), ("web", END - 80 * 60, "cron", "1", "a" * 16)]
    assert verdicts(run(reconciled, copies(own, rows()))) == {"web": "fail"}
    assert verdicts(run(reconciled, copies(own, rows()), programs=("sshd",))) == {"web": "pass"}


def test_a_file_that_was_not_read_may_hold_the_difference() -> None:
    broken = [{"name": "s.9", "chain": "syslog", "troubles": {"cut-short": 1}}]
    assert verdicts(run(reconciled, copies(rows(), rows(without=(70,)), files=broken))) == {"web": "unknown"}
    assert verdicts(run(reconciled, copies(rows(), rows(), files=broken))) == {"web": "pass"}


def test_without_a_copy_without_an_archive_without_records() -> None:
    collector, own = copies(rows(), rows())
    assert verdicts(run(reconciled, (collector,))) == {"": "unknown"}
    assert verdicts(run(reconciled, (own,))) == {"web": "unknown"}
    hidden = archive_with({"web": {}}, host="web", gaps=[Gap("logs/records", Reason.TRUNCATED)])
    assert verdicts(run(reconciled, (collector, hidden))) == {"web": "unknown"}
    assert verdicts(run(reconciled, (archive_with(gaps=[Gap("logs/archive", Reason.ABSENT)]),))) == {"": "unknown"}
