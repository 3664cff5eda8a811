"""What each account may run through sudo, as whom, and whether that makes it root.

sudoers(5) as the program applies it: over all files the last element that says anything about user, host, target and command decides, tags win over
`Defaults`. Answers are three-valued; `gaps` of an uncertain one say what was not seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from sovaudit.facts.accounts import Account, Accounts
from sovaudit.facts.files import Unseen
from sovaudit.facts.host import Host
from sovaudit.facts.parse.sudoers import CmndSpec, Default, Member, Members
from sovaudit.facts.su import may_start
from sovaudit.facts.sudo_aliases import expand, leaves
from sovaudit.facts.sudo_match import ALLOW, DENY, NO, SILENT, UNSPEC, YES, Answer, Matcher, Request, Target
from sovaudit.facts.sudo_policy import load
from sovaudit.facts.sudo_proposals import proposals
from sovaudit.facts.sudo_reach import ANY, Reach, Reaches
from sovaudit.facts.sudo_settings import resolves, settle
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason


@dataclass(frozen=True, slots=True)
class Grant:
    """Something an account may run.

    command: as written, `ALL` for any. runas: as written, empty for the default. nopasswd, certain: None and False where not known.
    target: an account (root first) as which it was seen to be allowed, `:docker` where it is a group only.
    """

    command: str
    args: str | None
    runas: str
    target: str
    nopasswd: bool | None
    tags: tuple[str, ...]
    certain: bool
    because: tuple[Line, ...]
    sample: tuple[Target, Request] | None = None  # one command line that it allows
    pinned: bool = False  # a digest stands before it


@dataclass(frozen=True, slots=True)
class Decision:
    """allowed, password: None where the evidence allows both. password: whether sudo asks for one. because: the lines that decide."""

    allowed: bool | None
    password: bool | None
    because: tuple[Line, ...]
    gaps: tuple[Gap, ...] = ()
    noexec: bool = False
    granted: bool = False  # some line that was seen allows it, whatever else may decide
    setenv: bool | None = None  # what the tag SETENV says, where it is written
    chroot: bool = False  # `-R` with a folder of one's own is allowed
    deciding: tuple[CmndSpec, ...] = ()


class Sudo:
    """sudo on one host.

    installed: None where the program was not looked for. broken: why sudo serves nobody (not setuid, sudoers missing, insecure or unreadable to the
    parser); empty if it works. elsewhere: sources of rules that this evidence does not show. gaps: what could change any answer.
    read, plugins: what sudo reads and loads.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._loaded = load(host)
        self.policy = self._loaded.policy
        self.installed = self._loaded.installed
        self.broken = self._loaded.broken
        self.because = self._loaded.because
        self.elsewhere = self._loaded.elsewhere
        self.gaps = self._loaded.gaps
        self.version = self._loaded.version
        self.read, self.plugins = self._loaded.read, self._loaded.plugins
        self._match = Matcher(host, self.policy, self.version)
        self._reaches = Reaches(host, self)
        self._grants: dict[str, tuple[Grant, ...]] = {}
        self._settings: dict[tuple[str, Target | None, Request | None], dict[str, frozenset[str]]] = {}
        self._specs: dict[str, list[tuple[CmndSpec, bool]]] = {}
        settle(self._match, self.policy)

    @property
    def accounts(self) -> Accounts:
        return self._host.accounts

    def missing(self, command: str) -> bool:
        """Whether a program was seen not to be there."""
        try:
            return command.startswith("/") and not self._host.files.exists(command)
        except Unseen:
            return False

    @property
    def usable(self) -> bool:
        """Whether sudo gives anybody anything, as far as was seen."""
        return self.installed is not False and not self.broken

    def key(self, account: Account) -> str:
        """Under what an answer about an account is kept: its name, and its groups where those are not its own."""
        own = self._host.accounts.get(account.name)
        return account.name if own is None or own.gids == account.gids else f"{account.name}:{sorted(account.gids)}"

    def can_write(self, account: Account, path: str) -> bool | Gap:
        """Whether the account can change the program that stands there, or put one there. A Gap: not seen."""
        return self._reaches.can_write(account, path)

    # settings

    def setting(self, account: Account, name: str, *, target: Target | None = None, request: Request | None = None) -> frozenset[str]:
        """The values that a Defaults option may have: `on`, `off`, or its text; empty text where it is not set. Several where it is not known."""
        return self._values(account, target, request).get(name, frozenset({_INITIAL.get(name, "")}))

    def _values(self, account: Account, target: Target | None, request: Request | None) -> dict[str, frozenset[str]]:
        key = (self.key(account), target, request)
        if key in self._settings:
            return self._settings[key]
        found: dict[str, frozenset[str]] = {}
        for default, applies in self.defaults("", account, target, request):
            value = "off" if default.op == "!" else "on" if default.op == "" else default.value
            before = found.get(default.name, frozenset({_INITIAL.get(default.name, "")}))
            found[default.name] = frozenset({value}) if applies == YES else before | {value}
        if len(self._settings) > 20_000:
            self._settings.clear()
        self._settings[key] = found
        return found

    def defaults(self, name: str, account: Account, target: Target | None, request: Request | None) -> Iterator[tuple[Default, Answer]]:
        """The Defaults that may apply (of one option, or of all), in the order in which sudo takes them: the last one counts."""
        for scopes in (("", ":", "@", ">"), ("!",)):  # sudoers_init() takes all but those of commands, in file order
            for default in self.policy.defaults:
                if default.scope in scopes and name in ("", default.name):
                    applies = self._applies(default.scope, default.members, account, target, request)
                    if ALLOW in applies:
                        yield default, applies

    def _applies(self, scope: str, members: Members, account: Account, target: Target | None, request: Request | None) -> Answer:
        match scope:
            case ":":
                return self._match.users(members, account)
            case "@":
                return self._match.hosts(members)
            case ">":
                return self._match.runas(members, None, account, Target(target.account)) if target else SILENT
            case "!":
                return self._match.commands(members, request) if request else SILENT
        return YES

    # decisions

    def target(self, name: str) -> Account | None:
        """The account of a runas name or `#uid`."""
        accounts = self._host.accounts
        if name.startswith("#") and name[1:].isdecimal():
            return next(iter(accounts.by_uid(int(name[1:]))), None)
        return accounts.get(name)

    def may_run(self, account: Account, command: str, args: str | None = None, runas: str = "root", group: str | None = None) -> Decision:
        """Whether `sudo -u runas [-g group] command args` is allowed. args: joined by single blanks, None or empty for none."""
        who = self.target(runas)
        if who is None:
            return Decision(None, None, (), (Gap("file:/etc/passwd", Reason.AMBIGUOUS, f"there is no account {runas}"),))
        return self.decide(account, Request(command, args or None), Target(who, group))

    def decide(self, account: Account, request: Request, target: Target, *, suppose: bool = False) -> Decision:
        """The same for a request and a target. suppose: also where the program, missing today, would have to be put there first."""
        if not self.usable:
            return Decision(False, None, self.because)
        match = self._match
        match.suppose = suppose
        match.start()
        match.gaps.clear()
        self._enter(account, target, request)
        found: list[tuple[int, CmndSpec]] = []
        complete = False
        for spec, sure in reversed(self.rules(account)):
            date = self._date(spec)
            if date == NO:
                continue
            runas = match.runas(spec.runas_users, spec.runas_groups, account, target)
            if ALLOW not in runas:
                continue
            answer = match.commands((spec.cmnd,), request)
            if answer != SILENT and spec.cmnd.kind != "ALL" and spec.options.get("CHROOT", "*").rstrip("/") not in ("", "*"):
                match.doubt(f"file:{spec.line.file}", Reason.UNSUPPORTED, "which program it is was not looked for below CHROOT")
                answer = answer | SILENT
            found += [(value, spec) for value in answer - SILENT]
            if sure and date == YES and runas == YES and UNSPEC not in answer:
                complete = True
                break
        values = {value for value, _ in found}
        allowed: bool | None = None if ALLOW in values else False
        if complete and values == {ALLOW}:
            allowed = True
        if self.gaps or (self.elsewhere and allowed is not True):
            allowed = None if allowed is not False or self.gaps or self.elsewhere else False
        deciding = [spec for value, spec in found if value == (ALLOW if ALLOW in values else DENY)]
        password = self._password(account, target, request, deciding) if ALLOW in values else None
        noexec = bool(deciding) and all(self._noexec(spec, account, target, request) for spec in deciding)
        gaps = (*match.gaps, *self.gaps) if allowed is None else ()
        tags = {spec.tags.get("SETENV") for spec in deciding}
        setenv = tags.pop() if len(tags) == 1 else None
        chroot = bool(deciding) and all(self._chroot(spec, account, target, request) for spec in deciding)
        return Decision(
            allowed, password, tuple(dict.fromkeys(spec.line for spec in deciding)), gaps, noexec, ALLOW in values, setenv, chroot,
            tuple(deciding),
        )  # fmt: skip

    def _enter(self, account: Account, target: Target | None = None, request: Request | None = None) -> None:
        apart = any(default.name == "runas_default" and default.scope in (">", "!") for default in self.policy.defaults)
        values = self.setting(account, "runas_default", target=target if apart else None, request=request if apart else None)
        if len(values) == 1:
            self._match.runas_default = next(iter(values)) or "root"

    def rules(self, account: Account) -> list[tuple[CmndSpec, bool]]:
        """The commands of every rule for this account on this host, in file order, and whether user and host certainly match; none where it may not
        start sudo.
        """
        key = self.key(account)
        if key not in self._specs:
            found: list[tuple[CmndSpec, bool]] = []
            program = self._loaded.program
            self._match.fqdn = resolves(self._match, self.policy, account)
            starts = program is None or may_start(account, program)  # sudo may be for a group only
            for spec in self.policy.specs if starts else ():
                self._match.start()
                users = self._match.users(spec.users, account)
                if ALLOW not in users:
                    continue
                for privilege in spec.privileges:
                    hosts = self._match.hosts(privilege.hosts)
                    if ALLOW in hosts:
                        found += [(command, users == YES == hosts) for command in privilege.commands]
            self._specs[key] = found
        return self._specs[key]

    def _date(self, spec: CmndSpec) -> Answer:
        """NOTBEFORE and NOTAFTER against the host's clock; a time without a zone is the host's, which was not seen."""
        found = YES
        for moment, sign in ((spec.not_before, 1), (spec.not_after, -1)):
            if moment is None:
                continue
            left = (self._host.taken_at - moment.at) * sign
            if moment.local and abs(left) < timedelta(hours=14):
                self._match.doubt("file:/etc/localtime", Reason.UNSUPPORTED, "the time zone was not seen")
                found = found | NO
            elif left < timedelta(0):
                return NO
        return found

    def _password(self, account: Account, target: Target, request: Request, specs: list[CmndSpec]) -> bool | None:
        """check_user(): nobody is asked who runs as himself, is exempt, or is not to be authenticated."""
        if account.uid == 0 or (account.uid == target.account.uid and (target.group is None or target.group in account.groups)):
            return False
        exempt = self.setting(account, "exempt_group", target=target, request=request)
        asked: set[bool] = set()
        for group in exempt:
            if group and group != "off" and ALLOW in self._match.member(group, account):
                asked.add(False)
        if asked and len(exempt) == 1:
            return False
        for spec in specs:
            if "PASSWD" in spec.tags:
                asked.add(spec.tags["PASSWD"])
            else:
                asked |= {value != "off" for value in self.setting(account, "authenticate", target=target, request=request)}
        return asked.pop() if len(asked) == 1 else None

    def _noexec(self, spec: CmndSpec, account: Account, target: Target, request: Request) -> bool:
        """No program that runs inside may start another, or none that the rules do not allow (INTERCEPT)."""
        if spec.tags.get("EXEC") is False or spec.tags.get("INTERCEPT"):
            return True
        tags = {"noexec": "EXEC", "intercept": "INTERCEPT"}
        return any(
            tag not in spec.tags and self.setting(account, name, target=target, request=request) == {"on"} for name, tag in tags.items()
        )

    def _chroot(self, spec: CmndSpec, account: Account, target: Target, request: Request) -> bool:
        if "CHROOT" in spec.options:
            return spec.options["CHROOT"] == "*"
        return self.setting(account, "runchroot", target=target, request=request) == {"*"}

    # grants

    def grants(self, account: Account) -> tuple[Grant, ...]:
        """What remains allowed after the last match of everything, in file order, one entry per command written."""
        if account.name in self._grants:
            return self._grants[account.name]
        found: dict[tuple[object, ...], Grant] = {}
        if self.usable:
            for spec, _ in self.rules(account):
                if self._date(spec) == NO:
                    continue
                target = self._some_target(spec, account)
                if target is None:
                    continue
                for leaf in leaves(self.policy, spec.cmnd):
                    if leaf.negated:
                        continue
                    decision, request = self._sample(account, leaf, target)
                    if decision.granted and decision.allowed is not False and spec.line in decision.because:
                        grant = Grant(
                            command=leaf.name or "ALL",
                            args=leaf.args,
                            runas=spell_runas(spec),
                            target=f":{target.group}" if target.group else target.account.name,
                            nopasswd=None if decision.password is None else not decision.password,
                            tags=tuple(("" if on else "NO") + tag for tag, on in spec.tags.items()),
                            certain=decision.allowed is True,
                            because=decision.because,
                            sample=(target, request),
                            pinned=bool(leaf.digests),
                        )
                        found.setdefault((grant.command, grant.args, grant.runas, grant.nopasswd, spec.line), grant)
        self._grants[account.name] = tuple(found.values())
        return self._grants[account.name]

    def _some_target(self, spec: CmndSpec, account: Account) -> Target | None:
        self._enter(account)
        for target in self.targets(spec, account):
            if ALLOW in self._match.runas(spec.runas_users, spec.runas_groups, account, target):
                return target
        return None

    def targets(self, spec: CmndSpec, account: Account) -> Iterator[Target]:
        """As whom a rule might let run: root first, then whom it names, then (for `-g` alone) oneself with a group."""
        accounts = self._host.accounts
        yield from (Target(root) for root in accounts.by_uid(0))
        names = spec.runas_users if spec.runas_users is not None else (Member("WORD", self._match.runas_default),)
        for member in expand(self.policy, "Runas", names):
            if member.kind == "USERGROUP":
                yield from (Target(one) for one in accounts.members(member.name[1:])[:50])
            elif named := self.target(member.name):
                yield Target(named)
            elif member.kind == "ALL":
                yield from (Target(one) for one in list(accounts)[:50] if one.name != account.name)
        for member in expand(self.policy, "Runas", spec.runas_groups or ()):
            for group in accounts.groups.values() if member.kind == "ALL" else [accounts.groups.get(member.name)]:
                if group is not None:
                    yield Target(account, group.name, True)
            if member.name.startswith("#"):
                yield from (Target(account, group.name, True) for group in accounts.groups.values() if str(group.gid) == member.name[1:])
        yield Target(account)

    def _sample(self, account: Account, leaf: Member, target: Target) -> tuple[Decision, Request]:
        """A decision about one concrete command line of this element."""
        if leaf.kind == "ALL":
            return self.decide(account, ANY[0], target), ANY[0]
        best = Decision(False, None, ()), ANY[0]
        for tried, (path, args) in enumerate(proposals(leaf.name, leaf.args)):
            request = Request(path, args)
            found = self.decide(account, request, target, suppose=True)
            if found.allowed is True or tried > 40:
                return found, request
            best = (found, request) if found.granted and found.allowed is None else best
        return best

    def reaches_root(self, account: Account) -> Reach:
        """How near root sudo brings this account, by its own rights and by those of the accounts it may become."""
        return self._reaches.of(account)

    def roads_to_root(self, account: Account) -> tuple[Reach, ...]:
        """Every way to root that differs in whether sudo asks, as whom it is asked for, and what it runs."""
        return self._reaches.roads(account)


_INITIAL = {
    "authenticate": "on",
    "runas_default": "root",
    "root_sudo": "on",
    "env_reset": "on",
    "timestamp_timeout": "15",
    "pam_service": "sudo",
    "pam_acct_mgmt": "on",
    "pam_session": "on",
}


def spell_runas(spec: CmndSpec) -> str:
    """`root`, `ALL : ALL`, `: docker`: as one would write it; empty where nothing is written."""
    if spec.runas_users is None:
        return ""
    users = ", ".join(spell(member) for member in spec.runas_users if member.kind != "MYSELF")
    groups = ", ".join(spell(member) for member in spec.runas_groups or ())
    return f"{users} : {groups}".strip() if groups else users


def spell(member: Member) -> str:
    return ("!" if member.negated else "") + (member.name or member.kind)
