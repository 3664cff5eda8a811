"""When an idle shell ends: TMOUT of the shell itself, StopIdleSessionSec of logind.conf(5), ChannelTimeout of sshd_config(5).

ClientAliveInterval ends connections whose client no longer answers; an idle client answers, so it ends no idle session.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from sovaudit.facts.accounts import Account
from sovaudit.facts.files import Unseen
from sovaudit.facts.journald import read_config
from sovaudit.facts.journald import seconds as span
from sovaudit.facts.parse.sshd_values import seconds as convtime
from sovaudit.facts.shell_startup import dialect
from sovaudit.facts.sshd_patterns import match_pattern
from sovaudit.facts.systemd_units import Units
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

NEVER = 0
_STRANGER = "203.0.113.1"


@dataclass(frozen=True, slots=True)
class Idle:
    """seconds: after how long an idle shell certainly ends; NEVER if it certainly does not; None if that is not certain.

    fixed: the account cannot change it. means: what ends it, for the reader.
    """

    way: str
    seconds: int | None
    fixed: bool
    means: str
    because: tuple[Line, ...]
    gaps: tuple[Gap, ...] = ()


class IdleShells:
    """Facts about idle sessions of one host."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.sessions = host.sessions

    def idle(self, account: Account, way: str, limit: int) -> Idle:
        """What ends an idle shell of this account first, among what ends it within limit if anything does."""
        found = [self._shell(account, way), self._logind("login" if way == "console" else "sshd", way)]
        if way == "ssh":
            found.append(self._channel(account))
        good = [each for each in found if each.seconds is not None and 0 < each.seconds <= limit]
        if good:
            return min(good, key=lambda each: (not each.fixed, each.seconds))
        doubtful = [each for each in found if each.seconds is None]
        if doubtful:
            gaps = tuple(gap for each in doubtful for gap in each.gaps)
            return Idle(way, None, False, doubtful[0].means, tuple(line for each in doubtful for line in each.because), gaps)
        late = [each for each in found if each.seconds]
        return min(late, key=lambda each: each.seconds or 0) if late else found[0]

    def _shell(self, account: Account, way: str) -> Idle:
        try:
            kind = dialect(self._host, account)
            if kind == "dash":
                why = Line(account.shell or "/bin/sh", 0, "dash knows no TMOUT")
                return Idle(way, NEVER, True, "TMOUT", (*account.because[:1], why))
            left = self.sessions.session(account, way)
        except Unseen as unseen:
            return Idle(way, None, False, "TMOUT", account.because[:1], (unseen.gap,))
        if left.ends:
            return Idle(way, 1, True, "the session ends by itself", account.because[:1])
        values = {_atoi(value) for value in left.tmout}
        because = left.lines or account.because[:1]
        if len(values) > 1 or None in values:
            best = [value for value in values if value]
            if None not in values and len(best) == len(values):
                return Idle(way, max(best), left.readonly, "TMOUT", because)
            return Idle(way, None, False, "TMOUT", because, left.gaps)
        return Idle(way, values.pop(), left.readonly, "TMOUT", because)

    def _channel(self, account: Account) -> Idle:
        """sshd 9.2 hands its sessions what stands outside Match blocks alone, whatever `sshd -T -C` prints; later ones are not known to."""
        try:
            everywhere, here = self._host.ssh.effective(), self._host.ssh.effective(account.name, _STRANGER)
            first, second = (_for_shells(each.words("channeltimeout")) for each in (everywhere, here))
            version = self._host.ssh.version
        except Unseen as unseen:
            return Idle("ssh", None, False, "ChannelTimeout", (), (unseen.gap,))
        because = (*everywhere.because("channeltimeout"), *here.because("channeltimeout"))
        if first != second and version[:2] > (9, 2):
            gap = Gap("file:/etc/ssh/sshd_config", Reason.AMBIGUOUS, "whether ChannelTimeout in a Match block reaches sessions")
            return Idle("ssh", None, False, "ChannelTimeout", because, (gap,))
        return Idle("ssh", first, True, "ChannelTimeout", because)

    def _logind(self, service: str, way: str) -> Idle:
        try:
            number, because = self._stop_idle
            if number == NEVER or not self._registers(service):
                return Idle(way, NEVER, True, "StopIdleSessionSec", because)
            return Idle(way, number, True, "StopIdleSessionSec", because)
        except Unseen as unseen:
            return Idle(way, None, False, "StopIdleSessionSec", (), (unseen.gap,))

    @cached_property
    def _stop_idle(self) -> tuple[int, tuple[Line, ...]]:
        """Seconds, NEVER where it is off, unknown to this systemd (before 252), or there is no systemd. Raises Unseen."""
        rows = read_config(self._host.files, "logind.conf", "Login").get("StopIdleSessionSec", [])
        valid = [(number, row.line) for row in rows if (number := span(row.value or "infinity")) is not None]
        if not valid or valid[-1][0] == 0:
            return NEVER, tuple(line for _, line in valid[-1:])
        number, line = valid[-1]
        if not Units(self._host).systemd:
            return NEVER, (line,)
        version = re.match(r"(\d+)", self._host.packages.get("systemd", ""))
        if version is None:
            raise Unseen(Gap("packages", Reason.AMBIGUOUS, "which systemd this is was not seen: before 252 it knows no StopIdleSessionSec"))
        return (number if int(version[1]) >= 252 else NEVER), (line,)

    def _registers(self, service: str) -> bool:
        """Whether logind knows of the session: pam_systemd stands in its stack. Raises Unseen."""
        loaded = self._host.pam.service(service)
        steps = [step for step in loaded.stack("session") if step.module == "pam_systemd.so"] if loaded.broken is None else []
        if any(step.known is None for step in steps):
            raise Unseen(Gap(f"file:/etc/pam.d/{service}", Reason.AMBIGUOUS, "whether pam_systemd is installed was not seen"))
        return any(step.known for step in steps)


def _for_shells(words: tuple[str, ...]) -> int:
    """The first pattern that fits decides; 0 and what is no time never end a channel."""
    for word in words:
        pattern, equals, text = word.partition("=")
        if equals and match_pattern("session:shell", pattern):
            return convtime(text) or NEVER
    return NEVER


def _atoi(value: object) -> int | None:
    """Seconds as bash takes them (atoi(3)): NEVER for unset, empty, no number, zero or less; None where the value is not known."""
    if value is ...:
        return None
    match = re.match(r"\s*\+?(\d{1,10})", value) if isinstance(value, str) else None
    return int(match[1]) if match else NEVER
