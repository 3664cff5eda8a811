"""Plain answers about ways through areas."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from benchmarks.badge_plain import DAY, Answers, Event, Log, ms

MINUTE = 60_000


@dataclass
class Building:
    """door: reader → area before, area behind, site."""

    door: dict[str, tuple[str, str, str]]
    levels: dict[str, str]
    closed: set[str]
    public: set[str]


def building(log: Log) -> Building:
    """An area is closed if each of its doors has a reader either way."""
    door = {row["access_point"]: (row["area_from"], row["area_to"], row["site"]) for row in log.tables["doors"]}
    levels = {row["area"]: row["level"] for row in log.tables["zones"]}
    ways = {(row["door"], row["area_from"], row["area_to"]) for row in log.tables["doors"]}
    public = {area for area, level in levels.items() if level == "public"}
    open_ = {area for name, one, other in ways if (name, other, one) not in ways for area in (one, other)}
    return Building(door, levels, {area for one, other, _ in door.values() for area in (one, other)} - public - open_, public)


def holders(log: Log) -> dict[str, str]:
    """Badge → the one person who has it."""
    held: dict[str, set[str]] = defaultdict(set)
    for row in log.tables["credentials"]:
        if row["subject"]:
            held[row["credential"]].add(row["subject"])
    for row in log.tables["people"]:
        held[row["badge"]].add(row["id"])
    return {badge: next(iter(persons)) for badge, persons in held.items() if len(persons) == 1}


def touches(events: list[Event], door: dict[str, tuple[str, str, str]]) -> Iterator[tuple[Event, str, int, str]]:
    """Each passage of a badge as (event, area, -1 or 1, the other area); a record that was delivered twice is one."""
    before = None
    for event in events:
        if event.code != "granted" or event == before:
            continue
        before = event
        left, entered, _ = door[event.reader]
        yield event, left, -1, entered
        yield event, entered, 1, left


def contradictions(log: Log, house: Building) -> dict[str, list[int]]:
    """Area → when a badge went into it while inside, or out of it while outside."""
    found: dict[str, list[int]] = defaultdict(list)
    for events in log.by_badge.values():
        last: dict[str, int] = {}
        for event, area, sign, _ in touches(events, house.door):
            if last.get(area) == sign and area in house.closed:
                found[area].append(event.at)
            last[area] = sign
    return found


def anti_passback(log: Log) -> Answers:
    house = building(log)
    wrong = contradictions(log, house)
    found: Answers = {area: ("not_applicable", {}) for area in house.public}
    for area in house.closed:
        found[area] = ("fail", {"count": len(wrong[area])}) if wrong[area] else ("pass", {})
    return found


def shared_badge(log: Log) -> Answers:
    """Into another area, from a third one, during a stay."""
    house = building(log)
    counts: Counter[str] = Counter()
    for events in log.by_badge.values():
        stays: list[tuple[int, int, str, str]] = []
        inside: dict[str, tuple[int, str]] = {}
        for event, area, sign, other in touches(events, house.door):
            if area not in house.closed:
                continue
            if sign > 0:
                inside[area] = (event.at, other)
            elif area in inside:
                start, came_from = inside.pop(area)
                stays.append((start, event.at, area, came_from))
        stays.sort()
        for at, (start, stop, area, _) in enumerate(stays):
            for begun, _, other, came_from in stays[at + 1 :]:
                if begun >= stop:
                    break
                counts[area] += begun > start and other != area and came_from != area
    found: Answers = {area: ("not_applicable", {}) for area in house.public}
    for area in house.closed:
        found[area] = ("fail", {"count": counts[area]}) if counts[area] else ("pass", {})
    return found


def impossible_travel(log: Log) -> Answers:
    house = building(log)
    minutes = {frozenset((row["site_a"], row["site_b"])): int(row["minutes"]) for row in log.tables["travel"]}
    ways: Counter[frozenset[str]] = Counter()
    quick: Counter[frozenset[str]] = Counter()
    for events in log.by_badge.values():
        for before, after in pairwise(events):
            one, other = house.door[before.reader][2], house.door[after.reader][2]
            if one != other:
                pair = frozenset((one, other))
                ways[pair] += 1
                quick[pair] += after.at - before.at < minutes[pair] * MINUTE
    found: Answers = {"": ("pass", {})}
    for pair in ways:
        found[" - ".join(sorted(pair))] = ("fail", {"count": quick[pair]}) if quick[pair] else ("pass", {})
    return found


def persons(log: Log, areas: set[str]) -> dict[str, list[tuple[tuple[int, str, int], str, int]]]:
    """Area → (order, person, -1 or 1), in order."""
    house, held = building(log), holders(log)
    found: dict[str, list[tuple[tuple[int, str, int], str, int]]] = {area: [] for area in areas}
    for badge, events in log.by_badge.items():
        person = held.get(badge, badge)
        for event, area, sign, _ in touches(events, house.door):
            if area in areas:
                found[area].append((event.order, person, sign))
    return {area: sorted(rows, key=lambda row: row[0]) for area, rows in found.items()}


def four_eyes(log: Log) -> Answers:
    required = {row["area"]: int(row["min_persons"]) for row in log.tables["zones"] if row["min_persons"]}
    wrong = contradictions(log, building(log))
    found: Answers = {}
    for area, rows in persons(log, set(required)).items():
        first = {person: sign for _, person, sign in reversed(rows)}
        count = sum(sign < 0 for sign in first.values())
        last: dict[str, int] = {}
        stretches: list[tuple[int, int]] = []
        since: int | None = None
        for place, ((at, _, _), person, sign) in enumerate(rows):
            count += sign if last.get(person) != sign else 0
            last[person] = sign
            end = rows[place + 1][0][0] if place + 1 < len(rows) else log.last
            if end > at or place + 1 == len(rows):
                few = 1 <= count < required[area]
                since = (at if since is None else since) if few else None
                if since is not None:
                    if stretches and stretches[-1][0] == since:
                        stretches.pop()
                    stretches.append((since, end))
        alone = [(start, end) for start, end in stretches if end - start > MINUTE]
        certain = [span for span in alone if not any(span[0] - DAY <= at <= span[1] + DAY for at in wrong[area])]
        if certain:
            found[area] = ("fail", {"count": len(certain), "required": required[area], "seconds": 60})
        else:
            found[area] = ("unknown" if alone or wrong[area] else "pass", {})
    return found


def console_presence(log: Log) -> Answers:
    where = {row["host"]: row["area"] for row in log.tables["hosts"]}
    owner = {row["account"]: row["id"] for row in log.tables["people"]}
    wrong = contradictions(log, building(log))
    rows = persons(log, set(where.values()))
    found: Answers = {}
    for host, area in where.items():
        stays = _stays(rows[area], log)
        whole = _merged([stay for one in stays.values() for stay in one])
        judged = [(at * 1000, who) for at, who in log.logins[host] if log.first <= at * 1000 <= log.last]
        absent = doubtful = 0
        for at, who in judged:
            one = stays.get(owner[who], []) if who in owner else whole
            if _meets(whole, at) and _meets(one, at):
                continue
            if any(abs(moment - at) <= DAY for moment in wrong[area]):
                doubtful += 1
            else:
                absent += 1
        if absent:
            found[host] = ("fail", {"count": absent, "total": len(judged)})
        else:
            found[host] = ("unknown", {"count": doubtful, "total": len(judged)}) if doubtful else ("pass", {})
    return found


def _stays(rows: list[tuple[tuple[int, str, int], str, int]], log: Log) -> dict[str, list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    since: dict[str, int | None] = {}
    for (at, _, _), person, sign in rows:
        inside = since.get(person, log.first if sign < 0 else None)
        if sign < 0 and inside is not None:
            found[person].append((inside, at))
        since[person] = (at if inside is None else inside) if sign > 0 else None
    for person, begun in since.items():
        if begun is not None:
            found[person].append((begun, log.last))
    return found


def _merged(stays: list[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for start, end in sorted(stays):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _meets(stays: list[tuple[int, int]], at: int) -> bool:
    """Whether some stay reaches into the five minutes before."""
    place = bisect_right(stays, (at, 1 << 62)) - 1
    return place >= 0 and stays[place][1] >= at - 5 * MINUTE


def escort(log: Log) -> Answers:
    house, held = building(log), holders(log)
    visits: dict[str, list[tuple[str, int, int]]] = defaultdict(list)
    late = 0
    for row in log.tables["visits"]:
        begin, end = ms(row["time_in"]), ms(row["time_out"]) if row["time_out"] else None
        visits[row["credential"]].append((row["host"], begin, end if end is not None else 1 << 60))
        late += (end if end is not None else log.now) > begin + DAY
    badges = set(visits) | {row["credential"] for row in log.tables["credentials"] if row["kind"] == "visitor"}
    hosts = {host for given in visits.values() for host, _, _ in given}
    at_reader: dict[tuple[str, str], list[int]] = defaultdict(list)
    leaves: dict[tuple[str, str], list[int]] = defaultdict(list)
    enters: dict[tuple[str, str], list[int]] = defaultdict(list)
    for badge, events in log.by_badge.items():
        person = held.get(badge, "")
        if person in hosts:
            for event in events:
                if event.code == "granted":
                    before, behind, _ = house.door[event.reader]
                    at_reader[person, event.reader].append(event.at)
                    leaves[person, before].append(event.at)
                    enters[person, behind].append(event.at)
    alone: Counter[str] = Counter()
    for badge in badges:
        events = [event for event in log.by_badge.get(badge, ()) if event.code == "granted"]
        for event in events:
            area = house.door[event.reader][1]
            if house.levels[area] != "restricted":
                continue
            with_ = [host for host, begin, end in visits[badge] if host and begin <= event.at <= end]
            if not any(_near(at_reader[host, event.reader], event.at - MINUTE, event.at + MINUTE) for host in with_):
                alone[area] += 1
            stop = next((later.at for later in events if later.at >= event.at and house.door[later.reader][0] == area), log.last)
            gone = [
                at for host in with_ for at in leaves[host, area]
                if event.at < at < stop - MINUTE and not _near(enters[host, area], at, at + MINUTE)
            ]  # fmt: skip
            alone[area] += bool(gone) and area in house.closed
    found: Answers = {"visits": ("fail", {"count": late, "hours": 24}) if late else ("pass", {})}
    for area, level in house.levels.items():
        if level == "restricted":
            found[area] = ("fail", {"count": alone[area]}) if alone[area] else ("pass", {})
    return found


def _near(times: list[int], low: int, high: int) -> bool:
    place = bisect_left(times, low)
    return place < len(times) and times[place] <= high


CHECKS: dict[str, Callable[[Log], Answers]] = {
    "anti-passback": anti_passback, "shared-badge": shared_badge, "impossible-travel": impossible_travel, "four-eyes": four_eyes,
    "console-presence": console_presence, "escort": escort,
}  # fmt: skip
