"""physical-access.console-presence: who logs in at a machine's console is in the room."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sovaudit.content.checks.physical_access.console_presence import console_presence

from sovaudit.facts.host import Host
from sovaudit.facts.roster import Roster
from sovaudit.testing import badges_with, host_with, run, verdicts
from tests.badge_hall import DOORS, staff, walk

STANDS = [{"host": "host", "area": "room"}]
INSIDE = [*walk("B1", "08:00 room-in", "09:00 room-out"), *walk("B2", "06:00 hall-in", "18:00 hall-out")]
ANNA = {"id": "anna", "account": "anna", "badge": "B1", "status": "active"}
BADR = {"id": "badr", "account": "badr", "badge": "B2", "status": "active"}


def seconds(at: str) -> int:
    return int(datetime.fromisoformat(f"2026-03-02 {at}").replace(tzinfo=UTC).timestamp())


def host(*logins: str, since: str = "00:00:00", **more: Any) -> Host:
    """`host("08:30:00 tty1 root")`."""
    rows = [f"since {seconds(since)}", *(f"{seconds(at)} {rest}" for at, rest in (login.split(" ", 1) for login in logins))]
    return host_with(artifacts={"console-logins": "".join(f"{row}\n" for row in rows)}, **more)


def said(*hosts: Host, rows: list[dict[str, Any]] = INSIDE, people: Roster | None = None, **more: Any) -> dict[str, str]:
    log = badges_with(rows, **{"doors": DOORS, "hosts": STANDS, **more})
    return verdicts(run(console_presence, log, hosts, people))


def test_somebody_was_inside() -> None:
    assert said(host("08:30:00 tty1 root")) == {"host": "pass"}
    assert said(host("10:30:00 tty1 root")) == {"host": "fail"}


def test_the_edges() -> None:
    assert said(host("09:05:00 tty1 root")) == {"host": "pass"}
    assert said(host("09:05:01 tty1 root")) == {"host": "fail"}
    assert said(host("08:00:00 tty1 root")) == {"host": "pass"}
    assert said(host("07:59:59 ttyS0 root")) == {"host": "fail"}


def test_the_person_must_be_the_one() -> None:
    people = staff(ANNA, BADR)
    assert said(host("08:30:00 tty1 anna"), people=people) == {"host": "pass"}
    assert said(host("08:30:00 tty1 badr"), people=people) == {"host": "fail"}
    assert said(host("08:30:00 tty1 root"), people=people) == {"host": "pass"}
    assert said(host("08:30:00 tty1 badr"), people=staff(ANNA, BADR, {**ANNA, "id": "zoe", "account": "badr", "badge": "B3"})) == {
        "host": "pass"
    }


def test_logins_outside_of_the_log_are_not_judged() -> None:
    assert said(host("05:59:59 tty1 root", "18:00:01 tty1 root")) == {"host": "pass"}
    assert said(host("18:00:00 tty1 root")) == {"host": "fail"}


def test_who_was_inside_when_the_log_begins() -> None:
    rows = [*walk("B1", "09:00 room-out"), *walk("B2", "06:00 hall-in", "18:00 hall-out")]
    assert said(host("08:30:00 tty1 root"), rows=rows) == {"host": "pass"}


def test_a_contradiction_nearby() -> None:
    rows = [*INSIDE, *walk("B3", "11:00 room-out", "12:00 room-out")]
    assert said(host("14:30:00 tty1 root"), rows=rows) == {"host": "unknown"}


def test_what_nobody_says() -> None:
    one = host("08:30:00 tty1 root")
    assert said(one, hosts=[]) == {"host": "unknown"}
    assert said(one, hosts=[{"host": "other", "area": "room"}]) == {"host": "unknown", "other": "unknown"}
    assert said(one, hosts=[*STANDS, {"host": "HOST", "area": "hall"}]) == {"host": "unknown"}
    assert said(one, hosts=[{"host": "host", "area": "attic"}]) == {"host": "unknown"}
    assert said(hosts=STANDS) == {"host": "unknown"}
    assert said(hosts=[]) == {"": "unknown"}
    assert verdicts(run(console_presence, badges_with(INSIDE, doors=DOORS), (one,), None)) == {"": "unknown"}


def test_wtmp_that_was_not_seen_or_is_too_young() -> None:
    assert said(host_with(unseen=["console-logins"])) == {"host": "unknown"}
    assert said(host_with(artifacts={"console-logins": ""})) == {"host": "unknown"}
    assert said(host(since="18:00:00")) == {"host": "pass"}
    assert said(host(since="18:00:01")) == {"host": "unknown"}


def test_an_area_of_which_nobody_knows_who_is_inside() -> None:
    doors = [{**row, "has_exit_reader": False} for row in DOORS if row["access_point"] != "room-out"]
    assert said(host("10:30:00 tty1 root"), doors=doors) == {"host": "unknown"}


def test_what_was_not_understood() -> None:
    assert said(host("08:30:00 tty1 root"), refused={"time": 1}) == {"host": "unknown"}
    assert said(host("10:30:00 tty1 root"), refused={"time": 1}) == {"host": "unknown"}


def test_names_of_hosts() -> None:
    assert said(host("10:30:00 tty1 root"), hosts=[{"host": "Host", "area": "room"}]) == {"host": "fail"}
