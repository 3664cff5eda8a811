"""The declared matrix of rights, from every `rights:` file of the audit. Its words are those of docs/rights.md."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import ClassVar

from sovaudit.facts.files import Unseen
from sovaudit.facts.listed import FromLists, day
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

WORDS = ("root", "ssh", "admin")
GROUP = "group:"


@dataclass(slots=True)
class Right:
    """One row. kind: `root`, `ssh`, `admin`, `group`; empty for a right of some other system. group: its name, of `group`. place: empty for all.

    doubt: why the row cannot be believed; its account or right may then be empty.
    """

    account: str
    right: str
    kind: str
    group: str
    granted_by: str
    reviewed_on: date | None
    reviewed_by: str
    place: str
    doubt: str
    because: Line


class Rights(FromLists):
    """Facts about declared rights. Everything is lazy; each may raise Unseen, which the engine turns into `unknown`."""

    kinds: ClassVar[tuple[str, ...]] = ("rights",)

    @cached_property
    def names_reviewers(self) -> bool:
        """Whether some file has a column that says who reviewed."""
        return any("reviewed_by" in source.columns for source in self._listed.sources)

    @cached_property
    def declared(self) -> tuple[Right, ...]:
        """Every row, in order. Raises Unseen for a matrix that declares nothing."""
        found = []
        for number, row in self._listed.rows():
            right = str(row.get("right", ""))
            kind, group = parse(right)
            found.append(
                Right(
                    account=str(row.get("account", "")),
                    right=f"{GROUP}{group}" if kind == "group" else kind or right,
                    kind=kind,
                    group=group,
                    granted_by=str(row.get("granted_by", "")),
                    reviewed_on=day(row, "reviewed_on"),
                    reviewed_by=str(row.get("reviewed_by", "")),
                    place=str(row.get("place", "")),
                    doubt=str(row["refused"][0]) if row.get("refused") else "",
                    because=self._listed.line(number, row, "account", "right", "place", "reviewed_on"),
                )
            )
        if not found:
            raise Unseen(Gap("rights/rows", Reason.ABSENT, "the matrix declares nothing"))
        return tuple(found)

    def at(self, *names: str) -> tuple[Right, ...]:
        """Rows that hold at a place with these names: those that name it, and those that name none. Case does not matter."""
        known = {name.casefold() for name in names if name}
        return tuple(right for right in self.declared if not right.place or right.place.casefold() in known)


def parse(text: str) -> tuple[str, str]:
    """Kind and group of a right; an empty kind for a word that is none of ours.

    >>> parse("Group: docker"), parse("SSH"), parse("GLPI: technician")
    (('group', 'docker'), ('ssh', ''), ('', ''))
    """
    low = text.strip().lower()
    if low in WORDS:
        return low, ""
    if low.startswith(GROUP) and (name := text.strip()[len(GROUP) :].strip()):
        return "group", name
    return "", ""
