"""A year of life in a company with badges, and what was done to it: a generator that knows what it planted.

    world = live(seed=1)                      nothing is wrong
    world = live(seed=1, planted=True)        one thing wrong for each check, and `world.planted` names it: check → subjects that must fail

Two sites, street, hall (internal), corridor (internal), offices, rooms and a vault (restricted, the vault for two people) and a car park whose
readers lead nowhere. People come, go to lunch, visit colleagues, travel, take holidays and fall ill; guards make rounds at night; visitors are
escorted; Morocco's clock changes for Ramadan. Everything follows from the seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.badge_plants import plant

ZONE = ZoneInfo("Africa/Casablanca")
FIRST = date(2025, 6, 1)
TAKEN = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
SITES = ("north", "south")
OFFICES = ("office1", "office2", "office3", "office4")
ROOMS = ("room1", "room2", "vault")
HOLIDAYS = ("2025-07-30", "2025-08-14", "2025-08-20", "2025-08-21", "2025-11-06", "2025-11-18", "2026-01-01", "2026-01-14", "2026-05-01")
SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000
Row = dict[str, Any]


@dataclass
class World:
    """rows: events in no order. tables: those beside them. staff: the roster's rows. logins: (seconds, terminal, account) on the machine in room1
    of the north. planted: check → subjects that must fail, and no others."""

    rows: list[Row]
    tables: dict[str, list[Row]]
    staff: list[Row]
    logins: list[tuple[int, str, str]]
    planted: dict[str, set[str]] = field(default_factory=dict)


def live(seed: int, *, planted: bool = False, people: int = 40, days: int = 365, name: str = "") -> World:
    """name: put before every name, so that several worlds can be one."""
    world = _Life(seed, people, days, name)
    world.go()
    if planted:
        plant(world)
    world.number()
    return World(world.rows, world.tables(), world.staff, world.logins, world.planted)


class _Life:
    def __init__(self, seed: int, people: int, days: int, name: str) -> None:
        self.chance = random.Random(seed)
        self.name, self.days = name, days
        self.rows: list[Row] = []
        self.logins: list[tuple[int, str, str]] = []
        self.planted: dict[str, set[str]] = {}
        self.visits: list[Row] = []
        self.acknowledged: list[Row] = []
        self.extra_doors: list[Row] = []
        self.extra_cards: list[Row] = []
        self.people = [f"{name}p{number:03}" for number in range(people)]
        self.home = {who: SITES[number % 2] for number, who in enumerate(self.people)}
        self.office = {who: OFFICES[number // 2 % 4] for number, who in enumerate(self.people)}
        self.guards = self.people[:4]
        self.staff: list[Row] = [
            {"id": who, "account": who, "badge": self.badge(who), "status": "active", "left_on": ""} for who in self.people
        ]
        self.recordings = self.film(random.Random(f"film {seed}"))
        self.lost: set[int] = set()  # places of rows that were taken out after they were numbered

    def film(self, chance: random.Random) -> list[Row]:
        """What three cameras of each site recorded in the last sixty days, hour by hour, with a pause of up to two minutes before the next file."""
        end = int(TAKEN.timestamp()) * 1000
        found: list[Row] = []
        for camera in (f"{self.name}{site}-{place}" for site in SITES for place in ("gate", "hall", "corridor")):
            at = end - 60 * 24 * 3_600_000 + chance.randrange(3_600_000)
            while at + 3_600_000 < end:
                found.append({"camera": camera, "start": at, "end": at + 3_600_000 - chance.randrange(120_000), "mode": "continuous"})
                at += 3_600_000
        return found

    def badge(self, who: str) -> str:
        return who.replace("p", "b")

    def area(self, site: str, area: str) -> str:
        return f"{self.name}{site}-{area}"

    def may(self, who: str, room: str) -> bool:
        """Everybody has a right to one room of their site, by the group's number; the vault is for every second."""
        number = self.people.index(who)
        return number % 4 < 2 if room == "vault" else room == ("room1", "room2")[number // 2 % 2]

    @staticmethod
    def ms(day: int, minutes: float) -> int:
        """A moment by the clock on the wall."""
        begin = datetime.combine(FIRST + timedelta(days=day), datetime.min.time()) + timedelta(minutes=minutes)
        return int(begin.replace(tzinfo=ZONE).timestamp() * 1000)

    def event(self, at: int, reader: str, who: str | None, code: str = "GRANTED", badge: str | None = None) -> Row:
        site = next((site for site in SITES if reader.startswith(self.name + site)), SITES[0])
        row = {
            "event_time": at, "received_time": at + 200 + int(self.chance.expovariate(1 / 2000)), "source": self.controller(reader),
            "site": self.name + site, "access_point": reader, "credential": badge or (self.badge(who) if who else None), "event": code,
            "event_native": code,
        }  # fmt: skip
        self.rows.append(row)
        return row

    def controller(self, reader: str) -> str:
        return reader.rsplit("-", 2)[0] + ("-C2" if "park" in reader else "-C1")

    def step(self, at: int, who: str, site: str, door: str, way: str, badge: str | None = None) -> int:
        self.event(at, f"{self.area(site, door)}-{way}", who, badge=badge)
        return at + self.chance.randrange(8, 40) * SECOND

    def walk(self, at: int, who: str, site: str, *steps: str, badge: str | None = None) -> int:
        """`walk(at, who, site, "hall-in", "corridor-in")`; when the last door is behind."""
        for step in steps:
            at = self.step(at, who, site, *step.split("-"), badge)
        return at

    # ------------------------------------------------------------------ ordinary life

    def go(self) -> None:
        ill = {who: {self.chance.randrange(self.days) for _ in range(6)} for who in self.people}
        leave = {who: set(range(start := self.chance.randrange(20, self.days), start + 14)) for who in self.people}
        for day in range(self.days):
            today = FIRST + timedelta(days=day)
            if today.weekday() < 5 and today.isoformat() not in HOLIDAYS:
                away = {who for who in self.people if day in ill[who] or day in leave[who]}
                for who in self.people[4:]:
                    if who not in away:
                        self.work(day, who)
                for site in SITES:
                    self.vault(
                        day, site, [who for who in self.people[4:] if self.home[who] == site and self.may(who, "vault") and who not in away]
                    )
            for guard in self.guards:
                self.round(day, guard)
            if day % 7 == 2:
                self.door_held(day)

    def work(self, day: int, who: str) -> None:
        chance, site = self.chance, self.home[who]
        office, number = self.office[who], self.people.index(who)
        if number % 3 == 0:
            self.event(self.ms(day, chance.gauss(490, 20)), f"{self.area(site, 'park')}{number % 4 + 1}-in", who)
        at = self.ms(day, min(max(chance.gauss(510, 20), 485), 570))
        at = self.walk(at, who, site, "hall-in", "corridor-in", f"{office}-in")
        if chance.random() < 0.03:
            self.event(
                at + 5 * MINUTE, f"{self.area(site, 'room1' if not self.may(who, 'room1') else 'room2')}-in", who, "DENIED_NO_RIGHTS"
            )
        if chance.random() < 0.35:
            room = "room1" if self.may(who, "room1") else "room2"
            begin = at + chance.randrange(20, 60) * MINUTE
            out = self.walk(begin, who, site, f"{office}-out", f"{room}-in")
            back = out + chance.randrange(5, 60) * MINUTE
            if room == "room1" and site == "north" and chance.random() < 0.1:
                self.logins.append(((out + 3 * MINUTE) // 1000, "tty1", who))
            self.walk(back, who, site, f"{room}-out", f"{office}-in")
        lunch = self.ms(day, max(715, chance.gauss(750, 10)))
        self.walk(lunch, who, site, f"{office}-out", "corridor-out", "hall-out")
        again = lunch + chance.randrange(35, 60) * MINUTE
        if chance.random() < 0.02:
            other = SITES[1 - SITES.index(site)]
            self.walk(again + 70 * MINUTE, who, other, "hall-in", "corridor-in", f"{office}-in")
            self.walk(self.ms(day, chance.gauss(1020, 10)), who, other, f"{office}-out", "corridor-out", "hall-out")
            return
        if number % 10 == 5 and chance.random() < 0.15:
            self.visit(again, who, site, office, day)
        else:
            self.walk(again, who, site, "hall-in", "corridor-in", f"{office}-in")
        self.walk(self.ms(day, min(max(chance.gauss(1030, 20), 960), 1070)), who, site, f"{office}-out", "corridor-out", "hall-out")

    def visit(self, at: int, who: str, site: str, office: str, day: int) -> None:
        """The host fetches a visitor at the door, shows a room, and sees the visitor out before going to the office."""
        badge = f"{self.name}v{len(self.visits) % 9}-{site}"
        room = "room1" if self.may(who, "room1") else "room2"
        begin = at - MINUTE
        for step in ("hall-in", "corridor-in", f"{room}-in"):
            self.step(at, who, site, *step.split("-"))
            at = self.step(at + 6 * SECOND, who, site, *step.split("-"), badge) + 5 * SECOND
        at += self.chance.randrange(20, 50) * MINUTE
        for step in (f"{room}-out", "corridor-out", "hall-out"):
            self.step(at + 6 * SECOND, who, site, *step.split("-"))
            at = self.step(at, who, site, *step.split("-"), badge) + 15 * SECOND
        self.visits.append(
            {"visitor": f"{self.name}g{len(self.visits)}", "host": who, "credential": badge, "time_in": begin, "time_out": at + 5 * MINUTE}
        )
        self.walk(at + 2 * MINUTE, who, site, "hall-in", "corridor-in", f"{office}-in")

    def vault(self, day: int, site: str, able: list[str]) -> None:
        """Two go in together, early, before they go to their offices: they work on the other days like everybody."""
        if len(able) < 2 or self.chance.random() > 0.3:
            return
        first, second = self.chance.sample(able, 2)
        at = self.ms(day, 420 + self.chance.randrange(20))
        for number, who in enumerate((first, second)):
            self.walk(at + number * 15 * SECOND, who, site, "hall-in", "corridor-in")
        inside = at + 4 * MINUTE
        for number, who in enumerate((first, second)):
            self.step(inside + number * 20 * SECOND, who, site, "vault", "in")
        out = inside + self.chance.randrange(4, 15) * MINUTE
        for number, who in enumerate((first, second)):
            self.step(out + number * 20 * SECOND, who, site, "vault", "out")
            self.walk(out + (60 + number * 20) * SECOND, who, site, "corridor-out", "hall-out")

    def round(self, day: int, guard: str) -> None:
        site, number = self.home[guard], self.guards.index(guard) // 2
        at = self.ms(day, (75 if number == 0 else 200) + self.chance.randrange(30))
        offices = [step for office in OFFICES for step in (f"{office}-in", f"{office}-out")]
        at = self.walk(at, guard, site, "hall-in", "corridor-in", *offices)
        self.walk(at, guard, site, "corridor-out", "hall-out")
        for place in range(1, 5):
            self.event(at + (3 + place) * MINUTE, f"{self.area(site, 'park')}{place}-in", guard)

    def door_held(self, day: int) -> None:
        reader = f"{self.area(self.chance.choice(SITES), 'hall')}-in"
        at = self.ms(day, self.chance.randrange(600, 1000))
        self.event(at, reader, None, "DOOR_OPEN_TOO_LONG")
        self.acknowledged.append(
            {"access_point": reader, "event_time": at, "acknowledged_at": at + self.chance.randrange(20, 200) * SECOND}
        )

    # ------------------------------------------------------------------ what stands beside

    def number(self) -> None:
        """Each controller numbers its events; then what was taken out goes."""
        gone = {id(self.rows[place]) for place in self.lost}
        counters: dict[str, int] = {}
        for row in sorted(self.rows, key=lambda row: (row["event_time"], row["access_point"], row["credential"] or "")):
            counters[row["source"]] = row["sequence"] = counters.get(row["source"], 0) + 1
        self.rows = [row for row in self.rows if id(row) not in gone]

    def doors(self) -> Iterator[Row]:
        inner = [(place, "corridor") for place in (*OFFICES, *ROOMS)]
        for site in SITES:
            for behind, before in (("hall", "street"), ("corridor", "hall"), *inner):
                for way, sides in (("in", (before, behind)), ("out", (behind, before))):
                    door = self.area(site, behind)
                    yield {
                        "access_point": f"{door}-{way}", "door": door, "site": self.name + site, "area_from": self.area(site, sides[0]),
                        "area_to": self.area(site, sides[1]), "has_exit_reader": True,
                    }  # fmt: skip

    def tables(self) -> dict[str, list[Row]]:
        level = {
            "street": "public",
            "hall": "internal",
            "corridor": "internal",
            **dict.fromkeys(OFFICES, "internal"),
            **dict.fromkeys(ROOMS, "restricted"),
        }
        zones = [
            {"area": self.area(site, area), "site": self.name + site, "level": word, "min_persons": 2 if area == "vault" else None}
            for site in SITES
            for area, word in level.items()
        ]
        cards = [
            {
                "credential": self.badge(who),
                "subject": who,
                "kind": "staff",
                "valid_from": self.ms(-30, 0),
                "valid_to": self.ms(900, 0),
                "status": "active",
            }
            for who in self.people
        ]
        rights: list[Row] = []
        for who in self.people:
            rooms = [self.area(self.home[who], room) for room in ROOMS if self.may(who, room)]
            rights += [{"subject": who, "area": area, "schedule": None if "vault" in area else "office"} for area in rooms]
        for visit in self.visits:
            host = visit["host"]
            room = self.area(self.home[host], "room1" if self.may(host, "room1") else "room2")
            rights.append({"subject": visit["visitor"], "area": room})
        visitors = sorted({visit["credential"] for visit in self.visits})
        guests = [{"credential": badge, "kind": "visitor", "subject": None, "status": "returned"} for badge in visitors]
        return {
            "doors": [*self.doors(), *self.extra_doors], "zones": zones, "credentials": [*cards, *guests, *self.extra_cards], "rights": rights,
            "schedules": [{"schedule": "office", "days": "mon-fri", "time_from": "07:00", "time_to": "20:00"}], "visits": self.visits,
            "travel": [{"site_a": self.name + SITES[0], "site_b": self.name + SITES[1], "minutes": 60}],
            "holidays": [{"day": day} for day in HOLIDAYS], "acknowledgements": self.acknowledged,
            "hosts": [{"host": f"{self.name}host", "area": self.area("north", "room1")}], "recordings": self.recordings,
        }  # fmt: skip
