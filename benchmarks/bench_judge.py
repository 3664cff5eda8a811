"""Judging one host's evidence with every host check: CPU, and how it grows with the number of accounts.

    python -m benchmarks.bench_judge [--accounts 1,100,10000] [--each]

The peer is reading the same evidence and nothing more: opening the bundle, checking every digest, decompressing (`Bundle.evidence`).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sovaudit.bundle import Bundle, BundleWriter
from sovaudit.cli.docs import builtin
from sovaudit.engine import judge
from sovaudit.model.evidence import Evidence
from sovaudit.profiles import Selected
from tests import lab


def with_accounts(evidence: Evidence, count: int) -> Evidence:
    """The same host with that many accounts more, each with a shell, a password and a home that is not there."""
    artifacts = dict(evidence.artifacts)
    names = [(f"user{number}", 2000 + number) for number in range(count)]
    artifacts["file:/etc/passwd"] += "".join(f"{name}:x:{uid}:100::/nonexistent/{name}:/bin/bash\n" for name, uid in names).encode()
    if "file:/etc/shadow" in artifacts:
        artifacts["file:/etc/shadow"] += "".join(f"{name}:$y$j9T$masked:20000:0:99999:7:::\n" for name, _ in names).encode()
    return replace(evidence, artifacts=artifacts)


def cpu(act: Callable[[], object], runs: int) -> float:
    """The least CPU seconds of several runs: what the work itself costs."""
    taken = []
    for _ in range(runs):
        began = time.process_time()
        act()
        taken.append(time.process_time() - began)
    return min(taken)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--accounts", default="1,100,10000")
    parser.add_argument("--each", action="store_true", help="name the dearest checks")
    options = parser.parse_args()
    checks = builtin().values()
    selected = [Selected(check, dict(check.knobs), check.severity, "default") for check in checks]
    with lab.overlay() as root:
        evidence = lab.local(root)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "one.sova"
        with BundleWriter(path) as writer:
            writer.add(evidence)
            writer.finish()

        def read() -> None:
            with Bundle(path) as bundle:
                list(bundle)

        reading = cpu(read, 9)
    judging = cpu(lambda: list(judge(selected, [evidence])), 9)
    print(f"{len(checks)} checks on a stock host: {judging * 1000:.1f} ms of CPU, {judging / reading:.1f} × reading its evidence")
    if options.each:
        costs = sorted(((cpu(lambda one=one: list(judge([one], [evidence])), 3), one.check.id) for one in selected), reverse=True)
        for seconds, name in costs[:15]:
            print(f"  {name:<45} {seconds * 1000:6.1f} ms alone")
    before: tuple[int, float] | None = None
    for count in map(int, options.accounts.split(",")):
        many = with_accounts(evidence, count)
        spent = cpu(lambda many=many: list(judge(selected, [many])), 1 if count > 1000 else 3)
        more = "" if before is None else f", {(spent - before[1]) * 1e6 / max(1, count - before[0]):.0f} µs an account more"
        print(f"{count:>6} accounts: {spent * 1000:8.1f} ms{more}")
        before = count, spent


if __name__ == "__main__":
    main()
