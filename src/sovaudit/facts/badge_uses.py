"""How often each badge was shown where: the log folded into one small table, made once. Most questions need it no finer.

`uses`: credential, access_point, site, area_from, area_to, direction, subject, event, times, first, last (ms). What a question finds here it then
asks exactly, of the few events that are left.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sovaudit.facts.badges import BadgeLog

_KEYS = ("credential", "access_point", "site", "area_from", "area_to", "direction", "subject", "event")
_SEEN = "SELECT DISTINCT credential FROM uses WHERE credential IS NOT NULL"
GRANTS = "event = 'GRANTED' AND credential IS NOT NULL"


def fold(log: BadgeLog) -> None:
    """Make the table `uses`. Raises Unseen."""
    keys = ", ".join(key if log.filled[key] else f"CAST(NULL AS VARCHAR) AS {key}" for key in _KEYS)
    log.keep("uses", f"SELECT {keys}, count(*) AS times, min(event_time) AS first, max(event_time) AS last FROM events GROUP BY ALL")


def know_badges(log: BadgeLog) -> None:
    """Make the table `seen_badges`: credential, each of the log once and as the log holds it, so that comparing costs little. Raises Unseen."""
    fold(log)
    log.keep("seen_badges", _SEEN)


def seen(log: BadgeLog, badges: str) -> str:
    """SQL: those of a query's badges that are in the log, for comparing with its events. Raises Unseen."""
    know_badges(log)
    return f"SELECT credential FROM seen_badges WHERE credential IN ({badges})"


@dataclass(slots=True)
class Use:
    """How a badge was used. subjects: persons that its events name, at most two of them."""

    badge: str
    count: int
    first: int
    last: int
    subjects: tuple[str, ...]


def uses(log: BadgeLog, which: str = "event = 'GRANTED'") -> Iterable[Use]:
    """Each badge of the log with its uses, sorted. which: a condition on the table `uses`."""
    fold(log)
    for badge, count, first, last, least, most in log.query(
        "SELECT credential, CAST(sum(times) AS BIGINT), min(first), max(last), min(subject), max(subject) FROM uses "
        f"WHERE credential IS NOT NULL AND {which} GROUP BY credential ORDER BY credential"
    ):
        yield Use(badge, count, first, last, () if least is None else (least,) if least == most else (least, most))


def last_uses(log: BadgeLog) -> dict[str, int]:
    """Badge → milliseconds at which it was last shown, let in or not."""
    fold(log)
    return dict(log.query("SELECT credential, max(last) FROM uses WHERE credential IS NOT NULL GROUP BY credential ORDER BY credential"))


def subjects(log: BadgeLog, badges: Iterable[str]) -> dict[str, set[str]]:
    """Badge → every person whom its grants name."""
    log.load("asked_badges", {"credential": "VARCHAR"}, [[badge] for badge in sorted(badges)])
    found: dict[str, set[str]] = {}
    for badge, person in log.query(
        f"SELECT DISTINCT credential, subject FROM uses WHERE {GRANTS} AND subject IS NOT NULL "
        "AND credential IN (SELECT credential FROM asked_badges) ORDER BY 1, 2"
    ):
        found.setdefault(badge, set()).add(person)
    return found


def first_grants(log: BadgeLog, badges: Iterable[str]) -> dict[str, int]:
    """Badge → record of its first grant."""
    log.load("asked_badges", {"credential": "VARCHAR"}, [[badge] for badge in sorted(badges)])
    asked = seen(log, "SELECT credential FROM asked_badges")
    found = log.query(
        "SELECT credential, min_by(row, (event_time, row)) FROM events WHERE event = 'GRANTED' "
        f"AND credential IN ({asked}) GROUP BY credential ORDER BY credential"
    )
    return dict(found)
