"""sovaudit preflight: what the audit account may read, and which checks that costs."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sovaudit.cli import common, config

if TYPE_CHECKING:
    from sovaudit.collectors import CollectOptions
    from sovaudit.facts.directory import Directory
    from sovaudit.model.evidence import Evidence, Target


def arguments(parser: argparse.ArgumentParser) -> None:
    common.target_arguments(parser)
    common.profile_arguments(parser)
    common.reach_arguments(parser)
    common.config_arguments(parser)


def _readable(directory: Directory) -> None:
    """Search by search what was shown; an attribute that no entry shows is nowhere, or closed to this account."""
    from sovaudit.facts.directories.readability import readability

    for one in readability(directory):
        count = f", {one.entries} entries" if one.entries else ""
        print(common.shown(f"  search {one.search}: {one.state.value}{count}{f' ({one.why})' if one.why else ''}"))
        if one.shown:
            print(common.shown(f"    READABLE: {' '.join(one.shown)}"))
        if one.hidden and one.entries:
            print(common.shown(f"    UNKNOWN, shown by no entry: {' '.join(one.hidden)}"))
        if one.absent:
            print(common.shown(f"    ABSENT: {' '.join(one.absent)}"))


def _evidence(target: Target, chosen: CollectOptions) -> Iterator[Evidence]:
    """What a visit brings, or what a bundle holds already."""
    from sovaudit.bundle import Bundle
    from sovaudit.collectors import collect

    if target.kind == "bundle":
        with Bundle(Path(target.uri.removeprefix("bundle:"))) as bundle:
            yield from (bundle.evidence(name) for name in bundle.targets)
    else:
        yield collect(target, chosen)


def run(options: argparse.Namespace) -> int:
    from sovaudit import engine
    from sovaudit.facts.directory import Directory
    from sovaudit.model.verdict import Reason, Verdict

    config.settle(options)
    chosen = common.collect_options(options)
    audit = common.make_audit(options, chosen)
    costs = 0
    for evidence in (each for target in audit.prepare(common.targets(options)) for each in _evidence(target, chosen)):
        note = f": {evidence.error}" if evidence.error else ""
        print(common.shown(f"{evidence.target.id.removesuffix(':')}: {evidence.status.value}{note}"))
        denied = [gap for gap in evidence.gaps if gap.reason in (Reason.DENIED, Reason.TIMEOUT, Reason.TRUNCATED)]
        for gap in denied:
            print(common.shown(f"  not seen: {gap.item} ({gap.reason.value}{', ' + gap.detail if gap.detail else ''})"))
        if evidence.collected and evidence.target.kind in Directory.kinds:
            _readable(Directory(evidence))
        for judgement in engine.judge(audit.selected, [evidence]):
            unknown = [finding for finding in judgement.findings if finding.verdict in (Verdict.UNKNOWN, Verdict.ERROR)]
            if unknown:
                costs += 1
                items = ", ".join(dict.fromkeys(gap.item for finding in unknown for gap in finding.gaps))
                print(common.shown(f"  costs {judgement.check}: {common.sentence(unknown[0])}{f' ({items})' if items else ''}"))
    print("every check can be judged" if not costs else f"{costs} checks cannot be judged in full")
    return 3 if costs else 0
