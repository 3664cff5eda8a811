"""Whether a directory records a kind of event anywhere, and keeps it: its sources taken together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sovaudit.facts.directories.model import Recording
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line


@dataclass(frozen=True, slots=True)
class Kept:
    """yes: True, False, or None where it was not seen. source: the one that decides. short: it is recorded, but the longest keeps this many days."""

    yes: bool | None
    source: str = ""
    because: tuple[Line, ...] = ()
    gaps: tuple[Gap, ...] = ()
    short: int | None = None
    text: str = ""


def kept(sources: Iterable[Recording], days: int) -> Kept:
    """One source that records and keeps long enough is enough; a source that may do so leaves it open; else it is seen not to be so."""
    seen = list(sources)
    because = tuple(line for one in seen for line in one.because)
    recording = [one for one in seen if one.recorded is True]
    for one in recording:
        if not isinstance(one.keep_days, Gap) and (one.keep_days is None or one.keep_days >= days):
            return Kept(True, one.subject, one.because)
    gaps = [one.recorded for one in seen if isinstance(one.recorded, Gap)]
    gaps += [one.keep_days for one in recording if isinstance(one.keep_days, Gap)]
    if gaps:
        return Kept(None, because=because, gaps=tuple(dict.fromkeys(gaps)))
    longest = max((one.keep_days for one in recording if isinstance(one.keep_days, int)), default=None)
    if recording:
        return Kept(False, recording[0].subject, because, short=longest)
    return Kept(False, because=because, text="; ".join(one.text for one in seen if one.text))
