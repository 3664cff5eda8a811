"""What is missing from the sources of an archive: numbers, records that a source says were lost, stops of its logging, improbable silences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sovaudit.facts.log_archive import LogArchive, Numbering, Source, line, moment
from sovaudit.facts.silence import Silence, needed
from sovaudit.model.finding import Line

JUDGED = 12  # silences of one source that are looked at closely
SOON = 300  # seconds between the last record and a shutdown's, or between a boot and the first record
PAUSE = 60  # seconds for which a log daemon may be away when it is restarted
DAY = 86400
_GROWING = ("audit-lost", "discarded")
_WRITTEN = {"audit": {"audit"}, "journal": {"journal-export", "journal-json"}, "windows": {"windows-json", "windows-csv"}}
_LOSSES = {
    "rate-limited": "messages dropped by rsyslogd's rate limit",
    "rate-limit-begins": "rsyslogd began to drop messages",
    "suppressed": "messages suppressed",
    "audit-lost": "audit records lost, says the kernel",
    "cleared": "the log was cleared",
    "discarded": "messages discarded by rsyslogd, so far, says its queue",
}


@dataclass
class Answer:
    """One source. missing: what is seen to be missing; doubts: what cannot be told; explained: silences with a reason.

    blind: hours for which a silence would not show, 0 if silences were not judged.
    """

    source: Source
    missing: list[Line] = field(default_factory=list)
    doubts: list[Line] = field(default_factory=list)
    explained: list[Line] = field(default_factory=list)
    numbered: bool = False
    short: bool = False
    slow: bool = False
    blind: int = 0


def judge(archive: LogArchive, *, one_in: int, weeks: int, blind_hours: int, holidays: tuple[str, ...]) -> Iterator[Answer]:
    """One answer per source. Raises Unseen."""
    numbers: dict[str, list[Numbering]] = {}
    for numbering in archive.numberings:
        numbers.setdefault(numbering.source.casefold(), []).append(numbering)
    free = frozenset(holidays)
    formats: dict[str, set[str]] = {}
    for file in archive.files:
        formats.setdefault(file.chain, set()).add(file.format)
    unread = {chain: (name, why) for name, chain, why in archive.unread}
    for source in archive.sources:
        answer = Answer(source)
        _numbers(answer, numbers.get(source.name.casefold(), []), formats.get(source.chain, set()))
        _said(answer)
        _steps(answer)
        _silences(answer, archive.last, free, one_in, weeks, blind_hours)
        if source.chain in unread:
            name, why = unread[source.chain]
            answer.doubts.append(line(name, f"was not wholly read: {why}"))
        yield answer


def _numbers(answer: Answer, numberings: list[Numbering], formats: set[str]) -> None:
    last: dict[str, Numbering] = {}
    for one in numberings:
        chain, _, _ = one.key.partition("\t")
        if not formats & _WRITTEN.get(one.scheme, set()) or (one.scheme == "audit" and chain != answer.source.chain):
            continue  # another log of the same host
        answer.numbered = True
        for first, final, start, end in one.holes:
            answer.missing.append(_hole(one, first, final, start, end))
        if one.more:
            answer.doubts.append(line(answer.source.chain, f"more holes in its numbers ({one.scheme}) than are kept"))
        if one.scheme != "audit":
            continue
        before = last.get(chain)
        if before is not None and one.low > before.high + 1 and not _boot_between(answer.source, before.end, one.start):
            answer.missing.append(
                _hole(one, before.high + 1, one.low - 1, before.end, one.start, "auditd was stopped or started in between")
            )
        last[chain] = one


def _boot_between(source: Source, start: int, end: int) -> bool:
    return any(mark.kind == "boot" and start - 1 <= mark.at <= end + SOON for mark in source.marks)


def _hole(one: Numbering, first: int, final: int, start: int, end: int, why: str = "") -> Line:
    count = final - first + 1
    text = f"{count} missing, {first} to {final}" if count > 1 else f"1 missing, {first}"
    return line(one.key.partition("\t")[0], f"{text}, between {moment(start)} and {moment(end)}" + (f": {why}" if why else ""))


def _said(answer: Answer) -> None:
    """What the source itself says of losses, and stops of its log daemon with nothing from it in between."""
    source, ended = answer.source, 0
    highest: dict[tuple[str, str], int] = {}  # of counters that only grow, the last word
    for mark in source.marks:
        if mark.kind in _GROWING:
            highest[mark.kind, mark.whose] = max(highest.get((mark.kind, mark.whose), 0), mark.count)
    for mark in source.marks:
        if mark.kind in _LOSSES and (mark.kind not in _GROWING or mark.count == highest[mark.kind, mark.whose]):
            count = "" if mark.kind in ("cleared", "rate-limit-begins") else f"{mark.count} "
            answer.missing.append(line(source.chain, f"{count}{_LOSSES[mark.kind]} {mark.whose}".rstrip() + f", {moment(mark.at)}"))
            highest[mark.kind, mark.whose] = -1
        elif mark.kind == "daemon-end":
            ended = mark.at
        elif mark.kind == "boot":
            ended = 0
        elif mark.kind == "daemon-start" and ended:
            away = mark.at - ended
            if away > PAUSE and not _shut_down(source, ended, mark.at) and any(s <= mark.at and e >= ended for s, e in source.silences):
                answer.missing.append(line(source.chain, f"its log daemon was stopped from {moment(ended)} to {moment(mark.at)}"))
            ended = 0
    if source.more:
        answer.doubts.append(line(source.chain, "more notices of its own than are kept"))


def _shut_down(source: Source, ended: int, again: int) -> bool:
    """Whether a log daemon ended because its host did: a boot in between, or a shutdown just before, where boots are not collected."""
    if _boot_between(source, ended, again):
        return True
    boots = any(mark.kind == "boot" for mark in source.marks)
    return not boots and any(mark.kind == "shutdown" and abs(mark.at - ended) <= SOON for mark in source.marks)


def _steps(answer: Answer) -> None:
    for before, after in answer.source.steps:
        if before - after > 300 * 86400:
            text = "its stamps carry no year, and the year cannot be told"
        else:
            text = f"its clock, or its records' order, went back by {before - after} s"
        answer.doubts.append(line(answer.source.chain, f"{text}: {moment(before)}, then {moment(after)}"))
    for mark in answer.source.marks:
        if mark.kind == "clock-set":
            answer.doubts.append(line(answer.source.chain, f"its clock was set by {mark.count} s, {moment(mark.at)}"))


def _silences(answer: Answer, end: int, holidays: frozenset[str], one_in: int, weeks: int, blind_hours: int) -> None:
    source = answer.source
    rhythm = source.rhythm(holidays)
    if rhythm.days < weeks * 7:
        answer.short = True
        return
    found = list(source.silences)
    if end - source.last >= PAUSE:
        found.append((source.last, end))
    many = max(1, source.records - 1)
    answer.blind = rhythm.blind(one_in=one_in, silences=many)
    if answer.blind < 0 or answer.blind > blind_hours:
        answer.slow = True
    ordered = sorted(((rhythm.rough(start, stop), start, stop) for start, stop in found), reverse=True)
    for rough, start, stop in ordered[:JUDGED]:
        # the rough count errs by less than half, unless the silence is most of the history
        if 2 * rough <= needed(one_in, many) and stop - start < rhythm.days * DAY // 2:
            continue
        silence = rhythm.judge(start, stop, one_in=one_in, silences=many)
        if silence.improbable:
            _improbable(answer, silence, stopped=stop == end and start == source.last)


def _clock_moved(source: Source, silence: Silence) -> bool:
    """Whether the silence is what a clock that was put forward makes of no time at all: it was put back by as much, or says so itself."""
    length = silence.end - silence.start
    near = max(SOON, length // 10)
    back = any(abs(before - after - length) <= near for before, after in source.steps)
    return back or any(
        mark.kind == "clock-set" and abs(mark.at - silence.end) <= 5 and abs(mark.count - length) <= near for mark in source.marks
    )


def _improbable(answer: Answer, silence: Silence, *, stopped: bool) -> None:
    source = answer.source
    hours, minutes = divmod((silence.end - silence.start) // 60, 60)
    span = f"silent for {hours} h {minutes:02d} min, {moment(silence.start)} to {moment(silence.end)}"
    text = f"{span}, where {silence.expected // 1000} records were to be expected"
    boot = any(mark.kind == "boot" and abs(mark.at - silence.end) <= SOON for mark in source.marks)
    down = any(mark.kind == "shutdown" and abs(mark.at - silence.start) <= SOON for mark in source.marks)
    if _clock_moved(source, silence):
        answer.doubts.append(line(source.chain, f"{text}; its clock was moved by as much"))
    elif boot and down:
        answer.explained.append(line(source.chain, f"{span}: it was shut down, and booted at the end"))
    elif boot:
        answer.doubts.append(line(source.chain, f"{text}; it booted at the end, without a shutdown before"))
    elif stopped and down:
        answer.doubts.append(line(source.chain, f"{text}; it was shut down and did not come back"))
    elif down and not any(mark.kind == "boot" for mark in source.marks):
        answer.doubts.append(line(source.chain, f"{text}; it was shut down, and its boots are not collected"))
    else:
        answer.missing.append(line(source.chain, text))
