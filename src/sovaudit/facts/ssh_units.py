"""The command lines by which systemd starts sshd: its own service, others beside it, and those behind a socket.

Sources: systemd.unit(5), systemd.service(5) "Command lines", systemd.exec(5) "Environment", systemd.socket(5) "Accept".
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sovaudit.facts.files import Files
from sovaudit.facts.parse.ini import Assignment
from sovaudit.facts.systemd_units import Units, pulled_in, written_here
from sovaudit.model.finding import Line

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

OWN = ("ssh.service", "sshd.service")
_DEFAULTS = ("/etc/default/ssh", "/etc/sysconfig/sshd", "/etc/sysconfig/ssh")
_VARIABLE = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Start:
    """words: program and arguments. ports: where a socket unit listens for it."""

    words: tuple[str, ...]
    line: Line
    ports: tuple[int, ...] = ()


def starts(host: Host) -> tuple[Start, ...]:
    """Every sshd that would be started; its own service counts, where nothing else is, whether it is enabled or not. Raises Unseen."""
    units = Units(host)
    wanted = pulled_in(host.files, lambda name: "ssh" in name or written_here(host.files, name))
    others = [start for name in wanted if name not in OWN for start in _behind(units, host.files, name)]
    own = next((found for name in OWN if (found := list(_of(units, host.files, name)))), [])
    if not own and not others:
        return tuple(_defaults(host.files))
    idle = not any(name in wanted for name in OWN) or any(units.masked(name) for name in OWN)
    return tuple(others if others and idle else [*own, *others])


def _behind(units: Units, files: Files, name: str) -> Iterator[Start]:
    if not name.endswith(".socket"):
        yield from _of(units, files, name)
        return
    rows = units.assignments(name, "Socket")
    values = {row.key: row.value for row in rows}
    ports = tuple(int(found[1]) for row in rows if row.key == "ListenStream" and (found := re.search(r"(?:^|:)(\d{1,5})$", row.value)))
    each = values.get("Accept", "no").lower() in ("1", "yes", "y", "true", "t", "on")
    service = name.replace(".socket", "@.service" if each else ".service")
    yield from _of(units, files, values.get("Service", "") or service, ports)


def _of(units: Units, files: Files, unit: str, ports: tuple[int, ...] = ()) -> Iterator[Start]:
    rows = units.assignments(unit)
    commands: list[Assignment] = []
    for row in rows:
        if row.key == "ExecStart":
            commands = [*commands, row] if row.value else []
    instance = unit.partition("@")[2].rpartition(".")[0]
    for row in commands:
        text = re.sub("%[iI]", lambda _: instance, row.value.lstrip("-@:+!"))
        if posixpath.basename(next(iter(text.split()), "")) == "sshd":
            yield Start(tuple(expanded(text, environment(files, rows) if "$" in text else {})), row.line, ports)


def expanded(text: str, variables: dict[str, str]) -> Iterator[str]:
    """`$NAME` alone is split at blanks, quotes heeded; `${NAME}` stays within its word."""
    for word in _split(text):
        if re.fullmatch(r"\$\w+", word):
            yield from _split(variables.get(word[1:], ""))
        else:
            yield _VARIABLE.sub(lambda found: variables.get(found[1], ""), word)


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def environment(files: Files, rows: Iterable[Assignment]) -> dict[str, str]:
    """Environment=, and over it the files of EnvironmentFile=. Raises Unseen."""
    found: dict[str, str] = {}
    paths: list[str] = []
    for row in rows:
        if row.key == "Environment":
            pairs = (word.partition("=") for word in _split(row.value))
            found = {**found, **{name: value for name, _, value in pairs}} if row.value else {}
        elif row.key == "EnvironmentFile":
            paths = [*paths, row.value.removeprefix("-")] if row.value else []
    for path in paths:
        found |= {name: value for name, value, _ in assigned(files, path)}
    return found


def assigned(files: Files, path: str) -> Iterator[tuple[str, str, Line]]:
    for line in files.lines(path) or ():
        name, equals, value = line.text.strip().partition("=")
        if equals and name[:1] not in ("#", ";"):
            yield name.strip(), " ".join(_split(value)) if value.strip()[:1] in ("'", '"') else value.strip(), line


def _defaults(files: Files) -> Iterator[Start]:
    """Where no unit was seen: what the init script's settings say."""
    for path in _DEFAULTS:
        for name, value, line in reversed(list(assigned(files, path))):
            if name.removeprefix("export ").strip() in ("SSHD_OPTS", "OPTIONS"):
                yield Start(("sshd", *_split(value)), line)
                return
