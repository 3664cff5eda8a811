from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sovaudit.facts.files import Unseen
from sovaudit.facts.logrotate_policy import days_of
from sovaudit.facts.parse.logrotate_conf import read_logrotate
from sovaudit.model.finding import Line
from tests.log_hosts import log_host


class Told:
    """A sink that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def option(self, name: str, value: str, line: Line, inside: bool) -> str:
        self.told.append((name, value, inside))
        return "bad" if value == "bad" else "ok"

    def include(self, value: str, line: Line) -> bool:
        return False

    def opened(self, names: list[str], line: Line) -> bool:
        self.told.append(names)
        return False

    def closed(self) -> bool:
        self.told.append("closed")
        return True

    def dropped(self) -> None:
        self.told.append("dropped")


def told(text: str) -> list[object]:
    sink = Told()
    read_logrotate([Line("/x", number, row) for number, row in enumerate(text.split("\n"), 1)], sink)
    return sink.told


@given(st.text(alphabet='/var log*{}\n#"\\rotate 3endscriptpost=~'))
def test_no_configuration_crashes_it(text: str) -> None:
    opened = [one for one in told(text) if isinstance(one, list)]
    assert told(text).count("closed") + told(text).count("dropped") <= len(opened)


@pytest.mark.parametrize(("months", "days"), [(1, 30), (3, 91), (6, 182), (12, 365), (24, 730)])
def test_days_that_stand_for_months(months: int, days: int) -> None:
    assert days_of(months) == days


def test_stanzas() -> None:
    text = 'weekly\n/a /b\n"/c d" {\n rotate 4\n postrotate\n  }\n rotate 9\n endscript\n}\n/e { daily\n}\ncompress\n'
    assert told(text) == [
        ("weekly", "", False), ["/a", "/b", "/c d"], ("rotate", "4", True), "closed", ["/e"], ("daily", "", True), "closed",
        ("compress", "", False),
    ]  # fmt: skip


def test_several_words_on_a_line_and_a_value_to_its_end() -> None:
    assert told("daily missingok rotate 4 # four\n") == [("daily", "", False), ("missingok", "", False), ("rotate", "4 # four", False)]


def test_after_an_error_all_is_skipped_to_a_brace_in_the_first_column() -> None:
    assert told("/a {\nrotate bad\ndaily\n  }\nweekly\n}\nyearly\n") == [["/a"], ("rotate", "bad", True), "dropped", ("yearly", "", False)]


def test_an_include_of_a_file() -> None:
    host = log_host({"/etc/logrotate.conf": "include /etc/x.conf\n", "/etc/x.conf": "/var/log/a {\nrotate 2\ndaily\n}\n"})
    policy = host.logs.logrotate.of("/var/log/a")
    assert policy is not None
    assert policy.rotate == 2


def test_includes_that_turn_in_circles_end() -> None:
    assert log_host({"/etc/logrotate.conf": "include /etc/logrotate.conf\n"}).logs.logrotate.of("/var/log/a") is None


def test_part_of_the_configuration_unseen() -> None:
    with pytest.raises(Unseen):
        log_host(unseen=["/etc/logrotate.d/rsyslog"]).logs.logrotate.keeps("/var/log/auth.log")


def test_units_that_were_not_seen_may_start_it_otherwise() -> None:
    host = log_host(unseen=["/etc/systemd/system"], kind="root")
    with pytest.raises(Unseen):
        host.logs.logrotate.keeps("/var/log/auth.log")
