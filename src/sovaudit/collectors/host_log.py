"""The end of a host's own security log, as records that a collector's copy can be held against: time, program, process and a digest.

The lines come here as they stand, but for those in which masking would hide something: of these only what stands before the message comes.
What is kept of a line is its digest; no message is ever in the evidence. log_tail() in posix/logtail.awk chooses and cuts in the same way.

Artifact `log-records`, tab-separated: `F path w|c lines others` a log, whole or only its end, the lines read, and how many of them are of another
shape; below it, in its order, `R source time program process digest`, digest `-` for a line that was not brought. Where the journal alone is written,
the path is `journal`: its newest 1,000 records of auth and authpriv.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from typing import Protocol

from sovaudit.collectors.logs.reading import LEVEL, digest_of, parted, word
from sovaudit.collectors.logs.syslog import Syslog
from sovaudit.collectors.logs.tally import Part
from sovaudit.collectors.logs.times import Clock
from sovaudit.collectors.masking import mask_line
from sovaudit.model.evidence import Gap
from sovaudit.model.verdict import Reason

NAME = "log-records"
FOLDER = "/var/log"
LOGS = ("auth.log", "secure", "messages", "syslog")  # the first that is there
TAIL = 262144  # bytes, of the log and the one before it together
LONGEST = 8192  # bytes of a line
STALE = 691_200  # seconds by which the journal may be younger than a log that still counts
JOURNAL = "journal"
COMMAND = (
    "journalctl -q --no-pager -n 1000 -o json --output-fields=MESSAGE,SYSLOG_IDENTIFIER,_COMM,SYSLOG_PID,_PID,_HOSTNAME "
    "SYSLOG_FACILITY=4 SYSLOG_FACILITY=10"
)
IN_JOURNAL = "its log is in the journal, which a mounted root does not show: give what journalctl -o export says"
_JOURNALS = re.compile(r"/(?:var|run)/log/journal/[^/]+/[^/]+[.]journal")
NO_LOG = f"no {', '.join(LOGS)} in {FOLDER}"
_HEAD = re.compile(
    rb"([A-Z][a-z][a-z] [ 0-9][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9]|[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[^ ]+) [^ ]+ "
)
_TAG = re.compile(rb"[^\[ \t\r\f\v:]+(?:\[[^\] \t\r\f\v]*\])?:? ?")
_UNFIT = re.compile(r"[^A-Za-z0-9_.:%-]")
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_BLANKS = b" \t\r\f\v"
_PLACE = re.compile(rb"/zoneinfo/(?:posix/)?([A-Za-z0-9_+/-]{1,60})$")


class Files(Protocol):
    """What a mounted root offers."""

    def names(self, path: str) -> list[str]: ...
    def read_at(self, path: str, offset: int, size: int) -> bytes: ...


def collect(files: Files, rows: Collection[str], tree: bytes) -> bytes | Gap:
    """The artifact of a mounted root, whose tree is given as rows and as written."""
    logs = chosen(rows)
    try:
        if not logs:
            files.names(FOLDER)
            if _journal(rows) >= 0:
                return Gap(NAME, Reason.UNSUPPORTED, IN_JOURNAL)
            return Gap(NAME, Reason.ABSENT, NO_LOG)
        found: list[bytes] = []
        for (path, size), share in zip(logs, shares(logs), strict=True):
            found += brought(path, size, share, files.read_at(path, size - share, share))
    except (FileNotFoundError, NotADirectoryError):
        return Gap(NAME, Reason.ABSENT, NO_LOG)
    except OSError:
        return Gap(NAME, Reason.DENIED, "" if logs else NO_LOG)
    return records(found, tree)


def chosen(rows: Collection[str]) -> list[tuple[str, int]]:
    """Paths and sizes of the logs whose end is brought, the older first; none where there is no log that we know, or the journal is younger."""
    journal = _journal(rows)
    sizes: dict[str, int] = {}
    times: dict[str, int] = {}
    for row in rows:
        cells = row.split("\t")
        if cells[0] == "f" and cells[6].startswith(FOLDER + "/"):
            sizes[cells[6]], times[cells[6]] = int(cells[4]), int(cells[5])
    for name in LOGS:
        path = f"{FOLDER}/{name}"
        if path not in sizes:
            continue
        if journal - times[path] > STALE:
            return []
        dated = [other for other in sizes if re.fullmatch(re.escape(path) + r"-[0-9]{8}", other)]
        before = f"{path}.1" if f"{path}.1" in sizes else max(dated, default="")
        logs = [(before, sizes[before])] if before and sizes[path] < TAIL else []
        return [*logs, (path, sizes[path])]
    return []


def _journal(tree: Iterable[str]) -> int:
    """When a journal was written last; -1 without one."""
    found = [row.split("\t") for row in tree if "/log/journal/" in row]
    return max((int(cells[5]) for cells in found if cells[0] == "f" and _JOURNALS.fullmatch(cells[6])), default=-1)


def shares(logs: list[tuple[str, int]]) -> list[int]:
    """Of how many bytes each is brought."""
    last = min(logs[-1][1], TAIL)
    return [last] if len(logs) == 1 else [min(logs[0][1], TAIL - last), last]


def brought(path: str, size: int, share: int, data: bytes) -> list[bytes]:
    """The rows that the script sends of one log, from its last `share` bytes."""
    lines = data.replace(b"\0", b"\1").split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    if share < size:
        lines = lines[1:]
    rows = [b"F\t%s\t%s" % (path.encode("utf-8", "surrogateescape"), b"c" if share < size else b"w")]
    others = 0
    for line in lines:
        head = _HEAD.match(line)
        if head is None or b"\1" in line or len(line) > LONGEST:
            others += 1
            continue
        level = LEVEL.match(line, head.end())
        at = level.end() if level else head.end()
        tag = _TAG.match(line, at)
        at = tag.end() if tag else at
        message = line[at:].strip(_BLANKS)
        rows.append(b"T\t" + line if mask_line("plain", message) == message else b"M\t" + line[:at])
    return [*rows, b"O\t%d" % others]


def records(rows: Iterable[bytes], tree: bytes) -> bytes | Gap:
    """The artifact, from what was brought. Stamps without a zone are read in the host's own."""
    times = {cells[6]: int(cells[5]) for cells in (row.split(b"\t") for row in tree.split(b"\n")) if cells[0] == b"f" and len(cells) > 6}
    found: list[bytes] = []
    reader, part, at, count = None, Part(), 0, 0
    zone = _zone(tree)
    for row in rows:
        kind, _, rest = row.partition(b"\t")
        if kind == b"F":
            path = rest.partition(b"\t")[0]
            part = Part()
            reader = Syslog(part, Clock(zone or "UTC", times.get(path, 0)), "", "", None)
            at, count = len(found), 0
            found.append(b"F\t" + rest)
        elif reader is None:
            break
        elif kind == b"O":
            others = (int(rest) if rest.isdigit() else 0) + sum(part.troubles.values())
            found[at] += b"\t%d\t%d\n" % (count + (int(rest) if rest.isdigit() else 0), others)
            reader = None
        elif kind == b"N":
            count += 1
            entry = _entry(rest)
            if entry is None:
                part.troubles["not-json"] += 1
            else:
                found.append(entry)
        elif kind in (b"T", b"M"):
            count += 1
            head = reader.head(rest)
            if reader.clock.zoneless and zone is None:
                return Gap(NAME, Reason.AMBIGUOUS, "its stamps carry no zone, and /etc/localtime names none that we know")
            if head is not None:
                when, source, said = head
                program, process, message = parted(said)
                digest = digest_of(message) if kind == b"T" else "-"
                found.append(_row(source.decode("ascii", "replace"), when, program, process, digest))
    if reader is not None or not found:
        return Gap(NAME, Reason.TRUNCATED, "reading the log did not end")
    return b"".join(found)


def _row(source: str, when: int, program: bytes, process: bytes, digest: str) -> bytes:
    return f"R\t{re.sub(_UNFIT, '?', source)}\t{when}\t{word(program)}\t{word(process)}\t{digest}\n".encode()


def _entry(line: bytes) -> bytes | None:
    """One entry of the journal (systemd.journal-fields(7)); None for what is none."""
    try:
        given = json.loads(line)
        when = int(given["__REALTIME_TIMESTAMP"]) // 10**6
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    said, host = given.get("MESSAGE"), given.get("_HOSTNAME")
    names = [given.get(name) for name in ("SYSLOG_IDENTIFIER", "_COMM", "SYSLOG_PID", "_PID")]
    program, comm, own, process = (name.encode() if isinstance(name, str) else b"" for name in names)
    message = said.encode("utf-8", "replace") if isinstance(said, str) else b""
    # syslog has no such characters: what stands for them differs from daemon to daemon
    digest = digest_of(message) if message and not _CONTROL.search(message) else "-"
    return _row(host if isinstance(host, str) else "", when, program or comm, own or process, digest)


def _zone(tree: bytes) -> str | None:
    """The name of the host's time zone by /etc/localtime; UTC without one, as the C library has it; None if it is no link to a name."""
    from zoneinfo import ZoneInfo

    for row in tree.split(b"\n"):
        cells = row.split(b"\t")
        if len(cells) > 6 and cells[6] == b"/etc/localtime":
            if cells[0] == b"-":
                return "UTC"
            place = _PLACE.search(cells[7]) if cells[0] == b"l" and len(cells) > 7 else None
            try:
                return ZoneInfo(place[1].decode()).key if place else None
            except (KeyError, ValueError, OSError):
                return None
    return None if b"D\t\t\t\t\t\t/etc\n" not in tree else "UTC"
