"""sovaudit gate: decide again, with other thresholds."""

from __future__ import annotations

import argparse

from sovaudit.cli import common, config


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("report", metavar="report.json|report.html", help="what audit left")
    common.gate_arguments(parser)
    common.config_arguments(parser, tables=False)


def run(options: argparse.Namespace) -> int:
    from sovaudit.audit import gate
    from sovaudit.gates import policy_line
    from sovaudit.model.verdict import Severity

    config.settle(options)
    report, _, _ = common.load(options.report)
    limit = 0 if options.max_unknown is None else options.max_unknown
    decision = gate(report, fail_on=Severity(options.fail_on or "high"), max_unknown=limit)
    for reason in decision.reasons:
        print(common.shown(reason))
    print(policy_line(report.summary, decision))
    return decision.code
