"""Who is in a group: groups within groups, cycles included, each group's members computed once.

Strongly connected groups (a cycle) have the same members; over what remains one pass from the leaves up suffices. Sets of accounts are
the bits of one integer each, so that 5,000 groups of 100,000 accounts take a fraction of a second and little memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sovaudit.facts.directories.model import Group
from sovaudit.model.evidence import Gap
from sovaudit.model.verdict import Reason


class Groups:
    """Groups by normal DN. gap: why there may be more groups than these."""

    def __init__(self, groups: Iterable[Group], gap: Gap | None = None) -> None:
        self.gap = gap
        self._groups: dict[str, Group] = {}
        for group in groups:
            self._groups[group.dn] = group
        self._bits: dict[str, int] = {}  # member that is no group → its bit
        self._names: list[str] = []
        self._closed: dict[str, int] | None = None
        self._open: dict[str, bool] = {}

    def __iter__(self) -> Iterator[Group]:
        return iter(self._groups.values())

    def __len__(self) -> int:
        return len(self._groups)

    def get(self, dn: str) -> Group | None:
        return self._groups.get(dn)

    def members(self, dn: str) -> list[str]:
        """Normal DNs of everything but groups in a group, nested ones followed. Empty for a group that is not there."""
        bits = self._closure().get(dn, 0)
        found = []
        while bits:
            low = bits & -bits
            found.append(self._names[low.bit_length() - 1])
            bits ^= low
        return found

    def count(self, dn: str) -> int:
        return self._closure().get(dn, 0).bit_count()

    def contains(self, dn: str, member: str) -> bool:
        """Whether a member (normal DN, no group) is in a group, through whatever groups."""
        bit = self._bits_after().get(member)
        return bit is not None and bool(self._closure().get(dn, 0) >> bit & 1)

    def closed(self, dn: str) -> int:
        """The members of a group as bits: to be joined with others, counted and named."""
        return self._closure().get(dn, 0)

    def mask(self, members: Iterable[str]) -> int:
        """Those of these normal DNs that are in any group, as bits."""
        known = self._bits_after()
        bits = bytearray(len(self._names) // 8 + 1)
        for member in members:
            bit = known.get(member)
            if bit is not None:
                bits[bit >> 3] |= 1 << (bit & 7)
        return int.from_bytes(bits, "little")

    def named(self, bits: int, most: int) -> list[str]:
        """Normal DNs of the first of some bits."""
        found: list[str] = []
        while bits and len(found) < most:
            low = bits & -bits
            found.append(self._names[low.bit_length() - 1])
            bits ^= low
        return found

    def doubt(self, dn: str) -> Gap | None:
        """Why a group, or one within it, may have more members than were seen."""
        seen, todo = {dn}, [dn]
        while todo:
            group = self._groups.get(todo.pop())
            if group is None:
                continue
            if not group.complete:
                return Gap(f"group:{group.name}", Reason.AMBIGUOUS, "it may have members that were not listed")
            for member in group.members:
                if member in self._groups and member not in seen:
                    seen.add(member)
                    todo.append(member)
        return self.gap

    def path(self, dn: str, member: str) -> list[str]:
        """Group DNs from a group down to the one that names a member: the chain that a finding shows. Empty if it is not in it."""
        came: dict[str, str] = {dn: ""}
        todo = [dn]
        for here in todo:
            group = self._groups.get(here)
            if group is None:
                continue
            if member in group.members:
                chain = [here]
                while came[chain[-1]]:
                    chain.append(came[chain[-1]])
                return chain[::-1]
            for inner in group.members:
                if inner in self._groups and inner not in came:
                    came[inner] = here
                    todo.append(inner)
        return []

    def _bits_after(self) -> dict[str, int]:
        self._closure()
        return self._bits

    def _closure(self) -> dict[str, int]:
        if self._closed is None:
            self._closed = self._close()
        return self._closed

    def _close(self) -> dict[str, int]:
        """Tarjan's components, found without recursion: a chain of groups may be as long as there are groups."""
        inner: dict[str, list[str]] = {}
        own: dict[str, int] = {}
        for dn, group in self._groups.items():
            below, bits = [], bytearray()
            for member in group.members:
                if member in self._groups:
                    below.append(member)
                    continue
                bit = self._bits.get(member)
                if bit is None:
                    bit = self._bits[member] = len(self._names)
                    self._names.append(member)
                if bit >> 3 >= len(bits):
                    bits.extend(bytes((bit >> 3) + 1 - len(bits)))
                bits[bit >> 3] |= 1 << (bit & 7)
            inner[dn], own[dn] = below, int.from_bytes(bits, "little")
        closed: dict[str, int] = {}
        index: dict[str, int] = {}
        low: dict[str, int] = {}
        stack: list[str] = []
        on: set[str] = set()
        for start in inner:
            if start in index:
                continue
            work = [(start, iter(inner[start]))]
            index[start] = low[start] = len(index)
            stack.append(start)
            on.add(start)
            while work:
                here, rest = work[-1]
                for member in rest:
                    if member not in index:
                        index[member] = low[member] = len(index)
                        stack.append(member)
                        on.add(member)
                        work.append((member, iter(inner[member])))
                        break
                    if member in on:
                        low[here] = min(low[here], index[member])
                else:
                    work.pop()
                    if work:
                        low[work[-1][0]] = min(low[work[-1][0]], low[here])
                    if low[here] == index[here]:
                        component = []
                        while True:
                            one = stack.pop()
                            on.discard(one)
                            component.append(one)
                            if one == here:
                                break
                        bits_of = 0
                        for one in component:
                            bits_of |= own[one]
                            for member in inner[one]:
                                bits_of |= closed.get(member, 0)
                        for one in component:
                            closed[one] = bits_of
        return closed
