"""What PAM modules for one-time codes, tokens and directories answer: pam_google_authenticator(8), pam_oath, and those that ask elsewhere."""

from __future__ import annotations

import re
from functools import cache

from sovaudit.facts.factors import Factor
from sovaudit.facts.pam_flow import Behaviour, Choice, Outcome, Token
from sovaudit.facts.pam_modules import ANY, TYPED, Call, Model, fixed, gap_of, unsure
from sovaudit.facts.pam_secrets import google_state, oath_state, u2f_secret
from sovaudit.facts.parse.ini import parse_ini
from sovaudit.facts.parse.pam_conf import Code
from sovaudit.facts.sshd_patterns import match_list
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


_token, _asked_code = remote(Factor.TOKEN), remote(Factor.OTP)


def radius(call: Call) -> Behaviour:
    """pam_radius_auth(8): what the server wants was not seen: a code, or nothing but a password. `localifdown` steps aside while it is silent."""
    if call.phase != "auth" or call.host.enrolled:
        return _asked_code(call)
    gap = gap_of(call, Reason.UNSUPPORTED, f"what the server that {call.step.module} asks takes, a code or a password, was not seen")
    return _either(gap, call.has("localifdown"))


@cache
def _either(gap: Gap, silent: bool) -> Behaviour:
    refused = [Outcome(code, gap=gap) for code in (Code.AUTH_ERR, Code.AUTHINFO_UNAVAIL, *([Code.IGNORE] if silent else []))]
    taken = (Outcome(Code.SUCCESS, gap=gap), *refused)
    return (*(Choice(taken, frozenset({factor})) for factor in (Factor.OTP, Factor.PASSWORD)), Choice(tuple(refused)))


def yubico(call: Call) -> Behaviour:
    """pam_yubico(8): `nullok` steps aside for whom no token is declared, and fails all the same where the file of tokens is not there."""
    if call.phase != "auth" or call.host.enrolled:
        return _asked_code(call)
    named, answering = call.value("authfile"), call.value("mode") == "challenge-response"
    own = "" if named or answering or call.account.home == "" else f"{call.account.home}/.yubico/authorized_yubikeys"
    if own and not any(arg.startswith("ldap") for arg in call.args) and call.host.files.follow(own) is None:
        return fixed(Code.AUTHINFO_UNAVAIL)
    gap = gap_of(call, Reason.UNSUPPORTED, "pam_yubico.so: which accounts have a token, and what it says, was not seen")
    return _remote_factor(gap, Factor.OTP, call.has("nullok"))


DUO = ("/etc/duo/pam_duo.conf", "/etc/security/pam_duo.conf")


def duo(call: Call) -> Behaviour:
    """pam_duo(8): whatever goes wrong opens the door, unless `failmode = secure`; who is in none of `groups` is not asked."""
    if call.phase != "auth":
        return _asked_code(call)
    files = call.host.files
    named = call.value("conf")
    path = next((path for path in ([named] if named else DUO) if files.exists(path)), "")
    values = {row.key.lower(): row.value for row in parse_ini(files.lines(path) or ()) if row.section == "duo"} if path else {}
    broken = Code.SERVICE_ERR if values.get("failmode", "").lower() == "secure" else Code.SUCCESS
    if path and not all(values.get(key) for key in ("host", "ikey", "skey")):
        return fixed(broken)
    if "groups" in values:
        patterns = values["groups"].split()
        if not any(match_list(group, pattern) == 1 for group in call.account.groups for pattern in patterns):
            return fixed(Code.SUCCESS)
    if call.host.enrolled:
        return _asked_code(call)
    gap = gap_of(call, Reason.UNSUPPORTED, "what Duo's service answers was not seen; with `failmode = safe` no answer opens the door")
    return _remote_factor(gap, Factor.OTP, broken is Code.SUCCESS)


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
