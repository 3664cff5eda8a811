"""Many small objects at once."""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

_Item = TypeVar("_Item")
_Made = TypeVar("_Made")


@contextmanager
def growing() -> Iterator[None]:
    """Let the search for cycles rest while rows by the hundred thousand are made that hold none.

    It looks at all objects again each time that their number has grown by a quarter, finds nothing, and costs as much as the rows themselves. What
    is no cycle goes as soon as nobody holds it, as ever; afterwards the search goes on.
    """
    searching = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searching:
            gc.enable()


def ahead(make: Callable[[_Item], _Made], items: Iterable[_Item]) -> Iterator[_Made]:
    """What is made of each item, in order; the next is made while one is used, so that reading, hashing and writing do not wait for each other."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as beside:
        waiting: deque[Future[_Made]] = deque()
        for item in items:
            waiting.append(beside.submit(make, item))
            if len(waiting) > 1:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
