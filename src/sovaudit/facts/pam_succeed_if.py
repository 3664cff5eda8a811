"""pam_succeed_if(8), from its source: every condition must hold; none at all is success; half of one is an error.

What the person chooses, address and terminal, is tried with values that tell the conditions apart: the weakest counts.
"""

from __future__ import annotations

import fnmatch
import re

from sovaudit.facts.accounts import Account
from sovaudit.facts.files import Unseen
from sovaudit.facts.pam_conditions import BY_USERS, caller, chosen, in_group, places
from sovaudit.facts.pam_flow import Behaviour
from sovaudit.facts.pam_modules import Call, gap_of, libpam_at_least, unsure
from sovaudit.facts.parse.pam_conf import Code
from sovaudit.model.verdict import Reason

_QUIET = frozenset("debug use_uid quiet quiet_fail quiet_success audit".split())


def succeed_if(call: Call) -> Behaviour:
    who: Account | None = caller(call) if call.has("use_uid") else call.account
    if who is None:
        return unsure((Code.SUCCESS, Code.AUTH_ERR), gap_of(call, Reason.AMBIGUOUS, "depends on who runs it"))
    words = [arg for arg in call.args if arg not in _QUIET]
    choices = {Code.SUCCESS}
    for at in range(0, len(words) - len(words) % 3, 3):
        codes = _condition(call, who, *words[at : at + 3])
        if codes == {Code.SUCCESS}:
            continue
        if Code.SUCCESS not in codes:
            return chosen(*sorted((choices - {Code.SUCCESS}) | codes))
        choices |= codes
    if len(words) % 3:
        return chosen(*sorted((choices - {Code.SUCCESS}) | {Code.SERVICE_ERR}))
    return chosen(*sorted(choices))


def _condition(call: Call, who: Account, attribute: str, operator: str, right: str) -> set[Code]:
    """The answers of one condition: more than one where the person chooses the value."""
    name, operator = attribute.lower(), operator.lower()
    if name == "ruser":
        if call.invoker is None and call.service in BY_USERS:
            raise Unseen(gap_of(call, Reason.AMBIGUOUS, "depends on who runs it"))
        code = _compare(call, call.invoker, call.invoker.name if call.invoker is not None else "", operator, right)
        if operator in ("ingroup", "notingroup") and libpam_at_least(call.host, (1, 6)) is not False:
            other = _compare(call, who, who.name, operator, right)  # 1.7 asks about the account where nobody is named
            if other != code and call.invoker is not None:
                raise Unseen(gap_of(call, Reason.AMBIGUOUS, "versions of Linux-PAM differ in whose groups these are"))
            return {other}
        return {code}
    if name in ("rhost", "tty"):
        return {_compare(call, who, value, operator, right) for value in places(call, name, [right, *right.split(":")])}
    values = {
        "login": who.name, "name": who.name, "user": who.name, "uid": str(who.uid), "gid": str(who.gid), "shell": who.shell,
        "home": who.home, "dir": who.home, "homedir": who.home, "service": call.service,
    }  # fmt: skip
    return {_compare(call, who, values[name], operator, right)} if name in values else {Code.SERVICE_ERR}


def _compare(call: Call, who: Account | None, left: str, operator: str, right: str) -> Code:
    if operator in _NUMERIC:
        a, b = _number(left), _number(right)
        return Code.SERVICE_ERR if a is None or b is None else _yes(_NUMERIC[operator](a, b))
    if operator in ("=", "!="):
        return _yes((left == right) == (operator == "="))
    if operator in ("=~", "glob", "!~", "noglob"):
        return _yes(fnmatch.fnmatchcase(left, right) == (operator in ("=~", "glob")))
    if operator in ("in", "notin"):
        return _yes((left in right.split(":")) == (operator == "in"))
    if operator in ("ingroup", "notingroup"):
        found = who is not None and any(in_group(call, who, group) for group in right.split(":") if group)
        return _yes(found == (operator == "ingroup"))
    if operator in ("innetgr", "notinnetgr"):
        raise Unseen(gap_of(call, Reason.UNSUPPORTED, f"netgroup {right} was not seen"))
    return Code.SERVICE_ERR


_NUMERIC = {
    "<": int.__lt__, "lt": int.__lt__, "<=": int.__le__, "le": int.__le__, ">": int.__gt__, "gt": int.__gt__, ">=": int.__ge__, "ge": int.__ge__,
    "eq": int.__eq__, "ne": int.__ne__,
}  # fmt: skip


def _yes(holds: bool) -> Code:
    return Code.SUCCESS if holds else Code.AUTH_ERR


def _number(text: str) -> int | None:
    """strtoll(3), base 0, whole text; no text at all is 0."""
    match = re.fullmatch(r"\s*([+-]?)(0[xX][0-9a-fA-F]{1,15}|0[0-7]{0,20}|[1-9][0-9]{0,18})|", text)
    if match is None:
        return None
    digits = match[2] or "0"
    value = int(digits, 16) if digits[:2] in ("0x", "0X") else int(digits, 8 if digits.startswith("0") else 10)
    return -value if match[1] == "-" else value
