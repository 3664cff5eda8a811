"""Login sessions of an account: the umask that each gets and whether an idle one ends."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from sovaudit.facts.accounts import Account
from sovaudit.facts.files import Unseen
from sovaudit.facts.session_umask import Begins
from sovaudit.facts.shell_startup import Session, session
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line

if TYPE_CHECKING:
    from sovaudit.facts.host import Host


@dataclass(frozen=True, slots=True)
class Masks:
    """The masks of some sessions. open: one that certainly leaves something open: way, mask, line; None if there is none.

    seen: masks that are certain. doubts: lines on which it depends, with gaps, where it is not certain.
    """

    open: tuple[str, str, Line] | None
    seen: tuple[str, ...]
    because: tuple[Line, ...]
    doubts: tuple[Line, ...]
    gaps: tuple[Gap, ...]


class Sessions:
    """Facts about the sessions of one host. Answers may raise Unseen."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._begins = Begins(host)
        self._given: dict[str, tuple[dict[int | None, Line], dict[str, tuple[str, Line]]]] = {}
        self._kept: dict[tuple[str, str], Session] = {}

    @property
    def ways(self) -> tuple[str, ...]:
        """`console`, and `ssh` where sshd is installed."""
        return ("console", "ssh") if self._host.ssh.installed else ("console",)

    def session(self, account: Account, over: str) -> Session:
        """over: `console`, `ssh`, or `ssh command`: a program that ssh runs without a login shell, sftp and scp too."""
        if (account.name, over) not in self._kept:
            started = self._begins.begin(account, "console" if over == "console" else "ssh")
            environment = self._environment("login" if over == "console" else "sshd")
            given = started.masks, environment
            before = self._given.get(account.name)
            if over == "ssh" and before == given and not self._kept[account.name, "console"].asked:
                self._kept[account.name, over] = self._kept[account.name, "console"]  # the same files, and none that asked
                return self._kept[account.name, over]
            found = session(self._host, account, over, *given)
            if started.gaps:
                found = replace(found, gaps=(*started.gaps, *found.gaps))
            self._kept[account.name, over] = found
            if over == "console":
                self._given[account.name] = given
        return self._kept[account.name, over]

    def masks(self, account: Account, ways: tuple[str, ...], required: int) -> Masks:
        """Whether these sessions of the account begin with masks that close what `required` closes."""
        gaps: list[Gap] = []
        doubts: list[Line] = []
        seen: dict[str, None] = {}
        because: list[Line] = []
        for way in ways:
            try:
                found = self.session(account, way)
            except Unseen as unseen:
                gaps.append(unseen.gap)
                doubts += account.because[:1]
                continue
            bad = {mask: line for mask, line in found.umask.items() if mask is not None and mask & required != required}
            if bad and len(bad) == len(found.umask):
                mask, line = next(iter(bad.items()))
                return Masks((way, f"{mask:04o}", line), (f"{mask:04o}",), (line,), (), ())
            if bad or None in found.umask:
                gaps += found.gaps
                doubts += found.umask.values()
            else:
                seen |= dict.fromkeys(f"{mask:04o}" for mask in found.umask if mask is not None)
                because += found.umask.values()
        return Masks(None, tuple(seen), tuple(dict.fromkeys(because)), tuple(dict.fromkeys(doubts)), tuple(dict.fromkeys(gaps)))

    def _environment(self, service: str) -> dict[str, tuple[str, Line]]:
        """TMOUT as pam_env sets it from /etc/environment."""
        if service not in self._environments:
            found: dict[str, tuple[str, Line]] = {}
            loaded = self._host.pam.service(service)
            steps = (*loaded.stack("auth"), *loaded.stack("session")) if loaded.broken is None else ()
            if any(step.module == "pam_env.so" and step.known is not False and "readenv=0" not in step.args for step in steps):
                found = self._etc_environment
            self._environments[service] = found
        return self._environments[service]

    @cached_property
    def _environments(self) -> dict[str, dict[str, tuple[str, Line]]]:
        return {}

    @cached_property
    def _etc_environment(self) -> dict[str, tuple[str, Line]]:
        """pam_env(8): `KEY=value`, `export` allowed before it, quotes around it taken off, `#` begins a comment."""
        found: dict[str, tuple[str, Line]] = {}
        for line in self._host.files.lines("/etc/environment") or ():
            match = re.match(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=([^#]*)", line.text)
            if match and match[1] in ("TMOUT", "ENV"):
                found[match[1]] = match[2].strip().strip("\"'"), line
        return found
