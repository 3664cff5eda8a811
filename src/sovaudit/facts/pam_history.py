"""How many old passwords pam_pwhistory and pam_unix remember, and whom they refuse them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sovaudit.facts.files import Unseen
from sovaudit.facts.pam_version import libpam_release
from sovaudit.facts.parse.login_defs import searched
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

OLD = "/etc/security/opasswd"
CONF = "/etc/security/pwhistory.conf"
MOST = 400
_WITH_CONF = (1, 5, 3)


@dataclass(frozen=True, slots=True)
class History:
    """remember: entries compared with the new password; 0: none. root: root is refused, too. never: it refuses without a look at the password.

    idle: the module steps aside (IGNORE) in both passes. named: pam_unix has `remember=` and so writes to opasswd.
    because: lines of a configuration file.
    """

    remember: int = 10
    root: bool = False
    never: bool = False
    idle: bool = False
    named: bool = False
    because: tuple[Line, ...] = ()


def pwhistory(host: Host, args: Iterable[str], debian: bool) -> History:
    """pam_pwhistory(8): the current password is the youngest of its entries. Raises Unseen."""
    args = list(args)
    found = History()
    conf = next((arg[5:] for arg in reversed(args) if arg[:5].lower() == "conf="), "")
    if (conf or host.files.exists(CONF)) and _reads_conf(host, debian):
        found = _configured(host.files.opened(conf or CONF) or ())
    for arg in args:
        found = _set(found, arg)
    return replace(found, idle=True) if found.remember == 0 else found


def _reads_conf(host: Host, debian: bool) -> bool:
    """Linux-PAM 1.5.3 brought the file; Red Hat's older packages have it, too, where they ship it."""
    release = libpam_release(host)
    if release is not None and debian:
        return release >= _WITH_CONF
    if release is None and debian:
        raise Unseen(Gap("packages", Reason.AMBIGUOUS, "whether this pam_pwhistory reads pwhistory.conf depends on its version"))
    return True


def _configured(lines: Iterable[Line]) -> History:
    """pwhistory.conf(5): the first line of a key counts, a word that is no number sets nothing, and `enforce_for_root` is on whatever follows."""
    rows = searched(lines)
    found = History(
        root="ENFORCE_FOR_ROOT" in rows, because=tuple(rows[key][1] for key in ("ENFORCE_FOR_ROOT", "REMEMBER", "RETRY") if key in rows)
    )
    for key in ("REMEMBER", "RETRY"):
        match = re.match(r"[ \t\n\v\f\r]*[+-]?[0-9]", rows[key][0]) if key in rows else None
        if match is not None:
            number = min(max(strtol(rows[key][0]), 0), MOST)
            found = replace(found, remember=number) if key == "REMEMBER" else replace(found, never=number == 0)
    return found


def _set(found: History, arg: str) -> History:
    name, _, value = arg.partition("=")
    name = name.lower()
    if name == "remember" and "=" in arg:
        return replace(found, remember=min(max(strtol(value), 0), MOST))
    if name == "retry" and "=" in arg:
        return replace(found, never=strtol(value) == 0)  # no try at all: "too many tries"
    if name == "enforce_for_root" and "=" not in arg:
        return replace(found, root=True)
    return found


def unix_history(host: Host, args: Iterable[str]) -> History:
    """pam_unix(8) `remember=`: entries beside the current password; root is never refused. Without opasswd it refuses its own users all."""
    remember, named = 0, False
    for arg in args:
        if arg.startswith("remember="):
            named, remember = True, min(max(strtol(arg[9:]), 0), MOST)
    return History(remember, never=named and not host.files.exists(OLD), named=named)


def together(own: int, unix: int) -> int:
    """How many passwords, the current one too, stand in opasswd when pam_pwhistory compares, where both modules keep it and each cuts it to its own
    number: every old password is written twice, and `remember=0` of pam_unix wipes the line out.
    """
    kept: list[int] = []
    for current in range(2 * MOST):
        kept = [*kept, current][-own:]
        compared = len(set(kept))
        kept = [*kept, current][-unix:] if unix else []
    return compared


def strtol(text: str) -> int:
    """strtol(3), base 10, of the digits that the text begins with."""
    match = re.match(r"[ \t\n\v\f\r]*([+-]?[0-9]{1,18})", text)
    return int(match[1]) if match else 0
