"""The acts that a record must be left of, by whatever system call they are done, and who may do them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sovaudit.facts.accounts import Account
from sovaudit.facts.audit_load import Loaded
from sovaudit.facts.audit_match import EXECVE, SYSCALL, UNSET, Act, Actor, above, compare
from sovaudit.facts.files import Files, Unseen

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

ARCHES = ("b64", "b32")
_DESCRIPTOR = (3, 65535)
_OPENS = ("open", "openat", "openat2")
_MODES = ("chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown", "fchownat")
_CLOCK = {
    "adjtimex": (0, 5),
    "clock_adjtime": (0, 5),
    "clock_settime": (0, 0),
    "settimeofday": (0, 0),
    "stime": (0, 0),
}


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that must not change without a record. acts: the ways to change it."""

    name: str
    acts: tuple[Act, ...]


def of_file(path: str, link: str = "") -> tuple[Act, ...]:
    """Changing a file: writing into it, putting another in its place, removing it, changing its owner or mode. link: the name it is known by."""
    folder = posixpath.dirname(path)
    inside, both = frozenset({path}), frozenset({path, folder})
    trees = above(path)
    found: list[Act] = []
    for arch in ARCHES:
        found += [Act(call, arch, "w", inside, trees, result=_DESCRIPTOR) for call in _OPENS]
        found += [Act("creat", arch, "w", inside, trees, result=_DESCRIPTOR), Act("truncate", arch, "w", inside, trees)]
        found += [Act(call, arch, "w", both, trees) for call in ("rename", "renameat", "renameat2")]
        found += [Act(call, arch, "w", both, trees, removes=True) for call in ("unlink", "unlinkat")]
        found += [Act(call, arch, "a", inside, trees) for call in _MODES]
        if link and link != path:
            names = frozenset({link, posixpath.dirname(link)})
            found += [Act(call, arch, "w", names, above(link)) for call in ("rename", "renameat", "renameat2")]
    return tuple(found)


def of_new_file(path: str) -> tuple[Act, ...]:
    """Making a file that does not exist."""
    names, trees = frozenset({path, posixpath.dirname(path)}), above(path)
    found: list[Act] = []
    for arch in ARCHES:
        found += [Act(call, arch, "w", names, trees, result=_DESCRIPTOR) for call in (*_OPENS, "creat")]
        found += [Act(call, arch, "w", names, trees) for call in ("rename", "renameat", "renameat2")]
    return tuple(found)


def of_folder(path: str) -> tuple[Act, ...]:
    """Changing what a folder holds: any file in it, old or new, and the folder itself."""
    return (*of_new_file(f"{path}/\n"), *of_file(f"{path}/\n"), *of_file(path))


def of_path(files: Files, path: str) -> tuple[Act, ...]:
    """The acts for whatever stands at a path now. Raises Unseen."""
    real = files.resolve(path)
    if real is None:
        folder = files.resolve(posixpath.dirname(path))
        return of_new_file(path if folder is None else posixpath.join(folder, posixpath.basename(path)))
    stat = files.stat(real)
    if stat is not None and stat.kind == "d":
        return of_folder(real)
    folder = files.resolve(posixpath.dirname(path)) or posixpath.dirname(path)
    return of_file(real, posixpath.join(folder, posixpath.basename(path)))


def commands() -> tuple[Act, ...]:
    """Running a program, as a shell does it."""
    return tuple(Act("execve", arch, "x", None, records=(SYSCALL, EXECVE)) for arch in ARCHES)


def clock() -> tuple[Subject, ...]:
    """One subject per system call; stime is one of 32-bit programs."""
    found = []
    for call, result in _CLOCK.items():
        arches = ("b32",) if call == "stime" else ARCHES
        first = 0 if call.startswith("clock_") else None  # CLOCK_REALTIME, the only one of the host that can be set
        found.append(Subject(call, tuple(Act(call, arch, first=first, result=result) for arch in arches)))
    return tuple(found)


def modules() -> tuple[Subject, ...]:
    return tuple(
        Subject(call, tuple(Act(call, arch) for arch in ARCHES)) for call in ("init_module", "finit_module", "delete_module")
    )  # fmt: skip


# Who acts


def people(host: Host, loaded: Iterable[Loaded]) -> tuple[Actor, ...]:
    """One actor for each kind of login id that the rules tell apart: accounts that can log in, and any ordinary account made later.

    Raises Unseen without /etc/passwd.
    """
    constants = sorted(
        {
            int(each.value)
            for load in loaded
            for world in load.worlds
            for placed in world.rules
            for each in placed.rule.fields
            if each.name == "auid"
        }
    )

    def kind(uid: int) -> tuple[object, ...]:
        return (uid == 0, *((compare(uid, "<", value), uid == value) for value in constants))

    found: dict[tuple[object, ...], Actor] = {kind(1000): Actor("an account with uid 1000", 1000)}
    for account in host.accounts:
        known = found.get(kind(account.uid))
        if known is not None and known.sure and (known.because or account.password is None or not account.password.usable):
            continue  # one of its kind is enough; where it can be had cheaply, one with a name
        can = may_log_in(host, account)
        if can or (can is None and known is None):
            found[kind(account.uid)] = Actor(account.name, account.uid, sure=bool(can), because=account.because)
    return tuple(found.values())


def may_log_in(host: Host, account: Account) -> bool | None:
    """Whether a session of this account's own may be opened: a shell, and a password or a key. None: not seen."""
    if not account.has_shell or account.uid == UNSET:
        return False
    if account.password is not None and (account.password.usable or account.password.kind == "empty"):
        return True
    if account.password is None:
        return None
    try:
        keys = host.files.exists(f"{account.home}/.ssh/authorized_keys") or host.files.exists(f"{account.home}/.ssh/authorized_keys2")
        if not keys:
            return False
        ways = host.ssh.ways(account) if host.ssh.serves else None
    except Unseen:
        return None
    return False if ways is None or (not ways.possible and not ways.certain) else True if ways.certain else None


def service() -> Actor:
    """A process that nobody's login stands behind: started at boot, by a timer, by `systemd-run`."""
    return Actor("a service", UNSET)


def as_setuid(actor: Actor) -> Actor:
    """The same person through a setuid program, as passwd and chsh are."""
    return Actor(actor.name, actor.auid, actor.auid, 0, actor.sure, actor.because)
