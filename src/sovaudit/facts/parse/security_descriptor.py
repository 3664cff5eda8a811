"""Self-relative security descriptors (MS-DTYP 2.4.6): who owns an object, and who may do what to it.

Everything is bounded by the bytes at hand; what does not fit raises ValueError.
"""

from __future__ import annotations

import struct
import uuid
from dataclasses import dataclass
from functools import lru_cache

from sovaudit.facts.parse.sid import sid_at

DACL_PRESENT, DACL_PROTECTED, SELF_RELATIVE = 0x0004, 0x1000, 0x8000
INHERIT_ONLY, INHERITED = 0x08, 0x10
ALLOW_OBJECT = 0x05
_ALLOW, _DENY = (0x00, 0x05, 0x09, 0x0B), (0x01, 0x06, 0x0A, 0x0C)
_OBJECT = (0x05, 0x06, 0x0B, 0x0C)
_CONDITIONAL = (0x09, 0x0A, 0x0B, 0x0C)

# Rights on directory objects (MS-ADTS 5.1.3.2)
CREATE_CHILD, DELETE_CHILD, LIST, SELF, READ_PROPERTY, WRITE_PROPERTY = 0x1, 0x2, 0x4, 0x8, 0x10, 0x20
DELETE_TREE, LIST_OBJECT, CONTROL_ACCESS = 0x40, 0x80, 0x100
DELETE, READ_CONTROL, WRITE_DAC, WRITE_OWNER = 0x10000, 0x20000, 0x40000, 0x80000
FULL_CONTROL = 0xF01FF
_GENERIC = ((0x10000000, FULL_CONTROL), (0x20000000, 0x20004), (0x40000000, 0x20028), (0x80000000, 0x20094))


@dataclass(frozen=True, slots=True)
class Ace:
    """One entry of an access list. mask: generic rights mapped to those of directory objects. object_type, inherited_type: GUIDs, or empty."""

    kind: int
    flags: int
    mask: int
    sid: str
    object_type: str = ""
    inherited_type: str = ""

    @property
    def allows(self) -> bool:
        return self.kind in _ALLOW

    @property
    def denies(self) -> bool:
        return self.kind in _DENY

    @property
    def conditional(self) -> bool:
        """A callback entry: whether it counts depends on an expression over claims."""
        return self.kind in _CONDITIONAL

    @property
    def counts_here(self) -> bool:
        """Whether it bears on the object itself, and not only on what inherits it."""
        return not self.flags & INHERIT_ONLY


@dataclass(frozen=True, slots=True)
class Descriptor:
    """owner: a SID, empty if it was not shown. dacl: its entries in order; None: there is no list, and everybody may do everything.

    implicit: whether the owner may change the list whatever it says.
    """

    owner: str
    control: int
    dacl: tuple[Ace, ...] | None
    implicit: bool = True

    @property
    def protected(self) -> bool:
        """Whether it inherits nothing from above."""
        return bool(self.control & DACL_PROTECTED)


def descriptor(data: bytes) -> Descriptor:
    """Raises ValueError."""
    if len(data) < 20 or data[0] != 1:
        raise ValueError("not a security descriptor")
    control, owner, _group, _sacl, dacl = struct.unpack_from("<HIIII", data, 2)
    if not control & SELF_RELATIVE:
        raise ValueError("a security descriptor that is not self-relative")
    if dacl and not 20 <= dacl <= len(data) - 8:
        raise ValueError("an access list outside of its descriptor")
    entries: tuple[Ace, ...] | None = None
    if control & DACL_PRESENT and dacl:
        entries = access_list(data[dacl : dacl + struct.unpack_from("<H", data, dacl + 2)[0]])
    return Descriptor(sid_at(data, owner)[0] if owner else "", control, entries)


@lru_cache(maxsize=1024)
def access_list(data: bytes) -> tuple[Ace, ...]:
    """The entries of an ACL (MS-DTYP 2.4.5). Most objects share a few lists: each is read once. Raises ValueError."""
    if len(data) < 8:
        raise ValueError("an access list that is cut")
    _, size, count = struct.unpack_from("<BxHH", data)
    if size != len(data):
        raise ValueError("an access list that is cut")
    found, at = [], 8
    for _ in range(count):
        if at + 8 > size:
            raise ValueError("an access list that is cut")
        length = struct.unpack_from("<H", data, at + 2)[0]
        if length < 8 or at + length > size:
            raise ValueError("an access entry that is cut")
        found.append(_ace(data[at : at + length]))
        at += length
    return tuple(found)


def _ace(data: bytes) -> Ace:
    kind, flags, _, mask = struct.unpack_from("<BBHI", data)
    if kind not in _ALLOW and kind not in _DENY:
        return Ace(kind, flags, mask, "")
    for generic, meant in _GENERIC:
        if mask & generic:
            mask = mask & ~generic | meant
    at, kinds = 8, ["", ""]
    if kind in _OBJECT:
        if len(data) < 12:
            raise ValueError("an access entry that is cut")
        present = struct.unpack_from("<I", data, at)[0]
        at += 4
        for number in (0, 1):
            if present & 1 << number:
                if at + 16 > len(data):
                    raise ValueError("an access entry that is cut")
                kinds[number] = str(uuid.UUID(bytes_le=data[at : at + 16]))
                at += 16
    return Ace(kind, flags, mask, sid_at(data, at)[0], kinds[0], kinds[1])
