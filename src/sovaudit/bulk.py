"""Many small objects at once."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


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
