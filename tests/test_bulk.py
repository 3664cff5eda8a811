"""The search for cycles rests while rows are made, and goes on afterwards as it was."""

from __future__ import annotations

import gc

import pytest

from sovaudit.bulk import growing


@pytest.mark.parametrize("searching", [True, False])
def test_it_goes_on_as_before(searching: bool) -> None:
    before = gc.isenabled()
    (gc.enable if searching else gc.disable)()
    try:
        with growing():
            assert not gc.isenabled()
            with growing():
                pass
            assert not gc.isenabled()
        assert gc.isenabled() is searching
        with pytest.raises(KeyError), growing():
            raise KeyError
        assert gc.isenabled() is searching
    finally:
        (gc.enable if before else gc.disable)()
