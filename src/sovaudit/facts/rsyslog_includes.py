"""Which files an include of rsyslog's configuration brings, in which order (runtime/conf.c, grammar/lexer.l)."""

from __future__ import annotations

import re

from sovaudit.facts.files import Files, Unseen
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

MAIN = "/etc/rsyslog.conf"
MAX_BYTES = 2_000_000


class Includes:
    """Reads what includes name. gaps, problems: the configuration's own lists, to which it adds what was not seen and what is not there."""

    def __init__(self, files: Files, gaps: list[Gap], problems: list[tuple[Line, str]]) -> None:
        self.files = files
        self.gaps = gaps
        self.problems = problems
        self.read = 0

    def _expand(self, pattern: str, depth: int) -> tuple[str, ...]:
        """Files behind a name or pattern. A folder's name stands for `name*`, and a folder among the matches for what is in it. Raises Unseen."""
        wild = re.search(r"[*?\[]", pattern) is not None
        if not wild:
            stat = self.files.follow(pattern)
            if stat is None:
                return ()
            if stat.kind != "d":
                return (pattern,)
        real = pattern if wild else f"{pattern}*"
        names = self.files.glob(real)
        found: list[str] = []
        for name in names:
            behind = self.files.follow(name)
            if behind is not None and behind.kind == "d" and depth < 5:
                found += self._expand(f"{name}/", depth + 1)
            elif behind is not None and behind.kind != "d":
                found.append(name)
        return tuple(found)

    def files_of(self, pattern: str, optional: bool, line: Line) -> tuple[list[tuple[str, tuple[Line, ...]]], bool]:
        """Each file with its lines, and whether one was named that is not there. Raises Unseen for more than can be followed."""
        if pattern.startswith("`"):
            raise Unseen(Gap("file:" + MAIN, Reason.UNSUPPORTED, f"an include named by the environment: {pattern}"))
        try:
            names = self._expand(pattern, 0)
        except Unseen as unseen:
            self.gaps.append(unseen.gap)
            return [], False
        found: list[tuple[str, tuple[Line, ...]]] = []
        for name in names:
            try:
                lines = self.files.lines(name) or ()
            except Unseen as unseen:
                self.gaps.append(unseen.gap)
                continue
            self.read += sum(len(row.text) for row in lines)
            if self.read > MAX_BYTES:
                raise Unseen(Gap(f"file:{name}", Reason.TRUNCATED, "rsyslog's configuration is larger than we read"))
            found.append((name, lines))
        missing = not names and not optional and not re.search(r"[*?\[]", pattern)
        if missing:
            self.problems.append((line, f"{pattern} does not exist"))
        return found, missing
