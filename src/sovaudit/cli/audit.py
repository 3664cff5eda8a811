"""sovaudit audit: collect, judge, report, seal, gate."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from sovaudit.cli import common, config
from sovaudit.errors import OutputError, UsageError


def arguments(parser: argparse.ArgumentParser) -> None:
    common.target_arguments(parser)
    parser.add_argument("--out", metavar="DIR", help="where the files go (sovaudit-out/<utc stamp>/)")
    common.output_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print report.json on standard output and nothing else")
    parser.add_argument(
        "--resume", metavar="DIR", help="go on with an interrupted audit in DIR, of the same targets unless others are named"
    )
    parser.add_argument("--lang", choices=["fr", "en"], help="language of what is written (fr) and of the terminal (en)")
    parser.add_argument("--previous", metavar="FILE", help="the report that this one follows: its digest is recorded")
    parser.add_argument("--exit-zero", action="store_true", help="exit 0 whatever the gate says")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress, and only the last line")
    parser.add_argument("-v", "--verbose", action="store_true", help="progress even when standard error is no terminal")
    parser.add_argument("--no-color", action="store_true", default=None, help="no colours, whatever the terminal")
    scope = parser.add_argument_group("what the report says of itself")
    scope.add_argument("--organisation", metavar="TEXT", help="whose systems these are")
    scope.add_argument("--perimeter", metavar="TEXT", help="which of them")
    scope.add_argument("--auditor", metavar="TEXT", help="who audits")
    common.seal_arguments(parser)
    common.profile_arguments(parser)
    common.gate_arguments(parser)
    common.reach_arguments(parser)
    common.config_arguments(parser)


def run(options: argparse.Namespace) -> int:
    from sovaudit.audit import FORMATS, render
    from sovaudit.output import write_whole

    config.settle(options)
    outputs = common.outputs(options)
    if options.resume and not Path(options.resume).is_dir():
        raise UsageError("is no folder", where=options.resume, hint="There is nothing to resume: name the --out of the interrupted audit.")
    progress = common.Progress(quiet=options.quiet, verbose=options.verbose)
    audit = common.make_audit(options, common.collect_options(options))
    targets = common.targets(options)
    audit.prepare(targets)
    if options.resume and options.out and Path(options.resume) != Path(options.out):
        raise UsageError("--resume and --out name different folders", hint="--resume DIR writes into DIR.")
    signer = common.signer(options, lambda text: print(f"sovaudit: {text}", file=sys.stderr))
    out = Path(options.resume or options.out or _fresh())
    result = audit.run(targets, out=out, signer=signer, resume=bool(options.resume), progress=progress)
    lost: OutputError | None = None
    for name, place in outputs:
        language = common.language(options, "fr")
        try:
            data = render(result.report_bytes, result.signature, to=name, language=language, browser=options.browser)
            if place == "-":
                common.print_exactly(data)
            else:
                write_whole(Path(place) if place else out / f"report.{language}.{FORMATS[name]}", data)
        except OutputError as error:  # the others are still written, and the answer is still told
            lost = lost or error
    if options.json:
        common.print_exactly(result.report_bytes)
    elif any(place == "-" for _, place in outputs):
        pass  # standard output belongs to that format
    elif options.quiet:
        from sovaudit.gates import policy_line

        print(policy_line(result.report.summary, result.report.gate))
    else:
        from sovaudit.reports.text import render_text

        where = {path.name: str(path) for path in result.paths}
        print(render_text(result.report, language=common.language(options), color=common.colour(options), where=where), end="")
    if lost is not None:
        raise lost
    return 0 if options.exit_zero else result.report.gate.code


def _fresh() -> Path:
    """A folder of this second, or the next of its name where another audit began in it."""
    stamp = Path("sovaudit-out") / datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return next(path for n in count(1) if not (path := stamp if n == 1 else stamp.with_name(f"{stamp.name}-{n}")).exists())
