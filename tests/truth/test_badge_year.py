"""A year of doors that the benchmark invents: all that was planted is found, and a plain pass over the file says the same of every subject."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import badge_log, bench_badges


def test_a_plain_pass_gives_the_same_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    planted = badge_log.write(tmp_path, 60_000)
    bench_badges.take(tmp_path)
    ours, peer = bench_badges.answer(tmp_path)["found"], bench_badges.plain(tmp_path)["found"]
    differ = bench_badges.compare(
        ours, planted["found"], {check: {who: list(said) for who, said in found.items()} for check, found in peer.items()}
    )
    assert len(ours) == len(peer) == 21
    assert not differ, capsys.readouterr().out
