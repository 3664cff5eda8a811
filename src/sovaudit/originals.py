"""Whether what its owner keeps is still what the evidence was taken from: log archives and badge exports, of which a bundle holds an extract.

Files that have grown since are compared as far as they were read; a log that is being written always has.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sovaudit.collectors.badges.preparing import digests_of
from sovaudit.collectors.logs.walk import walk
from sovaudit.errors import UsageError
from sovaudit.model.evidence import Evidence

CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Compared:
    """ok: every file that was read is there and, as far as it was read, the same."""

    ok: bool
    detail: str


def has_original(evidence: Evidence) -> bool:
    """Whether the target's evidence is an extract of files that stayed with their owner."""
    return evidence.target.kind in ("logs", "badges") and evidence.collected


def pair(sources: Iterable[Path], evidences: Iterable[Evidence]) -> list[tuple[Evidence, Path]]:
    """Which source belongs to which target: the one whose path it is, or the only one there is. Raises UsageError."""
    targets = list(evidences)
    found: list[tuple[Evidence, Path]] = []
    for source in sources:
        if not source.exists():
            raise UsageError(
                "does not exist", where=f"--source {source}", hint="Name the folder or file as it was audited, or a copy of it."
            )
        same = [one for one in targets if os.path.realpath(_place(one)) == os.path.realpath(source)]
        same = same or [one for one in targets if os.path.basename(_place(one)) == source.name]
        if not same and len(targets) > 1:
            hint = f"Those of this evidence are {', '.join(sorted(one.target.id for one in targets)[:9])}."
            raise UsageError("is no log archive or badge export that was audited", where=f"--source {source}", hint=hint)
        same = same or targets
        if len(same) != 1:
            why = "could be the source of several targets" if same else "no target of this evidence is an archive or an export"
            raise UsageError(why, where=f"--source {source}", hint="Name it as it was audited.")
        found.append((same[0], source))
    return found


def _place(evidence: Evidence) -> str:
    return evidence.target.uri.partition(":")[2].partition("?")[0].rstrip("/")


def compare(evidence: Evidence, source: Path) -> Compared:
    """Hash the source again. Raises UsageError where it cannot be read."""
    try:
        return _logs(evidence, source) if evidence.target.kind == "logs" else _badges(evidence, source)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        return Compared(False, f"the evidence does not say what it was taken from ({type(error).__name__})")
    except OSError as error:
        raise UsageError(f"cannot be read ({error.strerror})", where=f"--source {source}") from error


def _logs(evidence: Evidence, source: Path) -> Compared:
    there = {file.name: file for file in walk(str(source)).files}
    rows: list[dict[str, Any]] = [json.loads(line) for line in evidence.artifacts["logs/files"].splitlines()]
    missing, other, unsaid = [], [], 0
    for row in rows:
        name, digest = str(row["name"]), str(row["sha256"])
        if not digest:
            unsaid += 1
        elif name not in there:
            missing.append(name)
        else:
            path = source / there[name].path if source.is_dir() else source
            if _sha256(path, int(row["size"])) != digest:
                other.append(name)
    return _said(len(rows) - unsaid, missing, other, unsaid)


def _badges(evidence: Evidence, source: Path) -> Compared:
    """The export, a folder of them, or one of the tables beside it."""
    said = json.loads(evidence.artifacts["badges/source"])
    file = said["file"]
    if source.is_dir():
        same = str(file["sha256"]) in digests_of(source)
        return _said(int(file["files"]), [], [] if same else [f"something in {source.name}"], 0)
    if _sha256(source, int(file["bytes"])) == str(file["sha256"]).removeprefix("sha256:"):
        return _said(1, [], [], 0)
    for name, table in sorted(said["tables"].items()):
        if _sha256(source, int(table["file_bytes"])) == str(table["file_sha256"]).removeprefix("sha256:"):
            return Compared(True, f"it is as it was read for the table {name}")
    return _said(1, [], [str(file["name"])], 0)


def _said(count: int, missing: list[str], other: list[str], unsaid: int) -> Compared:
    parts = [f"{count - len(missing) - len(other)} of {count} files are as they were read"]
    for names, what in ((other, "changed"), (missing, "not there")):
        if names:
            parts.append(f"{len(names)} {what}: {', '.join(names[:5])}")
    if unsaid:
        parts.append(f"{unsaid} were never read to their end")
    return Compared(not missing and not other, "; ".join(parts))


def _sha256(path: Path, size: int) -> str:
    """Of the first `size` bytes."""
    running, left = hashlib.sha256(), size
    with path.open("rb") as file:
        while left > 0 and (data := file.read(min(CHUNK, left))):
            running.update(data)
            left -= len(data)
    return running.hexdigest() if left == 0 else ""
