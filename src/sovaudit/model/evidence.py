"""What a collector brings back from one target: bytes, and what it could not see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sovaudit.model.verdict import Reason, TargetStatus


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that could not be seen: `item` is an artifact name (`file:/etc/shadow`, `cmd:sshd-T`)."""

    item: str
    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """Where evidence comes from. `id` is its name in every document: the URI without any secret.

    kind: `local`, `root`, `ssh`, `ldap`, `ldif`, `badges`, `logs`, `people`, `rights`.
    """

    id: str
    uri: str
    kind: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """One target's evidence. Host artifacts are named:

    - `file:/absolute/path`: the file's bytes, secrets masked at the source (see docs/evidence-format.md);
    - `tree`: one line per path looked at, tab-separated: `type mode uid gid size mtime path [link target]`, where type is
      `f d l p s c b` for what exists, `-` for one seen to be absent, `!` for one that could not be looked at (reason as its mode),
      and `D` for a directory whose entries are all listed (other columns empty but the path);
    - `cmd:name`: first line `exit <code>`, then what the command printed;
    - `packages`: `name version` per line, installed packages of interest only;
    - `acls`: `path<TAB>list` per group-writable path that has an access control list; `?` where only its presence was seen.
    - `log-starts`: `path<TAB>first bytes of its first line` per line;
    - `ssh-login`: over SSH, `method<TAB>detail<TAB>more|open<TAB>methods` per good answer of the login.

    taken_at: the target's own clock, aware UTC. clock_skew_ms: target minus auditor, halved round trip taken off; None if not measured.
    cost: integers that change no verdict (`wall_ms`, `bytes`).
    """

    target: Target
    status: TargetStatus
    taken_at: datetime | None
    artifacts: Mapping[str, bytes]
    gaps: tuple[Gap, ...] = ()
    identity: Mapping[str, str] = field(default_factory=dict)
    collector: str = ""
    clock_skew_ms: int | None = None
    error: str = ""
    cost: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.taken_at is not None and self.taken_at.utcoffset() is None:
            raise ValueError("taken_at must be an aware UTC time")

    @property
    def collected(self) -> bool:
        """Whether there is anything to judge."""
        return self.status in (TargetStatus.COLLECTED, TargetStatus.PARTIAL)
