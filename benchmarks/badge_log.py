"""A year of a data centre's doors, invented, with anomalies that are known because they were planted.

    python -m benchmarks.badge_log FOLDER [--events 200000]

Writes log.csv, map.toml, every table beside them (badge_tables.py), people.csv, logins.json and planted.json: {check: {subject: how many}} of all
that must be found. Whoever works comes on weekdays, passes the main door, a zone's door in and out, and the main door again; two guards of each
site look after its vault together, visitors come with their hosts. Nothing else happens that is not planted. The same size gives the same bytes.
"""

from __future__ import annotations

import argparse
import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

START = datetime(2025, 6, 2, tzinfo=UTC)
DAYS = 365
CLOSED = 224  # a Monday on which nobody comes to the first site
MINUTE, HOUR = 60_000, 3_600_000
HEAD = "event_time,received_time,controller,number,reader,way,badge,code\n"
MAP = """
[columns]
event_time = "event_time"
received_time = "received_time"
source = "controller"
sequence = "number"
access_point = "reader"
direction = "way"
credential = "badge"
event = "code"
[events]
granted = "GRANTED"
denied = "DENIED_UNKNOWN_CREDENTIAL"
forced = "DOOR_FORCED_OPEN"
held = "DOOR_OPEN_TOO_LONG"
[files]
acknowledgements = "acknowledgements.csv"
controllers = "controllers.csv"
credentials = "credentials.csv"
doors = "doors.csv"
holidays = "holidays.csv"
hosts = "hosts.csv"
members = "members.csv"
rights = "rights.csv"
schedules = "schedules.csv"
travel = "travel.csv"
video = "video.csv"
visits = "visits.csv"
zones = "zones.csv"
[time]
zone = "UTC"
"""
Event = list[Any]  # moment in ms, controller, reader, way, badge, code


class World:
    """Sites, their zones and people, and what goes wrong. plants: how many of each kind. `planted`: check → subject → how often."""

    def __init__(self, events: int) -> None:
        self.dice = random.Random(7)
        self.people = max(400, events // 100)
        self.sites = max(2, min(20, self.people // 400))
        self.zones = max(2, min(9, self.people // self.sites // 100))
        self.every = max(1, round(self.people * 4 * DAYS * 5 / 7 / events))  # each comes on every so manieth weekday
        self.plants = max(3, events // 200_000)
        self.planted: dict[str, dict[str, int]] = {}
        self.staff = self.people - 2 * self.sites  # the last two of each site guard its vault, and do nothing else
        pick = self.dice.sample(range(self.staff), 8 * self.plants)
        self.tailgaters, self.copied, self.left, self.expired, self.orphans, self.strangers, self.unentitled, self.nightly = (
            set(pick[at * self.plants : (at + 1) * self.plants]) for at in range(8)
        )
        self.odd = set(pick)
        self.holes = {f"C{site:02}-0": 40 + site for site in range(0, self.sites, 5)}
        self.late = f"C{self.sites - 1:02}-1"
        self.silent = f"C{0:02}-1"
        self.times: dict[int, int] = {}
        self.open_entry: set[int] = set()  # tailgaters whose missing exit the next entry will show
        self.visits: list[tuple[str, str, str, int, int]] = []  # visitor, host, badge, in, out
        self.acknowledged: list[tuple[str, int, int]] = []
        self.logins: dict[int, list[tuple[int, str]]] = {
            site: [] for site in range(self.sites)
        }  # machine in zone 2 of a site: when, account

    def note(self, check: str, subject: str, count: int = 1) -> None:
        found = self.planted.setdefault(f"physical-access.{check}", {})
        found[subject] = found.get(subject, 0) + count

    def home(self, person: int) -> tuple[int, int]:
        return person % self.sites, 1 + person // self.sites % self.zones

    def comes(self, person: int, number: int) -> bool:
        return (number + person // self.sites // self.zones) % self.every == 0

    def day(self, number: int) -> list[Event]:
        """What happens on one day, in order of time."""
        found: list[Event] = []
        start = int((START + timedelta(days=number)).timestamp()) * 1000
        if (START + timedelta(days=number)).weekday() < 5:
            for person in range(self.staff):
                closed = number == CLOSED and person % self.sites == 0
                if self.comes(person, number) and person not in self.strangers and not closed:
                    found += self.session(person, number, start)
            for site in range(number == CLOSED, self.sites):
                found += self.vault(site, number, start + 4 * HOUR + self.dice.randrange(60) * MINUTE)
                if number % 5 == 1:
                    found += self.visit(site, number, start + 10 * HOUR + site * MINUTE)
        if number == 100:
            for person in sorted(self.strangers):
                site, badge = self.home(person)[0], f"B{100_000 + person}"
                self.note("denied-burst", badge)
                found += [[start + 40_000_000 + n * 1000, f"C{site:02}-0", f"C{site:02}-0-in", "in", badge, "denied"] for n in range(6)]
        if number == 203:
            for person in sorted(self.nightly):
                site, zone = self.home(person)
                self.note("schedule", f"zone{site:02}-{zone}")
                found += walk(start + 21 * HOUR, site, f"B{100_000 + person}", (0, "in"), (zone, "in"), (zone, "out"), (0, "out"))
        if number % 60 == 30:
            for at in range(self.plants):
                site = at % self.sites
                found.append([start + 3 * HOUR + at, f"C{site:02}-0", f"C{site:02}-0-in", "", "", "forced"])
                self.note("forced-door", f"C{site:02}-0-in")
                found.append([start + 4 * HOUR + at, f"C{site:02}-1", f"C{site:02}-1-in", "", "", "held"])
                self.note("held-door", f"C{site:02}-1-in")
        if number % 60 == 5:
            for site in range(self.sites):
                reader, at = f"C{site:02}-2-in", start + 11 * HOUR + site
                found.append([at, f"C{site:02}-2", reader, "", "", "held" if number % 120 == 5 else "forced"])
                self.acknowledged.append((reader, at, at + 2 * MINUTE))
        found.sort(key=lambda event: (event[0], event[4], event[2]))
        return found

    def session(self, person: int, number: int, start: int) -> list[Event]:
        dice = self.dice
        site, zone = self.home(person)
        badge = f"B{100_000 + person}"
        moments = sorted(start + 6 * HOUR + dice.randrange(12 * HOUR) for _ in range(4))
        moments = [moment + 1000 * place for place, moment in enumerate(moments)]
        places = [(0, "in"), (zone, "in"), (zone, "out"), (0, "out")]
        found: list[Event] = [
            [moment, f"C{site:02}-{at}", f"C{site:02}-{at}-{way}", way, badge, "granted"]
            for moment, (at, way) in zip(moments, places, strict=True)
        ]
        self.times[person] = self.times.get(person, 0) + 1
        area = f"zone{site:02}-{zone}"
        if f"C{site:02}-{zone}" == self.silent and 150 <= number < 171:
            found = [found[0], found[3]]
        elif person in self.open_entry:
            self.open_entry.discard(person)
            self.note("anti-passback", area)
            self.note("anti-passback", f"hall{site:02}")  # which they left twice, then
        elif person in self.tailgaters and self.times[person] % 9 == 4:
            del found[2]
            self.open_entry.add(person)
        elif zone == 2 and person % 7 == 0 and moments[2] - moments[1] > 10 * MINUTE:
            self.logins[site].append((moments[1] // 1000 + 120, f"u{person}"))
        if len(found) > 2 and person in self.orphans | self.unentitled:
            self.note("zone-rights", area)
        if person in self.copied and self.times[person] % 5 == 2 and moments[2] - moments[1] > 400_000:
            other = (site + 1) % self.sites
            self.note("impossible-travel", " - ".join(sorted((f"S{site:02}", f"S{other:02}"))))
            self.note("shared-badge", area)
            found += [
                [moments[1] + 200_000, f"C{other:02}-0", f"C{other:02}-0-in", "in", badge, "granted"],
                [moments[1] + 260_000, f"C{other:02}-0", f"C{other:02}-0-out", "out", badge, "granted"],
            ]
        return found

    def vault(self, site: int, number: int, at: int) -> list[Event]:
        """Two guards look after it together; on a planted day one of them leaves the other behind."""
        first, second = (f"B{100_000 + self.staff + half * self.sites + site}" for half in (0, 1))
        left = site < self.plants and number % 90 == 70
        if left:
            self.note("four-eyes", f"vault{site:02}")
        found = walk(at, site, first, (0, "in"), ("v", "in"))
        found += walk(at + 5000, site, second, (0, "in"), ("v", "in"))
        found += walk(at + 20 * MINUTE, site, second, ("v", "out"), (0, "out"))
        return found + walk(at + (40 if left else 20) * MINUTE + 5000, site, first, ("v", "out"), (0, "out"))

    def visit(self, site: int, number: int, at: int) -> list[Event]:
        """Somebody whose day it is not receives a visitor, goes in first and comes out last; on a planted day the host stays behind in the hall."""
        host = next(person for person in range(site, self.staff, self.sites) if self.comes(person, number - 3) and person not in self.odd)
        badge, (_, zone) = f"V{site:02}-{number:03}", self.home(host)
        if f"C{site:02}-{zone}" == self.silent and 150 <= number < 171:
            return []
        alone = site < self.plants and number == 206
        ends = at + 40 * MINUTE
        self.visits.append((f"g{number}-{site}", f"u{host}", badge, at - MINUTE, ends + 5 * MINUTE))
        inside: list[tuple[int | str, str]] = [] if alone else [(zone, "in")]
        found = walk(at, site, f"B{100_000 + host}", (0, "in"), *inside)
        found += walk(at + 10_000, site, badge, (0, "in"), (zone, "in"))
        found += walk(ends, site, badge, (zone, "out"), (0, "out"))
        if alone:
            self.note("escort", f"zone{site:02}-{zone}")
        return found + walk(ends + 10_000, site, f"B{100_000 + host}", *([] if alone else [(zone, "out")]), (0, "out"))


def walk(at: int, site: int, badge: str, *steps: tuple[int | str, str]) -> list[Event]:
    """A badge through doors of a site, a minute each."""
    return [
        [at + place * MINUTE, f"C{site:02}-{door}", f"C{site:02}-{door}-{way}", way, badge, "granted"]
        for place, (door, way) in enumerate(steps)
    ]


def write(folder: Path, events: int) -> dict[str, Any]:
    """Everything the module's docstring names. Returns the planted."""
    from benchmarks.badge_tables import beside

    world = World(events)
    folder.mkdir(parents=True, exist_ok=True)
    numbers: dict[str, int] = {}
    rows = twice = 0
    dice = random.Random(11)
    with (folder / "log.csv").open("w") as out:
        out.write(HEAD)
        for number in range(DAYS):
            lines = []
            for moment, controller, reader, way, badge, code in world.day(number):
                count = numbers[controller] = numbers.get(controller, 0) + 1
                if controller in world.holes and 300 <= count < 300 + 7 * world.holes[controller] and count % 7 == 0:
                    world.note("sequence", controller)
                    world.note("anti-passback", f"hall{controller[1:3]}")  # what was lost there breaks the alternation
                    continue
                late = 420_000 if controller == world.late else dice.randrange(200, 5000)
                line = f"{stamp(moment)},{stamp(moment + late)},{controller},{count},{reader},{way},{badge},{code}\n"
                lines.append(line)
                if controller not in world.holes and count == 777 and twice < world.plants:
                    twice += 1
                    lines.append(line)
                    world.note("sequence", controller)
            out.writelines(lines)
            rows += len(lines)
    (folder / "map.toml").write_text(MAP)
    beside(world, folder, numbers)
    planted = {"rows": rows, "people": world.people, "bytes": (folder / "log.csv").stat().st_size, "found": world.planted}
    (folder / "planted.json").write_text(json.dumps(planted, indent=1, sort_keys=True) + "\n")
    return planted


def stamp(ms: int) -> str:
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{ms % 1000:03}Z"


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--events", type=int, default=200_000)
    options = parser.parse_args()
    print(json.dumps({key: value for key, value in write(options.folder, options.events).items() if key != "found"}))
