"""Command lines to try of an element of a sudoers list: instances of its patterns, and such as would make one root."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from sovaudit.facts.parse.globs import glob_matches, has_meta
from sovaudit.facts.sudo_powers import CRON, MINE, POWERS, powers_of


def proposals(command: str, args: str | None, folders: tuple[str, ...] = ()) -> Iterator[tuple[str, str | None]]:
    """Command lines that this element of a list (path or pattern, with its arguments) could allow and that might make one root.

    folders: of the account's own, where a pattern of folders may lead.
    """
    for path in _paths(command, folders):
        tries = tuple(dict.fromkeys(attempt for power in powers_of(path) for attempt in power.tries))
        if path == "sudoedit":
            tries = ("/etc/shadow", "/etc/sudoers")
        if args is None:
            yield path, None
            yield from ((path, attempt or None) for attempt in tries)
        elif args == '""':
            yield path, None
        elif args.startswith("^") and args.endswith("$"):
            literal = re.split(r"[\\.*+?()|\[\]{}$]", args[1:])[0]
            yield from ((path, text) for text in instances(args))
            yield from ((path, text) for attempt in ("", "x", *tries) for text in (attempt, literal + attempt, f"{literal} {attempt}"))
        else:
            yield from ((path, text) for text in _fillings(args, tries))
            if path == "sudoedit":
                yield from ((path, text) for text in _upwards(args))


def _upwards(pattern: str) -> Iterator[str]:
    """A star stands for one part of what sudoedit is to edit, and `..` is one: `/home/*/etc/*` names /home/../etc/shadow."""
    parts = pattern.split("/")
    holes = [at for at, part in enumerate(parts) if glob_matches(part, "..") and has_meta(part)]
    last = has_meta(parts[-1]) and (len(parts) - 1) not in holes
    for up in range(1, len(holes) + 1):
        for goal in ("shadow", "etc/shadow", "etc/cron.d/x", "cron.d/x", "x/shadow"):
            filling = [".."] * up + goal.split("/")
            if len(filling) == len(holes) and not last:
                filled = [filling[holes.index(at)] if at in holes else _filled(part, "x") for at, part in enumerate(parts)]
                yield "/".join(filled)


def _paths(command: str, folders: tuple[str, ...]) -> Iterator[str]:
    if command.startswith("^"):
        yield from instances(command)
        yield from (f"{folder}{name}" for folder in ("/usr/bin/", "/bin/", "/usr/sbin/", "/sbin/") for name in _SAMPLES)
    elif has_meta(command) or command.endswith("/"):
        yield from dict.fromkeys(_filled(command + "x" * command.endswith("/"), star) for star in ("x", "", "x.sh"))
        folder = posixpath.dirname(command)
        if has_meta(folder):
            yield from _own(command, folders)
            yield from (f"{place}{name}" for place in ("/usr/bin/", "/bin/", "/usr/sbin/", "/usr/local/bin/") for name in _SAMPLES)
        else:
            yield from (posixpath.join(folder, name) for name in POWERS)
    else:
        yield command


def _own(pattern: str, folders: tuple[str, ...]) -> Iterator[str]:
    """The pattern with its first parts those of a folder of one's own, where they fit."""
    parts = pattern.split("/")
    for folder in folders:
        mine = folder.split("/")
        if len(mine) < len(parts) and all(glob_matches(part, name) for part, name in zip(parts, mine, strict=False)):
            yield "/".join([*mine, *(_filled(part, "x") or "x" for part in parts[len(mine) :])])


_SAMPLES = ("bash sh dash vim vi python3 perl env find cp tee su less passwd systemctl apt-get mount visudo useradd").split()
_HOLE = re.compile(r"\[[^\]]*\]|\\(.)|([*?])")


def _filled(pattern: str, star: str) -> str:
    """The pattern with something in its holes: this in place of each star."""

    def one(found: re.Match[str]) -> str:
        if found[1]:
            return found[1]
        if found[2]:
            return star if found[2] == "*" else "x"
        inner = found[0][1:-1].lstrip("!^")
        return inner[:1] if inner and found[0][1] not in "!^" else "~"

    return _HOLE.sub(one, pattern)


_GAP = re.compile(r"\[\^?\]?(?:\[:[a-z]+:\]|[^\]])*\](?:[*+?]|\{[^}]*\})?|\\(.)|\.(?:[*+?]|\{[^}]*\})?|([^\\])[*?]|[()^$]")


def instances(expression: str) -> Iterator[str]:
    """Short texts that a plain regular expression may match, one for each side of its first alternative. Whether they do is for sudo's matching."""

    def one(found: re.Match[str]) -> str:
        text = found[0]
        if found[1]:
            return found[1]
        if text[0] == "[":
            least = re.search(r"\{(\d+)[^{]*$", text)
            first = "0" if text[1:].startswith("[:digit") else "x" if text[1] in "^[" else text[1]
            return first * min(int(least[1]) if least else 1, 64)
        return "x" if text[0] == "." else text[0] if found[2] and text[1] == "?" else ""

    choice = re.search(r"\(([^()]*\|[^()]*)\)", expression)
    sides = choice[1].split("|") if choice else [""]
    for side in sides[:20]:
        text = expression[: choice.start()] + side + expression[choice.end() :] if choice else expression
        yield _GAP.sub(one, text)


def _fillings(pattern: str, tries: tuple[str, ...]) -> Iterator[str]:
    """Instances of a wildcard pattern: as short as can be, and with something of use in the place of each star."""
    if not has_meta(pattern):
        yield pattern
        return

    def fill(star: str) -> str:
        return _filled(pattern, star)

    yield from dict.fromkeys([fill("x"), fill(""), fill(MINE), fill("root"), *tries])
    for attempt in tries:
        yield from (fill(attempt), fill(f"x {attempt}"), fill(f"x {attempt} x"), fill(f"/../../{attempt.lstrip('/')}"))
    yield from (fill("../../../etc/shadow"), fill("x /etc/shadow"), fill(f"/../../..{MINE}"))
    yield from (fill(f"x {MINE} {CRON}"), fill(f"{MINE} x"), fill(f"x {MINE}"))
