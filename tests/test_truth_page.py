"""docs/truth.md is what its data says, and no check is missing from it. New cases need no new page; `python -m tests.truth_table` counts again."""

from __future__ import annotations

import json

from sovaudit.cli import docs
from tests import truth_table


def test_the_page_is_what_its_data_says() -> None:
    data = json.loads(truth_table.DATA.read_text("utf-8"))
    assert truth_table.PAGE.read_text("utf-8") == truth_table.render(data), "run `python -m tests.truth_table`"


def test_the_page_names_every_check() -> None:
    page = truth_table.PAGE.read_text("utf-8")
    assert [check for check in docs.builtin() if f"| {check} |" not in page] == [], "run `python -m tests.truth_table`"


def test_tests_are_counted_for_the_checks_that_they_ask() -> None:
    about = truth_table.asked()
    assert about["test_log_sending::test_what_survives_the_collectors_absence"] == {"log-completeness.central-reliable"}
    assert about["test_log_sending::test_what_can_be_read_on_the_way"] == {"log-completeness.central-encrypted", "log-completeness.central"}
    assert about["test_log_tamper::test_who_could_alter_a_log"] == {"log-completeness.tamper"}
    assert "least-privilege.sudo-root" in about["test_sudo::test_written"]
