"""Plain answers about badges and those who hold them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime

from benchmarks.badge_plain import DAY, Answers, Log, day, ms, rest, until
from benchmarks.plain_moves import building, holders
from sovaudit.facts import schedules

MONTHS = {"staff": 36, "contractor": 12}


def orphan_badge(log: Log) -> Answers:
    """Nobody's; or a visitor's, and used outside of a visit."""
    owned = {row["badge"] for row in log.tables["people"]}
    known = {row["id"] for row in log.tables["people"]}
    owned |= {row["credential"] for row in log.tables["credentials"] if row["subject"] in known}
    visits: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for row in log.tables["visits"]:
        visits[row["credential"]].append((ms(row["time_in"]), ms(row["time_out"]) if row["time_out"] else 1 << 60))
    visitors = set(visits) | {row["credential"] for row in log.tables["credentials"] if row["kind"] == "visitor"}
    found: Answers = {}
    for badge, events in sorted(log.by_badge.items()):
        grants = [event.at for event in events if event.code == "granted"]
        if not grants or (badge in owned and badge not in visitors):
            continue
        if badge not in visitors:
            found[badge] = ("fail", {})
        else:
            outside = sum(not any(begin <= at <= end for begin, end in visits[badge]) for at in grants)
            if outside:
                found[badge] = ("fail", {"count": outside, "total": len(grants)})
    return rest(found)


def leaver_badge(log: Log) -> Answers:
    gone = {row["id"]: day(row["left_on"]) for row in log.tables["people"] if row["status"] == "left"}
    held = holders(log)
    found: Answers = {}
    for badge, events in sorted(log.by_badge.items()):
        left = gone.get(held.get(badge, ""))
        if left is None:
            continue
        count = sum(event.code == "granted" and event.at >= left + DAY for event in events)
        if count:
            found[badge] = ("fail", {"count": count})
    return rest(found)


def expired_badge(log: Log) -> Answers:
    found: Answers = {}
    rows: dict[str, list[tuple[str, int | None, int | None, bool]]] = defaultdict(list)
    for row in log.tables["credentials"]:
        rows[row["credential"]].append((row["kind"], day(row["valid_from"]), until(row["valid_to"]), row["status"] == "active"))
    for badge, given in sorted(rows.items()):
        used = any(
            event.code == "granted"
            and not any((begin is None or event.at >= begin) and (end is None or event.at <= end) for _, begin, end, _ in given)
            for event in log.by_badge.get(badge, ())
        )  # fmt: skip
        if used or any(_too_long(row, log.now) for row in given):
            found[badge] = ("fail", {})
    return rest(found)


def _too_long(row: tuple[str, int | None, int | None, bool], now: int) -> bool:
    kind, begin, end, active = row
    if not active or (end is not None and end < now):
        return False
    if end is None or begin is None:
        return True
    start = datetime.fromtimestamp(begin / 1000, UTC)
    count = start.year * 12 + start.month - 1 + MONTHS[kind]
    return end > start.replace(year=count // 12, month=count % 12 + 1).timestamp() * 1000 + DAY


def dormant_badge(log: Log) -> Answers:
    since = log.last - 90 * DAY
    found: Answers = {}
    for row in sorted(log.tables["credentials"], key=lambda row: row["credential"]):
        badge, begin, end = row["credential"], day(row["valid_from"]), until(row["valid_to"])
        if row["status"] != "active" or (begin is not None and begin > log.last) or (end is not None and end <= log.last):
            continue
        events = log.by_badge.get(badge)
        if (begin is None or begin < since) and (not events or events[-1].at < since):
            found[badge] = ("fail", {"days": 90})
    return rest(found)


def individual(log: Log) -> Answers:
    shared: dict[str, set[str]] = defaultdict(set)
    rows: dict[str, list[tuple[str, int, int]]] = defaultdict(list)
    held: dict[str, set[str]] = defaultdict(set)
    for row in log.tables["credentials"]:
        if row["subject"]:
            begin, end = day(row["valid_from"]) or 0, until(row["valid_to"]) or 1 << 60
            for other, start, stop in rows[row["credential"]]:
                if other != row["subject"] and begin < stop and start < end:
                    shared[row["credential"]] |= {other, row["subject"]}
            rows[row["credential"]].append((row["subject"], begin, end))
            if row["status"] == "active" and end >= log.now:
                held[row["subject"]].add(row["credential"])
    here: dict[str, set[str]] = defaultdict(set)
    for row in log.tables["people"]:
        if row["status"] != "left":
            here[row["badge"]].add(row["id"])
    for badge, persons in here.items():
        if len(persons) > 1:
            shared[badge] |= persons
    found: Answers = {badge: ("fail", {"count": len(persons)}) for badge, persons in sorted(shared.items())[:200]}
    many = sorted((person, badges) for person, badges in held.items() if len(badges) > 1)
    found |= {person: ("fail", {"count": len(badges)}) for person, badges in many[:200]}
    others = max(0, len(shared) - 200) + max(0, len(many) - 200)
    return {**found, **({"others": ("fail", {"count": others})} if others else {}), "": ("pass", {})}


Right = tuple[str, str, int | None, int | None]  # area, schedule, from, to


def rights(log: Log) -> dict[str, list[Right]]:
    """Person → their rights, their groups' included."""
    teams: dict[str, set[str]] = defaultdict(set)
    for row in log.tables["members"]:
        teams[row["subject"]].add(row["member_of"])
    given: dict[str, list[Right]] = defaultdict(list)
    for row in log.tables["rights"]:
        given[row["subject"]].append((row["area"], row["schedule"], day(row["valid_from"]), until(row["valid_to"])))
    found: dict[str, list[Right]] = {}
    for person in set(teams) | set(given):
        reached, pending = {person}, [person]
        while pending:
            more = teams.get(pending.pop(), set()) - reached
            reached |= more
            pending += more
        found[person] = [right for name in reached for right in given.get(name, ())]
    return found


def _now(right: Right, area: str, at: int) -> bool:
    return right[0] == area and (right[2] is None or at >= right[2]) and (right[3] is None or at <= right[3])


def zone_rights(log: Log) -> Answers:
    house, held, allowed = building(log), holders(log), rights(log)
    visitors = {row["credential"] for row in log.tables["visits"]}
    visitors |= {row["credential"] for row in log.tables["credentials"] if row["kind"] == "visitor"}
    wrong: dict[str, set[str]] = defaultdict(set)
    for badge, events in log.by_badge.items():
        if badge in visitors:
            continue
        mine = allowed.get(held.get(badge, ""), [])
        for event in events:
            area = house.door[event.reader][1]
            if event.code == "granted" and house.levels[area] == "restricted" and not any(_now(right, area, event.at) for right in mine):
                wrong[area].add(badge)
    found: Answers = {}
    for area, level in house.levels.items():
        if level == "restricted":
            found[area] = ("fail", {"count": len(wrong[area])}) if wrong[area] else ("pass", {})
    return found


def schedule(log: Log) -> Answers:
    house, held, allowed = building(log), holders(log), rights(log)
    open_: dict[str, set[int]] = defaultdict(set)
    for row in log.tables["schedules"]:
        for low, high in schedules.stretches(row["days"], row["time_from"], row["time_to"]) or ():
            open_[row["schedule"]].update(minute % schedules.WEEK for minute in range(low, high))
    counts = {row["area"]: 0 for row in log.tables["rights"] if row["schedule"]}
    for badge, events in log.by_badge.items():
        mine = allowed.get(held.get(badge, ""), [])
        if not any(right[1] for right in mine):
            continue
        for event in events:
            area = house.door[event.reader][1]
            now = [right for right in mine if _now(right, area, event.at)] if event.code == "granted" else []
            minute = (event.at // 60_000 + 4320) % 10080
            if now and not any(not right[1] or minute in open_[right[1]] for right in now):
                counts[area] += 1
    return {area: ("fail", {"count": count}) if count else ("pass", {}) for area, count in counts.items()}


CHECKS: dict[str, Callable[[Log], Answers]] = {
    "orphan-badge": orphan_badge, "leaver-badge": leaver_badge, "expired-badge": expired_badge, "dormant-badge": dormant_badge,
    "individual": individual, "zone-rights": zone_rights, "schedule": schedule,
}  # fmt: skip
