"""Whom pseudonyms mean: for the holder of the key and of the export."""

from __future__ import annotations

from collections.abc import Iterator

from sovaudit.facts.badge_events import PEOPLE, SIDE_TABLES
from sovaudit.facts.badges import BadgeLog
from sovaudit.model.evidence import Evidence


def named(evidence: Evidence) -> Iterator[tuple[str, str]]:
    """(`person` or `badge`, what the export calls it) of evidence that names people, each once. Raises Unseen."""
    log = BadgeLog(evidence)
    places = [("events", column) for column in ("credential", "subject")]
    places += [(name, column) for name in sorted(log.reading.tables) for column in SIDE_TABLES[name] if column in PEOPLE]
    seen = set()
    for table, column in places:
        kind = PEOPLE[column]
        for (value,) in log.query(f"SELECT DISTINCT {column} FROM {table} WHERE {column} IS NOT NULL ORDER BY {column}"):
            if (kind, value) not in seen:
                seen.add((kind, value))
                yield kind, value
