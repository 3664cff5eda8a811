"""How long a stanza of logrotate lets a log file live (logrotate(8)).

What is *guaranteed*: right after a rotation the oldest line still there is `rotate` whole periods old, or as many runs of logrotate, where those
are rarer. A size that triggers a rotation guarantees no time at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from sovaudit.model.finding import Line

MAIN = "/etc/logrotate.conf"
_NOWHERE = Line(MAIN, 0, "")


@dataclass(frozen=True, slots=True)
class Policy:
    """What one stanza says, global options included. period: hourly … yearly, or `size`. rotate: -1 keeps all. maxage: days, 0 for none."""

    files: tuple[str, ...] = ()
    period: str = "size"  # without a word logrotate goes by size, 1 MB
    rotate: int = 0
    maxage: int = 0
    maxsize: bool = False
    su: bool = False
    create: tuple[str, str, str] | None = None  # mode, owner and group of the new file, each empty where it keeps the old one's
    copies: bool = False  # the old file stays in its place, emptied
    olddir: str = ""
    makes_olddir: bool = False
    missing_ok: bool = False
    ignores_duplicates: bool = False
    copy: bool = False  # the log itself is never emptied
    cuts: tuple[str | None, ...] = ()  # of each of `files`: the duplicate at which its matches end
    mine: tuple[str, ...] = ()  # what the patterns match now
    line: Line = _NOWHERE
    because: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Keep:
    """How long lines of a file are certainly kept. kind: `forever`, `days`, `months`, `unbounded` (no time is guaranteed). amount: of days
    or months.
    """

    kind: str
    amount: int
    because: tuple[Line, ...]
    note: str = ""
    upper: Keep | None = None  # what the schedule alone would keep, where a size may rotate earlier

    def lasts(self, months: int) -> bool | None:
        """Whether that is at least so many months: calendar months by count, days against months x 30.4375 rounded down. None if not
        guaranteed.
        """
        if self.kind == "forever":
            return True
        if self.kind == "unbounded":
            return None
        return self.amount >= (months if self.kind == "months" else days_of(months))


def days_of(months: int) -> int:
    """Days that stand for so many months: the mean month of 30.4375 days, rounded down (6: 182, so 26 weeks are six months; 12: 365)."""
    return months * 304375 // 10000


TRIGGERS = ("OnCalendar", "OnBootSec", "OnUnitActiveSec", "OnUnitInactiveSec", "OnStartupSec", "OnActiveSec")
_WORDS = {"daily": 1, "weekly": 7, "monthly": 28, "quarterly": 90, "semiannually": 181, "yearly": 365, "annually": 365}
_MOMENT = re.compile(r"((?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\s+)?(?:\*-\*-(?:\*|(\d\d?))\s+)?\d\d?:\d\d(?::\d\d)?", re.IGNORECASE)


def days_apart(calendar: str) -> int:
    """Days that certainly lie between two moments of a calendar event (systemd.time(7)); 0 for less, and for what is not understood."""
    if calendar.lower() in _WORDS:
        return _WORDS[calendar.lower()]
    match = _MOMENT.fullmatch(calendar.strip())
    if match is None:
        return 0
    return 28 if match[2] else 7 if match[1] else 1


def keep_of(policy: Policy, interval: int = 0) -> Keep:
    """What a stanza guarantees. interval: days between two runs of logrotate; however short its period, it rotates no more often."""
    because = (policy.line, *policy.because)
    cap = policy.maxage or None
    if policy.rotate < 0:
        return Keep("days", cap, because, "maxage") if cap else Keep("forever", 0, because, "rotated, never removed")
    if policy.rotate == 0:
        return Keep("days", 0, because, "a rotated file is removed at once")
    if policy.period == "size" or policy.maxsize:
        upper = keep_of(replace(policy, maxsize=False), interval) if policy.period != "size" else None
        return Keep("unbounded", 0, because, upper=upper if upper is not None else Keep("days", cap, because) if cap else None)
    if policy.period in ("monthly", "yearly"):
        count = policy.rotate * (12 if policy.period == "yearly" else 1)
        if cap is not None and cap < days_of(count):
            return Keep("days", cap, because, "maxage")
        return Keep("months", count, because)
    every = {"hourly": 0, "daily": 1, "weekly": 7}[policy.period]
    days = policy.rotate * max(every, interval) if every or interval else policy.rotate // 24
    return Keep("days", min(days, cap) if cap is not None else days, because)
