"""The umask that a session begins with, before its shell reads anything: systemd's UMask=, sshd, pam_umask(8).

agetty hands on what its unit gives (022 unless UMask= says otherwise); sshd adds 022 to what it was started with; then the session stack. pam_umask
takes its argument, else UMASK of /etc/login.defs, else of /etc/default/login (the first line of it; octal), then usergroups, then GECOS.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from sovaudit.facts.accounts import Account
from sovaudit.facts.files import Unseen
from sovaudit.facts.pam_modules import Call
from sovaudit.facts.pam_session import ASKING, session
from sovaudit.facts.pam_stack import Service, Step
from sovaudit.facts.pam_version import libpam_release
from sovaudit.facts.parse.login_defs import login_defs
from sovaudit.facts.parse.pam_conf import BAD, DIE, DONE, IGNORE, OK, RESET, Code
from sovaudit.facts.systemd_units import Units
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

_UNITS = {"console": ("getty@.service",), "ssh": ("ssh.service", "sshd.service")}
# What a session module answers for an account that exists.
_ALWAYS = {"pam_permit.so": Code.SUCCESS, "pam_umask.so": Code.SUCCESS, "pam_deny.so": Code.SESSION_ERR, "pam_unix.so": Code.SUCCESS}


@dataclass(frozen=True, slots=True)
class Begin:
    """Masks with which a session's shell may start → the line that set each; None for one that is not known."""

    masks: dict[int | None, Line]
    gaps: tuple[Gap, ...] = ()


class Begins:
    """With which masks the shells of one host start."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._started: dict[str, tuple[int | None, Line]] = {}
        self._through_stack: dict[tuple[object, ...], Begin] = {}

    def begin(self, account: Account, over: str) -> Begin:
        """over: `console` or `ssh`. Raises Unseen where the session's stack was not seen."""
        if over not in self._started:
            self._started[over] = _started(self._host, over)
        mask, line = self._started[over]
        masks: dict[int | None, Line] = {mask: line}
        if over == "ssh" and not self._host.ssh.effective().yes("usepam"):
            return Begin(masks)
        # all that pam_umask asks of an account
        named = self._groups.get(account.gid) == account.name
        service = self._host.pam.service("sshd" if over == "ssh" else "login")
        stack = service.stack("session") if service.broken is None else ()
        codes = tuple(self._codes(account, service, step) for step in stack)
        key = (over, account.uid == 0, named, account.gecos if "umask=" in account.gecos.lower() else "", codes)
        if key not in self._through_stack:
            self._through_stack[key] = self._through(account, stack, codes, masks)
        return self._through_stack[key]

    @cached_property
    def _groups(self) -> dict[int, str]:
        return {group.gid: group.name for group in reversed(list(self._host.accounts.groups.values()))}

    def _codes(self, account: Account, service: Service, step: Step) -> tuple[Code, ...]:
        """What a step may answer. Modules that ask who are asked; others may answer SUCCESS or IGNORE, or fail."""
        if step.kind == "must_fail":
            return (Code.PERM_DENIED,)
        if step.kind == "module" and (step.known is False or step.module in ASKING):
            found = session(Call(self._host, service.name, "session", account, None, False, step))
            return tuple(dict.fromkeys(outcome.code for choice in found for outcome in choice.outcomes))
        known = _ALWAYS.get(step.module) if step.kind == "module" else Code.SUCCESS
        return (known,) if known is not None else (Code.SUCCESS, Code.IGNORE)

    def _through(
        self, account: Account, stack: tuple[Step, ...], codes: tuple[tuple[Code, ...], ...], masks: dict[int | None, Line]
    ) -> Begin:
        """The masks that come out of a session stack: each way through it, module by module."""
        arriving: dict[int, dict[int | None, Line]] = {0: masks}
        gaps: list[Gap] = []
        for at, step in enumerate(stack):
            here = arriving.pop(at, None)
            if here is None:
                continue
            if step.module == "pam_umask.so" and step.kind == "module" and step.known is not False:
                after = {self._pam_umask(account, step, mask): step.line for mask in here}
                if step.known is None:
                    gaps.append(Gap(f"file:{step.line.file}", Reason.AMBIGUOUS, "whether pam_umask is installed was not seen"))
                    after |= here
                here = after
            for code in codes[at]:
                arriving.setdefault(_next(stack, at, code), {}).update(here)
        return Begin(arriving.get(len(stack), masks), tuple(gaps))

    @cached_property
    def _usergroups(self) -> bool:
        """What pam_umask does without a word about it: Debian's and Ubuntu's takes usergroups from 1.5.3 on (libpam-modules, NEWS.Debian)."""
        try:
            words = f"{self._host.os.get('ID', '')} {self._host.os.get('ID_LIKE', '')}".lower().split()
        except Unseen:
            return False
        return bool({"debian", "ubuntu"} & set(words)) and (libpam_release(self._host) or (0, 0, 0)) >= (1, 5, 3)

    def _pam_umask(self, account: Account, step: Step, before: int | None) -> int | None:
        """The mask after the module. None where it is not known."""
        usergroups, text = self._usergroups, None
        for arg in step.args:
            low = arg.lower()
            if low.startswith("umask="):
                text = arg[6:]
            elif low == "usergroups":
                usergroups = True
            elif low == "nousergroups":
                usergroups = False
        if text is None:
            text = _configured(self._host)
        mask = before
        if text is not None and (match := re.match(r"\s*([+-]?[0-7]+)", text)):
            mask = int(match[1], 8) & 0o777
        if usergroups and account.uid != 0 and self._groups.get(account.gid) == account.name and mask is not None:
            mask = (mask & ~0o070) | ((mask >> 3) & 0o070)
        for piece in account.gecos.split(","):
            if piece[:6].lower() == "umask=":
                number = re.match(r"\s*([+-]?[0-7]+)", piece[6:])
                mask = int(number[1], 8) & 0o777 if number else 0
        return mask


def _started(host: Host, over: str) -> tuple[int | None, Line]:
    units = Units(host)
    for name in _UNITS[over]:
        try:
            value = units.service(name).get("UMask")
        except Unseen:
            return None, Line(f"/etc/systemd/system/{name}", 0, "was not seen")
        if value:
            mask = int(value, 8) & 0o777 if re.fullmatch("[0-7]{1,5}", value) else 0o022
            return mask | 0o022 if over == "ssh" else mask, Line(f"/etc/systemd/system/{name}", 0, f"UMask={value}")
    return 0o022, Line("/etc/login.defs", 0, "the mask of services, 0022")


def _next(stack: tuple[Step, ...], at: int, code: Code) -> int:
    step = stack[at]
    if step.kind == "substack":
        return at + 1
    action = step.actions[code]
    if action in (OK, BAD, IGNORE, RESET):
        return at + 1
    if action in (DONE, DIE):
        while at + 1 < len(stack) and stack[at + 1].level >= step.level:
            at += 1
        return at + 1
    over = int(action)
    while at + 1 < len(stack) and stack[at + 1].level >= step.level and over > 0:
        at += 1
        while at + 1 < len(stack) and stack[at + 1].level > step.level:
            at += 1
        over -= 1
    return at + 1


def _configured(host: Host) -> str | None:
    defs = login_defs(host.files).first
    if "UMASK" in defs:
        return defs["UMASK"][0]
    for line in host.files.lines("/etc/default/login") or ():
        match = re.match(r"\s*UMASK[ \t=]+([^#]*)", line.text, re.IGNORECASE)
        if match:
            return match[1]
    return None
