"""What the pages of the checks of physical access say, over small logs and in plain Python: loops over lists, and nothing made faster.

A log here has no row that could not be read, no code that is not known, and times in UTC. What a page calls unknown for want of a table or column
is LookupError; answers are {subject: (verdict, count)}, the count where the page speaks of one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from tests.badge_dice import DAY, DENIED, Case, Row

MINUTE = 60_000
FOREVER = 1 << 62
SHOWN = {"GRANTED", "NO_ENTRY_AFTER_GRANT", "PASSBACK_DETECTED", "DURESS", "PRESENCE", *DENIED}
Answers = dict[str, tuple[str, Any]]
Key = tuple[int, bool, str, int, int]


class Plain:
    """passages: grants that were entries, in order. closed, open, public: areas."""

    def __init__(self, case: Case) -> None:
        self.case, self.now, self.rows = case, case.taken, [{"site": None, **row, "row": number} for number, row in enumerate(case.rows, 1)]
        times = [row["event_time"] for row in self.rows]
        self.first, self.last = min(times), max(times)
        self.level = {row["area"]: {"public": 0, "internal": 1, "restricted": 2, "critical": 2}.get((row["level"] or "").lower())
                      for row in case.tables["zones"]}  # fmt: skip
        self.doors = {row["access_point"]: row for row in case.tables["doors"]}
        self.events: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows:
            row["site"] = self.doors.get(row["access_point"], {}).get("site")
            if row["credential"]:
                self.events[row["credential"]].append(row)
        for rows in self.events.values():
            rows.sort(key=order)
        self.passages = sorted((move for rows in self.events.values() for move in self._passages(rows)), key=order)
        self._areas()

    def table(self, name: str) -> list[Row]:
        return self.case.tables[name]

    def need(self, *columns: str) -> None:
        for column in columns:
            if not any(row[column] for row in self.rows):
                raise LookupError(column)

    def ways_back(self, door: Row) -> list[Row]:
        return [row for row in self.doors.values() if (row["area_from"], row["area_to"]) == (door["area_to"], door["area_from"])]

    def turned(self, door: Row) -> bool:
        """Whether `out` at a reader means the other way: no reader of its door leads back, and none at all if it only ever says `out`."""
        own = any(row["door"] and row["door"] == door["door"] for row in self.ways_back(door))
        enters = any(row["access_point"] == door["access_point"] and row["direction"] == "in" for row in self.rows)
        return not own and (enters or not self.ways_back(door))

    def _passages(self, rows: list[Row]) -> Iterable[Row]:
        for place, row in enumerate(rows):
            there = [later for later in rows[place + 1 :] if row["access_point"] and later["access_point"] == row["access_point"]]
            after = next((later for later in there if later["event"] in ("GRANTED", "NO_ENTRY_AFTER_GRANT")), None)
            undone = after and after["event"] != "GRANTED" and after["event_time"] - row["event_time"] <= MINUTE
            door = self.doors.get(row["access_point"])
            if row["event"] == "GRANTED" and not undone:
                sides = [door["area_from"], door["area_to"]] if door else [None, None]
                if door and row["direction"] == "out" and self.turned(door):
                    sides.reverse()
                yield {**row, "left": sides[0], "area": sides[1]}

    def _areas(self) -> None:
        outs = any(row["direction"] == "out" for row in self.rows)
        named, unread = set(), set()
        self.near: dict[str, set[str]] = defaultdict(set)
        for door in self.doors.values():
            sides = {door["area_from"], door["area_to"]} - {None}
            named |= sides
            back = [row for row in self.ways_back(door) if row["door"] == door["door"] and (row["door"] or len(sides) == 2)]
            if not back and not (door["has_exit_reader"] and outs):
                unread |= sides
            for side in sides:
                self.near[side] |= sides
        self.public = {area for area in named if self.level.get(area) == 0}
        self.open = unread - self.public
        self.closed = named - unread - self.public

    def reached(self, area: str) -> set[str]:
        found, pending = {area}, [area]
        while pending:
            more = self.near[pending.pop()] - found
            found |= more
            pending += more
        return found

    def touches(self) -> dict[tuple[str, str], list[tuple[int, Row]]]:
        """(badge, closed area) → entries (1) and exits (-1); a record that was delivered twice is one."""
        found: dict[tuple[str, str], list[tuple[int, Row]]] = defaultdict(list)
        seen = set()
        for move in self.passages:
            same = (
                move["credential"],
                move["source"],
                move["sequence"] or 0,
                move["event_time"],
                move["access_point"],
                move["left"],
                move["area"],
            )
            if same not in seen:
                seen.add(same)
                for area, sign in ((move["left"], -1), (move["area"], 1)):
                    if area in self.closed:
                        found[move["credential"], area].append((sign, move))
        return found

    def contradictions(self) -> dict[str, list[int]]:
        found = defaultdict(list)
        for (_, area), steps in self.touches().items():
            found[area] += [move["event_time"] for (before, _), (sign, move) in pairwise(steps) if sign == before]
        return found

    def holder(self, badge: str, at: int) -> str | None:
        given = [row for row in self.case.tables.get("credentials", ()) if row["credential"] == badge and row["subject"]]
        rostered = {row["id"] for row in self.case.people if badge in row["badge"]}
        persons = rostered | {row["subject"] for row in given}
        if len(persons) < 2 or rostered:
            return min(persons) if len(persons) == 1 else None
        turns = sorted({(low(row), high(row), row["subject"]) for row in given})
        if any(one[0] < other[1] and other[0] < one[1] for place, one in enumerate(turns) for other in turns[place + 1 :]):
            return None
        return next((person for begin, end, person in reversed(turns) if begin <= at <= end), None)

    def person(self, move: Row) -> str | None:
        named: str | None = move["subject"]
        return named or self.holder(move["credential"], move["event_time"])

    def need_link(self) -> None:
        self.need("credential")
        if "credentials" not in self.case.tables and not any(row["badge"] for row in self.case.people):
            self.need("subject")

    def visitors(self) -> set[str]:
        found = {row["credential"] for row in self.case.tables.get("visits", ())}
        return found | {row["credential"] for row in self.case.tables.get("credentials", ()) if row["kind"] == "visitor"}

    def rights(self, person: str | None) -> list[Row]:
        reached, pending = {person}, [person]
        while pending:
            name = pending.pop()
            more = {row["member_of"] for row in self.table("members") if row["subject"] == name} - reached
            reached |= more
            pending += more
        return [row for row in self.table("rights") if row["subject"] in reached and (row["area"] or row["access_point"])]


def order(row: Row) -> Key:
    return row["event_time"], row["source"] is None, row["source"] or "", row["sequence"] or 0, row["row"]


def low(row: Row) -> int:
    return -FOREVER if row.get("valid_from") is None else row["valid_from"]


def high(row: Row) -> int:
    return FOREVER if row.get("valid_to") is None else row["valid_to"]


def may(right: Row, move: Row) -> bool:
    there = (right["area"] and right["area"] == move["area"]) or (right["access_point"] and right["access_point"] == move["access_point"])
    return bool(there) and low(right) <= move["event_time"] <= high(right)


def sequence(log: Plain) -> Answers:
    log.need("sequence")
    found: Answers = {}
    for source in {row["source"] for row in log.rows if row["source"]}:
        own = [row for row in log.rows if row["source"] == source]
        numbered = sorted((row for row in own if row["sequence"]), key=lambda row: (row["sequence"], row["event_time"], row["row"]))
        steps = list(pairwise(numbered))
        missing = sum(max(0, b["sequence"] - a["sequence"] - 1) for a, b in steps)
        again = sum(a["sequence"] == b["sequence"] for a, b in steps)
        back = sum(a["event_time"] - b["event_time"] > 2000 for a, b in steps)
        certain = again or back or missing > len(own) - len(numbered)
        found[source] = ("fail", None) if certain else ("unknown" if len(numbered) < len(own) else "pass", None)
    return found


def alarms(code: str) -> Callable[[Plain], Answers]:
    def answer(log: Plain) -> Answers:
        done = [(row["access_point"], None, row["event_time"]) for row in log.rows if row["event"] == "ALARM_ACKNOWLEDGED"]
        done += [(row["access_point"], row["event_time"], row["acknowledged_at"]) for row in log.case.tables.get("acknowledgements", ())]
        heard = any(row["event"] == code for row in log.rows)
        found: Answers = {}
        for place in {row["access_point"] or row["source"] or "" for row in log.rows}:
            loud = [row for row in log.rows if row["event"] == code and (row["access_point"] or row["source"] or "") == place]
            left = [row["event_time"] for row in loud if not any(
                place == row["access_point"] and 0 <= at - row["event_time"] <= 5 * MINUTE and (of is None or abs(of - row["event_time"]) < 1000)
                for place, of, at in done if place)]  # fmt: skip
            old = sum(at + 5 * MINUTE <= log.now for at in left)
            found[place] = ("fail", old) if old else ("unknown" if left or not heard else "pass", None)
        return found

    return answer


def denied_burst(log: Plain) -> Answers:
    tried = defaultdict(list)
    for row in sorted((row for row in log.rows if row["event"] in DENIED), key=order):
        tried[row["credential"] or row["access_point"] or row["source"] or ""].append(row)
    done = [(row["access_point"], row["event_time"]) for row in log.rows if row["event"] == "ALARM_ACKNOWLEDGED"]
    done += [(row["access_point"], row["acknowledged_at"]) for row in log.case.tables.get("acknowledgements", ())]
    found: Answers = {"": ("pass" if tried else "unknown", None)}
    for who, rows in tried.items():
        for first, last in zip(rows, rows[4:], strict=False):
            start, end = first["event_time"], last["event_time"]
            burst = [row for row in rows if start <= row["event_time"] <= end]
            answered = any(
                place and place == row["access_point"] and row["event_time"] <= at <= end + 60 * MINUTE
                for row in burst
                for place, at in done
            )
            if end - start <= 10 * MINUTE and not answered:
                found[who] = ("fail", None)
    return found


def impossible_travel(log: Plain) -> Answers:
    log.need("credential")
    shown = [row for rows in log.events.values() for row in rows if row["event"] in SHOWN]
    sites, nowhere = {row["site"] for row in shown} - {None}, sum(row["site"] is None for row in shown)
    if not sites:
        raise LookupError("site")
    if len(sites) == 1:
        return {"": ("unknown", nowhere) if nowhere else ("not_applicable", None)}
    (way,) = log.table("travel")
    ways, quick = Counter[str](), Counter[str]()
    for rows in log.events.values():
        for a, b in pairwise([row for row in rows if row["event"] in SHOWN and row["site"]]):
            if a["site"] != b["site"]:
                ways["north - south"] += 1
                quick["north - south"] += b["event_time"] - a["event_time"] < way["minutes"] * MINUTE
    found: Answers = {pair: ("fail", quick[pair]) if quick[pair] else ("pass", count) for pair, count in ways.items()}
    return {**found, "": ("unknown", nowhere) if nowhere else ("pass", None)}


def areas(log: Plain, wrong: Counter[str]) -> Answers:
    log.need("access_point", "credential")
    found: Answers = dict.fromkeys(log.public, ("not_applicable", None)) | dict.fromkeys(log.open, ("unknown", None))
    return found | {area: ("fail", wrong[area]) if wrong[area] else ("pass", None) for area in log.closed}


def anti_passback(log: Plain) -> Answers:
    return areas(log, Counter({area: len(moments) for area, moments in log.contradictions().items()}))


def shared_badge(log: Plain) -> Answers:
    stays = [
        (badge, area, move["event_time"], after["event_time"], move["left"])
        for (badge, area), steps in log.touches().items() for (sign, move), (next_, after) in pairwise(steps) if (sign, next_) == (1, -1)
    ]  # fmt: skip
    wrong = Counter[str]()
    for badge, area, start, stop, _ in stays:
        for other, place, begun, _, came_from in stays:
            if other == badge and place != area and start < begun < stop and came_from and came_from != area:
                wrong[area] += came_from in log.reached(area) or log.level.get(area) is not None
    found = areas(log, wrong)
    nameless = any(door["area_to"] and not door["area_from"] for door in log.doors.values())
    return {area: ("unknown", None) if nameless and verdict == "pass" else (verdict, count) for area, (verdict, count) in found.items()}


def four_eyes(log: Plain) -> Answers:
    required = {row["area"]: row["min_persons"] for row in log.table("zones") if row["min_persons"]}
    if not required:
        return {"": ("not_applicable", None)}
    log.need("access_point", "credential")
    wrong = log.contradictions()
    found: Answers = {}
    for area, least in required.items():
        steps = [(move["event_time"], log.person(move) or move["credential"], 1 if move["area"] == area else -1)
                 for move in log.passages if area in (move["left"], move["area"])]  # fmt: skip
        inside = {who for place, (_, who, sign) in enumerate(steps) if sign < 0 and who not in {name for _, name, _ in steps[:place]}}
        alone: list[list[int]] = []
        going = False
        for place, (at, who, sign) in enumerate(steps):
            inside = inside | {who} if sign > 0 else inside - {who}
            end = steps[place + 1][0] if place + 1 < len(steps) else log.last
            if at == end and place + 1 < len(steps):
                continue
            few = 1 <= len(inside) < least
            if few and going:
                alone[-1][1] = end
            elif few:
                alone.append([at, end])
            going = few
        long = [(start, end) for start, end in alone if end - start > MINUTE]
        certain = [span for span in long if not any(span[0] - DAY <= at <= span[1] + DAY for at in wrong[area])]
        if area not in log.closed:
            found[area] = ("unknown", None)
        else:
            found[area] = ("fail", len(certain)) if certain else ("unknown" if long or wrong[area] else "pass", None)
    return found


def utc(at: int) -> datetime:
    return datetime.fromtimestamp(at // 1000, UTC)


CHECKS: dict[str, Callable[[Plain], Answers]] = {
    "sequence": sequence, "forced-door": alarms("DOOR_FORCED_OPEN"), "held-door": alarms("DOOR_OPEN_TOO_LONG"), "denied-burst": denied_burst,
    "impossible-travel": impossible_travel, "anti-passback": anti_passback, "shared-badge": shared_badge, "four-eyes": four_eyes,
}  # fmt: skip
