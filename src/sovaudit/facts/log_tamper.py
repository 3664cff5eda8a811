"""Whether anyone but root could alter or remove a host's logs: rsyslog's, sudo's, the journal, auditd's, what logrotate makes, and /var/log.

Sources: omfile (rights of new files), logrotate(8) `create`, sudoers(5) `logfile`, auditd.conf(5) `log_file`, systemd-journald.service(8).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sovaudit.facts.files import Files, Stat, Unseen
from sovaudit.facts.journald import FOLDER
from sovaudit.facts.log_access import NOBODY, Access
from sovaudit.facts.parse import rainerscript as rs
from sovaudit.facts.rsyslog_model import Configuration, Destination
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line

if TYPE_CHECKING:
    from sovaudit.facts.host import Host
    from sovaudit.facts.logs import Logs

TOP = "/var/log"
DEPTH = 3  # how deep the collector looks below it
AUDIT = "/var/log/audit/audit.log"
_JOURNALS = (FOLDER, "/run/log/journal")


@dataclass(frozen=True, slots=True)
class Guarded:
    """One log. safe None: not decided. who: an account that could alter it. next: it is the file that the next rotation makes."""

    name: str
    safe: bool | None
    who: str = ""
    because: tuple[Line, ...] = ()
    gaps: tuple[Gap, ...] = ()
    next: bool = False


class Tamper:
    """Over one host's logs."""

    def __init__(self, host: Host, logs: Logs) -> None:
        self._host = host
        self._files: Files = host.files
        self._logs = logs
        self._access = logs.protection.access

    def guarded(self) -> tuple[Guarded, ...]:
        """Every log that was found, and `/var/log` for all others below it; those that somebody could alter by their own names. Raises Unseen
        where accounts were not seen.
        """
        found: dict[str, Guarded] = {}
        for each in (*self._written(), *self._journal(), *self._audit()):
            before = found.get(each.name)
            if before is None or (before.safe is not False and each.safe is not True):
                found[each.name] = each
        found.update({each.name: each for each in self._rest(frozenset(found))})
        return tuple(found.values())

    def _judge(self, name: str, access: Access, because: tuple[Line, ...] = ()) -> Guarded:
        safe = {True: False, False: True, None: None}[access.yes]
        return Guarded(name, safe, access.who, (*because, access.line) if access.line else because, access.gaps)

    def _alters(self, path: str) -> Access:
        try:
            return self._access.alters(path)
        except Unseen as unseen:
            return Access(None, gaps=(unseen.gap,))

    # What rsyslog and sudo write

    def _written(self) -> Iterator[Guarded]:
        try:
            config = self._logs.rsyslog if self._logs.rsyslog_running.yes else None
        except Unseen as unseen:
            yield Guarded("rsyslog", None, gaps=(unseen.gap,))
            config = None
        if config is not None:
            if config.gaps:
                yield Guarded("rsyslog", None, gaps=tuple(config.gaps[:3]))
            places = {place for name in _used(config) for place in _actions(config.rulesets.get(name, ()))}
            for place in sorted(places, key=lambda place: (place.target, place.line.file, place.line.number)):
                if place.kind == "file" and not self._logs.protection.nowhere(place.target):
                    yield from self._file(place, config)
                elif place.kind == "dynafile" and place.target.startswith("/"):
                    yield from self._file(replace(place, target=re.sub(r"%[^%]*%", "-", place.target)), config, place.target)
        for path, line in sorted({(event.own_file, event.because[:1]) for event in self._logs.events if event.own_file}):
            made = Destination("file", path, line[0] if line else Line("/etc/sudoers", 0, ""), mode=0o600)
            yield from self._file(made, None)

    def _file(self, place: Destination, config: Configuration | None, name: str = "") -> Iterator[Guarded]:
        path = posixpath.normpath(place.target)
        name = name or path
        access = self._alters(path)
        try:
            real = self._files.resolve(path)
            stat = self._files.stat(real) if real is not None else None
        except Unseen as unseen:
            yield Guarded(name, None, because=(place.line,), gaps=(unseen.gap,))
            return
        if stat is None:
            mode = (place.mode if place.mode is not None else 0o644) & ~(config.umask if config is not None else 0)
            access = access.worse(self._access.would_write(mode, *self._logs.protection.maker(place), path))
        yield self._judge(name, access, (place.line,))
        if access.yes is False:
            yield from self._rotated(name, path, stat)

    def _rotated(self, name: str, path: str, stat: Stat | None) -> Iterator[Guarded]:
        """What logrotate makes in a log's place, and where it puts the old one."""
        try:
            rotation = self._logs.logrotate
            if not rotation.configured or not rotation.scheduled().yes or rotation.keeps(path).note == "never rotated":
                return
            policy = rotation.of(path)
            assert policy is not None  # or it would never be rotated
        except Unseen as unseen:
            yield Guarded(name, None, because=(Line(path, 0, "rotated"),), gaps=(unseen.gap,), next=True)
            return
        same = policy.create is not None and not policy.create[0] and stat is not None and self._access.listed(stat.path)
        if policy.create is not None and not policy.copies and not same:  # a list goes over to the new file, where no mode is given
            mode, owner, group = policy.create
            old = stat or Stat(path, "f", 0o640, 0, 0, 0, 0)
            access = self._access.would_write(
                int(mode, 8) & 0o7777 if mode else old.mode, self._uid(owner, old.uid), self._gid(group, old.gid), path
            )
            if access.yes is not False:
                yield replace(self._judge(name, access, policy.because[-1:]), next=True)
        if policy.olddir:
            folder = policy.olddir if policy.olddir.startswith("/") else posixpath.join(posixpath.dirname(path), policy.olddir)
            access = self._alters(f"{folder.rstrip('/')}/{posixpath.basename(path)}.1")
            if access.yes is not False:
                yield replace(self._judge(name, access, policy.because[-1:]), next=True)

    def _uid(self, name: str, default: int) -> int:
        account = self._host.accounts.get(name)
        return account.uid if account is not None else int(name) if name.isdecimal() else default

    def _gid(self, name: str, default: int) -> int:
        group = self._host.accounts.groups.get(name)
        return group.gid if group is not None else int(name) if name.isdecimal() else default

    # The journal and the audit log

    def _journal(self) -> Iterator[Guarded]:
        worst, seen = NOBODY, False
        for top in _JOURNALS:
            try:
                if not self._files.exists(top):
                    continue
                self._files.listdir(top)
            except Unseen as unseen:
                if top == FOLDER or self._host.live:
                    worst = worst.worse(Access(None, gaps=(unseen.gap,)))
                    seen = True
                continue
            seen = True
            for stat in self._below(top):
                worst = worst.worse(self._alters(stat.path))
        if seen:
            yield self._judge("journal", worst)

    def _audit(self) -> Iterator[Guarded]:
        try:
            lines = self._files.lines("/etc/audit/auditd.conf")
        except Unseen as unseen:
            yield Guarded("audit", None, gaps=(unseen.gap,))
            return
        if lines is None:
            return
        path = AUDIT
        because: tuple[Line, ...] = ()
        for line in lines:
            match = re.fullmatch(r"\s*log_file\s*=\s*(/\S+)\s*", line.text, re.IGNORECASE)
            if match:
                path, because = match[1], (line,)
        worst = self._alters(path)
        for stat in self._below(posixpath.dirname(path)) if posixpath.dirname(path) not in ("/", TOP) else ():
            if stat.kind == "f":
                worst = worst.worse(self._alters(stat.path))
        yield self._judge("audit", worst, because)

    # Everything else

    def _below(self, top: str) -> Iterator[Stat]:
        return (stat for stat in self._files.paths() if stat.path == top or stat.path.startswith(f"{top}/"))

    def _rest(self, named: frozenset[str]) -> Iterator[Guarded]:
        gaps: list[Gap] = []
        try:
            if self._files.listdir(TOP) is None:
                return
        except Unseen as unseen:
            yield Guarded(TOP, None, gaps=(unseen.gap,))
            return
        sure = True
        for stat in self._below(TOP):
            if stat.path in named or stat.path.startswith((f"{FOLDER}/", f"{posixpath.dirname(AUDIT)}/")):
                continue
            if stat.kind == "d":
                if stat.path.count("/") - TOP.count("/") < DEPTH:
                    try:
                        self._files.listdir(stat.path)
                    except Unseen as unseen:
                        gaps.append(unseen.gap)
            elif stat.kind == "f" or (
                stat.kind == "l" and not posixpath.normpath(posixpath.join(posixpath.dirname(stat.path), stat.link)).startswith("/usr/")
            ):
                access = self._alters(stat.path)
                if access.yes:
                    yield self._judge(stat.path, access)
                    sure = False
                elif access.yes is None:
                    gaps += access.gaps
        if gaps:
            yield Guarded(TOP, None, gaps=tuple(dict.fromkeys(gaps))[:10])
        elif sure:
            yield Guarded(TOP, True, because=(Line(TOP, 0, "owners, groups and modes"),))


def _used(config: Configuration) -> set[str]:
    """Rulesets that some message may enter: the default one, those of inputs, and what these call; all of them where a call is computed."""
    found: set[str] = set()
    pending = [config.default, *config.bound, *(ruleset for _, ruleset, _ in config.sockets if ruleset)]
    while pending:
        name = pending.pop()
        if name in found:
            continue
        found.add(name)
        for statement in _statements(config.rulesets.get(name, ())):
            if isinstance(statement, rs.CallIndirect):
                return set(config.rulesets)
            if isinstance(statement, rs.Call):
                pending.append(statement.ruleset.lower())
    return found


def _statements(script: rs.Script | list[rs.Statement]) -> Iterator[rs.Statement]:
    for statement in script:
        yield statement
        if isinstance(statement, rs.If):
            yield from _statements(statement.then)
            yield from _statements(statement.otherwise)
        elif isinstance(statement, (rs.Select, rs.Foreach)):
            yield from _statements(statement.body)


def _actions(script: rs.Script | list[rs.Statement]) -> Iterator[Destination]:
    """Every action in a script, whatever its conditions."""
    for statement in _statements(script):
        if isinstance(statement, rs.Do) and isinstance(statement.action, Destination):
            yield statement.action
