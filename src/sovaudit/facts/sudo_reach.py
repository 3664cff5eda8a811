"""Whether sudo makes an account root: by any command, by one that gives a shell, by a program it can replace, or by way of another account."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

from sovaudit.facts.accounts import Account
from sovaudit.facts.changers import Changers
from sovaudit.facts.files import Unseen
from sovaudit.facts.parse.globs import has_meta
from sovaudit.facts.parse.sudoers import Member
from sovaudit.facts.sudo_aliases import expand, leaves
from sovaudit.facts.sudo_asking import Asking
from sovaudit.facts.sudo_circumstances import linked, standing
from sovaudit.facts.sudo_environment import LIBRARIES, concerns, injects, variables
from sovaudit.facts.sudo_match import Request, Target
from sovaudit.facts.sudo_proposals import proposals
from sovaudit.facts.sudo_shells import SYSTEM_FOLDERS, becomes, makes_root
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line

if TYPE_CHECKING:
    from sovaudit.facts.host import Host
    from sovaudit.facts.sudo import Decision, Sudo

ROOT_GROUPS = ("docker", "lxd", "incus-admin", "libvirt", "libvirtd", "microk8s", "snap_microk8s", "disk")
ANY = (Request("/nonexistent/of/ones/own/choice"), Request("/var/tmp/of/ones/own/choice"), Request("/choice"))
LEVELS = ("none", "limited", "shell", "all")
MAX_TRIES = 4000  # command lines tried for one account


@dataclass(frozen=True, slots=True)
class Reach:
    """How near root an account gets.

    level: `none`, `limited` (some commands, none of which makes root), `shell` (a root shell through `detail`), `login` (its login shell, among
    `roads` only), `all`.
    password: whether sudo asks for one on that way (None: not known). request, target: what is run first on it, and as whom.
    """

    level: str
    certain: bool
    because: tuple[Line, ...] = ()
    detail: str = ""
    gaps: tuple[Gap, ...] = ()
    password: bool | None = None
    request: Request | None = None
    target: Target | None = None

    @property
    def root(self) -> bool:
        return self.level in ("shell", "all", "login")

    @property
    def words(self) -> str:
        """`any command as root`, or `a root shell through CMD`."""
        return {
            "all": "any command as root",
            "shell": f"a root shell through {self.detail}",
            "limited": "some commands",
        }.get("shell" if self.level == "login" else self.level, "nothing")


class Reaches:
    """What `Sudo` answers, account by account, each worked out once."""

    def __init__(self, host: Host, sudo: Sudo) -> None:
        self._host = host
        self._sudo = sudo
        self._reach: dict[str, Reach] = {}
        self._injectable = concerns(sudo)
        self._chroots = any(default.name == "runchroot" for default in sudo.policy.defaults) or any(
            "CHROOT" in spec.options for user in sudo.policy.specs for privilege in user.privileges for spec in privilege.commands
        )
        self._folders = any(default.name == "runcwd" for default in sudo.policy.defaults) or any(
            "CWD" in spec.options for user in sudo.policy.specs for privilege in user.privileges for spec in privilege.commands
        )
        self._edits = any(default.name == "sudoedit_checkdir" and default.op == "!" for default in sudo.policy.defaults)
        self._asking: dict[str, Asking] = {}
        self._turning = False
        self._targets: dict[str, set[int]] = {}
        self._turns_to: dict[tuple[str, int], bool] = {}

    @cached_property
    def _changers(self) -> Changers:
        return Changers(self._host)

    def of(self, account: Account) -> Reach:
        """By its own rights, and by those of the accounts it may become."""
        key = self._sudo.key(account)
        if key not in self._reach:
            self._reach[key] = Reach("none", True)  # who reaches root only through himself does not
            self._reach[key] = self._reaches(account)
        return self._reach[key]

    def _reaches(self, account: Account) -> Reach:
        if not self._sudo.usable:
            return Reach("none", True, self._sudo.because, self._sudo.broken)
        best = Reach("none", not self._sudo.gaps and not self._sudo.elsewhere, gaps=self._sudo.gaps)
        for root in self._host.accounts.by_uid(0):
            best = _better(best, self._as(account, Target(root), ""))
            if best.level == "all" and best.certain:
                return best
        for target in self._stepping_stones(account):
            best = _better(best, self._through(account, target))
        if not best.root and (rights := self._sudo.grants(account)):
            best = _better(best, Reach("limited", any(right.certain for right in rights), rights[0].because, gaps=best.gaps))
        return best

    def _as(self, account: Account, target: Target, suffix: str) -> Reach:
        best = Reach("none", True)
        for reach in self._each(account, target, suffix):
            best = _better(best, reach)
            if best.root and best.certain:
                break
        return best

    def _each(self, account: Account, target: Target, suffix: str) -> Iterator[Reach]:
        """Every way that is found: any command first, then what each rule names and what Defaults of their own name."""
        if not self._sudo.rules(account):
            return
        policy = self._sudo.policy
        for request in ANY:
            decision = self._sudo.decide(account, request, target)
            if decision.granted and decision.allowed is not False:
                yield Reach(
                    "all", decision.allowed is True, decision.because, "ALL" + suffix, decision.gaps, decision.password, request, target
                )
        named = [spec.cmnd for spec, _ in self._sudo.rules(account)]
        named += [member for default in policy.defaults if default.scope == "!" for member in default.members]
        tries = 0
        for member in named:
            for leaf in leaves(policy, member):
                if leaf.negated or leaf.kind == "ALL":
                    continue
                folders = tuple(dict.fromkeys((account.home.rstrip("/"), "/tmp", "/var/tmp", "/dev/shm")))
                several = has_meta(leaf.name) or leaf.name.endswith("/")
                missing: set[str] = set()
                found = self._found(leaf.name) if several else ()
                asked = (*proposals(leaf.name, leaf.args, folders), *islice(self._names(leaf.name, leaf.args), 100))
                for path, args in (*asked, *((path, leaf.args) for path in found)):
                    if path in missing or (several and self._missing(path) and self.can_write(account, path) is not True):
                        missing.add(path)
                        continue
                    tries += 1
                    if tries > MAX_TRIES:
                        return
                    reach = self._one(account, target, leaf, path, args, suffix)
                    if reach.root:
                        yield reach

    def roads(self, account: Account) -> tuple[Reach, ...]:
        """Every way to root that differs in whether sudo asks, as whom and for which command; not the best one only."""
        found: dict[tuple[object, ...], Reach] = {}
        if not self._sudo.usable:
            return ()
        apart = any(default.scope == "!" for default in self._sudo.policy.defaults)
        for reach in self._roads(account):
            found.setdefault((reach.password, reach.certain, reach.target, reach.request if apart else reach.level), reach)
        return tuple(found.values())

    def _roads(self, account: Account) -> Iterator[Reach]:
        for root in self._host.accounts.by_uid(0):
            yield from self._each(account, Target(root), "")
            shell = Request(root.shell or "/bin/sh")
            decision = self._sudo.decide(account, shell, Target(root))
            if decision.granted and decision.allowed is not False:
                certain = decision.allowed is True
                yield Reach("login", certain, decision.because, "sudo -i", decision.gaps, decision.password, shell, Target(root))
        for target in self._stepping_stones(account):
            for reach in self._each(account, target, _as_whom(target)):
                joined = self._further(target, reach)
                if joined.root:
                    yield joined

    def _one(self, account: Account, target: Target, leaf: Member, path: str, args: str | None, suffix: str) -> Reach:
        asking = self._of(account)
        if self._folders:
            asking = replace(asking, folder=standing(self._sudo, self._sudo.decide(account, Request(path, args), target), account, target))
        how = makes_root(path, args, asking=asking)
        doubt: tuple[Gap, ...] = ()
        if path == "sudoedit" and args and target.account.uid != 0 and not has_meta(leaf.args or "*"):
            return Reach("none", True)  # to edit one file as somebody is not to run what one likes as him
        if not how and path == "sudoedit" and args and self._edits and linked(self._sudo, account, target, args, self.can_write):
            how = "follows a link of one's own"
        if not how and path.startswith("/") and self._injectable:
            decision = self._sudo.decide(account, Request(path, args), target)
            library = self._library(account, target, Request(path, args), decision)
            if library is not False and decision.granted and decision.allowed is not False:
                loads = decision.setenv or injects(self._sudo, account, target, Request(path, args)) is not False
                name = "LD_PRELOAD" if loads else variables(path)[0]
                shown = " ".join(part for part in (leaf.name, leaf.args or "", f"with {name}") if part)
                sure = decision.allowed is True and library is True
                return Reach("shell", sure, decision.because, shown + suffix, decision.gaps, decision.password, Request(path, args), target)
        if not how and path.startswith("/") and self._chroots:
            decision = self._sudo.decide(account, Request(path, args), target)
            if decision.chroot and decision.granted and decision.allowed is not False:
                shown = " ".join(part for part in (leaf.name, leaf.args or "", "with -R") if part)
                sure = decision.allowed is True
                return Reach("shell", sure, decision.because, shown + suffix, decision.gaps, decision.password, Request(path, args), target)
        if not how and (name := becomes(path, args)):
            return self._becomes(account, target, leaf, name, Request(path, args), suffix)
        if not how and path.startswith("/") and not leaf.digests:
            mine = self.can_write(account, path)
            if mine is False:
                return Reach("none", True)
            how = "can be replaced"
            doubt = (mine,) if isinstance(mine, Gap) else ()
        elif not how:
            return Reach("none", True)
        decision = self._sudo.decide(account, Request(path, args), target, suppose=how == "can be replaced")
        if (
            not decision.granted
            or decision.allowed is False
            or (decision.noexec and how != "can be replaced" and not makes_root(path, args, noexec=True, asking=asking))
        ):
            return Reach("none", True)
        shown = " ".join(part for part in (leaf.name, leaf.args or "") if part)
        sure = decision.allowed is True and not doubt
        gaps = (*decision.gaps, *doubt)
        return Reach("shell", sure, decision.because, shown + suffix, gaps, decision.password, Request(path, args), target)

    def _library(self, account: Account, target: Target, request: Request, decision: Decision) -> bool | None:
        """Whether a library of one's own gets into the program: by the tag, else by the Defaults."""
        if decision.setenv is not None:
            return decision.setenv
        return injects(self._sudo, account, target, request, (*LIBRARIES, *variables(request.command)))

    def _of(self, account: Account) -> Asking:
        """What is the account's own, worked out once."""
        if account.name not in self._asking:
            self._asking[account.name] = Asking(lambda path: self._own(account, path), self._secure_pager())
        return self._asking[account.name]

    def _own(self, account: Account, path: str) -> bool:
        found = self.can_write(account, path)
        home = account.home.rstrip("/")
        return found is True or (isinstance(found, Gap) and home.startswith("/home/") and path.startswith(f"{home}/"))

    def _secure_pager(self) -> bool:
        """From version 247 on systemd starts its pager without shell under sudo, unless the environment says otherwise."""
        if any(default.name in ("env_reset", "setenv") or "SYSTEMD_" in default.value for default in self._sudo.policy.defaults):
            return False
        try:
            major = self._host.packages.get("systemd", "").partition(".")[0].partition("-")[0]
        except Unseen:
            return False
        return major.isdigit() and int(major) >= 247

    def _found(self, pattern: str) -> tuple[str, ...]:
        """What a pattern names today."""
        try:
            return self._host.files.glob(pattern)[:200] if not pattern.startswith("^") else ()
        except Unseen:
            return ()

    def _missing(self, path: str) -> bool:
        try:
            return not self._host.files.exists(path)
        except Unseen:
            return False

    def _becomes(self, account: Account, target: Target, leaf: Member, name: str, request: Request, suffix: str) -> Reach:
        """su to another account, or a new password for one: as good as that account's own way to root."""
        other = self._host.accounts.get(name)
        decision = self._sudo.decide(account, request, target)
        if other is None or other.name == account.name or not decision.granted or decision.allowed is False:
            return Reach("none", True)
        further = Reach("all", True) if other.uid == 0 else self.of(other)
        su = posixpath.basename(request.command) != "passwd"
        if not further.root or (su and other.uid != 0 and further.password is True):
            return Reach("none", True)
        shown = " ".join(part for part in (leaf.name, leaf.args or "", f"as {name}") if part)
        lines = tuple(dict.fromkeys((*decision.because, *further.because)))
        return Reach("shell", decision.allowed is True and further.certain, lines, shown + suffix, (*decision.gaps, *further.gaps), decision.password,
                     request, target)  # fmt: skip

    def _names(self, path: str, args: str | None) -> Iterator[tuple[str, str]]:
        """Where a rule leaves open whose password is set or who one becomes: those who are root by a way of their own."""
        if posixpath.basename(path) in ("passwd", "su", "runuser") and (args is None or has_meta(args) or args.startswith("^")):
            for other in self._host.accounts:
                if other.uid == 0 or self._sudo.rules(other):
                    yield path, other.name
                    if posixpath.basename(path) != "passwd":
                        yield from ((path, f"{option} {other.name}") for option in ("-", "-l", "--login"))

    def can_write(self, account: Account, path: str) -> bool | Gap:
        """Whether the account can change the program that stands there, or put one there. A Gap: not seen."""
        if has_meta(path) or account.uid == 0:
            return False
        changes = self._changers.of(path)
        if path.startswith(SYSTEM_FOLDERS) and not path.startswith("/usr/local/") and not changes.found:
            return False
        if any(change.uid in (account.uid, -1) for change in changes.found):
            return True
        whom = self._whom(account)
        others = whom.intersection(change.uid for change in changes.found) if whom else ()
        if any(self._turns(account, uid) for uid in sorted(others)[:20]):
            return True
        return changes.gaps[0] if changes.gaps else False

    def _whom(self, account: Account) -> set[int]:
        """Accounts other than root and itself as which it may run something."""
        key = self._sudo.key(account)
        if key not in self._targets:
            found = {target.account.uid for spec, _ in self._sudo.rules(account) for target in self._sudo.targets(spec, account)}
            self._targets[key] = found - {0, account.uid}
        return self._targets[key]

    def _turns(self, account: Account, uid: int) -> bool:
        """Whether the account becomes this other one through sudo, for whatever it likes: what is his is its own then."""
        key = (self._sudo.key(account), uid)
        if key not in self._turns_to and not self._turning:
            self._turning = True  # one turn at a time
            who = self._host.accounts.by_uid(uid)[:1]
            self._turns_to[key] = any(reach.root and reach.certain for reach in [self._as(account, Target(one), "") for one in who])
            self._turning = False
        return self._turns_to.get(key, False)

    @cached_property
    def _named_groups(self) -> frozenset[str]:
        """Groups to which rules give anything."""
        policy = self._sudo.policy
        members = [member for spec in policy.specs for member in expand(policy, "User", spec.users)]
        return frozenset(member.name[1:].lower() for member in members if member.kind == "USERGROUP")

    def _joined(self, account: Account, name: str) -> Account | None:
        """The account as `sudo -g` leaves it, where rules name that group: a second sudo counts it in."""
        group = self._host.accounts.groups.get(name)
        if group is None or group.gid in account.gids or not {name.lower(), f"#{group.gid}"} & self._named_groups:
            return None
        if self._host.accounts.get(account.name) is not account:
            return None  # one step
        return replace(account, groups=account.groups | {name}, gids=account.gids | {group.gid})

    def _stepping_stones(self, account: Account) -> list[Target]:
        """Whom this account may become that is root by another way: with a group that equals root, or with sudo that asks nothing."""
        found: dict[Target, None] = {}
        for spec, _ in self._sudo.rules(account):
            for target in self._sudo.targets(spec, account):
                who = target.account
                if (
                    target.group in ROOT_GROUPS
                    or (target.group and self._joined(who, target.group))
                    or (
                        who.uid not in (0, account.uid)
                        and (who.groups & set(ROOT_GROUPS) or self._sudo.rules(who) or self._host.doas.unasked(who))
                    )
                ):
                    found.setdefault(target)
        return list(found)[:100]

    def _through(self, account: Account, target: Target) -> Reach:
        return self._further(target, self._as(account, target, _as_whom(target)))

    def _further(self, target: Target, reach: Reach) -> Reach:
        """The same way, gone on from the account that it leads to."""
        if not reach.root:
            return Reach("none", True)
        if target.group in ROOT_GROUPS or target.account.groups & set(ROOT_GROUPS):
            return replace(reach, level="shell")
        joined = self._joined(target.account, target.group) if target.group else None
        further = self.of(joined or target.account)
        if not further.root or (further.password is True and not target.group_only):
            doas = self._host.doas.unasked(target.account)
            if doas is None:
                return Reach("none", True)
            further = Reach("shell", doas.certain, doas.because, "doas", doas.gaps, False)
        certain = reach.certain and further.certain and (further.password is False or target.group_only)
        return replace(reach, level="shell", certain=certain, because=(*reach.because, *further.because), gaps=(*reach.gaps, *further.gaps))


def _as_whom(target: Target) -> str:
    return f" as group {target.group}" if target.group else f" as {target.account.name}"


def _better(one: Reach, other: Reach) -> Reach:
    """The one that says more: root before not, certain before possible, any command before a shell."""
    key = (one.root, one.certain or not one.root, LEVELS.index(one.level))
    return other if (other.root, other.certain or not other.root, LEVELS.index(other.level)) > key else one
