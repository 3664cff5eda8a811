"""The SQL of movements, presence and silence beside plain Python over random logs: the same answers, whatever was sieved out on the way."""

from __future__ import annotations

import random
from typing import Any

import pytest

from sovaudit.facts import badge_moves, badge_presence, badge_silence
from sovaudit.facts.badges import BadgeLog
from sovaudit.facts.silence import Rhythm
from sovaudit.testing import badges_with
from tests.badge_hall import DOORS, NEST

HOUR = 3_600_000
START = 1_772_409_600_000
SIDES = {row["access_point"]: (row["area_from"], row["area_to"]) for row in DOORS}
Row = dict[str, Any]


def wandering(seed: int) -> list[Row]:
    """Badges that mostly walk as doors allow, and sometimes appear elsewhere or are let in without going in."""
    chance = random.Random(seed)
    rows: list[Row] = []
    for badge in range(40):
        here, at = chance.choice(NEST), START
        for _ in range(chance.randrange(2, 25)):
            at += chance.choice((0, 1000, 30_000, 60_000, 61_000, 600_000))
            if chance.random() < 0.06:
                here = chance.choice(NEST)
            reader = chance.choice([name for name, (before, _) in SIDES.items() if before == here])
            rows.append(
                {
                    "event_time": at,
                    "access_point": reader,
                    "credential": f"B{badge}",
                    "event": "GRANTED",
                    "sequence": len(rows),
                    "source": "C1",
                }
            )
            if chance.random() < 0.08:
                at += chance.choice((1000, 60_000, 60_001))
                rows.append({**rows[-1], "event_time": at, "event": "NO_ENTRY_AFTER_GRANT", "sequence": len(rows)})
                if at - rows[-2]["event_time"] <= 60_000:
                    continue
            here = SIDES[reader][1]
    chance.shuffle(rows)
    return rows


def passages(rows: list[Row]) -> list[Row]:
    ordered = sorted(rows, key=lambda row: (row["event_time"], row["sequence"]))
    found = []
    for badge in sorted({row["credential"] for row in ordered}):
        own = [row for row in ordered if row["credential"] == badge]
        for row, after in zip(own, [*own[1:], None], strict=True):
            undone = after is not None and after["event"] == "NO_ENTRY_AFTER_GRANT" and after["access_point"] == row["access_point"]
            if row["event"] == "GRANTED" and not (undone and after and after["event_time"] - row["event_time"] <= 60_000):
                found.append(row)
    return sorted(found, key=lambda row: (row["event_time"], row["sequence"]))


def log_of(rows: list[Row]) -> BadgeLog:
    return badges_with(rows, doors=DOORS)


@pytest.mark.parametrize("seed", range(6))
def test_contradictions_are_those_of_plain_python(seed: int) -> None:
    rows = wandering(seed)
    wanted = dict.fromkeys(NEST, 0)
    last: dict[tuple[str, str], int] = {}
    for row in passages(rows):
        for area, sign in zip(SIDES[row["access_point"]], (-1, 1), strict=True):
            key = (row["credential"], area)
            wanted[area] += last.get(key) == sign
            last[key] = sign
    found = badge_moves.contradictions(log_of(rows), frozenset(NEST))
    assert {area: found[area].certain if area in found else 0 for area in NEST} == wanted
    assert sum(wanted.values()) > 5


@pytest.mark.parametrize("seed", range(6))
def test_stretches_alone_are_those_of_plain_python(seed: int) -> None:
    rows = wandering(seed)
    log = log_of(rows)
    table = badge_presence.watch(log, None, ["room"])
    touches = [
        (row["event_time"], row["credential"], 1 if SIDES[row["access_point"]][1] == "room" else -1)
        for row in passages(rows)
        if "room" in SIDES[row["access_point"]]
    ]
    first = {}
    for _, badge, sign in touches:
        first.setdefault(badge, sign)
    inside = {badge for badge, sign in first.items() if sign < 0}
    end = max(row["event_time"] for row in rows)
    wanted, begun = [], None
    for (at, badge, sign), after in zip(touches, [*(each[0] for each in touches[1:]), end], strict=True):
        inside = inside | {badge} if sign > 0 else inside - {badge}
        if at == after and after != end:
            continue
        if 1 <= len(inside) < 3:
            begun = at if begun is None else begun
        elif begun is not None:
            wanted.append((begun, at))
            begun = None
    if begun is not None:
        wanted.append((begun, end))
    found = [(stretch.start, stretch.end) for stretch in badge_presence.too_few(log, table, "room", 3, 20_000)]
    assert found == [(start, stop) for start, stop in wanted if stop - start > 20_000]
    room = badge_presence.Presence(log, table, "room", first)
    start = min(row["event_time"] for row in rows)
    stays: dict[str, list[tuple[int, int]]] = {badge: [] for badge in first}
    since: dict[str, int | None] = {badge: start if sign < 0 else None for badge, sign in first.items()}
    for at, badge, sign in touches:
        begun = since[badge]
        if sign < 0 and begun is not None:
            stays[badge].append((begun, at))
        since[badge] = None if sign < 0 else at if begun is None else begun
    for badge, begun in since.items():
        stays[badge] += [(begun, end)] if begun is not None else []
    for at in range(start, end, 97_000):
        for badge in first:
            assert room.of(badge, at, at) == any(low <= at <= high for low, high in stays[badge])
        assert room.anyone(at, at) == any(low <= at <= high for one in stays.values() for low, high in one)


def test_no_improbable_silence_slips_through_the_sieve() -> None:
    chance = random.Random(3)
    rows: list[Row] = []
    for door in range(12):
        rate, at, cut = chance.choice((2, 6, 20)), START, START + chance.randrange(10, 50) * 24 * HOUR
        long = chance.choice((0, 6, 12, 24, 48, 96, 240)) * HOUR
        while at < START + 56 * 24 * HOUR:
            at += int(chance.expovariate(rate / (24 * HOUR)) * (1 if 8 <= at // HOUR % 24 < 18 else 3))
            if not cut <= at < cut + long:
                rows += [{"event_time": at + 1000 * number, "access_point": f"D{door:02}"} for number in range(chance.choice((1, 1, 2, 5)))]
    log = badges_with(rows)
    end, wanted = log.span[1], {}
    for door in sorted({row["access_point"] for row in rows}):
        times = sorted(row["event_time"] for row in rows if row["access_point"] == door)
        counts = [0] * (end // HOUR - times[0] // HOUR + 1)
        for at in times:
            counts[at // HOUR - times[0] // HOUR] += 1
        rhythm = Rhythm(times[0] // HOUR, counts, ((0, 0),))
        judged = [
            rhythm.judge(start // 1000, stop // 1000, one_in=1_000_000, silences=len(rows))
            for start, stop in zip(times, [*times[1:], end], strict=True)
            if stop - start >= 4 * HOUR
        ]
        wanted[door] = sum(silence.improbable for silence in judged)
    assert {door.name: len(door.lines) for door in badge_silence.doors(log, 1_000_000)} == wanted
    assert sum(wanted.values()) >= 2
