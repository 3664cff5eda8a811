"""Physical access events: an export of any badge system, read through a map, kept as the columns that verdicts need. See docs/badges.md.

The original stays with its owner: the evidence holds its digest, its counts, and every row of it as one canonical event.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from sovaudit.collectors.badges.address import Address, address
from sovaudit.collectors.badges.mapping import BadgeMap, Beside, load_map
from sovaudit.collectors.options import CollectOptions
from sovaudit.errors import UsageError
from sovaudit.model.evidence import Evidence, Target

__all__ = ["collect", "names_in", "parse", "plan", "redact"]


def parse(text: str) -> Target:
    """Raises UsageError: a file or map that is not there, a map that does not hold together, a password in a URL (never echoed)."""
    place = address(text)
    _map(place)
    return Target(text, text, "badges")


def _map(place: Address) -> tuple[BadgeMap, dict[str, tuple[Path, Beside]]]:
    """The map, and for each table beside the events its file and how that is read. Raises UsageError."""
    plan, folder = load_map(place.map, dict(place.options))
    if place.database != (plan.format == "sql"):
        raise UsageError('a database is read with format = "sql", and nothing else is', where=f"map {place.map}")
    if place.database and not plan.table:
        raise UsageError("names no table", where="badges:", hint="Add &table=NAME, or table = … in the map.")
    beside = folder or (Path() if place.database else Path(place.place).parent)
    files = {name: (beside / table.file, table) for name, table in plan.files.items() if table.file}
    given = {name: Path(path) for name, path in place.options.items() if name not in ("map", "zone", "source", "table")}
    files |= {name: (path, plan.files.get(name, Beside())) for name, path in given.items()}
    for name, (path, _) in files.items():
        if not path.is_file():
            raise UsageError(f"there is no file {str(path)!r}", where=f"badges: {name}", hint="It is named by the map or the target.")
    return plan, files


def collect(target: Target, options: CollectOptions) -> Evidence:
    """Every row of the export as an event. Raises CollectError for what cannot be read at all."""
    from sovaudit.collectors.badges.storing import store

    began = time.monotonic()
    place = address(target.uri)
    plan, files = _map(place)
    return store(target, place, plan, files, options, datetime.now(UTC).replace(microsecond=0), began)


def plan(target: Target, options: CollectOptions) -> tuple[str, ...]:
    place = address(target.uri)
    chosen, files = _map(place)
    lines = [f"target {target.uri}", f"read {place.place} through the map {place.map} ({chosen.format})"]
    return (*lines, *(f"read {path} ({name})" for name, (path, _) in sorted(files.items())))


def redact(evidence: Evidence, options: CollectOptions) -> Evidence:
    """Evidence that names people, with pseudonyms instead. Raises UsageError."""
    from sovaudit.collectors.badges import storing

    return storing.redact(evidence, options)


def names_in(evidence: Evidence) -> Iterator[tuple[str, str]]:
    """(`person` or `badge`, name), each once, of evidence that names people."""
    from sovaudit.collectors.badges.identities import named

    return named(evidence)
