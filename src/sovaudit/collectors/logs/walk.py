"""The files of an archive, and which of them continue each other: `syslog`, `syslog.1`, `syslog.2.gz`; `web.log`, `web.log-20261125`;
`2026/11/25/web.log`.

No link is followed and nothing but regular files is opened. Order within a chain is oldest first: by the date in the name, else by the number.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

MAX_FILES = 200_000
MAX_DEPTH = 32
MAX_SKIPPED = 1000  # of what is there and is no log, named one by one
PACKED = (".gz", ".xz", ".zst", ".bz2")
_NUMBER = re.compile(r"\.([0-9]{1,4})$")
_EPOCH = re.compile(r"[-_.](1[0-9]{9})$")
_ADDRESS = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){3}")
_DATE = re.compile(r"(?<![0-9])((?:19|20)[0-9]{2})([-_./]?)(0[1-9]|1[0-2])(?:\2(0[1-9]|[12][0-9]|3[01]))(?:[-_.T]?([0-9]{2,10}))?(?![0-9])")
_MONTH = re.compile(r"(?<![0-9])((?:19|20)[0-9]{2})[-_./](0[1-9]|1[0-2])(?![0-9])")


@dataclass(frozen=True, slots=True)
class LogFile:
    """path: below the archive, as it is. name: fit for a document. date: as digits, "" where the name holds none. number: of the rotation."""

    path: str
    name: str
    size: int
    mtime: int
    chain: str
    date: str
    number: int

    @property
    def order(self) -> tuple[bool, str, int, int, str]:
        # newsyslog's `messages.0.gz` is older than `messages`
        return (not self.date, self.date, -self.number, -len(self.path), self.path)


@dataclass(slots=True)
class Found:
    """files: chain by chain, oldest first. skipped: what is there and was not read, and why."""

    files: list[LogFile] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    more: bool = False

    def skip(self, what: tuple[str, str]) -> None:
        if len(self.skipped) < MAX_SKIPPED:
            self.skipped.append(what)
        else:
            self.more = True


def shown(path: str) -> str:
    """A path as text: bytes that are no UTF-8, and control characters, as escapes."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def walk(folder: str, leave: str = "") -> Found:
    """leave: the real path of a file that is no log. Raises OSError if the top cannot be read."""
    found = Found()
    if not os.path.isdir(folder):
        info = os.stat(folder)
        if stat.S_ISREG(info.st_mode):
            found.files.append(_file("", os.path.basename(folder), info))
        else:
            found.skip((shown(os.path.basename(folder)), "not a regular file"))
        return found
    waiting: list[tuple[str, int]] = [("", 0)]
    while waiting:
        below, depth = waiting.pop()
        try:
            entries = sorted(os.scandir(os.path.join(folder, below)), key=lambda entry: entry.name)
        except OSError as error:
            if not below:
                raise
            found.skip((shown(below), f"cannot be listed ({error.strerror})"))
            continue
        for entry in entries:
            path = os.path.join(below, entry.name)
            if entry.is_symlink():
                found.skip((shown(path), "a link is not followed"))
            elif entry.is_dir(follow_symlinks=False):
                if depth >= MAX_DEPTH:
                    found.skip((shown(path), "too deep"))
                else:
                    waiting.append((path, depth + 1))
            elif not entry.is_file(follow_symlinks=False):
                found.skip((shown(path), "not a regular file"))
            elif len(found.files) >= MAX_FILES:
                found.more = True
            elif not leave or os.path.realpath(entry.path) != leave:
                found.files.append(_file(below, entry.name, entry.stat(follow_symlinks=False)))
    found.files = sorted(_joined(found.files), key=lambda file: (file.chain, file.order))
    return found


def _joined(files: list[LogFile]) -> Iterable[LogFile]:
    """With `messages-20261108` goes `messages`, which is still written to; not where others of its name are numbered."""
    dated = {file.chain.replace("*", ""): file.chain for file in files if file.date}
    numbered = {file.chain for file in files if file.number}
    for file in files:
        yield replace(file, chain=dated[file.chain]) if not file.date and file.chain in dated.keys() - numbered else file


def _file(below: str, name: str, info: os.stat_result) -> LogFile:
    path = os.path.join(below, name)
    chain, date, number = chain_of(path)
    return LogFile(path, shown(path), info.st_size, info.st_mtime_ns // 10**9, shown(chain), date, number)


def chain_of(path: str) -> tuple[str, str, int]:
    """What a file continues: the path without what rotation adds; the date in it, as digits; its number, 0 for the current one."""
    base = path
    for ending in PACKED:
        base = base.removesuffix(ending)
    number = 0
    match = _NUMBER.search(base)
    if match and not _ADDRESS.fullmatch(os.path.basename(base)) and all(date.end(4) < len(base) for date in _DATE.finditer(base)):
        base, number = base[: match.start()], int(match[1])
    dates: list[str] = []

    def cut(match: re.Match[str]) -> str:
        dates.append("".join(part or "" for part in match.group(1, 3, 4, 5)))
        return "*"

    if match := _EPOCH.search(base):  # logrotate's `dateformat -%s`
        dates.append(datetime.fromtimestamp(int(match[1]), UTC).strftime("%Y%m%d%H%M%S"))
        base = f"{base[: match.start()]}*"
    chain = _DATE.sub(cut, base)
    if not dates and (match := _MONTH.search(base)):
        dates.append(match[1] + match[2])
        chain = f"{base[: match.start()]}*{base[match.end() :]}"
    return re.sub(r"[-_.]?\*", "*", chain) if dates else chain, max(dates, default=""), number
