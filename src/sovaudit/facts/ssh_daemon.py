"""The sshd processes of a host: which configuration file, options and ports each was started with, and when.

From the running listeners where they were seen; otherwise from what would start them (ssh_units).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sovaudit.facts.files import Unseen
from sovaudit.facts.ssh_units import starts
from sovaudit.model.finding import Line

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

DEFAULT_CONFIG = "/etc/ssh/sshd_config"
_NOWHERE = Line("", 0, "")
_TAKES_VALUE = "bCcEfghkopu"


@dataclass(frozen=True, slots=True)
class Daemon:
    """One sshd. config: its `-f`, or "" for the default place. started: seconds since the epoch, None if it is not seen running."""

    config: str = ""
    options: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    started: int | None = None
    line: Line = _NOWHERE


def daemons(host: Host) -> tuple[Daemon, ...]:
    """At least one: running listeners, or the one that the service would start. Raises Unseen."""
    running = listeners(host) if host.live else None
    if running:
        return running
    found = [(parse_arguments(start.words, start.line, exact=True), start.ports) for start in starts(host)]
    return tuple(replace(daemon, ports=daemon.ports or ports) for daemon, ports in found) or (Daemon(),)


def listeners(host: Host) -> tuple[Daemon, ...] | None:
    """Running listeners, empty if none runs, None if that was not seen."""
    try:
        answer = host.files.command("sshd-daemons")
    except Unseen:
        return None
    found = []
    for number, text in enumerate(answer.output.splitlines(), 1):
        cells = text.split("\t")
        if len(cells) == 3 and cells[0].isdigit() and cells[1].isdigit():
            words = cells[2].removeprefix("sshd: ").split("[listener]")[0].split()
            found.append(parse_arguments(words, Line("cmd:sshd-daemons", number, text), int(cells[1])))
    return tuple(found) if found or answer.code == 0 else None


def parse_arguments(words: Iterable[str], line: Line, started: int | None = None, *, exact: bool = False) -> Daemon:
    """sshd(8)'s options, bundled or not. The first word is the program. exact: each word is one argument; a running process shows none."""
    pending = list(words)[1:]
    config, options, ports = "", [], []
    while pending:
        word = pending.pop(0)
        if not word.startswith("-") or word == "-":
            continue
        for at, letter in enumerate(word[1:], 1):
            if letter not in _TAKES_VALUE:
                continue
            value = word[at + 1 :] or (pending.pop(0) if pending else "")
            if letter == "f":
                config = value
            elif letter == "o":
                # a running process shows its arguments without quotes: `-o AuthenticationMethods publickey,password publickey`
                while not exact and pending and not pending[0].startswith("-"):
                    value = f"{value} {pending.pop(0)}"
                options.append(value)
            elif letter == "p" and value.isascii() and value.isdigit():
                ports.append(int(value[:6]))
            break
    return Daemon(config, tuple(options), tuple(ports), started, line)
