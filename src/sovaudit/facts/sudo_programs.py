"""What sudo itself reads and runs on a host, path by path: its own program, plugins and policy, and the commands that somebody may run through it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from sovaudit.facts.changers import Changers, Changes
from sovaudit.facts.files import Stat, Unseen
from sovaudit.facts.host import Host
from sovaudit.facts.parse.globs import glob_matches, has_meta
from sovaudit.facts.shell_words import programs
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

DEBIAN_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PROGRAMS_OF_ROOT = ("mailerpath", "env_file", "restricted_env_file")


@dataclass(frozen=True, slots=True)
class Place:
    """One thing that sudo reads or runs. subject: as it is written. because: the lines that name it."""

    subject: str
    changes: tuple[Changes, ...]
    because: tuple[Line, ...] = ()
    gaps: tuple[Gap, ...] = ()
    certain: bool = True  # sudo does run it

    @property
    def open(self) -> Changes | None:
        """The first that somebody else can change."""
        return next((each for each in self.changes if each.found), None)

    @property
    def unseen(self) -> tuple[Gap, ...]:
        return (*self.gaps, *(gap for each in self.changes for gap in each.gaps))


def places(host: Host) -> Iterator[Place]:
    """Everything that sudo reads as root, then every command that an account other than root may run, once each."""
    changers = Changers(host)
    yield _itself(host, changers)
    commands: dict[str, tuple[list[Line], set[int]]] = {}
    certain: set[str] = set()
    anything: list[Line] = []
    for account in host.accounts:
        if account.uid == 0:
            continue
        for right in host.sudo.grants(account):
            if right.command == "ALL" and not right.pinned:
                anything += right.because
                continue
            if right.pinned or right.command in ("sudoedit", "list") or right.sample is None:
                continue
            for path in (right.command, *_scripts(right.command, right.args)):
                lines, owners = commands.setdefault(path, ([], set()))
                certain |= {path} if right.certain else set()
                lines += right.because
                owners.add(right.sample[0].account.uid)
    for command, (lines, owners) in commands.items():
        # where it runs as one account only, that account's own is no gain
        found = _command(host, changers, command, tuple(dict.fromkeys(lines)), frozenset(owners) if len(owners) == 1 else frozenset())
        yield replace(found, certain=command in certain)
    if anything:
        yield _search_path(host, changers, tuple(dict.fromkeys(anything))[:4])


def _scripts(command: str, args: str | None) -> tuple[str, ...]:
    """What else a fixed command line runs: the script behind an interpreter, the program behind `env` or `su -c`."""
    if not args or has_meta(args) or args.startswith(("^", '"')):
        return ()
    return tuple(path for path in programs(f"{command} {args}") if path != command and path.startswith("/"))


def _itself(host: Host, changers: Changers) -> Place:
    """The program, its plugins, sudo.conf, and every file and folder of the policy that it does read."""
    sudo = host.sudo
    paths = [*sudo.read, *sudo.plugins]
    for default in sudo.policy.defaults:
        if default.name in _PROGRAMS_OF_ROOT and default.op == "=" and default.value.startswith("/"):
            paths.append(default.value)
        elif default.name == "group_plugin" and default.op == "=" and default.value.split():
            name = default.value.split()[0]
            paths.append(name if name.startswith("/") else f"/usr/libexec/sudo/{name}")
    return Place("sudo", tuple(changers.of(path) for path in dict.fromkeys(paths)), (), sudo.gaps)


def _command(host: Host, changers: Changers, command: str, lines: tuple[Line, ...], own: frozenset[int]) -> Place:
    if command.startswith("^"):
        literal = re.split(r"[\\.*+?()|\[\]{}$]", command[1:])[0]
        prefix = changers.of(posixpath.dirname(literal) or "/").but(own)
        gap = Gap(f"file:{lines[0].file}", Reason.UNSUPPORTED, f"which programs {command} names was not worked out")
        return Place(command, (prefix,), lines, (gap,))
    if not has_meta(command) and not command.endswith("/"):
        return Place(command, (changers.of(re.sub(r"\\(.)", r"\1", command)).but(own),), lines)
    pattern = command + "*" if command.endswith("/") else command
    folders, gaps = _folders(host, posixpath.dirname(pattern))
    found: tuple[Changes, ...] = ()
    for folder in folders:
        found += (changers.of(folder),)
        try:
            names = [name for name in host.files.listdir(folder) or () if glob_matches(posixpath.basename(pattern), name)]
            found += tuple(changers.of(f"{folder}/{name}") for name in names)
        except Unseen as unseen:
            if not host.files.walked(changers.of(folder).real):
                gaps = (*gaps, unseen.gap)
                continue
            found += tuple(changers.of(stat.path) for stat in _named_below(host, changers.of(folder).real))
    return Place(command, tuple(each.but(own) for each in found), lines, gaps)


def _folders(host: Host, pattern: str) -> tuple[tuple[str, ...], tuple[Gap, ...]]:
    if not has_meta(pattern):
        return (pattern,), ()
    try:
        return host.files.glob(pattern), ()
    except Unseen as unseen:
        return (), (unseen.gap,)


def _named_below(host: Host, folder: str) -> Iterator[Stat]:
    """What the walk named in a folder: all the rest there is root's alone."""
    return (stat for stat in host.files.paths() if posixpath.dirname(stat.path) == folder)


def _search_path(host: Host, changers: Changers, lines: tuple[Line, ...]) -> Place:
    """Where `sudo NAME` finds a program: secure_path, as the last Defaults sets it; without it the PATH of whoever calls."""
    value = DEBIAN_PATH
    because = lines
    for default in host.sudo.policy.defaults:
        if default.name == "secure_path" and default.scope == "":
            value = "" if default.op == "!" else default.value
            because = (*lines, default.line)
    found: tuple[Changes, ...] = ()
    gaps: tuple[Gap, ...] = ()
    for folder in value.split(":"):
        if not folder.startswith("/"):
            continue
        here = changers.of(folder)
        found += (here,)
        if here.exists is False:
            continue
        if host.files.walked(here.real):
            found += tuple(each for each in (changers.of(stat.path) for stat in _named_below(host, here.real)) if not each.own_affair)
        elif not here.found:
            try:
                found += tuple(changers.of(f"{here.real}/{name}") for name in host.files.listdir(here.real) or ())
            except Unseen as unseen:
                gaps = (*gaps, unseen.gap)
    return Place("secure_path", found, because, gaps)
