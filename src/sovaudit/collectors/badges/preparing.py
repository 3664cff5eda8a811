"""Whatever holds the rows as one UTF-8 text file that the engine reads, with its digest and what of it could not be read."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from sovaudit import canon
from sovaudit.collectors.badges import database, documents, markup, reading, workbook
from sovaudit.collectors.badges.mapping import BadgeMap
from sovaudit.collectors.badges.sieve import CHUNK, FEW, Refused, State, as_it_stands, need_same, regular, sieve, state_of
from sovaudit.errors import CollectError
from sovaudit.tables import Scratch

MAX_FILES = 100_000
ENDINGS = {
    "csv": (".csv", ".txt", ".dat", ".log"),
    "tsv": (".tsv", ".txt", ".dat", ".log"),
    "json": (".json",),
    "jsonl": (".jsonl", ".ndjson", ".json"),
    "xml": (".xml",),
    "excel": (".xlsx",),
}
_PLAIN = {"delimiter": ",", "quote": '"', "header": True, "names": (), "skip": 0, "encoding": "utf-8", "multiline": True}


@dataclass(slots=True)
class Prepared:
    """path: the text. plan: how to read it. name, size, sha256: of the original. complete: whether its last line has an end.

    lines: of the text, where each row is one line; else 0. spaced: whether a value may begin or end with a blank. state: of the original, where
    that is the text itself.
    """

    path: Path
    plan: BadgeMap
    name: str
    size: int
    sha256: str
    complete: bool = True
    refused: dict[str, Refused] = field(default_factory=dict)
    files: int = 1
    lines: int = 0
    spaced: bool = True
    state: State | None = None

    def need_same(self) -> None:
        """To be asked when the text has been read. Raises CollectError if that was not what the digest is of."""
        need_same(self.path, self.state)

    def reads(self, other: Prepared) -> bool:
        """Whether reading the text as this says gives the same rows as reading it as the other says."""
        same = (self.path, self.plan, self.state) == (other.path, other.plan, other.state)
        return same and (self.spaced or not other.spaced)


def guessed(place: str, plan: BadgeMap) -> Prepared | None:
    """How a text file may well be read, by its beginning: as it stands. None where that cannot be, or is not known before all of it is read."""
    path = Path(place)
    if "://" in place or plan.format not in ("csv", "tsv", "jsonl") or not path.is_file():
        return None
    seen = as_it_stands(path, plan.encoding, quote=_quote(plan))
    return None if seen is None else Prepared(path, plan, path.name, 0, "", spaced=seen[0], state=seen[1])


def prepare(place: str, plan: BadgeMap, scratch: Scratch, password: str | None = None) -> Prepared:
    """Raises CollectError."""
    if "://" in place:
        path, written = scratch.file("rows.csv"), plan.model_copy(update=_PLAIN | {"format": "csv"})
        _write(path, database.rows(place, plan, password))
        return Prepared(path, written, f"{place.rpartition('/')[2]}:{plan.table}", path.stat().st_size, _digest(path))
    path = Path(place)
    if path.is_dir():
        return _folder(path, plan, scratch)
    return _file(path, plan, scratch)


def _file(path: Path, plan: BadgeMap, scratch: Scratch) -> Prepared:
    if plan.format in ("csv", "tsv", "jsonl"):
        seen = sieve(path, plan.encoding, scratch, quote=_quote(plan))
        return Prepared(
            seen.path, plan, path.name, seen.size, seen.sha256, seen.complete, seen.refused, 1, seen.lines, seen.spaced, seen.state
        )
    refused: dict[str, Refused] = {}
    with regular(path) as file:
        before = state_of(file.fileno())
        sha256 = canon.digest_of(iter(lambda: file.read(CHUNK), b""))
        file.seek(0)
        if plan.format in ("json", "xml"):
            text, written = scratch.file("rows.jsonl"), plan.model_copy(update={"format": "jsonl", "skip": 0})
            with text.open("w", encoding="utf-8", errors="replace") as out:
                if plan.format == "json":
                    found = documents.rows(file, plan.encoding, plan.records, refused, path)
                else:
                    found = markup.rows(file, plan.records, refused, path)
                out.writelines(row + "\n" for row in found)
        else:
            text, written = scratch.file("rows.csv"), plan.model_copy(update=_PLAIN | {"format": "csv"})
            _write(text, workbook.rows(path, plan, refused))
    need_same(path, before)
    return Prepared(text, written, path.name, before[2], sha256, True, refused)


def _quote(plan: BadgeMap) -> str:
    """What opens and closes a value within one line; nothing where a value may go over several."""
    return "" if plan.multiline or plan.format == "jsonl" else plan.quote


def _write(path: Path, rows: Iterator[list[str]]) -> None:
    with path.open("w", encoding="utf-8", errors="replace", newline="") as out:
        writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
        for row in rows:
            writer.writerow([cell.replace("\0", "\ufffd").replace("\r\n", "\n").replace("\r", "\n") for cell in row])


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return canon.digest_of(iter(lambda: file.read(CHUNK), b""))


def digests_of(path: Path) -> frozenset[str]:
    """What evidence may call this original: a file's digest; of a folder, that of its files of each format. Raises CollectError."""
    if not path.is_dir():
        with regular(path) as file:
            return frozenset({canon.digest_of(iter(lambda: file.read(CHUNK), b""))})
    found = set()
    for endings in set(ENDINGS.values()):
        names = {one.name: next(iter(digests_of(one))) for one in _listed(path, endings)}
        found.add(canon.digest(canon.canonical(names)))
    return frozenset(found)


def _listed(folder: Path, endings: tuple[str, ...]) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix.lower() in endings and not path.name.startswith("."))
    except OSError as error:
        raise CollectError(f"cannot be read ({error.strerror})", status="refused", where=str(folder)) from error


def _folder(folder: Path, plan: BadgeMap, scratch: Scratch) -> Prepared:
    """Files of one shape, one after the other in the order of their names; its digest is that of `{name: digest}`."""
    endings = ENDINGS.get(plan.format, ())
    paths = _listed(folder, endings)
    if not paths:
        raise CollectError("holds no file of this format", status="failed", where=str(folder), hint=f"Names end in {', '.join(endings)}.")
    if len(paths) > MAX_FILES:
        raise CollectError(f"holds {len(paths)} files: more than {MAX_FILES}", status="failed", where=str(folder))
    together = Prepared(scratch.file("all.txt"), plan, folder.name, 0, "", files=len(paths))
    digests: dict[str, str] = {}
    columns: list[str] | None = None
    unfit: CollectError | None = None
    lines = 0
    with together.path.open("wb") as out:
        for path in paths:
            one = _file(path, plan, scratch)
            digests[path.name] = one.sha256
            together.size += one.size
            together.plan = one.plan
            if not one.size:
                together.refused.setdefault("empty file", Refused()).add(lines + 1)
                continue
            try:
                reading.need_header(one.refused, one.plan, str(path))
                names, skip = reading.header(one.path, one.plan, str(path)) if one.plan.format != "jsonl" else ([], one.plan.skip)
                if columns is None and one.plan.format != "jsonl":
                    reading.fitted(names, one.plan, str(path))
            except CollectError as error:
                unfit = unfit or error
                together.refused.setdefault("file with other columns", Refused()).add(lines + 1)
                continue
            if columns is None:
                columns, skip = names, 0
            elif names != columns:
                together.refused.setdefault("file with other columns", Refused()).add(lines + 1)
                continue
            for reason, each in one.refused.items():
                known = together.refused.setdefault(reason, Refused())
                known.count += each.count
                known.first = (known.first + [lines - skip + place for place in each.first])[:FEW]
            lines += _append(one.path, skip, out)
            one.need_same()
            together.lines = 0 if one.plan.multiline else lines
    if columns is None and unfit is not None:
        raise unfit
    together.sha256 = canon.digest(canon.canonical(digests))
    return together


def _append(path: Path, skip: int, out: BinaryIO) -> int:
    """A file's lines but the first few, each with the same end whatever the file's own is, and no mark before the first; how many."""
    count, last, held = 0, b"\n", b""
    with path.open("rb") as file:
        for _ in range(skip):
            file.readline()
        if not skip and file.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
            file.seek(0)
        while chunk := file.read(CHUNK):
            chunk = held + chunk
            held = chunk[-1:] if chunk.endswith(b"\r") else b""  # its newline may come with the next
            chunk = chunk.removesuffix(held).replace(b"\r\n", b"\n")
            out.write(chunk)
            count, last = count + chunk.count(b"\n"), chunk[-1:] or last
    if last != b"\n":
        out.write(b"\n")
        count += 1
    return count
