"""What chronyd makes of its configuration (chrony.conf(5), conf.c of 4.3): the sources of time, and whether it starts at all.

One line that it cannot read, wherever it stands, keeps chronyd from starting; only in the files of a `sourcedir` such a line is passed
over. There are no comments behind a directive.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from sovaudit.facts.files import Files, Unseen
from sovaudit.facts.parse.chrony_line import Version, named, readable
from sovaudit.model.finding import Line

MAX_FILES = 200
MAINS = ("/etc/chrony/chrony.conf", "/etc/chrony.conf")
_LOOPBACK = re.compile(r"127\.\S*|::1|localhost", re.IGNORECASE)
_SOURCES = ("server", "pool", "peer")


@dataclass(slots=True)
class ChronyConf:
    """sources: lines that name another clock which chronyd may choose. waiting: those that are offline until somebody says otherwise.

    fault: the line that keeps chronyd from starting. doubt: one that may do so.
    """

    sources: list[Line] = field(default_factory=list)
    waiting: list[Line] = field(default_factory=list)
    fault: Line | None = None
    doubt: Line | None = None


def started_with(words: Sequence[Line]) -> tuple[str, tuple[Line, ...], bool]:
    """What chronyd's arguments say (chronyd(8)): its file, lines that stand in for a file, and whether it keeps the clock right."""
    main, lines, keeps = "", [], True
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if len(word.text) < 2 or word.text[0] != "-":
            lines.append(word)
            continue
        for place, letter in enumerate(word.text[1:], 2):
            if letter in "xqQphv":
                keeps = False
            if letter in "fFlLPtu":
                value = word.text[place:] or (rest.pop(0).text if rest else "")
                main = value if letter == "f" else main
                break
    return main, tuple(lines), keeps


def read_chrony(files: Files, main: str = "", lines: Sequence[Line] = ()) -> ChronyConf:
    """What chronyd makes of these lines, or else of this file, or else of the one that is there; empty without one. Raises Unseen."""
    found = ChronyConf()
    if lines:
        _lines(files, lines, found, 0, _version(files))
        return found
    main = main or next((path for path in MAINS if files.exists(path)), "")
    if main:
        _file(files, main, found, 0, _version(files))
    return found


def _version(files: Files) -> Version:
    try:
        text = files.artifact("packages")
    except Unseen:
        return None
    match = re.search(r"^chrony (?:\d+:)?(\d+)\.(\d+)", text, re.MULTILINE)
    return (int(match[1]), int(match[2])) if match else None


def _file(files: Files, path: str, found: ChronyConf, depth: int, version: Version) -> None:
    lines = files.lines(path)
    if lines is None:
        found.fault = found.fault or Line(path, 0, "absent")
    _lines(files, lines or (), found, depth, version)


def _lines(files: Files, lines: Iterable[Line], found: ChronyConf, depth: int, version: Version) -> None:
    for line in lines:
        text = " ".join(line.text.split())
        if not text or text[0] in "#%!;":
            continue
        words = text.split(" ")
        key = words[0].lower()
        if not readable(text, version):
            found.fault = found.fault or line
        elif named(text):
            found.doubt = found.doubt or line
        elif key in (*_SOURCES, "refclock"):
            _take(found, line, words)
        elif key == "include":
            _include(files, words[1], line, found, depth, version)
        elif key == "confdir":
            for place in _folders(files, words[1:], ".conf"):
                _file(files, place, found, depth + 1, version)
        elif key == "sourcedir":
            for place in _folders(files, words[1:], ".sources"):
                _sources(files, place, found, version)


def _take(found: ChronyConf, line: Line, words: list[str]) -> None:
    options = [word.lower() for word in words[2:]]
    if "noselect" not in options and (words[0].lower() == "refclock" or not _LOOPBACK.fullmatch(words[1])):
        (found.waiting if "offline" in options else found.sources).append(line)


def _sources(files: Files, path: str, found: ChronyConf, version: Version) -> None:
    """Only servers, pools and peers count there; what cannot be read is passed over, a last line without its newline too."""
    lines = files.lines(path) or ()
    if lines and not (files.read(path) or "").endswith("\n"):
        lines = lines[:-1]
    for line in lines:
        words = line.text.split()
        if words and words[0][0] not in "#%!;" and words[0].lower() in _SOURCES and readable(" ".join(words), version):
            _take(found, line, words)


def _include(files: Files, pattern: str, line: Line, found: ChronyConf, depth: int, version: Version) -> None:
    places = files.glob(pattern)[:MAX_FILES]
    if depth > 9 or (not places and not any(character in pattern for character in "*?[")):
        found.fault = found.fault or line
        return
    for place in places:
        _file(files, place, found, depth + 1, version)


def _folders(files: Files, folders: list[str], ending: str) -> Iterator[str]:
    """Files of this ending; of two with one name the first folder's counts."""
    done: set[str] = set()
    for folder in folders[:10]:
        try:
            names = files.listdir(folder) or ()
        except Unseen:
            if folder.startswith(("/run/", "/var/run/")):
                continue  # what DHCP brought: it only ever adds a source
            raise
        for name in names[:MAX_FILES]:
            if name.endswith(ending) and not name.startswith(".") and name not in done:
                done.add(name)
                yield f"{folder.rstrip('/')}/{name}"
