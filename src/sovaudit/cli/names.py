"""sovaudit names REPORT TARGET…: whom the pseudonyms of a report mean, for the holder of the key and of the exports."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from sovaudit.cli import common, config
from sovaudit.errors import UsageError

_WORD = re.compile(r"\b[pb][0-9A-Z]{11}\b")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("report", metavar="report.json|report.html", help="what audit left")
    parser.add_argument("targets", nargs="+", metavar="TARGET", help="badges:FILE?map=MAP, people:FILE: where names, ids and badges stand")
    parser.add_argument("--people-key", metavar="FILE", help="the key of the pseudonyms; your own otherwise")
    common.config_arguments(parser)


def run(options: argparse.Namespace) -> int:
    from sovaudit import keys
    from sovaudit.collectors import CollectOptions, collect, names_in, parse_target
    from sovaudit.collectors.pseudonyms import PREFIX, under

    config.settle(options)
    path = Path(options.people_key) if options.people_key else config.config_folder() / "people.key"
    if not path.is_file():
        raise UsageError("there is no key, so nobody can say whom the pseudonyms mean", where=str(path), hint="Name it with --people-key.")
    key = keys.people_key(path)
    words = {kind: under(key, kind) for kind in PREFIX}
    _, document, _ = common.load(options.report)
    wanted = set(_WORD.findall(document.decode()))
    found: dict[str, str] = {}
    for target in [parse_target(text) for text in options.targets]:
        evidence = collect(target, CollectOptions(identify=True))
        if not evidence.collected:
            raise UsageError(f"cannot be read ({evidence.error})", where=target.id)
        for kind, value in names_in(evidence):
            word = words[kind](value)
            if word in wanted:
                found[word] = value
    for word in sorted(found):
        print(common.shown(f"{word}  {found[word]}"))
    missing = len(wanted - found.keys())
    if missing:
        print(f"{missing} of {len(wanted)} pseudonyms mean nobody in these files, or were made with another key")
    return 0
