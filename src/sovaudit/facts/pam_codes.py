"""What PAM modules for one-time codes, tokens and directories answer: pam_google_authenticator(8), pam_oath, and those that ask elsewhere."""

from __future__ import annotations

import re
from functools import cache

from sovaudit.facts.factors import Factor
from sovaudit.facts.pam_flow import Behaviour, Choice, Outcome, Token
from sovaudit.facts.pam_modules import ANY, TYPED, Call, Model, fixed, gap_of, unsure
from sovaudit.facts.pam_secrets import google_state, oath_state, u2f_secret
from sovaudit.facts.parse.pam_conf import Code
from sovaudit.model.evidence import Gap
from sovaudit.model.verdict import Reason


def google(call: Call) -> Behaviour:
    state, gap = google_state(call)
    mode = "prompt"
    for arg in call.args:
        if arg in ("try_first_pass", "use_first_pass"):
            mode = arg
    forward, nullok = call.has("forward_pass"), call.has("nullok")
    if state == "absent":
        return fixed(Code.IGNORE if nullok else Code.AUTH_ERR)
    if state == "refused":
        return fixed(Code.AUTH_ERR)
    grace = call.value("grace_period", "0")
    grace_gap = (
        gap_of(call, Reason.AMBIGUOUS, "grace_period: a recent login from the same place opens without a code")
        if grace.strip("0")
        else None
    )
    return _code(mode, forward, gap, grace_gap, nullok and gap is not None)


@cache
def _code(mode: str, forward: bool, gap: Gap | None, grace: Gap | None, ignored: bool) -> Behaviour:
    """pam_google_authenticator for somebody enrolled. gap: whether they are was not seen; ignored: then it may also answer IGNORE."""
    good: tuple[Outcome, ...] = (Outcome(Code.SUCCESS, gap=gap),)
    bad: tuple[Outcome, ...] = (Outcome(Code.AUTH_ERR),)
    if gap is not None:
        good = (*good, Outcome(Code.AUTH_ERR, gap=gap), *([Outcome(Code.IGNORE, gap=gap)] if ignored else []))
        bad = (*bad, *([Outcome(Code.IGNORE, gap=gap)] if ignored else []))
    if grace is not None:
        bad = (*bad, Outcome(Code.SUCCESS, gap=grace))
        good = tuple(dict.fromkeys(good))

    def after(outcomes: tuple[Outcome, ...], token: Token) -> tuple[Outcome, ...]:
        return tuple(Outcome(each.code, token if each.code is Code.SUCCESS else None, each.gap) for each in outcomes)

    choices: list[Choice] = []
    asks: frozenset[Token] = ANY
    if mode in ("try_first_pass", "use_first_pass"):
        asks = ANY - {Token.CODE, Token.BOTH} if mode == "try_first_pass" else frozenset()
        choices.append(Choice(after(good, Token.WRONG) if forward else good, before=frozenset({Token.CODE})))
        choices.append(Choice(after(good, Token.PASSWORD) if forward else good, before=frozenset({Token.BOTH})))
        if mode == "use_first_pass":
            choices.append(Choice(bad, before=ANY - {Token.CODE, Token.BOTH}))
            return tuple(choices)
    choices.append(Choice(after(good, Token.WRONG) if forward else good, frozenset({Factor.OTP}), asks))
    if forward:
        choices.append(Choice(after(good, Token.PASSWORD), frozenset({Factor.OTP, Factor.PASSWORD}), asks))
    choices.append(Choice(bad, before=asks))
    return tuple(choices)


def oath(call: Call) -> Behaviour:
    option = call.value("digits", "0")
    digits = int(option) if re.fullmatch("[0-9]{1,4}", option) else 0
    state, pin, gap = oath_state(call, digits)
    mode = "prompt"
    for arg in call.args:
        if arg in ("try_first_pass", "use_first_pass"):
            mode = arg
    if call.has("alwaysok"):  # whatever went wrong, also for somebody who is not listed
        return fixed(Code.SUCCESS)
    if state == "unknown":
        return fixed(Code.USER_UNKNOWN)
    if state == "refused":
        return fixed(Code.AUTH_ERR)
    if pin not in ("-", "+"):
        return _oath_pin(mode == "use_first_pass", digits > 0)
    return _oath_code(mode, digits > 0 and pin == "+", gap)


@cache
def _oath_pin(silent: bool, cuts: bool) -> Behaviour:
    """A line with a PIN: it stands before the code, which `digits=` alone parts from it."""
    wrong = Choice((Outcome(Code.AUTH_ERR),))
    if silent or not cuts:
        return (wrong,)
    return (Choice((Outcome(Code.SUCCESS, Token.WRONG),), frozenset({Factor.OTP, Factor.OTHER}), frozenset({Token.NONE})), wrong)


@cache
def _oath_code(mode: str, splits: bool, gap: Gap | None) -> Behaviour:
    """pam_oath for a configured user. splits: a password before the code is cut off and passed on: `digits=` is set, and the user's line has `+`."""
    good: tuple[Outcome, ...] = (Outcome(Code.SUCCESS, gap=gap),)
    bad: tuple[Outcome, ...] = (Outcome(Code.AUTH_ERR),)
    if gap is not None:
        good = (*good, Outcome(Code.AUTH_ERR, gap=gap), Outcome(Code.USER_UNKNOWN, gap=gap))
        bad = (*bad, Outcome(Code.USER_UNKNOWN, gap=gap))

    def after(token: Token) -> tuple[Outcome, ...]:
        return tuple(Outcome(each.code, token, each.gap) for each in good)

    choices: list[Choice] = []
    asks: frozenset[Token] = ANY
    if mode != "prompt":
        asks = frozenset({Token.NONE}) if mode == "try_first_pass" else frozenset()
        choices.append(Choice(good, before=frozenset({Token.CODE})))
        if splits:
            choices.append(Choice(after(Token.PASSWORD), before=frozenset({Token.BOTH})))
        choices.append(Choice(bad, before=ANY - asks))
    if asks:
        choices.append(Choice(good, frozenset({Factor.OTP}), asks))
        if splits:
            choices.append(Choice(after(Token.PASSWORD), frozenset({Factor.OTP, Factor.PASSWORD}), asks))
        choices.append(Choice(bad, before=asks))
    return tuple(choices)


# Factors that this evidence cannot verify: they may open, for whoever has them


def remote(factor: Factor, *, password: bool = False) -> Model:
    def model(call: Call) -> Behaviour:
        gap = gap_of(call, Reason.UNSUPPORTED, f"{call.step.module} asks another system, or a device, whose answer was not seen")
        if call.phase == "account":
            return unsure((Code.SUCCESS, Code.USER_UNKNOWN, Code.PERM_DENIED, Code.IGNORE), gap)
        if call.host.enrolled and not password:
            return _enrolled_factor(factor)
        first = call.has("use_first_pass") and not call.has("try_first_pass")
        return _remote_password(gap, first) if password else _remote_factor(gap, factor, call.has("nouserok"))

    return model


def u2f(call: Call) -> Behaviour:
    """pam_u2f(8): without a file of devices nobody has one; `nouserok` then lets through, in one release by SUCCESS, in another by IGNORE."""
    if call.phase == "auth" and not call.host.enrolled and u2f_secret(call).state == "absent":
        if not call.has("nouserok"):
            return fixed(Code.AUTHINFO_UNAVAIL)
        return unsure((Code.IGNORE, Code.SUCCESS), gap_of(call, Reason.AMBIGUOUS, "releases of pam_u2f differ in what nouserok answers"))
    return _token(call)


_token = remote(Factor.TOKEN)


@cache
def _enrolled_factor(factor: Factor) -> Behaviour:
    return (Choice((Outcome(Code.SUCCESS),), frozenset({factor})), Choice((Outcome(Code.AUTH_ERR),)))


@cache
def _remote_factor(gap: Gap, factor: Factor, free: bool) -> Behaviour:
    either = (Outcome(Code.SUCCESS, gap=gap), Outcome(Code.AUTH_ERR, gap=gap), Outcome(Code.AUTHINFO_UNAVAIL, gap=gap))
    without: tuple[Outcome, ...] = (
        Outcome(Code.AUTH_ERR, gap=gap),
        Outcome(Code.AUTHINFO_UNAVAIL, gap=gap),
        Outcome(Code.USER_UNKNOWN, gap=gap),
    )
    if free:  # pam_u2f nouserok: whoever has no token enrolled is let through
        without = (*without, Outcome(Code.SUCCESS, gap=gap), Outcome(Code.IGNORE, gap=gap))
    return (Choice((*either, Outcome(Code.USER_UNKNOWN, gap=gap)), frozenset({factor})), Choice(without))


@cache
def _remote_password(gap: Gap, use_first: bool) -> Behaviour:
    """A directory's password: whether the directory knows this account, and holds it to be open, was not seen."""
    refused = (Code.AUTH_ERR, Code.USER_UNKNOWN, Code.AUTHINFO_UNAVAIL, Code.IGNORE)
    choices = []
    for token, needs in TYPED:
        codes = (Code.SUCCESS, *refused) if token is Token.PASSWORD else refused
        before = tuple(Outcome(code, None, gap) for code in codes)
        choices.append(Choice(before, before=frozenset({token})))
        if not use_first:
            choices.append(Choice(tuple(Outcome(code, token, gap) for code in codes), needs, frozenset({Token.NONE})))
    if use_first:
        choices.append(Choice(tuple(Outcome(code, None, gap) for code in refused), before=frozenset({Token.NONE})))
    return tuple(choices)
