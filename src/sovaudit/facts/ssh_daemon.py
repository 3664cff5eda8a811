"""The sshd processes of a host: which configuration file, options and ports each was started with, and when.

From the running listeners where they were seen; otherwise from what would start them: systemd units, /etc/default/ssh,
/etc/sysconfig/sshd.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sovaudit.facts.files import Files, Unseen
from sovaudit.model.finding import Line

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

DEFAULT_CONFIG = "/etc/ssh/sshd_config"
_NOWHERE = Line("", 0, "")
_TAKES_VALUE = "bCcEfghkopu"
_UNITS = ("/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
_DEFAULTS = ("/etc/default/ssh", "/etc/sysconfig/sshd", "/etc/sysconfig/ssh")


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
    return tuple(parse_arguments(words, line) for words, line in _service(host.files)) or (Daemon(),)


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


def parse_arguments(words: Iterable[str], line: Line, started: int | None = None) -> Daemon:
    """sshd(8)'s options, bundled or not. The first word is the program."""
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
                # a running process shows its arguments without quotes: `-o PermitRootLogin yes`
                alone = "=" not in value and " " not in value and pending and not pending[0].startswith("-")
                options.append(f"{value} {pending.pop(0)}" if alone else value)
            elif letter == "p" and value.isascii() and value.isdigit():
                ports.append(int(value[:6]))
            break
    return Daemon(config, tuple(options), tuple(ports), started, line)


def _service(files: Files) -> Iterator[tuple[list[str], Line]]:
    variables, where = _variables(files)
    started = False
    for unit in ("ssh.service", "sshd.service"):
        for line in _commands(files, unit):
            words = _words(line.text.partition("=")[2].strip().lstrip("-@:+!"), variables)
            if words and posixpath.basename(words[0]) == "sshd":
                started = True
                yield words, line
                break
        if started:
            return
    for name in ("SSHD_OPTS", "OPTIONS"):
        if name in variables:
            yield ["sshd", *_words(variables[name], {})], where[name]
            return


def _variables(files: Files) -> tuple[dict[str, str], dict[str, Line]]:
    """Assignments of the service's environment files; the last one of a name counts."""
    found: dict[str, str] = {}
    where: dict[str, Line] = {}
    for path in _DEFAULTS:
        for line in files.lines(path) or ():
            name, equals, value = line.text.strip().partition("=")
            if equals and not name.startswith("#"):
                name = name.removeprefix("export ").strip()
                found[name] = " ".join(_words(value, {}))
                where[name] = line
    return found, where


def _commands(files: Files, unit: str) -> list[Line]:
    """The ExecStart lines in force: the first unit file, then its drop-ins by name; an empty one resets."""
    sources = [path for folder in _UNITS if files.exists(path := f"{folder}/{unit}")][:1]
    drops: dict[str, str] = {}
    for folder in _UNITS:
        for path in files.glob(f"{folder}/{unit}.d/*.conf") if files.exists(f"{folder}/{unit}.d") else ():
            drops.setdefault(posixpath.basename(path), path)
    commands: list[Line] = []
    for path in [*sources, *(drops[name] for name in sorted(drops))]:
        for line in files.lines(path) or ():
            name, equals, value = line.text.partition("=")
            if equals and name.strip() == "ExecStart":
                commands = [*commands, line] if value.strip() else []
    return commands


def _words(text: str, variables: dict[str, str]) -> list[str]:
    try:
        words = shlex.split(text)
    except ValueError:
        words = text.split()
    found: list[str] = []
    for word in words:
        if word.startswith("$"):
            found += variables.get(word.strip("${}"), "").split()
        else:
            found.append(word)
    return found
