"""The end of a host's own security log as a visit brought it, held against a collector's archive: digests, no messages.

What only the host holds was lost on the way, or removed at the collector. What only the collector holds was removed on the host, if the host
writes such records into the log that was brought: of the programs that log as `auth` or `authpriv`, by where its rsyslog sends those.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from sovaudit.facts.files import Unseen
from sovaudit.facts.host import Host
from sovaudit.facts.log_archive import LogArchive, Record, moment, short
from sovaudit.facts.reconciliation import JOURNAL_SLACK, SEVERAL, Compared, contested, extra, missing, not_before, records_of, window
from sovaudit.facts.rsyslog import Message
from sovaudit.model.evidence import Gap
from sovaudit.model.verdict import Reason

NAME = "log-records"
SETTLE_SECONDS = 60  # before a visit: what was just written may not yet be in the file
AUTH, AUTHPRIV = 4, 10
# Programs of Debian whose every record is of one of the two; sshd and sudo may be told otherwise, which their events say.
PROGRAMS = frozenset(
    (
        "sshd", "sshd-session", "sshd-auth", "sudo", "su", "login", "passwd", "chpasswd", "chage", "useradd", "userdel", "usermod", "groupadd",
        "groupdel", "groupmod", "gpasswd", "newgrp", "systemd-logind",
    )
)  # fmt: skip
JOURNAL = "journal"


@dataclass(frozen=True)
class OwnLog:
    """paths: the logs whose ends were brought, the older first. lines: how many were read, others of them of a shape that is not compared."""

    paths: tuple[str, ...]
    lines: int
    others: int
    records: tuple[Record, ...]

    @cached_property
    def first(self) -> int:
        return self.records[0][0] if self.records else 0

    @cached_property
    def last(self) -> int:
        return max((record[0] for record in self.records), default=0)


def own_log(host: Host) -> OwnLog:
    """Raises Unseen where a visit brought none."""
    paths: list[str] = []
    lines = others = 0
    records: list[Record] = []
    name = short(host.name)
    try:
        for row in host.files.artifact(NAME).split("\n"):
            cells = row.split("\t")
            if cells[0] == "F":
                _, path, _, count, odd = cells
                paths.append(path)
                lines, others = lines + int(count), others + int(odd)
            elif cells[0] == "R":
                _, source, at, program, process, digest = cells
                if short(source) == name:
                    records.append((int(at), program, process, digest))
    except ValueError as error:
        raise Unseen(Gap(NAME, Reason.AMBIGUOUS, "not of the shape we write")) from error
    if not paths:
        raise Unseen(Gap(NAME, Reason.AMBIGUOUS, "it names no log"))
    return OwnLog(tuple(paths), lines, others, tuple(records))


def visited(
    host: Host, archives: Sequence[LogArchive], *, delay_minutes: int, programs: frozenset[str], others: Iterable[str] = ()
) -> Compared:
    """A host's visit against the archives that are no copies of its own. others: names of the other hosts that were visited."""
    found = Compared(host.name, host.evidence.target.id)
    try:
        own = own_log(host)
        if not archives:
            found.doubt = "no collector's archive stands beside it"
            return found
        there: Counter[Record] = Counter()
        for archive in archives:
            there |= records_of(archive, host.name, programs)
        several = contested(host.name, others, archives)
        known = any(short(host.name) in archive.names for archive in archives)
        windows = [window(archive) for archive in archives]
        taken = int(host.taken_at.timestamp())
        unread = [f"{name}: {why}" for archive in archives for name, _, why in archive.unread]
    except Unseen as unseen:
        if unseen.gap == Gap(NAME, Reason.ABSENT):
            found.doubt = "the visit did not bring the end of its log (--log-records)"
            return found
        found.doubt, found.gaps = f"{unseen.gap.item} was not seen" + (f": {unseen.gap.detail}" if unseen.gap.detail else ""), (unseen.gap,)
        return found
    here = [record for record in own.records if not programs or record[1] in programs]
    ended = max(upto for _, upto in windows)
    found.since = max(own.first, min(since for since, _ in windows))
    found.upto = min(own.last, ended - delay_minutes * 60)
    slack = JOURNAL_SLACK if own.paths == (JOURNAL,) else 0
    missing(found, (record for record in here if found.since <= record[0] <= found.upto), there, slack)
    end = min(taken - SETTLE_SECONDS, ended) if host.live else min(own.last - 1, ended)
    not_before(found, archives)
    first, last = own.first + 1 + slack, end - slack
    removed = (
        extra((record for record in there if first <= record[0] <= last and record[1] in PROGRAMS), here, slack) if own.records else []
    )
    certain = {program for program in {record[1] for record in removed} if _written(host, program, own.paths)}
    found.only_there = [record for record in removed if record[1] in certain]
    doubtful = [record for record in removed if record[1] not in certain]
    both = [record for record in there if found.since <= record[0] <= found.upto]
    if several:
        found.doubt = SEVERAL
    elif not known:
        found.doubt = "the archive holds nothing under its name"
    elif own.others > own.lines - own.others:
        found.doubt = f"most lines of {own.paths[-1]} are of a shape that is not compared"
    elif not own.records or not here:
        found.doubt = f"{own.paths[-1]} holds no record of it"
    elif not found.same and found.only_here and both:
        found.doubt = "no record agrees: their stamps may be of different zones, or of reception"
    elif found.only_there:
        return found
    elif found.only_here and unread:
        found.doubt = f"a file was not wholly read, {unread[0]}"
    elif found.only_here:
        return found
    elif doubtful:
        found.only_there = doubtful
        found.doubt = f"the collector alone holds records, and it is not certain that the host writes them to {own.paths[-1]}"
    elif own.last - ended > delay_minutes * 60:
        found.doubt = f"the collector's copy ends at {moment(ended)}, before the host's"
    elif not found.same:
        found.doubt = "no record of its log is old enough to be at the collector for certain"
    return found


def namesakes(hosts: Iterable[Host]) -> list[list[str]]:
    """For each host the names of others that are called the same but for the domain; one machine that was visited twice is one."""
    rows = [(short(host.name), host.name, host.evidence.identity.get("machine_id", host.evidence.target.id)) for host in hosts]
    alike: dict[str, list[tuple[str, str]]] = {}
    for key, name, machine in rows:
        alike.setdefault(key, []).append((name, machine))
    return [[name for name, other in alike[key] if other != machine] for key, _, machine in rows]


def _written(host: Host, program: str, paths: tuple[str, ...]) -> bool:
    """Whether everything that the program logs is certainly written to one of these files."""
    try:
        facilities = {AUTH} if program == "systemd-logind" else {AUTH, AUTHPRIV}
        for event in host.logs.events:
            facilities |= {message.facility for message in event.messages if message.program == _service(program)}
        if paths == (JOURNAL,):
            journal = host.logs.journald
            kept = journal.running().yes and journal.storage().value != "none" and all(map(journal.keeps, range(8)))
            return kept and facilities <= {AUTH, AUTHPRIV}  # no others were brought
        if host.logs.other_daemons:
            return False
        return all(
            any(place.kind == "file" and place.target in paths and not place.occasional for place in host.logs.route(message).certain)
            for facility in sorted(facilities)
            for message in (Message(facility, severity, program, "{text}", pid=None) for severity in range(8))
        )
    except Unseen:
        return False


def _service(program: str) -> str:
    """Under which name its events stand: newer sshd has several programs."""
    return "sshd" if program.startswith("sshd") else program
