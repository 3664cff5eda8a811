"""A year of doors: every check of physical access on an export, what was planted and what was found, beside one plain pass in Python.

    python -m benchmarks.bench_badges [--events 200000] [--memory 2000] [--folder DIR]

The plain pass (badge_plain.py) reads the CSV once with the standard library and gives the same answers to eight of the checks: missing and
repeated numbers, two entries in a row, ways too quick, badges that had ended, belonged to nobody or to who had left, two alarms. `ours` is judging
all checks from evidence already taken; `whole` takes the evidence first. Each runs in a process of its own; RSS is its peak.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks import badge_log
from sovaudit.authoring import BadgeLog, Check, Roster
from sovaudit.bundle import Bundle, BundleWriter
from sovaudit.cli.docs import builtin
from sovaudit.collectors import CollectOptions, collect, parse_target
from sovaudit.engine import judge
from sovaudit.model.verdict import Severity, Verdict
from sovaudit.tables import enough


class Chosen:
    def __init__(self, check: Check) -> None:
        self.check = check
        self.params: Mapping[str, object] = dict(check.knobs)
        self.severity = Severity.HIGH


def chosen() -> list[Chosen]:
    """Every check that needs a log of badges, and a roster or nothing beside it."""
    known = {BadgeLog, Roster, Roster | None}
    return [Chosen(check) for check in builtin().values() if check.needs[:1] == (BadgeLog,) and set(check.needs) <= known]


def take(folder: Path) -> dict[str, Any]:
    began = time.perf_counter()
    with BundleWriter(folder / "evidence.sova") as writer:
        for uri in (f"badges:{folder}/log.csv?map={folder}/map.toml", f"people:{folder}/people.csv"):
            found = collect(parse_target(uri), CollectOptions(identify=True))
            assert found.collected, found.error
            writer.add(replace(found, taken_at=badge_log.START + timedelta(days=badge_log.DAYS)))  # as if on the last day
        writer.finish()
    return {"seconds": time.perf_counter() - began, "bundle": (folder / "evidence.sova").stat().st_size}


def answer(folder: Path) -> dict[str, Any]:
    """Seconds, and {check: {subject: verdict}} of all that did not pass."""
    began = time.perf_counter()
    found: dict[str, dict[str, str]] = {}
    each: dict[str, int] = {}
    counts: dict[str, dict[str, int]] = {}
    with Bundle(folder / "evidence.sova") as bundle:
        for judgement in judge(chosen(), bundle):
            now = time.perf_counter()
            each[judgement.check] = int((now - began) * 1000)
            rows = found.setdefault(judgement.check, {})
            for finding in judgement.findings:
                if finding.verdict is not Verdict.NOT_APPLICABLE:
                    rows[finding.subject] = finding.verdict.value
                numbers = [value for value in finding.message.args.values() if isinstance(value, int)]
                counts.setdefault(judgement.check, {})[finding.subject] = sum(numbers[:2])
    return {"seconds": time.perf_counter() - began, "found": found, "until_ms": each, "counts": counts}


def plain(folder: Path) -> dict[str, Any]:
    from benchmarks.badge_plain import answers

    began = time.perf_counter()
    found = answers(folder)
    return {"seconds": time.perf_counter() - began, "found": found}


def child(what: str, folder: Path, memory: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.bench_badges", "--only", what, "--folder", str(folder), "--memory", str(memory)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ})
    return dict(json.loads(done.stdout))


def report(folder: Path, planted: dict[str, Any], memory: int) -> int:
    print(f"{planted['rows']} events, {planted['people']} people, {planted['bytes'] / 1e6:.0f} MB of CSV, {memory} MB for tables")
    taken, ours, peer = (child(what, folder, memory) for what in ("take", "answer", "plain"))
    whole = taken["seconds"] + ours["seconds"]
    for name, seconds, run in (("take", taken["seconds"], taken), ("ours", ours["seconds"], ours), ("plain", peer["seconds"], peer)):
        print(f"{name:<6} {seconds:8.2f} s   peak {run['rss_mb']:6} MB")
    print(f"ours is {peer['seconds'] / ours['seconds']:.1f} x the plain pass; with the taking {peer['seconds'] / whole:.1f} x")
    print(f"bundle {taken['bundle'] / 1e6:.1f} MB, {planted['bytes'] / taken['bundle']:.1f} x smaller than the CSV")
    wrong = 0
    for check in sorted(set(ours["found"]) | set(planted["found"])):
        said = {subject for subject, verdict in ours["found"].get(check, {}).items() if verdict == "fail"}
        doubt = {subject for subject, verdict in ours["found"].get(check, {}).items() if verdict != "fail"}
        want = set(planted["found"].get(check, {}))
        wrong += len(want - said) + len(said - want)
        note = f", {len(doubt)} unknown" if doubt else ""
        print(f"{check:<36} planted {len(want):5} found {len(said & want):5} missed {len(want - said):3} others {len(said - want):3}{note}")
    for check, mine in sorted(peer["found"].items()):
        theirs = {subject: count for subject, count in mine.items() if count}
        said = {subject for subject, verdict in ours["found"].get(check, {}).items() if verdict == "fail"}
        same = set(theirs) == said
        wrong += not same
        print(f"{check:<36} the plain pass {'agrees' if same else f'differs: {sorted(set(theirs) ^ said)[:5]}'}")
    return 1 if wrong else 0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--memory", type=int, default=2000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--only", choices=["take", "answer", "plain"])
    options = parser.parse_args()
    enough.memory_mb = options.memory
    if options.only:
        found = {"take": take, "answer": answer, "plain": plain}[options.only](options.folder)
        print(json.dumps(found | {"rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))
        return 0
    with tempfile.TemporaryDirectory(prefix="badges-") as scratch:
        folder = options.folder or Path(scratch)
        return report(folder, badge_log.write(folder, options.events), options.memory)


if __name__ == "__main__":
    sys.exit(main())
