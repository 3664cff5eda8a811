"""What the host's own logs say of the audit itself: its login, and the command that it ran as root."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sovaudit.facts.files import Unseen
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

_LOGIN = re.compile(r"sshd(?:-session)?(?:\[\d+\])?: Accepted (\S+) for (\S+) from (\S+) port (\d+)(?: |$)")
_COMMAND = re.compile(r"sudo(?:\[\d+\])?: +(\S+) : .*COMMAND=")


@dataclass
class Trace:
    """logs: those that were written lately and searched. logins, commands: lines of them that are the audit's own."""

    user: str
    port: str
    logs: list[str] = field(default_factory=list)
    logins: list[Line] = field(default_factory=list)
    commands: list[Line] = field(default_factory=list)


def own_trace(host: Host) -> Trace | None:
    """None for a host that was not visited over SSH. Raises Unseen."""
    if host.evidence.target.kind != "ssh":
        return None
    rows = host.files.command("own-trace").output.splitlines()
    connection = next((row.split(" ") for row in rows if row.startswith("connection ")), [])
    user = host.evidence.identity.get("login", "")
    if len(connection) != 3 or not user:
        raise Unseen(Gap("cmd:own-trace", Reason.AMBIGUOUS, "the audit's own connection was not found"))
    found = Trace(user, connection[2])
    place = ""
    for row in rows:
        if row.startswith("log "):
            place = row[4:]
            found.logs.append(place)
        elif place and (login := _LOGIN.search(row)) and (login[2], login[4]) == (user, found.port):
            found.logins.append(Line(place, 0, row))
        elif place and (command := _COMMAND.search(row)) and command[1] == user:
            found.commands.append(Line(place, 0, row))
    return found


def elsewhere(host: Host, program: str) -> str:
    """Where alone the messages of a program go, if to no file below /var/log: another file or host; "" otherwise. Raises Unseen."""
    found = []
    for event in host.logs.events:
        for message in event.messages:
            if message.program == program:
                found += [place for place in host.logs.route(message).possible if place.kind in ("file", "dynafile", "forward", "other")]
    if any(place.kind in ("file", "dynafile") and place.target.startswith("/var/log/") for place in found):
        return ""
    return min((place.target for place in found), default="")
