"""Who may schedule jobs: crontab(1), at(1), and systemd timers of an account whose manager lingers (loginctl(1)).

crontab of Debian's cron runs with the caller's own user id and a group that owns the spool: a cron.allow that the caller cannot read refuses.
at runs as `daemon`: an at.allow that daemon cannot read counts as absent.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from sovaudit.facts.access import READ, SEARCH, WRITE, Person, Trail, person, shown, trail
from sovaudit.facts.accounts import Account
from sovaudit.facts.files import Stat, Unseen
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

SPOOL = "/var/spool/cron/crontabs"
AT_SPOOLS = ("/var/spool/cron/atjobs", "/var/spool/at")
LINGER = "/var/lib/systemd/linger"
_LONGEST = 998  # bytes of a line that cron reads at once


@dataclass(frozen=True, slots=True)
class Way:
    """way: `crontab`, `at`, `existing crontab`, `pending at job`, `writes the spool`, `systemd timers`.

    certain: False where something was not seen; gaps say what.
    """

    way: str
    certain: bool
    because: tuple[Line, ...]
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class _List:
    """A list of names. way: how it is reached. names: as the program compares them."""

    way: Trail
    names: frozenset[str]
    path: str

    def line(self, says: str) -> Line:
        return Line(self.path, 0, says)


class Scheduling:
    """Ways to schedule on one host. Every question may raise Unseen."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def ways(self, account: Account) -> tuple[Way, ...]:
        """What this account may use, certain or possible; empty where the evidence excludes all."""
        found: list[Way] = []
        asks = [self._existing, self._pending, self._linger]
        if account.has_shell:
            asks += [self._crontab, self._at, self._spool]
        for ask in asks:
            try:
                way = ask(account)
            except Unseen as unseen:
                way = Way(ask.__name__.strip("_"), False, (), (unseen.gap,))
            if way is not None:
                found.append(way)
        return tuple(found)

    def _called(self, account: Account) -> str:
        """The name that getpwuid(3) gives to a user id: the first of several."""
        return self._names.get(account.uid, account.name)

    @cached_property
    def _names(self) -> dict[int, str]:
        return {account.uid: account.name for account in reversed(list(self._host.accounts))}

    def _crontab(self, account: Account) -> Way | None:
        who = person(self._host, account)
        program = self._program("/usr/bin/crontab")
        if program is None or program.stat is None or not program.may(who, SEARCH):
            return None
        stat = program.stat
        if self._cronie:
            if stat.mode & 0o4000 and stat.uid == 0:
                who = Person("root", 0, who.gids)
        else:
            spool = self._host.files.follow(SPOOL)
            group = stat.mode & 0o2000 and stat.mode & 0o010
            able = Person(who.name, who.uid, who.gids | {stat.gid}) if group else who
            if spool is None or not _may_write(spool, able):
                return None
            who = able
        allow, deny = self._lists
        if allow is not None:
            if not allow.way.may(who, READ):
                return None
            yes, line = self._called(account) in allow.names, allow.line("names who may")
        elif deny is not None:
            if not deny.way.may(who, READ):
                return None
            yes, line = self._called(account) not in deny.names, deny.line("names who may not")
        else:
            yes, line = not self._cronie, Line("/etc/cron.allow", 0, "absent, and so is /etc/cron.deny")
        return Way("crontab", True, (line,)) if yes else None

    @cached_property
    def _cronie(self) -> bool:
        """Which cron: it decides what the absence of both lists means. Raises Unseen."""
        packages = self._host.packages
        if "cronie" in packages:
            return True
        if "cron" in packages:
            return False
        raise Unseen(Gap("packages", Reason.UNSUPPORTED, "neither cron nor cronie is the crontab of this host"))

    @cached_property
    def _lists(self) -> tuple[_List | None, _List | None]:
        return self._list("/etc/cron.allow", cron=True), self._list("/etc/cron.deny", cron=True)

    @cached_property
    def _at_lists(self) -> tuple[_List | None, _List | None]:
        return self._list("/etc/at.allow", cron=False), self._list("/etc/at.deny", cron=False)

    def _list(self, path: str, *, cron: bool) -> _List | None:
        files = self._host.files
        way = trail(files, path)
        if way.stat is None:
            return None
        if way.stat.kind != "f":
            return _List(way, frozenset(), path)  # a folder opens and holds no line
        text = files.read(path) or ""
        if cron:  # the last byte of each line is dropped, newline or not
            rows = [row[:_LONGEST] for row in text.split("\n")]
            rows[-1] = rows[-1][:-1]
        else:
            rows = [row[:254] for row in text.split("\n")]
        return _List(way, frozenset(row for row in rows if row), path)

    def _at(self, account: Account) -> Way | None:
        who = person(self._host, account)
        program = self._program("/usr/bin/at")
        if program is None or program.stat is None or not program.may(who, SEARCH):
            return None
        stat = program.stat
        if not stat.mode & 0o4000:
            return None
        gids = who.gids | ({stat.gid} if stat.mode & 0o2000 else set())
        self_at = Person("daemon", stat.uid, frozenset(gids))
        spools = [found for path in AT_SPOOLS if (found := self._host.files.follow(path)) is not None]
        if not any(_may_write(spool, self_at) for spool in spools):
            return None
        allow, deny = self._at_lists
        if allow is not None and allow.way.may(self_at, READ):
            return Way("at", True, (allow.line("names who may"),)) if self._called(account) in allow.names else None
        if deny is None or not deny.way.may(self_at, READ) or self._called(account) in deny.names:
            return None
        return Way("at", True, (deny.line("names who may not"),))

    def _program(self, path: str) -> Trail | None:
        way = trail(self._host.files, path)
        return way if way.stat is not None and way.stat.kind == "f" else None

    def _existing(self, account: Account) -> Way | None:
        """A crontab that cron would run: lists are asked when a crontab is written, never when it is run."""
        files = self._host.files
        folder = "/var/spool/cron" if self._is_cronie() else SPOOL
        if account.name.startswith(".") or "/" in account.name or account.name not in self._tabs(folder):
            return None
        stat = files.stat(f"{folder}/{account.name}")
        if stat is None or stat.kind != "f" or stat.uid not in (0, account.uid) or stat.size == 0:
            return None
        if folder == SPOOL and stat.mode != 0o600:
            return None
        return Way("existing crontab", True, (Line(stat.path, 0, f"a crontab of {account.name}"),))

    def _is_cronie(self) -> bool:
        try:
            return self._cronie
        except Unseen:
            return False

    def _tabs(self, folder: str) -> frozenset[str]:
        if folder not in self._listed:
            self._listed[folder] = frozenset(self._host.files.listdir(folder) or ())
        return self._listed[folder]

    @cached_property
    def _listed(self) -> dict[str, frozenset[str]]:
        return {}

    def _pending(self, account: Account) -> Way | None:
        """Jobs of at that wait: atd runs a file there as its owner."""
        path = self._waiting.get(account.uid)
        return Way("pending at job", True, (Line(path, 0, f"owner {account.uid}"),)) if path is not None else None

    @cached_property
    def _waiting(self) -> dict[int, str]:
        files = self._host.files
        found: dict[int, str] = {}
        for folder in AT_SPOOLS:
            for name in files.listdir(folder) or ():
                stat = files.stat(f"{folder}/{name}")
                if stat is not None and stat.kind == "f" and stat.mode & 0o100 and name[:1] not in (".", "="):
                    found.setdefault(stat.uid, stat.path)
        return found

    def _spool(self, account: Account) -> Way | None:
        """A spool that the account itself may write: a file of its own there is its crontab, or its job of at."""
        who = person(self._host, account)
        folders = ("/var/spool/cron",) if self._is_cronie() else (SPOOL,)
        for path in (*folders, *AT_SPOOLS):
            spool = self._host.files.follow(path)
            if spool is not None and _may_write(spool, who) and trail(self._host.files, path).reached(who):
                return Way("writes the spool", True, (shown(spool),))
        return None

    def _linger(self, account: Account) -> Way | None:
        if account.name not in self._tabs(LINGER):
            return None
        return Way("systemd timers", True, (Line(f"{LINGER}/{account.name}", 0, "its manager runs without a session"),))


def _may_write(folder: Stat, who: Person) -> bool:
    right = WRITE | SEARCH
    if who.uid == 0 or folder.uid == who.uid:
        return True
    shift = 3 if folder.gid in who.gids else 0
    return (folder.mode >> shift) & right == right
