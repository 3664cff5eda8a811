"""sovaudit plan: exactly what would be run or read. Connects to nothing."""

from __future__ import annotations

import argparse

from sovaudit.cli import common, config


def arguments(parser: argparse.ArgumentParser) -> None:
    common.target_arguments(parser)
    parser.add_argument("--script", action="store_true", help="print the collector itself, as it would be sent")
    common.reach_arguments(parser)
    common.config_arguments(parser)


def run(options: argparse.Namespace) -> int:
    from sovaudit.audit import targets_of
    from sovaudit.collectors import collector_script, plan

    config.settle(options)
    targets = targets_of(common.targets(options))
    chosen = common.collect_options(options)
    if options.script:
        print(collector_script(), end="")
        return 0
    for target in targets:
        print(common.shown(target.id))
        for line in plan(target, chosen):
            print(common.shown(f"  {line}"))
    return 0
