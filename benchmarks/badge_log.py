"""A year of a data centre's doors, invented, with anomalies that are known because they were planted.

    python -m benchmarks.badge_log FOLDER [--events 200000]

Writes log.csv, map.toml, doors.csv, credentials.csv, travel.csv, people.csv and planted.json: {check: {subject: how many}} of all that must be
found. Whoever works comes on weekdays, passes the main door, a zone's door in and out, and the main door again; nothing else happens that is
not planted. The same size gives the same bytes.
"""

from __future__ import annotations

import argparse
import json
import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

START = datetime(2025, 6, 2, tzinfo=UTC)
DAYS = 365
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
doors = "doors.csv"
credentials = "credentials.csv"
travel = "travel.csv"
[time]
zone = "UTC"
"""
Event = list[Any]  # moment in ms, controller, reader, way, badge, code


class World:
    """Sites, their zones and people, and what goes wrong. plants: how many of each kind."""

    def __init__(self, events: int) -> None:
        self.dice = random.Random(7)
        self.people = max(400, events // 100)
        self.sites = max(2, min(20, self.people // 400))
        self.zones = max(2, min(9, self.people // self.sites // 100))
        self.every = max(1, round(self.people * 4 * DAYS * 5 / 7 / events))  # each comes on every so manieth weekday
        self.plants = max(3, events // 200_000)
        self.planted: dict[str, dict[str, int]] = {}
        pick = self.dice.sample(range(self.people), 6 * self.plants)
        self.tailgaters, self.copied, self.left, self.expired, self.orphans, self.strangers = (
            set(pick[at * self.plants : (at + 1) * self.plants]) for at in range(6)
        )
        self.holes = {f"C{site:02}-0": 40 + site for site in range(0, self.sites, 5)}
        self.late = f"C{self.sites - 1:02}-1"
        self.silent = f"C{0:02}-1"
        self.times: dict[int, int] = {}
        self.open_entry: set[int] = set()  # tailgaters whose missing exit the next entry will show

    def note(self, check: str, subject: str, count: int = 1) -> None:
        found = self.planted.setdefault(check, {})
        found[subject] = found.get(subject, 0) + count

    def home(self, person: int) -> tuple[int, int]:
        return person % self.sites, 1 + person // self.sites % self.zones

    def day(self, number: int) -> list[Event]:
        """What happens on one day, in order of time."""
        found: list[Event] = []
        start = int((START + timedelta(days=number)).timestamp()) * 1000
        if (START + timedelta(days=number)).weekday() < 5:
            for person in range(self.people):
                if (number + person // self.sites // self.zones) % self.every == 0 and person not in self.strangers:
                    found += self.session(person, number, start)
        if number == 100:
            for person in sorted(self.strangers):
                site, badge = self.home(person)[0], f"B{100_000 + person}"
                self.note("physical-access.denied-burst", badge)
                found += [[start + 40_000_000 + n * 1000, f"C{site:02}-0", f"C{site:02}-0-in", "in", badge, "denied"] for n in range(6)]
        if number % 60 == 30:
            for at in range(self.plants):
                site = at % self.sites
                found.append([start + 3 * 3_600_000 + at, f"C{site:02}-0", f"C{site:02}-0-in", "", "", "forced"])
                self.note("physical-access.forced-door", f"C{site:02}-0-in")
                found.append([start + 4 * 3_600_000 + at, f"C{site:02}-1", f"C{site:02}-1-in", "", "", "held"])
                self.note("physical-access.held-door", f"C{site:02}-1-in")
        found.sort(key=lambda event: (event[0], event[4], event[2]))
        return found

    def session(self, person: int, number: int, start: int) -> list[Event]:
        dice = self.dice
        site, zone = self.home(person)
        badge = f"B{100_000 + person}"
        moments = sorted(start + 6 * 3_600_000 + dice.randrange(12 * 3_600_000) for _ in range(4))
        moments = [moment + 1000 * place for place, moment in enumerate(moments)]
        places = [(0, "in"), (zone, "in"), (zone, "out"), (0, "out")]
        found: list[Event] = [
            [moment, f"C{site:02}-{at}", f"C{site:02}-{at}-{way}", way, badge, "granted"]
            for moment, (at, way) in zip(moments, places, strict=True)
        ]
        self.times[person] = self.times.get(person, 0) + 1
        if f"C{site:02}-{zone}" == self.silent and 150 <= number < 171:
            found = [found[0], found[3]]
        elif person in self.open_entry:
            self.open_entry.discard(person)
            self.note("physical-access.anti-passback", f"zone{site:02}-{zone}")
            self.note("physical-access.anti-passback", f"hall{site:02}")  # which they left twice, then
        elif person in self.tailgaters and self.times[person] % 9 == 4:
            del found[2]
            self.open_entry.add(person)
        if person in self.copied and self.times[person] % 5 == 2 and moments[2] - moments[1] > 400_000:
            other = (site + 1) % self.sites
            self.note("physical-access.impossible-travel", " - ".join(sorted((f"S{site:02}", f"S{other:02}"))))
            self.note("physical-access.shared-badge", f"zone{site:02}-{zone}")
            found += [
                [moments[1] + 200_000, f"C{other:02}-0", f"C{other:02}-0-in", "in", badge, "granted"],
                [moments[1] + 260_000, f"C{other:02}-0", f"C{other:02}-0-out", "out", badge, "granted"],
            ]
        return found


def write(folder: Path, events: int) -> dict[str, Any]:
    """Everything the module's docstring names. Returns the planted."""
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
                    world.note("physical-access.sequence", controller)
                    world.note("physical-access.anti-passback", f"hall{controller[1:3]}")  # what was lost there breaks the alternation
                    continue
                late = 420_000 if controller == world.late else dice.randrange(200, 5000)
                line = f"{stamp(moment)},{stamp(moment + late)},{controller},{count},{reader},{way},{badge},{code}\n"
                lines.append(line)
                if controller not in world.holes and count == 777 and twice < world.plants:
                    twice += 1
                    lines.append(line)
                    world.note("physical-access.sequence", controller)
            out.writelines(lines)
            rows += len(lines)
    (folder / "map.toml").write_text(MAP)
    doors = ["access_point,door,site,area_from,area_to,level,has_exit_reader"]
    for site in range(world.sites):
        for at in range(world.zones + 1):
            inside, outside = (f"hall{site:02}", f"street{site:02}") if at == 0 else (f"zone{site:02}-{at}", f"hall{site:02}")
            level = "internal" if at == 0 else "restricted"
            doors.append(f"C{site:02}-{at}-in,C{site:02}-{at},S{site:02},{outside},{inside},{level},yes")
            doors.append(f"C{site:02}-{at}-out,C{site:02}-{at},S{site:02},{inside},{outside},{'public' if at == 0 else 'internal'},yes")
    (folder / "doors.csv").write_text("\n".join(doors) + "\n")
    sites = [f"S{site:02}" for site in range(world.sites)]
    (folder / "travel.csv").write_text(
        "site_a,site_b,minutes\n" + "".join(f"{a},{b},20\n" for at, a in enumerate(sites) for b in sites[at + 1 :])
    )
    cards, people = ["credential,subject,kind,valid_from,valid_to,status"], ["id,name,badge,status,left_on"]
    gone = date(2025, 12, 1)
    for person in range(world.people):
        badge = f"B{100_000 + person}"
        if person in world.orphans or person in world.strangers:
            continue
        end = "2025-10-01" if person in world.expired else "2027-01-01"
        cards.append(f"{badge},u{person},staff,2025-01-01,{end},active")
        people.append(
            f"u{person},Person {person},{badge},{'left' if person in world.left else 'active'},{gone if person in world.left else ''}"
        )
    (folder / "credentials.csv").write_text("\n".join(cards) + "\n")
    (folder / "people.csv").write_text("\n".join(people) + "\n")
    for check, who in (("leaver-badge", world.left), ("expired-badge", world.expired), ("orphan-badge", world.orphans)):
        for person in who:
            world.note(f"physical-access.{check}", f"B{100_000 + person}")
    world.note("physical-access.clock", world.late)
    world.note("physical-access.silent-door", f"{world.silent}-in")
    world.note("physical-access.silent-door", f"{world.silent}-out")
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
