"""sovaudit map FILE: propose a map for an export of a badge system, and show what it would lose."""

from __future__ import annotations

import argparse
from pathlib import Path

from sovaudit.cli import common
from sovaudit.errors import CollectError, UsageError


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="CSV, TSV, JSON, JSON lines, XML or Excel")
    parser.add_argument(
        "-m", "--map", metavar="MAP", help="show what this map, a file or a ready one, makes of FILE, instead of proposing one"
    )
    parser.add_argument("--zone", metavar="ZONE", help="of times that name none, such as Africa/Casablanca")
    parser.add_argument("-o", "--output", metavar="MAP.toml", help="write the proposal there; never overwritten")


def run(options: argparse.Namespace) -> int:
    path = Path(options.file)
    if not path.is_file():
        raise UsageError("is not a file" if path.exists() else "does not exist", where=options.file)
    try:
        return _run(options, path)
    except CollectError as error:  # here the file is the argument: what is wrong with it is the caller's to mend
        raise UsageError(error.what, where=error.where, hint=error.hint) from error


def _run(options: argparse.Namespace, path: Path) -> int:
    from sovaudit.collectors.badges import proposal

    if options.map:
        _show(proposal.trial(path, options.map, options.zone))
        return 0
    text = proposal.propose(path, options.zone)
    if options.output:
        from sovaudit.output import write_whole

        if Path(options.output).exists():
            raise UsageError("this file exists", where=options.output, hint="A map is never overwritten: choose another name.")
        write_whole(Path(options.output), text.encode())
    else:
        print(common.shown_block(text))
    _show(proposal.trial_of(path, text))
    return 0


def _show(lines: list[str]) -> None:
    for line in lines:
        print(common.shown(line))
