"""Which login shells give a session: by what the path leads to, not by what it is called.

`nologin` and its kin count where the system keeps them; a program of that name anywhere else, or a link of that name to a shell, is what it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sovaudit.facts.access import SEARCH, person, trail
from sovaudit.facts.accounts import Account
from sovaudit.facts.files import Unseen
from sovaudit.model.finding import Line

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

# A command line that does nothing but refuse or end, whatever the shell that reads it.
_NOTHING = re.compile(r"\s*(?:exec\s+)?(?:(?:/usr)?/s?bin/)?(nologin|false|true)(?:\s+[^;&|`$()<>\n]*)?")


def does_nothing(command: str, *, fails: bool = False) -> bool:
    """Whether a forced command gives no session. fails: `true` counts as one: whoever is let in to run it has logged in.

    >>> does_nothing("/usr/sbin/nologin"), does_nothing("false || bash"), does_nothing("/home/bob/false")
    (True, False, False)
    """
    found = _NOTHING.fullmatch(command)
    return found is not None and not (fails and found[1] == "true")


def missing(host: Host, account: Account) -> tuple[Line, ...]:
    """Why sshd and login refuse its shell themselves: it is no file that anybody may execute. Raises Unseen."""
    path = account.shell or "/bin/sh"
    stat = host.files.follow(path) if path.startswith("/") and not path.endswith("/") else None
    if stat is None or stat.kind != "f" or not stat.mode & 0o111:
        return (*account.because[:1], Line(path, 0, "the shell does not exist or is not executable"))
    return ()


def no_session(host: Host, account: Account) -> tuple[Line, ...]:
    """Why no session follows whatever is presented: a shell that gives none, or one that cannot be run. Raises Unseen."""
    if not account.has_shell:
        return account.because[:1]
    if why := missing(host, account):
        return why
    path = account.shell or "/bin/sh"
    try:
        if not trail(host.files, path).may(person(host, account), SEARCH):
            return (*account.because[:1], Line(path, 0, "the account may not run its shell"))
    except Unseen:
        pass  # where the folders above it were not seen, they are taken to be open
    return ()


def runs(host: Host, account: Account) -> bool:
    """Whether its shell gives a session, as far as was seen."""
    try:
        return not no_session(host, account)
    except Unseen:
        return True
