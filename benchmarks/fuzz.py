"""Coverage-guided: any text as one file of a host, judged by every host check; no verdict may be `error`. Not run by the suite.

    pip install atheris
    python -m benchmarks.fuzz /etc/sudoers -max_total_time=600 -timeout=5

The first argument is the path, one of those that tests/test_any_file.py tries; the rest are libFuzzer's options (a folder keeps the corpus).
An input that breaks a check is written to `crash-…`; it becomes a case of that path's own parser test.
"""

from __future__ import annotations

import importlib
import sys


def main(arguments: list[str]) -> None:
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["sovaudit"]):  # what is imported here reports the branches that it takes
        host = importlib.import_module("tests.test_any_file")
        host.errors("/etc/hostname", b"")  # and what the checks import when they run
    if len(arguments) < 2 or arguments[1] not in host.WORDS:
        sys.exit(f"name one of {', '.join(sorted(host.WORDS))}")
    path = arguments[1]
    words = [" ", "\n", "\t", "=", ",", *host.WORDS[path].split(" "), *host.ODD]

    def one(data: bytes) -> None:
        """Each byte picks a word of the language or a piece of junk: plain bytes rarely get past the first line."""
        broken = host.errors(path, "".join(words[byte % len(words)] for byte in data).encode("utf-8", "surrogateescape"))
        if broken:
            raise AssertionError("; ".join(broken))

    atheris.Setup([arguments[0], *arguments[2:]], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)
