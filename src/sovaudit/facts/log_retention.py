"""How long the logs that hold security events last: logrotate's promise, journald's limits, and the oldest record really there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sovaudit.facts import rsyslog_includes
from sovaudit.facts.files import Unseen
from sovaudit.facts.log_protection import Answer
from sovaudit.facts.logrotate_policy import days_of
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host
    from sovaudit.facts.logs import Logs

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Kept:
    """One log and whether it is kept for long enough. yes None: not decided."""

    name: str
    yes: bool | None
    why: str
    because: tuple[Line, ...] = ()
    gaps: tuple[Gap, ...] = ()


class Retention:
    """Over one host's logs."""

    def __init__(self, host: Host, logs: Logs) -> None:
        self._host = host
        self._files = host.files
        self._logs = logs

    def kept(self, months: int) -> tuple[Kept, ...]:
        """Each log on disk that holds security events, and whether it is certainly kept for so many calendar months. Raises Unseen."""
        found: dict[str, Kept] = {}
        enough = True
        for event in self._logs.events:
            if event.own_file and event.own_file not in found:
                found[event.own_file] = self._kept(event.own_file, months)
            for message in event.messages:
                places = (
                    [] if event.silent else [place for place in self._logs.route(message).possible if place.kind in ("file", "dynafile")]
                )
                for place in sorted(places, key=lambda place: place.target):
                    if place.target not in found and (place.kind == "dynafile" or not self._logs.protection.nowhere(place.target)):
                        found[place.target] = self._kept(
                            place.target, months, dynamic=place.kind == "dynafile", channel=place.module == "outchannel"
                        )
                if not any(found[place.target].yes for place in places if place.target in found):
                    enough = False
        for name in self._logs.other_daemons:
            found[name] = Kept(name, None, f"{name} is not modelled", (), (Gap(name, Reason.UNSUPPORTED),))
        journal = self._logs.in_journal()
        if journal.yes is not False:
            found["journal"] = self._journal_kept(months, covered=enough and bool(self._logs.events), journal=journal)
        return tuple(found.values())

    def _kept(self, path: str, months: int, *, dynamic: bool = False, channel: bool = False) -> Kept:
        if dynamic:
            gap = Gap(f"file:{rsyslog_includes.MAIN}", Reason.UNSUPPORTED, f"file names made by template {path}")
            return Kept(path, None, "its file names are made by a template", (), (gap,))
        if channel:
            gap = Gap(f"file:{rsyslog_includes.MAIN}", Reason.UNSUPPORTED, "an outchannel's command decides")
            return Kept(path, None, "a size, and a command run at that size, limit it", (), (gap,))
        try:
            keep = self._logs.logrotate.keeps(path)
        except Unseen as unseen:
            return Kept(path, None, "how it is rotated was not seen", (), (unseen.gap,))
        lasts = keep.lasts(months)
        if lasts:
            return Kept(path, True, keep.note or f"{keep.amount} {keep.kind}", keep.because)
        if lasts is False:
            return Kept(path, False, f"{keep.amount} {keep.kind}", keep.because)
        if keep.upper is not None and keep.upper.lasts(months) is False:
            return Kept(path, False, f"at most {keep.upper.amount} {keep.upper.kind}", keep.because)
        oldest = self.oldest(path)
        if oldest is not None and self._age_days(oldest) >= days_of(months):
            return Kept(path, True, f"its oldest record is {self._age_days(oldest)} days old", keep.because)
        gap = Gap(f"file:{path}", Reason.AMBIGUOUS, "rotation by size guarantees no time")
        return Kept(path, None, "it is rotated by size", keep.because, (gap,))

    def _journal_kept(self, months: int, *, covered: bool, journal: Answer) -> Kept:
        if journal.yes is None:
            return Kept("journal", None, journal.why, (), journal.gaps)
        limit, line = self._logs.journald.max_retention()
        if limit and limit < days_of(months) * 86400:
            return Kept("journal", False, f"MaxRetentionSec allows {limit // 86400} days", (line,) if line else ())
        if covered:
            return Kept("journal", True, "files keep the same events for long enough", journal.because)
        try:
            oldest = self._logs.journald.oldest()
        except Unseen as unseen:
            return Kept("journal", None, "its size, not time, limits it, and its oldest entry was not seen", journal.because, (unseen.gap,))
        age = self._age_days(oldest) if oldest is not None else 0
        if age >= days_of(months):
            return Kept("journal", True, f"its oldest entry is {age} days old", journal.because)
        gap = Gap("cmd:journal-oldest", Reason.AMBIGUOUS, f"the oldest entry is {age} days old, and no time is guaranteed")
        return Kept("journal", None, f"its size, not time, limits it; the oldest entry is {age} days old", journal.because, (gap,))

    def _age_days(self, when: int) -> int:
        return (int(self._host.taken_at.timestamp()) - when) // 86400

    def oldest(self, path: str) -> int | None:
        """Seconds since the epoch of the oldest record in a log file or its rotated copies, as far as their first lines were seen and
        understood.
        """
        try:
            rows = self._files.artifact("log-starts").splitlines()
        except Unseen:
            return None
        found = []
        for row in rows:
            name, tab, start = row.partition("\t")
            if tab and (name == path or name.startswith((f"{path}.", f"{path}-"))):
                when = record_time(start, int(self._host.taken_at.timestamp()))
                if when is not None:
                    found.append(when)
        return min(found) if found else None


def record_time(text: str, now: int) -> int | None:
    """When a record was written, from the first bytes of its line: ISO 8601, or syslog's `Nov 24 04:17:11` (taken as UTC), which lacks the
    year: the latest that fits.
    """
    match = re.match(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)", text)
    if match:
        return _epoch(*(int(cell) for cell in match.groups()))
    match = re.match(r"([A-Z][a-z]{2}) +(\d{1,2}) (\d\d):(\d\d)", text)
    if match is None or match[1] not in _MONTHS:
        return None
    year = datetime.fromtimestamp(now, UTC).year
    for guess in (year, year - 1):
        when = _epoch(guess, _MONTHS.index(match[1]) + 1, int(match[2]), int(match[3]), int(match[4]))
        if when is not None and when <= now + 86400:
            return when
    return None


def _epoch(year: int, month: int, day: int, hour: int, minute: int) -> int | None:
    try:
        return int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp())
    except ValueError:
        return None
