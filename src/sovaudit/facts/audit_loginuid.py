"""The login id: who a process belongs to, set once by pam_loginuid in the session stack of the program that lets somebody in (pam_loginuid(8)).

Without it the kernel records acts of nobody (auid unset). Run again by su or sudo, it would say that root himself logged in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sovaudit.facts.files import Unseen
from sovaudit.facts.pam_stack import Service, Step
from sovaudit.facts.parse.pam_conf import DIE, DONE, IGNORE, OK, Code
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

MODULE = "pam_loginuid.so"
# Which sessions begin here: PAM service, programs of which one is installed.
ENTRIES = (
    ("login", ("/bin/login", "/usr/bin/login")),
    ("cron", ("/usr/sbin/cron",)),
    ("crond", ("/usr/sbin/crond",)),
    ("atd", ("/usr/sbin/atd",)),
    ("gdm-password", ("/usr/sbin/gdm3", "/usr/sbin/gdm")),
    ("lightdm", ("/usr/sbin/lightdm",)),
    ("sddm", ("/usr/bin/sddm",)),
)
WITHIN = (("su", ("/bin/su", "/usr/bin/su")), ("sudo", ("/usr/bin/sudo", "/usr/local/bin/sudo")))
_CONDITIONS = frozenset(
    "pam_succeed_if.so pam_exec.so pam_listfile.so pam_access.so pam_time.so pam_localuser.so pam_usertype.so pam_selinux.so".split()
)
_FAILURE = Code.SESSION_ERR


@dataclass(frozen=True, slots=True)
class LoginId:
    """service: who lets in, or changes identity. yes: the login id stays that of the person. why: what is wrong."""

    service: str
    yes: bool | None
    why: str = ""
    because: tuple[Line, ...] = ()
    gaps: tuple[Gap, ...] = ()


def login_ids(host: Host) -> tuple[LoginId, ...]:
    """For every installed program through which somebody comes in, and for su and sudo. Raises Unseen where no program could be seen."""
    found: list[LoginId] = []
    if host.ssh.installed:
        found.append(_sshd(host))
    for service, programs in ENTRIES:
        if _installed(host, programs) and (service not in ("cron", "crond", "atd") or host.pam.stacks.configured(service)):
            found.append(_entry(host, service))
    for service, programs in WITHIN:
        if _installed(host, programs):
            found.append(_within(host, service))
    return tuple(found)


def _installed(host: Host, programs: tuple[str, ...]) -> bool:
    for program in programs:
        try:
            if host.files.exists(program):
                return True
        except Unseen:
            continue  # where a program of that name would lie was not looked at
    return False


def _sshd(host: Host) -> LoginId:
    try:
        effective = host.ssh.settings.outside
    except Unseen as unseen:
        return LoginId("sshd", None, gaps=(unseen.gap,), why="its configuration was not seen")
    if not effective.yes("usepam"):
        return LoginId("sshd", False, "it opens sessions without PAM", tuple(effective.because("usepam")))
    return _entry(host, "sshd")


def _entry(host: Host, name: str) -> LoginId:
    try:
        service = host.pam.service(name)
    except Unseen as unseen:
        return LoginId(name, None, "its PAM configuration was not seen", gaps=(unseen.gap,))
    if service.broken is not None:
        return LoginId(name, True, because=(service.broken,))  # libpam loads nothing: nobody comes in
    reached, lines = reaches(service)
    if reached is None:
        gap = Gap(f"file:/etc/pam.d/{name}", Reason.AMBIGUOUS, "whether pam_loginuid is reached depends on another module")
        return LoginId(name, None, "whether the login id is set depends on another module", lines, (*service.gaps, gap))
    if reached:
        return LoginId(name, True, because=lines)
    return LoginId(name, False, "pam_loginuid is not reached in its session stack", lines or service.lines[:1])


def _within(host: Host, name: str) -> LoginId:
    try:
        service = host.pam.service(name)
    except Unseen as unseen:
        return LoginId(name, None, "its PAM configuration was not seen", gaps=(unseen.gap,))
    reached, lines = reaches(service)
    if service.broken is not None or reached is False:
        return LoginId(name, True, because=service.lines[:1])
    return LoginId(name, None if reached is None else False, "it sets the login id anew, to the account that was changed to", lines)


def reaches(service: Service) -> tuple[bool | None, tuple[Line, ...]]:
    """Whether somebody who gets in through a service has run pam_loginuid, which works in the account phase too; and the lines that decide."""
    found = [_runs(service.stack(phase)) for phase in ("session", "account")]
    for wanted in (True, None):
        for yes, lines in found:
            if yes is wanted:
                return yes, lines
    return False, tuple(line for _, lines in found for line in lines)


def _runs(stack: tuple[Step, ...]) -> tuple[bool | None, tuple[Line, ...]]:
    """Every way through a stack runs it, none does, or some (None)."""
    states: dict[int, None] = {0: None}
    ran = False
    lines: list[Line] = []
    for at, step in enumerate(stack):
        if at not in states:
            continue
        if step.kind != "substack" and step.module == MODULE and step.known is not False:
            ran = True
            lines.append(step.line)
            continue
        for target in _targets(stack, at):
            states[target] = None
            if target > at + 1 and any(each.module == MODULE for each in stack[at + 1 : target]):
                lines.append(step.line)
    passed_by = len(stack) in states
    missing = next((step.line for step in stack if step.module == MODULE and step.known is False), None)
    if missing is not None and not ran:
        lines.append(missing)
    return (None if ran and passed_by else ran), tuple(dict.fromkeys(lines))


def _targets(stack: tuple[Step, ...], at: int) -> set[int]:
    """Where libpam may go on after a step."""
    step = stack[at]
    if step.kind == "substack":
        return {at + 1}
    if step.kind == "must_fail" or step.known is False:
        codes = {Code.MODULE_UNKNOWN}
    elif step.module in ("pam_deny.so",):
        codes = {_FAILURE}
    elif step.module in _CONDITIONS:
        codes = {Code.SUCCESS, _FAILURE, Code.IGNORE}
    else:
        codes = {Code.SUCCESS}
    found: set[int] = set()
    for code in codes:
        action = step.actions[code]
        if action == DIE:
            continue  # no session opens
        if action == DONE:
            found.add(_after_level(stack, at))
        elif action > 0 and action not in (OK, IGNORE):
            found.add(_over(stack, at, action))
        else:
            found.add(at + 1)
    return found


def _after_level(stack: tuple[Step, ...], at: int) -> int:
    level = stack[at].level
    while at + 1 < len(stack) and stack[at + 1].level >= level:
        at += 1
    return at + 1


def _over(stack: tuple[Step, ...], at: int, count: int) -> int:
    level = stack[at].level
    while at + 1 < len(stack) and stack[at + 1].level >= level and count > 0:
        at += 1
        while at + 1 < len(stack) and stack[at + 1].level > level:
            at += 1
        count -= 1
    return at + 1
