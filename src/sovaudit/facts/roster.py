"""The roster: who works here, who has left and when, from every `people:` file of the audit.

A person is an id. Nothing is guessed: what a row does not say, or what two rows say differently, makes that person's standing unclear.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum, unique
from functools import cached_property
from typing import Any, ClassVar

from sovaudit.bulk import growing
from sovaudit.facts.files import Unseen
from sovaudit.facts.listed import FromLists, day
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason


@unique
class Standing(StrEnum):
    """Where somebody stands on a day."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    LEFT = "left"
    UNCLEAR = "unclear"


@dataclass(slots=True)
class Person:
    """One id of the roster.

    accounts: logins, DNs or addresses that its rows declare. badges: of its badges, the pseudonyms unless names were asked for. person: the id's
    pseudonym, empty where the evidence names people. status: as the rows have it, empty where they have none. left_on: the last day.
    joined_on: first day of the last employment. doubt: why the rows cannot be believed, empty if they can. rows: the first of them, by file and line.
    """

    id: str
    status: str = ""
    left_on: date | None = None
    accounts: tuple[str, ...] = ()
    badges: tuple[str, ...] = ()
    person: str = ""
    joined_on: date | None = None
    doubt: str = ""
    rows: tuple[tuple[str, int], ...] = ()

    @property
    def because(self) -> tuple[Line, ...]:
        """Its first rows, without its name."""
        said = {"id": self.id, "account": " ".join(self.accounts), "status": self.status, "left_on": self.left_on}
        text = ", ".join(f"{name} {value}" for name, value in said.items() if value)
        return tuple(Line(name, line, text) for name, line in self.rows[:3])

    def standing(self, on: date) -> tuple[Standing, str]:
        """Where the person stands on a day, and why that is unclear.

        `left` holds unless its date is yet to come; without a status the date alone decides, from the day after it. `active` beside a date that has
        passed is unclear, unless the person came back since.
        """
        if self.doubt:
            return Standing.UNCLEAR, self.doubt
        over = self.left_on is not None and self.left_on < on
        if over and self.joined_on is not None and self.left_on is not None and self.left_on < self.joined_on <= on:
            over = False
        if self.status == "left":
            return (Standing.ACTIVE, "") if self.left_on is not None and self.left_on > on else (Standing.LEFT, "")
        if self.status and over:
            return Standing.UNCLEAR, f"the status is {self.status}, and the last day was {self.left_on}"
        if self.status:
            return Standing(self.status), ""
        return (Standing.LEFT if over else Standing.ACTIVE), ""


_Rows = list[tuple[int, Mapping[str, Any]]]


class Roster(FromLists):
    """Facts about people. Everything is lazy; each may raise Unseen, which the engine turns into `unknown`."""

    kinds: ClassVar[tuple[str, ...]] = ("people",)

    @cached_property
    @growing()
    def people(self) -> tuple[Person, ...]:
        """One for each id, and one for each row without an id. Raises Unseen for a roster that holds nobody."""
        places: dict[str, int] = {}
        again: dict[str, _Rows] = {}  # ids of several rows: all others are done when they are read
        found: list[Person] = []
        for number, row in self._listed.rows():
            name = row.get("id", "")
            if not isinstance(name, str):
                raise Unseen(_MALFORMED)
            if name in places:
                again[name] = []
            else:
                if name:
                    places[name] = len(found)
                found.append(self._alone(name, number, row))
        if again:
            alone = {places[name] for name in again}
            found = [person for place, person in enumerate(found) if place not in alone]
            for number, row in self._listed.rows():
                if row.get("id") in again:
                    again[row["id"]].append((number, row))
            found += (self._person(name, rows) for name, rows in again.items())
        if not found:
            raise Unseen(Gap("people/rows", Reason.ABSENT, "the roster holds nobody"))
        return tuple(found)

    def ready(self) -> None:
        """Read what nearly every question needs. Raises Unseen."""
        _ = self.people

    @cached_property
    def by_id(self) -> dict[str, Person]:
        return {person.id: person for person in self.people if person.id}

    @cached_property
    def by_badge(self) -> dict[str, tuple[Person, ...]]:
        """Badge, as the evidence names it → the persons who hold it."""
        return _index((badge, person) for person in self.people for badge in person.badges)

    @cached_property
    def by_account(self) -> dict[str, tuple[Person, ...]]:
        """Declared account, as written → the persons who have it."""
        return _index((account, person) for person in self.people for account in person.accounts)

    def _person(self, name: str, rows: _Rows) -> Person:
        first = rows[0][1]
        status, left_on, doubt = self._standing(rows)
        joined = [one for _, row in rows if (one := day(row, "joined_on")) is not None]
        return Person(
            id=name,
            status=status,
            left_on=left_on,
            accounts=_each(rows, "account"),
            badges=_each(rows, "badge"),
            person=str(first.get("person", "")),
            joined_on=max(joined, default=None),
            doubt=doubt,
            rows=tuple((self._listed.sources[number].name, int(row["line"])) for number, row in rows[:3]),
        )

    def _alone(self, name: str, number: int, row: Mapping[str, Any]) -> Person:
        """The same for an id of one row, as nearly all are."""
        doubt = self._doubt(number, row)
        status, left_on = ("", None) if doubt else (_status(row), day(row, "left_on"))
        joined_on = day(row, "joined_on")
        accounts, badges = _once(row.get("account", ())), _once(row.get("badge", ()))
        place = (self._listed.sources[number].name, int(row["line"]))
        return Person(name, status, left_on, accounts, badges, str(row.get("person", "")), joined_on, doubt, (place,))

    def _doubt(self, number: int, row: Mapping[str, Any]) -> str:
        """Why a row cannot be believed, empty if it can."""
        if row.get("refused"):
            return f"line {row['line']}: {row['refused'][0]}"
        if "status" not in row and "left_on" not in row:
            columns = self._listed.sources[number].columns
            if "status" in columns or "left_on" not in columns:
                return f"line {row['line']} says neither who is here nor who has left"
        return ""

    def _standing(self, rows: _Rows) -> tuple[str, date | None, str]:
        """Status, last day, doubt."""
        for number, row in rows:
            if doubt := self._doubt(number, row):
                return "", None, doubt
        said = list(dict.fromkeys((_status(row), day(row, "left_on")) for _, row in rows))
        if len(said) == 1:
            return *said[0], ""
        gone = [left_on for status, left_on in said if status == "left" or (not status and left_on is not None)]
        here = [status for status, left_on in said if status in ("active", "suspended") and left_on is None]
        if len({number for number, _ in rows}) == 1 and len(here) == 1 and len(gone) == len(said) - 1 and None not in gone:
            return here[0], None, ""  # one export, made at one moment: who left and is there again was taken on again
        return "", None, "its rows contradict each other"


def _each(rows: _Rows, column: str) -> tuple[str, ...]:
    """Every value of a column that may hold several, once."""
    return _once([value for _, row in rows for value in row.get(column, ())])


_STATUSES = frozenset(("", "active", "suspended", "left"))
_MALFORMED = Gap("people/rows", Reason.AMBIGUOUS, "malformed rows")


def _status(row: Mapping[str, Any]) -> str:
    """One that the collector writes. Raises Unseen for any other."""
    found = str(row.get("status", ""))
    if found not in _STATUSES:
        raise Unseen(_MALFORMED)
    return found


def _once(values: Iterable[str]) -> tuple[str, ...]:
    if not isinstance(values, (list, tuple)) or not all(isinstance(value, str) for value in values):
        raise Unseen(_MALFORMED)
    found = tuple(values)
    return tuple(dict.fromkeys(found)) if len(found) > 1 else found


def _index(pairs: Iterable[tuple[str, Person]]) -> dict[str, tuple[Person, ...]]:
    found: dict[str, tuple[Person, ...]] = {}
    for key, person in pairs:
        alone = (person,)
        before = found.setdefault(key, alone)
        if before is not alone:
            found[key] = (*before, person)
    return found
