"""`logs:DIR`: a log archive, read in one ordered pass. What comes back is each file's digest and the extract that verdicts need; the logs stay.

Never: a link that is followed, a line that is skipped without being counted, a stamp whose zone or year was guessed without saying so.
"""

from __future__ import annotations

import hashlib
import os
import time
from datetime import UTC, datetime
from typing import Any

from sovaudit import canon
from sovaudit.collectors.logs import register
from sovaudit.collectors.logs.address import Address, address
from sovaudit.collectors.logs.extract import Archive, rows
from sovaudit.collectors.logs.tally import Part
from sovaudit.collectors.logs.times import changes
from sovaudit.collectors.logs.walk import LogFile, walk
from sovaudit.collectors.logs.work import Task, pieces, read_all
from sovaudit.collectors.options import CollectOptions
from sovaudit.errors import CollectError
from sovaudit.model.evidence import Evidence, Gap, Target
from sovaudit.model.verdict import Reason, TargetStatus

COLLECTOR = "sovaudit-logs/1"
NAMED = 100  # files that are named for what is odd in them
# what befalls a sound log, too; and what every file that was not read is named for anyway
USUAL = {
    "bytes-after-end", "broken-packing", "continuation", "cut-short", "empty-line", "grows-too-much", "hour-twice", "journal-binary", "list-too-long",
    "no-cursor", "no-number", "no-zone", "other-entry", "other-line", "same-as-another", "timeout", "unrecognised", "utf-16", "windows-binary",
}  # fmt: skip
TROUBLES = {
    "day-or-month": "events whose date could be read in two ways",
    "long-field": "fields of which only the beginning was read",
    "long-line": "lines of which only the beginning was read",
    "no-closing-quote": "quotations without an end",
    "no-field": "lines that are no field",
    "no-last-newline": "last lines without an end",
    "no-stamp": "lines without a time",
    "no-such-time": "lines with a time that does not exist",
    "not-csv": "rows that are no CSV",
    "not-json": "lines that are no JSON",
    "not-utf8": "lines that are no UTF-8",
    "nul": "lines with NUL bytes",
    "too-many-sources": "records of more sources than are kept",
}
NOTED = 16 << 20  # bytes of an archive whose records are noted one by one without being asked
_DAY = 86400


def parse(text: str) -> Target:
    """Raises UsageError."""
    address(text)
    return Target(text, text, "logs")


def plan(target: Target, options: CollectOptions) -> tuple[str, ...]:
    where = address(target.uri)
    lines = [f"target {target.uri}", f"walk {where.folder}: read each regular file in it, and unpack gzip, xz, zstd, bzip2"]
    if where.register:
        lines.append(f"read {where.register}")
    lines.append(f"keep digests, counts and times; stop after {options.host_timeout_s} s or {options.max_bytes} bytes of extract")
    return tuple(lines)


def collect(target: Target, options: CollectOptions) -> Evidence:
    """Raises CollectError: the folder cannot be read, or the extract is beyond its bound."""
    began = time.monotonic()
    now = int(time.time())
    where = address(target.uri)
    try:
        found = walk(where.folder, os.path.realpath(where.register) if where.register else "")
    except OSError as error:
        raise CollectError(
            f"cannot be read ({error.strerror})", status="failed", where=target.uri, hint="Give a readable folder"
        ) from error
    total = sum(file.size for file in found.files)
    noting = _noting(where, total)
    tasks: list[Task] = []
    cut: dict[int, int] = {}
    for number, file in enumerate(found.files):
        path = os.path.join(where.folder, file.path) if os.path.isdir(where.folder) else where.folder
        cuts = _cuts(path, file)
        cut[number] = len(cuts)
        for start, end in zip(cuts, [*cuts[1:], None], strict=True):
            tasks.append(
                Task(
                    number, path, file.chain, file.date, file.mtime, start, end, where.zone, where.year, where.host, where.format, noting,
                    now, began + options.host_timeout_s,
                )
            )  # fmt: skip
    archive, gaps = _read(found.files, tasks, cut, total)
    gaps += [Gap(f"logs:{name}", Reason.DENIED if "cannot" in why else Reason.UNSUPPORTED, why) for name, why in found.skipped]
    gaps += _counted(archive, where)
    if found.more:
        gaps.append(Gap("logs/files", Reason.TRUNCATED, "more files, links or other things than are read or named"))
    frame: dict[str, Any] = {
        "zone": where.zone or "UTC",
        "zone_given": bool(where.zone),
        "host": where.host,
        "noted": list(noting) if noting else [],
        "files": len(found.files),
        "bytes": total,
    }
    if archive.last:
        frame["offsets"] = changes(where.zone, archive.first - _DAY, archive.last + _DAY)
    artifacts = archive.artifacts(frame)
    if noting is None or archive.noted_left:
        why = "more records than are noted" if noting else "too large to note every record"
        gaps.append(Gap("logs/records", Reason.TRUNCATED, f"{why}: name days, records=FROM/TO"))
    else:
        artifacts["logs/records"] = archive.records()
    if where.register:
        declared = register.read(where.register)
        if isinstance(declared, str):
            gaps.append(Gap("logs/register", Reason.UNSUPPORTED, declared))
        else:
            artifacts["logs/register"] = rows(declared)
    size = sum(map(len, artifacts.values()))
    if size > options.max_bytes:
        raise CollectError("holds more than may be collected", status="failed", where=target.uri, hint="Raise --max-bytes, or name a part")
    cut_short = any(gap.reason in (Reason.TRUNCATED, Reason.TIMEOUT) and gap.item != "logs/records" for gap in gaps)
    return Evidence(
        target,
        TargetStatus.PARTIAL if cut_short else TargetStatus.COLLECTED,
        datetime.fromtimestamp(now, UTC),
        artifacts,
        tuple(sorted(gaps, key=lambda gap: (gap.item, gap.detail))),
        {"archive": canon.digest(artifacts["logs/files"])},
        COLLECTOR,
        None,
        cost={"wall_ms": int((time.monotonic() - began) * 1000), "bytes": size},
    )


def _counted(archive: Archive, where: Address) -> list[Gap]:
    """One line for each file in which something was odd, and one for stamps whose zone was assumed."""
    odd = [(row["name"], {key: count for key, count in row["troubles"].items() if key not in USUAL}) for row in archive.rows]
    odd = [(name, counts) for name, counts in odd if counts]
    found = [
        Gap(f"lines:{name}", Reason.AMBIGUOUS, ", ".join(f"{TROUBLES.get(key, key)}: {count}" for key, count in counts.items()))
        for name, counts in odd[:NAMED]
    ]
    if len(odd) > NAMED:
        found.append(Gap("lines:", Reason.AMBIGUOUS, f"the same in {len(odd) - NAMED} more files: see logs/files"))
    if not where.zone and any(row["troubles"].get("no-zone") for row in archive.rows):
        found.append(Gap("logs/zone", Reason.AMBIGUOUS, "stamps without a zone were read as UTC: name it, zone=Africa/Casablanca"))
    return found


def _noting(where: Address, total: int) -> tuple[int, int] | None:
    if where.records is None:
        return (0, 1 << 40) if total <= NOTED else None
    first, last = (int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) for day in where.records)
    return first, last + _DAY


def _cuts(path: str, file: LogFile) -> list[int]:
    try:
        return pieces(path, file.size)
    except OSError:
        return [0]


def _read(files: list[LogFile], tasks: list[Task], cut: dict[int, int], total: int) -> tuple[Archive, list[Gap]]:
    """Files join the archive in order, however they come in."""
    archive = Archive(files)
    gaps: list[Gap] = []
    waiting: dict[int, list[tuple[int, Part]]] = {}
    starts = {(task.file, task.start): task for task in tasks}
    order = {key: number for number, key in enumerate(starts)}
    coming = 0
    for start, part in read_all(tasks, total):
        waiting.setdefault(part.file, []).append((order[(part.file, start)], part))
        while len(waiting.get(coming, ())) == cut.get(coming, -1):
            parts = [one for _, one in sorted(waiting.pop(coming), key=lambda pair: pair[0])]
            sha256 = parts[0].sha256 if len(parts) == 1 else _digest(starts[(coming, 0)].path)
            archive.add(coming, parts, sha256)
            for part_ in parts:
                if part_.error:
                    reason = Reason.TIMEOUT if part_.troubles["timeout"] else Reason.DENIED if not part_.troubles else Reason.UNSUPPORTED
                    gaps.append(Gap(f"logs:{files[coming].name}", reason, part_.error))
            coming += 1
    return archive, gaps


def _digest(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
