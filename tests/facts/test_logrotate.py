from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sovaudit.facts.files import Unseen
from sovaudit.facts.logrotate import days_of
from sovaudit.facts.parse.logrotate_conf import parse_logrotate
from sovaudit.model.finding import Line
from tests.log_hosts import log_host


def rows(text: str) -> list[Line]:
    return [Line("/x", number, row) for number, row in enumerate(text.split("\n"), 1)]


@given(st.text(alphabet='/var log*{}\n#"\\rotate 3endscriptpost=~'))
def test_no_configuration_crashes_it(text: str) -> None:
    parse_logrotate(rows(text))


@pytest.mark.parametrize(("months", "days"), [(1, 30), (3, 91), (6, 182), (12, 365), (24, 730)])
def test_days_that_stand_for_months(months: int, days: int) -> None:
    assert days_of(months) == days


def test_stanzas() -> None:
    found = parse_logrotate(
        rows('weekly\n/a /b\n"/c d" {\n rotate 4\n postrotate\n  }\n rotate 9\n endscript\n}\n/e { daily\n}\ncompress\n')
    )
    assert [stanza.files for stanza in found] == [(), ("/a", "/b", "/c d"), ("/e",), ()]
    assert [option.name for option in found[1].options] == ["rotate", "postrotate"]
    assert [option.name for option in found[2].options] == ["daily"]


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


def test_a_schedule_that_was_not_seen_is_taken_to_run() -> None:
    host = log_host(unseen=["/etc/systemd/system"], kind="root")
    assert host.logs.logrotate.keeps("/var/log/auth.log").kind == "days"
