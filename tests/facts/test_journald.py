from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sovaudit.facts.files import Unseen
from sovaudit.facts.journald import seconds
from sovaudit.facts.parse.ini import boolean, parse_ini, read_ini
from sovaudit.facts.rsyslog import Message
from sovaudit.model.finding import Line
from tests.log_hosts import log_host

INFO = Message(10, 6, "su", "text")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("90", 90), ("1h 30min", 5400), ("1h30min", 5400), ("2 weeks", 1209600), ("1month", 2629800), ("1M", 2629800), ("1m", 60), ("1y", 31557600),
        ("infinity", 0), ("0", 0), ("1.5h", 5400), ("500ms", 0), ("", None), ("soon", None), (".5h", 1800), ("+1h +30min", 5400), ("5000000µs", 5),
        ("1.2.3h", None), ("18446744073709551615s", None), ("5 lightyears", None), ("-5", None), ("1" * 200, None),
    ],
)  # fmt: skip
def test_time_spans(text: str, wanted: int | None) -> None:
    assert seconds(text) == wanted


@given(st.text(alphabet="0123456789 smhdwyMonthk.-"))
def test_no_time_span_crashes_it(text: str) -> None:
    assert seconds(text) is None or seconds(text) >= 0  # type: ignore[operator]


@given(st.text())
def test_no_unit_file_crashes_it(text: str) -> None:
    parse_ini([Line("/x", number, row) for number, row in enumerate(text.split("\n"), 1)])


def test_unit_files() -> None:
    text = "; c\nA=0\n[S]\nA = 1 \n# B=2\nB=x\\\n# in between\n y\nC\n=D\nE=\\\\\\\\\n[S]\nA=\n[T\nE=1\n[S]\nA=2\n"
    rows, broken = read_ini([Line("/x", number, row) for number, row in enumerate(text.split("\n"), 1)])
    assert broken is not None and broken.text == "[T"
    assert [(row.section, row.key, row.value) for row in rows] == [
        ("", "A", "0"),
        ("S", "A", "1"),
        ("S", "B", "x  y"),
        ("S", "E", "\\\\\\\\"),
        ("S", "A", ""),
    ]


@pytest.mark.parametrize(
    ("word", "wanted"), [("yes", True), ("On", True), ("1", True), ("off", False), ("f", False), ("maybe", None), ("", None)]
)
def test_booleans(word: str, wanted: bool | None) -> None:
    assert boolean(word) is wanted


@pytest.mark.parametrize(
    ("settings", "forwards"),
    [("", True), ("ForwardToSyslog=no", False), ("ForwardToSyslog=maybe", True), ("ForwardToSyslog=no\nForwardToSyslog=", False)],
)
def test_debian_forwards_to_syslog_unless_told_otherwise(settings: str, forwards: bool) -> None:
    assert log_host({"/etc/systemd/journald.conf": f"[Journal]\n{settings}\n"}).logs.journald.forwards_to_syslog() is forwards


def test_others_forward_only_when_told() -> None:
    fedora = {"/etc/debian_version": None, "/etc/os-release": 'ID=rhel\nID_LIKE="fedora"\n'}
    assert log_host(fedora).logs.journald.forwards_to_syslog() is False
    ubuntu = {"/etc/debian_version": None, "/etc/os-release": "ID=ubuntu\nID_LIKE=debian\n"}
    assert log_host(ubuntu).logs.journald.forwards_to_syslog() is True
    with pytest.raises(Unseen):
        log_host({"/etc/debian_version": None}).logs.journald.forwards_to_syslog()


def test_imjournal_reads_what_is_kept() -> None:
    red_hat = {
        "/etc/debian_version": None,
        "/etc/os-release": "ID=rhel\n",
        "/etc/rsyslog.conf": 'module(load="imjournal")\nauthpriv.* /var/log/secure\n',
    }
    assert log_host(red_hat).logs.entries(INFO) == (("imjournal", "rsyslog_defaultruleset"),)
    assert log_host({**red_hat, "/etc/systemd/journald.conf": "[Journal]\nStorage=none\n"}).logs.entries(INFO) == ()
    assert log_host({**red_hat, "/etc/systemd/journald.conf": "[Journal]\nMaxLevelStore=err\n"}).logs.entries(INFO) == ()


def test_newer_debians_say_it_in_a_drop_in() -> None:
    place = "journald.conf.d/syslog.conf"
    files: dict[str, str | None] = {f"/usr/lib/systemd/{place}": "[Journal]\nForwardToSyslog=yes\n"}
    assert log_host(files).logs.journald.forwards_to_syslog() is True
    assert log_host(files, links={f"/etc/systemd/{place}": "/dev/null"}).logs.journald.forwards_to_syslog() is False
    assert log_host(artifacts={"packages": "systemd 257.9-1~deb13u1\n"}).logs.journald.forwards_to_syslog() is False
