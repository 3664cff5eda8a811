"""The evidence bundle beside its peer, one tar.zst: size, time to write, time to read one host, memory.

    python -m benchmarks.bench_bundle [--hosts 500]

Hosts are one real Debian root with an account, a host name and some file times of their own.
"""

from __future__ import annotations

import argparse
import io
import re
import resource
import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import zstandard

from sovaudit.bundle import Bundle, BundleWriter
from sovaudit.collectors import collect, parse_target
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
        # What was installed has its package's time everywhere; folders have the machine's own.
        artifacts["tree"] = re.sub(
            rb"(?m)^(d\t.*\t)\d{7}(\d+)\t",
            lambda row, number=number: row[1] + str(1_700_000 + number).encode()[:7] + row[2] + b"\t",
            artifacts["tree"],
        )
        yield replace(one, target=Target(name, name, "ssh"), artifacts=artifacts, identity={"hostname": f"host{number:04}"})


def packed(path: Path, count: int) -> None:
    with zstandard.ZstdCompressor(level=3).stream_writer(path.open("wb")) as stream, tarfile.open(fileobj=stream, mode="w|") as archive:
        for evidence in hosts(count):
            for name, data in evidence.artifacts.items():
                entry = tarfile.TarInfo(f"{evidence.target.id}/{name}")
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))


def unpacked(path: Path, target: str) -> None:
    with zstandard.ZstdDecompressor().stream_reader(path.open("rb")) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
        for entry in archive:
            file = archive.extractfile(entry)
            if entry.name.startswith(target) and file is not None:
                file.read()


def say(what: str, path: Path, raw: int, wrote: float, read: float) -> None:
    print(
        f"{what:9} {raw / 1e6:7.1f} MB raw  {path.stat().st_size / 1e6:7.2f} MB  write {wrote * 1e3:6.2f} ms a host  read one {read * 1e3:7.2f} ms"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--hosts", type=int, default=500)
    count = parser.parse_args().hosts
    last = f"ssh://auditor@host{count - 1:04}"
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "fleet.sova"
        spent = 0.0
        with BundleWriter(path) as writer:
            for evidence in hosts(count):
                started = time.process_time()
                writer.add(evidence)
                spent += time.process_time() - started
            writer.finish()
        started = time.perf_counter()
        with Bundle(path) as bundle:
            opened = time.perf_counter() - started
            started = time.perf_counter()
            bundle.evidence(last)
            say("bundle", path, bundle.bytes, spent / count, time.perf_counter() - started)
            raw = bundle.bytes
            print(f"          open and checksum {opened * 1e3:.1f} ms, peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MB")
        peer = Path(name) / "fleet.tar.zst"
        started = time.process_time()
        packed(peer, count)
        wrote = (time.process_time() - started) / count
        started = time.perf_counter()
        unpacked(peer, last)
        say("tar.zst", peer, raw, wrote, time.perf_counter() - started)


if __name__ == "__main__":
    main()
