"""Conditions on a unit's start, as far as they can be told from the files (systemd.unit(5), "Conditions and Asserts")."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from sovaudit.facts.files import Files, Unseen
from sovaudit.facts.parse.ini import Assignment, boolean
from sovaudit.model.finding import Line

# What a boot makes by itself: a mounted image does not show it.
_MADE = ("/run", "/proc", "/sys", "/dev", "/tmp", "/var/run")


def unmet(files: Files, rows: Iterable[Assignment]) -> Line | None:
    """The line that keeps the unit from being started, None if there is none. rows: of its [Unit] section, in order. Raises Unseen.

    All plain conditions must hold, and one of those that begin with `|`, if there are any; an empty assignment clears those before it.
    """
    kept: list[Assignment] = []
    for row in rows:
        if row.key.startswith(("Condition", "Assert")):
            if row.value:
                kept.append(row)
            else:
                kind = "Condition" if row.key.startswith("Condition") else "Assert"
                kept = [each for each in kept if not each.key.startswith(kind)]
    for kind in ("Condition", "Assert"):
        said = [(row, _holds(files, row)) for row in kept if row.key.startswith(kind)]
        for row, holds in said:
            if holds is False and not _trigger(row):
                return row.line
        triggers = [(row, holds) for row, holds in said if _trigger(row)]
        if triggers and all(holds is False for _, holds in triggers):
            return triggers[0][0].line
    return None


def _trigger(row: Assignment) -> bool:
    return row.value.startswith("|")


def _holds(files: Files, row: Assignment) -> bool | None:
    """None: what the condition asks about is no file's matter."""
    text = row.value.lstrip("|").strip()
    negated = text.startswith("!")
    path = text.lstrip("!").strip()
    name = re.sub(r"^(Condition|Assert)", "", row.key)
    if boolean(path) is not None and name == "":
        return bool(boolean(path)) is not negated
    ask = _ASKS.get(name)
    if ask is None or not path.startswith("/") or "%" in path or path.startswith(_MADE):
        return None
    try:
        return ask(files, path) is not negated
    except Unseen:
        if row.line.file.startswith("/etc/"):
            raise
        return None  # a distribution's own condition holds on its own hosts


def _exists(files: Files, path: str) -> bool:
    return files.exists(path)


def _kind(kind: str) -> Callable[[Files, str], bool]:
    def ask(files: Files, path: str) -> bool:
        stat = files.follow(path)
        return stat is not None and stat.kind == kind

    return ask


def _link(files: Files, path: str) -> bool:
    stat = files.stat(path)
    return stat is not None and stat.kind == "l"


def _executable(files: Files, path: str) -> bool:
    stat = files.follow(path)
    return stat is not None and stat.kind == "f" and bool(stat.mode & 0o111)


def _filled(files: Files, path: str) -> bool:
    stat = files.follow(path)
    return stat is not None and stat.kind == "f" and stat.size > 0


def _peopled(files: Files, path: str) -> bool:
    return bool(files.listdir(path))


_ASKS: dict[str, Callable[[Files, str], bool]] = {
    "PathExists": _exists, "PathIsDirectory": _kind("d"), "PathIsSymbolicLink": _link, "FileIsExecutable": _executable, "FileNotEmpty": _filled,
    "DirectoryNotEmpty": _peopled,
}  # fmt: skip
