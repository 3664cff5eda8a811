"""pam_exec(8), from its source: which program it would run, and what that comes to where it can be known without running it."""

from __future__ import annotations

import posixpath

from sovaudit.facts.files import Unseen
from sovaudit.facts.pam_flow import Behaviour, Choice, Outcome, Token
from sovaudit.facts.pam_modules import TYPED, Call, fixed, gap_of, unsure
from sovaudit.facts.parse.pam_conf import Code
from sovaudit.model.evidence import Gap
from sovaudit.model.verdict import Reason

_WORDS = ("debug", "stdout", "seteuid", "quiet", "quiet_log", "expose_authtok")
_KNOWN = {"true": Code.SUCCESS, "false": Code.SYSTEM_ERR}
_FOLDERS = ("/bin", "/usr/bin")


def exec_(call: Call) -> Behaviour:
    asks, words = False, list(call.args)
    if not words:
        return fixed(Code.SERVICE_ERR)
    while words and not words[0].startswith("/"):
        word = words[0].lower()
        if word.startswith("type="):
            if words[0][5:] != call.phase:
                return fixed(Code.IGNORE)
        elif word not in _WORDS and not word.startswith("log="):
            break
        asks = asks or word == "expose_authtok"
        words.pop(0)
    found = _ran(call, words)
    return _asking(found) if asks and call.phase == "auth" else found


def _ran(call: Call, words: list[str]) -> Behaviour:
    if not words:
        return fixed(Code.SERVICE_ERR)
    path = words[0]
    gap = gap_of(call, Reason.UNSUPPORTED, f"pam_exec.so: what {path} answers is not known")
    if not path.startswith("/"):
        return unsure((Code.SUCCESS, Code.SYSTEM_ERR), gap)
    try:
        real = call.host.files.resolve(path)
        stat = None if real is None else call.host.files.stat(real)
        if stat is None or stat.kind != "f" or not stat.mode & 0o111:
            return fixed(Code.SYSTEM_ERR)
    except Unseen:
        real = path
    if real is not None and posixpath.dirname(real) in _FOLDERS and posixpath.basename(real) in _KNOWN:
        return fixed(_KNOWN[posixpath.basename(real)])
    return unsure((Code.SUCCESS, Code.SYSTEM_ERR), gap)


def _asking(found: Behaviour) -> Behaviour:
    """expose_authtok: a password is asked for unless one was given, and kept for the modules that follow."""
    codes: list[tuple[Code, Gap | None]] = [(outcome.code, outcome.gap) for choice in found for outcome in choice.outcomes]
    choices = [Choice(tuple(Outcome(code, None, gap) for code, gap in codes), before=frozenset(Token) - {Token.NONE})]
    for token, needs in TYPED:
        choices.append(Choice(tuple(Outcome(code, token, gap) for code, gap in codes), needs, frozenset({Token.NONE})))
    return tuple(choices)
