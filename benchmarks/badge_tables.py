"""What stands beside the log of badge_log: doors, zones, badges, rights, visits and the rest, with what is planted in them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.badge_log import World

GONE = "2025-12-01"
NIGHT = datetime(2026, 2, 7, 2, tzinfo=UTC)  # a Saturday on which nobody is anywhere
HOLIDAY = "2026-01-12"


def beside(world: World, folder: Path, numbers: Mapping[str, int]) -> None:
    """numbers: the last number of each controller."""

    def table(name: str, head: str, rows: Iterable[str]) -> None:
        (folder / f"{name}.csv").write_text("\n".join([head, *rows]) + "\n")

    sites = [f"S{site:02}" for site in range(world.sites)]
    table("doors", "access_point,door,site,area_from,area_to,level,has_exit_reader", _doors(world))
    table("zones", "area,site,level,min_persons", _zones(world))
    table("travel", "site_a,site_b,minutes", (f"{a},{b},20" for at, a in enumerate(sites) for b in sites[at + 1 :]))
    table("holidays", "day,site", [f"{HOLIDAY},S00"])
    table("schedules", "schedule,days,time_from,time_to", ["office,mon-fri,05:00,19:00"])
    table("hosts", "host,area", (f"h{site:02},zone{site:02}-2" for site in range(world.sites)))
    table(
        "acknowledgements", "access_point,event_time,acknowledged_at",
        (f"{reader},{_iso(at)},{_iso(done)}" for reader, at, done in world.acknowledged),
    )  # fmt: skip
    world.note("sequence", "C01-2")  # whose own counter is ahead of the log
    table("controllers", "source,last_sequence", (f"{name},{last + (name == 'C01-2')}" for name, last in sorted(numbers.items())))
    world.note("retention", "K03")
    table("video", "camera,oldest,newest", (f"K{at:02},{'2025-12-01' if at == 3 else '2026-04-01'},2026-06-01" for at in range(20)))
    world.note("escort", "visits")
    world.visits.append(("g999", "u1", "V99-999", int(datetime(2026, 5, 4, 9, tzinfo=UTC).timestamp()) * 1000, 0))
    table(
        "visits", "visitor,host,credential,time_in,time_out",
        (f"{who},{host},{badge},{_iso(begin)},{_iso(end) if end else ''}" for who, host, badge, begin, end in world.visits),
    )  # fmt: skip
    _people(world, table)
    _logins(world, folder)


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _doors(world: World) -> Iterable[str]:
    for site in range(world.sites):
        for at in [*range(world.zones + 1), "v"]:
            outside, inside = ("street", "hall") if at == 0 else ("hall", "vault" if at == "v" else "zone")
            one, other = f"{outside}{site:02}", f"{inside}{site:02}{f'-{at}' if inside == 'zone' else ''}"
            yield f"C{site:02}-{at}-in,C{site:02}-{at},S{site:02},{one},{other},,yes"
            yield f"C{site:02}-{at}-out,C{site:02}-{at},S{site:02},{other},{one},,yes"
    world.note("zones", "fire")  # a door past the hall, never used
    yield "fire-in,fire,S01,street01,zone01-1,,yes"
    yield "fire-out,fire,S01,zone01-1,street01,,yes"


def _zones(world: World) -> Iterable[str]:
    for site in range(world.sites):
        yield f"street{site:02},S{site:02},public,"
        yield f"hall{site:02},S{site:02},internal,"
        yield f"vault{site:02},S{site:02},restricted,2"
        for at in range(1, world.zones + 1):
            yield f"zone{site:02}-{at},S{site:02},restricted,"


def _people(world: World, table: object) -> None:
    assert callable(table)
    cards: list[str] = []
    people: list[str] = []
    rights: list[str] = []
    for person in range(world.people):
        badge, (site, zone) = f"B{100_000 + person}", world.home(person)
        if person in world.orphans or person in world.strangers:
            continue
        cards.append(f"{badge},u{person},staff,2025-01-01,{'2025-10-01' if person in world.expired else '2027-01-01'},active")
        left = person in world.left
        people.append(f"u{person},Person {person},u{person},{badge},{'left' if left else 'active'},{GONE if left else ''}")
        if person not in world.unentitled and person < world.staff:
            rights.append(f"u{person},zone{site:02}-{zone},office,,")
    for check, who in (("leaver-badge", world.left), ("expired-badge", world.expired), ("orphan-badge", world.orphans)):
        for person in who:
            world.note(check, f"B{100_000 + person}")
    for at in range(world.plants):
        cards.append(f"D{at},d{at},staff,2025-01-01,2027-01-01,active")
        people.append(f"d{at},Person D{at},d{at},D{at},active,")
        world.note("dormant-badge", f"D{at}")
        cards += [f"E{at},{who}{at},contractor,2026-05-01,2026-12-01,active" for who in "ef"]  # one badge for two
        world.note("individual", f"E{at}")
        cards += [f"{badge}{at},g{at},contractor,2026-05-01,2026-12-01,active" for badge in "FG"]  # two for one
        world.note("individual", f"g{at}")
    cards += [f"{badge},,visitor,,,returned" for _, _, badge, _, _ in world.visits]
    guards = [(f"guards{site:02}", f"u{world.staff + half * world.sites + site}") for site in range(world.sites) for half in (0, 1)]
    rights += [f"guards{site:02},vault{site:02},,2025-01-01,2027-01-01" for site in range(world.sites)]
    table("members", "member_of,subject", (f"{team},{person}" for team, person in guards))
    table("credentials", "credential,subject,kind,valid_from,valid_to,status", cards)
    table("people", "id,name,account,badge,status,left_on", people)
    table("rights", "subject,area,schedule,valid_from,valid_to", rights)
    world.note("clock", world.late)
    world.note("silent-door", f"{world.silent}-in")
    world.note("silent-door", f"{world.silent}-out")


def _logins(world: World, folder: Path) -> None:
    """Logins at the console of the machine in each site's second zone: its people while they are inside, and once nobody's."""
    unsure = {world.home(person)[0] for person in world.tailgaters if world.home(person)[1] == 2}
    site = next((site for site in range(world.sites) if site not in unsure), None)
    if site is not None:
        world.logins[site].append((int(NIGHT.timestamp()), "root"))
        world.note("console-presence", f"h{site:02}")
    found = {f"h{number:02}": sorted(rows) for number, rows in world.logins.items()}
    (folder / "logins.json").write_text(json.dumps(found) + "\n")
