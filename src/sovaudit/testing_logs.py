"""Evidence of log archives for tests; imported from sovaudit.testing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sovaudit import canon
from sovaudit.facts.log_archive import LogArchive
from sovaudit.model.evidence import Evidence, Gap, Target
from sovaudit.model.verdict import TargetStatus

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


def archive_evidence(
    sources: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    numbers: Iterable[Mapping[str, Any]] = (),
    files: Iterable[Mapping[str, Any]] = (),
    register: Iterable[Mapping[str, Any]] | None = None,
    records: Iterable[tuple[str, int, str, str, str]] = (),
    gaps: Iterable[Gap] = (),
    offsets: Sequence[Sequence[int]] = ((0, 0),),
    taken_at: datetime = NOW,
    target: str = "logs:/srv/log",
    host: str = "",
) -> Evidence:
    """Evidence of a log archive that ends at `taken_at`.

    sources: name → what differs from a busy source of 60 days in the chain `syslog`: `days`, `hourly` (records in each hour of 24, or of all),
    `ago` (hours since it ended), `silent` (pairs of hours ago, long before first), `chain`, `format`, `marks`, `steps`. numbers, files, register:
    rows in which only what matters need stand.
    """
    end = int(taken_at.timestamp())
    rows = [_log_source(name, dict(more), end) for name, more in sorted((sources or {}).items())]
    chains = {str(row["chain"]): row for row in rows}
    formats = {str(row["chain"]): str(row.pop("format", "syslog")) for row in rows}
    named = [
        {"format": formats[name], "name": name, "chain": name, "records": row["records"], **{k: row[k] for k in ("first", "last")}}
        for name, row in chains.items()
    ]
    file = {
        "size": 1,
        "sha256": "0" * 64,
        "format": "syslog",
        "packing": "",
        "lines": 1,
        "records": 1,
        "first": 0,
        "last": 0,
        "troubles": {},
    }
    number = {"order": 0, "scheme": "journal", "key": "syslog", "from": 0, "to": end, "count": 1, "missing": 0, "holes": [], "repeats": 0}
    head = {
        "first": min((row["first"] for row in rows), default=0), "last": max((row["last"] for row in rows), default=0),
        "offsets": [list(one) for one in offsets], "zone": "UTC", "zone_given": True, "host": host,
        "noted": [0, 1 << 40], "files": len(chains), "bytes": 1,
    }  # fmt: skip
    stored = {
        "logs/archive": canon.canonical(head),
        "logs/files": _documents({**file, **row} for row in [*named, *files]),
        "logs/sources": _documents(rows),
        "logs/numbers": _documents({**number, "low": 1, "high": 1, "more": False, **row} for row in numbers),
        "logs/records": "".join("\t".join(map(str, row)) + "\n" for row in sorted(records)).encode(),
    }
    if register is not None:
        stored["logs/register"] = _documents({"log": "", "since": "", "until": "", "line": 2, **row} for row in register)
    hidden = {gap.item for gap in gaps}
    stored = {name: data for name, data in stored.items() if name not in hidden}
    return Evidence(Target(target, target, "logs"), TargetStatus.COLLECTED, taken_at, stored, tuple(gaps), {}, "testing")


def archive_with(sources: Mapping[str, Mapping[str, Any]] | None = None, **more: Any) -> LogArchive:
    """A LogArchive over `archive_evidence(...)`; same arguments: `archive_with({"web": {"silent": [(50, 40)]}})`."""
    return LogArchive(archive_evidence(sources, **more))


def _documents(rows: Iterable[Mapping[str, Any]]) -> bytes:
    return b"".join(canon.canonical(dict(row)) + b"\n" for row in rows)


def _log_source(name: str, more: dict[str, Any], end: int) -> dict[str, Any]:
    """A source that writes `hourly` records, a few more or fewer, in each hour."""
    last = end - int(more.pop("ago", 0)) * 3600
    start = last // 3600 - int(more.pop("days", 60)) * 24
    hourly = more.pop("hourly", 30)
    silent = [(end - int(begin * 3600), end - int(stop * 3600)) for begin, stop in more.pop("silent", ())]
    hours = []
    for hour in range(start, last // 3600):
        count = hourly if isinstance(hourly, int) else hourly[hour % len(hourly)]
        count = max(0, count + hour * 7919 % 5 - 2) if count > 4 else count
        quiet = sum(max(0, min((hour + 1) * 3600, stop) - max(hour * 3600, begin)) for begin, stop in silent)
        hours.append(count * (3600 - quiet) // 3600)
    packed = [count or -1 for count in hours]
    return {
        "name": name, "chain": "syslog", "first": start * 3600, "last": last, "records": sum(hours), "from": start, "hours": packed,
        "silences": [list(one) for one in silent], "steps": [], "late": 0, "marks": [], "marks_left": 0, **more,
    }  # fmt: skip
