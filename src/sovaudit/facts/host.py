"""A host: everything a check may ask about one machine, computed when first asked."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from sovaudit.facts.accounts import Accounts
from sovaudit.facts.files import Files, Unseen
from sovaudit.model.evidence import Evidence, Gap
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.audit import Audit
    from sovaudit.facts.clock import Clock
    from sovaudit.facts.console import Console
    from sovaudit.facts.doas import Doas
    from sovaudit.facts.doors import Entries
    from sovaudit.facts.lockout import Lockout
    from sovaudit.facts.logs import Logs
    from sovaudit.facts.pam import Pam
    from sovaudit.facts.privilege import Privilege
    from sovaudit.facts.sessions import Sessions
    from sovaudit.facts.ssh import Ssh
    from sovaudit.facts.sudo import Sudo


class ConsoleLogin(NamedTuple):
    """seconds since the epoch, by the host's clock; terminal; account."""

    seconds: int
    terminal: str
    account: str


class ConsoleLogins(NamedTuple):
    """since: time of the oldest record that was read; None where there is no record at all."""

    since: int | None
    logins: tuple[ConsoleLogin, ...]


class Host:
    """Facts about one host. Attributes are lazy; each may raise Unseen, which the engine turns into `unknown`."""

    kinds: ClassVar[tuple[str, ...]] = ("local", "root", "ssh")

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.live = evidence.target.kind != "root"  # a mounted root has no running programs
        self.enrolled = False  # True: every account is taken to hold what one-time codes and tokens ask of it

    @property
    def name(self) -> str:
        return self.evidence.identity.get("hostname") or self.evidence.target.id

    @property
    def taken_at(self) -> datetime:
        """The host's own time of collection. Raises Unseen."""
        if self.evidence.taken_at is None:
            raise Unseen(Gap("taken_at", Reason.ABSENT))
        return self.evidence.taken_at

    @cached_property
    def files(self) -> Files:
        return Files(self.evidence)

    @cached_property
    def accounts(self) -> Accounts:
        """Raises Unseen without /etc/passwd and /etc/group."""
        if self.files.read("/etc/passwd") is None:
            raise Unseen(Gap("file:/etc/passwd", Reason.ABSENT, "a host without /etc/passwd is not one that we understand"))
        return Accounts(self.files)

    @cached_property
    def packages(self) -> dict[str, str]:
        """Name → version of the installed packages of interest. Raises Unseen."""
        rows = (line.split(" ") for line in self.files.artifact("packages").splitlines())
        return {row[0]: row[1] for row in rows if len(row) >= 2}

    @cached_property
    def libpam(self) -> tuple[int, int] | None:
        """The version of Linux-PAM, as libpam_version gives it."""
        from sovaudit.facts.pam_version import libpam_version

        return libpam_version(self)

    @cached_property
    def entries(self) -> dict[str, Entries]:
        """Answers of doors.sessions that were given already, by account."""
        return {}

    @cached_property
    def last_logins(self) -> dict[int, datetime]:
        """Uid → last login that lastlog(8) recorded; an account that is missing has none on record. Raises Unseen."""
        rows = (line.split(" ") for line in self.files.artifact("last-logins").splitlines())
        found = {int(row[0]): int(row[1]) for row in rows if len(row) == 2 and row[0].isdigit() and row[1].isdigit()}
        return {uid: datetime.fromtimestamp(seconds, UTC) for uid, seconds in found.items() if seconds < 1 << 33}

    @cached_property
    def console_logins(self) -> ConsoleLogins:
        """Logins at the machine itself that wtmp(5) holds. Raises Unseen."""
        rows = [line.split(" ") for line in self.files.artifact("console-logins").splitlines()]
        since = [int(row[1]) for row in rows if row[0] == "since" and len(row) == 2 and row[1].isdigit()]
        found = [ConsoleLogin(int(row[0]), row[1], row[2]) for row in rows if len(row) == 3 and row[0].isdigit()]
        return ConsoleLogins(since[0] if since else None, tuple(found))

    @cached_property
    def os(self) -> dict[str, str]:
        """os-release(5) as a mapping; empty if absent. Raises Unseen."""
        text = self.files.read("/etc/os-release") or self.files.read("/usr/lib/os-release") or ""
        pairs = (line.partition("=") for line in text.splitlines() if "=" in line and not line.startswith("#"))
        return {key.strip(): value.strip().strip("\"'") for key, _, value in pairs}

    @cached_property
    def as_if_enrolled(self) -> Host:
        """The same host, were every account enrolled with whatever one-time code or token is asked of it: what must then be presented?"""
        other = Host(self.evidence)
        shared = ("files", "accounts", "packages", "os", "sudo", "doas")
        other.__dict__.update({name: value for name, value in self.__dict__.items() if name in shared})
        other.enrolled = True
        return other

    @cached_property
    def pam(self) -> Pam:
        from sovaudit.facts.pam import Pam

        return Pam(self)

    @cached_property
    def lockout(self) -> Lockout:
        from sovaudit.facts.lockout import Lockout

        return Lockout(self)

    @cached_property
    def ssh(self) -> Ssh:
        from sovaudit.facts.ssh import Ssh

        return Ssh(self)

    @cached_property
    def sudo(self) -> Sudo:
        from sovaudit.facts.sudo import Sudo

        return Sudo(self)

    @cached_property
    def doas(self) -> Doas:
        from sovaudit.facts.doas import Doas

        return Doas(self)

    @cached_property
    def privilege(self) -> Privilege:
        from sovaudit.facts.privilege import Privilege

        return Privilege(self)

    @cached_property
    def console(self) -> Console:
        from sovaudit.facts.console import Console

        return Console(self)

    @cached_property
    def sessions(self) -> Sessions:
        from sovaudit.facts.sessions import Sessions

        return Sessions(self)

    @cached_property
    def logs(self) -> Logs:
        from sovaudit.facts.logs import Logs

        return Logs(self)

    @cached_property
    def clock(self) -> Clock:
        from sovaudit.facts.clock import Clock

        return Clock(self)

    @cached_property
    def audit(self) -> Audit:
        from sovaudit.facts.audit import Audit

        return Audit(self)
