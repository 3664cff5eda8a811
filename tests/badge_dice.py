"""Small logs of physical access in which anything may happen, by a seed: people mostly walk as doors allow, and tables mostly fit."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Row = dict[str, Any]
DAY = 86_400_000
STEPS = (0, 0, 1, 999, 1000, 2001, 30_000, 59_999, 60_000, 60_001, 300_000, 300_001, 3_600_000, 7_200_000, 40_000_000, DAY, 40 * DAY)
DENIED = ("DENIED_NO_RIGHTS", "DENIED_OTHER", "DENIED_UNKNOWN_CREDENTIAL")
OTHERS = (*DENIED, "DURESS", "PRESENCE", "PASSBACK_DETECTED", "REQUEST_TO_EXIT", "CONTROLLER_ONLINE", "OTHER")
PLAN = (
    ("D1", "street", "hall", "north"), ("D2", "hall", "room", "north"), ("D3", "room", "cage", "north"), ("D4", "hall", "lab", "north"),
    ("D5", "street", "yard", "south"), ("D6", "yard", "store", "south"), ("D7", None, "vault", "south"),
)  # fmt: skip
LEVELS = {"street": "public", "hall": "internal", "room": "restricted", "cage": "Critical", "lab": "restricted", "yard": "internal"}
PEOPLE = ("u1", "u2", "u3", "u4", "u5")


@dataclass
class Case:
    """rows: events in the order of the export, times in ms. tables: beside them. taken: when it was read, ms. people: rows of a roster."""

    rows: list[Row]
    tables: dict[str, list[Row]]
    people: list[Row]
    taken: int
    doors: list[Row] = field(default_factory=list)


class Dice:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.one_of = self.random.choice
        self.badges = [f"B{number}" for number in range(1, self.random.randint(2, 6) + 1)]
        self.owner = {badge: self.one_of(PEOPLE) for badge in (*self.badges, "B9")}
        self.wild = self.often(0.3)
        self.doors = self._doors()
        self.rows: list[Row] = []
        self._events()
        times = [row["event_time"] for row in self.rows]
        self.first, self.last = min(times), max(times)

    def often(self, share: float) -> bool:
        return self.random.random() < share

    def _doors(self) -> list[Row]:
        found = []
        for name, before, behind, site in self.random.sample(PLAN, self.random.randint(2, len(PLAN))):
            given = {"door": name if self.often(0.9) else None, "site": site, "has_exit_reader": None}
            kind = self.one_of(("pair", "pair", "exit", "one"))
            if kind == "pair":
                found.append({**given, "access_point": f"{name}-out", "area_from": behind, "area_to": before})
            found.append({**given, "access_point": f"{name}-in", "area_from": before, "area_to": behind, "has_exit_reader": kind == "exit"})
        return found

    def _events(self) -> None:
        places = {badge: [self.one_of(("street", "hall")), "street"] for badge in self.badges}
        twins = {badge for badge in self.badges if self.often(0.2)}
        sources = {row["access_point"]: self.one_of(("C1", "C2")) for row in self.doors}
        steps, now = STEPS[: self.one_of((14, len(STEPS), len(STEPS)))], 1_772_438_400_000
        named = self.often(0.3)
        for _ in range(self.random.randint(5, 90)):
            now += self.one_of(steps)
            badge = self.one_of(self.badges)
            at = places[badge]
            if badge in twins and self.often(0.3):
                at.reverse()
            near = [row for row in self.doors if row["area_from"] == at[0] or (row["has_exit_reader"] and row["area_to"] == at[0])]
            reader = self.one_of(near) if near and self.often(0.95) else self.one_of(self.doors)
            back = reader["area_to"] == at[0] and reader["area_from"] != at[0]
            before, at[0] = at[0], reader["area_from"] if back else reader["area_to"]
            row = {"event_time": now, "source": sources[reader["access_point"]], "access_point": reader["access_point"], "credential": badge,
                   "direction": "out" if back else "in", "event": "GRANTED", "subject": self.owner[badge] if named else None}  # fmt: skip
            self.rows.append(row)
            if self.often(0.05):
                at[0] = before
                if self.often(0.5):
                    self.rows.append({**row, "access_point": self.one_of(self.doors)["access_point"]})
                self.rows.append({**row, "event": "NO_ENTRY_AFTER_GRANT", "event_time": now + self.one_of((0, 5000, 60_000, 60_001))})
            if self.often(0.1):
                self._beside(row)
        self.rows.sort(key=lambda row: row["event_time"])
        self._number()

    def _beside(self, row: Row) -> None:
        """What else a log holds near a passage."""
        at, kind = row["event_time"], self.one_of(("alarm", "burst", "other"))
        blank = {**row, "credential": None, "subject": None, "direction": None}
        if kind == "alarm":
            self.rows.append({**blank, "event": self.one_of(("DOOR_FORCED_OPEN", "DOOR_OPEN_TOO_LONG"))})
            if self.often(0.6):
                self.rows.append({**blank, "event": "ALARM_ACKNOWLEDGED", "event_time": at + self.one_of((-1, 0, 300_000, 300_001))})
        elif kind == "burst":
            gap = self.one_of((0, 60_000, 150_000, 150_001))
            given = self.one_of((row, row, blank))
            self.rows += [
                {**given, "event": self.one_of(DENIED), "event_time": at + number * gap} for number in range(self.one_of((4, 5, 6)))
            ]
        else:
            self.rows.append({**row, "event": self.one_of(OTHERS)})

    def _number(self) -> None:
        counts: dict[str, int] = {}
        for row in self.rows:
            counts[row["source"]] = row["sequence"] = counts.get(row["source"], 0) + (2 if self.wild and self.often(0.02) else 1)
        if self.wild:
            for row in self.random.sample(self.rows, min(4, len(self.rows))):
                again = self.one_of(
                    ({}, {"event_time": row["event_time"] + 1}, {"event_time": row["event_time"] - 5000}, {"sequence": None})
                )
                self.rows.insert(self.random.randint(0, len(self.rows)), {**row, **again})
            for row in self.rows:
                for name in ("source", "access_point", "credential", "direction", "sequence"):
                    if self.often(0.01):
                        row[name] = None

    def moment(self) -> int | None:
        between = self.random.randint(self.first, self.last)
        return self.one_of((None, self.first, self.last, between, self.first - 100 * DAY, self.last + 90 * DAY))


def case(seed: int) -> Case:
    dice = Dice(seed)
    pick, often = dice.one_of, dice.often
    areas = sorted({area for row in dice.doors for area in (row["area_from"], row["area_to"]) if area})
    groups = (*PEOPLE, "staff", "team")
    tables: dict[str, list[Row]] = {
        "doors": dice.doors,
        "zones": [{"area": area, "level": LEVELS.get(area), "min_persons": pick((None, 2, 2, 3))} for area in areas],
        "travel": [{"site_a": "north", "site_b": "south", "minutes": pick((1, 30))}],
        "visits": [
            {"visitor": "v1", "host": pick((*PEOPLE, None)), "credential": pick(dice.badges), "time_in": dice.moment(), "time_out": dice.moment()}
            for _ in range(pick((0, 1, 3)))
        ],
        "rights": [
            {"subject": pick(groups), "area": pick((*areas, None)), "access_point": pick((None, pick(dice.doors)["access_point"])),
             "schedule": pick((None, "days", "days", "night", "odd" if often(0.2) else None)), "valid_from": pick((None, None, dice.moment()))}
            for _ in range(10)
        ],
        "members": [{"member_of": pick(("staff", "team")), "subject": pick(groups)} for _ in range(4)],
        "schedules": [
            {"schedule": "days", "days": "mon-fri", "time_from": "08:00", "time_to": "18:00"},
            {"schedule": "night", "days": "daily", "time_from": "20:00", "time_to": "06:00"}, {"schedule": "odd", "days": "someday"},
        ],
        "acknowledgements": [
            {"access_point": row["access_point"], "event_time": pick((None, row["event_time"] + 999, row["event_time"] + 1000)),
             "acknowledged_at": row["event_time"] + pick((0, 300_000, 300_001))}
            for row in dice.rows if row["access_point"] and not row["event"].startswith("GRANT") and often(0.3)
        ],
        "credentials": [
            {"credential": badge, "subject": dice.owner[badge] if often(0.8) else pick((*PEOPLE, "zoe")),
             "kind": pick(("staff", "staff", "visitor", None)), "valid_from": dice.moment(), "valid_to": dice.moment(),
             "status": pick(("active", "active", None, "lost", "blue" if often(0.1) else "1"))}
            for badge in dice.owner for _ in range(pick((0, 1, 1, 1, 2)))
        ],
    }  # fmt: skip
    for name in ("visits", "rights", "acknowledgements", "credentials", "travel"):
        if often(0.15):
            del tables[name]
    for rows in tables.values():
        rows[:] = [dict(pairs) for pairs in dict.fromkeys(tuple(row.items()) for row in rows)]  # as a collector keeps them
    return Case(dice.rows, tables, roster(dice), dice.last + pick((0, 200_000, 50 * DAY)), dice.doors)


def roster(dice: Dice) -> list[Row]:
    if dice.often(0.3):
        return []
    found = []
    for person in PEOPLE[: dice.one_of((3, 5))]:
        status = dice.one_of(("active", "active", "active", "left", "suspended"))
        day = datetime.fromtimestamp(dice.random.randint(dice.first, dice.last) / 1000, UTC).date().isoformat()
        gone = day if status == "left" and dice.often(0.9) else None
        badges = [badge for badge in dice.badges if dice.owner[badge] == person and dice.often(0.7)]
        found.append({"id": person, "account": person, "status": status, "left_on": gone, "badge": badges})
    return found
