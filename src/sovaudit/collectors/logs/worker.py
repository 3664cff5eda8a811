"""`python -m sovaudit.collectors.logs.worker`: reads the files named on its input, by the process that started it, and writes what they gave."""

from __future__ import annotations

import os
import pickle
import sys

from sovaudit.collectors.logs.work import read


def main() -> None:
    tasks = pickle.load(sys.stdin.buffer)
    out = os.fdopen(os.dup(1), "wb")
    for number, task in enumerate(tasks):
        pickle.dump((number, read(task)), out)
        out.flush()


if __name__ == "__main__":
    main()
