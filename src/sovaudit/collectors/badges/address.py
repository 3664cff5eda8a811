"""`badges:FILE?map=MAP&…`: where the events are, and how they are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from sovaudit.errors import UsageError
from sovaudit.facts.badge_events import SIDE_TABLES

USAGE = "badges:FILE?map=MAP.toml"
_KEYS = ("map", "zone", "source", "table", *SIDE_TABLES)


@dataclass(frozen=True, slots=True)
class Address:
    """place: a path, or the URL of a database. options: what stands after the question mark."""

    place: str
    options: Mapping[str, str]

    @property
    def database(self) -> bool:
        return "://" in self.place

    @property
    def map(self) -> str:
        return self.options["map"]


def address(uri: str) -> Address:
    """Raises UsageError: no map, an unknown or repeated option, a password in a URL (never echoed)."""
    rest = uri.partition(":")[2]
    place, mark, query = rest.rpartition("?")
    if not mark:
        place, query = rest, ""
    database = "://" in place
    if database:
        try:
            parts = urlsplit(place)
            password, scheme = parts.password, parts.scheme
        except ValueError as error:
            raise UsageError(
                "is no URL of a database", where="badges:", hint="Write badges:postgresql://host/name?table=…&map=…"
            ) from error
        if password is not None:
            raise UsageError(
                f"a password stands in the URL of {scheme}://{parts.hostname or ''}",
                where="badges:",
                hint="Leave it out: SOVAUDIT_SQL_PASSWORD, or the database's own password file, holds it.",
            )
    options: dict[str, str] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key not in _KEYS:
            raise UsageError(f"unknown option {key!r:.40}", where="badges:", hint=f"Options: {', '.join(_KEYS)}.")
        if key in options or not value:
            raise UsageError(f"{key} is empty or stands twice", where="badges:", hint=f"Write {USAGE}")
        options[key] = value
    if not place:
        raise UsageError("names no file", where="badges:", hint=f"Write {USAGE}")
    if not database and not Path(place).exists():
        raise UsageError(f"there is no file {place!r}", where="badges:", hint=f"Write {USAGE}")
    if "map" not in options:
        raise UsageError("names no map", where="badges:", hint="Write badges:FILE?map=MAP.toml; `sovaudit map FILE` proposes one.")
    return Address(place, options)
