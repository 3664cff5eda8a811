"""sovaudit render: the same report in another format or language."""

from __future__ import annotations

import argparse
from pathlib import Path

from sovaudit.cli import common, config
from sovaudit.errors import UsageError


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("report", metavar="report.json|report.html", help="what audit left")
    common.output_arguments(parser)
    parser.add_argument("--lang", choices=["fr", "en"], help="language (fr)")
    parser.add_argument("--force", action="store_true", help="replace files that exist")
    common.config_arguments(parser, tables=False)


def run(options: argparse.Namespace) -> int:
    from sovaudit.audit import FORMATS, render
    from sovaudit.output import write_whole

    config.settle(options)
    outputs = common.outputs(options) or [("html", "")]
    language = common.language(options, "fr")
    _, document, signature = common.load(options.report)
    paths = [Path(place) if place else Path(options.report).with_name(f"report.{language}.{FORMATS[name]}") for name, place in outputs]
    for (_, place), path in zip(outputs, paths, strict=True):
        if place != "-" and path.exists() and not options.force:
            raise UsageError("exists", where=str(path), hint="Choose another name, or --force.")
    for (name, place), path in zip(outputs, paths, strict=True):
        data = render(document, signature, to=name, language=language, browser=options.browser)
        if place == "-":
            common.print_exactly(data)
        else:
            write_whole(path, data)
            print(path)
    return 0
