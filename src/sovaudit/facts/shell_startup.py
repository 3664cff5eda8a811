"""Which startup files a login shell reads, and what they leave: umask and TMOUT of an account's session.

Sources: bash(1) "INVOCATION" (Debian's build reads /etc/bash.bashrc too, and ~/.bashrc for a command over ssh), dash(1), zsh(1) "STARTUP/SHUTDOWN
FILES". csh and its kin are not followed.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from sovaudit.facts.accounts import Account
from sovaudit.facts.files import Unseen
from sovaudit.facts.shell_expand import World
from sovaudit.facts.shell_run import Runner
from sovaudit.facts.shell_shared import startup
from sovaudit.facts.shell_state import UNKNOWN, State, Values
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

_DIALECTS = {"bash": "bash", "rbash": "bash", "dash": "dash", "zsh": "zsh", "ash": "dash"}
_NAMED_SH = "sh"


@dataclass(frozen=True, slots=True)
class Session:
    """What the startup files leave. umask: possible masks → their line (None: not known). tmout: possible values of TMOUT.

    ends: the session ends before its first prompt. readonly: TMOUT cannot be changed. asked: the files asked whether sshd began it.
    """

    shell: str
    umask: dict[int | None, Line]
    tmout: Values
    readonly: bool
    lines: tuple[Line, ...]
    gaps: tuple[Gap, ...]
    ends: bool = False
    asked: bool = True


# zsh(1): another folder of startup files, options that leave files out or split words, a pattern that matches nothing, which ends the file,
# `f() { … }` without a semicolon, arithmetic that assigns.
_ZSH_ALONE = re.compile(
    r"^[^#\n]*(?:\bZDOTDIR\b|\b(?:un)?setopt\b[^#\n]*(?i:rcs|sh_?word_?split|null_?glob|ksh|posix)|\bemulate\b(?!\s+(?:-L\s+)?zsh\b)|\(\([^#\n]*\bTMOUT\b|"
    r"\bfor\s[^#\n]*\sin\s[^#;\n]*[*?]|\{[^};#\n]*\b(?:TMOUT|umask)\b[^};#\n]*\})",
    re.MULTILINE,
)


def dialect(host: Host, account: Account) -> str:
    """`bash`, `dash`, `zsh`, or `` for a shell that is not followed. Raises Unseen where the program was not seen."""
    shell = account.shell or "/bin/sh"
    name = shell.rpartition("/")[2]
    real = host.files.resolve(shell)
    if real is None:
        return ""
    program = real.rpartition("/")[2]
    if name in ("bash", "dash", "zsh", "rbash") and program == name:
        return _DIALECTS[name]
    if program in ("bash", "rbash"):
        return "sh" if name == _NAMED_SH else "bash"
    return "dash" if program == "dash" else "zsh" if program == "zsh" else ""


def session(host: Host, account: Account, over: str, begins: dict[int | None, Line], environment: dict[str, tuple[str, Line]]) -> Session:
    """over: `console`, `ssh`, or `ssh command`. begins: the masks with which the shell may start. environment: variables that PAM sets.

    Raises Unseen where the shell's program was not seen.
    """
    kind = dialect(host, account)
    shell = account.shell or "/bin/sh"
    start = State(dict(begins))
    interactive = over != "ssh command"
    for name, (value, line) in environment.items():
        start.set(name, value, line)
        start.exported |= {name}
    if kind == "":
        unfollowed = Gap(f"file:{shell}", Reason.UNSUPPORTED, "what this shell reads is not followed")
        start.blur(account.because[0], unfollowed)
        return _left(shell, start)
    world = World(host, account, {"sh": "bash"}.get(kind, kind), interactive, over)
    for name, value in {"HOME": account.home, "USER": account.name, "LOGNAME": account.name, "SHELL": shell}.items():
        start.set(name, value)
    start.set("@", "")
    start.set("#", "0")
    for number in range(1, 10):
        start.set(str(number), None)
    if over == "console":
        for name in ("SSH_CLIENT", "SSH_CONNECTION", "SSH_TTY"):
            start.set(name, None)
    if kind in ("bash", "sh"):
        start.set("UID", str(account.uid))
        start.set("EUID", str(account.uid))
        start.readonly |= {"UID": True, "EUID": True}
        start.set("BASH", shell)
        start.set("BASH_VERSION", "5.2.15(1)-release")
        for name in ("BASH_VERSINFO", "COMP_WORDBREAKS", "IFS", "OPTIND", "GROUPS"):
            start.set(name, UNKNOWN)
    elif kind == "zsh":
        start.set("UID", str(account.uid))
        start.set("EUID", str(account.uid))
        start.set("ZSH_VERSION", "5.9")
    if interactive:
        start.set("PS1", "$ ")
    runner = Runner(world)
    state: State | None = start
    like = (kind, over, shell, tuple(begins.items()), tuple(environment.items()))
    if kind in ("bash", "sh"):
        state = _bash(runner, account, start, interactive, like)
    elif kind == "dash":
        state = _some(runner, start, ("/etc/profile", f"{account.home}/.profile"), like) if interactive else start
        state = _env(runner, state) if interactive else state
    else:
        state = _zsh(runner, account, start, interactive, like)
    if state is None:
        return Session(shell, {}, frozenset(), False, (), (), True)
    return _left(shell, state, asked=world.asked)


def _left(shell: str, state: State, *, asked: bool = True) -> Session:
    tmout = state.variables.get("TMOUT", frozenset({state.get("TMOUT")}))
    return Session(shell, state.umask, tmout, state.readonly.get("TMOUT", False), state.lines.get("TMOUT", ()), state.gaps, asked=asked)


def _some(runner: Runner, state: State | None, paths: tuple[str, ...], like: Hashable = None) -> State | None:
    """like: given for the first files that a shell reads."""
    for number, path in enumerate(paths):
        if state is None:
            return None
        _, state = startup(runner, path, state, like) if like is not None and number == 0 else runner.startup(path, state)
    return state


def _bash(runner: Runner, account: Account, state: State, interactive: bool, like: tuple[Hashable, ...]) -> State | None:
    home, as_sh = account.home, like[0] == "sh"
    if not interactive:
        if as_sh or not _debian(runner):
            if as_sh:
                return state
            state.blur(Line("/bin/bash", 0, "whether it reads ~/.bashrc for a command over ssh depends on its build"), _build())
            return state
        return _some(runner, state, ("/etc/bash.bashrc", f"{home}/.bashrc"), like)
    taken, left = startup(runner, "/etc/profile", state, like)
    if left is None:
        return None
    if as_sh:
        return _env(runner, _some(runner, left, (f"{home}/.profile",)))
    for name in (".bash_profile", ".bash_login", ".profile"):
        taken, left = runner.startup(f"{home}/{name}", left)
        if taken or left is None:
            break
    return left


def _build() -> Gap:
    return Gap("file:/bin/bash", Reason.UNSUPPORTED, "a build that is not Debian's")


def _debian(runner: Runner) -> bool:
    try:
        system = runner.world.host.os
    except Unseen:
        return False
    words = f"{system.get('ID', '')} {system.get('ID_LIKE', '')}".lower().split()
    return bool({"debian", "ubuntu"} & set(words))


def _env(runner: Runner, state: State | None) -> State | None:
    """$ENV: a file that an interactive sh reads at last."""
    if state is None:
        return None
    value = state.get("ENV")
    if value is None or value == "":
        return state
    if isinstance(value, str) and value.startswith("/") and "$" not in value:
        return runner.startup(value, state)[1]
    state = state.copy()
    state.blur(Line("ENV", 0, "names a file that was not seen"), Gap("file:$ENV", Reason.AMBIGUOUS, "the file that ENV names is not known"))
    return state


def _zsh(runner: Runner, account: Account, state: State, interactive: bool, like: Hashable) -> State | None:
    folder = "/etc/zsh" if runner.world.host.files.exists("/etc/zsh") else "/etc"
    names = ("zshenv",) if not interactive else ("zshenv", "zprofile", "zshrc", "zlogin")
    paths: list[str] = []
    for name in names:
        paths += [f"{folder}/{name}", f"{account.home}/.{name}"]
    left = _some(runner, state, tuple(paths), like)
    for path in paths if left is not None else ():
        try:
            odd = _oddity(runner.world.host.files.read(path) or "")
        except Unseen:
            continue
        if odd and left is not None:
            left = left.copy()
            left.readonly.pop("TMOUT", None)
            left.blur(Line(path, 0, odd), Gap(f"file:{path}", Reason.UNSUPPORTED, f"zsh's own way: {odd}"))
    return left


@lru_cache(maxsize=64)
def _oddity(text: str) -> str:
    """What zsh takes in a way of its own that is not followed; empty if there is none."""
    match = _ZSH_ALONE.search(text)
    return " ".join(match[0].split())[:80] if match else ""
