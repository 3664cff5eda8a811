"""sovaudit preflight: what the audit account may read, and which checks that costs."""

from __future__ import annotations

import argparse

from sovaudit.cli import common, config


def arguments(parser: argparse.ArgumentParser) -> None:
    common.target_arguments(parser)
    common.profile_arguments(parser)
    common.reach_arguments(parser)
    common.config_arguments(parser)


def run(options: argparse.Namespace) -> int:
    from sovaudit import engine
    from sovaudit.collectors import collect
    from sovaudit.model.verdict import Reason, Verdict

    config.settle(options)
    chosen = common.collect_options(options)
    audit = common.make_audit(options, chosen)
    costs = 0
    for target in audit.prepare(common.targets(options)):
        evidence = collect(target, chosen)
        note = f": {evidence.error}" if evidence.error else ""
        print(common.shown(f"{target.id}: {evidence.status.value}{note}"))
        denied = [gap for gap in evidence.gaps if gap.reason in (Reason.DENIED, Reason.TIMEOUT, Reason.TRUNCATED)]
        for gap in denied:
            print(common.shown(f"  not seen: {gap.item} ({gap.reason.value}{', ' + gap.detail if gap.detail else ''})"))
        for judgement in engine.judge(audit.selected, [evidence]):
            unknown = [finding for finding in judgement.findings if finding.verdict in (Verdict.UNKNOWN, Verdict.ERROR)]
            if unknown:
                costs += 1
                print(common.shown(f"  costs {judgement.check}: {common.sentence(unknown[0])}"))
    print("every check can be judged" if not costs else f"{costs} checks cannot be judged in full")
    return 3 if costs else 0
