"""Whether guessing a password is stopped: each service's auth stack played with wrong passwords, its counters kept, then with the right one."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from sovaudit.facts.accounts import Account
from sovaudit.facts.factors import NOTHING, Factor, Ways
from sovaudit.facts.faillock import MODULES, Locker, locker
from sovaudit.facts.pam import ASKS_WHO, anyone
from sovaudit.facts.pam_flow import Behaviour, Choice, Token, avoids, solve
from sovaudit.facts.pam_models import MODELS, behaviour
from sovaudit.facts.pam_modules import Call, fixed
from sovaudit.facts.pam_stack import Service, Step
from sovaudit.facts.parse.pam_conf import Code
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

PACE = 3  # seconds between the guesses of somebody who waits for each answer
MOST = 60  # guesses after which we stop to ask when a service would lock at last
# Modules that take the account's password
_TAKES_PASSWORD = frozenset("pam_unix.so pam_sss.so pam_ldap.so pam_krb5.so pam_winbind.so pam_userdb.so".split())


@dataclass(frozen=True, slots=True)
class Guessing:
    """What guessing comes to at one service.

    asks: a password opens it at all. locks: wrong passwords after which the right one is refused; None: not within what was asked.
    holds: it is still refused when the asked time has passed. possible: it may lock and hold all the same (`gaps`: what was not seen).
    who: the account that is not locked where others are. because: the lines that let the right password in, or that lock.
    """

    asks: bool
    locks: int | None = None
    holds: bool = False
    possible: bool = False
    because: tuple[Line, ...] = ()
    gaps: tuple[Gap, ...] = ()
    who: str = ""


@dataclass(slots=True)
class _Tally:
    """Times of failures by place. doubt: count what may be counted, too."""

    doubt: bool
    times: dict[str, list[int]] = field(default_factory=dict)

    def copy(self) -> _Tally:
        return _Tally(self.doubt, {place: list(times) for place, times in self.times.items()})

    def latest(self, default: int) -> int:
        """The last failure that was counted: locks run from there."""
        return max((time for times in self.times.values() for time in times), default=default)

    def denies(self, each: Locker, account: Account, now: int, *, coming: int = 0) -> bool:
        """Whether a locker refuses at this time. coming: failures that this very login adds first."""
        if not each.deny or each.spares(account):
            return False
        times = self.times.get(each.place, [])
        latest = max(times, default=now)
        count = coming + sum(each.interval is None or latest - time < each.interval for time in times)
        if count < each.deny + (1 if each.tally else 0):
            return False
        unlock = each.unlock_of(account)
        return not unlock or latest + unlock >= now


@dataclass(frozen=True, slots=True)
class _Course:
    """first: the wrong password that locks; None: none does. now, later: the ways in with the right one after those that were asked for."""

    first: int | None
    now: Ways
    later: Ways


class Play:
    """One service's auth stack for one account."""

    def __init__(self, host: Host, service: Service, account: Account, lockers: dict[Step, Locker]) -> None:
        self.service = service
        self.account = account
        self.stack = service.stack("auth")
        self.lockers = lockers
        invoker = account if service.name.startswith(("sudo", "polkit", "doas")) else None
        self._calls = [Call(host, service.name, "auth", account, invoker, False, step) for step in self.stack]
        self._others: dict[int, Behaviour] = {}
        self._answers: dict[tuple[Code | None, ...], Ways] = {}
        self._passed: dict[tuple[bool, *tuple[Code | None, ...]], tuple[bool, bool]] = {}

    def right(self, tally: _Tally, now: int) -> Ways:
        """The ways in with the right password, and whatever else is asked for."""
        codes = tuple(self._code(at, tally, now) for at in range(len(self.stack)))
        if codes not in self._answers:
            behaviours = [self._step(at, codes[at]) for at in range(len(self.stack))]
            found = solve(self.stack, behaviours)
            for gap in self.service.gaps:
                found = found.doubtful(gap)
            self._answers[codes] = _with_password(found)
        return self._answers[codes]

    def tried(self, tally: _Tally, now: int, *, right: bool = False) -> None:
        """A login with a wrong password, or the right one: whatever it passes that counts, counts; whatever it passes that wipes out, does."""
        codes: list[Code | None] = []
        for at, step in enumerate(self.stack):
            each, code = self.lockers.get(step), self._code(at, tally, now)
            if each is not None and each.broken is None and (each.counts or each.resets):
                self._keep(each, at, (right, *codes), tally, now)
            codes.append(code)

    def _keep(self, each: Locker, at: int, codes: tuple[bool, *tuple[Code | None, ...]], tally: _Tally, now: int) -> None:
        if not each.tally and tally.denies(each, self.account, now):
            return  # locked already: nothing more is written
        surely, possibly = self._avoids(at, codes)
        if each.resets:
            if not (possibly if tally.doubt else surely):
                tally.times.pop(each.place, None)
        elif (each.stored or (each.stored is None and tally.doubt)) and not (surely if tally.doubt else possibly):
            tally.times.setdefault(each.place, []).append(now)

    def _avoids(self, at: int, codes: tuple[bool, *tuple[Code | None, ...]]) -> tuple[bool, bool]:
        """Whether a password gets by a step: surely, possibly. codes: whether it is the right one, and what the lockers before the step answered;
        what follows says nothing.
        """
        if codes not in self._passed:
            leave = _right if codes[0] else _wrong
            before = [leave(self._step(place, code), self.stack[place].module) for place, code in enumerate(codes[1:])]
            rest = [fixed(Code.IGNORE)] * (len(self.stack) - len(before))
            self._passed[codes] = avoids(self.stack, [*before, *rest], at)
        return self._passed[codes]

    def _code(self, at: int, tally: _Tally, now: int) -> Code | None:
        each = self.lockers.get(self.stack[at])
        if each is None:
            return None
        if each.broken is not None:
            return each.broken
        if tally.denies(each, self.account, now, coming=1 if each.tally else 0):
            return Code.AUTH_ERR
        return Code.IGNORE if each.counts and not each.tally else Code.SUCCESS

    def _step(self, at: int, code: Code | None) -> Behaviour:
        if code is not None:
            return fixed(code)
        if at not in self._others:
            self._others[at] = behaviour(self._calls[at])
        return self._others[at]


def _with_password(ways: Ways) -> Ways:
    """The ways in which the password counts; a stack that certainly opens to anybody opens to whoever knows it, too."""
    if NOTHING in ways.certain:
        return Ways({NOTHING: ways.certain[NOTHING]}, {}, ways.closed)
    return Ways(
        {factors: why for factors, why in ways.certain.items() if Factor.PASSWORD in factors},
        {factors: why for factors, why in ways.possible.items() if Factor.PASSWORD in factors},
        ways.closed,
    )


def _may_lock(module: str) -> bool:
    """Modules of whose answers nothing is known."""
    return module not in MODELS or module in ("pam_exec.so", "pam_script.so", "pam_python.so")


def _wrong(found: Behaviour, module: str) -> Behaviour:
    """What is left to somebody who has everything but the password."""
    if module in _TAKES_PASSWORD:
        return tuple(choice for choice in found if choice.needs == NOTHING)
    able = [choice for choice in found if choice.needs and Factor.PASSWORD not in choice.needs]
    free = [Choice(choice.outcomes, NOTHING, choice.before) for choice in able]
    return tuple(free) or tuple(choice for choice in found if choice.needs == NOTHING)


def _right(found: Behaviour, module: str) -> Behaviour:
    """What is left to somebody who has everything and types no wrong password."""
    typed = [Choice(choice.outcomes, NOTHING, choice.before) for choice in found if choice.needs == frozenset({Factor.PASSWORD})]
    if module not in _TAKES_PASSWORD or not typed:
        return _wrong(found, module)
    return (*typed, *(choice for choice in found if choice.needs == NOTHING and choice.before and Token.NONE not in choice.before))


class Lockout:
    """Facts about guessing. Raises Unseen where a service's files were not seen."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._lockers: dict[Step, Locker] = {}

    def guessing(self, name: str, attempts: int, seconds: int) -> Guessing:
        """What `attempts` wrong passwords in a row do at a service, and whether a lock holds for `seconds`."""
        service = self.host.pam.service(name)
        if service.broken is not None or not service.stack("auth"):
            return Guessing(False, because=(service.broken,) if service.broken is not None else service.lines[:1])
        stack = service.stack("auth")
        lockers = {
            step: self._locker(step) for step in stack if step.module in MODULES and step.kind == "module" and step.known is not False
        }
        strange = [step for step in stack if step.kind == "module" and step.known is not False and _may_lock(step.module)]
        answers = [self._play(Play(self.host, service, account, lockers), attempts, seconds) for account in self._people(service, lockers)]
        asked = [answer for answer in answers if answer.asks]
        if not asked:
            return answers[0]
        worst = min(asked, key=lambda answer: (answer.holds, answer.possible, -(answer.locks or MOST)))
        if strange and not worst.holds:
            gap = Gap(f"file:{strange[0].line.file}", Reason.UNSUPPORTED, f"whether {strange[0].module} stops guessing is not modelled")
            return Guessing(True, worst.locks, False, True, worst.because, (*worst.gaps, gap), worst.who)
        return worst

    def _locker(self, step: Step) -> Locker:
        if step not in self._lockers:
            self._lockers[step] = locker(self.host, step)
        return self._lockers[step]

    def _people(self, service: Service, lockers: dict[Step, Locker]) -> list[Account]:
        """Accounts that stand for all: anyone at all, and one of each kind that the stack or a locker tells apart."""
        asking = [step for step in service.stack("auth") if step.module in ASKS_WHO]
        spared = {each.spared for each in lockers.values() if each.spared and (not each.root or each.root_unlock is not None)}
        kinds: dict[tuple[object, ...], Account] = {}
        for account in self._usable if asking or spared else ():
            answers = [behaviour(Call(self.host, service.name, "auth", account, None, False, step)) for step in asking]
            kinds.setdefault((frozenset(spared & account.groups), *answers), account)
        return [anyone(), *kinds.values()]

    @cached_property
    def _usable(self) -> list[Account]:
        return [account for account in self.host.accounts if account.uid and account.password is not None and account.password.usable]

    def _play(self, play: Play, attempts: int, seconds: int) -> Guessing:
        who = "" if play.account.name == anyone().name else play.account.name
        fresh = play.right(_Tally(False), 0)
        if not fresh:
            return Guessing(False, because=fresh.closed.because)
        files = tuple(line for each in play.lockers.values() for line in each.because)
        if not play.lockers:
            way = next(iter([*fresh.certain.values(), *fresh.possible.values()]))
            return Guessing(True, None, False, False, way.because, way.gaps, who)
        sure = self._guess(play, _Tally(False), attempts, seconds)
        if not sure.now and not sure.later:
            return Guessing(True, sure.first, True, False, tuple(dict.fromkeys((*sure.now.closed.because, *files))), who=who)
        maybe = self._guess(play, _Tally(True), attempts, seconds)
        possible = all(not ways or bool(fresh.certain and not ways.certain) for ways in (maybe.now, maybe.later))
        opened = sure.now or sure.later
        way = next(iter([*opened.certain.values(), *opened.possible.values()]))
        gaps = (*way.gaps, *(each.gap for each in play.lockers.values() if each.gap is not None))
        because = dict.fromkeys((*way.because, *(step.line for step in play.lockers), *files))
        return Guessing(True, sure.first, False, possible, tuple(because), gaps, who)

    def _guess(self, play: Play, tally: _Tally, attempts: int, seconds: int) -> _Course:
        """Wrong passwords one after the other: as many as asked, and on until it locks."""
        first: int | None = None
        now = later = play.right(tally, 0)
        most = min(MOST, 1 + max(each.deny for each in play.lockers.values()))
        for count in range(1, max(attempts, most) + 1):
            play.tried(tally, count * PACE)
            ways = play.right(tally, count * PACE)
            if not ways and first is None:
                first = count
            if count == attempts:
                now, after = ways, tally.copy()
                play.tried(after, count * PACE, right=True)  # the right password may be refused, and wipe out all the same
                later = play.right(after, after.latest(count * PACE) + seconds)
            if count >= attempts and first is not None:
                break
        return _Course(first, now, later)
