"""sovaudit render: the same report in another format or language."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sovaudit.cli import common
from sovaudit.errors import UsageError


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("report", metavar="report.json|report.html")
    formats = "html, text, json, csv, junit, sarif, md, oscal or ocsf; PATH - is standard output"
    parser.add_argument("-o", "--output", action="append", metavar="FMT[:PATH]", help=formats)
    parser.add_argument("--lang", choices=["fr", "en"], default="fr", help="language (fr)")
    parser.add_argument("--force", action="store_true", help="replace files that exist")


def run(options: argparse.Namespace) -> int:
    from sovaudit.audit import FORMATS, render
    from sovaudit.output import write_whole

    _, document, signature = common.load(options.report)
    for text in options.output or ["html"]:
        name, _, place = text.partition(":")
        if name not in FORMATS:
            raise UsageError(f"{name} is not a format of this version", where="-o", hint=f"Formats: {', '.join(FORMATS)}.")
        data = render(document, signature, to=name, language=options.lang)
        if place == "-":
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
            continue
        path = Path(place) if place else Path(options.report).with_name(f"report.{options.lang}.{FORMATS[name]}")
        if path.exists() and not options.force:
            raise UsageError("exists", where=str(path), hint="Choose another name, or --force.")
        write_whole(path, data)
        print(path)
    return 0
