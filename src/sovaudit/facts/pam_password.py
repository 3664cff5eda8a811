"""Which passwords a service lets be set: the password stack of libpam, both its passes, with the shortest string that gets through."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

from sovaudit.facts.accounts import Account
from sovaudit.facts.factors import Ways
from sovaudit.facts.pam_flow import Behaviour, Choice, Outcome, Token, solve
from sovaudit.facts.pam_hash import new_scheme
from sovaudit.facts.pam_models import behaviour
from sovaudit.facts.pam_modules import Call, fixed, gap_of
from sovaudit.facts.pam_quality import LONGEST, cracklib_quality, has_dictionary, shortest_passwdqc, shortest_quality, unix_floor
from sovaudit.facts.pam_stack import Service, Stacks, Step
from sovaudit.facts.parse.login_defs import login_defs
from sovaudit.facts.parse.pam_conf import Code
from sovaudit.facts.parse.pwquality_conf import Quality, read_quality, with_arguments
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

# What PAM_AUTHTOK and the stored password are, in one value.
NONE, HELD, WRITTEN, LOST = Token.NONE, Token.PASSWORD, Token.CODE, Token.BOTH  # LOST: written, then thrown away as the token
_HAS_NOT = frozenset({NONE, LOST})
_STORED = frozenset({WRITTEN, LOST})
_IGNORED = ("pam_gnome_keyring.so", "pam_kwallet.so", "pam_kwallet5.so", "pam_ecryptfs.so", "pam_warn.so", "pam_echo.so", "pam_env.so")
_ELSEWHERE = ("pam_sss.so", "pam_ldap.so", "pam_krb5.so", "pam_winbind.so", "pam_smbpass.so", "pam_samba.so")
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
class NewHash:
    """What a service writes for a new password. scheme: crypt(5) name as in Password.scheme; empty where it sets no local password."""

    scheme: str
    because: tuple[Line, ...]
    gaps: tuple[Gap, ...] = ()


class PasswordStack:
    """One service's `password` stack. Raises Unseen where its files were not seen."""

    def __init__(self, host: Host, stacks: Stacks, service: Service) -> None:
        self.host = host
        self.stacks = stacks
        self.service = service
        self.stack = service.stack("password")
        self._solved: dict[tuple[object, ...], Ways] = {}
        self._kept: list[tuple[Behaviour, ...]] = []
        self._needs: dict[tuple[Step, bool], tuple[int | None, tuple[Line, ...]]] = {}

    @cached_property
    def _quality(self) -> Quality:
        return read_quality(self.host.files)

    @cached_property
    def _debian(self) -> bool:
        names = f"{self.host.os.get('ID', '')} {self.host.os.get('ID_LIKE', '')}".lower().split()
        return not names or bool({"debian", "ubuntu"} & set(names))

    def shortest(self, account: Account, *, by_root: bool) -> Shortest:
        """The shortest password that this account (or root, for it) can set."""
        if self.service.broken is not None:
            return Shortest(None, because=(self.service.broken,))
        if not self.stack:
            return Shortest(None, because=self.service.lines[:1])
        first = self._pass(account, by_root, None)
        if not first:
            return Shortest(None, because=first.closed.because)
        needs = {step: self._need(step, by_root) for step in self.stack}
        lengths = sorted({1, *(need for need, _ in needs.values() if need is not None)})
        possible: int | None = None
        gaps: tuple[Gap, ...] = ()
        last = Ways()
        for length in lengths:
            last = self._pass(account, by_root, length)
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
        ways = self._pass(account, by_root, LONGEST)
        if not ways or not self._pass(account, by_root, None):
            return NewHash("", ways.closed.because)
        why = next(iter([*ways.certain.values(), *ways.possible.values()]))
        writers = [step for step in self.stack if step.module == "pam_unix.so" and step.line in why.because]
        if not writers:
            return NewHash("", why.because, why.gaps)
        found = new_scheme(writers[-1], login_defs(self.host.files))
        return NewHash(found.scheme, found.because, () if ways.certain else why.gaps)

    # How long a password each module wants

    def _need(self, step: Step, by_root: bool) -> tuple[int | None, tuple[Line, ...]]:
        if (step, by_root) not in self._needs:
            self._needs[step, by_root] = self._ask(step, by_root)
        return self._needs[step, by_root]

    def _ask(self, step: Step, by_root: bool) -> tuple[int | None, tuple[Line, ...]]:
        """Shortest length and the lines that say so; None: it accepts nothing."""
        if step.module in ("pam_pwquality.so", "pam_cracklib.so") and step.known is not False:
            if step.module == "pam_cracklib.so":
                quality = cracklib_quality(step.args, step.line)
            else:
                quality = with_arguments(self._quality, step.args, step.line)
            keys = ("minlen", "dcredit", "ucredit", "lcredit", "ocredit", "minclass", "dictcheck", "maxclassrepeat")
            where = tuple(dict.fromkeys(quality.lines[key] for key in keys if key in quality.lines))
            if quality.broken is not None:
                where = (*where, quality.broken)
            real = bool(self.stacks._modules)
            return shortest_quality(quality, has_dictionary(self.host.files, quality.texts.get("dictpath", ""), real)), where
        if step.module == "pam_passwdqc.so":
            return shortest_passwdqc(self.host.files, step.args)[0], ()
        if step.module == "pam_unix.so" and not by_root:
            floor = unix_floor(step.args, self._debian)
            if floor > 8 and new_scheme(step, login_defs(self.host.files)).scheme == "des":
                floor = 8
            return floor, ()
        return 1, ()

    def _pass(self, account: Account, by_root: bool, length: int | None) -> Ways:
        """One run of the stack. length None: PAM_PRELIM_CHECK; else PAM_UPDATE_AUTHTOK with a password of that length."""
        behaviours = tuple(self._behaviour(step, account, by_root, length) for step in self.stack)
        key = (length is None, *map(id, behaviours))
        if key not in self._solved:
            self._kept.append(behaviours)
            # a password once written stays, whatever the stack says afterwards
            ways = solve(self.stack, behaviours) if length is None else solve(self.stack, behaviours, frozenset(Code), _STORED)
            for gap in self.service.gaps:
                ways = ways.doubtful(gap)
            self._solved[key] = ways
        return self._solved[key]

    def _behaviour(self, step: Step, account: Account, by_root: bool, length: int | None) -> Behaviour:
        if step.kind == "substack":
            return ()
        if step.kind == "must_fail":
            return fixed(Code.PERM_DENIED)
        if step.known is False:
            return fixed(Code.MODULE_UNKNOWN)
        module = step.module
        if module in _IGNORED:
            return fixed(Code.IGNORE)
        if module == "pam_deny.so":
            return fixed(Code.AUTHTOK_ERR)
        if module == "pam_unix.so":
            return fixed(Code.SUCCESS) if length is None else _written(self._enough(step, by_root, length), _insists(step))
        if module in ("pam_pwquality.so", "pam_cracklib.so", "pam_passwdqc.so"):
            return fixed(Code.SUCCESS) if length is None else self._tests(step, by_root, length)
        if module == "pam_pwhistory.so":
            return fixed(Code.SUCCESS) if length is None else _keeps(_insists(step))
        invoker = next(iter(self.host.accounts.by_uid(0)), None) if by_root else account
        call = Call(self.host, self.service.name, "auth", account, invoker, False, step)
        if module in _ELSEWHERE:
            gap = gap_of(call, Reason.UNSUPPORTED, f"{module} changes passwords in another system")
            return (Choice((*(Outcome(code, gap=gap) for code in _REFUSALS), Outcome(Code.SUCCESS, gap=gap))),)
        return behaviour(call)

    def _enough(self, step: Step, by_root: bool, length: int) -> bool:
        need, _ = self._need(step, by_root)
        return need is not None and length >= need

    def _tests(self, step: Step, by_root: bool, length: int) -> Behaviour:
        """A module that looks at the new password: asks for it unless it is there, throws away what it refuses."""
        if step.module == "pam_passwdqc.so":
            enforce = shortest_passwdqc(self.host.files, step.args)[1]
            enforced = enforce == "everyone" or (enforce == "users" and not by_root)
            retry = 3
        else:
            quality = (
                cracklib_quality(step.args, step.line)
                if step.module == "pam_cracklib.so"
                else with_arguments(self._quality, step.args, step.line)
            )
            enforced = bool(quality["enforcing"]) and (not by_root or bool(quality["enforce_for_root"]))
            retry = quality["retry"]
        good = not enforced or self._enough(step, by_root, length)
        return _tested(good, _insists(step), Code.MAXTRIES if retry > 1 else Code.AUTHTOK_ERR)


def _insists(step: Step) -> bool:
    """It takes only a password that another module asked for."""
    return any(arg.split("=")[0] in ("use_authtok", "use_first_pass") for arg in step.args)


@cache
def _tested(good: bool, insists: bool, refused: Code) -> Behaviour:
    choices: list[Choice] = []
    for held, kept, lost in ((HELD, HELD, NONE), (WRITTEN, WRITTEN, LOST)):
        outcome = Outcome(Code.SUCCESS, kept) if good else Outcome(Code.AUTHTOK_ERR if insists else refused, lost)
        choices.append(Choice((outcome,), before=frozenset({held})))
    for lost, typed in ((NONE, HELD), (LOST, WRITTEN)):
        before = frozenset({lost})
        choices.append(Choice((Outcome(Code.AUTHTOK_ERR),), before=before))  # nothing held, or the person gives up
        if not insists:
            choices.append(Choice((Outcome(Code.SUCCESS, typed) if good else Outcome(refused),), before=before))
    return tuple(choices)


def _keeps(insists: bool) -> Behaviour:
    return _tested(True, insists, Code.AUTHTOK_ERR)


@cache
def _written(enough: bool, insists: bool) -> Behaviour:
    """pam_unix: asks unless a password is held, writes it if it is long enough, else throws it away."""
    written = Outcome(Code.SUCCESS, WRITTEN)
    choices = [
        Choice((written if enough else Outcome(Code.AUTHTOK_ERR, NONE),), before=frozenset({HELD})),
        Choice((written if enough else Outcome(Code.AUTHTOK_ERR, LOST),), before=frozenset({WRITTEN})),
        Choice((Outcome(Code.AUTHTOK_ERR),), before=_HAS_NOT),
    ]
    if not insists and enough:
        choices.append(Choice((written,), before=_HAS_NOT))
    return tuple(choices)
