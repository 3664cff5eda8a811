"""What each PAM module answers to somebody who presents certain factors: its return codes, from its source or man page.

A module that is not modelled may answer anything: the way through it is neither certain nor excluded, and the gap names it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from sovaudit.facts.accounts import Account, day
from sovaudit.facts.factors import NOTHING, Factor, FactorSet
from sovaudit.facts.pam_flow import Behaviour, Choice, Outcome, Token
from sovaudit.facts.pam_stack import Step
from sovaudit.facts.parse.pam_conf import Code
from sovaudit.model.evidence import Gap
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host


@dataclass(frozen=True, slots=True)
class Call:
    """One module called once. phase: `auth` or `account`. by: who runs su or sudo; None where the caller is root itself (login, sshd).

    asked: receives whether the answer looked at the account, at the invoker, or only at whether the invoker is root. rhost: from where somebody
    comes; None: from wherever he likes.
    """

    host: Host
    service: str
    phase: str
    who: Account
    by: Account | None
    disallow_null: bool
    step: Step
    asked: set[str] = field(default_factory=set)
    rhost: str | None = None

    @property
    def account(self) -> Account:
        self.asked.add("account")
        return self.who

    @property
    def invoker(self) -> Account | None:
        self.asked.add("invoker")
        return self.by

    @property
    def by_root(self) -> bool | None:
        """Whether root runs the program; None where the invoker was not named."""
        self.asked.add("root")
        return None if self.by is None else self.by.uid == 0

    @property
    def args(self) -> tuple[str, ...]:
        return self.step.args

    def has(self, *words: str) -> bool:
        return any(word in self.step.args for word in words)

    def value(self, key: str, default: str = "") -> str:
        """The last `key=value` argument."""
        found = [arg[len(key) + 1 :] for arg in self.step.args if arg.startswith(f"{key}=")]
        return found[-1] if found else default


Model = Callable[[Call], Behaviour]


@cache
def fixed(*codes: Code) -> Behaviour:
    """Always this code."""
    return (Choice(tuple(Outcome(code) for code in codes)),)


def unsure(codes: tuple[Code, ...], gap: Gap, *, needs: FactorSet = NOTHING) -> Behaviour:
    """One of these codes, and the evidence does not say which; with `needs`, whoever lacks them gets AUTH_ERR."""
    choice = Choice(tuple(Outcome(code, gap=gap) for code in codes), needs)
    return (choice, Choice((Outcome(Code.AUTH_ERR),))) if needs else (choice,)


def gap_of(call: Call, reason: Reason, detail: str) -> Gap:
    return Gap(f"file:{call.step.line.file}", reason, detail)


# pam_unix(8)


def unix(call: Call) -> Behaviour:
    return _unix_account(call) if call.phase == "account" else _unix_auth(call)


def _unix_auth(call: Call) -> Behaviour:
    args, account = call.args, call.account
    use_first = any(arg == "use_first_pass" or arg.startswith("use_first_pass=") for arg in args)
    nullok = False
    for arg in args:  # arguments are taken by prefix: nullok_secure, nullok=no
        if arg.startswith("nullok"):
            nullok = True
    nullok = nullok and not call.disallow_null
    password = account.password
    if account.name[:1] in ("+", "-"):
        return fixed(Code.USER_UNKNOWN)
    if password is None:
        gap = account.shadow_gap or Gap("file:/etc/shadow", Reason.ABSENT)
        return _unix_unseen(gap, nullok or any(arg.startswith("nullresetok") for arg in args), use_first)
    if password.kind == "empty":
        if any(arg.startswith("nullresetok") for arg in args) and shadow_code(call.host, account) is Code.NEW_AUTHTOK_REQD:
            nullok = True
        return fixed(Code.SUCCESS) if nullok else _asked(None, use_first)
    if not account.in_shadow and account.password is not None and password.kind == "none" and _shadowed(account):
        return _asked(None, use_first, Code.AUTHINFO_UNAVAIL)
    return _asked(Token.PASSWORD if password.usable else None, use_first)


def _shadowed(account: Account) -> bool:
    """The password field of passwd(5) points to shadow(5)."""
    return account.because[0].text.split(":")[1:2] in (["x"], ["*NP*"], [f"##{account.name}"])


ANY = frozenset(Token)


@cache
def _asked(right: Token | None, use_first: bool, wrong: Code = Code.AUTH_ERR) -> Behaviour:
    """A module that asks for a password unless one was given before. right: what it accepts; None: nothing."""
    choices = [Choice((Outcome(Code.SUCCESS if token is right else wrong),), before=frozenset({token})) for token in Token if token]
    none = frozenset({Token.NONE})
    if use_first:
        choices.append(Choice((Outcome(Code.AUTH_ERR),), before=none))
        return tuple(choices)
    for token, needs in TYPED:
        choices.append(Choice((Outcome(Code.SUCCESS if token is right else wrong, token),), needs, none))
    return tuple(choices)


# What somebody may type at a password prompt, and what it takes.
TYPED: tuple[tuple[Token, FactorSet], ...] = (
    (Token.WRONG, NOTHING),
    (Token.PASSWORD, frozenset({Factor.PASSWORD})),
    (Token.CODE, frozenset({Factor.OTP})),
    (Token.BOTH, frozenset({Factor.PASSWORD, Factor.OTP})),
)


@cache
def _unix_unseen(gap: Gap, nullok: bool, use_first: bool) -> Behaviour:
    either = (Outcome(Code.SUCCESS, gap=gap), Outcome(Code.AUTH_ERR, gap=gap))
    if use_first and not nullok:
        return (Choice(either, before=frozenset({Token.PASSWORD})), Choice((Outcome(Code.AUTH_ERR),)))
    typed = (Outcome(Code.SUCCESS, Token.PASSWORD, gap), Outcome(Code.AUTH_ERR, Token.PASSWORD, gap))
    choices = [
        Choice(typed, frozenset({Factor.PASSWORD}), frozenset({Token.NONE})),
        Choice(either, before=frozenset({Token.PASSWORD})),
        Choice(either if nullok else (Outcome(Code.AUTH_ERR),), before=ANY - {Token.NONE, Token.PASSWORD}),
        Choice(
            (Outcome(Code.AUTH_ERR, Token.WRONG, gap), *([Outcome(Code.SUCCESS, gap=gap)] if nullok else [])),
            before=frozenset({Token.NONE}),
        ),
    ]
    return tuple(choices)


def _unix_account(call: Call) -> Behaviour:
    account = call.account
    if account.shadow_gap is not None:
        codes = (Code.SUCCESS, Code.NEW_AUTHTOK_REQD, Code.ACCT_EXPIRED, Code.AUTHTOK_EXPIRED)
        return unsure(codes, account.shadow_gap)
    if not _shadowed(account):
        return fixed(Code.SUCCESS)
    broken_shadow = any(arg.startswith("broken_shadow") for arg in call.args)
    if not account.in_shadow:
        return fixed(Code.SUCCESS if broken_shadow else Code.AUTHINFO_UNAVAIL)
    code = shadow_code(call.host, account)
    if code is None:
        gap = Gap(
            "packages",
            Reason.AMBIGUOUS,
            "Linux-PAM before 1.6 counts the age of a password otherwise than later ones; the version was not seen",
        )
        return unsure((Code.SUCCESS, Code.NEW_AUTHTOK_REQD, Code.AUTHTOK_EXPIRED), gap)
    if code in (Code.NEW_AUTHTOK_REQD, Code.AUTHTOK_EXPIRED) and any(arg.startswith("no_pass_expiry") for arg in call.args):
        gap = gap_of(call, Reason.AMBIGUOUS, "no_pass_expiry: expiry counts only where pam_unix itself authenticated")
        return unsure((Code.SUCCESS, code), gap)
    return fixed(code)


def shadow_code(host: Host, account: Account) -> Code | None:
    """`check_shadow_expiry` of pam_unix. None where versions differ and the version was not seen. Raises Unseen without the host's time."""
    today, modern = day(host.taken_at), libpam_at_least(host, (1, 6))
    if modern is not None:
        return _modern_code(account, today) if modern else _old_code(account, today)
    found = {_modern_code(account, today), _old_code(account, today)}
    return found.pop() if len(found) == 1 else None


def _modern_code(account: Account, today: int) -> Code:
    """Since Linux-PAM 1.6: what is below nought is not set, and the last day is one day earlier."""
    changed, longest, inactive = account.last_change, account.max_days, account.inactive_days
    if account.expires is not None and 0 <= account.expires <= today:
        return Code.ACCT_EXPIRED
    if changed == 0:
        return Code.NEW_AUTHTOK_REQD
    if changed is None or changed < 0 or today < changed or longest is None or longest < 0:
        return Code.SUCCESS
    if inactive is not None and inactive >= 0 and today - changed >= longest + inactive:
        return Code.AUTHTOK_EXPIRED
    return Code.NEW_AUTHTOK_REQD if today - changed >= longest else Code.SUCCESS


def _old_code(account: Account, today: int) -> Code:
    """An empty field is -1, and so is a last change that is empty: long ago."""
    expires = -1 if account.expires is None else account.expires
    changed = -1 if account.last_change is None else account.last_change
    longest = -1 if account.max_days is None else account.max_days
    inactive = -1 if account.inactive_days is None else account.inactive_days
    age = today - changed
    if expires != -1 and today >= expires:
        return Code.ACCT_EXPIRED
    if changed == 0:
        return Code.NEW_AUTHTOK_REQD
    if age < 0 or longest == -1:
        return Code.SUCCESS
    if inactive != -1 and age > longest and age > inactive and age > longest + inactive:
        return Code.AUTHTOK_EXPIRED
    return Code.NEW_AUTHTOK_REQD if age > longest else Code.SUCCESS


def libpam_at_least(host: Host, version: tuple[int, int]) -> bool | None:
    """Whether libpam is that recent, None if its package was not seen."""
    found = host.libpam
    return None if found is None else found >= version
