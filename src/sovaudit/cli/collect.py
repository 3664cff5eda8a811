"""sovaudit collect: evidence only, no judgement."""

from __future__ import annotations

import argparse
from pathlib import Path

from sovaudit.cli import common, config


def arguments(parser: argparse.ArgumentParser) -> None:
    common.target_arguments(parser)
    parser.add_argument("-o", "--output", required=True, metavar="FILE.sova", help="where the evidence goes; never overwritten")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress")
    parser.add_argument("-v", "--verbose", action="store_true", help="progress even when standard error is no terminal")
    parser.add_argument("--redact", action="store_true", help="evidence to hand over: of bundle: targets, too, names become pseudonyms")
    common.reach_arguments(parser)
    common.config_arguments(parser)


def run(options: argparse.Namespace) -> int:
    from sovaudit.audit import collect
    from sovaudit.bundle import Bundle

    config.settle(options)
    progress = common.Progress(quiet=options.quiet, verbose=options.verbose)
    path = Path(options.output)
    chosen = common.collect_options(options)
    root = collect(common.targets(options), path, options=chosen, jobs=options.jobs or 16, progress=progress)
    missed = 0
    with Bundle(path) as bundle:
        for name in bundle.targets:
            evidence = bundle.evidence(name)
            missed += not evidence.collected
            note = f": {evidence.error}" if evidence.error else ""
            print(common.shown(f"{evidence.status.value:<12} {name}{note}"))
    print(f"{path} {root}")
    return 3 if missed else 0
