"""The peer of bench_badges: one pass over the CSV with the standard library, and dictionaries."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from datetime import datetime
from itertools import pairwise
from pathlib import Path

Found = dict[str, dict[str, int]]


def answers(folder: Path) -> Found:
    """{check: {subject: how often}}."""
    doors = {row["access_point"]: row for row in _rows(folder / "doors.csv")}
    ends = {row["credential"]: _ms(row["valid_to"]) + 86_400_000 for row in _rows(folder / "credentials.csv")}
    left = {row["badge"]: _ms(row["left_on"]) + 86_400_000 for row in _rows(folder / "people.csv") if row["status"] == "left"}
    owned = {row["badge"] for row in _rows(folder / "people.csv")}
    minutes = {frozenset((row["site_a"], row["site_b"])): int(row["minutes"]) for row in _rows(folder / "travel.csv")}
    numbers: dict[str, Counter[int]] = defaultdict(Counter)
    passages: dict[tuple[str, str], list[tuple[int, str, int, bool]]] = defaultdict(list)
    places: dict[str, list[tuple[int, str, int, str]]] = defaultdict(list)
    found: Found = {
        name: Counter()
        for name in (f"physical-access.{check}" for check in (
            "sequence", "anti-passback", "impossible-travel", "expired-badge", "orphan-badge", "leaver-badge", "forced-door", "held-door"))
    }  # fmt: skip
    with (folder / "log.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            at, number = _ms(row["event_time"]), int(row["number"])
            badge, code, door = row["badge"], row["code"], doors[row["reader"]]
            numbers[row["controller"]][number] += 1
            if code == "forced":
                found["physical-access.forced-door"][row["reader"]] += 1
            elif code == "held":
                found["physical-access.held-door"][row["reader"]] += 1
            if badge:
                places[badge].append((at, row["controller"], number, door["site"]))
            if code == "granted":
                if badge not in owned:
                    found["physical-access.orphan-badge"][badge] += 1
                if at >= ends.get(badge, at + 1):
                    found["physical-access.expired-badge"][badge] += 1
                if at >= left.get(badge, at + 1):
                    found["physical-access.leaver-badge"][badge] += 1
                passages[badge, door["area_to"]].append((at, row["controller"], number, True))
                passages[badge, door["area_from"]].append((at, row["controller"], number, False))
    for controller, seen in numbers.items():
        missing = max(seen) - min(seen) + 1 - len(seen)
        found["physical-access.sequence"][controller] += missing + sum(seen.values()) - len(seen)
    for (_, area), ways in passages.items():
        if not area.startswith("street"):
            ways = sorted(set(ways))
            found["physical-access.anti-passback"][area] += sum(a[3] == b[3] for a, b in pairwise(ways))
    for seen_at in places.values():
        seen_at.sort()
        for (before, _, _, one), (after, _, _, other) in pairwise(seen_at):
            if one != other and after - before < minutes[frozenset((one, other))] * 60_000:
                found["physical-access.impossible-travel"][" - ".join(sorted((one, other)))] += 1
    return {check: dict(rows) for check, rows in found.items()}


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text if "T" in text else text + "T00:00:00+00:00").timestamp() * 1000)
