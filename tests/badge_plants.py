"""What can be wrong in a world of badges: one thing for each check, so that no other check has a reason to speak unless that is said here, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.badge_world import _Life

Row = dict[str, Any]
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


def plant(life: _Life) -> None:
    for one in (
        lost_numbers, silent_reader, slow_clock, lost_exit, clone, shared, orphan, leaver, dormant, expired, forced, held, burst, no_right,
        at_night, unescorted, not_closed, alone, skipping_door, two_holders, remote_console, dark_camera, dead_camera,
    ):  # fmt: skip
        one(life)


def _say(life: _Life, check: str, *subjects: str) -> None:
    life.planted.setdefault(f"physical-access.{check}", set()).update(subjects)


def _sunday(life: _Life, number: int) -> int:
    """A Sunday noon on which nobody works; each plant has its own."""
    return life.ms(7 * (6 + number), 720)


def _worker(life: _Life, number: int) -> str:
    """Somebody of the north, no guard, with a right to room1 or to room2."""
    able = [who for who in life.people[4:] if life.home[who] == "north"]
    return able[number % len(able)]


def lost_numbers(life: _Life) -> None:
    """Three refusals are taken out after they were numbered."""
    refusals = [place for place, row in enumerate(life.rows) if row["event"] == "DENIED_NO_RIGHTS" and row["source"].endswith("south-C1")]
    life.lost.update(refusals[3:6])
    _say(life, "sequence", f"{life.name}south-C1")


def silent_reader(life: _Life) -> None:
    """A reader of the car park writes nothing for three weeks, and nothing is missing from the numbers."""
    reader, start = f"{life.area('south', 'park2')}-in", life.ms(150, 0)
    life.rows[:] = [row for row in life.rows if not (row["access_point"] == reader and start <= row["event_time"] < start + 21 * DAY)]
    _say(life, "silent-door", reader)


def slow_clock(life: _Life) -> None:
    """The controller of a car park is seven minutes slow."""
    for row in life.rows:
        if row["source"] == f"{life.name}south-C2":
            row["event_time"] -= 420_000
    _say(life, "clock", f"{life.name}south-C2")


def lost_exit(life: _Life) -> None:
    """Somebody follows a colleague out of an office; the reader sees one of them."""
    who, start = _worker(life, 1), life.ms(60, 0)
    reader = f"{life.area('north', life.office[who])}-out"
    exits = [
        row for row in life.rows if row["credential"] == life.badge(who) and row["access_point"] == reader and row["event_time"] > start
    ]
    first = min(exits, key=lambda row: row["event_time"])
    life.rows[:] = [row for row in life.rows if row is not first]
    _say(life, "anti-passback", life.area("north", life.office[who]), life.area("north", "corridor"))


def clone(life: _Life) -> None:
    """A copy of a badge is tried in the south, five minutes after its holder parked in the north."""
    who, at = _worker(life, 2), _sunday(life, 1)
    life.event(at, f"{life.area('north', 'park1')}-in", who)
    life.event(at + 5 * MINUTE, f"{life.area('south', 'hall')}-in", who, "DENIED_CREDENTIAL_INACTIVE")
    _say(life, "impossible-travel", f"{life.name}north - {life.name}south")


def shared(life: _Life) -> None:
    """While its holder is in one office, the badge goes into another and out again: the corridor sees it leave twice."""
    who, at = _worker(life, 3), _sunday(life, 2)
    office = life.office[who]
    other = "office1" if office != "office1" else "office2"
    at = life.walk(at, who, "north", "hall-in", "corridor-in", f"{office}-in")
    again = life.walk(at + 10 * MINUTE, who, "north", f"{other}-in")
    again = life.walk(again + 10 * MINUTE, who, "north", f"{other}-out")
    life.walk(again + HOUR, who, "north", f"{office}-out", "corridor-out", "hall-out")
    _say(life, "shared-badge", life.area("north", office))
    _say(life, "anti-passback", life.area("north", "corridor"))


def orphan(life: _Life) -> None:
    life.event(_sunday(life, 3), f"{life.area('north', 'park3')}-in", None, badge=f"{life.name}x999")
    _say(life, "orphan-badge", f"{life.name}x999")


def leaver(life: _Life) -> None:
    """Somebody who left in the spring parks a month later."""
    who = f"{life.name}p900"
    life.staff.append({"id": who, "account": who, "badge": life.badge(who), "status": "left", "left_on": "2026-03-10"})
    life.extra_cards.append(
        {"credential": life.badge(who), "subject": who, "kind": "staff", "valid_from": life.ms(-30, 0), "valid_to": life.ms(400, 0)}
    )
    life.event(life.ms(318, 700), f"{life.area('north', 'park3')}-in", who)
    _say(life, "leaver-badge", life.badge(who))


def dormant(life: _Life) -> None:
    who = f"{life.name}p901"
    life.staff.append({"id": who, "account": who, "badge": life.badge(who), "status": "active", "left_on": ""})
    life.extra_cards.append(
        {"credential": life.badge(who), "subject": who, "kind": "staff", "valid_from": life.ms(-30, 0), "valid_to": life.ms(400, 0)}
    )
    life.event(life.ms(100, 700), f"{life.area('north', 'park3')}-in", who)
    _say(life, "dormant-badge", life.badge(who))


def expired(life: _Life) -> None:
    """One badge opens the car park after its end, another has none."""
    late, endless = f"{life.name}p902", f"{life.name}p903"
    for who, end in ((late, life.ms(300, 0)), (endless, None)):
        life.staff.append({"id": who, "account": who, "badge": life.badge(who), "status": "active", "left_on": ""})
        life.extra_cards.append(
            {"credential": life.badge(who), "subject": who, "kind": "contractor", "valid_from": life.ms(200, 0), "valid_to": end}
        )
        life.event(life.ms(360, 700), f"{life.area('north', 'park3')}-in", who)
        _say(life, "expired-badge", life.badge(who))


def forced(life: _Life) -> None:
    reader = f"{life.area('north', 'room2')}-in"
    life.event(_sunday(life, 4), reader, None, "DOOR_FORCED_OPEN")
    _say(life, "forced-door", reader)


def held(life: _Life) -> None:
    reader = f"{life.area('south', 'room2')}-in"
    life.event(_sunday(life, 5), reader, None, "DOOR_OPEN_TOO_LONG")
    _say(life, "held-door", reader)


def burst(life: _Life) -> None:
    at, who = _sunday(life, 6), _worker(life, 4)
    for number in range(6):
        life.event(at + 20_000 * number, f"{life.area('north', 'hall')}-in", who, "DENIED_INCORRECT_PIN")
    _say(life, "denied-burst", life.badge(who))


def no_right(life: _Life) -> None:
    """Somebody goes into the room of the other group, and out again, at an hour at which others may; nobody who could be in the vault then."""
    who = next(who for who in reversed(life.people) if life.home[who] == "north" and not life.may(who, "vault"))
    at = life.ms(7 * 6 + 1, 435)
    room = "room2" if life.may(who, "room1") else "room1"
    life.walk(at, who, "north", "hall-in", "corridor-in", f"{room}-in")
    life.walk(at + 10 * MINUTE, who, "north", f"{room}-out", "corridor-out", "hall-out")
    _say(life, "zone-rights", life.area("north", room))


def at_night(life: _Life) -> None:
    who, at = _worker(life, 6), life.ms(7 * 8 + 2, 23 * 60)
    room = "room1" if life.may(who, "room1") else "room2"
    life.walk(at, who, "north", "hall-in", "corridor-in", f"{room}-in")
    life.walk(at + 10 * MINUTE, who, "north", f"{room}-out", "corridor-out", "hall-out")
    _say(life, "schedule", life.area("north", room))


def unescorted(life: _Life) -> None:
    """A visitor goes on alone into a room of the south while the host waits in the corridor."""
    host = next(who for who in life.people[4:] if life.home[who] == "south" and not life.may(who, "vault"))
    room = "room1" if life.may(host, "room1") else "room2"
    badge, at = f"{life.name}v77-south", life.ms(7 * 9 + 3, 435)
    for step in ("hall-in", "corridor-in"):
        life.step(at, host, "south", *step.split("-"))
        at = life.step(at + 6000, host, "south", *step.split("-"), badge) + 5000
    at = life.walk(at + 2 * MINUTE, host, "south", f"{room}-in", badge=badge)
    at = life.walk(at + 5 * MINUTE, host, "south", f"{room}-out", badge=badge)
    for step in ("corridor-out", "hall-out"):
        life.step(at + 6000, host, "south", *step.split("-"))
        at = life.step(at, host, "south", *step.split("-"), badge) + 15_000
    life.visits.append(
        {"visitor": f"{life.name}g900", "host": host, "credential": badge, "time_in": at - 30 * MINUTE, "time_out": at + 5 * MINUTE}
    )
    _say(life, "escort", life.area("south", room))


def not_closed(life: _Life) -> None:
    life.visits.append(
        {
            "visitor": f"{life.name}g901",
            "host": life.people[5],
            "credential": f"{life.name}v78-north",
            "time_in": _sunday(life, 7),
            "time_out": None,
        }
    )
    _say(life, "escort", "visits")


def alone(life: _Life) -> None:
    """One of those with a right goes into the vault alone, on a day without anything else there."""
    who = next(who for who in life.people[4:] if life.home[who] == "south" and life.may(who, "vault"))
    at = _sunday(life, 8)
    life.walk(at, who, "south", "hall-in", "corridor-in", "vault-in")
    life.walk(at + 10 * MINUTE, who, "south", "vault-out", "corridor-out", "hall-out")
    _say(life, "four-eyes", life.area("south", "vault"))


def skipping_door(life: _Life) -> None:
    """A fire door of the table, never used, leads from the street into a room."""
    for way, sides in (("in", ("street", "room2")), ("out", ("room2", "street"))):
        life.extra_doors.append(
            {
                "access_point": f"{life.area('south', 'fire')}-{way}",
                "door": life.area("south", "fire"),
                "site": f"{life.name}south",
                "area_from": life.area("south", sides[0]),
                "area_to": life.area("south", sides[1]),
                "has_exit_reader": True,
            }
        )
    _say(life, "zones", life.area("south", "fire"))


def two_holders(life: _Life) -> None:
    """One badge for two people at one time, and two badges for one; none of them is used in a room."""
    first, second = life.people[4], life.people[6]
    badge = f"{life.name}s1"
    life.event(life.ms(350, 700), f"{life.area('north', 'park3')}-in", None, badge=badge)
    for who in (first, second):
        life.extra_cards.append(
            {"credential": badge, "subject": who, "kind": "staff", "valid_from": life.ms(100, 0), "valid_to": life.ms(600, 0)}
        )
    _say(life, "individual", badge, first, second)


def remote_console(life: _Life) -> None:
    """A login at the console in the middle of a night."""
    life.logins.append((life.ms(7 * 20 + 2, 2 * 60 + 30) // 1000, "tty1", "root"))
    _say(life, "console-presence", f"{life.name}host")


def dark_camera(life: _Life) -> None:
    """One file of a camera is missing."""
    camera = f"{life.name}north-gate"
    place = [number for number, row in enumerate(life.recordings) if row["camera"] == camera][700]
    del life.recordings[place]
    _say(life, "retention", f"{camera}: recordings")


def dead_camera(life: _Life) -> None:
    """A camera records nothing more since a day."""
    camera = f"{life.name}south-hall"
    life.recordings[:] = [row for row in life.recordings if not (row["camera"] == camera and row["end"] > life.recordings[-1]["end"] - DAY)]
    _say(life, "retention", f"{camera}: recordings")
