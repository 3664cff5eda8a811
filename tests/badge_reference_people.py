"""The same of badges and those who hold them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from tests.badge_dice import DAY, Row
from tests.badge_reference import MINUTE, Answers, Plain, high, low, may, utc

IN_USE = {None: True, "active": True, "1": True, "lost": False}


def escort(log: Plain) -> Answers:
    visits = log.table("visits")
    if visits:
        log.need("credential", "access_point")
    late = sum(
        row["time_in"] is not None and (log.now if row["time_out"] is None else row["time_out"]) > row["time_in"] + DAY for row in visits
    )
    found: Answers = {"visits": ("fail", late) if late else ("pass", None)}
    hosts = defaultdict(list)
    for move in log.passages:
        hosts[log.person(move)].append(move)
    wrong, unclear = Counter[str](), Counter[str]()
    for move in log.passages:
        if move["credential"] not in log.visitors() or log.level.get(move["area"]) != 2:
            continue
        at, area = move["event_time"], move["area"]
        now = [row for row in visits if row["credential"] == move["credential"] and row["time_in"] is not None
               and row["time_in"] <= at and (row["time_out"] is None or at <= row["time_out"])]  # fmt: skip
        with_ = {row["host"] for row in now if row["host"]}
        near = any(
            abs(host["event_time"] - at) <= MINUTE and host["access_point"] == move["access_point"]
            for name in with_
            for host in hosts[name]
        )
        if not near:
            (wrong if not with_ or any(hosts[name] for name in with_) else unclear)[area] += 1
        if area in log.closed:
            left = [row["event_time"] for row in log.passages if (row["credential"], row["left"]) == (move["credential"], area)]
            stop = min((moment for moment in left if moment >= at), default=log.last)
            wrong[area] += any(_gone(hosts[name], area, at, stop) for name in with_)
    restricted = [area for area, level in log.level.items() if level == 2]
    if not restricted:
        return {**found, "": ("not_applicable", None)}
    for area, level in log.level.items():
        if level == 2:
            found[area] = ("fail", wrong[area]) if wrong[area] else ("unknown" if unclear[area] else "pass", None)
    return found


def _gone(host: list[Row], area: str, at: int, stop: int) -> bool:
    """Whether a host left an area more than a minute before the visitor did, and did not come back within one."""
    back = [move["event_time"] for move in host if move["area"] == area]
    left = [move["event_time"] for move in host if move["left"] == area and at < move["event_time"] < stop - MINUTE]
    return any(not any(moment <= again <= moment + MINUTE for again in back) for moment in left)


def zone_rights(log: Plain) -> Answers:
    restricted = [area for area, level in log.level.items() if level == 2]
    if not restricted:
        return {"": ("not_applicable", None)}
    log.table("rights")
    log.need("access_point")
    log.need_link()
    wrong = defaultdict(set)
    for move in log.passages:
        person = log.person(move)
        if move["credential"] not in log.visitors() and not any(person and may(right, move) for right in log.rights(person)):
            wrong[move["area"]].add((move["credential"], person))
    return {area: ("fail", len(wrong[area])) if wrong[area] else ("pass", None) for area in restricted}


def schedule(log: Plain) -> Answers:
    log.table("rights")
    log.need("access_point")
    log.need_link()
    bound: dict[str, set[str]] = defaultdict(set)
    persons = {row["subject"] for name in ("rights", "members") for row in log.table(name)}
    for right in (right for person in persons for right in log.rights(person) if right["schedule"]):
        bound[right["area"] or right["access_point"]].add(right["schedule"])
    if not bound:
        return {"": ("not_applicable", None)}
    broken, doubtful = Counter[str](), Counter[str]()
    for move in log.passages:
        person = log.person(move)
        mine = [right for right in log.rights(person) if person and may(right, move)]
        if mine and not any(right["schedule"] is None or _open(right["schedule"], move["event_time"]) for right in mine):
            odd = any(right["schedule"] == "odd" for right in mine)
            for place in {right["area"] or right["access_point"] for right in mine}:
                (doubtful if odd else broken)[place] += 1
    return {
        place: ("fail", broken[place]) if broken[place] else ("unknown" if "odd" in names or doubtful[place] else "pass", None)
        for place, names in bound.items()
    }


def _open(name: str, at: int) -> bool:
    moment = utc(at)
    return {"days": moment.weekday() < 5 and 8 <= moment.hour < 18, "night": moment.hour >= 20 or moment.hour < 6, "odd": False}[name]


def orphan_badge(log: Plain) -> Answers:
    log.need_link()
    known = {row["id"] for row in log.case.people}
    found: Answers = {}
    opened = False
    for badge, rows in log.events.items():
        grants = [row for row in rows if row["event"] == "GRANTED"]
        opened = opened or bool(grants)
        if not grants or any(badge in row["badge"] for row in log.case.people):
            continue
        owners = {row["subject"] for row in log.case.tables.get("credentials", ()) if row["credential"] == badge}
        owners |= {row["subject"] for row in grants if row["subject"]}
        if badge in log.visitors() and "visits" not in log.case.tables:
            found[badge] = ("unknown", None)
        elif badge in log.visitors():
            own = [row for row in log.table("visits") if row["credential"] == badge and row["time_in"] is not None]
            outside = sum(
                not any(
                    row["time_in"] <= each["event_time"] and (row["time_out"] is None or each["event_time"] <= row["time_out"])
                    for row in own
                )
                for each in grants
            )
            found |= {badge: ("fail", outside)} if outside else {}
        elif not (owners & known if log.case.people else owners):
            found[badge] = ("fail", None)
    return {**found, "": ("pass" if opened else "not_applicable", None)}


def leaver_badge(log: Plain) -> Answers:
    log.need_link()
    people = {row["id"]: row for row in log.case.people}
    today = utc(log.now).date().isoformat()
    gone = {name for name, row in people.items() if row["status"] != "active" and not (row["left_on"] or "") > today}
    held = defaultdict(set)
    for row in log.case.tables.get("credentials", ()):
        held[row["credential"]].add(row["subject"])
    for person in log.case.people:
        for badge in person["badge"]:
            held[badge].add(person["id"])
    for badge, rows in log.events.items():
        held[badge] |= {row["subject"] for row in rows if row["event"] == "GRANTED" and row["subject"]}
    found: Answers = {}
    for badge, names in held.items():
        left = names & gone
        if not left or names & (set(people) - gone):
            continue
        until = max(_end(people[name]["left_on"]) for name in left)
        used = [row for row in log.events[badge] if row["event"] == "GRANTED" and row["event_time"] > until]
        used = [row for row in used if log.person(row) is None or log.person(row) in gone]
        doubt = any(not people[name]["left_on"] for name in left) or (names - gone and any(log.person(row) is None for row in used))
        if used:
            found[badge] = ("unknown", None) if doubt else ("fail", len(used))
    linked = {name for names in held.values() for name in names}
    nameless = "credentials" not in log.case.tables and not any(row["subject"] for row in log.rows) and gone - linked
    return {**found, "": ("unknown" if nameless else "pass", None)}


def _end(day: str | None) -> int:
    return int((datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(days=1)).timestamp() * 1000) - 1 if day else 0


def individual(log: Plain) -> Answers:
    log.need_link()
    today = utc(log.now).date().isoformat()
    here = [row for row in log.case.people if row["status"] != "left" or (row["left_on"] or "") > today]
    shared: dict[str, set[str]] = defaultdict(set)
    held: dict[str, set[str]] = defaultdict(set)
    for badge in {badge for row in here for badge in row["badge"]}:
        names = {row["id"] for row in here if badge in row["badge"]}
        shared[badge] |= names if len(names) > 1 else set()
    cards = log.case.tables.get("credentials")
    for one in cards or ():
        for other in cards or ():
            if (
                one["credential"] == other["credential"]
                and one["subject"] != other["subject"]
                and low(one) < high(other)
                and low(other) < high(one)
            ):
                shared[one["credential"]] |= {one["subject"], other["subject"]}
    for badge, rows in log.events.items():
        spans = {name: [row["event_time"] for row in rows if row["subject"] == name] for name in {row["subject"] for row in rows} - {None}}
        for one, times in spans.items():
            for other, others in spans.items():
                if one != other and min(times) <= max(others) and min(others) <= max(times):
                    shared[badge] |= {one, other}
    strange = False
    if cards is None:
        held |= {row["id"]: set(row["badge"]) for row in here}
    for row in cards or ():
        if high(row) >= log.now:
            strange = strange or row["status"] not in IN_USE
            held[row["subject"]] |= {row["credential"]} if IN_USE.get(row["status"]) else set()
    found: Answers = {badge: ("fail", len(names)) for badge, names in shared.items() if names}
    found |= {name: ("fail", len(badges)) for name, badges in held.items() if len(badges) > 1}
    return {**found, "": ("unknown" if strange else "pass", None)}


def expired_badge(log: Plain) -> Answers:
    log.need("credential")
    found: Answers = {}
    cards = log.table("credentials")
    if not cards:
        raise LookupError("valid_to")
    for badge in {row["credential"] for row in cards}:
        own = [row for row in cards if row["credential"] == badge]
        grants = [row["event_time"] for row in log.events[badge] if row["event"] == "GRANTED"]
        outside = any(not any(low(row) <= at <= high(row) for row in own) for at in grants)
        said = {_judged(row, log.now) for row in own}
        if outside or said - {""}:
            found[badge] = ("fail" if outside or "fail" in said else "unknown", None)
    return {**found, "": ("pass", None)}


def _judged(row: Row, now: int) -> str:
    """Three years for staff, a day for visitors; of another kind it may be either."""
    live = IN_USE.get(row["status"])
    if live is False or high(row) < now:
        return ""
    start = utc(now if row["valid_from"] is None else row["valid_from"])
    days = {"staff": 3 * 365 + 1, "visitor": 1}.get(row["kind"] or "", 3 * 365 + 1)
    if row["valid_to"] is None or row["valid_to"] > int((start + timedelta(days=days + (days > 1))).timestamp() * 1000):
        return "fail" if live else "unknown"
    return "" if live and row["kind"] and row["valid_from"] is not None else "unknown"


def dormant_badge(log: Plain) -> Answers:
    log.need("credential")
    since = log.last - 90 * DAY
    issued: dict[str, int] = {}
    strange = False
    cards = log.case.tables.get("credentials")
    if cards is None:
        if not any(row["badge"] for row in log.case.people):
            raise LookupError("credentials")
        issued = {badge: 0 for row in log.case.people if row["status"] == "active" for badge in row["badge"]}
    for badge in {row["credential"] for row in cards or ()}:
        now = [row for row in cards or () if row["credential"] == badge and low(row) <= log.last < high(row)]
        said = {IN_USE.get(row["status"], "strange") for row in now}
        if said == {True}:
            issued[badge] = max(row["valid_from"] or 0 for row in now)
        strange = strange or bool(said & {"strange"}) or said == {True, False}
    if log.first > since:
        return {"": ("unknown", None)}
    idle = [
        badge
        for badge, begun in issued.items()
        if begun < since and max((row["event_time"] for row in log.events[badge]), default=0) < since
    ]
    return {**dict.fromkeys(idle, ("fail", None)), "": ("unknown" if strange else "pass", None)}


CHECKS: dict[str, Callable[[Plain], Answers]] = {
    "escort": escort, "zone-rights": zone_rights, "schedule": schedule, "orphan-badge": orphan_badge, "leaver-badge": leaver_badge,
    "individual": individual, "expired-badge": expired_badge, "dormant-badge": dormant_badge,
}  # fmt: skip
