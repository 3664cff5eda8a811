"""Levels of areas: which are public, internal, restricted, by the words of the tables and the words that a site uses for them."""

from __future__ import annotations

from collections.abc import Iterable

from sovaudit.facts.badges import BadgeLog

PUBLIC, INTERNAL, RESTRICTED = 0, 1, 2
PUBLIC_WORDS = ("public", "publique", "outside", "extérieur")
INTERNAL_WORDS = ("internal", "interne", "private", "privé", "privée")
RESTRICTED_WORDS = ("restricted", "restreint", "restreinte", "sensitive", "sensible", "critical", "critique")
OF_DOORS = "SELECT area_to, lower(trim(level)) FROM doors WHERE area_to IS NOT NULL AND level IS NOT NULL ORDER BY 1, 2"
OF_ZONES = "SELECT area, lower(trim(level)) FROM zones WHERE area IS NOT NULL AND level IS NOT NULL ORDER BY 1, 2"


class Levels:
    """given: area → words. Words of the `zones` table; where it gives no level at all, of the `doors` rows that lead into an area."""

    def __init__(self, log: BadgeLog, public: Iterable[str], internal: Iterable[str], restricted: Iterable[str]) -> None:
        words = ((PUBLIC, public), (INTERNAL, internal), (RESTRICTED, restricted))
        self._words = {word.lower(): level for level, these in words for word in these}
        self.given: dict[str, set[str]] = {}
        rows = log.query(OF_ZONES) if log.has("zones") else []
        if not rows and log.has("doors"):
            rows = log.query(OF_DOORS)
        for area, word in rows:
            self.given.setdefault(area, set()).add(word)

    def of(self, area: str) -> int | None:
        """None where it is not said, or not in one word that we know."""
        levels = {self._words.get(word) for word in self.given.get(area, ())}
        return levels.pop() if len(levels) == 1 else None

    def said(self, area: str) -> str:
        """An area with its words, for people to read."""
        return f"{area or 'an area without a name'} ({', '.join(sorted(self.given.get(area, ()))) or 'no level'})"

    @property
    def restricted(self) -> list[str]:
        return sorted(area for area in self.given if self.of(area) == RESTRICTED)

    @property
    def unclear(self) -> list[str]:
        """Areas that are given a word that is no level of ours, or two levels."""
        return sorted(area for area in self.given if self.of(area) is None)
