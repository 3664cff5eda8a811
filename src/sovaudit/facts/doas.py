"""What doas(1) lets an account run, and whether that makes it root: OpenDoas, as Debian, Alpine and others ship it.

The last rule that matches decides. Names and groups are compared by number; a command by its very spelling, so that no `deny … cmd` keeps a
shell from whoever may run any command.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from sovaudit.facts.access import shown
from sovaudit.facts.accounts import Account
from sovaudit.facts.files import Stat, Unseen
from sovaudit.facts.host import Host
from sovaudit.facts.parse.doas_conf import DoasRule, Refused, parse_doas
from sovaudit.facts.root_groups import RootGroups
from sovaudit.facts.su import may_start
from sovaudit.facts.sudo_asking import Asking
from sovaudit.facts.sudo_environment import LIBRARIES, variables
from sovaudit.facts.sudo_powers import powers_of
from sovaudit.facts.sudo_shells import becomes, makes_root
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

PROGRAMS = ("/usr/bin/doas", "/usr/local/bin/doas")
CONF, CONF_D = "/etc/doas.conf", "/etc/doas.d"
PORT = "/usr/local/etc/doas.conf"  # of the doas that comes from FreeBSD
PATH = ("/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin")  # where it looks for what a rule names
_ANY = "/nonexistent/of/ones/own/choice"
_NUMBER = re.compile(r"[ \t\n\v\f\r]*([+-]?\d{1,18})", re.ASCII)
_TOP = 65534  # UID_MAX and GID_MAX are 65535, as configured by default; that number itself matches nobody
# ld.so takes these away from a setuid program; `setenv { NAME=$OTHER }` brings them back
_STRIPPED = frozenset(
    "LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT LD_ORIGIN_PATH LD_PROFILE LD_DEBUG LD_DEBUG_OUTPUT LD_SHOW_AUXV LD_DYNAMIC_WEAK GCONV_PATH GETCONF_DIR "
    "HOSTALIASES LOCALDOMAIN LOCPATH MALLOC_TRACE NIS_PATH NLSPATH RESOLV_HOST_CONF RES_OPTIONS TMPDIR TZDIR".split()
)


@dataclass(frozen=True, slots=True)
class DoasRoad:
    """One way to root. how: as one would type it. any: any command; else one that gives a shell. asks: whether doas asks who one is. target: whom one
    becomes first."""

    how: str
    any: bool
    asks: bool
    certain: bool
    because: tuple[Line, ...]
    gaps: tuple[Gap, ...]
    target: Account


@dataclass(frozen=True, slots=True)
class Further:
    """How one goes on to root."""

    certain: bool
    because: tuple[Line, ...] = ()
    gaps: tuple[Gap, ...] = ()

    def __add__(self, other: Further) -> Further:
        return Further(self.certain and other.certain, (*self.because, *other.because), (*self.gaps, *other.gaps))


class Doas:
    """doas on one host.

    usable: whether it serves anybody, as far as was seen. gaps: what was not seen of it. rules: of all that it reads, in order.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._programs: list[Stat] = []
        self._blind = False
        self.gaps: tuple[Gap, ...] = ()
        self.rules: tuple[DoasRule, ...] = ()
        self.usable = False
        self._load()
        self._roads: dict[str, tuple[DoasRoad, ...]] = {}
        self._at_once: dict[str, tuple[DoasRoad, ...]] = {}
        self._others: dict[str, list[tuple[Account, list[DoasRoad], bool]]] = {}
        self._root_groups: RootGroups | None = None

    def _load(self) -> None:
        gaps: list[Gap] = []

        def there(path: str) -> Stat | None:
            try:
                return self._host.files.follow(path)
            except Unseen as unseen:
                if unseen.gap.reason is not Reason.ABSENT or "not collected" not in unseen.gap.detail:
                    gaps.append(unseen.gap)
                return None

        for program in map(there, PROGRAMS):
            if program is not None and program.kind == "f" and program.uid == 0 and program.mode & 0o4000 and program.mode & 0o111:
                self._programs.append(program)
        if not self._programs and not gaps:
            return
        if any(program.path.startswith("/usr/local/") for program in self._programs) and there(PORT):
            gaps.append(Gap(f"file:{PORT}", Reason.UNSUPPORTED, "a doas of another make reads it"))
            self._blind = True
        try:
            self.rules = tuple(rule for path in self._read() for rule in self._parsed(path))
        except Unseen as unseen:
            gaps.append(unseen.gap)
            self._blind = True
        except Refused:
            self.rules = ()
        self.usable = self._blind or bool(self.rules)
        self.gaps = tuple(gaps) if self.usable else ()

    @property
    def alpine(self) -> bool:
        """Alpine's is built with /etc/doas.d and without PAM."""
        try:
            return self._host.os.get("ID") == "alpine"
        except Unseen:
            return False

    def _read(self) -> tuple[str, ...]:
        """The files that doas reads. Alpine's reads the *.conf of a folder, where there is one, instead. Raises Unseen."""
        files = self._host.files
        if self.alpine:
            folder = files.stat(CONF_D)
            if folder is not None and folder.kind == "d":
                paths = (f"{CONF_D}/{name}" for name in files.listdir(CONF_D) or () if name.endswith(".conf"))
                return tuple(path for path in paths if (stat := files.follow(path)) is not None and stat.kind == "f")
        return (CONF,) if files.follow(CONF) is not None else ()

    def _parsed(self, path: str) -> tuple[DoasRule, ...]:
        """parseconfig(): nobody but root may be able to write it. Raises Refused, Unseen."""
        stat = self._host.files.follow(path)
        if stat is not None and (stat.mode & 0o022 or stat.uid != 0 or stat.kind == "d"):
            raise Refused(Line(path, 0, f"mode {stat.mode:04o}, owner {stat.uid}"))
        return parse_doas(self._host.files.read(path) or "", path)

    # who may run what

    def decide(self, account: Account, target: Account, command: str, args: tuple[str, ...] = ()) -> tuple[DoasRule | None, ...]:
        """The rules that may be the last that matches; None for none. Several where it depends on what was not seen."""
        found: list[DoasRule | None] = []
        for rule in reversed(self.rules):
            if rule.command is not None and (rule.command != command or rule.args not in (None, args)):
                continue
            if rule.target is not None and self._uid(rule.target) != target.uid:
                continue
            match = self._matches(rule.ident, account)
            if match is not False:
                found.append(rule)
            if match:
                return tuple(found)
        return (*found, None)

    def _matches(self, ident: str, account: Account) -> bool | None:
        accounts = self._host.accounts
        if not ident.startswith(":"):
            return self._uid(ident) == account.uid
        group = accounts.groups.get(ident[1:])
        gid = _number(ident[1:]) if group is None else group.gid
        if gid is not None and gid in (account.gid, *account.gids):
            return True
        others = [source for source in accounts.groups_elsewhere if source != "sss"]  # which knows nothing of local accounts
        return None if others and (group is None or "systemd" in others) else False

    def _uid(self, name: str) -> int | None:
        account = self._host.accounts.get(name)
        return _number(name) if account is None else account.uid

    # who becomes root

    def roads(self, account: Account) -> tuple[DoasRoad, ...]:
        """Every way to root that differs in whether doas asks and whom one becomes. Raises Unseen where accounts were not seen."""
        if account.name not in self._roads:
            found: dict[tuple[object, ...], DoasRoad] = {}
            for road in (*self._direct(account), *self._through(account)):
                found.setdefault((road.asks, road.certain, road.target.name), road)
            self._roads[account.name] = tuple(found.values())
        return self._roads[account.name]

    def unasked(self, account: Account, *, sudo: bool = False, knows: bool = False) -> Further | None:
        """How an account becomes root that knows no password: by doas alone, or with sudo's help and that of groups, too; the certain way first.

        knows: its own password is known all the same.
        """
        best: Further | None = None
        seen, queue = {account.name: knows}, [(account, Further(True))]
        while queue:
            one, so_far = queue.pop(0)
            ways = [Further(road.certain, road.because, road.gaps) for road in self._direct(one) if seen[one.name] or not road.asks]
            if sudo or one is not account:
                ways += self._otherwise(one, knows=seen[one.name])
            for way in ways:
                joined = so_far + way
                if joined.certain:
                    return joined
                best = best or joined
            for other, roads, learns in self._steps(one):
                free = next((road for road in roads if seen[one.name] or not road.asks), None)
                if free is not None and (other.name not in seen or (learns and not seen[other.name])):
                    seen[other.name] = learns
                    queue.append((other, so_far + Further(free.certain, free.because, free.gaps)))
        return best

    def _otherwise(self, account: Account, *, knows: bool) -> list[Further]:
        """Without doas: by a group, or by sudo that asks nothing but what is known."""
        if self._root_groups is None:
            self._root_groups = RootGroups(self._host)
        groups = self._root_groups
        found = [Further(bool(one.present), one.group.because, (one.gap,) if one.gap else ()) for one in groups.powers(account)]
        found += [Further(True, (shown(stat),)) for stat in groups.open_sockets]
        reach = self._host.sudo.reaches_root(account)
        if reach.root and (knows or reach.password is not True):
            found.append(Further(reach.certain and (knows or reach.password is False), reach.because, reach.gaps))
        return found

    def _direct(self, account: Account) -> tuple[DoasRoad, ...]:
        if account.name not in self._at_once:
            roots = self._host.accounts.by_uid(0)[:1] if self._starts(account) else ()  # by number, so that they are one
            found = [DoasRoad("doas", True, False, False, (), self.gaps, root) for root in roots if self._blind]
            found += [road for root in roots for road in self._as(account, root)]
            self._at_once[account.name] = tuple(found)
        return self._at_once[account.name]

    def _starts(self, account: Account) -> bool:
        return self.usable and (not self._programs or any(may_start(account, program) for program in self._programs))

    def _steps(self, account: Account) -> list[tuple[Account, list[DoasRoad], bool]]:
        """Whom else it becomes, and whether it then knows that account's password: with `as`, by su, by setting the password."""
        if account.name not in self._others:
            found: list[tuple[Account, list[DoasRoad], bool]] = []
            if self._starts(account):
                uids = {self._uid(rule.target) for rule in self.rules if rule.permit and rule.target is not None} - {None, 0, account.uid}
                for uid in sorted(uid or 0 for uid in uids)[:100]:
                    found += [(other, list(self._as(account, other)), False) for other in self._host.accounts.by_uid(uid)[:1]]
                found += self._turns(account)
            self._others[account.name] = [step for step in found if step[1]]
        return self._others[account.name]

    def _turns(self, account: Account) -> Iterator[tuple[Account, list[DoasRoad], bool]]:
        """Whom fixed arguments of su, runuser and passwd name; where they are open, root is named as well."""
        for rule in self.rules:
            if rule.command is None or rule.args is None or not rule.permit or self._matches(rule.ident, account) is False:
                continue
            other = self._host.accounts.get(becomes(rule.command, " ".join(rule.args)))
            for root in self._host.accounts.by_uid(0)[:1] if other is not None and other.name != account.name else ():
                assert other is not None
                roads = self._permitted(account, root, rule.command, rule.args, ())
                yield other, [replace(road, target=other) for road in roads], posixpath.basename(rule.command) == "passwd"

    def _through(self, account: Account) -> Iterator[DoasRoad]:
        """Root by way of another account, of which nobody asks anything that is not known."""
        for other, roads, learns in self._steps(account):
            further = Further(True) if other.uid == 0 else self.unasked(other, sudo=True, knows=learns)
            for road in roads:
                if further is None:
                    break
                joined = Further(road.certain, road.because, road.gaps) + further
                yield DoasRoad(road.how, False, road.asks, joined.certain, joined.because, joined.gaps, other)

    def _as(self, account: Account, target: Account) -> Iterator[DoasRoad]:
        """What makes one this account: any command, or a command of some rule's that gives a shell."""
        yield from self._permitted(account, target, _ANY, (), ())
        for rule in self.rules:
            if rule.command is None or not rule.permit or self._matches(rule.ident, account) is False:
                continue
            for args in self._tries(rule):
                if (gaps := self._gives(account, rule, args)) is not None:
                    yield from self._permitted(account, target, rule.command, args, gaps)

    def _permitted(
        self, account: Account, target: Account, command: str, args: tuple[str, ...], gaps: tuple[Gap, ...]
    ) -> Iterator[DoasRoad]:
        deciding = self.decide(account, target, command, args)
        for rule in deciding:
            if rule is not None and rule.permit:
                words = ["doas", *(["-u", target.name] if target.uid != 0 else []), *([command, *args] if command != _ANY else [])]
                doubt = () if len(deciding) == 1 else (Gap("nss:group", Reason.UNSUPPORTED, "who is in the groups that doas.conf names"),)
                every = (*self.gaps, *gaps, *doubt)
                yield DoasRoad(" ".join(words), command == _ANY, not rule.nopass, not every, (rule.line,), every, target)

    def _tries(self, rule: DoasRule) -> Iterator[tuple[str, ...]]:
        """The arguments of the rule, or where it leaves them open such as would make one root."""
        if rule.args is not None:
            yield rule.args
            return
        assert rule.command is not None
        yield ()
        yield from dict.fromkeys(tuple(attempt.split()) for power in powers_of(rule.command) for attempt in power.tries if attempt)

    def _gives(self, account: Account, rule: DoasRule, args: tuple[str, ...]) -> tuple[Gap, ...] | None:
        """Whether this command line lets one do what one likes, None if not; else what was not seen."""
        assert rule.command is not None
        command, joined = rule.command, " ".join(args) or None
        if "/" in command and not command.startswith("/"):
            return ()  # it lies where the account stands
        sudo = self._host.sudo
        asking = Asking(lambda path: sudo.can_write(account, path) is True, secure_pager=self._secure_pager(rule))
        if makes_root(command, joined, asking=asking) or _brings(rule, asking):
            return ()
        gaps: list[Gap] = []
        for path in self._places(command):
            mine = sudo.can_write(account, path)
            if mine is True:
                return ()
            gaps += [mine] if isinstance(mine, Gap) else []
        return tuple(gaps) or None

    def _places(self, command: str) -> Iterator[str]:
        """Where doas finds it: the path, or that name in each folder up to the first that has it."""
        if command.startswith("/"):
            yield command
            return
        for folder in PATH:
            yield f"{folder}/{command}"
            try:
                if self._host.files.exists(f"{folder}/{command}"):
                    return
            except Unseen:
                return

    def _secure_pager(self, rule: DoasRule) -> bool:
        """From version 247 on systemd's pager gives no shell to who is not the session's owner, unless the environment says otherwise."""
        if rule.keepenv or any("SYSTEMD_" in word for word in rule.setenv):
            return False
        try:
            major = re.match(r"\d+", self._host.packages.get("systemd", ""))
        except Unseen:
            return False
        return major is not None and int(major[0]) >= 247


def _number(text: str) -> int | None:
    """strtonum(3) from 0 to UID_MAX - 1."""
    match = _NUMBER.fullmatch(text)
    return int(match[1]) if match and 0 <= int(match[1]) <= _TOP else None


def _brings(rule: DoasRule, asking: Asking) -> bool:
    """Whether the caller's environment tells the program what else to load."""
    passed: dict[str, bool] = {}
    for word in rule.setenv:
        name, given, value = word.partition("=")
        if name.startswith("-"):
            passed[name[1:]] = False
        elif not given:
            passed[name] = name not in _STRIPPED
        else:
            passed[name] = (value.startswith("$") and value[1:] not in _STRIPPED) or asking.any(value.split(":"))
    names = (*LIBRARIES, *variables(rule.command or ""))
    return any(passed.get(name, rule.keepenv and name not in _STRIPPED) for name in names)
