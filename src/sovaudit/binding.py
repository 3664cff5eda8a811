"""What a check asks for, read from its signature, and the facts that answer it.

The first positional parameter is judged: on each target of its kinds (`host: Host`, `place: Host | Directory`), or on all of them
together (`hosts: tuple[Host, ...]`, or a fact that is made of them all: `rights: Rights`). Further ones stand beside it: such a fact (`people:
Roster`), or all targets of its kinds (`hosts: tuple[Host, ...]`); `| None` where the check can do without.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

from sovaudit.authoring import Check
from sovaudit.errors import UsageError
from sovaudit.model.evidence import Evidence

HINT = "A check asks for facts such as Host, Directory, tuple[Host, ...]; docs/write-a-check.md lists them."


@dataclass(frozen=True, slots=True)
class Need:
    """One positional parameter. facts: the classes that serve it. together: all targets at once. optional: None will do."""

    facts: tuple[Any, ...]
    together: bool
    optional: bool

    @property
    def kinds(self) -> frozenset[str]:
        """Kinds of target that it is read from."""
        return frozenset(kind for one in self.facts for kind in one.kinds)

    @property
    def folded(self) -> bool:
        """Whether one fact is made of all targets."""
        return not self.together and bool(getattr(self.facts[0], "companion", False))

    @property
    def once(self) -> bool:
        """Whether all targets are judged at once."""
        return self.together or self.folded

    def facts_of(self, kind: str) -> Any:
        """The class that reads a kind of target."""
        return next(one for one in self.facts if kind in one.kinds)


@dataclass(frozen=True, slots=True)
class Binding:
    """What a check judges, and what it judges it by."""

    primary: Need
    beside: tuple[Need, ...]

    @property
    def needs(self) -> tuple[Need, ...]:
        return (self.primary, *self.beside)


def binding(check: Check) -> Binding:
    """Raises UsageError for a check that asks for what no collector provides."""
    if not check.needs:
        raise UsageError("asks for nothing, so there is nothing to judge", where=f"check {check.id}", hint=HINT)
    primary, *beside = (_need(check, annotation) for annotation in check.needs)
    if primary.optional:
        raise UsageError("its first parameter is what is judged: it cannot be missing", where=f"check {check.id}", hint=HINT)
    for need in beside:
        if not (need.together or need.folded):
            raise UsageError("only its first parameter is judged target by target", where=f"check {check.id}", hint=HINT)
    return Binding(primary, tuple(beside))


def _need(check: Check, annotation: Any) -> Need:
    parts = typing.get_args(annotation) if isinstance(annotation, types.UnionType) else (annotation,)
    optional = type(None) in parts
    parts = tuple(part for part in parts if part is not type(None))
    together = False
    if len(parts) == 1 and typing.get_origin(parts[0]) is tuple:
        inner = typing.get_args(parts[0])
        if len(inner) == 2 and inner[1] is Ellipsis:
            together = True
            parts = typing.get_args(inner[0]) if isinstance(inner[0], types.UnionType) else (inner[0],)
    if not parts or not all(getattr(part, "kinds", None) for part in parts):
        name = getattr(annotation, "__name__", str(annotation))
        raise UsageError(f"asks for {name}, and no collector provides that", where=f"check {check.id}", hint=HINT)
    return Need(parts, together, optional)


class Many(Sequence[Any]):
    """Facts of all collected targets of some kinds, in the order of the targets. Each is made anew when its turn comes: one in memory at a time."""

    def __init__(self, need: Need, evidences: Iterable[Evidence], count: int) -> None:
        self._need = need
        self._evidences = evidences
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Any]:
        for evidence in self._evidences:
            if evidence.target.kind in self._need.kinds and evidence.collected:
                yield self._need.facts_of(evidence.target.kind)(evidence)

    @overload
    def __getitem__(self, at: int) -> Any: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Any]: ...
    def __getitem__(self, at: int | slice) -> Any:
        return tuple(self)[at]
