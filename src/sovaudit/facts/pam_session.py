"""The session phase: what pam_open_session(3) answers. sshd, login and su end the session where it fails, whatever was presented before.

Modules that only prepare a session succeed; those that ask who and from where are asked as in the other phases.
"""

from __future__ import annotations

import re
from dataclasses import replace
from enum import IntEnum
from functools import cache
from typing import TYPE_CHECKING

from sovaudit.facts import pam_conditions as conditions
from sovaudit.facts.files import Unseen
from sovaudit.facts.pam_access import access
from sovaudit.facts.pam_exec import exec_
from sovaudit.facts.pam_flow import Behaviour
from sovaudit.facts.pam_modules import Call, Model, fixed, gap_of, libpam_at_least, unsure
from sovaudit.facts.pam_succeed_if import succeed_if
from sovaudit.facts.parse.pam_conf import Code
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.files import Files

LIMITS = "/etc/security/limits.conf"
# Modules whose file defines no session: libpam takes them for unknown ones.
_NO_SESSION = frozenset(
    f"pam_{name}.so"
    for name in (
        "faildelay faillock ftp google_authenticator group issue nologin oath pwhistory pwquality cracklib passwdqc rhosts rootok securetty "
        "sepermit shells time userdb wheel u2f yubico poldi"
    ).split()
)
_IGNORES = frozenset(("pam_motd.so", "pam_warn.so"))


def session(call: Call) -> Behaviour:
    """What a step of a session stack does."""
    step = call.step
    if step.kind == "substack":
        return ()
    if step.kind == "must_fail":
        return fixed(Code.PERM_DENIED)
    if step.known is False or step.module in _NO_SESSION:
        return fixed(Code.MODULE_UNKNOWN)
    if step.module in _IGNORES:
        return fixed(Code.IGNORE)
    model = _MODELS.get(step.module)
    if model is None:
        return fixed(Code.SUCCESS)
    try:
        return model(call)
    except Unseen as unseen:
        return unsure((Code.SUCCESS, Code.PERM_DENIED), unseen.gap)


def _exec(call: Call) -> Behaviour:
    return exec_(replace(call, phase="open_session"))


def _loginuid(call: Call) -> Behaviour:
    if "require_auditd" not in call.args:
        return fixed(Code.SUCCESS)
    return unsure((Code.SUCCESS, Code.SESSION_ERR), gap_of(call, Reason.UNSUPPORTED, "require_auditd: whether auditd runs"))


# pam_limits(8)


class _Source(IntEnum):
    """How closely a line means the account: a closer one counts before others, of two alike the last."""

    USER = 0
    GROUP = 1
    ALL_GROUP = 2
    ALL = 3
    DEFAULT = 4
    NONE = 5


def limits(call: Call) -> Behaviour:
    """limits.conf(5): `maxlogins 0` lets nobody in; a configuration that is not there is an error."""
    files, named = call.host.files, call.value("conf")
    if not _file_there(files, named or LIMITS):
        modern = libpam_at_least(call.host, (1, 6))  # does without its usual file
        if named or modern is False:
            return fixed(Code.SERVICE_ERR)
        if modern is None:
            return unsure(
                (Code.SUCCESS, Code.SERVICE_ERR), Gap("packages", Reason.ABSENT, "Linux-PAM before 1.6 minds that limits.conf is absent")
            )
    lines = files.once(_usual) if not named else _logins(files, [named])
    if not lines:
        return fixed(Code.SUCCESS)
    closest, most = _Source.NONE, -1
    for words in lines:
        source = _means(call, words[0])
        if source is not None and len(words) == 2:
            return fixed(Code.SUCCESS)  # `bob -`: no limits, whatever stands elsewhere
        if source is not None and len(words) == 4 and source <= closest:
            closest, most = source, int(words[3])
    return fixed(Code.PERM_DENIED if most == 0 and call.account.uid != 0 else Code.SUCCESS)


def _file_there(files: Files, path: str) -> bool:
    try:
        return files.exists(path)
    except Unseen:
        return True


def _usual(files: Files) -> list[list[str]]:
    return _logins(files, [LIMITS, *files.glob("/etc/security/limits.d/*.conf")])


def _logins(files: Files, paths: list[str]) -> list[list[str]]:
    """Lines about the number of logins, and those that set an account free of limits."""
    found: list[list[str]] = []
    for path in paths:
        for line in files.lines(path) or ():
            words = line.text.split("#")[0].split()
            if len(words) == 2 and words[1] == "-":
                found.append(words)
            elif len(words) >= 4 and words[1].lower() in ("hard", "soft", "-") and words[2].lower() in ("maxlogins", "maxsyslogins"):
                number = re.fullmatch(r"[+-]?[0-9]{1,9}", words[3])
                value = int(number[0]) if number else -1 if words[3].lower() in ("unlimited", "infinity") else None
                if value is not None:
                    found.append([words[0], *words[1:3], str(value)])
    return found if any(len(words) == 4 and words[3] == "0" for words in found) else []


def _means(call: Call, domain: str) -> _Source | None:
    """Whether the first word of a line means this account. Root is meant by its name alone."""
    account = call.account
    if domain == account.name:
        return _Source.USER
    ranged = re.fullmatch(r"([@%]?)(\d*):(\d*)", domain)
    if ranged is not None:
        raise Unseen(gap_of(call, Reason.UNSUPPORTED, f"limits.conf: the range {domain}"))
    if account.uid == 0:
        return None
    if domain == "*":
        return _Source.DEFAULT
    if domain == "%":
        return _Source.ALL
    if domain[:1] in ("@", "%") and conditions.in_group(call, account, domain[1:]):
        return _Source.GROUP if domain[0] == "@" else _Source.ALL_GROUP
    return None


_MODELS: dict[str, Model] = {
    "pam_deny.so": lambda call: fixed(Code.SESSION_ERR),
    "pam_succeed_if.so": succeed_if,
    "pam_access.so": access,
    "pam_listfile.so": conditions.listfile,
    "pam_localuser.so": conditions.localuser,
    "pam_usertype.so": conditions.usertype,
    "pam_debug.so": lambda call: conditions.debug(replace(call, phase="open_session")),
    "pam_limits.so": limits,
    "pam_loginuid.so": _loginuid,
    "pam_exec.so": _exec,
    "pam_script.so": lambda call: unsure((Code.SUCCESS, Code.SESSION_ERR), _program(call)),
    "pam_python.so": lambda call: unsure((Code.SUCCESS, Code.SESSION_ERR), _program(call)),
    "pam_slurm.so": lambda call: unsure((Code.SUCCESS, Code.SESSION_ERR), _program(call)),
}

ASKING = frozenset(
    ("pam_succeed_if.so", "pam_access.so", "pam_listfile.so", "pam_localuser.so", "pam_usertype.so", "pam_exec.so", "pam_limits.so")
)


@cache
def _gap(line: Line, module: str) -> Gap:
    return Gap(f"file:{line.file}", Reason.UNSUPPORTED, f"what {module} answers is not known")


def _program(call: Call) -> Gap:
    return _gap(call.step.line, call.step.module)
