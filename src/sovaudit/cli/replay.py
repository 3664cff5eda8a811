"""sovaudit replay: recompute every verdict offline."""

from __future__ import annotations

import argparse
from pathlib import Path

from sovaudit.cli import common, config
from sovaudit.errors import UsageError


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bundle", metavar="FILE.sova", help="evidence that audit or collect left")
    parser.add_argument("--against", metavar="report.json", help="say what differs from this report; exit 4 if anything does")
    parser.add_argument("--json", action="store_true", help="print the recomputed report.json and nothing else")
    parser.add_argument("--lang", choices=["fr", "en"], help="language (en)")
    parser.add_argument("--no-color", action="store_true", default=None, help="no colours, whatever the terminal")
    common.profile_arguments(parser)
    common.gate_arguments(parser)
    common.config_arguments(parser)


def run(options: argparse.Namespace) -> int:
    from sovaudit.bundle import Bundle

    if options.against:
        given = [name for name in ("profile", "select", "ignore", "set", "waivers", "declarations", "fail_on", "max_unknown")
                 if getattr(options, name) is not None]  # fmt: skip
        if given:
            flag = "--" + given[0].replace("_", "-")
            raise UsageError("--against judges as that report was judged", where=flag, hint="Leave one of the two out.")
        return _compare(options)
    config.settle(options)
    audit = common.make_audit(options)
    audit.prepare([f"bundle:{options.bundle}"])
    with Bundle(Path(options.bundle)) as bundle:
        bundle.verify()
        report = audit.judge(bundle)
    if options.json:
        from sovaudit.canon import canonical

        common.print_exactly(canonical(report.document()))
    else:
        from sovaudit.reports.text import render_text

        print(render_text(report, language=common.language(options), color=common.colour(options)), end="")
    return report.gate.code


def _compare(options: argparse.Namespace) -> int:
    from sovaudit import canon, history, registry
    from sovaudit.bundle import Bundle

    before, data, _ = common.load(options.against)
    with Bundle(Path(options.bundle)) as bundle:
        bundle.verify()
        after = history.replay(bundle, before, registry.load_checks())
    if options.json:
        common.print_exactly(canon.canonical(after.document()))
    same = canon.canonical(after.document()) == data
    found = history.changes(before, after)
    if not options.json:
        for change in found:
            subject = f" {change.subject}" if change.subject else ""
            print(common.shown(f"{change.check} {change.target}{subject}: {change.before} → {change.after} ({change.cause})"))
        if same:
            print("same: every verdict follows from the evidence")
        elif not found:
            print(f"the verdicts are the same; {history.aside(before, after)}")
        else:
            print(f"{len(found)} answers differ")
    return 0 if same else 4
