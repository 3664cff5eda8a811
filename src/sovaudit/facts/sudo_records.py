"""Whether sudo records what an account runs through it, and what it is refused: `log_allowed`, `log_denied`, `syslog`, `logfile` (sudoers(5)).

Allowed command lines go to syslog with `syslog_goodpri`, to `logfile`, to an I/O log and to `log_servers`; refused ones with
`syslog_badpri`, and to no I/O log (audit.c, logging.c, defaults.c of 1.9). A value that sudo cannot read is passed over.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sovaudit.facts.accounts import Account
from sovaudit.facts.log_protection import Answer
from sovaudit.facts.parse.rsyslog_legacy import FACILITIES, SEVERITIES
from sovaudit.facts.parse.sudoers import Default
from sovaudit.facts.rsyslog import Message
from sovaudit.facts.rsyslog_model import Destination
from sovaudit.facts.sudo import Sudo
from sovaudit.facts.sudo_aliases import expand, leaves
from sovaudit.facts.sudo_match import ALLOW, YES, Request, Target
from sovaudit.facts.sudo_proposals import proposals
from sovaudit.facts.sudo_reach import ANY
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

_FACILITIES = ("authpriv", "auth", "daemon", "user", *(f"local{number}" for number in range(8)))
_FLAGS = ("log_allowed", "log_denied", "log_input", "log_output", "log_stdin", "log_stdout", "log_stderr", "log_ttyin", "log_ttyout")
_IO = _FLAGS[2:]
_START = {
    "log_allowed": "on", "log_denied": "on", "syslog": "authpriv", "syslog_goodpri": "notice", "syslog_badpri": "alert", "logfile": "",
    "log_servers": "", "iolog_dir": "/var/log/sudo-io",
}  # fmt: skip
_PRIORITIES = {**{name: number for number, name in enumerate(SEVERITIES)}, "warn": 4, "error": 3, "panic": 0}
_TRIES = 60
Style = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Recorded:
    """yes: every command line of this account certainly leaves a record; what: `allowed` or `refused`, the kind that decides."""

    yes: bool | None
    what: str
    why: str
    because: tuple[Line, ...] = ()
    gaps: tuple[Gap, ...] = ()
    places: tuple[str, ...] = ()


def value_of(default: Default) -> str | None:
    """What one Defaults makes of its option; None where sudo passes it over. `off` and `on` for flags, an empty text for none.

    >>> value_of(Default("", (), "syslog", "=", "kern", Line("", 0, "")))
    """
    name, op, value = default.name, default.op, default.value
    if name in _FLAGS:
        return "off" if op == "!" else "on" if op == "" else None
    if op == "!":
        return None if name == "iolog_dir" else ""
    if name == "syslog":
        return "authpriv" if op == "" else value if op == "=" and value in _FACILITIES else None
    if op not in ("=", "+"):
        return None
    if name in ("syslog_goodpri", "syslog_badpri"):
        return "" if value == "none" else value if value in SEVERITIES else None
    if name in ("logfile", "iolog_dir"):
        return value if value.startswith("/") and op == "=" else None
    return value


class Records:
    """Over one host. Raises Unseen where accounts were not seen."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._sudo: Sudo = host.sudo
        self._known: dict[tuple[str, Style], Answer] = {}
        self._scoped = any(default.scope in (">", "!") and default.name in (*_START, *_IO) for default in self._sudo.policy.defaults)

    def of(self, account: Account) -> Recorded:
        """What is recorded of an account that may run something through sudo."""
        return self._worst(account, list(self._questions(account)))

    def refused(self, account: Account) -> Recorded:
        """What is recorded when sudo refuses this account."""
        scoped = [("refused", None, request) for _, request in self._singled_out({})] if self._scoped else []
        return self._worst(account, [("refused", None, None), *scoped])

    def _worst(self, account: Account, questions: list[tuple[str, Target | None, Request | None]]) -> Recorded:
        worst = Recorded(True, "allowed", "")
        for what, target, request in questions:
            found = self._one(account, what, target, request)
            rank = {False: 0, None: 1, True: 2}
            if not worst.why or rank[found.yes] < rank[worst.yes]:
                worst = found
        blind = (
            *self._sudo.gaps,
            *(Gap(f"sudo:{source}", Reason.UNSUPPORTED, "its Defaults are not shown") for source in self._sudo.elsewhere),
        )
        return replace(worst, yes=None, why="settings of sudo that were not seen may decide", gaps=blind) if blind and worst.yes else worst

    def _questions(self, account: Account) -> Iterator[tuple[str, Target | None, Request | None]]:
        """Samples of what is allowed and of what is refused: of each right, and of each target and command that a Defaults singles out."""
        if not self._anything(account):
            yield "refused", None, None
        if not self._scoped:
            yield "allowed", None, None
            return
        samples = [grant.sample for grant in self._sudo.grants(account) if grant.sample is not None]
        for target, request in samples:
            yield "allowed", target, request
        targets = dict.fromkeys(target for target, _ in samples)
        pairs = [(target, request) for who, request in self._singled_out(dict.fromkeys(request for _, request in samples))
                 for target in ([who] if who is not None else targets)]  # fmt: skip
        for target, request in pairs[:2000]:
            decision = self._sudo.decide(account, request, target)
            if decision.granted and decision.allowed is not False:
                yield "allowed", target, request
            if decision.allowed is not True:
                yield "refused", target, request

    def _anything(self, account: Account) -> bool:
        """Whether the account certainly runs anything as root and is never asked, so that nothing is refused."""
        roots = self._host.accounts.by_uid(0)
        decisions = [self._sudo.decide(account, request, Target(root)) for root in roots[:1] for request in ANY]
        return bool(decisions) and all(decision.allowed is True and decision.password is False for decision in decisions)

    def _singled_out(self, requests: dict[Request, None]) -> Iterator[tuple[Target | None, Request]]:
        """Command lines that a Defaults for a target (with each of these requests) or for a command is about."""
        for default in self._sudo.policy.defaults:
            if default.name not in (*_START, *_IO):
                continue
            if default.scope == ">":
                names = (self._sudo.target(member.name) for member in expand(self._sudo.policy, "Runas", default.members))
                yield from ((Target(who), request) for who in names if who is not None for request in requests)
            elif default.scope == "!":
                members = [
                    leaf for member in default.members for leaf in leaves(self._sudo.policy, member) if not leaf.negated and leaf.name
                ]
                for leaf in members:
                    yield from ((None, Request(*proposal)) for proposal in list(proposals(leaf.name, leaf.args))[:_TRIES])

    def _one(self, account: Account, what: str, target: Target | None, request: Request | None) -> Recorded:
        values: dict[str, dict[str, Line | None]] = {name: {start: None} for name, start in _START.items()}
        for default, applies in self._sudo.defaults("", account, target, request):
            if default.name not in values and default.name not in _IO:
                continue
            value = value_of(default)
            if value is None or ALLOW not in applies:
                continue
            before = values.get(default.name, {"off": None})
            values[default.name] = {value: default.line} if applies == YES else {**before, value: default.line}
        names = [name for name in values if name not in ("log_denied", "syslog_badpri") or what == "refused"]
        combinations = itertools.islice(itertools.product(*(values[name] for name in names)), 64)
        answers = [self._answer(what, tuple(zip(names, combination, strict=True))) for combination in combinations]
        because = tuple(line for lines in values.values() for line in lines.values() if line is not None)
        first = answers[0]
        if all(answer.yes is first.yes for answer in answers):
            return Recorded(first.yes, what, first.why, (*because, *first.because), first.gaps, first.places)
        gap = Gap("file:/etc/sudoers", Reason.AMBIGUOUS, "whether a Defaults applies was not seen")
        return Recorded(None, what, "settings of sudo that were not seen may decide", because, (gap,))

    def _answer(self, what: str, style: Style) -> Answer:
        if (what, style) not in self._known:
            self._known[what, style] = self._judge(what, dict(style))
        return self._known[what, style]

    def _judge(self, what: str, style: dict[str, str]) -> Answer:
        ways: list[Answer] = []
        if what == "allowed" and any(style.get(name) == "on" for name in _IO):
            ways.append(self._host.logs.protection.lasting(self._file(f"{style['iolog_dir']}/seq")))
        if style["log_allowed" if what == "allowed" else "log_denied"] == "off":
            ways.append(Answer(False, "sudo is told not to log them"))
        else:
            ways += self._logged(style, "syslog_goodpri" if what == "allowed" else "syslog_badpri")
        for wanted in (True, None):
            held = [way for way in ways if way.yes is wanted]
            if held:
                return held[0]
        return ways[-1]

    def _logged(self, style: dict[str, str], priority: str) -> Iterator[Answer]:
        if style["logfile"]:
            yield self._host.logs.protection.lasting(self._file(style["logfile"]))
        servers = [word for word in re.split(r"[\s,]+", style["log_servers"].strip('"')) if word]
        if any(not re.match(r"\[?(127\.|::1|localhost)", word) for word in servers):
            yield Answer(True, "sudo sends it to its log server", (), (), tuple(servers))
        if not style["syslog"]:
            yield Answer(False, "sudo is told not to use syslog")
        elif not style[priority]:
            yield Answer(False, "sudo is told to log them with no priority")
        else:
            text = "{user} : TTY={tty} ; PWD={path} ; USER=root ; COMMAND={path}"
            yield self._host.logs.kept(Message(FACILITIES.index(style["syslog"]), _PRIORITIES[style[priority]], "sudo", text, pid=None))

    def _file(self, path: str) -> Destination:
        return Destination("file", path, Line("/etc/sudoers", 0, path), make_folders=path.endswith("/seq"))
