"""Terminals that open by themselves: what systemd units and inittab start on a console, and whom that lets in without being asked.

Sources: systemd.unit(5), systemd.service(5), agetty(8), login(1), inittab(5).
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sovaudit.facts.files import Unseen
from sovaudit.facts.parse.ini import Assignment, parse_ini
from sovaudit.facts.systemd_boot import template_of
from sovaudit.facts.systemd_units import pulled_in, written_here
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

FOLDERS = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)
TEMPLATES = ("getty@", "autovt@", "serial-getty@", "container-getty@")
PLAIN = ("console-getty.service", "debug-shell.service")
SHELLS = frozenset("sh bash dash ash zsh ksh mksh csh tcsh busybox".split())
GETTYS = frozenset({"agetty", "getty"})
SESSIONS = frozenset(
    "startx xinit cage weston sway labwc wayfire gnome-session startplasma-wayland startplasma-x11 startxfce4 kiosk-session".split()
)
HARMLESS = frozenset({"true", "false", "sleep", "sulogin"})
# agetty's options: long ones may be abbreviated as long as that is unique
_VALUED = "autologin chdir delay issue-file host init-string erase-chars kill-chars login-options login-program chroot timeout nice".split()
_PLAIN = (
    "8bits noreset remote flow-control noissue noclear local-line extract-baud list-speeds skip-login nonewline nohostname "
    "long-hostname hangup keep-baud login-pause detect-case wait-cr nohints reload show-issue version help"
).split()
_LETTERS = {"a": "autologin", "o": "login-options", "l": "login-program", "n": "skip-login"}
_VALUED_LETTERS = "aCdfHIloPrt"


@dataclass(frozen=True, slots=True)
class Opening:
    """Somebody who is in without being asked. who: an account; empty: whoever one names. login: the account phase of `login` still holds.

    gap: why that is not certain. where: the unit or terminal.
    """

    who: str
    login: bool
    where: str
    because: tuple[Line, ...]
    gap: Gap | None = None
    bundled: bool = False  # the command line bundles options of `login`


def openings(host: Host) -> tuple[Opening, ...]:
    """Every terminal that opens by itself, as configured. Raises Unseen where the administrator's units were not seen."""
    bundles = _bundles(host)
    found = [one for one in (*_units(host), *_inittab(host)) if not (one.bundled and bundles is False)]
    return tuple(dict.fromkeys(replace(one, gap=_WHICH) if one.bundled and bundles is None else one for one in found))


_WHICH = Gap("packages", Reason.ABSENT, "shadow's login refuses bundled options, util-linux's takes them; which one is there was not seen")


def _bundles(host: Host) -> bool | None:
    """Whether `login` takes bundled options: util-linux's does, shadow's (Debian's up to version 12) does not. None: not known."""
    try:
        if version := host.packages.get("login", ""):
            return "really" in version or version.startswith(("2.", "1:2."))
        return True if "util-linux" in host.packages else None
    except Unseen:
        return None


# systemd


def _units(host: Host) -> Iterator[Opening]:
    names = set(PLAIN[:1])
    for template in TEMPLATES:
        names.add(f"{template}.service")
    for folder in FOLDERS:
        for entry in _names(host, folder):
            name = entry.removesuffix(".d")
            if name.endswith(".service") and (name.startswith(TEMPLATES) or name in PLAIN):
                names.add(name)
            elif entry.endswith((".wants", ".requires")) and folder == FOLDERS[0]:
                names |= {below for below in _names(host, f"{folder}/{entry}") if below.startswith(TEMPLATES) or below in PLAIN}
    for name in sorted(names):
        if name == "debug-shell.service" and not _wanted(host, name):
            continue
        yield from _unit(host, name)
    for name in pulled_in(host.files, lambda name: name.endswith(".service") and written_here(host.files, name)):
        if name not in names and not name.startswith(TEMPLATES):
            yield from _own(host, name)


def _own(host: Host, name: str) -> Iterator[Opening]:
    """A unit of the administrator's own that takes a terminal: a getty, or somebody's session that nobody has to open."""
    rows = [row for row in _rows(host, name, template_of(name)) or () if row.section == "Service"]
    values = {row.key: row for row in rows}
    start = values.get("ExecStart")
    words = _split(re.sub("%[iI]", lambda _: name.partition("@")[2].rpartition(".")[0], start.value)) if start is not None else []
    if start is None or not words:
        return
    program = posixpath.basename(words[0])
    if program in GETTYS | {"login"}:
        yield from _program([word if word != "$TERM" else "linux" for word in words], "root", name, (start.line,))
        return
    terminal = next((values[key] for key in ("TTYPath", "StandardInput") if key in values and "tty" in values[key].value), None)
    if terminal is None or program in HARMLESS:
        return
    user, service = (values[key].value if key in values else "" for key in ("User", "PAMName"))
    because = (*(values[key].line for key in ("ExecStart", "User", "PAMName") if key in values), terminal.line)
    known = program in SESSIONS or (program in SHELLS and set(words[1:]) <= {"-l", "--login", "-i"})
    yield Opening(user or "root", service == "login", name, because, None if known else _doubt(because, words))


def _names(host: Host, folder: str) -> tuple[str, ...]:
    try:
        return host.files.listdir(folder) or ()
    except Unseen:
        if folder.startswith("/etc/"):
            raise
        return ()  # a vendor's folder: its gettys are what every distribution's are


def _wanted(host: Host, name: str) -> bool:
    top = FOLDERS[0]
    return any(name in _names(host, f"{top}/{entry}") for entry in _names(host, top) if entry.endswith((".wants", ".requires")))


def _unit(host: Host, name: str) -> Iterator[Opening]:
    template = template_of(name)
    rows = _rows(host, name, template)
    if rows is None:
        return
    values: dict[str, list[Assignment]] = {}
    for row in rows:
        if row.section != "Service":
            continue
        if row.key == "ExecStart" and not row.value:
            values.pop("ExecStart", None)
        elif row.key == "ExecStart":
            values.setdefault("ExecStart", []).append(row)
        else:
            values[row.key] = [row]
    starts = values.get("ExecStart", [])
    kind = values["Type"][0].value if "Type" in values else ""
    if not starts and name == "debug-shell.service":
        wanted = Line(f"{FOLDERS[0]}/sysinit.target.wants/{name}", 0, f"{name} is started at boot")
        yield Opening("root", False, name, (wanted,))
    if len(starts) != 1 and kind != "oneshot":
        return  # systemd refuses a unit with several, and one with none starts nothing
    user = values["User"][0].value if "User" in values else "root"
    for start in starts:
        words = _split(start.value)
        words = [word for text in words for word in ([text] if text != "$TERM" else ["linux"])]
        yield from _program(words, user, name, (start.line,))


def _rows(host: Host, name: str, template: str) -> list[Assignment] | None:
    """The unit's assignments, drop-ins after it by file name, those of the instance before those of the template; None if it is masked."""
    found: list[Assignment] = []
    fragment = ""
    for wanted in dict.fromkeys((name, template)):
        for folder in FOLDERS:
            try:
                stat = host.files.stat(f"{folder}/{wanted}")
                if stat is None:
                    continue
                if stat.link == "/dev/null" or (stat.kind == "f" and stat.size == 0):
                    return None
                real = host.files.resolve(f"{folder}/{wanted}")
                if real is None:
                    continue
                if template == "autovt@.service" and posixpath.basename(real) != posixpath.basename(template):
                    return None  # an alias: the unit that it names is looked at by itself
                found += _assignments(host, f"{folder}/{wanted}")
                fragment = wanted
                break
            except Unseen:
                if folder.startswith("/etc/"):
                    raise
        if fragment:
            break
    drops: dict[str, str] = {}
    for wanted in dict.fromkeys((name, template)):
        for folder in FOLDERS:
            for entry in _names(host, f"{folder}/{wanted}.d"):
                if entry.endswith(".conf"):
                    drops.setdefault(entry, f"{folder}/{wanted}.d/{entry}")
    for entry in sorted(drops):
        try:
            found += _assignments(host, drops[entry])
        except Unseen:
            if drops[entry].startswith("/etc/"):
                raise
    return found


def _assignments(host: Host, path: str) -> tuple[Assignment, ...]:
    return parse_ini(host.files.lines(path) or ())


def _split(text: str) -> list[str]:
    try:
        words = shlex.split(text)
    except ValueError:
        words = text.split()
    return [words[0].lstrip("@-:+!"), *words[1:]] if words else []


# inittab


def _inittab(host: Host) -> Iterator[Opening]:
    """/etc/inittab, of System V's init or busybox's, where systemd is not init."""
    try:
        init = host.files.resolve("/sbin/init")
        if init is not None and init.endswith("/systemd"):
            return
        lines = host.files.lines("/etc/inittab") or ()
    except Unseen as unseen:
        if unseen.gap.reason is not Reason.ABSENT:
            raise
        return
    for line in lines:
        cells = line.text.split("#")[0].strip().split(":", 3) if not line.text.startswith("#") else []
        if len(cells) == 4 and cells[2] in ("respawn", "wait", "once", "askfirst", "ondemand", "boot", "bootwait"):
            words = _split(cells[3])
            if words and (posixpath.basename(words[0]) in SHELLS | {"login"} or "getty" in words[0]):
                yield from _program(words, "root", "inittab", (line,))


# programs


def _program(words: list[str], user: str, where: str, because: tuple[Line, ...]) -> Iterator[Opening]:
    """Whom this command line lets in without asking."""
    if not words:
        return
    name = posixpath.basename(words[0])
    if name in GETTYS:
        yield from _agetty(words[1:], where, because)
    elif name == "login":
        yield from _login(words[1:], "", where, because)
    elif name in SHELLS:
        arguments = [word for word in words[1:] if word not in ("-l", "--login", "-i", "sh", "-", "linux")]
        yield Opening(user, False, where, because, _doubt(because, words) if arguments else None)
    elif name not in HARMLESS:
        yield Opening("", False, where, because, _doubt(because, words))


def _doubt(because: tuple[Line, ...], words: Iterable[str]) -> Gap:
    return Gap(f"file:{because[0].file}", Reason.UNSUPPORTED, f"what `{' '.join(words)}` asks is not known")


def _agetty(arguments: list[str], where: str, because: tuple[Line, ...]) -> Iterator[Opening]:
    options = agetty_options(arguments)
    program, auto, given = options.get("login-program", "/bin/login"), options.get("autologin"), options.get("login-options")
    name = posixpath.basename(program)
    if name in SHELLS:
        if "skip-login" in options and not auto:
            yield Opening("root", False, where, because)
    elif name != "login":
        yield Opening("", False, where, because, _doubt(because, [program]))
    elif given is not None:  # it replaces what agetty would tell login, the `-f` of an automatic login too
        words = given.split()
        typed = auto or ("" if "skip-login" in options else "\\u")
        yield from _login([word.replace("\\\\u", "\\u").replace("\\u", typed) for word in words], "\\u", where, because)
    elif auto:
        yield Opening(auto, True, where, because)


def _login(arguments: list[str], typed: str, where: str, because: tuple[Line, ...]) -> Iterator[Opening]:
    """login(1): `-f NAME` asks no password. typed: the word that stands for what somebody types."""
    trusted, bundled, pending, names = False, False, list(arguments), []
    while pending:
        word = pending.pop(0)
        if word == "--":
            names += pending
            break
        if not word.startswith("-") or word == "-":
            names.append(word)
            continue
        bundled = bundled or len(word) > 2
        for at, letter in enumerate(word[1:], 1):
            trusted = trusted or letter == "f"
            if letter in "dhr":  # a value follows
                if at == len(word) - 1 and pending:
                    pending.pop(0)
                break
    names = [name for name in names if name]
    if trusted and names:
        yield Opening("" if names[0] == typed else names[0], True, where, because, bundled=bundled)


def agetty_options(arguments: Iterable[str]) -> dict[str, str]:
    """agetty's options, those that matter by their long names, each with its value or an empty text; the last one holds.

    >>> agetty_options(["-Ja", "bob", "--login-pr=/bin/sh", "-"])
    {'J': '', 'autologin': 'bob', 'login-program': '/bin/sh'}
    """
    found: dict[str, str] = {}
    pending = list(arguments)
    while pending:
        word = pending.pop(0)
        if word == "--":
            break
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            whole = _long(name)
            found[whole] = value if equals or whole not in _VALUED else pending.pop(0) if pending else ""
        elif word.startswith("-"):
            for at, letter in enumerate(word[1:], 1):
                name = _LETTERS.get(letter, letter)
                if letter in _VALUED_LETTERS:
                    found[name] = word[at + 1 :] or (pending.pop(0) if pending else "")
                    break
                found[name] = ""
                if letter == "L":
                    break  # an optional value is attached
    return found


def _long(name: str) -> str:
    every = (*_VALUED, *_PLAIN)
    if name in every:
        return name
    fits = [option for option in every if option.startswith(name)]
    return fits[0] if len(fits) == 1 else ""
