"""sovaudit sign: countersign a report. A second signature stands beside the first, over the same bytes."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from sovaudit.cli import common, config
from sovaudit.errors import IntegrityError


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("report", metavar="report.json", help="what audit left")
    common.seal_arguments(parser)
    parser.add_argument("--lang", choices=["fr", "en"], help="language of the page, written anew with both signatures (as it was)")
    common.config_arguments(parser, tables=False)


def run(options: argparse.Namespace) -> int:
    from sovaudit import seal
    from sovaudit.audit import PAGE, render
    from sovaudit.output import write_whole

    config.settle(options)
    _, document, signature = common.load(options.report)
    signer = common.signer(options, lambda text: print(f"sovaudit: {text}", file=sys.stderr))
    when = datetime.now(UTC)
    sealed = seal.countersign(document, signature, signer, when=when) if signature else seal.sign(document, signer, when=when)
    path = Path(options.report)
    print(write_whole(path.with_name(path.stem.removesuffix(".json") + ".json.p7s"), sealed))
    page = path.with_name(PAGE)
    if page.exists():
        print(write_whole(page, render(document, sealed, language=common.language(options, _spoken(page)))))
    return 0


def _spoken(page: Path) -> str:
    """The language of a page; French if it is none of ours, for it is written anew."""
    from sovaudit.reports.html import extract

    try:
        return extract(page.read_bytes()).language
    except (IntegrityError, OSError):
        return "fr"
