"""Parts of a whole, drawn as rings and bars: integers only, so that every machine draws the same page."""

from __future__ import annotations

from dataclasses import dataclass

from sovaudit.reports.wording import Sign


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a ring or bar, in ten-thousandths of the whole. The sizes of one whole add up to 10,000 without gaps."""

    css: str
    start: int
    size: int
    n: int
    word: str
    glyph: str


def segments(parts: list[tuple[Sign, int]]) -> list[Segment]:
    total = sum(n for _, n in parts)
    found, before = [], 0
    for part, n in parts:
        if n > 0:
            start, end = before * 10_000 // total, (before + n) * 10_000 // total
            found.append(Segment(part.css, start, end - start, n, part.word, part.glyph))
            before += n
    return found


def percent(part: int, whole: int) -> int:
    """Whole percent, rounded down: 100 is said only of all."""
    return part * 100 // whole if whole else 0
