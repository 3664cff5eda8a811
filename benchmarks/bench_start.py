"""`sovaudit --version` beside a bare interpreter.

python -m benchmarks.bench_start
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time


def median(command: list[str], runs: int = 15) -> float:
    taken = []
    for _ in range(runs):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def main() -> None:
    bare = median([sys.executable, "-c", "pass"])
    ours = median([sys.executable, "-m", "sovaudit", "--version"])
    print(f"sovaudit --version {ours * 1000:.0f} ms, python -c pass {bare * 1000:.0f} ms: {ours / bare:.1f} ×")


if __name__ == "__main__":
    main()
