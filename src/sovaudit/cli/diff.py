"""sovaudit diff: what changed between two reports, and why."""

from __future__ import annotations

import argparse

from sovaudit.cli import common


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("old", metavar="OLD", help="report.json or report.html of before")
    parser.add_argument("new", metavar="NEW", help="and of now")
    parser.add_argument("--fail-on", choices=["new"], help="exit 1 if something fails now that did not before")


def run(options: argparse.Namespace) -> int:
    from sovaudit.history import changes

    before, _, _ = common.load(options.old)
    after, _, _ = common.load(options.new)
    found = changes(before, after)
    for change in found:
        subject = f" {change.subject}" if change.subject else ""
        print(common.shown(f"{change.check} {change.target.removesuffix(':')}{subject}: {change.before} → {change.after} ({change.cause})"))
    worse = [change for change in found if "fail" in change.after.split(" + ") and "fail" not in change.before.split(" + ")]
    print(f"{len(found)} answers differ, {len(worse)} newly failing")
    return 1 if options.fail_on and worse else 0
