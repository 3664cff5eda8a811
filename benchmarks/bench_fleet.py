"""A fleet: memory flat in the number of hosts; rendering and sealing a report of 1,000.

    python -m benchmarks.bench_fleet [--hosts 1000]

Hosts are one real Debian root with a name and a line of its own each, so that nothing but shared content deduplicates.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from sovaudit.audit import Audit, render, seal_bytes
from sovaudit.bundle import Bundle, BundleWriter
from sovaudit.canon import canonical
from sovaudit.collectors import collect, parse_target
from sovaudit.keys import create_key
from sovaudit.model.evidence import Evidence, Target
from tests import lab


def hosts(count: int) -> Iterator[Evidence]:
    with lab.overlay() as root:
        one = collect(parse_target(f"root:{root}"))
    for number in range(count):
        name = f"ssh://auditor@host{number:04}"
        artifacts = dict(one.artifacts)
        artifacts["file:/etc/hostname"] = f"host{number:04}\n".encode()
        artifacts["file:/etc/passwd"] += f"user{number}:x:{2000 + number}:100::/home/user{number}:/bin/bash\n".encode()
        yield replace(
            one, target=Target(name, name, "root"), artifacts=artifacts, identity={**one.identity, "hostname": f"host{number:04}"}
        )


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--hosts", type=int, default=1000)
    count = parser.parse_args().hosts
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "fleet.sova"
        started = time.perf_counter()
        with BundleWriter(path) as writer:
            for evidence in hosts(count):
                writer.add(evidence)
            writer.finish()
        print(f"written: {count} hosts, {path.stat().st_size >> 20} MB, {time.perf_counter() - started:.1f} s, peak {peak()} MB")
        audit = Audit()
        started, cpu = time.perf_counter(), time.process_time()
        with Bundle(path) as bundle:
            report = audit.judge(bundle)
        spent = (time.process_time() - cpu) * 1000 / count
        print(f"replayed: {time.perf_counter() - started:.1f} s, {spent:.1f} ms of CPU a host, peak {peak()} MB")
        document = canonical(report.document())
        signer = create_key(folder / "keys", common_name="benchmark")
        started = time.perf_counter()
        signature = seal_bytes(document, signer, datetime.now(UTC))
        page = render(document, signature)
        took = time.perf_counter() - started
        print(f"sealed and rendered: {took:.1f} s, peak {peak()} MB")
        print(f"report.json {len(document) / 1e6:.1f} MB, report.html {len(page) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
