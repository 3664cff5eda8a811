"""PAM of a host: with which factors a service lets an account in, and which passwords it lets be set.

host.pam.authenticate("login", account)      # Ways
host.pam.account_phase("sshd", account)      # open, or never()
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from sovaudit.facts.accounts import Account, Password
from sovaudit.facts.factors import Factor, Ways, never, opens
from sovaudit.facts.files import Unseen
from sovaudit.facts.pam_credentials import credentials
from sovaudit.facts.pam_examiner import Examiner
from sovaudit.facts.pam_flow import Behaviour, Solver
from sovaudit.facts.pam_models import behaviour
from sovaudit.facts.pam_modules import Call, shadow_code
from sovaudit.facts.pam_origins import origins
from sovaudit.facts.pam_password import Accepted, Fewest, NewHash, PasswordStack, Shortest
from sovaudit.facts.pam_quality import CLASSES, LONGEST, Candidate
from sovaudit.facts.pam_stack import Service, Stacks, Step
from sovaudit.facts.parse.pam_conf import Code
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

_OPEN = frozenset({Code.SUCCESS})
_OPEN_ACCOUNT = frozenset({Code.SUCCESS, Code.NEW_AUTHTOK_REQD})  # the login goes on, with a change of password
# Programs that ask for a new password when the old one is overdue
LOGINS = ("login", "sshd", "su", "su-l", "sudo", "sudo-i", "gdm-password", "lightdm", "sddm", "xdm", "kde", "remote")
_PROGRAMS = {
    "chpasswd": ("/usr/sbin/chpasswd", "/sbin/chpasswd"),
    "login": ("/usr/bin/login", "/bin/login"),
    **dict.fromkeys(("su", "su-l"), ("/usr/bin/su", "/bin/su")),
    "sudo": ("/usr/bin/sudo",),
    "sshd": ("/usr/sbin/sshd",),
}
ASKS_WHO = frozenset({"pam_succeed_if.so", "pam_listfile.so", "pam_access.so", "pam_localuser.so", "pam_usertype.so"})


def anyone() -> Account:
    """An ordinary local account with a password, as one that is made today."""
    return Account(
        name="anyone", uid=60000, gid=60000, gecos="", home="/home/anyone", shell="/bin/sh", groups=frozenset(),
        password=Password("set", False, "yescrypt"), last_change=None, min_days=None, max_days=None, warn_days=None, inactive_days=None,
        expires=None, because=(Line("/etc/passwd", 0, "anyone:x:60000:60000::/home/anyone:/bin/sh"),),
    )  # fmt: skip


class Pam:
    """Facts about PAM. Answers are remembered by what decides them, so that many like accounts cost as much as one."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._solved: dict[tuple[object, ...], Ways] = {}
        self._services: dict[str, Service] = {}
        self._passwords: dict[str, PasswordStack] = {}
        self._people: dict[tuple[str, bool], list[Account]] = {}
        self.solver = Solver()
        self._steps: dict[tuple[object, ...], tuple[Behaviour, set[str]]] = {}
        self._origins: dict[str, tuple[str, ...]] = {}
        self._joined: dict[tuple[int, int], tuple[Ways, Ways, Ways]] = {}

    @cached_property
    def stacks(self) -> Stacks:
        try:
            system = self.host.os
        except Unseen:
            system = {}
        return Stacks(self.host.files, frozenset(f"{system.get('ID', '')} {system.get('ID_LIKE', '')}".lower().split()))

    def service(self, name: str) -> Service:
        """What libpam loads for a service. Raises Unseen."""
        if name not in self._services:
            self._services[name] = self.stacks.service(name)
        return self._services[name]

    def authenticate(
        self, service: str, account: Account, *, invoker: Account | None = None, disallow_null: bool = False, rhost: str | None = None
    ) -> Ways:
        """Factor sets with which pam_authenticate(3) succeeds for this account.

        invoker: who runs the program (su, sudo); None for login and sshd. disallow_null: the program sets PAM_DISALLOW_NULL_AUTHTOK, as sshd
        does unless PermitEmptyPasswords. rhost: from where; None: from wherever suits best. Factors are the account's own.

        Raises Unseen where the service's files were not seen.
        """
        return self._solve("auth", self.service(service), account, invoker, disallow_null, _OPEN, rhost)

    def account_phase(
        self, service: str, account: Account, *, invoker: Account | None = None, exempt: bool = False, rhost: str | None = None
    ) -> Ways:
        """Whether pam_acct_mgmt(3) lets this account in: opens to anybody, or never(). A password that must be changed lets in, with a change.

        exempt: the program asked nothing and does not mind an expired password either, as sudo with NOPASSWD.
        """
        accepted = _OPEN_ACCOUNT | {Code.AUTHTOK_EXPIRED} if exempt else _OPEN_ACCOUNT
        return self._solve("account", self.service(service), account, invoker, False, accepted, rhost)

    def session_phase(
        self, service: str, account: Account, *, invoker: Account | None = None, rhost: str | None = None, lenient: bool = False
    ) -> Ways:
        """Whether a session follows pam_open_session(3): opens to anybody, or never(). Raises Unseen.

        lenient: the program does not mind PAM_SESSION_ERR, as sudo.
        """
        accepted = _OPEN | {Code.SESSION_ERR} if lenient else _OPEN
        return self._solve("session", self.service(service), account, invoker, False, accepted, rhost)

    def credentials_follow(self, service: str) -> Ways:
        """Whether pam_setcred(3) succeeds where another process authenticated: opens to anybody, or never(). Raises Unseen."""
        stack = self.service(service).stack("auth")
        return self.solver.solve(stack, tuple(credentials(step) for step in stack)) if stack else never()

    def enter(self, service: str, account: Account, *, invoker: Account | None = None) -> Ways:
        """Both phases, one after the other, and the change of a password that is overdue: what login and su ask before they open. Raises Unseen."""
        phase = self.account_phase(service, account, invoker=invoker)
        return self.overdue(account, self.both(self.authenticate(service, account, invoker=invoker), phase), phase)

    def overdue(self, account: Account, found: Ways, phase: Ways) -> Ways:
        """`found`, where an overdue password must be changed first: whatever opened the door, `passwd` asks for the old one."""
        if not found or account.password is None or shadow_code(self.host, account) is not Code.NEW_AUTHTOK_REQD:
            return found
        asked = any("pam_unix" in line.text for why in phase.certain.values() for line in why.because)
        if not asked:
            where = Gap("pam", Reason.AMBIGUOUS, f"whether the overdue password of {account.name} must be changed first")
            return found.doubtful(where)
        return found & opens(Factor.PASSWORD, because=account.because) if account.password.usable else never(account.because)

    # Passwords

    @cached_property
    def _examiner(self) -> Examiner:
        return Examiner(self.host, self.stacks)

    def password_stack(self, service: str) -> PasswordStack:
        """Raises Unseen."""
        if service not in self._passwords:
            self._passwords[service] = PasswordStack(self.host, self.solver, self.service(service), self._examiner)
        return self._passwords[service]

    def shortest_password(self, service: str, account: Account, *, by_root: bool) -> Shortest:
        """The shortest password that this account (or root, for it) can set through a service. Raises Unseen."""
        return self.password_stack(service).shortest(account, by_root=by_root)

    def new_hash(self, service: str, account: Account, *, by_root: bool) -> NewHash:
        """What the service hashes a new password with. Raises Unseen."""
        return self.password_stack(service).new_hash(account, by_root=by_root)

    def password_services(self, *, by_root: bool) -> tuple[str, ...]:
        """Programs through which a password is set: by root `passwd`, `chpasswd`, `newusers`; by its owner `passwd` and what demands a change.

        One without a file of its own, which libpam serves from `other`, counts where its program is there. Raises Unseen.
        """
        names = ("chpasswd", "newusers") if by_root else LOGINS
        return ("passwd", *(name for name in names if self.stacks.configured(name) or self._served_by_other(name)))

    def _served_by_other(self, name: str) -> bool:
        programs = _PROGRAMS.get(name, ())
        return bool(programs) and self.stacks.configured("other") and any(map(self.host.files.exists, programs))

    def weakest_password(self, *, by_root: bool) -> tuple[str, Shortest]:
        """The service that lets the shortest password be set, and how short; over every account where a stack tells them apart. Raises Unseen."""
        found: list[tuple[str, Shortest]] = []
        for service, stack in self._password_stacks(by_root):
            found += [(service, stack.shortest(account, by_root=by_root)) for account in self._setters(stack, by_root)]

        def weakness(entry: tuple[str, Shortest]) -> tuple[int, int]:
            shortest = entry[1]
            certain = LONGEST + 1 if shortest.length is None else shortest.length
            return min(certain, certain if shortest.possible is None else shortest.possible), certain

        return min(found, key=weakness)

    def fewest_classes(self, *, by_root: bool) -> tuple[str, Fewest]:
        """The service that lets the plainest password be set, and of how many classes. Raises Unseen."""
        found = [
            (service, stack.fewest_classes(account, by_root=by_root))
            for service, stack in self._password_stacks(by_root)
            for account in self._setters(stack, by_root)
        ]

        def weakness(entry: tuple[str, Fewest]) -> tuple[int, int]:
            certain = entry[1].count or len(CLASSES) + 1
            return min(certain, entry[1].possible or certain), certain

        return min(found, key=weakness)

    def lets_set(self, candidate: Candidate, *, by_root: bool, account: Account | None = None) -> tuple[str, Accepted]:
        """The service that lets such a password be set by one account, or by any: certainly, else possibly, else none. Raises Unseen."""
        found: list[tuple[str, Accepted]] = []
        for service, stack in self._password_stacks(by_root):
            for setter in [account] if account is not None else self._setters(stack, by_root):
                found.append((service, stack.accepts(setter, candidate, by_root=by_root)))
                if found[-1][1].certain:
                    return found[-1]
        return min(found, key=lambda entry: (not entry[1].possible, entry[1].nothing))

    def remembered(self, *, by_root: bool) -> tuple[int, ...]:
        """How many entries the modules of the password stacks remember, each value once, largest first. Raises Unseen."""
        found = {
            depth
            for _, stack in self._password_stacks(by_root)
            for step in stack.stack
            if step.module in ("pam_unix.so", "pam_pwhistory.so")
            for depth in self._examiner.depths(step)
        }
        return tuple(sorted(found, reverse=True))

    def _password_stacks(self, by_root: bool) -> list[tuple[str, PasswordStack]]:
        """The first of those that answer alike: most services only include the same file."""
        found: dict[tuple[object, ...], tuple[str, PasswordStack]] = {}
        for service in self.password_services(by_root=by_root):
            stack = self.password_stack(service)
            found.setdefault(stack.alike, (service, stack))
        return list(found.values())

    def _setters(self, stack: PasswordStack, by_root: bool) -> list[Account]:
        """Accounts that stand for all: anyone at all, and where the stack asks who, one of each kind that it tells apart."""
        key = stack.service.name, by_root
        if key not in self._people:
            asking = [step for step in stack.stack if step.module in ASKS_WHO]
            kinds: dict[tuple[Behaviour, ...], Account] = {}
            for account in self.host.accounts if asking else ():
                if by_root or (account.uid != 0 and account.password and account.password.usable):
                    kinds.setdefault(tuple(stack.answer(step, account, by_root=by_root) for step in asking), account)
            self._people[key] = [anyone(), *kinds.values()]
        return self._people[key]

    def expiry_ignored(self, service: str) -> bool | None:
        """Whether a service lets an overdue password in without asking for a new one; None if that is not certain. Raises Unseen."""
        ways = self._overdue(service)
        return True if ways.certain else None if ways.possible else False

    def expiry_gaps(self, service: str) -> tuple[Gap, ...]:
        """What was not seen of the answer of `expiry_ignored`."""
        return tuple(gap for why in self._overdue(service).possible.values() for gap in why.gaps)

    def _overdue(self, service: str) -> Ways:
        overdue = replace(anyone(), last_change=1, max_days=1)
        return self._solve("account", self.service(service), overdue, None, False, _OPEN)

    def origins(self, service: str) -> tuple[str, ...]:
        """Places that the service's modules tell apart, one of each kind; empty where they ask of none. Raises Unseen."""
        if service not in self._origins:
            self._origins[service] = origins(self.host, service)
        return self._origins[service]

    def _solve(
        self,
        phase: str,
        service: Service,
        account: Account,
        invoker: Account | None,
        disallow_null: bool,
        accepted: frozenset[Code],
        rhost: str | None = None,
    ) -> Ways:
        if service.broken is not None:
            return never([service.broken])
        stack = service.stack(phase)
        if not stack:
            return never(service.lines[:1])
        root = None if invoker is None else invoker.uid == 0
        place = (service.name, phase, disallow_null, root, rhost)
        for whom in (0, id(account)):
            if (*place, accepted, whom) in self._solved:
                return self._solved[*place, accepted, whom]
        asked: set[str] = set()
        behaviours = tuple(self._behaviour(place, account, invoker, at, step, asked) for at, step in enumerate(stack))
        ways = self.solver.solve(stack, behaviours, accepted, gaps=service.gaps)
        if (same := self._stands_for(asked, account)) is not None:
            self._solved[*place, accepted, same] = ways
        return ways

    def _stands_for(self, asked: set[str], account: Account) -> int | None:
        """For whom an answer holds: 0 for all, if nobody was looked at; else root alone, whom so many become. None: for nobody else."""
        if asked <= {"root"}:
            return 0
        if asked <= {"root", "account"} and account.uid == 0 and account is self.host.accounts.get(account.name):
            return id(account)
        return None

    def _behaviour(
        self,
        place: tuple[str, str, bool, bool | None, str | None],
        account: Account,
        invoker: Account | None,
        at: int,
        step: Step,
        asked: set[str],
    ) -> Behaviour:
        """A step's answer, kept for those for whom it holds. asked: receives at whom it looked."""
        service, phase, disallow_null, _, rhost = place
        for whom in (0, id(account)):
            if (known := self._steps.get((*place, at, whom))) is not None:
                asked |= known[1]
                return known[0]
        call = Call(self.host, service, phase, account, invoker, disallow_null, step, rhost=rhost)
        found = behaviour(call)
        if (same := self._stands_for(call.asked, account)) is not None:
            self._steps[*place, at, same] = found, call.asked
        asked |= call.asked
        return found

    def both(self, one: Ways, other: Ways) -> Ways:
        """`one & other`, worked out once for the same two."""
        key = id(one), id(other)
        if key not in self._joined:
            self._joined[key] = one, other, one & other  # kept, so that their ids are
        return self._joined[key][2]
