"""sovaudit plan: exactly what would be run or read. Connects to nothing."""

from __future__ import annotations

import argparse
import sys

from sovaudit.cli import common, config


def arguments(parser: argparse.ArgumentParser) -> None:
    common.target_arguments(parser)
    parser.add_argument("--script", action="store_true", help="print the collector itself, the script that is sent or installed")
    common.reach_arguments(parser)
    common.config_arguments(parser)


def run(options: argparse.Namespace) -> int:
    from sovaudit.audit import options_beside, targets_of
    from sovaudit.collectors import plan
    from sovaudit.collectors.privileges import collector

    config.settle(options)
    if options.script:
        sys.stdout.buffer.write(collector())
        return 0
    targets = targets_of(common.targets(options))
    chosen = options_beside(targets, common.collect_options(options, binds=False))
    for target in targets:
        print(common.shown(target.id))
        steps = ("read it: evidence already taken; nothing is run",) if target.kind == "bundle" else plan(target, chosen)
        for line in steps:
            print(common.shown(f"  {line}"))
    return 0
