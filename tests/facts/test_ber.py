"""Bytes that strangers send, read as entries."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sovaudit.facts.directory import Directory
from sovaudit.facts.files import Unseen
from sovaudit.facts.parse import ber
from sovaudit.testing import directory_evidence, directory_with

NAMES = st.text("abcdefgh-;0123", min_size=1, max_size=12)
ENTRIES = st.lists(
    st.tuples(st.text(max_size=300), st.dictionaries(NAMES, st.lists(st.binary(max_size=300), max_size=4), max_size=5)), max_size=6
)


@given(ENTRIES)
def test_what_is_written_is_read(entries: list[tuple[str, dict[str, list[bytes]]]]) -> None:
    entries = [(name.encode("utf-8", "replace").decode(), attributes) for name, attributes in entries]
    data = b"".join(ber.encode(name, attributes) for name, attributes in entries)
    assert list(ber.entries(data)) == entries


@given(ENTRIES, st.data())
def test_any_damage_is_a_value_error(entries: list[tuple[str, dict[str, list[bytes]]]], data: st.DataObject) -> None:
    whole = bytearray(b"".join(ber.encode(name.encode("utf-8", "replace").decode(), attributes) for name, attributes in entries))
    for _ in range(3):
        if whole:
            whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    try:
        for name, attributes in ber.entries(cut):
            assert isinstance(name, str) and all(isinstance(value, bytes) for values in attributes.values() for value in values)
    except ValueError:
        return


@given(st.binary(max_size=200))
def test_any_bytes_in_evidence_become_unseen_or_entries(data: bytes) -> None:
    evidence = directory_evidence(accounts=[("uid=a,dc=example,dc=org", {"objectClass": ["person"]})])
    broken = Directory(replace(evidence, artifacts={**evidence.artifacts, "entries:accounts/0000": data}))
    try:
        assert all(entry.dn is not None for entry in broken.entries("accounts"))
    except Unseen:
        return


def test_lengths_that_ldap_does_not_allow() -> None:
    for bad in (b"\x64\x80\x04\x00\x30\x00\x00\x00", b"\x64\x85\x00\x00\x00\x00\x04\x04\x00\x30\x00", b"\x30\x00", b"\x64"):
        with pytest.raises(ValueError, match=r"."):
            list(ber.entries(bad))
    assert not list(directory_with().entries("accounts"))
