"""A year of doors: every check of physical access on an export, what was planted and what was found, beside one plain pass in Python.

    python -m benchmarks.bench_badges [--events 200000] [--memory 2000] [--folder DIR] [--runs 1]

The plain pass (badge_plain.py) reads the CSV with the standard library and gives the same answers to every check: the same verdict of each subject
and the same numbers said with it, which is compared. `take` reads the export into evidence, `judge` answers from it. Each runs in a process
of its own, `--runs` times, the shortest counts; cpu is user and system time, RSS the peak.
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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks import badge_log
from sovaudit.authoring import Check
from sovaudit.bundle import Bundle, BundleWriter
from sovaudit.cli.docs import builtin
from sovaudit.collectors import CollectOptions, collect, parse_target
from sovaudit.engine import judge
from sovaudit.model.verdict import Severity
from sovaudit.tables import enough
from sovaudit.testing import evidence_with

TAKEN = badge_log.START + timedelta(days=badge_log.DAYS)  # as if on the last day


class Chosen:
    def __init__(self, check: Check) -> None:
        self.check = check
        self.params: Mapping[str, object] = dict(check.knobs)
        self.severity = Severity.HIGH


def take(folder: Path) -> dict[str, Any]:
    (folder / "evidence.sova").unlink(missing_ok=True)
    began = time.perf_counter()
    options = CollectOptions(identify=True)
    targets = [parse_target(uri) for uri in (f"badges:{folder}/log.csv?map={folder}/map.toml", f"people:{folder}/people.csv")]
    with (
        BundleWriter(folder / "evidence.sova") as writer,
        ThreadPoolExecutor() as pool,
    ):  # beside each other, as `sovaudit collect` takes them
        for found in pool.map(lambda target: collect(target, options), targets):
            assert found.collected, found.error
            writer.add(replace(found, taken_at=TAKEN))
        for name, logins in json.loads((folder / "logins.json").read_text()).items():
            text = "".join(f"{line}\n" for line in ("since 1700000000", *(f"{at} tty1 {who}" for at, who in logins)))
            host = evidence_with(artifacts={"console-logins": text}, target=f"ssh://{name}", taken_at=TAKEN)
            writer.add(replace(host, identity={"hostname": name}))
        writer.finish()
    return {"seconds": time.perf_counter() - began, "bundle": (folder / "evidence.sova").stat().st_size}


def answer(folder: Path) -> dict[str, Any]:
    """Seconds, and {check: {subject: [verdict, {name: number}]}}; of a pass no numbers are kept."""
    began = time.perf_counter()
    found: dict[str, dict[str, Any]] = {}
    each: dict[str, int] = {}
    chosen = [Chosen(check) for check in builtin().values() if check.id.startswith("physical-access.")]
    with Bundle(folder / "evidence.sova") as bundle:
        last = began
        for judgement in judge(chosen, bundle):
            now = time.perf_counter()
            each[judgement.check], last = int((now - last) * 1000), now
            rows = found.setdefault(judgement.check, {})
            rows |= {subject: ["pass", {}] for subject in judgement.passed}
            for finding in judgement.findings:
                numbers = {name: value for name, value in finding.message.args.items() if isinstance(value, int)}
                rows[finding.subject] = [finding.verdict.value, numbers]
    return {"seconds": time.perf_counter() - began, "found": found, "each_ms": each}


def plain(folder: Path) -> dict[str, Any]:
    from benchmarks.badge_plain import answers

    began = time.perf_counter()
    found = answers(folder, int(TAKEN.timestamp()) * 1000)
    return {"seconds": time.perf_counter() - began, "found": found}


def child(what: str, folder: Path, memory: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.bench_badges", "--only", what, "--folder", str(folder), "--memory", str(memory)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ})
    return dict(json.loads(done.stdout))


def report(folder: Path, planted: dict[str, Any], memory: int, runs: int) -> int:
    print(f"{planted['rows']} events, {planted['people']} people, {planted['bytes'] / 1e6:.0f} MB of CSV, {memory} MB for tables")
    best: dict[str, dict[str, Any]] = {}
    for _ in range(runs):
        for what in ("take", "judge", "plain"):
            run = child(what, folder, memory)
            best[what] = min(best.get(what, run), run, key=lambda one: float(one["seconds"]))
    taken, ours, peer = best["take"], best["judge"], best["plain"]
    for name, run in best.items():
        print(f"{name:<6} {run['seconds']:8.2f} s   cpu {run['cpu']:8.2f} s   peak {run['rss_mb']:6} MB")
    whole, cpu = taken["seconds"] + ours["seconds"], taken["cpu"] + ours["cpu"]
    print(f"take and judge: {peer['seconds'] / whole:.1f} x as fast as the plain pass ({peer['cpu'] / cpu:.1f} x by cpu time)")
    print(f"bundle {taken['bundle'] / 1e6:.1f} MB, {planted['bytes'] / taken['bundle']:.1f} x smaller than the CSV")
    return compare(ours["found"], planted["found"], peer["found"])


def compare(ours: dict[str, Any], planted: dict[str, Any], peer: dict[str, Any]) -> int:
    """Prints a line for each check. 1 if anything differs."""
    wrong = 0
    for check in sorted({*ours, *planted, *peer}):
        mine, theirs, want = ours.get(check, {}), peer.get(check, {}), set(planted.get(check, {}))
        said = {subject for subject, (verdict, _) in mine.items() if verdict == "fail"}
        doubt = sum(verdict == "unknown" for verdict, _ in mine.values())
        differ = sorted(subject for subject in {*mine, *theirs} if mine.get(subject) != theirs.get(subject))
        wrong += len(want ^ said) + len(differ)
        print(
            f"{check:<36} planted {len(want):4} found {len(said & want):4} missed {len(want - said):2} others {len(said - want):2} "
            f"unknown {doubt:2}; the plain pass {f'agrees on {len(mine)}' if not differ else 'differs:'}"
        )
        for subject in differ[:5]:
            print(f"    {subject!r}: {mine.get(subject)}, plain {theirs.get(subject)}")
    return 1 if wrong else 0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--memory", type=int, default=2000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--only", choices=["take", "judge", "plain"])
    options = parser.parse_args()
    enough.memory_mb = options.memory
    if options.only:
        found = {"take": take, "judge": answer, "plain": plain}[options.only](options.folder)
        used = resource.getrusage(resource.RUSAGE_SELF)
        print(json.dumps(found | {"rss_mb": used.ru_maxrss // 1024, "cpu": used.ru_utime + used.ru_stime}))
        return 0
    with tempfile.TemporaryDirectory(prefix="badges-") as scratch:
        folder = options.folder or Path(scratch)
        return report(folder, badge_log.write(folder, options.events), options.memory, options.runs)


if __name__ == "__main__":
    sys.exit(main())
