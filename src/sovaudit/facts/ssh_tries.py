"""How many tries one SSH connection allows before sshd ends it: MaxAuthTries of every kind of connection (auth2.c `userauth_finish`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sovaudit.facts.files import Unseen
from sovaudit.facts.ssh_places import places
from sovaudit.facts.sshd_match import Effective
from sovaudit.model.finding import Line

if TYPE_CHECKING:
    from sovaudit.facts.host import Host
    from sovaudit.facts.ssh_server import Server

KEYWORD = "maxauthtries"


@dataclass(frozen=True, slots=True)
class Tries:
    """count: tries after which sshd ends the connection that allows most. who: the account it is for; empty: any. because: the deciding lines."""

    count: int
    who: str
    because: tuple[Line, ...]


def most_tries(host: Host) -> Tries:
    """Over every server, account with a shell and kind of connection; 0 where sshd does not start.

    Raises Unseen where the configuration was not seen or is in doubt.
    """
    ssh = host.ssh
    if ssh.refused is not None:
        line, reason = ssh.refused
        return Tries(0, "", (line, Line(line.file, 0, f"sshd does not start: {reason}")))
    if ssh.doubt is not None:
        raise Unseen(ssh.doubt)
    found = [tries for server in ssh.servers if ssh.refusal(server) is None for tries in _on(host, server)]
    return max(found, key=lambda tries: tries.count)


def _on(host: Host, server: Server) -> list[Tries]:
    settings = server.settings
    if not any(directive.keyword == KEYWORD and directive.conditions for directive in settings.config.directives):
        return [_tries(settings.outside, "")]
    here = places(settings, server.ports)
    found: dict[object, Tries] = {}
    people = [("", frozenset[str](), False), *((account.name, account.groups, True) for account in host.accounts if account.has_shell)]
    for name, groups, exists in people:
        for connection in here:
            met = settings.met(connection, name, groups, exists=exists)
            if met not in found:
                found[met] = _tries(settings.under(met), name)
    return list(found.values())


def _tries(effective: Effective, who: str) -> Tries:
    return Tries(int(effective.get(KEYWORD)), who, effective.because(KEYWORD))
