"""Security descriptors: every byte counts, and hostile ones end in ValueError."""

from __future__ import annotations

import random

import pytest

from sovaudit.facts.parse.security_descriptor import FULL_CONTROL, access_list, descriptor
from tests.ad import ALLOW_CALLBACK, DENY_OBJECT, DOMAIN, ace, acl

GUID, OTHER = "bf9679c0-0de6-11d0-a285-00aa003049e2", "bf967aba-0de6-11d0-a285-00aa003049e2"


def test_entries_keep_order_types_flags_and_both_guids() -> None:
    found = descriptor(
        acl(ace(1, 0x20, GUID, heirs=OTHER, flags=0x0A), ace("S-1-1-0", 0x10, kind=DENY_OBJECT), ace(2, 1, kind=ALLOW_CALLBACK))
    )
    assert found.owner == f"{DOMAIN}-512"
    assert found.dacl is not None
    first, entry, denial, callback = found.dacl
    assert (first.sid, first.mask, first.allows) == (f"{DOMAIN}-512", FULL_CONTROL, True)
    assert (entry.object_type, entry.inherited_type, entry.flags, entry.counts_here) == (GUID, OTHER, 0x0A, False)
    assert (denial.denies, denial.object_type, denial.sid) == (True, "", "S-1-1-0")
    assert (callback.conditional, callback.allows, callback.sid) == (True, True, f"{DOMAIN}-2")


def test_only_the_inherited_type_is_given() -> None:
    found = descriptor(acl(ace(1, 0x20, heirs=OTHER)))
    assert found.dacl is not None and (found.dacl[1].object_type, found.dacl[1].inherited_type) == ("", OTHER)


@pytest.mark.parametrize(("generic", "meant"), [(0x10000000, 0xF01FF), (0x20000000, 0x20004), (0x40000000, 0x20028), (0x80000000, 0x20094)])
def test_generic_rights_mean_rights_of_directory_objects(generic: int, meant: int) -> None:
    found = descriptor(acl(ace(1, generic | 0x100)))
    assert found.dacl is not None and found.dacl[1].mask == meant | 0x100


def test_no_list_and_an_empty_list_differ() -> None:
    assert descriptor(acl(control=0x8000)).dacl is None
    assert descriptor(acl(empty=True)).dacl == ()
    assert descriptor(acl(control=0x9004)).protected


def test_hostile_bytes_are_refused_and_never_more() -> None:
    whole = acl(ace(1, 0x20, GUID), ace(2, 0x20, kind=ALLOW_CALLBACK), ace(3, FULL_CONTROL))
    for size in range(len(whole)):
        with pytest.raises(ValueError, match=r".+"):
            descriptor(whole[:size])
    dice = random.Random(1)
    for _ in range(4000):
        data = bytearray(whole)
        for _ in range(dice.randint(1, 4)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        try:
            descriptor(bytes(data))
        except ValueError:
            continue
    for _ in range(500):
        try:
            access_list(dice.randbytes(dice.randrange(80)))
        except ValueError:
            continue
