"""A log archive in one ordered pass: MB/s and memory, and whether the planted gaps are found, all of them and no others.

    python -m benchmarks.bench_logs [--mb 5000] [--sources 200] [--weeks 6] [--seed 1] [--keep FOLDER]

The generator writes one file in order of arrival, as a collector does: busy and quiet sources with their own daily and weekly rhythm, and
plants silences and rate-limit notices that it remembers. Peers in the same run: `wc -l`, and a plain pass in Python (a regular expression
per line) over the first part of the file that keeps the same hours and silences.
"""

from __future__ import annotations

import argparse
import bisect
import itertools
import math
import random
import re
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from checks.log_completeness.gaps import gaps
from checks.log_completeness.retention import retention
from sovaudit.collectors import CollectOptions, collect, parse_target
from sovaudit.facts.log_archive import LogArchive
from sovaudit.testing import run

HOUR = 3600
BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
SAID = (
    "sshd[{n}]: Accepted publickey for alice from 10.0.{a}.{b} port 5{n:04d} ssh2: ED25519 SHA256:0123456789abcdef",
    "CRON[{n}]: pam_unix(cron:session): session opened for user root(uid=0) by (uid=0) number {b}",
    "systemd[1]: Started session-{n}.scope - Session {n} of User alice, in slice user-{a}.slice of {b}.",
    "kernel: [{n}.1234] nft: IN=eth0 OUT= SRC=10.{a}.{b}.7 DST=10.0.0.1 LEN=60 PROTO=TCP SPT=5{n:04d} DPT=443",
)  # fmt: skip


def rate(source: int, hour: int) -> float:
    """Relative rate of a source at an hour since the beginning: servers by day, a third of it by night and on Sunday; one in ten writes little."""
    day, clock = hour // 24 % 7, (hour + source % 3) % 24
    busy = 1.0 if 8 <= clock < 19 else 0.34
    return busy * (0.5 if day == 6 else 1.0) * (0.02 if source % 10 == 9 else 0.5 + source % 7 / 6)


def planted(random_: random.Random, sources: int, hours: int) -> dict[int, tuple[int, int]]:
    """Source → silence, as seconds since the beginning."""
    found = {}
    for source in random_.sample([one for one in range(sources) if one % 10 != 9], min(8, sources // 2)):
        begin = random_.randrange(hours // 3, hours - 48) * HOUR
        found[source] = (begin, begin + random_.choice((8, 12, 20)) * HOUR)
    return found


def write(path: Path, mb: int, sources: int, weeks: int, seed: int) -> tuple[dict[int, tuple[int, int]], set[int]]:
    """The archive, and what was planted in it: silences, and sources with a notice of dropped messages."""
    random_ = random.Random(seed)
    hours = weeks * 168
    silences, limited = planted(random_, sources, hours), set(random_.sample(range(sources), 3))
    bodies = [
        said.format(n=random_.randrange(10000), a=random_.randrange(250), b=random_.randrange(250)) for said in SAID for _ in range(500)
    ]
    names = [f" srv-{source:03d} " for source in range(sources)]
    weight = sum(rate(source, hour) for source in range(sources) for hour in range(168)) * weeks
    scale = mb * 1e6 / (sum(map(len, bodies)) / len(bodies) + 26) / weight
    notices = {source: random_.randrange(hours) for source in limited}
    with path.open("w", buffering=1 << 22) as out:
        for hour in range(hours):
            totals = list(itertools.accumulate(rate(source, hour) for source in range(sources)))
            count = _poisson(random_, totals[-1] * scale)
            at = sorted(random_.randrange(HOUR) for _ in range(count))
            chosen = random_.choices(range(sources), cum_weights=totals, k=count)
            said = random_.choices(bodies, k=count)
            base = BEGIN + timedelta(hours=hour)
            stamps = [f"{base:%b} {base.day:2d} {base:%H}:{minute:02d}:{second:02d}" for minute in range(60) for second in range(60)]
            lines = [
                f"{stamps[second]}{names[source]}{body}\n"
                for second, source, body in zip(at, chosen, said, strict=True)
                if source not in silences or not silences[source][0] <= hour * HOUR + second < silences[source][1]
            ]
            for source in (one for one, when in notices.items() if when == hour and one not in silences):
                lines.append(
                    f"{stamps[-1]}{names[source]}rsyslogd: imuxsock[pid 1]: 40 messages lost due to rate-limiting (20 allowed within 5 seconds)\n"
                )
            out.write("".join(lines))
    return silences, {source for source in limited if source not in silences}


def _poisson(random_: random.Random, mean: float) -> int:
    return max(0, round(random_.gauss(mean, math.sqrt(mean))))


_LINE = re.compile(rb"([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) (\S+) ")
_NUMBERS = {name: number for number, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}


def plain(lines: Iterator[bytes]) -> dict[bytes, tuple[dict[int, int], list[tuple[int, int]]]]:
    """What one would write: the same counts per hour and silences of a minute or more."""
    last: dict[bytes, int] = {}
    found: dict[bytes, tuple[dict[int, int], list[tuple[int, int]]]] = {}
    for line in lines:
        match = _LINE.match(line)
        if match is None:
            continue
        stamp, host = match.groups()
        when = datetime(2026, _NUMBERS[stamp[:3]], int(stamp[4:6]), int(stamp[7:9]), int(stamp[10:12]), int(stamp[13:]), tzinfo=UTC)
        at = int(when.timestamp())
        hours, silences = found.setdefault(host, ({}, []))
        hours[at // HOUR] = hours.get(at // HOUR, 0) + 1
        if at - last.get(host, at) >= 60:
            bisect.insort(silences, (at - last[host], at))
        last[host] = at
    return found


def cpu() -> float:
    """CPU seconds of this process and of those that it waited for."""
    found = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in found)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--mb", type=int, default=5000)
    parser.add_argument("--sources", type=int, default=200)
    parser.add_argument("--weeks", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    folder = options.keep or Path(tempfile.mkdtemp(prefix="bench-logs-"))
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "syslog"
    began = time.perf_counter()
    silences, limited = write(log, options.mb, options.sources, options.weeks, options.seed)
    size = log.stat().st_size / 1e6
    print(f"written: {size:.0f} MB, {options.sources} sources, {options.weeks} weeks, in {time.perf_counter() - began:.0f} s")
    try:
        began = time.perf_counter()
        subprocess.run(["wc", "-l", str(log)], check=True, stdout=subprocess.DEVNULL)
        counted = time.perf_counter() - began
        before = cpu()
        evidence = collect(parse_target(f"logs:{folder}?year=2026"), CollectOptions(host_timeout_s=3600))
        wall = evidence.cost["wall_ms"] / 1000
        spent_cpu = cpu() - before
        own, children = (resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        print(
            f"read: {wall:.1f} s, {size / wall:.0f} MB/s, {wall / counted:.0f} × wc -l; memory {own:.0f} MB, each worker at most {children:.0f} MB"
        )
        print(
            f"CPU: {spent_cpu:.1f} s, {size / spent_cpu:.0f} MB a second of one core: what two quiet cores would read in {spent_cpu / 2:.0f} s"
        )
        print(f"extract: {sum(map(len, evidence.artifacts.values())) / 1e6:.2f} MB")
        began = time.perf_counter()
        archive = LogArchive(evidence)
        answers = {outcome.subject: outcome for outcome in run(gaps, archive)}
        kept = run(retention, archive, months=1)
        print(f"judged: {time.perf_counter() - began:.2f} s; {sum(one.verdict.value == 'pass' for one in kept)} sources kept for a month")
        wanted = {f"srv-{source:03d}" for source in {*silences, *limited}}
        failing = {name for name, outcome in answers.items() if outcome.verdict.value == "fail"}
        print(
            f"planted {len(wanted)}: found {len(wanted & failing)}, missed {sorted(wanted - failing)}, false alarms {sorted(failing - wanted)}"
        )
        part = 40 << 20
        with log.open("rb") as file:
            head = file.read(part).splitlines()
        before = cpu()
        plain(iter(head))
        spent = cpu() - before
        speed = min(part, size * 1e6) / 1e6 / spent
        print(
            f"plain Python on the first 40 MB: {speed:.0f} MB a second of one core; ours reads {size / spent_cpu / speed:.1f} times as much"
        )
    finally:
        if not options.keep:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
