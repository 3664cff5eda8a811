"""Which passwords a service lets be set: the password stack of libpam, both its passes, with the shortest string that gets through."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING

from sovaudit.facts.accounts import Account
from sovaudit.facts.factors import Ways
from sovaudit.facts.pam_examiner import TESTERS, Examiner
from sovaudit.facts.pam_exec import exec_
from sovaudit.facts.pam_flow import Behaviour, Choice, Outcome, Solver, Token
from sovaudit.facts.pam_hash import new_scheme
from sovaudit.facts.pam_models import MODELS, behaviour
from sovaudit.facts.pam_modules import Call, fixed, gap_of
from sovaudit.facts.pam_quality import CLASSES, Candidate
from sovaudit.facts.pam_stack import Service, Step
from sovaudit.facts.parse.login_defs import login_defs
from sovaudit.facts.parse.pam_conf import Code
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

# What PAM_AUTHTOK and the stored password are, in one value.
NONE, HELD, WRITTEN, LOST = Token.NONE, Token.PASSWORD, Token.CODE, Token.BOTH  # LOST: written, then thrown away as the token
_HAS_NOT = frozenset({NONE, LOST})
_STORED = frozenset({WRITTEN, LOST})
_ANY = frozenset(Code)
_IGNORED = ("pam_gnome_keyring.so", "pam_kwallet.so", "pam_kwallet5.so", "pam_ecryptfs.so", "pam_warn.so", "pam_echo.so")
# Modules whose file has no function for passwords: libpam takes them for unknown ones.
_NO_PASSWORDS = frozenset(
    f"pam_{name}.so"
    for name in (
        "faildelay faillock ftp google_authenticator group issue keyinit lastlog limits loginuid mail mkhomedir motd namespace nologin oath rhosts "
        "securetty selinux sepermit setquota shells time timestamp tty_audit umask userdb wheel xauth u2f yubico cap systemd"
    ).split()
)
_ELSEWHERE = ("pam_sss.so", "pam_ldap.so", "pam_krb5.so", "pam_winbind.so", "pam_smbpass.so", "pam_samba.so")
_NAMELESS = frozenset({"", "pam_deny.so", "pam_permit.so", "pam_unix.so", *TESTERS, *_IGNORED} - {"pam_passwdqc.so"})
_REFUSALS = (Code.USER_UNKNOWN, Code.AUTHINFO_UNAVAIL, Code.AUTHTOK_ERR, Code.IGNORE)


@dataclass(frozen=True, slots=True)
class Shortest:
    """length: the shortest password that is certainly accepted, None if none is (refused). possible: a shorter one that may be, with `gaps`.

    because: the lines passed on the way, and the settings that make the length.
    """

    length: int | None
    possible: int | None = None
    because: tuple[Line, ...] = ()
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class Fewest:
    """count: the fewest classes that are certainly accepted, None if no password is. possible: fewer that may be, with `gaps`."""

    count: int | None
    possible: int | None = None
    because: tuple[Line, ...] = ()
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class Accepted:
    """Whether a kind of password can be set: certainly, or possibly (`gaps`: what was not seen). because: the lines that let it through, or
    that refuse it. nothing: no password at all can be set.
    """

    certain: bool
    possible: bool
    because: tuple[Line, ...] = ()
    gaps: tuple[Gap, ...] = ()
    nothing: bool = False


@dataclass(frozen=True, slots=True)
class NewHash:
    """What a service writes for a new password. scheme: crypt(5) name as in Password.scheme; empty where it sets no local password."""

    scheme: str
    because: tuple[Line, ...]
    gaps: tuple[Gap, ...] = ()


class PasswordStack:
    """One service's `password` stack. Raises Unseen where its files were not seen."""

    def __init__(self, host: Host, solver: Solver, service: Service, examiner: Examiner) -> None:
        self.host = host
        self.solver = solver
        self.service = service
        self.stack = service.stack("password")
        self.examiner = examiner
        examiner.share(self.stack)

    @property
    def alike(self) -> tuple[object, ...]:
        """Equal for stacks that answer alike: the same steps, none of which looks at the service's name."""
        nameless = all(step.module in _NAMELESS for step in self.stack)
        return self.stack, self.service.broken, self.service.gaps, "" if nameless and self.stack else self.service.name

    def answer(self, step: Step, account: Account, *, by_root: bool) -> Behaviour:
        """What one step does before a new password is asked for."""
        return self._behaviour(step, account, by_root, None)

    def accepts(self, account: Account, candidate: Candidate, *, by_root: bool) -> Accepted:
        """Whether this account (or root, for it) can set such a password."""
        if self.service.broken is not None:
            return Accepted(False, False, (self.service.broken,), nothing=True)
        if not self.stack:
            return Accepted(False, False, self.service.lines[:1], nothing=True)
        first = self._pass(account, by_root, None)
        then = self._pass(account, by_root, candidate) if first else first
        if not then:
            every = self._pass(account, by_root, Candidate()) if first else first
            return Accepted(False, False, then.closed.because, nothing=not every)
        certain = bool(first.certain and then.certain)
        why = next(iter([*then.certain.values(), *then.possible.values()]))
        gaps = why.gaps + tuple(gap for way in first.possible.values() for gap in way.gaps)
        return Accepted(certain, True, self.examiner.with_settings(why.because, self.stack), () if certain else gaps)

    def fewest_classes(self, account: Account, *, by_root: bool) -> Fewest:
        """The fewest character classes of a password that can be set, over every choice of classes."""
        possible: int | None = None
        gaps: tuple[Gap, ...] = ()
        answer = Accepted(False, False)
        for count in range(1, len(CLASSES) + 1):
            for classes in map("".join, combinations(CLASSES, count)):
                answer = self.accepts(account, Candidate(classes=classes), by_root=by_root)
                if answer.certain:
                    return Fewest(count, possible, answer.because, gaps)
                if answer.possible and possible is None:
                    possible, gaps = count, answer.gaps
        return Fewest(None, possible, answer.because, gaps)

    def shortest(self, account: Account, *, by_root: bool) -> Shortest:
        """The shortest password that this account (or root, for it) can set."""
        if self.service.broken is not None:
            return Shortest(None, because=(self.service.broken,))
        if not self.stack:
            return Shortest(None, because=self.service.lines[:1])
        first = self._pass(account, by_root, None)
        if not first:
            return Shortest(None, because=first.closed.because)
        needs = {step: self.examiner.need(step, by_root) for step in self.stack}
        lengths = sorted({1, *(need for need, _ in needs.values() if need is not None)})
        possible: int | None = None
        gaps: tuple[Gap, ...] = ()
        last = Ways()
        for length in lengths:
            last = self._pass(account, by_root, Candidate(length))
            if last.certain and first.certain:
                why = next(iter(last.certain.values()))
                return Shortest(length, possible, self._limits(why.because, needs, length), gaps + why.gaps)
            if last and possible is None:
                why = next(iter([*last.certain.values(), *last.possible.values()]))
                possible, gaps = length, why.gaps + tuple(gap for way in first.possible.values() for gap in way.gaps)
        return Shortest(None, possible, last.closed.because, gaps)

    def _limits(self, lines: tuple[Line, ...], needs: dict[Step, tuple[int | None, tuple[Line, ...]]], length: int) -> tuple[Line, ...]:
        """The module lines passed, and where the settings that count were read."""
        settings = [line for step, (need, where) in needs.items() if need == length and step.line in lines for line in where]
        return tuple(dict.fromkeys([*lines, *settings]))

    def new_hash(self, account: Account, *, by_root: bool) -> NewHash:
        """The scheme of the password that this service writes. Raises Unseen."""
        if self.service.broken is not None or not self.stack:
            return NewHash("", self.shortest(account, by_root=by_root).because)
        ways = self._pass(account, by_root, Candidate())
        if not ways or not self._pass(account, by_root, None):
            return NewHash("", ways.closed.because)
        why = next(iter([*ways.certain.values(), *ways.possible.values()]))
        writers = [step for step in self.stack if step.module == "pam_unix.so" and step.line in why.because]
        if not writers:
            return NewHash("", why.because, why.gaps)
        # the second of two writes again for root; its owner it tells that the password has not changed
        found = new_scheme(writers[-1 if by_root else 0], login_defs(self.host.files))
        return NewHash(found.scheme, found.because, () if ways.certain else why.gaps)

    def _pass(self, account: Account, by_root: bool, candidate: Candidate | None) -> Ways:
        """One run of the stack. candidate None: PAM_PRELIM_CHECK; else PAM_UPDATE_AUTHTOK with such a password."""
        behaviours = tuple(self._behaviour(step, account, by_root, candidate) for step in self.stack)
        if candidate is None:
            return self.solver.solve(self.stack, behaviours, gaps=self.service.gaps)
        # a password once written stays, whatever the stack says afterwards
        return self.solver.solve(self.stack, behaviours, _ANY, _STORED, self.service.gaps)

    def _behaviour(self, step: Step, account: Account, by_root: bool, candidate: Candidate | None) -> Behaviour:
        if step.kind == "substack":
            return ()
        if step.kind == "must_fail":
            return fixed(Code.PERM_DENIED)
        if step.known is False:
            return fixed(Code.MODULE_UNKNOWN)
        module = step.module
        if module in _IGNORED:
            return fixed(Code.IGNORE)
        if module in _NO_PASSWORDS:
            return fixed(Code.MODULE_UNKNOWN)
        if module == "pam_env.so":
            return fixed(Code.SERVICE_ERR)
        if module == "pam_deny.so":
            return fixed(Code.AUTHTOK_ERR)
        if module == "pam_unix.so":
            if candidate is None:
                return fixed(Code.SUCCESS) if by_root else _proved(_first_pass(step))
            return _written(self.examiner.accepts(step, by_root, candidate), self.examiner.insists(step))
        if module in TESTERS:
            if self.examiner.idle(step):
                return fixed(Code.IGNORE)
            if self.examiner.broken(step):
                return fixed(Code.ABORT)
            if candidate is None:
                return _proved(False) if self.examiner.proves(step) and not by_root else fixed(Code.SUCCESS)
            if self.examiner.blind(step):
                return fixed(Code.MAXTRIES)
            if by_root and self.service.name != "passwd" and self.examiner.distrusts(step):
                return fixed(Code.AUTH_ERR)
            its_root = by_root and (module != "pam_passwdqc.so" or self.service.name == "passwd")
            good = self.examiner.accepts(step, its_root, candidate)
            return _tested(good, self.examiner.insists(step), self.examiner.refusal(step), module != "pam_passwdqc.so")
        invoker = next(iter(self.host.accounts.by_uid(0)), None) if by_root else account
        call = Call(self.host, self.service.name, "auth", account, invoker, False, step)
        if module in _ELSEWHERE:
            gap = gap_of(call, Reason.UNSUPPORTED, f"{module} changes passwords in another system")
            kept = (None,) if candidate is not None else (None, HELD)
            return (Choice((*(Outcome(code, gap=gap) for code in _REFUSALS), *(Outcome(Code.SUCCESS, token, gap) for token in kept))),)
        if module == "pam_exec.so":  # which runs nothing in the first pass
            return fixed(Code.SUCCESS) if candidate is None else exec_(replace(call, phase="password"))
        if module not in MODELS:
            return _anything(gap_of(call, Reason.UNSUPPORTED, f"what {module} does with a new password is not modelled"))
        return behaviour(call)


def _first_pass(step: Step) -> bool:
    """It takes only a current password that another module asked for."""
    return any(arg.split("=")[0] == "use_first_pass" for arg in step.args)


@cache
def _proved(first: bool) -> Behaviour:
    """pam_unix in the first pass asks for the current password and leaves it to those behind it; the token stands for that password here."""
    if not first:
        return (Choice((Outcome(Code.SUCCESS, HELD),)),)
    return Choice((Outcome(Code.SUCCESS),), before=frozenset({HELD})), Choice((Outcome(Code.AUTH_ERR),), before=frozenset({NONE}))


@cache
def _tested(good: bool, insists: bool, refused: Code, clears: bool) -> Behaviour:
    """A module that looks at the new password: asks for it unless it is there. clears: it throws away what it refuses."""
    choices: list[Choice] = []
    for held, kept, lost in ((HELD, HELD, NONE), (WRITTEN, WRITTEN, LOST)):
        code = Code.AUTHTOK_ERR if insists else refused
        outcome = Outcome(Code.SUCCESS, kept) if good else Outcome(code, lost if clears else kept)
        choices.append(Choice((outcome,), before=frozenset({held})))
    for lost, typed in ((NONE, HELD), (LOST, WRITTEN)):
        before = frozenset({lost})
        choices.append(Choice((Outcome(Code.AUTHTOK_ERR),), before=before))  # nothing held, or the person gives up
        if not insists:
            choices.append(Choice((Outcome(Code.SUCCESS, typed) if good else Outcome(refused),), before=before))
    return tuple(choices)


@cache
def _anything(gap: Gap) -> Behaviour:
    """A module that may ask, refuse, throw away or let through, and sets nothing itself."""
    choices = []
    for before, after in ((NONE, (NONE, HELD)), (HELD, (HELD, NONE)), (WRITTEN, (WRITTEN, LOST)), (LOST, (LOST, WRITTEN))):
        outcomes = tuple(Outcome(code, token, gap) for code in (Code.SUCCESS, *_REFUSALS) for token in after)
        choices.append(Choice(outcomes, before=frozenset({before})))
    return tuple(choices)


@cache
def _written(enough: bool, insists: bool) -> Behaviour:
    """pam_unix: asks unless a password is held, writes it if it is long enough, else throws it away."""
    written = Outcome(Code.SUCCESS, WRITTEN)
    choices = [
        Choice((written if enough else Outcome(Code.AUTHTOK_ERR, NONE),), before=frozenset({HELD})),
        Choice((written if enough else Outcome(Code.AUTHTOK_ERR, LOST),), before=frozenset({WRITTEN})),
    ]
    if not insists and enough:
        choices.append(Choice((written,), before=_HAS_NOT))
    return (*choices, Choice((Outcome(Code.AUTHTOK_ERR),), before=_HAS_NOT))
