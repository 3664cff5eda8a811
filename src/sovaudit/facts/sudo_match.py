"""Does this sudoers list match? match.c of sudo, three-valued: every answer is the set of answers that the evidence allows.

A list is read from its end and the first member that says anything decides. An alias that is being expanded already, or that nobody defined,
counts as a plain name (users, hosts) or says nothing (commands), as in sudo.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass

from sovaudit.facts.accounts import Account
from sovaudit.facts.files import Unseen
from sovaudit.facts.host import Host
from sovaudit.facts.netgroups import Netgroups
from sovaudit.facts.parse.globs import Malformed, Unsupported, glob_matches, has_meta, regex_matches
from sovaudit.facts.parse.sudoers import Member, Members, Policy
from sovaudit.facts.parse.sudoers_patterns import NEWEST, Version, knows
from sovaudit.facts.sudo_aliases import looping
from sovaudit.facts.sudo_hosts import Names, by_default, host_names
from sovaudit.facts.sudo_nsswitch import nsswitch
from sovaudit.facts.sudo_pins import Pins
from sovaudit.facts.sudo_runas import Runas
from sovaudit.model.evidence import Gap
from sovaudit.model.verdict import Reason

ALLOW, DENY, UNSPEC = 1, 0, -1
Answer = frozenset[int]
YES: Answer = frozenset({ALLOW})
NO: Answer = frozenset({DENY})
SILENT: Answer = frozenset({UNSPEC})
PERHAPS: Answer = frozenset({ALLOW, UNSPEC})
MAX_NESTING = 150  # aliases within aliases
MAX_STEPS = 50_000  # members looked at for one question: aliases that include each other grow without end


@dataclass(frozen=True, slots=True)
class Request:
    """A command as somebody would type it: an absolute path (or `sudoedit`, `list`), its arguments joined by blanks, None for none."""

    command: str
    args: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """As whom: an account, and a group where `-g` is given (group_only: `-g` without `-u`, so as oneself)."""

    account: Account
    group: str | None = None
    group_only: bool = False


class Matcher:
    """Matches lists of one policy on one host. `gaps` gathers what was not seen on the way. ids: whether names ignore case.

    suppose: take programs that are missing to be there, for what could be put there.
    """

    def __init__(self, host: Host, policy: Policy, version: Version = NEWEST) -> None:
        self.host = host
        self.gaps: dict[Gap, None] = {}
        self.fold_users = self.fold_groups = True
        self.use_netgroups = True
        self.group_plugin = ""
        self.always_ask_plugin = self.match_by_gid = self.preserve_groups = self.netgroup_tuple = False
        self.fqdn = by_default(host)
        self.runas_default = "root"
        self.fast_glob = self.suppose = False
        self.before_1_9_14 = version < (1, 9, 14)
        self.knows_regex = knows(version, "regex")
        self._policy = policy
        self._steps = 0
        self._memo: dict[tuple[str, str, object], Answer] = {}
        self._loops = looping(policy)
        self._names: dict[bool | None, Names | None] = {}
        self._real: dict[str, str | None] = {}
        self._folders: list[tuple[str, str]] | None = None
        self._netgroups: Netgroups | None = None
        self._pins = Pins(host.files)

    def doubt(self, item: str, reason: Reason, detail: str) -> None:
        self.gaps.setdefault(Gap(item, reason, detail))

    def start(self) -> None:
        """A new question: its own budget."""
        self._steps = 0

    # lists

    def list_of(self, members: Members, one: Callable[[Member, frozenset[str]], Answer], used: frozenset[str]) -> Answer:
        found: set[int] = set()
        for member in reversed(members):
            self._steps += 1
            if self._steps > MAX_STEPS or len(used) > MAX_NESTING:
                self.doubt("file:/etc/sudoers", Reason.TRUNCATED, "aliases expand beyond what is followed")
                return frozenset({ALLOW, DENY, UNSPEC})
            answer = one(member, used)
            found |= answer - SILENT
            if UNSPEC not in answer:
                return frozenset(found)
        return frozenset(found | {UNSPEC})

    def alias(
        self,
        kind: str,
        member: Member,
        key: object,
        one: Callable[[Member, frozenset[str]], Answer],
        used: frozenset[str],
        wrap: Callable[[Answer], Answer] | None = None,
    ) -> Answer | None:
        """What an alias says of what is asked (key); None where it counts as a plain name. wrap: done to the answer of its list."""
        alias = self._policy.aliases.get((kind, member.name))
        if alias is None or member.name in used:
            return None
        memo = (kind, member.name, (key, self.suppose))
        cyclic = (kind, member.name) in self._loops
        if cyclic or memo not in self._memo:
            found = self.list_of(alias.members, one, used | {member.name})
            self._memo[memo] = wrap(found) if wrap else found
        return _signed(member, self._memo[memo])

    # users

    def users(self, members: Members, account: Account) -> Answer:
        return self.list_of(members, lambda m, used: self.user(m, account, used), frozenset())

    def user(self, member: Member, account: Account, used: frozenset[str]) -> Answer:
        match member.kind:
            case "ALL":
                return _signed(member, YES)
            case "NETGROUP":
                return _signed(member, self._netgroup(member.name, account.name))
            case "USERGROUP":
                return _signed(member, self._in_group(member.name[1:], account))
            case "ALIAS":
                found = self.alias("User", member, (account.name, account.gids), lambda m, u: self.user(m, account, u), used)
                if found is not None:
                    return found
        return _signed(member, self.is_named(member.name, account))

    def member(self, name: str, account: Account) -> Answer:
        """Whether an account is in a group given by name or `#gid`, as user_in_group() asks."""
        return self._in_group(name, account)

    def is_named(self, name: str, account: Account) -> Answer:
        if name.startswith("#") and _number(name[1:]) == account.uid:
            return YES
        same = name.lower() == account.name.lower() if self.fold_users else name == account.name
        return YES if same else SILENT

    def _in_group(self, name: str, account: Account) -> Answer:
        if name.startswith(":") and self.group_plugin:
            return self._plugin(name[1:], account)
        groups = self.host.accounts.groups
        if name.startswith("#") and (gid := _number(name[1:])) is not None and (gid == account.gid or gid in account.gids):
            return YES
        folded = name.lower()
        if self.match_by_gid:
            if name in groups and groups[name].gid in (account.gid, *account.gids):
                return YES
        elif any(group == name or (self.fold_groups and group.lower() == folded) for group in account.groups):
            return YES
        if self.group_plugin and self.always_ask_plugin:
            return self._plugin(name, account)
        others = [source for source in self.host.accounts.groups_elsewhere if source != "sss"]
        if others and (name not in groups or "systemd" in others):  # whose records may put local accounts into local groups
            self.doubt("file:/etc/nsswitch.conf", Reason.UNSUPPORTED, f"members of %{name} may come from {', '.join(others)}")
            return PERHAPS
        return SILENT

    def _plugin(self, name: str, account: Account) -> Answer:
        """A group plugin: sudo's own `system_group` reads /etc/group, where members are listed."""
        if posixpath.basename(self.group_plugin.split()[0]).startswith("system_group"):
            group = self.host.accounts.groups.get(name)
            return YES if group and account.name in group.members else SILENT
        self.doubt("file:/etc/sudoers", Reason.UNSUPPORTED, f"%{name} is asked of a group plugin")
        return PERHAPS

    def _netgroup(self, name: str, user: str | None = None) -> Answer:
        """netgr_matches(): of a user, or of this host."""
        if not self.use_netgroups:
            return SILENT
        known = self._host_names() if user is None or self.netgroup_tuple else None
        asked = {machine for names in known.known for machine in names} if known else {None}
        try:
            sources = nsswitch(self.host, "netgroup") or ["files"]
            if "files" in sources and (text := self.host.files.read("/etc/netgroup")):
                if self._netgroups is None:
                    self._netgroups = Netgroups(text)
                if any(self._netgroups.has(name[1:], machine, user) for machine in asked) and not (user is None and self.netgroup_tuple):
                    return YES
                if user is not None or (known and not known.gap and not self.netgroup_tuple):
                    sources = [source for source in sources if source != "files"]
            clients = {"files": "/etc/netgroup", "nis": "/etc/yp.conf", "sss": "/etc/sssd/sssd.conf", "ldap": "/etc/nslcd.conf"}
            if all(source in clients and not self.host.files.exists(clients[source]) for source in sources):
                return SILENT
        except Unseen as unseen:
            self.gaps.setdefault(unseen.gap)
        self.doubt("file:/etc/netgroup", Reason.UNSUPPORTED, f"members of netgroup {name} were not seen")
        return PERHAPS

    # runas

    def runas(self, users: Members | None, groups: Members | None, invoker: Account, target: Target) -> Answer:
        """runaslist_matches(): an absent list means the default target, an empty one oneself."""
        return Runas(self, invoker, target).matches(users, groups)

    def is_group(self, name: str, group: str) -> bool:
        known = self.host.accounts.groups.get(group)
        if name.startswith("#") and known and _number(name[1:]) == known.gid:
            return True
        return name.lower() == group.lower() if self.fold_groups else name == group

    # hosts

    def hosts(self, members: Members) -> Answer:
        return self.list_of(members, self._host, frozenset())

    def _host(self, member: Member, used: frozenset[str]) -> Answer:
        match member.kind:
            case "ALL":
                return _signed(member, YES)
            case "NETGROUP":
                return _signed(member, self._netgroup(member.name))
            case "NTWKADDR":
                if member.name.startswith("127.") or member.name == "::1":
                    return SILENT  # sudo leaves the loopback interface out
                self.doubt("file:/etc/sudoers", Reason.UNSUPPORTED, f"whether this host has the address {member.name} was not seen")
                return _signed(member, PERHAPS)
            case "ALIAS":
                found = self.alias("Host", member, self.fqdn, self._host, used)
                if found is not None:
                    return found
        return _signed(member, self._named(member.name))

    def _named(self, pattern: str) -> Answer:
        names = self._host_names()
        if names is None:
            self.doubt("file:/etc/hostname", Reason.ABSENT, f"whether this host is {pattern} was not seen")
            return PERHAPS
        found = {_is_host(pattern, *known) for known in names.known}
        if names.gap and (names.short_too or ("." in pattern and _is_host(pattern.partition(".")[0], "", names.known[0][1]))):
            self.gaps.setdefault(names.gap)
            found = {True, False}
        return PERHAPS if len(found) > 1 else YES if True in found else SILENT

    def _host_names(self) -> Names | None:
        if self.fqdn not in self._names:
            self._names[self.fqdn] = host_names(self.host, self.fqdn)
        return self._names[self.fqdn]

    # commands

    def commands(self, members: Members, request: Request) -> Answer:
        return self.list_of(members, lambda m, used: self._command(m, request, used), frozenset())

    def _command(self, member: Member, request: Request, used: frozenset[str]) -> Answer:
        if member.kind == "ALIAS":
            return self.alias("Cmnd", member, request, lambda m, u: self._command(m, request, u), used) or SILENT
        answer = YES if member.kind == "ALL" else self._path(member, request)
        if answer != SILENT and member.digests:
            pinned = self._pins.has(member)
            if pinned is None:
                self.doubt(f"file:{request.command}", Reason.UNSUPPORTED, "the digest of the program was not seen")
            answer = answer | SILENT if pinned is None else answer if pinned else SILENT
        return _signed(member, answer)

    def _path(self, member: Member, request: Request) -> Answer:
        name = member.name
        if not name.startswith(("/", "^")):
            same = name in ("list", "sudoedit") and name == request.command
            return self._args(member, request) if same else SILENT
        if request.command in ("list", "sudoedit"):
            return SILENT
        if name.startswith("^"):
            found = self._regex(name, request.command)
            if found == SILENT and not self.before_1_9_14:  # from then on the folder's links are followed first
                folder = self.real(posixpath.dirname(request.command)) or ""
                found = self._regex(name, posixpath.join(folder, posixpath.basename(request.command)))
            if found != SILENT and not self._there(request.command):
                return SILENT
        elif has_meta(name):
            found = YES if self._glob(name, request.command) else SILENT
        elif name.endswith("/"):
            same = self.real(posixpath.dirname(request.command)) == self.real(name) and self._there(request.command)
            return YES if same else SILENT
        else:
            found = YES if self._same(name, request.command) else SILENT
        return found if found == SILENT else (found & SILENT) | self._args(member, request)

    def _glob(self, pattern: str, command: str) -> bool:
        base, folder = posixpath.basename(command), posixpath.dirname(command)
        real = self.real(folder) or folder
        ways = {command} if self.fast_glob and self.before_1_9_14 else {command, posixpath.join(real, base)}
        if not self.fast_glob:  # glob(3) finds the program by every name of its folder
            ways |= {posixpath.join(link + real[len(to) :], base) for link, to in self._links() if real == to or real.startswith(to + "/")}
        if pattern.endswith("/"):
            pattern += "*"
        return self._there(command) and any(glob_matches(pattern, way, pathname=True, period=not self.fast_glob) for way in sorted(ways))

    def _there(self, command: str) -> bool:
        """False where the program was seen to be missing: a pattern names only what exists."""
        try:
            return self.suppose or self.host.files.exists(command)
        except Unseen:
            return True

    def _links(self) -> list[tuple[str, str]]:
        """Linked folders near the root (`/bin`, `/usr/sbin`) and where they lead."""
        if self._folders is None:
            near = [stat.path for stat in self.host.files.paths() if stat.kind == "l" and stat.path.count("/") <= 2]
            self._folders = [(path, self.real(path) or path) for path in sorted(near)[:200]]
        return self._folders

    def _same(self, name: str, command: str) -> bool:
        """Same base name and same file behind links."""
        if posixpath.basename(name) != posixpath.basename(command):
            return False
        return name == command or (self.real(posixpath.dirname(name)) or name) == (self.real(posixpath.dirname(command)) or command)

    def real(self, path: str) -> str | None:
        """The path with links followed as far as they were seen."""
        path = posixpath.normpath(path)
        if path not in self._real:
            try:
                self._real[path] = self.host.files.resolve(path) or path
            except Unseen:
                self._real[path] = path
        return self._real[path]

    def _args(self, member: Member, request: Request) -> Answer:
        wanted = member.args
        if wanted is None:
            return YES
        if wanted == '""':
            return YES if request.args is None else SILENT
        if "<masked>" in wanted:
            self.doubt("file:/etc/sudoers", Reason.UNSUPPORTED, "an argument is masked")
            return PERHAPS
        given = request.args or ""
        if self.knows_regex and wanted.startswith("^") and wanted.endswith("$"):
            return self._regex(wanted, given)
        return YES if glob_matches(wanted, given, pathname=member.name == "sudoedit") else SILENT

    def _regex(self, pattern: str, text: str) -> Answer:
        try:
            return YES if regex_matches(pattern, text) else SILENT
        except Malformed:
            return SILENT  # a warning of visudo's; sudo goes on
        except Unsupported as why:
            self.doubt("file:/etc/sudoers", Reason.UNSUPPORTED, f"regular expression {pattern}: {why}")
            return PERHAPS

    @staticmethod
    def signed(member: Member, here: bool) -> Answer:
        return _signed(member, YES if here else SILENT)


def _signed(member: Member, answer: Answer) -> Answer:
    if not member.negated:
        return answer
    return frozenset({ALLOW: DENY, DENY: ALLOW}.get(one, one) for one in answer)


def _is_host(pattern: str, long: str, short: str) -> bool:
    name = long if "." in pattern else short
    return glob_matches(pattern, name, fold=True) if has_meta(pattern) else pattern.lower() == name.lower()


def _number(text: str) -> int | None:
    return int(text) if text.lstrip("-").isdecimal() and text.isascii() and len(text) < 12 else None
