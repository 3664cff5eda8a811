"""JSON documents as one object a line: an array, or a list somewhere inside an object, or several documents one after the other."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from sovaudit.collectors.badges.sieve import CHUNK, MAX_LINE, Refused
from sovaudit.errors import CollectError

MAX_DOCUMENT = 256 << 20  # of one that must be held whole; an array is read row by row, whatever its size
_BLANK = " \t\r\n"


def rows(file: BinaryIO, encoding: str, records: str, refused: dict[str, Refused], where: Path) -> Iterator[str]:
    """Each row's own text on one line. A document that ends too early gives what was whole and counts the rest as one row `cut off`.

    Raises CollectError for what is no JSON.
    """
    text = _Text(file, encoding, where)
    first = text.peek()
    if not first:
        raise CollectError("is empty", status="failed", where=str(where))
    if first == "[" and not records:
        yield from _elements(text, refused, where)
        return
    yield from _inside(text, records, refused, where)


class _Text:
    """Decoded text that is read as far as it is needed."""

    def __init__(self, file: BinaryIO, encoding: str, where: Path) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder(encoding)("strict")
        self._where = where
        self.held = ""
        self.at = 0
        self.ended = False

    def more(self) -> bool:
        """Read on; whether there was anything."""
        if self.ended:
            return False
        chunk = self._file.read(CHUNK)
        self.ended = not chunk
        try:
            self.held = self.held[self.at :] + self._decoder.decode(chunk, self.ended)
        except UnicodeError as error:
            raise CollectError(f"is not {self._decoder.__class__.__module__.rpartition('.')[2]} text", status="failed", where=str(self._where),
                               hint="Name its encoding in the map.") from error  # fmt: skip
        self.at = 0
        return not self.ended

    def peek(self) -> str:
        """The next character that is not blank, without taking it; empty at the end."""
        while True:
            while self.at < len(self.held) and self.held[self.at] in _BLANK + "\ufeff":
                self.at += 1
            if self.at < len(self.held) or not self.more():
                return self.held[self.at : self.at + 1]


def _elements(text: _Text, refused: dict[str, Refused], where: Path) -> Iterator[str]:
    decoder = json.JSONDecoder()
    text.at += 1
    count = 0
    while True:
        first = text.peek()
        if first == ",":
            text.at += 1
            continue
        if first == "]":
            text.at += 1
            if text.peek():
                raise CollectError("holds something after its list", status="failed", where=str(where))
            return
        count += 1
        while True:
            try:
                _, end = decoder.raw_decode(text.held, text.at)
                if end == len(text.held) and text.more():
                    continue  # a number may go on
                break
            except (ValueError, RecursionError) as error:
                if len(text.held) - text.at > MAX_LINE:
                    raise CollectError(
                        f"is no JSON, or has a row over {MAX_LINE} bytes (row {count})", status="failed", where=str(where)
                    ) from error
                if not text.more():
                    if isinstance(error, json.JSONDecodeError) and error.pos < len(text.held.rstrip()) - 1 and not _cut(error):
                        raise CollectError(f"is no JSON (row {count}: {error.msg})", status="failed", where=str(where)) from error
                    refused.setdefault("cut off", Refused()).add(count)
                    return
        yield _line(text.held[text.at : end])
        text.at = end


def _cut(error: json.JSONDecodeError) -> bool:
    """Whether an error may come from the text's end."""
    return error.msg.startswith(("Unterminated string", "Expecting")) and not error.doc[error.pos :].strip()


def _inside(text: _Text, records: str, refused: dict[str, Refused], where: Path) -> Iterator[str]:
    while len(text.held) <= MAX_DOCUMENT and text.more():
        pass
    if not text.ended:
        raise CollectError(
            f"is one document of more than {MAX_DOCUMENT >> 20} MB", status="failed", where=str(where), hint="Export it line by line."
        )
    decoder = json.JSONDecoder()
    count = 0
    while text.peek():
        count += 1
        try:
            found, end = decoder.raw_decode(text.held, text.at)
        except (ValueError, RecursionError) as error:
            if count == 1 or not isinstance(error, json.JSONDecodeError):
                raise CollectError(f"is no JSON ({error})"[:200], status="failed", where=str(where)) from error
            refused.setdefault("cut off", Refused()).add(count)
            return
        text.at = end
        for row in _listed(found, records, where):
            yield json.dumps(row, ensure_ascii=False)


def _listed(found: Any, records: str, where: Path) -> list[Any]:
    for part in filter(None, records.split(".")):
        if not isinstance(found, dict) or part not in found:
            raise CollectError(f"has no {records}", status="failed", where=str(where), hint="records names where the list of events is.")
        found = found[part]
    return found if isinstance(found, list) else [found]


def _line(text: str) -> str:
    return text.replace("\n", " ").replace("\r", " ")
