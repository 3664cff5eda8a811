"""The walk through root's folders at its bounds."""

from __future__ import annotations

import os

import pytest

from sovaudit.collectors import items
from sovaudit.model.verdict import Reason
from tests import lab
from tests.lab import local, mounted
from tests.truth.test_collect import same

pytestmark = pytest.mark.lab


def test_one_folder_too_full_is_one_gap() -> None:
    with lab.overlay() as place:
        (place / "opt/app").mkdir()
        for number in range(2001):
            (place / f"opt/app/{number}").touch()
            os.chown(place / f"opt/app/{number}", 1000, 1000)
        (place / "usr/local/bin/open").touch(0o666)
        (place / "usr/local/bin/open").chmod(0o666)
        seen = [mounted(place), local(place)]
    for evidence in seen:
        assert [gap.item for gap in evidence.gaps if gap.item.startswith("scan:")] == ["scan:/opt"]
        rows = evidence.artifacts["tree"].decode().split("\n")
        assert "W\t\t\t\t\t\t/usr" in rows and "W\t\t\t\t\t\t/opt" not in rows
        assert not any("/opt/app/" in row for row in rows) and any(row.endswith("/usr/local/bin/open") for row in rows)
    same(*seen)


def test_a_walk_that_does_not_end_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(items, "SCAN_SECONDS", -1)
    with lab.overlay() as place:
        seen = mounted(place)
    assert {gap.item: gap.reason for gap in seen.gaps if gap.item in ("setuid:/", "scan:/")} == dict.fromkeys(
        ("setuid:/", "scan:/"), Reason.TIMEOUT
    )
    assert b"\nW\t" not in seen.artifacts["tree"]
