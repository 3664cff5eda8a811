"""sovaudit waivers lint: is a waivers file well formed, in date and approved by another person?"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from sovaudit.cli import common


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=["lint"], metavar="lint", help="well formed, in date, approved by another person?")
    parser.add_argument("file", metavar="FILE", help="waivers (TOML)")


def run(options: argparse.Namespace) -> int:
    from sovaudit import gates, registry

    today = datetime.now(UTC).date()
    waivers = gates.load_waivers(Path(options.file), registry.load_checks())
    bad = 0
    for waiver in waivers:
        state = gates.waiver_state(waiver, today)
        bad += state != "applied"
        word = "good" if state == "applied" else state.replace("_", "-")
        print(common.shown(f"{word}: {waiver.check} {waiver.target} {waiver.subject} until {waiver.until}"))
    print(f"{len(waivers)} waivers, {bad} without effect")
    return 1 if bad else 0
