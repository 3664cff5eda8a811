"""When rights were reviewed, and whether the reviewer is somebody else."""

from __future__ import annotations

import calendar
from datetime import date

from sovaudit.facts.roster import Roster


def back(day: date, months: int) -> date:
    """The same day so many months before, or the last of its month where that has none.

    >>> back(date(2026, 3, 31), 1)
    datetime.date(2026, 2, 28)
    """
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1])) if year >= 1 else date.min


class Persons:
    """Who stands behind what a matrix calls people: logins, DNs, addresses and ids, joined by the roster where there is one. Case is nothing."""

    def __init__(self, roster: Roster | None) -> None:
        self._ids: dict[str, set[int]] = {}
        for number, person in enumerate(roster.people if roster is not None else ()):
            for name in (person.id, *person.accounts):
                if name:
                    self._ids.setdefault(name.casefold(), set()).add(number)

    def same(self, one: str, other: str) -> bool:
        """Whether both may be one person."""
        first, second = one.casefold().strip(), other.casefold().strip()
        return first == second or bool(self._ids.get(first, set()) & self._ids.get(second, set()))
