"""least-privilege.review"""

from __future__ import annotations

from datetime import date

import pytest
from sovaudit.content.checks.least_privilege.review import review

from sovaudit.facts.reviewing import back
from sovaudit.testing import rights_with, roster_with, run, verdicts

ROW = {"account": "bob", "right": "ssh", "granted_by": "eve", "reviewed_on": "2026-01-01"}


def judged(*rows: dict[str, str], **knobs: object) -> dict[str, str]:
    return verdicts(run(review, rights_with(*rows), None, **knobs))


@pytest.mark.parametrize(
    ("on", "verdict"),
    [
        ("2025-06-01", "pass"),  # NOW is 2026-06-01
        ("2025-05-31", "fail"),
        ("2026-06-01", "pass"),
        ("2026-06-02", "unknown"),
        ("", "fail"),
        ("01/05/2026", "unknown"),
    ],
)
def test_the_day(on: str, verdict: str) -> None:
    assert judged({**ROW, "reviewed_on": on})["bob ssh"] == verdict


def test_knob() -> None:
    assert judged({**ROW, "reviewed_on": "2025-12-01"}, months=6) == {"bob ssh": "pass"}
    assert judged({**ROW, "reviewed_on": "2025-11-30"}, months=6) == {"bob ssh": "fail"}


def test_nobody_reviews_his_own_rights() -> None:
    assert judged({**ROW, "granted_by": "Bob"}) == {"bob ssh": "fail"}
    assert judged({**ROW, "granted_by": ""}) == {"bob ssh": "pass"}
    assert judged({**ROW, "reviewed_by": "bob"}) == {"bob ssh": "fail"}
    assert judged({**ROW, "granted_by": "bob", "reviewed_by": "zoe"}) == {"bob ssh": "pass"}
    found = judged({**ROW, "reviewed_by": ""}, {**ROW, "right": "root", "reviewed_by": "zoe"})
    assert found == {"bob ssh": "unknown", "bob root": "pass"}


def test_the_roster_knows_a_holder_under_other_names() -> None:
    row = rights_with({**ROW, "reviewed_by": "7"})
    assert verdicts(run(review, row, None)) == {"bob ssh": "pass"}
    assert verdicts(run(review, row, roster_with({"id": "7", "account": "bob", "status": "active"}))) == {"bob ssh": "fail"}
    assert verdicts(run(review, row, roster_with({"id": "7", "account": "eve", "status": "active"}))) == {"bob ssh": "pass"}


def test_places_are_told_apart() -> None:
    found = judged({**ROW, "place": "web1"}, {**ROW, "place": "web2", "reviewed_on": ""})
    assert found == {"bob ssh@web1": "pass", "bob ssh@web2": "fail"}


def test_rows_that_cannot_be_believed() -> None:
    assert judged(ROW, {**ROW, "account": ""}) == {"bob ssh": "pass", " ssh": "unknown", "matrix": "unknown"}


def test_rights_of_other_systems_are_reviewed_too() -> None:
    assert judged({**ROW, "right": "GLPI: technician"}) == {"bob GLPI: technician": "pass"}


def test_months() -> None:
    assert back(date(2026, 3, 31), 1) == date(2026, 2, 28)
    assert back(date(2026, 1, 15), 12) == date(2025, 1, 15)
    assert back(date(2026, 1, 15), 10**6) == date.min
