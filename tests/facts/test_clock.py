from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sovaudit.facts.files import Unseen
from tests.log_hosts import TRACKING, log_host


def test_services_that_are_installed() -> None:
    services = log_host({"/usr/sbin/ntpd": ""}).clock.services()
    assert [(service.name, service.works) for service in services] == [("chrony", True), ("ntpd", False)]


@pytest.mark.parametrize(("text", "ms"), [("0.000012", 1), ("0.0", 0), ("-1.5", 1500), ("0.999000001", 999), ("12", 12000)])
def test_the_offset_is_rounded_up(text: str, ms: int) -> None:
    offset, line = log_host(commands={"chronyc-tracking": (0, TRACKING.replace("0.000012", text))}).clock.offset_ms()
    assert offset == ms
    assert text in line.text


def test_an_offset_without_a_source_is_none() -> None:
    with pytest.raises(Unseen):
        log_host(commands={"chronyc-tracking": (0, TRACKING.replace("Normal", "Not synchronised"))}).clock.offset_ms()


def test_folders_of_dhcp_need_not_be_seen() -> None:
    conf = {"/etc/chrony/chrony.conf": "sourcedir /run/chrony-dhcp\npool x\n"}
    assert [service.works for service in log_host(conf, unseen=["/run/chrony-dhcp"]).clock.services()] == [True]


@given(st.text(), st.text())
def test_no_configuration_and_no_answer_crashes_it(conf: str, answer: str) -> None:
    host = log_host({"/etc/chrony/chrony.conf": conf}, commands={"chronyc-tracking": (0, answer)})
    assert host.clock.source().yes in (True, False, None)
