"""sovaudit verify: who signed a report, and whether what it says follows from the evidence."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from sovaudit.cli import common, config
from sovaudit.errors import UsageError

_MARK = {True: "ok  ", False: "FAIL", None: "-   "}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("report", metavar="report.json|report.html", help="what audit left")
    parser.add_argument("--trust", action="append", metavar="CERT", help="a certificate you trust; may be given more than once")
    parser.add_argument("--evidence", metavar="FILE.sova", help="the evidence (evidence.sova beside the report unless named)")
    parser.add_argument(
        "--source", action="append", default=[], metavar="PATH", help="a log archive or badge export that was audited: compare it again"
    )
    parser.add_argument("--at", metavar="DATE", help="judge certificates at this moment (ISO 8601), not now")
    common.config_arguments(parser)


def run(options: argparse.Namespace) -> int:
    from sovaudit.verification import verify

    config.settle(options)
    if not options.trust:
        raise UsageError("no --trust: name the certificate that you trust", hint="Your own is cert.pem in the folder of your key.")
    answer = verify(
        Path(options.report),
        trust=[Path(name) for name in options.trust],
        evidence=Path(options.evidence) if options.evidence else None,
        sources=[Path(name) for name in options.source],
        moment=_moment(options.at),
    )
    for step in answer.steps:
        print(common.shown(f"{_MARK[step.ok]} {step.name}: {step.detail}"))
    return 0 if answer.ok else 4


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is no date", where="--at", hint="Write 2026-06-01 or 2026-06-01T12:00:00Z.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
