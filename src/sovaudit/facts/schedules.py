"""Schedules of access as minutes of the local week: `Mon-Fri 08:00-18:00`, over midnight too, in English or French."""

from __future__ import annotations

import re
from datetime import date

DAY = 1440
WEEK = 7 * DAY
_NAMES = {
    name: number
    for number, names in enumerate(
        ("mon monday lun lundi 1", "tue tuesday mar mardi 2", "wed wednesday mer mercredi 3", "thu thursday jeu jeudi 4",
         "fri friday ven vendredi 5", "sat saturday sam samedi 6", "sun sunday dim dimanche 7")
    )
    for name in names.split()
}  # fmt: skip
_EVERY = frozenset(("", "*", "all", "daily", "every day", "tous", "tous les jours", "7/7"))
MAX_DATES = 4000
_EPOCH = date(1970, 1, 1).toordinal()
_FEASTS = re.compile(r"(?<![^,; ])((public )?holidays?|(jours? )?f[ée]ri[ée]s?)(?![^,; ])")
_WORDS = {"weekdays": range(5), "weekday": range(5), "weekend": range(5, 7), "ouvrables": range(5)}
_TIME = re.compile(r"(\d{1,2})(?::|h)?(\d{2})?(?::(\d{2}))?")


def stretches(days: str | None, start: str | None, end: str | None) -> list[tuple[int, int]] | None:
    """Stretches of minutes since Monday 00:00 in the local week, ends excluded, one of Sunday perhaps beyond it; None for what cannot be read.

    days: names, numbers (1 is Monday), ranges, lists; empty: every day. An end at or before the start is on the next day; 23:59 means the end
    of the day, as panels have it. Without start and end: the whole day.
    """
    when, since, until = _days(days or ""), _time(start, 0), _time(end, DAY)
    if when is None or since is None or until is None or since >= DAY:
        return None
    if until == DAY - 1:
        until = DAY
    if until <= since:
        until += DAY
    return [(day * DAY + since, day * DAY + until) for day in sorted(when)]


def dates(text: str | None) -> tuple[frozenset[int], bool] | None:
    """Dates on which a row of a schedule does not hold, as days since 1970, and whether the site's holidays are among them; None if unreadable.

    Dates such as `2026-01-11`, from one to another as `2026-07-30..2026-08-02`, with `,` `;` or blanks between; `holidays` for those of the table.
    """
    words, count = _FEASTS.subn(" ", " ".join((text or "").lower().split()))
    found: set[int] = set()
    for part in re.split(r"[,; ]+", words.replace(" .. ", "..")):
        if not part:
            continue
        first, mark, last = part.partition("..")
        try:
            low, high = (number(end) for end in (first, last if mark else first))
        except ValueError:
            return None
        if high < low or high - low > MAX_DATES:
            return None
        found.update(range(low, high + 1))
    return (frozenset(found), count > 0) if len(found) <= MAX_DATES else None


def number(day: str) -> int:
    """Days since 1970 of a date. Raises ValueError."""
    return date.fromisoformat(day).toordinal() - _EPOCH


def _days(text: str) -> set[int] | None:
    text = " ".join(text.lower().split())
    if text in _EVERY:
        return set(range(7))
    found: set[int] = set()
    for part in re.split(r"[,;/ ]+", re.sub(r"\s*[-–]\s*", "-", text.replace(" to ", "-").replace(" à ", "-").replace(" au ", "-"))):
        if part in _WORDS:
            found |= set(_WORDS[part])
            continue
        names = [_NAMES.get(name.rstrip(".")) for name in part.split("-")]
        if None in names or not 1 <= len(names) <= 2:
            return None
        first, last = names[0], names[-1]
        assert first is not None and last is not None
        found |= {(first + step) % 7 for step in range((last - first) % 7 + 1)}
    return found


def _time(text: str | None, default: int) -> int | None:
    if text is None or not text.strip():
        return default
    match = _TIME.fullmatch(text.strip().lower())
    if not match:
        return None
    hour, minute = int(match[1]), int(match[2] or 0)
    return hour * 60 + minute if hour < 24 and minute < 60 else DAY if (hour, minute) == (24, 0) else None
