"""Rows of lists that people keep (`people:`, `rights:`) as their evidence holds them, and what of the files could not be read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any, ClassVar

from sovaudit import canon
from sovaudit.errors import IntegrityError
from sovaudit.facts.files import Unseen
from sovaudit.model.evidence import Evidence, Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason


@dataclass(frozen=True, slots=True)
class Source:
    """One file: its name, the columns that it fills, how many rows it brought, and the gaps of what it could not say."""

    name: str
    columns: frozenset[str]
    rows: int
    gaps: tuple[Gap, ...]


class Listed:
    """Rows of every file of one kind, in the order of targets and lines. Raises Unseen where a part is missing or malformed."""

    def __init__(self, kind: str, evidences: Sequence[Evidence]) -> None:
        self._kind = kind
        self._evidences = evidences
        self.sources = [self._source(evidence) for evidence in evidences]

    def _source(self, evidence: Evidence) -> Source:
        item = f"{self._kind}/source"
        data = evidence.artifacts.get(item)
        if data is None:
            raise Unseen(Gap(item, Reason.ABSENT))
        try:
            said = canon.loads_strict(data, where=item)
            if said["format"] != 1:
                raise ValueError(f"format {said['format']}")
            name = str(said["file"]["name"])
            gaps = [_gap(name, reason, each) for part in ("refused", "doubtful") for reason, each in sorted(said[part].items())]
            return Source(name, frozenset(said["columns"]), int(said["rows"]), tuple(gaps))
        except (IntegrityError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise Unseen(Gap(item, Reason.UNSUPPORTED, f"{error}"[:200])) from error

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """Why the lists may say more than their rows do."""
        return tuple(gap for source in self.sources for gap in source.gaps)

    @property
    def taken_at(self) -> datetime:
        """When the last of the files was read. Raises Unseen."""
        found = [evidence.taken_at for evidence in self._evidences if evidence.taken_at is not None]
        if not found:
            raise Unseen(Gap("taken_at", Reason.ABSENT))
        return max(found)

    def rows(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """(number of the file, row)."""
        for number, (evidence, source) in enumerate(zip(self._evidences, self.sources, strict=True)):
            seen = 0
            for name in sorted(name for name in evidence.artifacts if name.startswith(f"{self._kind}/rows/")):
                try:
                    for text in filter(None, evidence.artifacts[name].decode().split("\n")):
                        row = _loads(text)
                        int(row["line"])
                        seen += 1
                        yield number, row
                except (ValueError, KeyError, TypeError) as error:
                    raise Unseen(Gap(name, Reason.AMBIGUOUS, "malformed rows")) from error
            if seen != source.rows:
                raise Unseen(Gap(f"{self._kind}/rows", Reason.ABSENT, f"{seen} rows of {source.rows} are in evidence"))

    def line(self, number: int, row: Mapping[str, Any], *columns: str) -> Line:
        """A row as what led to an answer, with these columns of it and no other."""
        return Line(
            self.sources[number].name, int(row["line"]), ", ".join(f"{name} {_shown(row[name])}" for name in columns if name in row)
        )


_DECODE = json.JSONDecoder().raw_decode


def _loads(text: str) -> Any:
    """What json.loads does: half its time goes into looking for blanks around a document, and an object that fills its line has none."""
    if text[0] == "{":
        row, end = _DECODE(text)
        if end == len(text):
            return row
    return json.loads(text)


def _gap(name: str, reason: str, each: Mapping[str, Any]) -> Gap:
    where = ", ".join(str(int(line)) for line in each["first"])
    more = " …" if each["count"] > len(each["first"]) else ""
    return Gap(name, Reason.AMBIGUOUS, f"{reason} ({each['count']}, lines {where}{more})")


def spelled(gaps: Sequence[Gap], most: int = 4) -> str:
    """Which rows, and why, in one line for a reader."""
    return "; ".join(f"{gap.item}, {gap.detail}" for gap in gaps[:most]) + (" …" if len(gaps) > most else "")


def _shown(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def day(row: Mapping[str, Any], column: str) -> date | None:
    """A date column. Raises Unseen for one that is none: the collector writes no such row."""
    text = row.get(column)
    if text is None:
        return None
    try:
        return date.fromisoformat(str(text))
    except ValueError as error:
        raise Unseen(Gap(column, Reason.AMBIGUOUS, "malformed rows")) from error


class FromLists:
    """A fact made of every list of its kind. Everything is lazy; each may raise Unseen, which the engine turns into `unknown`."""

    kinds: ClassVar[tuple[str, ...]]
    companion: ClassVar[bool] = True

    def __init__(self, evidences: Sequence[Evidence]) -> None:
        self._evidences = tuple(evidences)

    @cached_property
    def _listed(self) -> Listed:
        return Listed(self.kinds[0], self._evidences)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """Rows that could not be read or believed: no pass stands beside them. Raises Unseen."""
        return self._listed.gaps

    @property
    def taken_at(self) -> datetime:
        """When the last of the lists was read. Raises Unseen."""
        return self._listed.taken_at
