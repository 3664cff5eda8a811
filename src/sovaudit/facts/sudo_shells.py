"""Which commands, run as root, make one root: by giving a shell, by running what one chooses, or by writing what one chooses.

The question is asked of concrete command lines. Where sudoers leaves arguments open (none written, a wildcard), command lines that would do it are
proposed (sudo_proposals) and sudo's own matching decides whether one is allowed. Fixed arguments count by what they name: a script or a source
that the account can change is its own choice, another is not.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import replace

from sovaudit.facts.sudo_asking import Asking, sensitive
from sovaudit.facts.sudo_managers import MANAGERS
from sovaudit.facts.sudo_powers import WRITES, powers_of, program_name
from sovaudit.facts.sudo_runners import RUNNERS, plain
from sovaudit.facts.sudo_writers import WRITERS

SYSTEM_FOLDERS = ("/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/lib/", "/usr/lib/", "/usr/libexec/", "/usr/games/")


def makes_root(command: str, args: str | None, *, noexec: bool = False, asking: Asking | None = None) -> str:
    """How this concrete command line, run as root, makes one root; empty if it does not."""
    return _makes_root(command, args, replace(asking or Asking(), judge=_makes_root), noexec)


def _makes_root(command: str, args: str | None, asking: Asking, noexec: bool = False) -> str:
    if command == "sudoedit":
        return WRITES if args is not None and sensitive(args) else ""
    if becomes(command, args):
        return ""
    words = (args or "").split()
    for power in powers_of(command):
        if not (noexec and power.exec) and _JUDGES[power.kind](program_name(command), words, asking):
            return power.how
    return ""


def becomes(command: str, args: str | None) -> str:
    """The account other than root that these arguments of su, runuser or passwd name; empty for root, for none, and for other programs."""
    name = posixpath.basename(command)
    if name not in ("su", "runuser", "passwd"):
        return ""
    who = plain(args, name)[0]
    if name == "passwd" and re.search(r"(^|\s)-(-status|-lock|-unlock|-expire|[a-z]*[SaluenxwiR])", args or ""):
        return ""
    return who if who != "root" else ""


def _any(name: str, words: list[str], asking: Asking) -> bool:
    return True


def _mine(name: str, words: list[str], asking: Asking) -> bool:
    return asking.any(words)


def _file(name: str, words: list[str], asking: Asking) -> bool:
    """A configuration, a library, a script that the program takes in."""
    return asking.any(words) or (name in ("openvpn", "logrotate", "insmod") and any(asking.file(word) for word in words[-1:]))


_JUDGES: dict[str, Callable[[str, list[str], Asking], bool]] = {
    **RUNNERS, **WRITERS, **MANAGERS, "mine": _mine, "file": _file, "always": _any, "any": _any, "git": _any,
}  # fmt: skip
