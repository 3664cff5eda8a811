"""sovaudit list: the catalogue."""

from __future__ import annotations

import argparse

from sovaudit.cli import common, config


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=["checks", "directives", "profiles"], metavar="checks|directives|profiles", help="what to list")
    parser.add_argument("--lang", choices=["fr", "en"], help="language (en)")
    common.config_arguments(parser, tables=False)


def run(options: argparse.Namespace) -> int:
    from sovaudit import directives, profiles, registry

    config.settle(options)
    language = common.language(options)
    rows: list[tuple[str, str]]
    if options.what == "checks":
        rows = [(check.id, common.translated(check.title, language)) for check in registry.load_checks().values()]
    elif options.what == "directives":
        rows = [
            (one.id, f"{one.title.to(language)} ({len(one.controls)})") for one in directives.load_directives(directives.directive_ids())
        ]
    else:
        checks = registry.load_checks()
        rows = [(name, profiles.load_profile(name, checks).title.to(language)) for name in profiles.profile_ids()]
    width = max((len(name) for name, _ in rows), default=0)
    for name, title in sorted(rows):
        print(common.shown(f"{name:<{width}}  {title}"))
    return 0
