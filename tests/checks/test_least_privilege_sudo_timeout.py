"""least-privilege.sudo-timeout: one policy, one question; the real sudo says the same in tests/truth/test_sudo_timeout.py."""

from __future__ import annotations

from fractions import Fraction

import pytest

from checks.least_privilege.sudo_timeout import sudo_timeout
from sovaudit.facts.sudo_tickets import minutes_of
from sovaudit.model.finding import Outcome
from sovaudit.testing import run, verdicts
from tests.checks.test_least_privilege_sudo_root import host

DEBIAN = {"/etc/os-release": "ID=debian\n"}


def alice(sudoers: str, **more: object) -> Outcome | None:
    files = more.pop("files", DEBIAN)
    knobs = {"minutes": more.pop("minutes")} if "minutes" in more else {}
    return next((outcome for outcome in run(sudo_timeout, host(sudoers, files=files, **more), **knobs) if outcome.subject == "alice"), None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("option", "minutes", "verdict"),
    [
        ("", 15, "pass"),
        ("", 14, "fail"),
        ("Defaults timestamp_timeout=15", 15, "pass"),
        ("Defaults timestamp_timeout=15.01", 15, "fail"),
        ("Defaults timestamp_timeout=0", 0, "pass"),
        ("Defaults !timestamp_timeout", 0, "pass"),
        ("Defaults timestamp_timeout=-1", 100_000, "fail"),
        ("Defaults:alice timestamp_timeout=60", 15, "fail"),
        ("Defaults:bob timestamp_timeout=60", 15, "pass"),
        ("Defaults!/usr/bin/id timestamp_timeout=60", 15, "fail"),
    ],
)
def test_the_edge(option: str, minutes: int, verdict: str) -> None:
    outcome = alice(f"{option}\nalice ALL=ALL\n", minutes=minutes)
    assert outcome is not None
    assert outcome.verdict == verdict
    assert outcome.because or not option or verdict == "pass"


def test_other_builds_have_other_numbers() -> None:
    assert alice("alice ALL=ALL", files={"/etc/os-release": 'ID=rocky\nID_LIKE="rhel fedora"\n'}, minutes=5).verdict == "pass"  # type: ignore[union-attr]
    assert alice("alice ALL=ALL", files={}, minutes=15).verdict == "pass"  # type: ignore[union-attr]
    assert alice("alice ALL=ALL", files={}, minutes=5).verdict == "unknown"  # type: ignore[union-attr]


def test_nothing_asked_nothing_remembered() -> None:
    assert alice("Defaults timestamp_timeout=60\nalice ALL=NOPASSWD: ALL").verdict == "not_applicable"  # type: ignore[union-attr]
    assert verdicts(run(sudo_timeout, host("", files=DEBIAN))) == {"sudo": "pass"}
    assert verdicts(run(sudo_timeout, host("", installed=False))) == {"sudo": "not_applicable"}


def test_what_was_not_seen() -> None:
    text = "alice ALL=ALL\n@includedir /etc/sudoers.d\n"
    found = verdicts(run(sudo_timeout, host(text, files={**DEBIAN, "/etc/sudoers.d/x": ""}, unseen=["/etc/sudoers.d/x"])))
    assert found == {"alice": "unknown", "sudo": "unknown"}
    assert alice("Defaults@10.0.0.0/8 timestamp_timeout=60\nalice ALL=ALL").verdict == "unknown"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("5", 5),
        ("+5", 5),
        ("5.", 5),
        (".5", Fraction(1, 2)),
        ("", 0),
        ("-", 0),
        ("1h", None),
        ("5.5.5", None),
        ("--5", None),
        ("9" * 20, None),
    ],
)
def test_numbers(text: str, minutes: int | None) -> None:
    assert minutes_of("=", text) == minutes
