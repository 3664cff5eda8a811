"""sovaudit explain: a check, a control or the exit codes."""

from __future__ import annotations

import argparse
import difflib

from sovaudit.cli import common, config
from sovaudit.errors import UsageError


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID|exit-codes", help="a check id, a control id of a directive, or exit-codes")
    parser.add_argument("--lang", choices=["fr", "en"], help="language (en)")
    common.config_arguments(parser, tables=False)


def run(options: argparse.Namespace) -> int:
    config.settle(options)
    language = common.language(options)
    if options.id == "exit-codes":
        from sovaudit.cli.exit_codes import table

        print(table(), end="")
        return 0
    from sovaudit import directives, registry
    from sovaudit.reports import explain as pages

    checks = registry.load_checks()
    every = directives.load_directives(directives.directive_ids())
    if options.id in checks:
        print(common.shown_block(pages.check_page(checks[options.id], every, language)), end="")
        return 0
    found = [
        pages.control_page(directive, control, checks, language)
        for directive in every
        for control in directive.controls
        if control.id == options.id or f"{directive.id}:{control.id}" == options.id
    ]
    if not found:
        known = [*checks, *(control.id for directive in every for control in directive.controls), "exit-codes"]
        inside = [name for name in known if options.id and options.id in name]
        near = inside[:3] if len(inside) == 1 else difflib.get_close_matches(options.id, known, 3) or inside[:3]
        raise UsageError(
            "no such check or control", where=options.id, hint=f"Near: {', '.join(near)}." if near else "Try `sovaudit list checks`."
        )
    print(common.shown_block("\n".join(found)), end="")
    return 0
