"""Exports for tests of badge logs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sovaudit.collectors import CollectOptions, collect, parse_target
from sovaudit.facts.badges import BadgeLog
from sovaudit.model.evidence import Evidence
from sovaudit.model.verdict import TargetStatus

HEAD = "event_time,source,sequence,access_point,direction,credential,subject,event\n"
GENERIC = 'base = "generic"\n'


def row(number: int = 1, *, at: str = "2026-03-02T08:00:00Z", source: str = "C1", badge: str = "B1", event: str = "GRANTED") -> str:
    return f"{at},{source},{number},D1,in,{badge},u1,{event}\n"


def evidence(
    folder: Path, content: str | bytes | None, map_text: str = GENERIC, name: str = "log.csv", query: str = "", **options: Any
) -> Evidence:
    """What the collector brings of a file with this content (None: what lies there already)."""
    if content is not None:
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    (folder / "map.toml").write_text(map_text)
    options = {"identify": True, **options}
    return collect(parse_target(f"badges:{folder / name}?map={folder / 'map.toml'}{query}"), CollectOptions(**options))


def log(
    folder: Path, content: str | bytes | None, map_text: str = GENERIC, name: str = "log.csv", query: str = "", **options: Any
) -> BadgeLog:
    found = evidence(folder, content, map_text, name, query, **options)
    assert found.status is TargetStatus.COLLECTED, found.error
    return BadgeLog(found)


def numbers(found: BadgeLog) -> list[int]:
    return [number for (number,) in found.query("SELECT sequence FROM events ORDER BY row")]
