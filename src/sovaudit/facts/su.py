"""su to root: who may start the program, and what PAM asks of him there (su(1) of util-linux, which is every large distribution's).

`su` and `su -` are two PAM services; whoever runs su chooses between them, so the weaker one counts.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, replace

from sovaudit.facts.accounts import Account
from sovaudit.facts.factors import Factor, FactorSet, Ways, Why, never, opens
from sovaudit.facts.files import Files, Stat, Unseen
from sovaudit.facts.host import Host
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

PROGRAMS = ("/usr/bin/su", "/bin/su", "/usr/local/bin/su", "/sbin/su")
SERVICES = ("su", "su-l")


@dataclass(frozen=True, slots=True)
class Programs:
    """The su programs of a host. usable: those that are setuid root. why: why there is none that is, as a line; gap: one was not seen."""

    found: tuple[Stat, ...]
    usable: tuple[Stat, ...]
    gap: Gap | None

    @property
    def because(self) -> tuple[Line, ...]:
        return tuple(Line(stat.path, 0, f"mode {stat.mode:04o}, owner {stat.uid}, group {stat.gid}") for stat in self.found)


def programs(host: Host) -> Programs:
    """Never raises: what was not seen is the gap."""
    return host.files.once(_programs)


def _programs(files: Files) -> Programs:
    found: dict[str, Stat] = {}
    gap: Gap | None = None
    for path in PROGRAMS:
        try:
            stat = files.follow(path)
        except Unseen as unseen:
            if path in PROGRAMS[:2]:
                gap = gap or unseen.gap
            continue
        if stat is not None and stat.kind == "f":
            found[stat.path] = stat
    usable = tuple(stat for stat in found.values() if stat.uid == 0 and stat.mode & 0o4000 and stat.mode & 0o111)
    return Programs(tuple(found.values()), usable, None if usable else gap)


def may_start(account: Account, stat: Stat) -> bool:
    """execve(2): the owner's bits for the owner, the group's for its members, the others' for the rest."""
    if stat.uid == account.uid:
        return bool(stat.mode & 0o100)
    if stat.gid == account.gid or stat.gid in account.gids:
        return bool(stat.mode & 0o010)
    return bool(stat.mode & 0o001)


def stranger(account: Account) -> Account:
    """The same account in no group at all, under a name and a number that no file mentions."""
    return replace(account, name="(anybody)", uid=60001, gid=60001, groups=frozenset(), gids=frozenset({60001}))


def ways(host: Host, account: Account) -> Ways:
    """What this account must present to become root by su. Factors are root's: PASSWORD is the password of root."""
    there = programs(host)
    found = never(there.because) if not there.usable and there.gap is None else Ways()
    for root in host.accounts.by_uid(0):
        if not _gives_a_shell(host, root):
            found = found | never(root.because[:1])
    every = [one for _, _, one in each(host, account)]
    known = host.files.once(_united)
    key = tuple(map(id, every))
    if key not in known:
        for one in every:
            found = found | one
        known[key] = found, every  # kept, so that their ids are
    return known[key][0]


def _united(files: Files) -> dict[tuple[int, ...], tuple[Ways, list[Ways]]]:
    return {}


def each(host: Host, account: Account) -> Iterator[tuple[str, Account, Ways]]:
    """The same, apart for each PAM service and each account with uid 0 that su can lead to."""
    there = programs(host)
    startable = [stat for stat in there.usable if may_start(account, stat)]
    if not startable and there.gap is None:
        return
    if startable and all(posixpath.basename(stat.path).startswith(("busybox", "bbsuid")) for stat in startable):
        yield from ((SERVICES[0], root, _busybox(root)) for root in host.accounts.by_uid(0))
        return
    for root in host.accounts.by_uid(0):
        if not _gives_a_shell(host, root):
            continue
        for service in services(host):
            try:
                found = host.pam.both(
                    host.pam.enter(service, root, invoker=account), host.pam.session_phase(service, root, invoker=account)
                )
            except Unseen as unseen:
                found = Ways(possible={frozenset({Factor.PASSWORD}): Why(gaps=(unseen.gap,))})
            yield service, root, found if startable or there.gap is None else found.doubtful(there.gap)


def services(host: Host) -> tuple[str, ...]:
    """Alpine's su is not that of util-linux and has one service only."""
    try:
        alpine = host.os.get("ID") == "alpine" and not host.pam.stacks.configured("su-l")
    except Unseen:
        return SERVICES
    return SERVICES[:1] if alpine else SERVICES


def _busybox(root: Account) -> Ways:
    """Busybox asks /etc/shadow itself: whoever knows the password of root is in."""
    if root.password is None:
        gap = root.shadow_gap or Gap("file:/etc/shadow", Reason.ABSENT)
        return Ways(possible={frozenset({Factor.PASSWORD}): Why(gaps=(gap,))})
    return opens(Factor.PASSWORD, because=root.because) if root.password.usable else never(root.because)


def _gives_a_shell(host: Host, root: Account) -> bool:
    """A shell that is no shell ends the session; `-s` is refused where that shell is not in shells(5)."""
    if root.has_shell:
        return True
    try:
        lines = host.files.lines("/etc/shells")
    except Unseen:
        return True
    return any(line.text.strip() == root.shell for line in lines or ())


@dataclass(frozen=True, slots=True)
class Answer:
    """opens: whether the password of root, or nothing at all, is enough; None where the evidence allows both. more: what would be needed instead."""

    opens: bool | None
    why: Why
    nothing: bool = False
    more: FactorSet | None = None


def answer(found: Ways) -> Answer:
    """What these ways mean for somebody who knows the password of root and has nothing else."""
    enough = {frozenset(), frozenset({Factor.PASSWORD})}
    certain = [factors for factors in found.certain if factors in enough]
    possible = [factors for factors in found.possible if factors in enough]
    if certain:
        return Answer(True, found.certain[certain[0]], nothing=not certain[0])
    if possible:
        return Answer(None, found.possible[possible[0]], nothing=not possible[0])
    return Answer(False, found.closed, more=next(iter(found.sets), None))
