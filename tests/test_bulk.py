"""Many objects at once: the search for cycles rests and goes on as it was; one is made ahead."""

from __future__ import annotations

import gc

import pytest

from sovaudit.bulk import ahead, growing


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


def test_one_is_made_while_another_is_used() -> None:
    made: list[int] = []

    def make(number: int) -> int:
        made.append(number)
        if number == 7:
            raise OSError("no seven")
        return number * number

    assert list(ahead(make, range(5))) == [0, 1, 4, 9, 16]
    assert list(ahead(make, [])) == []
    made.clear()
    first = next(iter(ahead(make, iter(range(100)))))
    assert first == 0
    assert len(made) <= 2
    found = ahead(make, range(5, 12))
    assert [next(found), next(found)] == [25, 36]
    with pytest.raises(OSError, match="no seven"):
        next(found)
