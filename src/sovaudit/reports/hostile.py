"""What a host wrote, made visible before a person reads it.

Everything from a target may try to speak to the reader's screen: escape sequences recolour a terminal, bidirectional overrides turn
`exe.gpj` into `jpg.exe`, zero-width characters make two account names look alike. `visible` replaces each such character by a token
(`⟨ESC⟩`, `⟨U+202E⟩`), for the page, the terminal and every export alike. Tokens are for eyes; the bytes themselves stay in the evidence.
"""

from __future__ import annotations

import re
from functools import lru_cache

LIMIT = 2000
"""Characters of one text that are shown; the rest is counted."""

_NAMES = {
    0x00: "NUL", 0x07: "BEL", 0x08: "BS", 0x09: "TAB", 0x0A: "LF", 0x0B: "VT", 0x0C: "FF", 0x0D: "CR", 0x1B: "ESC", 0x7F: "DEL",
    0x85: "NEL", 0xA0: "NBSP", 0xAD: "SHY", 0xFEFF: "BOM",
}  # fmt: skip

_RANGES: tuple[tuple[int, int], ...] = (
    (0x00, 0x1F), (0x7F, 0x9F),  # C0, DEL, C1
    (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),  # soft hyphen, joiners, fillers
    (0x1680, 0x1680), (0x2000, 0x200F), (0x2028, 0x202E), (0x205F, 0x206F), (0x2800, 0x2800), (0x3000, 0x3000), (0x3164, 0x3164),
    (0xD800, 0xDFFF),  # lone surrogates: not text at all
    (0xE000, 0xF8FF), (0xFDD0, 0xFDEF), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB), (0xFFFE, 0xFFFF),
    (0x13430, 0x1345F), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF), (0xF0000, 0x10FFFF),
    *((plane << 16 | 0xFFFE, plane << 16 | 0xFFFF) for plane in range(1, 0x0F)),
)  # fmt: skip
_MARKS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_SPACES = "\u00a0\u202f"  # typography of our own French; in a host's text they are a disguise


def _class(ranges: tuple[tuple[int, int], ...]) -> str:
    return "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in ranges)


# Four combining marks in a row paint over the neighbouring lines; from the fourth on they are counted instead.
_OURS = re.compile(f"[{_class(_RANGES)}]|(?<=[{_MARKS}]{{3}})[{_MARKS}]+")
_THEIRS = re.compile(f"[{_class(_RANGES)}{_SPACES}]|(?<=[{_MARKS}]{{3}})[{_MARKS}]+")


def quoted(line: str) -> str:
    """A line of a file before it is shown: a run of tabs, which separate words in most of them, is two blanks. In a name a tab is a disguise."""
    return re.sub("\t+", "  ", line)


@lru_cache(maxsize=4096)
def name_of(characters: str) -> str:
    """`ESC`, `U+202E`, or `U+0301×57` for a run of combining marks."""
    code = ord(characters[0])
    name = _NAMES.get(code, f"U+{code:04X}")
    return name if len(characters) == 1 else f"{name}×{len(characters)}"


def pieces(text: str, *, limit: int = LIMIT) -> list[tuple[str, bool]]:
    """The text cut into (piece, is it a token), in order: the page draws tokens apart from what the host really wrote."""
    kept = text[:limit]
    found: list[tuple[str, bool]] = []
    end = 0
    for match in _THEIRS.finditer(kept):
        if match.start() > end:
            found.append((kept[end : match.start()], False))
        found.append((name_of(match.group()), True))
        end = match.end()
    if end < len(kept):
        found.append((kept[end:], False))
    if len(text) > limit:
        found += [("…", False), (f"+{len(text) - limit}", True)]
    return found


def visible(text: str, *, limit: int = LIMIT, ours: bool = False) -> str:
    """The text on one line, each character that a reader could not see replaced by a token such as `⟨U+202E⟩`.

    ours: leave non-breaking spaces alone, which our own French typography uses. Linear time; over `limit` characters it ends in
    `…⟨+n⟩`, n being the characters left out. The answer is always valid UTF-8 text.
    """
    kept = text[:limit]
    shown = (_OURS if ours else _THEIRS).sub(lambda match: f"⟨{name_of(match.group())}⟩", kept)
    return f"{shown}…⟨+{len(text) - limit}⟩" if len(text) > limit else shown
