"""What counts failed logins and locks: pam_faillock with its arguments and faillock.conf(5), and the older pam_tally and pam_tally2."""

from __future__ import annotations

import contextlib
import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sovaudit.facts.accounts import Account
from sovaudit.facts.files import Files, Unseen, normal
from sovaudit.facts.pam_stack import Step
from sovaudit.facts.parse.pam_conf import Code
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

CONF = "/etc/security/faillock.conf"
TALLIES = "/run/faillock"  # its default is /var/run/faillock, and /var/run a link
LONGEST = 604_800  # seconds; a longer time is refused and leaves the setting as it was
MAX_LINE = 1022
MODULES = ("pam_faillock.so", "pam_tally2.so", "pam_tally.so")


@dataclass(frozen=True, slots=True)
class Locker:
    """One line of an auth stack that counts or locks.

    counts: reaching it is a failure more (tally: every login, before it is judged). resets: reaching it unrefused wipes the failures out (authsucc).
    place: where the failures are kept. deny: failures at which it locks; 0: never. interval: seconds within which failures add up; None: ever.
    unlock: seconds until it opens again, 0: never; root_unlock: the same for root and the spared group, None: as for others. spared: the group whose
    members it does not lock. root: it locks root, too, and them. stored: whether the place can be written; None with `gap` if that was not seen.
    broken: what it answers whatever happens. because: lines of its file.
    """

    counts: bool
    resets: bool = False
    place: str = TALLIES
    deny: int = 3
    interval: int | None = 900
    unlock: int = 600
    root_unlock: int | None = None
    root: bool = False
    spared: str = ""
    stored: bool | None = True
    gap: Gap | None = None
    broken: Code | None = None
    tally: bool = False
    because: tuple[Line, ...] = ()

    def unlock_of(self, account: Account) -> int:
        """root and the administrators may have a time of their own."""
        administrator = account.uid == 0 or (self.spared and self.spared in account.groups)
        return self.root_unlock if administrator and self.root_unlock is not None else self.unlock

    def spares(self, account: Account) -> bool:
        return not self.root and (account.uid == 0 or bool(self.spared and self.spared in account.groups))


def locker(host: Host, step: Step) -> Locker:
    """Raises Unseen where its file was not seen."""
    return _faillock(host.files, step) if step.module == "pam_faillock.so" else _tally(step)


def _faillock(files: Files, step: Step) -> Locker:
    found = Locker(False)
    named = [arg[5:] for arg in step.args if arg.startswith("conf=")]
    lines = files.opened(named[-1] if named else CONF)
    if named and lines is None:
        return replace(found, broken=Code.SERVICE_ERR)
    for line in lines or ():
        if len(line.text) > MAX_LINE:
            return replace(found, broken=Code.SERVICE_ERR)
        text = line.text.split("#")[0].strip()
        match = re.match(r"([^\s=]+)\s*=?\s*(.*)", text)
        if match:
            found = _set(found, match[1], match[2], line)
    action = "preauth"
    for arg in step.args:
        if arg in ("preauth", "authfail", "authsucc"):
            action = arg
        elif not (named and arg == f"conf={named[-1]}"):
            name, _, value = arg.partition("=")
            found = _set(found, name, value, None)
    found = replace(found, counts=action == "authfail", resets=action == "authsucc", place=_canonical(files, found.place))
    if found.place != TALLIES:
        try:
            stat = files.follow(found.place)
            if stat is not None and stat.kind != "d":
                found = replace(found, broken=Code.SYSTEM_ERR)
            elif stat is None and found.counts:
                above = files.follow(posixpath.dirname(found.place))  # pam_faillock makes the last folder of the path, not those above it
                found = replace(found, stored=above is not None and above.kind == "d")
        except Unseen as unseen:
            if found.counts:
                found = replace(found, stored=None, gap=unseen.gap)
    return found


def _canonical(files: Files, place: str) -> str:
    """One name for one folder, whatever links lead to it."""
    place = normal(place)
    with contextlib.suppress(Unseen):
        above = files.resolve(posixpath.dirname(place))
        place = files.resolve(place) or (posixpath.join(above, posixpath.basename(place)) if above else place)
    return place.removeprefix("/var") if place == f"/var{TALLIES}" else place


def _set(found: Locker, name: str, value: str, line: Line | None) -> Locker:
    because = (*found.because, line) if line is not None else found.because
    if name == "dir":
        return replace(found, place=value, because=because) if value.startswith("/") else found
    if name == "deny":
        number = _scan(value)
        return found if number is None else replace(found, deny=number % 65536, because=because)
    if name in ("fail_interval", "unlock_time", "root_unlock_time"):
        number = 0 if name != "fail_interval" and value == "never" else _scan(value)
        if number is None or not 0 <= number <= LONGEST:
            return found
        if name == "root_unlock_time":
            return replace(found, root_unlock=number, because=because)
        return (
            replace(found, interval=number, because=because) if name == "fail_interval" else replace(found, unlock=number, because=because)
        )
    if name == "even_deny_root":
        return replace(found, root=True, because=because)
    if name == "admin_group":
        return replace(found, spared=value, because=because)
    return found


def _scan(text: str) -> int | None:
    """sscanf(3) of a whole number that the text begins with."""
    match = re.match(r"[ \t\n\v\f\r]*([+-]?[0-9]{1,18})", text)
    return int(match[1]) if match else None


def _tally(step: Step) -> Locker:
    """pam_tally2(8): every login counts before it is judged, so that it locks when more than `deny` were made; an unlock time only if given."""
    found = Locker(True, False, "/var/log/tallylog", 0, None, 0, tally=True)
    return _tally_arguments(found, step.args)


def _tally_arguments(found: Locker, args: Iterable[str]) -> Locker:
    for arg in args:
        name, _, value = arg.partition("=")
        number = _scan(value)
        if name == "deny" and number is not None:
            found = replace(found, deny=max(number, 0))
        elif name == "unlock_time" and number is not None:
            found = replace(found, unlock=max(number, 0))
        elif name == "file" and value.startswith("/"):
            found = replace(found, place=value)
        elif name in ("even_deny_root", "even_deny_root_account"):
            found = replace(found, root=True)
    return found
